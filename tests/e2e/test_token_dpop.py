"""`chancery token --dpop`: tokens that are bound to a key in a file, by each flow; the key is made,
kept and refused."""
import http.server
import json
import os
import stat
import threading
import urllib.parse

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from chancery import authority_of, claims_of
from proofs import Prover
from test_device import decided
from test_refresh import SECRET, client_add
from test_token_device import ended, run, shown, start

ALICE = "alice@home.test"


@pytest.fixture(scope="module", name="authority")
def authority_fixture():
    with authority_of("token-dpop") as a:
        a.issuer = a.dev["realms"]["home"]["issuer"]
        a.secret = a.dir.parent / "secret"
        a.secret.write_text(SECRET)
        a.password = a.dir.parent / "password"
        a.password.write_text(a.user(ALICE)["password"])
        client_add(a, "cli", "--public", "--dpop", "yes",
                   grants=("authorization_code", "device_code", "refresh_token"))
        client_add(a, "tool", "--dpop", "yes", "--secret-file", str(a.secret), scopes="mail.read",
                   grants=("client_credentials",))
        yield a


def write(path, key):
    path.touch(0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                       serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    return path


def prover_of(path):
    """Somebody who has the key."""
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    prover = Prover("ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "EdDSA")
    prover.signer.key = key
    jwk = prover.signer.jwk()
    prover.jwk = {name: jwk[name] for name in prover.jwk}
    return prover


def tool(authority, key, status=0):
    return run("--issuer", authority.issuer, "--client", "tool", "--secret-file",
               str(authority.secret), "--dpop", str(key), status=status)


def is_bound(text, key):
    assert claims_of(text)["cnf"] == {"jkt": prover_of(key).jkt}


def test_a_key_is_made_and_used_again(authority, tmp_path):
    key = tmp_path / "key"
    old = os.umask(0)
    try:
        out, err = tool(authority, key)
    finally:
        os.umask(old)
    assert err == "" and stat.S_IMODE(key.stat().st_mode) == 0o600
    is_bound(out.strip(), key)
    made = key.read_bytes()
    is_bound(tool(authority, key)[0].strip(), key)
    assert key.read_bytes() == made and os.listdir(tmp_path) == ["key"]
    # without one, this client gets none
    assert "dpop" in run("--issuer", authority.issuer, "--client", "tool", "--secret-file",
                         str(authority.secret), status=1)[1].lower()


@pytest.mark.parametrize("make", [lambda: ec.generate_private_key(ec.SECP256R1()),
                                  ed25519.Ed25519PrivateKey.generate], ids=["P-256", "Ed25519"])
def test_a_key_that_is_there(authority, tmp_path, make):
    key = write(tmp_path / "key", make())
    is_bound(tool(authority, key)[0].strip(), key)


def test_a_login_and_its_refresh(authority, tmp_path):
    key, kept = tmp_path / "key", tmp_path / "kept"
    first = run("--issuer", authority.issuer, "--client", "cli", "--user", ALICE, "--password-file",
                str(authority.password), "--refresh-file", str(kept), "--dpop", str(key),
                "--json")[0]
    assert json.loads(first)["token_type"] == "DPoP"
    token = json.loads(first)["access_token"]
    is_bound(token, key)
    url = authority.issuer + "/userinfo"
    assert prover_of(key).get(url, token).json()["name"] == "Alice Home"
    is_bound(run("--refresh-file", str(kept), "--dpop", str(key))[0].strip(), key)
    # the refresh token of a public client is good with that key alone, and stays so
    run("--refresh-file", str(kept), "--dpop", str(tmp_path / "other"), status=1)
    run("--refresh-file", str(kept), status=1)
    is_bound(run("--refresh-file", str(kept), "--dpop", str(key))[0].strip(), key)


@pytest.mark.soak  # devices ask every five seconds
def test_on_another_device(authority, tmp_path):
    key = tmp_path / "key"
    p = start("--issuer", authority.issuer, "--client", "cli", "--device", "--dpop", str(key))
    said = shown(p)
    decided(authority, {"user_code": said.split("and type this code\n")[1].split()[0]})
    is_bound(ended(p)[0].strip(), key)


def test_keys_that_are_refused(authority, tmp_path):
    key = tmp_path / "key"
    for other in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        assert "P-256" in tool(authority, write(key, other), status=3)[1]
    key.write_text("")
    tool(authority, key, status=3)
    write(key, ec.generate_private_key(ec.SECP256R1())).chmod(0o640)
    assert "chmod 600" in tool(authority, key, status=3)[1]
    tool(authority, tmp_path, status=3)
    tool(authority, tmp_path / "none" / "key", status=3)
    assert "file" in tool(authority, "-", status=2)[1]


class Fake(http.server.BaseHTTPRequestHandler):
    """An issuer that asks for a nonce as often as it is told to, and binds nothing."""
    nonces, seen, kind = [], [], "DPoP"

    def log_message(self, *_):
        pass

    def reply(self, status, body, nonce=None):
        text = json.dumps(body).encode()
        self.send_response(status)
        if nonce:
            self.send_header("DPoP-Nonce", nonce)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        url = f"http://127.0.0.1:{self.server.server_port}"
        self.reply(200, {"issuer": url, "token_endpoint": url + "/t?x=1",
                         "authorization_endpoint": url + "/a",
                         "device_authorization_endpoint": url + "/d"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/d":
            assert "DPoP" not in self.headers
            url = f"http://127.0.0.1:{self.server.server_port}/device"
            self.reply(200, {"device_code": "d", "user_code": "u", "verification_uri": url,
                             "interval": 1, "expires_in": 60})
            return
        claims = claims_of(self.headers["DPoP"])
        self.seen.append((claims, dict(urllib.parse.parse_qsl(body))))
        if self.nonces:
            self.reply(400, {"error": "use_dpop_nonce"}, self.nonces.pop(0))
        else:
            self.reply(200, {"access_token": "a.b.c", "token_type": self.kind})


@pytest.fixture(name="fake")
def fake_fixture():
    class Mine(Fake):
        nonces, seen = [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mine)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    Mine.url = f"http://127.0.0.1:{server.server_port}"
    yield Mine
    server.shutdown()
    server.server_close()


def ask(fake, tmp_path, status, *more):
    client_key = write(tmp_path / "client", ec.generate_private_key(ec.SECP256R1()))
    return run("--issuer", fake.url, "--client", "c", "--client-key", str(client_key), "--dpop",
               str(tmp_path / "key"), *more, status=status)


def test_a_nonce_is_put_into_the_next_proof(fake, tmp_path):
    fake.nonces[:] = ["n-1"]
    assert ask(fake, tmp_path, 0)[0] == "a.b.c\n"
    (one, first), (two, second) = fake.seen
    assert "nonce" not in one and two["nonce"] == "n-1" and one["jti"] != two["jti"]
    assert {one["htu"], two["htu"]} == {fake.url + "/t"} and one["htm"] == "POST"
    # what else is good once is new as well, and nothing is there twice
    assert claims_of(first["client_assertion"])["jti"] != claims_of(second["client_assertion"])["jti"]
    assert {k: v for k, v in first.items() if k != "client_assertion"} == \
        {k: v for k, v in second.items() if k != "client_assertion"}


def test_a_device_proves_too(fake, tmp_path):
    fake.nonces[:] = ["n-1"]
    assert ask(fake, tmp_path, 0, "--device")[0] == "a.b.c\n"
    assert [claims.get("nonce") for claims, _ in fake.seen] == [None, "n-1"]


def test_once_is_enough(fake, tmp_path):
    fake.nonces[:] = ["n-1", "n-2", "n-3"]
    assert "use_dpop_nonce" in ask(fake, tmp_path, 1)[1]
    assert len(fake.seen) == 2


@pytest.mark.parametrize("nonce", ["x" * 600, "a b"])
def test_a_nonce_that_is_none(fake, tmp_path, nonce):
    fake.nonces[:] = [nonce]
    assert "use_dpop_nonce" in ask(fake, tmp_path, 1)[1]
    assert len(fake.seen) == 1


def test_a_token_that_is_not_bound(fake, tmp_path):
    fake.kind = "Bearer"
    out, err = ask(fake, tmp_path, 3)
    assert out == "" and "not bound" in err
