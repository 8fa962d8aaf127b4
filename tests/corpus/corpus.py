#!/usr/bin/python3
"""corpus.py [--small] [--levels triage,strict,full] [--crash [--mode M]] [--json] [PROGRAM…]

Dumps real programs that hold fresh secrets, redacts the dumps, and counts what is left.
Exit status 1 when a key or a token is left at triage or strict, an OpenSSH key can be
unshielded, or gdb tells another story than before.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "corpus"), str(ROOT / "tests" / "e2e")]
import programs  # noqa: E402
from chancery import PROGRAM  # noqa: E402
from cores import Core, backtraces  # noqa: E402
from dumps import whole_machine  # noqa: E402
from kernel import Handler  # noqa: E402


def gcore(pid, folder):
    subprocess.run(["gcore", "-o", str(folder / "core"), str(pid)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder / f"core.{pid}"


def redact(chancery, level, core, out):
    done = subprocess.run([chancery, "coredump", "redact", "--level", level, str(core), str(out)],
                          capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not out.exists():
        raise RuntimeError(f"redact said {done.returncode}: {done.stderr}")


def threads_of(frames):
    """[[frame, …], …]: a thread begins at its frame 0."""
    threads = []
    for frame in frames:
        if frame.startswith("#0 "):
            threads.append([])
        threads[-1].append(frame)
    return threads


def same_frames(before, after, own_code):
    """A program whose code is made while it runs, or whose stacks are its own, has frames that
    gdb can only guess: there, what stands before the first guess is compared."""
    if not own_code:
        return before == after
    pairs = list(zip(threads_of(before), threads_of(after)))
    known = [next((i for i, f in enumerate(b) if " in ??" in f or "[" in f), len(b)) for _, b in pairs]
    return (len(threads_of(before)) == len(threads_of(after)) and all(known)
            and all(a[:n] == b[:n] for (a, b), n in zip(pairs, known)))


class Judge:
    """What of one program's secrets was in its dump, and what is left after."""

    def __init__(self, program, name, executable, before):
        self.program, self.name, self.executable = program, name, executable
        core = Core(before)
        self.planted = {s.name: core.whole(s) for s in program.secrets}
        self.shielded = core.unshielded() if program.shielded else 0
        self.story = backtraces(executable, before)
        self.rows = []

    def look(self, level, after):
        core = Core(after)
        left = {s.name: core.left(s) for s in self.program.secrets if self.planted[s.name]}
        kinds = {s.name: s.kind for s in self.program.secrets}
        story = backtraces(self.executable, after)
        self.rows.append({
            "program": self.name, "level": level,
            "keys_before": self._sum("key"), "tokens_before": self._sum("token"),
            "passwords_before": self._sum("password"),
            "keys_left": [f"{n}: {', '.join(f)}" for n, f in left.items() if f and kinds[n] == "key"],
            "tokens_left": [f"{n}: {', '.join(f)}" for n, f in left.items()
                            if f and kinds[n] == "token"],
            "passwords_left": [n for n, f in left.items() if f and kinds[n] == "password"],
            "unshielded_before": self.shielded,
            "unshielded_left": core.unshielded() if self.program.shielded else 0,
            "frames": len(self.story[0]),
            "frames_equal": same_frames(self.story[0], story[0], self.program.own_code),
            "libraries": len(self.story[1]), "libraries_equal": self.story[1] == story[1],
            "size": core.size, "non_zero": len(core.bytes)})
        return self.rows[-1]

    def _sum(self, kind):
        return sum(sum(self.planted[s.name].values()) for s in self.program.secrets
                   if s.kind == kind)


def judge_program(make, folder, options):
    program = make(folder)
    rows = []
    try:
        program.start()
        for name, pid, executable in program.dumped:
            before = gcore(pid, folder)
            judge = Judge(program, name, executable, before)
            for level in options.levels:
                after = folder / f"{level}.core"
                redact(options.chancery, level, before, after)
                rows.append(judge.look(level, after))
                after.unlink()
            before.unlink()
    finally:
        program.stop()
    return rows


def crash_program(make, folder, options):
    """Every level with a program of its own, which ends in a crash through the kernel."""
    rows = []
    for level in options.levels:
        base = folder / level
        base.mkdir()
        with whole_machine():
            handler = Handler(options.chancery, tempfile.mkdtemp(dir=base), level, options.mode)
            program = make(base / "program")
            try:
                program.start()
                for name, pid, executable in program.dumped:
                    before, after = gcore(pid, base), base / "after.core"
                    judge = Judge(program, name, executable, before)
                    took = handler.crash(pid, after)
                    row = {**judge.look(level, after), "seconds": round(took, 2)}
                    row["frames_equal"] |= make.catches
                    rows.append(row)
                    before.unlink()
                    after.unlink()
            finally:
                program.stop()
                handler.end()
    return rows


def bad(row):
    """Why this row is a failure, in words."""
    said = []
    if row["level"] != "full":  # which promises what its finders know, and no more
        said += row["keys_left"] + row["tokens_left"]
    if row["unshielded_left"]:
        said.append(f"{row['unshielded_left']} OpenSSH keys open")
    if not row["frames_equal"]:
        said.append("gdb tells other frames")
    if not row["libraries_equal"]:
        said.append("gdb sees other libraries")
    return said


def show(row):
    print(f"{row['program']:18} {row['level']:7} keys {row['keys_before']:4} -> "
          f"{len(row['keys_left']):2}  tokens {row['tokens_before']:4} -> "
          f"{len(row['tokens_left']):2}  passwords {row['passwords_before']:3} -> "
          f"{len(row['passwords_left']):2}  ssh {row['unshielded_before']} -> "
          f"{row['unshielded_left']}  frames {row['frames']:4} "
          f"{'equal' if row['frames_equal'] else 'OTHER'}  libraries "
          f"{'equal' if row['libraries_equal'] else 'OTHER'}", flush=True)
    for line in row["keys_left"] + row["tokens_left"] + row["passwords_left"]:
        print(f"{'':26} left: {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--crash", action="store_true",
                        help="through the kernel, not gcore and `coredump redact`; needs root")
    parser.add_argument("--mode", help="of `coredump install`")
    parser.add_argument("--levels", default="triage,strict,full")
    parser.add_argument("--chancery", default=PROGRAM)
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    options.levels = options.levels.split(",")
    wanted = programs.SMALL if options.small else programs.ALL
    if options.programs:
        wanted = [p for p in programs.ALL if p.__name__.lower() in options.programs]
    rows, missing = [], []
    for make in wanted:
        if options.crash and make.undumpable:
            continue
        if make.missing():
            missing.append(make.__name__)
            continue
        folder = pathlib.Path(tempfile.mkdtemp(prefix="chancery-corpus-"))
        folder.chmod(0o755)  # some run as users of their own
        try:
            fresh = (crash_program if options.crash else judge_program)(make, folder, options)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        rows += fresh
        if not options.json:
            for row in fresh:
                show(row)
    failures = [f"{r['program']} at {r['level']}: {why}" for r in rows for why in bad(r)]
    if options.json:
        print(json.dumps({"rows": rows, "missing": missing, "failures": failures}, indent=1))
    else:
        for line in failures:
            print("FAILED", line)
        if missing:
            print("not here:", " ".join(missing))
    return 1 if failures or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
