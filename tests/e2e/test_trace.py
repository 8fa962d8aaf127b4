"""One timeline of what is known: issued, seen, the key's life, alarms."""
import hashlib
import json
import re
import subprocess

import pytest
from chancery import PROGRAM, authority_of, wait_for
from test_collector import ask, bench_token


@pytest.fixture(scope="module")
def authority():
    with authority_of("trace") as a:
        yield a


@pytest.fixture(scope="module")
def seen(authority):
    """A token that was issued and shown twice, and one that nobody issued."""
    token = bench_token(authority)
    assert ask(authority, token).json()["active"]
    head, payload, signature = token.split(".")
    stranger = f"{head}.{payload}.{signature[:-4]}AAAA"
    other = f"{head}.{payload[:-4]}.{signature}"
    assert not ask(authority, other).json()["active"]
    return token, stranger, other


def trace(a, *args, given=None):
    r = subprocess.run([PROGRAM, "trace", "-C", str(a.dir), *args], input=given,
                       capture_output=True, text=True, timeout=180)
    assert r.returncode in (0, 1), r.stderr
    return r


def events(a, *args, given=None):
    return json.loads(trace(a, *args, "--json", given=given).stdout)["events"]


def seen_events(a, token):
    return [e for e in events(a, "--token", "-", given=token) if e["kind"] == "seen"]


def test_a_token_s_timeline(authority, seen):
    a, token = authority, seen[0]
    found = wait_for(lambda: seen_events(a, token), what="the sighting at the collector")
    assert [(e["what"], e["gate"], e["realm"]) for e in found] == [("accepted", "dev", "home")]
    identity = hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()
    assert found[0]["token"] == identity
    assert events(a, "--identity", identity) == events(a, "--token", "-", given=token)
    text = trace(a, "--token", "-", given=token).stdout
    assert "seen   accepted" in text and "key    signs" in text
    times = re.findall(r"(?m)^(\S+Z)  ", text)
    assert times == sorted(times)


def test_what_was_issued_is_in_it(authority, seen):
    a, token = authority, seen[0]
    said = json.loads(trace(a, "--token", "-", "--json", given=token).stdout)
    issued = [e for e in said["events"] if e["kind"] == "issued"]
    assert said["in_log"] and [e["client_id"] for e in issued] == ["bench"]
    assert issued[0]["exp"] - issued[0]["iat"] == 600
    by_client = events(a, "--client", "bench")
    assert issued[0] in by_client and {e["kind"] for e in by_client} >= {"issued", "seen"}
    by_person = events(a, "--realm", "home", "--sub", "bench")
    assert issued[0] in by_person
    assert not events(a, "--realm", "corp", "--sub", "bench")


def test_a_key_s_timeline(authority, seen):
    a = authority
    kid = seen_events(a, seen[0])[0]["kid"]
    found = events(a, "--kid", kid)
    assert [e["what"] for e in found if e["kind"] == "key"][:1] == ["made"]
    assert {"published", "signs"} <= {e["what"] for e in found if e["kind"] == "key"}
    assert any(e["kind"] == "seen" for e in found)


def test_all_that_happened_since_then(authority, seen):
    """As one asks after an alarm, without a token in hand."""
    a, token = authority, seen[0]
    wait_for(lambda: seen_events(a, token), what="the sighting at the collector")
    identity = hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()
    found = events(a, "--since", "1h")
    assert {"issued", "seen"} <= {e["kind"] for e in found if e.get("token") == identity}
    assert {e["kind"] for e in events(a, "--since", "1h", "--realm", "corp")} <= {"admin", "key"}
    assert trace(a, "--since", "2038-01-01").returncode == 1
    assert "all that happened" in trace(a, "--since", "1h", "--html").stdout


def test_what_nobody_knows_is_a_no(authority):
    r = trace(authority, "--token", "-", given="x.y.z\n")
    assert r.returncode == 1
    assert not events(authority, "--kid", "nothing")


def test_the_page_stands_alone(authority, seen):
    page = trace(authority, "--token", "-", "--html", given=seen[0]).stdout
    assert page.startswith("<!doctype html>") and "<svg" in page and "</html>" in page
    assert "default-src 'none'" in page and "<script" not in page
    assert not re.search(r"(?:src|href)=|url\(|@import", page)
    assert "prefers-color-scheme" in page


def test_a_gate_s_text_is_only_text_on_the_page(authority, tmp_path):
    """--kid comes back in the page as it was asked for."""
    page = trace(authority, "--kid", '<b onload="x">', "--html").stdout
    assert '<b onload' not in page and "&#60;b onload=" in page


@pytest.mark.parametrize("args", [
    [], ["--token", "-", "--kid", "k"], ["--sub", "s"], ["--kid", "k", "--bundle", "f"],
    ["--kid", "k", "--json", "--html"], ["--identity", "zz"], ["--kid", "k", "--since", "soon"],
    ["--realm", "nowhere", "--client", "c"]])
def test_a_wrong_call_is_told(authority, args):
    r = subprocess.run([PROGRAM, "trace", "-C", str(authority.dir), *args], input="",
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 2 and r.stderr
