"""A thousand connections that dawdle, in headers and in bodies, beside clients that do not."""
import contextlib
import resource
import socket
import time

import pytest

from chancery import authority_of, basic
from test_issuer import post

SLOW = 1000


@pytest.fixture(scope="module")
def authority():
    with authority_of("slow") as a:
        yield a


HEAD = {"header": b"GET /home/jwks HTTP/1.1\r\nHost: x\r\nX-A: ",
        "body": b"POST /home/token HTTP/1.1\r\nHost: x\r\nContent-Type: "
                b"application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ngrant"}


def fast(authority):
    """Seconds that one token takes."""
    since = time.monotonic()
    r = post(authority.dev["realms"]["home"]["token_endpoint"],
             {"grant_type": "client_credentials"},
             {"Authorization": basic("bench", "bench-secret")})
    assert r.status == 200, r.body
    return time.monotonic() - since


def test_fast_clients_beside_a_thousand_slow_ones(authority):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    port = int(authority.dev["base"].rsplit(":", 1)[1])
    alone = sorted(fast(authority) for _ in range(100))
    slow = []
    try:
        for i in range(SLOW):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
            slow.append((s, HEAD["body" if i % 2 else "header"]))
        until = time.monotonic() + 6
        beside, begun, sent = [], set(), 0
        while time.monotonic() < until:
            for s, head in slow[sent:sent + 400]:
                with contextlib.suppress(OSError):  # not connected yet, or cut off
                    s.send(b"x" if s in begun else head)
                    begun.add(s)
            sent = (sent + 400) % SLOW
            beside.append(fast(authority))
    finally:
        for s, _ in slow:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    # the first may have to wait until places are free
    beside.sort()
    print(f"alone: median {alone[50] * 1e3:.1f} ms, p99 {alone[98] * 1e3:.1f} ms; beside {SLOW} slow "
          f"ones: median {beside[len(beside) // 2] * 1e3:.1f} ms, "
          f"p99 {beside[int(len(beside) * .99)] * 1e3:.1f} ms, {len(beside)} tokens")
    # while they held every place, one would be served in all this time
    assert len(beside) > 5
