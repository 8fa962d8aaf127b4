"""The log over HTTP, as an issuer serves it: the files by their exact names and no others, what
caches are told, who may read it."""
import http.client
import os
import pathlib

import pytest

import tlog
from chancery import authority_of, http as ask

SECRET = "a secret for the log, long enough"


@pytest.fixture(scope="module")
def served():
    """An authority whose log folder was written by the test."""
    with authority_of("log-web") as a:
        folder = a.dir / "log"
        log = tlog.Log("log.test/log").grow(700)
        log.write(folder)
        a.stop()
        a.__init__(a.dir)
        a.tlog, a.log_folder = log, folder
        a.base = a.dev["realms"]["home"]["issuer"].rsplit("/", 1)[0] + "/log"
        yield a


def get(served, name, **headers):
    return ask("GET", f"{served.base}/{name}", headers=headers)


def test_files(served):
    names = [str(p.relative_to(served.log_folder)) for p in served.log_folder.rglob("*")
             if p.is_file()]
    assert len(names) == 8 and "tile/0/002.p/188" in names and "tile/entries/001" in names
    for name in names:
        r = get(served, name)
        assert r.status == 200 and r.body == (served.log_folder / name).read_bytes()
        assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert get(served, "tile/0/003").status == 404
    assert get(served, "tile/entries/001.p/255").status == 404


def test_caches(served):
    full, part, head = (get(served, n) for n in ("tile/0/000", "tile/0/002.p/188", "checkpoint"))
    assert full.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert full.headers["Content-Type"] == "application/octet-stream"
    assert part.headers["Cache-Control"] == "public, max-age=60"
    assert head.headers["Cache-Control"] == "no-cache"
    assert head.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert len({r.headers["ETag"] for r in (full, part, head)}) == 3
    again = get(served, "checkpoint", **{"If-None-Match": head.headers["ETag"]})
    assert again.status == 304 and again.body == b"" and again.headers["ETag"]
    served.tlog.write(served.log_folder, when=1)
    assert get(served, "checkpoint", **{"If-None-Match": head.headers["ETag"]}).status == 200
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
    tile = served.log_folder / "tile/0"
    (tile / "100").symlink_to(secret)
    (tile / "101").symlink_to("000")
    (served.log_folder / "tile/7").symlink_to(secret.parent)
    os.mkfifo(tile / "102")
    (tile / "103").mkdir()
    (tile / "104").write_bytes(bytes(70000))
    for n in (100, 101, 102, 103, 104):
        r = get(served, f"tile/0/{n}")
        assert r.status >= 400 and b"elsewhere" not in r.body and r.body != b""
    assert get(served, "tile/7/000").status >= 400
    secret.unlink()


def test_cosigned(served):
    assert get(served, "cosigned/checkpoint").status == 404
    note = served.tlog.checkpoint() + tlog.Key("w.test", tlog.COSIGNATURE).line(served.tlog.body())
    served.tlog._put(served.log_folder, "cosigned/checkpoint", note.encode())
    r = get(served, "cosigned/checkpoint")
    assert r.status == 200 and r.body == note.encode()
    assert r.headers["Cache-Control"] == "no-cache"
