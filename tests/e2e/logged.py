"""An issuer whose tokens are in a log, in Python: the folder, the ledger's socket, the URL, and gates
that follow it. What a gate is told can be led astray here."""
import hashlib
import http.server
import json
import pathlib
import socket
import struct
import threading
import time

from chancery import Gate, Signer, claims_of
from tlog import COSIGNATURE, Log, entry_of

SOCKET = "run.log"


class Ledger:
    """A log in a folder, whose head is signed anew each second, and at once when it is asked for."""

    def __init__(self, folder, origin="login.test/log", every_s=1.0):
        self.dir = pathlib.Path(folder) / "log"
        self.dir.mkdir(parents=True)
        self.socket_path = pathlib.Path(folder) / SOCKET
        self.log = Log(origin)
        self.skew_s = 0  # of the clock that heads are signed by
        self.every_s = every_s
        self.lock = threading.RLock()
        self.stopped = threading.Event()
        self.peers, self.listener, self.web = [], None, None
        self.asked = 0
        self.cached = False  # a proxy that keeps what it must not
        self.kept = {}       # and has kept by name
        self.publish()
        threading.Thread(target=self._beat, daemon=True).start()

    def add(self, token, typ=1):
        claims = claims_of(token)
        digest = hashlib.sha256(token.rsplit(".", 1)[0].encode()).digest()
        with self.lock:
            self.log.entries.append(entry_of(iat=claims["iat"], ttl=claims["exp"] - claims["iat"],
                                             digest=digest, typ=typ))
        return token

    def publish(self):
        with self.lock:
            self.log.write(self.dir, when=time.time() + self.skew_s)
            return (self.dir / "checkpoint").read_bytes()

    def _beat(self):
        while not self.stopped.wait(self.every_s):
            note = self.publish()
            for peer in list(self.peers):
                self._tell(peer, 0, note)

    # --- the socket

    def listen(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket_path.unlink(missing_ok=True)
        self.listener.bind(str(self.socket_path))
        self.listener.listen(16)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        return self

    def hang_up(self):
        """As a ledger that ends."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.socket_path.unlink()
        for peer in self.peers:
            peer.shutdown(socket.SHUT_RDWR)
        self.peers = []

    def _accept(self, listener):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        while ask := self._heard(peer):
            kind, version, req, flags = struct.unpack(">BBIB", ask)
            assert (kind, version) == (0x55, 1) and req
            self.asked += 1
            self._tell(peer, req, self.publish() if flags & 1 else None)
            if flags & 2:
                self.peers.append(peer)

    @staticmethod
    def _heard(peer):
        try:
            return peer.recv(64)
        except ConnectionError:  # a gate that was killed or ended
            return b""

    def _tell(self, peer, req, note):
        note = note if note is not None else (self.dir / "checkpoint").read_bytes()
        try:
            peer.send(struct.pack(">BBIHH", 0x56, 1, req, 0, len(note)) + note)
        except OSError:
            self.peers = [p for p in self.peers if p is not peer]

    # --- the URL

    def serve(self, user=None):
        ledger = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                name = self.path.removeprefix("/log/")
                if name in ledger.kept:
                    self.answer(200, ledger.kept[name])
                    return
                name = name.partition("?")[0]
                if name == "now":
                    ledger.asked += 1
                    if not ledger.cached:
                        ledger.publish()
                    name = "checkpoint"
                path = ledger.dir / name
                known = user is None or self.headers.get("Authorization") == user
                found = known and path.is_file()
                self.answer(200 if found else 404 if known else 401,
                            path.read_bytes() if found else b"")

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.web.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.web.server_port}/log"

    def stop(self):
        self.stopped.set()
        if self.listener:
            self.listener.close()
        if self.web:
            self.web.shutdown()
            self.web.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Issuer(Signer):
    """Its tokens are logged before they are signed; forged() is by who holds the key."""

    def __init__(self, issuer, ledger, **kwargs):
        super().__init__(issuer, **kwargs)
        self.ledger = ledger
        self.logged_from = None

    def jwks(self):
        jwk = self.jwk()
        if self.logged_from is not None:
            jwk["logged_from"] = self.logged_from
        return json.dumps({"keys": [jwk]})

    def forged(self, header=None, **changed):
        return super().token(header, **changed)

    def token(self, header=None, **changed):
        return self.ledger.add(super().token(header, **changed))


class LogGate(Gate):
    """A gate that holds one issuer's tokens against its log. way: "socket", "folder" or a URL."""

    def __init__(self, folder, issuer, way="socket", more=(), max_ttl_s=None, **kwargs):
        self.way, self.more, self.max_ttl_s = way, list(more), max_ttl_s
        self.ledger = issuer.ledger
        super().__init__(folder, {"home": issuer}, {"home": ["*@home.test"]}, **kwargs)

    def policy_text(self, issuers, mailboxes, scope):
        text = super().policy_text(issuers, mailboxes, scope)
        mine = "    audiences: [mail]\n    log: main\n"
        if self.max_ttl_s:
            mine += f"    max_ttl_s: {self.max_ttl_s}\n"
        lines = ["logs:", "  main:", f"    vkey: {self.ledger.log.vkey()}"]
        if self.way in ("socket", "folder"):
            lines.append(f"    folder: {self.ledger.dir}")
        else:
            lines.append(f"    uri: {self.way}")
        if self.way == "socket":
            lines.append(f"    socket: {self.ledger.socket_path}")
        lines += [f"    {line}" for line in self.more]
        return text.replace("    audiences: [mail]\n", mine) + "\n".join(lines) + "\n"

    def active(self, token):
        return self.ask(token).json()["active"]

    def metric(self, name):
        from chancery import http as get
        text = get("GET", f"http://127.0.0.1:{self.port}/metrics").body.decode()
        for line in text.splitlines():
            if line.startswith(f"chancery_gate_{name}"):
                return float(line.rsplit(" ", 1)[1])
        raise KeyError(name)

    def verdicts(self, code):
        return self.metric(f'verdicts_total{{endpoint="introspect",code="{code}"}}')

    def ready(self):
        from chancery import http as get
        return get("GET", f"http://127.0.0.1:{self.port}/ready").json()
