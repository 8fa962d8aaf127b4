"""`bench/run ledger`: what the log costs. Durable entries a second of a ledger behind its walls,
beside as many bytes by plain pwrite and fdatasync on the same disk in the same run, and in memory,
where the disk is not what is measured; a log of ten million entries: its bytes, how long a ledger
takes to start on it, and its memory then."""
import json
import os
import subprocess

PROGRAMS = ("ledger_rate", "live_rate")
GOALS = {"ledger_256_memory": (">=", 400000, "value"), "ledger_256": (">=", 0.7),
         "ledger_start_clean": ("<=", 1000, "value"), "ledger_pss": ("<=", 1.5, "value"),
         "live_lookup": ("<=", 0.2, "value")}
MILLION = 1_000_000


def rows(release, folder, *args):
    out = subprocess.run([release / "bench/ledger_rate", release / "libexec/chancery/ledger",
                          folder, *args], check=True, text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL).stdout
    return [json.loads(line) for line in out.splitlines()]


def rates(release, folder, quick, where, figure):
    for row in rows(release, folder, "30" if quick else "300"):
        name = f"ledger_{row['batch']}{where}"
        figure(name, row["rate"], "entries/s", "the same bytes written and synced",
               row["rate"] / row["plain"])
        figure(f"{name}_cpu", row["append_us"], "µs", "of the thread that appends, an entry")
        figure(f"{name}_tiles", row["tiles_us"], "µs", "of the thread that makes tiles, an entry")


def large(release, folder, quick, figure):
    row = rows(release, folder, "fill", str(MILLION // 10 if quick else 10 * MILLION))[0]
    millions = row["entries"] / MILLION
    figure("ledger_start_clean", row["start_ms"], "ms", f"after a stop, {millions:g} M entries")
    figure("ledger_start_killed", row["start_killed_ms"], "ms", "after kill -9")
    if os.geteuid() == 0:
        figure("ledger_pss", row["pss_kib"] / 1024, "MiB", "idle, on that log")
    for part in ("tiles", "journal", "index"):
        figure(f"ledger_bytes_{part}", row[part] / millions / MILLION, "MB", "a million tokens")


def live(release, quick, figure):
    """A gate's live set, by the CPU's time: at the size that the goal is for, and a larger one."""
    for name, tokens in (("live_lookup", MILLION), ("live_lookup_large", 10 * MILLION)):
        tokens = tokens // 10 if quick else tokens
        out = subprocess.run([release / "bench/live_rate", str(tokens), "100" if quick else "1000"],
                             check=True, text=True, stdout=subprocess.PIPE).stdout
        row = dict(line.split() for line in out.splitlines())
        against = f"{tokens / MILLION:g} M live tokens, half of the look-ups in vain"
        figure(name, float(row["ns_per_lookup"]) / 1000, "µs", against)
        figure(f"{name}_rate", float(row["lookups_per_s"]), "a second", against)
        figure(f"{name}_bytes", float(row["bytes_per_token"]), "bytes", "a live token")


def bench(release, folder, quick, figure):
    rates(release, folder, quick, "", figure)
    if os.access("/dev/shm", os.W_OK):
        rates(release, "/dev/shm", quick, "_memory", figure)
    large(release, folder, quick, figure)
    live(release, quick, figure)
