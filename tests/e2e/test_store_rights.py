"""A store belongs to its issuer. When the issuer is taken over, the administrator's next
command must not lend it root's rights; nor lends root its own to whoever has the folder."""
import os
import pathlib
import shutil
import sqlite3
import struct
import subprocess
import tempfile

import pytest
from chancery import PROGRAM

JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="chancery-rights-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def as_owner_of(file, act):
    """act() in a child with the rights of the file's owner."""
    st = file.stat()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(st.st_gid, st.st_gid, st.st_gid)
            os.setresuid(st.st_uid, st.st_uid, st.st_uid)
            act()
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def leave_journal(store, victim):
    """A journal to be rolled back, which names the victim as a file to be deleted after it
    (sqlite.org/fileformat.html, "The Rollback Journal"; pager.c, readSuperJournal)."""
    def act():
        db = sqlite3.connect(store / "chancery.db", isolation_level=None)
        db.execute("PRAGMA journal_mode=DELETE").fetchone()
        db.execute("PRAGMA cache_size=1")
        db.execute("BEGIN")
        db.execute("CREATE TABLE z(a)")
        db.execute("INSERT INTO z VALUES (randomblob(200000))")
        journal = (store / "chancery.db-journal").read_bytes()
        half = (store / "chancery.db").read_bytes()
        db.execute("ROLLBACK")
        db.close()
        assert journal.startswith(JOURNAL_MAGIC)
        page_size = struct.unpack(">I", journal[24:28])[0]
        name = str(victim).encode()
        journal += (struct.pack(">I", 0x40000000 // page_size + 1) + name +
                    struct.pack(">II", len(name), sum(name)) + JOURNAL_MAGIC)
        (store / "chancery.db").write_bytes(half)
        (store / "chancery.db-journal").write_bytes(journal)

    as_owner_of(store / "chancery.db", act)


@pytest.mark.root_only
@pytest.mark.parametrize("command", [
    ["user", "list"], ["client", "list"],
    ["user", "add", "--realm", "home", "--username", "eve", "--password-file", "-"],
    ["client", "add", "--realm", "home", "--id", "eve", "--scope", "mail.read", "--audience",
     "mail"]])
def test_a_store_cannot_have_root_delete_a_file(folder, command):
    at, victim = folder / "a", folder / "victim"
    subprocess.run([PROGRAM, "init", "--no-keys", at], check=True, capture_output=True)
    victim.write_text("precious\n")
    leave_journal(at / "store" / "main", victim)
    subprocess.run([PROGRAM, *command, "-C", at], input=b"a password\n", capture_output=True,
                   timeout=120)
    assert victim.exists()


@pytest.mark.root_only
def test_files_of_the_store_stay_the_issuers(folder):
    at = folder / "a"
    subprocess.run([PROGRAM, "init", "--no-keys", at], check=True, capture_output=True)
    r = subprocess.run([PROGRAM, "user", "add", "-C", at, "--realm", "home", "--username", "eve",
                        "--password-file", "-"], input=b"a password\n", capture_output=True)
    assert r.returncode == 0, r.stderr
    r = subprocess.run([PROGRAM, "user", "list", "-C", at], capture_output=True)
    assert r.returncode == 0 and b"eve" in r.stdout
    owner = (at / "store" / "main").stat().st_uid
    assert owner != 0
    assert {p.stat().st_uid for p in (at / "store" / "main").iterdir()} == {owner}


@pytest.mark.root_only
@pytest.mark.parametrize("command", [["init"], ["serve", "--dev", "--port", "0"], ["serve"]])
def test_root_does_not_work_in_the_folder_of_somebody_else(folder, command):
    """Links in it would have root chown and chmod what they point to."""
    theirs, target = folder / "theirs", folder / "target"
    (target / "main").mkdir(parents=True, mode=0o755)
    before = [os.stat(p) for p in (target, target / "main")]
    theirs.mkdir()
    (theirs / "dev.json").write_text("{}")
    (theirs / "store").symlink_to(target)
    os.chown(theirs, 65534, 65534)
    r = subprocess.run([PROGRAM, *command, theirs], capture_output=True, timeout=120)
    assert r.returncode == 3 and b"another user" in r.stderr
    after = [os.stat(p) for p in (target, target / "main")]
    assert [(s.st_uid, s.st_mode) for s in before] == [(s.st_uid, s.st_mode) for s in after]
    assert (theirs / "store").is_symlink()
