"""`chancery doctor`: an installation is broken in one way after the other, and it says so."""
import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import pytest

import tlog
from chancery import PROGRAM, free_port, http as ask, wait_for
from test_service import Service


def doctor(dir_, status):
    """{check: [(level, what, subject)]} of what is not fine, but what this machine is like."""
    r = subprocess.run([PROGRAM, "doctor", "--json", "-C", dir_], capture_output=True, text=True,
                       timeout=60)
    assert r.returncode == status, r.stdout + r.stderr
    found = {}
    for f in json.loads(r.stdout):
        if f["level"] != "ok":
            assert f["what"] and f["mend"]
            found.setdefault(f["check"], []).append((f["level"], f["what"], f["subject"]))
    return {check: said for check, said in found.items()
            if check not in ("clock", "kernel", "crash dumps", "limits", "uids")}


@pytest.fixture(scope="module")
def whole():
    path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-doctor-"))
    path.chmod(0o711)
    subprocess.run([PROGRAM, "init", "--crash-handler", "none", path / "a"], check=True,
                   capture_output=True)
    file, port = path / "a/chancery.yaml", free_port(2)
    file.write_text(file.read_text().replace("8080", str(port)).replace("8081", str(port + 1)))
    yield path / "a"
    shutil.rmtree(path)


STOPPED = [("warning", "the authority does not run", "")]


def test_nothing_is_wrong(whole):
    assert doctor(whole, 0) == {"running": STOPPED}
    text = subprocess.run([PROGRAM, "doctor", "-C", whole], capture_output=True, text=True)
    assert text.returncode == 0 and "ok       files" in text.stdout


def damage(path, at=-40):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def chain_of(dir_):
    return next((dir_ / "audit").glob("*.chain"))


WAYS = {
    "a passphrase that others may read": (
        lambda d: (d / "passphrase").chmod(0o644), "passphrase", "others may read it"),
    "no passphrase": (lambda d: (d / "passphrase").unlink(), "passphrase", "cannot be opened"),
    "an empty passphrase": (
        lambda d: (d / "passphrase").write_text(""), "passphrase", "too short"),
    "a refresh key that others may read": (
        lambda d: (d / "refresh.key").chmod(0o640), "files", "others may read"),
    "open keys": (lambda d: (d / "keys").chmod(0o755), "files", "others may read"),
    "a folder that others may write": (lambda d: d.chmod(0o777), "files", "others may"),
    "a store of nobody's": (lambda d: (d / "store/main").rename(d / "x"), "files", "is missing"),
    "no store": (lambda d: (d / "store/main/chancery.db").unlink(), "stores", "cannot be opened"),
    "a store that is none": (
        lambda d: (d / "store/main/chancery.db").write_bytes(b"x" * 8192), "stores", ""),
    "no key": (lambda d: [p.unlink() for p in (d / "keys/home").glob("*.key")], "keys", "no key"),
    "no folder of keys": (lambda d: shutil.rmtree(d / "keys/home"), "keys", "cannot be read"),
    "a damaged audit": (lambda d: damage(chain_of(d), 30), "audit", "damaged"),
    "no audit": (lambda d: shutil.rmtree(d / "audit"), "audit", "nothing was ever recorded"),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way(whole, way):
    act, check, word = WAYS[way]
    copy = whole.parent / "copy"
    subprocess.run(["cp", "-a", whole, copy], check=True)
    try:
        act(copy)
        r = subprocess.run([PROGRAM, "doctor", "--json", "-C", copy], capture_output=True,
                           text=True, timeout=60)
        assert r.returncode in (0, 1), r.stderr
        said = [f for f in json.loads(r.stdout) if f["check"] == check and f["level"] != "ok"]
        assert said and word in said[0]["what"] + said[0]["subject"], r.stdout
        assert (r.returncode == 1) == any(
            f["level"] == "problem" for f in json.loads(r.stdout))
    finally:
        shutil.rmtree(copy)


@pytest.mark.root_only
def test_another_owner(whole):
    copy = whole.parent / "copy"
    subprocess.run(["cp", "-a", whole, copy], check=True)
    try:
        os.chown(copy / "store/main/chancery.db", 0, 0)
        assert ("problem", "belongs to another user than its role",
                "store/main/chancery.db") in doctor(copy, 1)["files"]
    finally:
        shutil.rmtree(copy)


def test_no_authority(tmp_path):
    r = subprocess.run([PROGRAM, "doctor", "-C", tmp_path], capture_output=True, text=True)
    assert r.returncode == 3 and str(tmp_path) in r.stderr
    (tmp_path / "chancery.yaml").write_text("nonsense: 1\n")
    r = subprocess.run([PROGRAM, "doctor", "-C", tmp_path], capture_output=True, text=True)
    assert r.returncode == 3 and "chancery.yaml:1" in r.stderr


@pytest.mark.root_only
def test_what_runs():
    """Its issuers are asked by their own URLs; one whose URL leads elsewhere is found."""
    with Service() as s:
        s.start()
        s.wait_ready()
        for realm in ("home", "corp"):
            wait_for(lambda r=realm: ask("GET", f"http://127.0.0.1:{s.port}/{r}/jwks").status == 200)
        wait_for(lambda: ask("GET", f"http://127.0.0.1:{s.port + 1}/staff/jwks").status == 200)
        os.chmod(s.given, 0o600)
        assert doctor(s.dir, 0) == {}
        s.edit(f"issuer: http://localhost:{s.port}/home", f"issuer: http://127.0.0.1:{s.port}/home")
        assert doctor(s.dir, 1) == {"issuers": [
            ("problem", "another issuer answers at its URL", f"http://127.0.0.1:{s.port}/home")]}
        s.edit(f"issuer: http://127.0.0.1:{s.port}/home", "issuer: http://localhost:1/home")
        assert doctor(s.dir, 1)["issuers"][0][1] == "its URL does not answer with metadata"
        s.stop()


# --- the collector, gates, units, ports, witnesses: each is whole, then is broken


COLLECTOR = """
collector:
  listen: 127.0.0.1:{port}
  gates:
    mail1: {{secret_file: mail1.secret}}
  webhook:
    uri: {hook}
    secret_file: hook.secret
  total_mb: 4
"""
GATE = """socket: {dir}/gate.sock
issuers:
  - issuer: http://localhost:{port}/home
    realm: home
    jwks_file: {dir}/jwks/home.json
    audiences: [mail]
    log: main
logs:
  main:
    vkey_file: {dir}/log.vkey
    folder: {dir}/log
locations:
  api: {{audiences: [mail], realms: [home], binding: refused}}
collector:
  uri: http://127.0.0.1:{collector}
  client: mail1
  secret_file: {dir}/gate.secret
"""


class Hook(http.server.BaseHTTPRequestHandler):
    status, posts = 405, 0

    def do_GET(self):
        self.send_response(Hook.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        Hook.posts += 1
        self.do_GET()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def webhook():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/alarms"
    server.shutdown()
    server.server_close()


def secret(path, text):
    path.write_text(text + "\n")
    path.chmod(0o600)


@pytest.fixture(scope="module")
def reporting():
    """A production authority with a collector and a gate's policy in its folder; it runs."""
    with webhook() as hook, Service() as s:
        s.hook, s.collector = hook, free_port()
        with open(s.dir / "chancery.yaml", "a") as f:
            f.write(COLLECTOR.format(port=s.collector, hook=hook))
        secret(s.dir / "mail1.secret", "a secret of mail1's own")
        secret(s.dir / "gate.secret", "a secret of mail1's own")
        secret(s.dir / "hook.secret", "a secret of the hook")
        os.chmod(s.given, 0o600)
        s.start()
        s.wait_ready()
        for group, realm in ((0, "home"), (0, "corp"), (1, "staff")):
            at = f"http://127.0.0.1:{s.port + group}/{realm}/jwks"
            wait_for(lambda at=at: ask("GET", at).status == 200)
        wait_for(lambda: ask("GET", f"http://127.0.0.1:{s.collector}/ready").status == 200,
                 what="the collector")
        policy = s.dir / "gate.yaml"
        policy.write_text(GATE.format(dir=s.dir, port=s.port, collector=s.collector))
        policy.chmod(0o644)
        yield s
        s.stop()


def of(s, check, status, *args):
    """[(what, subject)] of one check."""
    r = subprocess.run([PROGRAM, "doctor", "--json", "-C", s.dir, *args], capture_output=True,
                       text=True, timeout=60)
    assert r.returncode == status, r.stdout + r.stderr
    return [(f["what"], f["subject"]) for f in json.loads(r.stdout)
            if f["check"] == check and f["level"] != "ok"]


@pytest.mark.root_only
def test_a_collector_that_is_well(reporting):
    s = reporting
    assert of(s, "collector", 0) == [("no sighting of this gate ever came", "mail1")]
    assert not of(s, "gates", 0) and not of(s, "ports", 0) and not of(s, "witnesses", 0)
    assert Hook.posts == 0


@contextlib.contextmanager
def changed(path, old=None, new=None, mode=None):
    text, was = path.read_text(), path.stat().st_mode & 0o777
    assert old is None or old in text
    try:
        if old is not None:
            path.write_text(text.replace(old, new))
        path.chmod(mode or was)
        yield
    finally:
        path.write_text(text)
        path.chmod(was)


@pytest.mark.root_only
def test_the_collectors_ways(reporting):
    s, now = reporting, time.time()
    with changed(s.dir / "mail1.secret", "mail1's", "another"):
        assert ("the collector that runs does not know this gate's secret", "mail1") in \
            of(s, "collector", 1)
        assert ("a gate and the collector have different secrets", "mail1") in of(s, "gates", 1)
    with changed(s.dir / "mail1.secret", mode=0o644):
        assert ("a secret of the collector cannot be taken", "mail1.secret") in \
            of(s, "collector", 1)
    with changed(s.dir / "chancery.yaml", s.hook, "http://127.0.0.1:1/alarms"):
        assert ("the webhook's server does not answer", "http://127.0.0.1:1/alarms") in \
            of(s, "collector", 1)
    Hook.status = 404
    assert ("the webhook's server has nothing at this address", s.hook) in of(s, "collector", 0)
    Hook.status = 405
    folder = s.dir / "collector/mail1/signed"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.chain").write_bytes(bytes(4 << 20))
    os.utime(folder / "x.chain", (now - 90000, now - 90000))
    alarm = s.dir / "alarms" / ("0" * 32)
    alarm.mkdir()
    os.utime(alarm, (now - 400, now - 400))
    try:
        said = [what for what, _ in of(s, "collector", 1)]
        assert said == ["nothing came from this gate for a day",
                        "sightings of this gate fill nine tenths of their room",
                        "alarms wait for the webhook for more than five minutes"]
    finally:
        shutil.rmtree(s.dir / "collector/mail1")
        shutil.rmtree(alarm)
    with changed(s.dir / "chancery.yaml", f"127.0.0.1:{s.collector}", "127.0.0.1:1"):
        assert "the collector does not answer" in [w for w, _ in of(s, "collector", 1)]
        assert ("the authority runs, and nobody listens at its port", "collector") in \
            of(s, "ports", 1)


@pytest.mark.root_only
def test_the_gates_ways(reporting, tmp_path):
    s, policy = reporting, reporting.dir / "gate.yaml"
    issuer = f"http://localhost:{s.port}/home"
    with changed(policy, "audiences: [mail]\n", "audience: [mail]\n"):
        assert of(s, "gates", 1) == [("the policy of a gate is not good", str(policy))]
    with changed(policy, mode=0o666):
        assert of(s, "gates", 1) == [("others may change a gate's policy", str(policy))]
    other = tmp_path / "other.vkey"
    other.write_text("login.test/log+f0000000+AQ==\n")
    name, number, key = (s.dir / "log.vkey").read_text().strip().split("+", 2)
    with changed(policy, "    log: main\nlogs:\n  main:\n", "nothing: 1\n"):
        assert of(s, "gates", 1) == [("the policy of a gate is not good", str(policy))]
    with changed(policy, policy.read_text()[policy.read_text().index("    log: main"):
                                            policy.read_text().index("locations:")], ""):
        assert of(s, "gates", 0) == [
            ("a gate does not hold this issuer's tokens against the log", issuer)]
    # another log's key, of one that has no head yet
    made = tlog.Log("other.test/log")
    other.write_text(made.vkey() + "\n")
    (tmp_path / "log").mkdir()
    text = policy.read_text().replace(f"{s.dir}/log.vkey", str(other)).replace(
        f"{s.dir}/log\n", f"{tmp_path}/log\n")
    (tmp_path / "other.yaml").write_text(text)
    (tmp_path / "other.yaml").chmod(0o644)
    assert of(s, "gates", 1, "--gate", str(tmp_path / "other.yaml")) == [
        ("a gate follows another log than this authority's", issuer)]
    with changed(policy, "client: mail1", "client: mail2"):
        assert of(s, "gates", 0) == [
            ("a gate reports as one that the collector does not know", "mail2")]


@pytest.mark.root_only
def test_witnesses_that_lag(reporting):
    s = reporting
    folder = s.dir / "log/cosigned"
    folder.mkdir()
    try:
        assert of(s, "witnesses", 0) == [("no head was ever cosigned by witnesses", "log/cosigned")]
        head = (s.dir / "log/checkpoint").read_text()
        (folder / "checkpoint").write_text(head)
        at = "log/cosigned/checkpoint"
        assert of(s, "witnesses", 1) == [("the cosigned head has no witness's line", at)]
        line = tlog.Log("witness.test/1").checkpoint(0).splitlines()[-1]
        (folder / "checkpoint").write_text(head + line + "\n")
        assert of(s, "witnesses", 0) == []
        (folder / "checkpoint").write_text(head.replace("\n", "x\n", 1) + line + "\n")
        assert of(s, "witnesses", 1) == [
            ("what witnesses cosigned is damaged, or another log's", at)]
    finally:
        shutil.rmtree(folder)


def test_a_port_that_is_taken(whole):
    text = (whole / "chancery.yaml").read_text()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = re.search(r"(?m)^ +listen: (\S+)", text).group(1)
        with changed(whole / "chancery.yaml", first, f"127.0.0.1:{taken.getsockname()[1]}"):
            assert doctor(whole, 1)["ports"] == [
                ("problem", "another program has its port", "main")]
    assert (whole / "chancery.yaml").read_text() == text


def mounts_of_its_own():
    """May a process mount what no other sees? In a bare chroot it may not."""
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


own_mounts = pytest.mark.skipif(not mounts_of_its_own(), reason="no namespace of mounts here")


@own_mounts
@pytest.mark.root_only
@pytest.mark.parametrize("unit,enabled,what", [
    (f"ExecStart={PROGRAM} serve /srv/other", True, "the unit serves another folder than this one"),
    ("ExecStart=/nonexistent/chancery serve DIR", True, "a unit starts a program that is not there"),
    (f"ExecStart={PROGRAM} serve DIR", False, "it does not start with the machine"),
    (f"ConditionPathExists=/nonexistent\nExecStart={PROGRAM} serve DIR", True,
     "an enabled unit waits for a file that is not there"),
    (f"ExecStart=/other\nExecStart=\nExecStart={PROGRAM} serve DIR", True, None)])
def test_units(whole, tmp_path, unit, enabled, what):
    """In a namespace of its own, so that the machine's units stay as they are."""
    (tmp_path / "chancery.service").write_text(
        f"[Service]\n{unit.replace('DIR', str(whole))}\n")
    script = ("mkdir -p /etc/systemd/system && mount -t tmpfs none /etc/systemd/system && "
              f"cp {tmp_path}/chancery.service /etc/systemd/system/ && "
              "mkdir /etc/systemd/system/multi-user.target.wants && ")
    if enabled:
        script += ("ln -s /x /etc/systemd/system/multi-user.target.wants/chancery.service && ")
    r = subprocess.run(["unshare", "-m", "sh", "-c",
                        script + f"{{ {PROGRAM} doctor --json -C {whole}; true; }}"],
                       capture_output=True, text=True, timeout=60, check=True)
    said = [f["what"] for f in json.loads(r.stdout) if f["check"] == "units" and f["level"] != "ok"]
    assert said == ([what] if what else [])


@own_mounts
@pytest.mark.root_only
def test_a_log_on_a_full_disk(whole):
    """A disk of its own that has hardly any room: it is named, and what it means."""
    script = (f"mount -t tmpfs -o size=1m,mode=755 none {whole}/log && "
              f"{{ {PROGRAM} doctor --json -C {whole}; true; }}")
    r = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True,
                       timeout=60, check=True)
    said, = [f for f in json.loads(r.stdout) if f["check"] == "disk" and f["level"] == "problem"]
    assert said["subject"] == "log" and "no token is issued" in said["mend"]
