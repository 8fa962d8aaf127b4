"""An installed tree of libchancery, and what its headers declare."""
import os
import re
import subprocess

from chancery import BUILD, ROOT, SANITIZED

STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover"] if SANITIZED else []
# how an example is compiled: against the shared library, and with no shared library at all
FLAVOURS = {
    "gcc-c99": ["gcc", *SANITIZE, "-std=c99", *STRICT],
    "clang-c99": ["clang", "-std=c99", *STRICT],
    "g++-c++11": ["g++", *SANITIZE, "-x", "c++", "-std=c++11", *STRICT],
    "clang++-c++17": ["clang++", "-x", "c++", "-std=c++17", *STRICT],
    "static": ["gcc", "-static", "-std=c99", *STRICT],
}


def run(*args, **kwargs):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=120,
                          check=False, **kwargs)
    return done


def must(*args, **kwargs):
    done = run(*args, **kwargs)
    assert done.returncode == 0, f"{args}:\n{done.stdout}{done.stderr}"
    return done.stdout


class Installed:
    """`meson install` into a folder, seen through pkg-config as a packager would."""

    def __init__(self, folder):
        self.root = folder
        must("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder)
        found = list(folder.rglob("chancery.pc"))
        assert len(found) == 1
        self.lib = found[0].parent.parent
        self.include = next(folder.rglob("chancery/chancery.h")).parent
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(found[0].parent),
                    "PKG_CONFIG_SYSROOT_DIR": str(folder)}

    def flags(self, *what):
        return must("pkg-config", *what, "chancery", env=self.env).split()

    def build(self, source, flavour, to):
        """Flags of the libraries come last, and as C whatever language the source is."""
        static = ["--static"] if flavour == "static" else []
        linked = ["-x", "none", *self.flags(*static, "--libs"), "-pthread"]
        must(*FLAVOURS[flavour], *self.flags("--cflags"), "-o", to, source, *linked)
        return to

    def run(self, program, *args, given=""):
        return run(program, *args, input=given,
                   env={**os.environ, "LD_LIBRARY_PATH": str(self.lib)})


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def one_blank(text):
    return re.sub(r"\s*([*(),])\s*", r" \1 ", re.sub(r"\s+", " ", text)).replace("  ", " ").strip()


def prototypes(headers):
    """{name: prototype without attributes, in one spelling}"""
    found = {}
    for header in headers:
        text = without_comments(header.read_text())
        for proto in re.findall(r"\bCH_API\b([^;{]*);", text):
            proto = one_blank(proto.replace("CH_MUST_CHECK", ""))
            found[re.search(r"(\w+) \(", proto).group(1)] = proto
    return found


def mapped(library):
    """The names in the list of what the library exports."""
    text = without_comments((ROOT / f"src/lib{library}/{library}.map").read_text())
    return set(re.findall(r"\b(ch_\w+);", text))
