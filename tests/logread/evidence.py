#!/usr/bin/python3
"""Evidence that src/evidence wrote, read by Go: a forged token's and a genuine one's, whole, thin and
of a pruned log; and each change of it: evidence.py MAKE_LOG MAKE_EVIDENCE LOGREAD"""
import base64
import io
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

make_log, make_evidence, logread = sys.argv[1:4]


def run(*args):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, check=True).stdout


def ask(file, log, *more):
    r = subprocess.run([logread, "-witness", log / "witness", "evidence", file, log / "vkey", *more],
                       capture_output=True, text=True, check=False)
    said = (r.stdout + r.stderr).strip()
    print(f"{file.name}: {said}")
    return said if r.returncode == 0 else said.replace("ACCEPT", "status")


def change(file, name, how, to):
    """The file with one member changed; its header is of the new size."""
    with tarfile.open(file) as old, tarfile.open(to, "w", format=tarfile.USTAR_FORMAT) as new:
        for m in old:
            data = old.extractfile(m).read()
            if m.name == "evidence/" + name:
                data = how(data)
            if data is None:
                continue
            m.size = len(data)
            new.addfile(m, io.BytesIO(data))
    return to


def without_last(entries):
    at = last = 0
    while at < len(entries):
        last, at = at, at + 2 + int.from_bytes(entries[at:at + 2], "big")
    return entries[:last]


def flip_at(n):
    return lambda data: data[:n] + bytes([data[n] ^ 1]) + data[n + 1:]


def main(top):
    identity = run(make_evidence, "token", top / "t").strip()
    run(make_log, top / "log", "700", "1500")
    run(make_log, top / "planted", "plant", identity, "900", "1500")
    absent, present, thin, pruned = (top / n for n in ("absent", "present", "thin", "pruned"))
    run(make_evidence, "write", top / "t", top / "log", absent)
    run(make_evidence, "write", top / "t", top / "planted", present)
    run(make_evidence, "write", top / "t", top / "log", thin, "thin")
    log, planted = top / "log", top / "planted"
    assert ask(absent, log).startswith("ACCEPT: absent, entries 0 to 1500")
    assert ask(present, planted).startswith("ACCEPT: present at 900")
    assert ask(thin, log, log).startswith("ACCEPT: absent")
    assert ask(thin, log).startswith("REJECT: the evidence is thin")
    # issued long after the first entry that is left, so an edge is enough for what is before
    run(make_evidence, "token", top / "late", "1795397000")
    run(make_evidence, "write", top / "late", log, pruned, "whole", "700")
    assert ask(pruned, log).startswith("ACCEPT: absent, entries 512 to 1500")
    run(make_evidence, "write", top / "t", log, pruned, "whole", "700")
    assert ask(pruned, log).startswith("REJECT: absent, but")

    # a planted entry: under the head of the log without it nothing fits, under another the claim
    with tarfile.open(present) as t:
        entries = t.extractfile("evidence/entries").read()
        head = t.extractfile("evidence/checkpoint").read()
    bad = change(absent, "entries", lambda _: entries, top / "planted-entry")
    assert ask(bad, log).startswith("REJECT: the entries do not give")
    both = change(bad, "checkpoint", lambda _: head, top / "planted-log")
    assert ask(both, planted).startswith("REJECT: the file claims absent, but it is present at 900")
    for name, member, how in [
            ("missing-entry", "entries", without_last),
            ("cut-entry", "entries", lambda d: d[:-1]),
            ("no-entries", "entries", lambda d: b""),
            ("changed-entry", "entries", flip_at(30)),
            ("changed-input", "signing-input", lambda d: d.replace(b".", b".e30", 1)),
            ("changed-signature", "signature", flip_at(9)),
            ("changed-claim", "evidence.json", lambda d: d.replace(b"absent", b"present")),
            ("changed-size", "evidence.json", lambda d: d.replace(b"1500", b"1499")),
            ("changed-first", "evidence.json", lambda d: d.replace(b'"first":0', b'"first":256')),
            ("other-head", "checkpoint", lambda d: (log / "checkpoint.700").read_bytes()),
            ("forked-head", "checkpoint", lambda d: (log / "checkpoint.fork").read_bytes()),
            ("no-edge", "edge", lambda d: base64.b64encode(bytes(32)) + b"\n")]:
        assert ask(change(absent, member, how, top / name), log).startswith("REJECT"), name
    lost = top / "lost"
    shutil.copytree(log, lost)
    (lost / "tile/entries/002").unlink()
    assert ask(thin, log, lost).startswith("REJECT: bundle")


with tempfile.TemporaryDirectory(prefix="chancery-evidence-") as folder:
    main(pathlib.Path(folder))
