"""`chancery log monitor`: what it says of a log that grows, that was changed, that lies, that is
silent; through restarts, from a folder and over HTTP."""
import base64
import functools
import http.server
import json
import pathlib
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest

import tlog
from chancery import PROGRAM, wait_for

ORIGIN = "log.test/log"


class Watched:
    """A log in a folder, and the monitor's state beside it."""

    def __init__(self, folder, n=300):
        self.folder, self.state = folder / "log", folder / "state"
        self.log = tlog.Log(ORIGIN).grow(n)
        self.more = []

    def command(self, *args, place=None):
        return [PROGRAM, "log", "monitor", "--state", str(self.state), "--json",
                "--log", f"{self.log.vkey()}={place or self.folder}", *self.more, *args]

    def look(self, *args, status=None, **how):
        """One look; the alarms that it told."""
        r = subprocess.run(self.command("--once", *args, **how), capture_output=True, text=True,
                           timeout=120)
        told = [json.loads(line) for line in r.stdout.splitlines()]
        expected = (1 if told else 0) if status is None else status
        assert r.returncode == expected, (told, r.stderr)
        assert all(a["origin"] == ORIGIN for a in told)
        return [a["alarm"] for a in told]

    def evidence(self):
        return next(self.state.glob("*.evidence")).read_text()


@pytest.fixture
def watched(tmp_path):
    w = Watched(tmp_path)
    w.log.write(w.folder)
    return w


def test_growth(watched):
    assert watched.look() == []
    for n in (1, 0, 211, 256, 1000):
        watched.log.grow(n).write(watched.folder)
        assert watched.look() == []
    # what is remembered is the head itself, as the log signed it
    state, = watched.state.iterdir()
    assert state.read_text().startswith(watched.log.body())
    # a copy of an older head is no lie
    (watched.folder / "checkpoint").write_text(watched.log.checkpoint(700, time.time() - 20))
    assert watched.look() == []
    # an empty log
    empty = Watched(watched.folder.parent / "empty", 0)
    empty.log.write(empty.folder)
    assert empty.look() == []
    empty.log.grow(3).write(empty.folder)
    assert empty.look() == []


def test_another_tree_of_one_size(watched):
    assert watched.look() == []
    fork = watched.log.fork(100, 200)
    fork.write(watched.folder)
    assert watched.look() == ["inconsistent"]
    evidence = watched.evidence()
    assert watched.log.body() in evidence and fork.body() in evidence
    assert evidence.count(f"\u2014 {ORIGIN} ") == 4
    # it is not forgotten, nor followed again, whatever is served later
    watched.log.write(watched.folder)
    assert watched.look() == ["inconsistent"]
    assert watched.evidence() == evidence


def test_a_larger_tree_that_does_not_go_on(watched):
    assert watched.look() == []
    shutil.rmtree(watched.folder)
    fork = watched.log.fork(100, 700).write(watched.folder)
    assert watched.look() == ["inconsistent"]
    assert fork.body() in watched.evidence()


def test_a_larger_tree_seen_by_one_that_runs(watched):
    p = subprocess.Popen(watched.command("--every", "1"), stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: list(watched.state.glob("*")), what="the first look")
        watched.log.fork(299, 2).write(watched.folder)
        assert json.loads(p.stdout.readline())["alarm"] == "inconsistent"
    finally:
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=60)
    assert p.returncode == 0


def test_entries_taken_back(watched):
    assert watched.look() == []
    (watched.folder / "checkpoint").write_text(watched.log.checkpoint(200, time.time() + 2))
    assert watched.look() == ["inconsistent"]


def test_an_old_head_of_another_tree(watched):
    """Smaller and earlier, but no beginning of what was verified."""
    assert watched.look() == []
    fork = watched.log.fork(100, 50)
    (watched.folder / "checkpoint").write_text(fork.checkpoint(when=time.time() - 5))
    assert watched.look() == ["inconsistent"]


@pytest.mark.parametrize("name", ["tile/0/001.p/244", "tile/entries/001.p/244", "tile/1/000.p/1",
                                  "tile/entries/000", "tile/0/000"])
def test_a_flipped_bit(watched, name):
    """Damage of what is new to the monitor is told, and that it was mended."""
    watched.log.grow(200)
    assert watched.look("--from", "now") == []
    shutil.rmtree(watched.folder)
    watched.log.write(watched.folder)
    watched.state.rename(watched.state.with_name("old"))
    path = watched.folder / name
    good = path.read_bytes()
    path.write_bytes(good[:40] + bytes([good[40] ^ 1]) + good[41:] if len(good) > 40
                     else bytes([good[0] ^ 1]) + good[1:])
    told = watched.look()
    # hash tiles are not needed by who reads all entries from the beginning
    assert told == (["damaged"] if "entries" in name else [])
    path.write_bytes(good)
    assert watched.look() == []


def test_damage_is_no_lie(watched):
    """Tiles that give no root that was signed prove nothing against the log."""
    assert watched.look() == []
    watched.log.grow(300).write(watched.folder)
    path = watched.folder / "tile/1/000.p/2"
    path.write_bytes(bytes(64))
    assert watched.look() == ["damaged"]
    assert not list(watched.state.glob("*.evidence"))
    path.unlink()
    assert watched.look() == ["damaged"]
    watched.log.write(watched.folder)
    assert watched.look() == []


def test_not_signed(watched):
    assert watched.look() == []
    other = tlog.Log(ORIGIN, watched.log.entries)
    (watched.folder / "checkpoint").write_text(other.checkpoint())
    assert watched.look() == ["unsigned"]
    (watched.folder / "checkpoint").write_text("junk")
    assert watched.look() == ["unsigned"]
    text = watched.log.checkpoint()
    (watched.folder / "checkpoint").write_text(text.replace("\n300\n", "\n301\n"))
    assert watched.look() == ["unsigned"]


def test_silence(watched):
    watched.log.write(watched.folder, when=time.time() - 100)
    assert watched.look() == ["silent"]
    assert watched.look("--silence", "1000") == []
    (watched.folder / "checkpoint").unlink()
    r = subprocess.run(watched.command("--once", "--silence", "1000"), capture_output=True,
                       text=True, timeout=60)
    assert r.returncode == 3 and "cannot read now" in r.stderr


def test_witnesses(watched):
    """k of n, and a head that a witness cosigned of another tree: a split view."""
    began = time.time()  # no head of it is older
    ws = [tlog.Key(f"w{i}.test", tlog.COSIGNATURE) for i in range(3)]
    watched.more = [a for w in ws for a in ("--witness", w.vkey())] + ["--quorum", "2"]
    assert watched.look() == ["unwitnessed"]

    def cosign(log, keys, size=None, when=None):
        body = log.body(size)
        note = log.checkpoint(size, when) + "".join(k.line(body, when) for k in keys)
        log._put(watched.folder, "cosigned/checkpoint", note.encode())

    cosign(watched.log, ws[:1])
    assert watched.look() == ["unwitnessed"]
    cosign(watched.log, ws[1:])
    assert watched.look() == []
    cosign(watched.log, ws[1:], when=time.time() - 100)
    assert watched.look() == ["unwitnessed"]
    cosign(watched.log, [ws[0], ws[0], tlog.Key("w1.test", tlog.COSIGNATURE)])
    assert watched.look() == ["unwitnessed"]
    # an earlier head, and a later one
    cosign(watched.log, ws[:2], 256, began - 3)
    assert watched.look() == []
    cosign(watched.log.grow(100), ws[:2], 400)
    watched.log.write(watched.folder, 400)
    (watched.folder / "checkpoint").write_text(watched.log.checkpoint(300))
    assert watched.look() == []
    cosign(watched.log.fork(50, 200), ws, when=time.time() - 3)
    assert watched.look() == ["inconsistent"]


def test_entries(watched):
    log = tlog.Log(ORIGIN, key=watched.log.key)
    log.grow(2).grow(1, realm="corp", kid="k2").grow(1, realm="evil").grow(1, kid="k9")
    log.entries += [b"junk", log.entries[0], bytes(300)]
    log.write(watched.folder)
    known = ("--realm", "home", "--realm", "corp", "--kid", "k1", "--kid", "k2")
    shutil.rmtree(watched.state, ignore_errors=True)
    assert watched.look(*known) == ["unknown_realm", "unknown_kid", "entry", "duplicate", "entry"]
    shutil.rmtree(watched.state)
    assert watched.look() == ["entry", "duplicate", "entry"]
    shutil.rmtree(watched.state)
    assert watched.look("--foreign") == []


def test_a_foreign_log(watched):
    """One without a time in its heads, as other software writes them."""
    body = watched.log.body()
    (watched.folder / "checkpoint").write_text(body + "\n" + watched.log.key.line(body))
    assert watched.look() == ["unsigned"]
    assert watched.look("--foreign") == []


def test_program_and_webhook(watched, tmp_path):
    got = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.headers["Content-Type"],
                        json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    program = tmp_path / "tell"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/told\n[ $# = 0 ]\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    hook = f"http://127.0.0.1:{server.server_port}/"
    watched.log.write(watched.folder, when=1)
    assert watched.look("--exec", str(program), "--webhook", hook) == ["silent"]
    told = json.loads((tmp_path / "told").read_text())
    assert told["alarm"] == "silent" and told["origin"] == ORIGIN and not told["over"]
    assert got == [("application/json", told)]
    server.shutdown()
    server.server_close()
    # an alarm that cannot be handed on is trouble
    r = subprocess.run(watched.command("--once", "--webhook", hook, "--exec", "/nonexistent"),
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 3 and "did not succeed" in r.stderr and "not posted" in r.stderr


def test_over_http(watched, tmp_path):
    class Files(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            expected = "Basic " + base64.b64encode(b"reader:hidden").decode()
            if self.headers.get("Authorization") != expected:
                self.send_error(401)
            else:
                super().do_GET()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Files, directory=str(watched.folder.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{server.server_port}/log"
    secret = tmp_path / "secret"
    secret.write_text("hidden\n")
    reader = ("--client", "reader", "--secret-file", str(secret))
    assert watched.look(*reader, place=place) == []
    watched.log.grow(700).write(watched.folder)
    assert watched.look(*reader, place=place) == []
    assert watched.look(place=place, status=3) == []
    watched.log.fork(5, 1005).write(watched.folder)
    assert watched.look(*reader, place=place) == ["inconsistent"]
    server.shutdown()
    server.server_close()


def test_it_runs(watched):
    """Alarms come when they begin, and again when they are over."""
    p = subprocess.Popen(watched.command("--every", "1"), stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: list(watched.state.glob("*")), what="the first look")
        watched.log.write(watched.folder, when=time.time() - 1000)
        path = watched.folder / "checkpoint"
        path.write_text("junk")
        assert json.loads(p.stdout.readline())["alarm"] == "unsigned"
        assert "Seccomp:\t2" in open(f"/proc/{p.pid}/status").read()
        watched.log.grow(3).write(watched.folder)
        over = json.loads(p.stdout.readline())
        assert over["alarm"] == "unsigned" and over["over"]
    finally:
        p.send_signal(signal.SIGTERM)
        rest = p.communicate(timeout=60)[0]
    assert p.returncode == 0 and rest == ""


@pytest.mark.parametrize("looks", [1, pytest.param(3, marks=pytest.mark.soak)])
def test_a_log_without_end(tmp_path, looks):
    """It lies with its key: any size, and the same entry for ever. It keeps the monitor from no other log, nor
    from ending, and is told of sixteen times a look."""
    key, entry, size = tlog.Key("endless.test/log"), tlog.entry_of(), 10**12
    full = [tlog.leaf(entry)]
    for _ in range(63):
        full.append(tlog.node(full[-1], full[-1]))

    class Endless(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.endswith("/checkpoint"):
                root = functools.reduce(lambda right, left: tlog.node(left, right),
                                        [full[i] for i in range(63) if size >> i & 1])
                body = f"{key.name}\n{size}\n{tlog.b64(root)}\n"
                data = (f"{body}\n{key.line(body)}"
                        f"{key.as_typ(tlog.COSIGNATURE).line(body)}").encode()
            else:
                data = (len(entry).to_bytes(2, "big") + entry) * 256
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    other = Watched(tmp_path)
    other.log.write(other.folder, when=1)
    lies = f"{key.vkey()}=http://127.0.0.1:{server.server_port}/log"
    p = subprocess.Popen(other.command("--every", "1", "--log", lies), stdout=subprocess.PIPE, text=True)
    try:
        told = []
        while len(told) < 1 + 16 * looks:
            told.append(json.loads(p.stdout.readline()))
    finally:
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=60)
        server.shutdown()
        server.server_close()
    assert p.returncode == 0
    assert {a["origin"] for a in told if a["alarm"] == "silent"} == {ORIGIN}
    entries = [a for a in told if a["alarm"] == "duplicate"]
    last = [i for i, a in enumerate(entries) if "one by one" in a["what"]]
    assert last == list(range(15, 16 * looks, 16))
    for i in last[:-1]:
        assert entries[i + 1]["index"] > entries[i]["index"] + 256, "it goes on where it was"


def test_state_that_was_changed(watched):
    assert watched.look() == []
    state, = watched.state.iterdir()
    state.write_text(state.read_text().replace("\n300\n", "\n200\n"))
    r = subprocess.run(watched.command("--once"), capture_output=True, text=True, timeout=60)
    assert r.returncode == 3 and "cannot take up" in r.stderr


def test_calls(tmp_path):
    log = tlog.Log(ORIGIN)
    good = ["--state", str(tmp_path / "s"), "--log", f"{log.vkey()}={tmp_path}"]
    witness = tlog.Key("w.test", tlog.COSIGNATURE).vkey()
    for args in (good[:2], good[2:], [*good, "--quorum", "1"], [*good, "--witness", log.vkey()],
                 [*good, "--every", "0"], [*good, "--from", "x"], [*good, "--client", "c"],
                 [*good, "--witness", witness, "--quorum", "2"],
                 [*good[:3], f"{witness}={tmp_path}"], [*good, "x"]):
        r = subprocess.run([PROGRAM, "log", "monitor", "--once", *args], capture_output=True,
                           timeout=60)
        assert r.returncode == 2, args
    assert not pathlib.Path(tmp_path / "s").exists() or not list((tmp_path / "s").iterdir())
