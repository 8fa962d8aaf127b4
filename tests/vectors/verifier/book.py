"""The book of cases and what they share: one time, a few policies, a good token to spoil."""
import json
import os

from jose import b64, public, sha256, token

NOW = 1700000000
ISSUER, AUDIENCE = "https://id.test/home", "mail"
# another one is for libraries that take no access token of RFC 9068 at all
TYP = os.environ.get("CASES_TYP", "at+jwt")
HEADER = {"typ": TYP, "alg": "ES256", "kid": "es-1"}
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "iat": NOW - 100, "exp": NOW + 500, "jti": "j-1",
          "sub": "alice", "client_id": "demo", "scope": "mail.read mail.send"}


def changed(base, **members):
    """Members changed; those changed to None are left out."""
    return {k: v for k, v in {**base, **members}.items() if v is not None}


def header(**members):
    return changed(HEADER, **members)


def claims(**members):
    return changed(CLAIMS, **members)


def with_text(base, text):
    """A JSON object with raw text behind its members."""
    return json.dumps(base, separators=(",", ":"), ensure_ascii=False)[:-1] + "," + text + "}"


def make(head=None, body=None, key="es", sign=None):
    return token(HEADER if head is None else head, CLAIMS if body is None else body, key, sign)


def jwks(*keys):
    return json.dumps({"keys": list(keys)}, separators=(",", ":"))


def policy(keys, issuer=ISSUER, realm="home", audiences=(AUDIENCE,), typ=TYP):
    return {"issuer": issuer, "realm": realm, "typ": typ, "audiences": list(audiences),
            "jwks": keys if isinstance(keys, str) else jwks(*keys), "skew_s": 30,
            "max_ttl_s": 3600}


HOME_KEYS = [public("es", "es-1"), public("ed", "ed-1"), public("rs", "rs-1"),
             public("ps", "ps-1")]
PARTIES = ("consumer", "enterprise", "staff")


def party(name):
    return policy([public(name, name + "-1")], f"https://id.test/{name}", name, [name + "-api"])


class Book:
    def __init__(self):
        self.policies, self.groups, self.cases = {}, [], []
        self.policies["home"] = [policy(HOME_KEYS)]
        self.policies["login"] = [policy(HOME_KEYS, audiences=["app"], typ="JWT")]
        self.policies["three"] = [party(name) for name in PARTIES]

    def group(self, name, title, reason, needs=()):
        self.groups.append({"name": name, "title": title})
        self.reason, self.needs = reason, list(needs)

    def sequence(self, name, title, level, steps, reason=None, needs=()):
        group = self.groups[-1]["name"]
        self.cases.append({
            "id": f"{group}-{name}", "group": group, "title": title, "level": level,
            "reason": reason or self.reason,
            "needs": sorted({*self.needs, *needs}), "steps": steps})

    def accept(self, name, title, text, realm="home", **more):
        step, meta = self._step(text, more)
        self.sequence(name, title, "accept",
                      [{**step, "expect": {"verdict": "accept", "code": "accepted",
                                           "realm": realm}}], **meta)

    def must(self, name, title, text, code, level="must", **more):
        """A standard says that it must be refused, or taking it is a known attack."""
        step, meta = self._step(text, more)
        self.sequence(name, title, level,
                      [{**step, "expect": {"verdict": "refuse", "code": code}}], **meta)

    def strict(self, name, title, text, code, **more):
        """Standards leave it open; refused here, for the reason given."""
        self.must(name, title, text, code, level="strict", **more)

    @staticmethod
    def _step(text, more):
        meta = {k: more.pop(k) for k in ("reason", "needs") if k in more}
        return {"policy": "home", "now": NOW, "token": text, **more}, meta

    def as_json(self):
        ids = [case["id"] for case in self.cases]
        assert len(set(ids)) == len(ids), [i for i in ids if ids.count(i) > 1]
        assert all(step["policy"] in self.policies for c in self.cases for step in c["steps"])
        return {"format": 1, "license": "Apache-2.0", "policies": self.policies,
                "groups": self.groups, "cases": self.cases}


def ath(text):
    return b64(sha256(text.encode()))
