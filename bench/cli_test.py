"""What a person meets at the command line: bad input, interrupts, crashes.

Every mistake of the user's ends with one sentence on stderr and exit code 2; whatever ends a run
leaves the cells that were done.
"""

import json
import os
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOEBENCH = ROOT / "build/release/moebench"
SMOKE = ROOT / "bench/matrices/smoke.json"
SMOKE_PROBLEMS = 12
STRATEGIES = len([f for f in (ROOT / "kernels/cpu").glob("*.cc") if not f.stem.endswith("_test")])

pytestmark = pytest.mark.skipif(not MOEBENCH.exists(), reason="build/release/moebench is not built")


def run(*words, **kwargs):
    return subprocess.run(
        [MOEBENCH, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        **kwargs,
    )


def refused(*words, says, code=2):
    """Runs the command, expects one sentence that holds every word of `says`."""
    done = run(*words)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("moebench: ")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in says:
        assert word in done.stderr
    return done.stderr


def write_safetensors(path, tensors, metadata=None):
    """tensors: name -> (dtype, shape, bytes)."""
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, (dtype, shape, content) in sorted(tensors.items()):
        header[name] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    config = ROOT / "reference/configs/tiny_time_moe.json"
    done = run("model", "init", folder, "--config", config, "--weights", "golden")
    assert done.returncode == 0, done.stderr
    return folder


def series(tmp_path, values, name="input.safetensors"):
    path = tmp_path / name
    content = struct.pack(f"<{len(values)}f", *values)
    write_safetensors(path, {"input": ("F32", [1, len(values)], content)})
    return path


# Words on the command line.


def test_unknown_command_names_the_nearest():
    refused("rnu", says=['"rnu"', 'did you mean "run"?'])


def test_unknown_strategy_names_the_nearest():
    refused("run", SMOKE, "--strategy", "sort-and-grup", says=['did you mean "sort-and-group"?'])


def test_unknown_strategy_of_a_cell_names_the_nearest():
    cell = "tiny/T=4/uniform/f32/loop-per-exprt@cpu"
    refused("repro", cell, says=['did you mean "loop-per-expert@cpu"?'])


def test_every_strategy_is_listed_with_a_dtype():
    listed = json.loads(run("list", "strategies", "--json").stdout)
    assert [s["name"] for s in listed if s["backend"] == "cpu" and "f32" not in s["dtypes"]] == []


def test_unknown_kind_of_list():
    refused("list", "strategys", says=['did you mean "strategies"?'])


def test_a_time_budget_needs_a_unit_that_exists():
    refused("run", SMOKE, "--time-budget", "8 parsecs", says=["--time-budget", "8 parsecs"])


def test_a_backend_that_is_not_built_is_an_unusable_environment():
    done = run("run", SMOKE, "--backend", "cuda")
    if done.returncode == 0:
        pytest.skip("built with CUDA")
    assert done.returncode == 4
    assert "cmake --preset cuda" in done.stderr


def test_help_shows_examples_first():
    for words in (["--help"], ["run", "--help"], ["validate", "--help"], ["repro", "--help"]):
        done = run(*words)
        assert done.returncode == 0
        assert done.stdout.index("Example") < done.stdout.index("Options")


# Matrix files.


def matrix(tmp_path, text):
    path = tmp_path / "m.json"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["m.json", "empty"]),
        ('{"axes": {"shape": "tiny"', ["m.json:1"]),
        ('{"axis": {}}', ["m.json:1:", '"axis"', 'did you mean "axes"?']),
        ('{"base": {"shape": "tiny", "tokns": 4}}', ['did you mean "tokens"?']),
        ('{"base": {"shape": "tinny", "tokens": 4}}', ['did you mean "tiny"?']),
        ('{"base": {"shape": "tiny", "tokens": -1}}', ["/base/tokens", "-1"]),
        ('{"base": {"shape": "tiny", "tokens": 8.5}}', ["/base/tokens", "8.5"]),
        ('{"base": {"shape": "tiny", "tokens": 4, "workload": "zipff"}}', ['did you mean "zipf"?']),
        ('{"base": {"shape": "tiny"}, "base": {}}', ['"base"', "m.json:1:"]),
    ],
)
def test_a_bad_matrix_file_is_refused(tmp_path, text, says):
    refused("run", matrix(tmp_path, text), "--out", tmp_path, says=says)


def test_a_matrix_file_that_is_not_there(tmp_path):
    refused("run", tmp_path / "none.json", says=["none.json"])


def test_a_trace_that_is_not_there(tmp_path):
    text = '{"base": {"shape": "tiny", "tokens": 4, "workload": "trace:none.safetensors#layer=0"}}'
    refused("validate", matrix(tmp_path, text), says=["none.safetensors"])


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    refused("run", SMOKE, "--out", tmp_path / "file" / "sub", says=["file"])


# Models and tensors.


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("num_experts", 0, ["num_experts"]),
        ("num_experts_per_tok", 9, ["num_experts_per_tok", "9"]),
        ("num_attention_heads", 3, ["num_attention_heads", "3"]),
        ("num_key_value_heads", 3, ["num_key_value_heads", "3"]),
        ("horizon_lengths", [8, 4], ["horizon_lengths"]),
        ("model_type", "time_mow", ['did you mean "time_moe"?']),
        ("hidden_size", -16, ["hidden_size", "-16"]),
    ],
)
def test_a_bad_config_is_refused(tmp_path, key, value, says):
    config = json.loads((ROOT / "reference/configs/tiny_time_moe.json").read_text())
    config[key] = value
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config, indent=1))
    refused("model", "init", tmp_path / "m", "--config", path, says=["config.json", *says])
    assert not (tmp_path / "m" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty", b""),
        ("truncated", struct.pack("<Q", 1000) + b"{"),
        ("mislabelled", b"PK\x03\x04 this is a zip file, not tensors"),
        ("oversized", struct.pack("<Q", 2**63) + b"{}"),
    ],
)
def test_a_bad_tensor_file_is_refused(tmp_path, model, name, content):
    path = tmp_path / f"{name}.safetensors"
    path.write_bytes(content)
    out = tmp_path / "out.safetensors"
    refused(
        "model", "forward", model, "--input", path, "--output", out, says=[f"{name}.safetensors"]
    )
    assert not out.exists()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_series_with_a_hole_is_refused(tmp_path, model, bad):
    path = series(tmp_path, [1.0, bad, 2.0])
    out = tmp_path / "out.safetensors"
    refused("model", "forward", model, "--input", path, "--output", out, says=["input"])


def test_a_model_without_the_input_it_needs(tmp_path, model):
    path = tmp_path / "in.safetensors"
    write_safetensors(path, {"inputs": ("F32", [1, 1], struct.pack("<f", 1))})
    out = tmp_path / "out.safetensors"
    refused("model", "forward", model, "--input", path, "--output", out, says=['"input"'])


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("date,a\n" + "2026-01-01,1\n" * 9, "b", ['"b"']),
        ("date,a\n2026-01-01,1\n2026-01-02,warm\n", "a", ["s.csv:3", "warm"]),
        ("date,a\n2026-01-01,1\n2026-01-02,nan\n", "a", ["s.csv:3"]),
        ("date,a\n2026-01-01,1\n2026-01-02\n", "a", ["s.csv:3"]),
        ("", "a", ["s.csv"]),
    ],
)
def test_a_bad_csv_is_refused(tmp_path, model, text, column, says):
    path = tmp_path / "s.csv"
    path.write_text(text)
    words = ["--model", model, "--data", path, "--column", column, "--context", 2]
    refused("trace", "capture", *words, "--output", tmp_path / "t.safetensors", says=says)


def test_generation_appends_the_largest_horizon_that_fits(tmp_path, model):
    path = series(tmp_path, [0.5, -0.25, 1.0, 0.75])
    out = tmp_path / "out.safetensors"
    words = ["--input", path, "--output", out, "--max-new-tokens", 13]
    assert run("model", "generate", model, *words).returncode == 0
    raw = out.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    begin, end = header["steps"]["data_offsets"]
    assert struct.unpack("<3i", raw[8 + size + begin : 8 + size + end]) == (8, 4, 1)
    assert header["sequence"]["shape"] == [1, 17]


@pytest.mark.parametrize("strategy", ["loop-per-expert", "sort-and-group", "dense-masked"])
def test_a_model_gives_the_same_with_a_dropless_strategy_inside(tmp_path, model, strategy):
    path = series(tmp_path, [0.5, -0.25, 1.0, 0.75, 0.1, -1.2])
    outputs = []
    for words in ([], ["--strategy", strategy]):
        out = tmp_path / f"out{len(words)}.safetensors"
        done = run(
            "model", "forward", model, "--dtype", "f32", "--input", path, "--output", out, *words
        )
        assert done.returncode == 0, done.stderr
        raw = out.read_bytes()
        size = struct.unpack("<Q", raw[:8])[0]
        begin, end = json.loads(raw[8 : 8 + size])["hidden"]["data_offsets"]
        outputs.append(
            struct.unpack(f"<{(end - begin) // 4}f", raw[8 + size + begin : 8 + size + end])
        )
    worst = max(abs(a - b) for a, b in zip(*outputs))
    assert worst <= 2e-5  # the golden tolerance of f32


# Runs that do not come to their end.


def lines_of(folder, name="smoke"):
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def start_slow_run(tmp_path):
    words = [
        "run",
        SMOKE,
        "--out",
        tmp_path,
        "--set",
        "base.max_seconds=1",
        "--set",
        "base.samples=500",
    ]
    process = subprocess.Popen(
        [MOEBENCH, *map(str, words)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    results = tmp_path / "smoke.jsonl"
    deadline = time.time() + 60
    while time.time() < deadline and not (
        results.exists() and results.read_text().count("\n") >= STRATEGIES
    ):
        time.sleep(0.05)
    return process


def test_an_interrupt_keeps_the_cells_that_are_done_and_resume_goes_on(tmp_path):
    process = start_slow_run(tmp_path)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    kept = lines_of(tmp_path)
    assert STRATEGIES <= len(kept) < SMOKE_PROBLEMS * STRATEGIES
    done = run("run", SMOKE, "--out", tmp_path, "--resume")
    assert done.returncode == 0, done.stderr
    cells = [line["cell"] for line in lines_of(tmp_path)]
    assert len(cells) == len(set(cells)) == SMOKE_PROBLEMS * STRATEGIES


def children_of(process):
    task = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in task.read_text().split()]


def test_a_crash_costs_one_cell(tmp_path):
    process = start_slow_run(tmp_path)
    deadline = time.time() + 30
    while time.time() < deadline and not children_of(process):
        time.sleep(0.01)
    time.sleep(0.3)
    os.kill(children_of(process)[0], signal.SIGKILL)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)  # the rest is not what this test is about
    process.communicate(timeout=120)
    lines = lines_of(tmp_path)
    crashed = [line for line in lines if line["status"] == "crashed"]
    assert len(crashed) == 1
    assert "signal 9" in crashed[0]["reason"]
    assert crashed[0]["timing"] is None
    same_problem = [line for line in lines if line["problem_id"] == crashed[0]["problem_id"]]
    assert len(same_problem) == STRATEGIES  # the others were run again


def test_a_second_interrupt_ends_at_once(tmp_path):
    process = start_slow_run(tmp_path)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    begin = time.time()
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.time() - begin < 5
    assert len(lines_of(tmp_path)) >= STRATEGIES


def test_a_torn_last_line_does_not_stop_a_resume(tmp_path):
    done = run("run", SMOKE, "--out", tmp_path, "--filter", "T=1/uniform")
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "smoke.jsonl", "a") as file:
        file.write('{"schema":"moebench.res')
    done = run("run", SMOKE, "--out", tmp_path, "--filter", "T=1/", "--resume")
    assert done.returncode == 0, done.stderr
    assert len(lines_of(tmp_path)) == 4 * STRATEGIES


def test_a_result_line_makes_itself_again(tmp_path):
    cell = "tiny/T=7/zipf:1.0/f32/sort-and-group@cpu"
    done = run("repro", cell, "--samples", 6)
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout)
    assert line["cell"] == cell
    assert line["repro"] == f"moebench repro '{cell}'"
    assert line["status"] == "ok"
