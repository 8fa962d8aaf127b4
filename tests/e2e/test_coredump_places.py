"""Secrets at odd places of a process, which crashes through the kernel: none is left, and those
that are claimed are gone at `full` too. The look-out shares no code with the redactor."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from chancery import PROGRAM, wait_for
from dumps import ON_THE_HOST, build, whole_machine

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "corpus"))
from cores import Core  # noqa: E402
from planted import Key, Secret, sign_token  # noqa: E402

pytestmark = [pytest.mark.root_only, ON_THE_HOST,
              pytest.mark.plain("the kernel starts what core_pattern names, without its settings")]

PLACES = ["a border to constants", "a border to what cannot be read", "a border to code",
          "a border to what is locked", "what cannot be read", "code that was made",
          "shared memory", "shared memory to be read", "memory of System V", "a page of a file",
          "a constant of a file", "a huge page", "the kernel's page", "a stack that was",
          "a stack of signals", "registers of a thread", "words turned", "wide characters"]
LEVELS = ["triage", "strict", "full"]


def a_token(key):
    """Of 400 characters."""
    for fill in range(100, 300):
        whole = sign_token(key, {"sub": os.urandom(200).hex()[:fill], "exp": int(time.time())})
        if len(whole) == 400:
            return whole
    raise AssertionError("no token of 400 characters")


def secrets_of(folder):
    """What the process gets, and what to look for."""
    key, given, wanted = Key(folder, "issuer", "p256"), b"", []
    for place in PLACES:
        random, whole = os.urandom(63) + b"\1", a_token(key)  # the last byte says it is placed
        given += random + whole
        wanted.append(Secret(f"key in {place}", "key", random, claimed=False))
        wanted.append(Secret(f"token in {place}", "token", whole.rpartition(b".")[2],
                             extra=(("payload and signature", whole.partition(b".")[2]),)))
    return given, wanted


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """{level: (core, secrets)} by one handler, which goes by the file that crashed."""
    folder = tmp_path_factory.mktemp("places")
    folder.chmod(0o755)
    exe = build(folder, "places", "-O1")
    files = {level: shutil.copy(exe, folder / level) for level in LEVELS}
    (folder / "k").mkdir(mode=0o700)

    def run(*words):
        done = subprocess.run([PROGRAM, "coredump", *map(str, words)], capture_output=True,
                              text=True, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    run("keygen", "--public", folder / "k" / "dumps.pub", "--private", folder / "dumps.key")
    policy = folder / "policy.yaml"
    policy.write_text("level: former\nrules:\n" + "".join(
        f"  - executable: {file}\n    level: {level}\n" for level, file in files.items())
        + "limits:\n  free_mb: 0\n")
    cores = {}
    with whole_machine():
        run("install", "--seal-to", folder / "k" / "dumps.pub", "-c", policy, "--state",
            folder / "s", "--no-systemd")
        try:
            for level, file in files.items():
                cores[level] = crash(run, folder, level, file)
        finally:
            run("uninstall", "--state", folder / "s", "--no-systemd")
    return cores


def crash(run, folder, level, file):
    work = folder / f"{level}.files"
    work.mkdir()
    given, wanted = secrets_of(work)
    process = subprocess.Popen([file, work], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(given)
    process.stdin.close()
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGSEGV)
    assert process.wait(60) == -signal.SIGSEGV
    store = folder / "s" / "dumps"
    row = wait_for(lambda: [r for r in json.loads(run("list", "--json", "--store", store))
                            if r["pid"] == process.pid], 60, "a dump")[0]
    out = folder / f"{level}.core"
    run("open", "--key", folder / "dumps.key", "--store", store, row["id"], "-o", out)
    return Core(out), wanted


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_is_left_anywhere(crashed, level):
    core, wanted = crashed[level]
    wanted = [s for s in wanted if s.claimed or level != "full"]
    left = core.left(wanted)
    assert {name: forms for name, forms in left.items() if forms} == {}
    assert len(core.bytes) > 4096


def test_they_were_there(crashed):
    """What `full` leaves is what no finder claims, so the places are told right."""
    core, wanted = crashed["full"]
    left = core.left([s for s in wanted if not s.claimed])
    gone = {name for name, forms in left.items() if not forms}
    assert gone <= {"key in registers of a thread", "key in words turned",
                    "key in wide characters"}
