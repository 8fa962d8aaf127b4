"""The chained file of src/chain/FORMAT.md, written from that document alone: a second
implementation, to write chains for tests and to check what Chancery wrote."""
import hashlib
import os
import pathlib
import struct

HEADER, FRAME, HASH = 144, 32, 32


def sha(data):
    return hashlib.sha256(data).digest()


class Writer:
    """One chain; each call of `batch` is a frame, `rotate` begins a new file."""

    def __init__(self, folder, purpose, now_ms=0, first=0, before=bytes(32)):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.purpose, self.id = purpose.encode().ljust(32, b"\0"), os.urandom(16)
        self.next, self.last = first, before
        self.rotate(now_ms)

    def rotate(self, now_ms):
        head = b"chchain\n" + struct.pack(">HHI", 1, HEADER, 0) + self.id
        head += struct.pack(">Qq", self.next, now_ms) + self.purpose + self.last
        self.prev = sha(head)
        self.path = self.folder / f"{self.next:020}.chain"
        self.path.write_bytes(head + self.prev)

    def batch(self, records, synced=None):
        """records: (type, time in ms, payload)."""
        body = b"".join(struct.pack(">HHq", len(p), t, ms) + p for t, ms, p in records)
        head = struct.pack(">IHHQQ", len(body), len(records), 0, self.next,
                           self.next if synced is None else synced)
        offset = self.path.stat().st_size
        head += sha(self.id + struct.pack(">Q", offset) + head)[:8]
        self.last = self.prev = sha(self.prev + head + body)
        with open(self.path, "ab") as f:
            f.write(head + body + self.last)
        self.next += len(records)


def read(folder):
    """Every record of a chain as (sequence number, type, time in ms, payload), all checked."""
    records, expected, before, chain_id = [], None, None, None
    for path in sorted(pathlib.Path(folder).glob("*.chain")):
        data = path.read_bytes()
        magic, version, size, zero, this_id, first = struct.unpack(">8sHHI16sQ", data[:40])
        assert (magic, version, size, zero) == (b"chchain\n", 1, HEADER, 0)
        assert path.name == f"{first:020}.chain" and sha(data[:112]) == data[112:144]
        if before is not None:
            assert (first, data[80:112], this_id) == (expected, before, chain_id)
        expected, before, chain_id, at = first, data[80:112], this_id, HEADER
        while at < len(data):
            n, count, zero, first, synced = struct.unpack(">IHHQQ", data[at:at + 24])
            check = sha(chain_id + struct.pack(">Q", at) + data[at:at + 24])[:8]
            assert zero == 0 and first == expected and synced <= first
            assert check == data[at + 24:at + 32]
            end = at + FRAME + n
            before = sha(data[at - HASH:end])
            assert before == data[end:end + HASH]
            body, at = data[at + FRAME:end], end + HASH
            for _ in range(count):
                size, kind, ms = struct.unpack(">HHq", body[:12])
                records.append((expected, kind, ms, body[12:12 + size]))
                body, expected = body[12 + size:], expected + 1
            assert not body
    return records


def sighting(code, identity, ip=b"", kid="", issuer="", realm="", location=""):
    """A verdict's payload, as src/wire/include/wire/sighting.h draws it."""
    family = {0: 0, 4: 4, 16: 6}[len(ip)]
    texts = b"".join(struct.pack(">H", len(t.encode())) + t.encode()
                     for t in (kid, issuer, realm, location))
    return bytes([1, code, family, 0]) + identity + ip + texts


def repeats(more, first_ms, last_ms, verdict):
    """The payload of so many more of a verdict, which is a payload of `sighting`."""
    return struct.pack(">Qqq", more, first_ms, last_ms) + verdict


def verdicts(folder):
    """How many verdicts the records of a chain of sightings tell of."""
    n = {1: lambda p: 1, 2: lambda p: 0, 3: lambda p: int.from_bytes(p[:8], "big")}
    return sum(n[kind](payload) for _, kind, _, payload in read(folder))
