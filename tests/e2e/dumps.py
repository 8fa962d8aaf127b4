"""What tests of crash dumps share: cores of living and dying processes, and what gdb makes of
a core."""
import contextlib
import fcntl
import json
import os
import pathlib
import re
import subprocess

import pytest
from chancery import PROGRAM

LOCK = "/run/lock/chancery-core-pattern.lock"
USUAL_LOCK = "/run/lock/chancery-usual-place.lock"
PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern")
LIMIT = pathlib.Path("/proc/sys/kernel/core_pipe_limit")
CRASHERS = pathlib.Path(__file__).resolve().parent / "crashers"
GDB = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off",
       "-iex", "set auto-load off", "-iex", "set auto-solib-add on"]

# the kernel knows one core_pattern, and starts handlers in the first of all namespaces
ON_THE_HOST = pytest.mark.skipif(os.readlink("/proc/self/ns/pid") != "pid:[4026531836]",
                                 reason="a container: core_pattern belongs to its host")


STRANGERS = []  # crashes of processes that no test started, while a handler of a test had them


def both():
    return PATTERN.read_text(), LIMIT.read_text()


@contextlib.contextmanager
def whole_machine():
    """core_pattern for one at a time, put back whatever happens; what it was."""
    with open(LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = both()
        try:
            yield before
        finally:
            for path, value in zip((PATTERN, LIMIT), before):
                path.write_text(value)


@contextlib.contextmanager
def usual_place(taken=False):
    """No handler of crashes comes or goes in its usual place meanwhile: every supervisor gives its
    reports to one that is there. taken: for the one test that has a handler there. Not to be asked
    for inside whole_machine(), except so."""
    with open(USUAL_LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if taken else fcntl.LOCK_SH)
        yield


def build(folder, name, *flags):
    exe = folder / name
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-g", "-pthread", "-Wno-infinite-recursion", *flags,
                    str(CRASHERS / f"{name}.c"), "-o", str(exe)], check=True)
    return exe


def core_of(pid, core):
    """A core of a process that goes on, by gdb."""
    subprocess.run([*GDB, "-p", str(pid), "-ex", f"generate-core-file {core}"], check=True,
                   capture_output=True, timeout=120)
    assert core.exists()
    return core


def core_of_crash(exe, core, stdin, *args):
    """The core of a program that gdb runs until it dies of SIGABRT."""
    r = subprocess.run([*GDB, "-ex", "handle SIGSEGV nostop noprint pass",
                        "-ex", f"run {' '.join(args)} < {stdin}",
                        "-ex", f"generate-core-file {core}", "-ex", "kill", str(exe)],
                       capture_output=True, text=True, errors="replace", timeout=120)
    assert core.exists(), r.stdout + r.stderr
    return core


def coredump(*args, status=0):
    r = subprocess.run([PROGRAM, "coredump", *map(str, args)], capture_output=True, text=True,
                       timeout=300)
    assert r.returncode == status, r.stdout + r.stderr
    return r


def redact(core, out, level="triage"):
    return json.loads(coredump("redact", "--level", level, "--json", "--force", core, out).stdout)


class Seen:
    """threads: {LWP: [frame, …]}, each frame its pc, function, file and line, and no
    arguments, up to the first that gdb cannot name (what follows is guessed from whatever
    words stand there); libraries: lines of `info sharedlibrary`."""

    def __init__(self, exe, core):
        r = subprocess.run([*GDB, "-ex", "set print frame-arguments none",
                            "-ex", "set print entry-values no", "-ex", "set backtrace limit 5000",
                            "-ex", "echo \\n=====\\n", "-ex", "thread apply all bt",
                            "-ex", "echo \\n=====\\n", "-ex", "info sharedlibrary",
                            str(exe), str(core)],
                           capture_output=True, text=True, errors="replace", timeout=300)
        _, threads, libraries = r.stdout.split("\n=====\n")
        self.threads, frames, known = {}, None, True
        for line in threads.splitlines():
            head = re.match(r"Thread \d+ .*?LWP (\d+)", line)
            if head:
                frames, known = self.threads.setdefault(int(head.group(1)), []), True
            elif line.startswith("#"):
                known = known and " in ?? ()" not in line
                if known:
                    frames.append(re.sub(r"\s+", " ", line))
        self.libraries = sorted(re.sub(r"\s+", " ", line) for line in libraries.splitlines()
                                if line.startswith("0x"))

    def __eq__(self, other):
        return self.threads == other.threads and self.libraries == other.libraries
