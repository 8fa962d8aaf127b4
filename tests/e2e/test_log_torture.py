"""Ledger, signers, issuers and the gate are killed while tokens are asked for and shown: whoever dies,
each token that a client got is in the log, the log only ever grew, and no gate calls one forged."""
import base64
import contextlib
import hashlib
import os
import random
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from chancery import PROGRAM, Authority, wait_for
from tlog import leaf, root_of

BATCH = 256
ROLES = ("ledger", "signer", "issuer", "gate")
ALARM = "a token that was never issued"


class Clients:
    """Ask for tokens, one after another, until they are stopped."""

    def __init__(self, authority, n):
        self.url = authority.dev["realms"]["home"]["token_endpoint"]
        self.gate = authority.dev["gate"]
        self.tokens, self.ends, self.stopped = [], set(), threading.Event()
        self.passed = self.refused = 0
        self.threads = [threading.Thread(target=self._run) for _ in range(n)]
        self.threads.append(threading.Thread(target=self._show))
        for t in self.threads:
            t.start()

    def _ask(self):
        secret = base64.b64encode(b"bench:bench-secret").decode()
        q = urllib.request.Request(self.url, b"grant_type=client_credentials",
                                   {"Authorization": "Basic " + secret})
        with urllib.request.urlopen(q, timeout=60) as answer:
            return answer.read().split(b'"access_token":"')[1].split(b'"')[0]

    def _run(self):
        while not self.stopped.is_set():
            try:
                self.tokens.append(self._ask())
            except urllib.error.HTTPError as e:
                self.ends.add(e.code)
            except OSError:
                pass  # the issuer died with the connection

    def passes(self, token):
        """None: no answer, the gate died."""
        secret = base64.b64encode(f"{self.gate['client_id']}:{self.gate['client_secret']}".encode())
        q = urllib.request.Request(self.gate["introspection_endpoint"], b"token=" + token,
                                   {"Authorization": "Basic " + secret.decode()})
        try:
            with urllib.request.urlopen(q, timeout=60) as answer:
                return b'"active":true' in answer.read()
        except OSError:
            return None

    def _show(self):
        """The newest of them, which its gate has not heard of."""
        while not self.stopped.is_set():
            said = self.passes(self.tokens[-1]) if self.tokens else None
            self.passed += said is True
            self.refused += said is False
            if said is None:
                time.sleep(0.01)

    def more(self, n):
        before = len(self.tokens)
        wait_for(lambda: len(self.tokens) >= before + n, 60, "more tokens")

    def stop(self):
        self.stopped.set()
        for t in self.threads:
            t.join()


def head_of(folder):
    origin, size, root = (folder / "checkpoint").read_text().split("\n")[:3]
    return int(size), base64.b64decode(root)


def bundle(folder, n, width):
    digits = f"{n:03d}" if n < 1000 else f"x{n // 1000:03d}/{n % 1000:03d}"
    path = folder / "tile" / "entries" / digits
    return (path if width == BATCH else path.with_name(path.name + ".p") / str(width)).read_bytes()


def entries_of(folder, size):
    found = []
    while len(found) < size:
        text = bundle(folder, len(found) // BATCH, min(BATCH, size - len(found)))
        while text:
            n = int.from_bytes(text[:2], "big")
            found.append(text[2:2 + n])
            text = text[2 + n:]
    return found


@pytest.fixture
def authority(short_dir):
    a = Authority(short_dir / "t")
    try:
        yield a
    finally:
        a.stop()


def killed(authority, rounds):
    """Heads that were published between deaths, and the tokens of that time. rounds: yields for each."""
    folder, clients, heads = authority.dir / "log", Clients(authority, 4), []
    try:
        for i in rounds(clients):
            clients.more(10)
            heads.append(head_of(folder))
            pids = authority.read_dev()["pids"].get(ROLES[i % len(ROLES)], [])
            # one that has died is still in dev.json for an instant
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(random.choice(pids), signal.SIGKILL)
        clients.more(10)
    finally:
        clients.stop()
    # nobody dies any more: what is genuine passes
    wait_for(lambda: clients.passes(clients.tokens[-1]), 60, "a gate that lets the last one pass")
    return heads, clients


def check(authority, heads, clients):
    folder = authority.dir / "log"
    assert authority.stop() == 0, authority.log_text()[-3000:]
    heads.append(head_of(folder))
    entries = entries_of(folder, heads[-1][0])
    logged = {e[18:50] for e in entries}
    missing = [t for t in clients.tokens
               if hashlib.sha256(t.rsplit(b".", 1)[0]).digest() not in logged]
    assert not missing, f"{len(missing)} of {len(clients.tokens)} tokens are in no log"
    leaves = [leaf(e) for e in entries]
    assert [s for s, _ in heads] == sorted(s for s, _ in heads)
    for size, root in heads:
        assert root_of(leaves[:size]) == root, f"the head of size {size} is of another tree"
    assert clients.ends <= {503}, clients.ends
    assert ALARM not in authority.log_text()
    r = subprocess.run([PROGRAM, "log", "check", "-C", str(authority.dir)], capture_output=True,
                       text=True, timeout=120)
    assert r.returncode == 0, r.stdout + r.stderr


def test_whoever_is_killed_each_token_is_in_the_log(authority):
    check(authority, *killed(authority, lambda clients: range(4)))


@pytest.mark.soak
def test_for_minutes(authority, progress):
    until, deaths = time.monotonic() + float(os.environ.get("CHANCERY_SECONDS", "300")), 0

    def rounds(clients):
        nonlocal deaths
        while time.monotonic() < until:
            yield deaths
            deaths += 1
            progress(f"{deaths} deaths, {len(clients.tokens)} tokens")
            time.sleep(random.random() / 2)  # anywhere in the life of the next one

    heads, clients = killed(authority, rounds)
    check(authority, heads, clients)
    print(f"{deaths} deaths, {len(clients.tokens)} tokens, each in the log; {clients.passed} passed the "
          f"gate, {clients.refused} not at that time; {len(heads)} heads, one tree")
