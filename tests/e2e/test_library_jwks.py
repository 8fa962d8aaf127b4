"""The installed library that follows key sets: what it exports and needs, and a program built
against it, with a server that rotates, removes and fails."""
import json
import re
import subprocess

import pytest

from chancery import ROOT, Signer, wait_for
from jwks_server import JwksServer, make_certificates
from library import SANITIZE, Installed, mapped, must, prototypes

plain_look = pytest.mark.plain("looks at symbols, where a sanitizer has its own")
ISSUER = "https://id.test/home"
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror",
          "-D_POSIX_C_SOURCE=200809L"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def program(installed, tmp_path_factory):
    to = tmp_path_factory.mktemp("built") / "follow"
    flags = must("pkg-config", "--cflags", "--libs", "chancery-jwks", env=installed.env).split()
    must("gcc", *SANITIZE, *STRICT, "-o", to, ROOT / "docs/examples/jwks/follow.c", *flags)
    return to


def needed(path):
    return set(re.findall(r"NEEDED.*\[(\w+(?:-\w+)?)\.so", must("readelf", "-d", path)))


@plain_look
def test_the_judge_needs_no_network_library(installed):
    assert "libcurl" not in needed(installed.lib / "libchancery.so")
    assert "curl" not in must("nm", "-D", installed.lib / "libchancery.so")
    assert needed(installed.lib / "libchancery-jwks.so") == {"libc", "libcurl", "libchancery"}


@plain_look
def test_header_list_and_library_name_the_same_functions(installed):
    declared = set(prototypes([installed.include / "jwks.h"]))
    exported = {line.split()[2].split("@")[0] for line in
                must("nm", "-D", "--defined-only", installed.lib / "libchancery-jwks.so").splitlines()
                if " A " not in line}
    assert declared == mapped("chancery_jwks") == exported


@plain_look
def test_it_starts_no_thread(installed):
    undefined = must("nm", "-D", "--undefined-only", installed.lib / "libchancery-jwks.so")
    assert not re.search(r"pthread_create|getaddrinfo|\bfork\b|\bsystem\b", undefined)


class Follower:
    """The example, fed a token at a time."""

    def __init__(self, installed, program, url, *args):
        self.process = subprocess.Popen(
            [str(program), ISSUER, url, "mail", *args], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1,
            env={"LD_LIBRARY_PATH": str(installed.lib)})

    def judge(self, token):
        self.process.stdin.write(token + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def until(self, token, verdict, seconds=30):
        wait_for(lambda: self.judge(token()) == verdict, seconds, verdict)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.said = self.process.stderr.read()
        status = self.process.wait(120)
        self.process.stdout.close()
        self.process.stderr.close()
        assert status == 0, self.said


def key_set(*signers):
    return json.dumps({"keys": [s.jwk() for s in signers]})


def test_follows_a_server_that_rotates_removes_and_fails(installed, program):
    old, new = Signer(ISSUER, kid="old"), Signer(ISSUER, alg="EdDSA", kid="new")
    with JwksServer({"/jwks": key_set(old)}) as server:
        with Follower(installed, program, server.url()) as f:
            assert f.judge(old.token()) == "accepted"
            assert f.judge(new.token()) == "unknown_key"
            server.texts["/jwks"] = key_set(old, new)
            f.until(new.token, "accepted")
            assert f.judge(old.token()) == "accepted"
            server.texts["/jwks"] = key_set(new)
            f.until(old.token, "unknown_key")
            # what must not be trusted changes nothing
            server.texts["/jwks"] = json.dumps({"keys": [dict(old.jwk(), d="AA")]})
            before = server.count()
            wait_for(lambda: f.judge(new.token()) == "accepted" and server.count() >= before + 2, 30)
            # nor does a server that is down, until what it said grew too old
            server.status = 503
            f.until(new.token, "unknown_key")
            server.texts["/jwks"], server.status = key_set(new), 200
            f.until(new.token, "accepted")
            server.texts["/jwks"] = '{"keys":[]}'
            f.until(new.token, "unknown_key")
        assert any(status == 304 for _, _, status in server.requests)


def test_tls_is_checked(installed, program, tmp_path):
    home = Signer(ISSUER)
    ca, cert = make_certificates(tmp_path)
    with JwksServer({"/jwks": key_set(home)}, cert) as server:
        with Follower(installed, program, server.url(), ca) as f:
            f.until(home.token, "accepted")
        with Follower(installed, program, server.url()) as f:
            assert f.judge(home.token()) == "unknown_key"
        assert "certificate" in f.said


def test_it_says_what_it_does_not_take(installed, program):
    for url in ("http://id.test/jwks", "file:///etc/passwd", "jwks"):
        done = subprocess.run([str(program), ISSUER, url, "mail"], capture_output=True, text=True,
                              env={"LD_LIBRARY_PATH": str(installed.lib)}, timeout=120)
        assert done.returncode == 3 and re.search(r"https|URL", done.stderr)
    done = subprocess.run([str(program), "http://id.test", "https://id.test/jwks", "mail"],
                          capture_output=True, text=True, timeout=120,
                          env={"LD_LIBRARY_PATH": str(installed.lib)})
    assert done.returncode == 3 and "http://id.test" in done.stderr
