"""An alarm is believed when the published keys and the log say so too, and by nobody's word alone:
evidence, webhook, the key."""
import hashlib
import http.server
import json
import os
import queue
import subprocess
import tarfile
import tempfile
import threading
import time

import pytest
import reports
from chancery import PROGRAM, Authority, Gate, Signer, basic, wait_for
from chancery import http as request
from cryptography.hazmat.primitives import serialization
from test_collector import ask, post


class Webhook:
    """Takes alarms; refuses the first one of each, as a receiver that is restarted."""

    def __init__(self):
        self.got, self.tries = queue.Queue(), []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                alarm = json.loads(body)
                first = alarm["id"] not in hook.tries
                hook.tries.append(alarm["id"])
                self.send_response(503 if first else 204)
                self.end_headers()
                hook.got.put((time.monotonic(), alarm, body, dict(self.headers)))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/alarms"

    def next(self):
        return self.got.get(timeout=120)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Forged(Signer):
    """Who holds a key of realm home, by its PEM."""

    def __init__(self, a):
        super().__init__(a.dev["realms"]["home"]["issuer"])
        pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()).decode()
        self.kid = a.run("key", "import", "--realm", "home", "-", given=pem).split()[0]


class Follower(Gate):
    """A gate beside the authority: follows its log, reports to its collector."""

    def __init__(self, folder, authority):
        self.of = authority
        super().__init__(folder, {})

    def policy_text(self, *_):
        d, c = self.of.dir, self.of.dev["collector"]
        (self.dir / "collector.secret").write_text(c["secret"])
        (self.dir / "collector.secret").chmod(0o600)
        home = self.of.dev["realms"]["home"]["issuer"]
        return f"""listen: 127.0.0.1:{self.port}
client: {{id: dovecot, secret_file: gate.secret}}
scope: mail.read
log: {{refusals_per_minute: 100000}}
issuers:
  - {{issuer: '{home}', realm: home, jwks_file: {d}/jwks/home.json, audiences: [mail], log: main}}
mailboxes: {{home: ['*@home.test']}}
logs:
  main: {{vkey_file: {d}/log.vkey, folder: {d}/log, socket: {d}/run/log}}
collector: {{uri: '{c["uri"]}', client: {c["client"]}, secret_file: collector.secret}}
"""


@pytest.fixture(scope="module")
def hook():
    h = Webhook()
    yield h
    h.stop()


@pytest.fixture(scope="module")
def authority(hook):
    with tempfile.TemporaryDirectory(prefix="chancery-alarms-") as folder:
        os.chmod(folder, 0o711)
        a = Authority(folder + "/a", "--no-keys", "home", "--webhook", hook.url, "--guarded")
        yield a
        log = a.log_text()
        assert a.stop() == 0, log


@pytest.fixture(scope="module")
def thief(authority):
    t = Forged(authority)
    # the staged key behind it, which may not sign for an hour yet
    authority.run("key", "add", "--realm", "home")
    # the log knows what was signed before a key was imported only from then on
    time.sleep(2)
    return t


def now_ms():
    return int(time.time() * 1000)


def raise_alarm(a, token, **how):
    """As a gate does; what the collector says of it."""
    body = reports.alarm(token, how.pop("when_ms", now_ms()), **how)
    return wait_for(lambda: decided(a, body), what="an answer to an alarm")


def decided(a, body):
    r = post(a, "/alarms", body)
    return None if r.status in (429, 503) else r.body.decode()


def id_of(token):
    return hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()[:32]


def metrics(a):
    return reports.metrics(a.dev["collector"]["uri"], request)


def genuine(a):
    c = a.client("home", "bench")
    r = request("POST", a.dev["realms"]["home"]["token_endpoint"], b"grant_type=client_credentials",
             {"Authorization": basic(c["client_id"], c["client_secret"]),
              "Content-Type": "application/x-www-form-urlencoded"})
    return r.json()["access_token"]


def test_what_is_no_forgery_is_no_alarm(authority, thief, hook):
    """Genuine tokens, bad signatures, strangers' keys, old ones: whatever a gate says."""
    a, token = authority, genuine(authority)
    head, payload, signature = token.split(".")
    stranger = Signer(thief.issuer, kid=thief.kid)
    unknown = Signer(thief.issuer, kid="nobody")
    forged = thief.token()
    assert raise_alarm(a, token) == "logged"
    assert raise_alarm(a, f"{head}.{payload}.{signature[:-8]}AAAAAAAA") == "bad_token"
    assert raise_alarm(a, stranger.token()) == "bad_token"
    assert raise_alarm(a, unknown.token()) == "bad_token"
    assert raise_alarm(a, Signer("http://localhost:1/home").token()) == "bad_token"
    assert raise_alarm(a, thief.token(exp=int(time.time()) - 60)) == "bad_token"
    # from before the key was imported: in no log, and genuine for all that is known
    assert raise_alarm(a, thief.token(iat=int(time.time()) - 3000)) == "legacy"
    assert raise_alarm(a, forged, when_ms=now_ms() - 25 * 3600_000) == "bad_time"
    assert raise_alarm(a, forged, when_ms=now_ms() + 3600_000) == "bad_time"
    m = metrics(a)
    assert m['alarms_total{outcome="believed"}'] == 0
    assert list((a.dir / "alarms").iterdir()) == [] and hook.got.empty()
    assert "ALARM:" not in a.log_text()


def test_a_flood_of_poison_slows_nobody_down(authority, thief):
    """Genuine tokens reported as forged, as fast as one gate can: the pace is held, others are served."""
    a, token = authority, genuine(authority)
    before = metrics(a)
    body = reports.alarm(token, now_ms())
    answers = [post(a, "/alarms", body).status for _ in range(200)]
    assert set(answers) <= {200, 429} and answers.count(429) > 100
    after = metrics(a)
    checked = sum(after[k] - before[k] for k in after if k.startswith("alarms_total"))
    assert checked <= answers.count(200)
    assert after['alarms_total{outcome="believed"}'] == 0
    # meanwhile the gate judges, and the issuer issues
    assert ask(a, genuine(a)).status == 200


@pytest.fixture(scope="module")
def believed(authority, thief, hook):
    """A forged token, reported by a gate; when, and what the webhook was sent."""
    genuine(authority)  # nobody is accused by a log that begins later
    token = thief.token(sub="mallory", client_id="demo", iat=int(time.time()))
    began = time.monotonic()
    assert raise_alarm(authority, token, location="imap") == "believed"
    at, alarm, _, _ = hook.next()
    print(f"\nalarm to webhook: {(at - began) * 1000:.0f} ms")
    assert at - began < 60
    return token, alarm


def test_a_forged_token_is_told_to_people(authority, thief, believed):
    token, alarm = believed
    assert alarm["id"] == id_of(token) and alarm["kind"] == "forged_token"
    assert (alarm["realm"], alarm["kid"], alarm["sub"]) == ("home", thief.kid, "mallory")
    assert (alarm["gate"], alarm["location"], alarm["client"]) == ("dev", "imap", "192.0.2.7")
    assert alarm["token"].startswith(alarm["id"]) and alarm["log"]["size"] > 0
    event = alarm["event"]
    assert event["iss"] == thief.issuer and event["sub_id"]["sub"] == "mallory"
    assert list(event["events"]) == \
        ["https://schemas.openid.net/secevent/caep/event-type/session-revoked"]
    assert "ALARM: a token that was never issued" in authority.log_text()
    assert metrics(authority)['alarms_total{outcome="believed"}'] == 1
    for part in token.split("."):
        assert part not in json.dumps(alarm) and part not in authority.log_text()


def test_the_webhook_is_tried_until_it_takes_it(authority, believed, hook):
    _, alarm = believed
    again = hook.next()[1]
    assert again == alarm
    told = authority.dir / "alarms" / alarm["id"] / "told"
    wait_for(told.exists, what="the note that it was told")
    wait_for(lambda: metrics(authority)["webhook_waiting"] == 0, what="an empty outbox")


def test_the_evidence_is_whole_and_the_collector_s_alone(authority, thief, believed):
    token, alarm = believed
    folder = authority.dir / "alarms" / alarm["id"]
    signing_input, _, signature = token.rpartition(".")
    assert (folder / "signing-input").read_text() == signing_input
    assert (folder / "signature").read_text() == signature
    assert json.loads((folder / "alarm.json").read_text()) == alarm
    assert thief.kid in [k["kid"] for k in json.loads((folder / "jwks.json").read_text())["keys"]]
    assert (folder / "checkpoint").read_text().startswith(alarm["log"]["origin"])
    assert not folder.stat().st_mode & 0o077
    assert all(not p.stat().st_mode & 0o077 for p in folder.iterdir())


def test_the_same_token_is_one_alarm(authority, believed, hook):
    token, _ = believed
    for _ in range(3):
        assert raise_alarm(authority, token) == "known"
    assert metrics(authority)['alarms_total{outcome="believed"}'] == 1


def test_from_presentation_to_the_alarm(authority, thief, believed, hook, tmp_path):
    """A gate that follows the log is shown a forged token; people hear of it. Measured: the bound here
    is only one of patience."""
    with Follower(tmp_path / "gate", authority) as gate:
        assert gate.ask(genuine(authority)).json()["active"]
        token = thief.token(sub="at-the-gate")
        began = time.monotonic()
        assert not gate.ask(token).json()["active"]
        answered = time.monotonic()
        at, alarm, _, _ = hook.next()
        print(f"\npresentation to refusal {(answered - began) * 1000:.0f} ms, "
              f"to the webhook {(at - began) * 1000:.0f} ms")
        assert alarm["id"] == id_of(token) and at - began < 60
        for _ in range(20):
            assert not gate.ask(token).json()["active"]
        assert hook.next()[1]["id"] == alarm["id"]  # the second try of the same
        wait_for(lambda: "looked at an alarm" in gate.log_text(), what="the collector's answer")
    assert metrics(authority)['alarms_total{outcome="believed"}'] == 2


def test_no_key_leaves_without_a_successor(authority, thief, believed):
    """Guarded: the staged key may not sign yet, so the alarm compromised nothing."""
    wait_for(lambda: "was not compromised" in authority.log_text(), what="the guard's word")
    keys = json.loads(authority.run("key", "list", "--realm", "home", "--json"))
    assert thief.kid in [k["kid"] for k in keys]
    said = subprocess.run([PROGRAM, "key", "compromise", "--alarm", believed[1]["id"], "-C",
                           str(authority.dir)], capture_output=True, text=True, timeout=120)
    assert said.returncode == 1 and "no other key of the realm may sign yet" in said.stderr


def test_an_alarm_s_id_is_not_enough(authority, believed):
    """Evidence of a genuine token, as a taken-over collector could put it there, moves no key."""
    token = genuine(authority)
    time.sleep(1.1)
    folder = authority.dir / "alarms" / id_of(token)
    folder.mkdir(mode=0o700)
    (folder / "signing-input").write_text(token.rpartition(".")[0])
    (folder / "signature").write_text(token.rpartition(".")[2])
    (folder / "checkpoint").write_text("x")
    for name, why in [(folder.name, "was issued"), ("nothing", ""), ("..", "no alarm's id")]:
        refused_for(authority, name, why)
    # nor of one whose entry may have been pruned
    minimum = authority.dir / "log" / "minimum"
    body = b"chlmini\n" + (1).to_bytes(8, "big")
    minimum.write_bytes(body + hashlib.sha256(body).digest())
    try:
        refused_for(authority, believed[1]["id"], "may have been pruned")
    finally:
        minimum.unlink()


def refused_for(authority, name, why):
    said = subprocess.run([PROGRAM, "key", "compromise", "--alarm", name, "-C",
                           str(authority.dir)], capture_output=True, text=True, timeout=120)
    assert said.returncode == 1 and why in said.stderr, said.stderr


def test_the_timeline_and_the_evidence_say_so(authority, thief, believed):
    token, alarm = believed
    bundle = authority.dir / "evidence.of.a.test"
    said = subprocess.run([PROGRAM, "trace", "-C", str(authority.dir), "--token", "-", "--json",
                           "--bundle", bundle], input=token, capture_output=True, text=True,
                          timeout=120)
    assert said.returncode == 0, said.stderr
    timeline = json.loads(said.stdout)
    assert not timeline["in_log"]
    alarms = [e for e in timeline["events"] if e["kind"] == "alarm"]
    assert [e["detail"] for e in alarms] == [alarm["id"]]
    checked = subprocess.run([PROGRAM, "log", "verify", bundle, "--vkey",
                              str(authority.dir / "log.vkey"), "--json"], capture_output=True,
                             text=True, timeout=120)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_evidence_comes_back_from_a_backup(authority, thief, believed):
    """Byte for byte, and the collector's alone; the key of the log that it is of is there, too, though
    a restore begins another log. What was told to people is not told again."""
    _, alarm = believed
    top = authority.dir.parent
    authority.run("backup", str(top / "b.tar"))
    restored = top / "restored"
    subprocess.run([PROGRAM, "restore", top / "b.tar", restored], check=True, capture_output=True,
                   timeout=120)
    one, other = authority.dir / "alarms" / alarm["id"], restored / "alarms" / alarm["id"]
    files = {p.name: p for p in one.iterdir()}
    assert {"alarm.json", "signing-input", "signature", "jwks.json", "checkpoint"} <= set(files)
    assert {p.name for p in other.iterdir()} == set(files)
    for name, path in files.items():
        assert (other / name).read_bytes() == path.read_bytes()
        mine, theirs = (other / name).stat(), path.stat()
        assert (mine.st_uid, mine.st_mode & 0o077) == (theirs.st_uid, 0)
    for folder in (other, other.parent):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.stat().st_uid == one.stat().st_uid
    former, = (restored / "former-logs").iterdir()
    assert former.read_text() == (authority.dir / "log.vkey").read_text()
    assert (restored / "log.vkey").read_text() != former.read_text()
    r = subprocess.run([PROGRAM, "log", "consistency", other / "checkpoint", "--vkey", former,
                        "--folder", authority.dir / "log"], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    # and once more: the key of a former log is in the next backup as well
    again = [PROGRAM, "backup", "-C", restored, "--no-sightings", top / "c.tar"]
    subprocess.run(again, check=True, capture_output=True, timeout=60)
    with tarfile.open(top / "c.tar") as t:
        names = {m.name.removeprefix("chancery-backup/") for m in t.getmembers()}
    assert {f"former-logs/{former.name}", "log.vkey", f"alarms/{alarm['id']}/signature"} <= names
    assert not any(n.startswith("collector/") for n in names)


def test_no_token_is_too_long_for_an_alarm(authority, thief, believed):
    """The thief writes what he likes into it; what people are told has its first 255 bytes."""
    long = {"sub": "s" * 4000}, {"sub": "t" * 900, "username": "u" * 900, "client_id": "c" * 900}
    for claims in long:
        token = thief.token(**claims)
        assert raise_alarm(authority, token) == "believed"
        alarm = json.loads((authority.dir / "alarms" / id_of(token) / "alarm.json").read_text())
        assert all(alarm[name] == text[:255] for name, text in claims.items())
        assert alarm["event"]["sub_id"]["sub"] == claims["sub"][:255]


def test_what_a_thief_tries_shows(authority, thief, believed):
    """Refused before anybody asked the log, since it lives too long: the collector asks."""
    before = metrics(authority)["sightings_unlogged_total"]
    late = int(time.time()) + 86400 * 300
    assert not ask(authority, thief.token(exp=late, sub="trying")).json()["active"]
    wait_for(lambda: metrics(authority)["sightings_unlogged_total"] == before + 1,
             what="the sighting's being compared")


def test_the_audience_is_the_thief_s(authority, thief, believed):
    """Nobody here knows it: what he signed is forged all the same, and an alarm."""
    for aud in ("https://nowhere.test", ["mail", "api", "https://nowhere.test"]):
        token = thief.token(aud=aud, sub="elsewhere")
        assert raise_alarm(authority, token) == "believed"
        assert (authority.dir / "alarms" / id_of(token) / "alarm.json").exists()


def test_an_alarm_that_waited_for_the_collector_is_believed(authority, thief, believed):
    """The gate was shown it two hours ago, and nobody took its report until now."""
    published = authority.dir / "jwks" / "home.json"
    keys, now = json.loads(published.read_text()), int(time.time())
    for k in keys["keys"]:
        if k["kid"] == thief.kid:
            k["logged_from"] -= 86400
    kept = published.read_text()
    published.write_text(json.dumps(keys))
    late = thief.token(iat=now - 7300, exp=now - 6900, sub="late")
    assert raise_alarm(authority, late, when_ms=(now - 7200) * 1000) == "believed"
    # its time counts, not ours: it was over when this one says that it was shown
    over = thief.token(iat=now - 7300, exp=now - 7250, sub="over")
    assert raise_alarm(authority, over, when_ms=(now - 7000) * 1000) == "bad_token"
    published.write_text(kept)


def test_with_a_successor_the_key_leaves_by_itself(authority, thief, believed):
    """Another key signs: the next alarm takes the thief's key out, once. So does an earlier one that
    the supervisor had no time for, and is asked again about; then the key is unknown already."""
    a = authority
    a.run("key", "rotate", "--realm", "home", "--force")
    time.sleep(1.1)
    token = thief.token(sub="second")
    assert raise_alarm(a, token) in ("believed", "bad_token")
    wait_for(lambda: thief.kid not in [k["kid"] for k in json.loads(
        a.run("key", "list", "--realm", "home", "--json"))], what="the key's leaving")
    wait_for(lambda: metrics(a)["compromises_done_total"] == 1, what="the supervisor's word")
    acts = a.run("audit", "list")
    assert "key compromise --alarm" in acts
    assert raise_alarm(a, thief.token(sub="third")) == "bad_token"  # its key is unknown now
