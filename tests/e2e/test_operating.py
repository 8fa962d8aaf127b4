"""The commands of docs/OPERATING.md, as an operator would type them, in a folder of their own."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest
from chancery import PROGRAM, ROOT

DOC = (ROOT / "docs" / "OPERATING.md").read_text()


def commands(title):
    """The shell block below a heading."""
    section = DOC.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.S))


@pytest.fixture(scope="module")
def operator():
    """Runs a block of the document with its paths below a folder of the test's."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-operating-"))
    path.chmod(0o755)
    (path / "bin").mkdir()
    (path / "bin" / "chancery").symlink_to(PROGRAM)

    def run(block, stdin=b""):
        text = block.replace("/var/lib/chancery", str(path / "authority"))
        env = {"PATH": f"{path}/bin:{os.environ['PATH']}", "CHANCERY_DIR": f"{path}/authority"}
        return subprocess.run(["sh", "-ec", text], input=stdin, capture_output=True, timeout=120,
                              env=env, cwd=path)

    run.path = path
    yield run
    shutil.rmtree(path, ignore_errors=True)


def test_make_it(operator):
    r = operator(commands("Make it"))
    assert r.returncode == 0, r.stderr
    named = re.findall(r"^\| `([^`]+)`", DOC.split("\n## Clients")[0], re.M)
    assert "chancery.yaml" in named
    for entry in ("chancery.yaml", "passphrase", "keys/kdf", "jwks/corp.json",
                  "store/main/chancery.db", "crash", "run"):
        assert (operator.path / "authority" / entry).exists(), entry


def test_clients_and_users(operator):
    # the document's operator types it at a terminal
    typed = commands("Clients and users").replace("carol@corp.example",
                                                  "carol@corp.example --password-file -")
    r = operator(typed, stdin=b"a password of carol's\n")
    assert r.returncode == 0, r.stderr
    assert b"webmail" in r.stdout and b"carol@corp.example" in r.stdout


def test_keys(operator):
    pem = subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519"], capture_output=True,
                         check=True).stdout
    (operator.path / "key.pem").write_bytes(pem)
    r = operator(commands("Keys"))
    assert r.returncode == 0, r.stderr
    states = [(k["realm"], k["state"]) for k in
              json.loads(operator("chancery key list --json").stdout)]
    assert sorted(states) == [("corp", "signing"), *[("corp", "staged")] * 3,
                              ("home", "signing"), ("home", "staged"), ("staff", "signing"),
                              ("staff", "staged")]
