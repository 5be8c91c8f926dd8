#!/usr/bin/env python3
"""Why a layer reaches what share of its roof: scripts/cpu_profile.py [--out FILE.md]

Runs build/release/bench/bench_product five times over and writes its medians as tables: one micro-kernel
with weights from near and from far, whole layers with so many rows an expert, and whole numbers beside
bf16. A machine on which others work gives a profile of that too.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/bench/bench_product"

KERNEL = """\
## One micro-kernel on one thread, bf16

Share of the f32 peak that this thread reaches on registers. Widening costs one instruction for
each vector of weights, which each row multiplies once, so where it takes the place of a multiplication
m rows can reach m / (m + 1); one row cannot fill the time between two sums. From 12 rows on AVX-512 widens by stores, which take no multiplication's
place. *Ahead*: the next piece of weights is fetched meanwhile, as in a layer.

| rows | first-level cache | second-level cache | memory | memory, ahead | GB/s, ahead | m / (m + 1) |
|--:|--:|--:|--:|--:|--:|--:|
"""
LAYER = """\
## Whole layers on all threads, bf16, weights beyond every cache

The roofs are measured right before each call.

| rows an expert | bound by | share of memory | share of f32 peak | share of roof |
|--:|---|--:|--:|--:|
"""
INTEGERS = """\
## The same layers, times as fast as bf16

A call of each in turn.

| rows an expert | int8 | 4 bits |
|--:|--:|--:|
"""


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def medians(result: dict) -> dict[str, dict]:
    """name -> counters of the median; of a benchmark that ran several times."""
    return {b["run_name"]: b for b in result["benchmarks"] if b.get("aggregate_name") == "median"}


def arguments(name: str) -> dict[str, int]:
    return {key: int(value) for key, value in re.findall(r"(\w+):(\d+)", name)}


def kernel_rows(found: dict[str, dict]) -> list[str]:
    by_rows: dict[int, dict[tuple[int, int], dict]] = {}
    for name, b in found.items():
        if name.startswith("MicroKernel/"):
            a = arguments(name)
            by_rows.setdefault(a["rows"], {})[a["from"], a["ahead"]] = b
    lines = []
    for m, cells in sorted(by_rows.items()):
        shares = [cells[key]["share of peak"] for key in ((0, 0), (1, 0), (2, 0), (2, 1))]
        speed = cells[2, 1]["GB/s"]
        texts = [*map(percent, shares), f"{speed:.1f}", percent(m / (m + 1))]
        lines.append(f"| {m} | {' | '.join(texts)} |")
    return lines


def layer_rows(found: dict[str, dict]) -> list[str]:
    keys = ("share of memory", "share of peak", "share of roof")
    return [
        f"| {arguments(name)['rows']} | {b['label'].removeprefix('bound by ')} | "
        + " | ".join(percent(b[key]) for key in keys)
        + " |"
        for name, b in found.items()
        if name.startswith("ExpertRows/")
    ]


def integer_rows(found: dict[str, dict]) -> list[str]:
    return [
        f"| {arguments(name)['rows']} | {b['int8']:.2f} | {b['int4']:.2f} |"
        for name, b in found.items()
        if name.startswith("DecodedAgainstBf16/")
    ]


def markdown(result: dict) -> str:
    found = medians(result)
    head = f"# Profile of the CPU kernels\n\n`scripts/cpu_profile.py`, {result['context']['date'][:10]}.\n\n"
    return (
        head
        + KERNEL
        + "\n".join(kernel_rows(found))
        + "\n\n"
        + LAYER
        + "\n".join(layer_rows(found))
        + "\n\n"
        + INTEGERS
        + "\n".join(integer_rows(found))
        + "\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="the tables, instead of on the screen")
    options = parser.parse_args()
    if not PROGRAM.exists():
        print(
            f"cpu_profile: {PROGRAM.relative_to(ROOT)} is not built: scripts/build.sh release",
            file=sys.stderr,
        )
        return 4
    words = ("--benchmark_repetitions=5", "--benchmark_min_time=0.2", "--benchmark_format=json")
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=True)
    text = markdown(json.loads(done.stdout))
    if options.out:
        options.out.write_text(text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
