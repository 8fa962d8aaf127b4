"""The authority as a whole: what `serve --dev` promises, what survives, what is refused."""
import base64
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import pytest
from chancery import PROGRAM, Authority, free_port, wait_for
from dumps import usual_place


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-serve-"))
    path.chmod(0o755)
    yield path / "authority"
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def running():
    path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-serve-"))
    path.chmod(0o755)
    a = Authority(path / "authority")
    yield a
    a.stop()
    shutil.rmtree(path, ignore_errors=True)


def run(*args, stdin=None, **more):
    return subprocess.run([PROGRAM, *map(str, args)], input=stdin, capture_output=True, timeout=120,
                          **more)


def ask_token(dev, realm="home", client="bench", secret="bench-secret", seconds=10):
    """(status, JSON) of a client_credentials request."""
    basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
    request = urllib.request.Request(
        dev["realms"][realm]["token_endpoint"],
        urllib.parse.urlencode({"grant_type": "client_credentials"}).encode(),
        {"Authorization": "Basic " + basic})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read() or b"{}")


def header_of(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))


def jwks(dev, realm):
    with urllib.request.urlopen(dev["realms"][realm]["jwks_uri"], timeout=120) as answer:
        return json.load(answer)["keys"]


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_dev_json_says_where_everything_is(running):
    dev = running.read_dev()
    assert stat.S_IMODE((running.dir / "dev.json").stat().st_mode) == 0o600
    assert dev["base"].startswith("http://localhost:")
    for realm in ("home", "corp"):
        at = dev["realms"][realm]
        assert at["issuer"].endswith("/" + realm)
        assert at["token_endpoint"] == at["issuer"] + "/token"
        assert at["authorization_endpoint"].startswith(at["issuer"])
    staff = dev["realms"]["staff"]
    assert staff["token_endpoint"] is None and staff["authorization_endpoint"] is None
    assert [a["name"] for a in dev["audiences"]][:1] == ["mail"]
    assert {(u["realm"], u["username"], u["mailbox"]) for u in dev["users"]} == {
        ("home", "alice@home.test", "alice@home.test"),
        ("home", "bob@home.test", "bob@home.test"),
        ("corp", "carol@corp.test", "carol@corp.test")}
    assert all(len(u["password"]) >= 16 and u["sub"] for u in dev["users"])
    clients = {(c["realm"], c["client_id"]): c for c in dev["clients"]}
    assert clients["home", "bench"]["client_secret"] == "bench-secret"
    assert clients["home", "demo"]["redirect_uris"] == ["http://127.0.0.1/callback"]
    assert ("corp", "demo") in clients
    assert dev["gate"]["introspection_endpoint"].startswith("http://127.0.0.1:")
    assert pathlib.Path(dev["gate"]["policy"]).exists()
    for role in ("supervisor", "warden", "signer", "issuer", "hasher", "gate"):
        assert dev["pids"][role] and all(alive(p) for p in dev["pids"][role]), role


def test_process_names_and_uids(running):
    pids, uids = running.read_dev()["pids"], {}
    for role in ("warden", "signer", "issuer", "hasher", "gate"):
        for pid in pids[role]:
            at = pathlib.Path(f"/proc/{pid}")
            assert (at / "comm").read_text().strip() == f"chancery-{role}"[:15]
            uids.setdefault(role, set()).add((at / "status").stat().st_uid)
            status = dict(line.split(":\t", 1) for line in
                          (at / "status").read_text().splitlines() if ":\t" in line)
            assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", role
            if os.geteuid() == 0:
                real = status["Uid"].split()
                assert len(set(real)) == 1 and real[0] != "0", role
                uids[role].add(int(real[0]))
                wanted = "0000000000080000" if role == "warden" else "0000000000000000"
                assert status["CapEff"] == wanted and status["CapBnd"] == wanted, role
    if os.geteuid() == 0:
        groups = [frozenset(u - {0}) for u in uids.values()]
        assert len(set(groups)) == len(groups), "two roles share a uid"


def test_each_realm_signs_with_its_own_key(running):
    status, answer = ask_token(running.dev)
    assert status == 200
    kids = {r: {k["kid"] for k in jwks(running.dev, r)} for r in ("home", "corp", "staff")}
    assert header_of(answer["access_token"])["kid"] in kids["home"]
    assert not (kids["home"] & kids["corp"]) and not (kids["home"] & kids["staff"])


ROLES = ("signer", "issuer", "hasher", "gate", "warden")


def settled(authority):
    """The pids, once every role lives."""
    def all_there():
        pids = authority.read_dev()["pids"]
        return all(pids.get(r) and all(map(alive, pids[r])) for r in ROLES) and pids

    return wait_for(all_there, 20, "every role")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_dies_is_started_again(running, role):
    before = settled(running)[role]
    os.kill(before[0], signal.SIGKILL)
    after = wait_for(lambda: [p for p in running.read_dev()["pids"].get(role, [])
                              if p not in before and alive(p)], 20, f"a new {role}")
    assert after
    wait_for(lambda: ask_token(running.dev)[0] == 200, 20, "a token after the death")
    endpoint = running.dev["gate"]["introspection_endpoint"]

    def gate_answers():
        try:
            urllib.request.urlopen(endpoint, b"token=x", timeout=120)
        except urllib.error.HTTPError as e:
            return e.code == 401
        except OSError:
            return False
        return True

    wait_for(gate_answers, 20, "the gate after the death")


def test_a_crash_leaves_a_report_and_no_core(running):
    pid = settled(running)["signer"][0]
    before = set((running.dir / "crash").iterdir())
    with usual_place():
        os.kill(pid, signal.SIGSEGV)
        new = wait_for(lambda: set((running.dir / "crash").iterdir()) - before, 20, "a report")
        text = wait_for(lambda: new.copy().pop().read_text(), 5, "the report's text")
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert lines["signal"] == "SEGV" and lines["pid"] == str(pid)
    assert set(lines) <= {"program", "build", "group", "pid", "time", "signal", "where",
                          "module build id", "step", "request", "batches", "signed", "refused"}
    name, offset = lines["where"].split("+")
    assert name.startswith(("libc", "libcrypto", "chancery-signer", "libsodium", "ld-linux", "vdso",
                            "linux-vdso", "outside", "unnamed")) and int(offset, 16) > 0
    wait_for(lambda: ask_token(running.dev)[0] == 200, 20, "a token after the crash")


def test_a_signer_that_hangs_is_replaced(running):
    before = settled(running)["signer"]
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    assert ask_token(running.dev, seconds=30)[0] in (200, 503)
    wait_for(lambda: ask_token(running.dev, seconds=30)[0] == 200, 40, "a token from a new signer")
    for pid in before:
        if alive(pid):
            os.kill(pid, signal.SIGCONT)


def test_sigterm_stops_everything(folder):
    a = Authority(folder)
    pids = [p for role in a.read_dev()["pids"].values() for p in role]
    assert len(pids) >= 8
    assert a.stop() == 0
    wait_for(lambda: not any(alive(p) for p in pids), 10, "the end of all roles")


def test_sighup_is_no_reload_of_a_throw_away(folder):
    """Who edits its chancery.yaml is told how that takes effect; and then it does."""
    a = Authority(folder)
    config = folder / "chancery.yaml"
    assert "\n  public: true\n" in config.read_text()
    config.write_text(config.read_text().replace("\n  public: true\n", "\n  public: false\n"))
    a.process.send_signal(signal.SIGHUP)
    assert a.process.wait(60) == 0
    assert "never reads chancery.yaml again" in a.log_text() and "log.public" in a.log_text()
    a.stop()


def test_roles_do_not_outlive_a_killed_parent(folder):
    a = Authority(folder)
    pids = [p for role in a.read_dev()["pids"].values() for p in role]
    a.process.kill()
    a.process.wait()
    wait_for(lambda: not any(alive(p) for p in pids), 15, "the end of all roles")
    a.stop()


def test_an_installed_tree_runs_wherever_it_is(tmp_path, folder):
    tmp_path.chmod(0o755)
    prefix = tmp_path / "usr"
    (prefix / "bin").mkdir(parents=True)
    built = pathlib.Path(PROGRAM)
    shutil.copy(built, prefix / "bin")
    roles = prefix / "libexec" / "chancery"
    roles.mkdir(parents=True)
    for role in (built.parent / "libexec" / "chancery").iterdir():
        if role.is_file() and os.access(role, os.X_OK):
            shutil.copy(role, roles)
    process = subprocess.Popen([prefix / "bin" / "chancery", "serve", "--dev", "--port", "0", folder],
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("ready ")
    pid = json.loads((folder / "dev.json").read_text())["pids"]["signer"][0]
    if os.geteuid() == 0:
        assert os.readlink(f"/proc/{pid}/exe") == str(roles / "signer")
    process.terminate()
    assert process.wait(120) == 0


def test_the_same_folder_serves_again(folder):
    first = Authority(folder)
    kid = jwks(first.dev, "home")[0]["kid"]
    first.stop()
    again = Authority(folder)
    assert jwks(again.dev, "home")[0]["kid"] != kid, "throw-away keys are thrown away"
    assert ask_token(again.dev)[0] == 200
    again.stop()


def test_dev_refuses_other_addresses_and_production(folder):
    for address in ("0.0.0.0", "192.0.2.1", "::", "localhost"):
        r = run("serve", "--dev", "--listen", address, folder)
        assert r.returncode == 2 and b"loopback" in r.stderr, address
    assert run("init", folder).returncode == 0
    before = sorted(p.relative_to(folder) for p in folder.rglob("*"))
    r = run("serve", "--dev", "--port", "0", folder)
    assert r.returncode == 1 and b"production" in r.stderr
    assert sorted(p.relative_to(folder) for p in folder.rglob("*")) == before


def test_dev_leaves_a_running_one_alone(running):
    before = running.read_dev()
    r = run("serve", "--dev", "--port", "0", running.dir)
    assert r.returncode == 1 and b"runs in this folder" in r.stderr, r.stderr
    assert running.read_dev() == before and ask_token(before)[0] == 200


def test_a_taken_port_is_named(running, folder):
    port = urllib.parse.urlsplit(running.dev["base"]).port
    r = run("serve", "--dev", "--port", port, folder)
    assert r.returncode == 3 and b"127.0.0.1:%d" % port in r.stderr


@pytest.mark.parametrize("args, word", [
    ([], "folder"), (["a", "b"], "folder"), (["--dev"], "folder"), (["--mail", "a"], "--dev"),
    (["--dev", "--port", "x", "a"], "--port"), (["--dev", "--port", "65535", "a"], "--port"),
    (["--dev", "--no-keys", "nowhere", "a"], "nowhere")])
def test_serve_called_wrongly(tmp_path, args, word):
    r = run("serve", *args, cwd=tmp_path)
    assert r.returncode == 2 and word in r.stderr.decode().split("\n")[0], r.stderr
    assert not any(tmp_path.iterdir())


class TestKeys:
    """`chancery key` on a running authority."""

    @pytest.fixture(scope="class")
    def keyless(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-keys-"))
        path.chmod(0o755)
        a = Authority(path / "authority", "--no-keys", "home")
        yield a
        a.stop()
        shutil.rmtree(path, ignore_errors=True)

    @staticmethod
    def pem(kind):
        made = {"ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                "EdDSA": ["-algorithm", "ED25519"], "P-384": ["-algorithm", "EC", "-pkeyopt",
                                                             "ec_paramgen_curve:P-384"]}[kind]
        return subprocess.run(["openssl", "genpkey", *made], capture_output=True, check=True).stdout

    def test_the_first_import_signs_at_once_and_the_next_is_staged(self, keyless):
        with pytest.raises(urllib.error.HTTPError) as no_set:
            jwks(keyless.dev, "home")
        assert no_set.value.code == 503, "nobody is given an empty set"
        status, answer = ask_token(keyless.dev)
        assert status == 503 and "access_token" not in answer
        pem = self.pem("EdDSA")
        r = run("key", "import", "-C", keyless.dir, "--realm", "home", "-", stdin=pem)
        assert r.returncode == 0 and r.stdout.split()[1] == b"signing", r.stderr
        first = r.stdout.split()[0].decode()
        status, answer = ask_token(keyless.dev)
        assert status == 200 and header_of(answer["access_token"]) == {
            "typ": "at+jwt", "alg": "EdDSA", "kid": first}
        r = run("key", "import", "-C", keyless.dir, "--realm", "home", "-", stdin=pem)
        assert r.returncode == 1 and b"already" in r.stderr
        r = run("key", "import", "-C", keyless.dir, "--realm", "home", "-", stdin=self.pem("ES256"))
        assert r.returncode == 0 and r.stdout.split()[1] == b"staged"
        assert {k["kid"] for k in jwks(keyless.dev, "home")} == {first, r.stdout.split()[0].decode()}
        assert header_of(ask_token(keyless.dev)[1]["access_token"])["kid"] == first
        listed = json.loads(run("key", "list", "-C", keyless.dir, "--realm", "home",
                                "--json").stdout)
        assert {(k["state"], k["alg"], k["imported"]) for k in listed} == {
            ("signing", "EdDSA", True), ("staged", "ES256", True)}

    @pytest.mark.parametrize("what", ["P-384", "junk", "empty", "public", "cut"])
    def test_what_is_no_such_key_is_refused(self, keyless, what):
        before = sorted(p.name for p in (keyless.dir / "keys" / "corp").iterdir())
        good = self.pem("ES256")
        pem = {"junk": b"junk\n", "empty": b"", "cut": good[:-40],
               "public": subprocess.run(["openssl", "pkey", "-pubout"], input=good,
                                        capture_output=True, check=True).stdout}.get(what)
        pem = self.pem("P-384") if pem is None else pem
        r = run("key", "import", "-C", keyless.dir, "--realm", "corp", "-", stdin=pem)
        assert r.returncode == 1 and r.stderr and not r.stdout
        assert sorted(p.name for p in (keyless.dir / "keys" / "corp").iterdir()) == before

    def test_a_key_as_an_argument_is_not_repeated(self, keyless):
        pem = self.pem("EdDSA").decode()
        r = run("key", "import", "-C", keyless.dir, "--realm", "corp", pem)
        assert r.returncode == 2 and pem.split()[3].encode() not in r.stderr
        body = pem.splitlines()[1]
        r = run("key", "import", "-C", keyless.dir, "--realm", "corp", body)
        assert r.returncode == 3 and body.encode() not in r.stderr

    def test_there_is_no_export(self, keyless):
        assert run("key", "export", "-C", keyless.dir, "--realm", "home").returncode == 2
        listed = run("key", "list", "-C", keyless.dir, "--json").stdout
        assert b'"d"' not in listed

    def test_unknown_realm_and_bad_calls(self, keyless):
        assert run("key", "add", "-C", keyless.dir, "--realm", "nowhere").returncode == 2
        assert run("key", "add", "-C", keyless.dir).returncode == 2
        assert run("key", "import", "-C", keyless.dir, "--realm", "home", "--alg", "HS256",
                   "-").returncode == 2
        assert run("key", "list", "-C", "/nonexistent").returncode == 3


@pytest.mark.root_only
class TestProduction:
    """`init`, then `serve` without --dev."""

    def start(self, folder):
        log = open(f"{folder}.log", "wb+")
        process = subprocess.Popen([PROGRAM, "serve", str(folder)], stdout=log, stderr=log)
        return process, log

    def ports(self, folder):
        """The folder's configuration on two free ports; the first of them."""
        first = free_port(2)
        text = (folder / "chancery.yaml").read_text()
        text = text.replace("8080", str(first)).replace("8081", str(first + 1))
        (folder / "chancery.yaml").write_text(text)
        return first

    def test_a_production_authority_runs(self, folder):
        r = run("init", folder)
        assert r.returncode == 0, r.stderr
        assert run("init", folder).returncode == 1
        port = self.ports(folder)
        process, log = self.start(folder)
        try:
            wait_for(lambda: b'"ready"' in pathlib.Path(log.name).read_bytes(), 30, "ready")
            at = f"http://127.0.0.1:{port}/home/jwks"
            assert json.load(urllib.request.urlopen(at, timeout=120))["keys"]
            at = f"http://127.0.0.1:{port + 1}/staff/jwks"
            assert json.load(urllib.request.urlopen(at, timeout=120))["keys"]
            assert pathlib.Path(f"/proc/{process.pid}/comm").read_text().startswith(
                "chancery-superv")
            process.terminate()
            assert process.wait(120) == 0
        finally:
            process.kill()
            process.wait()

    def test_a_wrong_passphrase_is_said_and_final(self, folder):
        assert run("init", folder).returncode == 0
        self.ports(folder)
        (folder / "passphrase").write_text("another passphrase\n")
        process, log = self.start(folder)
        assert process.wait(120) == 3
        said = pathlib.Path(log.name).read_text()
        assert "passphrase" in said and "another passphrase" not in said

    def test_a_uid_that_somebody_has_is_refused(self, folder):
        assert run("init", folder).returncode == 0
        text = (folder / "chancery.yaml").read_text()
        assert "uid_base: 59900" in text
        (folder / "chancery.yaml").write_text(text.replace("uid_base: 59900", "uid_base: 1"))
        r = run("serve", folder)
        assert r.returncode == 3 and b"uid_base" in r.stderr and b"daemon" in r.stderr

    def test_a_folder_that_roles_cannot_reach_is_refused(self, folder):
        folder.parent.chmod(0o700)
        for args in (["--dev", "--port", "0"], []):
            if not args:
                shutil.rmtree(folder)
                assert run("init", folder).returncode == 0
            r = run("serve", *args, folder)
            assert r.returncode == 3 and str(folder.parent).encode() in r.stderr
        folder.parent.chmod(0o755)

    def test_no_keys_and_own_passphrase(self, folder):
        secret = folder.parent / "secret"
        secret.write_text("short")
        assert run("init", "--passphrase-file", secret, folder).returncode == 3
        shutil.rmtree(folder)
        secret.write_text("a passphrase of somebody\n")
        assert run("init", "--passphrase-file", secret, "--no-keys", folder).returncode == 0
        assert not (folder / "passphrase").exists()
        assert json.loads(run("key", "list", "-C", folder, "--json").stdout) == []
        r = run("key", "add", "-C", folder, "--realm", "home")
        assert r.returncode == 0 and b"signing" in r.stdout
        secret.write_text("a passphrase of nobody\n")
        r = run("key", "add", "-C", folder, "--realm", "corp")
        assert r.returncode == 3 and b"passphrase" in r.stderr
        assert not list((folder / "keys" / "corp").iterdir())

    def test_a_changed_sealed_key_does_not_start(self, folder):
        assert run("init", folder).returncode == 0
        self.ports(folder)
        key = next((folder / "keys" / "home").glob("*.key"))
        data = bytearray(key.read_bytes())
        data[-1] ^= 1
        key.write_bytes(data)
        process, log = self.start(folder)
        assert process.wait(120) == 3
        assert "seal" in pathlib.Path(log.name).read_text()

    def test_another_user_may_only_serve_dev(self, folder):
        as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        mine = folder.parent / "nobody"
        mine.mkdir()
        os.chown(mine, 65534, 65534)
        # a copy: this tree may lie where nobody may go
        built, copied = pathlib.Path(PROGRAM).parent, folder.parent / "copy"
        (copied / "libexec" / "chancery").mkdir(parents=True)
        for role in ("keeper", "warden", "signer", "issuer", "hasher", "ledger", "gate", "collector",
                     "fetcher", "supervisor"):
            shutil.copy(built / "libexec" / "chancery" / role, copied / "libexec" / "chancery")
        shutil.copy(PROGRAM, copied)
        process = subprocess.Popen(
            [*as_nobody, copied / "chancery", "serve", "--dev", "--port", "0", mine / "a"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            for command, status in (("init", 0), ("serve", 3)):
                r = subprocess.run([*as_nobody, copied / "chancery", command, mine / "b"],
                                   capture_output=True, timeout=120)
                assert r.returncode == status, r.stderr
            assert b"as root" in r.stderr
            assert process.stdout.readline().startswith(b"ready")
            dev = json.loads((mine / "a" / "dev.json").read_text())
            assert ask_token(dev)[0] == 200
        finally:
            process.terminate()
            said = process.communicate(timeout=120)[1]
        assert b"not root" in said
