"""The documents name what is in the tree, and only that."""
import pathlib
import re
import subprocess

import pytest

pytestmark = pytest.mark.plain("reads documents and names, runs nothing")


def architecture(root_dir):
    return (root_dir / "docs/ARCHITECTURE.md").read_text()


def test_every_folder_of_src_has_its_line(root_dir):
    named = re.findall(r"^\| `src/([a-z_]+)/` \|", architecture(root_dir), re.M)
    there = sorted(p.name for p in (root_dir / "src").iterdir() if p.is_dir())
    assert sorted(named) == there


def test_every_program_has_its_line(root_dir, chancery):
    named = set(re.findall(r"^\| `(chancery-[a-z]+|chancery)` \|", architecture(root_dir), re.M))
    roles = (pathlib.Path(chancery).parent / "libexec/chancery").iterdir()
    built = {"chancery-" + p.name.removeprefix("chancery-") for p in roles if p.is_file()}
    assert named == built | {"chancery"}


@pytest.mark.parametrize("document", ["docs/PRIVSEP.md", "docs/THREATS.md"])
def test_every_role_is_in_the_tables(root_dir, chancery, document):
    text = (root_dir / document).read_text()
    for path in (pathlib.Path(chancery).parent / "libexec/chancery").iterdir():
        if path.is_file():
            assert re.search(rf"^\| \**{path.name.removeprefix('chancery-')}\b", text, re.M), path.name


def test_links_between_documents_lead_somewhere(root_dir):
    documents = [*root_dir.glob("*.md"), *(root_dir / "docs").glob("*.md")]
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_unit_starts_what_make_install_installs(root_dir):
    prefix = re.search(r"^PREFIX +\?= (\S+)$", (root_dir / "Makefile").read_text(), re.M).group(1)
    unit = (root_dir / "contrib/systemd/chancery-gate.service").read_text()
    started = re.findall(r"^Exec\w+=(\S+) gate -c", unit, re.M)
    assert started == [f"{prefix}/bin/chancery"] * 2


def test_the_unit_of_the_crash_handler_starts_what_make_install_installs(root_dir):
    prefix = re.search(r"^PREFIX +\?= (\S+)$", (root_dir / "Makefile").read_text(), re.M).group(1)
    unit = (root_dir / "contrib/systemd/chancery-coredump.service").read_text()
    state = re.search(r'DUMP_STATE_DEFAULT "(\S+)"',
                      (root_dir / "src/wire/include/wire/dump_settings.h").read_text()).group(1)
    started = re.findall(r"^Exec\w+=-?(\S+) (\w+) (\S+)$", unit, re.M)
    program = f"{prefix}/libexec/chancery/coredump"
    assert started == [(program, "serve", state), (program, "restore", state)]
    for name in ["docs/COREDUMP.md", "contrib/coredump/coredump.yaml"]:
        assert state in (root_dir / name).read_text(), name


def test_help_lists_every_target(root_dir):
    text = (root_dir / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", text, re.M).group(1)
                  .replace("\\\n", " ").split())
    done = subprocess.run(["make", "-C", root_dir, "help"], capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^make (\S+) ", done.stdout, re.M))
    assert listed == targets - {"asan-build", "compile", "with-tests"}


def test_the_readme_has_its_two_commands(root_dir):
    text = (root_dir / "README.md").read_text()
    assert "\nmake run" in text and "\nmake test" in text


def test_the_example_policy_has_every_key(root_dir):
    """Those that the parser knows, by its own words; and docs/GATE.md names them."""
    source = (root_dir / "src/config/gate_file.c").read_text()
    known = set(re.findall(r'\{ "([a-z_]+)", FIELD_', source))
    example = (root_dir / "contrib/nginx/gate.yaml").read_text()
    shown = set(re.findall(r"(?m)^#? *(?:- )?([a-z_]+):(?: |$)", example))
    fetch = {"fresh_min_s", "fresh_max_s", "fresh_default_s", "cooldown_s", "retry_min_s",
             "retry_max_s", "timeout_s", "ca_file", "stale_s"}  # docs/OPERATING.md has them
    assert known - fetch - shown == {"mailboxes"} - shown
    document = (root_dir / "docs/GATE.md").read_text()
    for key in known - fetch - {"id", "secret_file", "kid", "from", "until"}:
        assert f"`{key}`" in document, key


def test_every_field_that_the_gate_reads_or_sets_is_documented(root_dir):
    document = (root_dir / "docs/GATE.md").read_text()
    source = "".join((root_dir / "src/gate" / name).read_text()
                     for name in ("check.c", "challenge.c"))
    fields = set(re.findall(r'http_field\(r, "([A-Za-z-]+)"\)', source))
    fields |= set(re.findall(r'LIT\("([A-Z][A-Za-z]*-[A-Za-z-]+)"\)', source))
    assert {"X-Original-URI", "X-Token-Subject", "WWW-Authenticate"} <= fields
    for field in fields:
        assert f"`{field}`" in document, field


def test_every_reason_of_the_gate_is_documented(root_dir):
    document = (root_dir / "docs/GATE.md").read_text()
    source = "".join(p.read_text() for p in (root_dir / "src/gate").glob("*.c"))
    reasons = set(re.findall(r'(?:judge_unread|unserved)\([^;]*?LIT\("([a-z_]+)"\)', source))
    assert {"unknown_place", "junk_limited", "no_keys"} <= reasons
    for reason in reasons:
        assert f"`{reason}`" in document, reason
