"""`bench/run coredump`: how fast secrets are looked for and taken out of cores of heaps without
a key, made for it by gcore, what is changed there without need, and how long a crash of 2 GB
takes through the installed handler; beside peers and zstd -1 on the same cores. Rates are GB/s
of CPU time and of data: what is in pages that are not all zero.

BENCH_HEAP_MB (400), BENCH_CRASH_MB (2048): sizes; cores lie in TMPDIR, those of crashes in /dev/shm."""
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
HEAPS = ("python", "node", "sparse")
LEVELS = ("triage", "strict", "full")
GOALS = {
    **{f"hunt_{heap}_two": (">=", 1.5, "value") for heap in HEAPS},
    **{f"hunt_{heap}_all": (">=", 0.9, "value") for heap in HEAPS},
    **{f"redact_{heap}_strict": (">=", 0.5, "value") for heap in HEAPS},
    **{f"changed_{heap}_full": ("<=", 0.01, "value") for heap in HEAPS},
    "changed_python_strict": ("<=", 25, "value"), "changed_node_strict": ("<=", 5, "value"),
    **{f"redact_peak_{level}": ("<=", 1) for level in LEVELS},
    **{f"crash_{level}": ("<=", 1.3) for level in LEVELS},
    **{f"crash_peak_{level}": ("<=", 1) for level in LEVELS},
}
CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
LOCK = "/run/lock/chancery-core-pattern.lock"
PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern")
LIMIT = pathlib.Path("/proc/sys/kernel/core_pipe_limit")
UIDS = {61241: "triage", 61242: "strict", 61243: "full"}
COUNTED = 61244
RULES = r"""
rule pem { strings: $a = /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----/ condition: $a }
rule jwt { strings: $a = /eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/
           condition: $a }
rule jwk { strings: $a = /"d"\s{0,4}:\s{0,4}"[A-Za-z0-9_-]{40,}"/ condition: $a }
rule rsa { strings: $a = { 30 82 ?? ?? 02 01 00 02 82 } condition: $a }
rule ec { strings: $a = { 30 77 02 01 01 04 20 } condition: $a }
rule pkcs8 { strings: $a = { 30 ?? 02 01 00 30 } $b = { 06 08 2a 86 48 ce 3d 03 01 07 }
             condition: $a and $b }
"""
PATTERNS = (r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----|"
            r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")


def resident(pid):
    """(most MiB that it had resident, how much of it is its own), or None when it is gone."""
    found = {}
    with contextlib.suppress(OSError, ValueError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(("VmHWM:", "RssAnon:")):
                found[line.split(":")[0]] = int(line.split()[1]) / 1024
    return (found["VmHWM"], found["RssAnon"]) if len(found) == 2 else None


class Watch(threading.Thread):
    """CPU seconds and peak memory of processes that run one program, while they live."""

    def __init__(self, *programs):
        super().__init__(daemon=True)
        self.programs = {str(p): pathlib.Path(p).name for p in programs}
        self.known, self.cpu, self.peak, self.own = {}, {}, {}, {}
        # to look at all processes of a machine again and again takes a core from what is measured
        self.before = set(os.listdir("/proc"))
        self.over = threading.Event()

    def look(self):
        for pid in filter(str.isdigit, set(os.listdir("/proc")) - self.before):
            if pid not in self.known:
                with contextlib.suppress(OSError):
                    name = self.programs.get(os.readlink(f"/proc/{pid}/exe"))
                    if name:
                        self.known[pid] = name
        for pid, name in self.known.items():
            with contextlib.suppress(OSError, ValueError, IndexError):
                ns = sum(int((task / "schedstat").read_text().split()[0])
                         for task in pathlib.Path(f"/proc/{pid}/task").iterdir())
                self.cpu[pid] = max(ns / 1e9, self.cpu.get(pid, 0))
            memory = resident(pid)
            if memory:
                self.peak[name] = max(memory[0], self.peak.get(name, 0))
                self.own[name] = max(memory[1], self.own.get(name, 0))

    def run(self):
        while not self.over.wait(0.01):
            self.look()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def seconds(self, name):
        return sum(s for pid, s in self.cpu.items() if self.known[pid] == name)


def timed(argv, out=subprocess.DEVNULL):
    """(CPU seconds, wall seconds, exit status)."""
    began = time.monotonic()
    process = subprocess.Popen([str(a) for a in argv], stdout=out, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, time.monotonic() - began, process.returncode


@contextlib.contextmanager
def heap(name, mb):
    argv = {"python": ["/usr/bin/python3", HERE / "heaps/floats.py", mb],
            "sparse": ["/usr/bin/python3", HERE / "heaps/floats.py", mb, "sparse"],
            "node": ["node", "--max-old-space-size=8192", HERE / "heaps/objects.js", mb]}[name]
    # an environment is masked whole, and is no change without need; certificates, as servers and
    # clients of TLS have them, are public keys that finders then try to find the other half of
    env = {"PATH": os.defpath}
    if CERTIFICATES.exists():
        env["NODE_EXTRA_CA_CERTS"] = str(CERTIFICATES)
    process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE, env=env,
                               stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"bench: the heap of {name} could not be made")
        yield process
    finally:
        process.kill()
        process.wait()


def core_of(process, folder):
    done = subprocess.run(["gcore", "-o", folder / "core", str(process.pid)], capture_output=True,
                          text=True, check=False)
    path = folder / f"core.{process.pid}"
    if not path.exists():
        raise SystemExit(f"bench: gcore made no core: {done.stderr[-300:]}")
    # gcore writes zeros where the kernel leaves holes
    subprocess.run(["fallocate", "--dig-holes", path], check=False, capture_output=True)
    return path


def json_of(*argv):
    return json.loads(subprocess.run([str(a) for a in argv], check=True, text=True,
                                     stdout=subprocess.PIPE).stdout)


def peers(core, folder):
    """{name: argv}; each reads the core alone, by one thread."""
    (folder / "rules").write_text(RULES, encoding="utf-8")
    return {"yara": ["yara", "-p", 1, folder / "rules", core], "rsakeyfind": ["rsakeyfind", core],
            "ripgrep": ["rg", "-a", "-c", "-j", 1, "-e", PATTERNS, core],
            "zstd": ["zstd", "-1", "-q", "-c", "--single-thread", core]}


def bench_peers(name, core, folder, seen, quick):
    """seen: what hunt_core said of this core."""
    ours = seen["data"] / seen["all"]["cpu_s"]
    for peer, argv in peers(core, folder).items():
        if not shutil.which(argv[0]):
            yield "say", f"{argv[0]} is left out: it is not installed"
            continue
        runs = sorted(timed(argv)[:3:2] for _ in range(1 if quick else 3))
        cpu, status = runs[len(runs) // 2]
        if status not in (0, 1):
            yield "say", f"{argv[0]} is left out: exit status {status}"
            continue
        yield (f"{peer}_{name}", seen["data"] / cpu / 1e9, "GB/s",
               "so many times as fast are all finders", ours / (seen["data"] / cpu))


def bench_levels(release, name, core, folder, data):
    for level in LEVELS:
        out = folder / "out"
        redactor = release / "libexec/chancery/redactor"
        with Watch(redactor) as watch:
            cpu, wall, status = timed([release / "chancery", "coredump", "redact", "--force",
                                       "--level", level, core, out])
        if status not in (0, 1):
            raise SystemExit(f"bench: redact --level {level} of {name}: exit status {status}")
        used = watch.seconds("redactor") or cpu  # over before it was looked at
        yield (f"redact_{name}_{level}", data / used / 1e9, "GB/s",
               f"{used:.2f} s of CPU; with writing {cpu:.2f} s, {wall:.2f} s by the clock")
        if "redactor" in watch.peak:
            yield "peak", level, watch.peak["redactor"], watch.own["redactor"]
        if level != "triage":
            seen = json_of(release / "bench/hunt_core", "--changes", core, out)
            yield (f"changed_{name}_{level}", 100 * seen["changed"] / seen["data"], "%",
                   f"{seen['changed']:,} bytes of {seen['data']:,}")
        out.unlink()


def bench_heap(release, name, quick, figure, say):
    """Most memory of the redactor by level."""
    peak = {}
    mb = int(os.environ.get("BENCH_HEAP_MB", 48 if quick else 400))
    with room() as folder:
        with heap(name, mb) as process:
            core = core_of(process, folder)
        seen = json_of(release / "bench/hunt_core", core, 1 if quick else 3)
        data = seen["data"]
        say(f"{name}: {seen['size'] / 1e6:,.0f} MB, {data / 1e6:,.0f} MB of it data; load "
            f"{os.getloadavg()[0]:.1f}; GB/s of " +
            ", ".join(f"{key} {data / row['cpu_s'] / 1e9:.2f} ({row['values']} values)"
                      for key, row in seen.items() if isinstance(row, dict) and "cpu_s" in row))
        for key, row in (("two", "+bignum"), ("all", "all")):
            figure(f"hunt_{name}_{key}", data / seen[row]["cpu_s"] / 1e9, "GB/s",
                   f"{seen[row]['values']} values found")
        figure(f"hunt_{name}_clock", data / seen["two_threads"]["wall_s"] / 1e9, "GB/s",
               "all finders by two threads, by the clock; one thread",
               seen["all"]["cpu_s"] / seen["two_threads"]["wall_s"])
        for row in bench_levels(release, name, core, folder, data):
            if row[0] == "peak":
                peak[row[1]] = max(peak.get(row[1], (0, 0)), row[2:])
            else:
                figure(*row)
        for row in bench_peers(name, core, folder, seen, quick):
            (say if row[0] == "say" else figure)(*(row[1:] if row[0] == "say" else row))
    return peak


@contextlib.contextmanager
def room(where=None):
    path = pathlib.Path(tempfile.mkdtemp(prefix="chd.", dir=where))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def whole_machine(seconds=120):
    """core_pattern, which belongs to the whole machine, or None: others have it."""
    before = PATTERN.read_text(), LIMIT.read_text()
    with open(LOCK, "w", encoding="ascii") as lock:
        end = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    yield None
                    return
                time.sleep(0.1)
        before = PATTERN.read_text(), LIMIT.read_text()
        try:
            yield before
        finally:
            for path, text in zip((PATTERN, LIMIT), before):
                if path.read_text() != text:
                    path.write_text(text)


def crash(process, uid):
    """(pid, when it began, when the process was gone)."""
    process.stdin.write(f"{uid}\n")
    process.stdin.flush()
    pid, began, gone = process.stdout.readline().split()
    return int(pid), float(began), float(gone)


def stream(release, process, folder):
    """What the kernel's stream has to give: a crash into a handler that only counts."""
    counter, said = folder / "count", folder / "counted"
    counter.unlink(missing_ok=True)
    shutil.copy(release / "bench/hunt_core", counter)
    PATTERN.write_text(f"|{counter} --count {said}")
    LIMIT.write_text("4")
    crash(process, COUNTED)
    for _ in range(200):
        if said.exists() and said.stat().st_size:
            break
        time.sleep(0.01)
    return json.loads(said.read_text(encoding="ascii"))


class Handler:
    """Installed in a folder; each uid of UIDS has a level of its own, all others what they had before."""

    def __init__(self, release, folder):
        self.chancery, self.state = release / "chancery", folder / "s"
        self.store = self.state / "dumps"
        keys, policy = folder / "k", folder / "policy"
        keys.mkdir()
        self.run("keygen", "--public", keys / "pub", "--private", folder / "private")
        rules = "".join(f"  - uid: {uid}\n    level: {level}\n" for uid, level in UIDS.items())
        policy.write_text(f"level: former\nrules:\n{rules}limits:\n  crashes: 100\n  free_mb: 0\n",
                          encoding="ascii")
        self.run("install", "--seal-to", keys / "pub", "-c", policy, "--state", self.state,
                 "--no-systemd")

    def run(self, *argv):
        done = subprocess.run([str(a) for a in (self.chancery, "coredump", *argv)],
                              capture_output=True, text=True, timeout=180, check=False)
        if done.returncode:
            raise SystemExit(f"bench: coredump {argv[0]}: {done.stdout}{done.stderr}")

    def sidecar(self, pid, seconds=300):
        """What was stored of pid, and when."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for path in self.store.glob("*.json"):
                with contextlib.suppress(OSError, ValueError):
                    said = json.loads(path.read_text(encoding="utf-8"))
                    if said["pid"] == pid:
                        return said, time.monotonic()
            time.sleep(0.01)
        raise SystemExit("bench: a crash was not stored in five minutes")

    def end(self):
        self.run("uninstall", "--state", self.state, "--no-systemd")


def crash_at(release, handler, process, uid):
    """(seconds until stored, until gone, the watch)."""
    libexec = release / "libexec/chancery"
    with Watch(libexec / "redactor", libexec / "packer") as watch:
        pid, began, gone = crash(process, uid)
        said, stored = handler.sidecar(pid)
    if not said.get("dump") or said["level"] != UIDS[uid]:
        raise SystemExit(f"bench: a crash was not kept at {UIDS[uid]}: {said}")
    return stored - began, gone - began, watch


def zstd_alone(core, folder):
    with open(folder / "packed", "wb") as out:
        return timed(["zstd", "-1", "-q", "-c", "--single-thread", core], out)


def tell_crashes(seen, alone, figure, say):
    wall = sorted(w for _, w, _ in alone)[len(alone) // 2]
    cpu = sorted(c for c, _, _ in alone)[len(alone) // 2]
    figure("crash_zstd", wall, "s", f"zstd -1 alone on the same core; {cpu:.2f} s of CPU")
    for level, runs in seen.items():
        stored, gone, watch = sorted(runs, key=lambda run: run[0])[len(runs) // 2]
        used = [watch.seconds(name) for name in ("redactor", "packer")]
        figure(f"crash_{level}", stored, "s", "zstd -1 alone", stored / wall)
        figure(f"crash_gone_{level}", gone, "s", "until the process was let go")
        figure(f"crash_cpu_{level}", sum(used), "s", f"zstd's; redactor {used[0]:.2f} s, packer "
               f"{used[1]:.2f} s", sum(used) / cpu)
        if "redactor" in watch.peak:  # else it was over before it was looked at
            figure(f"crash_peak_{level}", watch.peak["redactor"], "MiB",
                   f"32 MiB; {watch.own['redactor']:.1f} its own", watch.peak["redactor"] / 32)
    say(f"load {os.getloadavg()[0]:.1f}")


def bench_crashes(release, quick, figure, say):
    if os.geteuid() != 0:
        say("crashes are left out: only root may set core_pattern")
        return
    mb = int(os.environ.get("BENCH_CRASH_MB", 128 if quick else 2048))
    with room("/dev/shm") as folder, heap("python", mb) as process:
        core, seen, alone = core_of(process, folder), {level: [] for level in UIDS.values()}, []
        with whole_machine() as have:
            if not have:
                say("crashes are left out: another has core_pattern")
                return
            counted = stream(release, process, folder)
            handler = Handler(release, folder)
            try:
                for _ in range(1 if quick else 3):
                    alone.append(zstd_alone(core, folder))
                    for uid, level in UIDS.items():
                        seen[level].append(crash_at(release, handler, process, uid))
                        for dump in handler.store.glob("*.dump"):
                            dump.unlink()
            finally:
                handler.end()
        figure("crash_stream", counted["data"] / counted["wall_s"] / 1e9, "GB/s",
               f"the kernel's stream of {counted['size'] / 1e9:.2f} GB, by the clock")
        tell_crashes(seen, alone, figure, say)


def bench(release, quick, figure, say):
    peak = {}
    for name in HEAPS:
        if name == "node" and not shutil.which("node"):
            say("the heap of node is left out: it is not installed")
            continue
        for level, seen in bench_heap(release, name, quick, figure, say).items():
            peak[level] = max(peak.get(level, (0, 0)), seen)
    for level, (most, own) in peak.items():
        figure(f"redact_peak_{level}", most, "MiB", f"32 MiB; {own:.1f} its own", most / 32)
    bench_crashes(release, quick, figure, say)
