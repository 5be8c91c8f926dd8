#!/usr/bin/env python3
"""Counts the instructions of the CPU kernels and compares them with scripts/instruction_gate.json.

    scripts/instruction_gate.py            exit code 1 where a count has changed by more than 3 %
    scripts/instruction_gate.py --update   writes the table anew

A count does not depend on what else the machine does, so that work which crept in unnoticed shows
on any machine. valgrind knows no AVX-512; the other instruction sets share its source. Another
compiler makes other code: then nothing is compared, and that is said.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOEBENCH = ROOT / "build/release/moebench"
TABLE = Path(__file__).with_suffix(".json")
TOLERANCE = 0.03

LAYER = "H=256,F=128,E=8,K=2/T=16/uniform/{dtype}/threads=1/{strategy}@cpu"
CASES = {
    "experts, f32, scalar": ("moe::cpu::ExpertFfn::run(*", "f32", "gather-fused", "scalar"),
    "experts, f32, avx2": ("moe::cpu::ExpertFfn::run(*", "f32", "gather-fused", "avx2"),
    "experts, bf16, scalar": ("moe::cpu::ExpertFfn::run(*", "bf16", "gather-fused", "scalar"),
    "experts, bf16, avx2": ("moe::cpu::ExpertFfn::run(*", "bf16", "gather-fused", "avx2"),
    "packing, bf16": ("moe::cpu::pack_weights(*", "bf16", "gather-fused", "scalar"),
    "softmax and top-k": ("moe::cpu::TopK::select(*", "f32", "gather-fused", "scalar"),
    "placing by expert": ("moe::place_by_expert(*", "f32", "gather-fused", "scalar"),
}


def compiler() -> str:
    text = subprocess.run([MOEBENCH, "doctor", "--json"], capture_output=True, text=True).stdout
    return json.loads(text)["compiler"].split(" -")[0]


def count(function: str, dtype: str, strategy: str, isa: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no"]
        command += [f"--callgrind-out-file={folder}/out", f"--toggle-collect={function}"]
        command += [MOEBENCH, "drive", LAYER.format(dtype=dtype, strategy=strategy)]
        command += ["--cache", "hot", "--samples", "1", "--warmup", "0"]
        environment = os.environ | {"MOEBENCH_ISA": isa, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or not found or int(found[1]) == 0:
            sys.exit(f"instruction_gate: {function} was not counted:\n{done.stderr}")
        return int(found[1])


def changes(table: dict[str, int], counts: dict[str, int]) -> list[str]:
    """A sentence for each count that is not what the table says."""
    said = []
    for name in sorted(table.keys() | counts.keys()):
        if name not in counts or name not in table:
            said.append(f"{name}: only in the {'table' if name in table else 'program'}")
        elif abs(counts[name] / table[name] - 1) > TOLERANCE:
            percent = 100 * (counts[name] / table[name] - 1)
            said.append(
                f"{name}: {counts[name]} instructions, the table has {table[name]} ({percent:+.1f} %)"
            )
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--update", action="store_true", help="write the table anew")
    options = parser.parse_args()
    counts = {name: count(*case) for name, case in CASES.items()}
    if options.update:
        TABLE.write_text(json.dumps({"compiler": compiler(), "counts": counts}, indent=2) + "\n")
        return 0
    table = json.loads(TABLE.read_text())
    if table["compiler"] != compiler():
        print(f"not compared: the table is of {table['compiler']}, this is {compiler()}")
        return 0
    said = changes(table["counts"], counts)
    print("\n".join(said) or f"{len(counts)} counts as the table has them")
    if said:
        print("If that is meant: scripts/instruction_gate.py --update")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
