"""The log over HTTP, as an issuer serves it: what a running authority publishes is a log that others'
code reads; heads made after a question; exact names alone; caches; who may read it; a ledger that
hangs or is gone."""
import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import os
import pathlib
import signal
import struct
import subprocess

import pytest

import tlog
from chancery import (PROGRAM, authority_of, basic, children_of, free_port, http as ask, name_of,
                      port_answers, wait_for)
from test_issuer import post
from witness import NOBODY, Witness

SECRET = "a secret of sixteen bytes or more"


@pytest.fixture(scope="module")
def served():
    with authority_of("log-web") as a:
        secret = pathlib.Path(f"{a.dir}.secret")
        secret.write_text(SECRET)
        for name, scope in (("server", "mail.read"), ("reader", "log")):
            a.run("client", "add", "--realm", "home", "--id", name, "--scope", scope, "--audience",
                  "mail", "--grant", "client_credentials", "--secret-file", str(secret))
        a.base, a.vkey, a.log_folder = a.dev["log"]["url"], a.dev["log"]["vkey"], a.dir / "log"
        for _ in range(270):
            issue(a)
        yield a


def issue(a):
    r = post(a.dev["realms"]["home"]["token_endpoint"], {"grant_type": "client_credentials"},
             {"Authorization": basic("server", SECRET)})
    assert r.status == 200, r.body
    return r.json()["access_token"]


def get(served, name, **headers):
    return ask("GET", f"{served.base}/{name}", headers=headers)


def head_of(served, note):
    """Size, root and time of a head, whose two lines must be the log's."""
    text = note.decode()
    origin, size, root = text.split("\n")[:3]
    name, _, data = served.vkey.split("+", 2)
    raw = base64.b64decode(data)[1:]
    key_id = tlog.sha(name.encode() + b"\n" + bytes([tlog.COSIGNATURE]) + raw)[:4]
    when = tlog.cosigned(text, f"{name}+{key_id.hex()}+"
                               f"{tlog.b64(bytes([tlog.COSIGNATURE]) + raw)}")
    assert origin == name and when
    return int(size), base64.b64decode(root), when


def entries(served, size):
    found = []
    for n in range(0, size, 256):
        r = get(served, tlog.tile_name("entries", n // 256, min(256, size - n)))
        if r.status == 404:  # a wider one, or the full one, has taken its place
            return None
        data = r.body
        while data:
            length = struct.unpack(">H", data[:2])[0]
            found.append(data[2:2 + length])
            data = data[2 + length:]
    return found


def ledger_of(a):
    found, left = [], [a.process.pid]
    while left:
        left += children_of(left[0])
        found += [left[0]] if name_of(left[0]) == "chancery-ledger" else []
        left.pop(0)
    return found[0]


@contextlib.contextmanager
def frozen(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_it_is_a_log(served):
    """Read by code that shares nothing with the ledger's; a token is there when one has it."""
    digest = hashlib.sha256(issue(served).rsplit(".", 1)[0].encode()).digest()
    now = get(served, "now")
    assert now.status == 200 and now.headers["Cache-Control"] == "no-store"
    size, root, _ = head_of(served, now.body)
    found = entries(served, size)
    assert len(found) == size >= 271
    assert digest in {e[18:50] for e in found}
    assert tlog.root_of([tlog.leaf(e) for e in found]) == root
    full = get(served, "tile/0/000")
    assert full.body == b"".join(tlog.leaf(e) for e in found[:256])


def test_now(served):
    """Each that asks gets a head with what was issued before; those who come at once share one."""
    def one(_):
        token = issue(served)
        r = get(served, "now")
        return token, r.status, head_of(served, r.body)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(16)))
    assert all(status == 200 for _, status, _ in answers)
    size = max(head[0] for _, _, head in answers)
    place = {e[18:50]: i for i, e in enumerate(entries(served, size))}
    for token, _, head in answers:
        assert place[hashlib.sha256(token.rsplit(".", 1)[0].encode()).digest()] < head[0]


def test_caches(served):
    full, head = get(served, "tile/0/000"), get(served, "checkpoint")
    size, _, _ = head_of(served, head.body)
    part = get(served, tlog.tile_name(0, size // 256, size % 256))
    assert full.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert full.headers["Content-Type"] == "application/octet-stream"
    assert full.headers["X-Content-Type-Options"] == "nosniff"
    assert part.status == 404 or part.headers["Cache-Control"] == "public, max-age=60"
    assert head.headers["Cache-Control"] == "no-cache"
    assert head.headers["Content-Type"] == "text/plain; charset=utf-8"
    tag = full.headers["ETag"]
    again = get(served, "tile/0/000", **{"If-None-Match": tag})
    assert again.status == 304 and again.body == b"" and again.headers["ETag"] == tag
    # a head is another each second
    wait_for(lambda: get(served, "checkpoint",
                         **{"If-None-Match": head.headers["ETag"]}).status == 200, what="a head")
    # HEAD says what GET would, without its body
    r = ask("HEAD", f"{served.base}/tile/0/000")
    assert r.status == 200 and r.body == b"" and r.headers["Content-Length"] == "8192"
    assert ask("POST", f"{served.base}/checkpoint", b"").status == 405


@pytest.mark.parametrize("name", [
    "", "tile", "tile/", "tile/0/0", "tile/0/000.p/256", "tile/0/000.p/0", "tile/0/000.p/01",
    "tile/00/000", "tile/64/000", "tile/0/x000/000", "tile/0/1000", "tile/0/000/", "tile//0/000",
    "tile/0/../0/000", "tile/0/%30%30%30", "tile/0/000?x=1", "tile/../journal", "journal",
    "../chancery.yaml", "state", "lock", "tile/entries/../../checkpoint", "cosigned/",
    "cosigned/../checkpoint", "checkpoint/", "tile/0/000%00", "index/0.index"])
def test_names(served, name):
    """Sent as it stands: no client's normalising in between."""
    host = served.base.split("/")[2]
    c = http.client.HTTPConnection(host, timeout=60)
    c.putrequest("GET", "/log/" + name, skip_host=True)
    c.putheader("Host", host)
    c.endheaders()
    r = c.getresponse()
    body = r.read()
    assert r.status == 404 and b"issuer" not in body
    c.close()


def test_links(served):
    """Whoever writes the folder cannot have other files served."""
    secret = pathlib.Path(f"{served.dir}.elsewhere")
    secret.write_text("elsewhere")
    secret.chmod(0o644)
    tile = served.log_folder / "tile/0"
    (tile / "900").symlink_to(secret)
    (tile / "901").symlink_to("000")
    (served.log_folder / "tile/7").symlink_to(secret.parent)
    os.mkfifo(tile / "902")
    (tile / "903").mkdir()
    (tile / "904").write_bytes(bytes(70000))
    try:
        for n in range(900, 905):
            r = get(served, f"tile/0/{n}")
            assert r.status >= 400 and b"elsewhere" not in r.body and r.body != b""
        assert get(served, "tile/7/000").status >= 400
    finally:
        (tile / "903").rmdir()
        for path in [tile / str(n) for n in (900, 901, 902, 904)] + [served.log_folder / "tile/7"]:
            path.unlink()
        secret.unlink()


def test_cosigned(served):
    assert get(served, "cosigned/checkpoint").status == 404
    note = get(served, "checkpoint").body
    folder = served.log_folder / "cosigned"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "checkpoint").write_bytes(note)
    (folder / "checkpoint").chmod(0o644)
    r = get(served, "cosigned/checkpoint")
    assert r.status == 200 and r.body == note and r.headers["Cache-Control"] == "no-cache"


def test_witnesses_and_a_monitor(served, short_dir):
    """All of it on a running authority: a witness cosigns its heads, and a monitor has nothing to say."""
    witness = Witness(str(short_dir / "log-witness"), "witness.test/1", [served.vkey]).start()
    folder = served.log_folder / "cosigned"
    folder.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    watch = [PROGRAM, "log", "monitor", "--once", "--state", str(short_dir / "log-state"), "--log",
             f"{served.vkey}={served.base}", "--witness", witness.vkey, "--realm", "home"]
    try:
        for _ in range(2):
            issue(served)
            for command in ([PROGRAM, "log", "cosign", "--once", "--folder", str(served.log_folder),
                             "--witness", f"{witness.vkey}={witness.url}"], watch):
                r = subprocess.run(command, capture_output=True, text=True, timeout=120)
                assert r.returncode == 0, r.stdout + r.stderr
    finally:
        assert witness.stop() == 0, witness.log_text()


def test_a_ledger_that_hangs(served):
    """Files are served; who wants to know more is told to come again, and waits for no crowd."""
    with frozen(ledger_of(served)), concurrent.futures.ThreadPoolExecutor(24) as pool:
        waiting = [pool.submit(get, served, "now") for _ in range(24)]
        head = get(served, "checkpoint")
        assert head.status == 200 and get(served, "tile/0/000").status == 200
        answers = [job.result() for job in waiting]
    assert {r.status for r in answers} == {429, 503}
    assert sum(r.status == 503 for r in answers) <= 16
    assert all(r.headers["Retry-After"] for r in answers)
    # whether the supervisor takes it for dead or not, it comes back
    wait_for(lambda: get(served, "now").status == 200, what="the ledger")


def test_a_ledger_that_is_killed(served):
    before = head_of(served, get(served, "now").body)[0]
    os.kill(ledger_of(served), signal.SIGKILL)
    assert get(served, "checkpoint").status == 200
    answer = wait_for(lambda: (r := get(served, "now")).status == 200 and r, what="a new ledger")
    assert head_of(served, answer.body)[0] >= before


def test_who_may_read(short_dir):
    """A log that is not public, as `init` makes it."""
    folder = short_dir / "log-web"
    folder.mkdir(mode=0o711)
    port, a = free_port(2), folder / "a"

    def run(*args):
        r = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=180)
        assert r.returncode == 0, (args, r.stderr)

    run("init", str(a))
    conf = (a / "chancery.yaml").read_text()
    assert "public: false" in conf
    (a / "chancery.yaml").write_text(conf.replace("8080", str(port)).replace("8081", str(port + 1)))
    (folder / "secret").write_text(SECRET)
    for name, scope in (("server", "mail.read"), ("reader", "log")):
        run("client", "add", "--realm", "corp", "--id", name, "--scope", scope, "--audience", "mail",
            "--grant", "client_credentials", "--secret-file", str(folder / "secret"), "-C", str(a))
    with open(folder / "log", "wb") as said:
        process = subprocess.Popen([PROGRAM, "serve", str(a)], stdout=said, stderr=said)
    try:
        base = f"http://127.0.0.1:{port}/log/"
        good = {"Authorization": basic("reader", SECRET)}
        wait_for(lambda: process.poll() is not None or (port_answers(port) and ask(
            "GET", base + "now", headers=good).status == 200), what="a head")
        assert process.poll() is None, (folder / "log").read_text()
        for name in ("checkpoint", "now", "tile/0/000"):
            r = ask("GET", base + name)
            assert r.status == 401 and r.headers["WWW-Authenticate"].startswith('Basic realm="log"')
            for field, status in ((basic("reader", SECRET + "x"), 401), ("Bearer x", 401),
                                  (basic("server", SECRET), 403)):
                assert ask("GET", base + name, headers={"Authorization": field}).status == status
            # nothing was issued yet: there is no tile
            answer = ask("GET", base + name, headers=good)
            assert answer.status == (404 if "tile" in name else 200)
        r = post(f"http://127.0.0.1:{port}/corp/token", {"grant_type": "client_credentials"},
                 {"Authorization": basic("server", SECRET)})
        assert r.status == 200
        wait_for(lambda: b"\n1\n" in ask("GET", base + "now", headers=good).body, what="an entry")
        r = ask("GET", base + "tile/entries/000.p/1", headers=good)
        assert r.status == 200 and r.headers["Cache-Control"] == "private, max-age=60"
    finally:
        process.terminate()
        assert process.wait(120) == 0
