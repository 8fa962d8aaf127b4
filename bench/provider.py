"""`bench/run provider`: tokens a second of each way to get one, beside node oidc-provider; what
the store grows by; memory while a thousand people sign in. What is good once (codes, client
assertions, proofs) is prepared ahead, for both alike: bench/README."""
import asyncio
import base64
import contextlib
import html
import http.client
import json
import os
import pathlib
import re
import sqlite3
import statistics
import subprocess
import threading
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

ON_DISK = ("refresh", "code")  # what writes before it answers
KINDS = ("credentials", "refresh", "code", "assertion", "dpop")
GOALS = {**{f"provider_{kind}": (">=", 5) for kind in KINDS},
         "growth_access": ("<=", 0, "value")}
HERE = pathlib.Path(__file__).resolve().parent
FORM = "application/x-www-form-urlencoded"
APP_SECRET = "bench-secret-of-the-app"
CALLBACK = "http://127.0.0.1:4711/callback"
VERIFIER = "v" * 43
SCOPE, LASTING = "openid mail.read", "openid offline_access mail.read"
TYPE = urllib.parse.quote("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
CONNECTIONS, CHAINS = 64, 256
ROLES = ("supervisor", "warden", "signer", "ledger", "issuer", "hasher")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def basic(name, secret):
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


class Key:
    """An ES256 key and what it signs: client assertions and proofs."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        n = self.key.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(n.x.to_bytes(32, "big")),
                    "y": b64(n.y.to_bytes(32, "big"))}

    def jws(self, header, claims):
        text = ".".join(b64(json.dumps(part, separators=(",", ":")).encode())
                        for part in (header, claims))
        r, s = utils.decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


CLIENT_KEY = Key()
PROVERS = [Key() for _ in range(CONNECTIONS)]
JWKS = {"keys": [{**CLIENT_KEY.jwk, "kid": "k1", "alg": "ES256", "use": "sig"}]}


# --- the two sides -----------------------------------------------------------------

class Side:
    """Who is measured. codes(n, scope) are made by each in its own way."""

    def __init__(self, name, token, issuer, folder):
        self.name, self.token, self.issuer, self.folder = name, token, issuer, folder
        self.pids, self.refused, self.reason = [], 0, ""
        self.rates, self.cpu = ({kind: [] for kind in KINDS} for _ in range(2))

    def post(self, fields, secret=("bench-app", APP_SECRET), proof=None):
        fields = fields if isinstance(fields, str) else urllib.parse.urlencode(fields)
        where = urllib.parse.urlparse(self.token)
        c = http.client.HTTPConnection(where.netloc, timeout=30)
        head = {"Content-Type": FORM, **({"Authorization": basic(*secret)} if secret else {}),
                **({"DPoP": proof} if proof else {})}
        c.request("POST", where.path, fields, head)
        answer = c.getresponse()
        body = answer.read()
        c.close()
        if answer.status != 200:
            raise RuntimeError(f"{self.name} answers {answer.status}: {body[:300]}")
        return json.loads(body)

    def code_body(self, code):
        return urllib.parse.urlencode({
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER})

    def chains(self, n):
        """Fresh refresh tokens, by real exchanges of codes."""
        return [self.post(self.code_body(code))["refresh_token"]
                for code in self.codes(n, LASTING)]

    def prepare(self, kind, n):
        """Chains go on where the run before left them; all else is new."""
        path = self.folder / f"{self.name}-{kind}"
        if kind != "refresh" or not path.exists():
            path.write_text("".join(line + "\n" for line in self.lines(kind, n)),
                            encoding="utf-8")
        return path

    def lines(self, kind, n):
        now = int(time.time())
        if kind == "refresh":
            return self.chains(n)
        if kind == "code":
            return [self.code_body(code) for code in self.codes(n, SCOPE)]
        plain = "grant_type=client_credentials&scope=mail.read"
        if kind == "assertion":
            claims = {"iss": "bench-key", "sub": "bench-key", "aud": self.issuer,
                      "iat": now, "exp": now + 120}
            return [f"{plain}&client_assertion_type={TYPE}&client_assertion=" + CLIENT_KEY.jws(
                {"alg": "ES256", "kid": "k1"}, {**claims, "jti": b64(os.urandom(12))})
                for _ in range(n)]
        if kind == "dpop":
            return [plain + "\t" + key.jws(
                {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk},
                {"htm": "POST", "htu": self.token, "iat": now, "jti": b64(os.urandom(12))})
                for key in (PROVERS[i % len(PROVERS)] for i in range(n))]
        return [plain] * n

    def secret(self, kind):
        return {"assertion": None, "code": ("bench-app", APP_SECRET),
                "refresh": ("bench-app", APP_SECRET)}.get(kind, ("bench", "bench-secret"))

    def answer(self, kind):
        """One answer, to see what it gives."""
        line = self.lines(kind, 1)[0]
        if kind == "refresh":
            line = "grant_type=refresh_token&refresh_token=" + line
        body, _, proof = line.partition("\t")
        return self.post(body, self.secret(kind), proof)

    def run(self, kind, n, seconds):
        path = self.prepare(kind, n)
        secret = self.secret(kind)
        head = [f"Authorization: {basic(*secret)}"] if secret else []
        before = cpu_seconds(self.pids)
        seen = wrk(self.token, seconds, head, "refresh" if kind == "refresh" else "once", path,
                   path)
        seen["cpu_us"] = (cpu_seconds(self.pids) - before) / seen["good"] * 1e6
        return seen


def cpu_seconds(pids):
    """Of all their threads."""
    ticks = 0
    for pid in pids:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        ticks += sum(int(x) for x in stat.rpartition(")")[2].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def wrk(url, seconds, head, *args, check=True):
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", HERE / "provider.lua"]
    for field in head:
        argv += ["-H", field]
    out = subprocess.run([str(a) for a in (*argv, url, "--", *args)], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    seen = json.loads(next(x for x in out.splitlines() if x.startswith("JSON"))[5:])
    if check and seen["good"] < 2:
        raise RuntimeError(f"{url}: {seen}")
    seen["rate"] = (seen["good"] - 1) / seen["seconds"] if seen["good"] > 1 else 0
    return seen


def hidden(page, form=0):
    forms = re.findall(r"<form .*?</form>", page, re.S)
    return {name: html.unescape(value) for name, value in re.findall(
        r'<input type="hidden" name="([^"]*)" value="([^"]*)"', forms[form])}


class Ours(Side):
    """Codes come from the authorization endpoint, by a browser that is signed in and has
    consented: one request, one code."""

    def __init__(self, dev, path, program, folder):
        home = dev["realms"]["home"]
        super().__init__("chancery", home["token_endpoint"], home["issuer"], folder)
        self.where = urllib.parse.urlparse(home["authorization_endpoint"])
        self.dev, self.dir, self.program, self.jar = dev, path, program, {}
        self.pids = [p for role in ("issuer", "signer") for p in dev["pids"].get(role, [])]
        self.person = next(u for u in dev["users"] if u["username"] == "alice@home.test")
        (folder / "jwks").write_text(json.dumps(JWKS), encoding="utf-8")
        (folder / "secret").write_text(APP_SECRET, encoding="utf-8")
        (folder / "secret").chmod(0o600)
        self.add("bench-key", "--scope", "mail.read", "--auth", "private_key_jwt", "--jwks",
                 folder / "jwks")
        self.add("bench-app", "--scope", "openid", "--scope", "offline_access", "--scope",
                 "mail.read", "--redirect", CALLBACK, "--grant", "authorization_code", "--grant",
                 "refresh_token", "--secret-file", folder / "secret")
        for scope in (SCOPE, LASTING):
            self.consent(scope)

    def add(self, name, *more):
        subprocess.run([str(x) for x in (self.program, "client", "add", "--realm", "home", "--id",
                                         name, "--audience", "mail", *more, "-C", self.dir)],
                       check=True, stdout=subprocess.DEVNULL)

    def ask(self, c, query, fields=None):
        head = {"Cookie": "; ".join(f"{n}={v}" for n, v in self.jar.items())} if self.jar else {}
        target = f"{self.where.path}?{query}" if query else self.where.path
        if fields:
            c.request("POST", target, urllib.parse.urlencode(fields),
                      {**head, "Content-Type": FORM})
        else:
            c.request("GET", target, headers=head)
        answer = c.getresponse()
        page = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            self.jar[name] = value
        return answer, page

    def query(self, scope):
        challenge = hashes.Hash(hashes.SHA256())
        challenge.update(VERIFIER.encode())
        return urllib.parse.urlencode({
            "response_type": "code", "client_id": "bench-app", "redirect_uri": CALLBACK,
            "state": "s-1", "nonce": "n-1", "scope": scope, "code_challenge_method": "S256",
            "code_challenge": b64(challenge.finalize())})

    def consent(self, scope):
        c = http.client.HTTPConnection(self.where.netloc, timeout=30)
        answer, page = self.ask(c, self.query(scope))
        for _ in range(3):
            if answer.status == 303:
                c.close()
                return
            fields = hidden(page)
            if 'name="password"' in page:
                fields.update(username=self.person["username"], password=self.person["password"])
            else:
                fields["act"] = "allow"
            answer, page = self.ask(c, "", fields)
        raise RuntimeError(f"the sign-in ends in {answer.status}")

    def codes(self, n, scope):
        out, codes = self.folder / "codes", []
        url = f"http://{self.where.netloc}{self.where.path}?{self.query(scope)}"
        head = ["Cookie: " + "; ".join(f"{k}={v}" for k, v in self.jar.items())]
        if n <= CHAINS:
            c = http.client.HTTPConnection(self.where.netloc, timeout=30)
            found = [self.ask(c, self.query(scope))[0].headers["Location"] for _ in range(n)]
            c.close()
            return [urllib.parse.parse_qs(urllib.parse.urlparse(x).query)["code"][0]
                    for x in found]
        for _ in range(3):  # on a disk each waits for it: what was had by then must do
            wrk(url, 1, head, "codes", "-", out)
            codes += out.read_text(encoding="utf-8").split()
            if len(codes) >= n:
                break
        return codes[:n]


class Theirs(Side):
    """Its codes are made by its own models, without its authorization endpoint."""

    def __init__(self, process, port, folder):
        super().__init__("oidc-provider", f"http://127.0.0.1:{port}/token",
                         f"http://127.0.0.1:{port}", folder)
        self.process, self.pids = process, [process.pid]

    def codes(self, n, scope):
        self.process.stdin.write(f"{n} {scope}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:  # it prints notices as well
            if line.startswith("["):
                return json.loads(line)
        raise RuntimeError("oidc-provider has ended")


# --- the store ---------------------------------------------------------------------

class Growth:
    """Bytes of all files of the store, what its log holds included, which is folded in first."""

    def __init__(self, folder):
        self.folder, self.before, self.count = folder, 0, 0

    def bytes(self):
        for db in self.folder.rglob("*.db"):
            with contextlib.closing(sqlite3.connect(db, timeout=10)) as d:
                for _ in range(50):
                    if d.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                        break
                    time.sleep(0.05)
        return sum(f.stat().st_size for f in self.folder.rglob("*") if f.is_file())

    def begin(self):
        self.before, self.count = self.bytes(), 0

    def end(self, name, figure):
        grown = self.bytes() - self.before
        figure(name, grown / self.count * 1e6, "bytes",
               f"a million, from {grown:,} bytes by {self.count:,}")


# --- the rates ---------------------------------------------------------------------

def same_answers(ours, theirs, say):
    """A comparison of unlike things is none."""
    for kind in KINDS:
        a, b = (set(side.answer(kind)) for side in (ours, theirs))
        if a - {"scope"} != b - {"scope"}:
            say(f"{kind}: ours gives {sorted(a)}, oidc-provider {sorted(b)}")


def rounds(kind, sides, times, growth):
    """Both are warmed up, then A B A B. As many are prepared as the run before tells."""
    expected = {side: 8000 if side is sides[0] else 2500 for side in sides}
    if kind == "refresh":  # a grant itself is not what is counted
        expected = {side: CHAINS for side in sides}
        for side in sides:
            side.prepare(kind, CHAINS)
    growth.begin()
    for n in range(times + 1):
        for side in sides:
            seen = side.run(kind, expected[side], 1 if n == 0 else 2)
            expected[side] = min(60000 if kind == "credentials" else 30000,
                                 int(seen["rate"] * 2.4) + 2 * CONNECTIONS)
            growth.count += seen["good"] if side is sides[0] else 0
            if seen["refused"] + seen["errors"]:
                side.refused += seen["refused"] + seen["errors"]
                side.reason = f"{kind}: {seen['reason']}"
            if n > 0:
                side.rates[kind].append(seen["rate"])
                side.cpu[kind].append(seen["cpu_us"])


def tell_disk(disk, theirs, figure):
    for kind in ON_DISK:
        rate = statistics.median(disk.rates[kind])
        figure(f"provider_{kind}_disk", rate, "per s",
               "oidc-provider in memory" if theirs else "oidc-provider (left out)",
               rate / statistics.median(theirs.rates[kind]) if theirs else None)


def tell(ours, theirs, left_out, figure):
    for kind in KINDS:
        for name, unit, has in (("", "per s", "rates"), ("_cpu", "µs", "cpu")):
            mine = statistics.median(getattr(ours, has)[kind])
            if theirs:
                other = statistics.median(getattr(theirs, has)[kind])
                figure(f"provider_{kind}{name}", mine, unit,
                       f"oidc-provider in memory, {other:,.0f}", mine / other)
            else:
                figure(f"provider_{kind}{name}", mine, unit,
                       f"oidc-provider (left out: {left_out})")
    figure("provider_refused", ours.refused, "answers", "of ours that were not 200")


def more(side, kind, growth, least):
    """On until there are enough to say what the store grows by."""
    until = time.monotonic() + 20
    while growth.count < least and time.monotonic() < until:
        growth.count += side.run(kind, 60000, 2)["good"]


def all_rates(ours, theirs, quick, figure, say):
    sides = [ours, theirs] if theirs else [ours]
    if theirs:
        same_answers(ours, theirs, say)
    growth = Growth(ours.dir / "store")
    for kind in KINDS:
        rounds(kind, sides, 1 if quick else 2, growth)
        if kind == "credentials":
            more(ours, kind, growth, 5000 if quick else 50000)
            growth.end("growth_access", figure)
        elif kind == "refresh":
            growth.end("growth_refresh", figure)


# --- a thousand sign-ins -----------------------------------------------------------

class Peak(threading.Thread):
    """The most proportional memory that all roles had together."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.pids = [p for role in ROLES for p in pids.get(role, [])]
        self.most, self.before, self.over = 0, self.now(), threading.Event()

    def now(self):
        total = 0
        for pid in self.pids:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1))
        return total / 1024

    def run(self):
        while not self.over.is_set():
            self.most = max(self.most, self.now())
            self.over.wait(0.02)


async def one_sign_in(where, request, go, counts):
    try:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        await go.wait()
        writer.write(request)
        line = await asyncio.wait_for(reader.readline(), 60)
        status = line.split()[1].decode() if line else "closed"
        writer.close()
    except (OSError, asyncio.TimeoutError) as e:
        status = type(e).__name__
    counts[status] = counts.get(status, 0) + 1


def sign_in_requests(ours, n):
    """Each a browser of its own, which has been shown the page."""
    c, requests = http.client.HTTPConnection(ours.where.netloc, timeout=30), []
    for _ in range(n):
        ours.jar = {}
        _, page = ours.ask(c, ours.query(SCOPE))
        body = urllib.parse.urlencode({**hidden(page), "username": ours.person["username"],
                                       "password": ours.person["password"]})
        cookie = "; ".join(f"{k}={v}" for k, v in ours.jar.items())
        requests.append((f"POST {ours.where.path} HTTP/1.1\r\nHost: {ours.where.netloc}\r\n"
                         f"Cookie: {cookie}\r\nContent-Type: {FORM}\r\nConnection: close\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
    c.close()
    return requests


async def at_once(where, requests):
    counts, go = {}, asyncio.Event()
    tasks = [asyncio.create_task(one_sign_in(where, r, go, counts)) for r in requests]
    await asyncio.sleep(0.5)  # all are connected
    go.set()
    await asyncio.gather(*tasks)
    return counts


def sign_ins(ours, quick, figure, say):
    n = 100 if quick else 1000
    requests = sign_in_requests(ours, n)
    if os.geteuid() != 0:
        say("signin_peak is left out: only root may read the memory of these processes")
        peak = None
    else:
        peak = Peak(ours.dev["pids"])
        peak.start()
    begun = time.monotonic()
    counts = asyncio.run(at_once(ours.where, requests))
    took = time.monotonic() - begun
    if peak:
        peak.over.set()
        peak.join()
        figure("signin_peak", peak.most, "MiB", f"PSS of all roles; {peak.before:.1f} before")
    served = counts.pop("200", 0) + counts.pop("303", 0)
    told = counts.pop("503", 0) + counts.pop("429", 0)
    figure("signin_served", served, "sign-ins", f"of {n} at once, in {took:.1f} s")
    figure("signin_told", told, "sign-ins", "told to come again in a second")
    figure("signin_other", sum(counts.values()), "sign-ins",
           "neither" + (f": {counts}" if counts else ""))


# --- all ---------------------------------------------------------------------------

@contextlib.contextmanager
def peer(node, port, why_not, folder):
    """node: (program, where its modules are). (side, None) or (None, why not)."""
    if why_not:
        yield None, why_not
        return
    (folder / "peer-jwks").write_text(json.dumps(JWKS), encoding="utf-8")
    process = subprocess.Popen(
        ["node", HERE / "peers/oidc-provider.mjs", str(port), str(folder / "peer-jwks")], cwd=node,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "NODE_ENV": "production"})
    try:
        works = any(line.startswith("ready") for line in process.stdout)
        yield (Theirs(process, port, folder), None) if works else (None, "it does not run here")
    finally:
        process.terminate()
        process.wait()


def disk_sync_ms(folder):
    took = []
    with open(folder / "sync", "wb", buffering=0) as f:
        for _ in range(50):
            f.write(b"x" * 8192)
            begun = time.monotonic()
            os.fdatasync(f.fileno())
            took.append((time.monotonic() - begun) * 1e3)
    return statistics.median(took)


def on_disk(disk, theirs, figure, say):
    """Ours alone, where each answer waits for the disk; the peer's rate is that of before."""
    for kind in ON_DISK:
        rounds(kind, [disk], 1, Growth(disk.dir / "store"))
    tell_disk(disk, theirs, figure)
    say(f"one fdatasync of 8 KiB there takes {disk_sync_ms(disk.folder):.2f} ms")
    tell_refusals([disk], say)


def tell_refusals(sides, say):
    for side in sides:
        if side.refused:
            say(f"{side.name}: {side.refused} refused; the last: {side.reason}")


def in_memory(ours, theirs, left_out, quick, figure, say):
    if left_out:
        say(f"oidc-provider is left out: {left_out}")
    all_rates(ours, theirs, quick, figure, say)
    tell(ours, theirs, left_out, figure)
    tell_refusals(filter(None, (ours, theirs)), say)
    sign_ins(ours, quick, figure, say)
    say(f"load of the machine {os.getloadavg()[0]:.1f}")
