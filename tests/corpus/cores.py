"""Looking into cores: what is left of secrets, OpenSSH's shielded keys, and what gdb says."""
import ctypes
import hashlib
import mmap
import re
import struct
import subprocess

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

libc = ctypes.CDLL(None)
libc.memmem.restype = ctypes.c_void_p
libc.memmem.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
PAGE = 4096
ZERO = b"\0" * PAGE


class Core:
    """All notes and all memory of a core that is not zero, in one piece."""

    def __init__(self, path):
        with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
            self.size = len(m)
            self.bytes = self._gather(m)
        self.buffer = ctypes.create_string_buffer(self.bytes, len(self.bytes))
        self.start = ctypes.addressof(self.buffer)

    def _gather(self, m):
        assert m[:4] == b"\x7fELF", "no core"
        offset, = struct.unpack_from("<Q", m, 32)
        count, = struct.unpack_from("<H", m, 56)
        pieces = []
        for i in range(count):
            kind, _, at, _, _, size = struct.unpack_from("<IIQQQQ", m, offset + 56 * i)
            if kind not in (1, 4) or size == 0:
                continue
            pieces.append(self._without_zeros(m, at, min(size, len(m) - at)))
        return (b"\0" * 64).join(pieces)

    @staticmethod
    def _without_zeros(m, at, size):
        kept = []
        for page in range(at, at + size, PAGE):
            data = m[page:min(page + PAGE, at + size)]
            if data != ZERO:
                kept.append(data)
        return b"".join(kept)

    def count(self, needle):
        found, at, end = 0, self.start, self.start + len(self.bytes)
        while at < end:
            hit = libc.memmem(at, end - at, needle, len(needle))
            if not hit:
                break
            found, at = found + 1, hit + 1
        return found

    def met(self, texts):
        """Those of the texts that may be here: 15 bytes in a row hold one of the words of eight
        that stand at multiples of eight. It is asked for all at once."""
        words = {}
        for text in texts:
            for at in range(8 if len(text) >= 15 else 0):
                words.setdefault(text[at:at + 8], []).append(text)
        numbers = {int.from_bytes(w, "little"): w for w in words}
        view = memoryview(self.bytes)[:len(self.bytes) // 8 * 8].cast("Q")
        here = {text for n in set(numbers).intersection(view) for text in words[numbers[n]]}
        return [t for t in texts if len(t) < 15 or t in here]

    def whole(self, secrets):
        """{name: {form: how often}} of the secrets, whole."""
        forms = [(s.name, name, form) for s in secrets for name, form in s.forms().items()]
        met = set(self.met([form for _, _, form in forms]))
        found = {s.name: {} for s in secrets}
        for secret, name, form in forms:
            n = self.count(form) if form in met else 0
            if n:
                found[secret][name] = n
        return found

    def left(self, secrets):
        """{name: the forms of which too much is there}."""
        pieces = [(s.name, name, piece) for s in secrets for name, piece in s.pieces()]
        met = set(self.met([piece for _, _, piece in pieces]))
        found = {s.name: set() for s in secrets}
        for secret, name, piece in pieces:
            if piece in met and name not in found[secret] and self.count(piece):
                found[secret].add(name)
        return {name: sorted(forms) for name, forms in found.items()}

    def unshielded(self):
        """How many OpenSSH keys open: each 16 KiB chunk of malloc's as a prekey, whose
        key stream must turn some memory into the beginning of a serialised key."""
        opened, at = 0, self.bytes.find(struct.pack("<Q", 0x4011))
        while at >= 0:
            prekey = self.bytes[at + 8:at + 8 + 16384]
            if len(prekey) == 16384 and len(set(prekey[:64])) > 40 and self._opens(prekey):
                opened += 1
            at = self.bytes.find(struct.pack("<Q", 0x4011), at + 8)
        return opened

    def _opens(self, prekey):
        both = hashlib.sha512(prekey).digest()
        stream = Cipher(algorithms.AES(both[:32]), modes.CTR(both[32:48])).encryptor().update(ZERO)
        for kind in (b"ssh-rsa", b"ssh-ed25519", b"ecdsa-sha2-nistp256"):
            plain = struct.pack(">I", len(kind)) + kind
            if self.count(bytes(a ^ b for a, b in zip(plain, stream))):
                return True
        return False


def backtraces(executable, core):
    """{LWP: [frame, …]}, frames without arguments, and the libraries."""
    said = subprocess.run(
        ["gdb", "-nx", "-q", "-batch", "-iex", "set auto-load off", "-iex",
         "set debuginfod enabled off", "-ex", "set print frame-arguments none",
         "-ex", "set width 0", "-ex", "thread apply all bt", "-ex", "info sharedlibrary",
         str(executable), str(core)], capture_output=True, text=True, errors="replace",
        check=False).stdout
    threads, frames = {}, []
    for line in said.splitlines():
        if head := re.match(r"Thread \d+ .*?LWP (\d+)", line):
            frames = threads.setdefault(int(head[1]), [])
        elif re.match(r"#\d+\s", line):
            frames.append(re.sub(r"\(.*?\) ?", "", line).strip())
    libraries = [line for line in said.splitlines() if re.match(r"0x[0-9a-f]+\s+0x", line)]
    return threads, libraries
