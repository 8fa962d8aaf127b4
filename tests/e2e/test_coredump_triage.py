"""The default level: gdb tells of a core at triage what it tells of the whole one, and no secret
is left in it, wherever it was."""
import os
import random
import shutil
import struct
import subprocess
import time

import pytest

from chancery import wait_for
from dumps import Seen, build, core_of, core_of_crash, redact

KEYS, KEY, HELD = 8, 32, 4

pytestmark = pytest.mark.skipif(not shutil.which("gdb") or not shutil.which("gcc"),
                                reason="needs gdb and gcc")


class Secrets:
    """Fresh for each process: keys, and a number such as a PIN."""

    def __init__(self):
        self.keys = [os.urandom(KEY) for _ in range(KEYS)]
        self.pin = random.SystemRandom().randrange(100_001, 999_999, 2)

    def file(self, path):
        path.write_bytes(b"".join(self.keys) + struct.pack("<q", self.pin))
        return path

    def left(self, core):
        """How many keys are there in part (any 8 bytes of each), and how often the PIN is."""
        data = core.read_bytes()
        keys = sum(any(key[i:i + 8] in data for i in range(KEY - 7)) for key in self.keys)
        return keys, data.count(struct.pack("<q", self.pin))


@pytest.fixture
def waiting(tmp_path):
    """Starts a crasher that waits once its threads are where they shall be."""
    started = []

    def start(*flags):
        secrets = Secrets()
        exe = build(tmp_path, "many", *flags)
        process = subprocess.Popen([str(exe)], stdout=subprocess.PIPE,
                                   stdin=secrets.file(tmp_path / "secrets").open("rb"))
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return exe, process, secrets

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("flags", [
    ("-O2", "-DWITH_DLOPEN"),
    ("-O2", "-DWITH_DLOPEN", "-fno-omit-frame-pointer"),
    ("-O0", "-DWITH_DLOPEN"),
    ("-O2", "-DWITH_DLOPEN", "-no-pie"),
    ("-O2", "-static-pie"),
], ids=" ".join)
def test_threads_in_every_state(tmp_path, waiting, flags):
    exe, process, secrets = waiting(*flags)
    core, small = core_of(process.pid, tmp_path / "core"), tmp_path / "small"
    assert secrets.left(core)[0] == KEYS and secrets.left(core)[1] >= 4
    report = redact(core, small)
    assert report["whole"] and report["level"] == "triage"
    assert secrets.left(small) == (0, 0)
    whole, seen = Seen(exe, core), Seen(exe, small)
    assert len(whole.threads) == 8
    assert sum(map(len, whole.threads.values())) >= 45
    assert seen.threads == whole.threads
    assert seen.libraries == whole.libraries
    assert small.stat().st_size < core.stat().st_size / 4


def test_a_handler_that_aborts_on_a_stack_of_its_own(tmp_path):
    """Thousands of frames, a signal's, and those of the handler, which stands in the heap."""
    secrets = Secrets()
    exe = build(tmp_path, "many", "-O0")
    core = core_of_crash(exe, tmp_path / "core", secrets.file(tmp_path / "secrets"), "overflow")
    small = tmp_path / "small"
    assert redact(core, small)["whole"]
    whole, seen = Seen(exe, core), Seen(exe, small)
    deepest = max(whole.threads.values(), key=len)
    assert len(deepest) == 5000 and any("signal handler called" in f for f in deepest)
    assert any("abort_in_handler" in f for f in deepest) and any(" overflow " in f for f in deepest)
    assert seen == whole
    assert secrets.left(core)[0] >= KEYS - 1
    assert secrets.left(small) == (0, 0)


def test_a_program_that_is_not_to_be_had(tmp_path, waiting):
    """Its code cannot be seen, so no word of a stack can be told to lead into it: masked."""
    exe, process, secrets = waiting("-O2")
    core, small = core_of(process.pid, tmp_path / "core"), tmp_path / "small"
    exe.rename(tmp_path / "elsewhere")
    report = redact(core, small)
    assert any(f["flaw"] == "no-text" for f in report["flaws"])
    assert secrets.left(small) == (0, 0)
    # another one is there: it is not believed
    shutil.copy("/bin/true", exe)
    assert any(f["flaw"] == "no-text" for f in redact(core, small)["flaws"])


PROGRAMS = {
    "python3": (["/usr/bin/python3", "-c", """
import threading, time
def work(n):
    return time.sleep(600) if n == 0 else work(n - 1)
for i in range(4):
    threading.Thread(target=work, args=(3 * i,), daemon=True).start()
print("ready", flush=True)
work(5)
"""]),
    "node": (["/usr/bin/node", "-e", """
require("crypto").pbkdf2("x", "y", 1e9, 32, "sha256", () => {});
console.log("ready");
setTimeout(() => {}, 600000);
"""]),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_of_the_system(tmp_path, name):
    command = PROGRAMS[name]
    if not os.path.exists(command[0]):
        pytest.skip(f"{name} is not installed")
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.5)
        core = core_of(process.pid, tmp_path / "core")
    finally:
        process.kill()
        process.wait()
    small, exe = tmp_path / "small", os.path.realpath(command[0])
    assert redact(core, small)["whole"]
    whole, seen = Seen(exe, core), Seen(exe, small)
    assert len(whole.threads) >= 5 and len(whole.libraries) >= 4
    assert seen.threads == whole.threads
    assert seen.libraries == whole.libraries
