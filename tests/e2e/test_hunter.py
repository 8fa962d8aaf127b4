"""The proof that keys cannot leak, and the proof that the proof can fail.

A key that is known here is imported into an authority that signs all the while. The hunter
(tests/hunter) then looks for it, in every form, and for the nonce of every signature that
came out, in: the memory of every process as root reads it, what crashes leave, the log,
every file of the authority, all that clients received, and all messages between issuer and signer
(by an issuer that logs them: nobody can attach to a held signer; what the signer tells the
supervisor is not captured). The same hunter must find the key in a careless signer.

CHANCERY_ROUNDS is how many crashes `make soak` makes (3000 if it does not say).
"""
import contextlib
import ctypes
import errno
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest
from chancery import (BUILD, PROGRAM, ROOT, Authority, basic, children_of, free_port, http,
                      wait_for)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from dumps import usual_place, whole_machine

pytestmark = [pytest.mark.root_only,
              pytest.mark.plain("looks for keys in memory as it is released, behind all walls")]

HUNTER = BUILD / "tests" / "hunter" / "hunter"
VARIANTS = BUILD / "tests" / "variants"
HERE = pathlib.Path(__file__).resolve().parent
ROLES = ("supervisor", "warden", "signer", "ledger", "issuer", "hasher", "gate", "collector", "fetcher")
MAIN_SIGNER_FDS = {0, 1, 2, 4, 7, 8, 9}  # null, log, log, control, ledger, one socket a realm

libc = ctypes.CDLL(None, use_errno=True)


def generate(kind="ES256"):
    """A private key in PEM."""
    key = {"ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
           "EdDSA": ed25519.Ed25519PrivateKey.generate,
           "RS256": lambda: rsa.generate_private_key(65537, 2048)}[kind]()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def assemble(folder, **instead):
    """`chancery` with its libexec beside it, some roles replaced by a test variant."""
    libexec = folder / "libexec" / "chancery"
    libexec.mkdir(parents=True)
    shutil.copy(PROGRAM, folder / "chancery")
    for role in (*ROLES, "keeper"):
        of = VARIANTS / instead[role] if role in instead else BUILD / "libexec/chancery" / role
        shutil.copy(of, libexec / role)
    return str(folder / "chancery")


class Hunted:
    """A dev authority whose realm home signs with a key that we know."""

    def __init__(self, folder, kind="ES256", **instead):
        self.folder = folder
        self.careless = instead.get("signer") == "careless-signer"
        self.program = assemble(folder / "bin", **instead) if instead else PROGRAM
        self.pem = folder / "key.pem"
        self.pem.write_bytes(generate(kind))
        # only its own walls may keep a core from being written, not the shell's limit
        before = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        self.cwd = folder / "cwd"
        self.cwd.mkdir()
        self.cwd.chmod(0o777)
        back = os.getcwd()
        os.chdir(self.cwd)
        try:
            self.authority = Authority(folder / "a", "--no-keys", "home", program=self.program)
        finally:
            os.chdir(back)
            resource.setrlimit(resource.RLIMIT_CORE, before)
        self.dir, self.dev = self.authority.dir, self.authority.dev
        self.log = pathlib.Path(self.authority.log.name)
        try:
            subprocess.run([self.program, "key", "import", "-C", self.dir, "--realm", "home", "-"],
                           input=self.pem.read_bytes(), check=True, capture_output=True)
            wait_for(self.signer, what="the new signer")
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self.authority.stop()

    def children(self):
        """Of the supervisor, as the kernel knows them: dev.json may be a moment late."""
        pid = self.dev["pids"]["supervisor"][0]
        return set(children_of(pid))

    def pids(self):
        """{role: [pid]} of all processes of the authority."""
        found = {"supervisor": self.dev["pids"]["supervisor"],
                 "cli": [self.authority.process.pid]}
        for pid in self.children():
            role = status(pid).get("Name", "").removeprefix("chancery-")
            if role in ROLES:  # not a child that has yet to become one
                found.setdefault(role, []).append(pid)
        return found

    def signer(self):
        """The one with two realms, once it runs behind its walls."""
        signing = [p for p in self.children() if fds(p) == MAIN_SIGNER_FDS
                   and status(p).get("Name") == "chancery-signer"
                   and (self.careless or status(p).get("Seccomp") == "2")]
        return signing[0] if len(signing) == 1 else None

    def child(self, name):
        return next((p for p in self.children() if status(p).get("Name") == name), None)

    def warden(self):
        """The one that stays: an earlier test may have killed its predecessor just now."""
        wait_for(self.answers, 20, "a token")
        return wait_for(lambda: self.child("chancery-warden"), 20, "the warden")

    def answers(self):
        home = self.dev["realms"]["home"]
        r = http("POST", home["token_endpoint"], b"grant_type=client_credentials",
                 {"Authorization": basic("bench", "bench-secret")})
        return r.status == 200

    def verify(self, tokens):
        """Every one of them is a good token, says chancery itself."""
        home = self.dev["realms"]["home"]
        jwks = self.folder / "jwks.json"
        jwks.write_bytes(http("GET", home["jwks_uri"]).body)
        r = subprocess.run([self.program, "verify", "--jwks", jwks, "--issuer", home["issuer"],
                            "--audience", "mail", "--batch", "-"],
                           input=tokens, capture_output=True, check=False)
        verdicts = [json.loads(line)["verdict"] for line in r.stdout.splitlines()]
        assert r.returncode == 0 and set(verdicts) <= {"accepted"}, r.stdout[-300:]
        return len(verdicts)

    def cores(self):
        """What the kernel may have written, wherever its pattern says."""
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
        places = [self.cwd, self.dir, self.folder]
        if pattern.startswith("/"):
            places.append(pathlib.Path(pattern).parent)
        return [f for p in places for f in p.glob("*core*") if f.is_file()]


@pytest.fixture
def make():
    made = []

    def start(*args, **instead):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="chancery-hunter-"))
        folder.chmod(0o755)
        made.append((folder, None))
        made[-1] = (folder, Hunted(folder, *args, **instead))
        return made[-1][1]

    yield start
    for folder, hunted in made:
        if hunted:
            hunted.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def running():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="chancery-hunter-"))
    folder.chmod(0o755)
    h = Hunted(folder)
    yield h
    h.stop()
    shutil.rmtree(folder, ignore_errors=True)


class Busy:
    """Requests from eight connections while the block runs; then .ends, .tokens."""

    def __init__(self, hunted, name="load", connections=8):
        self.folder = hunted.folder / name
        self.folder.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, HERE / "load.py", hunted.dev["realms"]["home"]["token_endpoint"],
             self.folder, str(connections)], stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        assert self.process.stdout.readline() == "busy\n"
        time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        last = self.process.stdout.read()
        self.process.wait()
        self.process.stdout.close()
        self.ends = json.loads(last) if last else {}
        self.tokens = self.folder / "tokens"


def hunt(pem, *where, tokens=None, pids=(), raw=()):
    args = [HUNTER, "--key", pem]
    for path in raw:
        args += ["--raw", path]
    args += ["--tokens", tokens] if tokens else []
    for pid in pids:
        args += ["--pid", str(pid)]
    r = subprocess.run([*args, *where], capture_output=True, text=True, check=False)
    assert r.returncode in (0, 1), r.stdout + r.stderr
    return json.loads(r.stdout)


def clean(found):
    assert found["total"] == 0, found["found"]
    return found


def fds(pid):
    try:
        return {int(f) for f in os.listdir(f"/proc/{pid}/fd")}
    except OSError:
        return set()


def status(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return {}
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def alive(pid):
    return status(pid).get("State", "Z")[0] not in "ZX"


def secret_regions(pid):
    lines = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
    spans = [line.split()[0].split("-") for line in lines if "/secretmem" in line]
    return [(int(a, 16), int(b, 16)) for a, b in spans]


class iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def vm_read(pid, address, n=4096):
    """process_vm_readv: how many bytes, or -errno."""
    room = ctypes.create_string_buffer(n)
    ours = iovec(ctypes.addressof(room), n)
    theirs = iovec(address, n)
    got = libc.process_vm_readv(pid, ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
    return got if got >= 0 else -ctypes.get_errno()


# --- root who reads ------------------------------------------------------------------

def test_root_cannot_attach_to_the_busy_signer(running, tmp_path):
    with Busy(running, "attach"):
        pid = running.signer()
        for tool in (["gcore", "-o", tmp_path / "core", str(pid)],
                     ["gcore", "-a", "-o", tmp_path / "core", str(pid)],
                     ["gdb", "-batch", "-nx", "-p", str(pid), "-ex", "bt"]):
            r = subprocess.run(tool, capture_output=True, text=True, timeout=120, check=False)
            assert "Operation not permitted" in r.stdout + r.stderr, r.stdout + r.stderr
        for request in (16, 0x4206):  # PTRACE_ATTACH, PTRACE_SEIZE
            ctypes.set_errno(0)
            assert libc.ptrace(request, pid, 0, 0) == -1 and ctypes.get_errno() == errno.EPERM
    assert not list(tmp_path.iterdir())
    assert running.signer() == pid, "it goes on as if nothing had been"


def test_root_reads_nothing_of_secret_memory(running):
    with Busy(running, "read"):
        pid = running.signer()
        regions = secret_regions(pid)
        assert len(regions) >= 2 and sum(b - a for a, b in regions) >= 2 << 20
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
            for start, end in regions:
                for at in range(start, end, 65536):
                    with pytest.raises(OSError) as e:
                        os.pread(mem.fileno(), 4096, at)
                    assert e.value.errno in (errno.EIO, errno.EFAULT)
                    assert vm_read(pid, at) == -errno.EFAULT
        # the control: what is not secret can be read
        text = next(line for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
                    if "/signer" in line)
        assert vm_read(pid, int(text.split("-")[0], 16)) == 4096


def test_readable_memory_of_every_process_holds_no_key(running):
    """While it signs, and after: no form of the key anywhere, no nonce of any token."""
    pids = [p for role in running.pids().values() for p in role]
    with Busy(running, "memory", 2) as busy:
        for _ in range(5):
            found = clean(hunt(running.pem, pids=pids))
    lines = busy.tokens.read_bytes().splitlines(keepends=True)[-1000:]
    last = busy.folder / "last"
    last.write_bytes(b"".join(lines))
    found = clean(hunt(running.pem, tokens=last, pids=pids))
    assert found["signatures"] == len(lines) and found["bytes"] > 20 << 20
    secret = [r for r in found["refused"] if "secretmem" in r["region"]]
    assert {r["pid"] for r in secret} >= {running.signer(), *running.pids()["warden"]}
    assert len(secret) == len(found["refused"]), "nothing but secret memory is unreadable"
    print(f"\nlive memory: {found['bytes'] >> 20} MB of {len(pids)} processes, "
          f"{found['signatures']} nonces, 0 found, {found['mb_per_s']:.0f} MB/s")


def test_what_unseals_the_keys_is_as_hidden(running, tmp_path):
    """The key-encryption key, made here as the keeper makes it, is in no readable memory and
    no file; the passphrase is in its file alone."""
    sodium = ctypes.CDLL("libsodium.so.23")
    passphrase = (running.dir / "passphrase").read_bytes().rstrip(b"\r\n")
    kdf = (running.dir / "keys" / "kdf").read_bytes()
    header, sealed = kdf[:31], kdf[33:]
    assert header.startswith(b"CHKDF1\n")
    passes, kib = int.from_bytes(header[7:11], "big"), int.from_bytes(header[11:15], "big")
    out = ctypes.create_string_buffer(32)
    size = ctypes.c_ulonglong
    assert sodium.crypto_pwhash(out, size(32), passphrase, size(len(passphrase)), header[15:],
                                size(passes), ctypes.c_size_t(kib << 10), 2) == 0
    zeros = ctypes.create_string_buffer(b"x" * 16, 16)
    assert sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        zeros, None, None, sealed[24:], size(len(sealed) - 24), header, size(len(header)),
        sealed[:24], out) == 0 and zeros.raw == bytes(16), "it is the one"
    kek, secret = tmp_path / "kek", tmp_path / "secret"
    kek.write_bytes(out.raw)
    secret.write_bytes(passphrase)
    pids = [p for role in running.pids().values() for p in role]
    with Busy(running, "kek"):
        clean(hunt(running.pem, raw=[kek, secret], pids=pids))
        clean(hunt(running.pem, running.dir, running.log, raw=[kek]))
    found = hunt(running.pem, running.dir, running.log, raw=[secret])
    assert {f["first"].rsplit("+", 1)[0] for f in found["found"]} == {
        str(running.dir / "passphrase")}


def test_no_process_has_a_descriptor_of_secret_memory(running):
    with Busy(running, "descriptors"):
        for role, pids in running.pids().items():
            for pid in pids:
                pidfd = os.pidfd_open(pid)
                for fd in fds(pid):
                    assert "secretmem" not in os.readlink(f"/proc/{pid}/fd/{fd}"), (role, fd)
                    ours = libc.syscall(438, pidfd, fd, 0)  # pidfd_getfd
                    if ours >= 0:
                        assert "secretmem" not in os.readlink(f"/proc/self/fd/{ours}"), (role, fd)
                        os.close(ours)
                os.close(pidfd)


def test_the_warden_takes_the_signers_with_it(running):
    pids = running.pids()
    warden, signers = pids["warden"][0], pids["signer"]
    with Busy(running, "warden") as busy:
        os.kill(warden, signal.SIGKILL)
        wait_for(lambda: not any(map(alive, signers)), 5, "the end of the signers")
        wait_for(lambda: running.signer() not in (None, *signers), 20, "new signers")
        wait_for(running.answers, 20, "a token")
    assert set(busy.ends) <= {"200", "503"}, busy.ends
    running.verify(busy.tokens.read_bytes())


def test_wardens_that_die_as_they_are_born(running):
    """Killed before, while and after the keeper gives them its key."""
    for _ in range(4):
        wait_for(running.signer, 20, "a signer")
        old = running.warden()
        os.kill(old, signal.SIGKILL)
        born = wait_for(lambda: running.child("chancery-warden") not in (None, old)
                        and running.child("chancery-warden"), 5, "another warden")
        time.sleep(random.uniform(0, 0.04))
        os.kill(born, signal.SIGKILL)
        wait_for(lambda: running.child("chancery-warden") not in (None, born), 20, "a third")
    wait_for(running.answers, 20, "a token")


# --- the walls of the signer ---------------------------------------------------------

def test_what_the_signer_is_linked_with(running):
    r = subprocess.run(["readelf", "-d", BUILD / "libexec/chancery/signer"], capture_output=True,
                       text=True, check=True)
    needed = set(re.findall(r"NEEDED.*\[(.*?)\]", r.stdout))
    assert needed == {"libcrypto.so.3", "libsodium.so.23", "libseccomp.so.2", "libc.so.6"}


def test_walls_of_the_running_signer(running):
    pid = running.signer()
    of = status(pid)
    assert of["Seccomp"] == "2" and of["NoNewPrivs"] == "1" and of["Threads"] == "1"
    assert of["TracerPid"] == str(running.pids()["warden"][0])
    # 32 and 33 are the C library's own; whoever starts us may have left them ignored
    ignored = int(of["SigIgn"], 16) & ~(0b11 << 31)
    assert ignored == 1 << (signal.SIGPIPE - 1) and int(of["SigCgt"], 16) == 0
    uids, gids = of["Uid"].split(), of["Gid"].split()
    assert len(set(uids)) == 1 and uids[0] != "0" and len(set(gids)) == 1 and gids[0] != "0"
    assert of["Groups"].strip() == ""
    for role, pids in running.pids().items():
        others = {status(p)["Uid"].split()[0] for p in pids}
        assert role == "signer" or uids[0] not in others, role
    for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(of[caps], 16) == 0, caps
    # of a process that cannot be dumped, /proc/PID belongs to root
    assert os.stat(f"/proc/{pid}/environ").st_uid == 0
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max core file size\s+0\s+0\s", limits)
    assert re.search(r"Max processes\s+0\s+0\s", limits)
    assert pathlib.Path(f"/proc/{pid}/environ").read_bytes() == b""
    assert pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() == b"chancery-signer\0"


def test_descriptors_of_the_running_signer(running):
    pid = running.signer()
    assert fds(pid) == MAIN_SIGNER_FDS
    unix = pathlib.Path("/proc/net/unix").read_text()
    for fd in fds(pid):
        is_what = os.readlink(f"/proc/{pid}/fd/{fd}")
        if fd == 0:
            assert is_what == "/dev/null"
        elif fd in (1, 2):
            assert is_what == str(running.log)
        else:
            inode = re.fullmatch(r"socket:\[(\d+)\]", is_what).group(1)
            assert re.search(rf" 0005 \d\d +{inode}(?: |$)", unix, re.M), "a SEQPACKET pair"


DEEDS = ["open", "socket", "fork", "ptrace", "execve", "mmap", "kill"]


@pytest.mark.parametrize("deed", DEEDS)
def test_a_forbidden_call_kills_the_signer(deed):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="chancery-deed-"))
    folder.chmod(0o755)
    try:
        program = assemble(folder / "bin", signer=f"signer-{deed}")
        with usual_place():
            r = subprocess.run([program, "serve", "--dev", "--port", "0", folder / "a"],
                               capture_output=True, text=True, timeout=120, check=False)
        assert r.returncode == 3 and "ready" not in r.stdout, r.stderr
        reports = [f.read_text() for f in (folder / "a" / "crash").iterdir()]
        assert reports and all("signal: SYS\n" in t and "step: sandbox\n" in t for t in reports)
    finally:
        shutil.rmtree(folder)


def test_a_signer_that_does_nothing_forbidden_lives(make):
    assert make(signer="signer-none").answers()


# --- crashes -------------------------------------------------------------------------

SIGNALS = [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL]
STEP_SIGN = 8  # enum signer_step


def aim(hunted, pid, sig, seconds=0.5):
    """Sends sig while the signer signs, if it can be caught at it, by its status page."""
    supervisor = hunted.pids()["supervisor"][0]
    pages = {line.split()[4]: int(line.split("-")[0], 16)
             for line in pathlib.Path(f"/proc/{supervisor}/maps").read_text().splitlines()
             if "signer-status" in line}
    own = next(line.split()[4] for line in pathlib.Path(f"/proc/{pid}/maps").read_text()
               .splitlines() if "signer-status" in line)
    until, delay = time.monotonic() + seconds, random.uniform(0, 30e-6)
    with open(f"/proc/{supervisor}/mem", "rb", buffering=0) as mem:
        fd, at = mem.fileno(), pages[own]
        while os.pread(fd, 4, at)[0] != STEP_SIGN and time.monotonic() < until:
            pass
        then = time.perf_counter() + delay
        while time.perf_counter() < then:
            pass
        os.kill(pid, sig)


def crash_once(hunted):
    """At a random instant, or at a random instant of a signature; then the new signer."""
    pid = wait_for(hunted.signer, 10, "a signer")
    sig = random.choice(SIGNALS)
    time.sleep(random.uniform(0.005, 0.06))
    if random.random() < 0.5:
        aim(hunted, pid, sig)
    else:
        os.kill(pid, sig)
    wait_for(lambda: hunted.signer() not in (None, pid), 10, "another signer")


def crash_and_hunt(hunted, rounds, name):
    """Crashes under load, then a search of everything; what was counted."""
    before = set((hunted.dir / "crash").iterdir())
    log_from = hunted.log.stat().st_size
    with Busy(hunted, name) as busy, usual_place():
        for _ in range(rounds):
            crash_once(hunted)
        wait_for(hunted.answers, 10, "a token at the end")
        reports = set((hunted.dir / "crash").iterdir()) - before
    assert set(busy.ends) <= {"200", "503"} and busy.ends["200"] > rounds, busy.ends
    assert len(reports) == rounds, (len(reports), rounds)
    assert not hunted.cores()
    assert hunted.verify(busy.tokens.read_bytes()) == busy.ends["200"]
    part = busy.folder / "log"
    with open(hunted.log, "rb") as log:
        log.seek(log_from)
        part.write_bytes(log.read())
    found = clean(hunt(hunted.pem, busy.folder, hunted.dir, tokens=busy.tokens))
    assert found["signatures"] == busy.ends["200"] and found["skipped"] == 0
    steps = {}
    for text in (r.read_text() for r in reports):
        step = re.search(r"^step: (.*)$", text, re.M).group(1)
        steps[step] = steps.get(step, 0) + 1
    shutil.rmtree(busy.folder)
    return {"tokens": busy.ends["200"], "refused": busy.ends.get("503", 0), "steps": steps,
            "mb_per_s": found["mb_per_s"]}


def test_crashes_leave_no_key(running):
    got = crash_and_hunt(running, 12, "crashes")
    print(f"\n12 crashes: {got}")


def test_messages_of_the_signer_hold_no_key(make):
    """Every byte between issuer and signer, in a variant of the issuer that logs it."""
    hunted = make(issuer="tee-issuer")
    with Busy(hunted, connections=2) as busy:
        for _ in range(3):
            crash_once(hunted)
    log = hunted.log.read_bytes()
    tokens = busy.tokens.read_bytes().splitlines()
    seen = sum(token in log for token in tokens[:200] + tokens[-200:])
    assert seen == len(tokens[:200] + tokens[-200:]), "the control: it is the traffic"
    found = clean(hunt(hunted.pem, hunted.log, tokens=busy.tokens))
    print(f"\nmessages: {len(log) >> 10} KB with {found['signatures']} tokens, 0 found")


def kill_a_newborn_signer(running):
    old = wait_for(running.signer, 10, "a signer")
    wait_for(running.answers, 10, "a token")
    known, until = running.children(), time.monotonic() + 60
    os.kill(old, signal.SIGKILL)
    while not (born := running.children() - known):
        assert time.monotonic() < until
    time.sleep(random.uniform(0, 0.003))
    dead = (None, old, born.pop())
    os.kill(dead[2], random.choice(SIGNALS))
    wait_for(lambda: running.signer() not in dead, 20, "another signer")


def test_signers_that_die_as_they_are_born(running):
    """Killed before, while and after the warden takes hold: only they are lost."""
    warden = running.warden()
    for _ in range(8):
        kill_a_newborn_signer(running)
    clean(hunt(running.pem, running.dir, running.log))
    assert not running.cores()
    assert running.warden() == warden, pathlib.Path(running.log).read_text()[-3000:]


def test_crash_reports_cannot_fill_the_disk(make):
    hunted = make()
    crash = hunted.dir / "crash"
    for i in range(1000):
        (crash / f"signer-main-{i}.txt").write_text("an old one\n")
        os.utime(crash / f"signer-main-{i}.txt", (i, i))
    with usual_place():
        for _ in range(2):
            crash_once(hunted)
        wait_for(lambda: len(list(crash.glob("signer-main-1*-*.txt"))) == 2, 5, "two reports")
        left = {f.name for f in crash.iterdir()}
    assert len(left) == 1000 and "signer-main-1.txt" not in left and "signer-main-2.txt" in left


def test_other_keys_crash_as_cleanly(make):
    for kind in ("EdDSA", "RS256"):
        hunted = make(kind)
        with Busy(hunted) as busy:
            for _ in range(2):
                crash_once(hunted)
            pids = [p for role in hunted.pids().values() for p in role]
            clean(hunt(hunted.pem, pids=[p for p in pids if alive(p)]))
        assert set(busy.ends) <= {"200", "503"} and not hunted.cores()
        tokens = busy.tokens if kind == "EdDSA" else None
        clean(hunt(hunted.pem, busy.folder, hunted.dir, hunted.log, tokens=tokens))


@pytest.mark.soak
def test_thousands_of_crashes_leave_no_key(make, progress):
    rounds, lot = int(os.environ.get("CHANCERY_ROUNDS", "3000")), 50
    hunted, done, since = make(), 0, time.monotonic()
    sums = {"tokens": 0, "refused": 0}
    steps = {}
    while done < rounds:
        got = crash_and_hunt(hunted, min(lot, rounds - done), f"crashes-{done}")
        done += min(lot, rounds - done)
        for name in sums:
            sums[name] += got[name]
        for step, n in got["steps"].items():
            steps[step] = steps.get(step, 0) + n
        print(f"{done} crashes in {time.monotonic() - since:.0f} s: {sums}, steps {steps}",
              flush=True)
        progress(f"{done} of {rounds} crashes")
    assert steps.get("sign", 0) > done / 100, "no crash hit the signing itself"


# --- the proof can fail --------------------------------------------------------------

def gcore(hunted, name="core"):
    """As root takes it of the signer, stopped while it signs. One that is stopped for too long
    is replaced, so a slow machine may need another try."""
    for _ in range(5):
        pid = wait_for(hunted.signer, 20, "a signer")
        with contextlib.suppress(ProcessLookupError):
            aim(hunted, pid, signal.SIGSTOP)
            r = subprocess.run(["gcore", "-a", "-o", hunted.folder / name, str(pid)],
                               capture_output=True, text=True, timeout=120, check=False)
            core = hunted.folder / f"{name}.{pid}"
            os.kill(pid, signal.SIGCONT)
            assert core.exists(), r.stdout + r.stderr
            return core
    raise AssertionError("each signer ended before its core was written")


def dump_and_hunt(hunted, n, progress=lambda said: None):
    """n dumps under load: (whether each held the key or a nonce, by place)."""
    held = {"memory": 0, "registers": 0}
    for i in range(n):
        with Busy(hunted, f"dump-{i}", 4) as busy:
            core = gcore(hunted)
        # the signature under way was answered soon after
        found = hunt(hunted.pem, core, tokens=busy.tokens)
        core.unlink()
        shutil.rmtree(busy.folder)
        for place in held:
            held[place] += found["runs"][place] > 0
        progress(f"{i + 1} of {n} dumps")
    return held


def test_without_a_warden_dumps_hold_no_key_in_memory(make):
    n = 3
    held = dump_and_hunt(make(warden="no-warden"), n)
    print(f"\nno warden: {n} dumps, key or nonce in memory of {held['memory']}, in registers of "
          f"{held['registers']}")
    assert held["memory"] == 0


@pytest.mark.soak
def test_without_a_warden_many_dumps(make, progress):
    n = int(os.environ.get("CHANCERY_ROUNDS", "3000")) // 30
    held = dump_and_hunt(make(warden="no-warden"), n, progress)
    print(f"\nno warden: {n} dumps, key or nonce in memory of {held['memory']}, in registers of "
          f"{held['registers']} ({held['registers'] / n:.1%})")
    assert held["memory"] == 0


def test_a_careless_signer_is_caught(make):
    """The same hunter, the same load: a dump and a core of a careless signer hold the key."""
    hunted = make(warden="no-warden", signer="careless-signer", supervisor="no-limits")
    with Busy(hunted, "careless", 2):
        live = hunt(hunted.pem, pids=[hunted.signer()])
    assert live["key_found"]["memory"] == 1
    nonces = 0
    for i in range(6):
        with Busy(hunted, f"careless-{i}", 4) as busy:
            core = gcore(hunted)
        found = hunt(hunted.pem, core, tokens=busy.tokens)
        core.unlink()
        assert found["key_found"]["memory"] == 1
        assert any(f["whole"] for f in found["found"] if f["secret"] == "d")
        nonces += found["signatures_found"]["memory"]
    print(f"\ncareless: the key in 6 of 6 dumps, {nonces} nonces in their memory")
    assert nonces > 0
    # and when it crashes, the kernel writes a core, if its folder's pattern lets it
    with whole_machine() as (pattern, _):
        if pattern.startswith(("|", "@", "/")):
            return
        pid = hunted.signer()
        os.kill(pid, signal.SIGABRT)
        cores = wait_for(hunted.cores, 10, "a core of the careless signer")
        wait_for(lambda: not alive(pid), 10, "its end")
    assert hunt(hunted.pem, *cores)["key_found"]["memory"] == 1


def test_a_true_signer_leaves_no_core_even_unheld(make):
    """Without a warden, and no limit from the supervisor: its own walls are enough."""
    hunted = make(warden="no-warden", supervisor="no-limits")
    with whole_machine():
        pid = hunted.signer()
        os.kill(pid, signal.SIGABRT)
        wait_for(lambda: hunted.signer() not in (None, pid), 10, "another signer")
    assert not hunted.cores()


# --- what is released ----------------------------------------------------------------

def released():
    return [BUILD / "chancery", *sorted((BUILD / "libexec/chancery").iterdir())]


def strings(path):
    return set(re.findall(rb"[\x20-\x7e]{4,}", path.read_bytes()))


def test_released_programs_hold_no_variant_and_no_switch():
    programs = [p for p in released() if p.is_file()]
    assert len(programs) >= 8
    mark = b"chancery test variant"
    for variant in ("careless-signer", "no-warden", "signer-open"):
        assert any(mark in s for s in strings(VARIANTS / variant)), "the control"
    for program in programs:
        texts = strings(program)
        assert not any(mark in s or b"deed_" in s or b"careless" in s for s in texts), program
        named = {s for t in texts for s in re.findall(rb"CHANCERY_[A-Z_]+", t)}
        assert named <= {b"CHANCERY_DIR", b"CHANCERY_VERSION", b"CHANCERY_BUILD",
                         b"CHANCERY_LIBEXEC"}, (program, named)


# the supervisor tells the service manager that started it, and only base/notify.c looks where
READS = {"supervisor": {"getenv"}}


def test_roles_read_no_environment_and_no_arguments():
    for program in released():
        if program.name not in ROLES + ("keeper",):
            continue
        r = subprocess.run(["nm", "-D", "--undefined-only", program], capture_output=True,
                           text=True, check=True)
        imported = {line.split()[-1].split("@")[0] for line in r.stdout.splitlines()}
        read = imported & {"getenv", "secure_getenv", "environ", "getopt", "getopt_long"}
        assert read == READS.get(program.name, set()), program
    for path in (ROOT / "src").rglob("*.c"):
        names = re.findall(r'getenv|environment\("(\w+)"\)', path.read_text())
        if names and path.parent.name != "cli":
            assert path.parent.name + "/" + path.name == "base/notify.c", path
            assert set(filter(None, names)) == {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}


# --- a kernel without memfd_secret ---------------------------------------------------

WITHOUT = VARIANTS / "without-memfd-secret"


@pytest.fixture
def production():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="chancery-kernel-"))
    folder.chmod(0o755)
    at = folder / "a"
    subprocess.run([PROGRAM, "init", at], check=True, capture_output=True)
    config = at / "chancery.yaml"
    port = free_port(2)
    config.write_text(config.read_text().replace("8080", str(port)).replace("8081", str(port + 1)))
    yield at
    shutil.rmtree(folder, ignore_errors=True)


def test_without_memfd_secret_serve_refuses(production):
    r = subprocess.run([WITHOUT, PROGRAM, "serve", production], capture_output=True, text=True,
                       timeout=120, check=False)
    assert r.returncode == 3 and "memfd_secret" in r.stderr and "secretmem.enable=1" in r.stderr
    assert "secret_memory: mlock" in r.stderr, "it says how to accept it"


def test_mlock_shouts_at_every_start(production):
    config = production / "chancery.yaml"
    text = config.read_text()
    assert "secret_memory: memfd" in text
    config.write_text(text.replace("secret_memory: memfd", "secret_memory: mlock"))
    for _ in range(2):
        log = production.parent / "log"
        with open(log, "wb") as out:
            p = subprocess.Popen([WITHOUT, PROGRAM, "serve", production], stdout=out, stderr=out)
        try:
            wait_for(lambda: '"ready"' in log.read_text() or p.poll() is not None, 30, "ready")
            lines = [t for t in log.read_text().splitlines() if " alarm " in t.lower()]
            assert any("locked memory" in t and "root can read" in t for t in lines), lines
            assert p.poll() is None, log.read_text()
        finally:
            p.terminate()
            p.wait(120)


def test_dev_without_memfd_secret_says_so():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="chancery-kernel-"))
    folder.chmod(0o755)
    p = subprocess.Popen([WITHOUT, PROGRAM, "serve", "--dev", "--port", "0", folder / "a"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "keys only in locked memory" in p.stdout.readline()
    finally:
        p.terminate()
        p.communicate(timeout=120)
        shutil.rmtree(folder, ignore_errors=True)
