"""Revocation at gates: from the command to the refusal at three of them, two that follow the chain
and one that asks the issuer; restarts on both sides, silence, and chains that are not what they
were."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

from chancery import PROGRAM, Gate, authority_of, basic, http as ask, wait_for
from mail_server import Dovecot
from test_issuer import post
from test_refresh import SECRET, answers, client_add, good, grant, kill_issuer, refresh
from test_revoke import done, next_second, revoke

REFUSED = b'{"active":false}'
ALICE, BOB = "alice@home.test", "bob@home.test"


class Follower(Gate):
    """A gate of the realm home of a live authority; `revocations` are lines of its policy."""

    def __init__(self, folder, authority, revocations, more=""):
        self.authority, self.revocations, self.more = authority, revocations, more
        super().__init__(folder, {}, None)
        self.dir.chmod(0o755)
        (self.dir / "reader.secret").write_text(SECRET + "\n")
        (self.dir / "reader.secret").chmod(0o600)

    def policy_text(self, issuers, mailboxes, scope):
        a = self.authority
        lines = [f"listen: 127.0.0.1:{self.port}", "client:", "  id: dovecot",
                 "  secret_file: gate.secret", "log: {refusals_per_minute: 100000}",
                 "mailboxes: {home: ['*@home.test']}", "issuers:",
                 f"  - issuer: {a.dev['realms']['home']['issuer']}", "    realm: home",
                 f"    jwks_file: {a.dir}/jwks/home.json", "    audiences: [mail]",
                 "    revocations:", *[f"      {line}" for line in self.revocations], self.more]
        return "\n".join(lines) + "\n"

    def says(self, token):
        r = self.ask(token)
        assert r.status == 200
        return r.body != REFUSED

    def reload(self):
        before = self.log_text().count("read again and is in force")
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.log_text().count("read again and is in force") > before,
                 what="the reload")

    def metrics(self):
        return ask("GET", f"http://127.0.0.1:{self.port}/metrics").body.decode()

    def ready(self):
        r = ask("GET", f"http://127.0.0.1:{self.port}/ready")
        return r.status == 200, r.json()


@pytest.fixture(scope="module")
def authority():
    with authority_of("revoke-gates") as a:
        client_add(a, "app", "--public")
        secret = pathlib.Path(f"{a.dir}.secret")
        secret.write_text(SECRET)
        client_add(a, "server", "--secret-file", str(secret), grants=("client_credentials",))
        a.run("client", "add", "--realm", "home", "--id", "reader", "--scope", "revocations",
              "--audience", "mail", "--grant", "client_credentials", "--secret-file", str(secret))
        yield a


@pytest.fixture(scope="module")
def home(authority):
    return authority.dev["realms"]["home"]


def by_folder(authority, stale_s=60):
    return [f"folder: {authority.dir}/revocations/home", f"stale_s: {stale_s}"]


def by_uri(home, stale_s=60):
    return [f"uri: {home['issuer']}/revocations", "client: reader", "secret_file: reader.secret",
            f"stale_s: {stale_s}"]


@pytest.fixture(scope="module")
def gates(authority, home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gates")
    with Follower(folder / "one", authority, by_folder(authority)) as one, \
            Follower(folder / "two", authority, by_folder(authority)) as two, \
            Follower(folder / "far", authority, by_uri(home)) as far:
        yield one, two, far


def all_say(gates, token, what):
    wait_for(lambda: [g.says(token) for g in gates] == [what] * len(gates),
             what=f"{what} at every gate")


def test_from_the_command_to_three_gates(authority, home, gates):
    """The time is measured and printed; the bound is generous, the goal is a second."""
    took = []
    for option in ("--token", "--grant", "--client", "--user"):
        if option == "--user":  # the client was revoked in this one
            next_second()
        tokens = grant(authority)
        token = tokens["access_token"]
        all_say(gates, token, True)
        value, given = {
            "--token": ("-", token), "--client": ("app", None), "--user": (ALICE, None),
            "--grant": (tokens["refresh_token"].split(".")[1], None)}[option]
        began = time.monotonic()
        authority.run("revoke", "--realm", "home", option, value, given=given)
        told = time.monotonic()
        all_say(gates, token, False)
        took.append((option, round(told - began, 3), round(time.monotonic() - began, 3)))
    print("what, seconds until the command returned, until all three gates refused:", took)
    for g in gates:
        assert 'code="revoked"' in g.log_text()
        assert 'verdicts_total{endpoint="introspect",code="revoked"}' in g.metrics()
        assert "eyJ" not in g.log_text()
    # they may have new ones
    next_second()
    all_say(gates, grant(authority)["access_token"], True)


def test_the_app_and_reuse_reach_gates(authority, home, gates):
    tokens, twice = grant(authority), grant(authority)
    second = good(refresh(home, tokens["refresh_token"]))
    all_say(gates, second["access_token"], True)
    done(revoke(home, second["refresh_token"]))
    all_say(gates, second["access_token"], False)
    all_say(gates, tokens["access_token"], False)
    all_say(gates, twice["access_token"], True)


def test_a_gate_that_starts_later_knows_all(authority, home, gates, tmp_path):
    token = grant(authority)["access_token"]
    done(revoke(home, token))
    for i, lines in enumerate((by_folder(authority), by_uri(home))):
        with Follower(tmp_path / str(i), authority, lines) as g:
            assert not g.says(token)
            wait_for(lambda g=g: g.says(grant(authority)["access_token"]), what="a good token")
            g.reload()
            assert not g.says(token)
            assert g.ready()[0]
            assert "chancery_gate_issuer_revocations_ok{" in g.metrics()


def test_the_issuer_starts_anew_and_gates_go_on(authority, home, gates):
    kill_issuer(authority)
    wait_for(lambda: answers(home["jwks_uri"]), what="the next issuer")
    token = grant(authority)["access_token"]
    all_say(gates, token, True)
    done(revoke(home, token))
    all_say(gates, token, False)


def test_silence_closes_and_speech_opens(authority, home, tmp_path):
    """An issuer that is stopped says nothing: all is refused, with a code of its own."""
    token = grant(authority)["access_token"]
    with Follower(tmp_path / "one", authority, by_folder(authority, 5)) as one, \
            Follower(tmp_path / "far", authority, by_uri(home, 5)) as far:
        both = (one, far)
        all_say(both, token, True)
        pids = authority.read_dev()["pids"]["issuer"]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            all_say(both, token, False)
            for g in both:
                assert 'code="revocation_unknown"' in g.log_text()
                assert "have not been heard for too long" in g.log_text()
                ready, why = g.ready()
                assert not ready and why["reasons"][0]["reason"] == "revocations_unknown"
                assert "chancery_gate_issuer_revocations_ok{" in g.metrics()
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        all_say(both, token, True)
        for g in both:
            assert "revocations are heard again" in g.log_text()


@pytest.mark.root_only
def test_a_chain_that_is_not_what_it_was(authority, home, tmp_path):
    """On a copy, with a pulse made here: cut, replaced, damaged. Each closes, for good."""
    token = grant(authority)["access_token"]
    done(revoke(home, grant(authority)["access_token"]))
    done(revoke(home, grant(authority)["access_token"]))
    source = authority.dir / "revocations/home"
    segment = "00000000000000000000.chain"
    other = authority.dir / "revocations/corp" / segment

    def damage(path):
        content = bytearray(path.read_bytes())
        content[-40] ^= 1
        path.write_bytes(content)

    def beat(folder, number):
        """The issuer's own pulse, with another number."""
        b = bytearray((source / "beat").read_bytes()[:80])
        b[8:16] = number.to_bytes(8, "big")
        (folder / "beat").write_bytes(bytes(b) + hashlib.sha256(bytes(b)).digest()[:8])

    for name, harm in (("cut", lambda p: os.truncate(p, p.stat().st_size - 1)),
                       ("damaged", damage), ("another", lambda p: shutil.copy(other, p))):
        folder = tmp_path / name
        shutil.copytree(source, folder)
        harm(folder / segment)
        with Follower(tmp_path / f"gate-{name}", authority, [f"folder: {folder}"]) as g:
            for n in range(3):
                beat(folder, n + 1)
                time.sleep(0.05)
            assert not g.says(token)
            assert 'code="revocation_unknown"' in g.log_text()
    assert "revocations are not what they were" in (tmp_path / "gate-another/gate.log").read_text()
    # a good one, and then it loses its end while it is followed
    folder = tmp_path / "shrinks"
    shutil.copytree(source, folder)
    with Follower(tmp_path / "gate-shrinks", authority, [f"folder: {folder}"]) as g:
        n = [10]

        def goes_on():
            n[0] += 1
            beat(folder, n[0])
            return g.says(token)
        wait_for(goes_on, what="a good token")
        shutil.copy(other, folder / "x")
        os.rename(folder / "x", folder / segment)
        (folder / "beat").write_bytes((authority.dir / "revocations/corp/beat").read_bytes())
        wait_for(lambda: not g.says(token), what="the refusal")
        assert "revocations are not what they were" in g.log_text()


# --- what is asked over HTTP ---

def page(home, query, secret=SECRET, client="reader"):
    return ask("GET", f"{home['issuer']}/revocations{query}",
               headers={"Authorization": basic(client, secret)} if secret else {})


def parts(body):
    assert body[:8] == b"chrevoke" and body[8:12] == b"\0\1\0\0"
    number = lambda at, n: int.from_bytes(body[at:at + n], "big")
    return {"rows": number(12, 4), "chain": body[16:32].hex(), "next": number(32, 8),
            "hash": body[40:72].hex(), "end": number(72, 8)}


def test_pages(authority, home):
    done(revoke(home, grant(authority)["access_token"]))
    first = page(home, "?after=0")
    assert first.status == 200
    assert first.headers["Content-Type"] == "application/vnd.chancery.revocations"
    p = parts(first.body)
    assert p["next"] == p["end"] == len(json.loads(
        authority.run("revoke", "list", "--realm", "home", "--json"))) and p["rows"] > 0
    known = f"&chain={p['chain']}&hash={p['hash']}"
    same = parts(page(home, f"?after={p['end']}{known}").body)
    assert same["rows"] == 0 and same["hash"] == p["hash"]
    # one more, seen by who has the rest, and by who waited for it
    waiting = socket.create_connection(("localhost", int(home["issuer"].split(":")[2].split("/")[0])))
    waiting.sendall((f"GET /home/revocations?after={p['end']}{known}&wait=20 HTTP/1.1\r\nHost: x\r\n"
                     f"Authorization: {basic('reader', SECRET)}\r\nConnection: close\r\n\r\n").encode())
    done(revoke(home, grant(authority)["access_token"]))
    body = waiting.makefile("rb").read().split(b"\r\n\r\n", 1)[1]
    waiting.close()
    assert parts(body)["rows"] == 1 and parts(body)["next"] == p["end"] + 1
    assert page(home, f"?after={p['end']}{known}").body == body
    # another chain than this one
    for wrong in (known.replace(p["chain"], "0" * 32), known.replace(p["hash"], "0" * 64)):
        assert page(home, f"?after={p['end']}{wrong}").status == 409
        assert page(home, f"?after={p['end'] + 1}{wrong}").status == 409
    assert page(home, f"?after={p['end'] + 7}{known}").status == 409


def test_who_may_ask(authority, home):
    assert page(home, "?after=0", secret=None).status == 401
    assert page(home, "?after=0", secret="wrong").status == 401
    assert page(home, "?after=0", client="server").status == 400
    for query in ("", "?after=x", "?after=0&wait=21", "?wait=1", "?after=0&after=0"):
        assert page(home, query).status == 400, query
    # the scope is of no token
    r = good(post(home["token_endpoint"], {"grant_type": "client_credentials"},
                  {"Authorization": basic("reader", SECRET)}))
    assert "revocations" not in r["scope"]
    m = ask("GET", home["issuer"] + "/.well-known/openid-configuration").json()
    assert "revocations" not in m["scopes_supported"]


# --- the policy ---

@pytest.mark.parametrize("lines,says", [
    (["folder: x", "uri: https://x.test/r"], "has folder and uri; keep one"),
    (["stale_s: 5"], "says no place"),
    (["uri: https://x.test/r"], "needs `client` and `secret_file`"),
    (["folder: x", "client: c"], "needs no client"),
    (["uri: http://x.test/r", "client: c", "secret_file: s"], "neither https nor on this host"),
    (["folder: x", "stale_s: 4"], "stale_s"),
])
def test_a_policy_that_contradicts_itself(authority, tmp_path, lines, says):
    g = Follower(tmp_path / "gate", authority, lines)
    r = subprocess.run([PROGRAM, "gate", "-c", str(g.policy), "--check"], capture_output=True,
                       text=True)
    assert r.returncode == 1 and says in r.stderr, r.stderr
    assert f"{g.policy}:" in r.stderr


def test_a_folder_that_is_not_there_and_none_at_all(authority, tmp_path):
    g = Follower(tmp_path / "gate", authority, ["folder: /nowhere/at/all"])
    r = subprocess.run([PROGRAM, "gate", "-c", str(g.policy), "--check"], capture_output=True,
                       text=True)
    assert r.returncode == 1 and "no such folder" in r.stderr
    with pytest.raises(AssertionError, match="a folder of revocations is not there"):
        g.start()
    g.stop()
    g.policy.write_text(g.policy.read_text().split("    revocations:")[0])
    with g:
        assert g.log_text().count("revocations of this issuer are not followed") == 1
        assert g.says(grant(authority)["access_token"])


# --- open sessions ---

class Imap:
    """One session, kept open."""

    def __init__(self, port, user, token):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.file = self.socket.makefile("rwb")
        assert self.file.readline().startswith(b"* OK")
        text = f"n,a={user},\1auth=Bearer {token}\1\1".encode()
        self.said = self.ask("AUTHENTICATE OAUTHBEARER " + base64.b64encode(text).decode())

    def ask(self, command):
        """The tagged answer; empty when the server has closed."""
        try:
            self.file.write(f"a {command}\r\n".encode())
            self.file.flush()
            for line in self.file:
                if line.startswith(b"a "):
                    return line.decode()
                if line.startswith(b"+"):  # why it fails, to be acknowledged (RFC 7628 section 3.2.3)
                    self.file.write(b"AQ==\r\n")
                    self.file.flush()
        except OSError:
            pass
        return ""

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.mark.parametrize("source", ["folder", "url"])
def test_doveadm_kick_ends_what_is_open(authority, home, gates, short_dir, tmp_path, source):
    """Dovecot asks at the login only: `revoke follow` has it end the session; another person's
    stays."""
    dovecot = Dovecot(short_dir / f"kick-{source}", gates[0].url_with_secret)
    with dovecot:
        follow = (["--folder", f"{authority.dir}/revocations/home"] if source == "folder" else
                  ["--url", f"{home['issuer']}/revocations", "--client", "reader",
                   "--secret-file", f"{gates[2].dir}/reader.secret"])
        with open(tmp_path / "follow.log", "wb") as log:
            follower = subprocess.Popen(
                [PROGRAM, "revoke", "follow", *follow, "--since", str(int(time.time()) + 1),
                 "--json", "--", "doveadm", "-c", f"{dovecot.dir}/dovecot.conf", "kick"],
                stdout=log, stderr=log)
        sessions = []
        try:
            next_second()
            next_second()
            tokens = {BOB: authority.token("home", BOB), ALICE: authority.token("home", ALICE)}
            for user, token in tokens.items():
                sessions.append(Imap(dovecot.port, user, token))
                assert sessions[-1].said.startswith("a OK"), sessions[-1].said
            bob, alice = sessions
            assert bob.ask("NOOP").startswith("a OK") and alice.ask("NOOP").startswith("a OK")
            began = time.monotonic()
            authority.run("revoke", "--realm", "home", "--user", BOB)
            wait_for(lambda: not bob.ask("NOOP").startswith("a OK"), what="the session's end")
            print(f"open session ended {time.monotonic() - began:.3f} s after the command began")
            again = Imap(dovecot.port, BOB, tokens[BOB])
            sessions.append(again)
            assert not again.said.startswith("a OK")
            assert alice.ask("NOOP").startswith("a OK")
            said = [json.loads(line) for line in (tmp_path / "follow.log").read_text().splitlines()
                    if line.startswith("{")]
            assert said[-1]["kind"] == "user" and said[-1]["mailbox"] == BOB
        finally:
            for session in sessions:
                session.close()
            follower.terminate()
            follower.wait()


def test_follow_says_what_is_wrong(authority, tmp_path):
    for args in ([], ["--realm", "home", "--folder", "x"], ["--url", "http://localhost:1/x"],
                 ["--folder", "x", "--client", "c"], ["--folder", "x", "--"],
                 ["--folder", "x", "--since", "yesterday"]):
        r = subprocess.run([PROGRAM, "revoke", "follow", *args], capture_output=True, text=True)
        assert r.returncode == 2 and r.stderr, args
    r = subprocess.run([PROGRAM, "revoke", "follow", "--help"], capture_output=True, text=True)
    assert r.returncode == 0 and "doveadm kick" in r.stdout
