"""`chancery log stat | check | repair | prune`, and the ledger of a running authority: killed, it
comes back with every entry; a log that is damaged is said to be, and mended."""
import json
import os
import signal
import subprocess
import time
import urllib.parse

import pytest

from chancery import PROGRAM, authority_of, basic, http, wait_for


@pytest.fixture(scope="module")
def authority():
    with authority_of("log-keep") as a:
        yield a


def credentials(a):
    c = next(c for c in a.dev["clients"] if c["client_id"] == "bench")
    form = {"grant_type": "client_credentials", "scope": "mail.read"}
    r = http("POST", a.dev["realms"]["home"]["token_endpoint"],
             urllib.parse.urlencode(form).encode(),
             {"Content-Type": "application/x-www-form-urlencoded",
              "Authorization": basic(c["client_id"], c["client_secret"])})
    return r.json()["access_token"] if r.status == 200 else None


def run(*args, status=0):
    r = subprocess.run([PROGRAM, "log", *args], capture_output=True, text=True, timeout=180)
    assert r.returncode == status, f"{args}: exit {r.returncode}: {r.stdout} {r.stderr}"
    return r


def log(a, verb, *args, status=0):
    return json.loads(run(verb, "--json", "-C", str(a.dir), *args, status=status).stdout)


def ledger_of(a):
    return next(iter(a.read_dev()["pids"].get("ledger", [])), None)


def size(a):
    return log(a, "stat")["size"]


def test_whole(authority):
    before = size(authority)
    assert credentials(authority)
    wait_for(lambda: size(authority) == before + 1, what="a head over the token")
    stat = log(authority, "stat")
    assert stat["origin"].endswith("/log") and stat["minimum"] == 0 and stat["journal_first"] == 0
    assert stat["journal_bytes"] > 0 and abs(stat["time"] - time.time()) < 600
    found = log(authority, "check")
    assert found["whole"] and found["found"] == [] and found["journal_next"] >= before + 1
    # nothing has expired for 400 days, and the index says no more than days
    assert log(authority, "prune") == {"minimum": 0, "erased": 0}
    refused = run("prune", "--minimum", "1", "-C", str(authority.dir), status=1)
    assert "not expired" in refused.stderr
    # who appends has the lock
    assert "stop" in run("repair", "-C", str(authority.dir), status=3).stderr


def test_killed(authority):
    before = size(authority)
    for _ in range(2):
        pid = ledger_of(authority)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: ledger_of(authority) not in (None, pid), 60, "another ledger")
        wait_for(lambda: credentials(authority), 60, "a token")
    wait_for(lambda: size(authority) >= before + 2, 60, "a head over both")
    assert log(authority, "check")["whole"]


def test_damage(authority):
    """The last test: the authority is stopped."""
    authority.stop()
    folder = authority.dir / "log"
    assert log(authority, "check")["whole"]
    tile = next(p for p in sorted((folder / "tile" / "0").rglob("*")) if p.is_file())
    good = tile.read_bytes()
    tile.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    found = log(authority, "check", status=1)
    assert not found["whole"] and str(tile.relative_to(folder)) in str(found["found"])
    text = run("check", "-C", str(authority.dir), status=1).stdout
    assert str(tile.relative_to(folder)) in text
    assert log(authority, "repair")["whole"]
    assert tile.read_bytes() == good
    # what the journal does not have, nobody can make again
    segment = max((folder / "journal").glob("*.chain"))
    middle = segment.read_bytes()
    segment.write_bytes(middle[:200] + bytes([middle[200] ^ 1]) + middle[201:])
    assert any(f["file"].startswith("journal/") for f in log(authority, "check", status=1)["found"])
    assert not log(authority, "repair", status=1)["whole"]
    segment.write_bytes(middle)
    assert log(authority, "check")["whole"]


def test_wrong_calls(authority, tmp_path):
    for args in (["stat"], ["stat", "-C", "x", "--folder", "y"], ["prune", "--days", "0",
                                                                   "--folder", str(tmp_path)],
                 ["prune", "--days", "1", "--minimum", "1", "--folder", str(tmp_path)],
                 ["check", "--days", "1"]):
        run(*args, status=2)
    run("stat", "--folder", str(tmp_path / "none"), status=3)
