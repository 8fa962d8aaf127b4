"""`chancery verify` as users and other programs see it: tokens signed by another library."""
import base64
import json
import os
import pathlib
import re
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHANCERY = os.environ.get("CHANCERY", str(ROOT / "build" / "chancery"))
ISSUER = "https://id.test/home"
NOW = 1700000000


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(n):
    return b64(n.to_bytes((n.bit_length() + 7) // 8, "big"))


class Es256:
    alg = "ES256"

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self):
        p = self.key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": b64(p.x.to_bytes(32, "big")),
                "y": b64(p.y.to_bytes(32, "big"))}

    def sign(self, text):
        r, s = utils.decode_dss_signature(self.key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class EdDsa:
    alg = "EdDSA"

    def __init__(self):
        self.key = ed25519.Ed25519PrivateKey.generate()

    def jwk(self):
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}

    def sign(self, text):
        return self.key.sign(text)


class Rsa:
    def __init__(self, alg, size=2048):
        self.alg = alg
        self.key = rsa.generate_private_key(65537, size)

    def jwk(self):
        p = self.key.public_key().public_numbers()
        return {"kty": "RSA", "n": number(p.n), "e": number(p.e)}

    def sign(self, text):
        pad = padding.PKCS1v15() if self.alg == "RS256" else padding.PSS(
            padding.MGF1(hashes.SHA256()), 32)
        return self.key.sign(text, pad, hashes.SHA256())


KEYS = {"es": Es256(), "ed": EdDsa(), "rs": Rsa("RS256"), "ps": Rsa("PS256", 3072)}


def claims(**changed):
    whole = {"iss": ISSUER, "aud": "mail", "sub": "alice", "client_id": "demo", "jti": "j1",
             "iat": NOW - 60, "exp": NOW + 540, "username": "alice@home.test"}
    whole.update(changed)
    return {name: value for name, value in whole.items() if value is not None}


def token(kid="es", header=None, key=None, **changed):
    head = {"typ": "at+jwt", "alg": KEYS[kid].alg, "kid": kid, **(header or {})}
    text = ".".join(b64(json.dumps(part).encode()) for part in (head, claims(**changed)))
    return text + "." + b64((key or KEYS[kid]).sign(text.encode()))


@pytest.fixture(scope="module")
def jwks(tmp_path_factory):
    path = tmp_path_factory.mktemp("verify") / "jwks.json"
    path.write_text(json.dumps({"keys": [
        {**key.jwk(), "kid": kid, "alg": key.alg, "use": "sig"} for kid, key in KEYS.items()]}))
    return str(path)


def run(*args, stdin=""):
    return subprocess.run([CHANCERY, *args], input=stdin, capture_output=True, text=True,
                          timeout=120)


def verify(jwks, *args, stdin="", issuer=ISSUER, audience="mail"):
    return run("verify", "--jwks", jwks, "--issuer", issuer, "--audience", audience, "--now",
               str(NOW), *args, stdin=stdin)


@pytest.mark.parametrize("kid", sorted(KEYS))
def test_accepts_each_algorithm(jwks, kid):
    done = verify(jwks, "-", stdin=token(kid) + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == claims()


REFUSED = {
    "malformed": lambda: token()[:-1] + "=",
    "too_large": lambda: token(pad="x" * 8192),
    "bad_header": lambda: token(header={"jku": "https://evil.test"}),
    "bad_alg": lambda: token(header={"alg": "none"}),
    "bad_typ": lambda: token(header={"typ": "JWT"}),
    "bad_issuer": lambda: token(iss="https://id.test/corp"),
    "unknown_key": lambda: token(header={"kid": "other"}),
    "bad_signature": lambda: token(key=Es256()),
    "bad_claims": lambda: token(client_id=None),
    "bad_audience": lambda: token(aud="api"),
    "expired": lambda: token(exp=NOW),
    "not_yet": lambda: token(iat=NOW + 31),
    "too_long_lived": lambda: token(exp=NOW + 100000),
}


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_names_the_check_that_failed(jwks, code):
    text = REFUSED[code]()
    done = verify(jwks, "-", stdin=text)
    assert (done.returncode, done.stdout) == (1, code + "\n")
    assert re.match(rf"refused: {code} \([a-z]+(: \w+)?\): ", done.stderr) and done.stderr.count("\n") == 1
    assert text not in done.stderr


def test_reads_a_file_and_the_clock(jwks, tmp_path):
    now = int(time.time())
    path = tmp_path / "token"
    path.write_text(token(iat=now, exp=now + 60) + "\r\n")
    args = ("verify", "--jwks", jwks, "--issuer", ISSUER, "--audience", "x", "--audience", "mail")
    assert run(*args, str(path)).returncode == 0
    path.write_text(token(iat=now - 60, exp=now - 1))
    done = run(*args, str(path))
    assert (done.returncode, done.stdout) == (1, "expired\n")


def test_options_change_the_terms(jwks):
    id_token = token(header={"typ": "JWT"}, client_id=None, jti=None)
    assert verify(jwks, "--typ", "JWT", "-", stdin=id_token).returncode == 0
    late = token(iat=NOW + 100)
    assert verify(jwks, "--skew", "100", "-", stdin=late).returncode == 0
    assert verify(jwks, "--skew", "99", "-", stdin=late).stdout == "not_yet\n"
    long = token(exp=NOW + 100000)
    assert verify(jwks, "--max-ttl", "200000", "-", stdin=long).returncode == 0


def test_batch(jwks):
    lines = [token(), "", "x" * 20000, token(exp=NOW), "{}", token("ed"), token(pad="x" * 8192)]
    done = verify(jwks, "--batch", "-", stdin="\n".join(lines))
    assert done.returncode == 1
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [a["code"] for a in answers] == ["accepted", "malformed", "too_large", "expired",
                                            "malformed", "accepted", "too_large"]
    assert all(set(a) == {"verdict", "code"} for a in answers)
    assert all((a["verdict"] == "accepted") == (a["code"] == "accepted") for a in answers)
    good = verify(jwks, "--batch", "-", stdin=token() + "\n" + token("rs") + "\n")
    assert good.returncode == 0 and len(good.stdout.splitlines()) == 2


def test_batch_answers_line_by_line(jwks):
    with subprocess.Popen([CHANCERY, "verify", "--jwks", jwks, "--issuer", ISSUER, "--audience",
                           "mail", "--now", str(NOW), "--batch", "-"], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        for text, code in ((token(), "accepted"), ("x", "malformed")):
            p.stdin.write(text + "\n")
            p.stdin.flush()
            assert json.loads(p.stdout.readline())["code"] == code
        p.stdin.close()
        assert p.wait(timeout=120) == 1


def test_binary_rubbish_is_refused(jwks):
    for junk in (b"", b"\0", b"\xff" * 100, token().encode() + b"\0", b"a\nb", os.urandom(9000)):
        done = subprocess.run([CHANCERY, "verify", "--jwks", jwks, "--issuer", ISSUER,
                               "--audience", "mail", "-"], input=junk, capture_output=True,
                              timeout=120)
        assert done.returncode == 1 and done.stdout in (b"malformed\n", b"too_large\n")


def test_bad_usage(jwks):
    base = ["verify", "--jwks", jwks, "--issuer", ISSUER, "--audience", "mail"]
    for args in (["verify"], ["verify", "-"], base, base + ["-", "-"], base + ["--now", "x", "-"],
                 base + ["--now", "-1", "-"], base + ["--skew", "601", "-"],
                 base + ["--typ", "logout+jwt", "-"], base + ["--no-such", "-"],
                 base + ["--issuer", "https://other.test", "-"],
                 ["verify", "--jwks", jwks, "--issuer", "http://id.test", "--audience", "a", "-"],
                 ["no-such-command"], []):
        done = run(*args)
        assert (done.returncode, done.stdout) == (2, ""), args
        assert done.stderr, args


def test_a_token_in_the_arguments_is_refused(jwks):
    done = verify(jwks, token())
    assert done.returncode == 2 and "standard input" in done.stderr
    assert token().split(".")[1] not in done.stderr


def test_trouble_with_files(jwks, tmp_path):
    missing = str(tmp_path / "none")
    assert verify(missing, "-", stdin=token()).returncode == 3
    assert verify(jwks, missing).returncode == 3
    assert verify(jwks, str(tmp_path)).returncode == 3
    text = pathlib.Path(jwks).read_text()
    bad = tmp_path / "bad.json"
    for spoilt, why in ((text[:-1], "ends early"), (text.replace('"kid": "ed"', '"kid": "es"'),
                        'key "es"'), (text.replace('"alg": "EdDSA", ', ""), "key has no alg"),
                        (text.replace('"use"', '"d": "AA", "use"'), "private")):
        assert spoilt != text
        bad.write_text(spoilt)
        done = verify(str(bad), "-", stdin=token())
        assert (done.returncode, done.stdout) == (3, "") and why in done.stderr, done.stderr
        assert str(bad) in done.stderr and ISSUER in done.stderr


def test_help_and_version():
    assert "usage: chancery verify" in run("verify", "--help").stdout
    assert run("verify", "--help").returncode == 0
    assert run("help", "verify").stdout == run("verify", "--help").stdout
    assert "verify" in run("help").stdout and run("help").returncode == 0
    assert run("help", "nonsense").returncode == 2
    assert re.match(r"chancery \d+\.\d+\.\d+ \(.+\)\n$", run("--version").stdout)


def test_a_full_disk_is_no_success(jwks):
    with open("/dev/full", "w") as full:
        done = subprocess.run([CHANCERY, "verify", "--jwks", jwks, "--issuer", ISSUER,
                               "--audience", "mail", "--now", str(NOW), "-"], input=token(),
                              stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 3 and done.stderr


def test_the_document_names_every_option():
    listed = set(re.findall(r"--[a-z-]+", run("verify", "--help").stdout)) - {"--help"}
    text = (ROOT / "docs" / "VERIFY.md").read_text()
    assert listed == set(re.findall(r"^\| `(--[a-z-]+)", text, re.M))
