"""`chancery verify --issuer URL` without a key set: it is found, checked and fetched."""
import json
import re
import subprocess

import pytest

from chancery import PROGRAM, ROOT, Signer
from jwks_server import JwksServer, make_certificates

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"


def verify(issuer, token, *args):
    return subprocess.run([PROGRAM, "verify", "--issuer", issuer, "--audience", "mail", *args, "-"],
                          input=token, capture_output=True, text=True, timeout=120)


@pytest.fixture
def server():
    with JwksServer() as running:
        yield running


def publish(server, path="/home", where=None, **changed):
    """An issuer on this server, its metadata and its keys."""
    signer = Signer(server.url(path))
    metadata = {"issuer": signer.issuer, "jwks_uri": server.url("/keys"), "extra": [1, {"a": None}]}
    metadata.update(changed)
    server.texts[where or path.rstrip("/") + OPENID] = json.dumps(
        {name: value for name, value in metadata.items() if value is not None})
    server.texts["/keys"] = signer.jwks()
    return signer


@pytest.mark.parametrize("path, where", [
    ("/home", "/home" + OPENID), ("", OPENID), ("/a/b", "/a/b" + OPENID), ("/home/", "/home" + OPENID),
    ("/home", OAUTH + "/home"), ("", OAUTH), ("/a/b", OAUTH + "/a/b")])
def test_finds_the_keys_by_metadata(server, path, where):
    signer = publish(server, path, where)
    done = verify(signer.issuer, signer.token())
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["iss"] == signer.issuer
    assert server.count("/keys") == 1
    done = verify(signer.issuer, signer.token(aud="api"))
    assert (done.returncode, done.stdout) == (1, "bad_audience\n")


def test_a_uri_that_is_given_needs_no_metadata(server):
    signer = Signer("https://login.test")
    server.texts["/keys"] = signer.jwks()
    done = verify(signer.issuer, signer.token(), "--jwks-uri", server.url("/keys"))
    assert (done.returncode, done.stderr) == (0, "")
    assert [path for path, _, _ in server.requests] == ["/keys"]


REFUSED_METADATA = {
    "of another issuer": ({"issuer": "http://localhost/other"}, "of another issuer"),
    "of an issuer with a slash more": ({"slash": True}, "of another issuer"),
    "without issuer": ({"issuer": None}, "lack"),
    "without keys": ({"jwks_uri": None}, "lack"),
    "with keys elsewhere": ({"jwks_uri": "https://evil.test/keys"}, "--jwks-uri"),
    "with keys on another port": ({"jwks_uri": "http://localhost:1/keys"}, "--jwks-uri"),
    "with keys on another loopback": ({"host": "127.0.0.1"}, "--jwks-uri"),
    "with keys over http": ({"jwks_uri": "http://evil.test/keys"}, "https"),
    "with keys in a file": ({"jwks_uri": "file:///etc/passwd"}, "URL"),
    "with a number for keys": ({"jwks_uri": 7}, "chancery: verify"),
}


@pytest.mark.parametrize("case", sorted(REFUSED_METADATA))
def test_metadata_that_must_not_be_believed(server, case):
    changed, why = REFUSED_METADATA[case]
    changed = dict(changed)
    if changed.pop("slash", False):
        changed["issuer"] = server.url("/home") + "/"
    if "host" in changed:
        changed["jwks_uri"] = server.url("/keys", changed.pop("host"))
    signer = publish(server, **changed)
    done = verify(signer.issuer, signer.token())
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert why in done.stderr and server.count("/keys") == 0


@pytest.mark.parametrize("text", ["", "<html>", "[]", '{"issuer":', '{"issuer":"a","issuer":"b"}',
                                  "7", "x" * 70000])
def test_metadata_that_are_none(server, text):
    signer = publish(server)
    server.texts["/home" + OPENID] = text
    done = verify(signer.issuer, signer.token())
    assert (done.returncode, done.stdout) == (3, "") and signer.issuer in done.stderr


def test_trouble_says_what_and_where(server):
    signer = publish(server)
    server.texts["/keys"] = json.dumps({"keys": [dict(signer.jwk(), d="AA")]})
    done = verify(signer.issuer, signer.token())
    assert (done.returncode, done.stdout) == (3, "") and server.url("/keys") in done.stderr
    assert "private" in done.stderr
    del server.texts["/keys"]
    done = verify(signer.issuer, signer.token())
    assert done.returncode == 3 and server.url("/keys") in done.stderr and "404" in done.stderr
    server.texts.clear()
    done = verify(signer.issuer, signer.token())
    assert done.returncode == 3 and OAUTH in done.stderr and "404" in done.stderr
    server.status = 302
    assert verify(signer.issuer, signer.token()).returncode == 3
    assert server.count("/elsewhere") == 0
    gone = signer.issuer.replace(str(server.port), "1")
    done = verify(gone, signer.token())
    assert done.returncode == 3 and "localhost:1/" in done.stderr


def test_the_server_is_certified(tmp_path):
    ca, cert = make_certificates(tmp_path)
    with JwksServer(cert=cert) as server:
        signer = publish(server)
        done = verify(signer.issuer, signer.token(), "--ca-file", ca)
        assert (done.returncode, done.stderr) == (0, "")
        done = verify(signer.issuer, signer.token())
        assert (done.returncode, done.stdout) == (3, "") and "certificate" in done.stderr
        (tmp_path / "b").mkdir()
        other, _ = make_certificates(tmp_path / "b")
        done = verify(signer.issuer, signer.token(), "--ca-file", other)
        assert (done.returncode, done.stdout) == (3, "") and "certificate" in done.stderr
    _, elsewhere = make_certificates(tmp_path / "b", "elsewhere.test")
    with JwksServer(cert=elsewhere) as server:
        signer = publish(server)
        done = verify(signer.issuer, signer.token(), "--ca-file", str(tmp_path / "b" / "ca.pem"))
        assert (done.returncode, done.stdout) == (3, "") and "certificate" in done.stderr
    done = verify(signer.issuer, signer.token(), "--ca-file", str(tmp_path / "none.pem"))
    assert done.returncode == 3


def test_json(server):
    signer = publish(server)
    done = verify(signer.issuer, signer.token(), "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0 and said["claims"]["sub"] == "s-1"
    assert (said["verdict"], said["code"]) == ("accepted", "accepted")
    done = verify(signer.issuer, signer.token(iat=1000, exp=2000), "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1 and set(said) == {"verdict", "code", "where", "what"}
    assert (said["verdict"], said["code"], said["what"]) == ("refused", "expired", "exp")


def test_bad_usage(server):
    for args in (["--jwks", "x", "--jwks-uri", "https://x/"], ["--jwks", "x", "--ca-file", "y"]):
        assert verify("https://x", "t", *args).returncode == 2
    assert verify("http://login.test", "t").returncode == 2
    for url in ("http://login.test/keys", "file:///etc/passwd", "keys"):
        assert verify("https://login.test", "t", "--jwks-uri", url).returncode == 3


def test_the_documents_commands(server, tmp_path):
    """The examples of docs/VERIFY.md that fetch, word for word but for the names."""
    signer = publish(server)
    (tmp_path / "token").write_text(signer.token())
    text = (ROOT / "docs" / "VERIFY.md").read_text()
    [block] = re.findall(r"```sh\n(chancery verify --issuer .*?)```", text, re.S)
    for line in block.strip().splitlines():
        line = (line.replace("https://login.example/corp/jwks", server.url("/keys"))
                .replace("https://login.example/corp", signer.issuer))
        words = line.split("<")[0].split()
        done = subprocess.run([PROGRAM, *words[1:]], input=signer.token(), capture_output=True,
                              text=True, cwd=tmp_path, timeout=120)
        assert done.returncode == 0, (line, done.stderr)
