"""tools/run.sh, behind `make run`: the folder goes with the authority, unless DIR keeps it."""
import os
import signal
import subprocess

import pytest

pytestmark = pytest.mark.plain("is about tools/run.sh")

FALSE = """#!/bin/sh
trap 'echo drained; exit 0' TERM
mkdir -p "$3"
echo "$@" >"$OUT"
echo ready
while :; do sleep 0.05; done
"""


def as_at_a_terminal():
    """A shell cannot trap what was ignored before it came, as in the background of another."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(root_dir, folder, **env):
    (folder / "chancery").write_text(FALSE)
    (folder / "chancery").chmod(0o755)
    names = {**os.environ, "BUILD": str(folder), "OUT": str(folder / "out"),
             "TMPDIR": str(folder), "DIR": "", "PORT": "18080", **env}
    run = subprocess.Popen(["sh", root_dir / "tools/run.sh"], env=names, text=True,
                           stdout=subprocess.PIPE, preexec_fn=as_at_a_terminal)
    assert run.stdout.readline() == "ready\n"
    return run, (folder / "out").read_text().split()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_its_folder_goes_with_it(root_dir, tmp_path, number):
    run, words = start(root_dir, tmp_path)
    assert words[:2] == ["serve", "--dev"] and words[3:] == ["--port", "18080", "--mail"]
    assert os.path.isdir(words[2])
    run.send_signal(number)
    assert run.communicate(timeout=120)[0] == "drained\n" and run.returncode == 0
    assert not list(tmp_path.glob("chancery.*"))


def test_a_folder_that_was_named_stays(root_dir, tmp_path):
    run, words = start(root_dir, tmp_path, DIR=str(tmp_path / "kept"))
    assert words[2] == str(tmp_path / "kept")
    run.terminate()
    run.communicate(timeout=120)
    assert (tmp_path / "kept").is_dir()
