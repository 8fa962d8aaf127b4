"""Web servers before an API ask the gate: what passes, what is refused and how it is said,
and that a client cannot speak for the web server."""
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from chain_format import verdicts
from chancery import Signer, b64, wait_for
from web_server import (CORP, HOME, NAMES, ORIGIN, Authority, Backend, Haproxy, Holder, Nginx, WebGate,
                        basic_of, reached, token, x5t)

SERVERS = {"nginx": Nginx, "haproxy": Haproxy}


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with WebGate(tmp_path_factory.mktemp("gate")) as g:
        yield g


@pytest.fixture(scope="module")
def backend():
    b = Backend()
    yield b
    b.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    a = Authority(tmp_path_factory.mktemp("ca"))
    a.issue("localhost")
    a.client, a.other = a.issue("client"), a.issue("other")
    return a


@pytest.fixture(scope="module", params=SERVERS)
def web(request, tmp_path_factory, gate, backend, authority):
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param), gate, backend,
                                authority) as w:
        yield w


def fields_of(answer):
    return dict(reached(answer)[1])


def test_a_good_token_passes(web):
    answer = web.get("/api/x?q=1", token(sub="s-7", client_id="demo"))
    target, fields = reached(answer)
    seen = dict(fields)
    assert target == "/api/x?q=1"
    assert seen["x-token-subject"] == "s-7" and seen["x-token-realm"] == "home"
    assert seen["x-token-scope"] == "api.read api.list" and seen["x-token-client"] == "demo"
    assert not {"authorization", "dpop", "x-original-uri", "x-client-cert"} & set(seen)
    assert fields_of(web.get("/corp/", token(CORP)))["x-token-realm"] == "corp"
    assert fields_of(web.get("/bearer/", token()))["x-token-realm"] == "home"
    assert web.get("/write/", token(scope="api.write api.read"), method="POST").status == 200


BOUND = {"jkt": b64(bytes(32))}
NOW = int(time.time())
REFUSALS = {
    "no token": ("api", None, {}, 401, None),
    "junk": ("api", "x", {}, 401, "invalid_token"),
    "expired": ("api", lambda: token(iat=NOW - 600, exp=NOW - 1), {}, 401, "invalid_token"),
    "forged": ("api", lambda: token()[:-4] + "AAAA", {}, 401, "invalid_token"),
    "other audience": ("api", lambda: token(aud="mail"), {}, 401, "invalid_token"),
    "unknown issuer": ("api", lambda: token(iss="https://evil.test/home"), {}, 401,
                       "invalid_token"),
    "other scope": ("api", lambda: token(scope="api.list api.reader"), {}, 403,
                    "insufficient_scope"),
    "no scope": ("api", lambda: token(scope=None), {}, 403, "insufficient_scope"),
    "one of two scopes": ("write", token, {"method": "POST"}, 403, "insufficient_scope"),
    "other realm": ("corp", token, {}, 403, None),
    "other method": ("write", lambda: token(scope="api.read api.write"), {}, 403, None),
    "no such place": ("nosuch", token, {}, 403, None),
    "bound, shown plainly": ("api", lambda: token(cnf=BOUND), {}, 401, "invalid_token"),
    "unbound where bound ones are asked for": ("bound", token, {}, 401, "invalid_token"),
    "bound where only bearers go": ("bearer", lambda: token(cnf=BOUND), {}, 401,
                                    "invalid_token"),
    "unbound by DPoP": ("api", token, {"scheme": "DPoP"}, 401, "invalid_token"),
    "Basic": ("api", basic_of("a:b"), {"scheme": "Basic"}, 401, None),
    "two tokens": ("api", lambda: token() + " " + token(), {}, 401, "invalid_request"),
    "a list of tokens": ("api", lambda: token() + ",Bearer", {}, 401, "invalid_request"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_each_refusal(web, name):
    place, shown, more, status, error = REFUSALS[name]
    answer = web.get(f"/{place}/x", shown() if callable(shown) else shown, **more)
    assert answer.status == status
    challenge = answer["WWW-Authenticate"]
    if status == 401 and error is None:
        assert challenge == (f'Bearer realm="{place}", DPoP realm="{place}", '
                             'algs="ES256 EdDSA RS256 PS256"')
    elif error:
        scheme = more.get("scheme", "Bearer")
        assert challenge.startswith(f'{scheme} realm="{place}", error="{error}"')
        assert ('scope="' in challenge) == (error == "insufficient_scope")
    else:
        assert challenge is None
    assert not answer.all("X-Token-Subject")


def test_the_scope_that_is_asked_for_is_named(web):
    challenge = web.get("/write/", token(), method="POST")["WWW-Authenticate"]
    assert challenge.endswith('scope="api.read api.write"')


@pytest.mark.parametrize("name", ["X-Token-Subject", "x-token-subject", "X-TOKEN-SUBJECT",
                                  "X_Token_Subject", "X-Token_Subject", "X.Token.Subject"])
def test_a_client_cannot_say_who_it_is(web, name):
    """Neither beside a token nor where the token has no such claim."""
    for client_id in ("demo", None):
        answer = web.get("/api/", token(sub="s-1"), fields=[f"{name}: root", f"{name}: root"])
        seen = reached(answer)[1]
        said = [v for n, v in seen if n.replace("_", "-").replace(".", "-") == "x-token-subject"]
        assert said == ["s-1"], seen
    for other in ("X-Token-Realm", "X-Token-Scope", "X-Token-Client"):
        seen = reached(web.get("/api/", token(scope="api.read"), fields=[f"{other}: root"]))[1]
        assert "root" not in [v for _, v in seen]


def test_a_client_cannot_speak_for_the_web_server(web):
    """Its X-Original-… change nothing: neither the method nor the path that is judged."""
    good = token(scope="api.read api.write")
    assert web.get("/write/", good, fields=["X-Original-Method: POST"]).status == 403
    assert web.get("/write/", good, fields=["X_Original_Method: POST"]).status == 403
    holder = Holder()
    bound = token(cnf={"jkt": holder.jkt})
    for name in ("X-Original-URI", "x-original-uri", "X_Original_URI"):
        proof = holder.proof(bound, ORIGIN + "/bound/other")
        assert web.get("/bound/x", bound, "DPoP", fields=[
            f"DPoP: {proof}", f"{name}: /bound/other"]).status == 401
    assert web.get("/_chancery/api", good).status == 404
    assert web.get("/check/api", good).status == 404


def test_what_only_a_web_server_may_say_ends_there(web):
    for name in ("X-Original-Method", "X-Original-URI", "X-Client-Address", "X-Client-Cert"):
        for spelled in (name, name.lower(), name.replace("-", "_")):
            seen = reached(web.get("/api/", token(), fields=[f"{spelled}: mine"]))[1]
            assert "mine" not in [v for _, v in seen], spelled


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
                                  "X-Original-URL", "X-Rewrite-URL", "X_Original_URL",
                                  "X_HTTP_Method_Override"])
def test_the_backend_does_not_hear_of_another_method_or_path(web, name):
    """The gate judged the request line; many frameworks would believe these before it."""
    seen = reached(web.get("/api/", token(), fields=[f"{name}: mine"]))[1]
    assert "mine" not in [v for _, v in seen]


def test_two_authorizations(web):
    good, bad = token(), token(sub="s-2")
    for pair in ((good, bad), (bad, good), (good, good)):
        lines = ["GET /api/x HTTP/1.1", "Host: api.example.test"]
        answer = web.raw(lines + [f"Authorization: Bearer {t}" for t in pair])
        assert answer.status in (400, 401) and not answer.all("X-Token-Subject")
    lines = ["GET /api/x HTTP/1.1", "Host: api.example.test", "authorization: Bearer " + good]
    assert web.raw(lines).status == 200
    assert web.raw(lines + ["Authorization: Basic " + basic_of("a:b")]).status in (400, 401)


def test_a_body_is_the_backends_business(web):
    """With a length, in chunks, and both at once: the question never has one."""
    good = token(scope="api.read api.write")
    lines = ["POST /write/ HTTP/1.1", "Host: api.example.test", "Authorization: Bearer " + good]
    # "Connection: close" stands behind these fields, and the body behind the empty line
    def post(fields, body):
        return web.raw([*lines, *fields], body=body)
    for _ in range(3):
        assert post(["Content-Length: 5"], "hello").status == 200
        assert post(["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n").status == 200
    smuggled = "0\r\n\r\nGET /check/api HTTP/1.1\r\nHost: a\r\n\r\n"
    both = post(["Content-Length: 5", "Transfer-Encoding: chunked"], smuggled)
    assert both.status in (200, 400)
    assert web.get("/api/", good).status == 200


def test_an_absolute_target_does_not_move_the_request(web):
    """GET http://evil/bound/x: the origin of htu is the policy's, whatever the target says."""
    holder = Holder()
    bound = token(cnf={"jkt": holder.jkt})
    lines = ["GET http://evil.test/bound/x HTTP/1.1", "Host: evil.test",
             "Authorization: DPoP " + bound]
    wrong = holder.proof(bound, "http://evil.test/bound/x")
    assert web.raw(lines + ["DPoP: " + wrong]).status in (400, 401)
    right = holder.proof(bound, ORIGIN + "/bound/x")
    assert web.raw(lines + ["DPoP: " + right]).status in (200, 400)


def test_dpop(web):
    holder = Holder()
    bound = token(cnf={"jkt": holder.jkt})
    proof = holder.proof(bound, ORIGIN + "/bound/x")
    shown = {"fields": ["DPoP: " + proof], "scheme": "DPoP"}
    seen = fields_of(web.get("/bound/x?page=2", bound, **shown))
    assert seen["x-token-realm"] == "home" and "dpop" not in seen
    again = web.get("/bound/x?page=2", bound, **shown)
    assert again.status == 401
    assert again["WWW-Authenticate"].startswith('DPoP realm="bound", error="invalid_dpop_proof"')
    # by Bearer it does not go, nor without the proof
    fresh = holder.proof(bound, ORIGIN + "/bound/x")
    assert web.get("/bound/x", bound, fields=["DPoP: " + fresh]).status == 401
    assert web.get("/bound/x", bound, "DPoP").status == 401
    # where binding is accepted, too
    proof = holder.proof(bound, ORIGIN + "/api/x")
    assert web.get("/api/x", bound, "DPoP", fields=["DPoP: " + proof]).status == 200


PROOFS = {
    "other path": dict(url="/bound/y"),
    "longer path": dict(url="/bound/x/"),
    "shorter path": dict(url="/bound/"),
    "other origin": dict(htu="https://evil.test/bound/x"),
    "http": dict(htu=ORIGIN.replace("https", "http") + "/bound/x"),
    "other port": dict(htu=ORIGIN + ":8443/bound/x"),
    "other method": dict(method="POST"),
    "other token": dict(ath=b64(bytes(32))),
    "no ath": dict(ath=None),
    "no jti": dict(jti=None),
    "old": dict(iat=NOW - 3600),
    "of tomorrow": dict(iat=NOW + 86400),
}


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_for_something_else(web, name):
    holder = Holder()
    bound = token(cnf={"jkt": holder.jkt})
    changed = dict(PROOFS[name])
    proof = holder.proof(bound, ORIGIN + changed.pop("url", "/bound/x"),
                         changed.pop("method", "GET"), **changed)
    answer = web.get("/bound/x", bound, "DPoP", fields=["DPoP: " + proof])
    assert answer.status == 401 and "invalid_dpop_proof" in answer["WWW-Authenticate"]


def test_a_proof_by_another_key_and_two_proofs(web):
    holder, thief = Holder(), Holder()
    bound = token(cnf={"jkt": holder.jkt})
    url = ORIGIN + "/bound/x"
    stolen = web.get("/bound/x", bound, "DPoP", fields=["DPoP: " + thief.proof(bound, url)])
    assert stolen.status == 401
    two = ["DPoP: " + holder.proof(bound, url), "DPoP: " + holder.proof(bound, url)]
    assert web.get("/bound/x", bound, "DPoP", fields=two).status == 401
    for junk in ("x", "a.b.c", "x" * 5000):
        answer = web.get("/bound/x", bound, "DPoP", fields=["DPoP: " + junk])
        assert answer.status == 401 and "invalid_dpop_proof" in answer["WWW-Authenticate"]


@pytest.mark.parametrize("target", ["/bound/./x", "/bound/y/../x", "/bound//x", "//bound/x",
                                    "/bound/%2e%2e/bound/x", "/bound/x%00", "/bound/x%2f",
                                    "/bound%2fx", "/bound/x;a=b", "/bound/x#f"])
def test_no_other_spelling_of_the_path_takes_the_proof(web, target):
    """A proof for /bound/x, on a request whose target a web server could take for it."""
    holder = Holder()
    bound = token(cnf={"jkt": holder.jkt})
    proof = holder.proof(bound, ORIGIN + "/bound/x")
    answer = web.get(target, bound, "DPoP", fields=["DPoP: " + proof])
    assert answer.status in (400, 401, 404)


@pytest.mark.parametrize("target", ["/api/../corp/x", "/corp/../api/x", "/api/%2e%2e/corp/x",
                                    "/corp/..%2fapi/x", "/corp%2f..%2fapi/x", "/api/..;/corp/x",
                                    "/api/..\\corp/x", "/corp/..%5capi/x", "/corp/x/%2e%2e/../api/x",
                                    "/api/.%2e%2fcorp/x", "//corp/..//api/x"])
def test_no_path_is_at_two_places(web, target):
    """A token for /api/ reaches nothing that a backend could take for /corp/."""
    assert web.get("/api/x", token()).status == 200
    assert web.get(target, token()).status in (400, 401, 403, 404)


def test_escapes_of_plain_characters_are_the_same_path(web):
    holder = Holder()
    bound = token(cnf={"jkt": holder.jkt})
    proof = holder.proof(bound, ORIGIN + "/bound/x")
    assert web.get("/bound/%78", bound, "DPoP", fields=["DPoP: " + proof]).status == 200


def test_nonces(web):
    holder = Holder()
    bound = token(cnf={"jkt": holder.jkt})
    url = ORIGIN + "/nonce/x"
    first = web.get("/nonce/x", bound, "DPoP", fields=["DPoP: " + holder.proof(bound, url)])
    assert first.status == 401
    assert first["WWW-Authenticate"].startswith('DPoP realm="nonce", error="use_dpop_nonce"')
    nonce = first["DPoP-Nonce"]
    assert nonce
    proof = holder.proof(bound, url, nonce=nonce)
    good = web.get("/nonce/x", bound, "DPoP", fields=["DPoP: " + proof])
    assert good.status == 200 and good["DPoP-Nonce"]
    assert web.get("/nonce/x", bound, "DPoP", fields=["DPoP: " + proof]).status == 401
    other = holder.proof(bound, url, nonce="A" * 32)
    assert web.get("/nonce/x", bound, "DPoP", fields=["DPoP: " + other]).status == 401


def test_tokens_bound_to_a_certificate(web, authority):
    bound = token(cnf={"x5t#S256": x5t(authority.client)})
    for place in ("api", "bound"):
        assert web.get(f"/{place}/x", bound, tls=True, cert="client").status == 200
        assert web.get(f"/{place}/x", bound, tls=True, cert="other").status == 401
        assert web.get(f"/{place}/x", bound, tls=True).status == 401
        assert web.get(f"/{place}/x", bound).status == 401
    with open(authority.path("client"), encoding="ascii") as f:
        pem = urllib.parse.quote(f.read())
    for name in ("X-Client-Cert", "x-client-cert", "X_Client_Cert", "X-SSL-Client-Cert"):
        assert web.get("/api/x", bound, fields=[f"{name}: {pem}"]).status == 401
        assert web.get("/api/x", bound, fields=[f"{name}: {pem}"], tls=True).status == 401
        assert web.get("/api/x", bound, fields=[f"{name}: {pem}"], tls=True,
                       cert="other").status == 401


def test_claims_that_a_field_cannot_carry(web):
    seen = fields_of(web.get("/api/", token(sub="Jürgen, \"%41\" a@b")))
    assert seen["x-token-subject"] == "J%C3%BCrgen%2C%20%22%2541%22%20a@b"
    for sub in ("a\r\nX-Evil: 1", "a\nb", "a\0b", "\x7f"):
        answer = web.get("/api/", token(sub=sub))
        assert answer.status == 401 or "x-evil" not in fields_of(answer)
    long = web.get("/api/", token(sub="x" * 2000))
    assert long.status in (500, 503)


def test_a_gate_that_is_gone_opens_nothing(tmp_path, backend, authority):
    with WebGate(tmp_path / "gate") as gate, Nginx(tmp_path / "nginx", gate, backend,
                                                   authority) as web:
        assert web.get("/api/", token()).status == 200
        gate.process.kill()
        gate.process.wait()
        wait_for(lambda: web.get("/api/", token()).status == 500, 5, "the end")
        assert web.get("/api/").status == 500


# --- without a web server between ---

def test_questions_that_no_web_server_asks(gate):
    good = token()
    assert gate.check("api", good).status == 200
    for wrong in ({"X_Original_Method": None}, {"X_Original_URI": None},
                  {"X_Original_URI": "api/x"}, {"X_Original_URI": "http://a/b"},
                  {"X_Original_URI": "/a b"}, {"X_Original_URI": ["/a", "/b"]},
                  {"X_Original_Method": ["GET", "GET"]}, {"X_Client_Cert": "junk"},
                  {"X_Client_Cert": ["a", "b"]}, {"Authorization": ["Bearer a", "Bearer b"]},
                  {"Authorization": "Bearer"}, {"Authorization": "Bearer  "},
                  {"Authorization": f"Bearer {good} x"}):
        answer = gate.check("api", None if "Authorization" in wrong else good, **wrong)
        assert answer.status == 401 and answer.body == b""
    for place in ("", "API", "api/", "api/x", "nosuch", "api%00", "../check/api", "api?x"):
        answer = gate.check(place, good)
        assert answer.status == 403 or (place == "api?x" and answer.status == 200)
        assert answer.body == b""
    assert 'code="unknown_place"' in gate.log_text()


def test_lowercase_and_blanks(gate):
    good = token()
    for scheme in ("bearer", "BEARER", "Bearer "):
        assert gate.check("api", Authorization=f"{scheme} {good}").status == 200
    assert gate.check("api", Authorization=f"Token {good}").status == 401


def test_several_audiences(gate):
    """The place's audience is one of the token's, not the first that the policy knows."""
    assert gate.check("corp", token(CORP, aud=["mail", "admin"])).status == 200
    assert gate.check("corp", token(CORP, aud=["mail", "other"])).status == 401
    assert gate.check("corp", token(CORP, aud="mail")).status == 401


def test_every_refusal_is_without_a_token_in_the_log(gate):
    before = len(gate.log_text())
    shown = token(aud="mail")
    gate.check("api", shown)
    log = gate.log_text()[before:]
    assert 'code="bad_audience"' in log and 'location="api"' in log
    assert 'client="192.0.2.9"' in log
    for part in shown.split("."):
        assert part not in log


def test_metrics_health_ready(gate):
    def get(path):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(gate.socket))
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n".encode())
            return s.makefile("rb").read()
    gate.check("api", token())
    text = get("/metrics").decode()
    counts = dict(line.rsplit(" ", 1) for line in text.splitlines()
                  if line.startswith("chancery_gate_"))
    accepted = [v for n, v in counts.items()
                if n.startswith("chancery_gate_verdicts") and "accepted" in n and "auth" in n]
    assert accepted and int(accepted[0]) > 0
    assert any(n.startswith("chancery_gate_cache") for n in counts)
    assert any(n.startswith("chancery_gate_sightings") for n in counts)
    assert get("/health").startswith(b"HTTP/1.1 200")
    assert get("/ready").startswith(b"HTTP/1.1 200")


def test_junk_is_limited_by_address_and_known_tokens_pass(tmp_path):
    """Bad signatures from one address: it is not judged any more, but for known tokens."""
    gate = WebGate(tmp_path / "gate")
    text = gate.policy.read_text()
    assert "burst_us: 60000000" in text
    gate.policy.write_text(text.replace("burst_us: 60000000", "burst_us: 1000, us_per_s: 100"))
    with gate:
        known, fresh = token(), token()
        assert gate.check("api", known).status == 200
        junk = [token()[:-6] + "AAAAAA" for _ in range(4)]
        def limited():
            for t in junk:
                answer = gate.check("api", t)
                assert answer.status == 401 and answer.body == b""
            return 'code="junk_limited"' in gate.log_text()
        wait_for(limited, 10, "the limit")
        assert gate.check("api", known).status == 200

        def refused():  # as time goes by, some work is forgiven
            answer = limited() and gate.check("api", token())
            return answer if answer.status == 401 else None
        assert "error" not in wait_for(refused, 10, "a refusal")["WWW-Authenticate"]
        assert gate.check("api", fresh, X_Client_Address="192.0.2.10").status == 200


def test_keys_that_change_while_others_ask(tmp_path):
    """A new key is warmed when nobody asks; tokens of it pass at once, and no answer is lost."""
    with WebGate(tmp_path / "gate") as gate:
        good = token(exp=int(time.time()) + 600)
        with Load(lambda: gate.check("api", good), lambda: gate.check("api", token())) as load:
            for n in range(5):
                new = Signer(HOME.issuer, kid=f"n{n}")
                gate.write_keys("home", json.dumps({"keys": [HOME.jwk(), new.jwk()]}))
                wait_for(lambda: gate.check("api", token(new)).status == 200, 5, "the new key")
            wait_for(lambda: load.done > 50, what="a load")
        assert load.failed == []


# --- reload ---

class Load:
    """Clients that ask without a pause; each answer that is no 200 is kept."""

    def __init__(self, *asks):
        self.failed, self.done, self.over = [], 0, threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(ask,)) for ask in asks]

    def run(self, ask):
        while not self.over.is_set():
            try:
                answer = ask()
                if answer.status != 200:
                    self.failed.append((answer.status, answer.fields))
            except OSError as e:
                self.failed.append(repr(e))
            self.done += 1

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join()


def test_twenty_reloads_drop_nothing(tmp_path, backend, authority):
    with WebGate(tmp_path / "gate") as gate, Nginx(tmp_path / "nginx", gate, backend,
                                                   authority) as web:
        good = token(exp=int(time.time()) + 3000)
        mail = HOME.token(aud="mail", exp=int(time.time()) + 3000)
        with Load(lambda: web.get("/api/x", good), lambda: web.get("/api/x", good),
                  lambda: gate.check("api", good), lambda: gate.ask(mail)) as load:
            for _ in range(20):
                gate.reload()
            wait_for(lambda: load.done > 200, what="a load")
        assert load.failed == []
        assert gate.log_text().count("gate has stopped") >= 20
    assert verdicts(gate.dir / "sightings" / "signed") >= load.done


def test_a_question_that_is_never_finished_holds_no_reload_up(tmp_path):
    with WebGate(tmp_path / "gate") as gate, socket.socket(socket.AF_UNIX) as half, \
            socket.socket(socket.AF_UNIX) as idle:
        for s in (half, idle):
            s.connect(str(gate.socket))
        half.sendall(b"GET /check/api HTTP/1.1\r\nHost: g\r\n")
        gate.reload()
        assert gate.check("api", token()).status == 200
        # both have been let go, and the socket is the new one's alone
        for s in (half, idle):
            s.settimeout(120)
            assert s.recv(1) == b""


def test_a_reload_takes_what_changed_and_keeps_what_must_stay(tmp_path):
    holder = Holder()
    bound = token(cnf={"jkt": holder.jkt})
    with WebGate(tmp_path / "gate") as gate:
        def ask(place, path, **claims):
            proof = holder.proof(bound, ORIGIN + path, **claims)
            return proof, gate.check(place, Authorization="DPoP " + bound, DPoP=proof,
                                     X_Original_URI=path)
        proof, answer = ask("bound", "/bound/x")
        assert answer.status == 200
        nonce = ask("nonce", "/nonce/x")[1]["DPoP-Nonce"]
        text = gate.policy.read_text()
        # a bad file changes nothing, and says what is wrong
        gate.policy.write_text(text.replace("binding: required", "binding: wanted", 1))
        gate.process.send_signal(1)
        wait_for(lambda: "the policy was not taken" in gate.log_text(), 10, "the complaint")
        assert "choose one of accepted required refused" in gate.log_text()
        assert gate.check("api", token()).status == 200
        # a good one does: another scope for a place
        gate.policy.write_text(text.replace("scopes: [api.read]", "scopes: [api.more]", 1))
        gate.reload()
        assert gate.check("api", token()).status == 403
        assert gate.check("api", token(scope="api.more")).status == 200
        # used proofs stay used, nonces stay good
        again = gate.check("bound", Authorization="DPoP " + bound, DPoP=proof,
                           X_Original_URI="/bound/x")
        assert again.status == 401 and "invalid_dpop_proof" in again["WWW-Authenticate"]
        assert ask("nonce", "/nonce/x", nonce=nonce)[1].status == 200


@pytest.mark.parametrize("detour", [False, True], ids=["at once", "by one without places"])
def test_a_longer_window_brings_no_used_proof_back(tmp_path, detour):
    """A proof is kept as long as it could be shown; when that grows, the old are too old."""
    holder = Holder()
    bound = token(cnf={"jkt": holder.jkt})
    with WebGate(tmp_path / "gate") as gate:
        text = gate.policy.read_text()
        short = "dpop: {window_s: 2, skew_s: 0}\n"
        gate.policy.write_text(short + text)
        gate.reload()

        def ask(proof):
            return gate.check("bound", Authorization="DPoP " + bound, DPoP=proof,
                              X_Original_URI="/bound/x").status

        def fresh():  # on a slow machine it is too old when it arrives
            proof = holder.proof(bound, ORIGIN + "/bound/x", iat=int(time.time()))
            return proof if ask(proof) == 200 else None
        used = wait_for(fresh, 10, "a proof in time")
        assert ask(used) == 401
        if detour:
            mail_only = text[:text.index("locations:")].split("\n", 2)[2]
            gate.policy.write_text(mail_only)
            gate.reload()
        gate.policy.write_text(short.replace("2", "60") + text)
        gate.reload()
        time.sleep(4)  # the note has ended, the proof has not
        assert ask(used) == 401
        assert ask(holder.proof(bound, ORIGIN + "/bound/x", iat=int(time.time()))) == 200


def test_a_restart_brings_no_used_proof_back(tmp_path):
    """However fast: a proof of the same second is refused, too."""
    holder = Holder()
    bound = token(cnf={"jkt": holder.jkt})

    def ask(gate, proof):
        return gate.check("bound", Authorization="DPoP " + bound, DPoP=proof,
                          X_Original_URI="/bound/x").status
    with WebGate(tmp_path / "one") as gate:
        used = holder.proof(bound, ORIGIN + "/bound/x")
        assert ask(gate, used) == 200 and ask(gate, used) == 401
    with WebGate(tmp_path / "two") as gate:
        assert ask(gate, used) == 401
        assert ask(gate, holder.proof(bound, ORIGIN + "/bound/x")) == 200


def test_the_socket_and_the_port_move(tmp_path):
    with WebGate(tmp_path / "gate") as gate:
        old = gate.socket
        mode = old.stat().st_mode & 0o777
        assert mode == 0o666
        text = gate.policy.read_text()
        gate.policy.write_text(text.replace("gate.sock", "other.sock").replace("0666", "0600"))
        gate.reload()
        gate.socket = gate.dir / "other.sock"
        assert gate.check("api", token()).status == 200
        assert gate.socket.stat().st_mode & 0o777 == 0o600 and not old.exists()
        gate.policy.write_text(text.replace("gate.sock", "other.sock"))
        gate.reload()
        assert gate.socket.stat().st_mode & 0o777 == 0o666
    assert not gate.socket.exists()


def test_what_stands_in_the_place_of_the_socket(tmp_path):
    gate = WebGate(tmp_path / "gate")

    def refused(why):
        with pytest.raises(AssertionError):
            gate.start()
        assert why in gate.log_text()

    gate.socket.write_text("a file")
    refused("no socket stands there")
    assert gate.socket.read_text() == "a file"
    gate.socket.unlink()
    gate.socket.symlink_to("/etc/passwd")
    refused("no socket stands there")
    gate.socket.unlink()
    gate.dir.chmod(0o777)
    refused("others can write in the socket's folder")
    checked = subprocess.run([gate.program, "gate", "-c", str(gate.policy), "--check"],
                             capture_output=True, text=True, check=False)
    assert checked.returncode == 1 and "others can write there" in checked.stderr
    gate.dir.chmod(0o755)
    with gate:
        other = WebGate(tmp_path / "other")
        other.policy.write_text(other.policy.read_text().replace(
            "socket: gate.sock", f"socket: {gate.socket}"))
        with pytest.raises(AssertionError):
            other.start()
        assert "somebody serves at this socket already" in other.log_text()
        # killed, it leaves its socket behind; the next one takes its place
        gate.process.kill()
        gate.process.wait()
    assert gate.socket.exists()
    with gate:
        assert gate.check("api", token()).status == 200


def test_the_end_of_the_worker_is_the_end(tmp_path):
    with WebGate(tmp_path / "gate") as gate:
        os.kill(gate.worker(), 9)
        assert gate.process.wait(120) == 3
        assert "the gate is gone" in gate.log_text()


@pytest.mark.root_only
def test_root_gives_the_gate_a_user_of_its_own(tmp_path):
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    gate = WebGate(tmp_path / "gate")
    gate.policy.write_text("user: nobody\n" + gate.policy.read_text())
    (gate.dir / "sightings").mkdir()
    shutil.chown(gate.dir / "sightings", "nobody")
    with gate:
        wait_for(lambda: "gate is ready" in gate.log_text(), 10, "the gate")
        with open(f"/proc/{gate.worker()}/status", encoding="ascii") as f:
            lines = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        assert lines["Uid"].split() == ["65534"] * 4 and lines["Groups"].strip() == ""
        assert int(lines["CapEff"], 16) == 0 and lines["NoNewPrivs"] == "1"
        assert "runs as root" not in gate.log_text()
        assert gate.check("api", token()).status == 200
