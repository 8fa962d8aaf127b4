"""`chancery log witness`: the answers of https://c2sp.org/tlog-witness over HTTP, what it remembers
through SIGKILL, two clients that race, a split view, and its walls."""
import concurrent.futures
import os
import pathlib
import random
import subprocess

import pytest

import tlog
from chancery import PROGRAM, http
from witness import Witness

ORIGIN = "log.test/log"


@pytest.fixture(scope="module")
def log():
    return tlog.Log(ORIGIN).grow(600)


@pytest.fixture
def witness(tmp_path, log):
    tmp_path.chmod(0o755)
    w = Witness(str(tmp_path / "w"), "witness.test/1", [log.vkey()]).start()
    yield w
    assert w.stop() == 0, w.log_text()


def run(*args):
    return subprocess.run([PROGRAM, "log", "witness", *args], capture_output=True, text=True,
                          timeout=60)


def cosigned(witness, log, size, answer):
    assert answer.status == 200, answer.body
    line = answer.body.decode()
    assert line.startswith("\u2014 witness.test/1 ") and line.endswith("\n")
    assert tlog.cosigned(log.checkpoint(size) + line, witness.vkey)


def test_answers(witness, log):
    cosigned(witness, log, 0, witness.add(log.request(0, 0)))
    cosigned(witness, log, 3, witness.add(log.request(0, 3)))
    cosigned(witness, log, 3, witness.add(log.request(3, 3)))
    cosigned(witness, log, 500, witness.add(log.request(3, 500)))
    behind = witness.add(log.request(3, 600))
    assert (behind.status, behind.body) == (409, b"500\n")
    assert behind.headers["Content-Type"] == "text/x.tlog.size"
    assert witness.add("old 1\n").status == 400
    assert witness.add(log.request(600, 600).replace("old 600", "old 601")).status == 400
    assert witness.add(tlog.Log("other.test/log").grow(1).request(0)).status == 404
    stranger = tlog.Log(ORIGIN, log.entries)
    assert witness.add(stranger.request(500, 600)).status == 403
    assert witness.add(log.fork(400, 200).request(500, 600)).status == 422
    assert witness.add("x" * 60000).status == 413
    assert http("GET", witness.url + "/add-checkpoint").status == 405
    assert http("POST", witness.url + "/", b"").status == 404
    # a cosigned checkpoint, with lines of others, is as good
    more = log.request(500, 600) + tlog.Key("w2.test", tlog.COSIGNATURE).line(log.body(600))
    cosigned(witness, log, 600, witness.add(more))
    text = witness.metrics()
    assert 'requests_total{result="cosigned"} 5\n' in text
    assert f'log_size{{origin="{ORIGIN}"}} 600\n' in text


def test_split_view(witness, log):
    """A log that shows another tree to others: the witness vouches for one of them."""
    assert witness.add(log.request(0, 300)).status == 200
    fork = log.fork(200, 100)
    same = witness.add(fork.request(300, 300))
    assert (same.status, same.body) == (409, b"300\n")
    assert witness.add(fork.grow(50).request(300, 350)).status == 422
    kept = [p for p in (witness.dir / "state").iterdir() if p.suffix == ".fork"]
    assert len(kept) == 1 and kept[0].read_text().count(ORIGIN + "\n300\n") == 2
    assert "two different trees of one size" in witness.log_text()
    assert witness.add(log.request(300, 350)).status == 200


def test_two_at_once(witness, log):
    """Of two that go on from the same head, one is cosigned, and the other hears where it is."""
    size = 0
    with concurrent.futures.ThreadPoolExecutor(2) as two:
        for step in range(1, 16):
            sizes = [size + 2 * step, size + 2 * step + 1]
            answers = list(two.map(lambda s: witness.add(log.request(size, s)), sizes))
            assert sorted(a.status for a in answers) == [200, 409]
            won = sizes[[a.status for a in answers].index(200)]
            lost = answers[[a.status for a in answers].index(409)]
            assert lost.body == f"{won}\n".encode()
            size = won


def test_killed(witness, log):
    """SIGKILL at any time: what was answered is never forgotten, and nothing smaller is signed."""
    told, dice = 0, random.Random(7)
    for _ in range(6):
        with concurrent.futures.ThreadPoolExecutor(1) as sender:
            def push():
                seen = told
                for size in range(told + 1, told + 60):
                    try:
                        if witness.add(log.request(seen, size)).status == 200:
                            seen = size
                    except OSError:
                        return seen
                return seen
            job = sender.submit(push)
            with_wait = dice.uniform(0, 0.15)
            concurrent.futures.wait([job], timeout=with_wait)
            witness.kill()
            seen = job.result()
        witness.start()
        now = witness.add(log.request(0, seen + 1))
        last = int(now.body) if now.status == 409 else 0
        # one more may have been written down whose answer nobody got
        assert seen <= last <= seen + 1 or (seen == 0 and now.status == 200)
        told = last or 1
        assert witness.add(log.request(told, told)).status == 200


def test_a_memory_that_was_changed(witness, log):
    assert witness.add(log.request(0, 3)).status == 200
    assert witness.stop() == 0
    state = next((witness.dir / "state").iterdir())
    whole = state.read_text()
    state.write_text(whole.replace("\n3\n", "\n2\n"))
    r = run(str(witness.dir))
    assert r.returncode == 3 and "cannot be read" in r.stderr
    # a log under its old name with another key is another log: somebody must decide
    state.write_text(whole)
    witness.knows(tlog.Log(ORIGIN).vkey())
    r = run(str(witness.dir))
    assert r.returncode == 3 and "cannot be read" in r.stderr
    witness.knows(log.vkey())
    witness.start()
    assert witness.add(log.request(3, 4)).status == 200


def test_folder(tmp_path, log):
    tmp_path.chmod(0o755)
    w = Witness(str(tmp_path / "w"), "witness.test/2", [log.vkey()])
    assert (w.dir / "vkey").read_text().strip() == w.vkey
    assert (w.dir / "key").stat().st_mode & 0o777 == 0o600
    assert (w.dir / "key").stat().st_size == 32
    r = run("--init", str(w.dir), "--name", "witness.test/2")
    assert r.returncode == 1 and "already" in r.stderr
    assert run(str(w.dir), "--check").returncode == 0
    (w.dir / "key").chmod(0o644)
    r = run(str(w.dir), "--check")
    assert r.returncode == 3 and "chmod" in r.stderr
    (w.dir / "key").chmod(0o600)
    (w.dir / "key").write_bytes(b"short")
    assert run(str(w.dir)).returncode == 3
    w.knows(log.vkey(), log.vkey())
    r = run(str(w.dir), "--check")
    assert r.returncode == 3 and "is here twice" in r.stderr
    w.knows("log.test/log+00000000+" + tlog.b64(b"\1" * 33))
    assert run(str(w.dir), "--check").returncode == 3
    assert run("--init", str(tmp_path / "x"), "--name", "a b").returncode == 2
    assert run().returncode == 2
    assert run("--help").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's witness changes its user")
def test_root(tmp_path, log):
    tmp_path.chmod(0o755)
    w = Witness(str(tmp_path / "w"), "witness.test/3", [log.vkey()])
    os.chown(w.dir / "state", 0, 0)
    r = run(str(w.dir))
    assert r.returncode == 3 and "is root's" in r.stderr
    os.chown(w.dir / "state", 65534, 65534)
    w.start()
    status = pathlib.Path(f"/proc/{w.process.pid}/status").read_text()
    assert "Uid:\t65534\t65534\t65534\t65534" in status
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    assert w.stop() == 0
