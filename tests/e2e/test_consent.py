"""Consent: asked once for what an application wants, again for more, never for another's
request; and what a person sees is text, whatever anybody wrote into it."""
import pytest

from chancery import authority_of, basic
from people import Browser
from test_issuer import redeem
from test_refresh import client_add
from test_sessions import ALICE, identity, sign_in, visit

HTTPS = "https://app.example/callback"
SCOPE = "openid profile offline_access mail.read mail.send"


@pytest.fixture(scope="module")
def authority():
    with authority_of("consent") as a:
        secret = a.dir / "a-client-secret"
        secret.write_text("a secret of sixteen bytes or more\n")
        for name, more in (("web", ["--name", "Web & Mail", "--home", "https://app.example/about"]),
                           ("web2", []), ("ours", ["--consent", "none"])):
            client_add(a, name, "--redirect", HTTPS, "--secret-file", str(secret), *more)
        client_add(a, "native", "--public", "--name", "Native <b>app</b>")
        yield a


@pytest.fixture(scope="module")
def home(authority):
    return authority.dev["realms"]["home"]


@pytest.fixture
def user(authority):
    """Somebody who has agreed to nothing yet."""
    user.n = getattr(user, "n", 0) + 1
    name = f"u{user.n}@home.test"
    authority.run("user", "add", "--realm", "home", "--username", name, "--password-file", "-",
                  given="the word\n")
    b = Browser()
    b.name = name
    return b


def ask(browser, home, client_id="web", redirect_uri=HTTPS, **changed):
    page = visit(browser, home, client_id=client_id, redirect_uri=redirect_uri, **changed)
    if page.status == 200 and 'type="password"' in page.text:
        page = browser.submit(page, username=browser.name, password="the word")
    return page


def is_consent(page):
    return page.status == 200 and 'name="act" value="allow"' in page.text


def test_asked_once(home, user):
    page = ask(user, home, scope="openid mail.read")
    assert is_consent(page)
    for text in ("Web &amp; Mail", "Read your mail", 'href="https://app.example/about"',
                 'href="/home/account"', user.name, "app.example"):
        assert text in page.text
    assert "Send mail" not in page.text
    base, answer = user.submit(page, act="allow").back()
    assert base == HTTPS and answer["code"] and answer["state"] == "s 1"
    assert "code" in ask(user, home, scope="openid mail.read").back()[1]
    assert "code" in ask(user, home, scope="mail.read").back()[1]
    assert "code" in ask(user, home, scope="openid", prompt="none").back()[1]


def test_asked_again_for_more(home, user):
    user.submit(ask(user, home, scope="openid mail.read"), act="allow")
    page = ask(user, home, scope="openid mail.read mail.send")
    assert is_consent(page) and "Send mail" in page.text
    refused = ask(user, home, scope="openid mail.send", prompt="none").back()[1]
    assert refused["error"] == "consent_required"
    user.submit(page, act="allow")
    # all that was agreed to so far
    assert "code" in ask(user, home, scope="mail.read mail.send openid").back()[1]
    assert is_consent(ask(user, home, scope=SCOPE))
    # of this application alone
    assert is_consent(ask(user, home, client_id="web2", scope="openid"))


def test_denied(home, user):
    page = ask(user, home, scope="openid")
    answer = user.submit(page, act="deny").back()[1]
    assert answer["error"] == "access_denied" and answer["state"] == "s 1" and "code" not in answer
    assert is_consent(ask(user, home, scope="openid"))
    none = ask(user, home, scope="openid", prompt="none").back()[1]
    assert none["error"] == "consent_required"


def test_prompt_consent(home, user):
    user.submit(ask(user, home, scope="openid"), act="allow")
    page = ask(user, home, scope="openid", prompt="consent")
    assert is_consent(page)
    assert "code" in user.submit(page, act="allow").back()[1]
    page = visit(user, home, client_id="web", redirect_uri=HTTPS, prompt="login consent",
                 scope="openid")
    assert 'type="password"' in page.text
    page = user.submit(page, username=user.name, password="the word")
    assert is_consent(page)
    assert "code" in user.submit(page, act="allow").back()[1]


def test_offline_access_is_agreed_to(authority, home, user):
    page = ask(user, home, scope="openid offline_access")
    assert "while you are away" in page.text
    code = user.submit(page, act="allow").back()[1]["code"]
    said = redeem(home, code, {"Authorization": basic("web", "a secret of sixteen bytes or more")},
                  client_id=None, redirect_uri=HTTPS).json()
    assert said["refresh_token"] and said["id_token"]


def test_our_own_is_not_asked_for(home, user):
    assert "code" in ask(user, home, client_id="ours", scope=SCOPE).back()[1]
    assert "code" in ask(user, home, client_id="ours", scope=SCOPE, prompt="none").back()[1]
    assert is_consent(ask(user, home, client_id="ours", scope=SCOPE, prompt="consent"))


def test_an_app_that_anybody_could_be(home, user):
    """RFC 8252 section 8.6: without an https redirect nothing goes out unseen."""
    uri = "http://127.0.0.1:4711/callback"
    page = ask(user, home, client_id="native", redirect_uri=uri, scope="openid")
    assert is_consent(page) and "Native &lt;b&gt;app" in page.text and "127.0.0.1" in page.text
    user.submit(page, act="allow")
    assert is_consent(ask(user, home, client_id="native", redirect_uri=uri, scope="openid"))
    none = ask(user, home, client_id="native", redirect_uri=uri, scope="openid", prompt="none")
    assert none.back()[1]["error"] == "interaction_required"


def test_choose_an_account(authority, home, user):
    user.submit(ask(user, home, scope="openid"), act="allow")
    page = ask(user, home, scope="openid", prompt="select_account")
    assert page.status == 200 and user.name in page.text and 'value="continue"' in page.text
    assert "code" in user.submit(page, act="continue").back()[1]
    form = user.submit(page, act="other")
    assert form.status == 200 and 'type="password"' in form.text
    page = user.submit(form, username=ALICE, password=authority.user(ALICE)["password"])
    assert is_consent(page) and ALICE in page.text


@pytest.mark.parametrize("changed", [
    {"csrf": None}, {"csrf": ""}, {"csrf": "0" * 80}, {"scope": "openid mail.read mail.send"},
    {"client_id": "web2"}, {"state": "another"}, {"redirect_uri": "http://127.0.0.1/callback"},
    {"nonce": "n"}, {"code_challenge": "A" * 43}])
def test_nobody_else_agrees(home, user, changed):
    page = ask(user, home, scope="openid mail.read")
    answer = user.submit(page, act="allow", **changed)
    assert answer.status == 403 and "Location" not in answer.headers
    assert 'name="act" value="allow"' in answer.text and "open for too long" in answer.text
    # nothing was remembered by it
    assert is_consent(ask(user, home, scope="openid"))


def test_another_sessions_token(authority, home, user):
    page = ask(user, home, scope="openid")
    mallory = Browser()
    sign_in(authority, mallory, "bob@home.test")
    answer = mallory.submit(page, act="allow")
    assert answer.status == 403
    nobody = Browser()
    assert 'type="password"' in nobody.submit(page, act="allow").text
    # the token of the sign-in's form is none for consent, nor the chooser's
    chooser = ask(user, home, scope="openid", prompt="select_account")
    assert user.submit(chooser, act="allow").status == 403


def test_an_id_token_as_a_hint(authority, home, user):
    alice = Browser()
    sign_in(authority, alice)
    hers = visit(alice, home).back()[1]["code"]
    token = redeem(home, hers).json()["id_token"]
    assert "code" in visit(alice, home, id_token_hint=token, prompt="none").back()[1]
    user.submit(ask(user, home, scope="openid"), act="allow")
    other = ask(user, home, scope="openid", id_token_hint=token, prompt="none").back()[1]
    assert other["error"] == "login_required"
    # who signs in as somebody else than the one who is asked for is told so
    page = ask(user, home, scope="openid", id_token_hint=token)
    assert page.back()[1]["error"] == "login_required"
    head, payload, signature = token.split(".")
    for bad in ("x", token + "x", f"{head}.{payload}.", f"{head}.{payload}.{signature[:-4]}AAAA",
                "..", f"{head}.{payload[:-3]}.{signature}"):
        assert visit(alice, home, id_token_hint=bad).back()[1]["error"] == "invalid_request"
    access = redeem(home, visit(alice, home).back()[1]["code"]).json()["access_token"]
    assert visit(alice, home, id_token_hint=access).back()[1]["error"] == "invalid_request"
    assert identity(home, visit(alice, home))["sub"] == authority.user(ALICE)["sub"]
