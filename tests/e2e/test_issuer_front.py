"""TLS in front of a real authority: nginx and HAProxy with the files of contrib/ as they are but for
names, ports and certificate. A whole login goes through each, and what it must hand on or keep
out is asked of a backend that tells what reached it."""
import base64
import hashlib
import http.cookiejar
import http.server
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest

from chancery import PROGRAM, ROOT, b64, basic, claims_of, free_port, port_answers, wait_for
from web_server import Authority as Certificates

pytestmark = pytest.mark.root_only
ALICE, PASSWORD = "alice@home.test", "a long password of Alice"
SECRET = "a secret of sixteen bytes or more"
CALLBACK = "http://127.0.0.1/callback"


class Echo:
    """Stands in for the group `staff`: tells what reached it."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                body = json.dumps({"target": self.path, "size": size, "fields": [
                    [n.lower(), v] for n, v in self.headers.items()]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


class World:
    def __init__(self, folder):
        self.dir = folder
        self.certificates = Certificates(folder / "ca")
        self.certificates.issue("localhost")
        self.port, self.issuers = free_port(), free_port(2)
        self.url, self.echo = f"https://localhost:{self.port}", Echo()
        self.context = ssl.create_default_context(cafile=self.certificates.path("ca"))
        a = folder / "authority"
        self.run("init", str(a))
        conf = (a / "chancery.yaml").read_text()
        for old, new in (("http://localhost:8080/", self.url + "/"), ("8080", self.issuers),
                         ("http://localhost:8081/", self.url + "/"), ("8081", self.issuers + 1)):
            assert old in conf
            conf = conf.replace(old, str(new))
        (a / "chancery.yaml").write_text(conf)
        self.run("user", "add", "--realm", "home", "--username", ALICE, "--password-file", "-",
                 "-C", str(a), given=PASSWORD + "\n")
        (folder / "secret").write_text(SECRET)
        self.run("client", "add", "--realm", "home", "--id", "app", "--redirect", CALLBACK,
                 "--scope", "openid", "--scope", "mail.read", "--audience", "mail",
                 "--secret-file", str(folder / "secret"), "-C", str(a))
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen([PROGRAM, "serve", str(a)], stdout=self.log, stderr=self.log)
        wait_for(lambda: self.process.poll() is not None or
                 b'"ready"' in (folder / "log").read_bytes(), 30, "ready")
        assert self.process.poll() is None, (folder / "log").read_text()

    def run(self, *args, given=None):
        r = subprocess.run([PROGRAM, *args], input=given, capture_output=True, text=True, timeout=180)
        assert r.returncode == 0, (args, r.stderr)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(120) == 0
        self.log.close()


@pytest.fixture(scope="module")
def world():
    with tempfile.TemporaryDirectory(prefix="ch-front.") as folder:
        os.chmod(folder, 0o711)
        w = World(pathlib.Path(folder))
        yield w
        w.stop()


def changed(text, names):
    for old, new in names.items():
        assert old in text, old
        text = text.replace(old, str(new))
    return text


def nginx(world):
    text = changed((ROOT / "contrib/nginx/issuer.conf").read_text(), {
        "443 ssl": f"127.0.0.1:{world.port} ssl", "login.example;": "localhost;",
        "/etc/ssl/login.example.pem": world.certificates.path("localhost"),
        "/etc/ssl/login.example.key": world.certificates.path("localhost", "key"),
        "8080": world.issuers, "8081": world.echo.port})
    temps = "".join(f"{what}_temp_path {world.dir}/t_{what};" for what in (
        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = world.dir / "nginx.conf"
    path.write_text(f"daemon off; master_process off; pid {world.dir}/nginx.pid;"
                    f"error_log {world.dir}/nginx.log; events {{}}\n"
                    f"http {{ access_log off; {temps}\n{text}\n}}\n")
    return ["/usr/sbin/nginx", "-c", str(path), "-p", str(world.dir)], ["-t"]


def haproxy(world):
    text = changed((ROOT / "contrib/haproxy/issuer.cfg").read_text(), {
        "bind :443": f"bind 127.0.0.1:{world.port}",
        "/etc/ssl/login.example.pem": world.certificates.path("localhost", "both"),
        "8080": world.issuers, "8081": world.echo.port})
    path = world.dir / "haproxy.cfg"
    path.write_text(text)
    return ["/usr/sbin/haproxy", "-db", "-f", str(path)], ["-c"]


@pytest.fixture(scope="module", params=[nginx, haproxy], ids=["nginx", "haproxy"])
def front(request, world):
    """One after the other on the same port: it stands in the issuer's name."""
    command, check = request.param(world)
    r = subprocess.run(command + check, capture_output=True, text=True, timeout=60)
    assert r.returncode == 0 and "warn" not in (r.stdout + r.stderr).lower(), r.stderr
    with open(world.dir / "front.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    wait_for(lambda: process.poll() is not None or port_answers(world.port), what="the front")
    assert process.poll() is None, (world.dir / "front.log").read_text()
    yield world
    process.terminate()
    process.wait(120)


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def browser(world):
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), Stay, urllib.request.HTTPSHandler(context=world.context),
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


def go(opener, url, fields=None, headers=None):
    body = fields if isinstance(fields, (bytes, type(None))) else urllib.parse.urlencode(fields).encode()
    try:
        r = opener.open(urllib.request.Request(url, body, headers or {}), timeout=60)
    except urllib.error.HTTPError as e:
        r = e
    with r:
        return r.status, r.headers, r.read().decode()


def test_a_whole_login(front):
    opener, verifier = browser(front), b64(os.urandom(32))
    status, fields, text = go(opener, front.url + "/home/.well-known/openid-configuration")
    meta = json.loads(text)
    assert status == 200 and meta["issuer"] == front.url + "/home"
    assert fields["Strict-Transport-Security"] == "max-age=31536000"
    assert go(opener, front.url + "/.well-known/oauth-authorization-server/home")[0] == 200
    status, fields, text = go(opener, meta["authorization_endpoint"] + "?" + urllib.parse.urlencode({
        "response_type": "code", "client_id": "app", "redirect_uri": CALLBACK, "state": "s",
        "scope": "openid mail.read", "code_challenge_method": "S256",
        "code_challenge": b64(hashlib.sha256(verifier.encode()).digest())}))
    assert status == 200 and "__Host-" in fields["Set-Cookie"] and "Secure" in fields["Set-Cookie"]
    for _ in range(2):
        form = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', text))
        form.update({"username": ALICE, "password": PASSWORD} if 'name="password"' in text
                    else {"act": "allow"})
        status, fields, text = go(opener, meta["authorization_endpoint"], form)
        if status == 303:
            break
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(fields["Location"]).query))
    assert answer["iss"] == front.url + "/home"
    status, _, text = go(opener, meta["token_endpoint"], {
        "grant_type": "authorization_code", "code": answer["code"], "redirect_uri": CALLBACK,
        "code_verifier": verifier}, {"Authorization": basic("app", SECRET)})
    assert status == 200, text
    token = json.loads(text)["access_token"]
    assert claims_of(token)["iss"] == front.url + "/home"
    status, _, text = go(opener, meta["userinfo_endpoint"], None, {"Authorization": "Bearer " + token})
    assert status == 200 and json.loads(text)["sub"] == claims_of(token)["sub"]


def test_what_reaches_the_issuer(front):
    proof = base64.urlsafe_b64encode(os.urandom(3000)).decode()
    status, _, text = go(browser(front), front.url + "/staff/token?q=%2Fa", b"x" * 12000, {
        "Authorization": "DPoP " + "t" * 2000, "DPoP": proof, "X-Forwarded-For": "203.0.113.9",
        "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"})
    assert status == 200, text
    seen = json.loads(text)
    fields = {}
    for name, value in seen["fields"]:
        assert name not in fields, name
        fields[name] = value
    assert seen["target"] == "/staff/token?q=%2Fa" and seen["size"] == 12000
    assert fields["authorization"] == "DPoP " + "t" * 2000 and fields["dpop"] == proof
    assert fields["host"].split(":")[0] == "localhost"
    assert fields["x-forwarded-for"] == "127.0.0.1"
    assert "203.0.113.9" not in text


def test_what_does_not(front):
    opener = browser(front)
    for path in ("/", "/metrics", "/health", "/homely/token", "/other/token",
                 "/.well-known/oauth-authorization-server/other"):
        assert go(opener, front.url + path)[0] == 404, path
    # refused by its announcement: nobody waits for the body
    with socket.create_connection(("127.0.0.1", front.port), 60) as plain, \
            front.context.wrap_socket(plain, server_hostname="localhost") as s:
        s.sendall(b"POST /staff/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n")
        assert s.recv(12) == b"HTTP/1.1 413"
