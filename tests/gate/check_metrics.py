#!/usr/bin/python3
"""Is standard input what Prometheus' text format 0.0.4 asks for? Prints what is wrong.

Each metric has HELP and TYPE once, before its samples; its samples stand together; names,
labels and values are well formed; no series twice; a histogram's buckets add up; a counter ends
in _total and is no negative number. Then: the names given as arguments must be there."""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL},?)*)\}})? (-?[0-9.e+-]+|[+-]Inf|NaN)\Z")
TYPES = {"counter", "gauge", "histogram"}


def base(name, types):
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix) and types.get(name[:-len(suffix)]) == "histogram":
            return name[:-len(suffix)]
    return name


def check_histogram(name, series, wrong):
    """For each set of its other labels."""
    groups = {}
    for (n, labels), value in series.items():
        if n in (name + "_bucket", name + "_count"):
            rest = tuple(pair for pair in labels if pair[0] != "le")
            buckets, counts = groups.setdefault(rest, ([], []))
            if n == name + "_count":
                counts.append(value)
            else:
                buckets.append((float(dict(labels)["le"]), value))
    for rest, (buckets, counts) in groups.items():
        if [b for b, _ in buckets] != sorted(b for b, _ in buckets):
            wrong.append(f"{name}{rest}: buckets out of order")
        if [v for _, v in buckets] != sorted(v for _, v in buckets):
            wrong.append(f"{name}{rest}: buckets do not add up")
        if not buckets or buckets[-1][0] != float("inf") or counts != [buckets[-1][1]]:
            wrong.append(f"{name}{rest}: le=+Inf is not the count")


def check(text, wanted):
    wrong, types, helps, series, done, last = [], {}, set(), {}, set(), None
    if not text.endswith("\n"):
        wrong.append("the last line has no end")
    for number, line in enumerate(text.splitlines(), 1):
        comment = re.match(rf"# (HELP|TYPE) ({NAME}) (.+)\Z", line)
        if comment:
            kind, name, rest = comment.groups()
            seen = types if kind == "TYPE" else helps
            if name in seen or (kind == "TYPE" and (rest not in TYPES or name not in helps)):
                wrong.append(f"{number}: {line}")
            if kind == "TYPE":
                types[name] = rest
            else:
                helps.add(name)
            continue
        sample = SAMPLE.match(line)
        if not sample:
            wrong.append(f"{number}: no sample: {line}")
            continue
        name, labels, value = sample.group(1), sample.group(2) or "", float(sample.group(5))
        family = base(name, types)
        if family not in types:
            wrong.append(f"{number}: {family} has no TYPE")
        if family != last and family in done:
            wrong.append(f"{number}: {family} stands in two places")
        done.add(family)
        last = family
        key = (name, tuple(re.findall(LABEL, labels)))
        if key in series:
            wrong.append(f"{number}: {line}: twice")
        if types.get(family) == "counter" and (value < 0 or not name.endswith("_total")):
            wrong.append(f"{number}: {line}: no counter")
        series[key] = value
    for name in [n for n, t in types.items() if t == "histogram"]:
        check_histogram(name, series, wrong)
    wrong += [f"{name}: has no samples" for name in types if name not in done]
    wrong += [f"{name}: is missing" for name in wanted if name not in done]
    return wrong


if __name__ == "__main__":
    faults = check(sys.stdin.read(), sys.argv[1:])
    print("\n".join(faults))
    sys.exit(1 if faults else 0)
