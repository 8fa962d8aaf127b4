"""Guessing passwords: what it costs whom, and that answers do not tell who is here."""
import re

import pytest

from chancery import authority_of
from people import Browser
from test_sessions import sign_in, visit


@pytest.fixture(scope="module")
def authority():
    with authority_of("guessing") as a:
        for name in ("owner", "plain", "gone"):
            a.run("user", "add", "--realm", "home", "--username", f"{name}@home.test",
                  "--password-file", "-", given="the word\n")
        a.run("user", "disable", "--realm", "home", "--username", "gone@home.test")
        yield a


@pytest.fixture(scope="module")
def home(authority):
    return authority.dev["realms"]["home"]


def guess(home, username, browser=None, password="not it", **changed):
    b = browser or Browser()
    page = visit(b, home, prompt="login", **changed)
    return b.submit(page, username=username, password=password)


def told(page, username):
    """All that an answer says, without what is random in each."""
    head = sorted((n, v) for n, v in page.headers.items() if n not in ("Date", "Set-Cookie"))
    names = [v.split("=")[0] for v in page.headers.get_all("Set-Cookie") or []]
    text = re.sub(r'name="csrf" value="[0-9a-f]{80}"', "", page.text)
    text = re.sub(r"<b>\d+ s</b>", "<b>N s</b>", text)  # each waits for its own
    assert "csrf" not in text and username in text
    return page.status, head, names, text.replace(username, "USER")


def test_known_and_unknown_get_the_same(home):
    """Byte for byte: somebody, nobody of the same length, somebody who is disabled, at each try
    until they wait, and then."""
    for _ in range(12):
        answers = [told(guess(home, name), name)
                   for name in ("plain@home.test", "nobod@home.test", "gone@home.test",
                                "n" * 128)]
        bodies = {(status, text) for status, _, _, text in answers[:2]}
        assert len(bodies) == 1
        assert answers[0][2] == answers[1][2]
        # Content-Length alone follows the name's length
        differ = {n for a in answers for b in answers for (n, v), (_, w) in zip(a[1], b[1])
                  if v != w}
        assert differ <= {"Content-Length", "Retry-After"}
    # a right password of one who is disabled is as wrong as any
    assert told(guess(home, "gone@home.test", password="the word"), "gone@home.test")[0] == 429


def test_a_stranger_does_not_keep_the_owner_out(authority, home):
    mine = Browser()
    name = "owner@home.test"
    assert guess(home, name, mine, "the word").status == 303
    assert "chancery-known.home" in mine.jar
    while guess(home, name).status != 429:
        pass
    stranger = guess(home, name, password="the word")
    assert stranger.status == 429 and "Too many wrong passwords" in stranger.text
    # the owner's browser goes on, mistyped or not, signed in or not
    del mine.jar["chancery.home"]
    assert guess(home, name, mine).status == 401
    assert guess(home, name.upper(), mine, "the word").status == 303
    # what it did clears nothing for the stranger
    assert guess(home, name, password="the word").status == 429
    # and it has a budget of its own
    while guess(home, name, mine).status != 429:
        pass
    assert guess(home, name, mine, "the word").status == 429


def test_a_known_browser_is_known_for_one_name(authority, home):
    mine = Browser()
    sign_in(authority, mine)
    value = mine.jar["chancery-known.home"]
    name = "other@home.test"
    while guess(home, name).status != 429:
        pass
    assert guess(home, name, mine).status == 429
    forged = Browser()
    forged.jar["chancery-known.home"] = value[:-1] + ("A" if value[-1] != "A" else "B")
    assert guess(home, name, forged).status == 429
    # it signs nobody in
    bare = Browser()
    bare.jar["chancery-known.home"] = value
    assert visit(bare, home, prompt="none").back()[1]["error"] == "login_required"


def test_it_is_counted_on_every_way_in(authority, home):
    """The sign-in for our own pages counts to the same names."""
    name = "third@home.test"
    while guess(home, name).status != 429:
        pass
    b = Browser()
    page = b.get(home["issuer"] + "/account")
    assert b.submit(page, username=name, password="not it").status == 429
