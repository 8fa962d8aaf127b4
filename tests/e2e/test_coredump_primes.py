"""RSA of three primes, as RFC 8017 has it: its numbers are limbs in a server's memory as those of
any key are, and go with them."""
import re
import socket
import ssl
import subprocess

import pytest

from chancery import PROGRAM, free_port, wait_for

pytestmark = [pytest.mark.root_only, pytest.mark.plain("memory of sanitizers is no program's")]
PIECE = 16


def numbers_of(key):
    """{name: number} of all that openssl says is private."""
    said = subprocess.run(["openssl", "pkey", "-in", key, "-text", "-noout"], check=True,
                          capture_output=True, text=True).stdout
    found = re.findall(r"^(\w+):\n((?: +[0-9a-f:]+\n)+)", said, re.M)
    return {name: int(re.sub(r"[\s:]", "", digits), 16) for name, digits in found
            if name != "modulus"}


def handshake(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as raw:
            with context.wrap_socket(raw):
                return True
    except OSError:
        return False


def pieces_left(core, numbers):
    """Names of numbers of which a piece is there, in either order."""
    left = set()
    for name, n in numbers.items():
        le = n.to_bytes((n.bit_length() + 7) // 8, "little")
        for form in (le, le[::-1]):
            # the highest piece may be shared with nothing; each other is random
            if any(form[i:i + PIECE] in core for i in range(0, len(form) - PIECE, PIECE)):
                left.add(name)
    return left


def test_three_primes(tmp_path):
    key, cert, port = tmp_path / "key", tmp_path / "cert", free_port()
    subprocess.run(["openssl", "genrsa", "-primes", "3", "-out", key, "2048"], check=True,
                   capture_output=True)
    subprocess.run(["openssl", "req", "-x509", "-key", key, "-out", cert, "-subj", "/CN=x"],
                   check=True, capture_output=True)
    numbers = numbers_of(key)
    assert len(numbers) == 9 and {"prime1", "prime2", "prime3"} < set(numbers)
    server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-key", key,
                               "-cert", cert, "-www", "-quiet"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: handshake(port), 60, "a handshake")
        subprocess.run(["gcore", "-o", tmp_path / "core", str(server.pid)], check=True,
                       capture_output=True)
    finally:
        server.kill()
        server.wait()
    core = tmp_path / f"core.{server.pid}"
    assert pieces_left(core.read_bytes(), numbers) == set(numbers)
    for level in ("full", "strict", "triage"):
        out = tmp_path / level
        subprocess.run([PROGRAM, "coredump", "redact", "--level", level, core, out],
                       capture_output=True, timeout=120, check=False)
        assert pieces_left(out.read_bytes(), numbers) == set(), level
