"""A registry of secrets without the crash handler around it."""
import fcntl
import os
import pathlib
import re
import socket
import subprocess

from chancery import BUILD, PROGRAM

REGISTRY = pathlib.Path(PROGRAM).resolve().parent / "libexec/chancery/registry"


def boot(role, config):
    """The memory that a role finds its configuration in; src/wire/boot.c draws it."""
    header = (BUILD / "build_info.h").read_text()
    build = re.search(r'CHANCERY_BUILD "([^"]*)"', header).group(1).encode()
    text = b"CHBOOT1\n" + (1).to_bytes(2, "big")
    for part in (build, role.encode()):
        text += len(part).to_bytes(2, "big") + part
    text += b"\0"  # its log is text
    text += len(config).to_bytes(4, "big") + config
    fd = os.memfd_create("boot", os.MFD_CLOEXEC)
    os.write(fd, text)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


class Registry:
    """`chancery-registry` at STATE/run/registry, from start to close()."""

    def __init__(self, state, uids=()):
        self.state = pathlib.Path(state)
        (self.state / "run").mkdir(parents=True, exist_ok=True)
        (self.state / "registry").mkdir(exist_ok=True)
        self.socket = self.state / "run" / "registry"
        self.file = self.state / "registry" / "fingerprints"
        self.config = len(uids).to_bytes(2, "big") + b"".join(u.to_bytes(4, "big") for u in uids)
        self.start()

    def start(self):
        self.socket.unlink(missing_ok=True)
        self.log = open(self.state / "log", "ab")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(self.socket))
        self.socket.chmod(0o666)
        listener.listen(8)
        folder = os.open(self.state / "registry", os.O_RDONLY | os.O_DIRECTORY)
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20)
                for fd in (boot("registry", self.config), listener.fileno(), folder)]

        def place():
            for fd, to in zip(high, (3, 5, 6)):
                os.dup2(fd, to)

        self.process = subprocess.Popen([REGISTRY], preexec_fn=place,
                                        close_fds=False, stderr=self.log, env={})
        for fd in (*high, folder):
            os.close(fd)
        listener.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def log_text(self):
        return (self.state / "log").read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
