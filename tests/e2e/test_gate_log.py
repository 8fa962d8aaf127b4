"""A gate that follows its issuer's log: what is there passes, what is not is refused with an alarm;
what cannot be known is refused without one, whatever clocks, files and the network do."""
import concurrent.futures
import time

import pytest

from chancery import Signer, basic, wait_for
from logged import Issuer, Ledger, LogGate
from tlog import COSIGNATURE, Key, Log

URL = "https://login.test/home"
ALARM = "a token that was never issued"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    with Ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        yield ledger.listen()


@pytest.fixture(scope="module")
def issuer(ledger):
    return Issuer(URL, ledger)


@pytest.fixture(scope="module", params=["socket", "url"])
def gate(request, tmp_path_factory, ledger, issuer):
    way = ledger.serve() if request.param == "url" else request.param
    with LogGate(tmp_path_factory.mktemp("gate"), issuer, way) as gate:
        yield gate


def forged_lines(gate):
    return [line for line in gate.log_text().splitlines() if ALARM in line]


def test_issued_passes_and_forged_does_not(gate, issuer):
    before = gate.metric("forged_total")
    assert gate.active(issuer.token())
    forged = issuer.forged(sub="mallory")
    began = time.monotonic()
    assert not gate.active(forged)
    took = time.monotonic() - began
    assert gate.metric("forged_total") == before + 1
    line = forged_lines(gate)[-1]
    assert " ALARM " in line and 'kid="k1"' in line and 'sub="mallory"' in line
    assert 'client="192.0.2.7"' in line and 'realm="home"' in line
    for part in forged.split("."):
        assert part not in gate.log_text()
    assert gate.active(issuer.token()), "the one after it"
    print(f"{gate.way}: refused and said after {took * 1000:.0f} ms")


def test_forged_for_another_place(gate, issuer):
    """The audience is the forger's: he is found out wherever he tries it. A genuine one that was meant for
    somebody else is only that; and what has expired, or lives too long, is never called forged."""
    forged, elsewhere = gate.metric("forged_total"), gate.verdicts("bad_audience")
    assert not gate.active(issuer.forged(aud="nobody-knows-this", sub="mallory"))
    assert not gate.active(issuer.forged(aud=["one", "two"]))
    assert gate.metric("forged_total") == forged + 2
    assert 'code="not_logged"' in forged_lines(gate)[-1]
    assert not gate.active(issuer.token(aud="api"))
    now = int(time.time())
    assert not gate.active(issuer.forged(aud="api", iat=now - 600, exp=now - 5))
    assert not gate.active(issuer.forged(aud="api", exp=now + 86400 * 400))
    assert gate.verdicts("bad_audience") == elsewhere + 1
    assert gate.metric("forged_total") == forged + 2


def test_what_was_read_before_passes_at_once(gate, issuer):
    token = issuer.token()
    assert gate.active(token)
    asked = gate.metric("log_catch_ups_total")
    for _ in range(20):
        assert gate.active(token)
    assert gate.metric("log_catch_ups_total") == asked


def test_many_unknown_tokens_ask_once(gate, issuer):
    asked, waited = gate.metric("log_catch_ups_total"), gate.metric("log_waited_total")
    tokens = [issuer.token() for _ in range(40)] + [issuer.forged() for _ in range(10)]
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(gate.active, tokens))
    assert answers == [True] * 40 + [False] * 10
    asked = gate.metric("log_catch_ups_total") - asked
    waited = gate.metric("log_waited_total") - waited
    assert waited >= 10 and asked <= waited


def test_junk_asks_nobody(gate, issuer):
    asked = gate.metric("log_catch_ups_total")
    other = Signer(URL)
    for _ in range(50):
        assert not gate.active(other.token())
    assert gate.metric("log_catch_ups_total") == asked


def test_an_id_token_in_the_log_is_no_access_token(gate, issuer):
    token = issuer.forged()
    issuer.ledger.add(token, typ=2)
    assert not gate.active(token)
    assert gate.verdicts("not_logged") > 0


def test_another_lifetime_than_was_logged(gate, issuer):
    """The entry names the hash of all that was signed; a token with another exp has none."""
    claims = issuer.claims()
    issuer.ledger.add(issuer.forged(**claims))
    claims["exp"] += 60
    assert not gate.active(issuer.forged(**claims))


def test_metrics_and_ready(gate):
    assert gate.ready() == {"ready": True}
    assert gate.metric('log_ok{log="main"}') == 1
    assert gate.metric('log_size{log="main"}') > 0
    assert gate.metric('log_live_tokens{log="main"}') > 0
    assert 0 <= gate.metric('log_head_age_seconds{log="main"}') < 10


# --- each with a log of its own


@pytest.fixture
def own(tmp_path):
    with Ledger(tmp_path / "ledger") as ledger:
        yield Issuer(URL, ledger.listen())


def test_the_folder_alone(tmp_path):
    """The second new head decides: the first one may have been begun before the question."""
    with Ledger(tmp_path / "ledger", every_s=0.2) as ledger:
        own = Issuer(URL, ledger)
        with LogGate(tmp_path / "gate", own, "folder") as gate:
            assert gate.active(own.token()) and not gate.active(own.forged())
            assert gate.metric("forged_total") == 1


def test_tokens_from_before_its_start(tmp_path, own):
    old = [own.token(iat=int(time.time()) - 20 * i, exp=int(time.time()) + 600 - 20 * i)
           for i in range(28, -1, -1)]
    own.ledger.publish()
    with LogGate(tmp_path / "gate", own, "folder", max_ttl_s=600) as gate:
        asked = gate.metric("log_catch_ups_total")
        assert [gate.active(token) for token in old] == [True] * len(old)
        assert gate.metric("log_catch_ups_total") == asked


@pytest.mark.parametrize("skew_s", [-3600, 3600, -86400 * 365, 86400 * 365])
def test_no_skew_makes_a_forgery_or_lets_one_pass(tmp_path, own, skew_s):
    """The log's clock and the gate's are apart by so much: what was read passes by its own times,
    nothing else is known, and nobody says forged."""
    known = own.token()
    own.ledger.skew_s = skew_s
    own.ledger.publish()
    with LogGate(tmp_path / "gate", own) as gate:
        assert gate.active(known)
        assert not gate.active(own.forged())
        assert not gate.active(own.forged(iat=int(time.time()) + skew_s,
                                          exp=int(time.time()) + skew_s + 300))
        assert gate.metric("forged_total") == 0 and not forged_lines(gate)
        assert gate.verdicts("log_stale") > 0
        assert gate.ready()["reasons"] == [{"reason": "log_unknown", "issuer": URL}]
        # put right again: in time all is as it should be
        own.ledger.skew_s = 0
        own.token()  # a larger tree: its head counts, whatever time the last one had
        own.ledger.publish()
        wait_for(lambda: gate.ready() == {"ready": True}, what="a head of our time")
        assert gate.active(known)
        assert not gate.active(own.forged())
        assert gate.metric("forged_total") == 1


def test_a_ledger_that_is_away(tmp_path, own):
    """Known tokens pass; unknown ones wait no longer than is said, and are not called forged."""
    known = own.token()
    with LogGate(tmp_path / "gate", own, more=["stale_s: 5"]) as gate:
        assert gate.active(known)
        wait_for(lambda: own.ledger.peers, what="the gate at the socket")
        own.ledger.stopped.set()
        own.ledger.hang_up()
        began = time.monotonic()
        assert not gate.active(own.forged())
        assert time.monotonic() - began < 30
        assert gate.active(known)
        assert gate.metric("forged_total") == 0 and gate.verdicts("log_stale") == 1
        # the next one is told at once, since nothing was heard since
        asked = gate.metric("log_catch_ups_total")
        assert not gate.active(own.forged())
        assert gate.metric("log_catch_ups_total") == asked
        # it comes back, with what it was told meanwhile
        fresh = own.token()
        own.ledger.listen()
        own.ledger.publish()
        wait_for(lambda: own.ledger.peers, what="the gate's return to the socket")
        wait_for(lambda: gate.active(fresh), what="what was logged meanwhile")
        assert not gate.active(own.forged())
        assert gate.metric("forged_total") == 1


def test_a_log_that_shrinks(tmp_path, own):
    known = [own.token() for _ in range(5)][0]
    own.ledger.publish()
    with LogGate(tmp_path / "gate", own, "folder") as gate:
        assert gate.active(known)
        own.ledger.stopped.set()
        with own.ledger.lock:
            own.ledger.log.entries.pop()
            own.ledger.log.write(own.ledger.dir, when=time.time() + 2)
        wait_for(lambda: not gate.active(known), what="a broken log")
        assert "is not what it was" in gate.log_text() and 'code="log_broken"' in gate.log_text()
        assert gate.metric("forged_total") == 0
        assert not gate.active(own.token())


def test_a_log_that_was_rewritten(tmp_path, own):
    known = [own.token() for _ in range(5)][0]
    own.ledger.publish()
    with LogGate(tmp_path / "gate", own, "folder") as gate:
        assert gate.active(known)
        with own.ledger.lock:
            fork = own.ledger.log.fork(2, 9)
            own.ledger.log = fork
            fork.write(own.ledger.dir)
        wait_for(lambda: not gate.active(known), what="a broken log")
        assert gate.verdicts("log_broken") > 0 and gate.metric("forged_total") == 0


def test_damaged_tiles_are_no_forgery_and_no_fork(tmp_path, own):
    known = own.token()
    own.ledger.publish()
    with LogGate(tmp_path / "gate", own, "folder") as gate:
        assert gate.active(known)
        with own.ledger.lock:
            token = own.token()
            log = own.ledger.log
            note, last = log.checkpoint(), bytearray(log.entries[-1])
            last[20] ^= 1
            damaged = Log(log.origin, log.entries[:-1] + [bytes(last)], log.key)
            damaged.checkpoint = lambda size=None, when=None: note
            damaged.write(own.ledger.dir)
            wait_for(lambda: "files of a log are damaged" in gate.log_text(), what="the damage")
            assert gate.active(known)
        own.ledger.publish()
        wait_for(lambda: gate.active(token), what="a log without damage")
        assert gate.metric("forged_total") == 0 and "log_broken" not in gate.log_text()


def test_legacy_and_its_end(tmp_path, own):
    """A key that signed before its tokens were logged."""
    now = int(time.time())
    own.logged_from = now - 50
    with LogGate(tmp_path / "gate", own, max_ttl_s=300) as gate:
        assert gate.active(own.forged(iat=now - 60, exp=now + 200))
        assert gate.metric("log_legacy_total") == 1
        assert not gate.active(own.forged(iat=now - 50, exp=now + 200))
        assert gate.metric("forged_total") == 1
        # a longest lifetime later none is left: whatever is said to be older is too old
        own.logged_from = now - 300
        gate.write_keys("home", own.jwks())
        wait_for(lambda: not gate.active(own.forged(iat=now - 60, exp=now + 200)))
        strict, legacy = gate.metric("forged_total"), gate.metric("log_legacy_total")
        assert not gate.active(own.forged(iat=now - 301, exp=now + 60))
        assert gate.verdicts("too_long_lived") == 1
        assert not gate.active(own.forged(iat=now - 301, exp=now - 1))
        assert gate.verdicts("expired") == 1
        assert gate.metric("log_legacy_total") == legacy
        assert gate.metric("forged_total") == strict


def test_witnesses(tmp_path, own):
    witness = Key("witness.test/1")
    more = [f"witnesses: ['{witness.as_typ(COSIGNATURE).vkey()}']", "quorum: 1",
            "witness_stale_s: 60"]
    known, _ = own.token(), own.token()
    own.ledger.publish()

    def cosign(key, log, when=None):
        body = log.body()
        note = log.checkpoint() + key.as_typ(COSIGNATURE).line(body, when)
        log._put(own.ledger.dir, "cosigned/checkpoint", note.encode())

    with LogGate(tmp_path / "gate", own, more=more) as gate:
        assert gate.active(known)
        # an entry that was read meanwhile passes; what was not is not judged
        assert not gate.active(own.forged()) and gate.metric("forged_total") == 0
        cosign(witness, own.ledger.log.fork(0, 1))  # of another tree than ours
        time.sleep(2)
        assert not gate.active(own.forged()) and gate.metric("forged_total") == 0
        cosign(witness, own.ledger.log)
        wait_for(lambda: gate.active(own.forged()) or gate.metric("forged_total") > 0,
                 what="a witness")
        assert gate.active(own.token())


def test_who_asks_at_a_url(tmp_path, own):
    secret = tmp_path / "log.secret"
    secret.write_text("secret-of-the-gate\n")
    secret.chmod(0o600)
    url = own.ledger.serve(user=basic("gate-1", "secret-of-the-gate"))
    more = ["client: gate-1", f"secret_file: {secret}"]
    with LogGate(tmp_path / "gate", own, url, more=more) as gate:
        assert gate.active(own.token()) and not gate.active(own.forged())
        assert gate.metric("forged_total") == 1


def test_a_cache_that_keeps_now(tmp_path, own):
    """A head from before the question is no answer: a genuine token waits, and is not called forged."""
    own.ledger.every_s = 0.7
    with LogGate(tmp_path / "gate", own, own.ledger.serve()) as gate:
        assert gate.active(own.token())
        own.ledger.cached = True
        assert gate.active(own.token())
        assert gate.metric("forged_total") == 0 and not forged_lines(gate)


def test_a_cache_that_another_gate_has_filled(tmp_path, own):
    """It has a head that is newer than what this gate knows, and older than its question."""
    ledger = own.ledger
    ledger.every_s = 60
    with LogGate(tmp_path / "gate", own, ledger.serve()) as gate:
        assert gate.active(own.token())
        known = (ledger.dir / "checkpoint").read_bytes()
        own.token()
        ledger.kept = {"now": ledger.publish(), "checkpoint": known}
        assert gate.active(own.token())
        assert gate.metric("forged_total") == 0 and not forged_lines(gate)


def test_a_wrong_key_of_the_log(tmp_path, own):
    real = own.ledger.log.vkey
    own.ledger.log.vkey = Log("login.test/log").vkey
    gate = LogGate(tmp_path / "gate", own)
    own.ledger.log.vkey = real
    import subprocess
    said = subprocess.run([gate.program, "gate", "-c", str(gate.policy), "--check"],
                          capture_output=True, text=True, timeout=60)
    assert said.returncode == 1 and "this folder is no log of this key" in said.stderr
    assert f"{gate.policy}:" in said.stderr
