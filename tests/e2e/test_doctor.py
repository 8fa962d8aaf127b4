"""`chancery doctor`: an installation is broken in one way after the other, and it says so."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from chancery import PROGRAM, http as ask, wait_for
from test_service import Service


def doctor(dir_, status):
    """{check: [(level, what, subject)]} of what is not fine, but what this machine is like."""
    r = subprocess.run([PROGRAM, "doctor", "--json", "-C", dir_], capture_output=True, text=True,
                       timeout=60)
    assert r.returncode == status, r.stdout + r.stderr
    found = {}
    for f in json.loads(r.stdout):
        if f["level"] != "ok":
            assert f["what"] and f["mend"]
            found.setdefault(f["check"], []).append((f["level"], f["what"], f["subject"]))
    return {check: said for check, said in found.items()
            if check not in ("clock", "kernel", "crash dumps", "limits", "uids")}


@pytest.fixture(scope="module")
def whole():
    path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-doctor-"))
    path.chmod(0o711)
    subprocess.run([PROGRAM, "init", "--crash-handler", "none", path / "a"], check=True,
                   capture_output=True)
    yield path / "a"
    shutil.rmtree(path)


STOPPED = [("warning", "the authority does not run", "")]


def test_nothing_is_wrong(whole):
    assert doctor(whole, 0) == {"running": STOPPED}
    text = subprocess.run([PROGRAM, "doctor", "-C", whole], capture_output=True, text=True)
    assert text.returncode == 0 and "ok       files" in text.stdout


def damage(path, at=-40):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def chain_of(dir_):
    return next((dir_ / "audit").glob("*.chain"))


WAYS = {
    "a passphrase that others may read": (
        lambda d: (d / "passphrase").chmod(0o644), "passphrase", "others may read it"),
    "no passphrase": (lambda d: (d / "passphrase").unlink(), "passphrase", "cannot be opened"),
    "an empty passphrase": (
        lambda d: (d / "passphrase").write_text(""), "passphrase", "too short"),
    "a refresh key that others may read": (
        lambda d: (d / "refresh.key").chmod(0o640), "files", "others may read"),
    "open keys": (lambda d: (d / "keys").chmod(0o755), "files", "others may read"),
    "a folder that others may write": (lambda d: d.chmod(0o777), "files", "others may"),
    "a store of nobody's": (lambda d: (d / "store/main").rename(d / "x"), "files", "is missing"),
    "no store": (lambda d: (d / "store/main/chancery.db").unlink(), "stores", "cannot be opened"),
    "a store that is none": (
        lambda d: (d / "store/main/chancery.db").write_bytes(b"x" * 8192), "stores", ""),
    "no key": (lambda d: [p.unlink() for p in (d / "keys/home").glob("*.key")], "keys", "no key"),
    "no folder of keys": (lambda d: shutil.rmtree(d / "keys/home"), "keys", "cannot be read"),
    "a damaged audit": (lambda d: damage(chain_of(d), 30), "audit", "damaged"),
    "no audit": (lambda d: shutil.rmtree(d / "audit"), "audit", "nothing was ever recorded"),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way(whole, way):
    act, check, word = WAYS[way]
    copy = whole.parent / "copy"
    subprocess.run(["cp", "-a", whole, copy], check=True)
    try:
        act(copy)
        r = subprocess.run([PROGRAM, "doctor", "--json", "-C", copy], capture_output=True,
                           text=True, timeout=60)
        assert r.returncode in (0, 1), r.stderr
        said = [f for f in json.loads(r.stdout) if f["check"] == check and f["level"] != "ok"]
        assert said and word in said[0]["what"] + said[0]["subject"], r.stdout
        assert (r.returncode == 1) == any(
            f["level"] == "problem" for f in json.loads(r.stdout))
    finally:
        shutil.rmtree(copy)


@pytest.mark.root_only
def test_another_owner(whole):
    copy = whole.parent / "copy"
    subprocess.run(["cp", "-a", whole, copy], check=True)
    try:
        os.chown(copy / "store/main/chancery.db", 0, 0)
        assert ("problem", "belongs to another user than its role",
                "store/main/chancery.db") in doctor(copy, 1)["files"]
    finally:
        shutil.rmtree(copy)


def test_no_authority(tmp_path):
    r = subprocess.run([PROGRAM, "doctor", "-C", tmp_path], capture_output=True, text=True)
    assert r.returncode == 3 and str(tmp_path) in r.stderr
    (tmp_path / "chancery.yaml").write_text("nonsense: 1\n")
    r = subprocess.run([PROGRAM, "doctor", "-C", tmp_path], capture_output=True, text=True)
    assert r.returncode == 3 and "chancery.yaml:1" in r.stderr


@pytest.mark.root_only
def test_what_runs():
    """Its issuers are asked by their own URLs; one whose URL leads elsewhere is found."""
    with Service() as s:
        s.start()
        s.wait_ready()
        for realm in ("home", "corp"):
            wait_for(lambda r=realm: ask("GET", f"http://127.0.0.1:{s.port}/{r}/jwks").status == 200)
        wait_for(lambda: ask("GET", f"http://127.0.0.1:{s.port + 1}/staff/jwks").status == 200)
        os.chmod(s.given, 0o600)
        assert doctor(s.dir, 0) == {}
        s.edit(f"issuer: http://localhost:{s.port}/home", f"issuer: http://127.0.0.1:{s.port}/home")
        assert doctor(s.dir, 1) == {"issuers": [
            ("problem", "another issuer answers at its URL", f"http://127.0.0.1:{s.port}/home")]}
        s.edit(f"issuer: http://127.0.0.1:{s.port}/home", "issuer: http://localhost:1/home")
        assert doctor(s.dir, 1)["issuers"][0][1] == "its URL does not answer with metadata"
        s.stop()
