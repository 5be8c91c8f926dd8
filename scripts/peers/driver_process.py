"""Runs one peer's driver on the problems of a group and collects a line for each problem."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import foreign_cpu
from cold import cache_bytes_of_this_machine
from registry import MOEBENCH, Peer, environment_of


@dataclass(frozen=True)
class Settings:
    samples: int = 20
    warmup: int = 2
    max_seconds: float = 3
    threads: int = 2
    layers: int = 1
    cache: str = "both"
    cache_bytes: int = cache_bytes_of_this_machine()
    timeout: float = 1800  # seconds for one process


def command_of(peer: Peer, problems: dict[str, Path], outputs: dict[str, Path], s: Settings):
    """problems: name -> its file, the first one with the weights in it."""
    words = ["--samples", s.samples, "--warmup", s.warmup, "--max-seconds", s.max_seconds]
    words += ["--layers", s.layers, "--cache", s.cache, "--cache-bytes", s.cache_bytes]
    for name in problems:
        if name in outputs:
            words += ["--output", outputs[name]]
    if peer.strategy:
        cells = [f"{name}/threads={s.threads}/{peer.strategy}" for name in problems]
        command = peer.command or (MOEBENCH,)
        return [*map(str, command), "drive", *cells, *map(str, words)]
    for path in problems.values():
        words += ["--problem", path]
    return [*peer.command, "--threads", str(s.threads), *map(str, words)]


def first_to_go() -> None:
    """In the child: if memory runs out, the kernel takes this process and no other."""
    Path("/proc/self/oom_score_adj").write_text("1000")


def lines_of(text: str) -> dict[str, dict]:
    """problem -> line. Libraries print what they like between the lines; a torn last one is lost."""
    found = {}
    for text_line in text.splitlines():
        if not text_line.startswith('{"peer"'):
            continue
        try:
            line = json.loads(text_line)
        except ValueError:
            continue
        if "problem" in line:
            found[line["problem"]] = line
    return found


def without_threads(name: str) -> str:
    return name.split("/threads=")[0]


def run_process(command: list[str], settings: Settings) -> tuple[dict[str, dict], str]:
    """Lines by problem, and how the process ended, empty when well."""
    begin = foreign_cpu.now()
    why = ""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=settings.timeout,
            env=environment_of(settings.threads),
            preexec_fn=first_to_go,
        )
        out, messages = done.stdout, done.stderr.decode(errors="replace").strip().splitlines()
        if done.returncode < 0:
            why = f"the driver was ended by signal {-done.returncode}"
        elif done.returncode > 0:
            why = f"exit code {done.returncode}: {messages[-1][:200] if messages else ''}"
    except subprocess.TimeoutExpired as late:
        out, why = late.stdout or b"", f"no end after {settings.timeout:.0f} s"
    share = foreign_cpu.foreign_share(begin, foreign_cpu.now(), os.cpu_count() or 1)
    lines = {without_threads(n): v for n, v in lines_of(out.decode(errors="replace")).items()}
    for line in lines.values():
        line["process_foreign_cpu"] = share
    return lines, why


def run_peer(
    peer: Peer, problems: dict[str, Path], outputs: dict[str, Path], weights: Path, s: Settings
) -> dict[str, dict]:
    """A line for every problem. A problem that ends the process costs only itself."""
    left, lines = dict(problems), {}
    while left:
        command = command_of(peer, left, outputs, s)
        if not peer.strategy:
            command += ["--weights", str(weights)]
        found, why = run_process(command, s)
        lines |= found
        for name in found:
            left.pop(name, None)
        if left:
            guilty = next(iter(left))
            reason = why or "the driver said nothing of it"
            lines[guilty] = {"peer": peer.name, "problem": guilty, "error": reason}
            left.pop(guilty)
    return lines
