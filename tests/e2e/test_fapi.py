"""What FAPI 2.0 asks of an authorization server, above all what it must refuse: DPoP and the
code that is bound to a key. Cases that the public conformance suite has bear its names."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.parse
from http.client import HTTPConnection

import pytest

from chancery import PROGRAM, Signer, authority_of, b64, basic, claims_of, http, wait_for
from proofs import FORM, Prover
from test_client_auth import TYPE, Client
from test_issuer import answer_of, code_for, login, login_page, post, redeem, request
from test_refresh import Production, client_add, refresh

BENCH = {"Authorization": basic("bench", "bench-secret")}
SCOPE = "openid profile offline_access mail.read"


@pytest.fixture(scope="module", name="authority")
def authority_fixture():
    with authority_of("fapi") as a:
        a.home = a.dev["realms"]["home"]
        a.meta = http("GET", a.home["issuer"] + "/.well-known/openid-configuration").json()
        client_add(a, "app", "--public")
        client_add(a, "bound", "--public", "--dpop", "yes")
        a.svc = Client(a, "svc", Signer("x", "ES256", "k"))
        yield a


@pytest.fixture(scope="module", name="home")
def home_of(authority):
    return authority.home


@pytest.fixture(scope="module", name="key")
def key_of():
    return Prover()


def own(home, key, proof=None, **changed):
    """bench's own token."""
    return key.post(home["token_endpoint"], {"grant_type": "client_credentials"}, BENCH, proof,
                    **changed)


def code_of(authority, client_id="app", **changed):
    return code_for(authority, client_id=client_id, scope=SCOPE, **changed)


def grant(authority, key, client_id="app", **changed):
    """A login's tokens, bound to the key."""
    code = code_of(authority, client_id, **changed)
    r = exchange(authority.home, key, code, client_id)
    assert r.status == 200, r.body
    return r.json()


def exchange(home, key, code, client_id="app", **changed):
    return redeem(home, code, {"DPoP": key.proof(home["token_endpoint"], **changed)},
                  client_id=client_id)


def refused(answer, says="", error="invalid_dpop_proof", status=400):
    assert (answer.status, answer.json()["error"]) == (status, error), answer.body
    assert says in answer.json()["error_description"], answer.body
    assert "no-store" in answer.headers["Cache-Control"]


# --- what works ---

@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256", "PS256"])
def test_each_algorithm(authority, home, alg):
    key = Prover(alg)
    got = own(home, key)
    assert got.status == 200, got.body
    assert got.json()["token_type"] == "DPoP" and "DPoP-Nonce" not in got.headers
    assert claims_of(got.json()["access_token"])["cnf"] == {"jkt": key.jkt}
    assert alg in authority.meta["dpop_signing_alg_values_supported"]


def test_without_a_proof_it_is_a_bearer_token(home):
    got = http("POST", home["token_endpoint"], b"grant_type=client_credentials", {**FORM, **BENCH})
    assert got.json()["token_type"] == "Bearer"
    assert "cnf" not in claims_of(got.json()["access_token"])


def test_user_info_takes_a_bound_token_from_its_key(authority, key):
    token = grant(authority, key)["access_token"]
    got = key.get(authority.meta["userinfo_endpoint"], token)
    assert got.status == 200 and got.json()["name"] == "Alice Home", got.body
    got = http("POST", authority.meta["userinfo_endpoint"], b"", {
        "Authorization": "dpop " + token,
        "DPoP": key.proof(authority.meta["userinfo_endpoint"], "POST", token)})
    assert got.status == 200, got.body


def test_introspection_says_the_key(authority, key):
    token = own(authority.home, key).json()["access_token"]
    got = http("POST", authority.meta["introspection_endpoint"], b"token=" + token.encode(),
               {**FORM, **BENCH}).json()
    assert got["active"] and got["token_type"] == "DPoP" and got["cnf"] == {"jkt": key.jkt}


def test_ensure_dpop_auth_code_binding_success(authority, home, key):
    code = code_of(authority, dpop_jkt=key.jkt)
    got = exchange(home, key, code)
    assert got.status == 200 and claims_of(got.json()["access_token"])["cnf"] == {"jkt": key.jkt}


def test_ensure_different_nonce_inside_jwt_is_no_matter_where_none_is_asked_for(home, key):
    assert own(home, key, nonce="of another server").status == 200


# --- proofs that are none: DpopNegativeTests ---

def bad_proofs(key, url):
    """(what it is, a proof)"""
    private = key.signer.key.private_numbers().private_value.to_bytes(32, "big")
    other, now = Prover(), int(time.time())
    good = key.proof(url)
    head, body, sig = good.split(".")
    return {
        "htm": key.proof(url, method="GET"), "htm in lower case": key.proof(url, method="post"),
        "no htm": key.proof(url, htm=None), "no htu": key.proof(url, htu=None),
        "htu of another host": key.proof(url.replace("localhost", "other.test")),
        "htu of another path": key.proof(url + "/x"), "htu is the issuer": key.proof(
            url.rsplit("/", 1)[0]),
        "no jti": key.proof(url, jti=None), "empty jti": key.proof(url, jti=""),
        "long jti": key.proof(url, jti="x" * 129),
        "no iat": key.proof(url, iat=None), "iat a minute ago": key.proof(url, iat=now - 75),
        "iat in the future": key.proof(url, iat=now + 61),
        "iat is text": key.proof(url, iat=str(now)),
        "expired": key.proof(url, exp=now - 1), "not yet": key.proof(url, nbf=now + 61),
        "typ": key.proof(url, header={"typ": "JWT"}), "no typ": key.proof(url, header={"typ": None}),
        "alg none": key.proof(url, header={"alg": "none"}).rsplit(".", 1)[0] + ".",
        "alg of another key": key.proof(url, header={"alg": "RS256"}),
        "symmetric": key.proof(url, header={"alg": "HS256",
                                            "jwk": {"kty": "oct", "k": b64(b"k" * 32)}}),
        "private key in jwk": key.proof(url, header={"jwk": {**key.jwk, "d": b64(private)}}),
        "no jwk": key.proof(url, header={"jwk": None}),
        "another key": key.proof(url, header={"jwk": other.jwk}),
        "kid alone": key.proof(url, header={"jwk": None, "kid": "k1"}),
        "crit": key.proof(url, header={"crit": ["b64"], "b64": False}),
        "signature": f"{head}.{body}.{'B' if sig[0] == 'A' else 'A'}{sig[1:]}",
        "no signature": f"{head}.{body}.", "two of three parts": f"{head}.{body}",
        "not a JWT": "x", "two proofs": good + ", " + key.proof(url),
        "too long": key.proof(url, x="x" * 4096),
    }


BAD = list(bad_proofs(Prover(), "http://localhost:1/home/token"))


@pytest.mark.parametrize("bad", BAD)
def test_dpop_negative_tests(home, key, bad):
    refused(own(home, key, bad_proofs(key, home["token_endpoint"])[bad]))


def test_two_dpop_fields(home, key):
    url = home["token_endpoint"]
    at = re.match(r"http://([^/]+)(/.*)", url)
    c = HTTPConnection(at[1], timeout=60)
    with contextlib.closing(c):
        c.putrequest("POST", at[2])
        body = b"grant_type=client_credentials"
        for name, value in (*FORM.items(), *BENCH.items(), ("DPoP", key.proof(url)),
                            ("DPoP", key.proof(url)), ("Content-Length", str(len(body)))):
            c.putheader(name, value)
        c.endheaders(body)
        answer = c.getresponse()
        assert answer.status == 400 and b"invalid_dpop_proof" in answer.read()


def test_dpop_reused_jti(home, key):
    url = home["token_endpoint"]
    once = key.proof(url)
    assert own(home, key, once).status == 200
    refused(own(home, key, once), "jti")
    # the same jti of another key is another proof
    assert own(home, Prover(), jti=claims_of(once)["jti"]).status == 200


def test_a_refused_request_has_not_used_its_proof(home, key):
    """Nothing is noted for strangers: they could fill the table."""
    once = key.proof(home["token_endpoint"])
    got = key.post(home["token_endpoint"], {"grant_type": "client_credentials"},
                   {"Authorization": basic("bench", "wrong")}, once)
    assert got.status == 401
    assert own(home, key, once).status == 200


def test_check_dpop_proof_nbf_exp(home, key):
    now = int(time.time())
    for good in ({"exp": now + 60, "nbf": now - 60}, {"nbf": now + 8}, {"iat": now + 8},
                 {"iat": now - 30}):
        assert own(home, key, **good).status == 200, good


def test_access_token_type_header_case_sensitivity(authority, key):
    token = grant(authority, key)["access_token"]
    for scheme in ("DPoP", "dpop", "DPOP", "dPoP"):
        assert key.get(authority.meta["userinfo_endpoint"], token, scheme).status == 200


# --- tokens that are bound, elsewhere ---

def test_user_info_wants_the_proof(authority, key):
    url, other = authority.meta["userinfo_endpoint"], Prover()
    token = grant(authority, key)["access_token"]

    def not_good(answer, error):
        assert answer.status == 401 and answer.json()["error"] == error, answer.body
        assert answer.headers["WWW-Authenticate"].startswith("DPoP realm=\"home\", error=")
        assert f'error="{error}"' in answer.headers["WWW-Authenticate"]
        assert "algs=" in answer.headers["WWW-Authenticate"]

    not_good(http("GET", url, None, {"Authorization": "Bearer " + token}), "invalid_token")
    not_good(key.get(url, token, "Bearer"), "invalid_token")
    not_good(http("GET", url, None, {"Authorization": "DPoP " + token}), "invalid_dpop_proof")
    not_good(other.get(url, token), "invalid_token")
    not_good(key.get(url, token, ath="x" * 43), "invalid_dpop_proof")
    not_good(key.get(url, token, ath=None), "invalid_dpop_proof")
    not_good(key.get(url, token, proof=key.proof(url, "POST", token)), "invalid_dpop_proof")
    once = key.proof(url, "GET", token)
    assert key.get(url, token, proof=once).status == 200
    not_good(key.get(url, token, proof=once), "invalid_dpop_proof")
    plain = authority.token("home", "alice@home.test")
    not_good(key.get(url, plain), "invalid_token")
    none = http("GET", url)
    assert none.status == 401 and "Bearer realm=" in none.headers["WWW-Authenticate"]
    assert "DPoP realm=" in none.headers["WWW-Authenticate"]


def test_ensure_holder_of_key_required(authority, home, key):
    """A client whose tokens are always bound; it shows none, at a code and at a refresh."""
    code = code_of(authority, "bound")
    refused(redeem(home, code, client_id="bound"), "required")
    # nothing has been used up
    got = exchange(home, key, code, "bound").json()
    assert got["token_type"] == "DPoP"
    refused(refresh(home, got["refresh_token"], "bound"), "required")


# --- codes ---

def test_attempt_reuse_authorization_code_after_one_second(authority, home, key):
    code = code_of(authority)
    first = exchange(home, key, code).json()
    time.sleep(1)
    refused(exchange(home, key, code), "used before", "invalid_grant")
    # and what it gave is over
    headers = {"DPoP": key.proof(home["token_endpoint"])}
    refused(refresh(home, first["refresh_token"], headers=headers), "", "invalid_grant")


def test_ensure_dpop_jkt_mismatch_fails(authority, home, key):
    for proof in (None, Prover()):
        code = code_of(authority, dpop_jkt=key.jkt)
        got = exchange(home, proof, code) if proof else redeem(home, code, client_id="app")
        refused(got, "dpop_jkt", "invalid_grant")
        refused(exchange(home, key, code), "", "invalid_grant")


def test_a_dpop_jkt_that_is_none(authority):
    for jkt in ("x", "x" * 42, "x" * 44, "=" * 43):
        error = answer_of(login_page(authority.home, client_id="app", dpop_jkt=jkt))[1]
        assert error["error"] == "invalid_request" and "dpop_jkt" in error["error_description"]


def test_ensure_authorization_request_with_long_state(authority):
    state = "s" * 1024
    assert answer_of(login(authority, client_id="app", scope=SCOPE, state=state))[1]["state"] == state


def test_ensure_authorization_request_with_64_char_nonce(authority, home, key):
    nonce = "n" * 64
    got = exchange(home, key, code_of(authority, nonce=nonce)).json()
    assert claims_of(got["id_token"])["nonce"] == nonce


# --- refresh tokens of public clients hang on the key (RFC 9449 section 5) ---

def test_refresh_token_of_a_public_client_needs_its_key(authority, home, key):
    url, other = home["token_endpoint"], Prover()
    first = grant(authority, key)
    token = first["refresh_token"]
    refused(refresh(home, token), "", "invalid_grant")
    refused(refresh(home, token, headers={"DPoP": other.proof(url)}), "", "invalid_grant")
    # who lacks the key has not ended it either
    again = refresh(home, token, headers={"DPoP": key.proof(url)}).json()
    assert again["token_type"] == "DPoP"
    assert claims_of(again["access_token"])["cnf"] == {"jkt": key.jkt}
    # the first one, from a thief without the key, after its window
    later = again["refresh_token"]
    refused(refresh(home, token, headers={"DPoP": other.proof(url)}), "", "invalid_grant")
    assert refresh(home, later, headers={"DPoP": key.proof(url)}).status == 200


def test_refresh_token_of_a_client_that_proves_itself_does_not(authority, home, key):
    secret = authority.run("client", "add", "--realm", "home", "--id", "server", "--redirect",
                           "http://127.0.0.1/callback", "--audience", "mail", "--grant",
                           "authorization_code", "--grant", "refresh_token",
                           *(x for s in SCOPE.split() for x in ("--scope", s))).strip()
    auth = {"Authorization": basic("server", secret)}
    code = code_of(authority, "server")
    proof = {"DPoP": key.proof(home["token_endpoint"])}
    got = redeem(home, code, {**auth, **proof}, client_id=None).json()
    other = Prover()
    again = refresh(home, got["refresh_token"], None,
                    {**auth, "DPoP": other.proof(home["token_endpoint"])})
    assert again.status == 200, again.body
    assert claims_of(again.json()["access_token"])["cnf"] == {"jkt": other.jkt}


# --- an administrator's wishes ---

def test_client_attributes(authority):
    def shown():
        return json.loads(authority.run("client", "show", "--realm", "home", "--id", "bound",
                                        "--json"))
    assert shown()["dpop_bound_access_tokens"] is True
    assert shown()["require_pushed_authorization_requests"] is False
    edit = ("client", "edit", "--realm", "home", "--id", "bound")
    authority.run(*edit, "--dpop", "no", "--par", "yes")
    assert shown()["dpop_bound_access_tokens"] is False
    assert shown()["require_pushed_authorization_requests"] is True
    authority.run(*edit, "--dpop", "maybe", status=2)
    authority.run(*edit, "--dpop", "", status=2)
    authority.run(*edit, "--dpop", "yes", "--par", "no")


# --- realm `staff`, as `chancery init` describes it: every token is bound, with nonces ---

@pytest.fixture(scope="module", name="staff")
def staff_fixture():
    with tempfile.TemporaryDirectory(prefix="chancery-staff-") as folder:
        os.chmod(folder, 0o711)
        a = Production(folder + "/authority")
        a.run("realm", "enable", "staff")
        before, staff, block = (a.dir / "chancery.yaml").read_text().partition("\n  staff:\n    kind")
        (a.dir / "chancery.yaml").write_text(
            before + staff + block.replace("par: optional", "par: required", 1))
        issuer = re.search(r"issuer: (http://\S+/staff)\n", block)[1]
        a.token_endpoint = issuer + "/token"
        pathlib.Path(folder, "secret").write_text("a secret of sixteen bytes\n")
        a.run("client", "add", "--realm", "staff", "--id", "tool", "--scope", "mail.read",
              "--audience", "api", "--secret-file", folder + "/secret")
        a.run("client", "add", "--realm", "staff", "--id", "cli", "--scope", "openid", "--scope",
              "mail.read", "--audience", "api", "--public", "--redirect",
              "http://127.0.0.1/callback")
        a.run("user", "add", "--realm", "staff", "--username", "eve", "--password-file", "-",
              given="a password of eve's\n")
        process = a.serve()
        try:
            wait_for(lambda: answers(issuer), 30, "the staff realm")
            yield a
        finally:
            process.terminate()
            process.communicate(timeout=60)


def answers(issuer):
    with contextlib.suppress(OSError):
        return http("GET", issuer + "/jwks").status == 200


TOOL = {"Authorization": basic("tool", "a secret of sixteen bytes")}
GRANT = {"grant_type": "client_credentials"}


@pytest.mark.root_only
def test_staff_issues_bound_tokens_only(staff, key):
    url = staff.token_endpoint
    bare = http("POST", url, b"grant_type=client_credentials", {**FORM, **TOOL})
    refused(bare, "required")
    first = key.post(url, GRANT, TOOL)
    refused(first, "nonce", "use_dpop_nonce")
    nonce = first.headers["DPoP-Nonce"]
    got = key.post(url, GRANT, TOOL, nonce=nonce)
    assert got.status == 200 and got.json()["token_type"] == "DPoP", got.body
    assert got.headers["DPoP-Nonce"]
    assert claims_of(got.json()["access_token"])["cnf"] == {"jkt": key.jkt}
    for wrong in ("x", nonce[:-1], nonce + "x", "", 1):
        answer = key.post(url, GRANT, TOOL, nonce=wrong)
        assert answer.json()["error"] in ("use_dpop_nonce", "invalid_dpop_proof"), answer.body
    # a stranger's proof gets a nonce too, and nothing else
    assert Prover().post(url, GRANT, nonce="x").headers["DPoP-Nonce"]


@pytest.mark.root_only
@pytest.mark.parametrize("how", [["--client", "tool", "--secret-file", "-"],
                                 ["--client", "cli", "--user", "eve", "--password-file", "-"]],
                         ids=["itself", "login"])
def test_staff_from_a_terminal(staff, tmp_path, how):
    issuer = staff.token_endpoint.removesuffix("/token")
    meta = http("GET", issuer + "/.well-known/openid-configuration").json()
    assert meta["require_pushed_authorization_requests"] is True  # so the login pushes its own
    given = "a secret of sixteen bytes" if "tool" in how else "a password of eve's"
    args = [PROGRAM, "token", "--issuer", issuer, *how]
    bare = subprocess.run(args, input=given, capture_output=True, text=True, timeout=60,
                          check=False)
    assert bare.returncode == 1 and "required" in bare.stderr, bare.stderr
    got = subprocess.run([*args, "--dpop", str(tmp_path / "key")], input=given, text=True,
                         capture_output=True, timeout=60, check=False)
    assert got.returncode == 0, got.stderr
    assert claims_of(got.stdout)["cnf"]["jkt"]


# --- pushed requests (RFC 9126) ---

def push(authority, client_id="app", key=None, headers=None, **changed):
    fields = {**request(client_id=client_id, scope=SCOPE), **changed}
    url = authority.meta["pushed_authorization_request_endpoint"]
    fields = {name: value for name, value in fields.items() if value is not None}
    return key.post(url, fields, headers) if key else post(url, fields, headers)


def pushed(authority, **changed):
    got = push(authority, **changed)
    assert got.status == 201 and got.headers["Cache-Control"] == "no-store", got.body
    assert 30 <= got.json()["expires_in"] <= 90
    assert got.json()["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    return got.json()["request_uri"]


def by_uri(authority, uri, client_id="app", **more):
    """The form of a browser that comes with it and nothing else."""
    return login(authority, **{**dict.fromkeys(request()), "client_id": client_id,
                               "request_uri": uri, **more})


def page_of(authority, uri, client_id="app", **more):
    return http("GET", authority.home["authorization_endpoint"] + "?" + urllib.parse.urlencode(
        {"client_id": client_id, "request_uri": uri, **more}))


def test_par_happy_flow(authority, home):
    uri = pushed(authority, state="of the push", nonce="n1")
    assert SCOPE.split()[0] not in uri and "push" not in uri
    back = answer_of(by_uri(authority, uri))[1]
    assert back["state"] == "of the push"
    got = redeem(home, back["code"], client_id="app")
    assert got.status == 200 and claims_of(got.json()["id_token"])["nonce"] == "n1"
    assert authority.meta["require_pushed_authorization_requests"] is False


def test_par_attempt_reuse_request_uri(authority):
    uri = pushed(authority)
    # a page that is loaded again has used nothing
    assert page_of(authority, uri).status == page_of(authority, uri).status == 200
    assert "code" in answer_of(by_uri(authority, uri))[1]
    again = page_of(authority, uri)
    assert again.status == 400 and b"request_uri" in again.body


def test_par_ensure_request_uri_is_bound_to_client(authority):
    uri = pushed(authority)
    for client_id in ("bound", "demo", "nobody", ""):
        assert page_of(authority, uri, client_id).status == 400
    assert page_of(authority, uri).status == 200


def test_par_ensure_plain_pkce_rejected(authority):
    for changed in ({"code_challenge_method": "plain"}, {"code_challenge_method": None},
                    {"code_challenge": None}, {"code_challenge": "x"}):
        refused(push(authority, **changed), "", "invalid_request")


def test_par_what_else_is_refused(authority):
    refused(push(authority, redirect_uri="https://evil.test/cb"), "redirect_uri", "invalid_request")
    refused(push(authority, redirect_uri=None), "redirect_uri", "invalid_request")
    refused(push(authority, scope="openid other"), "", "invalid_scope")
    refused(push(authority, response_type="token"), "", "unsupported_response_type")
    refused(push(authority, request_uri=pushed(authority)), "request_uri", "invalid_request")
    refused(push(authority, request="x.y.z"), "", "request_not_supported")
    refused(push(authority, resource="https://nobody.test/"), "", "invalid_target")
    refused(push(authority, login_hint="x" * 5000), "", "invalid_request")
    refused(push(authority, client_id="nobody"), "", "invalid_client", 401)
    refused(push(authority, client_id="svc"), "", "invalid_client", 401)


def test_par_parameters_beside_the_request_uri_are_nothing(authority):
    uri = pushed(authority, state="pushed")
    answer = by_uri(authority, uri, state="beside", redirect_uri="https://evil.test/",
                    scope="other", prompt="none")
    url, back = answer_of(answer)
    assert (url.hostname, back["state"]) == ("127.0.0.1", "pushed")


def test_par_uris_that_are_none(authority):
    uri = pushed(authority)
    kind, text = uri[:34], uri[34:]
    for bad in (kind, kind + "x", kind + text[:-1], kind + "A" + text[1:] if text[0] != "A"
                else kind + "B" + text[1:], kind + text[:-2] + "AA", kind + "A" * 6200):
        answer = page_of(authority, bad)
        assert answer.status in (400, 414), bad
    # of another realm
    corp = authority.dev["realms"]["corp"]["authorization_endpoint"]
    answer = http("GET", corp + "?" + urllib.parse.urlencode(
        {"client_id": "demo", "request_uri": uri}))
    assert answer.status == 400
    # no reference to the outside
    error = page_of(authority, "https://app.test/request.jwt")
    assert error.status == 400 or "error=" in error.headers["Location"]


def test_par_with_dpop(authority, home, key):
    code = answer_of(by_uri(authority, pushed(authority, key=key)))[1]["code"]
    refused(redeem(home, code, client_id="app"), "dpop_jkt", "invalid_grant")
    code = answer_of(by_uri(authority, pushed(authority, key=key)))[1]["code"]
    assert exchange(home, key, code).status == 200
    refused(push(authority, key=key, dpop_jkt=Prover().jkt), "dpop_jkt")
    url = authority.meta["pushed_authorization_request_endpoint"]
    refused(key.post(url, request(client_id="app", scope=SCOPE), proof=key.proof(
        home["token_endpoint"])), "htu")


def test_par_can_be_required_of_a_client(authority):
    edit = ("client", "edit", "--realm", "home", "--id", "app", "--par")
    authority.run(*edit, "yes")
    try:
        error = answer_of(login_page(authority.home, client_id="app", scope=SCOPE))[1]
        assert error["error"] == "invalid_request" and "PAR" in error["error_description"]
        assert "code" in answer_of(by_uri(authority, pushed(authority)))[1]
    finally:
        authority.run(*edit, "no")


# --- client assertions, at PAR as at the token endpoint ---

@pytest.mark.parametrize("name,changed", [
    ("wrong aud", {"aud": "https://other.test"}), ("no sub", {"sub": None}),
    ("exp is 5 minutes in past", {"exp": -300}), ("no exp", {"exp": None})])
def test_par_ensure_client_assertion_fails(authority, name, changed):
    if changed.get("exp"):
        changed = {"exp": int(time.time()) + changed["exp"]}
    refused(push(authority, client_id=None, client_assertion_type=TYPE,
                 client_assertion=authority.svc.assertion(**changed)), "", "invalid_client", 401)


def test_par_takes_its_own_url_as_audience(authority):
    url = authority.meta["pushed_authorization_request_endpoint"]
    answer = push(authority, client_id=None, client_assertion_type=TYPE,
                  client_assertion=authority.svc.assertion(aud=url))
    # it is known; only it has no such redirect URI
    refused(answer, "redirect_uri", "invalid_request")
