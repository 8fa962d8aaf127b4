"""`bench/run verify`: tokens verified in a CPU second, ours and everybody else's, in turns.

Each verifier is a program that answers questions on its standard input (peers/rate.h): it
gets the same keys and tokens, and all take one turn a round, `openssl speed` included; a
figure is the median of the rounds. A peer that cannot run here is left out by name.
"""
import contextlib
import json
import shutil
import statistics
import subprocess

import verify_tokens

ALGS = {"ES256": "ecdsap256", "EdDSA": "ed25519", "RS256": "rsa2048"}
GOALS = {
    "verify_es256": (">=", 2), "verify_eddsa": (">=", 1.8), "verify_rs256": (">=", 0.95),
    "verify_beyond": ("<=", 1, "value"), "verify_mallocs": ("<=", 0, "value"),
    "verify_cached": (">=", 2e6, "value"), "verify_threads": (">=", 1.9),
    "verify_junk": ("<=", 0.1, "value"), "verify_junk_8k": ("<=", 0.1, "value"),
    "verify_issuer": ("<=", 1, "value"),
    "verify_kid": ("<=", 1, "value"),
}
C_PEERS = {"libjwt": "libjwt", "cjose": "cjose jansson", "rhonabwy": "librhonabwy"}
NODE_PEERS = {"jose": "jose", "fast-jwt": "fast-jwt", "fast-jwt-cached": "fast-jwt"}
NODE_PACKAGES = ("jose@6", "fast-jwt@6")


def output(*argv):
    return subprocess.run([str(a) for a in argv], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


class Verifier:
    """A program that measures; why_not says that there is none."""

    def __init__(self, name, argv=None, why_not=None, cwd=None):
        self.name, self.why_not, self.seen = name, why_not, {}
        self.process = None if why_not else subprocess.Popen(
            argv, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, alg, what, ms):
        if self.why_not:
            return
        self.process.stdin.write(f"{alg} {what} {ms}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"left_out": "it ended"}
        self.seen.setdefault((alg, what), []).append(answer)

    def rate(self, alg, what="verify"):
        """(median rate, None) or (None, why not)."""
        answers = self.seen.get((alg, what), [{"left_out": self.why_not}])
        if "left_out" in answers[-1]:
            return None, answers[-1]["left_out"]
        return statistics.median(a["per_s"] for a in answers), None

    def mallocs(self, alg, what="verify"):
        return self.seen[(alg, what)][-1].get("mallocs")

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(20)


class OpensslSpeed:
    """The primitive alone, by the program that everybody compares with."""

    def __init__(self):
        self.seen = {}

    def ask(self, alg):
        out = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", ALGS[alg]],
                             check=True, capture_output=True, text=True).stdout
        row = next(x for x in out.splitlines() if x.startswith("+F"))
        self.seen.setdefault(alg, []).append(float(row.rsplit(":", 1)[1]))

    def rate(self, alg):
        return statistics.median(self.seen[alg])


def compile_peer(root, build, name):
    """A Verifier's (argv, why not)."""
    packages = C_PEERS[name].split()
    if subprocess.run(["pkg-config", "--exists", *packages], check=False).returncode:
        return None, f"{' '.join(packages)} is not installed"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], check=True,
                           capture_output=True, text=True).stdout.split()
    program = build / f"peer-{name}"
    here = root / "bench/peers"
    done = subprocess.run(["gcc", "-O2", "-o", program, here / f"{name}.c", here / "rate.c",
                           f"-I{here}", *flags], check=False, capture_output=True, text=True)
    return (program, None) if done.returncode == 0 else (None, "it does not compile here")


def install_node_peers(build):
    """(folder, None) or (None, why not)."""
    folder = build / "node-verifiers"
    if not shutil.which("node") or not shutil.which("npm"):
        return None, "node or npm is not here"
    if not all((folder / "node_modules" / n).exists() for n in set(NODE_PEERS.values())):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error",
                            *NODE_PACKAGES], cwd=folder, check=False, capture_output=True,
                           timeout=300)
    there = all((folder / "node_modules" / n).exists() for n in set(NODE_PEERS.values()))
    return (folder, None) if there else (None, "npm could not install it")


def open_peers(root, build, tokens):
    for name in C_PEERS:
        program, why_not = compile_peer(root, build, name)
        yield Verifier(name, [program, tokens], why_not)
    folder, why_not = install_node_peers(build)
    for name in NODE_PEERS:
        yield Verifier(name, ["node", root / "bench/peers/jwt.mjs", name, tokens], why_not, folder)


def rounds(ours, peers, speed, count, ms):
    for _ in range(count):
        for alg in ALGS:
            ours.ask(alg, "verify", ms)
            speed.ask(alg)
            ours.ask(alg, "cold", ms)
            ours.ask(alg, "cached", ms)
            ours.ask(alg, "junk", ms)
            for peer in peers:
                peer.ask(alg, "verify", ms)
        for peer in peers:
            peer.ask("ES256", "parse", ms)


def tell_ours(figure, ours, speed):
    for alg, primitive in ALGS.items():
        against = f"openssl speed {primitive}, {speed.rate(alg):,.0f}/s"
        for what, name in (("verify", f"verify_{alg.lower()}"),
                           ("cold", f"verify_{alg.lower()}_cold")):
            rate = ours.rate(alg, what)[0]
            figure(name, rate, "per s", against, rate / speed.rate(alg))
        figure(f"verify_{alg.lower()}_mallocs", ours.mallocs(alg), "a token",
               "libcrypto's own included")
    figure("verify_junk", 1e6 / ours.rate("ES256", "junk")[0], "µs",
           "to refuse as many letters as a token has")
    rate = ours.rate("ES256", "cached")[0]
    figure("verify_cached", rate, "per s", "ours uncached", rate / ours.rate("ES256")[0])


def tell_threads(figure, build, tokens, quick):
    """Two threads beside one, and beside two processes, in turns."""
    runs = json.loads(output(build / "bench/verify_threads", tokens, *(
        (100, 1) if quick else (500, 9))))
    one, cpu_one = (statistics.median(run[0][by] for run in runs) for by in (0, 1))
    for name, place, by, unit, against in (
            ("verify_threads", 1, 0, "per s", f"one thread, {one:,.0f}/s"),
            ("verify_threads_apart", 2, 0, "per s", f"two processes beside one, {one:,.0f}/s"),
            ("verify_threads_cpu", 1, 1, "per cpu s", f"one thread, {cpu_one:,.0f}")):
        figure(name, statistics.median(run[place][by] for run in runs), unit, against,
               statistics.median(run[place][by] / run[0][by] for run in runs))


PARSED = {"accepted": ("verify_beyond", "beyond the signature and its hash, the fullest policy"),
          "junk_8k": ("verify_junk_8k", "to refuse 8 KiB of junk by its shape"),
          "wrong_issuer": ("verify_issuer", "to refuse another issuer"),
          "unknown_kid": ("verify_kid", "to refuse an unknown kid")}


def tell_parse(figure, build, quick):
    for line in output(build / "bench/verify_parse", 50 if quick else 1000).splitlines():
        name, ns, *_, mallocs, _ = line.split()
        if name in PARSED:
            figure(PARSED[name][0], float(ns) / 1e3, "µs", PARSED[name][1])
        if name == "accepted":
            figure("verify_mallocs", int(mallocs), "a token", "ours, beyond the signature")


def tell_peers(figure, say, ours, peers):
    for peer in peers:
        for alg in ALGS:
            rate, why_not = peer.rate(alg)
            if rate is None:
                say(f"{peer.name} {alg} is left out: {why_not}")
                continue
            cached = peer.name.endswith("-cached")
            mine = ours.rate(alg, "cached" if cached else "verify")[0]
            figure(f"{peer.name}_{alg.lower()}", rate, "per s",
                   "ours is so many times as fast", mine / rate)
        rate, _ = peer.rate("ES256", "parse")
        if rate:
            figure(f"{peer.name}_beyond", 1e6 / rate, "µs", "without the signature, "
                   f"{peer.mallocs('ES256', 'parse')} mallocs")


def bench(root, build, tokens, quick, figure, say):
    """Measures and reports; tokens is an empty folder for keys and tokens."""
    sizes = verify_tokens.write(tokens)
    say(f"tokens of {sizes['ES256']} bytes (ES256, EdDSA) and {sizes['RS256']} (RS256), 12 claims")
    ours = Verifier("chancery", [build / "bench/verify_rate", tokens])
    peers, speed = list(open_peers(root, build, tokens)), OpensslSpeed()
    try:
        rounds(ours, peers, speed, 1 if quick else 5, 60 if quick else 400)
    finally:
        for verifier in [ours, *peers]:
            verifier.close()
    tell_ours(figure, ours, speed)
    tell_threads(figure, build, tokens, quick)
    tell_parse(figure, build, quick)
    tell_peers(figure, say, ours, peers)
