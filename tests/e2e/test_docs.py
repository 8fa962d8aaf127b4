"""The documents name what is in the tree, and only that."""
import pathlib
import re

import pytest


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


def test_the_readme_has_its_two_commands(root_dir):
    text = (root_dir / "README.md").read_text()
    assert "\nmake run" in text and "\nmake test" in text
