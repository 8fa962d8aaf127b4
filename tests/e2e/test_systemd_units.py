"""The units in contrib/systemd, by systemd's own eyes: every line is known to it, what they start
is there, and their walls are no lower than they were. No systemd runs here to start them."""
import json
import re
import subprocess

import pytest

import units
from chancery import BUILD, ROOT

UNITS = sorted((ROOT / "contrib" / "systemd").glob("*.service"))
# as `systemd-analyze security` counts, of 100; more is worse. The handler of crashes is root
MOST = {"chancery-coredump": 38}
OTHERS = 30


def placed(unit, folder):
    """The unit, with the programs of this tree."""
    text = unit.read_text()
    text = re.sub(r"/usr/(local/)?libexec/chancery/", f"{BUILD}/libexec/chancery/", text)
    text = re.sub(r"/usr/(local/)?bin/chancery\b", f"{BUILD}/chancery", text)
    copy = folder / unit.name
    copy.write_text(text)
    return copy


def analyze(*args):
    r = subprocess.run(["systemd-analyze", "--no-pager", *map(str, args)], capture_output=True,
                       text=True, timeout=60)
    return r.returncode, r.stdout, r.stderr


def verify(path):
    status, out, err = analyze("verify", "--man=no", "--recursive-errors=one", path)
    return status, units.said_of_ours(out + err)


def test_there_are_units():
    assert {u.stem for u in UNITS} >= {"chancery-coredump", "chancery-gate"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda u: u.stem)
def test_systemd_has_nothing_to_say(unit, tmp_path):
    assert verify(placed(unit, tmp_path)) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda u: u.stem)
def test_a_mistake_is_seen(unit, tmp_path):
    path = placed(unit, tmp_path)
    good = path.read_text()
    path.write_text(good.replace("[Service]\n", "[Service]\nProtectSytem=strict\n"))
    assert "ProtectSytem" in verify(path)[1]
    path.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/no/such/program", good))
    assert "/no/such/program" in verify(path)[1]


@pytest.mark.parametrize("unit", UNITS, ids=lambda u: u.stem)
def test_walls(unit, tmp_path):
    most = MOST.get(unit.stem, OTHERS)
    path = placed(unit, tmp_path)
    status, out, err = analyze("security", "--offline=true", f"--threshold={most}", path)
    assert status == 0, f"more than {most}: {out}{err}"
    bare = tmp_path / f"bare-{unit.name}"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    assert analyze("security", "--offline=true", f"--threshold={most}", bare)[0] != 0
    status, out, err = analyze("security", "--offline=true", "--json=short", path)
    lines = {line["json_field"]: line for line in json.loads(out)}
    for wall in ("NoNewPrivileges", "RestrictRealtime", "MemoryDenyWriteExecute"):
        assert lines[wall]["set"], wall
