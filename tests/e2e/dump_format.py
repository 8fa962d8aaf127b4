"""A second reader and writer of sealed dumps (src/dumpstore/FORMAT.md), on PyNaCl and
python-zstandard, and of the records that a packer takes. It shares nothing with the first."""
import base64
import hashlib
import struct

import nacl.bindings as na
import nacl.public
import zstandard

MAGIC, HEAD, FRAME_MAX = b"CHDUMP1\n", 128, 1 << 20
REKEY = na.crypto_secretstream_xchacha20poly1305_TAG_REKEY
FINAL = na.crypto_secretstream_xchacha20poly1305_TAG_FINAL


class Damaged(Exception):
    pass


def key_of(path, half):
    """The 32 bytes of a key file."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    name, text = [line for line in lines if line and not line.startswith("#")][0].split()
    assert name == f"chancery-dump-{half}-key-1"
    return base64.urlsafe_b64decode(text + "=")


def key_id(public):
    return hashlib.sha256(public).digest()[:16]


def check(condition, what):
    if not condition:
        raise Damaged(what)


def frames(data, private):
    """The content of each frame, and whether it is the last."""
    check(data[:8] == MAGIC and len(data) >= HEAD, "head")
    secret = nacl.public.PrivateKey(private)
    check(data[8:24] == key_id(bytes(secret.public_key)), "another key")
    try:
        key = nacl.public.SealedBox(secret).decrypt(data[24:104])
    except nacl.exceptions.CryptoError as e:
        raise Damaged("sealed key") from e
    state = na.crypto_secretstream_xchacha20poly1305_state()
    na.crypto_secretstream_xchacha20poly1305_init_pull(state, data[104:HEAD], key)
    at, tag = HEAD, None
    while tag != FINAL:
        check(len(data) >= at + 4, "cut")
        n = struct.unpack(">I", data[at:at + 4])[0]
        check(len(data) >= at + 4 + n, "cut")
        try:
            packed, tag = na.crypto_secretstream_xchacha20poly1305_pull(
                state, data[at + 4:at + 4 + n], data[:HEAD])
        except (nacl.exceptions.CryptoError, RuntimeError) as e:
            raise Damaged("frame") from e
        check(tag in (REKEY, FINAL), "tag")
        plain = zstandard.ZstdDecompressor().decompress(packed)
        check(0 < len(plain) <= FRAME_MAX, "frame size")
        yield plain, tag == FINAL
        at += 4 + n
    check(at == len(data), "trailing")


def read(data, private):
    """(core as a list of ("data", bytes) or ("fill", byte, n), its size, report)."""
    core, report, size, end = [], b"", 0, None
    for plain, last in frames(data, private):
        at = 0
        while at < len(plain):
            check(end is None, "goes on")
            kind = plain[at]
            if kind == 1 or kind == 3:
                n = struct.unpack(">I", plain[at + 1:at + 5])[0]
                piece = plain[at + 5:at + 5 + n]
                check(len(piece) == n > 0, "part")
                at += 5 + n
                if kind == 1:
                    core.append(("data", piece))
                    size += n
                else:
                    report += piece
            elif kind == 2:
                with_, n = struct.unpack(">BQ", plain[at + 1:at + 10])
                core.append(("fill", with_, n))
                size, at = size + n, at + 10
            else:
                check(kind == 4 and last, "part")
                end, at = struct.unpack(">Q", plain[at + 1:at + 9])[0], at + 9
    check(end == size, "size")
    return core, size, report


def write(parts, public):
    """A dump of these frames, each the bytes of its parts."""
    key = na.crypto_secretstream_xchacha20poly1305_keygen()
    state = na.crypto_secretstream_xchacha20poly1305_state()
    header = na.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    head = (MAGIC + key_id(public) + nacl.public.SealedBox(nacl.public.PublicKey(public)).encrypt(key)
            + header)
    out = [head]
    for i, plain in enumerate(parts):
        packed = zstandard.ZstdCompressor(level=3).compress(plain)
        sealed = na.crypto_secretstream_xchacha20poly1305_push(
            state, packed, head, FINAL if i + 1 == len(parts) else REKEY)
        out += [struct.pack(">I", len(sealed)), sealed]
    return b"".join(out)


def data_part(b):
    return b"\1" + struct.pack(">I", len(b)) + b


def fill_part(with_, n):
    return b"\2" + struct.pack(">BQ", with_, n)


def report_part(b):
    return b"\3" + struct.pack(">I", len(b)) + b


def end_part(n):
    return b"\4" + struct.pack(">Q", n)


# --- records, from a redactor to a packer ---

def record(kind, b):
    return struct.pack(">BI", kind, len(b)) + b


def record_data(b):
    return b"".join(record(1, b[i:i + (256 << 10)]) for i in range(0, len(b), 256 << 10))


def record_fill(with_, n):
    return record(2, struct.pack(">BQ", with_, n))


def record_report(b):
    return record(3, b)


def record_end(whole, secrets):
    return record(5, struct.pack(">?Q", whole, secrets))
