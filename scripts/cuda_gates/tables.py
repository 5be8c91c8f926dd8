"""The checked-in tables: one JSON file an architecture, one line a kernel."""

import json
from pathlib import Path

from cuda_gates.kernels import Build, Gated
from cuda_gates.rules import Claim

REGISTER_SLACK = 8  # ptxas' choice moves a little with every edit; more is worth a look


def row_of(kernel: Gated, architecture: str) -> dict:
    return {
        "registers": kernel.machine.registers,
        "shared": kernel.machine.static_shared,
        "threads": kernel.source.threads,
        "blocks": kernel.most_blocks(architecture),
        "mix": kernel.machine.mix,
    }


def table_of(kernels: list[Gated], architecture: str) -> dict[str, dict]:
    """By `file name`. Kernels of one name (overloads) get numbers."""
    rows: dict[str, dict] = {}
    for kernel in sorted(kernels, key=str):
        name, number = str(kernel), 2
        while name in rows:
            name, number = f"{kernel} ({number})", number + 1
        rows[name] = row_of(kernel, architecture)
    return rows


def path_of(folder: Path, architecture: str) -> Path:
    return folder / f"sm_{architecture}.json"


def write_table(folder: Path, architecture: str, build: Build) -> None:
    rows = table_of(build.kernels[architecture], architecture)
    lines = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items()]
    text = f'{{"toolkit": "{build.toolkit}", "kernels": {{\n' + ",\n".join(lines) + "\n}}\n"
    folder.mkdir(parents=True, exist_ok=True)
    path_of(folder, architecture).write_text(text)


def read_claims(folder: Path) -> list[Claim]:
    path = folder / "claims.json"
    return [Claim(**claim) for claim in json.loads(path.read_text())] if path.is_file() else []


def row_differences(name: str, want: dict, got: dict) -> list[str]:
    found = []
    if abs(got["registers"] - want["registers"]) > REGISTER_SLACK:
        found.append(
            f"{name}: {got['registers']} registers, "
            f"expected {want['registers']} within {REGISTER_SLACK}"
        )
    for key, what in [("shared", "bytes of static shared memory"), ("threads", "threads a block")]:
        if got[key] != want[key]:
            found.append(f"{name}: {got[key]} {what}, expected {want[key]}")
    if (got["blocks"] or 0) < (want["blocks"] or 0):
        found.append(
            f"{name}: {got['blocks']} blocks fit a multiprocessor, expected {want['blocks']}"
        )
    for operation in sorted(set(want["mix"]) | set(got["mix"])):
        a, b = want["mix"].get(operation, 0), got["mix"].get(operation, 0)
        if a != b:
            found.append(f"{name}: {b} {operation}, expected {a}")
    return found


def differences(folder: Path, architecture: str, build: Build) -> list[str]:
    path = path_of(folder, architecture)
    if not path.is_file():
        return [f"{path} does not exist: scripts/cuda_gates.py --update"]
    table = json.loads(path.read_text())
    if table["toolkit"] != build.toolkit:
        return []  # ptxas of another toolkit makes other code; the caller says so
    want, got = table["kernels"], table_of(build.kernels[architecture], architecture)
    place = f"sm_{architecture}"
    found = [f"{place} {name}: not in the table" for name in got if name not in want]
    found += [f"{place} {name}: in the table, not in the build" for name in want if name not in got]
    for name in want:
        if name in got:
            found += row_differences(f"{place} {name}", want[name], got[name])
    return found


def table_toolkit(folder: Path, architecture: str) -> str | None:
    path = path_of(folder, architecture)
    return json.loads(path.read_text())["toolkit"] if path.is_file() else None
