"""An issuer that a front stands before: whose guesses are counted, by the address that the front
tells. And an ID token that really expires."""
import os
import tempfile
import time

import pytest

from chancery import claims_of
from people import Browser
from test_issuer import CALLBACK, redeem, request
from test_model import World

pytestmark = pytest.mark.root_only
TRIES = 100  # of an address, docs/PEOPLE.md


class Fronted(World):
    def __init__(self, folder):
        super().__init__(folder)
        path = self.dir / "chancery.yaml"
        text = path.read_text()
        listen = next(x for x in text.splitlines() if x.strip().startswith("listen:"))
        assert text.count("id_ttl_s") > 0
        lines = []
        for line in text.splitlines():
            if line.strip().startswith("id_ttl_s:"):
                line = line.split(":")[0] + ": 10"
            lines.append(line)
            if line == listen:
                lines.append(listen.split("listen")[0] + "fronts: ['127.0.0.1']")
        path.write_text("\n".join(lines) + "\n")
        self.run("client", "add", "--realm", "home", "--id", "demo", "--public", "--audience", "mail",
                 "--scope", "openid", "--redirect", CALLBACK, "--grant", "authorization_code",
                 "--logout-redirect", "http://127.0.0.1/bye")


@pytest.fixture(scope="module", name="world")
def world_fixture():
    with tempfile.TemporaryDirectory(prefix="chancery-front-") as folder:
        os.chmod(folder, 0o711)
        world = Fronted(folder + "/authority")
        world.start()
        try:
            yield world
        finally:
            world.stop()


def sign_in(world):
    """(browser, ID token)"""
    b = Browser()
    page = b.get(world.home["authorization_endpoint"], **request(client_id="demo", scope="openid"))
    page = b.submit(page, username="ann", password="a password of ann's")
    page = b.submit(page, act="allow")
    return b, redeem(world.home, page.back()[1]["code"]).json()["id_token"]


class Guesser:
    """A browser somewhere; the form that it was shown serves for all of its tries."""

    def __init__(self, world):
        self.browser = Browser()
        self.page = self.browser.get(world.home["authorization_endpoint"],
                                     **request(client_id="demo", scope="openid"))
        self.n = 0

    def guess(self, *forwarded):
        """Each for another name, so that no name is what is counted."""
        self.n += 1
        self.browser.fields["X-Forwarded-For"] = ", ".join(forwarded)
        return self.browser.submit(self.page, username=f"n{self.n}@x", password="not it").status

    def use_up(self, address):
        for _ in range(TRIES):
            assert self.guess(address) == 401


@pytest.mark.soak
def test_an_address_has_so_many_tries(world):
    browser, _ = sign_in(world)
    g = Guesser(world)
    g.use_up("203.0.113.7")
    assert g.guess("203.0.113.7") == 429
    # what it says of itself before the front is nothing, nor what is no address
    assert g.guess("198.51.100.1", "203.0.113.7") == 429
    assert g.guess("junk", "203.0.113.7") == 429
    # others are not held up, nor the person who has been here before
    assert g.guess("203.0.113.8") == 401
    assert g.guess("2001:db8::1") == 401
    browser.fields["X-Forwarded-For"] = "203.0.113.7"
    page = browser.get(world.home["authorization_endpoint"],
                       **request(client_id="demo", scope="openid", prompt="login"))
    assert browser.submit(page, username="ann", password="a password of ann's").status in (200, 303)


def test_an_expired_hint_signs_out(world):
    """RP-Initiated Logout 1.0 section 2: a session ends by a token that has expired, too. Ten
    seconds is the least that one may live."""
    browser, token = sign_in(world)
    time.sleep(max(claims_of(token)["exp"] + 1 - time.time(), 0))
    page = browser.get(world.home["issuer"] + "/logout", id_token_hint=token, state="s",
                       post_logout_redirect_uri="http://127.0.0.1/bye")
    assert page.back() == ("http://127.0.0.1/bye", {"state": "s"})
    again = browser.get(world.home["authorization_endpoint"],
                        **request(client_id="demo", scope="openid"))
    assert 'type="password"' in again.text
