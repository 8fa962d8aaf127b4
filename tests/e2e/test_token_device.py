"""`chancery token --device` and `--refresh-file`: what a person sees, what a program gets, what is
kept and who may read it."""
import concurrent.futures
import http.server
import json
import os
import re
import signal
import stat
import subprocess
import threading
import time
import urllib.parse

import pytest

from chancery import PROGRAM, authority_of, claims_of, wait_for
from test_device import decided
from test_refresh import client_add, store

TOKENS = {"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 60}


@pytest.fixture(scope="module")
def authority():
    with authority_of("token-device") as a:
        client_add(a, "tv", "--public", grants=("authorization_code", "device_code", "refresh_token"))
        client_add(a, "brief", "--public", grants=("authorization_code", "device_code"))
        yield a
        # whatever happened, none of it is in the log
        assert not re.search(r"rt\.[A-Za-z0-9_-]{22}\.\d", a.log_text())


@pytest.fixture
def issuer(authority):
    return authority.dev["realms"]["home"]["issuer"]


def start(*args, interrupt=signal.SIG_DFL):
    """interrupt: what SIGINT does to it; whoever runs these tests in the background ignores it."""
    return subprocess.Popen([PROGRAM, "token", *args], stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, interrupt))


def ended(process, status=0):
    out, err = process.communicate(timeout=180)
    assert process.returncode == status, (process.returncode, err)
    return out, err


def run(*args, status=0, given=None):
    r = subprocess.run([PROGRAM, "token", *args], input=given, text=True, timeout=180,
                       capture_output=True)
    assert r.returncode == status, (r.returncode, r.stderr)
    return r.stdout, r.stderr


def shown(process):
    """What it says before it waits."""
    said = ""
    while "Ctrl-C" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


class Fake:
    """An issuer that answers as it is told, one answer after the other, and notes when."""

    def __init__(self, answers, interval=1, life=60):
        self.answers, self.times, self.forms = list(answers), [], []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def reply(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self):
                self.reply(200, {"issuer": fake.url, "token_endpoint": fake.url + "/t",
                                 "authorization_endpoint": fake.url + "/a",
                                 "device_authorization_endpoint": fake.url + "/d"})

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = dict(urllib.parse.parse_qsl(form))
                if self.path == "/d":
                    self.reply(200, {"device_code": "secret-device-code", "user_code": "AB\x1b[31mCD",
                                     "verification_uri": fake.url + "/v", "expires_in": life,
                                     "interval": interval})
                    return
                fake.times.append(time.monotonic())
                fake.forms.append(form)
                answer = fake.answers.pop(0)
                if answer is None:
                    self.close_connection = True  # no answer at all
                elif isinstance(answer, str):
                    self.reply(400, {"error": answer})
                else:
                    self.reply(200, answer)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,)).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def gaps(self):
        return [later - sooner for sooner, later in zip(self.times, self.times[1:])]


@pytest.fixture(scope="module")
def slow():
    """Told to slow down, and that an answer was lost: it takes its time, while others run."""
    with Fake(["slow_down", TOKENS]) as fake:
        process = start("--issuer", fake.url, "--client", "c", "--device")
        yield fake, process
        if process.poll() is None:
            process.kill()
            process.communicate()


# --- a device ---

def test_a_login_elsewhere(authority, issuer, slow):
    """The whole way; its five seconds are the issuer's interval."""
    process = start("--issuer", issuer, "--client", "tv", "--device", "--json")
    said = shown(process)
    assert f"  {issuer}/device\n" in said and "10 minutes" in said
    code = re.search(r"  ([B-Z]{4}-[B-Z]{4})\n", said).group(1)
    assert f"  {issuer}/device?user_code={code}\n" in said
    decided(authority, {"user_code": code})
    out, err = ended(process)
    answer = json.loads(out)
    assert claims_of(answer["access_token"])["client_id"] == "tv" and "refresh_token" in answer
    assert answer["access_token"] not in err and answer["refresh_token"] not in err


def test_it_waits_until_somebody_answers():
    with Fake(["authorization_pending", TOKENS]) as fake:
        process = start("--issuer", fake.url, "--client", "c", "--device", "--scope", "s")
        said = shown(process)
        # a terminal gets no escape of the issuer's
        assert "  AB[31mCD\n" in said and "\x1b" not in said and "secret-device-code" not in said
        out, err = ended(process)
        assert out == "a.b.c\n" and "secret-device-code" not in err
        assert fake.gaps()[0] >= 0.99
        assert fake.forms[0] == {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "c",
            "device_code": "secret-device-code"}


@pytest.mark.parametrize("answer", ["access_denied", "expired_token", "invalid_grant"])
def test_it_stops_when_it_is_refused(answer):
    with Fake([answer]) as fake:
        out, err = ended(start("--issuer", fake.url, "--client", "c", "--device"), 1)
        assert out == "" and f"refused: {answer}" in err


def test_nobody_answers():
    with Fake(["authorization_pending"] * 2, life=1) as fake:
        out, err = ended(start("--issuer", fake.url, "--client", "c", "--device"), 1)
        assert out == "" and "nobody has answered in time" in err and len(fake.times) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_given_up(number):
    with Fake([], interval=60) as fake:
        process = start("--issuer", fake.url, "--client", "c", "--device")
        shown(process)
        process.send_signal(number)
        out, err = ended(process, -number)  # as the shell expects it of who was interrupted
        assert out == "" and "given up" in err and not fake.times


def test_one_in_the_background_is_not_interrupted():
    with Fake([TOKENS]) as fake:
        process = start("--issuer", fake.url, "--client", "c", "--device", interrupt=signal.SIG_IGN)
        shown(process)
        process.send_signal(signal.SIGINT)
        assert ended(process)[0] == "a.b.c\n"


def test_an_issuer_without_devices(authority, issuer):
    _, err = run("--issuer", issuer, "--client", "bench", "--device", status=1)
    assert "refused: invalid_client" in err


# --- a refresh token in a file ---

def login(authority, issuer, path, *more, client="tv", status=0):
    return run("--issuer", issuer, "--client", client, "--user", "alice@home.test",
               "--password-file", "-", "--refresh-file", str(path), *more, status=status,
               given=authority.user("alice@home.test")["password"] + "\n")


def test_kept_and_exchanged(authority, issuer, tmp_path):
    path = tmp_path / "token"
    out, _ = login(authority, issuer, path)
    assert claims_of(out.strip())["client_id"] == "tv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    seen = {out.strip()}
    for n in range(2, 5):
        kept = json.loads(path.read_text())
        assert sorted(kept) == ["client_id", "issuer", "refresh_token"]
        assert kept["refresh_token"].split(".")[2] == str(n - 1)
        out, err = run("--refresh-file", str(path))
        assert out.strip() not in seen and not err
        seen.add(out.strip())
    assert [p.name for p in tmp_path.iterdir()] == ["token"]
    # less than was granted, and the whole answer
    out, _ = run("--refresh-file", str(path), "--scope", "mail.read offline_access", "--json")
    assert json.loads(out)["scope"] == "mail.read offline_access"
    assert run("--refresh-file", str(path), "--issuer", issuer, "--client", "tv")[0]


def test_many_at_once(authority, issuer, tmp_path):
    """Mail clients start as they like: each gets a token, none is taken for a thief."""
    path = tmp_path / "token"
    login(authority, issuer, path)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        out = list(pool.map(lambda _: run("--refresh-file", str(path))[0], range(12)))
    assert len(set(out)) == 12
    assert json.loads(path.read_text())["refresh_token"].split(".")[2] == "13"


def test_a_login_over_an_old_file(authority, issuer, tmp_path):
    path = tmp_path / "token"
    path.write_text("what was here")
    path.chmod(0o600)
    _, err = run("--refresh-file", str(path), status=3)
    assert "what was here" not in err
    login(authority, issuer, path)
    run("--refresh-file", str(path))


def test_a_file_that_others_can_read(authority, issuer, tmp_path):
    path = tmp_path / "token"
    login(authority, issuer, path)
    before = path.read_text()
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        _, err = run("--refresh-file", str(path), status=3)
        assert "chmod 600" in err
        login(authority, issuer, path, status=3)
    path.chmod(0o600)
    (tmp_path / "link").symlink_to(path)
    run("--refresh-file", str(tmp_path / "link"), status=3)
    assert path.read_text() == before
    run("--refresh-file", str(path))


def test_what_is_no_such_file(tmp_path):
    _, err = run("--refresh-file", str(tmp_path / "none"), status=1)
    assert "--login or --device" in err
    os.mkfifo(tmp_path / "pipe", 0o600)
    run("--refresh-file", str(tmp_path / "pipe"), status=3)
    for text in ("", "{}", '{"issuer":"http://localhost/","client_id":"c"}',
                 '{"issuer":1,"client_id":"c","refresh_token":"r"}', "x" * 9000):
        path = tmp_path / "bad"
        path.write_text(text)
        path.chmod(0o600)
        run("--refresh-file", str(path), status=3)
    path.write_text('{"issuer":"http://mail.example/","client_id":"c","refresh_token":"r"}')
    _, err = run("--refresh-file", str(path), status=2)
    assert "https" in err


def test_another_issuer_or_client(authority, issuer, tmp_path):
    path = tmp_path / "token"
    login(authority, issuer, path)
    corp = authority.dev["realms"]["corp"]["issuer"]
    run("--refresh-file", str(path), "--client", "other", status=2)
    run("--refresh-file", str(path), "--issuer", corp, status=2)
    run("--refresh-file", str(path))


def test_a_client_that_may_not_refresh(authority, issuer, tmp_path):
    path = tmp_path / "token"
    out, err = login(authority, issuer, path, client="brief", status=1)
    assert out == "" and "offline_access" in err and not path.exists()


def test_a_login_that_is_over(authority, issuer, tmp_path):
    path = tmp_path / "token"
    login(authority, issuer, path)
    grant = json.loads(path.read_text())["refresh_token"].split(".")[1]
    before = path.read_text()
    store(authority, "UPDATE grants SET revoked = 1 WHERE id = ?", grant)
    out, err = run("--refresh-file", str(path), status=1)
    assert out == "" and "invalid_grant" in err and "--login" in err
    assert path.read_text() == before and "rt." not in err


def test_a_lost_answer_is_asked_for_again(tmp_path):
    path = tmp_path / "token"
    with Fake([None, {**TOKENS, "refresh_token": "second"}, TOKENS]) as fake:
        path.write_text(json.dumps({"issuer": fake.url, "client_id": "c",
                                    "refresh_token": "first"}))
        path.chmod(0o600)
        assert run("--refresh-file", str(path))[0] == "a.b.c\n"
        assert [f["refresh_token"] for f in fake.forms] == ["first", "first"]
        # an issuer that gives no new one leaves the old one good
        assert run("--refresh-file", str(path))[0] == "a.b.c\n"
        assert json.loads(path.read_text())["refresh_token"] == "second"


def test_a_disk_that_is_full(tmp_path):
    """No access token is shown when its refresh token could not be kept."""
    path = tmp_path / "token"
    with Fake([{**TOKENS, "refresh_token": "second"}]) as fake:
        path.write_text(json.dumps({"issuer": fake.url, "client_id": "c",
                                    "refresh_token": "first"}))
        path.chmod(0o600)
        r = subprocess.run(["prlimit", "--fsize=0", PROGRAM, "token", "--refresh-file", str(path)],
                           capture_output=True, text=True, timeout=60)
        assert r.returncode != 0 and r.stdout == ""
        assert json.loads(path.read_text())["refresh_token"] == "first"


def test_wishes_that_contradict_each_other(tmp_path):
    both = ("--issuer", "http://127.0.0.1:1/", "--client", "c")
    for args in (("--device",), ("--refresh-file", "f", "--login"), (*both, "--login"),
                 (*both, "--device", "--login", "--refresh-file", "f"),
                 (*both, "--device", "--user", "u", "--password-file", "f")):
        run(*args, status=2)


def test_told_to_slow_down(slow):
    fake, process = slow
    wait_for(lambda: process.poll() is not None, what="its answer")
    assert ended(process)[0] == "a.b.c\n"
    assert fake.gaps()[0] >= 5.99
