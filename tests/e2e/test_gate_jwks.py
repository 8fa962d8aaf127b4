"""A gate that fetches its issuers' keys: rotation, removal, floods, a server that fails.
Limits are short, and every wait is for something that must come: nothing is measured."""
import json
import os
import re
import signal
import subprocess

import pytest

from chancery import Gate, Signer, children_of, name_of, wait_for
from jwks_server import JwksServer, make_certificates

ISSUER = "https://login.test/home"
REFUSED = b'{"active":false}'
SHORT = {"fresh_min_s": 1, "fresh_max_s": 1, "cooldown_s": 1, "retry_min_s": 1, "retry_max_s": 1,
         "timeout_s": 2}


class UrlGate(Gate):
    """A gate whose issuers are {realm: (Signer, URL)}."""

    def __init__(self, folder, issuers, fetch=None, **kwargs):
        self.urls = {realm: url for realm, (_, url) in issuers.items()}
        self.fetch = {**SHORT, **(fetch or {})}
        super().__init__(folder, {realm: s for realm, (s, _) in issuers.items()},
                         {realm: ["*@home.test"] for realm in issuers}, **kwargs)

    def policy_text(self, issuers, mailboxes, scope):
        text = super().policy_text(issuers, mailboxes, scope)
        for realm, url in self.urls.items():
            if url:
                text = text.replace(f"jwks_file: {realm}.json", f"jwks_uri: {url}")
        lines = [f"  {name}: {value}" for name, value in self.fetch.items()]
        return text + "\n".join(["fetch:", *lines]) + "\n"

    def takes(self, token):
        answer = self.ask(token)
        return answer.status == 200 and answer.body != REFUSED

    def until(self, what, condition):
        wait_for(condition, 30, what)


def key_set(*signers):
    return json.dumps({"keys": [s.jwk() for s in signers]})


@pytest.fixture
def server():
    with JwksServer() as running:
        yield running


def test_follows_rotation_and_removal(tmp_path, server):
    old, new = Signer(ISSUER, kid="old"), Signer(ISSUER, alg="EdDSA", kid="new")
    server.texts["/jwks"] = key_set(old)
    with UrlGate(tmp_path, {"home": (old, server.url())}) as gate:
        gate.until("the first set", lambda: gate.takes(old.token()))
        assert not gate.takes(new.token())
        kept = old.token()
        assert gate.takes(kept) and gate.takes(kept)  # perhaps from its cache
        server.texts["/jwks"] = key_set(old, new)
        gate.until("the new key", lambda: gate.takes(new.token()))
        assert gate.takes(kept)
        server.texts["/jwks"] = key_set(new)
        gate.until("the old key's end", lambda: not gate.takes(kept))
        assert not gate.takes(old.token()) and gate.takes(new.token())
        # unchanged sets are not sent again
        gate.until("a 304", lambda: server.requests[-1][2] == 304)
        log = gate.log_text()
        assert log.count("keys taken") == 3 and log.count("refused") > 0
        server.texts["/jwks"] = '{"keys":[]}'
        gate.until("no key", lambda: gate.ask(new.token()).status == 503)
        assert "issuer has no keys" in gate.log_text()


def test_an_unknown_kid_is_fetched_once_a_cooldown(tmp_path, server):
    known, late, stranger = (Signer(ISSUER, kid=kid) for kid in ("known", "late", "no"))
    server.texts["/jwks"] = key_set(known)
    server.cache_control = "max-age=3600"
    slow = {"fresh_max_s": 3600, "cooldown_s": 3600}
    with UrlGate(tmp_path, {"home": (known, server.url())}, slow) as gate:
        gate.until("the first set", lambda: gate.takes(known.token()))
        assert server.count() == 1
        server.texts["/jwks"] = key_set(known, late)
        # refused at once, and looked after: the next try passes
        assert not gate.takes(late.token())
        gate.until("the new key", lambda: gate.takes(late.token()))
        assert server.count() == 2
        for _ in range(300):
            assert not gate.takes(stranger.token())
        assert gate.takes(late.token())
        assert server.count() == 2
        # the kid of nobody's issuer asks nobody
        assert not gate.takes(Signer("https://other.test").token())
        assert server.count() == 2


def test_a_kid_that_another_issuer_has_too_is_looked_after(tmp_path, server):
    known, late = Signer(ISSUER, kid="known"), Signer(ISSUER, kid="same")
    other = Signer("https://login.test/corp", kid="same")
    server.texts["/jwks"] = key_set(known)
    server.cache_control = "max-age=3600"
    issuers = {"home": (known, server.url()), "corp": (other, None)}
    with UrlGate(tmp_path, issuers, {"fresh_max_s": 3600, "cooldown_s": 3600}) as gate:
        gate.until("the first set", lambda: gate.takes(known.token()))
        server.texts["/jwks"] = key_set(known, late)
        assert not gate.takes(late.token())
        assert 'code="foreign_key"' in gate.log_text()
        gate.until("the new key", lambda: gate.takes(late.token()))
        assert server.count() == 2


def test_bad_answers_keep_the_last_good_set(tmp_path, server):
    home = Signer(ISSUER)
    private = dict(home.jwk(), d="AA")
    server.texts["/jwks"] = key_set(home)
    with UrlGate(tmp_path, {"home": (home, server.url())}) as gate:
        gate.until("the first set", lambda: gate.takes(home.token()))
        server.texts["/elsewhere"] = key_set(Signer(ISSUER, kid="evil"))
        for text, status in ((json.dumps({"keys": [private]}), 200), ("<html>", 200),
                             (key_set(home, home), 200), ("", 200), (" " * 70000, 200),
                             (key_set(home), 500), (key_set(home), 302)):
            server.texts["/jwks"], server.status = text, status
            before = server.count()
            gate.until("two tries", lambda: server.count() >= before + 2)
            assert gate.takes(home.token())
        assert server.count("/elsewhere") == 0
        assert gate.log_text().count("cannot fetch an issuer's keys") == 1
        server.texts["/jwks"], server.status = key_set(home), 200
        gate.until("the recovery", lambda: "are fetched again" in gate.log_text())


def test_a_server_that_is_down_closes_the_issuer_in_time(tmp_path, server):
    home, corp = Signer(ISSUER), Signer("https://login.test/corp", alg="EdDSA")
    server.texts["/jwks"] = key_set(home)
    issuers = {"home": (home, server.url()), "corp": (corp, None)}
    with UrlGate(tmp_path, issuers, {"stale_s": 6}) as gate:
        gate.until("the first set", lambda: gate.takes(home.token()))
        kept = home.token()
        server.status = 503
        gate.until("a miss", lambda: "cannot fetch an issuer's keys" in gate.log_text())
        assert gate.takes(kept) or "issuer is closed" in gate.log_text()
        for closed in range(1, 6):
            gate.until("the end", lambda: gate.log_text().count("issuer is closed") == closed)
            gate.until("the refusal", lambda: not gate.takes(kept))
            if "soon too old" in gate.log_text():
                break
            # the word before it is said within a second: a machine that was busy tries again
            server.status = 200
            gate.until("a recovery", lambda: gate.takes(kept))
            server.status = 503
        assert "soon too old" in gate.log_text()
        # the other one is none of its business
        assert gate.takes(corp.token(username="a@home.test"))
        server.status = 200
        gate.until("the return", lambda: gate.takes(kept))
        assert gate.log_text().count("issuer is closed") == closed


def test_a_gate_starts_before_its_issuer(tmp_path):
    home = Signer(ISSUER)
    with JwksServer() as gone:
        url, port = gone.url(), gone.port
    with UrlGate(tmp_path, {"home": (home, url)}) as gate:
        gate.until("a miss", lambda: "cannot fetch an issuer's keys" in gate.log_text())
        assert gate.ask(home.token()).status == 503
        assert str(port) in gate.log_text()


def test_tls_is_checked(tmp_path):
    home = Signer(ISSUER)
    ca, cert = make_certificates(tmp_path)
    with JwksServer({"/jwks": key_set(home)}, cert) as server:
        with UrlGate(tmp_path / "with", {"home": (home, server.url())}, {"ca_file": ca}) as gate:
            gate.until("the first set", lambda: gate.takes(home.token()))
        with UrlGate(tmp_path / "without", {"home": (home, server.url())}) as gate:
            gate.until("the miss", lambda: "cannot fetch" in gate.log_text())
            assert "E_DENIED" in gate.log_text()
            assert gate.ask(home.token()).status == 503
        (tmp_path / "other").mkdir()
        other, _ = make_certificates(tmp_path / "other")
        with UrlGate(tmp_path / "wrong", {"home": (home, server.url())}, {"ca_file": other}) as gate:
            gate.until("the miss", lambda: "cannot fetch" in gate.log_text())
            assert gate.ask(home.token()).status == 503


def named(gate, name):
    """The processes of this gate's of that name."""
    return [pid for pid in children_of(gate.process.pid) if name_of(pid) == name]


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_the_fetcher_is_another_process_and_comes_back(tmp_path, server):
    home, new = Signer(ISSUER), Signer(ISSUER, kid="new")
    server.texts["/jwks"] = key_set(home)
    with UrlGate(tmp_path, {"home": (home, server.url())}) as gate:
        gate.until("the first set", lambda: gate.takes(home.token()))
        [judge], [parent] = named(gate, "chancery-gate"), named(gate, "chancery-fetch")
        [worker] = children_of(parent)
        for pid in (judge, parent, worker):
            with open(f"/proc/{pid}/status") as f:
                status = f.read()
            assert re.search(r"^NoNewPrivs:\t1$", status, re.M)
            assert re.search(r"^Threads:\t1$", status, re.M)
        assert re.search(r"^Seccomp:\t2$", status, re.M)
        os.kill(worker, signal.SIGKILL)
        gate.until("another worker", lambda: children_of(parent) not in ([], [worker]))
        server.texts["/jwks"] = key_set(home, new)
        gate.until("the new key", lambda: gate.takes(new.token()))
        assert "was killed" in gate.log_text()
        # without its parent there is none any more; what is good stays
        os.kill(parent, signal.SIGKILL)
        gate.until("the loss", lambda: "the fetcher is gone" in gate.log_text())
        assert gate.takes(home.token())
    assert gate.process.returncode == 0


def test_they_end_together(tmp_path, server):
    home = Signer(ISSUER)
    server.texts["/jwks"] = key_set(home)
    gate = UrlGate(tmp_path, {"home": (home, server.url())}).start()
    gate.until("the first set", lambda: gate.takes(home.token()))
    [parent] = named(gate, "chancery-fetch")
    [worker] = children_of(parent)
    os.kill(gate.process.pid, signal.SIGKILL)
    gate.process.wait()
    gate.log.close()
    for pid in (parent, worker):
        wait_for(lambda pid=pid: is_gone(pid), what="the fetcher's end")


def test_a_reload_brings_its_own_fetcher_and_loses_no_key(tmp_path, server):
    home = Signer(ISSUER)
    server.texts["/jwks"] = server.texts["/elsewhere"] = key_set(home)
    with UrlGate(tmp_path, {"home": (home, server.url())}) as gate:
        gate.until("the first set", lambda: gate.takes(home.token()))
        [parent] = named(gate, "chancery-fetch")
        gate.policy.write_text(gate.policy.read_text().replace("/jwks\n", "/elsewhere\n"))
        gate.process.send_signal(signal.SIGHUP)

        def reloaded():
            assert gate.takes(home.token())  # at no moment is it without keys
            return "is in force" in gate.log_text()
        gate.until("the reload", reloaded)
        assert server.count("/elsewhere") > 0
        gate.until("the old one's end", lambda: is_gone(parent))
        assert len(named(gate, "chancery-fetch")) == 1 and gate.takes(home.token())
        # a policy that cannot be served changes nothing
        gate.policy.write_text(gate.policy.read_text().replace("retry_max_s: 1", "retry_max_s: 0"))
        gate.process.send_signal(signal.SIGHUP)
        gate.until("the refusal", lambda: "was not taken" in gate.log_text())
        assert gate.takes(home.token())


def test_numbers_that_contradict_each_other(tmp_path, server):
    gate = UrlGate(tmp_path, {"home": (Signer(ISSUER), server.url())}, {"stale_s": 2})
    done = subprocess.run([gate.program, "gate", "-c", str(gate.policy), "--check"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "fetch" in done.stderr and str(gate.policy) in done.stderr
    gate.fetch = {**SHORT, "ca_file": "none.pem"}
    gate.policy.write_text(gate.policy_text({"home": Signer(ISSUER)}, None, "s"))
    done = subprocess.run([gate.program, "gate", "-c", str(gate.policy), "--check"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "none.pem" in done.stderr
