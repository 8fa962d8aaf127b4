"""The published set of tokens: it is what its scripts make, its signatures are by another library
what the cases say, and `chancery verify` gives each token of one issuer the code that is named."""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

ROOT = pathlib.Path(__file__).resolve().parents[2]
SET = ROOT / "tests/vectors/verifier"
CHANCERY = os.environ.get("CHANCERY", str(ROOT / "build" / "chancery"))
sys.path.insert(0, str(SET))
from chancery import BUILD  # noqa: E402
import runner  # noqa: E402
from jose import unb64  # noqa: E402

# codes that are given only after the signature was found good
AFTER = {"accepted", "bad_claims", "bad_audience", "expired", "not_yet", "too_long_lived"}


@pytest.fixture(scope="module")
def whole():
    return json.loads((SET / "cases.json").read_text())


def steps_of(whole):
    for case in whole["cases"]:
        for step in case["steps"]:
            yield case, step


@pytest.mark.plain("is about scripts in Python")
def test_it_is_what_its_scripts_make():
    done = subprocess.run([sys.executable, SET / "generate.py", "--check"], capture_output=True,
                          text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_large_and_sound(whole):
    levels = collections.Counter(case["level"] for case in whole["cases"])
    assert levels["must"] >= 200 and levels["accept"] >= 60 and levels["strict"] >= 60
    for case in whole["cases"]:
        last = case["steps"][-1]["expect"]
        assert (case["level"] == "accept") == (last["verdict"] == "accept"), case["id"]
        assert case["id"].startswith(case["group"] + "-") and case["reason"] and case["title"]
    assert {c["group"] for c in whole["cases"]} == {g["name"] for g in whole["groups"]}
    table = (ROOT / "docs/VERIFY.md").read_text()
    for _, step in steps_of(whole):
        code = step["expect"]["code"]
        assert code == "bad_policy" or f"| `{code}` |" in table, code
        assert (step["expect"]["verdict"] == "accept") == (code == "accepted")


def by_the_key(jwk, text, sig):
    """Does cryptography say that it verifies?"""
    n = {m: int.from_bytes(unb64(jwk[m]), "big") for m in ("x", "y", "n", "e") if m in jwk}
    try:
        if jwk["alg"] == "ES256":
            if len(sig) != 64:
                return False
            r, s = int.from_bytes(sig[:32], "big"), int.from_bytes(sig[32:], "big")
            ec.EllipticCurvePublicNumbers(n["x"], n["y"], ec.SECP256R1()).public_key().verify(
                utils.encode_dss_signature(r, s), text, ec.ECDSA(hashes.SHA256()))
        elif jwk["alg"] == "EdDSA":
            ed25519.Ed25519PublicKey.from_public_bytes(unb64(jwk["x"])).verify(sig, text)
        else:
            pad = padding.PKCS1v15() if jwk["alg"] == "RS256" else padding.PSS(
                padding.MGF1(hashes.SHA256()), 32)
            rsa.RSAPublicNumbers(n["e"], n["n"]).public_key().verify(sig, text, pad,
                                                                     hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def test_signatures_are_what_the_cases_say(whole):
    good = bad = 0
    for case, step in steps_of(whole):
        code = step["expect"]["code"]
        if code not in AFTER and code != "bad_signature":
            continue
        text, _, sig = step["token"].rpartition(".")
        head, body = (json.loads(unb64(part)) for part in text.split("."))
        issuer = next(i for i in whole["policies"][step["policy"]] if i["issuer"] == body["iss"])
        jwk = next(k for k in json.loads(issuer["jwks"])["keys"] if k.get("kid") == head["kid"])
        # this library also takes a short DigestInfo and does not look at the length of n
        assert by_the_key(jwk, text.encode(), unb64(sig)) == (code in AFTER), case["id"]
        good, bad = good + (code in AFTER), bad + (code not in AFTER)
    assert good > 200 and bad > 60


def is_for_the_command(step, policies):
    """One issuer, no periods, no proof, one line."""
    issuers = policies[step["policy"]]
    return (len(issuers) == 1 and "periods" not in issuers[0] and "request" not in step
            and not set(step["token"]) & {"\n", "\r"})


def command(issuer, jwks, now):
    audiences = [word for a in issuer["audiences"] for word in ("--audience", a)]
    return [CHANCERY, "verify", "--jwks", jwks, "--issuer", issuer["issuer"], *audiences, "--realm",
            issuer["realm"], "--typ", issuer["typ"], "--now", str(now), "--skew",
            str(issuer["skew_s"]), "--max-ttl", str(issuer["max_ttl_s"]), "--batch", "-"]


def test_the_command_gives_the_same_codes(whole, tmp_path):
    runs = collections.defaultdict(list)
    for case, step in steps_of(whole):
        if is_for_the_command(step, whole["policies"]):
            runs[step["policy"], step["now"]].append((case["id"], step))
    asked = 0
    for (name, now), steps in runs.items():
        issuer = whole["policies"][name][0]
        path = tmp_path / "jwks"
        path.write_text(issuer["jwks"])
        lines = "".join(step["token"] + "\n" for _, step in steps)
        done = subprocess.run(command(issuer, path, now), input=lines.encode(), capture_output=True,
                              timeout=120, check=False)
        if steps[0][1]["expect"]["code"] == "bad_policy":
            # a bad name of an issuer is the caller's fault, a bad key set is trouble
            denied = 2 if re.search(r"^http:|\?", issuer["issuer"]) else 3
            assert done.returncode == denied and not done.stdout, name
            continue
        got = [json.loads(line)["code"] for line in done.stdout.decode().splitlines()]
        assert len(got) == len(steps), (name, done.stderr)
        for (case, step), code in zip(steps, got):
            assert code == step["expect"]["code"], case
            asked += 1
    assert asked > 400


@pytest.fixture(scope="module")
def asked():
    """What the runner finds of the judge itself and of the installed library."""
    programs = BUILD / "tests/verifier"
    return {name: runner.run([str(programs / f"verifier-{name}")]) for name in ("token", "library")}


@pytest.mark.parametrize("name", ["token", "library"])
def test_nothing_gets_through_and_nothing_good_is_refused(asked, name):
    result = asked[name]
    assert result["wrong_codes"] == 0
    for group, levels in result["groups"].items():
        assert all(c["wrong"] == c["crash"] == 0 for c in levels.values()), (group, levels)
    assert runner.total(result, "must", "asked") > 500
    assert runner.total(result, "accept", "asked") > 80


def test_the_document_says_what_the_runner_finds(asked):
    text = (ROOT / "docs/VERIFIERS.md").read_text()
    for level in runner.LEVELS:
        begin, end = f"<!-- {level}: made by make compare -->", f"<!-- end of {level} -->"
        head, _, *rows = text.split(begin)[1].split(end)[0].strip().splitlines()
        assert head.split(" | ")[1] == "libchancery"
        cells = dict(re.match(r"\| (\S+) \| ([\d*]+/[\d*]+|n/a) \|", row).groups() for row in rows)
        for group, levels in asked["library"]["groups"].items():
            count = levels[level]
            if count["asked"]:
                assert cells[group] == f"{count['wrong']}/{count['asked']}", (level, group)
        whole = runner.total(asked["library"], level, "asked")
        assert cells["**all**"] == f"**0/{whole}**"


CARELESS = """import json, sys
print(json.dumps({"name": "careless", "has": %r}), flush=True)
for line in sys.stdin:
    json.loads(line)
    print(json.dumps({"verdict": %r}), flush=True)
"""


@pytest.mark.parametrize("verdict,level", [("accept", "must"), ("refuse", "accept")])
def test_a_careless_verifier_is_told(verdict, level, tmp_path):
    program, said = tmp_path / "careless.py", tmp_path / "said.json"
    program.write_text(CARELESS % (["payload"], verdict))
    done = subprocess.run([sys.executable, SET / "runner.py", "--group", "shape", "--group", "typ",
                           "--json", said, sys.executable, program], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1 and "careless" in done.stdout
    groups = json.loads(said.read_text())["groups"]
    count = groups["shape"][level]
    assert count["asked"] == count["wrong"] > 0
    assert groups["typ"]["must"] == {"asked": 0, "wrong": 0, "crash": 0, "na": 24}


def test_a_verifier_that_falls_is_started_again(tmp_path):
    program = tmp_path / "falls.py"
    program.write_text(CARELESS.replace("json.loads(line)", "line.count('..') and sys.exit(1)")
                       % ([], "refuse"))
    result = runner.run([sys.executable, str(program)], ["shape"])
    counts = result["groups"]["shape"]["must"]
    assert counts["crash"] >= 1 and counts["asked"] > counts["crash"]
    silent = subprocess.run([sys.executable, SET / "runner.py", "true"], capture_output=True,
                            check=False)
    assert silent.returncode == 3
