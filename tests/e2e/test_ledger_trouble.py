"""A real authority whose ledger hangs, or whose log has no room: no token is given, clients are told
to come again, who watches sees why, and it heals by itself. And the end of the time in which what an
imported key signed before need not be in the log."""
import hashlib
import os
import re
import signal
import subprocess
import tempfile
import time

import pytest

from chancery import PROGRAM, Authority, basic, wait_for
from chancery import http as request
from test_alarms import Follower, Forged
from test_full_disk import Disk
from test_log_torture import Clients, check, entries_of, head_of
from test_service import Service

SILENT_S = 5  # of a signer, whose ledger does not answer: then the issuer gives its batch up


@pytest.fixture(scope="module")
def authority():
    with tempfile.TemporaryDirectory(prefix="chancery-trouble-") as folder:
        os.chmod(folder, 0o711)
        a = Authority(folder + "/a", "--no-keys", "home")
        yield a
        a.stop()


# --- a key that signed elsewhere before, at a gate that follows the log


class Short(Follower):
    """By its policy no token lives longer than so long."""

    def __init__(self, folder, authority, max_ttl_s):
        self.max_ttl_s = max_ttl_s
        super().__init__(folder, authority)

    def policy_text(self, *_):
        return super().policy_text().replace(
            "log: main}", f"log: main, max_ttl_s: {self.max_ttl_s}, skew_s: 1}}")

    def verdicts(self):
        """{code: how often}, and "legacy", "forged"."""
        found = {}
        for line in request("GET", f"http://127.0.0.1:{self.port}/metrics").body.decode().splitlines():
            if line.startswith('chancery_gate_verdicts_total{endpoint="introspect"'):
                found[line.split('code="')[1].split('"')[0]] = int(float(line.rsplit(" ", 1)[1]))
            for name in ("log_legacy", "forged"):
                if line.startswith(f"chancery_gate_{name}_total "):
                    found[name] = int(float(line.rsplit(" ", 1)[1]))
        return found

    def active(self, token):
        """False also while it cannot say: it follows the key that came this moment."""
        r = self.ask(token)
        return r.status == 200 and r.json()["active"]


def imported(authority, gate):
    """A key that came from elsewhere, and one token of before: None if this machine was too slow."""
    thief = Forged(authority)
    jwks = f"{authority.dev['realms']['home']['issuer']}/jwks"
    key = wait_for(lambda: next((k for k in request("GET", jwks).json()["keys"]
                                 if k["kid"] == thief.kid), None), what="the imported key")
    from_s = key["logged_from"]
    old = thief.token(iat=from_s - 1, exp=from_s - 1 + gate.max_ttl_s)
    wait_for(lambda: gate.active(old) or time.time() > from_s + gate.max_ttl_s, what="an answer")
    done = gate.verdicts()["log_legacy"] > 0
    return (thief, old, from_s) if done else None


@pytest.fixture(scope="module")
def window(authority, tmp_path_factory):
    """The gate, and what it took from before; the time goes on meanwhile."""
    for max_ttl_s in (4, 15, 60, 240):
        gate = Short(tmp_path_factory.mktemp("gate"), authority, max_ttl_s).start()
        try:
            found = imported(authority, gate)
            if found:
                yield (gate, *found)
                return
        finally:
            gate.stop()
    raise AssertionError("no gate answers within four minutes")


def test_a_token_from_before_is_legacy(window):
    gate, _, _, _ = window
    said = gate.verdicts()
    # one of the time since would be forged: test_alarms.py
    assert said["log_legacy"] >= 1 and said["forged"] == 0


# --- a ledger that does not answer


def why_not_ready(a):
    try:
        r = request("GET", a.dev["monitors"]["main"] + "/ready")
    except OSError:
        return {"the issuer starts anew"}
    return {} if r.status == 200 else {reason["reason"] for reason in r.json()["reasons"]}


def head_age_s(a):
    try:
        text = request("GET", a.dev["monitors"]["main"] + "/metrics").body.decode()
    except OSError:  # it starts anew
        return 0
    return float(re.search(r"(?m)^chancery_issuer_log_head_age_seconds (\S+)$", text).group(1))


class Timed(Clients):
    """Counts the refusals, and the longest that one had to wait."""

    def __init__(self, *args):
        self.refused, self.worst_s, self.told = 0, 0.0, True
        super().__init__(*args)

    def _ask(self):
        r, began = None, time.monotonic()
        try:
            r = request("POST", self.url, b"grant_type=client_credentials",
                        {"Authorization": basic("bench", "bench-secret")})
        finally:
            self.worst_s = max(self.worst_s, time.monotonic() - began)
        if r.status != 200:
            self.refused += 1
            self.ends.add(r.status)
            # one that ends since no signer answers says it to all who wait, in no words
            self.told = self.told and r.headers["Retry-After"] == "1" and \
                (not r.body or r.json()["error"] == "temporarily_unavailable")
            raise OSError(r.status)
        return r.json()["access_token"].encode()


@pytest.mark.root_only
def test_a_ledger_that_never_answers(authority, window):
    """Under load: nobody gets a token, each is told to come again, /ready says why; then all is well."""
    a, heads = authority, []
    a.run("client", "edit", "--realm", "home", "--id", "bench", "--name", "still there")
    clients = Timed(a, 4)
    try:
        clients.more(8)
        heads.append(head_of(a.dir / "log"))
        ledger, = a.read_dev()["pids"]["ledger"]
        os.kill(ledger, signal.SIGSTOP)
        try:
            clients.worst_s = 0
            wait_for(lambda: clients.refused >= 4, what="refusals")
            given = len(clients.tokens)
            wait_for(lambda: "log_silent" in why_not_ready(a), what="a word at /ready")
            wait_for(lambda: head_age_s(a) > SILENT_S, what="the head's age")
            assert len(clients.tokens) == given
        finally:
            os.kill(ledger, signal.SIGCONT)
        print(f"\nthe longest wait: {clients.worst_s:.1f} s")
        clients.more(8)
        wait_for(lambda: not why_not_ready(a), what="ready again")
        assert a.read_dev()["pids"]["ledger"] == [ledger]  # the same one, not another
    finally:
        clients.stop()
    assert clients.told and clients.ends == {503}
    test_a_ledger_that_never_answers.rest = heads, clients


def test_after_the_longest_lifetime_none_is_legacy(window):
    """Whatever says that it is older has expired, or lives too long; and that is no alarm."""
    gate, thief, old, from_s = window
    wait_for(lambda: time.time() > from_s + gate.max_ttl_s + 1, 300, "the end")
    wait_for(lambda: gate.active(old) is False, what="an answer")
    before = gate.verdicts()
    assert not gate.active(old)
    assert not gate.active(thief.token(iat=from_s - 1, exp=int(time.time()) + 60))
    after = gate.verdicts()
    assert after["expired"] == before["expired"] + 1
    assert after["too_long_lived"] == before.get("too_long_lived", 0) + 1
    assert (after["log_legacy"], after["forged"]) == (before["log_legacy"], before["forged"])


@pytest.mark.root_only
def test_each_token_of_that_time_is_in_the_log(authority):
    """Ends the authority."""
    check(authority, *test_a_ledger_that_never_answers.rest)


# --- no room


@pytest.mark.root_only
def test_the_log_s_disk_is_full(tmp_path):
    """A disk for the log alone."""
    with Service() as s:
        log = s.dir / "log"
        owner = log.stat().st_uid
        log.rmdir()
        disk = Disk(log)
        try:
            os.chown(log, owner, owner)
            subprocess.run([PROGRAM, "client", "add", "-C", s.dir, "--realm", "home", "--id", "svc",
                            "--auth", "client_secret_basic", "--secret-file", "-", "--grant",
                            "client_credentials", "--scope", "mail.read", "--audience", "mail"],
                           input="a secret of svc's own\n", text=True, check=True)
            # the journal takes room ahead, as far as there is any
            disk.fill()
            os.truncate(disk.ballast, disk.ballast.stat().st_size - 48 * 1024)
            s.start()
            s.wait_ready()

            def get():
                return request("POST", f"http://127.0.0.1:{s.port}/home/token",
                               b"grant_type=client_credentials",
                               {"Authorization": basic("svc", "a secret of svc's own")})

            tokens = [wait_for(lambda: (r := get()).status == 200 and r, what="a token").json()]
            disk.fill()
            for _ in range(2000):
                r = get()
                if r.status != 200:
                    break
                tokens.append(r.json())
            assert r.status == 503 and r.headers["Retry-After"] == "1"
            assert r.json()["error"] == "temporarily_unavailable"
            assert "the disk is full" in r.json()["error_description"]
            wait_for(lambda: "ALARM" in s.log_text(), what="an alarm")
            alarm = next(line for line in s.log_text().splitlines() if "ALARM" in line)
            assert "the disk is full" in alarm and f'folder="{log}"' in alarm
            assert "the journal cannot be written" in s.log_text()
            disk.clear()
            tokens.append(wait_for(lambda: (r := get()).status == 200 and r,
                                   what="a token again").json())
            wait_for(lambda: "there is room on the disk again" in s.log_text(), what="the end of it")
            s.stop()
            checked = subprocess.run([PROGRAM, "log", "check", "-C", s.dir], capture_output=True,
                                     text=True, timeout=60)
            assert checked.returncode == 0, checked.stdout
            logged = {e[18:50] for e in entries_of(log, head_of(log)[0])}
            for t in tokens:
                signed = t["access_token"].rsplit(".", 1)[0].encode()
                assert hashlib.sha256(signed).digest() in logged
        finally:
            disk.done()
