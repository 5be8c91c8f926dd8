#!/usr/bin/env python3
"""Compares moebench's strategies with other libraries on this machine, in interleaved rounds.

    scripts/peers/setup.sh                                 once: the other libraries
    scripts/peers/run_peers.py --list                      who can take part here, and who cannot
    scripts/peers/run_peers.py --out results/local/peers   the grid of grid.json; may be interrupted
    scripts/peers/run_peers.py --only 'qwen3.*/T=16/uniform/bf16' --rounds 1

Writes OUT/peers.json after every process and OUT/peers.md after every round; a second call goes on
from there. Exit codes: 0 done, 1 the judge refused an output, 2 bad input, 4 no moebench program,
130 interrupted.
"""

import argparse
import os
import re
import signal
import sys
from pathlib import Path

import registry
from comparison import Comparison
from grid import BadGrid, read_grid
from registry import MOEBENCH, ROOT, Peer
from results_file import OtherRun
from table import markdown

SLOW_ON_PURPOSE = "dense-masked|batched-mm"  # the work of all experts, a copy of every weight used


def parse(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grid", type=Path, default=Path(__file__).with_name("grid.json"))
    parser.add_argument("--only", help="problems whose name matches this regular expression")
    parser.add_argument("--peers", default=".", help="peers that match this regular expression")
    parser.add_argument("--without", default=SLOW_ON_PURPOSE, help="but not these (%(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "results/local/peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--within",
        type=float,
        metavar="FACTOR",
        help="after round 1, only those who took at most so many times as long as the fastest "
        "strategy, or the fastest other library, of a problem",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the order in a round")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--layers", type=int, help="copies of a layer, instead of twice the cache")
    parser.add_argument("--cache", choices=["cold", "hot", "both"], default="both")
    parser.add_argument("--quiet", type=float, default=0.1, help="most foreign CPU of a good round")
    parser.add_argument("--repeats", type=int, default=2, help="of a disturbed measurement")
    parser.add_argument("--judge-tokens", type=int, default=16)
    parser.add_argument("--timeout", type=float, default=1800, help="seconds a process may take")
    parser.add_argument("--work", type=Path, default=ROOT / "build/peers/problems")
    parser.add_argument("--list", action="store_true", help="say who can take part, and end")
    return parser.parse_args(words)


def stop(*_) -> None:
    """A polite end is an interruption: drivers are ended and problems removed on the way out."""
    raise KeyboardInterrupt


def chosen_peers(options) -> tuple[list[Peer], dict[str, dict]]:
    """Those that can run, and what every one says of itself."""
    every = registry.own_strategies() + registry.other_libraries()
    asked = [
        p
        for p in every
        if re.search(options.peers, p.name)
        and not (options.without and re.search(options.without, p.name))
    ]
    about = {p.name: registry.probe(p, options.threads) for p in asked}
    return [p for p in asked if "error" not in about[p.name]], about


def main(words: list[str] | None = None) -> int:
    options = parse(words)
    signal.signal(signal.SIGTERM, stop)
    if not MOEBENCH.exists():
        print(f"run_peers: {MOEBENCH} is not built: scripts/build.sh release", file=sys.stderr)
        return 4
    try:
        peers, about = chosen_peers(options)
        if options.list:
            for name, said in about.items():
                error = said.get("error")
                dtypes = ", ".join(said.get("dtypes", []))
                print(f"{name:<28}", f"no: {error}" if error else f"{said['version']} ({dtypes})")
            return 0
        comparison = Comparison(options, read_grid(options.grid, options.only), peers, about)
        comparison.run()
    except (BadGrid, OtherRun) as error:
        print(f"run_peers: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("run_peers: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    measurements = comparison.results.measurements
    print(markdown(comparison.results.content))
    return int(any(m.get("judge", {}).get("passed") is False for m in measurements))


if __name__ == "__main__":
    sys.exit(main())
