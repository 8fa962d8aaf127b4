"""The installed C library: what it exports and needs, and programs built against it."""
import hashlib
import json
import os
import pathlib
import re
import time

import pytest

from chancery import PROGRAM, ROOT, SANITIZED, Signer, b64, compact
from library import FLAVOURS, Installed, mapped, must, prototypes, run

EXAMPLES = sorted(p.stem for p in (ROOT / "docs/examples").glob("*.c"))
ISSUER = "https://id.test/home"
# of the symbols and calls of whoever signs, seals, opens PEM or computes MACs
FORBIDDEN = re.compile(
    r"private_key|password|seal|pem_|PEM_|_sign(_init|_detached|_keypair)?$|do_sign|hmac|HMAC"
    r"|crypto_auth|secretbox|aead|EVP_(Encrypt|Decrypt|Cipher)|PKCS8|d2i_|keypair|pwhash")


plain_look = pytest.mark.plain("looks at symbols, where a sanitizer has its own")
plain_link = pytest.mark.plain("gcc's sanitizers are shared libraries, for gcc and g++ alone")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    signer = Signer(ISSUER)
    signer.file = tmp_path_factory.mktemp("keys") / "home.jwks"
    signer.file.write_text(signer.jwks())
    return signer


def defined(path, *options):
    """{name} of the global symbols that a library defines."""
    return {line.split()[2].split("@")[0] for line in
            must("nm", "-g", "--defined-only", *options, path).splitlines()
            if re.match(r"[0-9a-f]+ [A-Z] ", line) and " A " not in line}


# --- what it is ----------------------------------------------------------------------

@plain_look
def test_headers_list_and_libraries_name_the_same_functions(installed):
    headers = [p for p in installed.include.glob("*.h") if p.name != "jwks.h"]
    declared = set(prototypes(headers))
    assert declared == mapped("chancery")
    assert defined(installed.lib / "libchancery.so", "-D") == declared
    assert defined(installed.lib / "libchancery.a") == declared


def test_every_header_is_installed(installed):
    assert ({p.name for p in installed.include.glob("*.h")}
            == {p.name for p in (ROOT / "include/chancery").glob("*.h")})


def test_the_umbrella_has_all_but_what_fetches():
    text = (ROOT / "include/chancery/chancery.h").read_text()
    named = set(re.findall(r'#include "chancery/(\w+\.h)"', text))
    there = {p.name for p in (ROOT / "include/chancery").glob("*.h")}
    assert named == there - {"chancery.h", "jwks.h"}


@plain_look
def test_it_needs_three_libraries(installed):
    said = must("readelf", "-d", installed.lib / "libchancery.so")
    needed = re.findall(r"NEEDED.*\[(\w+)\.so", said)
    assert sorted(needed) == ["libc", "libcrypto", "libsodium"]
    assert "SONAME" in said and "[libchancery.so.0]" in said


@plain_look
def test_it_can_only_verify(installed):
    """No code of ours that signs, seals or computes MACs, and no call of theirs."""
    shared = must("nm", installed.lib / "libchancery.so.0.1.0")
    static = must("nm", installed.lib / "libchancery.a")
    assert "public_key_verify" in shared and "public_key_verify" in static
    for name in re.findall(r" [A-Za-z] ([\w.]+)", shared + static):
        assert not FORBIDDEN.search(name), name


@plain_look
def test_it_allocates_in_loaders_only(installed):
    """Of the C library's heap it calls calloc and free, each from few places."""
    undefined = must("nm", "-u", installed.lib / "libchancery.a")
    assert not re.search(r"\b(malloc|realloc|strdup|pthread_create|fopen|open|socket)\b", undefined)


# --- programs that use it ------------------------------------------------------------

@pytest.mark.parametrize("flavour", [
    pytest.param(f, marks=[] if f.startswith("g") else plain_link) for f in FLAVOURS])
@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_compile(installed, example, flavour, tmp_path):
    program = installed.build(ROOT / f"docs/examples/{example}.c", flavour, tmp_path / example)
    assert installed.run(program).returncode == 2
    if flavour == "static":
        assert "not a dynamic executable" in run("ldd", program).stderr


@plain_link
def test_our_archive_links_beside_shared_libraries(installed, tmp_path):
    must("gcc", "-std=c99", *installed.flags("--cflags"), "-o", tmp_path / "one",
         ROOT / "docs/examples/verify_one.c", installed.lib / "libchancery.a",
         "-lcrypto", "-lsodium")
    assert installed.run(tmp_path / "one").returncode == 2


@plain_link
def test_a_program_may_have_names_like_ours(installed, tmp_path):
    """Inside the archive nothing is global that is not ours by prefix."""
    source = tmp_path / "same.c"
    source.write_text('#include <chancery/chancery.h>\n'
                      'int token_verify(void); int token_verify(void) { return 1; }\n'
                      'int str_eq(void); int str_eq(void) { return 2; }\n'
                      'int main(void) { union ch_scratch s; return ch_failed(ch_scratch_init(&s))'
                      ' + token_verify() + str_eq(); }\n')
    must("gcc", "-std=c99", *installed.flags("--cflags"), "-o", tmp_path / "same", source,
         installed.lib / "libchancery.a", "-lcrypto", "-lsodium")
    assert run(tmp_path / "same").returncode == 3


@pytest.fixture(scope="module")
def built(installed, tmp_path_factory):
    """{example: a program}, one of them linked statically."""
    folder = tmp_path_factory.mktemp("built")
    return {name: installed.build(ROOT / f"docs/examples/{name}.c",
                                  "static" if name == "verify_one" and not SANITIZED else "gcc-c99", folder / name)
            for name in EXAMPLES}


def test_one_token(installed, built, home):
    def judge(token, audience="mail"):
        return installed.run(built["verify_one"], ISSUER, home.file, audience, given=token + "\n")

    good = judge(home.token())
    assert (good.returncode, good.stdout) == (0, "s-1 of example\n")
    late = judge(home.token(exp=int(time.time()) - 1, iat=int(time.time()) - 9))
    assert (late.returncode, late.stdout) == (1, "refused: expired\n")
    assert late.stderr == "expired (payload: exp): expired\n"
    assert judge(home.token(), "other").stdout == "refused: bad_audience\n"
    assert judge(Signer(ISSUER).token()).stdout == "refused: bad_signature\n"


def test_an_example_names_what_is_wrong_with_keys(installed, built, home, tmp_path):
    (tmp_path / "twice.jwks").write_text(f'{{"keys":[{home.jwks()[10:-2]},{home.jwks()[10:-2]}]}}')
    said = installed.run(built["verify_one"], ISSUER, tmp_path / "twice.jwks", "mail")
    assert said.returncode == 3
    assert 'issuer "https://id.test/home": key "k1"' in said.stderr and "E_DUPLICATE" in said.stderr


def test_threads_share_a_verifier(installed, built, home):
    tokens = [home.token() for _ in range(39)] + [home.token(aud="other")]
    said = installed.run(built["verify_threads"], ISSUER, home.file, "mail",
                         given="\n".join(tokens) + "\n")
    assert (said.returncode, said.stdout) == (1, "39 of 40 are good\n"), said.stderr


def test_the_cache_answers_the_second_time(installed, built, home):
    tokens = [home.token() for _ in range(5)] + [home.token(jti="revoked-token")]
    said = installed.run(built["verify_cached"], ISSUER, home.file, "mail",
                         given="\n".join(tokens) + "\n")
    assert (said.returncode, said.stdout) == (1, "10 of 12 were good, 6 out of the cache\n")


def thumbprint(jwk):
    needed = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return b64(hashlib.sha256(json.dumps(needed, sort_keys=True,
                                         separators=(",", ":")).encode()).digest())


def proof_of(client, token, **more):
    jwk = {name: value for name, value in client.jwk().items() if name in ("crv", "kty", "x", "y")}
    payload = {"jti": b64(os.urandom(16)), "htm": "GET", "htu": "https://rs.test/inbox",
               "iat": int(time.time()), "ath": b64(hashlib.sha256(token.encode()).digest()), **more}
    text = ".".join(b64(compact(part)) for part in
                    ({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}, payload))
    return text + "." + b64(client.raw_sign(text.encode()))


def test_a_bound_token_and_its_proof(installed, built, home):
    client = Signer("nobody")
    token = home.token(cnf={"jkt": thumbprint(client.jwk())})

    def ask(proof):
        return installed.run(built["verify_dpop"], ISSUER, home.file, "mail", "GET",
                             "https://rs.test/inbox?page=2", given=f"{token}\n{proof}\n")

    assert 'error="invalid_token"' in ask("").stdout
    first = ask(proof_of(client, token))
    assert first.returncode == 1 and 'error="use_dpop_nonce"' in first.stdout
    nonce = re.search(r"^DPoP-Nonce: (\S+)$", first.stdout, re.M).group(1)
    good = ask(proof_of(client, token, nonce=nonce))
    assert good.returncode == 0, good.stdout + good.stderr
    assert good.stdout.endswith("s-1 of example, holding the key\n")
    assert 'error="invalid_dpop_proof"' in ask(proof_of(client, token, nonce=nonce,
                                                        htm="POST")).stdout
    assert ask(proof_of(home, token, nonce=nonce)).returncode == 1


# --- what the documents say ----------------------------------------------------------

def reasons():
    """{name: (status, error)} as the library has them."""
    text = (ROOT / "src/libchancery/reason.c").read_text()
    short = {name: (status, error) for name, status, error in
             re.findall(r'#define (\w+) (\d+), "(\w*)"', text)}
    found = {}
    for name, answer in re.findall(r'X\(\w+, (\w+), (\w+(?:, "\w*")?)\)', text):
        status, _, error = answer.partition(", ")
        found[name] = short.get(answer, (status, error.strip('"')))
    return found | {"misused": ("500", "")}


def test_the_tables_of_answers_are_the_librarys():
    known = reasons()
    assert len(known) == 29
    document = re.findall(r"^\| `(\w+)` \| (\d+) \| (\w*) ?\| ",
                          (ROOT / "docs/LIBRARY.md").read_text(), re.M)
    assert {name: (status, error) for name, status, error in document} == known
    page = re.findall(r"^\.Li (\w+) ,\n(\d+) ?(\w*)\.$",
                      (ROOT / "man/ch_reason_name.3").read_text(), re.M)
    assert {name: (status, error) for name, status, error in page} == known


@plain_link
def test_the_first_success_of_the_document(installed, authority, tmp_path):
    """The commands as they stand, but for the installation and the port."""
    text = (ROOT / "docs/LIBRARY.md").read_text()
    commands = re.search(r"```sh\n(.*?)```", text, re.S).group(1).splitlines()
    assert commands[0] == "sudo make install && sudo ldconfig"
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    issuer = authority.dev["realms"]["home"]["issuer"]
    script = "\n".join(commands[1:]).replace("http://localhost:8080/home", issuer)
    done = run("sh", "-ec", script, cwd=tmp_path, env={
        **installed.env, "LD_LIBRARY_PATH": str(installed.lib),
        "PATH": f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "bench of example\n"


@plain_link
def test_the_commands_of_the_readme(installed, authority, tmp_path):
    """Those of its section on verifying, but for the installation and the port."""
    text = (ROOT / "README.md").read_text()
    section = text[text.index("\n## Verify tokens"):text.index("\n## Crash dumps")]
    commands = "".join(re.findall(r"```sh\n(.*?)```", section, re.S)).splitlines()
    commands.remove("sudo make install && sudo ldconfig")
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / "build").symlink_to(pathlib.Path(PROGRAM).resolve().parent)
    script = "\n".join(commands).replace("http://localhost:8080", authority.dev["base"])
    done = run("sh", "-c", script, cwd=tmp_path,
               env={**installed.env, "LD_LIBRARY_PATH": str(installed.lib)})
    claims, refused, accepted = done.stdout.splitlines()
    assert json.loads(claims)["client_id"] == "bench" and refused == "bad_issuer", done.stderr
    assert accepted == "bench of example" and done.returncode == 0


def test_c_in_the_document_names_what_there_is():
    text = (ROOT / "docs/LIBRARY.md").read_text()
    headers = "".join(p.read_text() for p in (ROOT / "include/chancery").glob("*.h"))
    for name in re.findall(r"\b(?:ch|CH)_\w+", text):
        assert re.search(rf"\b{name}\b", headers), name
