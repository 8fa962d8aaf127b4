"""More real programs: other libraries of TLS and other ways to keep numbers (60 bits in a word,
terms of Erlang, Montgomery's form), and secrets that are neither keys of TLS nor tokens."""
import base64
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import textwrap
import time

from cryptography.hazmat.primitives import serialization

from chancery import free_port, port_answers, wait_for
from planted import Key, Secret, opaque, password, token
from programs import PATH, STARTS_S, Program, handshakes


def raw_key(name, n=32):
    """Random bytes, which no finder of `full` can tell from others."""
    return Secret(name, "key", os.urandom(n), claimed=False)


class Haproxy(Program):
    """A bundle of PEM, the password of a userlist, and a request that waits for its server."""
    needs = ("haproxy",)

    def start(self):
        rsa, ec = self.keys("rsa", "p256")
        for key in (rsa, ec):
            (self.folder / f"{key.kind}.pem").write_bytes(
                key.cert_file.read_bytes() + key.key_file.read_bytes())
        secret, bearer = password("password of a userlist"), opaque("bearer")
        self.secrets += [secret, bearer]
        port = free_port()
        self.back = socket.create_server(("127.0.0.1", 0))
        (self.folder / "conf").write_text(textwrap.dedent(f"""
            global
              nbthread 2
            defaults
              mode http
              timeout client 1h
              timeout server 1h
              timeout connect 10s
            userlist staff
              user joe insecure-password {secret.value.decode()}
            frontend f
              bind 127.0.0.1:{port} ssl crt {self.folder}/rsa.pem crt {self.folder}/p256.pem
              default_backend b
            backend b
              server s 127.0.0.1:{self.back.getsockname()[1]}
            """))
        process = self.run(shutil.which("haproxy", path=PATH), "-f", self.folder / "conf", "-db")
        wait_for(lambda: port_answers(port), STARTS_S, "haproxy")
        self.open = ask(port, bearer)
        self.asked, _ = self.back.accept()
        self.asked.recv(4096)
        self.dump("haproxy", process.pid)


def client_context():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def ask(port, bearer):
    """A connection with a request that was not answered."""
    raw = socket.create_connection(("127.0.0.1", port), 10)
    it = client_context().wrap_socket(raw, server_hostname="localhost")
    it.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + bearer.value +
               b"\r\n\r\n")
    return it


class Lighttpd(Program):
    """One server, four libraries of TLS: mbedTLS, wolfSSL, NSS, GnuTLS."""
    needs = ("lighttpd", "pk12util", "certutil")

    def start(self):
        for module in ("mbedtls", "wolfssl", "gnutls", "nss"):
            for kind in ("rsa", "p256"):
                self.server(module, kind)

    def server(self, module, kind):
        folder = self.folder / f"{module}-{kind}"
        folder.mkdir()
        key = Key(folder, f"{module}-{kind}", kind)
        self.secrets += key.secrets()
        port = free_port()
        (folder / "pem").write_bytes(key.cert_file.read_bytes() + key.key_file.read_bytes())
        file = f'ssl.pemfile = "{folder}/pem"'
        if module == "nss":
            file = self.nss(folder, key)
        (folder / "conf").write_text(textwrap.dedent(f"""
            server.document-root = "{folder}"
            server.port = {port}
            server.bind = "127.0.0.1"
            server.modules = ("mod_{module}")
            ssl.engine = "enable"
            {file}
            """))
        process = self.run("/usr/sbin/lighttpd", "-D", "-f", folder / "conf")
        wait_for(lambda: port_answers(port), STARTS_S, "lighttpd")
        handshakes(port)
        self.dump(f"lighttpd {module} {kind}", process.pid)

    @staticmethod
    def nss(folder, key):
        def run(*words):
            subprocess.run([str(w) for w in words], check=True, capture_output=True)
        database, p12 = folder / "nss", folder / "p12"
        database.mkdir()
        run("certutil", "-N", "-d", database, "--empty-password")
        run("openssl", "pkcs12", "-export", "-in", key.cert_file, "-inkey", key.key_file, "-name",
            "it", "-passout", "pass:", "-out", p12)
        run("pk12util", "-i", p12, "-d", database, "-W", "")
        return f'ssl.pemfile = "{folder}/pem"'


class Dropbear(Program):
    """libtommath's numbers: 60 bits in each word of 64. It says farewell at SIGSEGV, and exits."""
    needs = ("dropbear", "dropbearkey")
    crash_signal = signal.SIGABRT

    def start(self):
        port, words = free_port(), []
        for kind in ("rsa", "ed25519", "ecdsa"):
            file, pem = self.folder / kind, self.folder / f"{kind}.pem"
            made = Key(self.folder, kind, {"ecdsa": "p256"}.get(kind, kind))
            form = serialization.PrivateFormat.OpenSSH
            pem.write_bytes(made.pem(form))
            pem.chmod(0o600)
            subprocess.run(["dropbearconvert", "openssh", "dropbear", str(pem), str(file)],
                           check=True, capture_output=True)
            self.secrets += made.secrets()
            words += ["-r", file]
        process = self.run(shutil.which("dropbear", path=PATH), "-F", "-E", "-p",
                           f"127.0.0.1:{port}", "-P", self.folder / "pid", *words)
        wait_for(lambda: port_answers(port), STARTS_S, "dropbear")
        self.open = socket.create_connection(("127.0.0.1", port), 10)
        self.open.recv(100)
        self.client = subprocess.Popen(
            ["ssh", "-p", str(port), "-o", "StrictHostKeyChecking=no", "-o",
             "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "x@127.0.0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client.wait()
        self.dump("dropbear listener", process.pid)
        session = wait_for(lambda: self.children(process.pid), STARTS_S, "a session")[0]
        self.dump("dropbear session", session)


class Openvpn(Program):
    """TLS, and a key of 2,048 bits that all its clients have."""
    needs = ("openvpn",)

    def start(self):
        key, = self.keys("rsa")
        secret = raw_key("tls-crypt key", 256)
        lines = [secret.value[i:i + 16].hex() for i in range(0, 256, 16)]
        (self.folder / "static").write_text(
            "-----BEGIN OpenVPN Static key V1-----\n" + "\n".join(lines) +
            "\n-----END OpenVPN Static key V1-----\n")
        # of the server's and the client's halves it keeps 32 of each 64 bytes
        self.secrets += [Secret(f"tls-crypt key {i}", "key", secret.value[64 * i:64 * i + 32],
                                claimed=i % 2 == 0)  # of AES, by its schedule; of an HMAC
                         for i in range(4)]
        port = free_port()
        words = ["--dev", "null", "--proto", "udp", "--ca", key.cert_file, "--cert", key.cert_file,
                 "--key", key.key_file, "--tls-crypt", self.folder / "static", "--verb", "3",
                 "--cipher", "AES-256-GCM", "--data-ciphers", "AES-256-GCM"]
        log = self.folder / "log"
        process = self.run("/usr/sbin/openvpn", "--tls-server", "--dh", "none", "--lport", port,
                           *words)
        self.run("/usr/sbin/openvpn", "--tls-client", "--remote", "127.0.0.1", port, "--nobind",
                 *words)
        wait_for(lambda: b"Initialization Sequence Completed" in log.read_bytes(), STARTS_S,
                 "openvpn")
        self.dump("openvpn", process.pid)


def transferred(port, text):
    """Whether a name server that has begun to answer gave its zone to who has the key of TSIG."""
    return subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "-y",
                           f"hmac-sha256:transfer:{text}", "example.test", "AXFR"],
                          check=False, capture_output=True).returncode == 0


class Named(Program):
    """A zone signed by a key of its own, TSIG and the control channel's secret."""
    needs = ("named", "dnssec-keygen")

    def start(self):
        tsig = raw_key("TSIG secret")
        text = base64.b64encode(tsig.value).decode()
        self.secrets.append(tsig)
        port = free_port()
        said = subprocess.run(["dnssec-keygen", "-K", self.folder, "-a", "ECDSAP256SHA256", "-f",
                               "KSK", "example.test"], check=True, capture_output=True, text=True)
        subprocess.run(["dnssec-keygen", "-K", self.folder, "-a", "RSASHA256", "-b", "2048",
                        "rsa.test"], check=True, capture_output=True)
        for file in self.folder.glob("K*.private"):
            for line in file.read_text().splitlines():
                name, _, value = line.partition(": ")
                if name in ("PrivateKey", "PrivateExponent", "Prime1", "Prime2", "Exponent1",
                            "Exponent2", "Coefficient"):
                    number = int.from_bytes(base64.b64decode(value), "big")
                    size = (number.bit_length() + 7) // 8
                    self.secrets.append(Secret(f"{file.name[:10]} {name}", "key",
                                               number.to_bytes(size, "big"), True))
        assert said.stdout
        for zone in ("example.test", "rsa.test"):
            (self.folder / zone).write_text(
                f"$TTL 60\n@ SOA ns.{zone}. a.{zone}. 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n")
        (self.folder / "conf").write_text(textwrap.dedent(f"""
            key "transfer" {{ algorithm hmac-sha256; secret "{text}"; }};
            controls {{ }};
            options {{ directory "{self.folder}"; listen-on port {port} {{ 127.0.0.1; }};
              listen-on-v6 {{ none; }}; pid-file "{self.folder}/pid"; recursion no;
              session-keyfile "{self.folder}/session";
              key-directory "{self.folder}"; dnssec-validation no;
              allow-transfer {{ key transfer; }}; }};
            dnssec-policy it {{ keys {{ ksk lifetime unlimited algorithm ecdsap256sha256;
              zsk lifetime unlimited algorithm ecdsap256sha256; }}; }};
            zone "example.test" {{ type primary; file "example.test"; dnssec-policy it;
              inline-signing yes; }};
            zone "rsa.test" {{ type primary; file "rsa.test"; auto-dnssec maintain;
              inline-signing yes; }};
            """))
        process = self.run("/usr/sbin/named", "-g", "-c", self.folder / "conf", "-n", "2")
        wait_for(lambda: b"running" in (self.folder / "log").read_bytes(), STARTS_S, "named")
        wait_for(lambda: transferred(port, text), STARTS_S, "a transfer of named's zone")
        time.sleep(1)
        self.dump("named", process.pid)


class Knot(Program):
    """GnuTLS's keys in LMDB, mapped, and TSIG."""
    needs = ("knotd", "keymgr")

    def start(self):
        tsig = raw_key("TSIG secret")
        self.secrets.append(tsig)
        port = free_port()
        key, = self.keys("p256")
        zone = self.folder / "example.test.zone"
        zone.write_text("$ORIGIN example.test.\n@ 60 SOA ns a 1 60 60 60 60\n@ 60 NS ns\n"
                        "ns 60 A 127.0.0.1\n")
        conf = self.folder / "conf"
        conf.write_text(textwrap.dedent(f"""
            server:
                rundir: "{self.folder}"
                listen: 127.0.0.1@{port}
            database:
                storage: "{self.folder}"
            key:
              - id: transfer
                algorithm: hmac-sha256
                secret: {base64.b64encode(tsig.value).decode()}
            acl:
              - id: transfer
                key: transfer
                action: transfer
            policy:
              - id: it
                algorithm: ecdsap256sha256
                manual: on
                single-type-signing: on
            template:
              - id: default
                storage: "{self.folder}"
                file: "%s.zone"
            zone:
              - domain: example.test
                dnssec-signing: on
                dnssec-policy: it
                acl: transfer
            """))
        subprocess.run([shutil.which("keymgr", path=PATH), "-c", conf, "example.test",
                        "import-pem", key.key_file, "algorithm=13", "ksk=yes"], check=True,
                       capture_output=True)
        process = self.run("/usr/sbin/knotd", "-c", conf)
        wait_for(lambda: port_answers(port), STARTS_S, "knotd")
        text = base64.b64encode(tsig.value).decode()
        wait_for(lambda: transferred(port, text), STARTS_S, "a transfer of knotd's zone")
        time.sleep(1)
        self.dump("knotd", process.pid)


class Mosquitto(Program):
    """A broker with TLS, and a client with a password."""
    needs = ("mosquitto", "mosquitto_sub")

    def start(self):
        key, = self.keys("p256")
        secret = password("password of a client")
        self.secrets.append(secret)
        port = free_port()
        (self.folder / "conf").write_text(
            f"listener {port} 127.0.0.1\ncertfile {key.cert_file}\nkeyfile {key.key_file}\n"
            "user root\nallow_anonymous true\n")
        process = self.run("/usr/sbin/mosquitto", "-c", self.folder / "conf")
        wait_for(lambda: port_answers(port), STARTS_S, "mosquitto")
        client = self.run("mosquitto_sub", "-h", "127.0.0.1", "-p", port, "--cafile",
                          key.cert_file, "--insecure", "-u", "joe", "-P", secret.value.decode(),
                          "-t", "x")
        time.sleep(1)
        self.dump("mosquitto_sub", client.pid)  # first: it ends when its broker crashes
        self.dump("mosquitto", process.pid)


class Script(Program):
    """A program in a language, that reads what it is given and says when it is ready."""
    LANGUAGE, NAME, SOURCE = (), "", ""
    KINDS = ("rsa", "p256")
    # its opaque token stands behind `Bearer`, its point of P-256 in DER
    CLAIMED = True

    def start(self):
        keys = self.keys(*self.KINDS)
        secret, bearer = password("password"), opaque("bearer")
        for one in (bearer, *[s for s in self.secrets if s.name == "p256-1 d"]):
            one.claimed = self.CLAIMED
        jwt = token(keys[1], "JWT")
        self.secrets += [secret, bearer, jwt]
        given, ready, source = (self.folder / n for n in ("given", "ready", self.NAME))
        given.write_text(json.dumps({"keys": [str(k.key_file) for k in keys],
                                     "certs": [str(k.cert_file) for k in keys],
                                     "password": secret.value.decode(),
                                     "jwt": jwt.whole.decode(),
                                     "opaque": bearer.value.decode()}))
        source.write_text(textwrap.dedent(self.SOURCE))
        process = self.run(*self.LANGUAGE, source, given, ready)
        wait_for(ready.exists, STARTS_S, self.NAME)
        self.dump(type(self).__name__.lower(), process.pid)


class Php(Script):
    LANGUAGE, NAME, needs = ("php",), "it.php", ("php",)
    SOURCE = """<?php
        $given = json_decode(file_get_contents($argv[1]), true);
        $kept = [];
        foreach ($given["keys"] as $f) {
          $k = openssl_pkey_get_private(file_get_contents($f));
          openssl_sign("x", $s, $k, OPENSSL_ALGO_SHA256);
          $kept[] = [$k, openssl_pkey_get_details($k), $s];
        }
        $dsn = "mysql://app:" . $given["password"] . "@db/app";
        $context = stream_context_create(["http" => ["header" =>
          "Authorization: Bearer " . $given["opaque"] . "\\r\\nCookie: PHPSESSID=x"]]);
        $parts = explode(".", $given["jwt"]);
        touch($argv[2]);
        sleep(10000);
        """


class Ruby(Script):
    LANGUAGE, NAME, needs = ("ruby",), "it.rb", ("ruby",)
    crash_signal = signal.SIGABRT  # at SIGSEGV it writes a report first
    SOURCE = """
        require "json"; require "openssl"; require "base64"; require "net/http"
        given = JSON.parse(File.read(ARGV[0]))
        $keys = given["keys"].map { |f| OpenSSL::PKey.read(File.read(f)) }
        $keys.each { |k| k.sign("SHA256", "x") }
        $d = $keys[1].private_key.to_i
        $numbers = [$keys[0].d.to_i, $keys[0].p.to_i, $d]
        $request = Net::HTTP::Get.new("/")
        $request.basic_auth("app", given["password"])
        $other = Net::HTTP::Get.new("/")
        $other["Authorization"] = "Bearer " + given["opaque"]
        $parts = given["jwt"].split(".")
        File.write(ARGV[1], "")
        sleep
        """


class Perl(Script):
    """IO::Socket::SSL and numbers of Math::BigInt."""
    LANGUAGE, NAME, needs = ("perl",), "it.pl", ("perl",)
    SOURCE = r"""
        use JSON::PP; use IO::Socket::SSL; use Math::BigInt; use MIME::Base64;
        open(my $f, "<", $ARGV[0]); my $given = decode_json(join("", <$f>));
        our @kept;
        for my $i (0, 1) {
          push @kept, IO::Socket::SSL->new(Listen => 1, LocalAddr => "127.0.0.1",
            SSL_key_file => $given->{keys}[$i], SSL_cert_file => $given->{certs}[$i]) or die;
        }
        our $basic = "Authorization: Basic " . encode_base64("app:" . $given->{password}, "");
        our $bearer = "Authorization: Bearer " . $given->{opaque};
        our @parts = split(/\./, $given->{jwt});
        open(my $g, ">", $ARGV[1]); close($g);
        sleep 10000;
        """


class Erlang(Script):
    """Numbers are terms: limbs of 64 bits behind a header. Lines of a PEM text are terms, too, and
    what was around them is overwritten now and then."""
    LANGUAGE, NAME, needs = ("escript",), "it.erl", ("escript",)
    own_code = True
    CLAIMED = False  # both may be terms of their own, and what they were read from gone
    SOURCE = r"""#!/usr/bin/env escript
        %%! -noinput
        main([Given, Ready]) ->
          {ok, Text} = file:read_file(Given),
          Files = files(Text, <<"\"keys\": [">>),
          Keys = [decode(F) || F <- Files],
          [public_key:sign(<<"x">>, sha256, K) || K <- Keys],
          put(keys, Keys),
          put(bearer, [<<"Authorization: Bearer ">>, value(Text, <<"\"opaque\": \"">>)]),
          file:write_file(Ready, <<>>),
          timer:sleep(infinity).
        value(Text, Name) ->
          [_, Rest] = binary:split(Text, Name),
          [Value | _] = binary:split(Rest, <<"\"">>),
          Value.
        files(Text, Name) ->
          [_, Rest] = binary:split(Text, Name),
          [List | _] = binary:split(Rest, <<"]">>),
          [F || F <- binary:split(List, [<<"\"">>, <<", ">>], [global, trim_all])].
        decode(File) ->
          {ok, Pem} = file:read_file(File),
          [Entry | _] = public_key:pem_decode(Pem),
          public_key:pem_entry_decode(Entry).
        """


class GoTls(Program):
    """A server of Go's own TLS, used; cookies with an HMAC, numbers as big.Int."""
    own_code = handled = True
    needs = ("go",)
    SOURCE = """
        package main
        import ("crypto/ecdsa"; "crypto/hmac"; "crypto/rsa"; "crypto/sha256"; "crypto/tls"; "math/big"
          "net/http"; "os"; "io"; "fmt")
        var kept []any
        func main() {
          var certs []tls.Certificate
          for _, k := range []string{"rsa-0", "p256-1"} {
            c, err := tls.LoadX509KeyPair(os.Args[1] + "/" + k + ".crt", os.Args[1] + "/" + k + ".key")
            if err != nil { panic(err) }
            certs = append(certs, c)
            switch p := c.PrivateKey.(type) {
            case *rsa.PrivateKey: kept = append(kept, new(big.Int).Set(p.Primes[0]), p.D.String())
            case *ecdsa.PrivateKey: kept = append(kept, new(big.Int).Set(p.D), fmt.Sprintf("%x", p.D))
            }
          }
          secret, _ := os.ReadFile(os.Args[1] + "/hmac")
          mac := hmac.New(sha256.New, secret)
          io.WriteString(mac, "x")
          kept = append(kept, mac.Sum(nil), mac)
          http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
            kept = append(kept, r, r.Header.Get("Authorization")); io.WriteString(w, "yes") })
          l, err := tls.Listen("tcp", "127.0.0.1:" + os.Args[2], &tls.Config{Certificates: certs})
          if err != nil { panic(err) }
          http.Serve(l, nil)
        }
        """

    def start(self):
        self.keys("rsa", "p256")
        secret, bearer = raw_key("HMAC key"), opaque("bearer")
        self.secrets += [secret, bearer]
        (self.folder / "hmac").write_bytes(secret.value)
        (self.folder / "it.go").write_text(textwrap.dedent(self.SOURCE))
        env = {**os.environ, "HOME": str(self.folder), "GOFLAGS": "-mod=mod", "GO111MODULE": "off",
               "GOCACHE": "/tmp/chancery-corpus-go", "CGO_ENABLED": "0"}
        subprocess.run(["go", "build", "-o", "it", "it.go"], cwd=self.folder, check=True, env=env)
        port = free_port()
        process = self.run(self.folder / "it", self.folder, port,
                           env={**os.environ, "GOTRACEBACK": "crash"})
        wait_for(lambda: port_answers(port), STARTS_S, "the server in Go")
        handshakes(port)
        self.open = ask(port, bearer)
        self.open.recv(100)
        self.dump("go tls", process.pid)


class Slapd(Program):
    """rootpw, and the password of a bind."""
    needs = ("slapd", "ldapsearch")

    def start(self):
        key, = self.keys("p256")
        secret = password("rootpw")
        self.secrets.append(secret)
        port = free_port()
        (self.folder / "db").mkdir()
        (self.folder / "conf").write_text(
            "include /etc/ldap/schema/core.schema\nmoduleload back_mdb\n"
            f"modulepath /usr/lib/ldap\nTLSCertificateFile {key.cert_file}\n"
            f"TLSCertificateKeyFile {key.key_file}\ndatabase mdb\nmaxsize 1048576\n"
            f"suffix dc=x\nrootdn cn=a,dc=x\nrootpw {secret.value.decode()}\n"
            f"directory {self.folder}/db\n")
        process = self.run("/usr/sbin/slapd", "-d", "0", "-f", self.folder / "conf", "-h",
                           f"ldaps://127.0.0.1:{port}")
        wait_for(lambda: port_answers(port), STARTS_S, "slapd")
        subprocess.run(["ldapsearch", "-x", "-H", f"ldaps://127.0.0.1:{port}", "-D", "cn=a,dc=x",
                        "-w", secret.value.decode(), "-b", "dc=x"], check=False,
                       capture_output=True, env={**os.environ, "LDAPTLS_REQCERT": "never"})
        self.dump("slapd", process.pid)


class GitCache(Program):
    """git's own cache of credentials, which lives long."""
    needs = ("git",)

    def start(self):
        secret = opaque("password of a forge")
        self.secrets.append(secret)
        path = self.folder / "cache" / "socket"
        path.parent.mkdir(mode=0o700)
        process = self.run("git", "credential-cache--daemon", path)
        wait_for(path.exists, STARTS_S, "git's cache")
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            s.sendall(b"action=store\ntimeout=3600\nprotocol=https\nhost=git.example\n"
                      b"username=joe\npassword=" + secret.value + b"\n")
            s.shutdown(socket.SHUT_WR)
            s.recv(10)
        pid = self.children(process.pid) or [process.pid]
        self.dump("git credential-cache", pid[0])


class Mutt(Program):
    """Passwords of its configuration, while a server does not answer."""
    needs = ("mutt",)

    def start(self):
        secret, second = password("imap_pass"), password("smtp_pass")
        self.secrets += [secret, second]
        self.listener = socket.create_server(("127.0.0.1", 0))
        (self.folder / "rc").write_text(
            f'set imap_user=joe\nset imap_pass="{secret.value.decode()}"\n'
            f"set smtp_pass={second.value.decode()}\nset ssl_starttls=no ssl_force_tls=no\n"
            f"set folder=imap://127.0.0.1:{self.listener.getsockname()[1]}/\n"
            f"set spoolfile=imap://127.0.0.1:{self.listener.getsockname()[1]}/INBOX\n")
        process = self.run("script", "-qfc", f"mutt -n -F {self.folder}/rc", "/dev/null",
                           env={**os.environ, "TERM": "xterm", "HOME": str(self.folder)})
        self.peer, _ = self.listener.accept()
        self.peer.sendall(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n")
        self.peer.recv(100)
        shell = self.children(process.pid)[0]
        pid = (self.children(shell) or [shell])[0]
        self.dump("mutt", pid)


class Wpa(Program):
    """hostapd without a radio cannot run: wpa_supplicant with a wired network does."""
    needs = ("wpa_supplicant",)

    def start(self):
        key, = self.keys("rsa")
        secret, psk = password("password of EAP"), raw_key("psk")
        self.secrets += [secret, psk]
        (self.folder / "conf").write_text(
            "ap_scan=0\nnetwork={\nkey_mgmt=IEEE8021X\neap=PEAP\nidentity=\"joe\"\n"
            f"password=\"{secret.value.decode()}\"\nprivate_key=\"{key.key_file}\"\n}}\n"
            f"network={{\nssid=\"x\"\npsk={psk.value.hex()}\n}}\n")
        process = self.run("/usr/sbin/wpa_supplicant", "-D", "wired", "-i", "lo", "-c",
                           self.folder / "conf")
        time.sleep(2)
        self.dump("wpa_supplicant", process.pid)


class Chrony(Program):
    needs = ("chronyd",)

    def start(self):
        key = raw_key("key of NTP")
        self.secrets.append(key)
        keys = self.folder / "keys"
        keys.write_text(f"1 SHA256 HEX:{key.value.hex().upper()}\n")
        keys.chmod(0o600)
        (self.folder / "conf").write_text(
            f"port 0\ncmdport 0\nbindcmdaddress /\nkeyfile {keys}\nserver 127.0.0.1 key 1 iburst\n"
            f"pidfile {self.folder}/pid\n")
        process = self.run("/usr/sbin/chronyd", "-x", "-d", "-u", "root", "-f",
                           self.folder / "conf")
        time.sleep(2)
        self.dump("chronyd", process.pid)


class Sqlcipher(Program):
    needs = ("sqlcipher",)

    def start(self):
        secret, key = password("passphrase of a database"), raw_key("raw key")
        self.secrets += [secret, key]
        process = subprocess.Popen(["sqlcipher", str(self.folder / "db")], stdin=subprocess.PIPE,
                                   stdout=open(self.folder / "log", "wb"))
        self.processes.append(process)
        process.stdin.write(f"PRAGMA key = '{secret.value.decode()}';\n"
                            "CREATE TABLE t(a); INSERT INTO t VALUES(1);\n"
                            f"ATTACH '{self.folder}/two' AS two KEY \"x'{key.value.hex()}'\";\n"
                            "CREATE TABLE two.t(a); INSERT INTO two.t VALUES(1);\n"
                            "SELECT 'ready';\n".encode())
        process.stdin.flush()
        wait_for(lambda: b"ready" in (self.folder / "log").read_bytes(), STARTS_S, "sqlcipher")
        self.dump("sqlcipher", process.pid)


class Shadowsocks(Program):
    """mbedTLS and libsodium, a password."""
    needs = ("ss-server",)

    def start(self):
        secret = password("password")
        self.secrets.append(secret)
        port = free_port()
        (self.folder / "conf").write_text(json.dumps({
            "server": "127.0.0.1", "server_port": port, "password": secret.value.decode(),
            "method": "aes-256-gcm"}))
        process = self.run("ss-server", "-c", self.folder / "conf")
        wait_for(lambda: port_answers(port), STARTS_S, "ss-server")
        self.dump("ss-server", process.pid)


ALL = [Haproxy, Lighttpd, Dropbear, Openvpn, Named, Knot, Mosquitto, Php, Ruby, Perl, Erlang, GoTls,
       Slapd, GitCache, Mutt, Wpa, Chrony, Sqlcipher, Shadowsocks]
