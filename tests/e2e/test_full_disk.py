"""The whole authority on one disk, which fills up: nothing is issued that is not stored, nothing is
lost, everything heals without a restart."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import urllib.parse

import pytest

from chancery import PROGRAM, Authority, http as ask, wait_for
from people import Browser
from test_issuer import FORM, code_for, login, redeem, request
from test_refresh import SCOPE, answers, client_add, good, grant, refresh, store
from test_revoke import done, revoke
from test_sessions import sign_in, visit

pytestmark = pytest.mark.root_only


class Disk:
    """The folder of an authority as a tmpfs of 8 MB; logs are elsewhere."""

    def __init__(self, path):
        self.path, self.ballast = path, path / "ballast"
        path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0755", "tmpfs", str(path)],
                       check=True)

    def fill(self):
        with open(self.ballast, "ab", buffering=0) as f:
            for size in (65536, 4096, 1):
                try:
                    while f.write(bytes(size)):
                        pass
                except OSError:
                    pass

    def clear(self):
        self.ballast.unlink()

    def done(self):
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture(scope="module")
def disk():
    with tempfile.TemporaryDirectory(prefix="chancery-full-") as folder:
        os.chmod(folder, 0o711)
        d = Disk(pathlib.Path(folder) / "authority")
        try:
            yield d
        finally:
            d.done()


@pytest.fixture(scope="module")
def authority(disk):
    a = Authority(disk.path)
    try:
        client_add(a, "app", "--public")
        yield a
    finally:
        log = a.log_text()
        assert a.stop() == 0, log


def admin(authority, *args):
    r = subprocess.run([PROGRAM, *args, "-C", str(authority.dir)], capture_output=True, text=True)
    return r.returncode, r.stderr


def is_ready(authority):
    return ask("GET", authority.dev["monitors"]["main"] + "/ready")


def later(answer):
    """Refused, to be asked for again."""
    assert answer.status == 503 and answer.headers["Retry-After"], (answer.status, answer.body)
    assert answer.json()["error"] == "temporarily_unavailable"


def by_uri(browser, home, uri):
    """A browser that comes with a pushed request."""
    return browser.get(home["authorization_endpoint"], client_id="demo", request_uri=uri)


def counts(authority):
    return [store(authority, "SELECT count(*) FROM " + table)[0][0]
            for table in ("users", "codes", "grants", "sessions", "revocations_due")]


def test_a_full_disk_issues_nothing_loses_nothing_and_heals(disk, authority):
    home = authority.dev["realms"]["home"]
    pids = authority.read_dev()["pids"]
    tokens, ended = grant(authority), grant(authority)
    code = code_for(authority, client_id="app", scope=SCOPE)
    browser = Browser()
    sign_in(authority, browser, client_id="demo")
    push = ask("POST", home["issuer"] + "/par",
               urllib.parse.urlencode(request()).encode(), FORM).json()["request_uri"]
    acts = len(json.loads(authority.run("audit", "list", "--json")))
    before = counts(authority)
    disk.fill()
    since = time.monotonic()

    # nothing that is not stored: the first few may fit into the end of a block
    spare = grant_until_full(home, tokens)
    for _ in range(20):
        later(refresh(home, spare))
    for _ in range(3):
        later(redeem(home, code, client_id="app"))
        later(revoke(home, ended["refresh_token"]))
    page = login(authority, client_id="app", scope=SCOPE)
    assert page.status == 503 and page.headers["Retry-After"] and not page.headers["Location"]
    r = is_ready(authority)
    reasons = {reason["reason"] for reason in r.json()["reasons"]}
    assert r.status == 503 and "store_unwritable" in reasons and reasons <= {"store_unwritable",
                                                                             "log_silent"}
    # a code: and what was pushed for it is not used up
    for _ in range(3):
        pages = [visit(browser, home), by_uri(browser, home, push)]
        assert [(p.status, p.headers["Retry-After"]) for p in pages] == [(503, "1")] * 2
    # what need not be stored goes on
    assert ask("GET", home["jwks_uri"]).status == 200
    for t in (tokens, ended):
        assert ask("GET", home["issuer"] + "/userinfo", headers={
            "Authorization": "Bearer " + t["access_token"]}).status == 200

    # the command: refused by the store, and once the audit cannot be written, by that
    said = []
    for i in range(40):
        status, error = admin(authority, "user", "add", "--realm", "home", "--username",
                              f"u{i}@home.test", "--generate")
        assert status == 3, error
        said.append(error)
        if "nothing was done" in error:
            break
    assert "nothing was done" in said[-1], said
    assert counts(authority) == before
    # one line a minute of store and log each, not one a request
    lines = authority.log_text().count("the disk is full: ")
    assert 1 <= lines <= 2 * (1 + (time.monotonic() - since) // 60)

    disk.clear()
    wait_for(lambda: is_ready(authority).status == 200, what="ready again")
    good(refresh(home, spare))
    good(redeem(home, code, client_id="app"))
    for page in visit(browser, home), by_uri(browser, home, push):
        good(redeem(home, page.back()[1]["code"]))
    assert by_uri(browser, home, push).status == 400
    done(revoke(home, ended["refresh_token"]))
    assert refresh(home, ended["refresh_token"]).status == 400
    authority.run("user", "add", "--realm", "home", "--username", "u0@home.test", "--generate")
    authority.run("audit", "verify")
    after = json.loads(authority.run("audit", "list", "--json"))[acts:]
    assert [a["object"] for a in after if a["result"] == "done"] == ["home/u0@home.test"]
    assert {a["result"] for a in after} - {"done", "unknown"} == {"failed"}
    assert "there is room on the disk again" in authority.log_text()
    assert authority.read_dev()["pids"] == pids


def test_an_issuer_starts_on_a_full_disk(disk, authority):
    home = authority.dev["realms"]["home"]
    tokens, before = grant(authority), authority.read_dev()["pids"]
    disk.fill()
    spare = grant_until_full(home, tokens)
    for pid in before["issuer"]:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: answers(home["jwks_uri"]), what="the next issuer")
    later(refresh(home, spare))
    assert is_ready(authority).status == 503
    disk.clear()
    wait_for(lambda: is_ready(authority).status == 200, what="ready again")
    good(refresh(home, spare))
    wait_for(lambda: not set(authority.read_dev()["pids"]["issuer"]) & set(before["issuer"]),
             what="a dev.json that knows it")


def grant_until_full(home, tokens):
    """The refresh token that is good when nothing can be stored any more."""
    token = tokens["refresh_token"]
    for _ in range(50):
        r = refresh(home, token)
        if r.status != 200:
            later(r)
            return token
        token = r.json()["refresh_token"]
    raise AssertionError("the disk is not full")
