"""The header of a problem, as moebench writes it. Tensors need numpy and are the drivers' matter."""

import subprocess

import pytest
from problem_file import Problem
from registry import MOEBENCH

pytestmark = pytest.mark.skipif(not MOEBENCH.exists(), reason="build/release/moebench is not built")


def written(folder, name, *words):
    subprocess.run([MOEBENCH, "problem", name, "--to", folder, *words], check=True)
    return folder / "problem.safetensors"


def test_a_problem_tells_its_shape(tmp_path):
    problem = Problem(written(tmp_path, "H=8,F=6,E=4,K=2/T=3/uniform/bf16"))
    assert (problem.tokens, problem.hidden, problem.ffn) == (3, 8, 6)
    assert (problem.experts, problem.top_k, problem.dtype) == (4, 2, "bf16")
    assert problem.name == "H=8,F=6,E=4,K=2/T=3/uniform/bf16"


def test_weights_may_lie_in_another_problem(tmp_path):
    first = written(tmp_path / "a", "H=8,F=6,E=4,K=2/T=3/uniform/f32")
    second = written(tmp_path / "b", "H=8,F=6,E=4,K=2/T=9/uniform/f32", "--without-weights")
    assert second.stat().st_size < first.stat().st_size
    problem = Problem(second, weights=first)
    assert (problem.tokens, problem.ffn, problem.experts) == (9, 6, 4)
