"""The program with CUDA strategies, on a machine that has no GPU.

`moebench_gpu` is linked to NVIDIA's runtime, `moebench` of the same build to the interpreter.
"""

import json
import os
import struct
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build/simt"
MATRIX = ROOT / "bench/matrices/gpu_accept.json"
FILTER = "tiny/T=17/zipf:1.0/bf16/sort-and-group"

pytestmark = [
    pytest.mark.skipif(
        not (BUILD / "moebench_gpu").exists(),
        reason="build/simt/moebench_gpu is not built: no nvcc",
    ),
    pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="there is a GPU"),
]


def run(program, *words, **environment):
    return subprocess.run(
        [BUILD / program, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        env=os.environ | environment,
    )


def test_cells_without_their_device_are_skipped_with_the_runtimes_words(tmp_path):
    done = run(
        "moebench_gpu", "run", MATRIX, "--preset", "interpreter", "--out", tmp_path,
        "--strategy", "sort-and-group@cuda",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for file in tmp_path.glob("*.jsonl") for line in file.open()]
    assert lines and {line["status"] for line in lines} == {"skipped"}
    assert all("cudaError" in line["reason"] and "needs" in line["reason"] for line in lines)
    assert all(line["timing"] is None for line in lines)


@pytest.mark.parametrize(
    ("words", "environment"),
    [(["--backend", "cuda"], {}), ([], {"MOEBENCH_REQUIRE_GPU": "1"})],
)
def test_a_gpu_that_is_asked_for_and_missing_ends_the_run(words, environment):
    done = run("moebench_gpu", "run", MATRIX, "--preset", "interpreter", *words, **environment)
    assert done.returncode == 4
    assert "cudaError" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_interpreter_judges_and_gives_no_time(tmp_path):
    done = run(
        "moebench", "run", MATRIX, "--preset", "interpreter", "--backend", "sim",
        "--filter", FILTER, "--out", tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for file in tmp_path.glob("*.jsonl") for line in file.open()]
    assert [line["status"] for line in lines] == ["ok"] * len(lines) and lines
    for line in lines:
        assert line["strategy"]["backend"] == "sim"
        assert line["validation"]["passed"]
        assert line["timing"] is None and "it has no time" in line["timing_reason"]


def test_the_algorithms_that_cublaslt_chose_are_written_down(tmp_path):
    done = run(
        "moebench", "run", MATRIX, "--preset", "interpreter", "--backend", "sim",
        "--filter", "tiny/T=17/zipf:1.0/bf16/cublaslt-(loop|padded)@", "--out", tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for file in tmp_path.glob("*.jsonl") for line in file.open()]
    assert {line["strategy"]["name"] for line in lines} == {"cublaslt-loop", "cublaslt-padded"}
    for line in lines:
        assert line["library_algorithms"].endswith(": gate and up 0; down 0")
        assert line["library_algorithms"].startswith("cuBLASLt 13.")


def test_the_grouped_product_of_cublaslt_is_listed_and_declined_with_its_version(tmp_path):
    done = run(
        "moebench", "run", MATRIX, "--preset", "interpreter", "--backend", "sim",
        "--filter", "tiny/T=17/zipf:1.0/bf16/cublaslt-grouped@", "--out", tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = [json.loads(line) for file in tmp_path.glob("*.jsonl") for line in file.open()]
    assert line["status"] == "unsupported"
    assert line["reason"].startswith("cuBLASLt 13.")
    assert " has no grouped product" in line["reason"]
    assert "13.4 (toolkit 13.2 Update 1)" in line["reason"]
    assert "cublaslt-grouped" in run("moebench_gpu", "list", "strategies").stdout


def test_the_doctor_says_what_nvml_says_or_why_it_says_nothing(tmp_path):
    assert "no libnvidia-ml.so.1: " in run("moebench_gpu", "doctor").stdout
    fake = BUILD / "harness/libfake_nvml.so"
    if not fake.exists():
        pytest.skip("build/simt/harness/libfake_nvml.so is not built: harness_test")
    (tmp_path / "libnvidia-ml.so.1").symlink_to(fake)
    said = run("moebench_gpu", "doctor", LD_LIBRARY_PATH=str(tmp_path)).stdout
    assert "driver 580.65.06, limit 700 W; now 1755 MHz, 412 W, 63 °C, " in said


def test_list_and_dry_run_need_no_gpu():
    assert "sort-and-group" in run("moebench_gpu", "list", "strategies").stdout
    assert run("moebench_gpu", "run", MATRIX, "--dry-run").returncode == 0


def test_a_model_runs_with_a_strategy_of_the_device(tmp_path):
    config = ROOT / "reference/configs/tiny_mixtral.json"
    words = ["model", "init", tmp_path / "m", "--config", config, "--weights", "golden"]
    assert run("moebench", *words).returncode == 0
    tokens = struct.pack("<6q", 1, 2, 3, 4, 5, 6)
    header = b'{"input_ids":{"dtype":"I64","shape":[1,6],"data_offsets":[0,48]}}'
    (tmp_path / "in").write_bytes(struct.pack("<Q", len(header)) + header + tokens)
    outputs = []
    for strategy in ["sort-and-group", "sort-and-group@sim"]:
        out = tmp_path / strategy
        done = run(
            "moebench", "model", "forward", tmp_path / "m", "--input", tmp_path / "in",
            "--output", out, "--strategy", strategy,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        outputs.append(f32_tensor(out, "logits"))
    size = max(map(abs, outputs[0]))
    assert size > 0
    for cpu, device in zip(*outputs, strict=True):
        assert abs(cpu - device) <= 1e-5 * size


def f32_tensor(path, name):
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    begin, end = json.loads(content[8 : 8 + length])[name]["data_offsets"]
    return struct.unpack(f"<{(end - begin) // 4}f", content[8 + length :][begin:end])
