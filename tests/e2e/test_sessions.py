"""Sessions: a password is typed once, what applications may ask of it, and that nobody has a
session but the browser that signed in."""
import hashlib
import re
import socket
import sqlite3
import time
import urllib.parse

import pytest

from chancery import authority_of, http as ask
from people import Browser
from test_issuer import claims_of, redeem, request

ALICE = "alice@home.test"


@pytest.fixture(scope="module")
def authority():
    with authority_of("sessions") as a:
        yield a


@pytest.fixture(scope="module")
def home(authority):
    return authority.dev["realms"]["home"]


def store(authority, sql, *args):
    with sqlite3.connect(authority.dir / "store" / "main" / "chancery.db", timeout=10) as db:
        rows = db.execute(sql, args).fetchall()
    db.close()
    return rows


def visit(browser, home, **changed):
    return browser.get(home["authorization_endpoint"], **request(**changed))


def sign_in(authority, browser, username=ALICE, realm="home", **changed):
    page = visit(browser, authority.dev["realms"][realm], **changed)
    assert page.status == 200 and 'type="password"' in page.text
    return browser.submit(page, username=username,
                          password=authority.user(username)["password"])


def identity(home, page):
    return claims_of(home, redeem(home, page.back()[1]["code"]).json()["id_token"], "JWT")


def test_a_password_is_typed_once(authority, home):
    b = Browser()
    first = identity(home, sign_in(authority, b))
    assert first["acr"] == "pwd" and first["amr"] == ["pwd"] and len(first["sid"]) == 22
    second = identity(home, visit(b, home))
    assert second["sid"] == first["sid"] and second["auth_time"] == first["auth_time"]
    # another browser is another session, another realm is another sign-in
    assert identity(home, sign_in(authority, Browser()))["sid"] != first["sid"]
    assert visit(b, authority.dev["realms"]["corp"]).status == 200
    assert visit(Browser(), home).status == 200


def test_the_cookie(authority, home):
    b = Browser()
    page = sign_in(authority, b)
    line = next(x for x in page.headers.get_all("Set-Cookie") if x.startswith("chancery.home="))
    assert line.endswith("; Path=/; HttpOnly; SameSite=Lax")
    value = b.jar["chancery.home"]
    assert len(value) == 43
    # it is nowhere but in the browser
    assert value not in authority.log_text()
    rows = store(authority, "SELECT hash FROM sessions WHERE hash = ?",
                 hashlib.sha256(value.encode()).digest())
    assert len(rows) == 1
    for name in (authority.dir / "store" / "main").iterdir():
        assert value.encode() not in name.read_bytes()


def test_no_session_is_chosen_by_somebody_else(authority, home):
    """Fixation: a value that was planted, valid or not, is not the one after the sign-in."""
    mallory = Browser()
    sign_in(authority, mallory, "bob@home.test")
    planted = mallory.jar["chancery.home"]
    victim = Browser()
    victim.jar["chancery.home"] = planted
    sid = identity(home, sign_in(authority, victim, prompt="login"))["sid"]
    assert victim.jar["chancery.home"] != planted
    # and what was planted is over
    assert visit(mallory, home).status == 200
    assert identity(home, visit(victim, home))["sid"] == sid
    made_up = Browser()
    made_up.jar["chancery.home"] = "A" * 43
    assert visit(made_up, home).status == 200
    sign_in(authority, made_up)
    assert made_up.jar["chancery.home"] != "A" * 43


@pytest.mark.parametrize("value", ["", "x", "A" * 42, "A" * 44, "A" * 4000, "'; DROP TABLE x", "é"])
def test_values_that_are_no_sessions(home, value):
    b = Browser()
    b.jar["chancery.home"] = value.encode().decode("latin-1")
    assert visit(b, home).status == 200


def test_a_new_sign_in_is_a_new_session(authority, home):
    b = Browser()
    first = identity(home, sign_in(authority, b))
    old = b.jar["chancery.home"]
    time.sleep(1.1)
    again = identity(home, sign_in(authority, b, prompt="login"))
    assert again["sid"] != first["sid"] and again["auth_time"] > first["auth_time"]
    stolen = Browser()
    stolen.jar["chancery.home"] = old
    assert visit(stolen, home).status == 200


def test_prompt_none(authority, home):
    b = Browser()
    base, answer = visit(b, home, prompt="none").back()
    assert answer["error"] == "login_required" and answer["state"] == "s 1"
    sign_in(authority, b)
    assert "code" in visit(b, home, prompt="none").back()[1]


@pytest.mark.parametrize("changed", [{"prompt": "none login"}, {"prompt": "dance"},
                                     {"max_age": "-1"}, {"max_age": "soon"},
                                     {"id_token_hint": "x" * 5000}])
def test_what_cannot_be_asked(home, changed):
    assert visit(Browser(), home, **changed).back()[1]["error"] == "invalid_request"


def test_max_age(authority, home):
    b = Browser()
    sign_in(authority, b)
    assert "code" in visit(b, home, max_age="1000").back()[1]
    store(authority, "UPDATE sessions SET auth_time = auth_time - 2000")
    assert visit(b, home, max_age="1000").status == 200
    assert visit(b, home, max_age="1000", prompt="none").back()[1]["error"] == "login_required"
    before = int(time.time())
    said = identity(home, sign_in(authority, b, max_age="0"))
    assert said["auth_time"] >= before


def test_hints(home):
    page = visit(Browser("fr;q=0.9, en;q=0.8"), home, login_hint='bob@home.test"><script>')
    assert 'lang="fr"' in page.text and "Mot de passe" in page.text
    assert 'value="bob@home.test&quot;&gt;&lt;script&gt;"' in page.text
    assert 'lang="en"' in visit(Browser("fr"), home, ui_locales="de en fr").text
    assert 'lang="en"' in visit(Browser("de, *"), home).text
    page = visit(Browser(), home, login_hint="l" * 4000)
    assert page.status == 200 and "l" * 129 not in page.text.replace(page.fields()["login_hint"], "")


def test_idle_and_absolute_ends(authority, home):
    for column, seconds in (("seen", 12 * 3600), ("created", 7 * 86400)):
        b = Browser()
        sign_in(authority, b)
        assert visit(b, home).status == 303
        store(authority, f"UPDATE sessions SET {column} = {column} - ?", seconds - 60)
        assert visit(b, home).status == 303
        store(authority, f"UPDATE sessions SET {column} = {column} - ?", seconds)
        assert visit(b, home).status == 200


def test_a_visit_keeps_it_alive(authority, home):
    b = Browser()
    sign_in(authority, b)
    hour = 3600
    for _ in range(3):
        store(authority, "UPDATE sessions SET seen = seen - ?, expires = expires - ?", 11 * hour,
              11 * hour)
        assert visit(b, home).status == 303
    assert store(authority, "SELECT max(expires - ?) FROM sessions", int(time.time()))[0][0] > 11 * hour


def test_whoever_is_disabled_or_reset_is_out(authority, home):
    authority.run("user", "add", "--realm", "home", "--username", "dora@home.test",
                  "--password-file", "-", given="dora's word\n")
    for verb in (["disable"], ["enable"], ["reset", "--password-file", "-"], ["remove"]):
        b = Browser()
        if verb[0] != "enable":
            page = visit(b, home)
            page = b.submit(page, username="dora@home.test", password="dora's word")
            assert page.status == 303
            assert visit(b, home).status == 303
        authority.run("user", *verb, "--realm", "home", "--username", "dora@home.test",
                      given="dora's word\n" if verb[0] == "reset" else None)
        assert visit(b, home).status == 200, verb


def test_sign_in_leads_to_our_own_pages_alone(authority, home):
    b = Browser()
    # a form for a page of ours needs its token, and nothing else may be posted with it
    page = visit(b, home)
    fields = {**page.fields(), "username": ALICE, "password": authority.user(ALICE)["password"]}
    for then in ("https://evil.example/", "//evil.example/", "/home//evil.example", "/corp/x",
                 "/home/../x", "/home/\\evil.example", "javascript:alert(1)", "", None,
                 "/home/x\r\nX-Evil: 1"):
        r = b.post(home["issuer"] + "/signin", {**fields, "then": then})
        assert r.status == 400 and "Location" not in r.headers, then
        assert "X-Evil" not in r.headers and "evil" not in r.text
    # the token of another form of ours is none for this one
    assert b.post(home["issuer"] + "/signin", {**fields, "then": "/home/account"}).status == 403


def test_a_form_survives_a_restart(authority, home):
    """Who has it open while the issuer starts anew goes on."""
    import os
    import signal
    from chancery import wait_for
    b = Browser()
    page = visit(b, home)
    before = authority.read_dev()["pids"]["issuer"]
    os.kill(before[0], signal.SIGKILL)

    def back():
        try:
            return ask("GET", home["jwks_uri"]).status == 200
        except OSError:
            return False
    wait_for(lambda: authority.read_dev()["pids"]["issuer"] != before and back(), what="the issuer")
    page = b.submit(page, username=ALICE, password=authority.user(ALICE)["password"])
    assert "code" in page.back()[1]


# --- codes ---

def requests_of(browser, home, n):
    """n requests for a code, each sent whole on a connection of its own, unanswered."""
    url = urllib.parse.urlparse(home["authorization_endpoint"])
    cookies = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    for i in range(n):
        c = socket.create_connection((url.hostname, url.port), 60)
        query = urllib.parse.urlencode(request(state=str(i)))
        c.sendall((f"GET {url.path}?{query} HTTP/1.1\r\nHost: {url.netloc}\r\n"
                   f"Cookie: {cookies}\r\nConnection: close\r\n\r\n").encode())
        yield c


def location_of(connection):
    with connection, connection.makefile("rb") as f:
        head = f.read().split(b"\r\n\r\n")[0].decode()
    found = re.search(r"^Location: (.*?)\r?$", head, re.M)
    assert found or head.startswith("HTTP/1.1 503"), head
    return found and dict(urllib.parse.parse_qsl(urllib.parse.urlparse(found.group(1)).query))


def commits(authority):
    text = ask("GET", authority.dev["monitors"]["main"] + "/metrics").body.decode()
    return int(re.search(r"^chancery_issuer_store_commit_seconds_count (\d+)", text, re.M).group(1))


def test_codes_of_one_moment_are_one_commit(authority, home):
    b, n = Browser(), 24
    sign_in(authority, b)
    for _ in range(5):
        before = commits(authority)
        with sqlite3.connect(authority.dir / "store" / "main" / "chancery.db",
                             isolation_level=None) as db:
            db.execute("BEGIN IMMEDIATE")
            connections = list(requests_of(b, home, n))
            db.execute("ROLLBACK")
        db.close()
        got = [location_of(c) for c in connections]
        if all(got):  # else the lock was kept too long, and the answer is to ask again
            break
    assert [g["state"] for g in got] == [str(i) for i in range(n)]
    # the first one was on its way when the others came
    assert commits(authority) - before <= n // 2
    codes = {g["code"] for g in got}
    assert len(codes) == n
    assert all(redeem(home, code).status == 200 for code in codes)


def test_no_code_in_a_session_that_ended_meanwhile(authority, home):
    """The command's transaction is under way while the code is asked for."""
    b = Browser()
    sign_in(authority, b)
    for _ in range(5):
        with sqlite3.connect(authority.dir / "store" / "main" / "chancery.db",
                             isolation_level=None) as db:
            db.execute("BEGIN IMMEDIATE")
            # its session is found still: what the transaction does is not to be seen yet
            connection, = requests_of(b, home, 1)
            before = db.execute("SELECT count(*) FROM sessions").fetchone()[0]
            db.execute("DELETE FROM sessions WHERE sub = (SELECT sub FROM users WHERE"
                       " username = ?)", (ALICE,))
            time.sleep(0.3)
            db.execute("COMMIT")
        db.close()
        with connection, connection.makefile("rb") as f:
            head = f.read().decode()
        assert before > 0 and "Location:" not in head
        if not head.startswith("HTTP/1.1 503"):
            break
        sign_in(authority, b)
    assert head.startswith(("HTTP/1.1 400", "HTTP/1.1 200")), head
