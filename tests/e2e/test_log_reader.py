"""The log of a running authority, read by Go's tlog and note (tests/logread): every token is in it, it
goes on from every head that was kept, and each change of it is found. Then proofs over its own HTTP
and evidence about a token that it never issued."""
import base64
import json
import shutil
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import serialization

from chancery import BUILD, PROGRAM, Signer, authority_of, http, wait_for

LOGREAD = BUILD / "tests" / "logread" / "logread"


def read(log, vkey, *heads):
    r = subprocess.run([LOGREAD, "log", log, vkey, *heads], capture_output=True, text=True,
                       timeout=120)
    return (r.stdout + r.stderr).strip()


def run(verb, *args, status=0, given=None):
    r = subprocess.run([PROGRAM, "log", verb, *map(str, args)], input=given, capture_output=True,
                       text=True, timeout=120)
    assert r.returncode == status, f"{args}: {r.returncode}: {r.stdout}{r.stderr}"
    return r.stdout + r.stderr


def head_size(log):
    return int((log / "checkpoint").read_text().split("\n")[1])


class Tokens:
    """Client credentials of the demo's machine client, as fast as one client asks."""

    def __init__(self, authority):
        client = next(c for c in authority.dev["clients"] if c.get("client_secret"))
        issuer = authority.dev["realms"][client["realm"]]["issuer"]
        basic = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode())
        self.url = issuer + "/token"
        self.headers = {"Authorization": "Basic " + basic.decode(),
                        "Content-Type": "application/x-www-form-urlencoded"}

    def get(self):
        answer = http("POST", self.url, b"grant_type=client_credentials", self.headers)
        assert answer.status == 200, answer.body
        return answer.json()["access_token"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """An authority, some tokens of it, and heads that were kept meanwhile."""
    kept = tmp_path_factory.mktemp("heads")
    with authority_of("logread") as a:
        tokens, log = Tokens(a), a.dir / "log"
        mine, heads = [], []
        for batch in 1, 60, 200:
            mine += [tokens.get() for _ in range(batch)]
            wait_for(lambda: head_size(log) >= len(mine), what="a head of all tokens")
            heads.append(kept / f"head{batch}")
            heads[-1].write_bytes((log / "checkpoint").read_bytes())
        yield a, mine, heads


def copied(log, to):
    """A copy that stands still: of one head, and of files that only grow."""
    to.mkdir()
    shutil.copy(log / "checkpoint", to / "checkpoint")
    shutil.copytree(log / "tile", to / "tile")
    return to


def test_accepted(shown, tmp_path):
    a, mine, heads = shown
    log = copied(a.dir / "log", tmp_path / "log")
    said = read(log, a.dir / "log.vkey", *heads)
    assert said.startswith("ACCEPT: size ") and "3 older heads" in said, said
    assert int(said.split()[2].rstrip(",")) >= len(mine)
    assert a.dev["log"]["vkey"] == (a.dir / "log.vkey").read_text().strip()


@pytest.mark.parametrize("change", ["tile", "entry", "size", "root", "old root", "checkpoint"])
def test_rejected(shown, tmp_path, change):
    a, _, heads = shown
    log, heads = copied(a.dir / "log", tmp_path / "log"), list(heads)
    if change in ("tile", "entry"):
        file = log / ("tile/0/000" if change == "tile" else "tile/entries/000")
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 4
        file.write_bytes(data)
    elif change == "checkpoint":
        # of a smaller tree, where a tree of this one's size was promised
        shutil.copy(heads[0], log / "checkpoint")
    else:
        file = log / "checkpoint" if change != "old root" else tmp_path / "old"
        lines = (log / "checkpoint" if change != "old root" else heads[1]).read_text().split("\n")
        if change == "size":
            lines[1] = str(int(lines[1]) - 1)
        else:
            lines[2] = base64.b64encode(bytes(32)).decode()
        file.write_text("\n".join(lines))
        heads[1] = tmp_path / "old" if change == "old root" else heads[1]
    said = read(log, a.dir / "log.vkey", *heads)
    assert said.startswith("REJECT"), said


def test_proofs(shown, tmp_path):
    a, mine, heads = shown
    url, vkey = a.dev["log"]["url"], a.dir / "log.vkey"
    for i, place in enumerate((("-C", a.dir), ("--url", url), ("--folder", a.dir / "log"))):
        token = mine[i * 100]
        proof = run("prove", "-", *place, "--vkey", vkey, given=token + "\n")
        file = tmp_path / "proof"
        file.write_text(proof)
        token_file = tmp_path / "token"
        token_file.write_text(token)
        said = json.loads(run("verify", file, "--vkey", vkey, "--token", token_file, "--json"))
        assert said["verdict"] == "logged" and said["token"]
        r = subprocess.run([LOGREAD, "proof", vkey], input=proof, capture_output=True, text=True,
                           timeout=60)
        assert r.stdout.startswith(f"ACCEPT: index {said['index']} of"), r.stdout + r.stderr
    # of this very second
    fresh = Tokens(a).get()
    assert run("prove", "-", "-C", a.dir, given=fresh).startswith("c2sp.org/tlog-proof@v1\n")
    for place in ("--folder", a.dir / "log"), ("--url", url):
        assert "consistent" in run("consistency", heads[0], *place, "--vkey", vkey)


def evidence_of(a, token, file):
    r = subprocess.run([PROGRAM, "trace", "--token", "-", "--bundle", file, "-C", a.dir],
                       input=token, capture_output=True, text=True, timeout=120)
    assert file.exists(), r.stdout + r.stderr
    vkey = a.dir / "log.vkey"
    said = json.loads(run("verify", file, "--vkey", vkey, "--json"))
    r = subprocess.run([LOGREAD, "evidence", file, vkey], capture_output=True, text=True,
                       timeout=60)
    assert r.stdout.startswith("ACCEPT: " + said["claim"]), r.stdout + r.stderr
    assert said["claim"] == said["verdict"] and said["holds"]
    return said


def test_evidence(shown, tmp_path):
    """Of a token that was issued, and of one that was forged with a real key, which was imported."""
    a, mine, _ = shown
    assert evidence_of(a, mine[5], tmp_path / "genuine.tar")["verdict"] == "present"
    thief = Signer(a.dev["realms"]["home"]["issuer"])
    pem = thief.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                  serialization.NoEncryption())
    kids = {k["kid"] for k in json.loads(a.run("key", "list", "--realm", "home", "--json"))}
    a.run("key", "import", "--realm", "home", "-", given=pem.decode())
    now = {k["kid"] for k in json.loads(a.run("key", "list", "--realm", "home", "--json"))}
    thief.kid = (now - kids).pop()
    now = int(time.time())
    forged = evidence_of(a, thief.token(iat=now), tmp_path / "forged.tar")
    assert forged["verdict"] == "absent" and forged["kid"] == thief.kid and forged["first"] == 0
    # what that key signed before it was imported is in no log, whoever signed it: nobody is accused
    old = tmp_path / "old.tar"
    subprocess.run([PROGRAM, "trace", "--token", "-", "--bundle", old, "-C", a.dir],
                   input=thief.token(iat=now - 3000), capture_output=True, text=True, timeout=120)
    said = json.loads(run("verify", old, "--vkey", a.dir / "log.vkey", "--json",
                          status=1).split("\n")[0])
    assert said["verdict"] == "undecided" and not said["holds"]
    r = subprocess.run([LOGREAD, "evidence", old, a.dir / "log.vkey"], capture_output=True,
                       text=True, timeout=60)
    assert r.returncode != 0 and "need not be among those" in r.stdout + r.stderr
