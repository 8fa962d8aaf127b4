"""Each role with an error made on purpose behind its walls (tests/variants/sanitized/fault.c):
what runs under sanitizers is heard, or the silence of `make e2e-asan` would mean nothing."""
import pathlib
import shutil
import subprocess

import pytest

from chancery import BUILD, PROGRAM, SANITIZED, free_port, wait_for
from conftest import reports_folder, take_reports

pytestmark = [pytest.mark.alone_with_reports,
              pytest.mark.skipif(not SANITIZED, reason="for programs under sanitizers: make e2e-asan")]

HERE = pathlib.Path(PROGRAM).parent
FAULTS = {
    "keeper": ("heap", "heap-buffer-overflow"),
    "warden": ("freed", "heap-use-after-free"),
    "signer": ("stack", "stack-buffer-overflow"),
    "issuer": ("returned", "stack-use-after-return"),
    "hasher": ("integer", "signed integer overflow"),
    "gate": ("heap", "heap-buffer-overflow"),
    "fetcher": ("freed", "heap-use-after-free"),
    "ledger": ("returned", "stack-use-after-return"),
    "collector": ("integer", "signed integer overflow"),
}


def assemble(folder, faulty):
    (folder / "libexec/chancery").mkdir(parents=True)
    shutil.copy(PROGRAM, folder)
    for role in FAULTS | {"supervisor": None}:
        source = HERE / f"faulty-{role}" if role == faulty else HERE / "libexec/chancery" / role
        shutil.copy(source, folder / "libexec/chancery" / role)
    return folder / "chancery"


def arguments(folder, role):
    """A gate alone starts a fetcher; `serve --dev` all the others."""
    if role != "fetcher":
        return ["serve", "--dev", "--port", "0", folder / "a"]
    (folder / "secret").write_text("s" * 32)
    (folder / "secret").chmod(0o600)
    (folder / "gate.yaml").write_text(
        f"listen: 127.0.0.1:{free_port()}\nclient: {{id: dovecot, secret_file: secret}}\n"
        "scope: mail.read\nfetch: {retry_min_s: 1}\nissuers:\n  - issuer: http://localhost:1/home\n    realm: home\n"
        "    jwks_uri: http://localhost:1/keys\n    audiences: [mail]\n")
    return ["gate", "-c", folder / "gate.yaml"]


@pytest.mark.parametrize("role", FAULTS)
def test_an_error_behind_walls_is_reported(short_dir, role):
    fault, named = FAULTS[role]
    folder = short_dir / f"faulty-{role}"
    program = assemble(folder, role)
    folder.chmod(0o755)
    process = subprocess.Popen([program, *arguments(folder, role)], stdout=subprocess.DEVNULL,
                               stderr=open(folder / "log", "wb"))

    def whole():
        texts = [p.read_text(errors="replace") for p in reports_folder().iterdir()]
        return next((t for t in texts if named in t and f"fault_{fault}" in t), None)

    try:
        wait_for(whole, 10, f"a report; {(folder / 'log').read_text()}")
    finally:
        process.terminate()
        process.wait(120)
        said = take_reports(reports_folder())
    assert f"chancery-{role}"[:14] in said or "undefined." in said, said
