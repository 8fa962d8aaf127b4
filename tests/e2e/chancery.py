"""What end-to-end tests share: an authority to talk to, tokens signed outside of it,
a gate alone, and mail read with a token."""
import base64
import contextlib
import json
import os
import pathlib
import random
import select
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("CHANCERY", str(ROOT / "build" / "chancery"))
# the build folder it is of, not always its own: tests/variants/sanitized
BUILD = next((p for p in pathlib.Path(PROGRAM).resolve().parents if (p / "build.ninja").exists()),
             pathlib.Path(PROGRAM).resolve().parent)
SANITIZED = (pathlib.Path(PROGRAM).parent / "reports_folder").exists()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token):
    """What a token says, unverified."""
    text = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def free_port(n=1):
    """The first of n free ports in a row, below those that the kernel gives to clients:
    between this and its use, nobody's connection may take it."""
    for first in random.sample(range(10000, 30000, n), 200):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + n):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError("no free port")


# Limits are written for a machine that has nothing else to do, and tell only how late a
# failure is noticed.
PATIENCE = 6


def children_of(pid):
    """The processes of this process; none when it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def name_of(pid):
    """What the kernel calls a process; nothing when it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def wait_for(condition, seconds=10, what="it"):
    """The first true value of condition(), asked every 10 ms."""
    seconds *= PATIENCE
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def port_answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Authority:
    """`chancery serve --dev DIR --port 0 …`, from its `ready` line to SIGTERM."""

    def __init__(self, folder, *args, program=PROGRAM, seconds=180):
        self.dir, self.program = pathlib.Path(folder), program
        self.log = open(f"{folder}.log", "wb+")
        self.process = subprocess.Popen(
            [program, "serve", "--dev", str(folder), "--port", "0", *args],
            stdout=subprocess.PIPE, stderr=self.log)
        try:
            self.said = self._wait_ready(seconds)
        except BaseException:
            self.stop()
            raise
        self.dev = self.read_dev()

    def _wait_ready(self, seconds):
        until, said = time.monotonic() + seconds, b""
        while not any(line.startswith(b"ready") for line in said.split(b"\n")[:-1]):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"not ready after {seconds} s; log:\n{self.log_text()}")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise AssertionError(f"ended before it was ready; log:\n{self.log_text()}")
            said += data
        return said.decode()

    def read_dev(self):
        return json.loads((self.dir / "dev.json").read_text())

    def log_text(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def user(self, username):
        return next(u for u in self.dev["users"] if u["username"] == username)

    def client(self, realm, client_id):
        return next(c for c in self.dev["clients"]
                    if c["realm"] == realm and c["client_id"] == client_id)

    def run(self, *args, given=None, status=0):
        """An admin command on this authority; what it printed."""
        r = subprocess.run([self.program, *args, "-C", str(self.dir)], input=given,
                           capture_output=True, text=True, timeout=180)
        assert r.returncode == status, f"{args}: exit {r.returncode}: {r.stderr}"
        return r.stdout

    def token(self, realm, username, password=None, *args):
        """An access token by the real login form, as `chancery token` drives it."""
        password = password or self.user(username)["password"]
        r = subprocess.run(
            [self.program, "token", "--issuer", self.dev["realms"][realm]["issuer"],
             "--client", "demo", "--user", username, "--password-file", "-", *args],
            input=password + "\n", capture_output=True, text=True, timeout=180)
        assert r.returncode == 0, r.stderr
        return r.stdout.strip()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.log.close()
        return self.process.returncode


@contextlib.contextmanager
def authority_of(name):
    """An authority in a folder of its own, not below pytest's, which the roles' uids cannot pass;
    it must end well."""
    with tempfile.TemporaryDirectory(prefix=f"chancery-{name}-") as folder:
        os.chmod(folder, 0o711)
        a = Authority(folder + "/authority")
        yield a
        log = a.log_text()
        assert a.stop() == 0, log


class Signer:
    """An issuer's keys and tokens, made in Python: what an attacker could make too."""

    def __init__(self, issuer, alg="ES256", kid="k1"):
        self.issuer, self.alg, self.kid = issuer, alg, kid
        self.key = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
            "PS256": lambda: rsa.generate_private_key(65537, 2048),
        }[alg]()

    def jwk(self):
        numbers = None if self.alg == "EdDSA" else self.key.public_key().public_numbers()
        jwk = {"use": "sig", "alg": self.alg, "kid": self.kid}
        if self.alg == "ES256":
            jwk.update(kty="EC", crv="P-256", x=b64(numbers.x.to_bytes(32, "big")),
                       y=b64(numbers.y.to_bytes(32, "big")))
        elif self.alg == "EdDSA":
            raw = self.key.public_key().public_bytes(serialization.Encoding.Raw,
                                                     serialization.PublicFormat.Raw)
            jwk.update(kty="OKP", crv="Ed25519", x=b64(raw))
        else:
            jwk.update(kty="RSA", n=b64(numbers.n.to_bytes(256, "big")), e="AQAB")
        return jwk

    def jwks(self):
        return json.dumps({"keys": [self.jwk()]})

    def raw_sign(self, data):
        if self.alg == "ES256":
            r, s = utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if self.alg == "EdDSA":
            return self.key.sign(data)
        if self.alg == "RS256":
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return self.key.sign(data, pss, hashes.SHA256())

    def claims(self, **changed):
        """The claims of a good mail token; None takes one out."""
        now = int(time.time())
        claims = {"iss": self.issuer, "iat": now - 1, "exp": now + 300, "jti": b64(os.urandom(16)),
                  "sub": "s-1", "aud": "mail", "client_id": "demo", "scope": "openid mail.read",
                  "username": "alice@home.test"}
        claims.update(changed)
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, header=None, **changed):
        """A signed token: header and claims as for a good one but for the changes."""
        head = {"alg": self.alg, "typ": "at+jwt", "kid": self.kid}
        head.update(header or {})
        head = {name: value for name, value in head.items() if value is not None}
        text = b64(compact(head)) + "." + b64(compact(self.claims(**changed)))
        return text + "." + b64(self.raw_sign(text.encode()))


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def http(method, url, body=None, headers=None, seconds=60):
    """One request; any status is an answer, redirects are not followed."""
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    request = urllib.request.Request(url, method=method, data=body, headers=headers or {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)
    try:
        with opener.open(request, timeout=seconds) as r:
            return Answer(r.status, r.headers, r.read())
    except urllib.error.HTTPError as e:
        with e:
            return Answer(e.code, e.headers, e.read())


def basic(user, secret):
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


class Gate:
    """`chancery gate -c FILE` alone, with a policy written here."""

    SECRET = "gate-secret-of-the-test"

    def __init__(self, folder, issuers, mailboxes=None, scope="mail.read", program=PROGRAM):
        """issuers: {realm: Signer}; their key files are FOLDER/REALM.json."""
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.policy = self.dir / "gate.yaml"
        self.secret_file = self.dir / "gate.secret"
        self.secret_file.write_text(self.SECRET + "\n")
        self.secret_file.chmod(0o600)
        for realm, signer in issuers.items():
            self.write_keys(realm, signer.jwks())
        self.policy.write_text(self.policy_text(issuers, mailboxes, scope))
        self.program = program
        self.process = None

    def policy_text(self, issuers, mailboxes, scope):
        lines = [f"listen: 127.0.0.1:{self.port}", "client:", "  id: dovecot",
                 "  secret_file: gate.secret", f"scope: {scope}",
                 "log: {refusals_per_minute: 100000}", "junk: {burst_us: 60000000}", "issuers:"]
        for realm, signer in issuers.items():
            lines += [f"  - issuer: {signer.issuer}", f"    realm: {realm}",
                      f"    jwks_file: {realm}.json", "    audiences: [mail]"]
        if mailboxes:
            lines.append("mailboxes:")
            lines += [f"  {realm}: {json.dumps(boxes)}" for realm, boxes in mailboxes.items()]
        return "\n".join(lines) + "\n"

    def write_keys(self, realm, text):
        """As a careful fetcher does it: a new file, renamed over the old one."""
        new = self.dir / f"{realm}.json.new"
        new.write_text(text)
        new.rename(self.dir / f"{realm}.json")

    def start(self):
        self.log = open(self.dir / "gate.log", "ab")
        before = self.log.tell()  # the gate's writes move it, too
        self.process = subprocess.Popen([self.program, "gate", "-c", str(self.policy)],
                                        stdout=self.log, stderr=self.log)
        wait_for(lambda: self.process.poll() is not None or
                 "gate is ready" in self.log_text()[before:], what="the gate's start")
        assert self.process.poll() is None, self.log_text()
        return self

    def worker(self):
        """The process that serves; the one that was started keeps its sockets."""
        return max(children_of(self.process.pid))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        if self.process:
            self.log.close()
            return self.process.returncode
        return None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def log_text(self):
        return (self.dir / "gate.log").read_text()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/introspect"

    @property
    def url_with_secret(self):
        return f"http://dovecot:{self.SECRET}@127.0.0.1:{self.port}/introspect"

    def ask(self, token, secret=None, headers=None, body=None):
        if body is None:
            body = urllib.parse.urlencode(
                {"token": token, "client_id": "", "client_secret": ""}).encode()
        fields = {"Authorization": basic("dovecot", secret or self.SECRET),
                  "X-Dovecot-Auth-Remote": "192.0.2.7:4711", "X-Dovecot-Auth-Service": "imap"}
        fields.update(headers or {})
        return http("POST", self.url, body, fields)


def read_mail(port, user, token, mechanism="OAUTHBEARER"):
    """curl reads the first mail: (exit status, what it printed). 67: login refused."""
    config = f'user = "{user}"\noauth2-bearer = "{token}"\n'
    r = subprocess.run(
        ["curl", "-sS", "--max-time", "60", "--noproxy", "*", "--login-options",
         f"AUTH={mechanism}", "-K", "-", f"imap://127.0.0.1:{port}/INBOX;MAILINDEX=1"],
        input=config, capture_output=True, text=True)
    return r.returncode, r.stdout + r.stderr
