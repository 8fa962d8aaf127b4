#!/usr/bin/python3
"""A log that src/merkle wrote, read by Go's sumdb/tlog and sumdb/note: accepted as it is, rejected
after each change: run.py MAKE_LOG LOGREAD"""
import base64
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

make_log, logread = sys.argv[1:3]
SIZES = [1, 255, 256, 257, 700, 1500]


def ask(*args, stdin=None):
    r = subprocess.run([logread, *map(str, args)], capture_output=True, text=True, input=stdin,
                       check=False)
    return r.returncode == 0 and r.stdout.startswith("ACCEPT"), (r.stdout + r.stderr).strip()


def read(log, *older):
    return ask("-witness", log / "witness", "log", log, log / "vkey", *older)


def flip(path):
    data = bytearray(path.read_bytes())
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def flip_tile(log):
    flip(log / "tile/0/002")


def flip_upper_tile(log):
    flip(log / "tile/1/000.p/5")


def flip_entry(log):
    flip(log / "tile/entries/003")


def flip_partial_entry(log):
    flip(log / "tile/entries/005.p/220")


def lose_bundle(log):
    (log / "tile/entries/001").unlink()


def swap_entries(log):
    one, two = log / "tile/entries/000", log / "tile/entries/001"
    a, b = one.read_bytes(), two.read_bytes()
    one.write_bytes(b)
    two.write_bytes(a)


def change_size(log):
    text = (log / "checkpoint").read_text()
    (log / "checkpoint").write_text(text.replace("\n1500\n", "\n1499\n", 1))


def change_root(log):
    """The root of another size, under the signatures of this one."""
    old = (log / "checkpoint.700").read_text().split("\n")[2]
    lines = (log / "checkpoint").read_text().split("\n")
    lines[2] = old
    (log / "checkpoint").write_text("\n".join(lines))


def change_old_root(log):
    lines = (log / "checkpoint.700").read_text().split("\n")
    root = bytearray(base64.b64decode(lines[2]))
    root[0] ^= 1
    lines[2] = base64.b64encode(bytes(root)).decode()
    (log / "checkpoint.700").write_text("\n".join(lines))


def swap_checkpoint(log):
    """A signed head of another log."""
    other = log.parent / "other"
    if not other.exists():
        subprocess.run([make_log, other, "1500"], check=True)
    shutil.copy(other / "checkpoint", log / "checkpoint")


def fork(log):
    """An older head under the log's own key that this tree does not begin with."""
    shutil.copy(log / "checkpoint.fork", log / "checkpoint.700")


def drop_cosignature(log):
    text = (log / "checkpoint").read_text()
    (log / "checkpoint").write_text(re.sub(r"— login\S+ \S{100,}\n", "", text))


def drop_witness(log):
    text = (log / "checkpoint").read_text()
    (log / "checkpoint").write_text(re.sub(r"— witness.*\n", "", text))


MUTATIONS = [flip_tile, flip_upper_tile, flip_entry, flip_partial_entry, lose_bundle, swap_entries,
             change_size, change_root, change_old_root, swap_checkpoint, fork,
             drop_cosignature, drop_witness]

with tempfile.TemporaryDirectory(prefix="chancery-logread-") as top:
    top = pathlib.Path(top)
    subprocess.run([make_log, top / "log", *map(str, SIZES)], check=True)
    olds = [f"checkpoint.{n}" for n in SIZES]
    good, said = read(top / "log", *(top / "log" / o for o in olds))
    print(said)
    assert good and f"size 1500, 1500 inclusion proofs, {len(SIZES)} older heads" in said, said
    for mutate in MUTATIONS:
        log = top / mutate.__name__
        shutil.copytree(top / "log", log)
        mutate(log)
        good, said = read(log, *(log / o for o in olds))
        print(f"{mutate.__name__}: {said}")
        assert not good and said.startswith("REJECT"), f"{mutate.__name__} was accepted"
