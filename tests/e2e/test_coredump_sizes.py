"""Cores of hostile sizes through the whole redactor: whatever a header claims, memory stays
bounded, and only bytes that are not zero cost time."""
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import time

import pytest

from chancery import PROGRAM

pytestmark = pytest.mark.plain("memory and time are the programs' own, not a sanitizer's")

MEMORY_KB = 32 * 1024
PAGE = 4096
STACK = 0x7FFC00000000
PT_LOAD, PT_NOTE, PN_XNUM = 1, 4, 0xFFFF


def segment(kind, offset, addr, size):
    return struct.pack("<IIQQQQQQ", kind, 6, offset, addr, 0, size, size, PAGE)


def note(kind, desc):
    return struct.pack("<III", 5, len(desc), kind) + b"CORE\0\0\0\0" + desc + bytes(-len(desc) % 4)


def status(tid, sp):
    """NT_PRSTATUS of a thread."""
    desc = bytearray(336)
    struct.pack_into("<i", desc, 0, 11)
    struct.pack_into("<H", desc, 12, 11)
    struct.pack_into("<i", desc, 32, tid)
    struct.pack_into("<Q", desc, 112 + 16 * 8, 0x400000)
    struct.pack_into("<Q", desc, 112 + 19 * 8, sp)
    return note(1, bytes(desc))


def write_core(path, loads, notes=b"", fill=None):
    """As the kernel lays it out; loads: (address, size), all holes but for what fill(file,
    offset, i) writes. Returns its size."""
    n = len(loads) + 1
    head = 64 + 56 * n
    at = first = (head + len(notes) + PAGE - 1) // PAGE * PAGE
    many = n >= PN_XNUM
    end = first + sum(size for _, size in loads)
    with open(path, "wb") as f:
        f.write(b"\x7fELF\2\1\1" + bytes(9) + struct.pack(
            "<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, end if many else 0, 0, 64, 56,
            PN_XNUM if many else n, 64 if many else 0, 1 if many else 0, 0))
        f.write(segment(PT_NOTE, head, 0, len(notes)))
        table = bytearray()
        for addr, size in loads:
            table += segment(PT_LOAD, at, addr, size)
            at += size
        f.write(table)
        f.write(notes)
        f.truncate(end)
        if many:
            f.seek(end)
            f.write(struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 1, 0, n, 0, 0))
        at = first
        for i, (_, size) in enumerate(loads):
            if fill:
                fill(f, at, i)
            at += size
    return end


# by a small process: a child begins with the memory of its parent
MEASURE = ("import resource, subprocess, sys; r = subprocess.run(sys.argv[1:]);"
           "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(r.returncode)")


def redact(core, level, seconds):
    """The report; no process needs more than MEMORY_KB, and all of them ten times what they need
    here at most."""
    out, report = core.with_suffix(".out"), core.with_suffix(".out.json")
    start = time.monotonic()
    r = subprocess.run(["/usr/bin/python3", "-I", "-c", MEASURE, PROGRAM, "coredump", "redact",
                        "--level", level, "--force", "--registry", "none", core, out],
                       capture_output=True, text=True, timeout=seconds)
    took, peak = time.monotonic() - start, int(r.stdout.split()[-1])
    assert r.returncode == 0, r.stderr
    print(f"{core.name} {level}: {took:.2f} s, {peak} KB")
    assert peak < MEMORY_KB
    return json.loads(report.read_text()), out


@pytest.fixture
def folder():
    """Not on a disk, which takes longer for such files than the redactor does."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        yield pathlib.Path(path)


@pytest.mark.parametrize("level", ["triage", "strict", "full"])
def test_65000_threads(folder, level):
    core = folder / "threads"
    notes = b"".join(status(1000 + i, STACK + 512 * i) for i in range(65000))
    def fill(f, at, i):
        f.seek(at)
        f.write(os.urandom(64) * (65000 * 512 // 64))
    write_core(core, [(STACK, 65000 * 512)], notes, fill)
    report, _ = redact(core, level, 60)
    left_out = sum(f["n"] for f in report["flaws"] if f["flaw"] == "threads")
    assert report["threads"] + left_out >= 65000 and report["threads"] > 30000


@pytest.mark.parametrize("level", ["triage", "strict", "full"])
def test_262144_segments(folder, level):
    """As many as there can be, each a page of its own, every hundredth with something in it."""
    core = folder / "segments"
    def fill(f, at, i):
        if i % 100 == 0:
            f.seek(at)
            f.write(b"-----BEGIN PRIVATE KEY-----\n" + bytes(8) + os.urandom(64))
    size = write_core(core, [(0x10000 + 2 * PAGE * i, PAGE) for i in range(1 << 18)],
                      status(1, 0x10000), fill)
    report, _ = redact(core, level, 60)
    assert level == "triage" or report["size_bytes"] >= size
    assert not [f for f in report["flaws"] if f["flaw"] == "segments"]


@pytest.mark.soak
@pytest.mark.parametrize("level", ["triage", "strict", "full"])
def test_1_gb_of_noise(folder, level):
    core = folder / "noise"
    def fill(f, at, i):
        f.seek(at)
        for _ in range(1024):
            f.write(os.urandom(1 << 20))
    write_core(core, [(0x7F0000000000, 1 << 30)], status(1, 0x7F0000001000), fill)
    redact(core, level, 300)


@pytest.mark.soak
@pytest.mark.parametrize("level", ["triage", "strict", "full"])
def test_8_gb_of_holes(folder, level):
    core = folder / "holes"
    def fill(f, at, i):
        for page in range(0, 8 << 30, 64 << 20):
            f.seek(at + page)
            f.write(b"text of a heap, " * 256)
    write_core(core, [(0x7F0000000000, 8 << 30)], status(1, 0x7F0000001000), fill)
    report, out = redact(core, level, 30)
    assert level == "triage" or report["size_bytes"] >= 8 << 30
    assert out.stat().st_blocks * 512 < 64 << 20
