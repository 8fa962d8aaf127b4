"""What the corpus starts ends with it, however it ends. Programs fork, and what they forked
outlives them: so a guard, parent of all, adopts it. The guard is no child that a timeout or
Ctrl-C reaches; it learns by a pipe that who called it is gone."""
import ctypes
import os
import pathlib
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None, use_errno=True)


def prctl(what, value):
    if libc.prctl(what, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def adopt():
    """From now on orphans among this process's descendants become its children."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def descendants():
    """{pid} of all processes below this one, but those that are dead."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it has ended meanwhile
        if state not in "ZX":
            children.setdefault(int(parent), []).append(int(stat.parent.name))
    found, ask = set(), [os.getpid()]
    while ask:
        below = children.get(ask.pop(), [])
        found.update(below)
        ask += below
    return found


def end_all():
    """Kills all descendants, those of the dying too."""
    while pids := descendants():
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass  # none is left


def _work(work, folder):
    status = 3
    try:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        adopt()
        status = work(folder)
    except BaseException:  # whatever it was, this is a process of its own that ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _guard(work, restore, caller):
    os.setsid()
    adopt()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="chancery-corpus-"))
    folder.chmod(0o755)  # some run as users of their own
    worker = os.fork()
    if not worker:
        os.close(caller)
        _work(work, folder)
    ended, _, _ = select.select([os.pidfd_open(worker), caller], [], [])
    if caller in ended:
        os.kill(worker, signal.SIGKILL)
    _, status = os.waitpid(worker, 0)
    try:
        restore(folder)
    finally:
        end_all()
        shutil.rmtree(folder, ignore_errors=True)
    return os.waitstatus_to_exitcode(status)


def guarded(work, restore):
    """work(folder) in a process of its own; its status. When that or the caller has ended:
    restore(folder), and nothing of what was started is left, nor the folder."""
    sys.stdout.flush()
    theirs, ours = os.pipe()
    guard = os.fork()
    if guard:
        os.close(theirs)
        _, status = os.waitpid(guard, 0)
        os.close(ours)
        return os.waitstatus_to_exitcode(status)
    status = 3
    try:
        os.close(ours)
        status = _guard(work, restore, theirs)
    except BaseException:  # likewise
        traceback.print_exc()
    finally:
        os._exit(status if status >= 0 else 3)
