"""Keys: what must not be loaded, and what happens when they change."""
import hmac
import json

from book import (CLAIMS, HEADER, HOME_KEYS, NOW, PARTIES, b64, claims, header, jwks, make, party,
                  policy, public)
from jose import KEYS, multiply, number, unb64


def add(book):
    loading(book)
    periods(book)
    changes(book)


def loading(book):
    book.group("load", "key sets that must not be trusted",
               "each case has a token that the doubtful key signed: refuse the set or the token",
               ["load"])

    def bad(name, title, keys, error, text=None, level="must", reason=None, issuers=None, needs=()):
        book.policies["load-" + name] = issuers or [policy(keys)]
        book.sequence(name, title, level, [{
            "policy": "load-" + name, "now": NOW, "token": text or make(),
            "expect": {"verdict": "refuse", "code": "bad_policy", "error": error}}], reason, needs)

    def good(name, title, keys, text=None, reason=None):
        book.policies["load-" + name] = [policy(keys)]
        book.accept(name, title, text or make(), policy="load-" + name,
                    **({"reason": reason} if reason else {}))
    es = public("es", "es-1")
    bad("duplicate-kid", "two keys of one kid, the token is of the second",
        [public("rogue", "es-1"), es], "E_DUPLICATE",
        reason="RFC 7517 section 4.5: a kid is to tell keys apart", level="strict")
    bad("same-key-twice", "one key under two kids", [es, public("es", "es-2")], "E_DUPLICATE",
        level="strict",
        reason="a key that is retired under one name lives on under the other")
    bad("key-two-algs", "one RSA key for two algorithms",
        [public("rs", "rs-1"), public("rs", "ps-1", alg="PS256")],
        "E_DUPLICATE", make(header(alg="RS256", kid="rs-1"), key="rs"), level="strict",
        reason="RFC 8725 section 3.2, RFC 8017 section 6: one key, one scheme")
    bad("leading-zero-n", "an RSA modulus with a zero in front: a second thumbprint for one key",
        [{**public("rs", "rs-1"), "n": b64(b"\0" + unb64(public("rs")["n"]))}], "E_RANGE",
        make(header(alg="RS256", kid="rs-1"), key="rs"),
        reason="RFC 7518 section 2: no leading zero octets")
    home = party("consumer")
    shared = policy([public("consumer", "enterprise-1")], "https://id.test/enterprise",
                    "enterprise", ["enterprise-api"])
    bad("shared-key", "one key under two issuers: the endpoint published one set for both", None,
        "E_DUPLICATE",
        make(header(kid="enterprise-1"),
             claims(iss="https://id.test/enterprise", aud="enterprise-api"), "consumer"),
        issuers=[home, shared], needs=["issuers"], level="strict",
        reason="the precondition of the forgeries of 2023: one key, consumer and enterprise")
    bad("issuer-twice", "one issuer twice", None, "E_DUPLICATE",
        issuers=[policy([es]), policy([public("rogue", "r-1")])],
        level="strict", needs=["issuers"])
    rs = header(alg="RS256", kid="rs-1")
    for key, why in (("rsa-1024", "RFC 7518 section 3.3: 2048 bits or more"),
                     ("rsa-1536", "RFC 7518 section 3.3: 2048 bits or more"),
                     ("rsa-e3", "every sane issuer has 65537; 3 invites forged padding")):
        bad(key, f"a weak RSA key: {key}", [public(key, "rs-1")], "E_RANGE", make(rs, key=key),
            reason=why,
            level="strict" if key == "rsa-e3" else "must")
    one = {**public("rs", "rs-1"), "e": "AQ"}
    bad("rsa-e1", "RSA with exponent 1: the signature is the padded text", [one], "E_RANGE",
        make(rs, sign=lambda t: padded(t)), reason="anybody can sign")
    for key, member in (("es", "d"), ("ed", "d"), ("rs", "d"), ("rs", "p")):
        kid, alg = f"{key}-1", KEYS[key]["alg"]
        bad(f"private-{key}-{member}", f"a key set with a private member: {member} of {alg}",
            [{**public(key, kid), member: KEYS[key][member]}], "E_MISMATCH",
            make(header(alg=alg, kid=kid), key=key),
            reason="a published private key is everybody's: RFC 7517 section 9.2", level="strict",
            needs=["EdDSA"] if key == "ed" else [])
    secret = b"a secret of 32 bytes, or so it is"
    oct_key = {"kty": "oct", "k": b64(secret), "alg": "HS256"}

    def mac(text):
        return hmac.new(secret, text, "sha256").digest()
    bad("oct", "a symmetric key", [{**oct_key, "kid": "es-1", "use": "sig"}], "E_MISMATCH",
        make(header(alg="HS256"), sign=mac),
        reason="who can check a MAC can make one: RFC 8725 section 2.1")
    bad("oct-beside", "a symmetric key beside a good one", [es, {**oct_key, "kid": "hs-1"}],
        "E_MISMATCH", make(header(alg="HS256", kid="hs-1"), sign=mac),
        reason="a set with symmetric keys is no public set")
    why = "RFC 7517 section 4.4, RFC 7518 section 6.2: kty, crv and alg must agree"
    for name, jwk in (("curve", {**es, "crv": "P-384"}), ("kty", {**es, "kty": "RSA"}),
                      ("alg-rs", {**es, "alg": "RS256"}),
                      ("alg-ed", {**es, "alg": "EdDSA"}),
                      ("okp-curve", {**public("ed", "es-1"), "crv": "X25519"})):
        text = make(header(alg=jwk["alg"])) if name.startswith("alg") else make()
        bad(f"mismatch-{name}", f"kty, crv and alg contradict each other: {name}", [jwk],
            "E_MISMATCH", text, reason=why)
    why = "RFC 7518 section 6.2.1, SEC 1 section 3.2.2"
    off = {**es, "y": public("rogue")["y"]}
    for name, jwk, error in (("off-curve", off, "E_MISMATCH"),
                             ("short-x", {**es, "x": b64(unb64(es["x"])[1:])}, "E_RANGE"),
                             ("long-x", {**es, "x": b64(b"\0" + unb64(es["x"]))}, "E_RANGE"),
                             ("zero-point", {**es, "x": b64(bytes(32)), "y": b64(bytes(32))},
                              "E_MISMATCH"),
                             ("no-y", {k: v for k, v in es.items() if k != "y"}, "E_MISSING"),
                             ("padded-x", {**es, "x": es["x"] + "="}, "E_RANGE"),
                             ("standard-x", {**es, "x": "+" + es["x"][1:]}, "E_SYNTAX")):
        bad(f"point-{name}", f"no point of the curve: {name}", [jwk], error, reason=why)
    small = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "ed-1",
             "x": b64(b"\1" + bytes(31))}
    bad("ed25519-small-order", "an Ed25519 key of small order: a signature fits any text", [small],
        "E_RANGE",
        make(header(alg="EdDSA", kid="ed-1"), sign=lambda t: b"\1" + bytes(63)), needs=["EdDSA"],
        level="strict",
        reason="RFC 8032 section 8.4 and the literature on small subgroups")
    why = "a key without them can be taken for another's"
    bad("no-kid", "a key without kid", [{k: v for k, v in es.items() if k != "kid"}], "E_MISSING",
        level="strict", reason=why)
    bad("no-alg", "a key without alg", [{k: v for k, v in es.items() if k != "alg"}], "E_MISSING",
        level="strict", reason=why)
    bad("empty-kid", "an empty kid", [{**es, "kid": ""}], "E_RANGE", make(header(kid="")),
        level="strict", reason=why)
    bad("long-kid", "a kid of 65 bytes", [{**es, "kid": "k" * 65}], "E_RANGE",
        make(header(kid="k" * 65)), level="strict", reason=why)
    why = "RFC 7517 section 4: members of a wrong type, or that contradict each other"
    for name, keys, error in (
            ("ops-string", [{**es, "key_ops": "verify"}], "E_SYNTAX"),
            ("ops-number", [{**es, "key_ops": ["verify", 1]}], "E_SYNTAX"),
            ("use-number", [{**es, "use": 1}], "E_SYNTAX"),
            ("kid-number", [{**es, "kid": 1}], "E_SYNTAX"),
            ("alg-number", [{**es, "alg": 256}], "E_SYNTAX"),
            ("no-object", ["es-1", es], "E_SYNTAX"),
            ("keys-null", jwks(es)[:-1].replace("[", "null, \"x\":[") + "}", "E_SYNTAX")):
        bad(f"type-{name}", f"a member of a wrong type: {name}", keys, error, reason=why,
            level="strict")
    bad("mismatch-rsa-crv", "an RSA key with crv", [{**public("rs", "rs-1"), "crv": "P-256"}],
        "E_MISMATCH",
        make(header(alg="RS256", kid="rs-1"), key="rs"), reason=why, level="strict")
    text = jwks(es)
    for name, title, broken, error in (
            ("member-twice", "a member twice in a key", text.replace('"kty"', '"kid":"x","kty"'),
             "E_DUPLICATE"),
            ("keys-twice", "two arrays named keys", text[:-1] + ',"keys":[]}', "E_DUPLICATE"),
            ("not-json", "no JSON", text[:-1], "E_TRUNCATED"),
            ("array", "an array of keys", f"[{json.dumps(es)}]", "E_SYNTAX"),
            ("bare", "a key without a set", json.dumps(es), "E_SYNTAX"),
            ("behind", "something behind it", text + "x", "E_TRAILING"),
            ("html", "a page that says: not found", "<html>", "E_SYNTAX"),
            ("empty", "an empty answer", "", "E_TRUNCATED")):
        bad(name, f"the key set is not sound: {title}", broken, error, reason="RFC 7517 section 5",
            level="strict")
    bad("http-issuer", "an http issuer off loopback", None, "E_DENIED",
        make(None, claims(iss="http://id.test/home")),
        issuers=[policy([es], issuer="http://id.test/home")], level="strict",
        reason="RFC 8414 section 2: https", needs=["issuers"])
    why = "a bound on what is read and kept"
    bad("64k", "a key set of over 64 KiB", [{**es, "x-note": "x" * 66000}], "E_LIMIT",
        level="strict", reason=why)
    bad("33-keys", "33 keys", [es, *(counted(i) for i in range(32))], "E_LIMIT", level="strict",
        reason=why)
    bad("never-valid", "a key whose exp is before its nbf", [{**es, "nbf": NOW, "exp": NOW - 1}],
        "E_RANGE", level="strict",
        needs=["periods"])
    bad("issuer-query", "an issuer with a query", None, "E_SYNTAX",
        make(None, claims(iss="https://id.test/home?x")),
        issuers=[policy([es], issuer="https://id.test/home?x")], level="strict",
        reason="RFC 8414 section 2",
        needs=["issuers"])
    why = "RFC 7517 section 5: a key that is not understood, or is for other things, is passed over"
    good("other-alg", "an ES384 key beside a good one", [public("p384", "p-1"), es], reason=why)
    good("other-use", "an encryption key beside a good one",
         [public("rogue", "x-1", use="enc"), es], reason=why)
    good("other-kty", "a key of an unknown kty beside a good one",
         [{"kty": "AKP", "alg": "ML-DSA-44", "kid": "m-1", "pub": "AA"}, es], reason=why)
    good("other-ops", "a key for signing only beside a good one",
         [public("rogue", "x-1", key_ops=["sign"]), es], reason=why)
    good("members", "members that nobody knows", [{**es, "x-note": "2026", "key_ops": ["verify"]}],
         reason=why)
    good("set-members", "members of the set that nobody knows", jwks(es)[:-1] + ',"x":1}',
         reason=why)


def counted(i):
    """A key like any other, whose private number is known to be small."""
    x, y = multiply(i + 2)
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": f"k-{i}", "x": number(x, 32),
            "y": number(y, 32)}


def padded(text):
    from jose import SHA256_INFO, sha256
    tail = b"\0" + SHA256_INFO + sha256(text)
    return b"\0\1" + b"\xff" * (256 - len(tail) - 2) + tail


def one(policy_name, text, code, now=NOW):
    step = {"policy": policy_name, "now": now, "token": text,
            "expect": {"verdict": "accept" if code == "accepted" else "refuse", "code": code}}
    if code == "accepted":
        step["expect"]["realm"] = "home"
    return step


def periods(book):
    book.group("period", "a key is valid for a time",
               "the rotation of keys: staged, signing, retired; compromised at once",
               ["periods"])
    for name, period in (("from", {"from_s": NOW}), ("until", {"until_s": NOW}),
                         ("inside", {"from_s": NOW - 1000, "until_s": NOW + 1000}),
                         ("young", {"from_s": NOW - 50})):
        issuer = policy(HOME_KEYS)
        issuer["periods"] = [{"kid": "es-1", "from_s": 0, "until_s": 0, **period}]
        book.policies["period-" + name] = [issuer]
    fresh = make(None, claims(iat=NOW))
    book.accept("inside", "inside the period", make(), policy="period-inside")
    book.accept("first-second", "in the first second", fresh, policy="period-from")
    book.accept("last-second", "in the last second",
                make(None, claims(iat=NOW - 200, exp=NOW + 400)),
                policy="period-until", now=NOW - 1)
    book.strict("over", "in the second when it is over", make(), "key_not_valid",
                policy="period-until")
    book.strict("before", "before it begins, beyond the skew", make(None, claims(iat=NOW - 31)),
                "key_not_valid",
                policy="period-from", now=NOW - 31)
    book.strict("older-than-key", "a token that is older than its key, beyond the skew",
                make(None, claims(iat=NOW - 81)),
                "key_not_valid", policy="period-young")
    old = public("es", "es-1", exp=NOW)
    book.policies["period-jwk"] = [policy([old])]
    book.strict("jwk-exp", "the key's own exp is over", make(), "key_not_valid",
                policy="period-jwk")
    issuer = policy([public("es", "es-1", exp=NOW)])
    issuer["periods"] = [{"kid": "es-1", "from_s": 0, "until_s": NOW + 1000}]
    book.policies["period-widen"] = [issuer]
    book.strict("no-widening", "the policy may narrow the key's own period, never widen it", make(),
                "key_not_valid",
                policy="period-widen")


def changes(book):
    book.group("cache", "what was once found good is judged again",
               "CVE-2026-35039, CVE-2026-107719: caches that outlive key, policy or time")
    text = make()
    book.policies["rotated"] = [policy([public("es-new", "es-2")])]
    book.policies["replaced"] = [policy([public("es-new", "es-1")])]
    book.policies["other-audience"] = [policy(HOME_KEYS, audiences=["web"])]
    book.policies["shorter"] = [{**policy(HOME_KEYS), "max_ttl_s": 500}]
    book.policies["other-typ"] = [policy(HOME_KEYS, typ="JWT")]
    book.policies["another"] = [party("consumer")]
    book.policies["both-keys"] = [policy([*HOME_KEYS, public("es-new", "es-2")])]
    book.policies["compromised"] = [{**policy(HOME_KEYS),
                                     "periods": [{"kid": "es-1", "from_s": 0, "until_s": 1}]}]
    good = one("home", text, "accepted")
    again = [good, good]

    def must(name, title, steps, needs=()):
        book.sequence(name, title, "must", steps, needs=needs)
    must("key-removed", "accepted twice; then the key set lacks the key",
         [*again, one("rotated", text, "unknown_key")])
    must("key-replaced", "the kid is another key now",
         [*again, one("replaced", text, "bad_signature")])
    must("key-compromised", "the key's period is closed",
         [*again, one("compromised", text, "key_not_valid")], ["periods"])
    must("broken-set", "the key set is no JSON now",
         [*again, {**one("load-not-json", text, "bad_policy")}])
    must("no-keys", "the key set is empty", [*again, one("no-keys", text, "unknown_key")])
    must("issuer-removed", "the issuer is no longer trusted",
         [*again, one("another", text, "bad_issuer")], ["issuers"])
    must("audience-changed", "the audience is another",
         [*again, one("other-audience", text, "bad_audience")], ["aud"])
    must("typ-changed", "the type that is asked for is another",
         [*again, one("other-typ", text, "bad_typ")], ["typ"])
    book.sequence("lifetime-cut", "the longest lifetime is shorter now", "strict",
                  [*again, one("shorter", text, "too_long_lived")], needs=["lifetime"])
    must("expires", "exp passes",
         [*again, one("home", text, "accepted", NOW + 499), one("home", text, "expired", NOW + 500),
                                   one("home", text, "expired", NOW + 501)], ["exp"])
    early = make(None, claims(nbf=NOW))
    must("clock-back", "the clock steps back before nbf",
         [one("home", early, "accepted"), one("home", early, "not_yet", NOW - 31)], ["nbf"])
    young = make(None, claims(iat=NOW))
    book.sequence("clock-back-iat", "the clock steps back before iat", "strict",
                  [one("home", young, "accepted"), one("home", young, "not_yet", NOW - 31)],
                  needs=["iat"])
    must("refused-then-good", "refused before its time, accepted in it, refused after it",
         [one("home", early, "not_yet", NOW - 31), one("home", early, "accepted"),
          one("home", early, "expired", NOW + 500)], ["nbf", "exp"])
    book.sequence("back-again", "the key comes back: accepted again", "accept",
                  [*again, one("rotated", text, "unknown_key"), good])
    book.sequence("staged", "a second key is added: the first goes on", "accept",
                  [*again, one("both-keys", text, "accepted")])
    h, p, s = text.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = last[last.index(s[-1]) ^ 16]
    must("one-bit", "a good token, then one whose signature differs in one bit",
         [*again, one("home", f"{h}.{p}.{s[:-1]}{twin}", "bad_signature")])
    root = b64(json.dumps({**CLAIMS, "sub": "root"}, separators=(",", ":")).encode())
    must("same-signature", "a good token, then another payload with its signature",
         [*again, one("home", f"{h}.{root}.{s}", "bad_signature")])
    must("none-after", "a good token, then the same with alg none", [
        *again, one("home", b64(json.dumps({**HEADER, "alg": "none"}).encode()) + f".{p}.{s}",
                    "bad_alg")])
    other = make(None, claims(jti="j-2"))
    book.sequence("two-tokens", "two tokens in turn", "accept",
                  [good, one("home", other, "accepted"), good])
    book.policies["three-less"] = [party(name) for name in PARTIES[1:]]
    text = make(header(kid="consumer-1"),
                claims(iss="https://id.test/consumer", aud="consumer-api"), "consumer")
    step = {**one("three", text, "accepted")}
    step["expect"] = {**step["expect"], "realm": "consumer"}
    must("one-of-three", "one of three issuers is dropped",
         [step, one("three-less", text, "bad_issuer")], ["issuers"])
