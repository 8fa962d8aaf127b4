"""`chancery log cosign`: two witnesses and a log's folder; who signs, what is published, and when
nothing is."""
import os
import signal
import subprocess

import pytest

import tlog
from chancery import PROGRAM, wait_for
from witness import NOBODY, Witness

ORIGIN = "log.test/log"


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The log's key, and two witnesses that know it."""
    folder = tmp_path_factory.mktemp("witnesses")
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    log = tlog.Log(ORIGIN)
    both = [Witness(str(folder / name), f"{name}.test/1", [log.vkey()]).start()
            for name in ("one", "two")]
    yield log, both
    for w in both:
        assert w.stop() == 0, w.log_text()


@pytest.fixture
def folder(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "log"
    (path / "cosigned").mkdir(parents=True)
    if os.geteuid() == 0:
        os.chown(path / "cosigned", NOBODY, NOBODY)
    return path


def command(folder, witnesses, *more):
    return [PROGRAM, "log", "cosign", "--folder", str(folder),
            *[a for w in witnesses for a in ("--witness", f"{w.vkey}={w.url}")], *more]


def once(folder, witnesses, *more):
    return subprocess.run(command(folder, witnesses, "--once", *more), capture_output=True,
                          text=True, timeout=60)


def published(folder, witnesses):
    """Size of the published head, and which of them have cosigned it."""
    note = (folder / "cosigned/checkpoint").read_text()
    return int(note.split("\n")[1]), [bool(tlog.cosigned(note, w.vkey)) for w in witnesses]


def test_rounds(two, folder):
    log, both = two
    log.grow(300).write(folder)
    r = once(folder, both)
    assert r.returncode == 0, r.stderr
    assert published(folder, both) == (300, [True, True])
    # a new process does not know where witnesses stand, and asks
    log.grow(400).write(folder)
    assert once(folder, both).returncode == 0
    assert published(folder, both) == (700, [True, True])
    # nothing new: a new time
    assert once(folder, both).returncode == 0
    # the note is the log's own, and its lines are still there
    note = (folder / "cosigned/checkpoint").read_text()
    assert note.startswith((folder / "checkpoint").read_text())


def test_some_of_them(two, folder):
    """One has seen another log than the one that is there now: its line is missing."""
    log, both = two
    size = len(log.entries)
    fork = log.fork(size - 10, 60).write(folder)
    assert both[0].add(log.grow(50).request(size)).status == 200
    r = once(folder, both, "--quorum", "1")
    # the first one holds another tree of this size, the second one of a smaller
    assert r.returncode == 1 and '"a witness does not cosign"' in r.stderr
    assert not (folder / "cosigned/checkpoint").exists()
    log.write(folder)
    assert once(folder, both).returncode == 0
    assert published(folder, both) == (size + 50, [True, True])
    assert len(fork.entries) == size + 50


def test_one_is_away(two, folder):
    log, both = two
    log.grow(5).write(folder)
    both[1].kill()
    assert once(folder, both).returncode == 1
    assert not (folder / "cosigned/checkpoint").exists()
    assert once(folder, both, "--quorum", "1").returncode == 0
    assert published(folder, both) == (len(log.entries), [True, False])
    both[1].start()
    assert once(folder, both).returncode == 0


def test_as_a_unit(two, folder):
    """It goes on through what witnesses do, and ends when it is told to."""
    log, both = two
    log.grow(5).write(folder)
    p = subprocess.Popen(command(folder, both, "--every", "1"), stderr=subprocess.PIPE, text=True)
    try:
        sizes = []
        for _ in range(2):
            sizes.append(len(log.entries))
            wait_for(lambda: (folder / "cosigned/checkpoint").exists()
                     and published(folder, both) == (sizes[-1], [True, True]),
                     what="a cosigned head")
            log.grow(300).write(folder)
        status = open(f"/proc/{p.pid}/status").read()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
        if os.geteuid() == 0:
            assert f"Uid:\t{NOBODY}\t{NOBODY}" in status
    finally:
        p.send_signal(signal.SIGTERM)
        said = p.communicate(timeout=60)[1]
    assert p.returncode == 0, said


def test_a_stranger_s_line(two, folder, tmp_path):
    """What a witness sends is held against its key."""
    log, both = two
    log.grow(1).write(folder)
    liar = Witness(str(tmp_path / "liar"), both[0].name, [log.vkey()]).start()
    swapped = type("W", (), {"vkey": both[0].vkey, "url": liar.url})
    r = once(folder, [swapped])
    assert r.returncode == 1 and "does not cosign" in r.stderr
    assert not (folder / "cosigned/checkpoint").exists()
    liar.stop()


def test_calls(two, folder):
    _, both = two
    w = both[0]
    for args in (["--folder", str(folder)], ["--witness", f"{w.vkey}={w.url}"],
                 ["--folder", str(folder), "--witness", f"{w.vkey}"],
                 ["--folder", str(folder), "--witness", f"{w.vkey}={w.url}", "--quorum", "2"],
                 ["--folder", str(folder), "--witness", f"{w.vkey}={w.url}", "--every", "0"]):
        r = subprocess.run([PROGRAM, "log", "cosign", "--once", *args], capture_output=True,
                           timeout=60)
        assert r.returncode == 2
    r = once(folder / "none", both)
    assert r.returncode == 3
