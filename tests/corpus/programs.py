"""Real programs that hold fresh secrets: each is started, used, and says what it was given and
which of its processes to dump. SMALL is what every test run does."""
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import textwrap
import time

from chancery import free_port, port_answers, wait_for
from planted import Key, opaque, password, token, token_of

STARTS_S = 60  # the slowest program on a slow machine
PATH = os.environ["PATH"] + ":/usr/sbin"  # where servers are


def handshakes(port, n=8):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for _ in range(n):
        with socket.create_connection(("127.0.0.1", port), 10) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as tls:
                try:
                    tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    tls.recv(100)
                except (OSError, ssl.SSLError):
                    pass  # whatever it serves, the handshake was ours


class Program:
    """Started, used and ended; `dumped` is [(name, pid, executable)]."""
    needs = ()
    own_code = False  # made while it runs, or on stacks that gdb does not know
    handled = False  # it has a handler of SIGSEGV of its own, after which its frames are others
    crash_signal = signal.SIGSEGV  # where a handler of it ends the program in silence: another
    undumpable = False  # it asks the kernel for no dumps; root's gcore makes one all the same

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.processes, self.secrets, self.dumped = [], [], []
        self.shielded = 0  # OpenSSH keys in memory

    @classmethod
    def missing(cls):
        return [p for p in cls.needs if not shutil.which(p, path=PATH)]

    def keys(self, *kinds):
        made = [Key(self.folder, f"{kind}-{i}", kind) for i, kind in enumerate(kinds)]
        for key in made:
            self.secrets += key.secrets()
        return made

    def run(self, *command, **options):
        log = open(self.folder / "log", "ab")
        process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL, cwd=self.folder, **options)
        self.processes.append(process)
        return process

    def dump(self, name, pid):
        self.dumped.append((name, pid, os.readlink(f"/proc/{pid}/exe")))

    def children(self, pid):
        said = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True,
                              text=True, check=False).stdout
        return [int(p) for p in said.split()]

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()

    def start(self):
        raise NotImplementedError


class SServer(Program):
    """openssl s_server, once with each kind of key."""
    needs = ("openssl",)

    def start(self):
        for key in self.keys("p256", "rsa", "ed25519", "p384"):
            port = free_port()
            process = self.run("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-key",
                               key.key_file, "-cert", key.cert_file, "-www", "-quiet")
            wait_for(lambda p=port: port_answers(p), STARTS_S, "s_server")
            handshakes(port)
            self.dump(f"s_server {key.kind}", process.pid)


class Nginx(Program):
    """A master with its worker: two keys, and a request with a bearer token."""
    needs = ("nginx",)

    def start(self):
        rsa, ec = self.keys("rsa", "p256")
        port = free_port()
        bearer = token(Key(self.folder, "issuer", "p256"), "bearer token")
        self.secrets.append(bearer)
        (self.folder / "nginx.conf").write_text(textwrap.dedent(f"""
            daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error;
            events {{ worker_connections 64; }}
            http {{ access_log off; client_body_temp_path {self.folder}/t1;
              proxy_temp_path {self.folder}/t2; fastcgi_temp_path {self.folder}/t3;
              uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
              server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {rsa.cert_file};
                ssl_certificate_key {rsa.key_file}; ssl_certificate {ec.cert_file};
                ssl_certificate_key {ec.key_file}; location / {{ return 200 yes; }} }} }}
            """))
        process = self.run("nginx", "-c", self.folder / "nginx.conf", "-p", self.folder)
        wait_for(lambda: port_answers(port), STARTS_S, "nginx")
        handshakes(port, 20)
        self._show(port, bearer.whole)
        worker = wait_for(lambda: self.children(process.pid), STARTS_S, "nginx's worker")[0]
        self.dump("nginx worker", worker)
        self.dump("nginx master", process.pid)

    def _show(self, port, bearer):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        raw = socket.create_connection(("127.0.0.1", port), 10)
        self.open = context.wrap_socket(raw, server_hostname="localhost")
        self.open.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                          + bearer + b"\r\n\r\n")
        self.open.recv(100)


class SshAgent(Program):
    needs = ("ssh-agent", "ssh-add")
    undumpable = True

    def start(self):
        path = self.folder / "agent"
        process = self.run("ssh-agent", "-D", "-a", path)
        wait_for(path.exists, STARTS_S, "ssh-agent")
        for kind in ("rsa", "ecdsa", "ed25519"):
            file = self.folder / f"id_{kind}"
            file.unlink(missing_ok=True)
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(file)], check=True)
            subprocess.run(["ssh-add", "-q", str(file)], check=True,
                           env={**os.environ, "SSH_AUTH_SOCK": str(path)})
        self.shielded = 3
        self.dump("ssh-agent", process.pid)


class Sshd(Program):
    needs = ("sshd", "ssh-keygen")

    def start(self):
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        port = free_port()
        config = [f"Port {port}", "ListenAddress 127.0.0.1", f"PidFile {self.folder}/pid",
                  "UsePAM no"]
        for kind in ("rsa", "ecdsa", "ed25519"):
            file = self.folder / f"host_{kind}"
            file.unlink(missing_ok=True)
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(file)], check=True)
            config.append(f"HostKey {file}")
        (self.folder / "sshd_config").write_text("\n".join(config) + "\n")
        process = self.run(shutil.which("sshd", path="/usr/sbin"), "-D", "-f",
                           self.folder / "sshd_config")
        wait_for(lambda: port_answers(port), STARTS_S, "sshd")
        self.shielded = 3
        self.dump("sshd listener", process.pid)


class Python(Program):
    """cryptography and jwcrypto: keys as PEM and JWK, tokens, passwords."""
    needs = ("/usr/bin/python3",)
    SOURCE = """
        import base64, json, sys, time, threading
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, padding
        from jwcrypto import jwk
        given = json.load(open(sys.argv[1]))
        keys = [serialization.load_pem_private_key(k.encode(), None) for k in given["keys"]]
        as_jwk = [jwk.JWK.from_pem(k.encode()) for k in given["keys"]]
        texts = [k.export() for k in as_jwk]
        keys[0].sign(b"x", padding.PKCS1v15(), hashes.SHA256())
        keys[1].sign(b"x", ec.ECDSA(hashes.SHA256()))
        dsn = "postgresql://app:" + given["password"] + "@db/app"
        headers = {"Authorization": "Bearer " + given["opaque"]}
        threading.Thread(target=lambda: time.sleep(1000), daemon=True).start()
        open(sys.argv[2], "w").close()
        time.sleep(1000)
        """

    def start(self):
        keys = self.keys("rsa", "p256", "ed25519")
        secret, bearer = password("password in a URL"), opaque("bearer")
        tokens = [token(keys[1], f"JWT {i}") for i in range(20)]
        self.secrets += [secret, bearer, *tokens]
        source, given, ready = (self.folder / n for n in ("it.py", "given", "ready"))
        source.write_text(textwrap.dedent(self.SOURCE))
        given.write_text(json.dumps({
            "keys": [k.pem().decode() for k in keys], "password": secret.value.decode(),
            "opaque": bearer.value.decode(),
            "tokens": [t.whole.decode() for t in tokens]}))
        process = self.run("/usr/bin/python3", source, given, ready)
        wait_for(ready.exists, STARTS_S, "python")
        self.dump("python3", process.pid)


class Node(Program):
    """V8 keeps texts as ropes: tokens in pieces, and no `Bearer` before an opaque one."""
    own_code = True
    needs = ("node",)
    SOURCE = """
        const c = require('crypto'), fs = require('fs');
        const given = JSON.parse(fs.readFileSync(process.argv[2]));
        const keys = given.keys.map(k => c.createPrivateKey(k));
        const jwks = keys.map(k => k.export({ format: 'jwk' }));
        const b = o => Buffer.from(JSON.stringify(o)).toString('base64url');
        const hmac = Buffer.from(given.hmac, 'hex');
        const tokens = [];
        for (let i = 0; i < 5; i++) {
          const text = b({ alg: 'ES256', typ: 'at+jwt' }) + '.' + b({ iss: 'x', jti: given.jti[i] });
          const s = c.sign('sha256', Buffer.from(text), { key: keys[1], dsaEncoding: 'ieee-p1363' });
          tokens.push(text + '.' + s.toString('base64url'));
          c.createHmac('sha256', hmac).update(text).digest();
        }
        globalThis.kept = { keys, jwks, hmac, tokens, headers: { authorization: 'Bearer ' + given.opaque } };
        fs.writeFileSync(process.argv[3], tokens.join('\\n'));
        fs.renameSync(process.argv[3], process.argv[4]);
        setInterval(() => {}, 1000);
        """

    def start(self):
        keys = self.keys("rsa", "p256")
        bearer = opaque("bearer")
        hmac = opaque("HMAC key")
        hmac.kind, hmac.value = "key", os.urandom(32)
        self.secrets += [bearer]
        self.unanchored = [hmac]  # random bytes, known to no finder of `full`
        source, given, made, ready = (self.folder / n for n in ("it.cjs", "given", "made", "ready"))
        source.write_text(textwrap.dedent(self.SOURCE))
        given.write_text(json.dumps({
            "keys": [k.pem().decode() for k in keys], "opaque": bearer.value.decode(),
            "hmac": hmac.value.hex(), "jti": [os.urandom(12).hex() for _ in range(5)]}))
        process = self.run("node", source, given, made, ready)
        wait_for(ready.exists, STARTS_S, "node")
        for i, line in enumerate(ready.read_bytes().split(b"\n")):
            self.secrets.append(token_of(f"JWT {i}", line))
        self.dump("node", process.pid)


class Redis(Program):
    needs = ("redis-server", "redis-cli")
    handled = True  # it ends its other threads, too

    def start(self):
        secret, value = password("requirepass"), token(Key(self.folder, "issuer", "p256"), "value")
        self.secrets += [secret, value]
        port = free_port()
        (self.folder / "redis.conf").write_text(
            f"bind 127.0.0.1\nport {port}\nsave \"\"\nrequirepass {secret.value.decode()}\n")
        process = self.run("redis-server", self.folder / "redis.conf")
        wait_for(lambda: port_answers(port), STARTS_S, "redis")
        for command in (["PING"], ["SET", "session", value.whole.decode()]):
            subprocess.run(["redis-cli", "-p", str(port), *command], check=True,
                           stdout=subprocess.DEVNULL,
                           env={**os.environ, "REDISCLI_AUTH": secret.value.decode()})
        self.dump("redis", process.pid)


class Gnutls(Program):
    needs = ("gnutls-serv",)

    def start(self):
        for key in self.keys("rsa", "p256"):
            port = free_port()
            process = self.run("gnutls-serv", "--http", "-p", port, "--x509keyfile", key.key_file,
                               "--x509certfile", key.cert_file)
            wait_for(lambda p=port: port_answers(p), STARTS_S, "gnutls-serv")
            handshakes(port)
            self.dump(f"gnutls-serv {key.kind}", process.pid)


class Java(Program):
    """It compiles on, and its own handler of SIGSEGV reports for a while before it gives up."""
    own_code = handled = True
    needs = ("java", "javac")
    SOURCE = """
        import java.nio.file.*; import java.security.*; import java.security.spec.*; import java.util.*;
        public class It {
          static List<Object> kept = new ArrayList<>();
          public static void main(String[] a) throws Exception {
            for (int i = 0; i < 2; i++) {
              String pem = Files.readString(Path.of(a[i]));
              byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
              String kind = i == 0 ? "RSA" : "EC";
              PrivateKey k = KeyFactory.getInstance(kind).generatePrivate(new PKCS8EncodedKeySpec(der));
              kept.add(pem); kept.add(k);
              for (int n = 0; n < 50; n++) {
                Signature s = Signature.getInstance("SHA256with" + (i == 0 ? "RSA" : "ECDSA"));
                s.initSign(k); s.update(new byte[n]); kept.add(s.sign());
              }
            }
            kept.add("Authorization: Bearer " + Files.readString(Path.of(a[2])));
            Files.createFile(Path.of(a[3]));
            Thread.sleep(1000000);
          }
        }
        """

    def start(self):
        keys = self.keys("rsa", "p256")
        bearer = opaque("bearer")
        self.secrets.append(bearer)
        source, ready, given = (self.folder / n for n in ("It.java", "ready", "given"))
        source.write_text(textwrap.dedent(self.SOURCE))
        given.write_bytes(bearer.value)
        subprocess.run(["javac", "-d", str(self.folder), str(source)], check=True)
        process = self.run("java", "-Xmx64m", "-XX:+UseSerialGC", "-cp", self.folder, "It",
                           keys[0].key_file, keys[1].key_file, given, ready)
        wait_for(ready.exists, 120, "java")
        self.dump("java", process.pid)


class Go(Program):
    """Its runtime catches every signal that makes a core, interrupts all threads, and dies of a
    signal of its own when told to (GOTRACEBACK)."""
    own_code = handled = True
    needs = ("go",)
    SOURCE = """
        package main
        import ("crypto"; "crypto/ecdsa"; "crypto/ed25519"; "crypto/rand"; "crypto/rsa"; "crypto/sha256"
          "crypto/x509"; "encoding/pem"; "os"; "time")
        var kept []any
        func main() {
          for _, f := range os.Args[2:] {
            text, _ := os.ReadFile(f)
            block, _ := pem.Decode(text)
            k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
            if err != nil { panic(err) }
            h := sha256.Sum256([]byte("x"))
            for i := 0; i < 50; i++ {
              switch p := k.(type) {
              case *rsa.PrivateKey: rsa.SignPKCS1v15(rand.Reader, p, crypto.SHA256, h[:])
              case *ecdsa.PrivateKey: ecdsa.SignASN1(rand.Reader, p, h[:])
              case ed25519.PrivateKey: ed25519.Sign(p, h[:])
              }
            }
            kept = append(kept, k)
          }
          os.WriteFile(os.Args[1], nil, 0600)
          time.Sleep(time.Hour)
        }
        """

    def start(self):
        keys = self.keys("rsa", "p256", "ed25519")
        (self.folder / "it.go").write_text(textwrap.dedent(self.SOURCE))
        env = {**os.environ, "HOME": str(self.folder), "GOFLAGS": "-mod=mod", "GO111MODULE": "off",
               "GOCACHE": "/tmp/chancery-corpus-go", "CGO_ENABLED": "0"}
        subprocess.run(["go", "build", "-o", "it", "it.go"], cwd=self.folder, check=True, env=env)
        ready = self.folder / "ready"
        process = self.run(self.folder / "it", ready, *[k.key_file for k in keys],
                           env={**os.environ, "GOTRACEBACK": "crash"})
        wait_for(ready.exists, STARTS_S, "the Go program")
        self.dump("go", process.pid)


class Postgres(Program):
    """A backend that serves TLS, and psql on the other side."""

    @classmethod
    def missing(cls):
        return [] if cls._bin() else ["postgres"]

    @staticmethod
    def _bin():
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        return found[-1].parent if found else None

    def start(self):
        key, = self.keys("p256")
        secret, second = password("password of the client"), password("CREATE USER … PASSWORD")
        self.secrets += [secret, second]
        user = pwd.getpwnam("postgres")
        data, sockets, port = self.folder / "data", self.folder / "s", free_port()
        for p in (self.folder, key.key_file, key.cert_file):
            os.chown(p, user.pw_uid, user.pw_gid)
        sockets.mkdir(exist_ok=True)
        os.chown(sockets, user.pw_uid, user.pw_gid)
        (self.folder / "pw").write_bytes(secret.value)
        os.chown(self.folder / "pw", user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        subprocess.run([self._bin() / "initdb", "-D", data, "-A", "scram-sha-256", "-U", "app",
                        f"--pwfile={self.folder}/pw"], check=True, stdout=subprocess.DEVNULL,
                       cwd=self.folder, **as_user)
        process = self.run(self._bin() / "postgres", "-D", data, "-p", port, "-k", sockets, "-c",
                           "ssl=on", "-c", f"ssl_key_file={key.key_file}", "-c",
                           f"ssl_cert_file={key.cert_file}", **as_user)
        wait_for(lambda: port_answers(port), STARTS_S, "postgres")
        time.sleep(1)
        client = subprocess.Popen(
            [self._bin() / "psql", "-h", "127.0.0.1", "-p", str(port), "-U", "app", "-d", "postgres"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "PGPASSWORD": secret.value.decode(), "HOME": str(self.folder)})
        self.processes.insert(0, client)
        client.stdin.write(b"CREATE USER two PASSWORD '" + second.value + b"';\n")
        client.stdin.flush()
        backend = wait_for(lambda: [p for p in self.children(process.pid)
                                 if b"app postgres" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes()],
                           STARTS_S, "a backend")[0]
        time.sleep(0.5)
        self.dump("postgres backend", backend)
        self.dump("psql", client.pid)


class Stunnel(Program):
    needs = ("stunnel4",)

    def start(self):
        key, = self.keys("rsa")
        port = free_port()
        (self.folder / "conf").write_text(
            f"foreground = yes\npid =\n[it]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:9\n"
            f"cert = {key.cert_file}\nkey = {key.key_file}\n")
        process = self.run("stunnel4", self.folder / "conf")
        wait_for(lambda: port_answers(port), STARTS_S, "stunnel")
        handshakes(port)
        self.dump("stunnel", process.pid)


class Dovecot(Program):
    """The processes that see a login over TLS: one serves the connection, one knows the
    passwords, one read the key with the configuration."""
    needs = ("dovecot",)

    def start(self):
        key, = self.keys("rsa")
        secret = password("password of the login")
        self.secrets.append(secret)
        port = free_port()
        (self.folder / "users").write_text(
            f"joe:{{PLAIN}}{secret.value.decode()}:65534:65534::{self.folder}/joe\n")
        (self.folder / "conf").write_text(textwrap.dedent(f"""
            base_dir = {self.folder}/run
            state_dir = {self.folder}/state
            log_path = {self.folder}/dovecot.log
            protocols = imap
            listen = 127.0.0.1
            import_environment = $import_environment PR_SET_DUMPABLE=1
            ssl = required
            ssl_cert = <{key.cert_file}
            ssl_key = <{key.key_file}
            default_internal_user = nobody
            default_internal_group = nogroup
            default_login_user = nobody
            first_valid_uid = 0
            first_valid_gid = 0
            mail_location = maildir:{self.folder}/joe
            passdb {{
              driver = passwd-file
              args = {self.folder}/users
            }}
            userdb {{
              driver = passwd-file
              args = {self.folder}/users
            }}
            service imap-login {{
              chroot =
              inet_listener imap {{
                port = 0
              }}
              inet_listener imaps {{
                address = 127.0.0.1
                port = {port}
                ssl = yes
              }}
            }}
            service anvil {{
              chroot =
            }}
            service stats {{
              chroot =
            }}
            """))
        (self.folder / "joe").mkdir()
        os.chown(self.folder / "joe", 65534, 65534)
        process = self.run(shutil.which("dovecot", path="/usr/sbin"), "-F", "-c", self.folder / "conf")
        wait_for(lambda: port_answers(port), STARTS_S, "dovecot")
        self._login(port, secret.value)
        for pid in self.children(process.pid):
            name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
            if name in ("imap-login", "auth"):
                self.dump(f"dovecot {name}", pid)

    def _login(self, port, secret):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.open = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10))
        self.open.recv(500)
        self.open.sendall(b"a LOGIN joe " + secret + b"\r\n")
        said = self.open.recv(2000)
        assert b"a OK" in said, said


class Memcached(Program):
    needs = ("memcached",)
    undumpable = True

    def start(self):
        value = token(Key(self.folder, "issuer", "p256"), "session")
        self.secrets.append(value)
        port = free_port()
        process = self.run("memcached", "-l", "127.0.0.1", "-p", port, "-u", "nobody")
        wait_for(lambda: port_answers(port), STARTS_S, "memcached")
        whole = value.whole
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.sendall(b"set it 0 0 %d\r\n%s\r\n" % (len(whole), whole))
            s.recv(100)
        self.dump("memcached", process.pid)


class Curl(Program):
    """A client that waits for its answer with a password and a bearer token in hand."""
    needs = ("curl",)

    def start(self):
        secret, bearer = password("URL password"), opaque("bearer")
        self.secrets += [secret, bearer]
        listener = socket.create_server(("127.0.0.1", 0))
        config = self.folder / "curlrc"
        config.write_text(f'url = "http://app:{secret.value.decode()}@127.0.0.1:'
                          f'{listener.getsockname()[1]}/"\n'
                          f'header = "Authorization: Bearer {bearer.value.decode()}"\n')
        process = self.run("curl", "-sS", "-K", config)
        self.peer, _ = listener.accept()
        self.peer.recv(4096)
        self.dump("curl", process.pid)


ALL = [Nginx, SshAgent, Python, Node, Redis, SServer, Sshd, Gnutls, Java, Go, Postgres, Stunnel,
       Dovecot, Memcached, Curl]
SMALL = [Nginx, SshAgent, Python, Redis, Curl]
