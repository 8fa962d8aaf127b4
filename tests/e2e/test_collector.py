"""Gates' sightings reach the collector, each once, whoever is killed meanwhile."""
import os
import random
import signal
import time
import urllib.parse

import chain_format
import pytest
import reports
from chancery import authority_of, basic, http, wait_for

RECORD_HEAD = 25  # version, id of the gate's chain, number there (src/collector/taken.h)


@pytest.fixture(scope="module")
def authority():
    with authority_of("collector") as a:
        yield a


def ask(a, token):
    g = a.dev["gate"]
    body = urllib.parse.urlencode({"token": token}).encode()
    return http("POST", g["introspection_endpoint"], body,
                {"Authorization": basic(g["client_id"], g["client_secret"])})


def ask_until_answered(a, token):
    """A gate that was killed is back soon."""
    def answered():
        try:
            return ask(a, token).status == 200
        except OSError:
            return False
    wait_for(answered, what="an answer of the gate")


def post(a, path, body, secret=None):
    c = a.dev["collector"]
    return http("POST", c["uri"] + path, body,
                {"Authorization": basic(c["client"], secret or c["secret"])})


def of_gate(a, kind="signed"):
    """Its own durable record: (number, type, payload)."""
    return [(seq, t, payload) for seq, t, _, payload in chain_format.read(a.dir / "sightings" / kind)]


def of_collector(a, kind="signed"):
    """What was taken of it, as the gate numbers it."""
    folder = a.dir / "collector" / a.dev["collector"]["client"] / kind
    return [(int.from_bytes(payload[17:RECORD_HEAD], "big"), t, payload[RECORD_HEAD:])
            for _, t, _, payload in chain_format.read(folder)]


def all_came(a, kind="signed"):
    wait_for(lambda: of_gate(a, kind) == of_collector(a, kind), what="the last sightings")


def bench_token(a):
    c = a.client("home", "bench")
    r = http("POST", a.dev["realms"]["home"]["token_endpoint"], b"grant_type=client_credentials",
             {"Authorization": basic(c["client_id"], c["client_secret"]),
              "Content-Type": "application/x-www-form-urlencoded"})
    return r.json()["access_token"]


def pid_of(a, role):
    return a.read_dev()["pids"].get(role, [None])[0]


def test_every_verdict_arrives_once(authority):
    a = authority
    for _ in range(5):
        assert ask(a, bench_token(a)).json()["active"]
        assert not ask(a, "a.b.c").json()["active"]
    all_came(a)
    all_came(a, "unsigned")
    assert len(of_gate(a)) >= 5
    m = reports.metrics(a.dev["collector"]["uri"], http)
    assert m["sightings_total"] >= 6 and m["sightings_missing_total"] == 0


def kill_some(a, n, roles, progress=lambda said: None):
    """kill -9 at random points, with verdicts all the while; then all came, each once."""
    tokens = [bench_token(a) for _ in range(24)]
    for i in range(n):
        for token in random.sample(tokens, 4):
            ask_until_answered(a, token)
        time.sleep(random.uniform(0, 0.4))
        role = roles[i % len(roles)]
        pid = wait_for(lambda role=role: pid_of(a, role), what=f"a {role}")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda role=role, pid=pid: pid_of(a, role) not in (None, pid),
                 what=f"another {role}")
        progress(f"{i + 1} of {n} deaths")
    all_came(a)
    numbers = [seq for seq, _, _ in of_collector(a)]
    assert numbers == sorted(set(numbers))
    assert not (a.dir / "collector" / "dev" / "signed").stat().st_mode & 0o077
    return len(numbers)


def test_nothing_is_lost_or_doubled_when_either_side_is_killed(authority):
    kill_some(authority, 6, ("collector", "gate"))


@pytest.mark.soak
def test_nothing_is_lost_when_they_are_killed_for_minutes(authority, progress):
    """Those that carry the reports too."""
    n = 100
    records = kill_some(authority, n, ("collector", "gate", "fetcher"), progress)
    print(f"{n} deaths of collector, gate and fetcher: {records} records, each there once")


def test_who_shows_no_secret_is_not_heard(authority):
    a = authority
    assert post(a, "/sightings", b"", "not-the-secret").status == 401
    assert post(a, "/alarms", b"", "not-the-secret").status == 401
    assert http("POST", a.dev["collector"]["uri"] + "/sightings", b"").status == 401
    # whether a secret is known can be asked without sending anything
    c = a.dev["collector"]
    assert http("GET", c["uri"] + "/sightings").status == 401
    assert http("GET", c["uri"] + "/sightings", None,
                {"Authorization": basic(c["client"], c["secret"])}).status == 204


def test_what_is_no_batch_is_refused_whole(authority):
    a = authority
    before = of_collector(a)
    good = (2, 1000, bytes(8))
    bad = reports.batch(os.urandom(16), 0, [good, (9, 1000, b"x")])
    for body in [b"", b"\x01", b"\x02" + bad[1:], bad, bad + b"x", bad[:-1]]:
        assert post(a, "/sightings", body).status == 400
    assert of_collector(a) == before
    assert post(a, "/alarms", b"no alarm").status == 400


def test_a_flood_is_told_to_come_again(authority):
    a = authority
    empty = reports.batch(os.urandom(16), 0, [])
    answers = [post(a, "/sightings", empty) for _ in range(300)]
    assert {r.status for r in answers} <= {200, 429}
    limited = [r for r in answers if r.status == 429]
    assert all(r.headers["Retry-After"] == "1" for r in limited)
    # and the gate's own reports are taken all the same, in the end
    ask_until_answered(a, bench_token(a))
    all_came(a)


def test_the_policy_that_was_written_says_where_it_reports(authority):
    text = (authority.dir / "gate.yaml").read_text()
    assert "collector:" in text and authority.dev["collector"]["uri"] in text


def verdict(code, issuer):
    """A sighting's payload (src/wire/include/wire/sighting.h)."""
    texts = (b"k1", issuer.encode(), b"home", b"imap")
    return bytes([1, code, 0, 0]) + os.urandom(32) + b"".join(map(reports.text16, texts))


def test_whatever_was_validly_signed_is_held_against_the_log(authority):
    """Refused for another reason too; but not what another authority has issued. Last: from now on the
    collector knows two chains of this gate."""
    a = authority
    ours, now = a.dev["realms"]["home"]["issuer"], int(time.time() * 1000)
    before = reports.metrics(a.dev["collector"]["uri"], http)
    seen = [verdict(code, issuer) for code in (0, 11, 12, 26) for issuer in (ours, "https://x.test")]
    body = reports.batch(os.urandom(16), 0, [(1, now, payload) for payload in seen])
    wait_for(lambda: post(a, "/sightings", body).status == 200, what="the batch's being taken")

    def more(name):
        return reports.metrics(a.dev["collector"]["uri"], http)[name] - before[name]
    wait_for(lambda: more("sightings_unlogged_total") == 4, what="what is in no log")
    assert "a token that the log does not have" in a.log_text()
