"""The walk through the years of a realm's keys (tests/variants/years), at length."""
import os
import pathlib
import subprocess

import pytest

from chancery import PROGRAM

YEARS = pathlib.Path(PROGRAM).resolve().parent / "tests" / "variants" / "years" / "years"


@pytest.mark.soak
@pytest.mark.skipif(not YEARS.exists(), reason="built with the tests alone")
def test_sixty_years():
    r = subprocess.run([YEARS], capture_output=True, text=True, timeout=3600,
                       env={**os.environ, "CHANCERY_YEARS": "60"})
    assert r.returncode == 0, r.stderr[-4000:]
    print(next(line for line in (r.stdout + r.stderr).splitlines() if "verdicts" in line))
