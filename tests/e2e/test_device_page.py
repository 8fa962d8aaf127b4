"""The page of a device's login: a person signs in, sees who asks for what, and says yes or no; what
forged forms, wrong codes, links of others and second answers come to."""
import re
import subprocess

import pytest

from chancery import PROGRAM, authority_of, claims_of
from people import Browser
from test_device import SCOPE, begun, metadata, poll
from test_issuer import refused
from test_monitor import gained
from test_refresh import client_add, refresh, store

ALICE, BOB = "alice@home.test", "bob@home.test"


@pytest.fixture(scope="module")
def authority():
    with authority_of("device-page") as a:
        client_add(a, "tv", "--public", grants=("device_code", "refresh_token"))
        yield a


@pytest.fixture(scope="module")
def home(authority):
    return metadata(authority, "home")


def signed_in(authority, home, username=ALICE, password=None, **more):
    """A browser of somebody, and the page that he came to."""
    browser = Browser(**more)
    page = browser.get(home["issuer"] + "/device")
    page = browser.submit(page, username=username,
                          password=password or authority.user(username)["password"])
    where, _ = page.back()
    return browser, browser.get(where)


@pytest.fixture(scope="module")
def alice(authority, home):
    return signed_in(authority, home)[0]


def page_of(browser, home, device):
    page = browser.get(device["verification_uri_complete"])
    assert page.status == 200, page.text
    return page


# --- the way of a person ---

def test_a_code_that_is_typed(authority, home):
    device = begun(home)
    browser, page = signed_in(authority, home)
    assert page.status == 200 and 'name="user_code"' in page.text
    page = browser.submit(page, user_code=device["user_code"].lower().replace("-", " "))
    assert page.status == 200 and device["user_code"] in page.text and "<b>tv</b>" in page.text
    refused(poll(home, device["device_code"]), 400, "authorization_pending")
    page = browser.submit(page, act="allow")
    assert page.status == 200 and "connected" in page.text and "<form" not in page.text
    tokens = poll(home, device["device_code"])
    assert tokens.status == 200, tokens.body
    claims = claims_of(tokens.json()["access_token"])
    assert claims["sub"] == authority.user(ALICE)["sub"] and claims["scope"] == SCOPE
    assert refresh(home, tokens.json()["refresh_token"], "tv").status == 200


def test_a_link_with_the_code(authority, home):
    """Who must sign in first comes back to it; it is asked all the same."""
    device, browser = begun(home, scope="openid"), Browser()
    page = browser.get(device["verification_uri_complete"])
    page = browser.submit(page, username=ALICE, password=authority.user(ALICE)["password"])
    where, query = page.back()
    assert where == device["verification_uri"] and query == {"user_code": device["user_code"]}
    page = browser.get(where, **query)
    assert "somebody sent you this link" in page.text and device["user_code"] in page.text
    refused(poll(home, device["device_code"]), 400, "authorization_pending")
    assert browser.submit(page, act="deny").status == 200
    refused(poll(home, device["device_code"]), 400, "access_denied")


def test_what_is_allowed_is_seen(alice, home):
    page = page_of(alice, home, begun(home, scope="openid mail.read"))
    assert page.text.count("<li>") == 2
    assert page.headers["Cache-Control"] == "no-store" and page.headers["X-Frame-Options"] == "DENY"
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text


def test_it_speaks_french(authority, home):
    browser, page = signed_in(authority, home, language="fr")
    assert '<html lang="fr">' in page.text and "Connecter un appareil" in page.text
    page = page_of(browser, home, begun(home))
    assert "Si quelqu" in page.text and "Autoriser" in page.text


def test_the_command_line_and_a_person(authority, alice, home):
    """`chancery token --device`, all of it; the five seconds are its interval."""
    process = subprocess.Popen(
        [PROGRAM, "token", "--issuer", home["issuer"], "--client", "tv", "--device"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = ""
    while "Ctrl-C" not in said:
        said += process.stderr.readline()
    link = re.search(r"  (\S+\?user_code=\S+)\n", said).group(1)
    alice.submit(alice.get(link), act="allow")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert claims_of(out.strip())["sub"] == authority.user(ALICE)["sub"]


def test_it_can_be_taken_back(authority, alice, home):
    """It stands on the account page; what it had ends with it."""
    client_add(authority, "radio", "--public", "--name", "Radio of the kitchen",
               grants=("device_code", "refresh_token"))
    device = begun(home, "radio")
    page = page_of(alice, home, device)
    assert "<b>Radio of the kitchen</b>" in page.text
    alice.submit(page, act="allow")
    tokens = poll(home, device["device_code"], "radio").json()
    account = alice.get(home["issuer"] + "/account")
    assert "Radio of the kitchen" in account.text
    number = next(i for i, form in enumerate(account.forms()) if 'value="radio"' in form)
    alice.submit(account, number, forget="radio")
    refused(refresh(home, tokens["refresh_token"], "radio"), 400, "invalid_grant")


# --- what is not to be ---

def test_a_get_decides_nothing(alice, home):
    device = begun(home)
    for act in ("allow", "deny"):
        alice.get(device["verification_uri"], user_code=device["user_code"], act=act)
    refused(poll(home, device["device_code"]), 400, "authorization_pending")


@pytest.mark.parametrize("change", [
    {"csrf": None}, {"csrf": "0" * 80}, {"csrf": ""}])
def test_a_form_that_is_not_ours(alice, home, change):
    device = begun(home)
    page = page_of(alice, home, device)
    assert alice.submit(page, act="allow", **change).status == 403
    refused(poll(home, device["device_code"]), 400, "authorization_pending")


def test_a_form_of_something_else(authority, alice, home):
    """A form is for one browser, one act and one code."""
    device, other = begun(home), begun(home)
    page, entry = page_of(alice, home, device), alice.get(home["issuer"] + "/device")
    for fields in ({**page.fields(), "user_code": other["user_code"], "act": "allow"},
                   {**entry.fields(), "user_code": other["user_code"], "act": "allow"}):
        assert alice.post(page.action(), fields).status == 403
    bob = signed_in(authority, home, BOB)[0]
    assert bob.post(page.action(), {**page.fields(), "act": "allow"}).status == 403
    for one in (device, other):
        refused(poll(home, one["device_code"]), 400, "authorization_pending")


def test_nobody_is_signed_in(home, alice):
    """A form without a session leads to the sign-in, and to the page from there."""
    device = begun(home)
    page = page_of(alice, home, device)
    answer = Browser().post(page.action(), {**page.fields(), "act": "allow"})
    assert answer.status == 200 and 'name="password"' in answer.text
    assert answer.fields()["then"] == f"/home/device?user_code={device['user_code']}"
    refused(poll(home, device["device_code"]), 400, "authorization_pending")


def test_the_first_answer_stands(authority, alice, home):
    device, bob = begun(home), signed_in(authority, home, BOB)[0]
    hers, his = page_of(alice, home, device), page_of(bob, home, device)
    assert alice.submit(hers, act="deny").status == 200
    assert bob.submit(his, act="allow").status == 404
    assert alice.submit(hers, act="allow").status == 404
    refused(poll(home, device["device_code"]), 400, "access_denied")


def test_a_code_that_is_too_old(authority, alice, home):
    device = begun(home)
    page = page_of(alice, home, device)
    store(authority, "UPDATE devices SET expires = expires - 601 WHERE user_code = ?",
          device["user_code"].replace("-", ""))
    assert alice.submit(page, act="allow").status == 404
    assert alice.get(device["verification_uri_complete"]).status == 404
    refused(poll(home, device["device_code"]), 400, "expired_token")


def test_an_app_that_is_gone(authority, alice, home):
    client_add(authority, "gone", "--public", grants=("device_code",))
    device = begun(home, "gone")
    page = page_of(alice, home, device)
    authority.run("client", "disable", "--realm", "home", "--id", "gone")
    assert alice.submit(page, act="allow").status == 404


def test_a_code_of_another_realm(authority, alice, home):
    device = begun(metadata(authority, "corp"), "demo", scope="openid")
    assert alice.get(home["issuer"] + "/device", user_code=device["user_code"]).status == 404


def test_what_is_no_code_is_shown_as_text(alice, home):
    page = alice.get(home["issuer"] + "/device", user_code='"><b>x')
    assert page.status == 404 and "<b>x" not in page.text
    # nor does it get into the way back from a sign-in
    page = Browser().get(home["issuer"] + "/device", user_code="//evil.example")
    assert page.fields()["then"] == "/home/device"
    assert alice.get(home["issuer"] + "/device?user_code=%FF").status == 400


def test_guessing_is_bounded(authority, home):
    """Ten wrong codes, then one each half minute; a right one in between makes up for none. Others
    are not kept waiting."""
    authority.run("user", "add", "--realm", "home", "--username", "dan@home.test",
                  "--password-file", "-", given="a long password of Dan\n")
    dan = signed_in(authority, home, "dan@home.test", "a long password of Dan")[0]
    at, device = home["issuer"] + "/device", begun(home)
    said = []
    for i in range(12):
        said.append(dan.get(at, user_code="BCDF-GHJ" + "BCDFGHJKLMNP"[i]).status)
        if i == 5:
            assert dan.get(device["verification_uri_complete"]).status == 200
    assert said == 10 * [404] + 2 * [429]
    answer = dan.get(device["verification_uri_complete"])
    assert answer.status == 429 and answer.headers["Retry-After"]
    assert page_of(signed_in(authority, home)[0], home, device)
    assert authority.log_text().count("so many device codes") == 1


def test_it_is_counted(authority, alice, home):
    def acts():
        for act in ("allow", "deny"):
            alice.submit(page_of(alice, home, begun(home)), act=act)
        alice.get(home["issuer"] + "/device", user_code="BBBB-BBBB")

    counted = gained(authority, acts)
    assert {result: counted.get(f'devices_total{{realm="home",result="{result}"}}')
            for result in ("begun", "allowed", "denied", "wrong")} == {
        "begun": 2, "allowed": 1, "denied": 1, "wrong": 1}


def test_in_the_log(authority, alice, home):
    device = begun(home)
    alice.submit(page_of(alice, home, device), act="allow")
    log = authority.log_text()
    assert '"a person answers a device" realm="home" answer="yes"' in log
    assert device["user_code"] not in log and device["device_code"] not in log
