"""What dies again and again, or at a bad moment: it must neither eat the machine nor leave
the authority without what it was asked for."""
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest
from chancery import PROGRAM, Authority, basic, children_of, http, name_of, wait_for


@pytest.fixture
def running():
    path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-restart-"))
    path.chmod(0o755)
    a = Authority(path / "authority")
    yield a
    a.stop()
    shutil.rmtree(path, ignore_errors=True)


def token_status(running):
    try:
        return http("POST", running.dev["realms"]["home"]["token_endpoint"],
                    b"grant_type=client_credentials",
                    {"Authorization": basic("bench", "bench-secret"),
                     "Content-Type": "application/x-www-form-urlencoded"}, 15).status
    except OSError:
        return 0


def kids(running, realm="home"):
    return {k["kid"] for k in
            http("GET", running.dev["realms"][realm]["jwks_uri"]).json()["keys"]}


def kill_all(running, role):
    for pid in running.read_dev()["pids"][role]:
        os.kill(pid, signal.SIGKILL)


def test_an_issuer_that_cannot_start_is_tried_with_pauses(running):
    store = running.dir / "store" / "main" / "chancery.db"
    whole = store.with_suffix(".whole")
    store.rename(whole)
    kill_all(running, "issuer")
    wait_for(lambda: "an issuer is gone" in running.log_text(), what="a try")
    time.sleep(4)
    assert running.log_text().count("an issuer is gone") <= 12
    whole.rename(store)
    wait_for(lambda: token_status(running) == 200, 20, "a token once the store is back")


def test_a_gate_that_cannot_start_is_tried_with_pauses(running):
    away = running.dir / "jwks.away"
    (running.dir / "jwks").rename(away)
    kill_all(running, "gate")
    wait_for(lambda: "a gate is gone" in running.log_text(), what="a try")
    time.sleep(4)
    assert running.log_text().count("a gate is gone") <= 12
    away.rename(running.dir / "jwks")
    at = running.dev["gate"]["introspection_endpoint"]

    def answers():
        try:
            return http("POST", at, b"token=x").status == 401
        except OSError:
            return False

    wait_for(answers, 20, "the gate once its files are back")


def add_key(running, **more):
    return subprocess.Popen([PROGRAM, "key", "add", "--realm", "home", "-C", str(running.dir)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def children(pid, name):
    """Of this process, those of this name."""
    return [p for p in children_of(pid) if name_of(p) == name]


def new_child(supervisor, before):
    """A role that has just been started, before it serves."""
    for name in ("chancery-signer", "chancery-superv"):
        for pid in children(supervisor, name):
            if pid not in before:
                return pid
    return None


def test_a_new_signer_that_dies_at_birth_does_not_lose_the_key(running):
    pids = running.read_dev()["pids"]
    command = add_key(running)
    child = wait_for(lambda: new_child(pids["supervisor"][0], pids["signer"]), 20, "a new signer")
    os.kill(child, signal.SIGKILL)
    said, complaint = command.communicate(timeout=120)
    assert command.returncode == 0, complaint
    assert said.split()[0] in kids(running)
    assert token_status(running) == 200


def test_two_keys_at_once_are_both_taken_up(running):
    commands = [add_key(running) for _ in range(3)]
    for command in commands:
        said, complaint = command.communicate(timeout=120)
        assert command.returncode == 0, complaint
        assert said.split()[0] in kids(running)


def test_one_that_asks_and_goes_does_not_block_the_next(running):
    pids = running.read_dev()["pids"]
    command = add_key(running)
    child = wait_for(lambda: new_child(pids["supervisor"][0], pids["signer"]), 20, "a new signer")
    os.kill(child, signal.SIGSTOP)
    command.kill()
    command.communicate()
    command = add_key(running)
    said, complaint = command.communicate(timeout=120)
    assert command.returncode == 0, complaint
    assert said.split()[0] in kids(running)
    os.kill(child, signal.SIGKILL)


def test_a_warden_that_hangs_is_replaced(running):
    warden = running.read_dev()["pids"]["warden"]
    os.kill(warden[0], signal.SIGSTOP)
    command = add_key(running)
    said, complaint = command.communicate(timeout=120)
    assert command.returncode == 0, complaint
    wait_for(lambda: running.read_dev()["pids"].get("warden", warden) != warden, 20, "a new warden")
    wait_for(lambda: token_status(running) == 200, 20, "a token")
    assert said.split()[0] in kids(running)


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def unheld_signer(running, pids):
    """One that waits for a warden that is stopped, and the command that asked for it."""
    os.kill(pids["warden"][0], signal.SIGSTOP)
    command = add_key(running)
    return command, wait_for(lambda: new_child(pids["supervisor"][0], pids["signer"]), 20,
                             "a new signer")


def test_a_warden_that_dies_leaves_no_signer_that_waits_for_it(running):
    """Such a one once cost each later warden its life, and so all signers, every ten seconds."""
    pids = running.read_dev()["pids"]
    command, child = unheld_signer(running, pids)
    os.kill(pids["warden"][0], signal.SIGKILL)
    wait_for(lambda: not is_alive(child), 20, "its end")
    said, complaint = command.communicate(timeout=120)
    assert command.returncode == 0, complaint
    assert said.split()[0] in kids(running)
    assert token_status(running) == 200


def test_a_key_that_comes_while_there_is_no_warden_is_taken_up(running):
    """It was once told to start the authority anew."""
    supervisor = running.read_dev()["pids"]["supervisor"][0]
    for _ in range(5):  # one that dies young so often waits for a second
        warden = wait_for(lambda: children(supervisor, "chancery-warden"), 20, "a warden")[0]
        os.kill(warden, signal.SIGKILL)
        wait_for(lambda: not is_alive(warden), 20, "its end")
    said, complaint = add_key(running).communicate(timeout=120)
    assert not complaint.count("restart it"), complaint
    assert said.split()[0] in kids(running)
    assert token_status(running) == 200


def test_a_signer_that_lies_dead_for_long_does_not_cost_the_warden(running):
    """It died before it was held, and the supervisor is too busy to collect it."""
    pids = running.read_dev()["pids"]
    supervisor, warden = pids["supervisor"][0], pids["warden"][0]
    command, child = unheld_signer(running, pids)
    os.kill(supervisor, signal.SIGSTOP)
    os.kill(child, signal.SIGKILL)
    os.kill(warden, signal.SIGCONT)
    time.sleep(6)
    assert is_alive(warden), running.log_text()
    os.kill(supervisor, signal.SIGCONT)
    said, complaint = command.communicate(timeout=120)
    assert command.returncode == 0, complaint
    assert said.split()[0] in kids(running)
    assert running.read_dev()["pids"]["warden"] == [warden]


def test_a_hasher_that_hangs_is_replaced(running):
    """Logins once waited for it for ever, and then all others were turned away."""
    hasher = running.read_dev()["pids"]["hasher"]
    os.kill(hasher[0], signal.SIGSTOP)
    r = subprocess.run(
        [PROGRAM, "token", "--issuer", running.dev["realms"]["home"]["issuer"], "--client", "demo",
         "--user", "alice@home.test", "--password-file", "/dev/stdin"],
        input=running.user("alice@home.test")["password"] + "\n", capture_output=True, text=True,
        timeout=120)
    assert r.returncode != 0
    wait_for(lambda: running.read_dev()["pids"].get("hasher", hasher) != hasher, 20, "a new hasher")
    wait_for(lambda: token_status(running) == 200, 20, "a token")
    assert running.token("home", "alice@home.test").count(".") == 2


GETFD = 438


def steal(pid, fd):
    """A descriptor of another process, as root may have it."""
    at = os.pidfd_open(pid)
    got = ctypes.CDLL(None, use_errno=True).syscall(GETFD, at, fd, 0)
    os.close(at)
    return got


def signer_sockets(running):
    """Those of the issuer with a hasher, by realm: what somebody has who took it over."""
    for pid in running.read_dev()["pids"]["issuer"]:
        found = []
        for fd in sorted(int(p.name) for p in pathlib.Path(f"/proc/{pid}/fd").iterdir()):
            got = steal(pid, fd) if fd > 6 else -1
            if got < 0:
                continue
            try:
                s = socket.socket(fileno=got)
            except OSError:
                os.close(got)
                continue
            # one that has a name goes to the ledger
            if (s.family == socket.AF_UNIX and s.type & 15 == socket.SOCK_SEQPACKET
                    and not s.getpeername()):
                found.append(s)
        if len(found) == 2:
            return found
    return None


@pytest.mark.root_only
@pytest.mark.parametrize("message", [b"", b"\x42", b"\x42\x01\xff\xff", b"A" * 70000,
                                     b"\x42\x01\x00\x01" + b"\xff" * 40])
def test_a_realm_is_served_again_after_its_issuer_broke_the_protocol(running, message):
    """It once had no signer from then on, as long as the other realm had one."""
    before = running.read_dev()["pids"]["signer"]
    for s in wait_for(lambda: signer_sockets(running), 10, "the sockets"):
        s.send(message)
        break
    del s
    wait_for(lambda: running.read_dev()["pids"].get("signer", before) != before, 10, "a new signer")
    wait_for(lambda: token_status(running) == 200, 20, "a token")
    assert running.token("corp", "carol@corp.test").count(".") == 2
