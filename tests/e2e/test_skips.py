"""In CI as root, a root-only proof that is left out is a failure; elsewhere it is a skip."""
import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.plain("is about pytest's own reports")

LEFT_OUT = """import pytest

@pytest.mark.root_only
def test_proof():
    pytest.skip("no gdb")
"""


def run(root_dir, folder, no_skip):
    for name in ("conftest.py", "soak.py"):
        shutil.copy(root_dir / "tests/e2e" / name, folder)
    (folder / "test_one.py").write_text(LEFT_OUT)
    env = {**os.environ, "CHANCERY_NO_SKIP": no_skip}
    return subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                           "--rootdir", folder, folder], env=env, capture_output=True,
                          text=True, check=False)


@pytest.mark.root_only
def test_a_proof_left_out_fails(root_dir, tmp_path):
    done = run(root_dir, tmp_path, "1")
    assert done.returncode == 1 and "a root-only proof was left out" in done.stdout


def test_elsewhere_it_is_a_skip(root_dir, tmp_path):
    done = run(root_dir, tmp_path, "")
    assert done.returncode == 0 and "1 skipped" in done.stdout
