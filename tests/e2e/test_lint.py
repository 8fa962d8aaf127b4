"""Each rule of the house linter fires on a tiny bad tree, and none on a good one."""
import subprocess

import pytest

pytestmark = pytest.mark.plain("is about the linter")

GOOD_C = "/* What this is. */\n#include \"base/bytes.h\"\n\nint one(void)\n{\n\treturn 1;\n}\n"
GOOD_H = "/* A contract. */\n#pragma once\nint one(void);\n"
OPEN = "/* What this is. */\n"


def lint(root_dir, tree, files):
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run([root_dir / "tools/lint", tree], capture_output=True, text=True,
                          check=False)
    assert not done.stderr
    assert done.returncode == (1 if done.stdout else 0)
    return done.stdout


def test_a_good_tree_is_quiet(root_dir, tmp_path):
    files = {"src/token/one.c": GOOD_C, "src/token/include/token/one.h": GOOD_H,
             "packages.txt": "libssl-dev build\n",
             "src/token/meson.build": "dependency('libcrypto')\n"}
    assert lint(root_dir, tmp_path, files) == ""


def body(lines):
    return OPEN + "int f(void)\n{\n" + "\tone();\n" * lines + "}\n"


BAD = [
    ("layers", "src/codec/a.c", OPEN + '#include "token/verify.h"\n'),
    ("layers", "src/warden/a.c", OPEN + '#include "codec/json.h"\n'),
    ("layers", "src/base/a.c", OPEN + '#include "wire/boot.h"\n'),
    ("layers", "src/cli/a.c", OPEN + '#include "signer/steps.h"\n'),
    ("layers", "src/novel/a.c", OPEN),
    ("foreign", "src/token/a.c", OPEN + "#include <openssl/evp.h>\n"),
    ("foreign", "src/signer/a.c", OPEN + "#include <sodium.h>\n"),
    ("foreign", "src/issuer/a.c", OPEN + "#include <microhttpd.h>\n"),
    ("foreign", "src/issuer/b.c", OPEN + "#include <sqlite3.h>\n"),
    ("foreign", "src/gate/a.c", OPEN + "#include <curl/curl.h>\n"),
    ("foreign", "src/cli/a.c", OPEN + "#include <yaml.h>\n"),
    ("foreign", "src/signer/b.c", OPEN + "#include <linux/landlock.h>\n"),
    ("banned", "src/codec/a.c", OPEN + "int f(void)\n{\n\tstrcpy(a, b);\n}\n"),
    ("banned", "src/codec/b.c", OPEN + "int f(void)\n{\n\treturn atoi(s);\n}\n"),
    ("banned", "src/codec/c.c", OPEN + "int f(void)\n{\n\tmemcpy(a, b, 2);\n}\n"),
    ("banned", "src/codec/d.c", OPEN + "int f(void)\n{\n\tp = malloc(2);\n}\n"),
    ("banned", "src/base/e.c", OPEN + "int f(void)\n{\n\tsprintf(p, s);\n}\n"),
    ("banned", "src/issuer/f.c", OPEN + "int f(void)\n{\n\tsecret_peek(s);\n}\n"),
    ("comment", "src/base/a.c", OPEN + "int a; // why\n"),
    ("goto", "src/base/a.c", OPEN + "int f(void)\n{\n\tgoto out;\n}\n"),
    ("todo", "src/base/a.c", OPEN + "/* TODO later */\n"),
    ("blanks", "src/base/a.c", OPEN + "int a; \n"),
    ("function", "src/base/a.c", body(61)),
    ("file", "src/base/a.c", OPEN + "int a;\n" * 600),
    ("opening", "src/base/a.c", "int a;\n"),
    ("header", "src/base/include/base/a.h", "int a;\n"),
    ("packages", "src/base/meson.build", "x = dependency('libsodium')\n"),
    ("packages", "src/base/meson.build", "x = dependency('unheard-of')\n"),
]


@pytest.mark.parametrize("rule,name,text", BAD, ids=lambda v: v if "/" in v[:40] else None)
def test_each_rule_fires(root_dir, tmp_path, rule, name, text):
    out = lint(root_dir, tmp_path, {name: text, "packages.txt": "gcc build\n"})
    assert f": {rule}: " in out and out.startswith(name + ":"), out


GOOD = [
    ("src/base/a.c", body(60)),
    ("src/base/b.c", OPEN + "int f(void)\n{\n\tmemcpy(a, b, 2);\n}\n"),
    ("src/crypto/c.c", OPEN + "int f(void)\n{\n\tsecret_peek(s);\n}\n"),
    ("src/codec/d.c", OPEN + 'const char *s = "goto // strcpy(";\n'),
    ("src/codec/e.c", OPEN + "/* never goto; not malloc() // */\n"),
    ("src/base/f.c", OPEN + "/* TODO #12 */\n"),
    ("src/codec/g.c", OPEN + "int f(void)\n{\n\tx->malloc(2);\n}\n"),
]


@pytest.mark.parametrize("name,text", GOOD)
def test_what_is_allowed_passes(root_dir, tmp_path, name, text):
    assert lint(root_dir, tmp_path, {name: text}) == ""


def test_decisions_have_numbers_of_their_own(root_dir, tmp_path):
    files = {"docs/decisions/001-one.md": "# 001: One\n", "docs/decisions/002-two.md": "# 002: Two\n"}
    assert lint(root_dir, tmp_path, files) == ""
    said = lint(root_dir, tmp_path, {"docs/decisions/002-too.md": "# 003: Too\n"})
    assert "002-two.md:1: decision: 002 is 002-too.md: take the next free" in said
    assert "002-too.md:1: decision: begin with `# 002: title`" in said


def test_commit_subjects(root_dir, tmp_path):
    def git(*words):
        subprocess.run(["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.test",
                        *words], check=True, capture_output=True)
    git("init", "-q")
    for subject in ("base: says what it does", "no component", "base: ends in a stop.",
                    "base: " + "x" * 70):
        git("commit", "-q", "--allow-empty", "-m", subject)
    out = lint(root_dir, tmp_path, {})
    assert out.count(": subject: ") == 3, out
