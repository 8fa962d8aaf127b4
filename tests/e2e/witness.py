"""A witness of logs in a folder of its own, from `--init` to SIGTERM."""
import os
import pathlib
import signal
import subprocess

from chancery import PROGRAM, free_port, http, port_answers, wait_for

NOBODY = 65534


class Witness:
    def __init__(self, folder, name, logs=()):
        self.dir, self.name = pathlib.Path(folder), name
        self.port = free_port(2)
        r = subprocess.run([PROGRAM, "log", "witness", "--init", folder, "--name", name,
                            "--listen", f"127.0.0.1:{self.port}"],
                           capture_output=True, text=True, timeout=60)
        assert r.returncode == 0, r.stderr
        self.vkey = r.stdout.strip()
        self.process = None
        self.url = f"http://127.0.0.1:{self.port}"
        self.monitor = f"http://127.0.0.1:{self.port + 1}"
        self.knows(*logs)
        if os.geteuid() == 0:
            os.chown(self.dir / "state", NOBODY, NOBODY)

    def knows(self, *vkeys):
        path = self.dir / "witness.yaml"
        lines = [line for line in path.read_text().splitlines()
                 if not line.startswith(("logs:", "  - vkey", "monitor:"))]
        logs = [f"  - vkey: {v}" for v in vkeys] if vkeys else []
        path.write_text("\n".join(lines + [f"monitor: 127.0.0.1:{self.port + 1}",
                                           "logs:" if logs else "logs: []"] + logs) + "\n")

    def start(self):
        self.log = open(self.dir / "log", "wb")
        self.process = subprocess.Popen([PROGRAM, "log", "witness", str(self.dir)],
                                        stderr=self.log)
        wait_for(lambda: self.process.poll() is not None or "serves" in self.log_text(),
                 what="the witness's start")
        assert self.process.poll() is None, self.log_text()
        assert port_answers(self.port)
        return self

    def log_text(self):
        return (self.dir / "log").read_text(errors="replace")

    def add(self, body):
        return http("POST", self.url + "/add-checkpoint", body.encode())

    def metrics(self):
        return http("GET", self.monitor + "/metrics").body.decode()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        if self.process:
            self.log.close()
        return self.process.returncode if self.process else 0
