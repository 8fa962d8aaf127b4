"""Key states and the steps between them, by the commands, on an authority that runs."""
import base64
import json
import re
import subprocess
import time
import urllib.request

import pytest

from chancery import Authority, PROGRAM

REALM = "home"


@pytest.fixture(scope="module")
def authority(short_dir):
    a = Authority(short_dir / "k")
    yield a
    assert a.stop() == 0, a.log_text()


def key(authority, *args):
    return subprocess.run([PROGRAM, "key", *args[:1], "-C", str(authority.dir), *args[1:]],
                          capture_output=True, text=True, timeout=120)


def listed(authority, realm, *more):
    r = key(authority, "list", "--realm", realm, "--json", *more)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


def by_state(authority, realm):
    states = {}
    for k in listed(authority, realm):
        states.setdefault(k["state"], []).append(k)
    return states


def published(authority, realm):
    with urllib.request.urlopen(authority.dev["realms"][realm]["jwks_uri"], timeout=60) as answer:
        return {k["kid"] for k in json.load(answer)["keys"]}


def on_disk(authority, realm):
    return {k["kid"] for k in
            json.loads((authority.dir / "jwks" / f"{realm}.json").read_text())["keys"]}


def signer(authority, realm):
    """The kid of a token that is given now."""
    user = next(u["username"] for u in authority.dev["users"] if u["realm"] == realm)
    head = authority.token(realm, user).split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def change_times(authority, max_age_s, sign_s, staged_s):
    """What commands go by from now on; the running issuer's max-age stays as it was."""
    config = authority.dir / "chancery.yaml"
    text = config.read_text()
    for name, value in (("jwks_max_age_s", max_age_s), ("sign_s", sign_s), ("staged_s", staged_s)):
        text, n = re.subn(rf"\b{name}: \d+", f"{name}: {value}", text)
        assert n == 1
    config.write_text(text)


def test_a_realm_begins_with_one_that_signs_and_one_that_is_staged(authority):
    for realm in ("home", "corp", "staff"):
        states = by_state(authority, realm)
        (signing,), (staged,) = states["signing"], states["staged"]
        assert set(states) == {"signing", "staged"}
        assert signing["next"] == "verify-only" and staged["next"] == "signing"
        assert signing["next_at"] == signing["since"] + 14 * 86400 == staged["next_at"]
        both = {signing["kid"], staged["kid"]}
        assert published(authority, realm) == both == on_disk(authority, realm)
    assert signer(authority, "home") == by_state(authority, "home")["signing"][0]["kid"]


def test_rotate_is_refused_until_the_staged_key_is_known(authority):
    before = listed(authority, REALM)
    r = key(authority, "rotate", "--realm", REALM, "--json")
    staged = by_state(authority, REALM)["staged"][0]
    said = json.loads(r.stdout)
    assert r.returncode == 1 and said["outcome"] == "refused" and said["kid"] == staged["kid"]
    # an hour of being staged, and a tenth of the cache's age
    assert said["allowed_at"] == staged["published"] + 3600 + 30
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(said["allowed_at"]))
    assert staged["kid"] in r.stderr and at in r.stderr
    r = key(authority, "rotate", "--realm", REALM)
    assert r.returncode == 1 and r.stdout == "" and at in r.stderr
    assert listed(authority, REALM) == before and signer(authority, REALM) == said["signs"]


def test_force_rotates_and_says_until_when_it_is_unknown(authority):
    states = by_state(authority, REALM)
    old, new = states["signing"][0], states["staged"][0]
    r = key(authority, "rotate", "--realm", REALM, "--force", "--json")
    assert r.returncode == 0, r.stderr
    said = json.loads(r.stdout)
    assert (said["outcome"], said["kid"], said["signs"]) == ("rotated", old["kid"], new["kid"])
    assert said["unknown_until"] == new["published"] + 3600 + 30 and "ATTENTION" in r.stderr
    assert signer(authority, REALM) == new["kid"]
    states = by_state(authority, REALM)
    assert [k["kid"] for k in states["signing"]] == [new["kid"]]
    gone = states["verify-only"][0]
    assert gone["kid"] == old["kid"] and gone["next"] == "retired"
    assert gone["next_at"] == gone["since"] + gone["max_ttl"] + 120
    # another is staged behind it, and planned
    assert states["staged"][0]["next_at"] == states["signing"][0]["next_at"]
    assert published(authority, REALM) == {k["kid"] for k in listed(authority, REALM)}
    # its tokens are out: the one before stays in the set
    assert old["kid"] in published(authority, REALM)


def test_a_key_that_is_added_is_planned_behind_the_others(authority):
    last = by_state(authority, "corp")["staged"][0]
    r = key(authority, "add", "--realm", "corp", "--not-after", "2020-01-01")
    assert r.returncode == 2, "a time that is over"
    r = key(authority, "add", "--realm", "corp", "--not-after",
            time.strftime("%Y-%m-%d", time.gmtime(time.time() + 33 * 86400)))
    assert r.returncode == 0, r.stderr
    added = next(k for k in listed(authority, "corp") if k["kid"] == r.stdout.split()[0])
    assert added["state"] == "staged" and added["not_before"] == last["not_after"]
    assert added["not_after"] < added["not_before"] + 6 * 86400, "its own limit comes first"
    assert added["kid"] in published(authority, "corp")


def test_compromise_takes_it_out_at_once_and_for_good(authority):
    states = by_state(authority, "corp")
    bad, next_one = states["signing"][0]["kid"], states["staged"][0]["kid"]
    r = key(authority, "compromise", "--realm", "corp", "--reason", "seen in \"a\" ticket", "--json",
            bad)
    assert r.returncode == 0, r.stderr
    said = json.loads(r.stdout)
    assert (said["outcome"], said["kid"], said["signs"]) == ("compromised", bad, next_one)
    assert abs(said["trusted_until"] - time.time() - 300) < 120
    assert said["unknown_until"], "the next one was published a moment ago"
    assert r.stderr.count("ATTENTION") == 2
    assert signer(authority, "corp") == next_one
    assert bad not in published(authority, "corp") | on_disk(authority, "corp")
    assert bad not in {k["kid"] for k in listed(authority, "corp")}
    assert not list((authority.dir / "keys" / "corp").glob(f"{bad}.*"))
    past = next(k for k in listed(authority, "corp", "--all") if k["kid"] == bad)
    assert past["state"] == "compromised" and past["reason"] == 'seen in "a" ticket'
    assert past["jwk"]["kid"] == bad and "d" not in past["jwk"]
    # again: the same, and nothing else
    before = listed(authority, "corp")
    r = key(authority, "compromise", "--realm", "corp", "--json", bad)
    assert r.returncode == 0 and json.loads(r.stdout)["outcome"] == "same"
    assert listed(authority, "corp") == before


def test_what_is_no_key_is_not_compromised(authority):
    for kid in ("nobody", "../home/x", ".", "changed"):
        r = key(authority, "compromise", "--realm", "corp", kid)
        assert r.returncode == 1 and "no such key" in r.stderr
    assert key(authority, "compromise", "--realm", "corp").returncode == 2
    assert key(authority, "rotate").returncode == 2
    assert key(authority, "rotate", "--realm", "nowhere").returncode == 2


def test_the_last_key_can_be_compromised(authority):
    """One after the other, until a new one has to be made at once."""
    for k in listed(authority, "staff"):
        if k["state"] == "staged":
            assert key(authority, "compromise", "--realm", "staff", k["kid"]).returncode == 0
    for _ in range(2):
        bad = by_state(authority, "staff")["signing"][0]["kid"]
        for k in by_state(authority, "staff").get("staged", []):
            r = key(authority, "compromise", "--realm", "staff", k["kid"])
            assert r.returncode == 0
        r = key(authority, "compromise", "--realm", "staff", "--json", bad)
        assert r.returncode == 0 and json.loads(r.stdout)["signs"] not in (None, bad)
        assert published(authority, "staff") and bad not in published(authority, "staff")


def test_a_wrong_passphrase_changes_nothing_and_a_compromised_key_leaves(authority, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("a passphrase of nobody\n")
    before = listed(authority, REALM)
    r = key(authority, "rotate", "--realm", REALM, "--force", "--passphrase-file", wrong)
    assert r.returncode == 3 and "passphrase" in r.stderr
    assert listed(authority, REALM) == before
    bad = by_state(authority, REALM)["signing"][0]["kid"]
    r = key(authority, "compromise", "--realm", REALM, "--passphrase-file", wrong, bad)
    assert r.returncode == 3 and "ATTENTION" in r.stderr
    assert bad not in published(authority, REALM)
    # and what a running authority does at its next look mends it
    r = key(authority, "tend")
    assert r.returncode == 0, r.stderr


def test_with_short_times_all_of_it_takes_seconds(authority):
    """The order by the real clock: a key is known for long enough, then it may sign."""
    change_times(authority, 1, 100, 1)
    r = key(authority, "rotate", "--realm", "corp", "--json")
    while r.returncode == 1:
        said = json.loads(r.stdout)
        assert said["outcome"] == "refused" and said["allowed_at"] > 0
        time.sleep(0.2)
        r = key(authority, "rotate", "--realm", "corp", "--json")
    assert r.returncode == 0, r.stderr
    said = json.loads(r.stdout)
    assert said["unknown_until"] is None and "ATTENTION" not in r.stderr
    assert signer(authority, "corp") == said["signs"]
    acts = json.loads(authority.run("audit", "list", "--json"))
    assert ("key rotate", "corp", "done",
            f"{said['signs']} signs, {said['kid']} verifies only") in [
                (a["command"], a["object"], a["result"], a["detail"]) for a in acts]
