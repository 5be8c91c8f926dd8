#!/usr/bin/env python3
"""How near the CPU kernels come to what the machine can do: scripts/cpu_limits.py [--only REGEX]

Whole layers with one strategy, in rounds through all cells of a layer, the ceilings measured right
before each cell in the same process. The roof of a cell is the longer of reading its weights once
and of its multiplications at the peak rate of f32; a share is the roof over the median of a round,
and what is shown is the median over the rounds, with the least and the most. Every output is judged.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOEBENCH = ROOT / "build/release/moebench"
FUSED = "gather-fused@cpu"


@dataclass(frozen=True)
class Group:
    """Cells of one layer, driven by one process."""

    layer: str
    dtype: str
    tokens: tuple[int, ...]
    strategy: str = FUSED
    layers: int = 1
    threads: tuple[int, ...] = (2,)
    isa: str = ""

    def name(self) -> str:
        isa = f"/{self.isa}" if self.isa else ""
        return f"{self.layer}/{self.dtype}/{self.strategy}/layers={self.layers}{isa}"

    def cells(self) -> list[str]:
        return [
            f"{self.layer}/T={tokens}/uniform/{self.dtype}/threads={threads}/{self.strategy}"
            for tokens in self.tokens
            for threads in self.threads
        ]


GROUPS = [
    Group("mixtral-8x7b", "bf16", (1, 4, 16, 64, 256, 1024)),
    Group("qwen3-30b-a3b", "bf16", (1, 4, 16, 64, 256, 1024, 4096)),
    Group("time-moe-50m", "bf16", (1, 1024), layers=12),
    Group("time-moe-50m", "bf16", (1,), strategy="decode@cpu", layers=12),
    Group("time-moe-50m", "f32", (1024, 4096), threads=(1, 2)),
    Group("mixtral-8x7b-scaled", "f32", (1024, 4096)),
    Group("qwen3-30b-a3b", "bf16", (16, 1024), threads=(1, 2)),
    Group("qwen3-30b-a3b", "bf16", (1, 64, 1024), isa="avx2"),
    Group("mixtral-8x7b-scaled", "f32", (1024,), isa="avx2"),
    Group("mixtral-8x7b-scaled", "f32", (1024,), isa="scalar"),
    Group("qwen3-30b-a3b", "int8", (1, 4)),
    Group("qwen3-30b-a3b", "int4", (1, 4)),
]


def roof_seconds(line: dict, cache: str) -> tuple[float, str]:
    """The roof of one call and what it is bound by. Hot calls read from the cache what fits it."""
    c = line["ceilings"]
    in_cache = cache == "hot" and line["touched_bytes"] <= c["cache_bytes"]
    speed = c["cache_bytes_per_second" if in_cache else "memory_bytes_per_second"]
    reading = line["touched_bytes"] / speed
    multiplying = line["useful_flops"] / c["flops_per_second"]
    return max(reading, multiplying), "memory" if reading >= multiplying else "compute"


@dataclass
class Row:
    cell: str
    isa: str
    milliseconds: float
    gigabytes: float
    gigaflops: float
    bound_by: str
    share: float
    least: float
    most: float
    rounds: int


def rows_of(group: Group, lines: list[dict], cache: str = "cold") -> list[Row]:
    rows = []
    for cell in group.cells():
        tokens, threads = re.search(r"/T=(\d+)/.*threads=(\d+)", cell).groups()
        mine = [
            line
            for line in lines
            if f"/T={tokens}/" in line["problem"] and line["threads"] == int(threads)
        ]
        medians = [statistics.median(line[cache]["samples_ns"]) / 1e9 for line in mine]
        roofs = [roof_seconds(line, cache) for line in mine]
        shares = [roof / median for (roof, _), median in zip(roofs, medians, strict=True)]
        median = statistics.median(medians)
        rows.append(
            Row(
                cell=cell,
                isa=mine[0]["notes"],
                milliseconds=1e3 * median,
                gigabytes=mine[0]["touched_bytes"] / median / 1e9,
                gigaflops=mine[0]["useful_flops"] / median / 1e9,
                bound_by=roofs[0][1],
                share=statistics.median(shares),
                least=min(shares),
                most=max(shares),
                rounds=len(mine),
            )
        )
    return rows


def table(rows: list[Row]) -> str:
    text = "| cell | kernels | ms | GB/s | GFLOP/s | bound by | share of roof | rounds |\n"
    text += "|---|---|---|---|---|---|---|---|\n"
    for r in rows:
        kernels = re.sub(r".*\((.*)\)", r"\1", r.isa)
        text += (
            f"| {r.cell} | {kernels} | {r.milliseconds:.3f} | {r.gigabytes:.1f} "
            f"| {r.gigaflops:.0f} | {r.bound_by} "
            f"| {100 * r.share:.0f} % [{100 * r.least:.0f}, {100 * r.most:.0f}] | {r.rounds} |\n"
        )
    return text


def drive(group: Group, rounds: int, seconds: float, environment: dict) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        outputs = [f"{folder}/{i}.safetensors" for i in range(len(group.cells()))]
        words = ["drive", *group.cells(), "--cache", "cold", "--rounds", rounds]
        words += ["--max-seconds", seconds, "--layers", group.layers]
        for output in outputs:
            words += ["--output", output]
        environment = environment | ({"MOEBENCH_ISA": group.isa} if group.isa else {})
        done = subprocess.run(
            [MOEBENCH, *map(str, words)], capture_output=True, text=True, env=environment
        )
        if done.returncode != 0:
            sys.exit(f"{group.name()}: {done.stderr.strip()}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if "error" in lines[0]:
            print(f"{group.name()}: {lines[0]['error']}", file=sys.stderr)
            return []
        listed = "".join(f"{c}\t{o}\n" for c, o in zip(group.cells(), outputs, strict=True))
        Path(folder, "list").write_text(listed)
        judged = subprocess.run(
            [MOEBENCH, "judge", "--list", f"{folder}/list"], capture_output=True, text=True
        )
        if judged.returncode != 0:
            sys.exit(f"{group.name()}: not right:\n{judged.stdout}{judged.stderr}")
        print(judged.stdout, end="", file=sys.stderr)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="groups whose name matches")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-seconds", type=float, default=0.5, help="of a cell in a round")
    parser.add_argument("--out", type=Path, help="folder for cpu_limits.jsonl and cpu_limits.md")
    options = parser.parse_args()
    rows = []
    for group in GROUPS:
        if not re.search(options.only, group.name()):
            continue
        lines = drive(group, options.rounds, options.max_seconds, dict(os.environ))
        if not lines:
            continue
        rows += rows_of(group, lines)
        print(table(rows[-len(group.cells()) :]), flush=True)
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            with open(options.out / "cpu_limits.jsonl", "a") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            (options.out / "cpu_limits.md").write_text(table(rows))


if __name__ == "__main__":
    main()
