#!/usr/bin/env python3
"""Holds what ptxas made of the CUDA kernels against rules and against checked-in tables.

    scripts/build.sh simt cuda_kernels
    scripts/cuda_gates.py             # one sentence for each difference
    scripts/cuda_gates.py --update    # writes kernels/cuda/gates/sm_*.json again

Always: no local memory, no stack; as many tensor-core products, ldmatrix, cp.async and TMA copies in
the machine code as the PTX asks for; what kernels/cuda/gates/claims.json says. Where the tables were
made by the same toolkit: registers within 8, shared memory, occupancy, the counted instructions. It
reads the objects itself and needs no GPU and no tool of the toolkit. Nothing here is a time.

Exit code: 0 nothing found; 1 differences; 4 no objects.
"""

import argparse
import sys
from pathlib import Path

from cuda_gates.kernels import read_build
from cuda_gates.objects import BadObject
from cuda_gates.rules import faults_of, idle_claims
from cuda_gates.tables import differences, read_claims, table_toolkit, write_table

ROOT = Path(__file__).resolve().parent.parent
ARCHITECTURES = ["80", "90a", "100a"]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    objects = ROOT / "build" / "simt" / "kernels" / "cuda" / "cuda_kernels_objects"
    parser.add_argument("--objects", type=Path, default=objects)
    parser.add_argument("--tables", type=Path, default=ROOT / "kernels" / "cuda" / "gates")
    parser.add_argument("--update", action="store_true", help="write the tables, then check")
    options = parser.parse_args(arguments)

    build = read_build(options.objects, ARCHITECTURES)
    claims = read_claims(options.tables)
    found = idle_claims(build.kernels, claims)
    for architecture, kernels in build.kernels.items():
        if options.update:
            write_table(options.tables, architecture, build)
        for kernel in kernels:
            found += faults_of(kernel, architecture, claims)
        found += differences(options.tables, architecture, build)
    for sentence in found:
        print(sentence)
    made_by = {table_toolkit(options.tables, a) for a in ARCHITECTURES} - {None, build.toolkit}
    for other in sorted(made_by):
        print(f"tables not compared: they are of toolkit {other}, the build of {build.toolkit}")
    count = sum(len(kernels) for kernels in build.kernels.values())
    print(
        f"{count} kernels on {len(ARCHITECTURES)} architectures, toolkit {build.toolkit}: "
        f"{len(found) or 'no'} differences; {build.foreign} of CUB, not gated"
    )
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BadObject as bad:
        print(bad, file=sys.stderr)
        sys.exit(4)
