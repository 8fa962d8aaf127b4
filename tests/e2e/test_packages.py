"""tools/packages.sh with a false apt-get: when it asks, what it touches, what it leaves."""
import os
import pty
import subprocess

import pytest

pytestmark = pytest.mark.plain("is about tools/packages.sh")

LIST = "# package group\ngcc build\ndovecot-core run\ncurl run\nnpm test\n"

# HAVE is the file of installed packages; every call is a line in CALLS.
FALSE = {
    "dpkg-query": """case "$*" in *dovecot-core) sed -n 's/^dovecot-core.*/installed/p' $HAVE ;;
        *) sed 's/^/installed\\t/' $HAVE ;; esac""",
    "apt-get": """echo apt-get "$@" >>$CALLS
        case "$*" in *-s*) exit 0 ;; esac
        cat $POLICY >>$CALLS
        touch $PACKAGES_ROOT/etc/init.d/dovecot
        ln -s x $PACKAGES_ROOT/etc/systemd/system/multi-user.target.wants/dovecot.service
        [ -z "$INTERRUPT" ] || kill -TERM $PPID
        echo "dovecot-core, " >>$HAVE""",
    "id": "echo 0",
    "systemctl": 'echo systemctl "$@" >>$CALLS',
    "deb-systemd-helper": 'echo helper "$@" >>$CALLS',
    "update-rc.d": 'echo update-rc.d "$@" >>$CALLS',
}


class Machine:
    """A machine that has gcc and Node's own package, which provides npm."""

    def __init__(self, root_dir, folder):
        self.script = root_dir / "tools/packages.sh"
        self.folder = folder
        self.policy = folder / "usr/sbin/policy-rc.d"
        self.wanted = folder / "etc/systemd/system/multi-user.target.wants/dovecot.service"
        for path in (self.policy, self.wanted, folder / "etc/init.d/dovecot"):
            path.parent.mkdir(parents=True)
        self.calls = folder / "calls"
        self.have = folder / "have"
        self.have.write_text("gcc, \nnodejs, nodejs-dev (= 1), npm (= 9)\n")
        self.calls.write_text("")
        (folder / "packages.txt").write_text(LIST)
        (folder / "bin").mkdir()
        for name, text in FALSE.items():
            (folder / "bin" / name).write_text("#!/bin/sh\n" + text + "\n")
            (folder / "bin" / name).chmod(0o755)

    def run(self, *groups, stdin=subprocess.DEVNULL, **env):
        names = {"PATH": f"{self.folder}/bin:/usr/bin:/bin", "HAVE": self.have,
                 "CALLS": self.calls, "POLICY": self.policy, "PACKAGES_ROOT": self.folder,
                 "PACKAGES_LIST": self.folder / "packages.txt",
                 "INTERRUPT": "", **env}
        return subprocess.run(["sh", self.script, *groups], stdin=stdin, capture_output=True,
                              text=True, env={k: str(v) for k, v in names.items()}, check=False)


@pytest.fixture
def machine(root_dir, tmp_path):
    return Machine(root_dir, tmp_path)


def test_nothing_missing_nothing_done(machine):
    done = machine.run("build", "test")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert machine.calls.read_text() == ""


def test_a_new_dovecot_is_kept_off(machine):
    done = machine.run("run")
    calls = machine.calls.read_text()
    assert done.returncode == 0, done.stderr
    assert "missing" in done.stderr and "dovecot-core" in done.stderr
    assert "*dovecot*) exit 101" in calls
    assert "helper --quiet disable dovecot.service" in calls
    assert "systemctl --quiet disable dovecot.socket" in calls
    assert "update-rc.d dovecot disable" in calls
    assert not machine.policy.exists() and not machine.wanted.is_symlink()


def test_a_dovecot_that_was_here_is_left_alone(machine):
    machine.have.write_text("dovecot-core, \n")
    done = machine.run("run")
    assert done.returncode == 0 and "disable" not in machine.calls.read_text()
    assert machine.wanted.is_symlink()


@pytest.mark.parametrize("interrupt", ["", "yes"])
def test_a_policy_that_was_here_comes_back(machine, interrupt):
    machine.policy.write_text("#!/bin/sh\nexit 0 # theirs\n")
    done = machine.run("run", INTERRUPT=interrupt)
    assert (done.returncode == 0) == (not interrupt)
    assert machine.policy.read_text() == "#!/bin/sh\nexit 0 # theirs\n"
    assert not list(machine.folder.glob("usr/sbin/policy-rc.d.*"))


def test_no_policy_is_left_after_an_interruption(machine):
    assert machine.run("run", INTERRUPT="yes").returncode == 143
    assert not machine.policy.exists() and not machine.wanted.is_symlink()


@pytest.mark.parametrize("env,asked", [({}, True), ({"YES": "1"}, False), ({"CI": "true"}, False)])
def test_only_a_person_at_a_terminal_is_asked(machine, env, asked):
    ours, theirs = pty.openpty()
    os.write(ours, b"n\n")
    done = machine.run("run", stdin=theirs, **env)
    os.close(ours)
    os.close(theirs)
    assert ("install these now?" in done.stderr) == asked
    assert done.returncode == (3 if asked else 0)
    assert ("apt-get" in machine.calls.read_text()) != asked


def test_an_unknown_group_is_named(machine):
    done = machine.run("novel")
    assert done.returncode == 3 and "no group 'novel'" in done.stderr
