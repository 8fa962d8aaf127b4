#!/usr/bin/python3
"""Makes cases.json from the scripts beside it and keys.json, byte for byte the same each time.

usage: generate.py            write cases.json
       generate.py --check    compare with it; exit 1 if it differs
       generate.py --to FILE  write another file: with CASES_TYP=JWT in the environment, for a
                              verifier that takes no other typ
"""
import collections
import json
import pathlib
import sys

import cases_claims
import cases_header
import cases_keys
import cases_proof
import cases_text
from book import Book
from jose import HERE


def text():
    book = Book()
    for part in (cases_text, cases_header, cases_claims, cases_proof, cases_keys):
        part.add(book)
    data = book.as_json()
    lines = ['{"format": 1,', ' "license": "Apache-2.0",', ' "policies": {']
    for last, (name, value) in enumerate(data["policies"].items(), 1 - len(data["policies"])):
        lines.append(f'  {json.dumps(name)}: {json.dumps(value)}{"," if last else ""}')
    lines += [" },", ' "groups": [']
    for last, value in enumerate(data["groups"], 1 - len(data["groups"])):
        lines.append(f'  {json.dumps(value)}{"," if last else ""}')
    lines += [" ],", ' "cases": [']
    for last, value in enumerate(data["cases"], 1 - len(data["cases"])):
        lines.append(f'  {json.dumps(value)}{"," if last else ""}')
    return data, "\n".join([*lines, " ]", "}", ""])


def summary(cases):
    groups = collections.defaultdict(collections.Counter)
    for case in cases:
        groups[case["group"]][case["level"]] += 1
    for name, count in groups.items():
        print(f"{name:10} {count['accept']:4} accepted {count['must']:4} must "
              f"{count['strict']:4} strict")
    total = collections.Counter(case["level"] for case in cases)
    print(f"{len(cases)} cases, {sum(len(c['steps']) for c in cases)} steps: {dict(total)}")


def main():
    data, made = text()
    path = pathlib.Path(sys.argv[2]) if sys.argv[1:2] == ["--to"] else HERE / "cases.json"
    assert json.loads(made) == data
    summary(data["cases"])
    if sys.argv[1:] == ["--check"]:
        if path.read_text() != made:
            print("cases.json is not what these scripts make: run generate.py", file=sys.stderr)
            return 1
        return 0
    path.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
