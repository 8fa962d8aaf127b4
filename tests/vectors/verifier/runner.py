#!/usr/bin/python3
"""Puts the cases to any verifier: see README.md for what the program must say.

usage: runner.py [--group NAME]… [--failed] [--json FILE] [--cases FILE]
                 PROGRAM [ARGUMENT…]
"""
import argparse
import collections
import json
import pathlib
import select
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
LEVELS = ("must", "strict", "accept")
SECONDS = 20  # a verifier that says nothing for so long hangs


class Crash(Exception):
    pass


class Verifier:
    """A program that is asked line by line, and started again when it falls."""

    def __init__(self, argv):
        self.argv, self.process = argv, None
        hello = self.start()
        self.name, self.has = hello["name"], set(hello["has"])

    def start(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self.answer()

    def answer(self):
        ready, _, _ = select.select([self.process.stdout], [], [], SECONDS)
        line = self.process.stdout.readline() if ready else b""
        try:
            return json.loads(line)
        except ValueError as e:
            self.stop()
            raise Crash(line[:80]) from e

    def ask(self, question):
        if self.process.poll() is not None:
            self.start()
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as e:
            self.stop()
            raise Crash(b"it ended") from e
        return self.answer()

    def stop(self):
        self.process.kill()
        self.process.wait()

    def knows(self, case):
        return all((need[1:] not in self.has) if need[0] == "!" else need in self.has
                   for need in case["needs"])


def put(verifier, policies, case):
    """ok, through (accepted what must be refused), refused (what must be accepted) or crash;
    with the answers."""
    answers = []
    for number, step in enumerate(case["steps"]):
        question = {"case": case["id"], "step": number, "fresh": number == 0, **step,
                    "policy": policies[step["policy"]]}
        del question["expect"]
        try:
            answers.append(verifier.ask(question))
        except Crash:
            return "crash", answers
    pairs = [(s["expect"]["verdict"], a.get("verdict")) for s, a in zip(case["steps"], answers)]
    if any(want == "refuse" and got != "refuse" for want, got in pairs):
        return "through", answers
    # a sequence that must end in a refusal says nothing when its beginning is refused
    if case["level"] == "accept" and any(want != got for want, got in pairs):
        return "refused", answers
    return "ok", answers


def wrong_codes(case, answers):
    """Where a program that gives our codes gives another one."""
    for step, answer in zip(case["steps"], answers):
        expect = step["expect"]
        if "code" in answer and answer["code"] != expect["code"]:
            return f"{answer['code']}, not {expect['code']}"
        if "realm" in answer and answer["realm"] != expect.get("realm", answer["realm"]):
            return f"realm {answer['realm']}, not {expect['realm']}"
    return None


def run(argv, groups=(), said=lambda text: None, cases=HERE / "cases.json"):
    """{"name", "has", "groups": {group: {level: {asked, wrong, crash, na}}}, "wrong_codes"}"""
    book = json.loads(pathlib.Path(cases).read_text())
    verifier = Verifier(argv)
    counts = collections.defaultdict(
        lambda: {level: {"asked": 0, "wrong": 0, "crash": 0, "na": 0} for level in LEVELS})
    codes = 0
    try:
        for case in book["cases"]:
            if groups and case["group"] not in groups:
                continue
            count = counts[case["group"]][case["level"]]
            if not verifier.knows(case):
                count["na"] += 1
                continue
            outcome, answers = put(verifier, book["policies"], case)
            count["asked"] += 1
            count["crash"] += outcome == "crash"
            count["wrong"] += outcome in ("through", "refused")
            if outcome != "ok":
                said(f"{outcome}: {case['level']}: {case['id']}: {case['title']}")
            wrong = wrong_codes(case, answers)
            if wrong:
                codes += 1
                said(f"code: {case['id']}: {wrong}")
    finally:
        verifier.stop()
    return {"name": verifier.name, "has": sorted(verifier.has), "groups": dict(counts),
            "wrong_codes": codes}


def total(result, level, what="wrong"):
    return sum(group[level][what] for group in result["groups"].values())


def main():
    parser = argparse.ArgumentParser(description="Puts the cases to a verifier.")
    parser.add_argument("--group", action="append", default=[], help="only this group")
    parser.add_argument("--failed", action="store_true", help="name the cases that failed")
    parser.add_argument("--json", metavar="FILE", help="write the counts there")
    parser.add_argument("--cases", metavar="FILE", default=HERE / "cases.json",
                        help="other cases than those beside this file")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if not args.program:
        parser.print_usage(sys.stderr)
        return 3
    try:
        result = run(args.program, args.group, print if args.failed else lambda text: None,
                     args.cases)
    except (Crash, OSError) as e:
        print(f"runner: {args.program[0]} does not start or says no hello: {e}", file=sys.stderr)
        return 3
    print(f"{result['name']}\n{'group':10} {'must, let through':>18} {'strict, let through':>20} "
          f"{'accept, refused':>16} {'n/a':>5} {'crashes':>8}")
    for name, group in result["groups"].items():
        cells = [f"{group[level]['wrong']}/{group[level]['asked']}" for level in LEVELS]
        na, crash = (sum(group[level][what] for level in LEVELS) for what in ("na", "crash"))
        print(f"{name:10} {cells[0]:>18} {cells[1]:>20} {cells[2]:>16} {na:>5} {crash:>8}")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(result, indent=1) + "\n")
    bad = sum(total(result, level, what) for level in LEVELS for what in ("wrong", "crash"))
    return 1 if bad or result["wrong_codes"] else 0


if __name__ == "__main__":
    sys.exit(main())
