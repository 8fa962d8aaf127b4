"""Fresh secrets for programs to hold, and every form in which a program may keep them. This is
a second opinion: it shares no code with what it judges."""
import base64
import dataclasses
import hashlib
import json
import os
import secrets as random
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography import x509
from cryptography.x509.oid import NameOID
import datetime

PIECE, STEP = 16, 8  # what may be left of a key or a token: less than so many bytes


@dataclasses.dataclass
class Secret:
    name: str
    kind: str      # "key", "token" or "password"
    value: bytes   # a number big endian, else as it is
    number: bool = False
    extra: tuple = ()  # other texts that are as good as it: (name, bytes)
    claimed: bool = True  # some finder of `full` knows it by what it is or what is around it

    def forms(self):
        """{name: bytes} of each form."""
        v = self.value
        forms = {"raw": v, **dict(self.extra)}
        if self.number or self.kind == "key":
            forms["reversed"] = v[::-1]
            if len(v) % 4 == 0:
                words = [v[i:i + 4][::-1] for i in range(0, len(v), 4)]
                forms["words of 32 bits"] = b"".join(words)
        if self.number:
            forms["digits of 30 bits"] = digits(v, 30, 4)
            forms["digits of 60 bits"] = digits(v, 60, 8)
            forms["decimal"] = str(int.from_bytes(v, "big")).encode()
        for name, coded in self._coded(v):
            forms[name] = coded
        if self.kind != "key":
            forms["utf16le"] = v.decode().encode("utf-16-le")
            forms["utf16be"] = v.decode().encode("utf-16-be")
        for name in [n for n in forms if n.startswith(("base64", "hex"))]:
            forms["utf16le " + name] = forms[name].decode().encode("utf-16-le")
        return {n: f for n, f in forms.items() if len(f) >= 6}

    def _coded(self, v):
        if len(v) < 12:
            return
        yield "hex", v.hex().encode()
        yield "hex upper", v.hex().upper().encode()
        for phase in range(3):
            for name, alphabet in (("base64", b"+/"), ("base64url", b"-_")):
                text = base64.b64encode(b"\0" * phase + v, alphabet)
                # the characters that hold bits of the value alone
                text = text[(phase * 8 + 5) // 6:(phase + len(v)) * 8 // 6]
                yield f"{name} {phase}", text

    def pieces(self):
        """Of every form what is still too much of it; a password only whole."""
        for name, form in self.forms().items():
            if self.kind == "password" or len(form) <= PIECE:
                yield name, form
                continue
            for at in range(0, len(form) - PIECE + 1, STEP):
                piece = form[at:at + PIECE]
                if len(set(piece)) > 7:  # not the zeros of a form with wide characters
                    yield name, piece
            yield name, form[-PIECE:]


def digits(value, bits, size):
    """As Python and libtommath keep a number: so many bits in each word."""
    n, words = int.from_bytes(value, "big"), []
    while n:
        words.append((n & (1 << bits) - 1).to_bytes(size, "little"))
        n >>= bits
    return b"".join(words)


def _number(name, n, size=None):
    return Secret(name, "key", n.to_bytes(size or (n.bit_length() + 7) // 8, "big"), True)


def pem_lines(pem, private):
    """The whole lines of a PEM text that hold bytes of `private`."""
    lines = pem.decode().split("\n")
    body = [line for line in lines if line and not line.startswith("-")]
    der = base64.b64decode("".join(body))
    at = der.find(private)
    wanted = []
    for i, line in enumerate(body):
        if len(line) == 64 and at <= i * 48 and i * 48 + 48 <= at + len(private):
            wanted.append((f"PEM line {i}", line.encode()))
    return tuple(wanted)


class Key:
    """A private key with its certificate, as PEM files."""

    def __init__(self, folder, name, kind):
        self.name, self.kind, self.folder = name, kind, folder
        self.private = {"rsa": lambda: rsa.generate_private_key(65537, 2048),
                        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
                        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
                        "ed25519": ed25519.Ed25519PrivateKey.generate}[kind]()
        self.key_file = folder / f"{name}.key"
        self.cert_file = folder / f"{name}.crt"
        self.key_file.write_bytes(self.pem())
        self.key_file.chmod(0o600)
        self.cert_file.write_bytes(self._certificate())

    def pem(self, form=serialization.PrivateFormat.PKCS8):
        return self.private.private_bytes(serialization.Encoding.PEM, form,
                                          serialization.NoEncryption())

    def _certificate(self):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                   .public_key(self.private.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=30)))
        digest = None if self.kind == "ed25519" else hashes.SHA256()
        return builder.sign(self.private, digest).public_bytes(serialization.Encoding.PEM)

    def secrets(self):
        if self.kind == "rsa":
            n = self.private.private_numbers()
            parts = {"p": n.p, "q": n.q, "d": n.d, "dp": n.dmp1, "dq": n.dmq1, "qinv": n.iqmp}
            found = [_number(f"{self.name} {k}", v) for k, v in parts.items()]
        elif self.kind == "ed25519":
            seed = self.private.private_bytes(serialization.Encoding.Raw,
                                              serialization.PrivateFormat.Raw,
                                              serialization.NoEncryption())
            expanded = bytearray(hashlib.sha512(seed).digest())
            expanded[0] &= 248
            expanded[31] = expanded[31] & 127 | 64
            found = [Secret(f"{self.name} seed", "key", seed),
                     Secret(f"{self.name} scalar", "key", bytes(expanded[:32])),
                     Secret(f"{self.name} prefix", "key", bytes(expanded[32:]))]
        else:
            size = self.private.curve.key_size // 8
            found = [_number(f"{self.name} d", self.private.private_numbers().private_value, size)]
        for one in found:
            one.extra = pem_lines(self.pem(), one.value)
        return found


def sign_token(key, claims):
    """A JWT of ES256 or RS256, signed outside of the programs."""
    def text(b):
        return base64.urlsafe_b64encode(b).rstrip(b"=")
    alg = "ES256" if key.kind == "p256" else "RS256"
    signing = text(json.dumps({"alg": alg, "typ": "at+jwt"}).encode()) + b"." + text(
        json.dumps(claims).encode())
    if alg == "ES256":
        r, s = utils.decode_dss_signature(key.private.sign(signing, ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        signature = key.private.sign(signing, padding.PKCS1v15(), hashes.SHA256())
    return signing + b"." + text(signature)


def token(key, name):
    t = sign_token(key, {"iss": "https://as.example", "sub": "u-" + random.token_hex(12),
                         "exp": int(time.time()) + 600, "jti": random.token_urlsafe(16)})
    return token_of(name, t)


def token_of(name, whole):
    """A header alone opens nothing and is the same in many; a signature alone completes a
    payload that can be guessed."""
    one = Secret(name, "token", whole.split(b".")[2],
                 extra=(("payload and signature", whole[whole.index(b".") + 1:]),))
    one.whole = whole
    return one


def opaque(name):
    return Secret(name, "token", random.token_urlsafe(32).encode())


def password(name):
    return Secret(name, "password", ("Pw-" + random.token_hex(9)).encode())
