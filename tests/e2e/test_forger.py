"""Somebody has the issuer's key and signs what the issuer never did: at a real Dovecot and a real nginx,
whose gate follows the issuer's log; and what the same tokens open where nobody looks into a log."""
import pathlib
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import serialization

from chancery import Gate, read_mail, wait_for
from logged import Issuer, Ledger, LogGate
from mail_server import ALICE, BOB, Dovecot
from web_server import ORIGIN, Authority, Backend, Nginx

REFUSED = 67
URL = "https://login.test/home"
ALARM = "a token that was never issued"
PLACES = f"""
locations:
  api: {{audiences: [api], scopes: [api.read], realms: [home], origin: '{ORIGIN}'}}
  corp: {{audiences: [api], realms: [home], binding: refused}}
  write: {{audiences: [api], realms: [home], binding: refused}}
  bound: {{audiences: [api], realms: [home], binding: required, origin: '{ORIGIN}'}}
  nonce: {{audiences: [api], realms: [home], binding: required, origin: '{ORIGIN}', nonce: true}}
  bearer: {{audiences: [api], realms: [home], binding: refused}}
"""
API = {"aud": "api", "scope": "api.read", "username": None}


def both_ways(text):
    text = text.replace("audiences: [mail]", "audiences: [mail, api]")
    return f"socket: gate.sock\nsocket_mode: '0666'\n{text}{PLACES}"


class Follower(LogGate):
    def policy_text(self, *args):
        return both_ways(super().policy_text(*args))


class Believer(Gate):
    """The same policy, but that it looks into no log."""

    def policy_text(self, *args):
        return both_ways(super().policy_text(*args))


@pytest.fixture(scope="module")
def folder():
    # Dovecot's sockets need a short name, and its user a way to it
    path = pathlib.Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    path.chmod(0o711)
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=True)


@pytest.fixture(scope="module")
def issuer(folder):
    with Ledger(folder / "ledger") as ledger:
        yield Issuer(URL, ledger.listen())


def at(gate):
    gate.dir.chmod(0o755)
    gate.socket = gate.dir / "gate.sock"
    return gate


@pytest.fixture(scope="module")
def follower(folder, issuer):
    with Follower(folder / "f", issuer) as gate:
        yield at(gate)


@pytest.fixture(scope="module")
def believer(folder, issuer):
    with Believer(folder / "b", {"home": issuer}, {"home": ["*@home.test"]}) as gate:
        yield at(gate)


@pytest.fixture(scope="module")
def backend():
    b = Backend()
    yield b
    b.stop()


@pytest.fixture(scope="module")
def webs(folder, follower, believer, backend):
    authority = Authority(folder / "ca")
    authority.issue("localhost")
    with Nginx(folder / "nf", follower, backend, authority) as one, \
            Nginx(folder / "nb", believer, backend, authority) as other:
        yield one, other


def alarms(gate):
    return [line for line in gate.log_text().splitlines() if ALARM in line]


def said_after(gate, before, began):
    wait_for(lambda: len(alarms(gate)) > before, what="the alarm")
    return (time.monotonic() - began) * 1000


def test_at_dovecot(folder, issuer, follower, believer):
    with Dovecot(folder / "d1", follower.url_with_secret) as strict, \
            Dovecot(folder / "d2", believer.url_with_secret) as blind:
        status, said = read_mail(strict.port, ALICE, issuer.token(username=ALICE))
        assert status == 0 and f"only for {ALICE}" in said, said
        forged = issuer.forged(username=BOB)
        before, began = len(alarms(follower)), time.monotonic()
        status, said = read_mail(strict.port, BOB, forged)
        took = (time.monotonic() - began) * 1000
        assert status == REFUSED and "only for" not in said
        alarm = said_after(follower, before, began)
        assert f'username="{BOB}"' in alarms(follower)[-1]
        print(f"Dovecot: refused after {took:.0f} ms, alarm after {alarm:.0f} ms")
        # the very same token opens the mailbox where the gate believes signatures alone
        status, said = read_mail(blind.port, BOB, forged)
        assert status == 0 and f"only for {BOB}" in said, said
    assert len(alarms(follower)) == before + 1 and not alarms(believer)


def local_dovecot(folder, issuer):
    """Dovecot that checks tokens itself, as contrib/dovecot/README.md advises against."""
    d = Dovecot(folder, "http://127.0.0.1:1/")
    pem = issuer.key.public_key().public_bytes(serialization.Encoding.PEM,
                                               serialization.PublicFormat.SubjectPublicKeyInfo)
    d.write("keys/default/ES256/k1", pem.decode())
    d.write("chancery-oauth2.conf.ext",
            f"introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={d.dir}/keys/\n"
            "username_attribute = username\nusername_format = %Lu\nscope = mail.read\n")
    subprocess.run(["chown", "-R", "--reference", str(d.dir), str(d.dir)], check=True)
    return d


def test_dovecots_own_check_takes_what_the_thief_signs(folder, issuer, follower):
    """It takes the typ JWT only, so the forger signs the same claims under that."""
    forged = issuer.forged({"typ": "JWT"}, username=BOB)
    with local_dovecot(folder / "d3", issuer) as d:
        status, said = read_mail(d.port, BOB, forged)
        assert status == 0 and f"only for {BOB}" in said, said
    assert not follower.active(forged)
    assert 'code="bad_typ"' in follower.log_text()


def test_at_nginx(webs, issuer, follower):
    strict, blind = webs
    good, forged = issuer.token(**API), issuer.forged(**API)
    assert strict.get("/api/x", good).status == 200
    before, began = len(alarms(follower)), time.monotonic()
    assert strict.get("/api/x", forged).status == 401
    took = (time.monotonic() - began) * 1000
    print(f"nginx: refused after {took:.0f} ms, alarm after "
          f"{said_after(follower, before, began):.0f} ms")
    assert 'location="api"' in alarms(follower)[-1]
    assert blind.get("/api/x", forged).status == 200
    assert strict.get("/api/x", good).status == 200


def test_wherever_it_is_shown(webs, issuer, follower):
    """A forged token is one also where the place's rules would have refused it."""
    before = follower.metric("forged_total")
    assert webs[0].get("/api/x", issuer.forged(**{**API, "scope": "other"})).status == 401
    assert follower.metric("forged_total") == before + 1


def test_a_second_signature_of_a_genuine_token(webs, issuer, follower):
    """ECDSA signatures can be made anew by anybody: still the token that was issued, and no alarm."""
    order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
    before = follower.metric("forged_total")
    good = issuer.token(**API)
    head, payload, signature = good.split(".")
    from chancery import b64
    import base64
    raw = base64.urlsafe_b64decode(signature + "==")
    s = order - int.from_bytes(raw[32:], "big")
    twin = f"{head}.{payload}.{b64(raw[:32] + s.to_bytes(32, 'big'))}"
    assert twin != good
    assert webs[0].get("/api/x", twin).status == 200
    assert follower.metric("forged_total") == before


def test_poisoning(webs, issuer, follower):
    """What anybody can send makes no alarm: other keys, tokens cut short, other texts."""
    before = follower.metric("forged_total")
    good = issuer.token(**API)
    head, payload, signature = good.split(".")
    for token in (f"{head}.{payload}.{signature[::-1]}", f"{head}.{payload}.", f"{head}.{payload}",
                  f"{head}.{payload[:-4]}.{signature}", good + "A", good + "=",
                  issuer.forged({"kid": "k9"}, **API),
                  issuer.forged(**{**API, "iss": "https://evil.test"})):
        assert webs[0].get("/api/x", token).status in (400, 401)
    assert follower.metric("forged_total") == before


def test_junk_slows_nobody_down(issuer, follower):
    """A flood of bad signatures, while good tokens are judged within the limit of a wait, as far as this
    machine lets them without a flood."""
    import concurrent.futures
    from chancery import Signer

    def slowest_of(n):
        slowest = 0
        for _ in range(n):
            began = time.monotonic()
            assert follower.active(issuer.token())
            slowest = max(slowest, time.monotonic() - began)
        return slowest
    stranger, quiet = Signer(URL), slowest_of(20)
    asked = follower.metric("log_catch_ups_total")
    junk = [stranger.token() for _ in range(50)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        flood = [pool.submit(follower.active, token) for token in junk * 6]
        flooded = slowest_of(20)
        assert not any(f.result() for f in flood)
    print(f"\nslowest of 20: {quiet * 1000:.0f} ms, in the flood {flooded * 1000:.0f} ms")
    assert flooded < max(3, 20 * quiet)
    assert follower.metric("log_catch_ups_total") - asked <= 20
