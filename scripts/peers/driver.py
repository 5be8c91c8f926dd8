"""What every peer's driver does: prepare a layer, hand in y once, then time calls.

A driver is a process of its own. It prints one line of JSON for each problem; what went wrong with
one problem is a line too. `--probe` says whether the peer is there at all.
"""

import argparse
import gc
import json
import os
import sys
import time
import traceback
from pathlib import Path

import cold
import foreign_cpu
from problem_file import BYTES, Problem, write_output


class Peer:
    """One way to compute a layer. Subclasses fill in what follows; arrays come from numpy."""

    dtypes = ("bf16", "f32")
    rounds: tuple[str, ...] = ()  # in bf16, in the judge's words
    notes = ""
    threads = 2

    def version(self) -> str:
        """Of the package. Raises where the peer cannot run on this machine."""
        raise NotImplementedError

    def prepare(self, problem: Problem):
        """Untimed, once a layer: reads the weights and packs them. Returns the layer."""
        raise NotImplementedError

    def batch(self, x, ids, weights):
        """Untimed: x [T, H], ids int32 and weights f32 [T, K] in the peer's types, nothing more."""
        raise NotImplementedError

    def run(self, layer, batch):
        """Timed: from tokens and their experts to y. Returns what result() understands."""
        raise NotImplementedError

    def result(self, output):
        """Untimed: y as numpy float32 [T, H]."""
        raise NotImplementedError


def parse(words: list[str], variants: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", choices=variants, default=variants[0])
    parser.add_argument("--probe", action="store_true", help="say whether it can run, and end")
    parser.add_argument("--weights", type=Path, help="the problem file that holds the weights")
    parser.add_argument("--problem", type=Path, action="append", default=[], help="repeatable")
    parser.add_argument("--output", type=Path, action="append", default=[], help="y, one a problem")
    parser.add_argument("--layers", type=int, default=1, help="copies of the layer (cold)")
    parser.add_argument("--cache", choices=["cold", "hot", "both"], default="both")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--max-seconds", type=float, default=3, help="of timing, a cache state")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--cache-bytes",
        type=int,
        default=cold.cache_bytes_of_this_machine(),
        help="with --cache both, hot is left out where one call reads twice as much",
    )
    return parser.parse_args(words)


def timed_calls(peer: Peer, calls, options) -> dict:
    """calls: (layer, batch) in a circle. Three samples at least, one where calls are very slow."""
    samples, position = [], 0
    for position in range(options.warmup):
        begin = time.perf_counter()
        peer.run(*calls[position % len(calls)])
        if time.perf_counter() - begin > options.max_seconds / 4:
            break  # slow calls warm up in one
    gc.collect()
    gc.disable()
    before = foreign_cpu.now()
    while len(samples) < options.samples:
        position += 1
        layer, batch = calls[position % len(calls)]
        begin = time.perf_counter_ns()
        peer.run(layer, batch)
        samples.append(time.perf_counter_ns() - begin)
        spent = sum(samples) / 1e9
        if spent > options.max_seconds * (1 if len(samples) >= 3 else 3):
            break
    share = foreign_cpu.foreign_share(before, foreign_cpu.now(), os.cpu_count() or 1)
    gc.enable()
    return {"samples_ns": samples, "foreign_cpu": share}


def measure(peer: Peer, layers: list, problem: Problem, options, output: Path | None) -> dict:
    x, ids, weights = (problem.read(name) for name in ("x", "expert", "weight"))
    true_batch = peer.batch(x, ids, weights)
    begin = time.perf_counter()
    y = peer.result(peer.run(layers[0], true_batch))
    if output:
        write_output(output, y, list(peer.rounds) if problem.dtype == "bf16" else [])
    if time.perf_counter() - begin > options.max_seconds:
        options = argparse.Namespace(**vars(options) | {"warmup": 0})  # that was warm-up enough
    chosen = len(cold.touched(ids))
    reads = chosen * 3 * problem.ffn * problem.hidden * BYTES[problem.dtype]
    always_cold = options.cache == "both" and reads >= 2 * options.cache_bytes
    line = {"cold": None, "hot": None, "always_cold": always_cold}
    if options.cache != "cold" and not always_cold:
        line["hot"] = timed_calls(peer, [(layers[0], true_batch)], options)
    if options.cache != "hot":
        import numpy

        most = options.samples + options.warmup
        count = cold.distinct_calls(chosen, problem.experts, len(layers), most)
        calls = []
        for call in range(count):
            step = cold.relabelled(ids, problem.experts, call // len(layers))
            batch = peer.batch(x, numpy.asarray(step, dtype=numpy.int32), weights)
            calls.append((layers[call % len(layers)], batch))
        line["cold"] = timed_calls(peer, calls, options)
    return line


def say(line: dict) -> None:
    print(json.dumps(line), flush=True)


def reason_of(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300] if text else ''}"


def main(name: str, variants: dict[str, type[Peer]], words: list[str] | None = None) -> int:
    """Exit codes: 0, whatever the problems came to; 4 the peer cannot run here."""
    options = parse(sys.argv[1:] if words is None else words, list(variants))
    line = {"peer": f"{name}:{options.variant}", "threads": options.threads}
    try:
        os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
        peer = variants[options.variant]()
        peer.threads = options.threads
        line["version"] = peer.version()
    except Exception as error:
        say(line | {"error": reason_of(error)})
        return 4
    line |= {"dtypes": list(peer.dtypes), "notes": peer.notes}
    if options.probe:
        say(line)
        return 0
    problems = [Problem(path, options.weights) for path in options.problem]
    outputs = options.output or [None] * len(problems)
    try:
        begin = time.perf_counter_ns()
        layers = [peer.prepare(problems[0]) for _ in range(options.layers)]
        line |= {
            "prepare_ns": (time.perf_counter_ns() - begin) // options.layers,
            "layers": options.layers,
        }
    except Exception as error:
        traceback.print_exc()
        for problem in problems:
            say(line | {"problem": problem.name, "error": reason_of(error)})
        return 0
    for problem, output in zip(problems, outputs):
        about = {"problem": problem.name, "dtype": problem.dtype}
        try:
            say(line | about | measure(peer, layers, problem, options, output))
        except Exception as error:
            traceback.print_exc()
            say(line | about | {"error": reason_of(error)})
    return 0
