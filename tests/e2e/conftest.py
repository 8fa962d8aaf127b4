"""What every end-to-end test shares: markers, and where the programs are.

CHANCERY names the program under test; without it, build/chancery of this tree.
`make` runs several files at a time (pytest-xdist, a file's tests in one process and in their
order); a plain pytest runs one after the other, and nothing here needs the plugin.
"""
import collections
import contextlib
import fcntl
import os
import pathlib
import shutil
import sys
import tempfile

import pytest
import soak

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEFT_OUT = collections.Counter()  # {reason: how many}, of the mark `plain`
TOLD = []  # strangers(), of other processes of this run
# started first, the longest first: nothing long is left alone at the end
LONG = ("test_hunter", "test_coredump_corpus", "test_coredump_triage", "test_coredump_handler",
        "test_verifier_vectors", "test_sanitizers", "test_restart", "test_issuer", "test_serve")


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.addinivalue_line("markers", "root_only: the proof needs root")
    config.addinivalue_line("markers", "soak: long; run by `make soak`")
    config.addinivalue_line("markers", "alone_with_reports: sanitizers report errors made on purpose")
    config.addinivalue_line("markers", "plain(reason): not where programs are under sanitizers (`make e2e-asan`)")


    if os.environ.get("CHANCERY_SOAK") == "1" and not is_one_of_several(config):
        soak.configure(config)


def is_one_of_several(config):
    """Whether this process runs some of the tests for another one."""
    return hasattr(config, "workerinput")


def pytest_collection_modifyitems(config, items):
    """As somebody else than root, a root-only proof is skipped and says so."""
    if os.environ.get("CHANCERY_SOAK") == "1":
        soak.order(items)
    elif is_one_of_several(config):
        rank = {name: i for i, name in enumerate(LONG)}
        items.sort(key=lambda item: rank.get(item.path.stem, len(LONG)))
    if os.geteuid() == 0:
        return
    for item in items:
        if item.get_closest_marker("root_only"):
            item.add_marker(pytest.mark.skip(reason="root-only proof: run as root"))


def strangers():
    """Crashes of others' processes that came while a test had core_pattern (dumps.py)."""
    return getattr(sys.modules.get("dumps"), "STRANGERS", [])


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


def reports_folder():
    """Where programs under sanitizers (tests/variants/sanitized) write what they find; None
    for the others."""
    said = pathlib.Path(os.environ.get("CHANCERY", "")).parent / "reports_folder"
    return pathlib.Path(said.read_text().strip()) if said.is_file() else None


def pytest_sessionstart(session):
    folder = reports_folder()
    if folder and not is_one_of_several(session.config):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        folder.chmod(0o1777)  # every role's user writes there


def take_reports(folder):
    texts = []
    for path in sorted(folder.iterdir()):
        with contextlib.suppress(FileNotFoundError):  # somebody else's test took it
            texts.append(f"{path.name}:\n{path.read_text(errors='replace')}")
            path.unlink()
    return "\n".join(texts)


@contextlib.contextmanager
def reports_lock(how):
    """The folder of reports is one for all processes that run tests: whoever makes errors on
    purpose has it alone."""
    with open(f"{reports_folder()}.lock", "w") as lock:
        fcntl.flock(lock, how)
        yield


@pytest.fixture(autouse=True)
def no_reports(request):
    """The test during which a process reports an error has failed (or one beside it)."""
    folder = reports_folder()
    if not folder:
        yield
        return
    alone = request.node.get_closest_marker("alone_with_reports")
    with reports_lock(fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
        yield
        said = take_reports(folder)
    assert not said, f"a sanitizer reports:\n{said}"


def pytest_deselected(items):
    for item in items:
        for mark in item.iter_markers("plain"):
            LEFT_OUT[mark.args[0]] += 1


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """What a process that ran tests has to tell; all of them leave the same out."""
    told = getattr(node, "workeroutput", {})
    LEFT_OUT.update({} if LEFT_OUT else told.get("left_out", {}))
    TOLD.extend(told.get("strangers", []))


def pytest_terminal_summary(terminalreporter):
    """What does not run under sanitizers is named with its reason."""
    for reason, n in LEFT_OUT.items() if reports_folder() else ():
        terminalreporter.write_line(f"left out here: {n} tests: {reason}")
    for line in [*strangers(), *TOLD]:
        terminalreporter.write_line(f"a process that no test started crashed: {line}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """What ends with the session may report too, when no test is left to blame."""
    if is_one_of_several(session.config):
        session.config.workeroutput.update(left_out=dict(LEFT_OUT), strangers=strangers())
        return
    folder = reports_folder()
    said = take_reports(folder) if folder and folder.is_dir() else ""
    if said:
        print(f"\na sanitizer reports after the last test:\n{said}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def progress(request):
    """Says how far a long test is (soak.py)."""
    return soak.progress_of(request.node.nodeid)


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
