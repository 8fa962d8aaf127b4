"""`chancery backup` of an authority that serves, and `chancery restore`: all comes back but keys;
a file that is not whole restores nothing; a restore that is broken off leaves nothing."""
import concurrent.futures
import hashlib
import io
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import threading
import time

import chain_format
import pytest
import reports

from chancery import PROGRAM, basic, free_port, http as ask, port_answers, wait_for
from test_issuer import post
from test_service import Service

SECRET = "a secret of sixteen bytes"


def run(*args, given=None, status=0):
    r = subprocess.run([PROGRAM, *map(str, args)], input=given, capture_output=True, text=True,
                       timeout=120)
    assert r.returncode == status, f"{args}: exit {r.returncode}: {r.stdout}{r.stderr}"
    return r


@pytest.fixture(scope="module")
def top():
    path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-backup-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def made(top):
    """An authority that does not run, and its backup."""
    dir_ = top / "made"
    run("init", "--crash-handler", "none", dir_)
    run("user", "add", "-C", dir_, "--realm", "corp", "--username", "ann", "--password-file", "-",
        given="a password of ann's")
    run("backup", "-C", dir_, top / "made.tar")
    return dir_, top / "made.tar"


def members(file):
    with tarfile.open(file) as t:
        return {m.name.removeprefix("chancery-backup/"): t.extractfile(m).read()
                for m in t.getmembers()}


def test_what_is_in_it(made):
    dir_, file = made
    assert file.stat().st_mode & 0o777 == 0o600
    found = members(file)
    assert {"MANIFEST", "chancery.yaml", "store/main/chancery.db", "store/staff/chancery.db"} <= set(found)
    assert any(name.startswith("audit/") for name in found)
    assert found["chancery.yaml"] == (dir_ / "chancery.yaml").read_bytes()
    for line in found["MANIFEST"].decode().splitlines()[3:-1]:
        word, size, digest, name = line.split(" ")
        assert word == "file" and int(size) == len(found[name])
        assert digest == hashlib.sha256(found[name]).hexdigest()
    everything = file.read_bytes()
    for secret in (dir_ / "passphrase", dir_ / "refresh.key", *dir_.glob("keys/*/*.key")):
        assert secret.read_bytes().strip()[:40] not in everything, secret
    # nothing is left behind where it was copied
    assert not list(dir_.rglob("backup*"))


def test_it_replaces_nothing(made, top):
    dir_, file = made
    before = file.read_bytes()
    assert "there already" in run("backup", "-C", dir_, file, status=1).stderr
    assert file.read_bytes() == before
    (top / "full").mkdir()
    (top / "full" / "x").touch()
    assert "not empty" in run("restore", file, top / "full", status=1).stderr
    assert [p.name for p in (top / "full").iterdir()] == ["x"]


def test_restored(made, top):
    dir_, file = made
    (top / "empty").mkdir()  # an empty folder will do
    run("restore", file, top / "empty")
    new = top / "empty"
    users = json.loads(run("user", "list", "-C", new, "--json").stdout)
    assert [u["username"] for u in users] == ["ann"]
    kids = lambda d: {k["kid"] for k in json.loads(run("key", "list", "-C", d, "--json").stdout)}
    assert len(kids(new)) >= 3 and not kids(new) & kids(dir_)
    assert (new / "refresh.key").read_bytes() != (dir_ / "refresh.key").read_bytes()
    assert (new / "passphrase").read_bytes() != (dir_ / "passphrase").read_bytes()
    acts = json.loads(run("audit", "list", "-C", new, "--json").stdout)
    told = {a["command"]: a["result"] for a in acts}
    assert told == {"init": "done", "user add": "done", "restore": "done", "backup": "unknown"}
    run("audit", "verify", "-C", new)
    for part in ("store/main", "store/staff", "chancery.yaml", "audit", "keys"):
        for a in [new / part, *(new / part).rglob("*")]:
            b = dir_ / a.relative_to(new)
            if b.exists():
                assert (a.stat().st_mode, a.stat().st_uid) == (b.stat().st_mode, b.stat().st_uid), a
    assert (new.stat().st_mode, new.stat().st_uid) == (dir_.stat().st_mode, dir_.stat().st_uid)


def test_with_what_was_kept_apart(made, top):
    dir_, file = made
    (top / "phrase").write_text("another passphrase\n")
    run("restore", "--refresh-key", dir_ / "refresh.key", "--passphrase-file", top / "phrase", file,
        top / "kept")
    assert (top / "kept/refresh.key").read_bytes() == (dir_ / "refresh.key").read_bytes()
    assert (top / "kept/passphrase").read_text() == "another passphrase\n"
    run("key", "add", "-C", top / "kept", "--realm", "corp")
    (top / "bad.key").write_text("short\n")
    r = run("restore", "--refresh-key", top / "bad.key", file, top / "not", status=3)
    assert "refresh.key" in r.stderr and not (top / "not").exists()


def test_what_is_not_whole_restores_nothing(made, top):
    _, file = made
    good = file.read_bytes()
    bad = top / "bad.tar"

    def refused(data):
        bad.write_bytes(data)
        r = run("restore", bad, top / "never", status=1)
        assert "nothing was restored" in r.stderr
        assert not list(top.glob("never*"))

    for n in [*range(1, 2048, 333), *range(2048, len(good), len(good) // 12), len(good) - 1]:
        refused(good[:n])
    for at in [*range(0, 2048, 211), *range(2048, len(good), len(good) // 12), len(good) - 1]:
        refused(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:])
    refused(good + b"\0")
    refused(good.replace(b"chancery-backup 1\n", b"chancery-backup 2\n"))
    refused(b"")


def remade(file, change):
    """The same archive with other members, whole in itself: what a liar would make."""
    found = members(file)
    manifest = found.pop("MANIFEST").decode().splitlines()
    found = change(found)
    created = int(manifest[1].split()[1])
    text = "\n".join(manifest[:3]) + "\n" + "".join(
        f"file {len(data)} {hashlib.sha256(data).hexdigest()} {name}\n"
        for name, data in found.items())
    text += f"sha256 {hashlib.sha256(text.encode()).hexdigest()}\n"
    out = b""
    for name, data in {"MANIFEST": text.encode(), **found}.items():
        info = tarfile.TarInfo("chancery-backup/" + name)
        info.size, info.mtime, info.mode, info.uname, info.gname = len(data), created, 0o600, "root", "root"
        head = info.tobuf(tarfile.USTAR_FORMAT)
        out += head + data + bytes(-len(data) % 512)
    return out + bytes(1024)


def test_what_has_no_place_there(made, top):
    _, file = made
    bad = top / "made-up.tar"
    # the same by Python's tar is the same to the last byte
    assert remade(file, lambda m: m) == file.read_bytes()
    for name in ("keys/corp/x.key", "store/other/chancery.db", "store/main/x", "revocations/x/y",
                 "passphrase", "audit/a/b"):
        bad.write_bytes(remade(file, lambda m, n=name: {**m, n: b"x"}))
        r = run("restore", bad, top / "never", status=3)
        assert "no place" in r.stderr and not list(top.glob("never*")), name
    bad.write_bytes(remade(file, lambda m: {**m, "../x": b"x"}))
    run("restore", bad, top / "never", status=1)
    db = top / "later.db"
    db.write_bytes(members(file)["store/main/chancery.db"])
    c = sqlite3.connect(db)
    c.execute("PRAGMA journal_mode=DELETE")
    c.execute("UPDATE schema SET version = 9999")
    c.commit()
    c.close()
    for data in (db.read_bytes(), b"no database" * 500):
        bad.write_bytes(remade(file, lambda m, d=data: {**m, "store/main/chancery.db": d}))
        run("restore", bad, top / "never", status=3)
        assert not list(top.glob("never*"))


def test_broken_off(made, top):
    _, file = made
    target = top / "cut"
    for ms in range(0, 120, 10):
        p = subprocess.Popen([PROGRAM, "restore", file, target], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        time.sleep(ms / 1000)
        p.kill()
        p.wait()
        if target.exists():  # it was done
            run("audit", "verify", "-C", target)
            run("key", "list", "-C", target)
            shutil.rmtree(target)
    run("restore", file, target)
    assert not list(top.glob("cut.restoring"))


@pytest.mark.root_only
def test_while_it_serves_under_load(top):
    """Every user that was added before the backup began is in it; what serves is not disturbed; what
    is restored serves, and takes no token of before."""
    with Service() as s:
        s.start()
        s.wait_ready()
        run("client", "add", "-C", s.dir, "--realm", "home", "--id", "app", "--scope", "mail.read",
            "--audience", "mail", "--secret-file", "-", given=SECRET)
        at = f"http://127.0.0.1:{s.port}/home"

        def token():
            r = post(at + "/token", {"grant_type": "client_credentials"},
                     {"Authorization": basic("app", SECRET)})
            assert r.status == 200, r.body
            return r.json()["access_token"]

        wait_for(lambda: ask("GET", at + "/jwks").status == 200, what="the first answer")
        old, stop, added, failures = token(), threading.Event(), [], []

        def load():
            while not stop.is_set():
                token()

        def adds():
            for i in range(200):
                if stop.is_set():
                    return
                r = subprocess.run([PROGRAM, "user", "add", "-C", s.dir, "--realm", "home",
                                    "--username", f"u{i}", "--generate"], capture_output=True)
                (failures if r.returncode else added).append(f"u{i}")

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            work = [pool.submit(load), pool.submit(load), pool.submit(adds)]
            try:
                wait_for(lambda: len(added) >= 2, 30, "users")
                before = list(added)
                run("backup", "-C", s.dir, s.top / "b.tar")
            finally:
                stop.set()
            for w in work:
                w.result()
        assert not failures
        s.stop()
        run("restore", s.top / "b.tar", s.top / "restored")
        shutil.move(s.dir, s.top / "lost")
        shutil.move(s.top / "restored", s.dir)
        names = {u["username"] for u in json.loads(
            run("user", "list", "-C", s.dir, "--json").stdout)}
        assert set(before) <= names <= set(added)
        s.log.truncate(0)
        s.start()
        s.wait_ready()
        wait_for(lambda: ask("GET", at + "/jwks").status == 200, what="the first answer")
        new = token()
        answers = [post(at + "/introspect", {"token": t}, {"Authorization": basic("app", SECRET)})
                   for t in (old, new)]
        assert [a.json()["active"] for a in answers] == [False, True]
        s.stop()


def report(port, chain_id, seq, n):
    """A batch of a gate; the number that the collector wants next."""
    body = reports.batch(chain_id, seq, [(2, 1000, (seq + i).to_bytes(8, "big")) for i in range(n)])
    r = wait_for(lambda: (r := ask("POST", f"http://127.0.0.1:{port}/sightings", body,
                                   {"Authorization": basic("mail1", SECRET)})).status == 200 and r,
                 what="an answer of the collector")
    return int.from_bytes(r.body[18:26], "big")


def numbers(dir_):
    folder = dir_ / "collector/mail1/signed"
    return [int.from_bytes(p[17:25], "big") for _, _, _, p in chain_format.read(folder)]


@pytest.mark.root_only
def test_sightings_since_the_backup_are_asked_for_again(top):
    """What gates reported is in it. Then the collector stands where it stood, and a gate that goes on
    behind that is told so: it sends again what it still has."""
    with Service() as s:
        port, me = free_port(), os.urandom(16)
        with open(s.dir / "chancery.yaml", "a") as f:
            f.write(f"collector:\n  listen: 127.0.0.1:{port}\n  gates:\n"
                    "    mail1: {secret_file: mail1.secret}\n")
        (s.dir / "mail1.secret").write_text(SECRET + "\n")
        (s.dir / "mail1.secret").chmod(0o600)
        s.start()
        s.wait_ready()
        wait_for(lambda: port_answers(port), what="the collector")
        assert report(port, me, 0, 10) == 10
        run("backup", "-C", s.dir, top / "reported.tar")
        assert report(port, me, 10, 10) == 20
        s.stop()
        old, s.dir = s.dir, s.top / "restored"
        run("restore", top / "reported.tar", s.dir)
        shutil.copy2(old / "mail1.secret", s.dir)
        assert numbers(s.dir) == list(range(10))
        s.start()
        wait_for(lambda: port_answers(port), what="the collector")
        assert report(port, me, 20, 5) == 10
        assert report(port, me, 10, 15) == 25
        assert numbers(s.dir) == list(range(25))
        # a gate that has erased what is missing says so by going on behind it all the same
        assert report(port, os.urandom(16), 0, 1) == 1
        s.stop()


@pytest.mark.parametrize("args", [["backup"], ["backup", "a", "b"], ["restore"], ["restore", "a"],
                                  ["restore", "a", "b", "c"], ["restore", "--verify", "a", "b"]])
def test_called_wrongly(args):
    run(*args, status=2)
