"""Prints the table of src/redact/random_names.c: which pairs of letters are common in names, by
names on standard input, one a line: symbols of libraries (nm -D), file names, words of sources.

    tools/name_pairs.py [HOW-MANY] < names"""
import collections
import sys

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
INDEX = {c: i for i, c in enumerate(LETTERS)} | {"+": 62, "-": 62, "/": 63, "_": 63}
NAME_MAX = 200  # long ones are of a machine and would weigh too much


def common(lines, wanted):
    """For each first letter a number whose bits are the second letters."""
    counts = collections.Counter()
    for line in lines:
        name = line.strip()[:NAME_MAX]
        counts.update((INDEX[a], INDEX[b]) for a, b in zip(name, name[1:])
                      if a in INDEX and b in INDEX)
    pairs = {pair for pair, _ in counts.most_common(wanted)}
    # a number is no name, and no secret in letters either
    pairs |= {(INDEX[a], INDEX[b]) for a in "0123456789" for b in "0123456789"}
    pairs |= {(INDEX["x"], INDEX[b]) for b in "0123456789abcdef"} | {(INDEX["0"], INDEX["x"])}
    rows = [0] * 64
    for a, b in pairs:
        rows[a] |= 1 << b
    return rows


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 700
    rows = common(sys.stdin, wanted)
    for at in range(0, 64, 4):
        print("\t" + " ".join(f"0x{row:016x}," for row in rows[at:at + 4]))


if __name__ == "__main__":
    main()
