"""What the issuer says: which issuer, for whom, when, of whom, and bound to what."""
from itertools import product

from book import CLAIMS, NOW, PARTIES, b64, claims, header, make, public, with_text
from jose import sha256, thumbprint, unb64


def add(book):
    binding(book)
    issuer(book)
    audience(book)
    times(book)
    texts(book)
    confirmation(book)


def binding(book):
    book.group("binding", "key, kid, issuer and audience are one: only the diagonal passes",
               "RFC 8725 sections 3.8 and 3.9; the flaw by which a consumer key opened enterprise "
               "mail in 2023",
               ["issuers"])
    for signer, kid, iss, aud in product(PARTIES, repeat=4):
        text = make(header(kid=kid + "-1"),
                    claims(iss=f"https://id.test/{iss}", aud=aud + "-api"), signer)
        name = f"{signer}-{kid}-{iss}-{aud}"
        title = f"key of {signer}, kid of {kid}, issuer {iss}, audience of {aud}"
        if signer == kid == iss == aud:
            book.accept(name, title, text, realm=iss, policy="three")
            continue
        code = ("foreign_key" if kid != iss else "bad_signature" if signer != kid else
                "bad_audience")
        book.must(name, title, text, code, policy="three")


def issuer(book):
    book.group("claims", "claims: present, typed, exact",
               "RFC 7519 section 4.1.1, RFC 9068 section 4: exactly the issuer", ["iss"])
    for name, iss in (("missing", None), ("array", [CLAIMS["iss"]]), ("object", {"x": 1}),
                      ("number", 1), ("empty", ""), ("slash", CLAIMS["iss"] + "/"),
                      ("no-path", "https://id.test"), ("case", "https://ID.test/home"),
                      ("http", "http://id.test/home"), ("port", "https://id.test:443/home"),
                      ("nul", CLAIMS["iss"] + "\0"), ("nul-more", CLAIMS["iss"] + "\0.evil"),
                      ("blank", CLAIMS["iss"] + " "), ("longer", CLAIMS["iss"] + "-other"),
                      ("shorter", CLAIMS["iss"][:-1]), ("user", "https://evil@id.test/home"),
                      ("query", CLAIMS["iss"] + "?x"), ("dots", "https://id.test/x/../home"),
                      ("array-two", ["https://evil.test", CLAIMS["iss"]])):
        book.must(f"iss-{name}", f"iss is {iss!r}", make(None, claims(iss=iss)), "bad_issuer")
    book.must("iss-null", "iss is null", make(None, with_text(claims(iss=None), '"iss":null')),
              "bad_issuer")
    book.must("iss-name", "iss_ in place of iss",
              make(None, {**claims(iss=None), "iss_": CLAIMS["iss"]}), "bad_issuer")


def audience(book):
    book.reason, book.needs = "RFC 7519 section 4.1.3, RFC 9068 section 4: aud names us", ["aud"]
    book.accept("aud-array", "aud is an array of one", make(None, claims(aud=["mail"])))
    book.accept("aud-last", "aud is an array, and ours is the last",
                make(None, claims(aud=["api", "web", "mail"])))
    for name, aud in (("other", "api"), ("others", ["api", "web"]), ("comma", "mail,api"),
                      ("case", "Mail"), ("nul", "mail\0"), ("shorter", "mai"), ("longer", "mail2"),
                      ("blank", " mail"), ("two-words", "api mail"), ("wildcard", "*"),
                      ("url", "https://mail")):
        book.must(f"aud-{name}", f"aud is {aud!r}", make(None, claims(aud=aud)), "bad_audience")
    for name, text in (("missing", None), ("null", "null"), ("empty-array", "[]"), ("empty", '""'),
                       ("number", "1"), ("mixed", '["mail",1]'), ("deep", '[["mail"]]'),
                       ("object", '{"mail":true}'), ("null-inside", '["mail",null]'),
                       ("true", "true")):
        body = claims(aud=None)
        book.must(f"aud-{name}", f"aud is {text or 'missing'}",
                  make(None, with_text(body, f'"aud":{text}') if text else body), "bad_claims",
                  level="strict" if name in ("mixed", "null-inside") else "must")
    book.must("aud-name", "audience in place of aud",
              make(None, {**claims(aud=None), "audience": "mail"}), "bad_claims")


def times(book):
    book.reason, book.needs = "RFC 7519 section 4.1.4", ["exp"]
    book.accept("exp-last", "the last second", make(), now=CLAIMS["exp"] - 1)
    book.must("exp-now", "exp is now: on or after it the token is dead", make(), "expired",
              now=CLAIMS["exp"])
    book.must("exp-past", "expired an hour ago", make(), "expired", now=CLAIMS["exp"] + 3600)
    book.must("exp-long-ago", "exp is 1", make(None, claims(iat=0, exp=1)), "expired")
    book.must("exp-missing", "there is no exp", make(None, claims(exp=None)), "bad_claims",
              reason="RFC 9068 section 2.2: exp is required", needs=["exp-required"])
    for name, text in (("string", '"1700000500"'), ("iso", '"2030-01-01T00:00:00Z"'),
                       ("true", "true"),
                       ("null", "null"), ("array", "[1700000500]"), ("object", "{}")):
        book.must(f"exp-{name}", f"exp is {text}",
                  make(None, with_text(claims(exp=None), f'"exp":{text}')), "bad_claims")
    book.must("exp-negative", "exp is -1", make(None, claims(exp=-1)), "bad_claims")
    book.must("exp-zero", "exp is 0", make(None, claims(iat=0, exp=0)), "bad_claims")
    why = {"reason": "a time is a whole number of seconds in a stated lifetime: 1e300 never ends",
           "needs": ["integer-times"]}
    for name, text in (("fraction", "1700000500.5"), ("point-zero", "1700000500.0"),
                       ("exponent", "1.7000005e9"),
                       ("1e300", "1e300"), ("2-63", "9223372036854775808"),
                       ("2-64", "18446744073709552116"),
                       ("max", "9223372036854775807"), ("2-53", "9007199254740993"),
                       ("100-digits", "9" * 100)):
        book.strict(f"exp-{name}", f"exp is {text[:24]}",
                    make(None, with_text(claims(exp=None), f'"exp":{text}')), "bad_claims", **why)
    why = {"reason": "the issuer's longest lifetime bounds what a stolen key can make",
           "needs": ["lifetime"]}
    book.accept("lifetime-most", "the longest lifetime",
                make(None, claims(exp=CLAIMS["iat"] + 3600)), **why)
    book.strict("lifetime-over", "a second over the longest lifetime",
                make(None, claims(exp=CLAIMS["iat"] + 3601)), "too_long_lived", **why)
    book.strict("lifetime-year", "a year", make(None, claims(exp=NOW + 31536000)), "too_long_lived",
                **why)
    book.strict("lifetime-iat-zero", "iat is 0", make(None, claims(iat=0)), "too_long_lived", **why)
    book.reason, book.needs = "RFC 7519 section 4.1.6, RFC 9068 section 2.2", ["iat"]
    book.accept("iat-skew", "iat as far ahead as clocks may differ",
                make(None, claims(iat=NOW + 30)),
                needs=["skew"])
    why = {"reason": "nothing genuine was issued in the future: a stolen key makes stores of such"}
    book.strict("iat-future", "iat a second beyond that", make(None, claims(iat=NOW + 31)),
                "not_yet", **why)
    book.strict("iat-tomorrow", "iat is tomorrow",
                make(None, claims(iat=NOW + 86400, exp=NOW + 86500)), "not_yet", **why)
    for name, text in (("string", '"1699999900"'), ("null", "null"), ("array", "[1]"),
                       ("true", "true")):
        book.must(f"iat-{name}", f"iat is {text}",
                  make(None, with_text(claims(iat=None), f'"iat":{text}')), "bad_claims")
    book.must("iat-missing", "there is no iat", make(None, claims(iat=None)), "bad_claims",
              needs=["required"])
    book.strict("iat-after-exp", "iat is after exp", make(None, claims(iat=NOW + 20, exp=NOW + 10)),
                "bad_claims")
    book.strict("iat-fraction", "iat is 1699999900.5",
                make(None, with_text(claims(iat=None), '"iat":1699999900.5')), "bad_claims",
                reason="whole seconds only", needs=["integer-times"])
    book.reason, book.needs = "RFC 7519 section 4.1.5", ["nbf"]
    book.accept("nbf-past", "nbf in the past", make(None, claims(nbf=NOW - 100)))
    book.accept("nbf-skew", "nbf as far ahead as clocks may differ",
                make(None, claims(nbf=NOW + 30)),
                needs=["skew"])
    book.accept("nbf-zero", "nbf is 0", make(None, claims(nbf=0)))
    book.must("nbf-future", "nbf a second beyond that", make(None, claims(nbf=NOW + 31)), "not_yet")
    book.must("nbf-hour", "nbf in an hour", make(None, claims(nbf=NOW + 3600)), "not_yet")
    for name, text in (("string", '"0"'), ("null", "null"), ("true", "true"), ("array", "[0]")):
        book.must(f"nbf-{name}", f"nbf is {text}", make(None, with_text(CLAIMS, f'"nbf":{text}')),
                  "bad_claims")
    book.strict("nbf-fraction", "nbf is 1.5", make(None, with_text(CLAIMS, '"nbf":1.5')),
                "bad_claims",
                reason="whole seconds only", needs=["integer-times"])
    book.strict("nbf-negative", "nbf is -1", make(None, claims(nbf=-1)), "bad_claims",
                reason="no clock shows it", needs=["integer-times"])


def texts(book):
    book.reason, book.needs = "RFC 9068 section 2.2: required", ["required"]
    for name in ("sub", "jti", "client_id"):
        book.must(f"{name}-missing", f"there is no {name}", make(None, claims(**{name: None})),
                  "bad_claims")
    book.reason = "RFC 7519 section 4.1.2, RFC 8693 section 4.2: strings"
    book.needs = ["claim-types"]
    for name, value in (("sub", 7), ("sub", ["alice"]), ("sub", {"id": "alice"}), ("sub", ""),
                        ("jti", 1), ("jti", ""),
                        ("client_id", ["demo"]), ("client_id", 1), ("client_id", ""),
                        ("scope", ["mail.read"]),
                        ("scope", 1), ("scope", {"mail.read": True}), ("username", ["alice"]),
                        ("username", 1)):
        kind = "empty" if value == "" else type(value).__name__
        book.must(f"{name}-{kind}", f"{name} is {value!r}", make(None, claims(**{name: value})),
                  "bad_claims")
    for name in ("sub", "jti", "client_id", "scope", "username"):
        book.must(f"{name}-null", f"{name} is null",
                  make(None, with_text(claims(**{name: None}), f'"{name}":null')), "bad_claims")
    book.reason = "control characters reach logs and the protocols of those who ask"
    for name, value in (("sub", "alice\n"), ("sub", "alice\0"), ("sub", "al\tice"),
                        ("sub", "alice\x7f"),
                        ("username", "alice\0@home.test"), ("username", "alice\r\nX: y"),
                        ("client_id", "demo\x1b[2J"), ("scope", "mail.read\tadmin"),
                        ("scope", "mail.read\nadmin"),
                        ("jti", "j\0")):
        c = next(c for c in value if c < " " or c == "\x7f")
        book.strict(f"{name}-control-{ord(c):02x}", f"{name} is {value!r}",
                    make(None, claims(**{name: value})),
                    "bad_claims")
    book.reason, book.needs = "RFC 7519 section 4: other claims are the issuer's matter", []
    book.accept("no-scope", "there is no scope", make(None, claims(scope=None)))
    book.accept("username", "a username", make(None, claims(username="alice@home.test")))
    book.accept("long-sub", "a sub of 255 characters", make(None, claims(sub="a" * 255)))
    book.accept("act", "an act claim", make(None, claims(act={"sub": "agent"})),
                reason="RFC 8693 section 4.1")


def confirmation(book):
    book.group("cnf", "the claim that binds a token to a key",
               "RFC 7800 section 3.1, RFC 9449 section 6.1, RFC 8705 section 3.1", ["cnf"])
    jkt = thumbprint("client-es")
    for name, text in (("string", '"x"'), ("null", "null"), ("empty", "{}"), ("array", "[]"),
                       ("number", "1"),
                       ("true", "true"), ("jkt-number", '{"jkt":1}'), ("jkt-empty", '{"jkt":""}'),
                       ("jkt-short", f'{{"jkt":"{jkt[:-1]}"}}'),
                       ("jkt-long", f'{{"jkt":"{jkt}AA"}}'),
                       ("jkt-padded", f'{{"jkt":"{jkt}="}}'), ("jkt-array", f'{{"jkt":["{jkt}"]}}'),
                       ("jkt-null", '{"jkt":null}'), ("x5t-number", '{"x5t#S256":1}'),
                       ("x5t-short", '{"x5t#S256":"AA"}')):
        book.must(name, f"cnf is {text}", make(None, with_text(CLAIMS, f'"cnf":{text}')),
                  "bad_claims")
    book.accept("jkt", "bound to a DPoP key; whether it is shown is the next question",
                make(None, claims(cnf={"jkt": jkt})), needs=["!confirmation"])
    book.accept("x5t", "bound to a certificate; whether it is shown is the next question",
                make(None, claims(cnf={"x5t#S256": b64(sha256(b"x"))})), needs=["!confirmation"])
