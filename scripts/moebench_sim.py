#!/usr/bin/env python3
"""Runs a CUDA program of yours on the CPU, with every memory access checked.

    scripts/moebench_sim.py my_kernel.cu [more.cu ...] [--arch 80,90a,100a] [--schedules 20]
                            [--async early,late,random] [-- arguments of the program]

Compiles the files (one of which has main) with nvcc, links them to the interpreter instead of the
CUDA runtime, and runs the program once for each architecture, schedule and moment at which
asynchronous copies are done. Prints one table, then each distinct finding once with the command
that repeats it. The exact counts of the natural run are written as JSON; they are never a time.

Exit code: 0 clean; 1 findings, or the program itself failed; 2 wrong usage, or nvcc refuses the
source; 4 there is no nvcc or no build of the interpreter.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ARCHITECTURES = ["80", "90a", "100a"]
ASYNCS = ["late", "early", "random"]
NVCC_FLAGS = ["-std=c++20", "-O1", "-lineinfo", "--no-compress"]  # as in runtime/sim_test.cmake
FINDINGS_EXIT = 3  # the stand-in runtime's exit code where a program that succeeded had findings


class Refusal(Exception):
    """One sentence for the user, and the exit code."""

    def __init__(self, sentence: str, code: int = 2):
        super().__init__(sentence)
        self.code = code


@dataclass
class Run:
    arch: str
    schedule: str
    asynchronous: str
    command: str = ""  # repeats it
    exit_code: int | None = None  # None: took too long
    output: str = ""
    report: dict = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the program itself failed, whatever was found."""
        findings = self.report.get("findings")
        return self.exit_code != 0 and not (self.exit_code == FINDINGS_EXIT and findings)


def parse_list(name: str, text: str, known: list[str]) -> list[str]:
    words = [word for word in text.split(",") if word]
    for word in words:
        if word not in known:
            raise Refusal(f"--{name} {text}: found {word}, expected some of {', '.join(known)}")
    if not words:
        raise Refusal(f"--{name}: expected some of {', '.join(known)}")
    return words


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    own, program = arguments, []
    if "--" in arguments:
        cut = arguments.index("--")
        own, program = arguments[:cut], arguments[cut + 1 :]
    parser = argparse.ArgumentParser(description="Runs a CUDA program on the CPU, checked.")
    parser.add_argument("sources", nargs="+", help=".cu and .cc files, one with main")
    parser.add_argument("--arch", default=",".join(ARCHITECTURES))
    parser.add_argument("--schedules", type=int, default=20, help="orders of warps and blocks")
    parser.add_argument("--async", dest="asyncs", default=",".join(ASYNCS))
    parser.add_argument("--nvcc", default="", help="more options of nvcc, in one argument")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--build", default=ROOT / "build" / "simt", type=Path)
    parser.add_argument("--out", type=Path, help="folder for the program and counters")
    options = parser.parse_args(own)
    options.program_arguments = program
    options.arch = parse_list("arch", options.arch, ARCHITECTURES)
    options.asyncs = parse_list("async", options.asyncs, ASYNCS)
    if options.schedules < 1:
        raise Refusal(f"--schedules {options.schedules}: expected 1 or more")
    for source in options.sources:
        if not Path(source).is_file():
            raise Refusal(f"{source}: no such file")
    return options


def schedules(count: int) -> list[str]:
    seeds = [f"random:{seed}" for seed in range(1, max(count - 1, 1))]
    return (["natural", "reversed", *seeds])[:count]


def toolchain(build: Path) -> dict:
    """What CMake wrote down when it configured the interpreter."""
    if not (shutil.which("nvcc") or Path("/usr/local/cuda/bin/nvcc").is_file()):
        raise Refusal("moebench_sim needs nvcc of the CUDA toolkit 13.0, which is not here.", 4)
    description = build / "moebench_sim.json"
    if not description.is_file():
        raise Refusal(
            f"{build} is no build of the interpreter: scripts/build.sh simt simt_cublaslt", 4
        )
    tools = json.loads(description.read_text())
    for library in tools["libraries"]:
        if library.startswith("/") and not Path(library).is_file():
            raise Refusal(f"{library} is not built: scripts/build.sh simt simt_cublaslt", 4)
    return tools


def compile_program(options: argparse.Namespace, tools: dict, out: Path) -> Path:
    generate = [f"-gencode=arch=compute_{a},code=compute_{a}" for a in options.arch]
    objects = []
    for source in map(Path, options.sources):
        target = out / f"{source.name}.o"
        command = [tools["nvcc"], *NVCC_FLAGS, *generate, *options.nvcc.split(), "-ccbin"]
        command += [tools["cxx"], "-c", str(source), "-o", str(target)]
        if subprocess.run(command).returncode != 0:
            raise Refusal(f"nvcc refuses {source}")
        objects.append(str(target))
    program = out / Path(options.sources[0]).stem
    command = [tools["cxx"], *objects, *tools["libraries"], "-lpthread", "-o", str(program)]
    if subprocess.run(command).returncode != 0:
        raise Refusal("the program does not link: is there one main, and every function it calls?")
    return program


def run_once(run: Run, program: Path, options: argparse.Namespace, number: int) -> Run:
    report = program.parent / f"report-{number}.json"
    report.unlink(missing_ok=True)
    variables = {
        "MOEBENCH_SIM_ARCH": run.arch,
        "MOEBENCH_SIM_SCHEDULE": run.schedule,
        "MOEBENCH_SIM_ASYNC": run.asynchronous,
    }
    command = [str(program), *options.program_arguments]
    shown = [os.path.join(".", os.path.relpath(program)), *options.program_arguments]
    run.command = " ".join([*(f"{k}={v}" for k, v in variables.items()), *map(shlex.quote, shown)])
    environment = {**os.environ, **variables, "MOEBENCH_SIM_REPORT": str(report)}
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=options.timeout,
        )
        run.exit_code, run.output = done.returncode, done.stdout or done.stderr
    except subprocess.TimeoutExpired:
        run.output = f"still running after {options.timeout:g} s"
    if report.is_file():
        run.report = json.loads(report.read_text())
        report.unlink()
    return run


def demangled(name: str) -> str:
    if not shutil.which("c++filt"):
        return name
    done = subprocess.run(["c++filt", "-p", name], capture_output=True, text=True)
    return done.stdout.strip() or name


def place(site: dict) -> str:
    x, y, z = site["thread"]
    i, j, k = site["block"]
    source = site["source"] or f"PTX line {site['ptx_line']}"
    return f"{source}  block ({i},{j},{k}) thread ({x},{y},{z})  {site['ptx']}"


def identity(finding: dict) -> tuple:
    """Findings that differ in block, thread, address or instruction copy only are the same one."""
    other = finding.get("other")
    where = [s["source"] or s["ptx_line"] for s in [finding["site"], *([other] if other else [])]]
    return (finding["check"], finding["kernel"], *sorted(map(str, where)))


def print_table(runs: list[Run], architectures: list[str]) -> None:
    checks = sorted({f["check"] for run in runs for f in run.report.get("findings", [])})
    header = ["compute", "runs", "program failed", *checks]
    rows = [header]
    for arch in architectures:
        of_arch = [run for run in runs if run.arch == arch]
        found = Counter(
            check
            for run in of_arch
            for check in {f["check"] for f in run.report.get("findings", [])}
        )
        failed = sum(run.failed for run in of_arch)
        rows.append([arch, len(of_arch), failed, *(found[check] for check in checks)])
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(header))]
    for row in rows:
        print("  ".join(str(cell).rjust(width) for cell, width in zip(row, widths)))
    if checks:
        print("(under a check: in how many of the runs it found something)")


def print_findings(runs: list[Run]) -> int:
    first: dict[tuple, tuple[dict, Run]] = {}
    count: Counter = Counter()
    for run in runs:
        for key in {identity(f): f for f in run.report.get("findings", [])}.items():
            first.setdefault(key[0], (key[1], run))
            count[key[0]] += 1
    for key, (finding, run) in first.items():
        print(f"\n{finding['check']} in {demangled(finding['kernel']) or 'a runtime call'}")
        print(f"  {finding['message']}")
        print(f"  at      {place(finding['site'])}")
        if "other" in finding:
            print(f"  against {place(finding['other'])}")
        print(f"  in {count[key]} of {len(runs)} runs; again: {run.command}")
    return len(first)


def print_failures(runs: list[Run]) -> int:
    failed = [run for run in runs if run.failed]
    if failed:
        run = failed[0]
        code = "no exit code" if run.exit_code is None else f"exit code {run.exit_code}"
        print(f"\nthe program failed in {len(failed)} of {len(runs)} runs; the first: {code}")
        for line in run.output.strip().splitlines()[-8:]:
            print(f"  {line}")
        print(f"  again: {run.command}")
    return len(failed)


def write_counters(runs: list[Run], out: Path) -> None:
    for run in runs:
        if run.schedule == "natural" and run.report and run.asynchronous == runs[0].asynchronous:
            path = out / f"counters-{run.arch}.json"
            path.write_text(json.dumps(run.report.get("kernels", []), indent=1) + "\n")
            print(f"counts of the natural run on compute_{run.arch}: {path}")


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    tools = toolchain(options.build)
    out = options.out or ROOT / "build" / "sim" / Path(options.sources[0]).stem
    out.mkdir(parents=True, exist_ok=True)
    program = compile_program(options, tools, out.resolve())
    runs = [
        Run(arch, schedule, asynchronous)
        for arch in options.arch
        for asynchronous in options.asyncs
        for schedule in schedules(options.schedules)
    ]
    with ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(run_once, run, program, options, i) for i, run in enumerate(runs)]
        runs = [job.result() for job in jobs]
    print_table(runs, options.arch)
    findings, failures = print_findings(runs), print_failures(runs)
    print()
    write_counters(runs, out)
    if findings == 0 and failures == 0:
        print(f"{len(runs)} runs, nothing found")
    return 1 if findings or failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(refusal.code)
