"""Real programs with fresh secrets: nothing of a key or token is left in their redacted dumps,
and gdb tells the same story. tests/corpus does the work; `make soak` takes every program."""
import json
import pathlib
import subprocess
import textwrap

import pytest

from chancery import PROGRAM, ROOT, wait_for
from dumps import ON_THE_HOST

pytestmark = [pytest.mark.root_only, pytest.mark.plain("memory of sanitizers is no program's")]
CORPUS = ROOT / "tests" / "corpus" / "corpus.py"


def corpus(*args, seconds=1800):
    done = subprocess.run(["/usr/bin/python3", str(CORPUS), "--json", "--chancery", PROGRAM, *args],
                          capture_output=True, text=True, timeout=seconds, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def check(said, at_least):
    assert said["failures"] == []
    assert said["missing"] == []
    assert len(said["rows"]) >= at_least
    # what was not there before the redaction proves nothing
    assert sum(r["keys_before"] for r in said["rows"]) > 0
    assert sum(r["tokens_before"] for r in said["rows"]) > 0
    assert all(r["frames"] > 0 for r in said["rows"])
    planted = [sum(r[f"{kind}_before"] for r in said["rows"]) for kind in ("keys", "tokens")]
    print(f"{len(said['rows'])} dumps, {planted[0]} keys and {planted[1]} tokens planted, none left")


KILLED = """
    import subprocess, sys, time
    sys.path.insert(0, sys.argv[1])
    from guard import guarded
    def work(folder):
        # an orphan in a session of its own, as servers have them
        subprocess.run(["sh", "-c", "setsid sleep 1000 & echo $! > made; mv made pid"], check=True)
        time.sleep(1000)
    guarded(work, lambda folder: open("restored", "w").close())
    """


def test_a_corpus_that_is_killed_leaves_nothing_behind(tmp_path):
    caller = subprocess.Popen(["/usr/bin/python3", "-c", textwrap.dedent(KILLED), CORPUS.parent],
                              cwd=tmp_path)
    try:
        pid = wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), 60)
        assert pathlib.Path(f"/proc/{pid}").exists()
    finally:
        caller.kill()
        caller.wait()
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), 60, "the end of what it started")
    assert (tmp_path / "restored").exists()


def test_no_secret_of_common_programs_is_left():
    check(corpus("--small"), 18)


@ON_THE_HOST
def test_a_crash_of_nginx_through_the_kernel():
    """Installed, nginx crashed with its TLS keys: the stored dump opens with the private
    key, has true backtraces and no key in any form."""
    said = corpus("--crash", "--levels", "triage,strict", "nginx")
    check(said, 4)


@pytest.mark.soak
def test_no_secret_of_any_program_is_left():
    check(corpus(seconds=7200), 60)


@pytest.mark.soak
def test_crashes_of_all_programs_through_the_kernel():
    said = corpus("--crash", seconds=7200)
    check(said, 130)
