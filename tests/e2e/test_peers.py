"""Whole flows by OAuth clients that nobody here wrote: code, PKCE, PAR, DPoP, refresh, userinfo,
introspection, revocation. Node's are got by npm from a lock file, so this is `make soak`'s."""
import json
import pathlib
import shutil
import subprocess
import urllib.parse

import pytest

from chancery import BUILD, authority_of
from test_issuer import login, request
from test_refresh import SECRET, client_add

HERE = pathlib.Path(__file__).parent / "peers"
SCOPE = "openid profile offline_access mail.read"


@pytest.fixture(scope="module", name="authority")
def authority_fixture():
    with authority_of("peers") as a:
        secret = pathlib.Path(str(a.dir) + ".secret")
        secret.write_text(SECRET)
        client_add(a, "rp", "--secret-file", str(secret), "--consent", "none", "--dpop", "yes",
                   "--par", "yes", scopes=SCOPE)
        yield a


@pytest.fixture(scope="module", name="node")
def node_folder():
    if not shutil.which("npm"):
        pytest.skip("npm is not here")
    folder = BUILD / "e2e-node"
    folder.mkdir(exist_ok=True)
    for file in HERE.iterdir():
        shutil.copy(file, folder)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder,
                   check=True, timeout=300)
    return folder


@pytest.mark.soak
@pytest.mark.parametrize("which", ["openid-client", "oauth4webapi"])
def test_node_client(authority, node, which):
    issuer = authority.dev["realms"]["home"]["issuer"]
    p = subprocess.Popen(["node", "flows.mjs", which, issuer, "rp", SECRET], cwd=node, text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        went = p.stdout.readline()
        assert went.startswith("go "), went + p.stderr.read()
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(went[3:].strip()).query))
        assert set(query) == {"client_id", "request_uri"}
        back = login(authority, **{**dict.fromkeys(request()), **query})
        out, err = p.communicate(back.headers["Location"] + "\n", timeout=120)
    finally:
        p.kill()
    assert p.returncode == 0, err
    assert json.loads(out.strip().split("\n")[-1]) == {
        "type": "dpop", "name": "Alice Home", "refreshed": "dpop", "cnf": True,
        "active": [True, False]}
