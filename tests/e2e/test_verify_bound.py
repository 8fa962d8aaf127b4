"""`chancery verify` on tokens that are bound to a key: DPoP proofs and certificates made by
another library, as files."""
import datetime
import hashlib
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from test_verify_cli import NOW, EdDsa, Es256, Rsa, b64, jwks, token, verify  # noqa: F401

CLIENTS = {"es": Es256(), "ed": EdDsa(), "rs": Rsa("RS256"), "ps": Rsa("PS256")}
URL = "https://rs.test/inbox"


def thumbprint(key):
    text = json.dumps(key.jwk(), sort_keys=True, separators=(",", ":"))
    return b64(hashlib.sha256(text.encode()).digest())


def proof(key, of, **changed):
    head = {"typ": "dpop+jwt", "alg": key.alg, "jwk": key.jwk()}
    claims = {"jti": "p1", "htm": "GET", "htu": URL, "iat": NOW - 10,
              "ath": b64(hashlib.sha256(of.encode()).digest()), **changed}
    text = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
    return text + "." + b64(key.sign(text.encode()))


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    day = datetime.datetime(2023, 11, 14)
    return (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(1).not_valid_before(day)
            .not_valid_after(day + datetime.timedelta(days=9)).sign(key, hashes.SHA256()))


@pytest.fixture
def shown(jwks, tmp_path):  # noqa: F811
    """Judges a token with a proof in a file."""
    def judge(bound, text, *more, method="GET", url=URL):
        path = tmp_path / "proof"
        path.write_text(text)
        done = verify(jwks, "--dpop", str(path), "--method", method, "--url", url, *more, "-",
                      stdin=bound)
        return done.returncode, done.stdout.splitlines()[0], done.stderr
    return judge


@pytest.mark.parametrize("kid", sorted(CLIENTS))
def test_each_algorithm_of_a_proof(shown, kid):
    key = CLIENTS[kid]
    bound = token(cnf={"jkt": thumbprint(key)})
    status, out, err = shown(bound, proof(key, bound) + "\n")
    assert (status, err) == (0, "") and json.loads(out)["sub"] == "alice"
    other = CLIENTS["ed" if kid == "es" else "es"]
    status, out, err = shown(bound, proof(other, bound))
    assert (status, out) == (1, "bad_binding") and "(proof: jwk)" in err


def test_what_the_proof_is_for(shown):
    key = CLIENTS["es"]
    bound = token(cnf={"jkt": thumbprint(key)})
    good = proof(key, bound)
    for wrong, member in ((shown(bound, good, method="POST"), "htm"),
                          (shown(bound, good, url=URL + "/x"), "htu"),
                          (shown(bound, proof(key, bound + "x")), "ath"),
                          (shown(bound, proof(key, bound, iat=NOW - 61)), "iat"),
                          (shown(bound, good[:-4] + "AAAA"), "signature")):
        assert wrong[:2] == (1, "bad_proof") and f"(proof: {member})" in wrong[2], wrong
    status, out, err = shown(bound, good, url="https://rs.test/../inbox")
    assert (status, out) == (1, "bad_proof") and "(request: url)" in err
    assert shown(bound, good, url="HTTPS://RS.test:443/%69nbox?q")[0] == 0


def test_a_nonce(shown):
    key = CLIENTS["es"]
    bound = token(cnf={"jkt": thumbprint(key)})
    assert shown(bound, proof(key, bound), "--nonce", "n1")[:2] == (1, "nonce_needed")
    assert shown(bound, proof(key, bound, nonce="n2"), "--nonce", "n1")[1] == "nonce_needed"
    assert shown(bound, proof(key, bound, nonce="n1"), "--nonce", "n1")[0] == 0


def test_a_token_that_is_not_bound(shown):
    plain = token()
    assert shown(plain, proof(CLIENTS["es"], plain))[:2] == (1, "bad_binding")


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_certificates(jwks, tmp_path, encoding):  # noqa: F811
    mine, other = certificate(), certificate()
    path = tmp_path / "client"
    bound = token(cnf={"x5t#S256": b64(mine.fingerprint(hashes.SHA256()))})
    path.write_bytes(mine.public_bytes(encoding))
    assert verify(jwks, "--client-cert", str(path), "-", stdin=bound).returncode == 0
    path.write_bytes(other.public_bytes(encoding))
    done = verify(jwks, "--client-cert", str(path), "-", stdin=bound)
    assert (done.returncode, done.stdout) == (1, "bad_binding\n")
    assert "(certificate: x5t#S256)" in done.stderr
    # a chain: the client's own comes first
    if encoding == Encoding.PEM:
        path.write_bytes(b"text\n" + mine.public_bytes(encoding) + other.public_bytes(encoding))
        assert verify(jwks, "--client-cert", str(path), "-", stdin=bound).returncode == 0


def test_both_kinds_need_both(jwks, tmp_path):  # noqa: F811
    key, mine = CLIENTS["es"], certificate()
    bound = token(cnf={"jkt": thumbprint(key),
                       "x5t#S256": b64(mine.fingerprint(hashes.SHA256()))})
    (tmp_path / "proof").write_text(proof(key, bound))
    (tmp_path / "client").write_bytes(mine.public_bytes(Encoding.DER))
    dpop = ["--dpop", str(tmp_path / "proof"), "--method", "GET", "--url", URL]
    tls = ["--client-cert", str(tmp_path / "client")]
    assert verify(jwks, *dpop, *tls, "-", stdin=bound).returncode == 0
    for half in (dpop, tls):
        done = verify(jwks, *half, "-", stdin=bound)
        assert (done.returncode, done.stdout) == (1, "bad_binding\n")


def test_calls_that_are_wrong(jwks, tmp_path):  # noqa: F811
    empty = tmp_path / "empty"
    empty.write_text("")
    for wrong in (["--dpop", "f"], ["--dpop", "f", "--url", URL], ["--method", "GET"],
                  ["--nonce", "n"], ["--url", URL], ["--client-cert", "c", "--batch"]):
        done = verify(jwks, *wrong, "-", stdin=token())
        assert (done.returncode, done.stdout) == (2, "") and done.stderr, wrong
    for missing in (["--client-cert", str(tmp_path / "none")], ["--client-cert", str(empty)],
                    ["--dpop", str(tmp_path / "none"), "--method", "GET", "--url", URL]):
        done = verify(jwks, *missing, "-", stdin=token())
        assert (done.returncode, done.stdout) == (3, "") and missing[1] in done.stderr, missing
    done = verify(jwks, "--dpop", str(empty), "--method", "GET", "--url", URL, "-",
                  stdin=token(cnf={"jkt": thumbprint(CLIENTS["es"])}))
    assert (done.returncode, done.stdout) == (1, "bad_proof\n")
