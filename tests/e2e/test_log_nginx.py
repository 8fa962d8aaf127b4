"""contrib/nginx/log.conf: nginx serves a log's folder as an issuer does, and nothing else of it."""
import http.client
import os
import re
import subprocess

import pytest

import tlog
from chancery import ROOT, free_port, http as ask, port_answers, wait_for


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    log, port = tlog.Log("log.test/log").grow(700), free_port()
    log.write(folder / "log")
    log._put(folder / "log", "cosigned/checkpoint", log.checkpoint().encode())
    log._put(folder / "log", "journal/1.chain", b"private")
    text = (ROOT / "contrib/nginx/log.conf").read_text()
    assert "/var/lib/chancery/log/" in text
    text = text.replace("/var/lib/chancery/log/", f"{folder}/log/")
    temps = "".join(f"{what}_temp_path {folder}/t_{what};" for what in (
        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; {user}\n"
        f"events {{}}\nhttp {{ access_log off; {temps}\n"
        f"server {{ listen 127.0.0.1:{port};\n{text}\nlocation / {{ return 404; }} }} }}\n")
    command = ["/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    r = subprocess.run(command + ["-t"], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    p = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_for(lambda: p.poll() is not None or port_answers(port), what="nginx")
    assert p.poll() is None, r.stderr
    yield folder / "log", f"http://127.0.0.1:{port}/log/"
    p.terminate()
    p.wait(60)


def test_files(served):
    folder, base = served
    names = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]
    assert len(names) == 10
    for name in names:
        r = ask("GET", base + name)
        if name.startswith("journal"):
            assert r.status == 404
            continue
        assert r.status == 200 and r.body == (folder / name).read_bytes(), name
        tile = name.startswith("tile")
        assert r.headers["Content-Type"] == ("application/octet-stream" if tile
                                             else "text/plain; charset=utf-8")
        full = tile and not re.search(r"\.p/", name)
        assert r.headers["Cache-Control"] == (
            "public, max-age=31536000, immutable" if full
            else "public, max-age=60" if tile else "no-cache")
        again = {"If-None-Match": r.headers["ETag"] or "x",
                 "If-Modified-Since": r.headers["Last-Modified"]}
        # of two heads within a second, the second must not pass for the first
        assert ask("GET", base + name, headers=again).status == (304 if tile else 200)


@pytest.mark.parametrize("name", ["journal/1.chain", "state", "tile/../journal/1.chain",
                                  "tile/0/..%2f..%2fjournal/1.chain", "tile/64/000", "tile/0/",
                                  "cosigned/", "checkpoint/", "tile/0/link", "tile/0/900"])
def test_names(served, name):
    folder, base = served
    link = folder / "tile/0/900"
    if not link.is_symlink():
        link.symlink_to(folder / "journal/1.chain")
    host = base.split("/")[2]
    c = http.client.HTTPConnection(host, timeout=60)
    c.putrequest("GET", "/log/" + name, skip_host=True)
    c.putheader("Host", host)
    c.endheaders()
    r = c.getresponse()
    assert r.status in (400, 403, 404) and b"private" not in r.read()
    c.close()
