"""A name with external linkage is one function's in all that a program may link: of two, the
linker would take the program's own, and say nothing."""
import collections
import pathlib
import subprocess

import pytest
from chancery import BUILD

pytestmark = pytest.mark.plain("looks at symbols, where a sanitizer has its own")

# parts of one program, in a library for its tests; and the installed libraries, made of others
OTHERS = ("libchancery", "libchancery_jwks", "collector", "coredump", "fetcher", "gate", "issuer", "packer", "redactor", "registry")


def defined(files):
    """{name: folders that define it}"""
    said = subprocess.run(["nm", "-A", "--defined-only", "-g", *map(str, files)], check=True,
                          capture_output=True, text=True).stdout
    found = collections.defaultdict(set)
    for line in said.splitlines():
        where, _, name = line.rpartition(" ")
        member = pathlib.Path(where.rpartition(":")[0].rpartition(":")[2])
        # a component may have several libraries, with one source in two, or two to choose from
        found[name].add(member.parent.parent)
    return found


def of_program(name, objects):
    shared = [a for a in BUILD.glob("src/*/*.a")
              if a.parent.name not in OTHERS or a.parent.name == name]
    assert len(shared) > 20 and objects
    return {n: at for n, at in defined([*shared, *objects]).items() if len(at) > 1}


def programs():
    yield "chancery", sorted((BUILD / "chancery.p").glob("*.o"))
    for folder in sorted((BUILD / "libexec" / "chancery").glob("*.p")):
        yield folder.stem, sorted(folder.glob("*.o"))


def test_no_program_has_two_of_a_name():
    seen = {name: of_program(name, objects) for name, objects in programs()}
    assert len(seen) > 10
    assert not {n: twice for n, twice in seen.items() if twice}


def test_two_of_a_name_are_seen(tmp_path):
    (tmp_path / "x.c").write_text("int record_read(void) { return 0; }\n")
    subprocess.run(["cc", "-c", tmp_path / "x.c", "-o", tmp_path / "x.o"], check=True)
    assert "record_read" in of_program("chancery", [tmp_path / "x.o"])
