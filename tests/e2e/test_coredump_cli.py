"""`chancery coredump scan` and `redact` on cores that are files."""
import json
import os
import pathlib
import re
import stat
import subprocess

import pytest

from chancery import PROGRAM, ROOT
from dumps import core_of, coredump, redact

TOKEN = "ghp_" + "".join(chr(97 + b % 26) for b in os.urandom(36))


@pytest.fixture(scope="module")
def cores(tmp_path_factory):
    """One with a token in its memory, and one without any."""
    folder = tmp_path_factory.mktemp("cores")
    for name, text in ("with", TOKEN), ("without", "nothing"):
        keep = "import sys; kept = [sys.stdin.readline().strip()] * 3; print('ready', flush=True);" \
               "sys.stdin.readline()"
        process = subprocess.Popen(["/usr/bin/python3", "-I", "-c", keep], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={})
        process.stdin.write(text + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        core_of(process.pid, folder / name)
        process.kill()
        process.wait()
    return folder


def test_scan_finds_and_names_no_secret(cores):
    r = coredump("scan", cores / "with", status=1)
    assert "token" in r.stdout and TOKEN not in r.stdout + r.stderr
    assert TOKEN[4:20] not in r.stdout


def test_scan_as_json(cores):
    reports = json.loads(coredump("scan", "--json", cores / "with", cores / "with", status=1).stdout)
    assert [r["file"] for r in reports] == [str(cores / "with")] * 2
    report = reports[0]["report"]
    assert report["whole"] and report["secrets"] >= 1
    places = [p for p in report["masked"] if p["kind"] == "token"]
    assert places and all(int(p["addr"], 16) and p["bytes"] >= 16 for p in places)


@pytest.mark.parametrize("level", ["triage", "strict", "full"])
def test_redact_takes_it_out(cores, tmp_path, level):
    out = tmp_path / "out"
    assert TOKEN.encode() in (cores / "with").read_bytes()
    report = redact(cores / "with", out, level)
    assert report["level"] == level and report["whole"]
    assert TOKEN.encode() not in out.read_bytes()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads((tmp_path / "out.json").read_text()) == report
    assert coredump("scan", out).returncode == 0
    # zeros are holes
    assert out.stat().st_blocks * 512 <= out.stat().st_size + 64 * 1024
    assert os.listdir(tmp_path) in (["out", "out.json"], ["out.json", "out"])


@pytest.mark.parametrize("level", ["strict", "full"])
def test_arguments_and_environment_go(tmp_path, level):
    """Nothing but where they stand says that these words are secrets."""
    words = [os.urandom(4).hex() + f"-{i}" for i in range(3)]
    process = subprocess.Popen(["/bin/dash", "-c", "read x", words[0], words[1]],
                               stdin=subprocess.PIPE, env={"SETTING": words[2]})
    try:
        core = core_of(process.pid, tmp_path / "core")
    finally:
        process.kill()
        process.wait()
    before = core.read_bytes()
    assert all(w.encode() in before for w in words)
    report = redact(core, tmp_path / "out", level)
    after = (tmp_path / "out").read_bytes()
    assert not [w for w in words if w.encode() in after]
    assert [p for p in report["masked"] if p["kind"] == "argument"] and report["secrets"] == 0


def test_the_commands_of_the_readme(cores, tmp_path):
    """Those on a core that is a file."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index("\n## Crash dumps"):text.index("\n## What it needs")]
    scan, redacts = re.search(r"```sh\n(.*?)```", section, re.S).group(1).splitlines()
    (tmp_path / "core").symlink_to(cores / "with")
    (tmp_path / "build").symlink_to(pathlib.Path(PROGRAM).resolve().parent)
    for command, status in (scan, 1), (redacts, 0):
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == status, done.stderr
    assert TOKEN.encode() not in (tmp_path / "clean.core").read_bytes()


def test_redact_overwrites_only_when_told(cores, tmp_path):
    out = tmp_path / "out"
    out.write_text("mine")
    r = coredump("redact", cores / "without", out, status=1)
    assert "--force" in r.stderr and out.read_text() == "mine"
    coredump("redact", "--force", cores / "without", out)
    assert out.read_bytes()[:4] == b"\x7fELF"


def test_what_is_no_core(cores, tmp_path):
    junk, out = tmp_path / "junk", tmp_path / "out"
    junk.write_bytes(b"no core" * 1000)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for source in junk, fifo, tmp_path / "absent", tmp_path, pathlib.Path("/bin/true"):
        coredump("redact", source, out, status=3)
        assert not out.exists() and not (tmp_path / "out.json").exists()
        coredump("scan", source, status=3)


@pytest.mark.parametrize("part", [100, 5000, 0.3, 0.9])
def test_a_core_that_was_cut(cores, tmp_path, part):
    """Is said to be cut, at each level; what is there of it has no secret."""
    data = (cores / "with").read_bytes()
    cut, out = tmp_path / "cut", tmp_path / "out"
    cut.write_bytes(data[:part if part > 1 else int(len(data) * part)])
    for level in "triage", "strict", "full":
        r = subprocess.run([PROGRAM, "coredump", "redact", "--force", "--json", "--level", level, cut, out],
                           capture_output=True, text=True, timeout=60)
        assert r.returncode in (0, 3)
        if r.returncode == 0:
            report = json.loads(r.stdout)
            assert not report["whole"] and any(f["flaw"] == "cut" for f in report["flaws"])
            assert TOKEN.encode() not in out.read_bytes()
    assert coredump("scan", cut, status=3)


def test_called_wrongly(cores):
    for args in (["scan"], ["redact"], ["redact", "a"], ["redact", "a", "b", "c"],
                 ["redact", "--level", "none", "a", "b"], ["scan", "--what"]):
        assert "usage:" in coredump(*args, status=2).stderr
    for command in "scan", "redact":
        assert coredump(command, "--help").stdout.startswith(f"usage: chancery coredump {command}")


def test_nobody_but_the_user_s_programs_are_opened(cores, tmp_path):
    """--sysroot keeps paths below a folder, whatever they and links there say."""
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    exe = os.path.realpath("/usr/bin/python3")
    (root / exe[1:]).symlink_to(exe)
    report = json.loads(coredump("redact", "--json", "--sysroot", root, cores / "without",
                                 tmp_path / "out").stdout)
    assert any(f["flaw"] == "no-text" for f in report["flaws"])


@pytest.mark.plain("sanitizers want memory of their own")
@pytest.mark.parametrize("level", ["triage", "strict", "full"])
def test_memory_does_not_grow_with_the_core(tmp_path, level):
    fill = "import os; kept = [str(i) * 8 for i in range(1000000)]; print('ready', flush=True); input()"
    process = subprocess.Popen(["/usr/bin/python3", "-I", "-c", fill], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "ready\n"
    core = core_of(process.pid, tmp_path / "core")
    process.kill()
    process.wait()
    assert core.stat().st_size > 100_000_000
    # measured by a small process: a child begins with what its parent has
    measure = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);" \
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    r = subprocess.run(["/usr/bin/python3", "-I", "-c", measure, PROGRAM, "coredump", "redact",
                        "--level", level, core, tmp_path / "out"], capture_output=True, text=True,
                       check=True, timeout=120)
    assert int(r.stdout.split()[-1]) < 32 * 1024  # of the command and of its redactor
