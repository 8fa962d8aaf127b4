"""What every end-to-end test shares: markers, and where the programs are.

CHANCERY names the program under test; without it, build/chancery of this tree.
"""
import os
import pathlib
import shutil
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_configure(config):
    config.addinivalue_line("markers", "root_only: the proof needs root")
    config.addinivalue_line("markers", "soak: long; run by `make soak`")


def pytest_collection_modifyitems(items):
    """As somebody else than root, a root-only proof is skipped and says so."""
    if os.geteuid() == 0:
        return
    for item in items:
        if item.get_closest_marker("root_only"):
            item.add_marker(pytest.mark.skip(reason="root-only proof: run as root"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """CHANCERY_NO_SKIP=1 (.ci/run as root): a root-only proof left out is a failure."""
    outcome = yield
    report = outcome.get_result()
    left_out = report.skipped and not hasattr(report, "wasxfail")
    if (left_out and os.environ.get("CHANCERY_NO_SKIP") == "1"
            and item.get_closest_marker("root_only")):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"a root-only proof was left out as root: {reason}"


@pytest.fixture(scope="session")
def root_dir():
    return ROOT


@pytest.fixture(scope="session")
def chancery():
    return os.environ.get("CHANCERY", str(ROOT / "build" / "chancery"))


@pytest.fixture(scope="session")
def short_dir():
    """A folder with a short name that the roles' users can pass, gone at the end."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ch."))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def authority(short_dir):
    """One `serve --dev --mail` for all tests that only look at it, or only add to it."""
    from chancery import Authority  # conftest.py alone must do for other folders
    running = Authority(short_dir / "a", "--mail")
    yield running
    assert running.stop() == 0, running.log_text()
