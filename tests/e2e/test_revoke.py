"""Revocation at the issuer: RFC 7009, the command, the chain that holds it, crashes between the
two, an authority that is not running, and a full disk."""
import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

import pytest

from chancery import (PROGRAM, Signer, authority_of, basic, claims_of, http as ask,
                      wait_for)
from test_issuer import post
from test_refresh import SECRET, answers, client_add, good, grant, kill_issuer, refresh, store

ALICE = "alice@home.test"


@pytest.fixture(scope="module")
def authority():
    with authority_of("revoke") as a:
        client_add(a, "app", "--public")
        client_add(a, "other", "--public")
        secret = pathlib.Path(f"{a.dir}.secret")
        secret.write_text(SECRET)
        client_add(a, "server", "--secret-file", str(secret),
                   grants=("authorization_code", "refresh_token", "client_credentials"))
        yield a


@pytest.fixture(scope="module")
def home(authority):
    return authority.dev["realms"]["home"]


def revoke(home, token, client_id="app", headers=None, **more):
    fields = {"token": token, "client_id": client_id, **more}
    return post(home["issuer"] + "/revoke", {k: v for k, v in fields.items() if v is not None},
                headers)


def done(answer):
    assert (answer.status, answer.body) == (200, b""), answer.body
    assert answer.headers["Cache-Control"] == "no-store"


def error_of(answer):
    return answer.status, answer.json()["error"]


def userinfo(home, token):
    return ask("GET", home["issuer"] + "/userinfo",
               headers={"Authorization": "Bearer " + token}).status


def active(home, token):
    r = post(home["issuer"] + "/introspect", {"token": token},
             {"Authorization": basic("server", SECRET)})
    assert r.status == 200, r.body
    return r.json()["active"]


def identity(token):
    return hashlib.sha256(token.rsplit(".", 1)[0].encode()).hexdigest()


def listed(authority, realm="home"):
    return json.loads(authority.run("revoke", "list", "--realm", realm, "--json"))


def next_second():
    """iat and the time of a revocation have whole seconds."""
    now = int(time.time())
    wait_for(lambda: int(time.time()) > now, what="the next second")


# --- RFC 7009 ---

def test_an_access_token_ends_alone(authority, home):
    tokens, others = grant(authority), grant(authority)
    assert userinfo(home, tokens["access_token"]) == 200 and active(home, tokens["access_token"])
    done(revoke(home, tokens["access_token"], token_type_hint="access_token"))
    assert userinfo(home, tokens["access_token"]) == 401
    assert active(home, tokens["access_token"]) is False
    last = listed(authority)[-1]
    assert last["kind"] == "token" and last["subject"] == identity(tokens["access_token"])
    assert last["exp"] == claims_of(tokens["access_token"])["exp"] and last["why"] == "client"
    # once is as good as twice, and nothing else has ended
    n = len(listed(authority))
    done(revoke(home, tokens["access_token"]))
    assert len(listed(authority)) == n
    assert userinfo(home, others["access_token"]) == 200
    good(refresh(home, tokens["refresh_token"]))


def test_a_second_spelling_of_a_revoked_token_is_revoked(authority, home):
    """ECDSA: whoever has (r, s) has (r, n - s), another token of the same signing input."""
    token = grant(authority)["access_token"]
    head, payload, signature = token.split(".")
    both = base64.urlsafe_b64decode(signature + "==")
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    s = (n - int.from_bytes(both[32:], "big")).to_bytes(32, "big")
    other = ".".join([head, payload,
                      base64.urlsafe_b64encode(both[:32] + s).rstrip(b"=").decode()])
    assert userinfo(home, other) == userinfo(home, token) == 200
    done(revoke(home, other))
    assert userinfo(home, token) == userinfo(home, other) == 401


@pytest.mark.parametrize("hint", ["access_token", None])
def test_a_refresh_token_ends_its_grant(authority, home, hint):
    tokens, others = grant(authority), grant(authority)
    second = good(refresh(home, tokens["refresh_token"]))
    done(revoke(home, second["refresh_token"], token_type_hint=hint))
    for t in (tokens, second):
        assert userinfo(home, t["access_token"]) == 401 and not active(home, t["access_token"])
        assert error_of(refresh(home, t["refresh_token"])) == (400, "invalid_grant")
    last = listed(authority)[-1]
    assert last["kind"] == "grant" and last["mailbox"] == ALICE
    assert last["subject"] == claims_of(tokens["access_token"])["grant_id"]
    assert userinfo(home, others["access_token"]) == 200
    good(refresh(home, others["refresh_token"]))


def test_what_is_no_token_is_revoked_already(authority, home):
    token = grant(authority)["access_token"]
    forged = Signer(home["issuer"], kid="x").token(aud="mail", client_id="app")
    n = len(listed(authority))
    for text in ("x", "rt.", "rt." + "a" * 22 + ".1." + "b" * 43, token[:-4], forged,
                 token.replace(".", "", 1)):
        done(revoke(home, text))
    assert len(listed(authority)) == n
    assert error_of(revoke(home, None)) == (400, "invalid_request")


def test_another_client_s_token_is_refused_and_stays(authority, home):
    tokens = grant(authority)
    n = len(listed(authority))
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert error_of(revoke(home, token, "other")) == (400, "unauthorized_client")
    assert userinfo(home, tokens["access_token"]) == 200 and len(listed(authority)) == n
    good(refresh(home, tokens["refresh_token"]))


def test_who_asks_must_be_known(authority, home):
    token = grant(authority)["access_token"]
    assert error_of(revoke(home, token, None)) == (401, "invalid_client")
    assert error_of(revoke(home, token, "nobody")) == (401, "invalid_client")
    assert error_of(revoke(home, token, None, {"Authorization": basic("server", "wrong")})) == \
        (401, "invalid_client")
    assert userinfo(home, token) == 200
    assert ask("GET", home["issuer"] + "/revoke").status == 405


def test_metadata_says_so(home):
    m = ask("GET", home["issuer"] + "/.well-known/openid-configuration").json()
    assert m["revocation_endpoint"] == home["issuer"] + "/revoke"
    assert m["revocation_endpoint_auth_methods_supported"] == \
        m["token_endpoint_auth_methods_supported"]


def test_a_client_s_own_token(authority, home):
    """client_credentials: there is no grant, only the token."""
    headers = {"Authorization": basic("server", SECRET)}
    r = good(post(home["token_endpoint"], {"grant_type": "client_credentials"}, headers))
    assert active(home, r["access_token"])
    done(revoke(home, r["access_token"], None, headers))
    assert not active(home, r["access_token"])


# --- the command ---

def test_the_command_takes_tokens_from_standard_input_and_files(authority, home, tmp_path):
    tokens = grant(authority)
    said = authority.run("revoke", "--token", "-", given=tokens["access_token"] + "\n")
    assert said == f"revoked token {identity(tokens['access_token'])}\n"
    assert userinfo(home, tokens["access_token"]) == 401
    path = tmp_path / "token"
    path.write_text(tokens["refresh_token"])
    authority.run("revoke", "--token", str(path), status=2)  # which realm?
    said = authority.run("revoke", "--token", str(path), "--realm", "home", "--json")
    assert json.loads(said)["outcome"] == "revoked" and json.loads(said)["kind"] == "grant"
    assert error_of(refresh(home, tokens["refresh_token"])) == (400, "invalid_grant")
    # one that is none of ours is refused, and not repeated
    forged = Signer(home["issuer"], kid="x").token(aud="mail")
    r = subprocess.run([PROGRAM, "revoke", "--token", "-", "-C", str(authority.dir)],
                       input=forged, capture_output=True, text=True)
    assert r.returncode == 1 and forged not in r.stderr + r.stdout
    r = subprocess.run([PROGRAM, "revoke", "--token", tokens["access_token"], "-C",
                        str(authority.dir)], capture_output=True, text=True)
    assert r.returncode == 3 and tokens["access_token"] not in r.stderr + r.stdout


def test_the_command_ends_a_grant_a_user_a_client(authority, home):
    tokens = grant(authority)
    grant_id = claims_of(tokens["access_token"])["grant_id"]
    assert authority.run("revoke", "--realm", "home", "--grant", grant_id) == \
        f"revoked grant {grant_id}\n"
    assert userinfo(home, tokens["access_token"]) == 401
    for option, name in (("--user", ALICE), ("--client", "app")):
        next_second()
        tokens = grant(authority)
        assert userinfo(home, tokens["access_token"]) == 200
        authority.run("revoke", "--realm", "home", option, name)
        assert userinfo(home, tokens["access_token"]) == 401
        assert error_of(refresh(home, tokens["refresh_token"])) == (400, "invalid_grant")
    # they may have new ones
    next_second()
    assert userinfo(home, grant(authority)["access_token"]) == 200
    for wrong in (["--grant", "a" * 22], ["--user", "nobody"], ["--client", "nobody"],
                  ["--key", "nobody"], ["--key", "../x"]):
        authority.run("revoke", "--realm", "home", *wrong, status=1)
    authority.run("revoke", "--realm", "home", status=2)
    authority.run("revoke", "--realm", "home", "--user", ALICE, "--client", "app", status=2)
    authority.run("revoke", "--realm", "nowhere", "--user", ALICE, status=2)
    # every act is in the audit
    acts = json.loads(authority.run("audit", "list", "--json"))
    assert [a for a in acts if a["command"] == "revoke" and a["object"] == f"home/{ALICE}"
            and a["result"] == "done"]


def test_disable_remove_and_reset_revoke(authority, home):
    authority.run("user", "add", "--realm", "home", "--username", "zoe@home.test", "--generate")
    sub = json.loads(authority.run("user", "show", "--realm", "home", "--username",
                                   "zoe@home.test", "--json"))["sub"]
    client_add(authority, "shortlived", "--public")
    tokens = grant(authority, "shortlived")
    before = len(listed(authority))
    authority.run("client", "disable", "--realm", "home", "--id", "shortlived")
    authority.run("client", "enable", "--realm", "home", "--id", "shortlived")
    # the client is back; what it had is not
    assert userinfo(home, tokens["access_token"]) == 401
    assert error_of(refresh(home, tokens["refresh_token"], "shortlived")) == \
        (400, "invalid_grant")
    authority.run("client", "remove", "--realm", "home", "--id", "shortlived")
    authority.run("user", "reset", "--realm", "home", "--username", "zoe@home.test", "--generate")
    authority.run("user", "disable", "--realm", "home", "--username", "zoe@home.test")
    authority.run("user", "remove", "--realm", "home", "--username", "zoe@home.test")
    assert [(r["kind"], r["subject"], r["why"]) for r in listed(authority)[before:]] == [
        ("client", "shortlived", "disabled"), ("client", "shortlived", "removed"),
        ("user", sub, "reset"), ("user", sub, "disabled"), ("user", sub, "removed")]


def test_reuse_is_in_the_chain(authority, home):
    """A code or a refresh token that comes twice ends the grant, at gates too."""
    tokens = grant(authority)
    good(refresh(home, tokens["refresh_token"]))
    grant_id = tokens["refresh_token"].split(".")[1]
    store(authority, "UPDATE grants SET rotated = rotated - 3600 WHERE id = ?", grant_id)
    assert error_of(refresh(home, tokens["refresh_token"])) == (400, "invalid_grant")
    last = listed(authority)[-1]
    assert (last["kind"], last["subject"], last["why"]) == ("grant", grant_id, "reused")
    assert userinfo(home, tokens["access_token"]) == 401


def test_revoking_a_key_refuses_all_it_signed(authority):
    """At the realm corp, whose other tokens no test here needs."""
    corp = authority.dev["realms"]["corp"]
    token = authority.token("corp", "carol@corp.test")
    assert userinfo(corp, token) == 200
    kid = json.loads(authority.run("key", "list", "--realm", "corp", "--json"))[0]["kid"]
    assert authority.run("revoke", "--realm", "corp", "--key", kid) == f"revoked key {kid}\n"
    assert userinfo(corp, token) == 401
    next_second()
    assert userinfo(corp, authority.token("corp", "carol@corp.test")) == 401
    # another realm's business is untouched
    assert all(r["kind"] != "key" for r in listed(authority))


def under_way(authority):
    text = ask("GET", authority.dev["monitors"]["main"] + "/metrics").body.decode()
    return int(re.search(r"^chancery_issuer_requests_under_way (\d+)", text, re.M)[1])


@pytest.mark.plain("needs the pace of a plain build")
def test_what_is_revoked_while_it_is_signed_does_not_go_out(authority, home):
    """The signer stands still while the command runs; then it signs. Nothing of such a token is in
    the store, so nothing else holds it back."""
    (authority.dir / "robot").write_text(SECRET)
    client_add(authority, "robot", "--secret-file", str(authority.dir / "robot"),
               grants=("client_credentials",))
    got, asking = [], {"Authorization": basic("robot", SECRET)}

    def one():
        got.append(post(home["token_endpoint"], {"grant_type": "client_credentials"}, asking))
    signers = authority.read_dev()["pids"]["signer"]
    for pid in signers:
        os.kill(pid, signal.SIGSTOP)
    asker = threading.Thread(target=one)
    asker.start()
    try:
        wait_for(lambda: under_way(authority) == 1, what="the request")
        authority.run("revoke", "--realm", "home", "--client", "robot")
    finally:
        for pid in signers:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass  # it stood still for so long that it was replaced
    asker.join()
    assert error_of(got.pop()) == (400, "invalid_grant")
    next_second()
    wait_for(lambda: one() or got.pop().status == 200, 30, "a token")


# --- crashes ---

def test_a_dead_issuer_loses_none(authority, home):
    """kill -9 while the command waits for its answer, again and again: the command says revoked
    only when it is, and what was asked for is in the chain when the next issuer serves."""
    for delay in (0, 0.003, 0.01):
        tokens = grant(authority)
        asked = subprocess.Popen(
            [PROGRAM, "revoke", "--token", "-", "-C", str(authority.dir)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        asked.stdin.write(tokens["access_token"])
        asked.stdin.close()
        time.sleep(delay)
        kill_issuer(authority)
        wait_for(lambda: answers(home["jwks_uri"]), what="the next issuer")
        assert asked.wait(60) == 0, asked.stderr.read()
        assert asked.stdout.read().startswith("revoked ")
        asked.stdout.close()
        asked.stderr.close()
        assert userinfo(home, tokens["access_token"]) == 401
    assert store(authority, "SELECT count(*) FROM revocations_due") == [(0,)]


def test_what_is_due_at_a_crash_is_taken_in_at_the_start(authority, home):
    """Between the store's commit and the chain: put in the store by hand, the issuer killed."""
    tokens = grant(authority)
    grant_id = tokens["refresh_token"].split(".")[1]
    record = bytes([0, 2]) + int(time.time()).to_bytes(8, "big") + bytes([1]) + \
        len(grant_id).to_bytes(2, "big") + grant_id.encode() + bytes(2)
    for pid in authority.read_dev()["pids"]["issuer"]:
        os.kill(pid, signal.SIGSTOP)
    store(authority, "INSERT INTO revocations_due(realm, record) VALUES ('home', ?)", record)
    # of a realm that is gone, and of no form: said, and no obstacle
    store(authority, "INSERT INTO revocations_due(realm, record) VALUES ('gone', ?)", record)
    store(authority, "INSERT INTO revocations_due(realm, record) VALUES ('home', x'00')")
    kill_issuer(authority)
    wait_for(lambda: answers(home["jwks_uri"]), what="the next issuer")
    assert userinfo(home, tokens["access_token"]) == 401
    assert listed(authority)[-1]["subject"] == grant_id
    assert authority.log_text().count("is of no realm here") == 2
    assert store(authority, "SELECT count(*) FROM revocations_due") == [(0,)]


def test_it_outlives_restarts(authority, home):
    tokens = grant(authority)
    done(revoke(home, tokens["access_token"]))
    kill_issuer(authority)
    wait_for(lambda: answers(home["jwks_uri"]), what="the next issuer")
    assert userinfo(home, tokens["access_token"]) == 401


def test_many_at_once(authority, home):
    all_tokens = [grant(authority) for _ in range(5)]
    n = len(listed(authority))
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        for answer in pool.map(lambda t: revoke(home, t["refresh_token"]), all_tokens):
            done(answer)
    assert [userinfo(home, t["access_token"]) for t in all_tokens] == [401] * 5
    assert len(listed(authority)) == n + 5


# --- the disk ---

@pytest.mark.root_only
def test_a_full_disk_is_said_and_nothing_is_lost(authority, home):
    """The chain on a disk of its own, which fills up: the app is told to ask again, the command
    that it is not in force; the issuer itself refuses at once; all is there when there is room."""
    folder = authority.dir / "revocations/home"
    beat = folder / "beat"
    before = listed(authority)
    owner = folder.stat()
    kept = [(p, p.read_bytes()) for p in folder.iterdir()]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0755", "tmpfs", str(folder)],
                   check=True)
    try:
        os.chown(folder, owner.st_uid, owner.st_gid)
        for path, content in kept:
            path.write_bytes(content)
            os.chown(path, owner.st_uid, owner.st_gid)
        kill_issuer(authority)
        wait_for(lambda: answers(home["jwks_uri"]), what="the next issuer")
        first, second = grant(authority), grant(authority)
        with open(folder / "ballast", "wb", buffering=0) as f:
            try:
                while f.write(bytes(4096)):
                    pass
            except OSError:
                pass
        headers = {"Authorization": basic("server", SECRET)}
        for _ in range(100):  # what is left of the chain's last block
            t = good(post(home["token_endpoint"], {"grant_type": "client_credentials"}, headers))
            r = revoke(home, t["access_token"], None, headers)
            if r.status != 200:
                break
        assert r.status == 503 and r.headers["Retry-After"], r.body
        assert not active(home, t["access_token"])
        r = subprocess.run([PROGRAM, "revoke", "--token", "-", "-C", str(authority.dir)],
                           input=first["access_token"], capture_output=True, text=True)
        assert r.returncode == 3 and "NOT IN FORCE" in r.stderr, r.stderr
        assert userinfo(home, first["access_token"]) == 401
        assert "revocations cannot be written" in authority.log_text()
        # no pulse: gates close before long
        old = beat.read_bytes()
        time.sleep(1.5)
        assert beat.read_bytes() == old
        assert userinfo(home, second["access_token"]) == 200
        (folder / "ballast").unlink()
        wait_for(lambda: store(authority, "SELECT count(*) FROM revocations_due") == [(0,)],
                 what="what was due")
        after = listed(authority)
        assert after[:len(before)] == before
        subjects = [r["subject"] for r in after]
        assert identity(first["access_token"]) in subjects
        assert identity(t["access_token"]) in subjects
        wait_for(lambda: beat.read_bytes() != old, what="the pulse")
        assert "revocations are written again" in authority.log_text()
        kept = [(p, p.read_bytes()) for p in folder.iterdir()]
        for pid in authority.read_dev()["pids"]["issuer"]:
            os.kill(pid, signal.SIGSTOP)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
    for path, content in kept:
        path.write_bytes(content)
        os.chown(path, owner.st_uid, owner.st_gid)
    kill_issuer(authority)
    wait_for(lambda: answers(home["jwks_uri"]), what="the next issuer")
    assert listed(authority)[:len(after)] == after


def test_no_token_is_in_the_log(authority):
    log = authority.log_text()
    assert "eyJ" not in log and "rt." not in log


# --- an authority that does not run, and one that is damaged ---

def test_queued_and_damaged():
    with tempfile.TemporaryDirectory(prefix="chancery-revoke-") as folder:
        os.chmod(folder, 0o711)
        path = pathlib.Path(folder) / "authority"
        subprocess.run([PROGRAM, "init", str(path)], check=True, capture_output=True)

        def run(*args, given=None):
            return subprocess.run([PROGRAM, *args, "-C", str(path)], input=given,
                                  capture_output=True, text=True)
        r = run("user", "add", "--realm", "home", "--username", "u@home.test", "--generate")
        assert r.returncode == 0, r.stderr
        sub = r.stdout.split()[0]
        r = run("revoke", "--realm", "home", "--user", "u@home.test")
        assert r.returncode == 0 and r.stdout == f"queued user {sub}\n"
        assert "does not run" in r.stderr
        r = run("user", "remove", "--realm", "home", "--username", "u@home.test")
        assert r.returncode == 0 and "does not run" in r.stderr
        with sqlite3.connect(path / "store/main/chancery.db") as db:
            assert db.execute("SELECT count(*) FROM revocations_due").fetchone() == (2,)
        db.close()
        assert json.loads(run("revoke", "list", "--json").stdout) == []
