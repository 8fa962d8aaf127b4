"""`chancery client`, `user` and `token`: what an administrator and a person type."""
import html
import json
import os
import re
import subprocess
import urllib.parse

import pytest

from chancery import PROGRAM, authority_of, basic, http as ask

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def authority():
    with authority_of("cli") as a:
        yield a


def run(authority, *args, stdin="", env=True):
    environ = {k: v for k, v in os.environ.items() if k != "CHANCERY_DIR"}
    if env:
        environ["CHANCERY_DIR"] = str(authority.dir)
    return subprocess.run([PROGRAM, *args], input=stdin, capture_output=True, text=True,
                          timeout=120, env=environ)


def token(authority, realm, *args, stdin=""):
    return run(authority, "token", "--issuer", authority.dev["realms"][realm]["issuer"], *args,
               stdin=stdin)


def password_file(authority, username):
    return str(authority.dir / "passwords" / username)


def test_new_user_logs_in(authority):
    r = run(authority, "user", "add", "--realm", "home", "--username", "Dora@home.test",
            "--password-file", "-", "--name", "Dora", "--mailbox", "shared@home.test",
            stdin="dora's password\n")
    assert r.returncode == 0 and re.fullmatch(r"[0-9a-f]{32}\n", r.stdout), r.stderr
    listed = json.loads(run(authority, "user", "list", "--realm", "home", "--json").stdout)
    dora = next(u for u in listed if u["username"] == "dora@home.test")
    assert dora["sub"] == r.stdout.strip() and dora["mailbox"] == "shared@home.test"
    assert "dora's password" not in json.dumps(listed) and "argon2" not in json.dumps(listed)
    got = token(authority, "home", "--client", "demo", "--user", "dora@home.test",
                "--password-file", "-", stdin="dora's password")
    assert got.returncode == 0, got.stderr
    assert got.stdout.count(".") == 2 and got.stdout.count("\n") == 1
    # once is enough
    again = run(authority, "user", "add", "--realm", "home", "--username", "DORA@home.test",
                "--password-file", "-", stdin="x")
    assert again.returncode == 1 and "already" in again.stderr


def test_new_client_gets_tokens_at_once(authority):
    r = run(authority, "client", "add", "--realm", "corp", "--id", "backup", "--scope", "mail.read",
            "--audience", "mail", "--username", "carol@corp.test")
    assert r.returncode == 0, r.stderr
    secret = r.stdout.strip()
    assert re.fullmatch(r"[\w-]{43}", secret)
    got = token(authority, "corp", "--client", "backup", "--secret-file", "-", "--json",
                stdin=secret)
    assert got.returncode == 0 and json.loads(got.stdout)["scope"] == "mail.read", got.stderr
    assert token(authority, "corp", "--client", "backup", "--secret-file", "-",
                 stdin="wrong").returncode == 1
    listed = json.loads(run(authority, "client", "list", "--json").stdout)
    backup = next(c for c in listed if c["client_id"] == "backup")
    assert backup["grant_types"] == ["client_credentials"] and secret not in json.dumps(listed)
    human = run(authority, "client", "list")
    assert "backup" in human.stdout and human.returncode == 0
    # the realm is part of the name
    assert token(authority, "home", "--client", "backup", "--secret-file", "-",
                 stdin=secret).returncode == 1


def test_own_secret(authority):
    add = ("client", "add", "--realm", "home", "--id", "own", "--scope", "mail.read",
           "--audience", "mail", "--secret-file", "-")
    assert run(authority, *add, stdin="short").returncode == 3
    r = run(authority, *add, stdin="a%b+c d:e&0123456789")
    assert r.returncode == 0 and r.stdout == ""
    got = token(authority, "home", "--client", "own", "--secret-file", "-",
                stdin="a%b+c d:e&0123456789")
    assert got.returncode == 0, got.stderr


@pytest.mark.parametrize("args", [
    ["client"], ["client", "remove"], ["client", "add"], ["client", "list", "--bogus"],
    ["client", "add", "--realm", "home", "--id"],
    ["client", "add", "--realm", "nowhere", "--id", "x", "--scope", "mail.read"],
    ["client", "add", "--realm", "home", "--id", "x", "--scope", "no.such", "--audience", "mail"],
    ["client", "add", "--realm", "home", "--id", "x", "--scope", "mail.read"],
    ["client", "add", "--realm", "home", "--id", "x", "--scope", "mail.read", "--audience", "no"],
    ["client", "add", "--realm", "home", "--id", "x", "--scope", "mail.read", "--audience", "mail",
     "--public"],
    ["client", "add", "--realm", "home", "--id", "x", "--scope", "mail.read", "--audience", "mail",
     "--redirect", "http://evil.example/cb"],
    ["client", "add", "--realm", "home", "--id", "x", "--scope", "mail.read", "--audience", "mail",
     "--redirect", "javascript:alert(1)"],
    ["client", "add", "--realm", "home", "--id", "x", "--scope", "mail.read", "--audience", "mail",
     "--grant", "password"],
    ["user"], ["user", "add", "--realm", "home", "--username", "x"],
    ["user", "add", "--realm", "home", "--realm", "home", "--username", "x", "--password-file", "-"],
    ["token"], ["token", "--issuer", "http://localhost:1/x"],
    ["token", "--issuer", "http://localhost:1/x", "--client", "c", "--user", "u"],
    ["token", "--issuer", "http://example.test/x", "--client", "c"],
    ["token", "--issuer", "http://example.test/x", "--client", "c", "--user", "u",
     "--password-file", "/dev/null"],
])
def test_called_wrongly(authority, args):
    r = run(authority, *args)
    assert r.returncode == 2 and r.stderr.startswith("chancery: ") and r.stdout == "", r.stderr


def test_no_authority(authority):
    assert run(authority, "user", "list", env=False).returncode == 2
    r = run(authority, "user", "list", "-C", "/nonexistent")
    assert r.returncode == 3 and "/nonexistent" in r.stderr
    for command in ("user", "client", "token"):
        r = run(authority, command, "--help")
        assert r.returncode == 0 and r.stdout.startswith("usage: chancery " + command)


def test_token_refusals(authority):
    good = ["--user", "alice@home.test", "--password-file",
            password_file(authority, "alice@home.test")]
    for args, word in (
            (["--client", "nobody", *good], "does not take"),
            (["--client", "demo", *good, "--scope", "root"], "invalid_scope"),
            (["--client", "demo", *good, "--resource", "https://no.example"], "invalid_target"),
            (["--client", "demo", "--user", "alice@home.test", "--password-file",
              password_file(authority, "bob@home.test")], "wrong")):
        r = token(authority, "home", *args)
        assert r.returncode == 1 and word in r.stderr and r.stdout == "", r.stderr
    assert token(authority, "staff", "--client", "demo", *good).returncode == 1
    # the way in is for this machine only
    r = run(authority, "token", "--issuer", "https://192.0.2.1/home", "--client", "demo", *good)
    assert r.returncode == 2 and "on this machine" in r.stderr, r.stderr


def test_a_realm_that_is_none(authority):
    for command in ("client", "user", "key"):
        r = run(authority, command, "list", "--realm", "nowhere")
        assert r.returncode == 2 and "nowhere" in r.stderr and r.stdout == "", command


def browser(url, username, password):
    """What a person's browser does, up to the application's own address."""
    page = ask("GET", url)
    fields = {n: html.unescape(v) for n, v in re.findall(
        r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.body.decode())}
    fields.update(username=username, password=password)
    r = ask("POST", url.split("?")[0], urllib.parse.urlencode(fields).encode(),
            {**FORM, "Cookie": page.headers["Set-Cookie"].split(";")[0]})
    return r.headers["Location"]


def test_token_by_browser(authority):
    environ = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    p = subprocess.Popen(
        [PROGRAM, "token", "--issuer", authority.dev["realms"]["home"]["issuer"],
         "--client", "demo", "--scope", "mail.read"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    try:
        assert "log in at" in p.stderr.readline()
        url = p.stderr.readline().strip()
        alice = authority.user("alice@home.test")
        back = browser(url, alice["username"], alice["password"])
        # an answer that nobody asked for changes nothing
        assert ask("GET", back.split("?")[0] + "?code=x&state=y").status == 400
        assert ask("GET", back).status == 200
        out, _ = p.communicate(timeout=120)
        assert p.returncode == 0 and out.count(".") == 2
    finally:
        p.kill()
        p.wait()


def test_confused_issuer(authority):
    """An answer that says another iss, or metadata of another issuer, is not believed."""
    base = authority.dev["base"]
    r = run(authority, "token", "--issuer", base + "/home/", "--client", "demo")
    assert r.returncode == 3 and r.stdout == ""
    assert ask("POST", base + "/home/token", b"", {
        **FORM, "Authorization": basic("bench", "bench-secret")}).status == 400
