"""The long forms of what the ledger's own tests (tests/ledger) do in short with each build: damage
anywhere, power cuts at every sync and every byte, kill -9."""
import re
import subprocess

import pytest

from chancery import BUILD

pytestmark = [pytest.mark.soak, pytest.mark.plain("long enough as it is")]
TESTS = BUILD / "tests" / "ledger"
LEDGER = BUILD / "libexec" / "chancery" / "ledger"


def long(progress, name, *args):
    """Runs one; the lines that it said of what it did."""
    told = []
    # a line at a time, through a pipe too
    with subprocess.Popen(["stdbuf", "-oL", TESTS / f"test_ledger_{name}", *map(str, args)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as p:
        for line in p.stdout:
            told.append(line.strip())
            progress(told[-1])
    assert p.returncode == 0, "\n".join(told[-40:])
    return [line for line in told if re.match(r"\d+ |power was", line)]


def test_each_bit_of_a_small_log_is_seen(progress):
    print(long(progress, "damage", "--bits", 1, 40)[-1])


def test_each_byte_of_a_log_with_full_tiles_is_seen(progress):
    """Every seventh bit: one in each byte at least, and all eight of them in turn."""
    print(long(progress, "damage", "--bits", 7, 260)[-1])


def test_a_ledger_on_damaged_files(progress):
    """Each time it starts on the damage, and is repaired."""
    print(long(progress, "damage", "--every", 53)[-1])


def test_power_cuts_at_every_sync_and_byte(progress):
    print("; ".join(long(progress, "cut", "--every", 1)[-2:]))


def test_hundreds_of_ledgers_killed(progress):
    long(progress, "kill", LEDGER, "--rounds", 400)
    print("400 deaths, every entry that a signer was told of is there")
