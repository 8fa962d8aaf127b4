"""`chancery log prove | verify | consistency` on logs that src/merkle wrote: proofs that Go reads as
well, evidence with each change of it, heads that a log went on from, shrank or forked."""
import base64
import functools
import http.server
import io
import json
import shutil
import subprocess
import tarfile
import threading

import pytest

from chancery import BUILD, PROGRAM
import tlog

TOOLS = BUILD / "tests" / "logread"


def tool(name, *args, status=0):
    r = subprocess.run([str(TOOLS / name), *map(str, args)], capture_output=True, text=True,
                       timeout=120)
    assert r.returncode == status, r.stdout + r.stderr
    return r.stdout


def run(verb, *args, status=0, given=None):
    r = subprocess.run([PROGRAM, "log", verb, *map(str, args)], input=given, capture_output=True,
                       text=True, timeout=120)
    assert r.returncode == status, f"{args}: {r.returncode}: {r.stdout}{r.stderr}"
    return r.stdout + r.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """t/token is entry 900 of `planted`, and in no entry of `log`."""
    top = tmp_path_factory.mktemp("log")
    identity = tool("make_evidence", "token", top / "t").strip()
    tool("make_log", top / "log", 700, 1500)
    tool("make_log", top / "planted", "plant", identity, 900, 700, 1500)
    tool("make_evidence", "write", top / "t", top / "log", top / "absent")
    tool("make_evidence", "write", top / "t", top / "planted", top / "present")
    tool("make_evidence", "write", top / "t", top / "log", top / "thin", "thin")
    tool("make_evidence", "write", top / "t", top / "log", top / "old", "whole", 700)
    return top


@pytest.fixture(scope="module")
def served(made):
    """http://…/NAME is the log in that folder."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                             functools.partial(Quiet, directory=str(made)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def keys_of(folder):
    return "--vkey", folder / "vkey", "--witness", folder / "witness"


# --- proofs ---

@pytest.mark.parametrize("over", ["folder", "url"])
def test_a_proof(made, served, over, tmp_path):
    log = made / "planted"
    place = ("--folder", log) if over == "folder" else ("--url", served + "/planted")
    token = (made / "t/token").read_text()
    text = run("prove", "-", *place, *keys_of(log), given=token + "\n")
    assert text.startswith("c2sp.org/tlog-proof@v1\nextra ") and "\nindex 900\n" in text
    file = tmp_path / "token.tlog-proof"
    file.write_text(text)
    said = run("verify", file, *keys_of(log), "--token", made / "t/token", "--jwks",
               made / "t/jwks", "--json")
    said = json.loads(said)
    assert (said["verdict"], said["index"], said["size"]) == ("logged", 900, 1500)
    assert said["token"] and said["key_known"] and said["witnesses"] == 1
    assert said["entry"]["kid"] == "2026-11-es256"
    assert "logged: this is entry 900 of 1500" in run("verify", file, *keys_of(log))
    # by other means
    r = subprocess.run([TOOLS / "logread", "-witness", log / "witness", "proof", log / "vkey"],
                       input=text, capture_output=True, text=True, timeout=60)
    assert r.stdout.startswith("ACCEPT: index 900 of 1500"), r.stdout + r.stderr
    # and not for another token, another log's key, or with a witness who has not signed
    other = tmp_path / "other"
    tool("make_evidence", "token", other, 1795396201)
    assert "another token" in run("verify", file, *keys_of(log), "--token", other / "token",
                                  status=1)
    assert "nothing" in run("verify", file, "--vkey", made / "log/vkey", status=1)
    assert "few" in run("verify", file, "--vkey", log / "vkey", "--witness",
                        made / "log/witness", status=1)
    assert "nothing" in run("verify", file, *keys_of(log), "--token", made / "t/token",
                            "--jwks", other / "jwks", status=1)


def test_changed_proofs(made, tmp_path):
    log, file = made / "planted", tmp_path / "proof"
    text = run("prove", made / "t/token", "--folder", log)
    lines = text.split("\n")
    for change in ("index 900", "index 901"), (lines[3], lines[4]), ("\n1500\n", "\n1499\n"), \
            (lines[1], lines[1][:-8] + "AAAA" + lines[1][-4:]), (lines[1] + "\n", ""):
        file.write_text(text.replace(*change, 1))
        run("verify", file, "--vkey", log / "vkey", status=1)
    for n in range(0, len(text), 97):
        file.write_text(text[:n])
        run("verify", file, "--vkey", log / "vkey", status=3 if n == 0 else 1)


def test_not_in_the_log(made, served, tmp_path):
    for place in ("--folder", made / "log"), ("--url", served + "/log"):
        assert "not in the log" in run("prove", made / "t/token", *place, status=1)
    assert "usage" in run("prove", status=2)
    assert "name the log" in run("prove", made / "t/token", status=2)
    bad = tmp_path / "bad"
    bad.write_text("no token\n")
    run("prove", bad, "--folder", made / "log", status=3)
    run("prove", made / "t/token", "--folder", tmp_path / "none", status=3)
    run("prove", made / "t/token", "--url", served + "/none", status=3)


@pytest.mark.parametrize("bound", ["--seconds", "--megabytes"])
def test_a_log_without_end(made, bound):
    """Any size, and for ever an entry of the token's second that is not the token's."""
    payload = (made / "t/token").read_text().split(".")[1]
    iat = json.loads(base64.urlsafe_b64decode(payload + "=="))["iat"]
    entry = tlog.entry_of(iat=iat)
    bundle = (len(entry).to_bytes(2, "big") + entry) * 256
    head = f"endless.test/log\n{10 ** 12}\n{tlog.b64(bytes(32))}\n"

    class Endless(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            data = head.encode() + b"\n" + tlog.Key("endless.test/log").line(head).encode()
            data = data if "tile" not in self.path else bundle
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        said = run("prove", made / "t/token", "--url", f"http://127.0.0.1:{server.server_port}/log",
                   bound, 1, status=3)
    finally:
        server.shutdown()
        server.server_close()
    assert bound in said
    assert "1 at least" in run("prove", made / "t/token", "--folder", made / "log", bound, 0, status=2)


def test_an_authority_s_log(made, tmp_path):
    """-C DIR: DIR/log and DIR/log.vkey."""
    shutil.copytree(made / "planted", tmp_path / "log")
    shutil.copy(made / "planted/vkey", tmp_path / "log.vkey")
    said = json.loads(run("prove", made / "t/token", "-C", tmp_path, "--json"))
    assert said["index"] == 900 and said["origin"] == "login.example.com/log"
    assert said["proof"].startswith("c2sp.org/tlog-proof@v1\n")


# --- evidence ---

def changed(file, name, how, to):
    with tarfile.open(file) as old, tarfile.open(to, "w", format=tarfile.USTAR_FORMAT,
                                                 bufsize=512) as new:
        for m in old:
            data = old.extractfile(m).read()
            data = how(data) if m.name == "evidence/" + name else data
            m.size = len(data)
            new.addfile(m, io.BytesIO(data))
    # tarfile pads to its record; ours ends after two blocks
    data = to.read_bytes().rstrip(b"\0")
    to.write_bytes(data + bytes(-len(data) % 512) + bytes(1024))
    return to


def member(file, name):
    with tarfile.open(file) as t:
        return t.extractfile("evidence/" + name).read()


def test_evidence(made, served):
    log, planted, jwks = made / "log", made / "planted", ("--jwks", made / "t/jwks")
    said = json.loads(run("verify", made / "absent", *keys_of(log), *jwks, "--json"))
    assert (said["verdict"], said["claim"], said["holds"]) == ("absent", "absent", True)
    assert said["key_known"] and said["witnesses"] == 1 and said["size"] == 1500
    text = run("verify", made / "absent", *keys_of(log))
    assert text.startswith("absent: the token is validly signed and in none of the entries 0 to "
                           "1500 of login.example.com/log") and "hold it against" in text
    said = json.loads(run("verify", made / "present", *keys_of(planted), *jwks, "--json"))
    assert (said["verdict"], said["index"], said["holds"]) == ("present", 900, True)
    assert "--folder" in run("verify", made / "thin", *keys_of(log), status=2)
    for place in ("--folder", log), ("--url", served + "/log"):
        assert run("verify", made / "thin", *keys_of(log), *place).startswith("absent")
    # what is left of a pruned log begins after that token's time
    assert "oldest" in run("verify", made / "old", *keys_of(log), status=1)


def test_changed_evidence(made, tmp_path):
    log, planted, file = made / "log", made / "planted", tmp_path / "f"

    def refused(name, how, of=made / "absent", keys=keys_of(log)):
        return run("verify", changed(of, name, how, file), *keys, status=1)

    assert run("verify", changed(made / "absent", "edge", bytes, file), *keys_of(log))
    entries, head = member(made / "present", "entries"), member(made / "present", "checkpoint")
    assert "root" in refused("entries", lambda _: entries)
    both = tmp_path / "both"
    changed(changed(made / "absent", "entries", lambda _: entries, file), "checkpoint",
            lambda _: head, both)
    said = run("verify", both, *keys_of(planted), status=1)
    assert said.startswith("present: the token was issued: it is entry 900") and "claims" in said
    assert "fewer" in refused("entries", lambda d: d[:-1])
    refused("entries", lambda d: d + d[:71])
    refused("entries", lambda d: d[:40] + bytes([d[40] ^ 1]) + d[41:])
    refused("signature", lambda d: bytes([d[0] ^ 1]) + d[1:])
    refused("signing-input", lambda d: d[:-2] + b"AA")
    refused("evidence.json", lambda d: d.replace(b"absent", b"present"))
    refused("evidence.json", lambda d: d.replace(b"1500", b"1499"))
    refused("checkpoint", lambda d: (log / "checkpoint.700").read_bytes())
    refused("checkpoint", lambda d: (log / "checkpoint.fork").read_bytes())
    tool("make_evidence", "token", tmp_path / "other")
    refused("key.json", lambda d: (tmp_path / "other/jwk").read_bytes())
    run("verify", made / "absent", *keys_of(log), "--jwks", tmp_path / "other/jwks", status=1)
    run("verify", made / "absent", *keys_of(planted), status=1)
    lost = tmp_path / "lost"
    shutil.copytree(log, lost)
    (lost / "tile/entries/002").unlink()
    assert "nothing" in run("verify", made / "thin", *keys_of(log), "--folder", lost, status=3)
    (lost / "tile/entries/002").write_bytes((planted / "tile/entries/003").read_bytes())
    run("verify", made / "thin", *keys_of(log), "--folder", lost, status=1)
    file.write_bytes(b"neither\n")
    run("verify", file, *keys_of(log), status=1)


# --- consistency ---

def test_consistency(made, served, tmp_path):
    log = made / "planted"
    for place in ("--folder", log), ("--url", served + "/planted"):
        assert run("consistency", log / "checkpoint.700", *keys_of(log), *place).startswith(
            "consistent: login.example.com/log of 1500 entries begins with that of 700")
    said = json.loads(run("consistency", log / "checkpoint.700", log / "checkpoint.1500",
                          *keys_of(log), "--folder", log, "--json"))
    assert said["consistent"] and said["old"]["size"] == 700 and len(said["proof"]) > 3
    run("consistency", log / "checkpoint", *keys_of(log), "--folder", log)
    # shrunk, forked, of another log, changed
    said = run("consistency", log / "checkpoint.1500", log / "checkpoint.700", *keys_of(log),
               "--folder", log, status=1)
    assert "shrunk" in said
    shutil.copytree(log, tmp_path / "log")
    shutil.copy(log / "checkpoint.fork", tmp_path / "log/checkpoint")
    said = json.loads(run("consistency", log / "checkpoint.700", *keys_of(log), "--folder",
                          tmp_path / "log", "--json", status=1).split("\n")[0])
    assert said["consistent"] is False and said["proof"] == []
    run("consistency", made / "log/checkpoint.700", *keys_of(log), "--folder", log, status=1)
    changed_head = tmp_path / "head"
    changed_head.write_text((log / "checkpoint.700").read_text().replace("\n700\n", "\n701\n"))
    run("consistency", changed_head, *keys_of(log), "--folder", log, status=1)
    run("consistency", tmp_path / "none", *keys_of(log), "--folder", log, status=3)
    assert "--vkey" in run("consistency", log / "checkpoint.700", "--folder", log, status=2)


@pytest.mark.parametrize("verb", ["prove", "verify", "consistency"])
def test_help(verb):
    assert run(verb, "--help").startswith(f"usage: chancery log {verb} ")
    assert "usage" in run(verb, "--nonsense", status=2)
