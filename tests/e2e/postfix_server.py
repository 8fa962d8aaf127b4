"""Debian's Postfix as an instance of its own: its queue, its log and its port are in a folder of
the test, and nothing in /etc/postfix or /var/spool is looked at. Needs root, as Postfix does."""
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess

from chancery import ROOT, free_port, port_answers, wait_for

MAIN_CF = """
compatibility_level = 3.6
config_directory = {dir}/etc
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = {dir}/mail.log
maillog_file_prefixes = {dir}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.home.test
mydestination =
alias_maps =
virtual_mailbox_domains = home.test
virtual_mailbox_base = {boxes}
virtual_mailbox_maps = inline:{{ {{ bob@home.test = bob@home.test/ }} }}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 100
"""
MASTER_CF = """
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""
# (names, owner, group, mode): what `postfix check` would make
QUEUE = (
    ("active bounce corrupt defer deferred flush hold incoming private saved trace".split(),
     "postfix", "root", 0o700),
    (["public"], "postfix", "postdrop", 0o710), (["maildrop"], "postfix", "postdrop", 0o730),
    (["pid"], "root", "root", 0o755))


class Postfix:
    def __init__(self, folder, dovecot, certificate, key):
        self.dir, self.port = pathlib.Path(folder), free_port()
        self.dir.mkdir(mode=0o755)
        for name in ("etc", "queue", "data"):
            (self.dir / name).mkdir(mode=0o755)
        shutil.chown(self.dir / "data", "postfix")
        for names, owner, group, mode in QUEUE:
            for name in names:
                path = self.dir / "queue" / name
                path.mkdir()
                path.chmod(mode)
                shutil.chown(path, owner, group)
        contrib = ROOT / "contrib" / "postfix"
        main = (contrib / "main.cf").read_text()
        for old, new in (("private/auth", f"{dovecot.dir}/auth"),
                         ("/etc/postfix/", f"{self.dir}/etc/"),
                         ("/etc/ssl/mail.example.pem", certificate),
                         ("/etc/ssl/mail.example.key", key)):
            assert old in main
            main = main.replace(old, str(new))
        master = (contrib / "master.cf").read_text()
        assert re.search("(?m)^submission inet n       -       y ", master)
        master = master.replace("submission inet n       -       y ", f"{self.port} inet n - n ")
        shutil.copy(contrib / "chancery-sender-login", self.dir / "etc")
        (self.dir / "etc/main.cf").write_text(
            MAIN_CF.format(dir=self.dir, boxes=dovecot.dir / "boxes") + main)
        (self.dir / "etc/master.cf").write_text(MASTER_CF + master)

    def __enter__(self):
        assert os.geteuid() == 0 and pwd.getpwnam("postfix")
        with open(self.dir / "output", "wb") as out:
            # it ends its whole process group
            self.process = subprocess.Popen(
                ["/usr/lib/postfix/sbin/master", "-c", str(self.dir / "etc"), "-d"], stdout=out,
                stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
        wait_for(lambda: self.process.poll() is not None or port_answers(self.port),
                 what="Postfix's start")
        assert self.process.poll() is None, self.log()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)

    def log(self):
        return "".join(p.read_text() for p in (self.dir / "output", self.dir / "mail.log")
                       if p.exists())
