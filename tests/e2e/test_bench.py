"""The bench's programs work with the roles of this build, and its names are kept."""
import asyncio
import importlib.machinery
import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

from chancery import authority_of

pytestmark = pytest.mark.plain("measures a release")


@pytest.fixture(scope="module")
def built(chancery):
    return pathlib.Path(chancery).resolve().parent


@pytest.fixture(scope="module")
def tokens(bench, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    assert bench.verify.verify_tokens.write(folder).keys() == {"ES256", "EdDSA", "RS256"}
    return folder


@pytest.fixture(scope="module")
def bench(root_dir):
    sys.path.insert(0, str(root_dir / "bench"))  # its neighbours, as when it is run
    loader = importlib.machinery.SourceFileLoader("bench_run", str(root_dir / "bench/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(module)
    return module


def test_tokens_through_the_real_signer(built):
    done = subprocess.run([built / "bench/sign_through", built / "libexec/chancery", "20", "1"],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["input_bytes"] > 200
    assert all(seen[f"batch_{n}"]["per_cpu_s"] > 100 for n in (1, 8, 32))


def test_wrong_usage_says_so(built):
    for program in ("sign_through", "unlock", "hunt_core"):
        done = subprocess.run([built / "bench" / program], capture_output=True, text=True,
                              timeout=120, check=False)
        assert done.returncode == 2 and done.stderr.startswith("usage:")


def test_names_with_a_goal_are_in_the_readme(bench, root_dir):
    text = (root_dir / "bench/README").read_text()
    for name in bench.GOALS:
        stem = name.rsplit("_", 1)
        assert name in text or (stem[0] in text and f"_{stem[1]}" in text), name


def test_a_figure_says_whether_its_goal_is_held(bench, capsys):
    bench.figure("tokens_64", 1000, "per s", "a peer", 4.9)
    bench.figure("pss_sum", 10, "MB", "16 MB", 10 / 16)
    bench.figure("latency_8_p99", 2.5, "ms", "a peer")
    out = capsys.readouterr().out.splitlines()
    assert "MISSED" in out[0] and "held" in out[1] and "held" in out[2]
    assert bench.figures[0] == {"name": "tokens_64", "value": 1000, "unit": "per s",
                                "against": "a peer", "ratio": 4.9}


def test_our_row_of_the_verifiers(built, bench, tokens):
    ours = bench.verify.Verifier("ours", [built / "bench/verify_rate", tokens])
    for alg in bench.verify.ALGS:
        for way in ("verify", "cold", "cached", "nonsense"):
            ours.ask(alg, way, 5)
    ours.close()
    for alg in bench.verify.ALGS:
        assert all(ours.rate(alg, way)[0] > 100 for way in ("verify", "cold", "cached"))
        assert ours.rate(alg, "nonsense") == (None, "it has no way to do this")
    assert ours.mallocs("ES256", "cold") > 0  # libcrypto's own are seen
    runs = json.loads(subprocess.run([built / "bench/verify_threads", tokens, "20", "2"],
                                     check=True, capture_output=True, timeout=120).stdout)
    assert len(runs) == 2
    assert all(len(run) == 3 and all(rate > 0 for both in run for rate in both) for run in runs)


def test_the_parts_of_the_parser_are_named(built, bench):
    out = subprocess.run([built / "bench/verify_parse", "2"], check=True, capture_output=True,
                         text=True, timeout=120).stdout
    assert bench.verify.PARSED.keys() <= {line.split()[0] for line in out.splitlines()}


def test_a_refused_token_is_no_figure(built, bench, tokens, tmp_path):
    for name in ("ES256.tok", "ES256.jwks"):
        (tmp_path / name).write_text((tokens / name).read_text())
    token = (tokens / "ES256.tok").read_text().strip()
    (tmp_path / "ES256.tok").write_text(token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"))
    ours = bench.verify.Verifier("ours", [built / "bench/verify_rate", tmp_path])
    ours.ask("ES256", "verify", 5)
    ours.close()
    assert ours.rate("ES256") == (None, "it does not take the token")


def test_a_core_is_hunted_and_compared(built, chancery, tmp_path, root_dir):
    hunt = built / "bench/hunt_core"
    sleeper = subprocess.Popen(["/usr/bin/python3", root_dir / "bench/heaps/floats.py", "8",
                                "sparse"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert sleeper.stdout.readline() == b"ready\n"
        subprocess.run(["gcore", "-o", tmp_path / "core", str(sleeper.pid)], check=True,
                       capture_output=True, timeout=120)
    finally:
        sleeper.kill()
        sleeper.wait()
    core, out = tmp_path / f"core.{sleeper.pid}", tmp_path / "out"
    seen = json.loads(subprocess.check_output([hunt, core, "1"], timeout=120))
    assert 1 << 20 < seen["data"] < seen["size"] - (7 << 20)  # fifteen in sixteen are zeros
    assert seen["all"]["cpu_s"] > 0
    same = json.loads(subprocess.check_output([hunt, "--changes", core, core], timeout=120))
    assert same == {"data": seen["data"], "changed": 0}
    subprocess.run([chancery, "coredump", "redact", core, out], check=False, capture_output=True,
                   timeout=120)
    most = json.loads(subprocess.check_output([hunt, "--changes", core, out], timeout=120))
    assert most["changed"] > 100000  # triage keeps next to nothing


def test_a_stream_is_counted(built, tmp_path):
    said = tmp_path / "said"
    subprocess.run([built / "bench/hunt_core", "--count", said], check=True, timeout=120,
                   input=b"\0" * 8192 + b"x" * 5000)
    seen = json.loads(said.read_text())
    assert (seen["size"], seen["data"]) == (13192, 5000)


def test_each_way_to_get_a_token_is_answered(chancery, bench, tmp_path):
    with authority_of("bench") as a:
        ours = bench.provider.Ours(a.dev, a.dir, chancery, tmp_path)
        for kind in bench.provider.KINDS:
            answer = ours.answer(kind)
            assert ("id_token" in answer) == (kind in ("code", "refresh"))
            assert ("refresh_token" in answer) == (kind == "refresh")
            assert answer["token_type"] == ("DPoP" if kind == "dpop" else "Bearer")
        growth = bench.provider.Growth(a.dir / "store")
        growth.begin()
        assert growth.before > 0 and growth.bytes() >= growth.before
        requests = bench.provider.sign_in_requests(ours, 3)
        counts = asyncio.run(bench.provider.at_once(ours.where, requests))
        assert sum(counts.values()) == 3 and counts.keys() <= {"200", "303"}, counts
