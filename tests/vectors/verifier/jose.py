"""What the generator signs with: JOSE by the letter, deterministic, so that the same script makes
the same file. ECDSA by RFC 6979, the salt of RSA-PSS is a hash of the text. Slow, not constant in
time: for published test keys only."""
import base64
import hashlib
import hmac
import json
import pathlib

HERE = pathlib.Path(__file__).parent
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
G = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
     0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)
ED_L = 2**252 + 27742317777372353535851937790883648493


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))


def compact(value):
    """As JSON text; a text is taken as it is, so that a case can say anything."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return value.encode("utf-8", "surrogatepass")


def sha256(data):
    return hashlib.sha256(data).digest()


# --- P-256, affine: 300 tokens take a second or two -----------------------------------

def _add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(k, point=G):
    total = None
    while k:
        if k & 1:
            total = _add(total, point)
        point = _add(point, point)
        k >>= 1
    return total


def _rfc6979(d, h):
    """The nonce of RFC 6979 section 3.2, for SHA-256 and P-256."""
    def mac(key, *parts):
        return hmac.new(key, b"".join(parts), "sha256").digest()
    x = d.to_bytes(32, "big")
    h = (int.from_bytes(h, "big") % N).to_bytes(32, "big")
    v, k = b"\1" * 32, b"\0" * 32
    k = mac(k, v, b"\0", x, h)
    v = mac(k, v)
    k = mac(k, v, b"\1", x, h)
    v = mac(k, v)
    while True:
        v = mac(k, v)
        nonce = int.from_bytes(v, "big")
        if 0 < nonce < N:
            return nonce
        k = mac(k, v, b"\0")
        v = mac(k, v)


def es256_rs(d, text):
    h = sha256(text)
    k = _rfc6979(d, h)
    r = multiply(k)[0] % N
    return r, pow(k, -1, N) * (int.from_bytes(h, "big") + r * d) % N


def pair(r, s, size=32):
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def der(r, s):
    def integer(v):
        body = v.to_bytes(v.bit_length() // 8 + 1, "big")
        return b"\2" + bytes([len(body)]) + body
    body = integer(r) + integer(s)
    return b"\x30" + bytes([len(body)]) + body


# --- RSA ------------------------------------------------------------------------------

SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
SHA256_INFO_NO_NULL = bytes.fromhex("302f300b0609608648016503040201" + "0420")
SHA1_INFO = bytes.fromhex("3021300906052b0e03021a05000414")


def rsa_raw(jwk, block):
    n, d = (int.from_bytes(unb64(jwk[m]), "big") for m in ("n", "d"))
    size = (n.bit_length() + 7) // 8
    return pow(int.from_bytes(block, "big"), d, n).to_bytes(size, "big")


def rsa_size(jwk):
    return len(unb64(jwk["n"]))


def rs256(jwk, text, info=SHA256_INFO, digest=None, fill=b"\xff"):
    tail = b"\0" + info + (digest or sha256(text))
    block = b"\0\1" + fill * (rsa_size(jwk) - len(tail) - 2) + tail
    return rsa_raw(jwk, block)


def mgf1(seed, size, name="sha256"):
    out, i = b"", 0
    while len(out) < size:
        out += hashlib.new(name, seed + i.to_bytes(4, "big")).digest()
        i += 1
    return out[:size]


def ps256(jwk, text, salt_size=32, mgf="sha256", name="sha256"):
    salt = hashlib.shake_256(b"salt" + text).digest(salt_size)
    h = hashlib.new(name, b"\0" * 8 + hashlib.new(name, text).digest() + salt).digest()
    size = rsa_size(jwk)
    db = (b"\0" * (size - len(h) - len(salt) - 2)) + b"\1" + salt
    masked = bytearray(a ^ b for a, b in zip(db, mgf1(h, len(db), mgf)))
    masked[0] &= 0x7f
    return rsa_raw(jwk, bytes(masked) + h + b"\xbc")


# --- keys and tokens ------------------------------------------------------------------

KEYS = json.loads((HERE / "keys.json").read_text())["keys"]
CERTIFICATES = json.loads((HERE / "keys.json").read_text())["certificates"]
PRIVATE = ("d", "p", "q", "dp", "dq", "qi")


def sign_with(name, text):
    """As the key's alg has it."""
    jwk = KEYS[name]
    if jwk["alg"] == "EdDSA":
        from cryptography.hazmat.primitives.asymmetric import ed25519
        return ed25519.Ed25519PrivateKey.from_private_bytes(unb64(jwk["d"])).sign(text)
    if jwk["alg"] == "ES256":
        return pair(*es256_rs(int.from_bytes(unb64(jwk["d"]), "big"), text))
    return {"RS256": rs256, "PS256": ps256}[jwk["alg"]](jwk, text)


def public(name, kid=None, **changed):
    """The public JWK; a member changed to None is left out."""
    jwk = {m: v for m, v in KEYS[name].items() if m not in PRIVATE}
    jwk = {**jwk, "use": "sig", **({"kid": kid} if kid is not None else {}), **changed}
    return {m: v for m, v in jwk.items() if v is not None}


def thumbprint(name):
    jwk = KEYS[name]
    members = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
    return b64(sha256(compact({m: jwk[m] for m in members[jwk["kty"]]})))


def text_of(header, payload):
    """The signing input; a part given as ("raw", text) is not encoded."""
    return ".".join(part[1] if isinstance(part, tuple) else b64(compact(part))
                    for part in (header, payload))


def token(header, payload, key, sign=None):
    """sign(text as bytes) -> signature bytes, or the text of the third part."""
    text = text_of(header, payload)
    sig = (sign or (lambda t: sign_with(key, t)))(text.encode("utf-8", "surrogatepass"))
    return text + "." + (sig if isinstance(sig, str) else b64(sig))
