"""`chancery sightings` on folders that a second implementation of the format wrote."""
import fcntl
import hashlib
import json
import os
import re
import subprocess
import time

import pytest

from chain_format import Writer, read, repeats, sighting

ACCEPTED, MALFORMED, EXPIRED = 0, 1, 12  # as token/codes.h counts
NOW_MS = 1_700_000_000_000
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln"
IDENTITY = hashlib.sha256(TOKEN.rpartition(".")[0].encode()).digest()


@pytest.fixture
def folder(tmp_path):
    """Ten signed and five unsigned verdicts, in two files each."""
    signed = Writer(tmp_path / "signed", "sightings.signed", NOW_MS)
    unsigned = Writer(tmp_path / "unsigned", "sightings.unsigned", NOW_MS)
    for i in range(10):
        if i == 6:
            signed.rotate(NOW_MS + 5500)
        identity = IDENTITY if i == 7 else bytes([i]) * 32
        signed.batch([(1, NOW_MS + 1000 * i, sighting(
            EXPIRED if i == 3 else ACCEPTED, identity, bytes([192, 0, 2, i]), "k1",
            "https://login.example/home", "home", "imap"))])
    for i in range(5):
        if i == 4:
            unsigned.rotate(NOW_MS + 8500)
        unsigned.batch([(1, NOW_MS + 2000 * i + 500, sighting(
            MALFORMED, bytes([100 + i]) * 32, bytes(15) + b"\1", location="web"))])
    return tmp_path


def run(chancery, *args, status=0, given=None):
    r = subprocess.run([str(chancery), "sightings", *map(str, args)], input=given, text=True,
                       capture_output=True, timeout=120)
    assert r.returncode == status, r.stdout + r.stderr
    return r


def test_lines_in_order_of_time(chancery, folder):
    lines = run(chancery, folder).stdout.splitlines()
    assert len(lines) == 15
    assert lines == sorted(lines)
    assert lines[0].split("\t") == ["2023-11-14T22:13:20.000Z", "accepted", "imap", "192.0.2.0",
                                    "home", "k1", "00" * 32]
    assert lines[1].split("\t") == ["2023-11-14T22:13:20.500Z", "malformed", "web", "::1", "-",
                                    "-", "64" * 32]
    assert sum("\texpired\t" in line for line in lines) == 1


def test_json(chancery, folder):
    found = json.loads(run(chancery, folder, "--json").stdout)
    assert len(found) == 15
    assert found[0] == {
        "time_ms": NOW_MS, "code": "accepted", "location": "imap", "client": "192.0.2.0",
        "issuer": "https://login.example/home", "realm": "home", "kid": "k1",
        "identity": "00" * 32, "chain": "signed", "seq": 0, "repeats": 0}


@pytest.mark.parametrize("since", [
    "1700000005", "2023-11-14T22:13:25Z", "{age}s", "2023-11-14"])
def test_since(chancery, folder, since):
    since = since.replace("{age}", str(int(time.time()) - 1_700_000_005))
    found = json.loads(run(chancery, folder, "--json", "--since", since).stdout)
    # an age is counted from now: a second more or less
    assert len(found) == 15 if since == "2023-11-14" else len(found) in (6, 7)


def test_one_token(chancery, folder):
    by_token = run(chancery, folder, "--json", "--token", "-", given=TOKEN + "\n").stdout
    by_identity = run(chancery, folder, "--json", "--identity", IDENTITY.hex()).stdout
    assert by_token == by_identity and [s["seq"] for s in json.loads(by_token)] == [7]
    other = run(chancery, folder, "--json", "--token", "-", given="a.b.c\n", status=1).stdout
    assert json.loads(other) == []


def test_texts_cannot_forge_lines(chancery, tmp_path):
    Writer(tmp_path / "unsigned", "sightings.unsigned", NOW_MS)
    signed = Writer(tmp_path / "signed", "sightings.signed", NOW_MS)
    signed.batch([(1, NOW_MS, sighting(ACCEPTED, bytes(32), kid="a\tb\nc\x1b[31m", realm="é"))])
    out = run(chancery, tmp_path).stdout
    assert out.count("\n") == 1 and out.count("\t") == 6
    assert "a\\x09b\\x0ac\\x1b[31m" in out
    assert json.loads(run(chancery, tmp_path, "--json").stdout)[0]["kid"] == "a\tb\nc\x1b[31m"


def test_lost_and_unknown_records(chancery, tmp_path):
    Writer(tmp_path / "unsigned", "sightings.unsigned", NOW_MS)
    signed = Writer(tmp_path / "signed", "sightings.signed", NOW_MS)
    signed.batch([(2, NOW_MS, (7).to_bytes(8, "big")), (99, NOW_MS, b"of a later version"),
                  (1, NOW_MS, sighting(250, bytes(32)))])
    r = run(chancery, tmp_path)
    assert r.stdout.count("\n") == 1 and "\tunknown\t" in r.stdout
    assert "7 more verdicts could not be recorded" in r.stderr


def test_repeats(chancery, tmp_path):
    Writer(tmp_path / "unsigned", "sightings.unsigned", NOW_MS)
    signed = Writer(tmp_path / "signed", "sightings.signed", NOW_MS)
    verdict = sighting(EXPIRED, IDENTITY, bytes([192, 0, 2, 7]), "k1", realm="home",
                       location="imap")
    signed.batch([(1, NOW_MS, verdict),
                  (3, NOW_MS + 10500, repeats(19999, NOW_MS + 1, NOW_MS + 9999, verdict))])
    first, more = run(chancery, tmp_path).stdout.splitlines()
    assert more.split("\t")[1:7] == first.split("\t")[1:]
    assert more.split("\t")[7] == "+19999, 2023-11-14T22:13:20.001Z to 2023-11-14T22:13:29.999Z"
    first, more = json.loads(run(chancery, tmp_path, "--json", "--token", "-",
                                 given=TOKEN + "\n").stdout)
    assert more == {**first, "time_ms": NOW_MS + 10500, "seq": 1, "repeats": 19999,
                    "first_ms": NOW_MS + 1, "last_ms": NOW_MS + 9999}
    signed.batch([(3, NOW_MS + 20000, repeats(0, 0, 0, verdict))])
    assert "none" in run(chancery, tmp_path, status=3).stderr


def test_verify_and_kept_heads(chancery, folder):
    out = run(chancery, folder, "--verify").stdout
    heads = re.findall(r"^--head (\S+)$", out, re.M)
    assert "signed\t10 records from number 0, 2 files" in out and len(heads) == 2
    args = [a for head in heads for a in ("--head", head)]
    run(chancery, folder, "--verify", *args)
    report = json.loads(run(chancery, folder, "--verify", "--json").stdout)
    assert [r["records"] for r in report] == [10, 5]
    assert heads[0] == f"signed={report[0]['next']}:{report[0]['hash']}"
    # the same verdicts, written anew, with one left out: whole, but not that chain
    records = read(folder / "signed")
    for path in (folder / "signed").iterdir():
        path.unlink()
    again = Writer(folder / "signed", "sightings.signed", NOW_MS)
    again.batch([r[1:] for r in records if r[0] != 7])
    run(chancery, folder, "--verify")
    said = run(chancery, folder, "--verify", *args, status=1).stderr
    assert "not the chain that the head was of" in said


def test_damage_is_said_with_its_place(chancery, folder):
    path = sorted((folder / "signed").glob("*.chain"))[0]
    data = bytearray(path.read_bytes())
    data[700] ^= 1
    path.write_bytes(data)
    said = run(chancery, folder, "--verify", status=1).stderr
    place = re.search(r"signed/0{20}\.chain, byte (\d+): the chain is damaged", said)
    assert place and 144 <= int(place.group(1)) <= 700
    r = run(chancery, folder, status=3)  # what comes before it is listed
    assert 0 < len(r.stdout.splitlines()) < 15 and "damaged" in r.stderr


def test_torn_end(chancery, folder):
    path = sorted((folder / "unsigned").glob("*.chain"))[-1]
    path.write_bytes(path.read_bytes()[:-5])
    assert len(run(chancery, folder).stdout.splitlines()) == 14
    assert "ends within a write" in run(chancery, folder, "--verify").stderr


def test_erase(chancery, folder):
    out = run(chancery, folder, "--erase-before", "2023-11-14T22:13:26Z", status=1).stdout
    assert "signed\t1 files erased\n" in out
    assert "unsigned\t0 files erased, the oldest record left is of 2023-11-14T22:13:20.500Z" in out
    found = json.loads(run(chancery, folder, "--json").stdout)
    assert [s["seq"] for s in found if s["chain"] == "signed"] == [6, 7, 8, 9]
    # all of it, the newest files too: nobody is writing
    run(chancery, folder, "--erase-before", str(int(time.time()) + 100))
    assert json.loads(run(chancery, folder, "--json").stdout) == []
    run(chancery, folder, "--verify")


def test_erase_beside_a_gate(chancery, folder):
    lock = open(folder / "signed" / "lock", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    out = run(chancery, folder, "--erase-before", str(int(time.time()) + 100), status=1).stdout
    assert "signed\t1 files erased, the oldest record left is of 2023-11-14T22:13:26.000Z: " \
           "a gate is writing" in out
    lock.close()


@pytest.mark.root_only
def test_root_erases_as_the_owner(chancery, tmp_path):
    os.chmod(tmp_path, 0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
            os.chmod(parent, 0o755)
    for name in ("signed", "unsigned"):
        w = Writer(tmp_path / name, "sightings." + name, NOW_MS)
        w.batch([(1, NOW_MS, sighting(ACCEPTED, bytes(32)))])
        for path in [tmp_path / name, *(tmp_path / name).iterdir()]:
            os.chown(path, 12345, 12345)
    run(chancery, tmp_path, "--erase-before", str(int(time.time()) + 100))
    owners = {p.stat().st_uid for p in tmp_path.rglob("*.chain")}
    assert owners == {12345}


@pytest.mark.parametrize("args", [
    [], ["--json"], ["DIR", "--since", "yesterday"], ["DIR", "--since"], ["DIR", "--what"],
    ["DIR", "--verify", "--since", "1"], ["DIR", "--identity", "abc"],
    ["DIR", "--token", "-", "--identity", "00" * 32], ["DIR", "--head", "signed=1:00"],
    ["DIR", "--verify", "--head", "other=1:" + "00" * 32],
    ["DIR", "--erase-before", "1", "--json"], ["DIR", "--since", "-1"]])
def test_usage(chancery, folder, args):
    r = run(chancery, *[folder if a == "DIR" else a for a in args], status=2)
    assert r.stdout == "" and r.stderr


def test_no_folder(chancery, tmp_path):
    assert "cannot read" in run(chancery, tmp_path / "none", status=3).stderr
    assert "cannot read" in run(chancery, tmp_path / "none", "--verify", status=3).stderr
    run(chancery, tmp_path / "none", "--erase-before", "1", status=3)
    assert not (tmp_path / "none").exists()
    assert run(chancery, "--help").stdout.startswith("usage: chancery sightings")
