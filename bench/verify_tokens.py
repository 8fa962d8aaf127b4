"""Tokens and keys that every verifier of `bench/run verify` gets: ALG.tok, ALG.pem, ALG.jwk
and ALG.jwks in a folder. An access token by RFC 9068 of 12 claims, good for an hour; ALG.jwt
is the same with typ JWT, for a library that takes no other."""
import base64
import json
import pathlib
import sys
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

ISSUER = "https://login.contoso-enterprise.example/0f3a/v2.0"
KID = "k-2026-11"
AUDIENCE = "https://graph.mail.example"


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def es256():
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": number(point.x, 32), "y": number(point.y, 32)}

    def sign(text):
        r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return key, jwk, sign


def eddsa():
    key = ed25519.Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(serialization.Encoding.Raw,
                                        serialization.PublicFormat.Raw)
    return key, {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}, key.sign


def rs256():
    key = rsa.generate_private_key(65537, 2048)
    n = key.public_key().public_numbers()
    jwk = {"kty": "RSA", "n": number(n.n), "e": number(n.e)}
    return key, jwk, lambda text: key.sign(text, padding.PKCS1v15(), hashes.SHA256())


ALGS = {"ES256": es256, "EdDSA": eddsa, "RS256": rs256}


def claims(now):
    return {"iss": ISSUER, "sub": "5b0c7a1e-6d3f-4b55-9a41-2f6c9e8d7b10", "aud": AUDIENCE,
            "client_id": "mail-web-7f", "scope": "mail.read mail.send offline_access",
            "username": "alice.lovelace@contoso.example", "iat": now, "nbf": now,
            "exp": now + 3600, "jti": "pX7t0bq3Qm2nWv8eYc5rKg", "realm": "enterprise",
            "auth_time": now - 60}


def write_token(path, alg, typ, now, sign):
    head = {"alg": alg, "typ": typ, "kid": KID}
    parts = [b64(json.dumps(x, separators=(",", ":")).encode()) for x in (head, claims(now))]
    token = ".".join(parts + [b64(sign(".".join(parts).encode()))])
    path.write_text(token + "\n", encoding="ascii")
    return token


def write(folder):
    """Writes all; returns the sizes of the tokens."""
    folder, sizes, now = pathlib.Path(folder), {}, int(time.time())
    for alg, make in ALGS.items():
        key, jwk, sign = make()
        jwk |= {"alg": alg, "use": "sig", "kid": KID}
        token = write_token(folder / f"{alg}.tok", alg, "at+jwt", now, sign)
        write_token(folder / f"{alg}.jwt", alg, "JWT", now, sign)
        (folder / f"{alg}.jwk").write_text(json.dumps(jwk), encoding="ascii")
        (folder / f"{alg}.jwks").write_text(json.dumps({"keys": [jwk]}), encoding="ascii")
        (folder / f"{alg}.pem").write_bytes(key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        sizes[alg] = len(token)
    return sizes


if __name__ == "__main__":
    print(json.dumps(write(sys.argv[1])))
