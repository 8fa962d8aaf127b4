"""Clients that nobody here wrote: Apache's mod_auth_openidc in a real Apache, and curl by hand,
each through the whole of its flow."""
import hashlib
import html
import http.cookiejar
import json
import os
import pathlib
import re
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import pytest

from apache_server import Apache
from chancery import authority_of, b64, claims_of, free_port, http as ask
from test_device import GRANT, decided
from test_refresh import client_add

ALICE = "alice@home.test"
SECRET = "a secret of sixteen bytes or more"
SCOPE = "openid profile email offline_access mail.read"


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="ch-foreign.") as path:
        os.chmod(path, 0o711)
        yield pathlib.Path(path)


@pytest.fixture(scope="module")
def authority(folder):
    with authority_of("foreign") as a:
        (folder / "secret").write_text(SECRET)
        client_add(a, "curl", "--public", scopes=SCOPE,
                   grants=("authorization_code", "refresh_token", "device_code"))
        yield a


@pytest.fixture(scope="module")
def home(authority):
    issuer = authority.dev["realms"]["home"]["issuer"]
    return ask("GET", issuer + "/.well-known/openid-configuration").json()


# --- a browser that follows redirects, with a jar of cookies ---

class Person:
    def __init__(self, authority, username=ALICE):
        self.username, self.password = username, authority.user(username)["password"]
        self.forms = []
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.opener.addheaders = [("Accept", "text/html"), ("Accept-Language", "en")]

    def open(self, url, fields=None):
        body = urllib.parse.urlencode(fields).encode() if fields else None
        try:
            r = self.opener.open(url, body, timeout=60)
        except urllib.error.HTTPError as e:
            r = e
        with r:
            self.status, self.url, self.headers = r.status, r.url, r.headers
            self.text = r.read().decode()
        return self

    def go(self, url):
        """Opens it, and fills in what stands in between."""
        self.open(url)
        for _ in range(3):
            form = re.search(r'<form [^>]*action="([^"]*)".*?</form>', self.text, re.S)
            if not form:
                return self
            fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"',
                                     form.group(0)))
            fields = {name: html.unescape(value) for name, value in fields.items()}
            asks = "password" if 'name="password"' in form.group(0) else "consent"
            self.forms.append(asks)
            fields.update({"username": self.username, "password": self.password}
                          if asks == "password" else {"act": "allow"})
            self.open(urllib.parse.urljoin(self.url, html.unescape(form.group(1))), fields)
        return self


# --- Apache ---

@pytest.fixture(scope="module", params=["client_secret_basic", "client_secret_post"])
def apache(request, folder, authority, home):
    a = Apache(folder / request.param, home["issuer"], SECRET, request.param)
    client_id = "apache"
    authority.run("client", "remove", "--realm", "home", "--id", client_id)
    authority.run("client", "add", "--realm", "home", "--id", client_id, "--redirect",
                  a.url + "/inside/redirect", "--audience", "api", "--auth", request.param,
                  "--secret-file", str(folder / "secret"), "--scope", "openid", "--scope", "profile",
                  "--scope", "email", "--logout-redirect", a.url + "/bye")
    with a:
        yield a


def test_apache_lets_a_person_in(authority, apache):
    """Code with PKCE, state and nonce, the ID token's signature by our JWKS, and userinfo."""
    person = Person(authority).go(apache.url + "/inside/page")
    assert person.status == 200 and person.text == "what is inside\n", (person.text, apache.log())
    assert person.url == apache.url + "/inside/page"
    assert person.headers["X-User"] == authority.user(ALICE)["sub"]
    assert (person.headers["X-Name"], person.headers["X-Email"]) == ("Alice Home", ALICE)
    assert person.forms[0] == "password"
    # whoever is signed in here gets in there without typing anything
    del person.forms[:]
    apache_cookie = [c for c in person.opener.handlers if hasattr(c, "cookiejar")][0].cookiejar
    for cookie in list(apache_cookie):
        if "mod_auth_openidc" in cookie.name:
            apache_cookie.clear(cookie.domain, cookie.path, cookie.name)
    assert person.go(apache.url + "/inside/page").status == 200
    assert person.forms == []


def test_apache_keeps_others_out(authority, apache):
    assert ask("GET", apache.url + "/inside/page").status == 401  # of no browser
    answer = ask("GET", apache.url + "/inside/page", headers={"Accept": "text/html"})
    assert answer.status == 302
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(answer.headers["Location"]).query))
    assert query["code_challenge_method"] == "S256" and query["nonce"] and query["state"]
    # an answer that nobody asked for
    for bad in ("code=x&state=y", "error=access_denied&state=y"):
        assert ask("GET", f"{apache.url}/inside/redirect?{bad}").status >= 400


def test_apache_signs_out(authority, apache, home):
    """RP-initiated logout with the ID token as its hint: no question, and nobody is signed in."""
    person = Person(authority).go(apache.url + "/inside/page")
    assert person.text == "what is inside\n"
    person.open(f"{apache.url}/inside/redirect?logout=" + urllib.parse.quote(apache.url + "/bye"))
    assert person.url == apache.url + "/bye", (person.url, person.text)
    person.open(apache.url + "/inside/page")
    assert person.url.startswith(home["issuer"]) and 'name="password"' in person.text


# --- curl ---

def curl(*args, given="", status=None):
    r = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "60", "-K", "-",
                        "-w", "\n%{http_code} %{redirect_url}", *args],
                       input=given, capture_output=True, text=True, timeout=120)
    assert r.returncode == 0, r.stderr
    body, _, said = r.stdout.rpartition("\n")
    code, _, where = said.partition(" ")
    assert status is None or int(code) == status, (code, body)
    return (json.loads(body) if body.startswith("{") else body), where


def form(**fields):
    return [x for name, value in fields.items() for x in ("--data-urlencode", f"{name}={value}")]


def test_curl_as_itself(authority, home):
    secret = authority.client("home", "bench")["client_secret"]
    tokens, _ = curl(*form(grant_type="client_credentials"), home["token_endpoint"],
                     given=f'user = "bench:{secret}"\n', status=200)
    assert tokens["token_type"] == "Bearer" and claims_of(tokens["access_token"])["sub"] == "bench"


def test_curl_by_hand(authority, home, tmp_path):
    """A code, the tokens for it, who it is, and a refresh."""
    jar = ["-b", str(tmp_path / "jar"), "-c", str(tmp_path / "jar")]
    verifier = b64(os.urandom(32))
    callback = f"http://127.0.0.1:{free_port()}/callback"
    page, where = curl(*jar, "-G", *form(
        response_type="code", client_id="curl", redirect_uri=callback, scope=SCOPE, state="s",
        code_challenge=b64(hashlib.sha256(verifier.encode()).digest()),
        code_challenge_method="S256"), home["authorization_endpoint"], status=200)
    for _ in range(2):
        fields = {name: html.unescape(value) for name, value in re.findall(
            r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)}
        fields.update({"username": ALICE, "password": authority.user(ALICE)["password"]}
                      if 'name="password"' in page else {"act": "allow"})
        page, where = curl(*jar, *form(**fields), home["authorization_endpoint"])
        if where:
            break
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(where).query))
    assert where.startswith(callback) and answer["state"] == "s" and answer["iss"] == home["issuer"]
    tokens, _ = curl(*form(grant_type="authorization_code", code=answer["code"], client_id="curl",
                           redirect_uri=callback, code_verifier=verifier), home["token_endpoint"],
                     status=200)
    who, _ = curl(home["userinfo_endpoint"], status=200,
                  given=f'oauth2-bearer = "{tokens["access_token"]}"\n')
    assert who["sub"] == authority.user(ALICE)["sub"] and who["email"] == ALICE
    fresh, _ = curl(*form(grant_type="refresh_token", refresh_token=tokens["refresh_token"],
                          client_id="curl"), home["token_endpoint"], status=200)
    assert fresh["refresh_token"] != tokens["refresh_token"]


def test_curl_on_a_device(authority, home):
    device, _ = curl(*form(client_id="curl", scope="openid mail.read"),
                     home["device_authorization_endpoint"], status=200)
    fields = form(grant_type=GRANT, device_code=device["device_code"], client_id="curl")
    waits, _ = curl(*fields, home["token_endpoint"], status=400)
    assert waits["error"] == "authorization_pending"
    decided(authority, device)
    tokens, _ = curl(*fields, home["token_endpoint"], status=200)
    assert claims_of(tokens["access_token"])["client_id"] == "curl"
