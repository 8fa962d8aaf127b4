"""DPoP (RFC 9449) as a client does it, good and bad: keys, proofs, requests that carry them."""
import hashlib
import os
import time
import urllib.parse

from chancery import Signer, b64, compact, http

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Prover:
    """A client's key, and proofs that are good but for what is changed."""

    def __init__(self, alg="ES256"):
        self.signer = Signer("x", alg)
        jwk = self.signer.jwk()
        self.jwk = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}

    @property
    def jkt(self):
        return b64(hashlib.sha256(compact(dict(sorted(self.jwk.items())))).digest())

    def proof(self, url, method="POST", token=None, header=None, **changed):
        """None takes a member out."""
        head = {"typ": "dpop+jwt", "alg": self.signer.alg, "jwk": self.jwk, **(header or {})}
        body = {"jti": b64(os.urandom(16)), "htm": method, "htu": url, "iat": int(time.time())}
        if token:
            body["ath"] = b64(hashlib.sha256(token.encode()).digest())
        body.update(changed)
        text = ".".join(b64(compact({k: v for k, v in part.items() if v is not None}))
                        for part in (head, body))
        return text + "." + b64(self.signer.raw_sign(text.encode()))

    def post(self, url, fields, headers=None, proof=None, **changed):
        """A form with a proof; `proof` in place of the good one."""
        body = urllib.parse.urlencode({k: v for k, v in fields.items() if v is not None}).encode()
        return http("POST", url, body, {
            **FORM, "DPoP": proof or self.proof(url, **changed), **(headers or {})})

    def get(self, url, token, scheme="DPoP", proof=None, **changed):
        """A protected resource."""
        return http("GET", url, None, {
            "Authorization": f"{scheme} {token}",
            "DPoP": proof or self.proof(url, "GET", token, **changed)})
