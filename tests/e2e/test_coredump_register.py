"""`chancery coredump register`: what was registered is known to the registry alone, keys of an
authority are told to it, and no dump of a program that has one shows it."""
import base64
import json
import pathlib
import secrets
import subprocess
import sys
import textwrap

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from chancery import PROGRAM, b64, wait_for
from registry import Registry

GOOD = "Xk3#9fLq2!bV7@zR8Tn"


@pytest.fixture
def registry(tmp_path):
    with Registry(tmp_path / "state") as running:
        yield running


def register(registry, *args, text=None, **more):
    return subprocess.run([PROGRAM, "coredump", "register", "--state", registry.state, *args],
                          input=text, capture_output=True, text=True, timeout=60, **more)


def labels(registry):
    r = register(registry, "--list", "--json")
    assert r.returncode == 0, r.stderr
    said = json.loads(r.stdout)
    assert said["left_out"] == 0
    return {row["label"]: row for row in said["labels"]}


def pem_of(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def test_lines(registry):
    r = register(registry, "-", text=f"{GOOD}\r\n\n# not a comment, Zy8!\n")
    assert (r.returncode, r.stdout) == (0, "default: 2 registered, 0 there already\n"), r.stderr
    r = register(registry, "-", text=f"{GOOD}\n")
    assert (r.returncode, r.stdout) == (0, "default: 0 registered, 1 there already\n")
    r = register(registry, "--label", "other", "-", text=GOOD)
    assert r.returncode == 0
    assert set(labels(registry)) == {"default", "other"}


def test_what_is_refused(registry):
    r = register(registry, "-", text=f"short\n{GOOD}\ncorrect horse battery staple\n")
    assert r.returncode == 1 and "1 registered" in r.stdout
    assert "line 1" in r.stderr and "16 bytes" in r.stderr
    assert "line 3" in r.stderr and "--weak" in r.stderr
    assert "horse" not in r.stderr and "short\n" not in r.stderr
    r = register(registry, "--weak", "--label", "w", "-", text="correct horse battery staple\n")
    assert r.returncode == 0 and labels(registry)["w"]["weak"]
    for bad in ("", "\n\n"):
        assert register(registry, "-", text=bad).returncode == 1
    assert register(registry, "-", text="x" * 70000).returncode == 1
    # a secret as an argument is not repeated
    r = register(registry, GOOD)
    assert r.returncode == 3 and GOOD not in r.stdout + r.stderr
    r = register(registry, "--" + GOOD)
    assert r.returncode == 2 and GOOD not in r.stdout + r.stderr
    assert register(registry, "--label", "a b", "-", text=GOOD).returncode == 2


def test_keys(registry, tmp_path):
    keys = [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1()),
            ed25519.Ed25519PrivateKey.generate()]
    (tmp_path / "all.pem").write_text("some words\n" + "".join(pem_of(k) for k in keys))
    r = register(registry, "--label", "pem", tmp_path / "all.pem")
    assert r.stdout == "pem: 10 registered, 0 there already\n", r.stderr
    n = keys[0].private_numbers()

    def number(v):
        return b64(v.to_bytes((v.bit_length() + 7) // 8, "big"))

    jwk = {"kty": "RSA", "d": number(n.d), "p": number(n.p), "q": number(n.q),
           "dp": number(n.dmp1), "dq": number(n.dmq1), "qi": number(n.iqmp)}
    r = register(registry, "--label", "pem", "-", text=json.dumps({"keys": [jwk]}))
    assert r.stdout == "pem: 0 registered, 6 there already\n", r.stderr
    r = register(registry, "-", text='{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}')
    assert r.returncode == 1 and "no private key" in r.stderr
    locked = keys[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                   serialization.BestAvailableEncryption(b"x")).decode()
    r = register(registry, "-", text=locked)
    assert r.returncode == 1 and "passphrase" in r.stderr


def test_it_is_kept_and_forgotten(registry):
    assert register(registry, "--label", "a", "-", text=GOOD).returncode == 0
    kept = registry.file.read_bytes()
    assert registry.file.stat().st_mode & 0o777 == 0o600
    for form in (GOOD.encode(), base64.b64encode(GOOD.encode()), GOOD.encode().hex().encode()):
        assert form[:8] not in kept
    registry.process.kill()
    registry.process.wait()
    registry.start()
    assert set(labels(registry)) == {"a"}
    assert register(registry, "--remove", "b").returncode == 1
    assert register(registry, "--remove", "a").returncode == 0
    assert labels(registry) == {}
    assert GOOD not in registry.log_text()


def test_a_damaged_file_is_not_begun_anew(registry):
    assert register(registry, "-", text=GOOD).returncode == 0
    registry.process.kill()
    registry.process.wait()
    damaged = bytearray(registry.file.read_bytes())
    damaged[-1] ^= 1
    registry.file.write_bytes(damaged)
    registry.start()
    assert registry.process.wait(10) == 3
    assert "damaged" in registry.log_text()
    assert registry.file.read_bytes() == damaged


def test_there_is_none(tmp_path):
    r = subprocess.run([PROGRAM, "coredump", "register", "--state", tmp_path, "-"], input=GOOD,
                       capture_output=True, text=True)
    assert r.returncode == 3 and "coredump install" in r.stderr


@pytest.mark.root_only
def test_who_may(tmp_path, short_dir):
    """root and who was named; nobody else, and of those named nobody lists."""
    if not all(p.stat().st_mode & 1 for p in pathlib.Path(PROGRAM).resolve().parents):
        pytest.skip("another user cannot reach the build folder")
    state = short_dir / "r"
    with Registry(state, uids=[4711]) as registry:
        register_as = lambda uid, *args: register(registry, *args, text=GOOD, user=uid)
        for path in (state, state / "run"):
            path.chmod(0o711)
        assert register_as(4711, "-").returncode == 0
        assert register_as(4711, "--list").returncode == 3
        assert register_as(4711, "--remove", "default").returncode == 3
        assert register_as(4712, "-").returncode != 0
        assert set(labels(registry)) == {"default"}
        wait_for(lambda: "uid=4712" in registry.log_text(), what="a line in the log")


def test_a_peer_that_says_nonsense_is_dropped(registry):
    import socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(str(registry.socket))
        s.send(b"\x01\x01\x00")
        s.settimeout(10)
        assert s.recv(100) == b""
    assert labels(registry) == {}
    assert registry.process.poll() is None


# --- keys of an authority ------------------------------------------------------------

def chancery(*args, **more):
    return subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=120, **more)


def test_keys_of_an_authority_are_registered(registry, tmp_path, short_dir):
    folder = short_dir / "keys"
    r = chancery("init", "--crash-handler", registry.state, folder)
    assert r.returncode == 0, r.stderr
    keys = {k["kid"]: k["realm"] for k in
            json.loads(chancery("key", "list", "-C", folder, "--json").stdout)}
    assert len(keys) == 6, "of each realm one that signs and one that is staged"
    known = set(labels(registry))
    of_log = {label for label in known if label.startswith("log/")}
    assert len(of_log) == 1 and known - of_log == {f"{realm}/{kid}" for kid, realm in keys.items()}
    r = chancery("key", "add", "-C", folder, "--realm", "home", "--alg", "RS256")
    assert r.returncode == 0, r.stderr
    added = r.stdout.split()[0]
    pem = pem_of(ed25519.Ed25519PrivateKey.generate())
    r = chancery("key", "import", "-C", folder, "--realm", "corp", "-", input=pem)
    assert r.returncode == 0, r.stderr
    imported = r.stdout.split()[0]
    known = labels(registry)
    assert {f"home/{added}", f"corp/{imported}"} < set(known)
    assert known[f"home/{added}"]["windows"] > 900
    # what was imported is what is known: the same PEM adds nothing
    r = register(registry, "--label", f"corp/{imported}", "-", text=pem)
    assert r.stdout.endswith("0 registered, 3 there already\n")


def test_without_a_handler_a_key_is_made_all_the_same(tmp_path, short_dir):
    folder = short_dir / "alone"
    r = chancery("init", "--crash-handler", tmp_path / "nothing", folder)
    assert r.returncode == 0
    assert r.stderr.count("no crash handler") == 7, "of each realm two, and the log's"


# --- dumps ---------------------------------------------------------------------------

HOLDER = textwrap.dedent("""
    import base64, sys, time
    text = sys.stdin.read().strip()
    data = bytes.fromhex(text)
    number = int(text, 16)
    kept = [data, data[::-1], base64.b64encode(data), base64.b64encode(b"x" + data + b"yz"),
            base64.urlsafe_b64encode(b"xy" + data), data.hex().encode(), data.hex().upper().encode(),
            base64.b64encode(data).decode().encode("utf-16-le"),
            data.hex().encode("utf-16-be"), base64.encodebytes(data * 4), bytearray(data)]
    padding = bytes(range(256)) * 4096
    print("ready", flush=True)
    time.sleep(600)
    """)


def forms_of(data):
    """Every way in which HOLDER has it, without what the surroundings change."""
    standard = base64.b64encode(data)
    phases = [base64.b64encode(b"x" * i + data)[i + 1:-4] for i in range(3)]
    narrow = [standard[:-4], *phases, data.hex().encode(), data.hex().upper().encode()]
    narrow += [f.replace(b"+", b"-").replace(b"/", b"_") for f in narrow]
    wide = [f.decode().encode("utf-16-le") for f in narrow]
    return [data, data[::-1], *narrow, *wide]


def parts(data):
    return {f[i:i + 20] for f in forms_of(data) for i in range(0, len(f) - 20, 20)}


@pytest.mark.root_only
@pytest.mark.parametrize("level", ["strict", "full"])
def test_no_dump_holds_it(registry, tmp_path, level):
    data = secrets.token_bytes(64)
    while data[0] < 16:
        data = secrets.token_bytes(64)
    r = register(registry, "--label", "mine", "-", text=json.dumps(
        {"kty": "EC", "d": b64(data)}))
    assert r.returncode == 0, r.stderr
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    try:
        holder.stdin.write(data.hex().encode())
        holder.stdin.close()
        assert holder.stdout.readline() == b"ready\n"
        subprocess.run(["gcore", "-o", tmp_path / "core", str(holder.pid)], check=True,
                       capture_output=True)
    finally:
        holder.kill()
        holder.wait()
    core = next(tmp_path.glob("core.*"))
    before = core.read_bytes()
    there = {p for p in parts(data) if p in before}
    assert len(there) > 30, "the secret was not planted"
    r = chancery("coredump", "redact", "--level", level, "--registry", registry.state, core,
                 tmp_path / "clean")
    assert r.returncode == 0, r.stderr
    after = (tmp_path / "clean").read_bytes()
    assert [p for p in there if p in after] == []
    report = json.loads((tmp_path / "clean.json").read_text())
    assert any(m["kind"].startswith("registered") for m in report["masked"])
    r = chancery("coredump", "scan", "--registry", registry.state, "--json", core)
    assert "registered" in r.stdout
