"""What `make soak` prints: which long tests run, how far they are and how long it may take yet;
at the end a table of test, time and figures. A plugin of pytest, and of the process that is looked at
alone: the tests may run in others."""
import hashlib
import os
import pathlib
import shutil
import tempfile
import threading
import time

FOLDER = "CHANCERY_SOAK_FOLDER"  # where running tests say how far they are
LANES = 2
EVERY_S = 30
# Seconds on an idle machine with two processors: what is left is guessed by these, the longest
# start first, and nothing depends on them.
PLAN = {
    "test_thousands_of_crashes_leave_no_key": 620,
    "test_no_secret_of_any_program_is_left": 300,
    "test_crashes_of_all_programs_through_the_kernel": 350,
    "test_without_a_warden_many_dumps": 160,
    "test_for_minutes": 310,
    "test_no_false_alarm_in_a_million": 180,
    "test_nothing_is_lost_when_they_are_killed_for_minutes": 150,
    "test_as_the_model_says_for_long": 120,
    "test_sixty_years": 120,
    "test_hundreds_of_ledgers_killed": 100,
    "test_each_byte_of_a_log_with_full_tiles_is_seen": 90,
    "test_no_alarm_and_no_standstill": 75,
    "test_each_bit_of_a_small_log_is_seen": 60,
    "test_a_ledger_on_damaged_files": 60,
    "test_power_cuts_at_every_sync_and_byte": 60,
    "test_all_as_the_model_says_for_long": 50,
}
OTHERS = 30
# these want what is the whole machine's (core_pattern), one after the other
CRASHES = ("test_hunter", "test_coredump_corpus", "test_coredump_handler", "test_coredump_extremes")


def name_of(nodeid):
    return nodeid.partition("@")[0].rpartition("::")[2]


def planned(nodeid):
    return PLAN.get(name_of(nodeid).partition("[")[0], OTHERS)


def order(items):
    """Two lanes: what crashes programs, and all else, each the longest first."""
    items.sort(key=lambda item: -planned(item.nodeid))
    for item in items:
        file = item.path.stem
        item.add_marker(pytest_group("crashes" if file in CRASHES else item.nodeid))


def pytest_group(name):
    import pytest
    return pytest.mark.xdist_group(name)


def note_of(nodeid):
    name = hashlib.sha256(nodeid.partition("@")[0].encode()).hexdigest()[:16]
    return pathlib.Path(os.environ.get(FOLDER, "/nonexistent")) / name


def progress_of(nodeid):
    """A function by which a test says how far it is; outside of `make soak` nobody hears it."""
    path = note_of(nodeid)

    def progress(said):
        if path.parent.is_dir():
            path.with_suffix(".new").write_text(said)
            path.with_suffix(".new").rename(path)

    return progress


def span(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Soak:
    def __init__(self):
        self.began = time.monotonic()
        self.running, self.left, self.rows = {}, {}, []
        self.out = os.fdopen(os.dup(2), "w", buffering=1)  # past what captures output
        self.folder = tempfile.mkdtemp(prefix="chancery-soak-")
        os.environ[FOLDER] = self.folder
        self.ended = threading.Event()
        threading.Thread(target=self._tick, daemon=True).start()

    def say(self, text):
        print(f"[{span(time.monotonic() - self.began)}] {text}", file=self.out)

    def _tick(self):
        while not self.ended.wait(EVERY_S):
            for nodeid, since in list(self.running.items()):
                self.say(self._how_far(nodeid, time.monotonic() - since))
            done = len(self.rows) - len(self.running)
            self.say(f"{max(done, 0)} done, {len(self.left)} left; {self._eta()}")

    def _how_far(self, nodeid, took):
        path = note_of(nodeid)
        said = f": {path.read_text()}" if path.exists() else ""
        return f"  {name_of(nodeid)}, {span(took)} of about {span(planned(nodeid))}{said}"

    def _eta(self):
        now = time.monotonic()
        lanes = {"crashes": 0, "others": 0}
        for nodeid, file in self.left.items():
            since = self.running.get(nodeid)
            more = max(planned(nodeid) - (now - since), 10) if since else planned(nodeid)
            lanes["crashes" if file in CRASHES else "others"] += more
        more = max(max(lanes.values()), sum(lanes.values()) / LANES)
        return f"about {more / 60:.0f} min left"

    def _found(self, ids):
        self.left = {i.partition("@")[0]: pathlib.Path(i.partition("::")[0]).stem for i in ids}
        self.say(f"{len(ids)} long tests; {self._eta()}")

    def pytest_collection_finish(self, session):
        if session.items:
            self._found([item.nodeid for item in session.items])

    def pytest_runtest_logstart(self, nodeid):
        self.running[nodeid.partition("@")[0]] = time.monotonic()

    def pytest_runtest_logreport(self, report):
        nodeid = report.nodeid.partition("@")[0]
        if report.when == "setup":
            self.rows.append([nodeid, "passed", 0, ""])
        row = next(r for r in reversed(self.rows) if r[0] == nodeid)
        row[2] += report.duration
        if report.outcome != "passed":
            row[1] = report.outcome
        if report.when != "teardown":
            return
        lines = [line.strip() for line in report.capstdout.splitlines() if line.strip()]
        row[3] = lines[-1] if lines else ""
        self.running.pop(nodeid, None)
        self.left.pop(nodeid, None)
        self.say(f"{row[1]} {name_of(nodeid)} in {span(row[2])}{': ' + row[3] if row[3] else ''}")

    def pytest_sessionfinish(self):
        self.ended.set()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("the long tests")
        for nodeid, outcome, took, figures in self.rows:
            terminalreporter.write_line(
                f"{outcome:8} {span(took):>6}  {name_of(nodeid)}{'  ' + figures if figures else ''}")
        terminalreporter.write_line(
            f"{len(self.rows)} tests in {span(time.monotonic() - self.began)}")


class Collected:
    """Where the tests run in other processes, these say what there is."""

    def __init__(self, soak):
        self.soak, self.heard = soak, False

    def pytest_xdist_node_collection_finished(self, ids):
        if not self.heard:
            self.heard = True
            self.soak._found(ids)


def configure(config):
    """For CHANCERY_SOAK=1, which `make soak` says."""
    soak = Soak()
    config.pluginmanager.register(soak, "soak")
    if config.pluginmanager.hasplugin("dsession"):
        config.pluginmanager.register(Collected(soak), "soak-collected")
