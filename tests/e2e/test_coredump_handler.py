"""The crash handler on the real kernel: each way in which it hands crashes over, what is kept
and what never is, and that core_pattern is always put back.

core_pattern belongs to the whole machine. Each test holds the lock of those who change it,
handles only the crashes of a uid of its own, and leaves the pattern as it was.
"""
import base64
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import pytest

from chancery import BUILD, PROGRAM, Authority, b64, children_of, name_of, wait_for
from dumps import LIMIT, ON_THE_HOST, PATTERN, STRANGERS, both, build, usual_place, whole_machine

pytestmark = [pytest.mark.root_only, ON_THE_HOST,
              pytest.mark.plain("the kernel starts what core_pattern names, without its settings")]

UID = 61234
REGISTRY = "chancery-regist"
SECRET = "plain-bytes-that-must-not-reach-a-disk"
MODES = ["socket", "socket-legacy", "pipe"]
KERNEL = tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2])
HERE = [m for m, since in zip(MODES, [(6, 17), (6, 16), (0, 0)]) if KERNEL >= since]

# a process with a marker all over its memory, in which nothing is zero
VICTIM = ("import os,sys\n"
          "n=int(sys.argv[1])\n"
          f"a=[b'{SECRET}'*20+os.urandom(1000) for i in range(n)]\n"
          "os.abort()\n")


@pytest.fixture
def machine():
    with whole_machine() as before:
        yield before


class Handler:
    """A state of its own with a policy: the crashes of UID, and all others to the former
    core_pattern."""

    def __init__(self, folder, program=PROGRAM):
        self.dir, self.program = pathlib.Path(folder), program
        self.state, self.store = self.dir / "s", self.dir / "s" / "dumps"
        self.policy = self.dir / "policy.yaml"
        keys = self.dir / "k"
        keys.mkdir(mode=0o700)
        self.public, self.private = keys / "dumps.pub", self.dir / "dumps.key"
        self.run("keygen", "--public", self.public, "--private", self.private)
        self.write_policy()

    def write_policy(self, level="triage", rules="", limits="crashes: 100", others="former"):
        """others: what is done with crashes that are not this test's. They are handed to whoever
        had them before; only beside rules by build id that cannot be."""
        self.policy.write_text(f"level: {others}\nrules:\n{rules}"
                               f"  - uid: {UID}\n    level: {level}\n"
                               f"limits:\n  free_mb: 0\n  {limits}\n")

    def run(self, *args, status=0, **kwargs):
        r = subprocess.run([self.program, "coredump", *map(str, args)], capture_output=True,
                           text=True, timeout=90, **kwargs)
        assert r.returncode == status, \
            f"{args}: exit {r.returncode}: {r.stdout}{r.stderr}{self.log()}"
        return r.stdout + r.stderr

    def install(self, *args, status=0):
        return self.run("install", "--seal-to", self.public, "-c", self.policy, "--state",
                        self.state, "--no-systemd", *args, status=status)

    def uninstall(self, *args, status=0):
        return self.run("uninstall", "--state", self.state, "--no-systemd", *args, status=status)

    def status(self):
        r = subprocess.run([self.program, "coredump", "status", "--json", "--state",
                            str(self.state)], capture_output=True, text=True, timeout=30)
        return json.loads(r.stdout)

    def log(self):
        log = self.state / "log"
        return log.read_text() if log.exists() else ""

    def sidecars(self):
        return [json.loads(f.read_text()) for f in sorted(self.store.glob("*.json"))]

    def sidecar_of(self, pid, seconds=60):
        def find():
            return next((s for s in self.sidecars() if s["pid"] == pid), None)
        return wait_for(find, seconds, f"a sidecar of {pid}; log:\n{self.log()}")

    def open(self, dump):
        """The core, as the holder of the private key gets it."""
        out = self.dir / f"{dump}.core"
        self.run("open", "--key", self.private, "--store", self.store, dump, "-o", out)
        core = out.read_bytes()
        out.unlink()
        return core

    def formers(self, uid=None):
        """Lines of the log about crashes that went the former way; of one uid."""
        return [line for line in self.log().splitlines() if "the former " in line
                and (uid is None or f" uid={uid} " in f"{line} ")]

    def watcher(self):
        return int((self.state / "run" / "pid").read_text())

    def server(self):
        return children_of(self.watcher())[0]

    def assert_nothing_plain(self):
        """No byte of a crash anywhere in the handler's folder."""
        for path in self.dir.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                assert SECRET.encode() not in data and b"\x7fELF" not in data[:4], path


def openers(handler):
    """Crashes that are being handled: the server's children, without the registry."""
    return [p for p in children_of(handler.server()) if name_of(p) != REGISTRY]


def registry_of(handler):
    def find():
        return next((p for p in children_of(handler.server()) if name_of(p) == REGISTRY), None)
    return wait_for(find, 10, "a registry")


def start_crash(n=10, uid=UID, program="/usr/bin/python3"):
    return subprocess.Popen([program, "-c", VICTIM, str(n)], user=uid, group=uid, extra_groups=[],
                            cwd="/", stderr=subprocess.DEVNULL)


def crash(*args, **kwargs):
    p = start_crash(*args, **kwargs)
    assert p.wait(60) == -signal.SIGABRT
    return p.pid


@pytest.fixture
def handler(machine):
    folder = tempfile.mkdtemp(prefix="chd.", dir="/tmp")
    made = Handler(folder)
    yield made
    ours = {f" uid={UID + i} " for i in range(10)}
    STRANGERS.extend(f"{machine[0].strip()!r} has it: {line}" for line in made.formers()
                     if not any(uid in f"{line} " for uid in ours))
    subprocess.run([PROGRAM, "coredump", "uninstall", "--state", str(made.state), "--no-systemd",
                    "--force"], capture_output=True, timeout=60)
    shutil.rmtree(folder)
    assert both() == machine, "core_pattern was not put back"


# --- the three modes -------------------------------------------------------------------

def assert_says_one_thing(handler, status):
    """The heading, each line that says why, and the exit status; beside the same as JSON. What this
    machine is blamed for, swap for one, is not the test's."""
    r = subprocess.run([handler.program, "coredump", "status", "--state", str(handler.state)],
                       capture_output=True, text=True, timeout=30)
    word = ("NOT HEALTHY" if not status["works"] else
            "DEGRADED" if status["degraded"] else "healthy")
    assert r.stdout.startswith(f"{word}: mode ")
    for other in {"NOT HEALTHY", "DEGRADED", "healthy"} - {word}:
        assert not any(line.startswith(other) for line in r.stdout.splitlines())
    assert status["healthy"] == (word == "healthy") == (r.returncode == 0)


@pytest.mark.parametrize("mode", MODES)
def test_a_crash_is_stored_sealed(handler, machine, mode):
    if mode not in HERE:
        pytest.skip(f"this kernel has no {mode}")
    said = handler.install("--mode", mode)
    assert f"mode {mode}," in said
    first = {"socket": "@@", "socket-legacy": "@/", "pipe": "|/"}[mode]
    assert PATTERN.read_text().startswith(first)
    assert int(LIMIT.read_text()) > 0
    pid = crash()
    foreign = crash(uid=UID + 1)
    sidecar = handler.sidecar_of(pid)
    assert sidecar["dump"] and sidecar["uid"] == UID and sidecar["signal"] == signal.SIGABRT
    assert sidecar["executable"] == os.path.realpath("/usr/bin/python3")
    assert sidecar["level"] == "triage"
    assert foreign not in [s["pid"] for s in handler.sidecars()], "it is not ours"
    line, = wait_for(lambda: handler.formers(UID + 1), 30, "a word on a crash that is not ours")
    assert "which is no program" in line and f"pid={foreign} " in line
    assert "names no program" in said and not handler.status()["hands_over"]
    core = handler.open(sidecar["id"])
    assert core[:4] == b"\x7fELF" and SECRET.encode() not in core
    status = handler.status()
    assert status["works"] and status["mode"] == mode and status["dumps"] == 1
    assert_says_one_thing(handler, status)
    # a lesser mode may have been chosen: that is no trouble
    assert status["better_mode"] == (mode != "socket" and HERE[0] == "socket")
    assert not any("mode" in line for line in status["degraded"])
    handler.assert_nothing_plain()
    handler.uninstall()
    assert both() == machine
    assert not handler.status()["installed"]
    assert len(list(handler.store.glob("*.dump"))) == 1, "dumps stay"


def test_the_best_mode_is_chosen_and_install_is_idempotent(handler, machine):
    handler.install()
    first = handler.status()
    assert first["mode"] == HERE[0]
    handler.write_policy(limits="crashes: 50")
    handler.install()
    assert handler.status()["mode"] == HERE[0]
    assert "without the secret" in handler.run("self-test", "--state", handler.state)
    handler.uninstall()
    assert both() == machine
    assert "no handler" in handler.uninstall()


def test_a_second_handler_is_told_of_the_first(handler, tmp_path):
    handler.install()
    other = tmp_path / "other"
    r = subprocess.run([PROGRAM, "coredump", "install", "--seal-to", handler.public, "--state", other,
                        "--no-systemd"], capture_output=True, text=True, timeout=300)
    assert r.returncode == 1 and str(handler.state) in r.stderr and "uninstall" in r.stderr
    assert r.stderr.count("\n") == 1
    assert handler.status()["works"]


def test_a_state_that_others_own_is_not_believed(handler):
    """Settings that somebody else could write decide nothing, and that is said."""
    handler.install()
    os.chown(handler.state, UID, UID)
    crash()
    wait_for(lambda: "install the handler again" in handler.log(), 20, "a word in the log")
    os.chown(handler.state, 0, 0)
    assert handler.sidecars() == []
    assert handler.sidecar_of(crash())["dump"]


# --- what is not wanted ----------------------------------------------------------------

def test_a_fake_peer_is_refused(handler):
    handler.install()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(handler.state / "run" / "core"))
        with contextlib.suppress(OSError):
            s.sendall(struct.pack("<IIQ", 16, 16, 15) + b"\x7fELF" + b"x" * 4096)
        with contextlib.suppress(ConnectionError):
            assert s.recv(100) == b""
    wait_for(lambda: "no crash was refused" in handler.log(), 5, "a word in the log")
    assert handler.sidecars() == []
    pid = crash()
    assert handler.sidecar_of(pid)["dump"]


def test_only_root_can_connect(handler):
    handler.install()
    code = (f"import socket;s=socket.socket(socket.AF_UNIX);"
            f"s.connect('{handler.state}/run/core')")
    handler.dir.chmod(0o711)
    r = subprocess.run(["/usr/bin/python3", "-c", code], user=UID, group=UID, cwd="/",
                       capture_output=True, text=True)
    assert "PermissionError" in r.stderr


def test_rate(handler):
    handler.write_policy(limits="crashes: 2")
    handler.install()
    pids = [crash() for _ in range(5)]
    for pid in pids[:2]:
        assert handler.sidecar_of(pid)["dump"]
    note = handler.sidecar_of(pids[2])
    assert not note["dump"] and note["why"] == "rate"
    handler.uninstall()
    assert len(handler.sidecars()) == 3, "one note, however many there are"
    said = [line for line in handler.log().splitlines() if "was not kept" in line]
    assert [f"pid={pids[2]} " in line for line in said] == [True], said


def test_crashes_queue(handler):
    """More at a time than are handled at a time: in the socket modes none is lost."""
    handler.write_policy(level="full", limits="at_once: 1\n  crashes: 100")
    handler.install("--mode", HERE[0])
    crashes = [start_crash(2000) for _ in range(6)]
    for p in crashes:
        assert p.wait(60) == -signal.SIGABRT
    for p in crashes if HERE[0] != "pipe" else crashes[:1]:
        assert handler.sidecar_of(p.pid, 60)["dump"]


def test_policy_goes_by_file_not_by_name(handler):
    forbidden, other = handler.dir / "forbidden", handler.dir / "other"
    handler.dir.chmod(0o755)
    shutil.copy(os.path.realpath("/usr/bin/python3"), forbidden)
    shutil.copy(os.path.realpath("/usr/bin/python3"), other)
    handler.write_policy(rules=f"  - executable: {forbidden}\n    level: never\n")
    handler.install()
    renamed = handler.dir / "renamed"
    os.link(forbidden, renamed)
    unwanted = [crash(program=str(forbidden)), crash(program=str(renamed))]
    wanted = crash(program=str(other))
    assert handler.sidecar_of(wanted)["dump"]
    assert not set(unwanted) & {s["pid"] for s in handler.sidecars()}


def build_id(path):
    text = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
    return text.split("Build ID: ")[1].split()[0]


def test_policy_goes_by_build_id(handler):
    """What only the redactor can tell: a never of its leaves no trace, a level is that level."""
    python = os.path.realpath("/usr/bin/python3")
    rule = f"  - build_id: {build_id(python)}\n    level: "
    handler.write_policy(rules=rule + "never\n", others="never")
    handler.install()
    unwanted = crash()
    wait_for(lambda: not openers(handler), 20, "the end of it")
    assert handler.sidecars() == []
    handler.write_policy(rules=rule + "strict\n", others="never")
    handler.install()
    wanted = handler.sidecar_of(crash())
    assert wanted["level"] == "strict" and wanted["build_id"] == build_id(python)
    assert unwanted not in [s["pid"] for s in handler.sidecars()]


# --- registered secrets -----------------------------------------------------------------

# the secret comes on standard input, so that nobody's pattern finds it as an argument
HOLDER = ("import base64,os,sys\n"
          "d=bytes.fromhex(sys.stdin.read())\n"
          "a=[d,d[::-1],base64.b64encode(b'x'+d+b'y'),d.hex().encode(),d.hex().upper().encode(),\n"
          "   d.hex().encode('utf-16-le')]\n"
          "os.abort()\n")


def crash_with(secret):
    p = subprocess.Popen(["/usr/bin/python3", "-c", HOLDER], stdin=subprocess.PIPE, user=UID,
                         group=UID, extra_groups=[], cwd="/", stderr=subprocess.DEVNULL)
    p.communicate(secret.hex().encode(), timeout=60)
    assert p.returncode == -signal.SIGABRT
    return p.pid


def found_of(secret, core):
    forms = [secret, secret[::-1], secret.hex().encode(), secret.hex().upper().encode(),
             base64.b64encode(b"x" + secret + b"y")[2:-4], secret.hex().encode("utf-16-le")]
    return [form for form in forms if form in core or form[:20] in core or form[-20:] in core]


def register(handler, secret):
    handler.run("register", "--state", handler.state, "--label", "mine", "-",
                input=json.dumps({"kty": "EC", "d": b64(secret)}))


def test_no_dump_holds_what_is_registered(handler):
    """Whether it looks like a secret or not; the registry has a uid of its own, is started
    again when it dies, and knows what it knew."""
    # letters of both cases: of fewer kinds, sixteen in a row are too much alike once in a while
    known, unknown = (bytes([65 + b % 26 | b & 32 for b in os.urandom(40)]) for _ in range(2))
    handler.write_policy(level="full")
    handler.install("--mode", HERE[0])
    register(handler, known)
    first = registry_of(handler)
    assert os.stat(f"/proc/{first}").st_uid == 59982
    os.kill(first, signal.SIGKILL)
    assert wait_for(lambda: registry_of(handler) != first, 30, "another registry")
    for secret, left in ((known, False), (unknown, True)):
        sidecar = handler.sidecar_of(crash_with(secret))
        assert sidecar["dump"] and sidecar["level"] == "full", sidecar.get("why")
        assert bool(found_of(secret, handler.open(sidecar["id"]))) is left
        kinds = {k["kind"] for k in sidecar["report"]["kinds"]}
        assert ("registered" in kinds) is not left


def test_a_silent_registry_costs_all_but_triage(handler):
    handler.write_policy(level="full")
    handler.install("--mode", HERE[0])
    pid = registry_of(handler)
    os.kill(pid, signal.SIGSTOP)
    try:
        sidecar = handler.sidecar_of(crash())
    finally:
        os.kill(pid, signal.SIGCONT)
    assert sidecar["dump"] and sidecar["level"] == "triage"
    assert "kept at triage" in handler.log()
    flaws = {f["flaw"]: f["text"] for f in sidecar["report"]["flaws"]}
    assert "registry" in flaws and not sidecar["report"]["whole"]
    shown = handler.run("show", "--store", handler.store, sidecar["id"])
    assert f"flaw:         {flaws['registry']}\n" in shown
    sealed = handler.run("open", "--key", handler.private, "--store", handler.store,
                         sidecar["id"], "--report")
    assert '"registry"' in sealed
    said = handler.sidecar_of(crash())
    assert said["level"] == "full" and "registry" not in {
        f["flaw"] for f in said["report"]["flaws"]}


def test_a_registry_that_dies_costs_all_but_triage(handler):
    """Its file is damaged: it ends as often as it is started."""
    handler.write_policy(level="strict")
    handler.install("--mode", HERE[0])
    register(handler, os.urandom(40))
    pid = registry_of(handler)
    kept = handler.state / "registry" / "fingerprints"
    kept.write_bytes(kept.read_bytes()[:-1])
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), 30, "its end")
    sidecar = handler.sidecar_of(crash())
    assert sidecar["dump"] and sidecar["level"] == "triage"
    assert "registry" in {f["flaw"] for f in sidecar["report"]["flaws"]}


# --- the former handler ------------------------------------------------------------------

# what the kernel gives to a program in core_pattern, all that it can tell
RECORDER = """#!/usr/bin/python3 -I
import json, os, resource, sys
fds = {n: os.readlink(f"/proc/self/fd/{n}").split(":")[0] for n in os.listdir("/proc/self/fd")
       if os.path.lexists(f"/proc/self/fd/{n}")}
core = sys.stdin.buffer.read()
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
pid = sys.argv[1]
said = {"args": sys.argv[1:], "fds": fds, "cwd": os.getcwd(), "elf": core[:4] == b"\\x7fELF",
        "marked": b"MARK" in core, "environ": open("/proc/self/environ").read(),
        "limit": resource.getrlimit(resource.RLIMIT_CORE), "exe": os.readlink(f"/proc/{pid}/exe"),
        "status": {k: status[k].strip() for k in ("Uid", "Gid", "Groups", "CapEff", "Umask", "SigBlk",
                                          "SigIgn", "NoNewPrivs", "Seccomp")}}
name = os.path.join(os.path.dirname(sys.argv[0]), pid)
open(name + ".new", "w").write(json.dumps(said))
os.rename(name + ".new", name + ".json")
END
"""

# a thread of a name of its own crashes
THREADED = ("import ctypes,threading\n"
            f"m=['{SECRET}'*9]*9\n"
            "def run():\n"
            "  ctypes.CDLL(None).prctl(15, b'odd /name', 0, 0, 0)\n"
            "  ctypes.string_at(0)\n"
            "threading.Thread(target=run).start()\n")


class Former:
    """A program that was in core_pattern before the handler of a test."""

    def __init__(self, folder, end=""):
        self.dir = folder / "f"
        self.dir.mkdir()
        self.program = self.dir / "r"
        self.program.write_text(RECORDER.replace("MARK", SECRET).replace("END", end))
        self.program.chmod(0o755)
        PATTERN.write_text(f"|{self.program} %P %p %I %i %u %g %d %s %c %h %e %f %E a%%b %t\n")
        LIMIT.write_text("4\n")
        self.before = both()

    def records(self):
        """Of this test's crashes; others' may come."""
        said = {int(p.stem): json.loads(p.read_text())["args"] for p in self.dir.glob("*.json")}
        return sorted(pid for pid, args in said.items() if int(args[4]) in range(UID, UID + 10))

    def record_of(self, pid, handler):
        path = self.dir / f"{pid}.json"
        wait_for(path.exists, 20, f"the former handler's word on {pid}; log:\n{handler.log()}")
        return json.loads(path.read_text())


@pytest.fixture
def former(handler, machine):
    def make(end=""):
        return Former(handler.dir, end)
    handler.dir.chmod(0o711)
    yield make
    handler.uninstall("--force")
    for path, value in zip((PATTERN, LIMIT), machine):
        path.write_text(value)


def crash_thread(uid):
    p = subprocess.Popen(["/usr/bin/python3", "-c", THREADED], user=uid, group=uid + 7,
                         extra_groups=[], cwd="/", stderr=subprocess.DEVNULL)
    assert p.wait(60) == -signal.SIGSEGV
    return p.pid


def told(record, pid):
    """A record, but for what differs between any two crashes."""
    assert abs(time.time() - int(record["args"].pop())) < 120
    tid = record["args"][2]
    assert record["args"][:2] == [str(pid)] * 2 and tid == record["args"][3] != str(pid)
    record["args"][:4] = []
    # a daemon has no more rights than who started it, who may be in a machine that has fewer
    ours = re.search(r"CapEff:\s*(\w+)", pathlib.Path("/proc/self/status").read_text()).group(1)
    record["status"]["CapEff"] = int(record["status"]["CapEff"], 16) & int(ours, 16)
    return record


@pytest.mark.parametrize("mode", MODES)
def test_the_former_handler_gets_what_the_kernel_gives(handler, former, mode):
    """The same program, started by the kernel and by us: nothing that it can see differs."""
    if mode not in HERE:
        pytest.skip(f"this kernel has no {mode}")
    program = former()
    pid = crash_thread(UID + 1)
    by_kernel = told(program.record_of(pid, handler), pid)
    assert by_kernel["marked"] and by_kernel["args"][3] == str(signal.SIGSEGV)
    assert "odd !name" in by_kernel["args"]
    said = handler.install("--mode", mode)
    assert f"UNREDACTED, since the policy says former: crashes go to |{program.program}" in said
    pid = crash_thread(UID + 1)
    assert told(program.record_of(pid, handler), pid) == by_kernel
    assert wait_for(lambda: handler.formers(UID + 1), 30, "a line in the log")
    assert handler.status()["hands_over"] and handler.sidecars() == []
    ours = crash()
    assert handler.sidecar_of(ours)["dump"] and ours not in program.records()
    handler.uninstall()
    assert both() == program.before
    shutil.rmtree(program.dir, ignore_errors=True)  # it may be told of a crash of others
    handler.assert_nothing_plain()


# as distributions install them; none need be on this machine
KNOWN = {
    "apport": ("|/usr/share/apport/apport -p%p -s%s -c%c -d%d -P%P -u%u -g%g -F%F -- %E", "10"),
    "systemd-coredump": ("|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h", "16"),
    "abrt": ("|/usr/libexec/abrt-hook-ccpp %s %c %p %u %g %t %P %I %h", "0"),
}


@pytest.fixture
def known(handler, machine):
    """Such a handler in core_pattern, until the test is over."""
    def put(name):
        PATTERN.write_text(KNOWN[name][0] + "\n")
        LIMIT.write_text(KNOWN[name][1] + "\n")
        return both()
    yield put
    handler.uninstall("--force")
    for path, value in zip((PATTERN, LIMIT), machine):
        path.write_text(value)


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_handler_is_taken_over_and_comes_back(handler, known, name):
    """Remembered to the letter; told when it takes core_pattern back, as a service of its own does
    when it is started or upgraded, and taken over again."""
    before = known(name)
    handler.write_policy(others="never")
    said = handler.install()
    assert both() != before and handler.status()["works"]
    assert "UNREDACTED" not in said and not handler.status()["hands_over"]
    pid = crash()
    assert handler.sidecar_of(pid)["dump"]
    known(name)
    status = handler.status()
    assert not status["works"] and not status["healthy"]
    assert KNOWN[name][0] in handler.run("status", "--state", handler.state, status=1)
    handler.install()
    assert handler.status()["works"]
    handler.uninstall()
    assert both() == before


def test_never_is_nobodys(handler, former):
    program = former()
    handler.write_policy(rules=f"  - uid: {UID + 1}\n    level: never\n",
                         limits="crashes: 1\nbeyond_limits: former")
    handler.install()
    never, first, second = crash(uid=UID + 1), crash(), crash()
    assert program.record_of(second, handler)["marked"], "beyond the limits"
    assert handler.sidecar_of(first)["dump"] and handler.sidecar_of(second)["why"] == "rate"
    assert program.records() == [second] and never != second
    handler.write_policy(limits="crashes: 1")
    handler.install()
    third, last = crash(), crash(uid=UID + 1)
    program.record_of(last, handler)
    assert third not in program.records(), "nothing goes there unless the policy says so"


def test_a_former_handler_that_hangs(handler, former):
    program = former("import time; time.sleep(600)\n")
    handler.write_policy(limits="seconds: 5")
    handler.install("--mode", HERE[0])
    started = time.monotonic()
    program.record_of(crash(uid=UID + 1), handler)
    assert wait_for(lambda: "took too long" in handler.log(), 30, "its end")
    assert time.monotonic() - started > 4
    assert handler.sidecar_of(crash())["dump"]


def test_a_former_handler_that_crashes(handler, former):
    """Its own crash starts no other one."""
    program = former("os.abort()\n")
    handler.install("--mode", HERE[0])
    pid = crash(uid=UID + 1)
    program.record_of(pid, handler)
    assert wait_for(lambda: "handler, which failed" in handler.log(), 30, "a word in the log")
    wait_for(lambda: not openers(handler), 20, "the end of it")
    assert program.records() == [pid]


# --- what fails leaves nothing readable -------------------------------------------------

def workers(handler):
    """{kind: pid} of one crash that is being handled."""
    found = {}
    for opener in openers(handler):
        found["opener"] = opener
        for pid in children_of(opener):
            found["redactor" if name_of(pid) == "chancery-redact" else "packer"] = pid
    return found


@pytest.mark.parametrize("kind", ["opener", "redactor", "packer"])
def test_killed_at_any_moment(handler, kind):
    handler.write_policy(level="full")
    handler.install("--mode", HERE[0])
    killed = 0
    for _ in range(6):
        p = start_crash(30000)
        until, delay, victim = time.monotonic() + 30, random.random() * 0.1, None
        while p.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError, IndexError):
                victim = workers(handler).get(kind)
            if victim:
                time.sleep(delay)
                with contextlib.suppress(OSError):
                    os.kill(victim, signal.SIGKILL)
                    killed += 1
                break
        p.wait(60)
    wait_for(lambda: not openers(handler), 60, "the end of all")
    assert killed > 0
    handler.assert_nothing_plain()
    for dump in handler.store.glob("*.dump"):
        assert dump.with_suffix(".json").exists(), "a dump without its sidecar"
    assert handler.sidecar_of(crash())["dump"]


def test_deadline(handler):
    handler.write_policy(level="full", limits="seconds: 5")
    handler.install("--mode", HERE[0])
    p, victim = start_crash(30000), None
    while p.poll() is None and not victim:
        with contextlib.suppress(OSError, IndexError):
            victim = workers(handler).get("redactor")
            if victim:
                os.kill(victim, signal.SIGSTOP)
    assert victim, "it was over too soon"
    assert p.wait(30) == -signal.SIGABRT
    note = handler.sidecar_of(p.pid)
    assert not note["dump"] and note["why"] == "time"
    handler.assert_nothing_plain()


def test_full_disk(handler):
    handler.store.mkdir(parents=True, mode=0o750)
    handler.state.chmod(0o711)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0750", "none",
                    str(handler.store)], check=True)
    try:
        handler.write_policy(level="full")
        handler.install()
        pid = crash(20000)
        wait_for(lambda: "was not kept" in handler.log(), 60, "a word in the log")
        assert list(handler.store.glob("*.dump")) == []
        assert not [s for s in handler.sidecars() if s["pid"] == pid and s["dump"]]
        handler.uninstall()
    finally:
        subprocess.run(["umount", str(handler.store)], check=True)


# --- hostile shapes, through the kernel ---------------------------------------------------

MAP_COUNT = pathlib.Path("/proc/sys/vm/max_map_count")


@pytest.fixture
def many_mappings():
    before = MAP_COUNT.read_text()
    MAP_COUNT.write_text("80000\n")
    yield
    MAP_COUNT.write_text(before)


def peak_kb(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s*(\d+) kB", text)
    return int(found.group(1)) if found else 0


def crash_huge(handler, kind, n):
    """Its sidecar, the most that its redactor was seen to have, in KB, and the seconds."""
    handler.dir.chmod(0o711)
    exe = handler.dir / "huge"
    if not exe.exists():
        build(handler.dir, "huge")
    started = time.monotonic()
    p = subprocess.Popen([exe, kind, str(n)], user=UID, group=UID, extra_groups=[], cwd="/")
    peak = 0
    while p.poll() is None or workers(handler):
        with contextlib.suppress(OSError, IndexError):
            peak = max(peak, peak_kb(workers(handler).get("redactor", 0)))
        assert time.monotonic() < started + 120, "it hangs"
    assert p.returncode == -signal.SIGABRT
    took = time.monotonic() - started
    sidecar = handler.sidecar_of(p.pid)
    print(f"{kind} {n} {sidecar['level']}: {took:.1f} s, redactor {peak} KB")
    return sidecar, peak


@pytest.mark.parametrize("level", ["triage", pytest.param("strict", marks=pytest.mark.soak)])
def test_a_crash_with_70000_mappings(handler, many_mappings, level):
    """More than the count in an ELF header can say (PN_XNUM)."""
    handler.write_policy(level=level)
    handler.install()
    sidecar, peak = crash_huge(handler, "mappings", 70000)
    assert sidecar["dump"] and sidecar["level"] == level, sidecar
    assert 0 < peak < 32 * 1024
    assert sidecar["report"]["whole"], sidecar["report"]["flaws"]
    core = handler.open(sidecar["id"])
    n = struct.unpack_from("<H", core, 56)[0]
    assert n == 0xFFFF or level == "triage"


@pytest.mark.parametrize("level", ["triage", pytest.param("strict", marks=pytest.mark.soak)])
def test_a_crash_with_4000_threads(handler, level):
    handler.write_policy(level=level)
    handler.install()
    sidecar, peak = crash_huge(handler, "threads", 4000)
    assert sidecar["dump"] and sidecar["level"] == level, sidecar
    assert 0 < peak < 32 * 1024
    left_out = sum(f["n"] for f in sidecar["report"]["flaws"] if f["flaw"] == "threads")
    assert sidecar["report"]["threads"] + left_out == 4001


# --- core_pattern is put back -----------------------------------------------------------

@pytest.mark.parametrize("who", ["watcher", "server"])
def test_pattern_is_put_back_when_half_of_the_daemon_is_killed(handler, machine, who):
    handler.install("--mode", HERE[0])
    pid = handler.watcher() if who == "watcher" else handler.server()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: both() == machine, 30, "the former core_pattern")
    status = handler.status()
    assert not status["works"] and not status["healthy"] and status["degraded"]
    assert_says_one_thing(handler, status)
    handler.install("--mode", HERE[0])
    assert handler.status()["works"]


def test_pattern_is_put_back_after_both_were_killed(handler, machine):
    handler.install("--mode", HERE[0])
    watcher, server = handler.watcher(), handler.server()
    os.kill(server, signal.SIGSTOP)
    os.kill(watcher, signal.SIGKILL)
    os.kill(server, signal.SIGKILL)
    assert both() != machine
    wait_for(lambda: any("lost" in t for t in handler.status()["degraded"]), 30, "a loud status")
    handler.uninstall()
    assert both() == machine


def test_another_handler_is_left_alone(handler, machine):
    handler.install()
    PATTERN.write_text("/dev/null.%p\n")
    assert "another handler" in handler.uninstall(status=1)
    assert PATTERN.read_text() == "/dev/null.%p\n"
    handler.uninstall("--force")
    assert PATTERN.read_text() == "/dev/null.%p\n"
    assert not handler.status()["installed"]
    PATTERN.write_text(machine[0])
    LIMIT.write_text(machine[1])


def test_a_failing_self_test_puts_everything_back(handler, machine):
    """A redactor that says nothing: no dump, so no handler."""
    prefix = handler.dir / "prefix"
    (prefix / "libexec" / "chancery").mkdir(parents=True)
    shutil.copy(PROGRAM, prefix / "chancery")
    for role in ["coredump", "packer"]:
        shutil.copy(BUILD / "libexec" / "chancery" / role, prefix / "libexec" / "chancery" / role)
    shutil.copy("/bin/true", prefix / "libexec" / "chancery" / "redactor")
    broken = Handler.__new__(Handler)
    broken.__dict__ = {**handler.__dict__, "program": str(prefix / "chancery")}
    said = broken.install(status=1)
    assert "does not work here" in said and "as it was before" in said
    assert both() == machine
    assert not handler.status()["installed"]


# --- what install refuses ---------------------------------------------------------------

def test_private_key_beside_the_public_one(handler, machine):
    shutil.copy(handler.private, handler.public.parent / "forgotten")
    assert "private half" in handler.install(status=1)
    assert both() == machine


def test_store_that_others_can_write(handler, machine):
    handler.store.mkdir(parents=True)
    handler.store.chmod(0o777)
    assert "store" in handler.install(status=1)
    assert both() == machine


def test_folder_that_others_can_write(handler, machine):
    handler.dir.chmod(0o777)
    assert "others than root" in handler.install(status=1)
    handler.dir.chmod(0o700)
    assert both() == machine


def test_other_refusals(handler, machine):
    assert "no such mode" in handler.install("--mode", "fast", status=2)
    handler.policy.write_text("level: everything\n")
    assert "is not known" in handler.install(status=1)
    handler.policy.write_text("rules:\n  - executable: /no/such/file\n    level: full\n")
    assert "cannot be found" in handler.install(status=1)
    handler.write_policy()
    handler.state = handler.dir / "with blank"
    assert "blanks" in handler.install(status=1)
    handler.state = handler.dir / ("x" * 120)
    assert "too long for core_pattern" in handler.install(status=1)
    assert both() == machine


def test_not_root(handler, machine):
    handler.dir.chmod(0o755)
    handler.public.parent.chmod(0o755)
    r = subprocess.run([PROGRAM, "coredump", "install", "--seal-to", handler.public, "-c",
                        handler.policy, "--state", handler.state], user=UID, group=UID, cwd="/",
                       capture_output=True, text=True)
    assert r.returncode == 1 and "is root's to change" in r.stderr
    assert both() == machine


# --- reports of other programs ----------------------------------------------------------

def report(handler, text, uid=0):
    code = (f"import socket,sys\n"
            f"s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n"
            f"s.settimeout(20)\n"
            f"s.connect('{handler.state}/run/reports')\n"
            f"s.send(bytes.fromhex(sys.argv[1]))\n"
            f"print(s.recv(1000).hex())\n")
    name = b"chancery-signer"
    message = (struct.pack(">BBIIq", 0x81, 1, 77, 11, 1790000000) + struct.pack(">H", len(name))
               + name + struct.pack(">H", len(text)) + text)
    r = subprocess.run(["/usr/bin/python3", "-c", code, message.hex()], user=uid, group=uid,
                       cwd="/", capture_output=True, text=True, timeout=60)
    return bytes.fromhex(r.stdout.strip()) if r.returncode == 0 else b""


def test_report_of_a_signer(handler):
    handler.dir.chmod(0o711)
    handler.install()
    answer = report(handler, SECRET.encode())
    kind, version, code = struct.unpack(">BBH", answer[:4])
    assert (kind, version, code) == (0x82, 1, 0)
    sidecar = handler.sidecar_of(77)
    assert sidecar["dump"] and sidecar["level"] == "report"
    assert sidecar["executable"] == "chancery-signer"
    handler.assert_nothing_plain()
    assert report(handler, b"mine", uid=UID) == b""
    assert len(handler.sidecars()) == 1


def test_the_supervisor_hands_over_its_reports(handler, short_dir):
    """To the handler in its usual place; what was there before is there after."""
    with usual_place(taken=True):
        hand_over_reports(handler, short_dir)


def hand_over_reports(handler, short_dir):
    usual = pathlib.Path("/var/lib/chancery-coredump")
    if usual.exists():
        pytest.skip("a handler is installed on this machine")
    handler.state, handler.store = usual, usual / "dumps"
    running = Authority(short_dir / "reports")
    try:
        before = crash_signer(running)
        wait_for(lambda: len(list((running.dir / "crash").iterdir())) == 1, 30, "a report")
        handler.install()
        pid = crash_signer(running, but=before)
        assert handler.sidecar_of(pid)["level"] == "report"
        wait_for(lambda: len(list((running.dir / "crash").iterdir())) == 1, 10,
                 "the first report alone")
    finally:
        running.stop()
        handler.uninstall()
        shutil.rmtree(usual)


def crash_signer(running, but=0):
    def find():
        for path in pathlib.Path("/proc").glob("[0-9]*/cgroup"):
            pid = int(path.parent.name)
            if name_of(pid) == "chancery-signer" and pid != but and supervisor in ancestors(pid):
                return pid
        return None
    supervisor = running.process.pid
    pid = wait_for(find, 20, "a signer")
    time.sleep(0.2)
    os.kill(pid, signal.SIGSEGV)
    return pid


def ancestors(pid):
    found = []
    while pid > 1:
        found.append(pid)
        try:
            pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            break
    return found
