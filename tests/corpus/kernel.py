"""Crashes through the kernel, with our handler installed for as long."""
import json
import os
import pathlib
import signal
import subprocess
import time

from dumps import whole_machine


class Handler:
    """`chancery coredump install` with a store and a key of its own, at one level."""

    def __init__(self, chancery, folder, level, mode=None):
        self.chancery, self.folder = chancery, pathlib.Path(folder)
        self.store, self.state = self.folder / "dumps", self.folder / "state"
        self.folder.mkdir()
        self.folder.chmod(0o755)
        (self.folder / "away").mkdir()
        self.public, self.private = self.folder / "dumps.pub", self.folder / "away" / "dumps.key"
        self._run("keygen", "--public", self.public, "--private", self.private)
        policy = self.folder / "coredump.yaml"
        policy.write_text(f"level: {level}\nseal_to: {self.public}\nstore: {self.store}\n"
                          "limits:\n  crashes: 100\n  per_s: 1\n  free_mb: 1\n")
        self._run("install", "-c", policy, "--state", self.state, "--no-systemd",
                  *(["--mode", mode] if mode else []))

    def _run(self, *words):
        done = subprocess.run([self.chancery, "coredump", *map(str, words)], capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"coredump {words[0]}: {done.returncode} {done.stdout}{done.stderr}")
        return done.stdout

    def crash(self, pid, out, seconds=120, by=signal.SIGSEGV):
        """Kills pid, waits for its dump, opens it to `out`; how long the crash took."""
        # whoever ends with what was crashed before would be waited for in vain
        if pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
            raise RuntimeError(f"{pid} ended before it was crashed")
        start = time.monotonic()
        os.kill(pid, by)
        end = start + seconds
        while time.monotonic() < end:
            rows = [r for r in json.loads(self._run("list", "--json", "--store", self.store))
                    if r["pid"] == pid]
            if rows:
                took = time.monotonic() - start
                self._run("open", "--key", self.private, "--store", self.store, rows[0]["id"],
                          "-o", out)
                return took
            time.sleep(0.05)
        raise RuntimeError(f"no dump of {pid} came in {seconds} s")

    def end(self):
        self._run("uninstall", "--state", self.state, "--no-systemd")


def uninstall_any(chancery, folder):
    """What a corpus that was killed has left installed."""
    for state in pathlib.Path(folder).glob("**/handler/state"):
        with whole_machine():
            subprocess.run([chancery, "coredump", "uninstall", "--state", str(state), "--no-systemd"],
                           capture_output=True, check=False)
