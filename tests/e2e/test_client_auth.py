"""How clients authenticate at the token endpoint: by a secret in either place or by a key, and
every way that is refused. Cases that the public conformance suite has bear its names."""
import json
import os
import signal
import subprocess
import time
import urllib.parse

import pytest
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from cryptography.hazmat.primitives import serialization

from chancery import PROGRAM, Signer, authority_of, b64, basic, claims_of, compact, http, wait_for

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGS = ("ES256", "EdDSA", "RS256", "PS256")


class Client:
    """A registered client of its own keys."""

    def __init__(self, authority, name, *keys, args=()):
        self.authority, self.name, self.keys = authority, name, keys
        jwks = json.dumps({"keys": [k.jwk() for k in keys]}, indent=2)
        assert add(authority, name, "--auth", "private_key_jwt", "--jwks", "-", *args,
                   given=jwks) == ""

    def assertion(self, key=None, header=None, **changed):
        key = key or self.keys[0]
        now = int(time.time())
        head = {"alg": key.alg, "kid": key.kid, **(header or {})}
        claims = {"iss": self.name, "sub": self.name, "aud": self.authority.home["issuer"],
                  "exp": now + 60, "iat": now, "jti": b64(os.urandom(16)), **changed}
        text = ".".join(b64(compact({k: v for k, v in part.items() if v is not None}))
                        for part in (head, claims))
        return text + "." + b64(key.raw_sign(text.encode()))

    def ask(self, assertion=None, headers=None, **more):
        return post(self.authority, {
            "grant_type": "client_credentials", "client_assertion_type": TYPE,
            "client_assertion": assertion or self.assertion(), **more}, headers)


def add(authority, name, *args, given=None, status=0):
    return authority.run("client", "add", "--realm", "home", "--id", name, "--scope", "mail.read",
                         "--audience", "mail", *args, given=given, status=status)


def post(authority, fields, headers=None):
    body = urllib.parse.urlencode({k: v for k, v in fields.items() if v is not None}).encode()
    return http("POST", authority.home["token_endpoint"], body, {**FORM, **(headers or {})})


def refused(answer, says=None, error="invalid_client"):
    assert answer.status == (401 if error == "invalid_client" else 400), answer.body
    assert answer.json()["error"] == error, answer.body
    assert "no-store" in answer.headers["Cache-Control"]
    if says:
        assert says in answer.json()["error_description"], answer.body


@pytest.fixture(scope="module", name="authority")
def authority_fixture():
    with authority_of("client") as a:
        a.home = a.dev["realms"]["home"]
        yield a


@pytest.fixture(scope="module", name="client")
def client_of(authority):
    """One key of each algorithm."""
    return Client(authority, "svc", *(Signer("x", alg, alg.lower()) for alg in ALGS))


# --- what works ---

def test_metadata_says_what_works(authority):
    m = http("GET", authority.home["issuer"] + "/.well-known/openid-configuration").json()
    assert m["token_endpoint_auth_methods_supported"] == [
        "private_key_jwt", "client_secret_basic", "client_secret_post", "none"]
    assert sorted(m["token_endpoint_auth_signing_alg_values_supported"]) == sorted(ALGS)


@pytest.mark.parametrize("n", range(len(ALGS)), ids=ALGS)
def test_each_algorithm(client, n):
    got = client.ask(client.assertion(client.keys[n]))
    assert got.status == 200, got.body
    assert claims_of(got.json()["access_token"])["client_id"] == "svc"


def test_a_key_in_constant_use(authority):
    """Past where it gets a table, among more keys than are kept ready, and after it is replaced."""
    old, new = Signer("x", "ES256", "k"), Signer("x", "ES256", "k")
    busy = Client(authority, "busy", old)
    many = Client(authority, "many", *(Signer("x", "ES256", f"m{i}") for i in range(8)))
    more = Client(authority, "more", *(Signer("x", "EdDSA", f"m{i}") for i in range(8)))
    for i in range(270):
        assert busy.ask().status == 200
        if i % 90 == 0:
            assert all(c.ask(c.assertion(key)).status == 200 for c in (many, more)
                       for key in c.keys)
            refused(busy.ask(busy.assertion(new)))
    authority.run("client", "edit", "--realm", "home", "--id", "busy", "--jwks", "-",
                  given=json.dumps({"keys": [new.jwk()]}))
    refused(busy.ask(busy.assertion(old)))
    assert busy.ask(busy.assertion(new)).status == 200


@pytest.mark.parametrize("change", [
    {}, {"iat": None}, {"exp": 300}, {"nbf": 0}, {"aud": "token_endpoint"}, {"aud": ["issuer"]},
    {"aud": ["issuer", "token_endpoint"]}], ids=str)
def test_ensure_client_assertion_with_iss_aud_succeeds(authority, client, change):
    change = dict(change)
    for name in {"exp", "nbf"} & set(change):
        change[name] += int(time.time())
    if "aud" in change:
        aud = change["aud"]
        change["aud"] = (authority.home[aud] if isinstance(aud, str)
                         else [authority.home[a] for a in aud])
    got = client.ask(client.assertion(**change))
    assert got.status == 200, got.body


def test_typ_of_the_successor(client):
    assert client.ask(client.assertion(header={"typ": "client-authentication+jwt"})).status == 200


def test_a_library_nobody_here_wrote(authority):
    """Authlib: RS256 and ES256, the token endpoint as audience, no kid."""
    for alg in ("RS256", "ES256"):
        key = Signer("x", alg, "only")
        Client(authority, "authlib-" + alg.lower(), key)
        pem = key.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
        text = private_key_jwt_sign(pem, "authlib-" + alg.lower(), authority.home["token_endpoint"],
                                    alg=alg, expires_in=120).decode()
        got = post(authority, {"grant_type": "client_credentials", "client_assertion_type": TYPE,
                               "client_assertion": text})
        assert got.status == 200, got.body


def test_from_a_terminal(authority, client, tmp_path):
    issuer = authority.home["issuer"]
    for key in client.keys[:3]:
        pem = tmp_path / "key.pem"
        pem.write_bytes(key.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        args = [PROGRAM, "token", "--issuer", issuer, "--client", "svc", "--client-key", str(pem)]
        got = subprocess.run([*args, "--client-kid", key.kid], capture_output=True, text=True,
                             check=True)
        assert claims_of(got.stdout)["client_id"] == "svc"
    # of four keys it is to be said which
    got = subprocess.run(args, capture_output=True, text=True, check=False)
    assert got.returncode == 1 and "invalid_client" in got.stderr
    got = subprocess.run([*args[:-1], "/dev/null"], capture_output=True, text=True, check=False)
    assert got.returncode == 3 and "key" in got.stderr
    got = subprocess.run([*args, "--secret-file", "-"], capture_output=True, text=True, check=False)
    assert got.returncode == 2


# --- what is refused ---

def test_ensure_client_assertion_with_wrong_aud_fails(authority, client):
    for aud in ("https://other.test", authority.home["issuer"] + "/", "svc", None, [],
                authority.dev["realms"]["corp"]["issuer"], authority.home["jwks_uri"],
                [authority.home["issuer"], "https://other.test"]):
        refused(client.ask(client.assertion(aud=aud)), "aud")


def test_ensure_client_assertion_with_no_sub_fails(client):
    refused(client.ask(client.assertion(sub=None)), "sub")
    refused(client.ask(client.assertion(iss=None)), "iss")
    refused(client.ask(client.assertion(iss="bench")), "iss")


def test_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(client):
    now = int(time.time())
    refused(client.ask(client.assertion(exp=now - 300, iat=now - 360)), "expired")
    refused(client.ask(client.assertion(exp=None)), "exp")


def test_an_assertion_is_for_a_short_time(client):
    now = int(time.time())
    refused(client.ask(client.assertion(exp=now + 3600)), "5 minutes")
    refused(client.ask(client.assertion(iat=now + 120)), "iat")
    refused(client.ask(client.assertion(nbf=now + 120)), "nbf")


def test_ensure_client_assertion_with_reused_jti_fails(client):
    once = client.assertion()
    assert client.ask(once).status == 200
    refused(client.ask(once), "used before")
    again = {"jti": b64(os.urandom(16))}
    assert client.ask(client.assertion(**again)).status == 200
    refused(client.ask(client.assertion(client.keys[1], **again)), "used before")
    refused(client.ask(client.assertion(jti=None)), "jti")


def test_a_jti_is_the_clients_own(authority, client):
    other = Client(authority, "svc2", Signer("x", "ES256", "k"))
    jti = b64(os.urandom(16))
    assert client.ask(client.assertion(jti=jti)).status == 200
    assert other.ask(other.assertion(jti=jti)).status == 200


def test_who_cannot_sign_takes_nothing_up(client):
    jti = b64(os.urandom(16))
    refused(client.ask(client.assertion(Signer("x", "ES256", "es256"), jti=jti)))
    assert client.ask(client.assertion(jti=jti)).status == 200


def test_ensure_signed_client_assertion_with_another_alg_fails(client):
    es256 = client.keys[0]
    for alg in ("RS256", "none", "HS256", "ES384", ""):
        refused(client.ask(client.assertion(header={"alg": alg})))
    refused(client.ask(client.assertion(client.keys[2], header={"alg": "PS256"})))
    unsigned = client.assertion(header={"alg": "none"}).rsplit(".", 1)[0] + "."
    refused(client.ask(unsigned))
    refused(client.ask(client.assertion(header={"kid": None})))
    refused(client.ask(client.assertion(header={"jwk": es256.jwk()})), "header")


def test_all_strangers_get_one_answer(authority, client):
    """Unknown client, wrong key, wrong secret, another method: byte for byte."""
    stranger = Signer("x", "ES256", "es256")
    grant = {"grant_type": "client_credentials"}
    answers = [
        client.ask(client.assertion(stranger)),
        client.ask(client.assertion(stranger, iss="nobody", sub="nobody")),
        client.ask(client.assertion(stranger, iss="bench", sub="bench")),
        post(authority, grant, {"Authorization": basic("bench", "wrong")}),
        post(authority, grant, {"Authorization": basic("nobody", "wrong")}),
        post(authority, grant, {"Authorization": basic("svc", "wrong")}),
        post(authority, {**grant, "client_id": "bench", "client_secret": "bench-secret"}),
        post(authority, {**grant, "client_id": "nobody", "client_secret": "x"}),
        post(authority, {**grant, "client_id": "bench"}),
        post(authority, {**grant, "client_id": "svc"}),
        post(authority, {**grant, "client_id": "nobody"}),
    ]
    assert {(a.status, a.body, a.headers["WWW-Authenticate"]) for a in answers} == {
        (401, answers[0].body, 'Basic realm="home", charset="UTF-8"')}
    refused(answers[0])


def test_one_way_at_a_time(authority, client):
    head = {"Authorization": basic("svc", "x")}
    good = client.assertion()
    refused(client.ask(good, head), "two ways", "invalid_request")
    refused(client.ask(good, client_secret="x"), "two ways", "invalid_request")
    grant = {"grant_type": "client_credentials", "client_id": "svc"}
    refused(post(authority, {**grant, "client_secret": "x", "client_assertion_type": TYPE}),
            "two ways", "invalid_request")
    refused(post(authority, {**grant, "client_assertion": good}), "together", "invalid_request")
    refused(post(authority, {**grant, "client_assertion_type": TYPE}), "together",
            "invalid_request")
    refused(client.ask(good, client_assertion_type=TYPE + "x"), "client_assertion_type")
    refused(client.ask(good, client_id="bench"), "client_id", "invalid_request")
    # none of it has spent the assertion
    assert client.ask(good, client_id="svc").status == 200


def test_secret_in_the_body(authority):
    secret = add(authority, "poster", "--auth", "client_secret_post").strip()
    grant = {"grant_type": "client_credentials"}
    assert post(authority, {**grant, "client_id": "poster", "client_secret": secret}).status == 200
    refused(post(authority, {**grant, "client_id": "poster", "client_secret": secret + "x"}))
    refused(post(authority, {**grant, "client_secret": secret}), "client_id")
    refused(post(authority, grant, {"Authorization": basic("poster", secret)}))


def test_used_ones_are_known_after_a_crash(authority, client):
    """The issuer dies; whoever saw an assertion before cannot use it on the next one."""
    once = client.assertion(exp=int(time.time()) + 290)
    assert client.ask(once).status == 200
    for pid in authority.read_dev()["pids"]["issuer"]:
        os.kill(pid, signal.SIGKILL)

    def serves():
        try:
            return client.ask().status == 200
        except OSError:
            return False

    wait_for(serves, 20, "a token from the next issuer")
    refused(client.ask(once), "used before")


# --- what an administrator may register ---

@pytest.mark.parametrize("jwks,says", [
    ("{}", "no JWK set"), ('{"keys":[]}', "no key for"), ("x", ""),
    ('{"keys":[{"kty":"oct","k":"AAAA","kid":"a","alg":"HS256"}]}', "private or symmetric"),
])
def test_keys_that_are_none(authority, jwks, says):
    add(authority, "never", "--auth", "private_key_jwt", "--jwks", "-", given=jwks, status=2)
    r = subprocess.run([PROGRAM, "client", "add", "--realm", "home", "--id", "never", "--scope",
                        "mail.read", "--audience", "mail", "--auth", "private_key_jwt", "--jwks",
                        "-", "-C", str(authority.dir)], input=jwks, capture_output=True, text=True,
                       check=False)
    assert r.returncode == 2 and says in r.stderr and r.stdout == ""


def test_private_keys_stay_out(authority):
    key = Signer("x", "ES256", "k")
    secret = key.key.private_numbers().private_value.to_bytes(32, "big")
    jwks = json.dumps({"keys": [{**key.jwk(), "d": b64(secret)}]})
    add(authority, "leak", "--auth", "private_key_jwt", "--jwks", "-", given=jwks, status=2)
    assert "leak" not in authority.run("client", "list")


def test_wishes_that_contradict(authority):
    jwks = Signer("x", "ES256", "k").jwks()
    add(authority, "never", "--auth", "private_key_jwt", status=2)
    add(authority, "never", "--jwks", "-", given=jwks, status=2)
    add(authority, "never", "--auth", "client_secret_jwt", status=2)
    add(authority, "never", "--auth", "client_secret_post", "--public", status=2)
    add(authority, "never", "--auth", "private_key_jwt", "--jwks", "-", "--secret-file",
        "/dev/null", given=jwks, status=2)
    add(authority, "never", "--auth", "private_key_jwt", "--jwks", "/nonexistent", status=3)
    listed = json.loads(authority.run("client", "list", "--json"))
    assert "never" not in [c["client_id"] for c in listed]


def test_keys_are_listed(authority, client):
    listed = json.loads(authority.run("client", "list", "--json"))
    svc = next(c for c in listed if c["client_id"] == "svc")
    assert svc["auth_method"] == "private_key_jwt"
    assert [k["kid"] for k in svc["jwks"]["keys"]] == [k.kid for k in client.keys]
    assert not any("jwks" in c for c in listed if c["auth_method"] != "private_key_jwt")
