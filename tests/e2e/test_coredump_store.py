"""Stored dumps: sealed by the packer and read by a second reader; opened, listed and pruned
by the command line; nothing readable when something went wrong."""
import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import time

import pytest

import dump_format as fmt
from chancery import PROGRAM

pytestmark = pytest.mark.plain("starts the packer by itself")

PLAIN = b"PLAIN-BYTES-OF-A-CORE"
F_ADD_SEALS, SEALS = 1033, 15


def run(*args, **kw):
    return subprocess.run([PROGRAM, "coredump", *map(str, args)], capture_output=True, text=True,
                          timeout=60, **kw)


def run_bytes(*args, **kw):
    return subprocess.run([PROGRAM, "coredump", *map(str, args)], capture_output=True, timeout=60,
                          **kw)


@pytest.fixture
def keys(tmp_path):
    public, private = tmp_path / "dumps.pub", tmp_path / "dumps.key"
    done = run("keygen", "--public", public, "--private", private)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return public, private


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    folder.chmod(0o750)
    return folder


def boot_fd(public):
    """What descriptor 3 of a packer is; see src/wire/include/wire/boot.h."""
    build = re.search(r"\((.*)\)", subprocess.run([PROGRAM, "--version"], capture_output=True,
                                                  text=True, check=True).stdout).group(1)
    text = lambda s: struct.pack(">H", len(s)) + s.encode()
    config = public + struct.pack(">BQ", 1, 0)
    fd = os.memfd_create("boot", os.MFD_CLOEXEC | 2)
    os.write(fd, b"CHBOOT1\n" + struct.pack(">H", 1) + text(build) + text("packer")
             + b"\0" + struct.pack(">I", len(config)) + config)
    fcntl.fcntl(fd, F_ADD_SEALS, SEALS)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def pack(public, records, out):
    """The packer's exit status, and what it said."""
    program = pathlib.Path(PROGRAM).resolve().parent / "libexec/chancery/packer"
    boot = boot_fd(public)
    take, give = os.pipe()
    heard, said = os.pipe()
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (boot, take, out.fileno(), said)]

    def place():
        for fd, to in zip(high, (3, 5, 6, 7)):
            os.dup2(fd, to)
        os.closerange(8, 300)

    process = subprocess.Popen([program], preexec_fn=place, close_fds=False, env={},
                               stderr=subprocess.PIPE)
    for fd in (boot, take, said, *high):
        os.close(fd)
    with os.fdopen(give, "wb") as pipe:
        try:
            for r in records:
                pipe.write(r)
        except BrokenPipeError:
            pass
    with os.fdopen(heard, "rb") as pipe:
        words = pipe.read()
    process.stderr.read()
    return process.wait(30), words


CORE = b"\x7fELF" + PLAIN * 1000 + os.urandom(1 << 21)


def records_of_core():
    return [fmt.record_data(CORE), fmt.record_fill(0, 5 << 20), fmt.record_data(b"end"),
            fmt.record_fill(0, 4096), fmt.record_report(b'{"whole":true}'),
            fmt.record_end(True, 3)]


EXPECTED = CORE + bytes(5 << 20) + b"end" + bytes(4096)


@pytest.fixture
def packed(keys, tmp_path):
    path = tmp_path / "a.dump"
    with open(path, "wb") as out:
        status, words = pack(fmt.key_of(keys[0], "public"), records_of_core(), out)
    assert status == 0
    assert words == fmt.record_report(b'{"whole":true}') + fmt.record_end(True, 3)
    return path


def add(store, content, time_s=1700000000, salt="0123456789abcdef", **facts):
    """Puts a dump into the folder as a commit would."""
    ident = time.strftime("%Y%m%dT%H%M%SZ-", time.gmtime(time_s)) + salt
    sidecar = {"version": 1, "id": ident, "time": time_s, "pid": 4711, "uid": 1000, "signal": 11,
               "executable": "/usr/sbin/nginx", "build_id": "abcdef0123", "device": 1, "inode": 2,
               "level": "triage", "cgroup": "/system.slice/nginx.service",
               "dump": content is not None, "stored_bytes": len(content or b""), **facts}
    if content is not None:
        (store / f"{ident}.dump").write_bytes(content)
    (store / f"{ident}.json").write_text(json.dumps(sidecar))
    return ident


# --- keys ---

def test_keygen(keys, tmp_path):
    public, private = keys
    assert private.stat().st_mode & 0o7777 == 0o600
    assert public.stat().st_mode & 0o7777 == 0o644
    before = private.read_bytes()
    again = run("keygen", "--public", public, "--private", private)
    assert again.returncode == 1 and "--force" in again.stderr
    assert private.read_bytes() == before
    other = run("keygen", "--public", tmp_path / "new.pub", "--private", private)
    assert other.returncode == 1 and not (tmp_path / "new.pub").exists()
    forced = run("keygen", "--public", public, "--private", private, "--force")
    assert forced.returncode == 0 and private.read_bytes() != before
    assert private.stat().st_mode & 0o7777 == 0o600
    # the halves belong together
    import nacl.public
    assert (bytes(nacl.public.PrivateKey(fmt.key_of(private, "private")).public_key)
            == fmt.key_of(public, "public"))


def test_keygen_where_it_cannot_write(tmp_path):
    done = run("keygen", "--public", tmp_path / "no/a.pub", "--private", tmp_path / "a.key")
    assert done.returncode == 3 and not (tmp_path / "a.key").exists()
    assert run("keygen", "--public", tmp_path / "a").returncode == 2
    assert run("keygen", "--public", tmp_path / "a", "--private", tmp_path / "a").returncode == 2


# --- the format, by a second reader ---

def test_second_reader_reads_what_the_packer_wrote(keys, packed):
    data = packed.read_bytes()
    core, size, report = fmt.read(data, fmt.key_of(keys[1], "private"))
    assert size == len(EXPECTED) and report == b'{"whole":true}'
    assert b"".join(p[1] if p[0] == "data" else bytes([p[1]]) * p[2] for p in core) == EXPECTED
    assert PLAIN not in data
    # the zeros are not there byte by byte
    assert sum(p[2] for p in core if p[0] == "fill") == (5 << 20) + 4096


def test_second_reader_refuses_what_was_changed(keys, packed):
    private = fmt.key_of(keys[1], "private")
    data = packed.read_bytes()
    for at in (0, 9, 30, 110, 127, 128, 131, 140, len(data) // 2, len(data) - 1):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        with pytest.raises(fmt.Damaged):
            fmt.read(changed, private)
    with pytest.raises(fmt.Damaged):
        fmt.read(data[:-1], private)


def test_open_reads_what_a_second_writer_wrote(keys, tmp_path):
    dump = tmp_path / "b.dump"
    dump.write_bytes(fmt.write(
        [fmt.data_part(b"\x7fELF" * 100) + fmt.fill_part(0, 1 << 30), fmt.data_part(b"x"),
         fmt.report_part(b"{}") + fmt.end_part(400 + (1 << 30) + 1)],
        fmt.key_of(keys[0], "public")))
    out = tmp_path / "core"
    done = run("open", "--key", keys[1], dump, "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    st = out.stat()
    assert st.st_size == 400 + (1 << 30) + 1 and st.st_mode & 0o7777 == 0o600
    assert st.st_blocks * 512 < 1 << 20
    with open(out, "rb") as f:
        assert f.read(401) == b"\x7fELF" * 100 + b"\0"
        f.seek(-1, os.SEEK_END)
        assert f.read() == b"x"


# --- the packer ---

def test_packer_leaves_nothing(keys, tmp_path):
    public = fmt.key_of(keys[0], "public")
    for records, status in ((records_of_core()[:-1], 4), ([b"\x09\0\0\0\1x"], 7), ([], 4)):
        with open(tmp_path / "c", "w+b") as out:
            assert pack(public, records, out)[0] == status
            assert os.fstat(out.fileno()).st_size == 0


# --- open ---

def test_open_to_a_file_and_a_pipe(keys, packed, tmp_path):
    out = tmp_path / "core"
    assert run("open", "--key", keys[1], packed, "-o", out).returncode == 0
    assert out.read_bytes() == EXPECTED
    assert out.stat().st_blocks * 512 < len(EXPECTED) - (4 << 20)
    assert run_bytes("open", "--key", keys[1], packed).stdout == EXPECTED
    with open(packed, "rb") as stdin:
        assert run_bytes("open", "--key", keys[1], "-", stdin=stdin).stdout == EXPECTED
    with open(tmp_path / "redirected", "wb") as stdout:
        subprocess.run([PROGRAM, "coredump", "open", "--key", keys[1], packed], stdout=stdout,
                       check=True, timeout=60)
    assert (tmp_path / "redirected").read_bytes() == EXPECTED
    with open(keys[1], "rb") as stdin:
        assert run_bytes("open", "--key", "-", packed, stdin=stdin).stdout == EXPECTED


def test_open_appends_what_it_must(keys, packed, tmp_path):
    log = tmp_path / "appended"
    log.write_bytes(b"before")
    with open(log, "ab") as stdout:
        subprocess.run([PROGRAM, "coredump", "open", "--key", keys[1], packed], stdout=stdout,
                       check=True, timeout=60)
    assert log.read_bytes() == b"before" + EXPECTED


def test_open_report(keys, packed):
    done = run("open", "--key", keys[1], packed, "--report")
    assert (done.returncode, done.stdout) == (0, '{"whole":true}')


def test_open_replaces_no_file(keys, packed, tmp_path):
    out = tmp_path / "core"
    out.write_text("mine")
    done = run("open", "--key", keys[1], packed, "-o", out)
    assert done.returncode == 1 and "already" in done.stderr and out.read_text() == "mine"
    out.unlink()
    out.symlink_to(tmp_path / "elsewhere")
    assert run("open", "--key", keys[1], packed, "-o", out).returncode == 1
    assert not (tmp_path / "elsewhere").exists()


def test_open_says_why_not(keys, packed, tmp_path):
    out = tmp_path / "core"
    other = tmp_path / "other.pub", tmp_path / "other.key"
    assert run("keygen", "--public", other[0], "--private", other[1]).returncode == 0
    data = packed.read_bytes()
    cut, changed = tmp_path / "cut.dump", tmp_path / "changed.dump"
    cut.write_bytes(data[:-100])
    changed.write_bytes(data[:-100] + bytes([data[-100] ^ 4]) + data[-99:])
    for key, dump, why, status in ((other[1], packed, "another key", 1),
                                   (keys[1], cut, "cut off", 1),
                                   (keys[1], changed, "changed", 1),
                                   (keys[1], keys[0], "no sealed dump", 1),
                                   (keys[0], packed, "chmod 600", 3),
                                   (tmp_path / "none", packed, "No such file", 3),
                                   (keys[1], tmp_path / "none", "No such file", 3)):
        done = run("open", "--key", key, dump, "-o", out)
        assert done.returncode == status and why in done.stderr, done.stderr
        assert not out.exists()
    keys[0].chmod(0o600)
    done = run("open", "--key", keys[0], packed, "-o", out)
    assert done.returncode == 3 and "other half" in done.stderr and not out.exists()


def test_open_has_a_limit(keys, tmp_path):
    bomb = tmp_path / "bomb.dump"
    bomb.write_bytes(fmt.write([fmt.fill_part(1, 1 << 62) + fmt.end_part(1 << 62)],
                               fmt.key_of(keys[0], "public")))
    out = tmp_path / "core"
    done = run("open", "--key", keys[1], bomb, "-o", out)
    assert done.returncode == 1 and "--size-max" in done.stderr and not out.exists()


def test_open_refuses_a_terminal(keys, packed):
    ours, theirs = pty.openpty()
    done = subprocess.run([PROGRAM, "coredump", "open", "--key", keys[1], packed], stdout=theirs,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2 and "-o" in done.stderr


# --- list, show, prune ---

def test_open_by_id(keys, packed, store):
    ident = add(store, packed.read_bytes())
    for name in (ident, ident[:10], ident.split("-")[1][:6]):
        done = run_bytes("open", "--key", keys[1], name, "--store", store)
        assert done.returncode == 0 and done.stdout == EXPECTED
    assert run("open", "--key", keys[1], "9999", "--store", store).returncode == 1


def test_list(store):
    add(store, b"x" * 1234567, salt="0" * 16, report={"whole": True, "secrets": 7})
    add(store, None, 1700000100, salt="1" * 16, why="rate", executable="/opt/\x1b[31mbad\u202e",
        signal=6, build_id="ffff", uid=33)
    done = run("list", "--store", store)
    assert done.returncode == 0
    head, first, second = done.stdout.splitlines()
    assert head.split() == ["ID", "TIME", "PID", "UID", "SIG", "LEVEL", "SIZE", "EXE"]
    assert first.split() == ["00000000", "2023-11-14", "22:13:20", "4711", "1000", "SIGSEGV",
                             "triage", "1.2M", "/usr/sbin/nginx"]
    # what the program chose moves no cursor
    assert "SIGABRT" in second and "not kept: rate" in second and "/opt/?[31mbad?" in second
    assert done.stdout.isascii() and "\x1b" not in done.stdout
    items = json.loads(run("list", "--json", "--store", store).stdout)
    assert [i["dump"] for i in items] == [True, False]
    assert items[0]["secrets"] == 7 and items[0]["stored_bytes"] == 1234567
    assert items[1]["why"] == "rate" and items[1]["executable"] == "/opt/\x1b[31mbad\u202e"
    assert json.loads(run("list", "--json", "--store", store, "--uid", "1").stdout) == []


@pytest.mark.parametrize("options, count", [
    (["--exe", "/usr/sbin/nginx"], 2), (["--exe", "nginx"], 3), (["--exe", "ginx"], 0),
    (["--build-id", "abcd"], 2), (["--build-id", "abcdef0123"], 2), (["--build-id", "bcd"], 0),
    (["--signal", "SIGSEGV"], 3), (["--signal", "segv"], 3), (["--signal", "6"], 1),
    (["--uid", "33"], 1), (["--since", "2023-11-15"], 1), (["--since", "1700000000"], 4),
    (["--since", "1d"], 0), (["--exe", "nginx", "--signal", "11", "--since", "2023-11-15"], 0),
])
def test_list_filters(store, options, count):
    add(store, b"x", 1700000000, "0" * 16)
    add(store, b"x", 1700000001, "1" * 16, build_id="77")
    add(store, b"x", 1700000002, "2" * 16, executable="/opt/nginx", uid=33)
    add(store, b"x", 1700100000, "3" * 16, executable="/bin/x", signal=6, build_id="")
    done = run("list", "--store", store, *options)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1 + count


@pytest.mark.parametrize("args", [
    ["list", "--since", "yesterday"], ["list", "--uid", "root"], ["list", "x"],
    ["prune", "--keep-days", "0"], ["prune", "--keep-days", "x"], ["prune", "--total", "0"],
    ["prune", "--total", "1X"], ["show"], ["show", "a", "b"], ["open", "a"], ["open", "--key", "k"],
    ["open", "--key", "-", "-"], ["keygen"], ["keygen", "--public", "a"],
])
def test_wrong_calls(store, args):
    done = run(*args, *(["--store", store] if args[0] != "keygen" else []))
    assert done.returncode == 2 and done.stdout == "" and "usage:" in done.stderr


@pytest.mark.parametrize("command", ["keygen", "list", "show", "open", "prune"])
def test_help(command):
    done = run(command, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"usage: chancery coredump {command}")
    assert re.search(rf"^  {command} ", run("help").stdout, re.M)


def test_show(store):
    places = [{"kind": "rsa", "finder": "bignum", "form": "le", "addr": f"0x{i:x}", "bytes": 128,
               "mapping": "[heap]"} for i in range(30)]
    report = {"whole": True, "threads": 4, "size_bytes": 1000, "masked_bytes": 128, "secrets": 30,
              "flaws": [{"flaw": "unread", "text": "bytes could not be read", "times": 1, "n": 9}],
              "masked": places, "places_left_out": 5}
    ident = add(store, b"x" * 3000, report=report)
    done = run("show", ident[:12], "--store", store)
    assert done.returncode == 0
    for line in ("id:           " + ident, "executable:   /usr/sbin/nginx", "signal:       SIGSEGV",
                 "stored:       2.9K", "threads:      4", "flaw:         bytes could not be read",
                 "masked:       rsa bignum le 0x13 [heap] (128 bytes)"):
        assert line in done.stdout, line
    assert "0x14" not in done.stdout and "15 more places" in done.stdout
    told = run("show", ident, "--json", "--store", store)
    assert json.loads(told.stdout)["report"] == report
    assert run("show", "ffff", "--store", store).returncode == 1


def test_a_bad_sidecar_hides_no_other(store):
    add(store, b"x", salt="0" * 16)
    broken = add(store, b"x", salt="1" * 16)
    (store / f"{broken}.json").write_text("{")
    done = run("list", "--store", store)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2 and broken in done.stderr
    assert run("show", broken, "--store", store).returncode == 3


def test_prune(store):
    now = int(time.time())
    for i in range(6):
        add(store, b"x" * 10000, now - i * 86400 - 60, str(i) * 16)
    (store / "20200101T000000Z-0123456789abcdef.dump").write_bytes(b"left behind")
    assert run("prune", "--store", store).stdout == "removed 0\n"
    assert not list(store.glob("2020*"))
    assert run("prune", "--keep-days", 4, "--store", store).stdout == "removed 2\n"
    assert run("prune", "--total", "25K", "--store", store).stdout == "removed 2\n"
    assert len(list(store.glob("*.dump"))) == 2
    store.chmod(0o777)
    done = run("prune", "--total", "1", "--store", store)
    assert done.returncode == 3 and "0750" in done.stderr
    assert len(list(store.glob("*.dump"))) == 2


def test_no_store(tmp_path):
    done = run("list", "--store", tmp_path / "none")
    assert done.returncode == 3 and "no folder" in done.stderr
