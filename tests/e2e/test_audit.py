"""Every act of an administrator is in DIR/audit: read by `chancery audit`, and by a second
implementation of the format. What cannot be recorded is not done."""
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile

import pytest

import chain_format
from chancery import PROGRAM, Signer, wait_for
from cryptography.hazmat.primitives import serialization

SECRET = "a password of nobody"
INTENT, ITEM, OUTCOME = 1, 2, 3


class Folder:
    def __init__(self, path):
        self.dir = path / "authority"
        r = self.run("init", "--crash-handler", "none", str(self.dir), where=False)
        assert r.returncode == 0, r.stderr

    def run(self, *args, given="", where=True, env=None):
        return subprocess.run([PROGRAM, *args, *(["-C", str(self.dir)] if where else [])],
                              input=given, capture_output=True, text=True, timeout=120,
                              env={**os.environ, **(env or {})})

    def done(self, *args, given="", status=0, **kw):
        r = self.run(*args, given=given, **kw)
        assert r.returncode == status, f"{args}: exit {r.returncode}: {r.stdout}{r.stderr}"
        return r

    def acts(self, *args):
        return json.loads(self.done("audit", "list", "--json", *args).stdout)

    def records(self):
        return chain_format.read(self.dir / "audit")


@pytest.fixture(scope="module")
def made():
    path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-audit-"))
    path.chmod(0o711)
    yield Folder(path)
    shutil.rmtree(path)


@pytest.fixture
def folder(made, tmp_path_factory):
    """A copy for a test that damages it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-audit-"))
    path.chmod(0o711)
    subprocess.run(["cp", "-a", str(made.dir), str(path / "authority")], check=True)
    copy = Folder.__new__(Folder)
    copy.dir = path / "authority"
    yield copy
    shutil.rmtree(path)


def user(verb, name, *args):
    return ("user", verb, "--realm", "corp", "--username", name, *args)


def last(folder, command):
    return [a for a in folder.acts() if a["command"] == command][-1]


def test_every_command_that_changes_something_is_recorded(made):
    pem = Signer("x").key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()).decode()
    made.done(*user("add", "ann", "--password-file", "-"), given=SECRET)
    made.done(*user("add", "ann", "--password-file", "-"), given=SECRET)
    made.done(*user("edit", "ann", "--name", "Ann", "--mailbox", "a@corp.test"))
    made.done(*user("edit", "ann", "--name", "Ann"))
    made.done(*user("reset", "ann", "--password-file", "-"), given=SECRET)
    made.done(*user("disable", "ann"))
    made.done(*user("enable", "ann"))
    made.done(*user("edit", "bob", "--name", "Bob"), status=1)
    made.done("client", "add", "--realm", "corp", "--id", "app", "--scope", "mail.read",
              "--audience", "mail")
    made.done("client", "reset", "--realm", "corp", "--id", "app")
    made.done("client", "remove", "--realm", "corp", "--id", "app")
    kid = made.done("key", "add", "--realm", "corp").stdout.split()[0]
    imported = made.done("key", "import", "--realm", "corp", "-", given=pem).stdout.split()[0]
    made.done("key", "import", "--realm", "corp", "-", given=pem, status=1)
    made.done("realm", "disable", "home")
    made.done("realm", "enable", "home")
    made.done("realm", "add", "home")
    told = [(a["command"], a["object"], a["result"], a["detail"]) for a in made.acts()]
    assert told == [
        ("init", str(made.dir), "done", ""),
        ("user add", "corp/ann", "done", "added"),
        ("user add", "corp/ann", "done", "same"),
        ("user edit", "corp/ann", "done", "changed mailbox name"),
        ("user edit", "corp/ann", "done", "same"),
        ("user reset", "corp/ann", "done", "reset"),
        ("user disable", "corp/ann", "done", "changed disabled"),
        ("user enable", "corp/ann", "done", "changed disabled"),
        ("user edit", "corp/bob", "refused", ""),
        ("client add", "corp/app", "done", "added"),
        ("client reset", "corp/app", "done", "reset"),
        ("client remove", "corp/app", "done", "removed"),
        ("key add", "corp", "done", f"{kid} staged"),
        ("key import", "corp", "done", f"{imported} staged"),
        ("key import", "corp", "refused", ""),
        ("realm disable", "home", "done", "changed issues"),
        ("realm enable", "home", "done", "changed issues"),
        ("realm add", "home", "done", "same"),
    ]
    # what only looks is not recorded
    before = len(made.records())
    for args in (("user", "list"), user("show", "ann"), ("user", "export", "--with-hashes"),
                 ("key", "list"), ("realm", "list"), ("audit", "verify")):
        made.done(*args)
    assert len(made.records()) == before


def test_the_records_by_another_reader(made):
    """src/wire/include/wire/audit.h, written from that document alone."""
    acts, records = made.acts(), made.records()
    assert [t for _, t, _, _ in records] == [INTENT, OUTCOME] * len(acts)
    for act, (seq, _, ms, payload), (_, _, end_ms, end) in zip(acts, records[::2], records[1::2]):
        version, uid, login, sudo, pid = struct.unpack(">BxxxIIII", payload[:20])
        texts, at = [], 20
        while at < len(payload):
            n, = struct.unpack(">H", payload[at:at + 2])
            texts.append(payload[at + 2:at + 2 + n].decode())
            at += 2 + n
        unknown = 0xffffffff
        assert version == 1 and texts == [act["who"], act["command"], act["object"]]
        assert [act[k] for k in ("uid", "login_uid", "sudo_uid", "pid", "seq", "time_ms")] == [
            uid, None if login == unknown else login, None if sudo == unknown else sudo, pid,
            seq, ms]
        assert struct.unpack(">BBxxQ", end[:12])[::2][0] == 1
        assert struct.unpack(">BBxxQ", end[:12])[2] == seq and end_ms == act["end_ms"]


def test_no_secret_is_recorded(made):
    everything = b"".join(p.read_bytes() for p in (made.dir / "audit").iterdir())
    passphrase = (made.dir / "passphrase").read_bytes().strip()
    assert b"user add" in everything
    for secret in (SECRET.encode(), passphrase, b"argon2", b"PRIVATE"):
        assert secret not in everything


def test_who(made):
    made.done(*user("disable", "ann"), env={"SUDO_UID": "65534"})
    act = last(made, "user disable")
    assert act["uid"] == os.getuid() and act["sudo_uid"] == 65534
    if act["login_uid"] is None:
        assert act["who"] == "nobody"
    # what is no uid is not taken for one
    made.done(*user("enable", "ann"), env={"SUDO_UID": "0x0\n"})
    assert last(made, "user enable")["sudo_uid"] is None


def test_what_cannot_be_recorded_is_not_done(folder):
    shutil.rmtree(folder.dir / "audit")
    (folder.dir / "audit").write_text("in the way")
    config = (folder.dir / "chancery.yaml").read_bytes()
    for args, given in ((user("add", "eve", "--password-file", "-"), SECRET),
                        (user("remove", "ann"), ""), (("key", "add", "--realm", "corp"), ""),
                        (("realm", "disable", "corp"), ""),
                        (("client", "add", "--realm", "corp", "--id", "eve", "--scope",
                          "mail.read", "--audience", "mail"), "")):
        r = folder.done(*args, given=given, status=3)
        assert "nothing was done" in r.stderr and "audit" in r.stderr, r.stderr
    names = {u["username"] for u in json.loads(folder.done("user", "list", "--json").stdout)}
    assert names == {"ann"} and folder.done("client", "list").stdout == ""
    assert (folder.dir / "chancery.yaml").read_bytes() == config


def test_an_import_names_each_one(folder):
    people = [{"realm": "corp", "username": f"p{i}", "mailbox": f"p{i}@corp.test"}
              for i in range(3000)]
    said = folder.done("user", "import", "-", given=json.dumps(people)).stdout
    assert "3000 added" in said
    acts = [a for a in folder.acts() if a["command"] == "user import"]
    assert [a["item"] for a in acts[:-1]] == [f"corp/p{i}" for i in range(3000)]
    assert {a["detail"] for a in acts[:-1]} == {"added"}
    assert acts[-1]["result"] == "done" and acts[-1]["detail"] == "3000 added 0 changed 0 same"
    before = len(folder.records())
    folder.done("user", "import", "--dry-run", "-", given=json.dumps(people))
    assert len(folder.records()) == before
    people.append({"realm": "nowhere", "username": "x"})
    people[0]["name"] = "Changed"
    folder.done("user", "import", "-", given=json.dumps(people), status=1)
    assert last(folder, "user import")["result"] == "refused"


def test_an_act_that_was_cut_off(folder):
    """Killed between the two records: the list says that nobody knows."""
    db = sqlite3.connect(folder.dir / "store" / "main" / "chancery.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    chain = next((folder.dir / "audit").glob("*.chain"))
    before = chain.stat().st_size
    p = subprocess.Popen([PROGRAM, *user("edit", "ann", "--name", "Z"), "-C", str(folder.dir)])
    try:
        wait_for(lambda: chain.stat().st_size > before, what="the intent")
    finally:
        p.send_signal(signal.SIGKILL)
        p.wait()
    db.execute("ROLLBACK")
    db.close()
    act = last(folder, "user edit")
    assert (act["result"], act["object"]) == ("unknown", "corp/ann") and "end_ms" not in act
    # the next one goes on, and its outcome is its own
    folder.done(*user("enable", "ann"))
    assert last(folder, "user enable")["result"] == "done"
    assert last(folder, "user edit")["result"] == "unknown"
    folder.done("audit", "verify")


def test_verify(folder):
    r = json.loads(folder.done("audit", "verify", "--json").stdout)
    assert r["records"] == r["next"] == len(folder.records()) and r["torn_bytes"] == 0
    head = f"{r['next']}:{r['hash']}"
    assert folder.done("audit", "verify").stdout.endswith(f"--head {head}\n")
    folder.done(*user("enable", "ann"))
    folder.done("audit", "verify", "--head", head)
    path = next((folder.dir / "audit").glob("*.chain"))
    good = path.read_bytes()
    at = good.index(b"user reset")
    path.write_bytes(good[:at] + b"user remov" + good[at + 10:])
    said = folder.done("audit", "verify", status=1).stderr
    assert path.name in said and "byte" in said
    assert "byte" in folder.done("audit", "list", status=3).stderr
    # nor is anything done behind damage
    refused = folder.done(*user("disable", "ann"), status=3).stderr
    assert "damaged" in refused and "move its folder away" in refused
    # another chain, whole in itself
    path.write_bytes(good)
    shutil.rmtree(folder.dir / "audit")
    folder.done(*user("disable", "ann"))
    folder.done("audit", "verify")
    assert "not the audit" in folder.done("audit", "verify", "--head", head, status=1).stderr
    shutil.rmtree(folder.dir / "audit")
    assert "no audit" in folder.done("audit", "verify", status=1).stderr
    assert folder.acts() == []


def test_since_and_lines(folder):
    acts = folder.acts()
    assert folder.acts("--since", "1d") == acts
    assert folder.acts("--since", "2038-01-01") == []
    lines = folder.done("audit", "list").stdout.splitlines()
    assert len(lines) == len(acts)
    assert lines[1].split("\t")[2:] == ["user add", "corp/ann", "done", "added"]


def test_names_cannot_forge_a_line(folder):
    name = "x\ty\x1b[2J\n2026-01-01T00:00:00.000Z\troot"
    folder.run(*user("edit", name, "--name", "Z"))
    line = folder.done("audit", "list").stdout.splitlines()[-1]
    assert line.split("\t")[3] == ("corp/x\\x09y\\x1b[2J\\x0a2026-01-01T00:00:00.000Z\\x09root")
    assert last(folder, "user edit")["object"] == "corp/" + name


def test_many_at_once(folder):
    running = [subprocess.Popen([PROGRAM, *user("edit", "ann", "--name", f"N{i}"),
                                 "-C", str(folder.dir)], stdout=subprocess.DEVNULL)
               for i in range(12)]
    assert [p.wait() for p in running] == [0] * 12
    acts = [a for a in folder.acts() if a["command"] == "user edit"][-12:]
    assert {a["result"] for a in acts} == {"done"}
    assert {a["pid"] for a in acts} == {p.pid for p in running}


@pytest.mark.parametrize("args", [[], ["erase"], ["list", "--head", "1:00"], ["verify", "--since", "1d"],
                                  ["list", "--since", "soon"], ["verify", "--head", "1"],
                                  ["verify", "--head", "x:" + "00" * 32]])
def test_called_wrongly(made, args):
    assert made.run("audit", *args).returncode == 2
