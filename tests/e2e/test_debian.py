"""debian/ and the rest of the tree say the same. `make deb` builds it, `make deb-test` tries it."""
import re

import pytest

from chancery import ROOT

pytestmark = pytest.mark.plain("reads files")

CONTROL = (ROOT / "debian/control").read_text()
# of packages.txt's group build: what every Debian build has (build-essential), and what dh brings
ESSENTIAL = {"gcc", "libc6-dev", "make"}
TOOLS = {"debhelper-compat", "dh-sequence-installsysusers"}


def group(name):
    return {line.split()[0] for line in (ROOT / "packages.txt").read_text().splitlines()
            if line.split()[1:] == [name]}


def build_depends():
    """({always}, {only where tests run})"""
    text = re.search(r"^Build-Depends: (.*?)^(?=\S)", CONTROL, re.M | re.S).group(1)
    found = [re.match(r"([\w.+-]+)(?: \([^)]*\))?( <!nocheck>)?$", item.strip())
             for item in text.split(",")]
    assert all(found), text
    return ({m.group(1) for m in found if not m.group(2)}, {m.group(1) for m in found if m.group(2)})


def test_there_is_one_list_of_packages():
    always, tests = build_depends()
    assert always - TOOLS == group("build") - ESSENTIAL
    assert tests and tests <= group("test")
    assert {"debhelper", "lintian"} <= group("deb")


def test_the_version_is_the_project_s():
    project = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text()).group(1)
    first = (ROOT / "debian/changelog").read_text().splitlines()[0]
    assert re.fullmatch(rf"chancery \({re.escape(project)}(\+\w+)?\) \w+; urgency=\w+", first)


def packages():
    return re.findall(r"^Package: (\S+)$", CONTROL, re.M)


def test_a_library_s_package_is_named_after_its_soname():
    for folder, package in (("libchancery", "libchancery"), ("libchancery_jwks", "libchancery-jwks")):
        soversion = re.search(r"soversion: '(\d+)'",
                              (ROOT / "src" / folder / "meson.build").read_text()).group(1)
        assert package + soversion in packages()


def test_every_package_is_in_the_document():
    document = (ROOT / "docs/INSTALL.md").read_text()
    for package in packages():
        assert f"`{package}`" in document, package


def test_no_script_deletes_keys():
    """They go through rm or find alone; what these may name is listed here."""
    for script in (ROOT / "debian").glob("*.p[or]*"):
        for line in script.read_text().splitlines():
            if re.search(r"\brm\b|-delete|\bfind\b|shred", line):
                assert ("/var/lib/chancery-coredump" in line or line.strip() == r"-exec rm -rf {} +"
                        or "rmdir" in line), f"{script.name}: {line}"
