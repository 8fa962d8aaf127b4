"""A real Dovecot that asks a real gate, with the files of contrib/dovecot, and tokens
signed here: who reads whose mail by OAUTHBEARER and XOAUTH2."""
import pathlib
import subprocess
import time

import pytest

from chancery import Gate, Signer, b64, compact, read_mail, wait_for
from mail_server import ALICE, BOB, CAROL, Dovecot

REFUSED = 67
HOME = Signer("https://login.test/home")
CORP = Signer("https://login.test/corp", alg="EdDSA", kid="c1")


@pytest.fixture(scope="module")
def folder():
    # Dovecot's sockets need a short name, and its user a way to it
    path = pathlib.Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    path.chmod(0o711)
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=True)


@pytest.fixture(scope="module")
def gate(folder):
    boxes = {"home": ["*@home.test"], "corp": ["*@corp.test"]}
    with Gate(folder / "gate", {"home": HOME, "corp": CORP}, boxes) as g:
        yield g


@pytest.fixture(scope="module")
def dovecot(folder, gate):
    with Dovecot(folder / "d", gate.url_with_secret) as d:
        yield d


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
@pytest.mark.parametrize("user,signer", [(ALICE, HOME), (BOB, HOME), (CAROL, CORP)])
def test_a_token_opens_its_mailbox(dovecot, mechanism, user, signer):
    status, said = read_mail(dovecot.port, user, signer.token(username=user), mechanism)
    assert status == 0, said
    assert f"only for {user}" in said


def unsigned():
    head, payload = compact({"alg": "none", "typ": "at+jwt", "kid": "k1"}), compact(HOME.claims())
    return f"{b64(head)}.{b64(payload)}."


def changed_payload():
    head, _, signature = HOME.token().split(".")
    return f"{head}.{b64(compact(HOME.claims(username=BOB)))}.{signature}"


def other_realms_key(**changed):
    forger = Signer(HOME.issuer, alg=CORP.alg, kid=CORP.kid)
    forger.key = CORP.key
    return forger.token(**changed)


NOW = int(time.time())
REFUSALS = {
    "no token": (ALICE, lambda: "x", "malformed"),
    "other audience": (ALICE, lambda: HOME.token(aud="api"), "bad_audience"),
    "expired": (ALICE, lambda: HOME.token(iat=NOW - 600, exp=NOW - 1), "expired"),
    "other typ": (ALICE, lambda: HOME.token({"typ": "JWT"}), "bad_typ"),
    "other scope": (ALICE, lambda: HOME.token(scope="mail.send"), "bad_scope"),
    "another realm's key": (ALICE, other_realms_key, "foreign_key"),
    "its own realm's key, another's issuer": (
        CAROL, lambda: HOME.token(iss=CORP.issuer, username=CAROL), "foreign_key"),
    "unsigned": (ALICE, unsigned, "malformed"),
    "changed payload": (BOB, changed_payload, "bad_signature"),
    "bound to a key": (ALICE, lambda: HOME.token(cnf={"jkt": b64(bytes(32))}), "bad_binding"),
    "no username": (ALICE, lambda: HOME.token(username=None), "bad_mailbox"),
}


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
@pytest.mark.parametrize("name", REFUSALS)
def test_refused(dovecot, gate, name, mechanism):
    user, make, code = REFUSALS[name]
    before = len(gate.log_text())
    status, said = read_mail(dovecot.port, user, make(), mechanism)
    assert status == REFUSED and "only for" not in said, said
    log = gate.log_text()[before:]
    assert f'code="{code}"' in log and 'location="imap"' in log and 'client="127.0.0.1"' in log


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_another_ones_mailbox(dovecot, mechanism):
    """The gate finds the token good; Dovecot compares the names."""
    status, said = read_mail(dovecot.port, BOB, HOME.token(username=ALICE), mechanism)
    assert status == REFUSED and "only for" not in said


def test_a_realm_cannot_claim_anothers_mailbox(folder, dovecot, gate):
    """The chain's last link: a genuine consumer token that names an enterprise user."""
    token = HOME.token(username=CAROL)
    before = len(gate.log_text())
    status, said = read_mail(dovecot.port, CAROL, token)
    assert status == REFUSED and "only for" not in said
    log = gate.log_text()[before:]
    assert " ALARM " in log and 'code="bad_mailbox"' in log
    assert 'realm="home"' in log and f'username="{CAROL}"' in log
    # the control: the same token, the same Dovecot, a gate that lacks the rule
    with Gate(folder / "lax", {"home": HOME, "corp": CORP}) as lax:
        with Dovecot(folder / "dc", lax.url_with_secret) as control:
            status, said = read_mail(control.port, CAROL, token)
            assert status == 0 and f"only for {CAROL}" in said
            assert "EVERY mailbox" in lax.log_text()


def test_without_its_gate_nobody_gets_in(folder):
    gate = Gate(folder / "gone", {"home": HOME}, {"home": ["*@home.test"]}).start()
    with Dovecot(folder / "dg", gate.url_with_secret) as d:
        assert read_mail(d.port, ALICE, HOME.token())[0] == 0
        gate.stop()
        status, said = read_mail(d.port, ALICE, HOME.token())
        assert status != 0 and "only for" not in said
        gate.start()
        assert read_mail(d.port, ALICE, HOME.token())[0] == 0
        # and without keys it cannot judge: a 503 opens nothing either
        gate.write_keys("home", '{"keys":[]}')
        wait_for(lambda: gate.ask(HOME.token()).status == 503, what="the end of the keys")
        status, said = read_mail(d.port, ALICE, HOME.token())
        assert status != 0 and "only for" not in said
    gate.stop()
