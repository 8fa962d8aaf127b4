"""Proof of possession: DPoP (RFC 9449) and certificates (RFC 8705)."""
import json

from book import CLAIMS, NOW, ath, b64, changed, claims, make, public, with_text
from jose import (CERTIFICATES, KEYS, N, es256_rs, hmac, pair, sha256, sign_with, thumbprint, token,
                  unb64)

URL = "https://api.test/mail/inbox"


def add(book):
    schemes(book)
    header(book)
    request(book)
    url(book)
    times(book)
    replay(book)
    certificates(book)


def bound(key="client-es", **members):
    return make(None, claims(cnf={"jkt": thumbprint(key)}, **members))


def head_of(key="client-es", **members):
    return changed({"typ": "dpop+jwt", "alg": KEYS[key]["alg"], "jwk": bare(key)}, **members)


def bare(key, **members):
    jwk = public(key, use=None, alg=None)
    return changed(jwk, **members)


def body_of(text, **members):
    return changed({"jti": "p-1", "htm": "GET", "htu": URL, "iat": NOW, "ath": ath(text)},
                   **members)


def proof(text, head=None, body=None, key="client-es", sign=None):
    return token(head_of(key) if head is None else head, body_of(text) if body is None else body,
                 key, sign)


def shown(dpop=None, scheme="DPoP", **more):
    request = {"method": "GET", "url": URL, "scheme": scheme, "window_s": 60, "skew_s": 5, **more}
    return {**request, "dpop": dpop} if dpop is not None else request


def needs_of(request):
    return ["nonce"] if "nonces" in request else []


TOKEN = bound()


class Proofs:
    """A case is a request: the token, and what is shown beside it."""

    def __init__(self, book):
        self.book = book

    def good(self, name, title, dpop, text=TOKEN, now=NOW, **more):
        self.book.accept(name, title, text, request=shown(dpop, **more), now=now,
                         needs=needs_of(more))

    def bad(self, name, title, dpop, code="bad_proof", text=TOKEN, level="must", now=NOW,
            reason=None,
            **more):
        self.book.must(name, title, text, code, level=level, request=shown(dpop, **more), now=now,
                       needs=needs_of(more), **({"reason": reason} if reason else {}))

    def strict(self, name, title, dpop, code="bad_proof", **more):
        self.bad(name, title, dpop, code, level="strict", **more)


def schemes(book):
    book.group("dpop", "a proof of possession for this request", "RFC 9449 sections 4.3 and 7.1",
               ["dpop"])
    p = Proofs(book)
    good = proof(TOKEN)
    p.good("good", "a good proof", good)
    for key, title in (("client-ed", "EdDSA"), ("client-rs", "RS256")):
        text = bound(key)
        p.good(key, f"a proof with {title}", proof(text, key=key), text)
    p.good("not-bound", "a token that is not bound, as Bearer", None, make(), scheme="Bearer")
    why = "RFC 9449 section 7.2: a bound token is no bearer token"
    book.reason = why
    p.bad("as-bearer", "a bound token as Bearer, no proof", None, "bad_binding", scheme="Bearer")
    p.bad("as-bearer-proof", "a bound token as Bearer, with a good proof", good, "bad_binding",
          scheme="Bearer")
    p.bad("no-proof", "a bound token as DPoP, no proof", None, "bad_binding")
    p.bad("unbound", "a token that is not bound, as DPoP with a good proof", proof(make()),
          "bad_binding", text=make())
    other = make(None, claims(cnf={"kid": "client"}))
    p.bad("unknown-binding", "bound in a way that is unknown", proof(other), "bad_binding",
          text=other)
    both = make(None, claims(cnf={"jkt": thumbprint("client-es"), "jwe": "x"}))
    p.bad("half-known-binding", "bound in a known way and in an unknown one", proof(both),
          "bad_binding", text=both)
    p.bad("unknown-binding-bearer", "bound in a way that is unknown, as Bearer", None,
          "bad_binding", text=other,
          scheme="Bearer")
    book.reason = "RFC 9449 section 4.3: the proof is a well-formed JWT"
    for name, text in (("empty", ""), ("rubbish", "x"),
                       ("no-signature", good.rsplit(".", 1)[0] + "."),
                       ("two", f"{good},{good}"), ("blank", good + " "), ("token", TOKEN)):
        p.bad(f"form-{name}", f"the proof is no proof: {name}", text)
    p.strict("form-large", "a proof of over 4 KiB", proof(TOKEN, body=body_of(TOKEN, x="x" * 4096)))
    p.strict("form-twice", "a proof with htm twice",
             proof(TOKEN, body=with_text(body_of(TOKEN), '"htm":"GET"')))


def header(book):
    p = Proofs(book)
    book.reason = "RFC 9449 section 4.3, checks 4 to 7"
    for typ in (None, "JWT", "at+jwt", "dpop", "", "dpop+jwt "):
        p.bad(f"typ-{typ}", f"typ is {typ!r}", proof(TOKEN, head_of(typ=typ)))
    for alg in ("none", "None", "HS256", "RS256", "ES384", ""):
        p.bad(f"alg-{alg}", f"alg is {alg!r}, signed in earnest", proof(TOKEN, head_of(alg=alg)))
    p.bad("alg-missing", "there is no alg", proof(TOKEN, head_of(alg=None)))
    p.bad("alg-none-unsigned", "alg is none, and the signature is empty",
          proof(TOKEN, head_of(alg="none"), sign=lambda t: ""))
    secret = unb64(KEYS["client-es"]["x"])
    p.bad("hs256", "HS256 with the public key as the secret",
          proof(TOKEN, head_of(alg="HS256"), sign=lambda t: hmac.new(secret, t, "sha256").digest()))
    oct_key = {"kty": "oct", "k": b64(b"secret")}
    p.bad("hs256-oct", "HS256 with a symmetric jwk",
          proof(TOKEN, head_of(alg="HS256", jwk=oct_key),
                sign=lambda t: hmac.new(b"secret", t, "sha256").digest()))
    p.bad("private", "jwk with its private member",
          proof(TOKEN, head_of(jwk=bare("client-es", d=KEYS["client-es"]["d"]))))
    p.bad("jwk-missing", "there is no jwk", proof(TOKEN, head_of(jwk=None)))
    for name, jwk in (("string", thumbprint("client-es")), ("empty", {}),
                      ("no-y", bare("client-es", y=None)),
                      ("wrong-y", bare("client-es", y=public("rogue")["y"])),
                      ("curve", bare("client-es", crv="P-384")),
                      ("kty", bare("client-es", kty="RSA")),
                      ("p384", bare("p384"))):
        p.bad(f"jwk-{name}", f"jwk: {name}", proof(TOKEN, head_of(jwk=jwk)),
              "bad_binding" if name == "wrong-y" else "bad_proof")
    for name, jwk in (("use", bare("client-es", use="enc")),
                      ("alg", bare("client-es", alg="RS256")),
                      ("ops", bare("client-es", key_ops=["sign"]))):
        p.strict(f"jwk-{name}", f"jwk says that it is for something else: {name}",
                 proof(TOKEN, head_of(jwk=jwk)))
    p.strict("kid-other", "the header has one kid and its jwk another",
             proof(TOKEN, head_of(kid="a", jwk=bare("client-es", kid="b"))))
    weak = bound("rsa-1024")
    p.bad("jwk-weak", "the token is bound to an RSA key of 1024 bits", proof(weak, key="rsa-1024"),
          text=weak,
          reason="RFC 7518 section 3.3")
    point = {"crv": "Ed25519", "kty": "OKP", "x": b64(b"\1" + bytes(31))}
    small = make(None,
                 claims(cnf={"jkt": b64(sha256(json.dumps(point,
                                                          separators=(",", ":")).encode()))}))
    p.strict("jwk-small-order",
             "the token is bound to a point of small order, for which one signature fits any text",
             proof(small, {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": point},
                   sign=lambda t: b"\1" + bytes(63)), text=small)
    book.reason = "RFC 9449 section 4.3, check 12: the key is the one that the token is bound to"
    p.bad("other-key", "a good proof with another key", proof(TOKEN, key="client-other"),
          "bad_binding")
    p.bad("other-signer", "jwk is the token's key, another key signed",
          proof(TOKEN, head_of("client-es"), key="client-other"))
    p.bad("issuer-key", "the proof is of the issuer's key", proof(TOKEN, key="es"), "bad_binding")
    book.reason = "RFC 9449 section 4.3, check 6"
    p.bad("signature", "the signature is of another text",
          proof(TOKEN, sign=lambda t: sign_with("client-es", t + b"x")))
    p.bad("signature-zero", "r = s = 0", proof(TOKEN, sign=lambda t: bytes(64)))
    p.good("signature-high-s", "s above n/2", proof(TOKEN, sign=lambda t: high_s(t)))
    book.reason = "RFC 7515 section 4.1.11: an extension that is not understood"
    p.bad("crit", "crit in the proof", proof(TOKEN, head_of(crit=["x"], x=1)))
    p.bad("b64", "b64 in the proof", proof(TOKEN, head_of(crit=["b64"], b64=False)))
    p.strict("jku", "jku in the proof", proof(TOKEN, head_of(jku="https://evil.test")))
    p.strict("x5c", "x5c in the proof", proof(TOKEN, head_of(x5c=["MII"])))


def high_s(text):
    r, s = es256_rs(int.from_bytes(unb64(KEYS["client-es"]["d"]), "big"), text)
    return pair(r, max(s, N - s))


def request(book):
    p = Proofs(book)
    book.reason = "RFC 9449 section 4.3, checks 3, 8, 10 and 12"
    p.good("post", "a POST", proof(TOKEN, body=body_of(TOKEN, htm="POST")), method="POST")
    for name, htm in (("other", "POST"), ("lower", "get"), ("missing", None), ("empty", ""),
                      ("array", ["GET"]),
                      ("blank", "GET "), ("head", "HEAD")):
        p.bad(f"htm-{name}", f"htm is {htm!r} and the method GET",
              proof(TOKEN, body=body_of(TOKEN, htm=htm)))
    for name, jti in (("missing", None), ("empty", ""), ("number", 1), ("array", ["p"])):
        p.bad(f"jti-{name}", f"jti is {jti!r}", proof(TOKEN, body=body_of(TOKEN, jti=jti)))
    p.strict("jti-long", "a jti of 1,000 bytes", proof(TOKEN, body=body_of(TOKEN, jti="j" * 1000)))
    other = bound(jti="j-2")
    for name, value in (("missing", None), ("other", ath(other)), ("empty", ""),
                        ("plain", TOKEN[-43:]),
                        ("padded", ath(TOKEN) + "="), ("hex", sha256(TOKEN.encode()).hex()),
                        ("array", [ath(TOKEN)])):
        p.bad(f"ath-{name}", f"ath: {name}", proof(TOKEN, body=body_of(TOKEN, ath=value)))
    book.reason = "RFC 9449 section 8: a nonce of the server"
    now, before = "nonce-now", "nonce-before"
    p.good("nonce", "the nonce of now", proof(TOKEN, body=body_of(TOKEN, nonce=now)),
           nonces=[now, before])
    p.good("nonce-before", "the nonce before", proof(TOKEN, body=body_of(TOKEN, nonce=before)),
           nonces=[now, before])
    p.good("nonce-unasked", "a nonce where none is asked for",
           proof(TOKEN, body=body_of(TOKEN, nonce="x")))
    for name, value in (("missing", None), ("old", "nonce-old"), ("empty", ""),
                        ("longer", now + "x")):
        p.bad(f"nonce-{name}", f"the nonce is {value!r}",
              proof(TOKEN, body=body_of(TOKEN, nonce=value)),
              "nonce_needed", nonces=[now, before])
    p.bad("nonce-array", "the nonce is an array", proof(TOKEN, body=body_of(TOKEN, nonce=[now])),
          nonces=[now, before])


def url(book):
    p = Proofs(book)
    book.reason = "RFC 9449 section 4.3, check 9: no query, no fragment, RFC 3986 normalisation"
    for name, htu, at in (
            ("query", URL, URL + "?folder=1"), ("query-both", URL + "?folder=2", URL + "?folder=1"),
            ("fragment", URL, URL + "#x"), ("port", "https://api.test:443/mail/inbox", URL),
            ("host-case", "HTTPS://API.test/mail/inbox", URL),
            ("escape", "https://api.test/m%61il/inbox", URL),
            ("escape-case", "https://api.test/a%c3%a9", "https://api.test/a%C3%A9"),
            ("no-path", "https://api.test", "https://api.test/"),
            ("other-port", "https://api.test:8443/x", "https://api.test:8443/x")):
        p.good(f"htu-{name}", f"htu is {htu} and the request's {at}",
               proof(TOKEN, body=body_of(TOKEN, htu=htu)), url=at)
    for name, htu in (("other-path", "https://api.test/mail/outbox"),
                      ("other-host", "https://evil.test/mail/inbox"),
                      ("http", "http://api.test/mail/inbox"), ("prefix", "https://api.test/mail"),
                      ("longer", URL + "/x"), ("slash", URL + "/"),
                      ("path-case", "https://api.test/Mail/inbox"),
                      ("port-other", "https://api.test:8443/mail/inbox"), ("missing", None),
                      ("empty", ""),
                      ("relative", "/mail/inbox"),
                      ("userinfo", "https://api.test@evil.test/mail/inbox"),
                      ("subdomain", "https://api.test.evil.test/mail/inbox"),
                      ("escaped-slash", "https://api.test/mail%2Finbox"),
                      ("nul", URL + "\0"), ("array", [URL]), ("wildcard", "https://api.test/*"),
                      ("blank", " " + URL)):
        p.bad(f"htu-{name}", f"htu is {htu!r}", proof(TOKEN, body=body_of(TOKEN, htu=htu)))


def times(book):
    p = Proofs(book)
    book.reason = "RFC 9449 section 11.1: iat in a small window"
    for name, iat in (("oldest", NOW - 60), ("newest", NOW + 5)):
        p.good(f"iat-{name}", f"iat is now {iat - NOW:+}",
               proof(TOKEN, body=body_of(TOKEN, iat=iat)))
    for name, iat in (("too-old", NOW - 61), ("hour", NOW - 3600), ("future", NOW + 6),
                      ("tomorrow", NOW + 86400),
                      ("missing", None), ("string", str(NOW)), ("zero", 0), ("negative", -1),
                      ("true", True)):
        p.bad(f"iat-{name}", f"iat: {name}", proof(TOKEN, body=body_of(TOKEN, iat=iat)))
    p.strict("iat-fraction", "iat with a fraction",
             proof(TOKEN, body=body_of(TOKEN, iat=NOW + 0.5)))
    p.strict("exp-past", "an exp that is over", proof(TOKEN, body=body_of(TOKEN, exp=NOW)))
    p.strict("nbf-future", "an nbf in the future", proof(TOKEN, body=body_of(TOKEN, nbf=NOW + 60)))
    book.reason = "the token's own checks come first"
    expired = bound(exp=NOW)
    p.bad("expired-token", "a good proof for an expired token", proof(expired), "expired",
          text=expired)


def replay(book):
    book.group("replay", "a proof is used once", "RFC 9449 section 11.1: jti", ["dpop"])
    first, again = "accepted", "proof_replayed"
    good = proof(TOKEN)

    def step(dpop, code, now=NOW, text=TOKEN, **more):
        verdict = "accept" if code == "accepted" else "refuse"
        return {"policy": "home", "now": now, "token": text, "request": shown(dpop, **more),
                "expect": {"verdict": verdict, "code": code}}
    other = proof(TOKEN, body=body_of(TOKEN, jti="p-2"))
    book.sequence("twice", "the same proof twice", "must", [step(good, first), step(good, again)])
    book.sequence("three", "the same proof three times", "must",
                  [step(good, first), step(good, again), step(good, again, NOW + 10)])
    book.sequence("last-second", "again in the last second of its window", "must",
                  [step(good, first), step(good, again, NOW + 60)])
    early = proof(TOKEN, body=body_of(TOKEN, iat=NOW + 5))
    book.sequence("from-the-future", "a proof from a clock ahead, again when it is oldest", "must",
                  [step(early, first), step(early, again, NOW + 65)])
    book.sequence("after", "again when its window is over: too old", "must",
                  [step(good, first), step(good, "bad_proof", NOW + 61)])
    book.sequence("clock-back", "again after the clock stepped back", "must",
                  [step(good, first, NOW + 30), step(good, again, NOW)])
    resigned = proof(TOKEN, sign=lambda t: high_s_other(t))
    book.sequence("malleable", "the same proof with the other s", "must",
                  [step(good, first), step(resigned, again)])
    rewritten = proof(TOKEN, body=json.dumps(body_of(TOKEN), indent=1))
    book.sequence("same-jti", "another proof of the same key with the same jti", "must",
                  [step(good, first), step(rewritten, again)])
    book.sequence("two-jti", "two proofs", "accept", [step(good, first), step(other, first)])
    text = bound("client-other")
    book.sequence("two-keys", "two clients that choose the same jti", "accept",
                  [step(good, first), step(proof(text, key="client-other"), first, text=text)])
    bad = proof(TOKEN, sign=lambda t: sign_with("client-es", t + b"x"))
    book.sequence("not-burnt", "a proof with a bad signature does not use up the jti", "accept",
                  [step(bad, "bad_proof"), step(good, first)])
    wrong = proof(TOKEN, body=body_of(TOKEN, htm="POST"))
    book.sequence("not-burnt-request", "a proof for another request does not use up the jti",
                  "accept",
                  [step(wrong, "bad_proof"), step(good, first)])
    book.sequence("other-url", "the same jti for another URL", "must",
                  [step(good, first),
                   step(proof(TOKEN, body=body_of(TOKEN, htu="https://api.test/x")), again,
                        url="https://api.test/x")])


def high_s_other(text):
    """The signature that the key makes, with the other s."""
    r, s = es256_rs(int.from_bytes(unb64(KEYS["client-es"]["d"]), "big"), text)
    return pair(r, N - s)


def certificates(book):
    book.group("mtls", "bound to the client's certificate", "RFC 8705 section 3", ["mtls"])
    p = Proofs(book)
    der = unb64(CERTIFICATES["client"])
    x5t = b64(sha256(der))
    text = make(None, claims(cnf={"x5t#S256": x5t}))
    both = make(None, claims(cnf={"x5t#S256": x5t, "jkt": thumbprint("client-es")}))
    mine, theirs = {"certificate": CERTIFICATES["client"]}, {"certificate": CERTIFICATES["other"]}
    p.good("good", "the certificate", None, text, scheme="Bearer", **mine)
    p.good("unbound", "a token that is not bound, beside a certificate", None, make(),
           scheme="Bearer", **mine)
    p.good("both", "bound to both, both shown", proof(both), both, **mine)
    p.bad("missing", "no certificate", None, "bad_binding", text, scheme="Bearer")
    p.bad("other", "another certificate", None, "bad_binding", text, scheme="Bearer", **theirs)
    p.bad("dpop-instead", "a DPoP proof instead", proof(text), "bad_binding", text)
    p.bad("dpop-beside", "a DPoP proof beside the certificate, where the token has no jkt",
          proof(text), "bad_binding",
          text, **mine)
    p.bad("both-no-certificate", "bound to both, only the proof", proof(both), "bad_binding", both)
    p.bad("both-no-proof", "bound to both, only the certificate", None, "bad_binding", both,
          scheme="Bearer", **mine)
    p.bad("both-other", "bound to both, another certificate", proof(both), "bad_binding", both,
          **theirs)
    for name, value in (("key", b64(sha256(der[60:]))), ("sha1-size", x5t[:27])):
        code = "bad_binding" if name == "key" else "bad_claims"
        wrong = make(None, claims(cnf={"x5t#S256": value}))
        p.bad(f"hash-{name}", f"another hash in the token: {name}", None, code, wrong,
              scheme="Bearer", **mine)
    empty = {"certificate": ""}
    p.bad("empty", "an empty certificate", None, "bad_binding", text, scheme="Bearer", **empty)
