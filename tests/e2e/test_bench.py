"""The bench's programs work with the roles of this build, and its names are kept."""
import importlib.machinery
import importlib.util
import json
import pathlib
import subprocess

import pytest


@pytest.fixture(scope="module")
def built(chancery):
    return pathlib.Path(chancery).resolve().parent


@pytest.fixture(scope="module")
def bench(root_dir):
    loader = importlib.machinery.SourceFileLoader("bench_run", str(root_dir / "bench/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(module)
    return module


def test_tokens_through_the_real_signer(built):
    done = subprocess.run([built / "bench/sign_through", built / "libexec/chancery", "20", "1"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["input_bytes"] > 200
    assert all(seen[f"batch_{n}"]["per_cpu_s"] > 100 for n in (1, 8, 32))


def test_wrong_usage_says_so(built):
    for program in ("sign_through", "unlock"):
        done = subprocess.run([built / "bench" / program], capture_output=True, text=True,
                              timeout=10, check=False)
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
