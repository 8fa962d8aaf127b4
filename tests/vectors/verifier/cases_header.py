"""The header: members that must not be there, the algorithm, the type, the name of the key."""
import hashlib
import json

from book import CLAIMS, HEADER, HOME_KEYS, NOW, b64, claims, header, jwks, make, policy, public
from jose import (CERTIFICATES, ED_L, KEYS, N, P, SHA1_INFO, SHA256_INFO_NO_NULL, compact, der,
                  es256_rs, hmac, pair, ps256, rs256, rsa_raw, sign_with, unb64)


def add(book):
    members(book)
    algorithms(book)
    es256(book)
    others(book)
    types(book)
    kids(book)


def members(book):
    book.group("header", "members that change how a token is checked",
               "RFC 7515 section 4.1.11: an extension that is not understood must be refused")
    for name, title, more in (
            ("crit-unknown", "crit names an unknown extension", {"crit": ["x"], "x": 1}),
            ("crit-absent", "crit names a member that is not there", {"crit": ["x"]}),
            ("crit-exp", "crit names exp, in the header", {"crit": ["exp"], "exp": NOW + 500}),
            ("crit-empty", "crit is an empty array", {"crit": []}),
            ("crit-string", "crit is a string", {"crit": "x", "x": 1}),
            ("crit-alg", "crit names alg, which must not be there", {"crit": ["alg"]}),
            ("crit-twice", "crit names one extension twice", {"crit": ["x", "x"], "x": 1}),
            ("crit-numbers", "crit is an array of numbers", {"crit": [1]}),
            ("crit-null", "crit is null", {"crit": None})):
        head = json.dumps({**HEADER, **more})
        book.must(name, title, make(head), "bad_header")
    why = {"reason": "RFC 7797 section 7: JWTs do not use b64=false; taking it for true verifies "
                     "other bytes than are signed"}
    book.must("b64-false", "b64 is false and critical, payload encoded all the same",
              make({**HEADER, "b64": False, "crit": ["b64"]}), "bad_header", **why)
    raw = json.dumps(CLAIMS, separators=(",", ":")).replace(".", "\\u002e")
    book.must("b64-raw", "b64 is false and the payload stands bare",
              make({**HEADER, "b64": False, "crit": ["b64"]}, ("raw", raw)), "bad_header", **why)
    book.strict("b64-not-critical", "b64 is false and not named in crit",
                make({**HEADER, "b64": False}), "bad_header", **why)
    book.strict("b64-true", "b64 is true", make({**HEADER, "b64": True}), "bad_header", **why)
    why = {"reason": "RFC 8725 section 3.10, CVE-2018-0114: the header must not bring the key"}
    rogue = public("rogue", "es-1")
    book.must("jwk-rogue", "jwk holds the attacker's key, which signed",
              make(header(jwk=rogue), key="rogue"), "bad_header", **why)
    book.must("jku-rogue", "jku is the attacker's, whose key signed",
              make(header(jku="https://evil.test/jwks"), key="rogue"), "bad_header", **why)
    book.must("x5u-rogue", "x5u is the attacker's, whose key signed",
              make(header(x5u="https://evil.test/pem"), key="rogue"), "bad_header", **why)
    certificate = unb64(CERTIFICATES["client"])
    import base64
    x5c = [base64.b64encode(certificate).decode()]
    book.must("x5c-rogue", "x5c is the attacker's, whose key signed",
              make(header(x5c=x5c), key="rogue"), "bad_header", **why)
    book.must("jwk-rogue-no-kid", "jwk holds the attacker's key, and there is no kid",
              make(header(jwk=rogue, kid=None), key="rogue"), "bad_header", **why)
    why = {"reason": "RFC 8725 section 3.10: where keys come from is the policy's matter; such a "
                     "member in a good token is a token that somebody else may take amiss"}
    for name, value in (("jwk", HOME_KEYS[0]), ("jku", "https://id.test/home/jwks"),
                        ("x5u", "https://id.test/home/pem"), ("x5c", x5c),
                        ("x5t", b64(hashlib.sha1(certificate).digest())),
                        ("x5t#S256", b64(hashlib.sha256(certificate).digest())),
                        ("x5x", "unknown, of the same family")):
        book.strict(f"{name.replace('#', '-')}-good", f"{name}, although the pinned key signed",
                    make(header(**{name: value})), "bad_header", **why)
    why = {"reason": "no encryption, compression or nesting here: each is another parser"}
    for name, more in (("zip", {"zip": "DEF"}), ("cty", {"cty": "JWT"}),
                       ("enc", {"enc": "A128GCM"}),
                       ("p2c", {"p2c": 1000000000, "p2s": "AAAAAAAAAAA"}),
                       ("epk", {"epk": public("rogue")}), ("iss", {"iss": CLAIMS["iss"]}),
                       ("aud", {"aud": "mail"}), ("sub", {"sub": "root"})):
        book.strict(name, f"{name} in the header of a signed token", make(header(**more)),
                    "bad_header", **why)
    book.must("nested", "a good token nested in a good token, cty JWT",
              make(header(cty="JWT"), make()), "bad_header",
              needs=["payload"], **why)
    why = {"reason": "RFC 7515 section 4.1: these are strings"}
    for name, more in (("alg-null", '"alg":null'), ("alg-array", '"alg":["ES256"]'),
                       ("alg-number", '"alg":256'), ("kid-number", '"kid":1'),
                       ("kid-array", '"kid":["es-1"]'), ("kid-null", '"kid":null'),
                       ("kid-object", '"kid":{"es-1":1}'), ("typ-array", '"typ":["at+jwt"]')):
        member = name.split("-", maxsplit=1)[0]
        head = json.dumps(header(**{member: None}))[:-1] + "," + more + "}"
        book.must(name, f"the header has {more}", make(head), "bad_header",
                  needs=["typ"] if member == "typ" else [], **why)
    book.accept("unknown", "members that nobody knows", make(header(x=1, ver="2.0", nonce="n")))


def with_secret(secret):
    return lambda text: hmac.new(secret, text, "sha256").digest()


def pem(name):
    """The public key as people store it."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    jwk = KEYS[name]
    n = {m: int.from_bytes(unb64(jwk[m]), "big") for m in ("x", "y", "n", "e") if m in jwk}
    key = (rsa.RSAPublicNumbers(n["e"], n["n"]) if "n" in n else
           ec.EllipticCurvePublicNumbers(n["x"], n["y"], ec.SECP256R1())).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def algorithms(book):
    book.group("alg", "the algorithm is the key's, and signatures are exact",
               "RFC 8725 section 3.1: only the algorithm of the key, whatever the header says")
    for name, key, sub in (("es256", "es", "es-1"), ("rs256", "rs", "rs-1")):
        book.accept(name, f"a good {name.upper()} token",
                    make(header(alg=name.upper(), kid=sub), key=key))
    book.accept("eddsa", "a good EdDSA token", make(header(alg="EdDSA", kid="ed-1"), key="ed"),
                needs=["EdDSA"])
    book.accept("ps256", "a good PS256 token", make(header(alg="PS256", kid="ps-1"), key="ps"),
                needs=["PS256"])
    why = {"reason": "RFC 8725 section 2.1, CVE-2015-9235: none is no signature"}
    for alg in ("none", "None", "NONE", "nOnE", "none ", "\u0000none"):
        book.must(f"none-{alg.strip()}{len(alg)}".replace("\0", "nul"),
                  f"alg is {alg!r}, signed in earnest",
                  make(header(alg=alg)), "bad_alg", **why)
        if alg.isalpha():
            book.must(f"{alg}-unsigned", f"alg is {alg!r}, and the signature is empty",
                      make(header(alg=alg), sign=lambda t: ""), "malformed", **why)
    book.must("none-rubbish", "alg is none, and the signature is of two bytes",
              make(header(alg="none"), sign=lambda t: b"xx"), "bad_alg", **why)
    book.must("missing", "there is no alg", make(header(alg=None)), "bad_alg")
    book.must("empty", "alg is empty", make(header(alg="")), "bad_alg")
    why = {"reason": "RFC 8725 section 2.1, CVE-2016-10555, CVE-2023-48223, CVE-2026-44699: the "
                     "public key as the secret of an HMAC"}
    for kid, key in (("es-1", "es"), ("rs-1", "rs")):
        jwk = public(key, kid)
        for name, secret in (("pem", pem(key)), ("pem-stripped", pem(key).strip()),
                             ("jwk", compact(jwk)), ("empty", b""),
                             ("number", unb64(jwk.get("x") or jwk["n"]))):
            book.must(f"hs256-{name}-{key}", f"HS256 with the public {jwk['alg']} key ({name})",
                      make(header(alg="HS256", kid=kid), sign=with_secret(secret)), "bad_alg",
                      **why)
    why = {"reason": "RFC 8725 section 3.2: one key, one algorithm"}
    for name, kid, alg, sign in (
            ("rs-as-ps", "rs-1", "PS256", lambda t: ps256(KEYS["rs"], t)),
            ("ps-as-rs", "ps-1", "RS256", lambda t: rs256(KEYS["ps"], t)),
            ("rs384", "rs-1", "RS384", lambda t: rs256(KEYS["rs"], t, bytes.fromhex(
                "3041300d060960864801650304020205000430"), hashlib.sha384(t).digest())),
            ("rs512", "rs-1", "RS512", lambda t: rs256(KEYS["rs"], t, bytes.fromhex(
                "3051300d060960864801650304020305000440"), hashlib.sha512(t).digest())),
            ("es384", "es-1", "ES384", None), ("es256k", "es-1", "ES256K", None),
            ("eddsa-on-ec", "es-1", "EdDSA", None), ("es256-on-ed", "ed-1", "ES256", None),
            ("lower", "es-1", "es256", None), ("blank", "es-1", "ES256 ", None),
            ("nul", "es-1", "ES256\0", None), ("list", "es-1", "ES256,none", None),
            ("rs256-on-ec", "es-1", "RS256", lambda t: rs256(KEYS["rogue-rs"], t))):
        book.must(name, f"alg is {alg!r} and the key of {kid} is for another",
                  make(header(alg=alg, kid=kid), sign=sign), "bad_alg", **why)
    why = {"reason": "RFC 7515 section 5.2: the signature is of another kind than alg says"}
    for name, kid, alg, sign in (
            ("rs256-holds-pss", "rs-1", "RS256", lambda t: ps256(KEYS["rs"], t)),
            ("ps256-holds-pkcs1", "ps-1", "PS256", lambda t: rs256(KEYS["ps"], t)),
            ("es256-holds-ed", "es-1", "ES256", lambda t: sign_with("ed", t))):
        book.must(name, f"alg is {alg} and the signature is of another kind",
                  make(header(alg=alg, kid=kid), sign=sign), "bad_signature", **why)


def es256(book):
    why = {"reason": "RFC 7518 section 3.4: r and s in 32 bytes each, 1 to n - 1"}
    d = int.from_bytes(unb64(KEYS["es"]["d"]), "big")

    def signed(change):
        return make(sign=lambda t: change(*es256_rs(d, t)))
    tampered = make(None, claims(sub="root")).split(".")[1]
    h, p, s = make().split(".")
    book.must("payload-changed", "another payload under a good signature", f"{h}.{tampered}.{s}",
              "bad_signature", reason="RFC 7515 section 5.2")
    book.must("header-changed", "another header under a good signature",
              b64(compact(header(x=1))) + f".{p}.{s}", "bad_signature",
              reason="RFC 7515 section 5.2")
    book.must("rogue", "another key under the known kid", make(key="rogue"), "bad_signature",
              reason="RFC 7515 section 5.2")
    for name, title, change in (
            ("der", "the signature in DER", der),
            ("truncated", "63 bytes", lambda r, s: pair(r, s)[:-1]),
            ("overlong", "65 bytes", lambda r, s: pair(r, s) + b"\0"),
            ("padded", "r and s of 33 bytes", lambda r, s: pair(r, s, 33)),
            ("wide", "r and s of 48 bytes, as ES384", lambda r, s: pair(r, s, 48)),
            ("r-only", "r alone", lambda r, s: pair(r, s)[:32]),
            ("zero", "r = s = 0 (CVE-2022-21449)", lambda r, s: bytes(64)),
            ("r-zero", "r = 0", lambda r, s: pair(0, s)),
            ("s-zero", "s = 0", lambda r, s: pair(r, 0)),
            ("ones", "r = s = 1", lambda r, s: pair(1, 1)),
            ("n-n", "r = s = n", lambda r, s: pair(N, N)),
            ("r-n", "r = n", lambda r, s: pair(N, s)), ("s-n", "s = n", lambda r, s: pair(r, N)),
            ("p-p", "r = s = p", lambda r, s: pair(P, P)),
            ("all-ones", "all bits set", lambda r, s: b"\xff" * 64),
            ("swapped", "s and r", lambda r, s: pair(s, r)),
            ("r-minus", "n - r", lambda r, s: pair(N - r, s)),
            ("little-endian", "little-endian", lambda r,
             s: pair(r, s)[31::-1] + pair(r, s)[:31:-1])):
        book.must(f"es256-{name}", title, signed(change), "bad_signature", **why)
    book.accept("es256-high-s", "s above n/2: ECDSA allows both",
                signed(lambda r, s: pair(r, max(s, N - s))), **why)
    book.accept("es256-low-s", "s below n/2", signed(lambda r, s: pair(r, min(s, N - s))), **why)


def others(book):
    def ed(change):
        return make(header(alg="EdDSA", kid="ed-1"), sign=lambda t: change(sign_with("ed", t)))

    def rs(sign):
        return make(header(alg="RS256", kid="rs-1"), sign=lambda t: sign(KEYS["rs"], t))

    def ps(sign):
        return make(header(alg="PS256", kid="ps-1"), sign=lambda t: sign(KEYS["ps"], t))
    why = {"reason": "RFC 8032 sections 5.1.7 and 8.4: S below the group's order",
           "needs": ["EdDSA"]}
    for name, title, change in (
            ("s-plus-l", "S + L",
             lambda s: s[:32] + (int.from_bytes(s[32:], "little") + ED_L).to_bytes(32, "little")),
            ("short", "63 bytes", lambda s: s[:-1]), ("long", "65 bytes", lambda s: s + b"\0"),
            ("zero", "all zero", lambda s: bytes(64)),
            ("identity", "R the neutral element and S = 0", lambda s: b"\1" + bytes(63)),
            ("r-changed", "another R", lambda s: bytes([s[0] ^ 1]) + s[1:])):
        book.must(f"eddsa-{name}", title, ed(change), "bad_signature", **why)
    why = {"reason": "RFC 8017 section 8.2.2: the whole encoded block is compared"}
    forged = b"\0\1" + b"\xff" * 8 + b"\0"
    for name, title, sign in (
            ("sha1", "PKCS#1 of SHA-1", lambda k,
             t: rs256(k, t, SHA1_INFO, hashlib.sha1(t).digest())),
            ("no-null", "DigestInfo without its NULL", lambda k,
             t: rs256(k, t, SHA256_INFO_NO_NULL)),
            ("no-info", "no DigestInfo", lambda k, t: rs256(k, t, b"")),
            ("fill", "another filling", lambda k, t: rs256(k, t, fill=b"\xfe")),
            ("short-fill", "a short filling and rubbish behind (CVE-2006-4339)",
             lambda k, t: rsa_raw(k, (forged + rs256_tail(t)).ljust(256, b"\x55"))),
            ("truncated", "255 bytes", lambda k, t: rs256(k, t)[:-1]),
            ("overlong", "257 bytes, a zero in front", lambda k, t: b"\0" + rs256(k, t)),
            ("plus-n", "the signature and n added, in 257 bytes",
             plus_n),
            ("zero", "all zero", lambda k, t: bytes(256)),
            ("one", "the number one", lambda k, t: b"\1".rjust(256, b"\0"))):
        book.must(f"rs256-{name}", title, rs(sign), "bad_signature", **why)
    why = {"reason": "RFC 7518 section 3.5: salt of 32 bytes, MGF1 and hash with SHA-256",
           "needs": ["PS256"]}
    for name, title, sign in (
            ("salt-0", "no salt", lambda k, t: ps256(k, t, 0)),
            ("salt-20", "a salt of 20 bytes", lambda k, t: ps256(k, t, 20)),
            ("salt-222", "the longest salt", lambda k, t: ps256(k, t, 222)),
            ("mgf-sha1", "MGF1 with SHA-1", lambda k, t: ps256(k, t, mgf="sha1")),
            ("sha512", "hash and MGF1 with SHA-512", lambda k,
             t: ps256(k, t, mgf="sha512", name="sha512"))):
        book.must(f"ps256-{name}", title, ps(sign), "bad_signature", **why)


def plus_n(jwk, text):
    n = int.from_bytes(unb64(jwk["n"]), "big")
    return (int.from_bytes(rs256(jwk, text), "big") + n).to_bytes(257, "big")


def rs256_tail(text):
    from jose import SHA256_INFO, sha256
    return SHA256_INFO + sha256(text)


def types(book):
    book.group("typ", "one kind of token for another",
               "RFC 8725 section 3.11, RFC 9068 section 4: typ must be at+jwt", ["typ"])
    for i, typ in enumerate(("application/at+jwt", "AT+JWT", "Application/AT+jwt")):
        book.accept(f"good-{i}", f"typ is {typ}: media types have no case (RFC 7515 section 4.1.9)",
                    make(header(typ=typ)))
    for name, typ in (("missing", None), ("empty", ""), ("jwt", "JWT"), ("logout", "logout+jwt"),
                      ("dpop", "dpop+jwt"), ("secevent", "secevent+jwt"), ("id", "id+jwt"),
                      ("blank", "at+jwt "), ("prefix", "at+jwtx"), ("short", "at+jw"),
                      ("jose", "JOSE"),
                      ("twice", "application/application/at+jwt"), ("only-prefix", "application/"),
                      ("other-tree", "text/at+jwt"), ("nul", "at+jwt\0"),
                      ("parameter", "at+jwt;x=1")):
        book.must(name, f"typ is {typ!r}", make(header(typ=typ)), "bad_typ")
    login = claims(aud="app", client_id=None, jti=None, scope=None, nonce="n-1",
                   auth_time=NOW - 120)
    book.accept("id-token", "an ID token where one is asked for", make(header(typ="JWT"), login),
                policy="login")
    book.must("id-token-as-access", "a whole ID token, for this audience, as an access token",
              make(header(typ="JWT"), {**login, "aud": "mail"}), "bad_typ")
    book.must("access-as-id-token", "an access token as an ID token",
              make(None, claims(aud="app")), "bad_typ", policy="login")
    logout = {**login, "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
    book.must("logout-as-id-token", "a logout token as an ID token",
              make(header(typ="logout+jwt"), changed_nonce(logout)), "bad_typ", policy="login")
    book.must("missing-id-token", "an ID token without typ, where typ is pinned",
              make(header(typ=None), login), "bad_typ", policy="login")
    book.must("proof-as-access", "a DPoP proof as an access token",
              make(header(typ="dpop+jwt"), {**CLAIMS, "htm": "GET", "htu": "https://api.test/"}),
              "bad_typ")
    two = {**login, "aud": ["app", "other"], "azp": "app"}
    book.accept("id-token-azp", "an ID token for two audiences, azp is ours",
                make(header(typ="JWT"), two), policy="login", needs=["azp"],
                reason="OpenID Connect Core section 3.1.3.7")
    for name, azp in (("other", "other"), ("missing", None), ("array", ["app"])):
        body = {k: v for k, v in {**two, "azp": azp}.items() if v is not None}
        book.must(f"azp-{name}", f"an ID token for two audiences, azp is {azp!r}",
                  make(header(typ="JWT"), body), "bad_audience", policy="login", needs=["azp"],
                  reason="OpenID Connect Core section 3.1.3.7")


def changed_nonce(body):
    return {k: v for k, v in body.items() if k != "nonce"}


def kids(book):
    book.group("kid", "the name of the key is a name and nothing else",
               "RFC 7515 section 4.1.4, CVE-2021-29157: exact bytes, no path, no query")
    long_kid = "k" * 64
    book.policies["long-kid"] = [policy([public("es", long_kid), public("ed", "ed-1")])]
    book.policies["encryption-key"] = [policy([public("es", "es-1", use="enc"),
                                               public("ed", "ed-1")])]
    book.accept("64-bytes", "a kid of 64 bytes", make(header(kid=long_kid)), policy="long-kid")
    book.accept("escaped", "kid with an escape in its value",
                make(json.dumps(header(kid=None))[:-1] + ',"kid":"es\\u002d1"}'))
    book.strict("missing", "there is no kid; one key fits", make(header(kid=None)), "unknown_key",
                reason="a verifier that tries keys does more than one signature check, and takes "
                       "what the issuer did not say")
    for name, kid in (("empty", ""), ("other", "es-2"), ("prefix", "es-"), ("longer", "es-10"),
                      ("case", "ES-1"), ("blank", "es-1 "), ("nul", "es-1\0"),
                      ("nul-more", "es-1\0x"),
                      ("path", "../../../../dev/null"), ("path-to-key", "./es-1"),
                      ("sql", "x' UNION SELECT 'secret"), ("url", "https://evil.test/key"),
                      ("wildcard", "*"), ("index", "0"), ("proto", "__proto__"),
                      ("constructor", "constructor"),
                      ("65-bytes", "k" * 65), ("4000-bytes", "k" * 4000), ("newline", "es-1\n")):
        book.must(name,
                  f"kid is {kid[:24]!r}{'…' if len(kid) > 24 else ''}; the key of es-1 signed",
                  make(header(kid=kid)), "unknown_key")
    book.must("rogue-path", "kid is a path, and the empty file was the secret",
              make(header(alg="HS256", kid="/dev/null"), sign=with_secret(b"")), "unknown_key")
    book.must("wrong-of-two", "kid of the issuer's other key of another algorithm",
              make(header(kid="ed-1")), "bad_alg")
    book.must("encryption", "kid of a key that is for encryption", make(), "unknown_key",
              policy="encryption-key", reason="RFC 7517 section 4.2: use")
    book.policies["signing-key"] = [policy([public("es", "es-1", key_ops=["sign"]),
                                            public("ed", "ed-1")])]
    book.must("signing", "kid of a key whose key_ops lack verify", make(), "unknown_key",
              policy="signing-key", reason="RFC 7517 section 4.3: key_ops", needs=["load"])
    book.policies["revoked-key"] = [policy([public("es", "es-1",
                                                   revoked={"revoked_at": NOW - 3600,
                                                            "reason": "compromised"}),
                                            public("ed", "ed-1")])]
    book.strict("revoked", "kid of a key that its set calls revoked", make(), "unknown_key",
                policy="revoked-key",
                reason="OpenID Federation 1.0 section 8.7: revoked", needs=["load"])
    book.policies["no-keys"] = [policy(jwks())]
    book.must("no-keys", "the issuer has no key at present", make(), "unknown_key",
              policy="no-keys")
