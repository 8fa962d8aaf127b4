"""An authority and a gate as services: what a service manager hears, the rights that the
units leave, and passphrases that come from a pipe, a credential or a person."""
import json
import os
import pathlib
import pty
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

import pytest

from chancery import PROGRAM, ROOT, Gate, Signer, children_of, name_of, wait_for

UNITS = ROOT / "contrib/systemd"
PASSPHRASE = "a passphrase of the test's"


class Manager:
    """Who is told: a socket at a path, or at an abstract name."""

    def __init__(self, address):
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address[0] == "@" else address)
        self.socket.settimeout(30)
        self.alive = 0

    def environment(self, **more):
        return {**os.environ, "NOTIFY_SOCKET": self.address, **more}

    def next(self):
        """The next word that is no sign of life."""
        while True:
            text = self.socket.recv(4096).decode()
            if text != "WATCHDOG=1":
                return dict(line.split("=", 1) for line in text.split("\n"))
            self.alive += 1


def free_pair():
    """Two free ports that follow each other, below those that clients get."""
    for first in random.sample(range(10000, 30000, 2), 200):
        try:
            for port in (first, first + 1):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


class Service:
    """A production authority in a folder of its own."""

    def __init__(self, passphrase=None):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="chancery-service-"))
        self.top.chmod(0o755)
        self.dir, self.process = self.top / "authority", None
        self.log = open(self.top / "log", "wb+")
        self.given = self.top / "given"
        self.given.write_text((passphrase or PASSPHRASE) + "\n")
        done = subprocess.run([PROGRAM, "init", "--passphrase-file", self.given, self.dir],
                              capture_output=True)
        assert done.returncode == 0, done.stderr
        self.port = free_pair()
        self.edit("8080", str(self.port))
        self.edit("8081", str(self.port + 1))

    def edit(self, old, new):
        file = self.dir / "chancery.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def start(self, *options, before=(), **kwargs):
        self.process = subprocess.Popen([*before, PROGRAM, "serve", *options, str(self.dir)],
                                        stdout=self.log, stderr=self.log, **kwargs)

    def log_text(self):
        return (self.top / "log").read_text()

    def wait_ready(self):
        wait_for(lambda: self.process.poll() is not None or '"ready"' in self.log_text(), 30,
                 "ready")
        assert self.process.poll() is None, self.log_text()

    def keys(self):
        at = f"http://127.0.0.1:{self.port}/home/jwks"
        return json.load(urllib.request.urlopen(at, timeout=10))["keys"]

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0, self.log_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.top)


def bounding_set(unit):
    text = (UNITS / unit).read_text()
    names = re.search(r"^CapabilityBoundingSet=(.*)$", text, re.M).group(1).split()
    return [name.removeprefix("CAP_").lower() for name in names]


@pytest.mark.root_only
def test_an_authority_with_what_its_unit_leaves_tells_its_manager():
    """With the unit's rights, a watchdog, and a passphrase that the manager reads for it."""
    rights = ["-all", *("+" + name for name in bounding_set("chancery.service"))]
    with Service() as s:
        manager = Manager(str(s.top / "notify"))
        s.edit("passphrase_file: ", "passphrase_file: /nowhere/")
        s.start("--passphrase-file", str(s.given),
                before=["setpriv", "--no-new-privs", "--bounding-set", ",".join(rights)],
                env=manager.environment(WATCHDOG_USEC="300000"))
        assert manager.next() == {"READY": "1", "STATUS": "serving"}
        assert s.keys()
        status = pathlib.Path(f"/proc/{s.process.pid}/status").read_text()
        assert int(re.search(r"^CapEff:\s*(\S+)$", status, re.M).group(1), 16).bit_count() == \
            len(bounding_set("chancery.service"))
        alive = manager.alive
        wait_for(lambda: manager.socket.recv(64) == b"WATCHDOG=1", what="a sign of life")
        assert alive < 1000  # a third of the time each, not at every turn
        s.process.terminate()
        assert manager.next()["STOPPING"] == "1"
        assert s.process.wait(20) == 0
        assert PASSPHRASE not in s.log_text()


@pytest.mark.root_only
def test_a_passphrase_from_a_pipe_serves_a_new_keeper_too():
    with Service() as s:
        s.edit("passphrase_file: ", "passphrase_file: /nowhere/")
        s.start("--passphrase-file", "-", stdin=subprocess.PIPE)
        s.process.stdin.write(PASSPHRASE.encode() + b"\n")
        s.process.stdin.close()
        s.wait_ready()
        warden = next(pid for pid in children_of(s.process.pid) if "warden" in name_of(pid))
        os.kill(warden, signal.SIGKILL)
        wait_for(lambda: "the warden is gone" in s.log_text(), what="its end")
        wait_for(lambda: any("warden" in name_of(pid) and pid != warden
                             for pid in children_of(s.process.pid)),
                 what="another warden")
        assert s.keys()
        s.stop()


@pytest.mark.root_only
def test_nothing_on_standard_input_is_no_passphrase():
    with Service() as s:
        s.start("--passphrase-file", "-", stdin=subprocess.DEVNULL)
        assert s.process.wait(20) == 3
        assert "nothing was said" in s.log_text()


@pytest.mark.root_only
def test_a_person_is_asked():
    """systemd-ask-password(1) asks at the terminal that `serve` was started from."""
    with Service() as s:
        s.edit("passphrase_file: ", "passphrase_file: /nowhere/")
        pid, terminal = pty.fork()
        if pid == 0:
            os.dup2(s.log.fileno(), 2)
            os.execv(PROGRAM, [PROGRAM, "serve", "--ask-passphrase", str(s.dir)])
        said = b""
        try:
            while b"Passphrase of the keys" not in said:
                said += os.read(terminal, 1024)
            os.write(terminal, PASSPHRASE.encode() + b"\n")
            wait_for(lambda: '"ready"' in s.log_text(), 30, "ready")
            assert s.keys()
            os.kill(pid, signal.SIGTERM)
            assert os.waitpid(pid, 0)[1] == 0
            pid = 0
        finally:
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            os.close(terminal)
        assert PASSPHRASE not in s.log_text()


class Asker(threading.Thread):
    """Asks all the while, each time by a new connection; what failed is in `lost`."""

    def __init__(self, service):
        super().__init__()
        self.service, self.lost, self.answers, self.over = service, [], 0, False
        self.start()

    def run(self):
        while not self.over:
            try:
                assert self.service.keys()
                self.answers += 1
            except Exception as e:  # whatever it is, it was lost
                self.lost.append(repr(e))
            time.sleep(0.005)

    def stop(self):
        self.over = True
        self.join()


def max_age(port):
    answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/staff/jwks", timeout=10)
    return int(re.search(r"max-age=(\d+)", answer.headers["Cache-Control"]).group(1))


@pytest.mark.root_only
def test_a_configuration_is_read_again_without_a_dropped_request():
    with Service() as s:
        manager = Manager(str(s.top / "notify"))
        s.start(env=manager.environment())
        assert manager.next()["READY"] == "1"
        before = s.keys()
        asker = Asker(s)
        try:
            def reload(signals=1):
                for _ in range(signals):
                    s.process.send_signal(signal.SIGHUP)
                said = manager.next()
                assert said["RELOADING"] == "1" and int(said["MONOTONIC_USEC"]) > 0
                while "RELOADING" in said:
                    said = manager.next()
                assert said["READY"] == "1"
                return said["STATUS"]

            assert max_age(s.port + 1) == 300
            other = free_pair()
            s.edit("jwks_max_age_s: 300", "jwks_max_age_s: 301")
            s.edit(str(s.port + 1), str(other))  # a group's port, too
            assert reload() == "serving"
            assert max_age(other) == 301
            with pytest.raises(OSError):
                max_age(s.port + 1)
            s.edit("jwks_max_age_s: 301", "jwks_max_age_s: soon")
            assert "configuration before" in reload()
            assert max_age(other) == 301 and "chancery.yaml:" in s.log_text()
            s.edit("jwks_max_age_s: soon", "jwks_max_age_s: 302")
            assert reload(signals=2) == "serving"
            wait_for(lambda: max_age(other) == 302, what="the last change")
            assert s.process.poll() is None and s.keys() == before
        finally:
            asker.stop()
        assert not asker.lost and asker.answers > 3
        s.stop()
        left = subprocess.run(["pgrep", "-s", str(s.process.pid)], capture_output=True)
        assert left.returncode == 1


@pytest.mark.root_only
def test_whoever_ends_it_while_it_starts_anew_gets_the_end():
    with Service() as s:
        s.start()
        s.wait_ready()
        s.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "to start anew" in s.log_text(), what="a new start")
        s.stop()


@pytest.mark.root_only
def test_what_cannot_be_served_is_said_by_check():
    with Service() as s:
        check = [PROGRAM, "serve", "--check", s.dir]
        assert subprocess.run(check, capture_output=True).returncode == 0
        s.edit("kind: staff", "kind: stuff")
        done = subprocess.run(check, capture_output=True, text=True)
        assert done.returncode == 3 and "chancery.yaml:" in done.stderr


@pytest.mark.parametrize("options, why", [
    (["--ask-passphrase", "--passphrase-file", "x"], "not both"),
    (["--dev", "--ask-passphrase"], "of its own"),
    (["--port", "0"], "go with --dev"),
    (["--dev", "--check"], "without --dev"),
])
def test_options_that_contradict_each_other(options, why, tmp_path):
    done = subprocess.run([PROGRAM, "serve", *options, tmp_path], capture_output=True, text=True)
    assert done.returncode == 2 and why in done.stderr


def test_a_gate_tells_its_manager_and_says_what_it_reads_again(tmp_path):
    manager = Manager(f"@chancery-test-{os.getpid()}")
    gate = Gate(tmp_path, {"home": Signer("https://login.test/home")})
    log = open(tmp_path / "log", "wb+")
    process = subprocess.Popen([PROGRAM, "gate", "-c", str(gate.policy)], stdout=log, stderr=log,
                               env=manager.environment(WATCHDOG_USEC="300000"))
    try:
        assert manager.next() == {"READY": "1", "STATUS": "serving"}
        for good in (True, False):
            if not good:
                gate.policy.write_text("listen: nowhere\n")
            process.send_signal(signal.SIGHUP)
            said = manager.next()
            assert said["RELOADING"] == "1" and int(said["MONOTONIC_USEC"]) > 0
            said = manager.next()
            assert said["READY"] == "1" and ("policy before" in said["STATUS"]) == (not good)
        wait_for(lambda: manager.socket.recv(64) == b"WATCHDOG=1", what="a sign of life")
        process.terminate()
        assert manager.next()["STOPPING"] == "1"
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        log.close()
