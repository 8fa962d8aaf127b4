"""A person's own page, and signing out: what it shows, what each button ends, and that no link
of somebody else's presses one."""
import re
import urllib.parse

import pytest

from chancery import authority_of, basic, http as ask_raw
from people import Browser
from test_issuer import redeem
from test_refresh import client_add, refresh
from test_sessions import ALICE, sign_in, store, visit

HTTPS = "https://app.example/callback"
OUT = "https://app.example/signed-out"
SECRET = "a secret of sixteen bytes or more"
EVIL = '"><script>alert(1)</script>\'&'


@pytest.fixture(scope="module")
def authority():
    with authority_of("account") as a:
        secret = a.dir / "a-client-secret"
        secret.write_text(SECRET + "\n")
        client_add(a, "web", "--redirect", HTTPS, "--secret-file", str(secret), "--name", EVIL,
                   "--logout-redirect", OUT)
        client_add(a, "w" * 128, "--redirect", HTTPS, "--secret-file", str(secret), "--name",
                   "é" * 64)
        yield a


@pytest.fixture(scope="module")
def home(authority):
    return authority.dev["realms"]["home"]


@pytest.fixture
def user(authority):
    user.n = getattr(user, "n", 0) + 1
    b = another(f"a{user.n}@home.test")
    authority.run("user", "add", "--realm", "home", "--username", b.name, "--password-file", "-",
                  given="the word\n")
    return b


def another(name, agent="Mozilla/5.0 (X11; Linux) Firefox/128.0"):
    b = Browser(agent=agent)
    b.name = name
    return b


def account(browser, home):
    page = browser.get(home["issuer"] + "/account")
    if 'type="password"' in page.text:
        page = browser.submit(page, username=browser.name, password="the word")
        assert page.back()[0] == home["issuer"] + "/account"
        page = browser.get(home["issuer"] + "/account")
    assert page.status == 200, page.text
    return page


def let_in(browser, home, client_id="web", scope="openid offline_access mail.read"):
    page = visit(browser, home, client_id=client_id, redirect_uri=HTTPS, scope=scope)
    if page.status == 200 and 'type="password"' in page.text:
        page = browser.submit(page, username=browser.name, password="the word")
    if page.status == 200:
        page = browser.submit(page, act="allow")
    return redeem(home, page.back()[1]["code"], {"Authorization": basic(client_id, SECRET)},
                  client_id=None, redirect_uri=HTTPS).json()


def sids(page):
    return re.findall(r'name="end" value="([^"]*)"', page.text)


def test_sessions(authority, home, user):
    page = account(user, home)
    assert page.text.count("this browser") == 1 and not sids(page)
    other = another(user.name, "Mozilla/5.0 (iPhone) FxiOS/120")
    third = another(user.name, EVIL)
    for b in (other, third):
        account(b, home)
    page = account(user, home)
    assert "Firefox, iPhone" in page.text and "Unknown browser" in page.text
    assert "<script" not in page.text and len(sids(page)) == 2
    phone = page.text.split("Firefox, iPhone")[1].split('name="end" value="')[1].split('"')[0]
    assert user.submit(page, 1, end=phone).back()[0] == home["issuer"] + "/account"
    assert 'type="password"' in other.get(home["issuer"] + "/account").text
    assert "this browser" in account(third, home).text
    account(other, home)
    user.submit(account(user, home), 1, others="1")
    for b in (other, third):
        assert 'type="password"' in b.get(home["issuer"] + "/account").text
    assert not sids(account(user, home))


def test_apps(authority, home, user):
    assert "No application" in account(user, home).text
    tokens = let_in(user, home)
    wide = let_in(user, home, "w" * 128, "openid mail.send")
    page = account(user, home)
    assert "Read your mail" in page.text and "Send mail" in page.text
    assert "<script" not in page.text and "&lt;script&gt;" in page.text and "é" * 64 in page.text
    assert page.text.count('name="forget"') == 2
    again = refresh(home, tokens["refresh_token"], None, {"Authorization": basic("web", SECRET)})
    assert again.status == 200
    user.submit(page, 2, forget="web")
    page = account(user, home)
    assert page.text.count('name="forget"') == 1 and "Read your mail" not in page.text
    dead = refresh(home, again.json()["refresh_token"], None,
                   {"Authorization": basic("web", SECRET)})
    assert dead.status == 400 and dead.json()["error"] == "invalid_grant"
    # and it is asked for again
    page = visit(user, home, client_id="web", redirect_uri=HTTPS, scope="openid")
    assert page.status == 200 and 'value="allow"' in page.text
    assert wide["access_token"]


def test_nobody_elses(authority, home, user):
    """What a form names is looked for among one's own."""
    alice = Browser()
    sign_in(authority, alice)
    sid = store(authority, "SELECT sid FROM sessions WHERE sub = ?",
                authority.user(ALICE)["sub"])[0][0]
    page = account(user, home)
    user.submit(page, 1, end=sid)
    user.post(page.action(1), {**page.fields(1), "forget": "web"})
    assert "code" in visit(alice, home, prompt="none").back()[1]


@pytest.mark.parametrize("changed", [{"csrf": None}, {"csrf": "0" * 80}, {"csrf": "x"}])
def test_acts_need_their_token(home, user, changed):
    tokens = let_in(user, home)
    other = another(user.name)
    account(other, home)
    page = account(user, home)
    for act in ({"others": "1"}, {"forget": "web"}, {"end": sids(page)[0]}):
        r = user.submit(page, 1, **act, **changed)
        assert r.status == 403 and "open for too long" in r.text
        # the token of another form, and one of another session
        for token in (page.fields(0)["csrf"], account(other, home).fields(1)["csrf"]):
            assert user.submit(page, 1, **act, csrf=token).status == 403
    assert len(sids(account(user, home))) == 1
    assert refresh(home, tokens["refresh_token"], None,
                   {"Authorization": basic("web", SECRET)}).status == 200


def test_account_without_a_session(home):
    page = Browser().get(home["issuer"] + "/account")
    assert page.status == 200 and page.fields()["then"] == "/home/account"
    assert "form-action 'self';" in page.headers["Content-Security-Policy"] + ";"
    assert Browser().post(home["issuer"] + "/account", {"others": "1"}).status == 200


# --- signing out ---

def logout(home, browser, method="get", **fields):
    return getattr(browser, method)(home["issuer"] + "/logout", **(
        fields if method == "get" else {"fields": fields}))


def test_our_own_button(home, user):
    page = account(user, home)
    value = user.jar["chancery.home"]
    out = user.submit(page, 0)
    assert out.status == 200 and "You are signed out" in out.text
    assert "chancery.home" not in user.jar
    # who kept the cookie has nothing
    user.jar["chancery.home"] = value
    assert 'type="password"' in user.get(home["issuer"] + "/account").text


def test_with_an_id_token(home, user):
    tokens = let_in(user, home, scope="openid mail.read")
    base, answer = logout(home, user, id_token_hint=tokens["id_token"], state="s & 2",
                          post_logout_redirect_uri=OUT).back()
    assert base == OUT and answer == {"state": "s & 2"}
    assert "chancery.home" not in user.jar
    assert visit(user, home, prompt="none").back()[1]["error"] == "login_required"
    # a second time it is as well
    assert logout(home, user, id_token_hint=tokens["id_token"],
                  post_logout_redirect_uri=OUT).back()[0] == OUT


def test_a_form_of_another_site(authority, home, user):
    """It brings no cookie: the ID token says which session."""
    tokens = let_in(user, home)
    stranger = Browser()
    r = logout(home, stranger, "post", id_token_hint=tokens["id_token"],
               post_logout_redirect_uri=OUT)
    assert r.back()[0] == OUT
    assert visit(user, home, prompt="none").back()[1]["error"] == "login_required"
    # what is to outlive the session does
    assert refresh(home, tokens["refresh_token"], None,
                   {"Authorization": basic("web", SECRET)}).status == 200


def test_a_link_is_a_question(home, user):
    account(user, home)
    for fields in ({}, {"client_id": "web"}, {"id_token_hint": "junk"},
                   {"client_id": "web", "post_logout_redirect_uri": OUT, "state": EVIL},
                   {"client_id": "nobody", "post_logout_redirect_uri": OUT}):
        page = logout(home, user, **fields)
        assert page.status == 200 and "Do you want to sign out" in page.text, fields
        assert "<script" not in page.text and "chancery.home" in user.jar
    assert "this browser" in account(user, home).text
    page = logout(home, user, client_id="web", post_logout_redirect_uri=OUT, state=EVIL)
    assert "form-action 'self' https://app.example" in page.headers["Content-Security-Policy"]
    assert user.submit(page, csrf="0" * 80).status == 403
    assert user.submit(page, state="another").status == 403
    base, answer = user.submit(page).back()
    assert base == OUT and answer == {"state": EVIL}
    assert "chancery.home" not in user.jar


def test_somebody_elses_id_token_is_a_question(authority, home, user):
    account(user, home)
    alice = Browser()
    sign_in(authority, alice)
    token = redeem(home, visit(alice, home).back()[1]["code"]).json()["id_token"]
    page = logout(home, user, id_token_hint=token)
    assert "Do you want to sign out" in page.text
    assert "code" in visit(alice, home, prompt="none").back()[1]
    assert "this browser" in account(user, home).text


@pytest.mark.parametrize("uri", ["https://evil.example/", HTTPS, OUT + "/", OUT + "?x=1",
                                 OUT + "#x", "//app.example/signed-out", "javascript:alert(1)",
                                 OUT.replace("https", "http"), OUT + " https://evil.example"])
def test_no_redirect_that_is_not_registered(home, user, uri):
    tokens = let_in(user, home, scope="openid mail.read")
    page = logout(home, user, id_token_hint=tokens["id_token"], post_logout_redirect_uri=uri)
    assert page.status == 200 and "Location" not in page.headers and "evil" not in page.text
    assert "You are signed out" in page.text and "chancery.home" not in user.jar


def test_what_contradicts_itself(home, user):
    tokens = let_in(user, home, scope="openid mail.read")
    r = logout(home, user, id_token_hint=tokens["id_token"], client_id="demo")
    assert r.status == 400 and "chancery.home" in user.jar
    assert logout(home, user, state="s" * 2000).status == 400
    assert ask_raw("GET", home["issuer"] + "/logout?state=1&state=2").status == 400


def test_tokens_of_the_session_end_with_it(authority, home, user):
    """Without offline_access, that is: the grant is revoked."""
    let_in(user, home, scope="openid mail.read")
    kept = let_in(user, home, scope="openid offline_access mail.read")
    sub = store(authority, "SELECT sub FROM users WHERE username = ?", user.name)[0][0]
    user.submit(account(user, home), 0)
    rows = store(authority, "SELECT seq, revoked FROM grants WHERE sub = ? ORDER BY seq", sub)
    assert rows == [(0, 1), (1, 0)]
    assert refresh(home, kept["refresh_token"], None,
                   {"Authorization": basic("web", SECRET)}).status == 200


def test_the_metadata_names_it(home):
    m = ask_raw("GET", home["issuer"] + "/.well-known/openid-configuration").json()
    assert m["end_session_endpoint"] == home["issuer"] + "/logout"
    assert urllib.parse.urlparse(m["end_session_endpoint"]).path == "/home/logout"
