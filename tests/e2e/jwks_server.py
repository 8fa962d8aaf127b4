"""A server of JWK sets that counts, tags and can be told to fail; TLS when given a
certificate. Its own authority of certificates is made here too."""
import datetime
import hashlib
import http.server
import ipaddress
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class JwksServer:
    """Serves PATH -> text; answers 304 to the tag of what it has."""

    def __init__(self, texts=None, cert=None):
        self.texts = dict(texts or {})
        self.cache_control = "max-age=60"
        self.status = 200
        self.requests = []  # (path, If-None-Match, status)
        self.hang = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a client that breaks off

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.scheme = "https" if cert else "http"
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def answer(self, request):
        text = self.texts.get(request.path)
        had = request.headers.get("If-None-Match")
        if text is None or self.status != 200:
            status, body = (404 if text is None else self.status), b"{}"
        else:
            status, body = 200, text if isinstance(text, bytes) else text.encode()
        tag = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
        if status == 200 and had == tag:
            status, body = 304, b""
        self.requests.append((request.path, had, status))
        request.send_response(status)
        if status in (200, 304):
            request.send_header("ETag", tag)
            request.send_header("Cache-Control", self.cache_control)
        if status in (301, 302):
            request.send_header("Location", self.url("/elsewhere"))
        if status != 304:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def url(self, path="/jwks", host="localhost"):
        return f"{self.scheme}://{host}:{self.port}{path}"

    def count(self, path="/jwks"):
        return sum(1 for asked, _, _ in self.requests if asked == path)

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def _write(folder, name, key, *certificates):
    pem = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)
    if key:
        pem += key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption())
    path = folder / name
    path.write_bytes(pem)
    return str(path)


def make_certificates(folder, host="localhost"):
    """(file of the authority, file of the server's certificate and key)."""
    now = datetime.datetime.utcnow()
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])

    def sign(subject, public, builder_of):
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name)
                   .public_key(public).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=1)))
        return builder_of(builder).sign(ca_key, hashes.SHA256())

    ca = sign(ca_name, ca_key.public_key(), lambda b: b.add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True))
    cert = sign(name, key.public_key(), lambda b: b.add_extension(
        x509.SubjectAlternativeName([x509.DNSName(host)] + (
            [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if host == "localhost" else [])),
        critical=False))
    return _write(folder, "ca.pem", None, ca), _write(folder, "server.pem", key, cert)
