"""The issuer over HTTP, as clients and attackers see it: discovery, keys, tokens, logins,
and every way to be refused."""
import concurrent.futures
import hashlib
import html
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import time
import urllib.parse

import pytest
from jwcrypto import jwk, jws

from chancery import authority_of, b64, basic, http as ask, wait_for

CALLBACK = "http://127.0.0.1:4711/callback"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
VERIFIER = "v" * 43
CHALLENGE = b64(hashlib.sha256(VERIFIER.encode()).digest())


@pytest.fixture(scope="module")
def authority():
    with authority_of("issuer") as a:
        yield a


@pytest.fixture(scope="module")
def home(authority):
    return authority.dev["realms"]["home"]


def post(url, fields, headers=None):
    body = fields if isinstance(fields, bytes) else urllib.parse.urlencode(fields).encode()
    return ask("POST", url, body, {**FORM, **(headers or {})})


def request(**changed):
    q = {"response_type": "code", "client_id": "demo", "redirect_uri": CALLBACK, "state": "s 1",
         "nonce": "n-1", "scope": "openid profile email mail.read", "code_challenge": CHALLENGE,
         "code_challenge_method": "S256"}
    q.update(changed)
    return {k: v for k, v in q.items() if v is not None}


def login_page(realm, **changed):
    return ask("GET", realm["authorization_endpoint"] + "?"
               + urllib.parse.urlencode(request(**changed)))


def hidden(page):
    return {name: html.unescape(value) for name, value in re.findall(
        r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.body.decode())}


def login(authority, realm="home", username="alice@home.test", password=None, change=None,
          cookie=True, **changed):
    """Drives the form; change: fields to alter after the page was shown."""
    ends = authority.dev["realms"][realm]
    page = login_page(ends, **changed)
    assert page.status == 200, page.body
    fields = hidden(page)
    fields["username"] = username
    fields["password"] = password or authority.user(username)["password"]
    fields.update(change or {})
    headers = {"Cookie": page.headers["Set-Cookie"].split(";")[0]} if cookie else {}
    answer = post(ends["authorization_endpoint"], fields, headers)
    if answer.status == 200 and b'value="allow"' in answer.body:  # the app is not the realm's own
        headers = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
        answer = post(ends["authorization_endpoint"], {**hidden(answer), "act": "allow"}, headers)
    return answer


def answer_of(redirect):
    assert redirect.status == 303, redirect.body
    url = urllib.parse.urlparse(redirect.headers["Location"])
    return url, dict(urllib.parse.parse_qsl(url.query))


def code_for(authority, **changed):
    return answer_of(login(authority, **changed))[1]["code"]


def redeem(realm, code, headers=None, **changed):
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
              "client_id": "demo", "code_verifier": VERIFIER}
    fields.update(changed)
    return post(realm["token_endpoint"], {k: v for k, v in fields.items() if v is not None},
                headers)


def claims_of(realm, token, typ):
    keys = jwk.JWKSet.from_json(ask("GET", realm["jwks_uri"]).body.decode())
    signed = jws.JWS()
    signed.deserialize(token)
    header = signed.jose_header if isinstance(signed.jose_header, dict) else json.loads(
        signed.jose_header)
    assert header["typ"] == typ and header["alg"] == "ES256"
    signed.verify(keys.get_key(header["kid"]))
    return json.loads(signed.payload)


def refused(answer, status, error):
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.json()["error"] == error, answer.body
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


# --- discovery and keys ---

def test_metadata(authority):
    for name in ("home", "corp"):
        ends = authority.dev["realms"][name]
        oidc = ask("GET", ends["issuer"] + "/.well-known/openid-configuration")
        oauth = ask("GET", f"{authority.dev['base']}/.well-known/oauth-authorization-server/{name}")
        assert oidc.status == oauth.status == 200
        assert oidc.body == oauth.body
        m = oidc.json()
        for field in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"):
            assert m[field] == ends[field]
        assert m["code_challenge_methods_supported"] == ["S256"]
        assert m["response_types_supported"] == ["code"]
        assert m["id_token_signing_alg_values_supported"] == ["ES256"]
        assert m["authorization_response_iss_parameter_supported"] is True
        for absent in ("registration_endpoint",):
            assert absent not in m


def test_staff_issues_nothing(authority):
    staff = authority.dev["realms"]["staff"]
    m = ask("GET", staff["issuer"] + "/.well-known/openid-configuration").json()
    assert m["jwks_uri"] == staff["jwks_uri"]
    assert "token_endpoint" not in m and "authorization_endpoint" not in m
    assert len(ask("GET", staff["jwks_uri"]).json()["keys"]) >= 1
    assert post(staff["issuer"] + "/token", {}).status == 404
    assert ask("GET", staff["issuer"] + "/authorize").status == 404
    # its realm is its own process: home is not there
    assert ask("GET", staff["issuer"].replace("/staff", "/home/jwks")).status == 404


def test_jwks_and_its_etag(home):
    first = ask("GET", home["jwks_uri"])
    keys = first.json()["keys"]
    assert keys and all(k["alg"] == "ES256" and k["use"] == "sig" and "d" not in k for k in keys)
    assert re.match(r"public, max-age=\d+$", first.headers["Cache-Control"])
    etag = first.headers["ETag"]
    assert etag.startswith('"')
    for match in (etag, "W/" + etag, '"x", ' + etag, "*"):
        again = ask("GET", home["jwks_uri"], headers={"If-None-Match": match})
        assert again.status == 304 and again.body == b""
    assert ask("GET", home["jwks_uri"], headers={"If-None-Match": '"other"'}).status == 200


# --- client credentials ---

def test_client_credentials(authority, home):
    secret = {"Authorization": basic("bench", "bench-secret")}
    r = post(home["token_endpoint"], {"grant_type": "client_credentials"}, secret)
    assert r.status == 200, r.body
    assert r.headers["Cache-Control"] == "no-store"
    body = r.json()
    assert body["token_type"] == "Bearer" and body["scope"] == "mail.read"
    c = claims_of(home, body["access_token"], "at+jwt")
    assert c["iss"] == home["issuer"] and c["aud"] == "mail" and c["client_id"] == "bench"
    assert c["sub"] == "bench" and c["username"] == "alice@home.test"
    assert c["exp"] - c["iat"] == body["expires_in"]
    assert "auth_time" not in c
    # every token is another one
    again = post(home["token_endpoint"], {"grant_type": "client_credentials"}, secret).json()
    assert claims_of(home, again["access_token"], "at+jwt")["jti"] != c["jti"]


@pytest.mark.parametrize("fields,headers,status,error", [
    ({"grant_type": "client_credentials"}, {}, 401, "invalid_client"),
    ({"grant_type": "client_credentials"}, {"Authorization": basic("bench", "wrong")}, 401,
     "invalid_client"),
    ({"grant_type": "client_credentials"}, {"Authorization": basic("nobody", "bench-secret")}, 401,
     "invalid_client"),
    ({"grant_type": "client_credentials"}, {"Authorization": basic("demo", "")}, 401,
     "invalid_client"),
    ({"grant_type": "client_credentials"}, {"Authorization": "Bearer x"}, 401, "invalid_client"),
    ({"grant_type": "client_credentials"}, {"Authorization": "Basic !!"}, 401, "invalid_client"),
    ({"grant_type": "client_credentials", "client_id": "bench", "client_secret": "bench-secret"},
     {}, 401, "invalid_client"),
    ({"grant_type": "client_credentials", "client_id": "bench"}, {}, 401, "invalid_client"),
    ({"grant_type": "client_credentials", "client_id": "demo"},
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_request"),
    ({"grant_type": "client_credentials", "client_secret": "bench-secret"},
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_request"),
    ({}, {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_request"),
    ({"grant_type": "password", "username": "a", "password": "b"},
     {"Authorization": basic("bench", "bench-secret")}, 400, "unsupported_grant_type"),
    ({"grant_type": "refresh_token"}, {"Authorization": basic("bench", "bench-secret")}, 400,
     "unauthorized_client"),
    ({"grant_type": "authorization_code", "code": "x"},
     {"Authorization": basic("bench", "bench-secret")}, 400, "unauthorized_client"),
    ({"grant_type": "client_credentials", "client_id": "demo"}, {}, 400, "unauthorized_client"),
    ({"grant_type": "client_credentials", "scope": "mail.send"},
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_scope"),
    ({"grant_type": "client_credentials", "scope": "mail.read\" x"},
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_scope"),
    ({"grant_type": "client_credentials", "resource": "https://elsewhere.example"},
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_target"),
    ({"grant_type": "client_credentials", "resource": "mail"},
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_target"),
    (b"grant_type=client_credentials&grant_type=client_credentials",
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_request"),
    (b"grant_type=client_credentials&scope=%zz",
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_request"),
    (b"grant_type=client_credentials&scope=%00",
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_request"),
    (b"grant_type=client_credentials&scope=%ff",
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_request"),
    (b"&".join(b"f%d=x" % i for i in range(40)),
     {"Authorization": basic("bench", "bench-secret")}, 400, "invalid_request"),
    ({"grant_type": "client_credentials"},
     {"Authorization": basic("bench", "bench-secret"), "Content-Type": "application/json"}, 400,
     "invalid_request"),
])
def test_token_refusals(home, fields, headers, status, error):
    refused(post(home["token_endpoint"], fields, headers), status, error)


def test_another_realms_client(authority):
    corp = authority.dev["realms"]["corp"]
    refused(post(corp["token_endpoint"], {"grant_type": "client_credentials"},
                 {"Authorization": basic("bench", "bench-secret")}), 401, "invalid_client")


def test_query_is_no_form(home):
    r = post(home["token_endpoint"] + "?grant_type=client_credentials", {},
             {"Authorization": basic("bench", "bench-secret")})
    refused(r, 400, "invalid_request")


def test_resource(home, authority):
    mail = next(a for a in authority.dev["audiences"] if a["name"] == "mail")
    r = post(home["token_endpoint"],
             {"grant_type": "client_credentials", "resource": mail["resource"]},
             {"Authorization": basic("bench", "bench-secret")})
    assert claims_of(home, r.json()["access_token"], "at+jwt")["aud"] == "mail"


# --- code with PKCE ---

def test_code_flow(authority, home):
    before = int(time.time())
    url, answer = answer_of(login(authority))
    assert url.netloc == "127.0.0.1:4711" and url.path == "/callback"
    assert answer["state"] == "s 1" and answer["iss"] == home["issuer"]
    assert len(answer["code"]) == 43
    body = redeem(home, answer["code"]).json()
    access = claims_of(home, body["access_token"], "at+jwt")
    alice = authority.user("alice@home.test")
    assert access["sub"] == alice["sub"] and access["aud"] == "mail"
    assert access["username"] == "alice@home.test" and access["client_id"] == "demo"
    assert before <= access["auth_time"] <= int(time.time())
    identity = claims_of(home, body["id_token"], "JWT")
    assert identity["sub"] == alice["sub"] and identity["aud"] == "demo"
    assert identity["azp"] == "demo" and identity["nonce"] == "n-1"
    assert identity["amr"] == ["pwd"] and identity["auth_time"] == access["auth_time"]
    assert identity["preferred_username"] == "alice@home.test" and identity["name"]
    assert "username" not in identity and "scope" not in identity


def test_no_id_token_without_openid(authority, home):
    code = code_for(authority, scope="mail.read", nonce=None)
    body = redeem(home, code).json()
    assert "id_token" not in body and body["scope"] == "mail.read"


def test_api_token_has_no_mailbox(authority, home):
    api = next(a for a in authority.dev["audiences"] if a["name"] == "api")
    code = code_for(authority, resource=api["resource"])
    r = redeem(home, code, resource="https://mail.example")
    refused(r, 400, "invalid_target")
    code = code_for(authority, resource=api["resource"])
    c = claims_of(home, redeem(home, code, resource=api["resource"]).json()["access_token"],
                  "at+jwt")
    assert c["aud"] == "api" and "username" not in c


def test_username_in_any_case(authority, home):
    password = authority.user("alice@home.test")["password"]
    code = answer_of(login(authority, username="ALICE@Home.Test", password=password))[1]["code"]
    assert redeem(home, code).status == 200


def test_code_is_for_one_use(authority, home):
    code = code_for(authority)
    assert redeem(home, code).status == 200
    refused(redeem(home, code), 400, "invalid_grant")


def test_code_race(authority, home):
    for _ in range(5):
        code = code_for(authority)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _, c=code: redeem(home, c).status, range(8)))
        assert sorted(answers) == [200] + [400] * 7


@pytest.mark.parametrize("changed", [
    {"code_verifier": None}, {"code_verifier": "w" * 43}, {"code_verifier": "v" * 42},
    {"code_verifier": CHALLENGE}, {"redirect_uri": None},
    {"redirect_uri": "http://127.0.0.1:4712/callback"}, {"redirect_uri": CALLBACK + "?x=1"},
])
def test_code_must_fit(authority, home, changed):
    code = code_for(authority)
    refused(redeem(home, code, **changed), 400, "invalid_grant")
    # a failed try spends the code
    refused(redeem(home, code), 400, "invalid_grant")


def test_code_of_another_realm(authority):
    corp = authority.dev["realms"]["corp"]
    refused(redeem(corp, code_for(authority)), 400, "invalid_grant")
    refused(redeem(corp, "A" * 43), 400, "invalid_grant")
    refused(redeem(corp, None), 400, "invalid_request")


def test_user_of_another_realm(authority):
    r = login(authority, username="carol@corp.test")
    assert r.status == 401


# --- the authorization request ---

@pytest.mark.parametrize("changed,error", [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge": CHALLENGE[:-1] + "="}, "invalid_request"),
    ({"scope": "openid root"}, "invalid_scope"),
    ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ({"prompt": "none"}, "login_required"),
    ({"request": "eyJ"}, "request_not_supported"),
    ({"request_uri": "https://x.example/r"}, "request_uri_not_supported"),
    ({"response_mode": "form_post"}, "invalid_request"),
    ({"nonce": "n" * 600}, "invalid_request"),
])
def test_errors_go_to_the_client(home, changed, error):
    r = login_page(home, **changed)
    url, answer = answer_of(r)
    assert f"{url.scheme}://{url.netloc}{url.path}" == CALLBACK
    assert answer["error"] == error and answer["iss"] == home["issuer"]
    assert answer["state"] == "s 1" and "code" not in answer


@pytest.mark.parametrize("changed", [
    {"client_id": None}, {"client_id": "nobody"}, {"client_id": "bench"}, {"redirect_uri": None},
    {"redirect_uri": "https://evil.example/callback"},
    {"redirect_uri": "http://127.0.0.1/callback/"}, {"redirect_uri": "http://127.0.0.1/Callback"},
    {"redirect_uri": "http://127.0.0.1/callback?x=1"},
    {"redirect_uri": "http://127.0.0.1/callback#x"},
    {"redirect_uri": "http://127.0.0.1/callback/../evil"},
    {"redirect_uri": "http://127.0.0.1%2fcallback"},
    {"redirect_uri": "http://localhost/callback"}, {"redirect_uri": "https://127.0.0.1/callback"},
    {"redirect_uri": "http://127.0.0.1.evil.example/callback"},
    {"redirect_uri": "http://127.0.0.1@evil.example/callback"},
    {"redirect_uri": "http://127.0.0.1:80@evil.example/callback"},
    {"redirect_uri": "http://127.0.0.1:x/callback"},
    {"redirect_uri": "http://127.0.0.1:99999999/callback"},
    {"redirect_uri": "//evil.example/callback"}, {"redirect_uri": "javascript:alert(1)"},
    {"redirect_uri": "http://127.0.0.1/callback\r\nX-Evil: 1"},
    {"redirect_uri": "http://127.0.0.1/callback http://evil.example/"},
])
def test_no_redirect_before_it_is_trusted(home, changed):
    r = login_page(home, **changed)
    assert r.status == 400 and "Location" not in r.headers and "X-Evil" not in r.headers
    assert r.headers["Content-Type"].startswith("text/html")
    assert b"evil" not in r.body and b"<script" not in r.body
    assert "default-src 'none'" in r.headers["Content-Security-Policy"]


def test_parameter_twice(home):
    url = home["authorization_endpoint"] + "?" + urllib.parse.urlencode(request())
    r = ask("GET", url + "&redirect_uri=" + urllib.parse.quote(CALLBACK))
    assert r.status == 400 and "Location" not in r.headers


def test_any_loopback_port(authority, home):
    for uri in ("http://127.0.0.1:1/callback", "http://127.0.0.1/callback",
                "http://127.0.0.1:65535/callback"):
        code = code_for(authority, redirect_uri=uri)
        assert redeem(home, code, redirect_uri=uri).status == 200


def test_state_is_given_back_whole(authority):
    state = "a&b=c\r\nX: y%00\"<>'é+ "
    r = login(authority, state=state)
    assert "X" not in r.headers
    assert answer_of(r)[1]["state"] == state


def test_no_state_no_state(authority):
    assert "state" not in answer_of(login(authority, state=None))[1]


# --- the login form ---

def test_login_page(home):
    r = login_page(home, state="\"><script>alert(1)</script>")
    assert r.status == 200
    policy = r.headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'",
                 "form-action 'self' http://127.0.0.1:4711"):
        assert part in policy
    assert "unsafe" not in policy and "script-src" not in policy
    assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert r.headers["Referrer-Policy"] == "no-referrer"
    assert r.headers["Cache-Control"] == "no-store"
    cookie = r.headers["Set-Cookie"]
    assert cookie.startswith("chancery-form.home=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax")
    assert b"<script" not in r.body
    assert b"home" in r.body and b"demo" in r.body
    for part in (b'<label for="username">', b'<label for="password">', b'autocomplete="username"',
                 b'autocomplete="current-password"', b"autofocus", b'lang="en"'):
        assert part in r.body


def test_wrong_password(authority):
    wrong = login(authority, password="not it")
    unknown = login(authority, username="nobody@home.test", password="not it")
    for r in (wrong, unknown):
        assert r.status == 401 and "Location" not in r.headers
        assert b"Username or password is wrong." in r.body and b"not it" not in r.body
    assert hidden(wrong)["state"] == "s 1"


def test_unknown_user_costs_the_same(authority):
    def cpu_ns():
        """Of the hashers: what else the machine does is not in it."""
        return sum(int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])
                   for pid in authority.read_dev()["pids"]["hasher"])

    def took(username):
        costs = []
        for _ in range(5):
            before = cpu_ns()
            login(authority, username=username, password="not it")
            costs.append(cpu_ns() - before)
        return statistics.median(costs)
    known, unknown = took("alice@home.test"), took("nobody@home.test")
    assert known > 1e6, "hashers that do nothing tell nothing"
    assert 0.5 < known / unknown < 2, (known, unknown)


def test_empty_fields(authority):
    assert login(authority, change={"password": ""}).status == 401
    assert login(authority, change={"username": ""}).status == 401
    assert login(authority, change={"password": "x" * 2000}).status == 401


@pytest.mark.parametrize("change", [
    {"csrf": ""}, {"csrf": "0" * 64}, {"state": "other"}, {"redirect_uri": "http://127.0.0.1:1/callback"},
    {"scope": "mail.read"}, {"nonce": "other"}, {"code_challenge": "A" * 43},
])
def test_csrf_covers_the_request(authority, change):
    r = login(authority, change=change)
    assert r.status == 403 and "Location" not in r.headers
    assert b"sign" in r.body and b'type="password"' in r.body


def test_csrf_needs_the_cookie(authority, home):
    assert login(authority, cookie=False).status == 403
    # somebody else's page and cookie
    page, other = login_page(home), login_page(home)
    fields = hidden(page) | {"username": "alice@home.test",
                             "password": authority.user("alice@home.test")["password"]}
    r = post(home["authorization_endpoint"], fields,
             {"Cookie": other.headers["Set-Cookie"].split(";")[0]})
    assert r.status == 403
    # and of another realm
    corp = authority.dev["realms"]["corp"]
    r = post(corp["authorization_endpoint"], fields,
             {"Cookie": page.headers["Set-Cookie"].split(";")[0]})
    assert r.status == 403


def test_posted_redirect_is_judged_anew(authority):
    r = login(authority, change={"redirect_uri": "https://evil.example/"})
    assert r.status == 400 and "Location" not in r.headers
    r = login(authority, change={"client_id": "nobody"})
    assert r.status == 400


def test_second_tab_works(authority, home):
    """Two pages with one cookie: both forms can be posted."""
    first = login_page(home, state="one")
    cookie = {"Cookie": first.headers["Set-Cookie"].split(";")[0]}
    second = ask("GET", home["authorization_endpoint"] + "?"
                 + urllib.parse.urlencode(request(state="two")), headers=cookie)
    assert "Set-Cookie" not in second.headers
    for page, state in ((first, "one"), (second, "two")):
        fields = hidden(page) | {"username": "alice@home.test",
                                 "password": authority.user("alice@home.test")["password"]}
        r = post(home["authorization_endpoint"], fields, cookie)
        assert answer_of(r)[1]["state"] == state


def test_too_many_logins(authority, home):
    """The hasher's queue is short: who comes too late is told when to come again."""
    hasher = authority.read_dev()["pids"]["hasher"][0]
    os.kill(hasher, signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            running = [pool.submit(login, authority, username=f"nobody{i}@home.test",
                                   password="not it") for i in range(40)]
            late = next(concurrent.futures.as_completed(running, timeout=10)).result()
            assert late.status == 503, "nobody else can have an answer yet"
            os.kill(hasher, signal.SIGCONT)
            answers = [f.result() for f in running]
    finally:
        os.kill(hasher, signal.SIGCONT)
    assert {r.status for r in answers} == {401, 503}
    assert all(int(r.headers["Retry-After"]) > 0 for r in answers if r.status == 503)
    assert login(authority).status == 303


@pytest.mark.parametrize("username", ["Guessed@home.test", "whoever@home.test"])
def test_guessing_is_slowed_down(authority, home, username):
    """For a name that nobody has as well, and for no other name."""
    if username.startswith("G"):
        authority.run("user", "add", "--realm", "home", "--username", username,
                      "--password-file", "-", given="the right one\n")
        assert login(authority, username=username, password="the right one").status == 303
    answers = [login(authority, username=username, password=f"guess {i}") for i in range(12)]
    assert [r.status for r in answers] == [401] * 10 + [429] * 2
    assert 25 <= int(answers[-1].headers["Retry-After"]) <= 30
    assert b"Too many wrong passwords" in answers[-1].body and b"guess" not in answers[-1].body
    r = login(authority, username=username.lower(), password="the right one")
    assert r.status == 429 and "Location" not in r.headers
    assert login(authority).status == 303


# --- HTTP itself ---

def raw(authority, data, wait=60):
    port = urllib.parse.urlparse(authority.dev["base"]).port
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        s.settimeout(wait)
        got = b""
        try:
            for part in data if isinstance(data, list) else [data]:
                s.sendall(part)
                time.sleep(0.02 if isinstance(data, list) else 0)
            while True:
                more = s.recv(65536)
                if not more:
                    return got
                got += more
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            return got


def test_wrong_method(home):
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD"):
        r = ask(method, home["token_endpoint"])
        assert r.status == 405 and r.headers["Allow"] == "POST"
    r = ask("DELETE", home["authorization_endpoint"])
    assert r.status == 405 and r.headers["Allow"] == "GET, HEAD, POST"
    r = ask("POST", home["jwks_uri"], b"")
    assert r.status == 405 and r.headers["Allow"] == "GET, HEAD"
    assert ask("HEAD", home["jwks_uri"]).status == 200


def test_unknown_paths(authority):
    base = authority.dev["base"]
    for path in ("/", "/home", "/home/", "/home/token/", "/home//token", "/home/../home/token",
                 "/HOME/token", "/home/%74oken", "/.well-known/openid-configuration",
                 "/.well-known/oauth-authorization-server", "/home/introspect/", "/home/userinfo/"):
        assert ask("GET", base + path).status == 404, path


def test_large_requests(authority, home):
    big = post(home["token_endpoint"], b"a=" + b"x" * 20000)
    assert big.status == 413
    assert post(home["token_endpoint"], b"a=" + b"x" * 400000).status == 413
    assert raw(authority, b"GET /" + b"a" * 30000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")[9:12] == b"414"
    assert raw(authority, b"GET /home/jwks HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 30000
               + b"\r\n\r\n")[9:12] == b"431"
    assert raw(authority, b"POST /home/token HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
               )[9:12] == b"413"


@pytest.mark.parametrize("data", [
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", b"\r\n\r\n", b"GET\r\n\r\n",
    b"GET /home/jwks HTTP/1.1\r\n\r\n",
    b"POST /home/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /home/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
    b"POST /home/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /home/jwks HTTP/1.1\r\nHost: x\r\nA\x00b: c\r\n\r\n",
])
def test_malformed_http(authority, home, data):
    got = raw(authority, data, 1)
    assert got == b"" or got[9:10] == b"4", got
    assert ask("GET", home["jwks_uri"]).status == 200


def test_slow_request(authority, home):
    """A request that drips in is served, and nobody waits for it."""
    body = b"grant_type=client_credentials"
    head = (b"POST /home/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
            + basic("bench", "bench-secret").encode()
            + b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
            + str(len(body)).encode() + b"\r\n\r\n")
    parts = [head[i:i + 40] for i in range(0, len(head), 40)] + [body[:5], body[5:]]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(raw, authority, parts)
        for _ in range(5):
            assert ask("GET", home["jwks_uri"]).status == 200
        assert slow.result()[9:12] == b"200"


def test_client_goes_away(authority, home):
    """Connections cut in the middle of a request leave nothing behind."""
    port = urllib.parse.urlparse(authority.dev["base"]).port
    text = (b"POST /home/token HTTP/1.1\r\nHost: x\r\nAuthorization: "
            + basic("bench", "bench-secret").encode()
            + b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\n"
              b"grant_type=client_credentials")
    for cut in list(range(1, len(text), 7)) + [len(text)] * 40:
        with socket.create_connection(("127.0.0.1", port), 60) as s:
            s.sendall(text[:cut])
    assert ask("GET", home["jwks_uri"]).status == 200


def test_many_idle_connections(authority, home):
    port = urllib.parse.urlparse(authority.dev["base"]).port
    idle = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(300)]
    assert ask("GET", home["jwks_uri"]).status == 200
    for s in idle:
        s.close()


def test_pipelined_and_keep_alive(authority):
    one = b"GET /home/jwks HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /home/jwks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert raw(authority, one * 4 + last).count(b"HTTP/1.1 200 OK") == 5


def test_log_has_no_secret(authority, home):
    code = code_for(authority)
    token = redeem(home, code).json()["access_token"]
    login(authority, password="a-wrong-password")
    log = authority.log_text()
    alice = authority.user("alice@home.test")
    for secret in (code, token, token.split(".")[2], alice["password"], "a-wrong-password",
                   "bench-secret"):
        assert secret not in log


# --- when a signer dies ---

def test_signer_dies_under_load(authority, home):
    """Each answer is a whole good token or a 503; after a moment all are good again."""
    url = urllib.parse.urlparse(home["token_endpoint"])
    headers = {**FORM, "Authorization": basic("bench", "bench-secret")}
    begun = time.monotonic()
    dev = authority.read_dev()
    came = []

    def client(_):
        """For four seconds, and on a slow machine until there is something to look at."""
        seen = []
        while (took := time.monotonic() - begun) < 4 or len(came) < 100 and took < 60:
            c = http.client.HTTPConnection(url.hostname, url.port, timeout=120)
            c.request("POST", url.path, "grant_type=client_credentials", headers)
            r = c.getresponse()
            body = r.read()
            seen.append((r.status, body, r.headers["Retry-After"]))
            if r.status == 200:
                came.append(1)
            c.close()
        return seen

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(client, i) for i in range(8)]
        time.sleep(1)
        for pid in dev["pids"]["signer"]:
            os.kill(pid, 11)
        answers = [a for f in running for a in f.result()]
    good = [json.loads(b)["access_token"] for status, b, _ in answers if status == 200]
    assert {status for status, _, _ in answers} <= {200, 503}
    assert all(retry for status, _, retry in answers if status == 503)
    assert len(good) > 50
    for token in good[-20:] + good[:20]:
        assert claims_of(home, token, "at+jwt")["client_id"] == "bench"
    wait_for(lambda: post(home["token_endpoint"], {"grant_type": "client_credentials"},
                          {"Authorization": basic("bench", "bench-secret")}).status == 200,
             what="signing again")
