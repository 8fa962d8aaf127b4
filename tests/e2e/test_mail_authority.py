"""From a login to a mail, on a whole authority with its gate and Dovecot: tokens that it
issued, tokens forged with a stolen key of its realm, and the realm that overreaches."""
import json
import pathlib
import re
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import serialization

from chancery import (PROGRAM, Authority, Gate, Signer, b64, claims_of, compact, free_port, http,
                      read_mail, wait_for)
from mail_server import ALICE, BOB, CAROL, Dovecot

REFUSED = 67
WELCOME = "You read this without a password"


class World:
    """An authority whose realm `home` signs with a key that an attacker has too."""

    def __init__(self, folder):
        self.authority = Authority(folder / "m", "--mail", "--no-keys", "home")
        a = self.authority
        self.port = a.dev["mail"]["imap_port"]
        self.stolen = Signer(a.dev["realms"]["home"]["issuer"])
        pem = self.stolen.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()).decode()
        a.run("key", "import", "--realm", "home", "-", given=pem)
        keys = json.loads(a.run("key", "list", "--realm", "home", "--json"))
        self.stolen.kid = keys[0]["kid"]
        self.tokens = {}

    def token(self, realm, username):
        """A genuine token, made once."""
        if username not in self.tokens:
            self.tokens[username] = self.authority.token(realm, username)
        return self.tokens[username]


@pytest.fixture(scope="module")
def world(short_dir):
    w = World(short_dir)
    yield w
    assert w.authority.stop() == 0, w.authority.log_text()


def refused(world, user, token, mechanism="OAUTHBEARER"):
    """What the log says of a login that must fail."""
    before = len(world.authority.log_text())
    status, said = read_mail(world.port, user, token, mechanism)
    assert status == REFUSED and WELCOME not in said, said
    return world.authority.log_text()[before:]


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
@pytest.mark.parametrize("realm,user", [("home", ALICE), ("home", BOB), ("corp", CAROL)])
def test_a_login_reads_a_mail(world, realm, user, mechanism):
    status, said = read_mail(world.port, user, world.token(realm, user), mechanism)
    assert status == 0 and WELCOME in said and f"To: {user}" in said


def test_a_client_of_its_own_reads_too(world, tmp_path):
    """client_credentials: `bench` speaks for alice's mailbox and no other."""
    secret = tmp_path / "secret"
    secret.write_text(world.authority.client("home", "bench")["client_secret"])
    token = subprocess.check_output(
        [world.authority.program, "token", "--issuer", world.stolen.issuer, "--client", "bench",
         "--secret-file", str(secret)], text=True, timeout=120).strip()
    assert read_mail(world.port, ALICE, token)[0] == 0
    refused(world, BOB, token)


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_anothers_mailbox(world, mechanism):
    for victim in (BOB, CAROL):
        refused(world, victim, world.token("home", ALICE), mechanism)
    refused(world, ALICE, world.token("corp", CAROL), mechanism)


def test_other_audience(world):
    token = world.authority.token("home", ALICE, None, "--resource", "https://api.example")
    assert claims_of(token)["aud"] == "api"
    assert 'code="bad_audience"' in refused(world, ALICE, token)


def changed_payload(w):
    head, _, signature = w.token("home", ALICE).split(".")
    claims = dict(claims_of(w.token("home", ALICE)), username=BOB)
    return f"{head}.{b64(compact(claims))}.{signature}"


def unsigned(w):
    head = {"alg": "none", "typ": "at+jwt", "kid": w.stolen.kid}
    return f"{b64(compact(head))}.{b64(compact(claims_of(w.token('home', ALICE))))}."


def corp_in_the_name_of_home(w):
    """corp's genuine key cannot be had: somebody's key under corp's kid, for home."""
    kid = json.loads(w.authority.run("key", "list", "--realm", "corp", "--json"))[0]["kid"]
    return Signer(w.stolen.issuer, kid=kid).token()


NOW = int(time.time())
FORGED = {
    "expired": (ALICE, lambda w: w.stolen.token(iat=NOW - 600, exp=NOW - 1), "expired"),
    "other typ": (ALICE, lambda w: w.stolen.token({"typ": "JWT"}), "bad_typ"),
    "other alg": (ALICE, lambda w: w.stolen.token({"alg": "HS256"}), "bad_alg"),
    "corp's name with home's key": (
        CAROL, lambda w: w.stolen.token(iss=w.authority.dev["realms"]["corp"]["issuer"],
                                        username=CAROL), "foreign_key"),
    "home's name with corp's kid": (ALICE, corp_in_the_name_of_home, "foreign_key"),
    "a key of the same kid": (
        ALICE, lambda w: Signer(w.stolen.issuer, kid=w.stolen.kid).token(), "bad_signature"),
    "unsigned": (ALICE, unsigned, "malformed"),
    "changed payload": (BOB, changed_payload, "bad_signature"),
    "for a year": (ALICE, lambda w: w.stolen.token(exp=NOW + 365 * 86400), "too_long_lived"),
    # not from before the key was imported: that would need no entry
    "carol, by home's key": (
        CAROL, lambda w: w.stolen.token(username=CAROL, iat=int(time.time())), "not_logged"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged(world, name):
    user, make, code = FORGED[name]
    token = make(world)
    log = refused(world, user, token)
    assert f'code="{code}"' in log
    assert all(part not in log for part in token.split(".") if len(part) > 12)


def test_what_the_key_signs_elsewhere_is_not_in_the_log(world):
    """The thief has the very key; the token differs from a genuine one in nothing but that no signer
    of ours made it."""
    forged = world.stolen.token(username=BOB, iat=int(time.time()) + 1, exp=int(time.time()) + 300)
    began = time.monotonic()
    log = refused(world, BOB, forged)
    took = (time.monotonic() - began) * 1000
    assert " ALARM " in log and "a token that was never issued" in log
    assert f'kid="{world.stolen.kid}"' in log and "not_logged" in log
    assert all(part not in log for part in forged.split(".") if len(part) > 12)
    print(f"refused, with its alarm, after {took:.0f} ms")
    # genuine ones pass as before
    assert read_mail(world.port, BOB, world.authority.token("home", BOB))[0] == 0


def test_what_the_key_signed_before_it_was_imported(world):
    """Its JWK says since when all is logged; until the longest lifetime after that is over, what is
    older passes without an entry, and is counted."""
    jwks = json.loads(http("GET", world.stolen.issuer + "/jwks").body)
    since = next(k["logged_from"] for k in jwks["keys"] if k["kid"] == world.stolen.kid)
    assert abs(since - NOW) < 3600
    old = world.stolen.token(username=ALICE, iat=since - 60, exp=since + 3000)
    assert read_mail(world.port, ALICE, old)[0] == 0
    refused(world, ALICE, world.stolen.token(username=ALICE, iat=since, exp=since + 3000))


def lax_policy(world):
    """The authority's own policy without its mailbox rule, on another port."""
    policy = world.authority.dev["gate"]["policy"]
    with open(policy, encoding="utf-8") as f:
        text = f.read()
    lax, port = policy + ".lax", free_port()
    text = re.sub(r"(?m)^listen: .*$", f"listen: 127.0.0.1:{port}", text)
    text = re.sub(r"(?ms)^mailboxes:.*", "", text)
    with open(lax, "w", encoding="utf-8") as f:
        f.write(text)
    return lax, port


class LaxGate(Gate):
    """A gate on a policy that is there."""

    def __init__(self, folder, policy, port):
        folder.mkdir()
        self.dir, self.policy, self.port = folder, policy, port
        self.program, self.process = PROGRAM, None


def test_a_realm_cannot_open_anothers_mailbox(world, short_dir):
    """A consumer account with an enterprise address: genuine, signed by the authority itself,
    and still no way into enterprise mail; nothing but the gate's rule stands there."""
    a = world.authority
    a.run("user", "add", "--realm", "home", "--username", CAROL, "--password-file", "-",
          given="a long enough password\n")
    token = a.token("home", CAROL, "a long enough password")
    claims = claims_of(token)
    assert claims["iss"] == world.stolen.issuer and claims["username"] == CAROL
    log = refused(world, CAROL, token)
    assert " ALARM " in log and 'code="bad_mailbox"' in log
    assert 'realm="home"' in log and f'username="{CAROL}"' in log
    # the control: the same token, a gate that lacks the rule, and the mailbox opens
    lax, port = lax_policy(world)
    gate = a.dev["gate"]
    url = f"http://{gate['client_id']}:{gate['client_secret']}@127.0.0.1:{port}/introspect"
    with LaxGate(short_dir / "lax", lax, port) as control:
        with Dovecot(short_dir / "dl", url) as dovecot:
            status, said = read_mail(dovecot.port, CAROL, token)
            assert status == 0 and f"only for {CAROL}" in said
        assert "EVERY mailbox" in control.log_text()


def links(folder):
    """Those to a place in this folder: other authorities have theirs."""
    found = pathlib.Path("/tmp").glob("chancery-mail-*")
    return [p for p in found if p.is_symlink() and str(p.readlink()).startswith(str(folder))]


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter when it ends as we read
        return True


def test_a_long_name_and_a_clean_end(short_dir):
    """Sockets have short names only: Dovecot's lie behind a link then, which goes away."""
    folder = short_dir / ("long-name-" * 6) / "a"
    folder.parent.mkdir(mode=0o711)
    a = Authority(folder, "--mail")
    try:
        token = a.token("home", ALICE)
        status, said = read_mail(a.dev["mail"]["imap_port"], ALICE, token)
        assert status == 0 and WELCOME in said
        assert len(links(folder)) == 1
    finally:
        assert a.stop() == 0, a.log_text()
    assert not links(folder)
    wait_for(lambda: all(is_gone(p) for pids in a.dev["pids"].values() for p in pids),
             what="the end of all processes")


def test_a_second_start_keeps_the_mail(short_dir):
    """Killed without a word, everything ends; started again, the mailboxes are as before."""
    a = Authority(short_dir / "k", "--mail")
    box = a.dir / "mail" / "boxes" / ALICE / "new"
    marks = [p.name for p in box.iterdir()]
    a.process.kill()
    a.stop()
    wait_for(lambda: all(is_gone(p) for pids in a.dev["pids"].values() for p in pids),
             what="the end of all processes")
    a = Authority(short_dir / "k", "--mail")
    try:
        assert [p.name for p in box.iterdir()] == marks
        assert read_mail(a.dev["mail"]["imap_port"], ALICE, a.token("home", ALICE))[0] == 0
    finally:
        a.stop()
