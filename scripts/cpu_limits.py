#!/usr/bin/env python3
"""How near the CPU kernels come to what the machine can do: scripts/cpu_limits.py [--only REGEX]

Whole layers with one strategy, in rounds through all cells of a layer, the ceilings measured in the
same process before and after every 10 ms of calls. The roof of a call is the longer of reading its
weights once and of its multiplications at the peak rate of the kernels that do them; its share is
that roof over its time. Shown is the median over the rounds of each round's median, with the least
and the most of a round. Every output is judged.

On a shared machine with more CPUs than threads, --quiet-cpus binds each layer to those that were
fastest, just before, with one thread and both operands from the second-level cache: a neighbour on
the same core leaves multiplications on registers whole and makes loads several times as long.
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
PRODUCT = ROOT / "build/release/bench/bench_product"
ONE_THREAD = "NativeBf16/rows:32/KiB:32/|MicroKernel/rows:4/from:1/ahead:0/"
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


def shares_of_roofs(line: dict) -> tuple[list[float], str]:
    """Each call's share of its roof, and what bounds most of them."""
    cold = line["cold"]
    reading = [line["touched_bytes"] / speed for speed in cold["bytes_per_second"]]
    multiplying = [line["useful_flops"] / speed for speed in cold["flops_per_second"]]
    times = [ns / 1e9 for ns in cold["samples_ns"]]
    shares = [max(of) / time for *of, time in zip(reading, multiplying, times, strict=True)]
    by_memory = statistics.median(reading) >= statistics.median(multiplying)
    return shares, "memory" if by_memory else "compute"


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


def rows_of(group: Group, lines: list[dict]) -> list[Row]:
    rows = []
    for cell in group.cells():
        tokens, threads = re.search(r"/T=(\d+)/.*threads=(\d+)", cell).groups()
        mine = [
            line
            for line in lines
            if f"/T={tokens}/" in line["problem"] and line["threads"] == int(threads)
        ]
        median = statistics.median(
            statistics.median(line["cold"]["samples_ns"]) / 1e9 for line in mine
        )
        of_rounds = [shares_of_roofs(line) for line in mine]
        shares = [statistics.median(of_calls) for of_calls, _ in of_rounds]
        rows.append(
            Row(
                cell=cell,
                isa=mine[0]["notes"],
                milliseconds=1e3 * median,
                gigabytes=mine[0]["touched_bytes"] / median / 1e9,
                gigaflops=mine[0]["useful_flops"] / median / 1e9,
                bound_by=statistics.mode(bound for _, bound in of_rounds),
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


def fastest_trial(result: dict) -> float:
    """The time of bench_product's first benchmark that this processor has."""
    runs = [b for b in result["benchmarks"] if b["run_type"] == "iteration"]
    runs = [b for b in runs if not b.get("error_occurred")]
    return min(b["real_time"] for b in runs if b["run_name"] == runs[0]["run_name"])


def trial(cpu: int) -> float:
    words = ["--benchmark_repetitions=3", "--benchmark_min_time=0.01", "--benchmark_format=json"]
    done = subprocess.run(
        [PRODUCT, f"--benchmark_filter={ONE_THREAD}", *words],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return fastest_trial(json.loads(done.stdout))


def core_of(cpu: int) -> str:
    """The CPUs that share a core with this one, as Linux lists them."""
    listed = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    return listed.read_text().strip() if listed.exists() else str(cpu)


def one_a_core(cpus: list[int], cores: dict[int, str], count: int) -> list[int]:
    """The first CPUs of a list, no two of them on one core while there are others."""
    firsts = [c for i, c in enumerate(cpus) if cores[c] not in {cores[d] for d in cpus[:i]}]
    return (firsts + [c for c in cpus if c not in firsts])[:count]


def bound_to_quiet_cpus(threads: int) -> dict[str, str]:
    """Environment that binds OpenMP's threads to the CPUs that are the fastest now."""
    times = {cpu: trial(cpu) for cpu in sorted(os.sched_getaffinity(0))}
    cores = {cpu: core_of(cpu) for cpu in times}
    chosen = one_a_core(sorted(times, key=times.__getitem__), cores, threads)
    least = min(times.values())
    listed = ", ".join(f"{cpu}: {time / least:.2f}" for cpu, time in times.items())
    print(f"time of a trial by CPU: {listed}; chosen: {chosen}", file=sys.stderr, flush=True)
    places = ",".join(f"{{{cpu}}}" for cpu in chosen)
    return {"OMP_PLACES": places, "OMP_PROC_BIND": "close"}


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
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--only", default="", help="groups whose name matches")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-seconds", type=float, default=0.5, help="of a cell in a round")
    parser.add_argument("--quiet-cpus", action="store_true", help="bind to the fastest CPUs")
    parser.add_argument("--out", type=Path, help="folder for cpu_limits.jsonl and cpu_limits.md")
    options = parser.parse_args()
    try:
        wanted = re.compile(options.only)
    except re.error as why:
        parser.error(f"--only {options.only!r} is no regular expression: {why}")
    for program in (MOEBENCH, PRODUCT) if options.quiet_cpus else (MOEBENCH,):
        if not program.exists():
            parser.error(f"{program.relative_to(ROOT)} is not built: scripts/build.sh release")
    rows = []
    for group in GROUPS:
        if not wanted.search(group.name()):
            continue
        environment = dict(os.environ)
        if options.quiet_cpus:
            environment |= bound_to_quiet_cpus(max(group.threads))
        lines = drive(group, options.rounds, options.max_seconds, environment)
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
