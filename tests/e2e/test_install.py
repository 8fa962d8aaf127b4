"""`make install`: all that it promises, that it runs from where it is, and its units."""
import pathlib
import re
import subprocess
import tempfile

import pytest

import units
from chancery import BUILD, ROOT, Authority
from library import must, run

pytestmark = pytest.mark.plain("looks at what is installed, which is no build with sanitizers")

UNITS = ["chancery", "chancery-gate", "chancery-cosign", "chancery-witness", "chancery-monitor",
         "chancery-coredump"]


@pytest.fixture(scope="module")
def prefix():
    """The folder that stands for PREFIX, below a DESTDIR."""
    with tempfile.TemporaryDirectory(prefix="chancery-destdir-") as folder:
        must("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder)
        pathlib.Path(folder).chmod(0o755)
        (program,) = pathlib.Path(folder).rglob("bin/chancery")
        yield program.parents[1]


def names(*folders, pattern="*"):
    return {p.name for folder in folders for p in (ROOT / folder).glob(pattern) if p.is_file()}


def test_everything_is_there(prefix):
    def there(folder):
        return {p.name for p in (prefix / folder).iterdir()}
    assert there("bin") == {"chancery"}
    assert there("libexec/chancery") == {p.name for p in (BUILD / "libexec/chancery").iterdir()
                                         if p.is_file()}
    assert there("include/chancery") == names("include/chancery")
    libs = {p.name for p in prefix.glob("lib*/**/libchancery*")}
    assert {"libchancery.so", "libchancery.so.0", "libchancery.a", "libchancery-jwks.so",
            "libchancery-jwks.so.0"} < libs
    assert {p.name for p in prefix.glob("lib*/**/pkgconfig/*")} == {"chancery.pc",
                                                                  "chancery-jwks.pc"}
    assert names("man", pattern="*.1") == there("share/man/man1")
    assert names("man", pattern="*.3") <= there("share/man/man3")
    assert names("docs", pattern="*.md") <= there("share/doc/chancery")
    assert there("lib/systemd/system") == {f"{unit}.service" for unit in UNITS}
    assert there("lib/sysusers.d") == {f"{unit}.conf" for unit in UNITS}
    for example in ("coredump", "dovecot", "haproxy", "isync", "mutt", "nginx", "postfix"):
        assert there(f"share/chancery/{example}") == names(f"contrib/{example}"), example


def test_the_example_is_what_init_writes(prefix, tmp_path):
    must(prefix / "bin/chancery", "init", "--no-keys", tmp_path / "a")
    assert ((prefix / "share/chancery/authority/chancery.yaml").read_text()
            == (tmp_path / "a/chancery.yaml").read_text())


def test_it_runs_from_where_it_is(prefix):
    program = prefix / "bin/chancery"
    with tempfile.TemporaryDirectory(prefix="chancery-installed-") as folder:
        pathlib.Path(folder).chmod(0o755)
        authority = Authority(f"{folder}/dev", program=str(program))
        try:
            (pid,) = authority.read_dev()["pids"]["supervisor"]
            runs = pathlib.Path(f"/proc/{pid}/maps").read_text()
            assert str(prefix / "libexec/chancery/supervisor") in runs
            token = authority.token("home", "alice@home.test")
            verified = must(program, "verify", "--issuer", authority.dev["realms"]["home"]["issuer"],
                            "--audience", "mail", "-", input=token)
            assert "alice@home.test" in verified
        finally:
            authority.stop()


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_starts_what_was_installed_with_it(prefix, unit, tmp_path):
    text = (prefix / f"lib/systemd/system/{unit}.service").read_text()
    where = "/" + str(prefix.relative_to(next(p for p in prefix.parents
                                              if p.name.startswith("chancery-destdir-"))))
    started = re.findall(rf"^#? *Exec\w+=-?({where}/\S+)", text, re.M)
    assert len(started) >= 1 and all((prefix / p.removeprefix(where + "/")).is_file()
                                     for p in started)
    placed = tmp_path / f"{unit}.service"
    placed.write_text(text.replace(where, str(prefix)))
    done = run("systemd-analyze", "verify", "--man=no", placed)
    assert (done.returncode, units.said_of_ours(done.stdout + done.stderr)) == (0, "")


@pytest.mark.parametrize("unit, most", [("chancery", 26), ("chancery-gate", 30),
                                        ("chancery-cosign", 30), ("chancery-witness", 30),
                                        ("chancery-monitor", 30),
                                        ("chancery-coredump", 45)])
def test_how_exposed_systemd_says_a_unit_is(unit, most):
    """In tenths of what it says, 0 to 100: contrib/systemd/README.md has the figures."""
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={most}",
               ROOT / f"contrib/systemd/{unit}.service")
    said = re.search(r"Overall exposure level for (\S+)\.service: ([\d.]+)", done.stdout)
    print(said.group())
    assert done.returncode == 0, done.stdout
    row = f"| `{unit}.service` | {most / 10:.1f} |"
    assert row in (ROOT / "contrib/systemd/README.md").read_text()


def test_roles_have_the_names_that_the_program_knows():
    """What sysusers.d says is what `serve` takes for its own."""
    source = (ROOT / "src/cli/plan_of.c").read_text()
    known = re.findall(r'\] = "(chancery-\w+)"', source)
    base = int(re.search(r"\.uid_base = (\d+)",
                         (ROOT / "src/config/defaults.c").read_text()).group(1))
    said = re.findall(r"^u (\S+) +(\d+) ",
                      (ROOT / "contrib/systemd/chancery.sysusers").read_text(), re.M)
    assert [int(uid) for _, uid in said] == list(range(base, base + len(said)))
    assert sorted(name for name, _ in said) == sorted(known)


@pytest.mark.root_only
@pytest.mark.parametrize("unit", UNITS)
def test_users_are_made_as_the_list_says_and_again_nothing_happens(unit, tmp_path):
    conf = ROOT / f"contrib/systemd/{unit}.sysusers"
    (tmp_path / "etc").mkdir()
    before = None
    for _ in range(2):
        must("systemd-sysusers", f"--root={tmp_path}", conf)
        passwd = (tmp_path / "etc/passwd").read_text()
        assert before in (None, passwd)
        before = passwd
    for name, uid in re.findall(r"^u (\S+) +(\S+) ", conf.read_text(), re.M):
        row = next(line.split(":") for line in before.splitlines() if line.startswith(f"{name}:"))
        assert uid in ("-", row[2]) and row[2] == row[3] and row[6].endswith("nologin")
