"""Processes whose memory is unlike others', crashed through the kernel: whatever it is made of, the
handler ends, what it keeps is right, and who waits for the process sees what it died of."""
import os
import signal

import pytest

from dumps import ON_THE_HOST, build
from test_coredump_handler import HERE, MODES, UID, handler, machine  # noqa: F401: fixtures

pytestmark = [pytest.mark.root_only, ON_THE_HOST,
              pytest.mark.plain("the kernel starts what core_pattern names, without its settings")]
EXTREMES = "extremes"


@pytest.fixture
def extremes(handler):  # noqa: F811
    handler.dir.chmod(0o711)
    return build(handler.dir, EXTREMES)


def crash(exe, *args):
    """pid, and the processor time that the kernel took for the process, seconds."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(UID)
            os.setuid(UID)
            os.chdir("/")
            os.execv(exe, [str(exe), *map(str, args)])
        finally:
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 2:
        pytest.skip("this machine lends no such memory")
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT
    return pid, usage.ru_stime


# --- terabytes --------------------------------------------------------------------------

WALK = 15  # of 16 TB the kernel's own walk takes more than a minute of the fastest processor


@pytest.mark.parametrize("mode", [pytest.param(m, marks=[] if m == "pipe" else pytest.mark.soak)
                                  for m in MODES])
def test_a_process_of_terabytes_is_let_go(handler, extremes, mode):  # noqa: F811
    """Once its dump is stored, or when nobody wants it; and its parent sees what it died of."""
    if mode not in HERE:
        pytest.skip(f"this kernel has no {mode}")
    handler.install("--mode", mode)
    for kind in ("reserved", "shut"):
        pid, took = crash(extremes, kind, 16)
        assert handler.sidecar_of(pid)["report"]["whole"]
        assert took < WALK
    handler.write_policy(level="never")
    handler.install("--mode", mode)
    assert crash(extremes, "reserved", 16)[1] < WALK


@pytest.mark.parametrize("level", ["full", pytest.param("strict", marks=pytest.mark.soak)])
def test_what_is_reserved_costs_nothing(handler, extremes, level):  # noqa: F811
    """All that is kept of it is there, in its place, and each page that was made to exist is zeros."""
    handler.write_policy(level=level, limits="core_mb: 16777216\n  crashes: 100")
    handler.install("--mode", HERE[0])
    pid, took = crash(extremes, "reserved", 15)
    assert took < WALK
    sidecar = handler.sidecar_of(pid)
    assert sidecar["level"] == level and sidecar["report"]["whole"], sidecar["report"]["flaws"]
    assert sidecar["report"]["size_bytes"] >= 15 << 40
