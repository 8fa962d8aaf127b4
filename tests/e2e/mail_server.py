"""Debian's Dovecot as an ordinary user, with the files of contrib/dovecot as they are."""
import os
import pathlib
import re
import subprocess

from chancery import ROOT, free_port, port_answers, wait_for

ALICE, BOB, CAROL = "alice@home.test", "bob@home.test", "carol@corp.test"

# What contrib/dovecot leaves to the operator, and what it takes to run without root.
DOVECOT_CONF = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 0
first_valid_gid = 0
auth_username_format = %Lu
auth_failure_delay = 0
mail_location = maildir:{dir}/boxes/%Lu
userdb {{
  driver = static
  args = uid={user} gid={group} home={dir}/boxes/%Lu
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service imap {{
  process_limit = 100
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
}}
!include {dir}/99-chancery.conf
"""


class Dovecot:
    def __init__(self, folder, introspection_url, place="dovecot", more=""):
        """place: the folder of contrib that has 99-chancery.conf; more: settings, in the end."""
        self.dir, self.port = pathlib.Path(folder), free_port()
        root = os.geteuid() == 0
        self.ids = {"user": "nobody", "group": "nogroup", "extra_groups": []} if root else {}
        user = "nobody" if root else subprocess.check_output(["id", "-un"], text=True).strip()
        group = "nogroup" if root else subprocess.check_output(["id", "-gn"], text=True).strip()
        self.dir.mkdir(mode=0o755)
        contrib = ROOT / "contrib" / "dovecot"
        oauth2 = (contrib / "chancery-oauth2.conf.ext").read_text()
        oauth2 = re.sub(r"(?m)^introspection_url = .*",
                        f"introspection_url = {introspection_url}", oauth2)
        snippet = (ROOT / "contrib" / place / "99-chancery.conf").read_text().replace(
            "/etc/dovecot/", f"{self.dir}/").replace(
            "/var/spool/postfix/private/auth", f"{self.dir}/auth")
        if root:  # which nobody's Dovecot cannot give away
            snippet = snippet.replace("mode = 0660\n    user = postfix\n    group = postfix",
                                      "mode = 0666")
        self.write("chancery-oauth2.conf.ext", oauth2)
        self.write("chancery-send.conf.ext", re.sub("(?m)^scope = .*", "scope = mail.send", oauth2))
        self.write("99-chancery.conf", snippet)
        self.write("dovecot.conf", DOVECOT_CONF.format(dir=self.dir, user=user, group=group,
                                                       port=self.port) + more)
        for owner in (ALICE, BOB, CAROL):
            self.write(f"boxes/{owner}/new/1.localhost",
                       f"From: a@localhost\r\nTo: {owner}\r\nSubject: s\r\n\r\nonly for {owner}\r\n")
            self.write(f"boxes/{owner}/cur/.keep", "")
            self.write(f"boxes/{owner}/tmp/.keep", "")
        if root:
            subprocess.run(["chown", "-R", "nobody:nogroup", str(self.dir)], check=True)
        self.process = None

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def __enter__(self):
        with open(self.dir / "output", "wb") as out:
            self.process = subprocess.Popen(
                ["/usr/sbin/dovecot", "-F", "-c", str(self.dir / "dovecot.conf")],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, **self.ids)
        wait_for(lambda: self.process.poll() is not None or port_answers(self.port),
                 what="Dovecot's start")
        assert self.process.poll() is None, (self.dir / "output").read_text()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(120)
