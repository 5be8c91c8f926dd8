"""Who takes part: every peer's name, the environment it lives in and the driver that runs it.

moebench's own strategies are peers like the others, with the program itself as their driver.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
ENVIRONMENTS = ROOT / "build/peers"
MOEBENCH = ROOT / "build/release/moebench"
PROBE_SECONDS = 120

# environment, driver, variants
DRIVERS = [
    ("torch", "torch", ["loop", "onednn-packed", "grouped-mm", "compiled"]),
    ("torch", "transformers", ["eager", "grouped-mm", "batched-mm"]),
    ("vllm", "vllm", ["fused"]),
    ("kt", "kt", ["amx", "avx2"]),
    ("ggml", "ggml", ["mul-mat-id"]),
    ("onnxruntime", "onnxruntime", ["moe"]),
    ("openvino", "openvino", ["grouped-matmul"]),
    ("blas", "blas", ["mkl", "openblas"]),
]


@dataclass(frozen=True)
class Peer:
    """command: what starts its driver. strategy: a moebench strategy, empty for other libraries."""

    name: str
    command: tuple[str, ...] = ()
    strategy: str = ""
    dtypes: tuple[str, ...] = ()  # of a strategy; the others say so themselves
    environment: str = ""


def other_libraries() -> list[Peer]:
    peers = []
    for environment, driver, variants in DRIVERS:
        python = ENVIRONMENTS / environment / "bin/python"
        for variant in variants:
            script = HERE / f"peer_{driver}.py"
            command = (str(python), str(script), "--variant", variant)
            peers.append(Peer(f"{driver}:{variant}", command, environment=environment))
    return peers


def own_strategies() -> list[Peer]:
    """Strategies of the CPU that keep every choice of every token."""
    done = subprocess.run(
        [MOEBENCH, "list", "strategies", "--json"], capture_output=True, text=True, check=True
    )
    return [
        Peer(
            f"moebench:{s['name']}",
            strategy=f"{s['name']}@cpu",
            dtypes=tuple(s["dtypes"].replace(",", " ").split()),
        )
        for s in json.loads(done.stdout)
        if s["backend"] == "cpu" and s["policy"] == "token-choice"
    ]


def environment_of(threads: int) -> dict[str, str]:
    """For a driver: the same number of threads by every name it goes by, and no tuning by hand."""
    variables = dict(os.environ)
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONPATH"):
        variables.pop(name, None)
    for name in ("OMP", "MKL", "OPENBLAS", "GOTO", "NUMEXPR", "TORCH"):
        variables[f"{name}_NUM_THREADS"] = str(threads)
    variables["HF_HUB_OFFLINE"] = "1"
    return variables


def probe(peer: Peer, threads: int) -> dict:
    """{version, dtypes, notes}, or {error}: why the peer cannot run here."""
    if peer.strategy:
        return {"version": "", "dtypes": list(peer.dtypes), "notes": ""}
    if not Path(peer.command[0]).exists():
        reason = ENVIRONMENTS / peer.environment / "reason.txt"
        why = reason.read_text().strip() if reason.exists() else "scripts/peers/setup.sh first"
        return {"error": f"not installed: {why}"}
    try:
        done = subprocess.run(
            [*peer.command, "--probe", "--threads", str(threads)],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            env=environment_of(threads),
        )
    except subprocess.TimeoutExpired:
        return {"error": f"gave no answer in {PROBE_SECONDS} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"peer"')]
    if lines:
        return json.loads(lines[-1])
    last = (done.stderr.strip().splitlines() or ["no output"])[-1]
    return {"error": f"exit code {done.returncode}: {last[:200]}"}
