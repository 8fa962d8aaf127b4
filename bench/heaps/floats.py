"""A heap without a key: MB of objects and floats, or with `sparse` a page in sixteen of so
much. Then a line "ready", and for each uid on stdin a copy of this process that crashes as it:
a line of its pid, and when that began and when the kernel had let go of it."""
import array
import ctypes
import mmap
import os
import random
import sys
import time


def resident_mb():
    with open("/proc/self/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * 4096 >> 20


def dense(mb):
    draw = random.Random(7)
    kept = []
    while resident_mb() < mb:
        for i in range(len(kept), len(kept) + 2000):
            kept.append({"id": i, "name": f"customer {i}", "score": draw.random(),
                         "place": {"lat": draw.random() * 90, "lon": draw.random() * 180},
                         "words": f"order {i} of {i % 97} things, delivered on day {i % 365}",
                         "row": array.array("d", [draw.random() for _ in range(8)])})
    return kept


def sparse(mb):
    room = mmap.mmap(-1, mb << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for at in range(0, mb << 20, 65536):
        text = f"row {at}: of a table whose pages are mostly empty; ".encode()
        room[at:at + 4000] = (text * 100)[:4000]
    return room


def crash(uid):
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.setresuid(uid, uid, uid)
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: a change of uid ends it
        os.abort()
    os.waitpid(pid, 0)
    print(pid, began, time.monotonic(), flush=True)


heap = (sparse if sys.argv[2:] == ["sparse"] else dense)(int(sys.argv[1]))
print("ready", flush=True)
for line in sys.stdin:
    crash(int(line))
