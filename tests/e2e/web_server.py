"""A gate before a web server: nginx and HAProxy with the files of contrib/ as they are, a
backend that tells what reached it, and clients that can do more than honest ones."""
import base64
import contextlib
import datetime
import hashlib
import http.server
import json
import os
import pathlib
import socket
import ssl
import subprocess
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from chancery import ROOT, Gate, Signer, b64, compact, free_port, port_answers, wait_for

ORIGIN = "https://api.example.test"
HOME = Signer("https://login.test/home", kid="h1")
CORP = Signer("https://login.test/corp", alg="EdDSA", kid="c1")

PLACES = f"""
locations:
  api: {{audiences: [api], scopes: [api.read], realms: [corp, home], origin: '{ORIGIN}'}}
  corp: {{audiences: [api, admin], realms: [corp], origin: '{ORIGIN}'}}
  write: {{audiences: [api], scopes: [api.read, api.write], realms: [home], methods: [POST],
          origin: '{ORIGIN}'}}
  bound: {{audiences: [api], realms: [home], binding: required, origin: '{ORIGIN}'}}
  nonce: {{audiences: [api], realms: [home], binding: required, origin: '{ORIGIN}',
          nonce: true}}
  bearer: {{audiences: [api], realms: [home], binding: refused}}
"""
NAMES = ("api", "corp", "write", "bound", "nonce", "bearer")


def token(signer=HOME, header=None, **changed):
    claims = {"aud": "api", "scope": "api.read api.list", "username": None}
    claims.update(changed)
    return signer.token(header, **claims)


class WebGate(Gate):
    """A gate with both ways in; its unix socket is FOLDER/gate.sock."""

    def __init__(self, folder, places=PLACES, **kwargs):
        self.places, self.more = places, ""
        super().__init__(folder, {"home": HOME, "corp": CORP}, {"home": ["*@home.test"]}, **kwargs)
        self.dir.chmod(0o755)
        self.socket = self.dir / "gate.sock"

    def __enter__(self):
        entered = super().__enter__()
        time.sleep(1 - time.time() % 1)  # proofs of the second in which it began are refused
        return entered

    def policy_text(self, issuers, mailboxes, scope):
        text = super().policy_text(issuers, mailboxes, scope)
        text = text.replace("audiences: [mail]", "audiences: [mail, api, admin]")
        return (f"socket: gate.sock\nsocket_mode: '0666'\nsightings: {{folder: sightings}}\n"
                f"{text}{self.places}")

    def check(self, place, token=None, **fields):
        """As a web server asks, over the unix socket: (status, fields)."""
        head = {"X-Original-Method": "GET", "X-Original-URI": "/api/x",
                "X-Client-Address": "192.0.2.9"}
        if token:
            head["Authorization"] = "Bearer " + token
        head.update({name.replace("_", "-"): value for name, value in fields.items()})
        lines = [f"GET /check/{place} HTTP/1.1", "Host: gate", "Connection: close"]
        lines += [f"{n}: {v}" for n, value in head.items() if value is not None
                  for v in (value if isinstance(value, list) else [value])]
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(120)
            s.connect(str(self.socket))
            s.sendall("\r\n".join(lines + ["", ""]).encode())
            return Raw(s.makefile("rb").read())

    def reload(self):
        before = self.log_text().count("read again and is in force")
        self.process.send_signal(1)
        wait_for(lambda: self.log_text().count("read again and is in force") > before, 20,
                 "the reload")


class Raw:
    """An answer, taken apart by hand: repeated fields stay apart."""

    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if " " in lines[0] else 0
        self.fields = [tuple(line.split(": ", 1)) for line in lines[1:] if ": " in line]

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def __getitem__(self, name):
        values = self.all(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else None


class Holder:
    """Who holds a DPoP key."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"crv": "P-256", "kty": "EC", "x": b64(numbers.x.to_bytes(32, "big")),
                    "y": b64(numbers.y.to_bytes(32, "big"))}
        self.jkt = b64(hashlib.sha256(compact(self.jwk)).digest())

    def proof(self, token, url, method="GET", **changed):
        claims = {"jti": b64(os.urandom(16)), "htm": method, "htu": url, "iat": int(time.time()),
                  "ath": b64(hashlib.sha256(token.encode()).digest())}
        claims.update(changed)
        claims = {n: v for n, v in claims.items() if v is not None}
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}
        text = b64(compact(head)) + "." + b64(compact(claims))
        r, s = utils.decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return text + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


class Authority:
    """A certificate authority of our own, for the server and for clients."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.cert = self.issue("ca", self.key, ca=True)

    def issue(self, name, key=None, ca=False):
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.utcnow()
        issuer = subject if ca else self.cert.subject
        cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(hours=1))
                .not_valid_after(now + datetime.timedelta(days=1))
                .add_extension(x509.BasicConstraints(ca, None), True)
                .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
                .sign(self.key, hashes.SHA256()))
        pem = cert.public_bytes(serialization.Encoding.PEM)
        (self.dir / f"{name}.pem").write_bytes(pem)
        (self.dir / f"{name}.key").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        (self.dir / f"{name}.both").write_bytes(
            pem + (self.dir / f"{name}.key").read_bytes())
        return cert

    def path(self, name, kind="pem"):
        return str(self.dir / f"{name}.{kind}")


def x5t(cert):
    return b64(hashlib.sha256(cert.public_bytes(serialization.Encoding.DER)).digest())


class Backend:
    """Answers with what reached it, as JSON: method, target, fields."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = json.dumps({"method": self.command, "target": self.path,
                                   "fields": [[n.lower(), v] for n, v in self.headers.items()]})
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body.encode())

            do_GET = do_POST = do_HEAD = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # web servers reset connections
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Web:
    """What nginx and HAProxy have in common: a process, a port, a TLS port."""

    def __init__(self, folder, gate, backend, authority):
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(exist_ok=True)
        self.gate, self.backend, self.authority = gate, backend, authority
        self.port, self.tls_port = free_port(), free_port()
        self.process = None

    def run(self, *command):
        self.log = open(self.dir / "output", "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        wait_for(lambda: self.process.poll() is not None or
                 (port_answers(self.port) and port_answers(self.tls_port)), what="the web server")
        assert self.process.poll() is None, (self.dir / "output").read_text()
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def raw(self, lines, cert=None, tls=False, body=""):
        """A request as it stands, one line each; over TLS with the client's certificate."""
        with contextlib.ExitStack() as stack:
            s = stack.enter_context(socket.create_connection(
                ("127.0.0.1", self.tls_port if tls else self.port), 10))
            if tls:
                context = ssl.create_default_context(cafile=self.authority.path("ca"))
                if cert:
                    context.load_cert_chain(self.authority.path(cert),
                                            self.authority.path(cert, "key"))
                s = stack.enter_context(context.wrap_socket(s, server_hostname="localhost"))
            data = "\r\n".join(list(lines) + ["Connection: close", "", body])
            s.sendall(data.encode("latin-1"))
            chunks = []
            with contextlib.suppress(ssl.SSLError, ConnectionResetError):
                while chunk := s.recv(65536):
                    chunks.append(chunk)
            return Raw(b"".join(chunks))

    def get(self, target, token=None, scheme="Bearer", method="GET", fields=(), **kwargs):
        lines = [f"{method} {target} HTTP/1.1", "Host: api.example.test"]
        if method == "POST":
            lines.append("Content-Length: 0")
        if token:
            lines.append(f"Authorization: {scheme} {token}")
        return self.raw(lines + list(fields), **kwargs)


class Nginx(Web):
    PROGRAM = "/usr/sbin/nginx"

    def start(self):
        contrib = ROOT / "contrib" / "nginx"
        socket_path = str(self.gate.socket)
        http_conf = (contrib / "chancery-http.conf").read_text()
        assert "unix:/run/chancery-gate/gate.sock" in http_conf
        (self.dir / "chancery-http.conf").write_text(
            http_conf.replace("/run/chancery-gate/gate.sock", socket_path))
        for name in ("chancery-server.conf", "chancery-location.conf"):
            (self.dir / name).write_text((contrib / name).read_text())
        places = "".join(self.place(name) for name in (*NAMES, "nosuch"))
        (self.dir / "places.conf").write_text(places)
        (self.dir / "nginx.conf").write_text(f"""
daemon off;
master_process off;
pid {self.dir}/pid;
error_log {self.dir}/error.log info;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {self.dir}/t1;
    proxy_temp_path {self.dir}/t2;
    fastcgi_temp_path {self.dir}/t3;
    uwsgi_temp_path {self.dir}/t4;
    scgi_temp_path {self.dir}/t5;
    large_client_header_buffers 4 32k;
    include {self.dir}/chancery-http.conf;
    upstream backend {{ server 127.0.0.1:{self.backend.port}; }}
    server {{
        listen 127.0.0.1:{self.port};
        include {self.dir}/chancery-server.conf;
        include {self.dir}/places.conf;
    }}
    server {{
        listen 127.0.0.1:{self.tls_port} ssl;
        ssl_certificate {self.authority.path("localhost")};
        ssl_certificate_key {self.authority.path("localhost", "key")};
        ssl_client_certificate {self.authority.path("ca")};
        ssl_verify_client optional;
        include {self.dir}/chancery-server.conf;
        include {self.dir}/places.conf;
    }}
}}
""")
        return self.run(self.PROGRAM, "-c", str(self.dir / "nginx.conf"), "-p", str(self.dir))

    def place(self, name):
        return f"""
location /{name}/ {{
    auth_request /_chancery/{name};
    include {self.dir}/chancery-location.conf;
    proxy_pass http://backend;
}}
"""


class Haproxy(Web):
    PROGRAM = "/usr/sbin/haproxy"

    def start(self):
        """The lines of contrib/haproxy/haproxy.cfg, with other names, places and ports."""
        contrib = ROOT / "contrib" / "haproxy"
        lines = (contrib / "haproxy.cfg").read_text().splitlines()
        check = next(x for x in lines if "lua.chancery_check files" in x)
        nonce = next(x for x in lines if "set-header DPoP-Nonce" in x)
        load = "\n".join(x for x in lines if x.strip().startswith(("setenv", "lua-load")))
        for theirs, ours in (("/etc/haproxy/chancery.lua", contrib / "chancery.lua"),
                             ("/run/chancery-gate/gate.sock", self.gate.socket)):
            assert theirs in load
            load = load.replace(theirs, str(ours))
        names = (*NAMES, "nosuch")
        checks = "\n".join(check.replace("files", name) for name in names)
        known = " or ".join(f"{{ path_beg /{name}/ }}" for name in names)
        ca = self.authority
        (self.dir / "haproxy.cfg").write_text(f"""
global
{load}
    nbthread 1
    tune.bufsize 65536
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend api
    bind 127.0.0.1:{self.port}
    bind 127.0.0.1:{self.tls_port} ssl crt {ca.path("localhost", "both")} ca-file {ca.path("ca")} verify optional
{checks}
    http-request return status 404 unless {known}
{nonce}
    default_backend app
backend app
    server app 127.0.0.1:{self.backend.port}
""")
        return self.run(self.PROGRAM, "-db", "-f", str(self.dir / "haproxy.cfg"))


def reached(answer):
    """What the backend saw of a request that was let through: (target, fields)."""
    assert answer.status == 200, (answer.status, answer.fields, answer.body)
    body = answer.body
    if answer["Transfer-Encoding"] == "chunked":
        size, _, rest = body.partition(b"\r\n")
        body = rest[:int(size, 16)]
    said = json.loads(body)
    return said["target"], said["fields"]


def basic_of(text):
    return base64.b64encode(text.encode()).decode()
