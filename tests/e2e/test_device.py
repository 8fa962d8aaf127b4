"""Devices without a browser (RFC 8628): what they are told while they wait, what they get when a
person has answered, and every way to get nothing."""
import concurrent.futures
import re

import pytest

from chancery import authority_of, basic, claims_of, http as ask
from proofs import Prover
from test_issuer import FORM, post, refused
from test_refresh import client_add, kill_issuer, refresh, store

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "openid offline_access mail.read"


@pytest.fixture(scope="module")
def authority():
    with authority_of("device") as a:
        client_add(a, "tv", "--public", grants=("device_code", "refresh_token"))
        client_add(a, "once", "--public", grants=("device_code",))
        yield a


@pytest.fixture(scope="module")
def home(authority):
    return metadata(authority, "home")


def metadata(authority, realm):
    issuer = authority.dev["realms"][realm]["issuer"]
    return ask("GET", issuer + "/.well-known/openid-configuration").json()


def begin(home, client_id="tv", headers=None, **more):
    fields = {"client_id": client_id, "scope": SCOPE, **more}
    return post(home["device_authorization_endpoint"],
                {k: v for k, v in fields.items() if v is not None}, headers)


def begun(home, client_id="tv", **more):
    answer = begin(home, client_id, **more)
    assert answer.status == 200, answer.body
    return answer.json()


def poll(home, code, client_id="tv", headers=None, **more):
    fields = {"grant_type": GRANT, "device_code": code, "client_id": client_id, **more}
    return post(home["token_endpoint"], {k: v for k, v in fields.items() if v is not None}, headers)


def decided(authority, device, state=1, username="alice@home.test", **more):
    """As the page leaves it."""
    sub = authority.user(username)["sub"]
    store(authority, "UPDATE devices SET state = ?, sub = ?, auth_time = 1700000000"
          " WHERE user_code = ?", state, sub, device["user_code"].replace("-", ""))


# --- the beginning ---

def test_what_a_device_is_told(authority, home):
    assert GRANT in home["grant_types_supported"]
    answer = begin(home)
    assert answer.status == 200 and answer.headers["Cache-Control"] == "no-store"
    device = answer.json()
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", device["user_code"])
    assert len(device["device_code"]) == 43
    assert device["verification_uri"] == home["issuer"] + "/device"
    assert device["verification_uri_complete"] == \
        f"{home['issuer']}/device?user_code={device['user_code']}"
    assert (device["expires_in"], device["interval"]) == (600, 5)
    again = begun(home)
    assert again["user_code"] != device["user_code"]
    # the device code is nowhere in the store
    rows = store(authority, "SELECT * FROM devices")
    assert device["device_code"] not in repr(rows) and device["user_code"].replace("-", "") in repr(rows)
    assert device["device_code"] not in authority.log_text()


def test_who_may_not_begin(authority, home):
    refused(begin(home, "nobody"), 401, "invalid_client")
    refused(begin(home, None), 401, "invalid_client")
    refused(begin(home, "bench", {"Authorization": basic("bench", "wrong")}), 401, "invalid_client")
    bench = authority.client("home", "bench")
    refused(begin(home, None, {"Authorization": basic("bench", bench["client_secret"])}, scope=None),
            400, "unauthorized_client")
    refused(begin(home, scope="openid admin"), 400, "invalid_scope")
    refused(begin(home, resource="https://elsewhere.example"), 400, "invalid_target")
    refused(post(home["device_authorization_endpoint"], b"client_id=tv&client_id=tv"), 400,
            "invalid_request")
    refused(ask("POST", home["device_authorization_endpoint"], b"client_id=tv",
                {"Content-Type": "application/json"}), 400, "invalid_request")
    assert ask("GET", home["device_authorization_endpoint"]).status == 405
    authority.run("client", "disable", "--realm", "home", "--id", "once")
    refused(begin(home, "once"), 401, "invalid_client")
    authority.run("client", "enable", "--realm", "home", "--id", "once")


def test_a_client_may_have_so_many_alone(authority, home):
    client_add(authority, "many", "--public", grants=("device_code",))
    store(authority, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)"
          " INSERT INTO devices(hash, user_code, realm, client_id, scope, audience, expires)"
          " SELECT randomblob(32), 'x' || i, 'home', 'many', '', 'mail', 4000000000 FROM n")
    begun(home, "many")
    answer = begin(home, "many")
    refused(answer, 503, "temporarily_unavailable")
    assert answer.headers["Retry-After"]
    begun(home, "tv")
    store(authority, "DELETE FROM devices WHERE client_id = 'many'")


# --- waiting ---

def test_pending_and_slow_down(home):
    device = begun(home)
    refused(poll(home, device["device_code"]), 400, "authorization_pending")
    # what comes at once is too soon, each time; what another device does is its own
    for _ in range(3):
        refused(poll(home, device["device_code"]), 400, "slow_down")
    refused(poll(home, begun(home)["device_code"]), 400, "authorization_pending")


def test_what_is_no_device_code(home):
    device = begun(home)
    refused(poll(home, "x" * 43), 400, "invalid_grant")
    refused(poll(home, device["user_code"]), 400, "invalid_grant")
    refused(poll(home, None), 400, "invalid_request")
    refused(poll(home, device["device_code"], "once"), 400, "invalid_grant")
    refused(poll(home, device["device_code"], "nobody"), 401, "invalid_client")
    refused(poll(home, device["device_code"], "tv", grant_type="device_code"), 400,
            "unsupported_grant_type")
    # nobody has spoiled it
    refused(poll(home, device["device_code"]), 400, "authorization_pending")


def test_a_client_of_another_grant(authority, home):
    device = begun(home)
    bench = authority.client("home", "bench")
    refused(poll(home, device["device_code"], None,
                 {"Authorization": basic("bench", bench["client_secret"])}), 400,
            "unauthorized_client")


def test_the_other_realm(authority, home):
    device = begun(home, "demo", scope="openid")
    corp = metadata(authority, "corp")
    decided(authority, device)
    refused(poll(corp, device["device_code"], "demo"), 400, "invalid_grant")
    assert poll(home, device["device_code"], "demo").status == 200


# --- an answer ---

def test_allowed(authority, home):
    device = begun(home)
    decided(authority, device)
    answer = poll(home, device["device_code"])
    assert answer.status == 200 and answer.headers["Cache-Control"] == "no-store"
    tokens = answer.json()
    claims, sub = claims_of(tokens["access_token"]), authority.user("alice@home.test")["sub"]
    assert claims["sub"] == sub and claims["aud"] == "mail" and claims["client_id"] == "tv"
    assert claims["scope"] == tokens["scope"] == SCOPE
    assert claims["username"] == "alice@home.test" and claims["auth_time"] == 1700000000
    person = claims_of(tokens["id_token"])
    assert person["sub"] == sub and person["aud"] == "tv" and "nonce" not in person
    assert refresh(home, tokens["refresh_token"], "tv").status == 200


def test_a_device_with_a_key(authority, home):
    """What it gets is bound to the key of its proof (RFC 9449), the refresh token as well."""
    device, key, url = begun(home), Prover(), home["token_endpoint"]
    refused(poll(home, device["device_code"], headers={"DPoP": key.proof(url)}), 400,
            "authorization_pending")
    decided(authority, device)
    refused(poll(home, device["device_code"], headers={"DPoP": key.proof(url, htm="GET")}), 400,
            "invalid_dpop_proof")
    tokens = poll(home, device["device_code"], headers={"DPoP": key.proof(url)}).json()
    assert tokens["token_type"] == "DPoP"
    assert claims_of(tokens["access_token"])["cnf"] == {"jkt": key.jkt}
    refused(refresh(home, tokens["refresh_token"], "tv"), 400, "invalid_grant")
    again = refresh(home, tokens["refresh_token"], "tv", {"DPoP": key.proof(url)})
    assert again.status == 200 and again.json()["token_type"] == "DPoP"


def test_no_refresh_token_without_its_grant(authority, home):
    device = begun(home, "once")
    decided(authority, device)
    tokens = poll(home, device["device_code"], "once").json()
    assert "refresh_token" not in tokens and tokens["scope"] == "openid mail.read"


def test_once(authority, home):
    """What was given for a device code ends when it is shown again."""
    device = begun(home)
    decided(authority, device)
    tokens = poll(home, device["device_code"]).json()
    refused(poll(home, device["device_code"]), 400, "invalid_grant")
    refused(refresh(home, tokens["refresh_token"], "tv"), 400, "invalid_grant")


def test_at_once(authority, home):
    """However many ask at the same time, at most one gets something."""
    device = begun(home)
    decided(authority, device)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: poll(home, device["device_code"]), range(8)))
    assert sorted(a.status for a in answers) == [200] + 7 * [400]
    assert {a.json()["error"] for a in answers if a.status == 400} == {"invalid_grant"}


def test_denied(authority, home):
    device = begun(home)
    decided(authority, device, state=2)
    for _ in range(2):
        refused(poll(home, device["device_code"]), 400, "access_denied")


@pytest.mark.parametrize("answered", [False, True])
def test_expired(authority, home, answered):
    device = begun(home)
    if answered:
        decided(authority, device)
    store(authority, "UPDATE devices SET expires = expires - 601 WHERE user_code = ?",
          device["user_code"].replace("-", ""))
    refused(poll(home, device["device_code"]), 400, "expired_token")
    begun(home)  # purges what is long past
    refused(poll(home, device["device_code"]), 400, "expired_token")
    store(authority, "UPDATE devices SET expires = expires - 60 WHERE user_code = ?",
          device["user_code"].replace("-", ""))
    begun(home)
    refused(poll(home, device["device_code"]), 400, "invalid_grant")


def test_another_resource(authority, home):
    device = begun(home)
    decided(authority, device)
    refused(poll(home, device["device_code"], resource="https://elsewhere.example"), 400,
            "invalid_target")
    assert poll(home, device["device_code"]).status == 200


def test_a_person_who_is_shut_out(authority, home):
    device = begun(home)
    decided(authority, device, username="bob@home.test")
    authority.run("user", "disable", "--realm", "home", "--username", "bob@home.test")
    assert poll(home, device["device_code"]).json()["error"] == "invalid_grant"
    authority.run("user", "enable", "--realm", "home", "--username", "bob@home.test")
    assert poll(home, device["device_code"]).json()["error"] == "invalid_grant"


def test_an_issuer_that_dies(authority, home):
    waiting, allowed, spent = begun(home), begun(home), begun(home)
    decided(authority, allowed)
    decided(authority, spent)
    tokens = poll(home, spent["device_code"]).json()
    kill_issuer(authority)
    refused(poll(home, waiting["device_code"]), 400, "authorization_pending")
    assert poll(home, allowed["device_code"]).status == 200
    assert refresh(home, tokens["refresh_token"], "tv").status == 200
    refused(poll(home, spent["device_code"]), 400, "invalid_grant")


def test_a_body_that_is_no_form(home):
    assert ask("POST", home["device_authorization_endpoint"], b"\xff=%", FORM).status == 400
