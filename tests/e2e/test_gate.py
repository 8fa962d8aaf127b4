"""A gate alone, asked over HTTP as a mail server asks it, with tokens signed here."""
import grp
import json
import os
import re
import subprocess
import time

import pytest

from chancery import PROGRAM, Gate, Signer, b64, basic, compact, http, wait_for

REFUSED = b'{"active":false}'
MAILBOXES = {"home": ["*@home.test"], "corp": ["*@corp.test"]}
HOME = Signer("https://login.test/home")
CORP = Signer("https://login.test/corp", alg="EdDSA", kid="c1")


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with Gate(tmp_path_factory.mktemp("gate"), {"home": HOME, "corp": CORP}, MAILBOXES) as g:
        yield g


def refusal(gate, token, **kwargs):
    """The log lines that this one token caused; it must be refused."""
    before = len(gate.log_text())
    answer = gate.ask(token, **kwargs)
    assert (answer.status, answer.body) == (200, REFUSED)
    log = gate.log_text()[before:]
    assert len(log.splitlines()) == 1, log
    return log


def test_good_tokens_open(gate):
    answer = gate.ask(HOME.token())
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    said = answer.json()
    assert list(said) == ["active", "username", "sub", "scope", "client_id", "aud", "iss", "exp",
                          "iat", "jti", "token_type", "realm"]
    assert said["active"] is True and said["username"] == "alice@home.test"
    assert said["realm"] == "home" and said["token_type"] == "Bearer" and said["aud"] == "mail"
    corp = gate.ask(CORP.token(username="carol@corp.test")).json()
    assert corp["active"] is True and corp["realm"] == "corp"


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_rsa_keys(tmp_path, alg):
    signer = Signer("http://localhost:1/home", alg=alg)
    with Gate(tmp_path, {"home": signer}, {"home": ["*@home.test"]}) as g:
        assert g.ask(signer.token()).json()["active"] is True


def changed_payload():
    head, payload, signature = HOME.token().split(".")
    other = b64(compact(HOME.claims(username="bob@home.test")))
    assert other != payload
    return f"{head}.{other}.{signature}"


def unsigned():
    text = b64(compact({"alg": "none", "typ": "at+jwt", "kid": "k1"})) + "."
    return text + b64(compact(HOME.claims())) + "."


def resigned_by(other, **changed):
    """HOME's token, as somebody else signs it."""
    forger = Signer(HOME.issuer, alg=other.alg, kid=HOME.kid)
    forger.key = other.key
    return forger.token(**changed)


NOW = int(time.time())
REFUSALS = {
    "not a token": (lambda: "x", "malformed"),
    "two parts": (lambda: ".".join(HOME.token().split(".")[:2]), "malformed"),
    "padding": (lambda: HOME.token() + "=", "malformed"),
    "payload no object": (lambda: f"{b64(b'{}')}.{b64(b'[]')}.AAAA", None),
    "too large": (lambda: "a" * 9000, "too_large"),
    "crit": (lambda: HOME.token({"crit": ["x"], "x": 1}), "bad_header"),
    "jwk in the header": (lambda: HOME.token({"jwk": HOME.jwk()}), "bad_header"),
    "unsigned": (unsigned, None),
    "alg of another kind": (lambda: HOME.token({"alg": "RS256"}), "bad_alg"),
    "HS256": (lambda: HOME.token({"alg": "HS256"}), "bad_alg"),
    "typ JWT": (lambda: HOME.token({"typ": "JWT"}), "bad_typ"),
    "no typ": (lambda: HOME.token({"typ": None}), "bad_typ"),
    "unknown issuer": (lambda: HOME.token(iss="https://evil.test/home"), "bad_issuer"),
    "no issuer": (lambda: HOME.token(iss=None), "bad_issuer"),
    "unknown kid": (lambda: HOME.token({"kid": "k2"}), "unknown_key"),
    "no kid": (lambda: HOME.token({"kid": None}), "unknown_key"),
    "kid of the other realm": (lambda: HOME.token({"kid": "c1"}), "foreign_key"),
    "changed payload": (changed_payload, "bad_signature"),
    "somebody's key": (lambda: resigned_by(Signer(HOME.issuer)), "bad_signature"),
    "the other realm's key": (lambda: resigned_by(CORP), "bad_alg"),
    "the other realm's issuer": (lambda: HOME.token(iss=CORP.issuer), "foreign_key"),
    "no audience": (lambda: HOME.token(aud=None), "bad_claims"),
    "other audience": (lambda: HOME.token(aud="api"), "bad_audience"),
    "no exp": (lambda: HOME.token(exp=None), "bad_claims"),
    "exp as text": (lambda: HOME.token(exp=str(NOW + 60)), "bad_claims"),
    "expired": (lambda: HOME.token(iat=NOW - 600, exp=NOW - 1), "expired"),
    "issued in the future": (lambda: HOME.token(iat=NOW + 3600, exp=NOW + 3900), "not_yet"),
    "not yet": (lambda: HOME.token(nbf=NOW + 3600), "not_yet"),
    "lives for ever": (lambda: HOME.token(exp=NOW + 366 * 86400), "too_long_lived"),
    "bound to a key": (lambda: HOME.token(cnf={"jkt": b64(bytes(32))}), "bad_binding"),
    "no scope": (lambda: HOME.token(scope=None), "bad_scope"),
    "other scope": (lambda: HOME.token(scope="mail.reader xmail.read"), "bad_scope"),
    "no username": (lambda: HOME.token(username=None), "bad_mailbox"),
    "two addresses": (lambda: HOME.token(username="a@corp.test@home.test"), "bad_mailbox"),
    "a path": (lambda: HOME.token(username="../../x@home.test"), "bad_mailbox"),
    "a user of another realm": (lambda: HOME.token(username="carol@corp.test"), "bad_mailbox"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_each_refusal(gate, name):
    make, code = REFUSALS[name]
    token = make()
    log = refusal(gate, token)
    assert f'code="{code}"' in log if code else 'code="' in log
    assert 'client="192.0.2.7"' in log and 'location="imap"' in log
    for part in token.split("."):
        assert len(part) < 12 or part not in log, "the token is in the log"


def test_the_log_names_the_realm_that_overreached(gate):
    log = refusal(gate, HOME.token(username="carol@corp.test"))
    assert " ALARM " in log and 'code="bad_mailbox"' in log
    assert 'realm="home"' in log and 'username="carol@corp.test"' in log
    assert f'issuer="{HOME.issuer}"' in log and 'kid="k1"' in log
    # a name from a token that nobody vouches for stays out
    log = refusal(gate, resigned_by(Signer(HOME.issuer), username="mallory@home.test"))
    assert "mallory" not in log and 'realm="home"' in log


def test_signature_has_one_spelling(gate):
    token = HOME.token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(token[-1])
    other = token[:-1] + alphabet[last ^ 1]
    assert gate.ask(token).json()["active"] is True
    refusal(gate, other)


def test_duplicate_members(gate):
    claims = compact(HOME.claims())
    double = claims[:-1] + b',"username":"bob@home.test"}'
    text = b64(compact({"alg": "ES256", "typ": "at+jwt", "kid": "k1"})) + "." + b64(double)
    refusal(gate, text + "." + b64(HOME.raw_sign(text.encode())))


@pytest.mark.parametrize("authorization", [
    None, "", "Basic", "Basic ", "Basic !!!", basic("dovecot", "wrong-secret"),
    basic("postfix", Gate.SECRET), basic("dovecot", Gate.SECRET + "x"),
    basic("dovecot", Gate.SECRET)[:-1], "Bearer " + Gate.SECRET,
])
def test_who_does_not_know_the_secret_gets_nothing(gate, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = http("POST", gate.url, b"token=" + HOME.token().encode(), headers)
    assert (answer.status, answer.body) == (401, b"")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("body", [
    b"", b"token=", b"token", b"x=y", b"token=%zz", b"token=a&token=b", b"{}", b"\x00\xff",
    b"token=a%00b", b"&" * 5000, b"a=b&" * 200,
])
def test_junk_bodies(gate, body):
    answer = gate.ask(None, body=body)
    assert (answer.status, answer.body) == (200, REFUSED)


def test_junk_requests_name_nobody(gate):
    token = HOME.token()
    auth = {"Authorization": basic("dovecot", gate.SECRET)}
    too_long = gate.ask(None, body=b"token=" + token.encode() + b"&x=" + b"y" * 40000)
    for answer in (http("GET", gate.url + "?token=" + token, None, auth),
                   http("POST", gate.url + "/x", b"token=" + token.encode(), auth),
                   http("POST", gate.url.replace("introspect", ""), b"", auth), too_long):
        assert answer.status in (404, 405, 413)
        assert b"alice" not in answer.body and b"active" not in answer.body
    assert gate.ask(token).json()["active"] is True


def test_keys_are_followed(tmp_path):
    home, corp = Signer("https://login.test/home"), Signer("https://login.test/corp")
    boxes = {"home": ["*@home.test"], "corp": ["*@corp.test"]}

    def active(signer, username="alice@home.test"):
        return gate.ask(signer.token(username=username)).json()["active"]

    with Gate(tmp_path, {"home": home, "corp": corp}, boxes) as gate:
        assert active(home)
        new = Signer(home.issuer, kid="k2")
        gate.write_keys("home", json.dumps({"keys": [home.jwk(), new.jwk()]}))
        wait_for(lambda: active(new), 2, "the new key's token")
        assert active(home)
        gate.write_keys("home", new.jwks())
        wait_for(lambda: not active(home), 2, "the old key's end")
        assert active(new)
        # a bad file, and a private key in a public place: the last good one stays
        for n, bad in enumerate(("{", json.dumps({"keys": [dict(home.jwk(), d=b64(bytes(32)))]}),
                                 json.dumps({"keys": [home.jwk(), home.jwk()]}))):
            gate.write_keys("home", bad)
            wait_for(lambda: gate.log_text().count("key file refused") > n, 3, "the complaint")
            assert active(new) and not active(home)
        # the same key for two issuers is what must never be
        gate.write_keys("corp", new.jwks())
        wait_for(lambda: "stands in the policy already" in gate.log_text(), 3, "the complaint")
        assert active(new) and active(corp, "carol@corp.test")
        # a file that is gone takes its keys with it, the other issuer goes on
        (tmp_path / "home.json").unlink()
        wait_for(lambda: not active(new), 2, "the end of the keys")
        gate.write_keys("corp", corp.jwks())
        wait_for(lambda: active(corp, "carol@corp.test"), 2, "the other issuer's key")
        # without any key there is nothing to judge by: 503, and no body
        gate.write_keys("corp", '{"keys":[]}')
        answer = wait_for(lambda: (a := gate.ask(home.token())).status == 503 and a, 2, "the 503")
        assert answer.body == b""
        gate.write_keys("home", home.jwks())
        wait_for(lambda: gate.ask(home.token()).status == 200, 2, "the way back")
        assert active(home)


def test_control_without_the_rule_opens_and_shouts(tmp_path):
    with Gate(tmp_path, {"home": HOME}) as gate:
        said = gate.ask(HOME.token(username="carol@corp.test")).json()
        assert said["active"] is True and said["username"] == "carol@corp.test"
        log = gate.log_text()
        assert " ALARM " in log and "EVERY mailbox" in log and 'realm="home"' in log


def test_stops_when_told(tmp_path):
    gate = Gate(tmp_path, {"home": HOME}, {"home": ["*@home.test"]}).start()
    assert gate.ask(HOME.token()).json()["active"] is True
    assert gate.stop() == 0
    assert gate.log_text().splitlines()[-1].endswith('"gate has stopped"')


def run(gate, *args):
    return subprocess.run([gate.program, "gate", *args], capture_output=True, text=True,
                          timeout=120)


def test_check_and_mistakes(tmp_path):
    gate = Gate(tmp_path, {"home": HOME}, {"home": ["*@home.test"]})
    good = run(gate, "-c", str(gate.policy), "--check")
    assert (good.returncode, good.stderr) == (0, "") and "good" in good.stdout
    text = gate.policy.read_text()
    gate.policy.write_text(text.replace("realm:", "raelm:"))
    for args, status in ((("--check",), 1), ((), 3)):
        bad = run(gate, "-c", str(gate.policy), *args)
        assert bad.returncode == status and bad.stdout == ""
        assert f'{gate.policy}:10: unknown key "raelm"' in bad.stderr
    gate.policy.write_text(text)
    gate.secret_file.chmod(0o644)
    loose = run(gate, "-c", str(gate.policy))
    assert loose.returncode == 3 and "chmod o=" in loose.stderr
    gate.secret_file.chmod(0o600)
    gate.secret_file.write_text("short\n")
    assert "fewer than 8 bytes" in run(gate, "-c", str(gate.policy)).stderr
    gate.secret_file.write_text(gate.SECRET)
    gate.write_keys("home", "{}")
    bad = run(gate, "-c", str(gate.policy), "--check")
    assert bad.returncode == 1 and "home.json" in bad.stderr and "no array named keys" in bad.stderr
    for args in ((), ("-x",), ("-c",), ("--check",)):
        assert run(gate, *args).returncode == 2
    assert run(gate, "--help").stdout.startswith("usage: chancery gate")
    assert run(gate, "-c", str(tmp_path / "none.yaml")).returncode == 3


def test_check_says_all_that_is_wrong_with_files(tmp_path):
    gate = Gate(tmp_path / "g", {"home": HOME, "corp": CORP}, MAILBOXES)
    text = gate.policy.read_text()
    gate.policy.write_text("socket: none/gate.sock\nsightings: {folder: nowhere/s}\n" + text +
                           "locations:\n  x: {audiences: [mail], realms: [home], "
                           "binding: refused}\n")
    gate.write_keys("home", "{}")
    gate.write_keys("corp", json.dumps({"keys": [dict(CORP.jwk(), d="AA")]}))
    bad = run(gate, "-c", str(gate.policy), "--check")
    assert bad.returncode == 1 and bad.stdout == ""
    for what in ("home.json", "corp.json", "none/", "nowhere/"):
        assert what in bad.stderr, (what, bad.stderr)
    assert f"{gate.policy}:1: socket" in bad.stderr
    assert f"{gate.policy}:2: sightings" in bad.stderr
    issuers = [n for n, line in enumerate(gate.policy.read_text().splitlines(), 1)
               if "- issuer:" in line]
    assert [int(n) for n in re.findall(r":(\d+): key file", bad.stderr)] == issuers
    gate.policy.write_text("# who\nuser: there-is-no-such\n" + text)
    bad = run(gate, "-c", str(gate.policy), "--check")
    assert bad.returncode == 1 and f"{gate.policy}:2: user: no such user" in bad.stderr
    # a key that stands for two issuers
    gate.policy.write_text(text)
    gate.write_keys("home", HOME.jwks())
    gate.write_keys("corp", HOME.jwks())
    bad = run(gate, "-c", str(gate.policy), "--check")
    assert bad.returncode == 1 and "stands in the policy already" in bad.stderr


@pytest.mark.parametrize("server", ["dovecot", "nginx"])
def test_the_policy_of_contrib_is_good(tmp_path, root_dir, server):
    policy = tmp_path / "gate.yaml"
    text = (root_dir / "contrib" / server / "gate.yaml").read_text()
    group = grp.getgrgid(os.getgid()).gr_name
    text = text.replace("socket_group: www-data", f"socket_group: {group}")
    policy.write_text(text.replace("/run/chancery-gate", str(tmp_path)))
    (tmp_path / "gate.secret").write_text(Gate.SECRET)
    (tmp_path / "gate.secret").chmod(0o600)
    (tmp_path / "jwks").mkdir()
    for realm, signer in (("home", HOME), ("corp", CORP)):
        (tmp_path / "jwks" / f"{realm}.json").write_text(signer.jwks())
    good = subprocess.run([PROGRAM, "gate", "-c", str(policy), "--check"], capture_output=True,
                          text=True, timeout=120)
    assert (good.returncode, good.stderr) == (0, "")


def test_the_port_is_taken(tmp_path):
    first = Gate(tmp_path / "one", {"home": HOME}, {"home": ["*@home.test"]})
    with first:
        second = Gate(tmp_path / "two", {"home": HOME}, {"home": ["*@home.test"]})
        second.policy.write_text(second.policy.read_text().replace(str(second.port),
                                                                   str(first.port)))
        taken = run(second, "-c", str(second.policy))
        assert taken.returncode == 3 and "listens on this port already" in taken.stderr


def test_the_secret_is_nowhere_to_be_seen(gate):
    for pid in (gate.process.pid, gate.worker()):
        for name in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    assert gate.SECRET.encode() not in f.read()
            except PermissionError:
                assert os.geteuid() != 0  # it is undumpable: its own user cannot look
    assert gate.SECRET not in gate.log_text()
    with open(f"/proc/{gate.worker()}/comm") as f:
        assert f.read().strip() == "chancery-gate"
