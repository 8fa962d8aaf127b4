"""What an operator's watch sees of an authority: counters, health, readiness, and a log that
programs read, with the trace that a request is part of."""
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys

import pytest

from chancery import ROOT, authority_of, basic, free_port, http as ask, wait_for
from test_issuer import FORM, code_for, login, post, redeem
from test_service import Service

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def authority():
    with authority_of("monitor") as a:
        yield a


def metrics(authority, group="main"):
    """{series: value}, after the strict reader has found nothing wrong."""
    r = ask("GET", authority.dev["monitors"][group] + "/metrics")
    assert r.status == 200 and r.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    text = r.body.decode()
    judged = subprocess.run([sys.executable, ROOT / "tests/gate/check_metrics.py"], input=text,
                            capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")}


def gained(authority, act):
    """What counted up while act() ran, without the times."""
    before = metrics(authority)
    act()
    after = metrics(authority)
    return {name.removeprefix("chancery_issuer_"): after[name] - before.get(name, 0)
            for name in after if after[name] != before.get(name, 0) and "_seconds" not in name}


def client_token(authority, secret="bench-secret", headers=None):
    return post(authority.dev["realms"]["home"]["token_endpoint"],
                {"grant_type": "client_credentials"},
                {"Authorization": basic("bench", secret), **(headers or {})})


def requests(endpoint, method, status):
    return f'requests_total{{endpoint="{endpoint}",method="{method}",status="{status}"}}'


def test_tokens_and_logins_are_counted(authority):
    home = authority.dev["realms"]["home"]
    assert gained(authority, lambda: client_token(authority)) == {
        requests("token", "POST", 200): 1,
        'tokens_total{realm="home",grant="client_credentials"}': 1}
    assert gained(authority, lambda: client_token(authority, "wrong")) == {
        requests("token", "POST", 401): 1, 'clients_refused_total{realm="home"}': 1}
    more = gained(authority, lambda: login(authority, password="wrong"))
    assert more['logins_total{realm="home",result="wrong"}'] == 1
    assert more[requests("authorize", "POST", 401)] == 1
    codes = []
    more = gained(authority, lambda: codes.append(code_for(authority)))
    assert more['logins_total{realm="home",result="ok"}'] == 1
    more = gained(authority, lambda: [redeem(home, codes[0]), redeem(home, codes[0])])
    assert more['tokens_total{realm="home",grant="authorization_code"}'] == 1
    assert more['codes_reused_total{realm="home"}'] == more['grants_revoked_total{realm="home"}'] == 1
    assert more[requests("token", "POST", 200)] == more[requests("token", "POST", 400)] == 1
    assert gained(authority, lambda: ask("GET", authority.dev["base"] + "/nothing")) == {
        requests("none", "any", 404): 1}


def test_times_are_counted(authority):
    before = metrics(authority)
    client_token(authority)
    login(authority, password="wrong")
    after = metrics(authority)
    for name in ("signing_seconds_count", "password_seconds_count",
                 'request_seconds_count{endpoint="token",method="POST"}'):
        name = "chancery_issuer_" + name
        assert after[name] > before[name], name
    assert after["chancery_issuer_password_seconds_sum"] > before["chancery_issuer_password_seconds_sum"]


def test_each_group_has_its_own(authority):
    found = metrics(authority, "staff")
    assert found['chancery_issuer_realm_keys{realm="staff"}'] == 2  # and one that is staged
    assert not [name for name in found if 'realm="home"' in name]
    assert found['chancery_issuer_hasher_ready'] == 0  # nobody signs in there


def test_the_public_port_has_none_of_it(authority):
    for path in ("/metrics", "/health", "/healthz", "/ready", "/readyz", "/home/metrics"):
        assert ask("GET", authority.dev["base"] + path).status == 404, path


def test_health_and_ready(authority):
    at = authority.dev["monitors"]["main"]
    for path in ("/health", "/healthz"):
        assert ask("GET", at + path).body == b"alive\n"
    for path in ("/ready", "/readyz"):
        r = ask("GET", at + path)
        assert (r.status, r.json()) == (200, {"ready": True})
    assert ask("POST", at + "/ready", b"").status == 405


def test_a_watch_that_says_nothing_blocks_nobody(authority):
    at = int(authority.dev["monitors"]["main"].rsplit(":", 1)[1])
    silent = [socket.create_connection(("127.0.0.1", at)) for _ in range(12)]
    try:
        assert client_token(authority).status == 200
        # they are closed, and then others are heard
        wait_for(lambda: _ready(authority), 20, "a place for another")
    finally:
        for s in silent:
            s.close()


def _ready(authority):
    try:
        return ask("GET", authority.dev["monitors"]["main"] + "/ready", seconds=5).status == 200
    except OSError:
        return False


def test_a_trace_is_taken_up(authority):
    r = client_token(authority, headers={"traceparent": PARENT})
    said = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", r.headers["traceresponse"])
    assert said.group(1) == TRACE and said.group(2) != "00f067aa0ba902b7"
    for bad in (PARENT.upper(), PARENT[:-1], PARENT + "-x", "00-" + "0" * 32 + PARENT[35:], "x"):
        r = client_token(authority, headers={"traceparent": bad})
        assert r.status == 200 and r.headers["traceresponse"] is None, bad


@pytest.mark.root_only
def test_a_log_for_programs():
    """Each line of each role is an object; requests are in it with their trace; a reload keeps
    the monitor's socket."""
    with Service() as s:
        monitor = free_port()
        s.edit("log_json: false", "log_json: true")
        s.edit("log_requests: false", "log_requests: true")
        s.edit(f"listen: 127.0.0.1:{s.port}\n",
               f"listen: 127.0.0.1:{s.port}\n    monitor: 127.0.0.1:{monitor}\n")
        s.start()
        wait_for(lambda: s.process.poll() is not None or '"ready"' in s.log_text(), 30, "ready")
        at = f"http://127.0.0.1:{s.port}/home"
        assert ask("GET", at + "/jwks", headers={"traceparent": PARENT}).status == 200
        assert ask("GET", f"http://127.0.0.1:{s.port}/metrics").status == 404
        s.process.send_signal(signal.SIGHUP)
        wait_for(lambda: s.log_text().count('"what":"ready"') == 2, 30, "the reload")
        wait_for(lambda: ask("GET", f"http://127.0.0.1:{monitor}/ready").status == 200, 30,
                 "the same socket's answer")
        s.stop()
        lines = [json.loads(line) for line in s.log_text().splitlines()]
    assert {line["program"] for line in lines} >= {"chancery", "chancery-issuer"}
    asked = [line for line in lines if line["what"] == "request"]
    assert asked[0]["endpoint"] == "jwks" and asked[0]["status"] == 200
    assert asked[0]["trace"] == TRACE and asked[0]["us"] >= 0
    assert asked[1]["endpoint"] == "none" and "trace" not in asked[1]


@pytest.mark.root_only
def test_a_monitor_is_not_for_strangers():
    with Service() as s:
        s.edit(f"listen: 127.0.0.1:{s.port}\n",
               f"listen: 127.0.0.1:{s.port}\n    monitor: 0.0.0.0:9480\n")
        s.start("--check")
        assert s.process.wait(60) == 3 and "loopback" in s.log_text()
