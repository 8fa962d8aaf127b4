"""Floods, for a minute each: genuine tokens reported as forged, reports of junk, and junk at the gate.
No alarm comes of any, and those who ask for tokens and show them are served meanwhile: docs/LEDGER.md
says how much slower."""
import os
import statistics
import threading
import time

import pytest
import reports
from chancery import Signer, authority_of, wait_for
from test_alarms import genuine, metrics, now_ms
from test_collector import ask, post

pytestmark = [pytest.mark.soak, pytest.mark.plain("needs the pace of a plain build")]
SECONDS = float(os.environ.get("CHANCERY_SECONDS", "60"))
BEFORE = 10  # seconds without a flood, to compare with
SLOWER = 5   # times, at most: the flood's own work on the same processors is in it
LEAST_MS = 50


@pytest.fixture(scope="module")
def authority():
    with authority_of("floods") as a:
        yield a


def served(a, seconds):
    """Tokens had and shown, one after another; the median of their times in ms."""
    times, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        token = genuine(a)
        # stale for a moment: then it is asked for again, and the time says so
        wait_for(lambda: (r := ask(a, token)).status == 200 and r.json()["active"], what="a verdict")
        times.append((time.monotonic() - began) * 1000)
    return statistics.median(times)


def poison(a):
    """One gate says of genuine tokens that they are forged."""
    body = reports.alarm(genuine(a), now_ms())
    return lambda: post(a, "/alarms", body).status


def bad_reports(a):
    """Strangers' signatures under our keys' names, and what is no report."""
    kid = a.dev["realms"]["home"].get("kid", "k1")
    stranger = Signer(a.dev["realms"]["home"]["issuer"], kid=kid)
    bodies = [reports.alarm(stranger.token(), now_ms()), b"\1" * 300, os.urandom(200),
              reports.alarm("a.b.c", now_ms())]
    n = iter(range(1 << 40))
    return lambda: post(a, "/alarms", bodies[next(n) % len(bodies)]).status


def junk_tokens(a):
    """At the gate itself: signatures that do not verify, other people's tokens, no tokens."""
    genuine_one = genuine(a)
    stranger = Signer(a.dev["realms"]["home"]["issuer"])
    tokens = [genuine_one[:-8] + "AAAAAAAA", stranger.token(), "a.b.c", "x" * 1000,
              Signer("http://localhost:1/home").token()]
    n = iter(range(1 << 40))

    def one():
        r = ask(a, tokens[next(n) % len(tokens)])
        assert r.status != 200 or not r.json()["active"]
        return r.status

    return one


@pytest.mark.parametrize("flood", [poison, bad_reports, junk_tokens])
def test_no_alarm_and_no_standstill(authority, flood, progress):
    a, ended, counts = authority, threading.Event(), {}
    one = flood(a)
    believed = metrics(a)['alarms_total{outcome="believed"}']
    before_ms = served(a, BEFORE)

    def run():
        while not ended.is_set():
            try:
                said = one()
            except OSError:
                said = "closed"
            counts[said] = counts.get(said, 0) + 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        progress(f"{before_ms:.1f} ms before")
        during_ms = served(a, SECONDS)
    finally:
        ended.set()
        thread.join()
    after = metrics(a)
    print(f"{flood.__name__}: {counts} in {SECONDS:.0f} s; a token asked for and shown took "
          f"{before_ms:.1f} ms before, {during_ms:.1f} ms meanwhile")
    assert sum(counts.values()) > 100
    assert after['alarms_total{outcome="believed"}'] == believed == 0
    assert "ALARM" not in a.log_text()
    assert list((a.dir / "alarms").iterdir()) == []
    assert during_ms < max(SLOWER * before_ms, LEAST_MS)
