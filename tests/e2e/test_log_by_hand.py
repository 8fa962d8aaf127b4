"""docs/LEDGER.md lets an auditor check a log with coreutils and OpenSSL: what stands there is run here,
word for word, on a log, on changes of it, and on a token."""
import hashlib
import re
import subprocess

import pytest

import tlog
from chancery import ROOT

BLOCKS = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/LEDGER.md").read_text(), re.M | re.S)
CHECK = next(b for b in BLOCKS if b.startswith("get()"))
FIND = next(b for b in BLOCKS if b.startswith("grep "))
GOOD = "the log has signed these 9 entries"


@pytest.fixture
def made(tmp_path):
    token = "head.claims.signature"
    log = tlog.Log("log.test/log").grow(5)
    log.grow(1, digest=hashlib.sha256(b"head.claims").digest()).grow(3)
    log.write(tmp_path / "log")
    (tmp_path / "log.vkey").write_text(log.vkey() + "\n")
    (tmp_path / "token").write_text(token + "\n")
    return tmp_path, log


def by_hand(folder, script=CHECK):
    r = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=300,
                       env={"PATH": "/usr/bin:/bin", "LOG": "log", "LC_ALL": "C.UTF-8"})
    return r.stdout + r.stderr


def test_a_good_log(made):
    folder, log = made
    said = by_hand(folder, CHECK + FIND)
    assert GOOD in said and "Signature Verified Successfully" in said
    entry = log.entries[5].hex()
    assert said.splitlines()[-1] == f"5 {entry}"
    (folder / "token").write_text("head.other.signature\n")
    assert by_hand(folder, CHECK.split("# the head")[0] + FIND).splitlines()[-1] == "it was never issued"


def test_changes(made):
    folder, log = made
    bundle, head = folder / "log/tile/entries/000.p/9", folder / "log/checkpoint"
    good = bundle.read_bytes()
    bundle.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert "NOT what was signed" in by_hand(folder)
    bundle.write_bytes(good)
    head.write_text(head.read_text().replace(log.body(), log.fork(7, 2).body()))
    assert "Signature Verification Failure" in by_hand(folder)
