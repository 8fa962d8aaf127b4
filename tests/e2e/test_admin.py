"""`chancery user` and `client` from an operator's chair: every verb on an authority that runs,
each twice, and what goes out by `export` comes back by `import`."""
import json
import os
import pty
import re
import subprocess

import pytest

from chancery import PROGRAM, Signer, authority_of, basic
from test_issuer import code_for, login, post, redeem

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def authority():
    with authority_of("admin") as a:
        yield a


def run(authority, *args, given="", status=0):
    """What it printed, and what it said besides."""
    r = subprocess.run([PROGRAM, *args, "-C", str(authority.dir)], input=given,
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == status, f"{args}: exit {r.returncode}: {r.stdout}{r.stderr}"
    return r.stdout, r.stderr


def outcome(authority, *args, given="", status=0):
    return json.loads(run(authority, *args, "--json", given=given, status=status)[0])


def user(verb, name, *args):
    return ("user", verb, "--realm", "home", "--username", name + "@home.test", *args)


def client(verb, name, *args, realm="home"):
    return ("client", verb, "--realm", realm, "--id", name, *args)


def add_user(authority, name, *args):
    return run(authority, *user("add", name, "--password-file", "-", *args), given=PASSWORD)[0]


def add_client(authority, name, *args):
    """Its secret."""
    return run(authority, *client("add", name, "--scope", "mail.read", "--audience", "mail",
                                  *args))[0].strip()


def signs_in(authority, name, password=PASSWORD):
    status = login(authority, username=name + "@home.test", password=password).status
    assert status in (303, 401)
    return status == 303


def may(authority, name, secret, scope=None):
    fields = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
    r = post(authority.dev["realms"]["home"]["token_endpoint"], fields,
             {"Authorization": basic(name, secret)})
    assert r.status in (200, 400, 401), r.body
    return r.status == 200


def listed(authority, kind, *args):
    key = {"user": "username", "client": "client_id"}[kind]
    return {e[key]: e for e in json.loads(run(authority, kind, "list", "--json", *args)[0])}


# --- users ---

def test_add_twice(authority):
    sub = add_user(authority, "twice", "--name", "Twice")
    out, said = run(authority, *user("add", "TWICE", "--password-file", "-", "--name", "Twice"),
                    given=PASSWORD)
    assert out == sub and "just so" in said
    again = outcome(authority, *user("add", "twice", "--password-file", "-"), given=PASSWORD)
    assert again["outcome"] == "same" and "password" not in again
    for args, given, word in ((("--name", "Other"), PASSWORD, "edit"), ((), "wrong", "reset")):
        out, said = run(authority, *user("add", "twice", "--password-file", "-", *args),
                        given=given, status=1)
        assert out == "" and "already" in said and word in said
    assert listed(authority, "user")["twice@home.test"]["name"] == "Twice"


def test_made_password(authority):
    sub, password = run(authority, *user("add", "made", "--generate"))[0].split()
    assert re.fullmatch(r"[0-9a-f]{32}", sub) and re.fullmatch(r"[\w-]{24}", password)
    assert signs_in(authority, "made", password)
    # it is told once, and there is no other one
    out, said = run(authority, *user("add", "made", "--generate"))
    assert out.split() == [sub] and "stays" in said
    new = outcome(authority, *user("reset", "made", "--generate"))
    assert new["outcome"] == "reset" and new["changed"] == ["password_hash"]
    assert not signs_in(authority, "made", password)
    assert signs_in(authority, "made", new["password"])
    out = run(authority, *user("reset", "made", "--password-file", "-"), given="third\n")[0]
    assert "third" not in out and signs_in(authority, "made", "third")


def test_password_at_a_terminal(authority):
    def typed(lines, verb, name):
        pid, tty = pty.fork()
        if pid == 0:
            os.execv(PROGRAM, [PROGRAM, *user(verb, name), "-C", str(authority.dir)])
        said = b""
        try:
            while True:
                said += os.read(tty, 4096)
                # asked for, and echo is off by then
                if said.rstrip(b" ").endswith(b":") and lines:
                    os.write(tty, lines.pop(0) + b"\n")
                    said += b"|"
        except OSError:
            pass
        os.close(tty)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said

    status, said = typed([b"typed one", b"typed one"], "add", "typed")
    assert status == 0 and b"typed one" not in said, said
    assert signs_in(authority, "typed", "typed one")
    status, said = typed([b"typed two", b"typed twp"], "reset", "typed")
    assert status == 3 and b"not the same" in said, said
    assert signs_in(authority, "typed", "typed one")
    assert "nobody is there" in run(authority, *user("reset", "typed"), status=2)[1]


def test_edit_changes_what_is_named(authority):
    add_user(authority, "edited", "--name", "Edna", "--email", "e@home.test")
    before = listed(authority, "user")["edited@home.test"]
    r = outcome(authority, *user("edit", "edited", "--mailbox", "shared@home.test"))
    assert r["changed"] == ["mailbox"] and r["outcome"] == "changed"
    assert outcome(authority, *user("edit", "edited", "--mailbox", "shared@home.test"))[
        "outcome"] == "same"
    after = listed(authority, "user")["edited@home.test"]
    assert after == {**before, "mailbox": "shared@home.test"}
    assert signs_in(authority, "edited")
    out = run(authority, *user("edit", "edited", "--email", "", "--new-username", "EDNA@home.test"))[0]
    assert out == "home/edna@home.test changed: username, email\n"
    assert listed(authority, "user")["edna@home.test"] == {**after, "username": "edna@home.test",
                                                          "email": ""}
    assert signs_in(authority, "edna") and not signs_in(authority, "edited")
    # another one's name
    add_user(authority, "first")
    assert "already" in run(authority, *user("edit", "edna", "--new-username", "First@home.test"),
                            status=1)[1]
    assert "say what to change" in run(authority, *user("edit", "edna"), status=2)[1]


def test_disable_and_enable(authority):
    add_user(authority, "off")
    code = code_for(authority, username="off@home.test", password=PASSWORD)
    assert outcome(authority, *user("disable", "off"))["changed"] == ["disabled"]
    assert outcome(authority, *user("disable", "off"))["outcome"] == "same"
    assert redeem(authority.dev["realms"]["home"], code).json()["error"] == "invalid_grant"
    assert not signs_in(authority, "off")
    assert "disabled: yes" in run(authority, *user("show", "off"))[0]
    assert run(authority, *user("enable", "off"))[0] == "home/off@home.test changed: disabled\n"
    assert run(authority, *user("enable", "off"))[0] == "home/off@home.test is so already\n"
    assert signs_in(authority, "off")
    # enabled again, what was begun before is still over
    assert redeem(authority.dev["realms"]["home"], code).json()["error"] == "invalid_grant"


def test_what_a_reset_ends(authority):
    add_user(authority, "stolen")
    code = code_for(authority, username="stolen@home.test", password=PASSWORD)
    run(authority, *user("reset", "stolen", "--generate"))
    assert redeem(authority.dev["realms"]["home"], code).json()["error"] == "invalid_grant"


def test_remove(authority):
    add_user(authority, "leaver")
    code = code_for(authority, username="leaver@home.test", password=PASSWORD)
    assert run(authority, *user("remove", "leaver"))[0] == "home/leaver@home.test removed\n"
    assert redeem(authority.dev["realms"]["home"], code).json()["error"] == "invalid_grant"
    assert not signs_in(authority, "leaver")
    assert "nothing to remove" in run(authority, *user("remove", "leaver"))[0]
    assert outcome(authority, *user("remove", "leaver"))["outcome"] == "absent"
    for args in (("show",), ("edit", "--name", "X"), ("disable",), ("enable",),
                 ("reset", "--generate")):
        out, said = run(authority, *user(args[0], "leaver", *args[1:]), status=1)
        assert out == "" and "home/leaver@home.test" in said, args


# --- clients ---

def test_client_add_twice(authority):
    secret = add_client(authority, "dup")
    out, said = run(authority, *client("add", "dup", "--scope", "mail.read", "--audience", "mail"))
    assert out == "" and "secret stays" in said and may(authority, "dup", secret)
    same = ("add", "dup", "--scope", "mail.read", "--audience", "mail", "--secret-file", "-")
    assert outcome(authority, *client(*same), given=secret)["outcome"] == "same"
    assert "not just so" in run(authority, *client(*same), given="x" * 16, status=1)[1]
    assert "not just so" in run(authority, *client("add", "dup", "--scope", "openid",
                                                   "--audience", "mail"), status=1)[1]


def test_client_edit(authority):
    secret = add_client(authority, "ed", "--scope", "mail.send", "--username", "alice@home.test")
    assert may(authority, "ed", secret, "mail.send")
    r = outcome(authority, *client("edit", "ed", "--scope", "-mail.send"))
    assert r["changed"] == ["scope"]
    assert not may(authority, "ed", secret, "mail.send") and may(authority, "ed", secret)
    run(authority, *client("edit", "ed", "--scope", "+mail.send", "--redirect", "+https://a.test/b",
                           "--also-audience", "api"))
    now = json.loads(run(authority, *client("show", "ed", "--json"))[0])
    assert now["scope"] == "mail.read mail.send" and now["redirect_uris"] == ["https://a.test/b"]
    assert now["audiences"] == ["api"] and now["username"] == "alice@home.test"
    assert now["has_secret"] is True and "secret_hash" not in now
    run(authority, *client("edit", "ed", "--scope", "openid", "--redirect", "-https://a.test/b"))
    now = json.loads(run(authority, *client("show", "ed", "--json"))[0])
    assert now["scope"] == "openid" and now["redirect_uris"] == []
    for args in (("--scope", "+root"), ("--audience", "no"), ("--redirect", "http://evil.test/"),
                 ("--grant", "-client_credentials"), ("--scope", "-openid")):
        out, said = run(authority, *client("edit", "ed", *args), status=2)
        assert out == "" and said.startswith("chancery: "), args
    assert json.loads(run(authority, *client("show", "ed", "--json"))[0]) == now


def test_client_disable_reset_remove(authority):
    secret = add_client(authority, "svc")
    run(authority, *client("disable", "svc"))
    assert not may(authority, "svc", secret)
    run(authority, *client("enable", "svc"))
    assert may(authority, "svc", secret)
    new = run(authority, *client("reset", "svc"))[0].strip()
    assert new != secret and not may(authority, "svc", secret) and may(authority, "svc", new)
    assert outcome(authority, *client("reset", "svc", "--secret-file", "-"),
                   given="0123456789abcdef")["changed"] == ["secret_hash"]
    assert may(authority, "svc", "0123456789abcdef")
    run(authority, *client("remove", "svc"))
    assert not may(authority, "svc", "0123456789abcdef")
    assert "nothing to remove" in run(authority, *client("remove", "svc"))[0]
    assert "has no secret" in run(authority, *client("reset", "demo"), status=1)[1]


def test_another_way_to_authenticate(authority):
    """From a secret to a key and to another key; what the old way needed is gone."""
    add_client(authority, "way")
    first, second = (Signer("x", kid=kid).jwk() for kid in ("k1", "k2"))
    edit = client("edit", "way", "--auth", "private_key_jwt")
    assert "go together" in run(authority, *edit, status=2)[1]
    # with blanks or without, it is the same set
    for given, what in ((json.dumps({"keys": [first]}, indent=1), "changed"),
                        (json.dumps({"keys": [first]}), "same"),
                        (json.dumps({"keys": [first, second]}), "changed")):
        r = outcome(authority, *edit, "--jwks", "-", given=given)
        assert r["outcome"] == what, r
    now = json.loads(run(authority, *client("show", "way", "--json"))[0])
    assert now["jwks"]["keys"] == [first, second] and now["has_secret"] is False
    out = run(authority, "client", "import", "-", given=json.dumps([now], indent=3))[0]
    assert out.startswith("home/way is so already")
    run(authority, "client", "import", "-", status=1,
        given=json.dumps([{**now, "jwks": {"keys": [{**first, "d": "AA"}]}}]))
    assert "no secret" in run(authority, *client("reset", "way"), status=1)[1]
    r = outcome(authority, *client("edit", "way", "--auth", "client_secret_post"))
    assert r["changed"] == ["auth_method", "jwks"]
    assert run(authority, *client("reset", "way"))[0].strip()


# --- export and import ---

def export(authority, kind, *args):
    return json.loads(run(authority, kind, "export", *args)[0])


def test_there_and_back(authority):
    """Out, removed, back in: the same person, the same secret."""
    add_user(authority, "nomad", "--name", 'N. "Ö" \\ Mad')
    secret = add_client(authority, "nomad", "--redirect", "https://nomad.test/cb?a=1",
                        "--grant", "client_credentials", "--grant", "authorization_code")
    text, said = run(authority, "user", "export", "--with-hashes")
    assert "hashes" in said
    people, apps = json.loads(text), export(authority, "client", "--with-hashes")
    run(authority, *user("remove", "nomad"))
    run(authority, *client("remove", "nomad"))
    assert not signs_in(authority, "nomad") and not may(authority, "nomad", secret)
    for kind, entries in (("user", people), ("client", apps)):
        given = json.dumps(entries, indent=2)
        dry = outcome(authority, kind, "import", "--dry-run", "-", given=given)
        assert [e["outcome"] for e in dry].count("added") == 1 and dry[0]["dry_run"] is True
        assert "nomad" not in " ".join(listed(authority, kind))
        out = run(authority, kind, "import", "-", given=given)[0]
        assert out.endswith(f"1 added, 0 changed, {len(entries) - 1} so already\n")
        assert f"0 added, 0 changed, {len(entries)} so already" in run(
            authority, kind, "import", "-", given=given)[0]
        assert export(authority, kind, "--with-hashes") == entries
    assert signs_in(authority, "nomad") and may(authority, "nomad", secret)


def test_an_export_has_no_hash(authority):
    add_user(authority, "plain")
    add_client(authority, "plain")
    for kind in ("user", "client"):
        text = run(authority, kind, "export", "--realm", "home")[0]
        assert "argon2" not in text and "_hash" not in text
        assert {e["realm"] for e in json.loads(text)} == {"home"}
    person = next(u for u in export(authority, "user") if u["username"] == "plain@home.test")
    app = next(c for c in export(authority, "client") if c["client_id"] == "plain")
    run(authority, *user("remove", "plain"))
    run(authority, *client("remove", "plain"))
    run(authority, "user", "import", "-", given=json.dumps([person]))
    run(authority, "client", "import", "-", given=json.dumps([app]))
    # nobody's password is right, and no secret, until they get one
    assert listed(authority, "user")["plain@home.test"]["has_password"] is False
    assert listed(authority, "client")["plain"]["has_secret"] is False
    assert not signs_in(authority, "plain") and not may(authority, "plain", "")
    assert post(authority.dev["realms"]["home"]["token_endpoint"], {
        "grant_type": "client_credentials", "client_id": "plain"}).status == 401
    password = outcome(authority, *user("reset", "plain", "--generate"))["password"]
    secret = run(authority, *client("reset", "plain"))[0].strip()
    assert signs_in(authority, "plain", password) and may(authority, "plain", secret)
    assert listed(authority, "user")["plain@home.test"]["sub"] == person["sub"]


def test_import_merges(authority):
    add_user(authority, "merged", "--name", "Old", "--email", "old@home.test")
    sub = listed(authority, "user")["merged@home.test"]["sub"]
    r = outcome(authority, "user", "import", "-", given=json.dumps([
        {"realm": "home", "username": "Merged@home.test", "name": "New"},
        {"realm": "corp", "username": "fresh@corp.test"}]))
    assert [(e["outcome"], e["changed"]) for e in r] == [("changed", ["name"]), ("added", [])]
    now = listed(authority, "user")
    assert now["merged@home.test"]["name"] == "New"
    assert now["merged@home.test"]["email"] == "old@home.test" and signs_in(authority, "merged")
    assert now["fresh@corp.test"]["mailbox"] == "fresh@corp.test"
    # who has the sub is the person, whatever the name
    run(authority, "user", "import", "-", given=json.dumps([
        {"realm": "home", "sub": sub, "username": "renamed@home.test"}]))
    assert listed(authority, "user")["renamed@home.test"]["sub"] == sub


@pytest.mark.parametrize("kind,bad,word", [
    ("user", "", "no list"), ("user", "{}", "no list"), ("user", "[1]", "no object"),
    ("user", '[{"realm": "home"}]', "username"), ("user", "[{},]", "entry 1"),
    ("user", '[{"realm": "home", "username": "a", "username": "b"}]', "entry 1"),
    ("user", '[{"realm": "home", "username": "ok@home.test"}]]', "bracket"),
    ("user", '[{"realm": "nowhere", "username": "a"}]', "nowhere"),
    ("user", '[{"realm": "home", "username": "a b"}]', "entry 1 (a b)"),
    ("user", '[{"realm": "home", "username": "a", "admin": true}]', "admin"),
    ("user", '[{"realm": "home", "username": "a", "disabled": "no"}]', "disabled"),
    ("user", '[{"realm": "home", "username": "a", "sub": "x"}]', "32"),
    ("user", '[{"realm": "home", "username": "alice@home.test", "sub": "' + "0" * 32 + '"}]',
     "another sub"),
    ("user", '[{"realm": "home", "username": "a", "password_hash": "$argon2id$v=19$m=65536,t=3,p=4'
             '$c29tZXNhbHRzb21lc2FsdA$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}]', "user reset"),
    ("user", '[{"realm": "home", "username": "a", "password_hash": "$2b$12$abc"}]', "m=19456"),
    ("client", '[{"realm": "home", "client_id": "a", "scope": "root", "audience": "mail"}]', "fit"),
    ("client", '[{"realm": "home", "client_id": "a", "scope": "openid", "audience": "mail",'
               ' "secret_hash": "AAAA"}]', "secret_hash"),
    ("client", '[{"realm": "home", "client_id": "demo", "redirect_uris": ["a b"]}]',
     "redirect_uris"),
    ("client", '[{"realm": "home", "client_id": "demo", "auth_method": "magic"}]', "fit"),
])
def test_one_bad_entry_and_nothing_is_imported(authority, kind, bad, word):
    before = export(authority, kind, "--with-hashes")
    good = {"user": {"realm": "corp", "username": "good@corp.test"},
            "client": {"realm": "corp", "client_id": "good", "scope": "openid",
                       "audience": "mail"}}[kind]
    texts = [bad]
    if bad.startswith("[{") and bad.endswith("}]"):
        texts.append("[" + json.dumps(good) + "," + bad[1:].replace("entry 1", "entry 2"))
    for text in texts:
        out, said = run(authority, kind, "import", "-", given=text, status=1)
        assert out == "" and "nothing was imported" in said, said
        assert word in said or word.replace("1", "2") in said, said
    assert export(authority, kind, "--with-hashes") == before


def test_options_belong_to_verbs(authority):
    for args in (("user", "list", "--generate"), ("user", "show", "--realm", "home"),
                 user("add", "x", "--public"), user("disable", "x", "--name", "y"),
                 client("show", "demo", "--scope", "openid"), ("client", "import"),
                 ("user", "export", "--dry-run"), user("add", "x", "--new-username", "y"),
                 user("add", "x", "--generate", "--password-file", "-"),
                 client("add", "x", "--public", "--secret-file", "-", "--scope", "openid")):
        out, said = run(authority, *args, status=2)
        assert out == "" and said.startswith("chancery: "), args
    assert run(authority, "user", "import", "/nonexistent", status=3)[1].count("/nonexistent") == 1


# --- realms ---

def test_a_realm_is_shown_and_switched(authority):
    """Its own word in chancery.yaml changes, and nothing else of the file does."""
    file = authority.dir / "chancery.yaml"
    before = file.read_text()
    commented = before.replace("issues: true", "issues: true   # as ever, issues: false is for", 1)
    file.write_text(commented)
    try:
        shown = json.loads(run(authority, "realm", "show", "corp", "--json")[0])
        assert shown in json.loads(run(authority, "realm", "list", "--json")[0])
        assert shown["issues"] is True and "mail.read" in shown["scopes"]
        assert "issues: yes" in run(authority, "realm", "show", "corp")[0]
        out, said = run(authority, "realm", "disable", "corp")
        assert out == "corp changed: issues\n" and "reload" in said
        lines = [(a, b) for a, b in zip(commented.split("\n"), file.read_text().split("\n"),
                                        strict=True) if a != b]
        assert lines == [("    issues: true", "    issues: false")]
        assert "issues nothing" in run(authority, "realm", "list")[0]
        assert outcome(authority, "realm", "disable", "corp")["outcome"] == "same"
        assert outcome(authority, "realm", "disable", "home")["changed"] == ["issues"]
        for name in ("home", "corp"):
            assert outcome(authority, "realm", "enable", name)["outcome"] == "changed"
        assert file.read_text() == commented
    finally:
        file.write_text(before)
    assert outcome(authority, "realm", "add", "home")["outcome"] == "same"


@pytest.mark.parametrize("args", [("edit", "home"), ("remove", "home"), ("reset", "home"),
                                  ("import", "-"), ("show",), ("show", "home", "corp"),
                                  ("disable", "nowhere"), ("list", "home"), ()])
def test_what_cannot_be_done_with_realms(authority, args):
    out, said = run(authority, "realm", *args, status=2)
    assert out == "" and said.startswith("chancery: "), said
