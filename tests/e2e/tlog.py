"""A log as https://c2sp.org/tlog-tiles and its siblings have it, written in Python for the tests: keys,
notes, proofs, tiles, and the folder that they are served from. Shares nothing with the C code."""
import base64
import hashlib
import os
import pathlib
import struct
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

ED25519, COSIGNATURE = 1, 4


def b64(data):
    return base64.b64encode(data).decode()


def sha(data):
    return hashlib.sha256(data).digest()


def leaf(entry):
    return sha(b"\0" + entry)


def node(left, right):
    return sha(b"\1" + left + right)


def _split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def root_of(leaves):
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return node(root_of(leaves[:k]), root_of(leaves[k:]))


def consistency(leaves, old, whole=True):
    """RFC 6962 section 2.1.2, for 0 < old < len(leaves); empty else."""
    n = len(leaves)
    if old in (0, n):
        return [] if whole else [root_of(leaves)]
    k = _split(n)
    if old <= k:
        return consistency(leaves[:k], old, whole) + [root_of(leaves[k:])]
    return consistency(leaves[k:], old - k, False) + [root_of(leaves[:k])]


class Key:
    def __init__(self, name, typ=ED25519, key=None):
        self.name, self.typ = name, typ
        self.key = key or ed25519.Ed25519PrivateKey.generate()

    def as_typ(self, typ):
        return Key(self.name, typ, self.key)

    def raw(self):
        return self.key.public_key().public_bytes(serialization.Encoding.Raw,
                                                  serialization.PublicFormat.Raw)

    def id(self):
        return sha(self.name.encode() + b"\n" + bytes([self.typ]) + self.raw())[:4]

    def vkey(self):
        return f"{self.name}+{self.id().hex()}+{b64(bytes([self.typ]) + self.raw())}"

    def line(self, body, when=None):
        if self.typ == ED25519:
            sig = self.key.sign(body.encode())
        else:
            when = int(time.time() if when is None else when)
            sig = struct.pack(">Q", when) + self.key.sign(
                f"cosignature/v1\ntime {when}\n{body}".encode())
        return f"\u2014 {self.name} {b64(self.id() + sig)}\n"


def cosigned(note, vkey):
    """When the key of this vkey cosigned the note; None: it did not, or not well."""
    name, key_id, data = vkey.split("+", 2)
    body, lines = note.rsplit("\n\n", 1)
    body += "\n"
    public = ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(data)[1:])
    for line in lines.splitlines():
        _, who, text = line.split(" ")
        sig = base64.b64decode(text)
        if who != name or sig[:4].hex() != key_id:
            continue
        when = struct.unpack(">Q", sig[4:12])[0]
        try:
            public.verify(sig[12:], f"cosignature/v1\ntime {when}\n{body}".encode())
        except InvalidSignature:
            return None
        return when
    return None


def entry_of(realm="home", kid="k1", iat=None, ttl=600, typ=1, digest=None):
    """An entry of an authority's log: docs/LEDGER.md."""
    iat = int(time.time() if iat is None else iat)
    return (struct.pack(">BBqq", 1, typ, iat, iat + ttl) + (digest or os.urandom(32))
            + bytes([len(realm)]) + realm.encode() + bytes([len(kid)]) + kid.encode())


def tile_name(level, n, width=256):
    groups = [f"{n % 1000:03}"]
    while n >= 1000:
        n //= 1000
        groups.insert(0, f"x{n % 1000:03}")
    return f"tile/{level}/" + "/".join(groups) + (f".p/{width}" if width < 256 else "")


class Log:
    def __init__(self, origin, entries=(), key=None):
        self.key = key or Key(origin)
        self.origin = origin
        self.entries = list(entries)

    def grow(self, n, **how):
        self.entries += [entry_of(**how) for _ in range(n)]
        return self

    def fork(self, keep, n):
        """Another log of the same key, which begins with `keep` of the same entries."""
        return Log(self.origin, self.entries[:keep], self.key).grow(n)

    def leaves(self, size=None):
        return [leaf(e) for e in self.entries[:size]]

    def vkey(self):
        return self.key.vkey()

    def body(self, size=None):
        size = len(self.entries) if size is None else size
        return f"{self.origin}\n{size}\n{b64(root_of(self.leaves(size)))}\n"

    def checkpoint(self, size=None, when=None):
        body = self.body(size)
        return (body + "\n" + self.key.line(body)
                + self.key.as_typ(COSIGNATURE).line(body, when))

    def request(self, old, size=None):
        """What add-checkpoint is asked with."""
        size = len(self.entries) if size is None else size
        proof = consistency(self.leaves(size), old) if 0 < old < size else []
        return (f"old {old}\n" + "".join(b64(h) + "\n" for h in proof) + "\n"
                + self.checkpoint(size))

    def write(self, folder, size=None, when=None):
        """The folder as a ledger leaves it."""
        folder = pathlib.Path(folder)
        size = len(self.entries) if size is None else size
        hashes, level = self.leaves(size), 0
        while hashes:
            for n in range(0, len(hashes), 256):
                self._put(folder, tile_name(level, n // 256, len(hashes[n:n + 256])),
                          b"".join(hashes[n:n + 256]))
            hashes = [root_of(hashes[n:n + 256]) for n in range(0, len(hashes) // 256 * 256, 256)]
            level += 1
        for n in range(0, size, 256):
            part = self.entries[n:min(n + 256, size)]
            self._put(folder, tile_name("entries", n // 256, len(part)),
                      b"".join(struct.pack(">H", len(e)) + e for e in part))
        self._put(folder, "checkpoint", self.checkpoint(size, when).encode())
        return self

    @staticmethod
    def _put(folder, name, data):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(path.name + ".new")
        new.write_bytes(data)
        new.rename(path)
