#!/usr/bin/python3
"""Puts the cases to Chancery and to its peers, and writes the tables into docs/VERIFIERS.md.

usage: compare.py [BUILD-FOLDER]      (default: build; `make compare` runs it)

The peers are built into BUILD-FOLDER/verifiers. A peer that cannot be made here is named, and
the tables are left as they are.
"""
import os
import pathlib
import shlex
import subprocess
import sys

import runner

ROOT = runner.HERE.parents[2]
DOC = ROOT / "docs/VERIFIERS.md"
PEERS = 6
TABLES = {
    "must": "let through of those that must be refused",
    "strict": "let through of those that are strict",
    "accept": "refused of those that must be accepted",
}


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def peers(build):
    done = subprocess.run(["sh", runner.HERE / "peers/build.sh", build / "verifiers"],
                          stdout=subprocess.PIPE, text=True, check=True)
    return [shlex.split(line) for line in done.stdout.splitlines()]


def asked(argv, build):
    """libjwt 1 takes no typ but JWT: it is asked about the same cases with that."""
    if pathlib.Path(argv[0]).name != "libjwt":
        return runner.run(argv)
    cases = build / "verifiers/cases-jwt.json"
    subprocess.run([sys.executable, runner.HERE / "generate.py", "--to", cases], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "CASES_TYP": "JWT"})
    result = runner.run(argv, cases=cases)
    return {**result, "name": result["name"] + ", typ JWT"}


def cell(counts):
    if not counts["asked"]:
        return "n/a"
    text = f"{counts['wrong']}/{counts['asked']}"
    if counts["crash"]:
        text += f" ({counts['crash']} crashes)"
    return text


def table(results, level):
    """A row a group, a column a verifier, and the sum."""
    names = [name for name, group in results[0]["groups"].items()
             if any(r["groups"][name][level]["asked"] for r in results)]
    lines = ["| group | " + " | ".join(r["name"] for r in results) + " |",
             "|---|" + "---|" * len(results)]
    for name in names:
        lines.append(f"| {name} | " + " | ".join(
            cell(r["groups"][name][level]) for r in results) + " |")
    sums = [{what: runner.total(r, level, what) for what in ("wrong", "asked", "crash")}
            for r in results]
    lines.append("| **all** | " + " | ".join(
        cell(s).join(("**", "**")) for r, s in zip(results, sums)) + " |")
    return "\n".join(lines)


def binding(results):
    lines = ["| verifier | let through | refused |", "|---|---|---|"]
    for r in results:
        group = r["groups"]["binding"]
        lines.append(f"| {r['name']} | {cell(group['must'])} | {cell(group['accept'])} |")
    return "\n".join(lines)


def put(text, name, new):
    """new between the marks of that name."""
    begin, end = f"<!-- {name}: made by make compare -->\n", f"\n<!-- end of {name} -->"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise SystemExit(f"compare: {DOC} has no marks for {name}")
    return head + begin + new + end + tail


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build").resolve()
    commands = peers(build)
    if len(commands) != PEERS:
        say(f"{len(commands)} of {PEERS} peers are here: {DOC} stays as it is")
        return 3
    results = []
    for argv in [[str(build / "tests/verifier/verifier-library")], *commands]:
        say(shlex.join(argv))
        results.append(asked(argv, build))
    apart = [runner.run([*argv, "--per-issuer"], ["binding"]) for argv in commands[3:5]]
    text = DOC.read_text()
    for level in TABLES:
        text = put(text, level, table(results, level))
    text = put(text, "binding", binding([results[0], *results[4:6], *apart]))
    DOC.write_text(text)
    ours = sum(runner.total(results[0], level, what) for level in TABLES
               for what in ("wrong", "crash")) + results[0]["wrong_codes"]
    say(f"{DOC} is written; ours: {ours} wrong")
    return 1 if ours else 0


if __name__ == "__main__":
    sys.exit(main())
