"""Revocations and an authority's start: what was queued while it did not run is taken in, and a chain
that is damaged is not served from."""
import json
import sqlite3
import subprocess

import pytest

from chancery import PROGRAM, basic, wait_for
from test_issuer import post
from test_service import Service

SECRET = "a secret of sixteen bytes or more"


class Authority(Service):
    def run(self, *args, given=None):
        r = subprocess.run([PROGRAM, *args, "-C", str(self.dir)], input=given,
                           capture_output=True, text=True)
        assert r.returncode == 0, r.stderr
        return r.stdout

    def serve(self):
        before = self.log_text().count('"ready"')
        self.start()
        wait_for(lambda: self.process.poll() is not None
                 or self.log_text().count('"ready"') > before, what="ready")
        assert self.process.poll() is None, self.log_text()

    def ask(self, endpoint, client, **fields):
        r = post(f"http://127.0.0.1:{self.port}/home/{endpoint}", fields,
                 {"Authorization": basic(client, SECRET)})
        assert r.status == 200, r.body
        return r.json()

    def token(self, client):
        return self.ask("token", client, grant_type="client_credentials")["access_token"]

    def active(self, token):
        return self.ask("introspect", "other", token=token)["active"]

    def due(self):
        with sqlite3.connect(self.dir / "store/main/chancery.db", timeout=10) as db:
            n = db.execute("SELECT count(*) FROM revocations_due").fetchone()[0]
        db.close()
        return n

    def listed(self):
        rows = json.loads(self.run("revoke", "list", "--realm", "home", "--json"))
        return [(row["kind"], row["subject"]) for row in rows]


@pytest.fixture(scope="module")
def authority():
    with Authority() as a:
        secret = a.top / "secret"
        secret.write_text(SECRET)
        for name in ("server", "other"):
            a.run("client", "add", "--realm", "home", "--id", name, "--secret-file", str(secret),
                  "--grant", "client_credentials", "--scope", "mail.read", "--audience", "mail")
        yield a


@pytest.mark.root_only
def test_what_is_queued_is_taken_in_and_a_damaged_chain_is_not_served(authority):
    authority.serve()
    ended, stays, *others = [authority.token(c) for c in ("server", "other", "other", "other")]
    for token in others:
        authority.run("revoke", "--token", "-", given=token)
    assert [authority.active(t) for t in (ended, stays, *others)] == [True, True, False, False]
    before = authority.listed()
    authority.stop()
    assert authority.run("revoke", "--realm", "home", "--client", "server") == \
        "queued client server\n"
    assert (authority.due(), authority.listed()) == (1, before)

    # a byte of what was durable is another one: it says what and how to mend it, and stops
    chain, = (authority.dir / "revocations/home").glob("*.chain")
    good = chain.read_bytes()
    bad = good[:len(good) // 2] + bytes([good[len(good) // 2] ^ 1]) + good[len(good) // 2 + 1:]
    chain.write_bytes(bad)
    authority.start()
    assert authority.process.wait(60) == 3, authority.log_text()
    said, = [line for line in authority.log_text().splitlines()
             if "the chain of revocations is damaged" in line]
    assert "put one from a backup in its place" in said and 'realm="home"' in said
    assert f'folder="{chain.parent}"' in said and "segment=0" in said
    assert (authority.due(), chain.read_bytes()) == (1, bad)

    chain.write_bytes(good)
    authority.serve()
    assert [authority.active(t) for t in (ended, stays, *others)] == [False, True, False, False]
    assert (authority.due(), authority.listed()) == (0, [*before, ("client", "server")])
    authority.stop()
