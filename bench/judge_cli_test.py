"""A problem goes out as tensors, another program's answer comes back and is judged.

The other program is the naive layer in Python below, once as it should be and once with a fault.
"""

import json
import math
import struct

import pytest
from cli_test import MOEBENCH, refused, run, write_safetensors

pytestmark = pytest.mark.skipif(not MOEBENCH.exists(), reason="build/release/moebench is not built")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Two threads on a busy machine wait for each other longer than they work on these problems."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


CELL = "H=24,F=16,E=4,K=2/T=5/zipf:1.0/{}"


def read_safetensors(path):
    """name -> (dtype, shape, values), and the metadata."""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        data = raw[8 + size + begin : 8 + size + end]
        if entry["dtype"] == "BF16":  # the upper half of a float's bits
            data = b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2))
        code = "i" if entry["dtype"] == "I32" else "f"
        values = struct.unpack(f"<{len(data) // 4}{code}", data)
        tensors[name] = (entry["dtype"], entry["shape"], values)
    return tensors, metadata


def naive_layer(tensors, rounded=lambda value: value):
    """The layer in double precision; what a program stores between two steps goes through `rounded`."""
    (tokens, hidden), (experts, ffn, _) = tensors["x"][1], tensors["gate"][1]
    top_k = tensors["expert"][1][1]
    x, gate, up, down, expert, weight = (
        tensors[n][2] for n in ("x", "gate", "up", "down", "expert", "weight")
    )

    def product(matrix, e, rows, columns, vector):
        first = e * rows * columns
        return [
            rounded(sum(matrix[first + r * columns + c] * vector[c] for c in range(columns)))
            for r in range(rows)
        ]

    y = []
    for t in range(tokens):
        row = [0.0] * hidden
        token = x[t * hidden : (t + 1) * hidden]
        for e, w in zip(expert[t * top_k :][:top_k], weight[t * top_k :][:top_k]):
            g = product(gate, e, ffn, hidden, token)
            u = product(up, e, ffn, hidden, token)
            h = [rounded(a / (1 + math.exp(-a)) * b) for a, b in zip(g, u)]
            row = [a + w * b for a, b in zip(row, product(down, e, hidden, ffn, h))]
        y += row
    assert experts == 4
    return y


def to_bf16(value):
    """The nearest number with 8 significant bits."""
    fraction, exponent = math.frexp(value)
    return math.ldexp(round(fraction * 256), exponent - 8)


def hand_in(path, y, metadata=None, dtype="F32"):
    tokens, hidden = 5, len(y) // 5
    data = struct.pack(f"<{len(y)}f", *y)
    if dtype == "BF16":
        data = b"".join(data[i + 2 : i + 4] for i in range(0, len(data), 4))
    write_safetensors(path, {"y": (dtype, [tokens, hidden], data)}, metadata)
    return path


@pytest.fixture(scope="module", params=["f32", "bf16"])
def problem(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("problem")
    cell = CELL.format(request.param)
    done = run("problem", cell, "--to", folder / "new")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder / "new" / "problem.safetensors")
    tensors, metadata = read_safetensors(folder / "new" / "problem.safetensors")
    assert metadata["problem"] == cell
    return cell, tensors


def test_a_problem_holds_all_that_is_needed(problem):
    cell, tensors = problem
    dtype = cell.split("/")[-1].upper()
    assert {name: (t[0], t[1]) for name, t in tensors.items()} == {
        "x": (dtype, [5, 24]),
        "gate": (dtype, [4, 16, 24]),
        "up": (dtype, [4, 16, 24]),
        "down": (dtype, [4, 24, 16]),
        "expert": ("I32", [5, 2]),
        "weight": ("F32", [5, 2]),
        "logits": ("F32", [5, 4]),
    }


def test_the_routing_is_that_of_the_logits(problem):
    _, tensors = problem
    for t in range(5):
        logits = tensors["logits"][2][4 * t : 4 * t + 4]
        chosen = sorted(range(4), key=lambda e: -logits[e])[:2]
        assert list(tensors["expert"][2][2 * t : 2 * t + 2]) == chosen
        parts = [math.exp(logits[e]) for e in chosen]
        for weight, part in zip(tensors["weight"][2][2 * t :], parts):
            assert abs(weight - part / sum(parts)) < 1e-6


def test_a_right_output_passes(problem, tmp_path):
    cell, tensors = problem
    done = run("judge", cell, hand_in(tmp_path / "y.safetensors", naive_layer(tensors)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("passed")


@pytest.mark.parametrize("wrong", [lambda v: v * 1.05, lambda v: math.nan, lambda v: math.inf])
def test_one_wrong_value_fails(problem, tmp_path, wrong):
    cell, tensors = problem
    y = naive_layer(tensors)
    most = max(range(48, 72), key=lambda i: abs(y[i]))  # of token 2
    y[most] = wrong(y[most])
    done = run("judge", cell, hand_in(tmp_path / "y.safetensors", y), "--json")
    assert done.returncode == 1
    line = json.loads(done.stdout)
    assert not line["passed"]
    assert line["worst_token"] == 2
    assert "token 2" in line["fault"]


def test_a_token_outside_the_sample_must_be_finite_only(problem, tmp_path):
    cell, tensors = problem
    y = naive_layer(tensors)
    y[-1] = 1e3
    path = hand_in(tmp_path / "y.safetensors", y)
    assert run("judge", cell, path).returncode == 1
    assert run("judge", cell, path, "--tokens", 2).returncode == 0
    y[-1] = math.nan
    assert run("judge", cell, hand_in(path, y), "--tokens", 2).returncode == 1


def test_roundings_are_allowed_by_name_only(tmp_path):
    cell = CELL.format("bf16")
    assert run("problem", cell, "--to", tmp_path).returncode == 0
    tensors, _ = read_safetensors(tmp_path / "problem.safetensors")
    y = [to_bf16(v) for v in naive_layer(tensors, to_bf16)]
    plain = hand_in(tmp_path / "plain.safetensors", y, dtype="BF16")
    told = hand_in(tmp_path / "told.safetensors", y, {"rounds": "products,result"}, dtype="BF16")
    done = run("judge", cell, plain, told, "--json")
    strict, allowed = map(json.loads, done.stdout.splitlines())
    assert strict["rounds"] == [] and allowed["rounds"] == ["products", "result"]
    assert allowed["passed"] and allowed["bound"] > strict["bound"]
    assert allowed["worst_error"] == strict["worst_error"]
    by_hand = json.loads(run("judge", cell, plain, "--rounds", "products,result", "--json").stdout)
    assert by_hand["bound"] == allowed["bound"]


def test_in_f32_a_named_rounding_allows_nothing(tmp_path):
    cell = CELL.format("f32")
    assert run("problem", cell, "--to", tmp_path).returncode == 0
    tensors, _ = read_safetensors(tmp_path / "problem.safetensors")
    y = [to_bf16(v) for v in naive_layer(tensors)]
    path = hand_in(tmp_path / "y.safetensors", y)
    assert run("judge", cell, path, "--rounds", "result").returncode == 1


def test_a_problem_without_weights_is_the_same_problem(problem, tmp_path):
    cell, tensors = problem
    assert run("problem", cell, "--to", tmp_path, "--without-weights").returncode == 0
    small, metadata = read_safetensors(tmp_path / "problem.safetensors")
    assert metadata["problem"] == cell
    assert small == {n: tensors[n] for n in ("x", "expert", "weight", "logits")}


def test_a_list_is_judged_line_by_line(problem, tmp_path):
    cell, tensors = problem
    y = naive_layer(tensors)
    right = hand_in(tmp_path / "right.safetensors", y)
    wrong = hand_in(tmp_path / "wrong.safetensors", [-v for v in y])
    other = cell.replace("zipf:1.0", "uniform")
    lines = [(cell, right), (other, right), (cell, wrong), (cell + "/seed=2", right)]
    names = tmp_path / "list"
    names.write_text("".join(f"{c}\t{path}\n" for c, path in lines))
    done = run("judge", "--list", names, "--json")
    assert done.returncode == 1, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["passed"] for line in found] == [True, False, False, False]
    assert [line["problem"] for line in found] == [c for c, _ in lines]


def test_a_strategy_is_driven_as_other_libraries_are(tmp_path):
    cells = [f"tiny/T={t}/uniform/f32/loop-per-expert@cpu" for t in (1, 16)]
    outputs = [tmp_path / "1", tmp_path / "16"]
    words = [w for path in outputs for w in ("--output", path)]
    done = run("drive", *cells, *words, "--layers", 2, "--samples", 5)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["problem"] + "/loop-per-expert@cpu" for line in lines] == cells
    for line, cell, path in zip(lines, cells, outputs):
        assert len(line["cold"]["samples_ns"]) == len(line["hot"]["samples_ns"]) == 5
        assert run("judge", cell, path).returncode == 0


def test_mistakes_are_one_sentence(tmp_path):
    good = hand_in(tmp_path / "y.safetensors", [0.0] * 120)
    cell = CELL.format("bf16")
    refused("judge", cell, tmp_path / "none.safetensors", says=["none.safetensors"])
    refused("judge", CELL.format("bf15"), good, says=['"bf15"'])
    refused("judge", cell, good, "--rounds", "reslt", says=['did you mean "result"?'])
    refused("judge", cell.replace("T=5", "T=6"), good, says=["[5, 24]", "[6, 24]"])
    refused("problem", CELL.format("e4m3"), "--to", tmp_path, says=["e4m3", "bf16"])
    refused("problem", cell, "--to", good / "sub", says=["y.safetensors"])
    (tmp_path / "list").write_text("no tab\n")
    refused("judge", "--list", tmp_path / "list", says=["no tab", "a tab"])
    refused("judge", says=["nothing to judge"])
    refused("drive", "tiny/T=1/uniform/f32/x@cpu", says=['"x@cpu"'])
    refused(
        "drive", "tiny/T=1/uniform/f32/x@cpu", "tiny/T=1/uniform/bf16/x@cpu", says=["one layer"]
    )
