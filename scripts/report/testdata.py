"""Made-up result lines and a made-up trace, for tests and for looking at the page without a run.

The times follow a small cost model (fixed cost, cost per touched expert, cost per multiplied row),
so that the strategies cross over somewhere and padding costs what padding costs.
    python -m report.testdata DIR     (from scripts/) writes DIR/run.jsonl and DIR/trace.safetensors
"""

import json
import random
import statistics
import struct
import sys
from array import array
from pathlib import Path

SHAPES = {"time-moe-50m": (384, 768, 8, 2), "mixtral-mini": (1024, 3584, 16, 2)}
WORKLOADS = {"uniform": 0.0, "zipf:0.5": 0.5, "zipf:1.0": 1.0, "hot:1,0.8": 2.2}
TOKENS = (1, 16, 128, 1024, 4096)
POLICIES = {
    "loop-per-expert": "token-choice",
    "sort-and-group": "token-choice",
    "padded-capacity": "capped",
    "expert-choice": "expert-choice",
    "dense-masked": "token-choice",
}
BAD = {
    "wrong": "token 12 is off by 3.1e-04, the bound is 3.2e-06",
    "mistrusted": "the integer problem of this shape was not exact, the check could not have failed",
    "suspect": "2.1e+12 FLOP/s is above the machine's measured 1.4e+11",
    "unsupported": "needs ffn to be a multiple of 64, found 100",
    "skipped": "left out by --filter",
    "crashed": "signal 11 in the experts stage",
    "timeout": "no result after 60 s",
    "oom": "asked for 41 GB of workspace, 25 GB are installed",
}
ENVIRONMENT = {
    "cpu": "AMD EPYC 9R14", "cores": 2, "threads": 2, "memory_bytes": 25_000_000_000,
    "kernel": "Linux 6.1", "hypervisor": True, "governor": None,
    "governor_reason": "the kernel does not publish one", "load_average": 0.3,
    "compiler": "gcc 12.2.0", "flags": "-O3 -DNDEBUG", "build_id": "1a2b3c4", "isa": "avx2",
    "blas": "moebench micro-kernels (avx512)", "gpu": None, "gpu_reason": "built without CUDA",
    "gpu_driver": None, "gpu_driver_reason": "built without CUDA", "gpu_power_limit_watts": None,
    "time_utc": "2026-11-22T01:02:03Z",
    "argv": "moebench run bench/matrices/demo.json --out results/local",
}  # fmt: skip


def expert_slots(random_, skew, tokens, experts, top_k):
    """[experts] slots: every token takes top_k distinct experts, weighted by rank ** -skew."""
    slots = [0] * experts
    weights = [(rank + 1) ** -skew for rank in range(experts)]
    for _ in range(min(tokens, 512)):
        left = list(weights)
        for _ in range(top_k):
            chosen = random_.choices(range(experts), left)[0]
            left[chosen] = 0
            slots[chosen] += 1
    scale = tokens * top_k / sum(slots)
    return [round(n * scale) for n in slots]


def cost(strategy, shape, slots, tokens):
    """(stage -> ns, dropped share of the slots)."""
    hidden, ffn, experts, top_k = SHAPES[shape]
    row = 6 * hidden * ffn / 60  # ns for one expert row at 60 GFLOP/s
    total, capacity = sum(slots), max(1, round(1.25 * tokens * top_k / experts))
    dropped, fixed, touched = 0.0, 2e3, sum(n > 0 for n in slots)
    uneven = max(slots) * experts / total - 1  # threads wait for the one with the busiest expert
    if strategy == "loop-per-expert":
        rows, group, fixed = total * (1.2 + 0.06 * uneven), touched * 1.5e3, 1e3
    elif strategy == "sort-and-group":
        rows, group = total * (1 + 0.015 * uneven), 4e5 + 12 * total
    elif strategy == "padded-capacity":
        rows, group = sum(min(n, capacity) for n in slots) * 1.3, 1e5 + 8 * total
        dropped = sum(max(0, n - capacity) for n in slots) / total
    elif strategy == "expert-choice":
        rows, group = total, 3e5 + 9 * tokens * experts / 4
        dropped = 0.08 + 0.04 * uneven
    else:
        rows, group = tokens * experts, 0
    stages = {
        "route": fixed + 6 * tokens * experts,
        "group": group,
        "permute": None if strategy == "dense-masked" else 0.25 * total * hidden,
        "experts": rows * row + touched * hidden * ffn * 0.02,
        "combine": 0.2 * total * hidden,
    }
    return stages, dropped


def record(shape, workload, tokens, strategy, seed=1, samples=30):
    # Seeded by text: the same cell gives the same line in whatever order it is made.
    random_ = random.Random(f"{shape} {workload} {tokens} {seed}")
    hidden, ffn, experts, top_k = SHAPES[shape]
    slots = expert_slots(random_, WORKLOADS.get(workload, 0.7), tokens, experts, top_k)
    stages, dropped = cost(strategy, shape, slots, tokens)
    random_ = random.Random(f"{shape} {workload} {tokens} {strategy} {seed}")
    base = sum(filter(None, stages.values())) * random_.uniform(0.98, 1.04) * 1.03
    times = [round(base * (1 + random_.expovariate(60) + 0.004 * random_.random()), 1)
             for _ in range(samples)]  # fmt: skip
    error = 0.0 if strategy == "dense-masked" else 10 ** random_.uniform(-8, -6)
    problem_id = f"{shape}/T={tokens}/{workload}/f32"
    cell = f"{problem_id}/{strategy}@cpu"
    mean = sum(slots) / experts
    line = {
        "schema": "moebench.result", "schema_version": "1.2.0",
        "run_id": "20261122T010203Z-1a2b3c", "cell": cell, "problem_id": problem_id,
        "problem": {"shape": shape, "tokens": tokens, "hidden": hidden, "ffn": ffn,
                    "experts": experts, "top_k": top_k, "renormalize": False, "dtype": "f32"},
        "strategy": {"name": strategy, "backend": "cpu", "summary": "made up",
                     "policy": POLICIES.get(strategy, "token-choice"),
                     "capacity_factor": 1.25 if strategy == "padded-capacity" else None},
        "workload": {"name": workload, "origin": f"{workload}, seed {seed}", "seed": seed,
                     "hash": "0123456789abcdef", "requested_share": None},
        "cache": "warm", "status": "ok", "reason": None,
        "validation": {"passed": True, "worst_error": error, "worst_token": tokens - 1,
                       "bound": 3.2e-6, "routing_differences": 0, "near_ties": 0,
                       "bitwise_repeatable": True, "guards_intact": True, "inputs_intact": True,
                       "exact_mode": True, "fault": None},
        "distance_from_dropless": 0.0 if POLICIES.get(strategy, "token-choice") == "token-choice"
        else round(0.02 + dropped ** 0.5 * random_.uniform(0.8, 1.1), 4),
        "load": {"tokens_per_expert": slots, "max_over_mean": max(slots) / mean,
                 "max_violation": max(slots) / mean - 1, "variation": 0.4, "gini": 0.2,
                 "entropy": 0.95, "max_over_min": None, "pad_to_max_efficiency": 0.5,
                 "tile_efficiency_16": 0.9, "tile_efficiency_64": 0.7,
                 "tile_efficiency_128": 0.5, "multinomial_floor": 0.1,
                 "dead_experts": sum(n == 0 for n in slots), "dropped_slots": dropped,
                 "dropped_tokens": dropped ** 2, "gate_mass_lost": dropped * 0.8},
        "timing": timing(times, random_), "timing_reason": None,
        "stages": {**stages, "unattributed": 0.03 * base}, "stages_reason": None,
        "graph": None, "graph_reason": "on the CPU there is nothing to record",
        "execution": {"host_syncs": 0, "graph": False, "repeatable": True},
        "library_algorithms": None,
        "gpu_state": None, "gpu_state_reason": "only a cell with a time on a GPU has one",
        "work": {"rows_computed": sum(slots), "useful_flops": 6 * hidden * ffn * sum(slots),
                 "issued_flops": 6 * hidden * ffn * sum(slots), "touched_bytes": 2.8e7,
                 "tokens_per_second": tokens / base * 1e9, "useful_flops_per_second": 6e10},
        "roof": None, "roof_reason": "ceilings were not measured in this run",
        "workspace_bytes": 4 * hidden * sum(slots), "environment": dict(ENVIRONMENT),
        "repro": f"moebench repro '{cell}'",
    }  # fmt: skip
    return line


def timing(times, random_):
    """Median with the order-statistic 95 % interval, as the harness writes it."""
    order = sorted(times)
    n = len(order)
    reach = max(1, round(0.98 * n**0.5))
    interval = [order[n // 2 - reach], order[min(n - 1, n // 2 + reach)]] if n >= 6 else None
    return {
        "unit": "ns", "samples": times, "count": n, "runs_per_sample": 1,
        "min": order[0], "p05": order[n // 20], "median": statistics.median(order),
        "p95": order[-1 - n // 20], "median_ci95": interval,
        "median_ci95_reason": None if interval else f"{n} samples; a 95 % interval needs 6",
        "p99": None, "p99_reason": f"{n} samples; a 95 % interval for the p99 needs 368",
        "prepare": round(random_.uniform(1e4, 1e5)), "order": "interleaved",
        "clock_mhz": None,
    }  # fmt: skip


def failed(line, status):
    """The same cell with a bad end: no time, a reason instead."""
    reason = BAD[status]
    return line | {
        "status": status, "reason": reason, "timing": None, "timing_reason": reason,
        "stages": None, "stages_reason": reason, "graph": None, "graph_reason": reason,
        "work": None, "load": None,
        "distance_from_dropless": None, "workspace_bytes": None,
        "validation": line["validation"]
        | {"passed": False, "worst_error": 3.1e-4, "fault": reason}
        if status == "wrong" else None,
    }  # fmt: skip


def run(shapes=SHAPES, workloads=WORKLOADS, tokens=TOKENS, bad=True, samples=30):
    """2 x 4 x 5 x 5 cells; with `bad`, one cell of each bad status among the dense-masked ones."""
    lines = [
        record(shape, workload, t, strategy, samples=samples)
        for shape in shapes
        for workload in workloads
        for t in tokens
        for strategy in POLICIES
    ]
    if bad:
        dense = [i for i, line in enumerate(lines) if line["strategy"]["name"] == "dense-masked"]
        for i, status in zip(dense[3::5], BAD):
            lines[i] = failed(lines[i], status)
    return lines


def write_run(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def write_trace(path, layers=12, experts=8, tokens=2000, top_k=2):
    """A trace in safetensors: layers grow more skewed, the last has a dead expert."""
    random_ = random.Random(7)
    header, data = {}, b""

    def add(name, dtype, shape, blob):
        nonlocal data
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(blob)]}  # fmt: skip
        data += blob

    for layer in range(layers):
        weights = [(rank + 1) ** (-0.12 * layer) for rank in range(experts)]
        random_.shuffle(weights)
        if layer == layers - 1:
            weights[3] = 0
        ids = array("i")
        for _ in range(tokens):
            left = list(weights)
            for _ in range(top_k):
                chosen = random_.choices(range(experts), left)[0]
                left[chosen] = 0
                ids.append(chosen)
        add(f"selected_experts.{layer}", "I32", [tokens, top_k], ids.tobytes())
        add(f"router_logits.{layer}", "F32", [tokens, experts], bytes(4 * tokens * experts))
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_run(folder / "run.jsonl", run())
    write_trace(folder / "trace.safetensors")
