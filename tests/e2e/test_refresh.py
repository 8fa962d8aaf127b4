"""Refresh tokens and the grants that they hang on: rotation, lost answers, theft, lifetimes,
restarts; and codes that are used twice."""
import concurrent.futures
import contextlib
import http.client
import os
import pathlib
import random
import re
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

import pytest

from chancery import PROGRAM, Authority, basic, claims_of, free_port, http as ask, wait_for
from test_issuer import answer_of, code_for, login_page, post, redeem, refused

SCOPE = "openid profile offline_access mail.read mail.send"
SECRET = "a secret of sixteen bytes or more"


def client_add(a, client_id, *more, scopes=SCOPE, grants=("authorization_code", "refresh_token")):
    args = [x for s in scopes.split() for x in ("--scope", s)]
    args += [x for g in grants for x in ("--grant", g)]
    a.run("client", "add", "--realm", "home", "--id", client_id, "--redirect",
          "http://127.0.0.1/callback", "--audience", "mail", "--also-audience", "api", *args, *more)


@pytest.fixture(scope="module")
def authority():
    with tempfile.TemporaryDirectory(prefix="chancery-refresh-") as folder:
        os.chmod(folder, 0o711)
        a = Authority(folder + "/authority")
        client_add(a, "app", "--public")
        client_add(a, "other", "--public")
        client_add(a, "once", "--public", grants=("authorization_code",))
        client_add(a, "online", "--public", scopes="openid mail.read")
        secret = folder + "/secret"
        with open(secret, "w") as f:
            f.write(SECRET)
        client_add(a, "server", "--secret-file", secret)
        yield a
        log = a.log_text()
        assert a.stop() == 0, log
        # what no log may hold, whatever happened
        assert not re.search(r"rt\.[A-Za-z0-9_-]{22}\.\d", log)


@pytest.fixture
def authority_folder():
    with tempfile.TemporaryDirectory(prefix="chancery-refresh-") as folder:
        os.chmod(folder, 0o711)
        yield pathlib.Path(folder)


@pytest.fixture(scope="module")
def home(authority):
    return authority.dev["realms"]["home"]


def grant(authority, client_id="app", **changed):
    """A login's tokens."""
    changed = {"client_id": client_id, "scope": SCOPE, **changed}
    r = redeem(authority.dev["realms"]["home"], code_for(authority, **changed),
               client_id=client_id)
    assert r.status == 200, r.body
    return r.json()


def refresh(home, token, client_id="app", headers=None, **more):
    fields = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id, **more}
    return post(home["token_endpoint"], {k: v for k, v in fields.items() if v is not None}, headers)


def good(answer):
    assert answer.status == 200, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def store(authority, sql, *args):
    """Straight into the issuer's store, as a clock that went on would leave it."""
    with sqlite3.connect(authority.dir / "store" / "main" / "chancery.db", timeout=10) as db:
        rows = db.execute(sql, args).fetchall()
    db.close()
    return rows


def later(authority, token, seconds):
    """Makes the grant of a token older."""
    store(authority, "UPDATE grants SET rotated = rotated - ?, created = created - ?,"
          " expires = expires - ? WHERE id = ?", seconds, seconds, seconds, token.split(".")[1])


def answers(jwks_uri):
    try:
        return ask("GET", jwks_uri).json()["keys"]
    except (OSError, http.client.HTTPException, KeyError, ValueError):
        return None


def kill_issuer(authority):
    """kill -9; returns when another one serves."""
    before = authority.read_dev()["pids"]["issuer"]
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    wait_for(lambda: not set(before) & set(authority.read_dev()["pids"].get("issuer", before)), 20,
             "its death")
    wait_for(lambda: answers(authority.dev["realms"]["home"]["jwks_uri"]), 20, "a new issuer")


# --- what is given ---

def test_the_first_tokens(authority):
    body = grant(authority)
    assert body["scope"] == SCOPE
    kind, grant_id, seq, _ = body["refresh_token"].split(".")
    assert (kind, seq) == ("rt", "1")
    assert claims_of(body["access_token"])["grant_id"] == grant_id
    assert "grant_id" not in claims_of(body["id_token"])


def test_only_with_the_scope_and_the_grant_type(authority, home):
    assert "refresh_token" not in grant(authority, scope="openid mail.read")
    once = grant(authority, "once")
    assert "refresh_token" not in once and "offline_access" not in once["scope"].split()
    assert "refresh_token" not in grant(authority, "online", scope="openid mail.read")
    error = answer_of(login_page(home, client_id="online", scope="openid offline_access"))
    assert error[1]["error"] == "invalid_scope"


def test_metadata_lists_it(home):
    m = ask("GET", home["issuer"] + "/.well-known/openid-configuration").json()
    assert "refresh_token" in m["grant_types_supported"]
    assert "offline_access" in m["scopes_supported"]


def test_client_credentials_get_none(authority, home):
    authority.run("client", "add", "--realm", "home", "--id", "robot", "--audience", "mail",
                  "--scope", "offline_access", "--scope", "mail.read", "--grant",
                  "client_credentials", "--grant", "refresh_token", "--secret-file", "-",
                  given=SECRET + "\n")
    body = good(post(home["token_endpoint"], {"grant_type": "client_credentials"},
                     {"Authorization": basic("robot", SECRET)}))
    assert "refresh_token" not in body and body["scope"] == "mail.read"


# --- rotation ---

def test_a_refresh(authority, home):
    first = grant(authority)
    second = good(refresh(home, first["refresh_token"]))
    third = good(refresh(home, second["refresh_token"]))
    assert [t["refresh_token"].split(".")[2] for t in (first, second, third)] == ["1", "2", "3"]
    assert len({t["access_token"] for t in (first, second, third)}) == 3
    was, now = (claims_of(t["access_token"]) for t in (first, third))
    for name in ("iss", "sub", "aud", "client_id", "scope", "username", "grant_id", "auth_time"):
        assert was[name] == now[name], name
    assert was["jti"] != now["jti"]


def test_its_id_token(authority, home):
    """OpenID Connect Core section 12.2."""
    first = grant(authority)
    second = good(refresh(home, first["refresh_token"]))
    was, now = claims_of(first["id_token"]), claims_of(second["id_token"])
    for name in ("iss", "sub", "aud", "azp", "auth_time", "amr", "name"):
        assert was[name] == now[name], name
    assert was["nonce"] == "n-1" and "nonce" not in now
    assert now["iat"] >= was["iat"]


def test_a_lost_answer(authority, home):
    first = grant(authority)["refresh_token"]
    got = [good(refresh(home, first)) for _ in range(3)]
    assert len({t["refresh_token"] for t in got}) == 1
    assert len({t["access_token"] for t in got}) == 3
    good(refresh(home, got[0]["refresh_token"]))


def test_two_at_once(authority, home):
    """Tabs, threads, a retry that overtakes: all get the same successor."""
    token = grant(authority)["refresh_token"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            got = [good(r) for r in pool.map(lambda _: refresh(home, token), range(8))]
            assert len({t["refresh_token"] for t in got}) == 1
            assert token != got[0]["refresh_token"]
            token = got[0]["refresh_token"]


def test_reuse_after_the_window(authority, home):
    first = grant(authority)["refresh_token"]
    second = good(refresh(home, first))["refresh_token"]
    later(authority, first, 61)
    refused(refresh(home, first), 400, "invalid_grant")
    refused(refresh(home, second), 400, "invalid_grant")
    refused(refresh(home, first), 400, "invalid_grant")
    grant_id = first.split(".")[1]
    said = [line for line in authority.log_text().splitlines() if grant_id in line]
    assert len(said) == 1 and "revoked" in said[0] and 'client="app"' in said[0]


def test_reuse_of_an_older_one(authority, home):
    """Also inside the window: two steps behind is nobody's lost answer."""
    first = grant(authority)["refresh_token"]
    second = good(refresh(home, first))["refresh_token"]
    third = good(refresh(home, second))["refresh_token"]
    refused(refresh(home, first), 400, "invalid_grant")
    refused(refresh(home, third), 400, "invalid_grant")


def test_a_guess_logs_nobody_out(authority, home):
    token = grant(authority)["refresh_token"]
    kind, grant_id, _, code = token.split(".")
    flipped = ("A" if code[0] != "A" else "B") + code[1:]
    for guess in (f"{kind}.{grant_id}.1.{flipped}", f"{kind}.{grant_id}.0.{code}",
                  f"{kind}.{grant_id}.2.{code}", f"{kind}.{grant_id}.9.{flipped}",
                  f"{kind}.{'A' * 22}.1.{code}", token + "A", token[:-1], "x" * 4000, "rt", "ü"):
        refused(refresh(home, guess), 400, "invalid_grant")
    refused(refresh(home, None), 400, "invalid_request")
    good(refresh(home, token))


# --- whose it is ---

def test_another_client(authority, home):
    """A genuine token in other hands was taken from somebody: it ends."""
    token = grant(authority)["refresh_token"]
    kind, grant_id, seq, code = token.split(".")
    flipped = ("A" if code[0] != "A" else "B") + code[1:]
    refused(refresh(home, f"{kind}.{grant_id}.{seq}.{flipped}", "other"), 400, "invalid_grant")
    good(refresh(home, token))
    refused(refresh(home, token, "other"), 400, "invalid_grant")
    refused(refresh(home, token), 400, "invalid_grant")


def test_a_confidential_client_must_authenticate(authority, home):
    secret = {"Authorization": basic("server", SECRET)}
    code = code_for(authority, client_id="server", scope=SCOPE)
    token = good(redeem(home, code, secret, client_id="server"))["refresh_token"]
    refused(refresh(home, token, "server"), 401, "invalid_client")
    refused(refresh(home, token, None, {"Authorization": basic("server", "wrong")}), 401,
            "invalid_client")
    good(refresh(home, token, None, secret))


def test_another_realm(authority, home):
    token = grant(authority)["refresh_token"]
    refused(refresh(authority.dev["realms"]["corp"], token, "demo"), 400, "unauthorized_client")
    good(refresh(home, token))


def test_a_client_without_the_grant_type(authority, home):
    token = grant(authority)["refresh_token"]
    refused(refresh(home, token, "once"), 400, "unauthorized_client")
    good(refresh(home, token))


@pytest.mark.parametrize("undo,again,error", [
    ("UPDATE users SET disabled = 1 WHERE username = 'bob@home.test'",
     "UPDATE users SET disabled = 0", "invalid_grant"),
    ("UPDATE clients SET disabled = 1 WHERE id = 'app'", "UPDATE clients SET disabled = 0",
     "invalid_client"),
    ("UPDATE clients SET scopes = 'openid mail.read' WHERE id = 'app'",
     f"UPDATE clients SET scopes = '{SCOPE}' WHERE id = 'app'", "invalid_grant"),
    ("UPDATE clients SET audience = 'api', audiences = '' WHERE id = 'app'",
     "UPDATE clients SET audience = 'mail', audiences = 'api' WHERE id = 'app'", "invalid_grant"),
])
def test_what_was_taken_away_since(authority, home, undo, again, error):
    token = grant(authority, username="bob@home.test")["refresh_token"]
    store(authority, undo)
    refused(refresh(home, token), 401 if error == "invalid_client" else 400, error)
    store(authority, again)
    good(refresh(home, token))


def test_a_client_that_may_less_now(authority, home):
    token = grant(authority)["refresh_token"]
    store(authority, "UPDATE clients SET scopes = 'openid offline_access mail.read'"
          " WHERE id = 'app'")
    assert good(refresh(home, token))["scope"] == "openid offline_access mail.read"
    store(authority, "UPDATE clients SET scopes = ? WHERE id = 'app'", SCOPE)


# --- scope and resource ---

def test_less_scope(authority, home):
    token = grant(authority)["refresh_token"]
    less = good(refresh(home, token, scope="mail.read"))
    assert less["scope"] == "mail.read" and "id_token" not in less
    assert claims_of(less["access_token"])["scope"] == "mail.read"
    # the grant is as wide as before
    assert good(refresh(home, less["refresh_token"]))["scope"] == SCOPE


def test_not_more_scope(authority, home):
    token = grant(authority, scope="openid offline_access mail.read")["refresh_token"]
    for scope in ("mail.send", "mail.read mail.send", "root"):
        refused(refresh(home, token, scope=scope), 400, "invalid_scope")
    assert good(refresh(home, token))["refresh_token"].split(".")[2] == "2"


def test_the_resource_of_the_grant(authority, home):
    at = {a["name"]: a["resource"] for a in authority.dev["audiences"]}
    token = grant(authority)["refresh_token"]
    for other in (at["api"], "https://elsewhere.example"):
        refused(refresh(home, token, resource=other), 400, "invalid_target")
    assert claims_of(good(refresh(home, token, resource=at["mail"]))["access_token"])["aud"] == "mail"


# --- how long ---

def test_idle(authority, home):
    token = grant(authority)["refresh_token"]
    later(authority, token, 29 * 86400)
    token = good(refresh(home, token))["refresh_token"]
    later(authority, token, 30 * 86400 + 1)
    refused(refresh(home, token), 400, "invalid_grant")


def test_absolute(authority, home):
    token = grant(authority)["refresh_token"]
    for _ in range(4):
        later(authority, token, 22 * 86400)
        token = good(refresh(home, token))["refresh_token"]
    later(authority, token, 2 * 86400 + 1)
    refused(refresh(home, token), 400, "invalid_grant")


def test_a_grant_is_gone_with_its_user(authority, home):
    token = grant(authority, username="bob@home.test")["refresh_token"]
    with sqlite3.connect(authority.dir / "store" / "main" / "chancery.db", timeout=10) as db:
        db.execute("PRAGMA foreign_keys = ON")
        rows = db.execute("SELECT * FROM users WHERE username = 'bob@home.test'").fetchall()
        db.execute("DELETE FROM users WHERE username = 'bob@home.test'")
    db.close()
    refused(refresh(home, token), 400, "invalid_grant")
    store(authority, f"INSERT INTO users VALUES ({','.join('?' * len(rows[0]))})", *rows[0])
    refused(refresh(home, token), 400, "invalid_grant")


# --- codes ---

@pytest.mark.parametrize("wait", [0, 1.1])
def test_a_code_used_twice_ends_what_it_gave(authority, home, wait):
    """FAPI 2: AttemptReuseAuthorizationCodeAfterOneSecond."""
    code = code_for(authority, client_id="app", scope=SCOPE)
    token = good(redeem(home, code, client_id="app"))["refresh_token"]
    token = good(refresh(home, token))["refresh_token"]
    time.sleep(wait)
    refused(redeem(home, code, client_id="app"), 400, "invalid_grant")
    refused(refresh(home, token), 400, "invalid_grant")


def test_a_code_used_twice_at_once(authority, home):
    code = code_for(authority, client_id="app", scope=SCOPE)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda _: redeem(home, code, client_id="app"), range(6)))
    tokens = [r.json() for r in got if r.status == 200]
    assert len(tokens) == 1
    refused(refresh(home, tokens[0]["refresh_token"]), 400, "invalid_grant")


def test_a_wrong_try_spends_a_code(authority, home):
    code = code_for(authority, client_id="app", scope=SCOPE)
    refused(redeem(home, code, client_id="app", code_verifier="w" * 43), 400, "invalid_grant")
    refused(redeem(home, code, client_id="app"), 400, "invalid_grant")


# --- what is kept ---

def test_no_row_a_refresh(authority, home):
    def rows():
        return {name: store(authority, f"SELECT count(*) FROM {name}")[0][0]
                for (name,) in store(authority,
                                     "SELECT name FROM sqlite_schema WHERE type = 'table'")}
    token = grant(authority)["refresh_token"]
    before = rows()
    for _ in range(50):
        token = good(refresh(home, token))["refresh_token"]
    assert rows() == before


def test_the_key_is_not_in_the_store(authority):
    key = authority.dir / "refresh.key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_text().strip()) == 43
    if os.geteuid() == 0:
        assert key.stat().st_uid == 0
    for path in (authority.dir / "store").rglob("*"):
        if path.is_file():
            assert key.read_bytes().strip() not in path.read_bytes()


class Production:
    """`init` and `serve`, as often as one likes: what test_issuer's helpers ask of an authority."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.run("init", str(self.dir))
        text = (self.dir / "chancery.yaml").read_text()
        for port in ("8080", "8081"):
            text = text.replace(port, str(free_port()))
        (self.dir / "chancery.yaml").write_text(text)
        issuer = re.search(r"issuer: (http://\S+/home)\n", text)[1]
        self.dev = {"realms": {"home": {
            "issuer": issuer, "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/jwks",
            "authorization_endpoint": issuer + "/authorize"}}}
        self.run("user", "add", "--realm", "home", "--username", "eve", "--password-file", "-",
                 "-C", str(self.dir), given="a password of eve's\n")
        client_add(self, "app", "--public")

    def run(self, *args, given=None):
        if "-C" not in args and args[0] != "init":
            args += ("-C", str(self.dir))
        r = subprocess.run([PROGRAM, *args], input=given, capture_output=True, text=True, timeout=60)
        assert r.returncode == 0, r.stderr
        return r.stdout

    def user(self, _):
        return {"password": "a password of eve's"}

    def serve(self):
        return subprocess.Popen([PROGRAM, "serve", str(self.dir)], stderr=subprocess.PIPE)

    @contextlib.contextmanager
    def served(self):
        process = self.serve()
        drain = threading.Thread(target=process.stderr.read)
        drain.start()
        try:
            wait_for(lambda: answers(self.dev["realms"]["home"]["jwks_uri"]), 30, "its start")
            yield self.dev["realms"]["home"]
        finally:
            process.terminate()
            assert process.wait(20) == 0
            drain.join()
            process.stderr.close()

    def refuses(self):
        process = self.serve()
        said = process.communicate(timeout=30)[1].decode()
        assert process.returncode == 3, said
        return said


@pytest.mark.root_only
def test_over_restarts(authority_folder):
    a = Production(authority_folder / "a")
    key = a.dir / "refresh.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.unlink()  # an authority of before there were refresh tokens
    with a.served():
        assert key.stat().st_mode & 0o777 == 0o600
        token = grant(a, username="eve")["refresh_token"]
    with a.served() as home:
        again = good(refresh(home, token))["refresh_token"]
    with a.served() as home:
        assert good(refresh(home, token))["refresh_token"] == again
        good(refresh(home, again))
        later(a, token, 61)
    with a.served() as home:
        refused(refresh(home, token), 400, "invalid_grant")
        refused(refresh(home, again), 400, "invalid_grant")
    key.chmod(0o640)
    assert "refresh.key: chmod 600" in a.refuses()
    key.chmod(0o600)
    text = key.read_text()
    for damaged in ("", text[1:], text + "x", "!" + text[1:]):
        key.write_text(damaged)
        assert "refresh.key is damaged" in a.refuses()


# --- crashes ---

@pytest.mark.plain("needs the pace of a plain build")
def test_a_crash_before_the_answer(authority, home):
    """Whenever the issuer dies: the client that asks again with what it has is served."""
    token = grant(authority)["refresh_token"]
    rng = random.Random(5)
    for _ in range(4):
        got = []

        def one(token=token):
            try:
                got.append(refresh(home, token))
            except (OSError, http.client.HTTPException):
                pass
        thread = threading.Thread(target=one)
        thread.start()
        time.sleep(rng.random() * 0.004)
        kill_issuer(authority)
        thread.join()
        again = good(refresh(home, token))["refresh_token"]
        if got and got[0].status == 200:
            assert got[0].json()["refresh_token"] == again
        token = again


class Model:
    """What a grant is, plainly: its tokens in order, when the last was made, is it over?"""

    WINDOW = 60

    def __init__(self, token):
        self.tokens, self.rotated, self.revoked = [token], time.time(), False

    def show(self, i, now):
        """(may it, the successor's place) for its i-th token."""
        last = len(self.tokens) - 1
        if self.revoked:
            return None
        if i == last:
            self.rotated = now
            return last + 1
        if i == last - 1 and now < self.rotated + self.WINDOW:
            return last
        self.revoked = True
        return None


def walk(authority, home, seed, steps):
    rng, grants, clocks = random.Random(seed), [], []
    for step in range(steps):
        now = time.time()
        do = rng.choices(("grant", "current", "previous", "old", "other", "later", "crash"),
                         (1, 12, 5, 1, 0.5, 4, 0.3))[0]
        if not grants or (do == "grant" and len(grants) < 12):
            grants.append(Model(grant(authority)["refresh_token"]))
            clocks.append(0)
            continue
        at = rng.randrange(len(grants))
        m = grants[at]
        if do == "later":
            seconds = rng.choice((10, 70))
            later(authority, m.tokens[0], seconds)
            clocks[at] += seconds
            continue
        if do == "crash":
            kill_issuer(authority)
            continue
        last = len(m.tokens) - 1
        i = {"current": last, "previous": max(last - 1, 0), "old": rng.randint(0, last),
             "grant": last, "other": last}[do]
        if 50 < now + clocks[at] - m.rotated < 70:
            continue  # neither in the window nor out of it for sure
        r = refresh(home, m.tokens[i], "other" if do == "other" else "app")
        if do == "other":
            m.revoked, want = True, None
        else:
            want = m.show(i, now + clocks[at])
        where = f"seed {seed}, step {step}: {do} {i} of {last}"
        if want is None:
            assert r.status == 400 and r.json()["error"] == "invalid_grant", (where, r.body)
            continue
        assert r.status == 200, (where, r.body)
        if want == len(m.tokens):
            assert r.json()["refresh_token"] not in m.tokens, where
            m.tokens.append(r.json()["refresh_token"])
        assert r.json()["refresh_token"] == m.tokens[want], where


def test_as_the_model_says(authority, home):
    walk(authority, home, random.randrange(1 << 32), 150)


@pytest.mark.soak
def test_as_the_model_says_for_long(authority, home, progress):
    for i in range(40):
        progress(f"{i} of 40 walks")
        walk(authority, home, random.randrange(1 << 32), 500)
    print("40 walks of 500 steps, no difference")
