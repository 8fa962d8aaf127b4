"""The manual pages: one for each function, with the prototype that the header has."""
import re

import pytest

from chancery import ROOT
from library import Installed, mapped, must, one_blank, prototypes, run

pytestmark = pytest.mark.plain("is about manual pages")

PAGES = sorted((ROOT / "man").glob("*.3"))
COMMAND = ROOT / "man/chancery.1"
SUBCOMMANDS = sorted((ROOT / "man").glob("chancery-*.1"))
HEADERS = sorted((ROOT / "include/chancery").glob("*.h"))
# about the machine's index of pages, not about ours
ELSEWHERE = re.compile(r"referenced manual not found|outdated mandoc\.db")


def names_of(page):
    return set(re.findall(r"^\.Nm (ch_\w+)", page.read_text(), re.M))


def synopsis_of(page):
    """{name: prototype} out of .Ft, .Fo and .Fa, in the spelling of the headers' ones."""
    found = {}
    for kind, name, rest in re.findall(r"^\.Ft (.+)\n\.Fo (\w+)\n((?:\.Fa .*\n)*)\.Fc$",
                                       page.read_text(), re.M):
        arguments = re.findall(r'^\.Fa "?([^"\n]+)"?$', rest, re.M)
        found[name] = one_blank(f"{kind} {name}({','.join(arguments)})")
    return found


def structs():
    """{name: its members} of every struct whose body is in a header"""
    found = {}
    for header in HEADERS:
        text = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.S)
        for name, body in re.findall(r"\bstruct (?:CH_NODISCARD )?(\w+)\s*\{(.*?)\}", text, re.S):
            found[name] = [one_blank(member) for member in body.split(";") if member.strip()]
    return found


@pytest.mark.parametrize("page", [*PAGES, COMMAND, *SUBCOMMANDS], ids=lambda p: p.name)
def test_a_page_is_well_formed(page):
    said = run("mandoc", "-T", "lint", "-W", "style", page).stdout
    assert not [line for line in said.splitlines() if not ELSEWHERE.search(line)], said
    assert run("man", "--warnings", "-E", "UTF-8", "-l", page).stderr == ""


def test_every_function_has_a_page_and_every_page_a_function():
    exported = set()
    for table in (ROOT / "src").glob("libchancery*/*.map"):
        exported |= mapped(table.stem)
    named = [name for page in PAGES for name in names_of(page)]
    assert sorted(named) == sorted(exported)


def test_the_command_s_page_has_every_command(chancery):
    listed = re.findall(r"^  (\w+) ", must(chancery, "help"), re.M)
    shown = " ".join(re.findall(r"^\.It Cm (.+)$", COMMAND.read_text(), re.M))
    assert set(listed) - {"help"} == set(re.findall(r"\b[a-z]{2,}\b", shown))


@pytest.mark.parametrize("page", SUBCOMMANDS, ids=lambda p: p.stem)
def test_a_subcommand_s_page_has_every_option(chancery, page):
    words = page.stem.removeprefix("chancery-").split("-")
    # one page for several verbs names them in its synopsis
    verbs = re.findall(r"^\.Nm chancery log (\w+)$", page.read_text(), re.M)
    calls = [[*words, verb] for verb in verbs] if words == ["log"] else [words]
    helped = "".join(must(chancery, *call, "--help") for call in calls)
    # another command's are not its own
    helped = re.sub(r"`chancery [^`]*`", "", helped)
    options = set(re.findall(r"(?<![\w`])--([a-z-]+)", helped)) - {"check", "help"}
    assert options == set(re.findall(r"\bFl Fl ([a-z-]+)", page.read_text())) - {"check"}


def test_a_synopsis_is_the_header():
    written = {}
    for page in PAGES:
        found = synopsis_of(page)
        assert set(found) == names_of(page), page.name
        written |= found
    assert written == prototypes(HEADERS)


def test_structs_are_written_as_they_are():
    pages = "\n".join(page.read_text() for page in PAGES)
    shown = {name: [one_blank(member) for member in body.split(";") if member.strip()]
             for name, body in re.findall(r"^(?:typedef )?struct (ch_\w+) \{\n(.*?)^\}", pages,
                                          re.M | re.S)}
    declared = structs()
    for name in shown:
        assert shown[name] == declared[name], name
    small = {"ch_nonces", "ch_period"}  # told in a sentence
    assert set(declared) - small == set(shown)
    for name in small:
        for member in re.findall(r"\w+(?= *(?:,|\[|$))", " , ".join(declared[name])):
            if not member.isdigit():
                assert re.search(rf"^\.(Va|It Va) .*{member}\b", pages, re.M), f"{name}.{member}"


def test_every_reason_is_in_the_table():
    page = (ROOT / "man/ch_reason_name.3").read_text()
    header = (ROOT / "include/chancery/verify.h").read_text()
    reasons = re.search(r"enum ch_reason \{(.*?)\n\};", header, re.S).group(1)
    assert (re.findall(r"\bCH_\w+(?= = )", reasons)
            == re.findall(r"^\.It Dv (CH_\w+)$", page, re.M))


def test_man_finds_each_function(tmp_path):
    installed = Installed(tmp_path)
    folder = next(tmp_path.rglob("man3"))
    for name in mapped("chancery") | {"libchancery"}:
        text = must("man", "-M", folder.parent, name)
        assert name in text and "SYNOPSIS" in text
    assert installed.include.exists()
