"""Whole models with a strategy in every MoE layer, against the same model with the naive layer.

    scripts/model_agreement.py MODEL_FOLDER INPUT.safetensors [--moebench PROGRAM]

Prints, per strategy, the worst relative error of one token's final hidden state (f32). Strategies that
keep the model's routing must agree within 2e-5, or the exit code is 1; for the others the
difference is a finding about their routing, not a failure.
"""

import argparse
import array
import json
import math
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

# What the golden numbers of whole models are held to in f32 (reference/README.md). A single wrong
# assignment shows as more than 1e-2.
AGREE = 2e-5


def read(path, name):
    """One F32 tensor: its rows, as long as its last dimension."""
    raw = Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    entry = json.loads(raw[8 : 8 + size])[name]
    begin, end = entry["data_offsets"]
    values = array.array("f", raw[8 + size + begin : 8 + size + end])
    width = entry["shape"][-1]
    return [values[i : i + width] for i in range(0, len(values), width)]


def worst_relative_error(rows, right):
    worst = 0.0
    for a, b in zip(rows, right):
        off = math.dist(a, b)
        size = math.hypot(*b)
        error = off / size if size > 0 else off
        if not (error <= worst):  # NaN is the worst of all
            worst = error
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("input")
    parser.add_argument("--moebench", default="build/release/moebench")
    options = parser.parse_args()

    listed = subprocess.run(
        [options.moebench, "list", "strategies", "--json"], check=True, capture_output=True
    )
    failed = False
    with tempfile.TemporaryDirectory() as folder:

        def hidden(*words):
            out = str(Path(folder) / "out.safetensors")
            base = [options.moebench, "model", "forward", options.model, "--input", options.input]
            subprocess.run([*base, "--output", out, "--dtype", "f32", *words], check=True)
            return read(out, "hidden")

        right = hidden()
        for strategy in json.loads(listed.stdout):
            if strategy["backend"] != "cpu":
                continue
            error = worst_relative_error(hidden("--strategy", strategy["name"]), right)
            dropless = strategy["policy"] == "token-choice"
            agrees = error <= AGREE
            failed |= dropless and not agrees
            verdict = (
                ("agrees" if agrees else "DIFFERS") if dropless else "finding: another routing"
            )
            print(f"{strategy['name']:<18} {error:.3g}  {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
