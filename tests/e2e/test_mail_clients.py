"""Mail programs that nobody here wrote, with the files of contrib/ as they are: mbsync, Mutt and
curl read from a real Dovecot and send through a real Postfix. A token comes from
`chancery token --refresh-file`, as on a person's machine."""
import os
import pathlib
import pty
import select
import subprocess
import tempfile
import time

import pytest

from chancery import PATIENCE, PROGRAM, ROOT, Gate, authority_of, free_port, http as ask, read_mail, wait_for
from mail_server import ALICE, BOB, Dovecot
from postfix_server import Postfix
from test_refresh import client_add

REFUSED = 67
MAIL = "openid offline_access mail.read mail.send"


class HostGate(Gate):
    """The gate of the mail host: as contrib/postfix/README.md says, without a scope of its own."""

    def __init__(self, folder, authority):
        self.authority = authority
        super().__init__(folder, {}, None)

    def policy_text(self, issuers, mailboxes, scope):
        home = self.authority.dev["realms"]["home"]
        (self.dir / "home.json").write_bytes(ask("GET", home["jwks_uri"]).body)
        return (f"listen: 127.0.0.1:{self.port}\nclient:\n  id: dovecot\n"
                f"  secret_file: gate.secret\nissuers:\n  - issuer: {home['issuer']}\n"
                f"    realm: home\n    jwks_file: home.json\n    audiences: [mail]\n"
                f"mailboxes:\n  home: ['*@home.test']\n")


class World:
    """A mail host, and Alice's machine."""

    def __init__(self, folder, authority, dovecot, tls, certificate):
        self.dir, self.authority, self.dovecot, self.tls = folder, authority, dovecot, tls
        self.certificate = certificate
        self.home = folder / "alice"
        self.home.mkdir()
        self.file = self.home / "mail.token"
        self.login(self.file)

    def login(self, path, scope=MAIL):
        r = subprocess.run(
            [PROGRAM, "token", "--issuer", self.authority.dev["realms"]["home"]["issuer"],
             "--client", "mail-program", "--user", ALICE, "--password-file", "-",
             "--refresh-file", str(path), "--scope", scope],
            input=self.authority.user(ALICE)["password"], capture_output=True, text=True, timeout=180)
        assert r.returncode == 0, r.stderr
        return r.stdout.strip()

    def token(self):
        return subprocess.check_output([PROGRAM, "token", "--refresh-file", str(self.file)],
                                       text=True, timeout=180).strip()

    def config(self, name, changed):
        """A file of contrib with what is this place's."""
        text = (ROOT / "contrib" / name).read_text()
        for old, new in {"chancery token --refresh-file ~/.local/share/mail.token":
                         f"{PROGRAM} token --refresh-file {self.file}",
                         "ann@home.example": ALICE, **changed}.items():
            assert old in text, old
            text = text.replace(old, new)
        path = self.home / pathlib.Path(name).name
        path.write_text(text)
        return path

    def inbox(self, owner):
        return [p.read_text() for p in (self.dovecot.dir / "boxes" / owner / "new").iterdir()]


@pytest.fixture(scope="module")
def world():
    with tempfile.TemporaryDirectory(prefix="ch-mail.") as folder, authority_of("mail") as a:
        os.chmod(folder, 0o711)
        folder = pathlib.Path(folder)
        client_add(a, "mail-program", "--public", scopes=MAIL)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"],
            cwd=folder, check=True, capture_output=True)
        (folder / "key.pem").chmod(0o644)  # for nobody's Dovecot
        tls = free_port()
        more = (f"ssl = yes\nssl_cert = <{folder}/cert.pem\nssl_key = <{folder}/key.pem\n"
                "service imap-login {\n  inet_listener imaps {\n    address = 127.0.0.1\n"
                f"    port = {tls}\n    ssl = yes\n  }}\n}}\n")
        with HostGate(folder / "gate", a) as gate, \
                Dovecot(folder / "d", gate.url_with_secret, "postfix", more) as dovecot:
            yield World(folder, a, dovecot, tls, folder / "cert.pem")


@pytest.fixture(scope="module")
def postfix(world):
    with Postfix(world.dir / "p", world.dovecot, world.certificate, world.dir / "key.pem") as p:
        yield p


def on_a_terminal(command, env, done):
    """A program that wants a terminal, until done() is true; what it showed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, env)
    shown, until = b"", time.monotonic() + 20 * PATIENCE
    try:
        while not done() and time.monotonic() < until:
            if select.select([fd], [], [], 0.05)[0]:
                try:
                    shown += os.read(fd, 65536)
                except OSError:  # it has ended
                    break
    finally:
        os.kill(pid, 15)
        os.close(fd)
        os.waitpid(pid, 0)
    return shown.decode(errors="replace")


# --- reading ---

def mbsync(world, name):
    boxes = world.home / name
    boxes.mkdir()
    rc = world.config("isync/mbsyncrc", {
        "mail.example": "localhost", "Port 993": f"Port {world.tls}", "~/Mail": str(boxes),
        "SSLType IMAPS": f"SSLType IMAPS\nCertificateFile {world.certificate}",
        "Patterns *": "Patterns INBOX"})
    for _ in range(2):  # each time a token of its own
        r = subprocess.run(["mbsync", "-c", str(rc), "example"], capture_output=True, text=True,
                           timeout=120, env={**os.environ, "HOME": str(world.home)})
        assert r.returncode == 0, r.stderr
    return boxes


def test_mbsync(world):
    boxes = mbsync(world, "Mail")
    mails = [p.read_text() for p in (boxes / "INBOX").rglob("*") if p.parent.name in ("new", "cur")]
    assert len(mails) == 1 and f"only for {ALICE}" in mails[0]


def muttrc(world, port=0):
    return world.config("mutt/muttrc", {
        "imaps://mail.example/": f"imaps://localhost:{world.tls}/",
        "@mail.example:587/": f"@localhost:{port}/",
        "set ssl_force_tls = yes": "set ssl_force_tls = yes\n"
        f"set certificate_file = {world.certificate}\n"
        "set wait_key = no\nset from = alice@home.test\nset copy = no\n"})


def test_mutt_reads(world):
    rc, out = muttrc(world), world.home / "read"
    shown = on_a_terminal(
        ["mutt", "-n", "-F", str(rc), "-e",
         f'push "<pipe-message>cat > {out}.part && mv {out}.part {out}<enter><exit>"'],
        {"PATH": os.environ["PATH"], "HOME": str(world.home), "TERM": "vt100"}, out.exists)
    assert out.exists(), shown
    assert f"only for {ALICE}" in out.read_text()


def test_neomutt_reads_what_mbsync_has_fetched(world):
    """NeoMutt 20220429 takes no token of 512 bytes or more: contrib/mutt/README.md."""
    boxes, out = mbsync(world, "Fetched"), world.home / "fetched"
    shown = on_a_terminal(
        ["neomutt", "-n", "-F", "/dev/null", "-f", str(boxes / "INBOX"), "-e",
         f'push "<pipe-message>cat > {out}.part && mv {out}.part {out}<enter><exit>"'],
        {"PATH": os.environ["PATH"], "HOME": str(world.home), "TERM": "vt100"}, out.exists)
    assert out.exists(), shown
    assert f"only for {ALICE}" in out.read_text()


# --- sending ---

def send(world, postfix, token, mechanism="OAUTHBEARER", sender=ALICE, recipient=BOB, text="hello",
         user=ALICE, tls=True):
    config = f'user = "{user}"\noauth2-bearer = "{token}"\n' if token else ""
    letter = world.dir / "letter"
    letter.write_text(f"From: {sender}\r\nTo: {recipient}\r\nSubject: s\r\n\r\n{text}\r\n")
    r = subprocess.run(
        ["curl", "-sS", "--max-time", "60", "--noproxy", "*", "-K", "-", "--mail-from", sender,
         "--mail-rcpt", recipient, "-T", str(letter), "--cacert", str(world.certificate),
         "--login-options", f"AUTH={mechanism}", *(["--ssl-reqd"] if tls else []),
         f"smtp://localhost:{postfix.port}/mail.test"],
        input=config, capture_output=True, text=True)
    return r.returncode, r.stderr


def arrives(world, owner, text):
    return wait_for(lambda: any(text in m for m in world.inbox(owner)), what="the letter")


@pytest.mark.root_only
@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_a_token_sends(world, postfix, mechanism):
    assert send(world, postfix, world.token(), mechanism, text=f"by {mechanism}")[0] == 0, postfix.log()
    arrives(world, BOB, f"by {mechanism}")


@pytest.mark.root_only
def test_mutt_sends(world, postfix):
    rc = muttrc(world, postfix.port)
    r = subprocess.run(["mutt", "-n", "-F", str(rc), "-s", "s", BOB], input="by mutt\n",
                       text=True, capture_output=True, timeout=120, start_new_session=True,
                       env={"PATH": os.environ["PATH"], "HOME": str(world.home), "TERM": "dumb"})
    assert r.returncode == 0, (r.stdout, r.stderr, postfix.log())
    arrives(world, BOB, "by mutt")


@pytest.mark.root_only
def test_who_may_not_send(world, postfix):
    good = world.token()
    assert send(world, postfix, "x.y.z")[0] == REFUSED
    assert send(world, postfix, good, user=BOB)[0] == REFUSED
    assert send(world, postfix, good, tls=False)[0] != 0
    status, said = send(world, postfix, None)
    assert status != 0, said
    status, said = send(world, postfix, good, sender=BOB, text="not hers to say")
    assert status == 55 and "Sender address rejected" in postfix.log(), said
    assert not any("not hers to say" in m for m in world.inbox(BOB))


@pytest.mark.root_only
def test_reading_and_sending_are_two_scopes(world, postfix):
    read, write = (world.login(world.home / name, scope=f"openid offline_access mail.{name}")
                   for name in ("read", "send"))
    assert send(world, postfix, read)[0] == REFUSED
    assert send(world, postfix, write)[0] == 0
    assert read_mail(world.dovecot.port, ALICE, read)[0] == 0
    assert read_mail(world.dovecot.port, ALICE, write)[0] == REFUSED

