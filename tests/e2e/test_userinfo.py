"""What a realm says of its own access tokens: of the person, to who bears one (userinfo), and of
the token, to clients that prove who they are (introspection)."""
import contextlib
import sqlite3
import urllib.parse

import pytest

from chancery import Signer, authority_of, basic, claims_of, http

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BENCH = {"Authorization": basic("bench", "bench-secret")}


@pytest.fixture(scope="module", name="authority")
def authority_fixture():
    with authority_of("userinfo") as a:
        a.home = a.dev["realms"]["home"]
        a.meta = http("GET", a.home["issuer"] + "/.well-known/openid-configuration").json()
        yield a


@pytest.fixture(scope="module", name="token")
def token_of(authority):
    """Alice's, for mail, with every scope of the app."""
    return authority.token("home", "alice@home.test")


def userinfo(authority, token=None, method="GET", body=None, **headers):
    if token:
        headers["Authorization"] = "Bearer " + token
    return http(method, authority.meta["userinfo_endpoint"], body, headers)


def introspect(authority, token, headers=None, **fields):
    body = urllib.parse.urlencode({"token": token, **fields}).encode()
    return http("POST", authority.meta["introspection_endpoint"], body,
                {**FORM, **(BENCH if headers is None else headers)})


def inactive(answer):
    assert (answer.status, answer.body) == (200, b'{"active":false}')
    assert answer.headers["Cache-Control"] == "no-store"


@contextlib.contextmanager
def disabled(authority, table, column, name):
    with contextlib.closing(sqlite3.connect(authority.dir / "store/main/chancery.db")) as db:
        change = f"UPDATE {table} SET disabled = ? WHERE realm = 'home' AND {column} = ?"
        for value in (1, 0):
            assert db.execute(change, (value, name)).rowcount == 1
            db.commit()
            if value:
                yield


def own_token(authority):
    """The client bench's own: of no person."""
    return http("POST", authority.home["token_endpoint"], b"grant_type=client_credentials",
                {**FORM, **BENCH}).json()["access_token"]


def changed(token):
    """The same but for a bit of its signature."""
    head, sig = token.rsplit(".", 1)
    return head + "." + ("B" if sig[0] == "A" else "A") + sig[1:]


# --- userinfo ---

@pytest.mark.parametrize("scope,names", [
    ("openid", {"sub"}),
    ("openid mail.read", {"sub"}),
    ("openid profile", {"sub", "name", "preferred_username"}),
    ("openid email", {"sub", "email"}),
    ("openid profile email", {"sub", "name", "preferred_username", "email"})])
def test_claims_by_scope(authority, scope, names):
    token = authority.token("home", "alice@home.test", None, "--scope", scope)
    got = userinfo(authority, token)
    assert got.status == 200 and set(got.json()) == names, got.body
    alice = authority.user("alice@home.test")
    assert got.json()["sub"] == alice["sub"] == claims_of(token)["sub"]
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["Cache-Control"] == "no-store"
    assert not any(name.lower().startswith("access-control") for name in got.headers)


def test_each_way_to_bear_it(authority, token):
    want = userinfo(authority, token).body
    assert userinfo(authority, token, "POST").body == want
    assert userinfo(authority, None, Authorization="bearer  " + token).body == want
    assert userinfo(authority, token, "POST", b"other=1", **FORM).body == want
    posted = urllib.parse.urlencode({"access_token": token}).encode()
    assert userinfo(authority, None, "POST", posted, **FORM).body == want
    both = userinfo(authority, token, "POST", posted, **FORM)
    assert both.status == 400 and both.json()["error"] == "invalid_request"


def test_of_an_audience_elsewhere(authority):
    """Any audience of the realm: the scope openid is what opens this."""
    api = next(a for a in authority.dev["audiences"] if a["name"] == "api")
    token = authority.token("home", "alice@home.test", None, "--resource", api["resource"])
    assert claims_of(token)["aud"] == "api" and userinfo(authority, token).status == 200


def test_none_is_told_no_error(authority, token):
    for got in (userinfo(authority), userinfo(authority, method="POST"),
                userinfo(authority, Authorization=basic("bench", "bench-secret")),
                http("GET", authority.meta["userinfo_endpoint"] + "?access_token=" + token)):
        assert got.status == 401, got.body
        assert got.headers["WWW-Authenticate"] == (
            'Bearer realm="home", DPoP realm="home", algs="ES256 EdDSA RS256 PS256"')
        assert got.headers["Cache-Control"] == "no-store"


def test_bad_tokens(authority, token):
    home = authority.home["issuer"]
    kid = http("GET", authority.home["jwks_uri"]).json()["keys"][0]["kid"]
    bad = ["x", "a.b.c", changed(token), token[:-1], token + ".x",
           authority.token("corp", "carol@corp.test"),
           Signer(home, kid=kid).token(), Signer(home).token()]
    for one in bad:
        got = userinfo(authority, one)
        assert got.status == 401 and got.json()["error"] == "invalid_token", one
        assert got.headers["WWW-Authenticate"] == 'Bearer realm="home", error="invalid_token"'
    got = userinfo(authority, "a b")
    assert got.status == 400 and "invalid_request" in got.headers["WWW-Authenticate"]


def test_scope_openid_is_needed(authority):
    for token in (own_token(authority),
                  authority.token("home", "alice@home.test", None, "--scope", "mail.read")):
        got = userinfo(authority, token)
        assert got.status == 403 and got.json()["error"] == "insufficient_scope"
        assert got.headers["WWW-Authenticate"] == (
            'Bearer realm="home", error="insufficient_scope", scope="openid"')


def test_person_or_app_is_gone(authority, token):
    for what in (("users", "username", "alice@home.test"), ("clients", "id", "demo")):
        with disabled(authority, *what):
            assert userinfo(authority, token).status == 401
            inactive(introspect(authority, token))
        assert userinfo(authority, token).status == 200


def test_no_other_method(authority):
    assert http("PUT", authority.meta["userinfo_endpoint"], b"").status == 405
    assert http("OPTIONS", authority.meta["userinfo_endpoint"]).status == 405
    assert http("GET", authority.meta["introspection_endpoint"]).status == 405


# --- introspection ---

def test_a_token_of_the_clients_audience(authority, token):
    got = introspect(authority, token, token_type_hint="access_token")
    assert got.status == 200 and got.headers["Cache-Control"] == "no-store"
    said, claims = got.json(), claims_of(token)
    assert said["active"] is True and said["token_type"] == "Bearer"
    for name in ("iss", "sub", "aud", "exp", "iat", "jti", "scope", "client_id", "username"):
        assert said[name] == claims[name], name
    assert introspect(authority, own_token(authority)).json()["sub"] == "bench"


def test_only_what_is_the_clients_business(authority):
    api = next(a for a in authority.dev["audiences"] if a["name"] == "api")
    token = authority.token("home", "alice@home.test", None, "--resource", api["resource"])
    inactive(introspect(authority, token))
    secret = authority.run("client", "add", "--realm", "home", "--id", "api-server", "--scope",
                           "mail.read", "--audience", "api").strip()
    said = introspect(authority, token, {"Authorization": basic("api-server", secret)}).json()
    assert said["active"] is True and "username" not in said


def test_nothing_is_said_of_others(authority, token):
    for one in ("x", changed(token), authority.token("corp", "carol@corp.test"),
                Signer(authority.home["issuer"]).token()):
        inactive(introspect(authority, one))


def test_who_may_ask(authority, token):
    for headers in ({}, {"Authorization": basic("bench", "wrong")},
                    {"Authorization": "Bearer " + token}):
        got = introspect(authority, token, headers)
        assert got.status == 401 and got.json()["error"] == "invalid_client"
        assert got.headers["WWW-Authenticate"].startswith("Basic ")
    assert introspect(authority, token, {}, client_id="demo").status == 401
    got = http("POST", authority.meta["introspection_endpoint"], b"", {**FORM, **BENCH})
    assert got.status == 400 and got.json()["error"] == "invalid_request"


def test_metadata_lists_both(authority):
    assert authority.meta["userinfo_endpoint"] == authority.home["issuer"] + "/userinfo"
    assert authority.meta["introspection_endpoint"] == authority.home["issuer"] + "/introspect"
    assert "none" not in authority.meta["introspection_endpoint_auth_methods_supported"]


def test_after_a_new_key(authority, token):
    """The signer's next generation says one more key; what the old one signed is good."""
    before = http("GET", authority.home["jwks_uri"]).json()["keys"]
    authority.run("key", "add", "--realm", "home")
    assert len(http("GET", authority.home["jwks_uri"]).json()["keys"]) > len(before)
    assert userinfo(authority, token).status == 200
    assert introspect(authority, token).json()["active"] is True
