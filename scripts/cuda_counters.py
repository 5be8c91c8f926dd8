#!/usr/bin/env python3
"""Holds what the CUDA kernels do in the interpreter, in exact counts, against a checked-in table.

    scripts/build.sh simt
    scripts/cuda_counters.py             # one sentence for each difference
    scripts/cuda_counters.py --update    # writes kernels/cuda/gates/counters.json again
    scripts/cuda_counters.py --show      # sectors an access, bank conflicts, occupancy, kernel by kernel

Runs the tests of the stages in natural order, where the counts are deterministic, and the programs the
table lists besides (`"command"`, from the build folder). A program that was not built is left out, and
said. Counts are not times: nothing here says which of two kernels is faster.

Exit code: 0 nothing found; 1 differences or a failing program; 4 nothing was built.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cuda_gates.kernels import demangled

ROOT = Path(__file__).resolve().parent.parent
TRAFFIC = [
    "global_load",
    "global_store",
    "shared_load",
    "shared_store",
    "local_load",
    "local_store",
]
COUNTS = ["mma", "wgmma", "async_copy_bytes", "global_atomics", "shared_atomics", "barriers"]
DEVICES = {"80": "A100", "90a": "H100", "100a": "B200"}


def summary(kernel: dict, architecture: str) -> dict:
    """Of one kernel of a report: what is gated. Traffic: [accesses, sectors or cycles, the fewest]."""
    counters = kernel["counters"]
    row = {
        "launches": kernel["launches"],
        "blocks": kernel["occupancy"][DEVICES[architecture]]["blocks"],
    }
    for name in TRAFFIC:
        part = counters[name]
        if part["requests"]:
            row[name] = [part["requests"], part["sectors"], part["ideal"]]
    for name in COUNTS:
        if counters[name]:
            row[name] = counters[name]
    return row


def added(a: dict, b: dict) -> dict:
    """Two kernels of one name, in different files, are counted together."""
    total = {**a, **b}
    for key in set(a) & set(b):
        if isinstance(a[key], list):
            total[key] = [x + y for x, y in zip(a[key], b[key])]
        else:
            total[key] = min(a[key], b[key]) if key == "blocks" else a[key] + b[key]
    return total


def run(command: list[str], build: Path, architecture: str) -> tuple[dict, str]:
    """Rows by kernel, and what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        environment = {
            **os.environ,
            "MOEBENCH_SIM_ARCH": architecture,
            "MOEBENCH_SIM_SCHEDULE": "natural",
            "MOEBENCH_SIM_ASYNC": "late",
            "MOEBENCH_SIM_ONE_WAY": "1",
            "MOEBENCH_SIM_WORKERS": "1",
            "MOEBENCH_SIM_REPORT": str(report),
        }
        done = subprocess.run(
            [str(build / command[0]), *command[1:]],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode != 0:
            last = (done.stdout + done.stderr).strip().splitlines()[-1:]
            return {}, f"exit code {done.returncode}: {' '.join(last)}"
        if not report.is_file():
            return {}, "wrote no report"
        kernels = json.loads(report.read_text())["kernels"]
    names = demangled([kernel["kernel"] for kernel in kernels])
    rows: dict[str, dict] = {}
    for name, kernel in zip(names, kernels):
        if not name.startswith(("cub::", "thrust::")):
            row = summary(kernel, architecture)
            rows[name] = added(rows[name], row) if name in rows else row
    return rows, ""


def stage_tests(build: Path) -> dict[str, list[str]]:
    found = sorted((build / "kernels" / "cuda").glob("cuda_*_test"))
    return {path.name: [str(path.relative_to(build))] for path in found if path.is_file()}


def differences(place: str, want: dict, got: dict) -> list[str]:
    found = [f"{place} {name}: not in the table" for name in got if name not in want]
    found += [f"{place} {name}: in the table, not launched" for name in want if name not in got]
    for name in want:
        if name not in got:
            continue
        for key in sorted(set(want[name]) | set(got[name])):
            a, b = want[name].get(key, 0), got[name].get(key, 0)
            if a != b:
                found.append(f"{place} {name}: {key} {b}, expected {a}")
    return found


def always_wrong(place: str, rows: dict) -> list[str]:
    return [
        f"{place} {name}: {row[key][0]} accesses of local memory, expected none"
        for name, row in rows.items()
        for key in ("local_load", "local_store")
        if key in row
    ]


def show(program: str, rows: dict) -> None:
    """A line a kernel: sectors for each access (fewest possible), cycles of shared memory likewise."""

    def per_access(row: dict, key: str) -> str:
        requests, used, ideal = row.get(key, [0, 0, 0])
        return f"{used / requests:.2f} ({ideal / requests:.2f})" if requests else "-"

    print(program)
    for name, row in rows.items():
        parts = "  ".join(f"{key} {per_access(row, key)}" for key in TRAFFIC[:4])
        print(f"  {name}\n    blocks {row['blocks']}  {parts}")


def write_table(path: Path, architecture: str, programs: dict, more: dict) -> None:
    lines = []
    for program, rows in programs.items():
        body = ",\n".join(f"   {json.dumps(n)}: {json.dumps(row)}" for n, row in rows.items())
        lines.append(
            f"  {json.dumps(program)}: {{\n{body}\n  }}"
            if body
            else f"  {json.dumps(program)}: {{}}"
        )
    head = f'{{"architecture": "{architecture}", "command": {json.dumps(more)}, "programs": {{\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + ",\n".join(lines) + "\n}}\n")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "simt")
    table_path = ROOT / "kernels" / "cuda" / "gates" / "counters.json"
    parser.add_argument("--table", type=Path, default=table_path)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args(arguments)

    empty = {"architecture": "90a", "command": {}, "programs": {}}
    table = json.loads(options.table.read_text()) if options.table.is_file() else empty
    architecture = table["architecture"]
    commands = stage_tests(options.build)
    commands |= {n: c for n, c in table["command"].items() if (options.build / c[0]).is_file()}
    if not commands:
        print(
            f"{options.build} holds no tests of CUDA stages: scripts/build.sh simt", file=sys.stderr
        )
        return 4
    found, programs = [], {}
    for program, command in commands.items():
        rows, fault = run(command, options.build.resolve(), architecture)
        if fault:
            found.append(f"{program}: {fault}")
            continue
        programs[program] = rows
        found += always_wrong(program, rows)
        if options.show:
            show(program, rows)
        if not options.update:
            found += differences(program, table["programs"].get(program, {}), rows)
    if options.update:
        write_table(options.table, architecture, programs, table["command"])
    missing = [] if options.update else [p for p in table["programs"] if p not in commands]
    for sentence in found:
        print(sentence)
    for program in missing:
        print(f"{program}: not built, not compared")
    kernels = sum(len(rows) for rows in programs.values())
    print(
        f"{len(programs)} programs, {kernels} kernels, exact counts: {len(found) or 'no'} differences"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
