#!/usr/bin/python3
"""corpus.py [--small] [--levels triage,strict,full] [--crash [--mode M]] [--json | --table]
          [PROGRAM…]

Dumps real programs that hold fresh secrets, redacts the dumps, and counts what is left.
Exit status 1 when a key or a token is left, an OpenSSH key can be unshielded, or gdb tells
another story than before. Passwords are counted apart.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "corpus"), str(ROOT / "tests" / "e2e")]
import programs  # noqa: E402
import servers  # noqa: E402
from guard import end_all, guarded  # noqa: E402
from chancery import PROGRAM  # noqa: E402
from cores import Core, backtraces  # noqa: E402
from dumps import whole_machine  # noqa: E402
from kernel import Handler, uninstall_any  # noqa: E402

ALL = programs.ALL + servers.ALL
# in which no finder of `full` knows a value, though others' finders and forms may
UNCLAIMED = {"decimal"}


def gcore(pid, folder):
    subprocess.run(["gcore", "-o", str(folder / "core"), str(pid)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder / f"core.{pid}"


def redact(chancery, level, core, out):
    done = subprocess.run([chancery, "coredump", "redact", "--level", level, str(core), str(out)],
                          capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not out.exists():
        raise RuntimeError(f"redact said {done.returncode}: {done.stderr}")


def known(frames):
    """Up to the first that gdb guesses: code that is made while a program runs, stacks of its
    own."""
    return frames[:next((i for i, f in enumerate(frames) if " in ??" in f or "[" in f), len(frames))]


def same_frames(before, after, program, crashed):
    if crashed and program.handled:  # there is nothing from before to compare with
        return bool(after)
    if not program.own_code:
        return before == after
    # a thread that was stopped in such code begins with a guess
    return before.keys() == after.keys() and any(map(known, before.values())) and all(
        known(frames) == after[lwp][:len(known(frames))] for lwp, frames in before.items())


class Judge:
    """What of one program's secrets was in its dump, and what is left after."""

    def __init__(self, program, name, executable, before):
        self.program, self.name, self.executable = program, name, executable
        core = Core(before)
        self.planted = core.whole(program.secrets)
        self.shielded = core.unshielded() if program.shielded else 0
        self.story = backtraces(executable, before)
        self.rows = []

    def look(self, level, after, crashed=False):
        core = Core(after)
        left = core.left([s for s in self.program.secrets if self.planted[s.name]])
        story = backtraces(self.executable, after)
        self.rows.append({
            "program": self.name, "level": level,
            "keys_before": self._sum("key"), "tokens_before": self._sum("token"),
            "passwords_before": self._sum("password"),
            **self._left(left, level),
            "unshielded_before": self.shielded,
            "unshielded_left": core.unshielded() if self.program.shielded else 0,
            "frames": sum(map(len, self.story[0].values())),
            "frames_equal": same_frames(self.story[0], story[0], self.program, crashed),
            "frames_compared": not (crashed and self.program.handled),
            "libraries": len(self.story[1]), "libraries_equal": self.story[1] == story[1],
            "size": core.size, "non_zero": len(core.bytes)})
        return self.rows[-1]

    def _left(self, left, level):
        said = {"keys_left": [], "tokens_left": [], "passwords_left": [], "unclaimed_left": []}
        for s in self.program.secrets:
            if left.get(s.name):
                claimed = s.claimed and not UNCLAIMED.issuperset(left[s.name])
                kind = f"{s.kind}s" if claimed or level != "full" else "unclaimed"
                said[f"{kind}_left"].append(f"{s.name}: {', '.join(left[s.name])}")
        return said

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
        end_all()
    return rows


def undumpable(pid):
    """A process that gave up its rights has what is of it in /proc owned by root, until it allows
    dumps again. Of root's it cannot be told."""
    uid = pathlib.Path(f"/proc/{pid}/status").read_text().partition("Uid:")[2].split()[1]
    return pathlib.Path(f"/proc/{pid}/environ").stat().st_uid != int(uid)


def judge_before(program, base):
    """[(judge, pid)] of what is to be crashed, while it lives."""
    judges = []
    for name, pid, executable in program.dumped:
        if undumpable(pid):
            continue
        before = gcore(pid, base)
        judges.append((Judge(program, name, executable, before), pid))
        before.unlink()
    return judges


def crash_at(level, program, base, options):
    """One program at one level. core_pattern is the machine's: it is held for the crashes
    alone."""
    judges = judge_before(program, base)
    with whole_machine():
        handler = Handler(options.chancery, base / "handler", level, options.mode)
        try:
            took = [handler.crash(pid, base / f"{pid}.after", by=program.crash_signal)
                    for _, pid in judges]
        finally:
            handler.end()
    return [{**judge.look(level, base / f"{pid}.after", crashed=True),
             "seconds": round(seconds, 2)} for (judge, pid), seconds in zip(judges, took)]


def crash_program(make, folder, options):
    """Every level with a program of its own, which ends in a crash through the kernel."""
    rows = []
    for level in options.levels:
        base = folder / level
        base.mkdir()
        base.chmod(0o755)
        program = make(base / "program")
        try:
            program.start()
            rows += crash_at(level, program, base, options)
        finally:
            program.stop()
            end_all()
            shutil.rmtree(base, ignore_errors=True)
    return rows


def bad(row):
    """Why this row is a failure, in words."""
    if "trouble" in row:
        return [row["trouble"]]
    said = row["keys_left"] + row["tokens_left"]
    if row["unshielded_left"]:
        said.append(f"{row['unshielded_left']} OpenSSH keys open")
    if not row["frames_equal"]:
        said.append("gdb tells other frames")
    if not row["libraries_equal"]:
        said.append("gdb sees other libraries")
    return said


def show(row):
    if "trouble" in row:
        return
    print(f"{row['program']:18} {row['level']:7} keys {row['keys_before']:4} -> "
          f"{len(row['keys_left']):2}  tokens {row['tokens_before']:4} -> "
          f"{len(row['tokens_left']):2}  passwords {row['passwords_before']:3} -> "
          f"{len(row['passwords_left']):2}  ssh {row['unshielded_before']} -> "
          f"{row['unshielded_left']}  frames {row['frames']:4} "
          f"{'equal' if row['frames_equal'] else 'OTHER'}  libraries "
          f"{'equal' if row['libraries_equal'] else 'OTHER'}"
          + (f"  {row['seconds']} s" if "seconds" in row else ""), flush=True)
    for line in (row["keys_left"] + row["tokens_left"] + row["passwords_left"]
                 + row["unclaimed_left"]):
        print(f"{'':26} left: {line}")


def cell(row):
    """What is left at one level, and how long it took."""
    left = [f"{k}: {len(row[k + '_left'])}" for k in ("keys", "tokens", "passwords", "unclaimed")
            if row[k + "_left"]]
    left += [f"{row['unshielded_left']} OpenSSH keys"] if row["unshielded_left"] else []
    return (", ".join(left) or "0") + (f"; {row['seconds']} s" if "seconds" in row else "")


def frames_cell(mine, levels):
    if not all(r["frames_compared"] for r in mine.values()):
        return "own handler |"
    equal = all(r["frames_equal"] for r in mine.values())
    return f"{mine[levels[0]]['frames']} {'equal' if equal else 'OTHER'} |"


def table(rows):
    """As in docs/COREDUMP.md: a line for each program, with the largest counts of its runs."""
    levels = list(dict.fromkeys(r["level"] for r in rows))
    print("| program | keys, tokens, passwords planted |", *(f"{n}: left |" for n in levels),
          "frames |")
    print("|---|---|" + "---|" * (len(levels) + 1))
    for name in dict.fromkeys(r["program"] for r in rows):
        mine = {r["level"]: r for r in rows if r["program"] == name}
        if any("trouble" in r for r in mine.values()):
            continue
        planted = [max(r[k + "_before"] for r in mine.values())
                   for k in ("keys", "tokens", "passwords")]
        shielded = max(r["unshielded_before"] for r in mine.values())
        keys = f"{shielded} shielded" if shielded else planted[0]
        print(f"| {name} | {keys}, {planted[1]}, {planted[2]} |",
              *(f"{cell(mine[n])} |" for n in levels),
              frames_cell(mine, levels))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--crash", action="store_true",
                        help="through the kernel, not gcore and `coredump redact`; needs root")
    parser.add_argument("--mode", help="of `coredump install`")
    parser.add_argument("--levels", default="triage,strict,full")
    parser.add_argument("--chancery", default=PROGRAM)
    named = {p.__name__.lower(): p for p in ALL}
    parser.add_argument("programs", nargs="*", type=str.lower, metavar="PROGRAM",
                        help=f"of {', '.join(named)}")
    options = parser.parse_args()
    options.levels = options.levels.split(",")
    options.wanted = programs.SMALL if options.small else ALL
    if not named.keys() >= set(options.programs):
        parser.error("no such program: " + ", ".join(set(options.programs) - named.keys()))
    if options.programs:
        options.wanted = [named[name] for name in options.programs]
    return options


def rows_of(make, folder, options):
    """None: the program is not here."""
    if make.missing():
        return None
    own = folder / make.__name__
    own.mkdir()
    own.chmod(0o755)
    try:
        return (crash_program if options.crash else judge_program)(make, own, options)
    except Exception as e:  # the others are worth a look all the same
        traceback.print_exc()
        return [{"program": make.__name__, "level": "-", "trouble": f"{type(e).__name__}: {e}"}]
    finally:
        shutil.rmtree(own, ignore_errors=True)


def work(folder, options):
    rows, missing = [], []
    for make in options.wanted:
        if options.crash and make.undumpable:
            continue
        fresh = rows_of(make, folder, options)
        if fresh is None:
            missing.append(make.__name__)
            continue
        rows += fresh
        for row in fresh if not (options.json or options.table) else []:
            show(row)
    failures = [f"{r['program']} at {r['level']}: {why}" for r in rows for why in bad(r)]
    if options.json:
        print(json.dumps({"rows": rows, "missing": missing, "failures": failures}, indent=1))
    else:
        if options.table:
            table(rows)
        for line in failures:
            print("FAILED", line)
        if missing:
            print("not here:", " ".join(missing))
    return 1 if failures or not rows else 0


def main():
    options = arguments()
    return guarded(lambda folder: work(folder, options),
                   lambda folder: uninstall_any(options.chancery, folder))


if __name__ == "__main__":
    sys.exit(main())
