"""What a gate records: read back by the command and by a second implementation of the format;
a gate that is killed, a disk that is full."""
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from chain_format import read, verdicts
from chancery import PROGRAM, ROOT, wait_for
from web_server import CORP, WebGate, token

sys.path.insert(0, str(ROOT / "tests/gate"))
from check_metrics import check  # noqa: E402


def sightings(gate, *args, status=0, given=None):
    r = subprocess.run([PROGRAM, "sightings", str(gate.dir / "sightings"), *args], text=True,
                       input=given, capture_output=True, timeout=120)
    assert r.returncode == status, r.stdout + r.stderr
    return r.stdout


def listed(gate, *args, **kwargs):
    return json.loads(sightings(gate, "--json", *args, **kwargs))


def identity(text):
    return hashlib.sha256(text.rpartition(".")[0].encode()).hexdigest()


def flipped(text):
    """The same token with another signature."""
    return text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:]


def test_every_verdict_is_there(tmp_path):
    good, corp = token(), token(CORP)
    now = int(time.time())
    old, bad = token(iat=now - 200, exp=now - 100), flipped(token())
    with WebGate(tmp_path / "gate") as gate:
        began = time.time() * 1000
        assert gate.check("api", good).status == 200
        assert gate.check("api", good, X_Client_Address="192.0.2.10").status == 200
        assert gate.check("api", good, X_Client_Address="192.0.2.11").status == 200
        assert gate.check("corp", corp, X_Client_Address="2001:db8::7").status == 200
        assert gate.check("api", old).status == 401
        assert gate.check("api", bad).status == 401
        assert gate.check("api", "no.token.atall").status == 401
        found = wait_for(lambda: len(listed(gate)) == 7 and listed(gate), 10, "seven sightings")
        assert [s["code"] for s in found] == ["accepted"] * 4 + [
            "expired", "bad_signature", "malformed"]
        assert [s["identity"] for s in found] == [identity(t) for t in (
            good, good, good, corp, old, bad, "no.token.atall")]
        assert found[3] == {**found[3], "location": "corp", "client": "2001:db8::7", "kid": "c1",
                            "issuer": CORP.issuer, "realm": "corp", "chain": "signed"}
        assert found[4]["kid"] == "h1" and found[4]["chain"] == "signed"
        assert found[5]["chain"] == found[6]["chain"] == "unsigned"
        assert found[6] == {**found[6], "kid": "", "issuer": "", "realm": ""}
        assert all(began - 1000 < s["time_ms"] < began + 60000 for s in found)
        assert len(listed(gate, "--token", "-", given=good + "\n")) == 3
        # no part of a token is in the files
        data = b"".join(f.read_bytes() for f in (gate.dir / "sightings").rglob("*.chain"))
        for shown in (good, corp, old, bad):
            assert not any(part.encode() in data for part in shown.split("."))
    # and a program that knows the format from its document reads the same
    records = read(gate.dir / "sightings" / "signed")
    assert [r[3][4:36].hex() for r in records] == [s["identity"] for s in found[:5]]
    assert len(read(gate.dir / "sightings" / "unsigned")) == 2


def shown(gate, text, n):
    """So many requests with this token on one connection, many at a time; their statuses."""
    request = (f"GET /check/api HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {text}\r\n"
               "X-Original-Method: GET\r\nX-Original-URI: /api/x\r\n"
               "X-Client-Address: 192.0.2.66\r\n\r\n").encode()
    statuses = {}
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(120)
        s.connect(str(gate.socket))
        answers = s.makefile("rb")
        for _ in range(n // 10):
            s.sendall(10 * request)
            for _ in range(10):
                status = int(answers.readline().split()[1])
                statuses[status] = statuses.get(status, 0) + 1
                size = 0
                while (line := answers.readline()) != b"\r\n":
                    name, _, value = line.partition(b":")
                    size = int(value) if name.lower() == b"content-length" else size
                answers.read(size)
    return statuses


def test_a_flood_of_one_token_pushes_nothing_out(tmp_path):
    """The least room there is: 768 KiB for signed ones, of which 20,000 records take four times."""
    now = int(time.time())
    old = token(iat=now - 200, exp=now - 100)
    gate = WebGate(tmp_path / "gate")
    gate.policy.write_text(gate.policy.read_text().replace(
        "folder: sightings", "folder: sightings, total_mb: 1"))
    with gate:
        early = [token() for _ in range(20)]
        for good in early:
            assert gate.check("api", good).status == 200
        began = time.monotonic()
        assert shown(gate, old, 20000) == {401: 20000}
        took = time.monotonic() - began
        assert int(metrics(gate)["chancery_gate_sightings_noted_total"]) == 20020
        assert int(metrics(gate)[
            'chancery_gate_verdicts_total{endpoint="auth",code="expired"}']) == 20000
    # a clean stop has written what was counted
    found = listed(gate)
    assert [s["identity"] for s in found[:20]] == [identity(t) for t in early]
    flood = found[20:]
    assert {s["identity"] for s in flood} == {identity(old)}
    assert sum(s["repeats"] or 1 for s in flood) == 20000
    assert verdicts(gate.dir / "sightings" / "signed") == 20020
    # two for each window that it took
    assert len(flood) < 100 + 2 * took
    assert all(s["first_ms"] <= s["last_ms"] <= s["time_ms"] for s in flood if s["repeats"])
    sightings(gate, "--verify")


def test_killed_and_started_again(tmp_path):
    for round_ in range(3):
        with WebGate(tmp_path / "gate") as gate:
            before = len(listed(gate))
            assert before >= 20 * round_
            for _ in range(20):
                assert gate.check("api", token()).status == 200
            # an answer may be out before its turn of the loop has written the sighting
            wait_for(lambda: len(listed(gate)) == before + 20, 10, "the sightings")
            os.kill(gate.worker(), signal.SIGKILL)
        sightings(gate, "--verify")


def test_two_gates_on_one_folder(tmp_path):
    with WebGate(tmp_path / "one") as one:
        assert one.check("api", token()).status == 200
        two = WebGate(tmp_path / "two")
        text = two.policy.read_text()
        two.policy.write_text(text.replace("folder: sightings",
                                           f"folder: {one.dir / 'sightings'}"))
        with pytest.raises(AssertionError):
            two.__enter__()
        assert "another process writes this chain" in two.log_text()
        two.stop()
        assert one.check("api", token()).status == 200


@pytest.mark.root_only
def test_full_disk(tmp_path):
    """On a file system of its own, filled by somebody else: refused, loudly, and well again."""
    gate = WebGate(tmp_path / "gate")
    folder = gate.dir / "sightings"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=True)
    try:
        with gate:
            full_disk(gate, folder)
        sightings(gate, "--verify")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def full_disk(gate, folder):
    answered = 0
    assert gate.check("api", token()).status == 200
    filler = open(folder / "filler", "wb", buffering=0)
    with pytest.raises(OSError):
        while filler.write(bytes(512)):
            pass
    status = 200
    for _ in range(300):  # what is left of the last page
        answered += 1
        status = gate.check("api", token()).status
        if status != 200:
            break
    assert status >= 500
    assert gate.check("api", token()).status >= 500
    wait_for(lambda: "sightings cannot be written" in gate.log_text(), 10, "the alarm")
    assert "ALARM" in gate.log_text()
    filler.truncate(0)
    wait_for(lambda: gate.check("api", token()).status == 200, 10, "service")
    assert "sightings can be written again" in gate.log_text()
    # what was answered before is there, though the disk was full
    wait_for(lambda: len(listed(gate)) >= answered + 1, 10, "the sightings")


def metrics(gate):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(gate.socket))
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n")
        text = s.makefile("rb").read().partition(b"\r\n\r\n")[2].decode()
    assert check(text, ["chancery_gate_sightings_ok", "chancery_gate_junk_refused_total"]) == []
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_junk_is_limited_by_client(tmp_path):
    gate = WebGate(tmp_path / "gate")
    gate.policy.write_text(gate.policy.read_text().replace(
        "junk: {burst_us: 60000000}", "junk: {burst_us: 1000, us_per_s: 100}"))
    good, bad, asked = token(), flipped(token()), []

    def status(text, **fields):
        asked.append(gate.check("api", text, **fields).status)
        return asked[-1]

    def a_new_one_waits():
        """Until what junk cost is paid off: on a slow machine it may be by now."""
        return status(bad) == 401 and status(token()) == 401
    with gate:
        assert status(good) == 200
        assert {status(bad) for _ in range(300)} == {401}
        checked = int(metrics(gate)["chancery_gate_junk_charged_total"])
        assert 0 < checked < 300
        # who is at work behind the same address goes on; a token not met before waits
        assert status(good) == 200
        assert any(a_new_one_waits() for _ in range(100))
        # nobody else is touched
        other = token()
        before = int(metrics(gate)["chancery_gate_junk_charged_total"])
        assert status(bad, X_Client_Address="192.0.2.10") == 401
        assert int(metrics(gate)["chancery_gate_junk_charged_total"]) == before + 1
        assert status(other, X_Client_Address="192.0.2.10") == 200
        assert status(other) == 200  # by now it is known
        counts = metrics(gate)
        assert len(asked) == int(counts["chancery_gate_sightings_noted_total"]) + int(
            counts["chancery_gate_junk_refused_total"])
        assert "junk_limited" in gate.log_text()
