"""Ledger, signers and issuers are killed while tokens are asked for: whoever dies, each token that a
client got is in the log, and the log only ever grew."""
import base64
import contextlib
import hashlib
import os
import random
import signal
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest

from chancery import PROGRAM, Authority, wait_for
from tlog import leaf, root_of

BATCH = 256


class Clients:
    """Ask for tokens, one after another, until they are stopped."""

    def __init__(self, authority, n):
        self.url = authority.dev["realms"]["home"]["token_endpoint"]
        self.tokens, self.ends, self.stopped = [], set(), threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(n)]
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

    def more(self, n):
        before = len(self.tokens)
        wait_for(lambda: len(self.tokens) >= before + n, 20, "more tokens")

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
    """Heads that were published between so many deaths, and the tokens of that time."""
    folder, clients, heads = authority.dir / "log", Clients(authority, 4), []
    roles = ["ledger", "signer", "issuer"]
    try:
        for i in range(rounds):
            clients.more(10)
            heads.append(head_of(folder))
            pids = authority.read_dev()["pids"].get(roles[i % len(roles)], [])
            # one that has died is still in dev.json for an instant
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(random.choice(pids), signal.SIGKILL)
        clients.more(10)
    finally:
        clients.stop()
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
    r = subprocess.run([PROGRAM, "log", "check", "-C", str(authority.dir)], capture_output=True,
                       text=True, timeout=120)
    assert r.returncode == 0, r.stdout + r.stderr


def test_whoever_is_killed_each_token_is_in_the_log(authority):
    check(authority, *killed(authority, 4))


@pytest.mark.soak
def test_for_minutes(authority):
    heads, clients = killed(authority, int(os.environ.get("CHANCERY_ROUNDS", "100")))
    print(f"\n{len(clients.tokens)} tokens, {len(heads)} deaths")
    check(authority, heads, clients)
