"""The comparison itself: groups of problems, rounds, peers in a drawn order, and the judge after them."""

import json
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import machine
from cold import cache_bytes_of_this_machine, layers_needed
from driver_process import Settings, run_peer
from grid import BadGrid, Grid, Group
from problem_file import BYTES, Problem
from ratios import is_near
from registry import MOEBENCH, Peer
from results_file import Results
from table import markdown


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def moebench(*words) -> str:
    done = subprocess.run([MOEBENCH, *map(str, words)], capture_output=True, text=True)
    if done.returncode not in (0, 1):  # 1: a judge's no
        raise BadGrid(done.stderr.strip().removeprefix("moebench: "))
    return done.stdout


def file_name(text: str) -> str:
    return re.sub(r"[^\w.=-]", "_", text)


def write_problems(group: Group, folder: Path) -> dict[str, Path]:
    """name -> file; the first one holds the weights of all."""
    files = {}
    for i, name in enumerate(group.problems):
        place = folder / file_name(name)
        words = ["--without-weights"] if i else []
        files[name] = Path(moebench("problem", name, "--to", place, *words).strip())
    return files


def drawn_order(peers: list[Peer], seed: str) -> list[Peer]:
    return random.Random(seed).sample(peers, len(peers))


def foreign_cpu_of(line: dict) -> float:
    """The most that was seen while something was timed; else that of the whole process."""
    seen = [line[c]["foreign_cpu"] for c in ("cold", "hot") if line.get(c)]
    known = [share for share in seen if share is not None]
    return max(known) if known else line.get("process_foreign_cpu") or 0.0


class Comparison:
    def __init__(self, options, grid: Grid, peers: list[Peer], about: dict[str, dict]):
        self.options, self.grid, self.peers, self.about = options, grid, peers, about
        self.results = Results(
            options.out,
            {
                "schema": "moebench.peers",
                "commit": moebench("--version").split()[-1],
                "seed": options.seed,
                "threads": options.threads,
                "begun": time.strftime("%Y-%m-%dT%H:%M:%S"),
                "machine": machine.describe(),
                # Where somebody's files lie is nobody's business.
                "options": {
                    k: v.name if isinstance(v, Path) else str(v) for k, v in vars(options).items()
                },
                "peers": about,
                "groups": [{"name": g.name, "problems": list(g.problems)} for g in grid.groups],
            },
        )

    def run(self) -> None:
        for group in self.grid.groups:
            if all(not self.left(group, r, p) for r in self.rounds() for p in self.takers(group)):
                continue
            folder = self.options.work / file_name(group.name)
            say(f"{group.name}: writing {len(group.problems)} problems")
            try:
                files = write_problems(group, folder)
                settings = self.settings(group, files)
                for round_ in self.rounds():
                    self.run_round(group, round_, files, settings, folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def rounds(self) -> range:
        return range(1, self.options.rounds + 1)

    def takers(self, group: Group) -> list[Peer]:
        return [p for p in self.peers if group.dtype in self.about[p.name].get("dtypes", [])]

    def left(self, group: Group, round_: int, peer: Peer) -> list[str]:
        done = self.results.done(round_, peer.name)
        return [n for n in group.problems if n not in done and self.stays(n, round_, peer)]

    def stays(self, problem: str, round_: int, peer: Peer) -> bool:
        """Whether a peer is near enough to the first round's fastest of its kind to go on."""
        within = self.options.within
        if round_ == 1 or not within:
            return True
        first = [m for m in self.results.measurements if m["round"] == 1]
        return is_near(first, problem, peer.name, within)

    def settings(self, group: Group, files: dict[str, Path]) -> Settings:
        o, g = self.options, self.grid
        first = Problem(files[group.problems[0]])
        layer = 3 * first.experts * first.ffn * first.hidden * BYTES[group.dtype]
        layers = o.layers or layers_needed(layer, cache_bytes_of_this_machine())
        return Settings(
            samples=g.samples,
            warmup=g.warmup,
            max_seconds=g.max_seconds,
            threads=o.threads,
            layers=layers,
            cache=o.cache,
            timeout=o.timeout,
        )

    def run_round(self, group, round_, files, settings, folder) -> None:
        peers = drawn_order(self.takers(group), f"{self.options.seed}/{group.name}/{round_}")
        outputs: dict[tuple[str, str], Path] = {}
        for place, peer in enumerate(peers):
            names = self.left(group, round_, peer)
            if not names:
                continue
            wanted = {}
            for name in names:
                if not self.judgement(peer, name):
                    wanted[name] = folder / file_name(f"{peer.name}_{name}.safetensors")
            begin = time.monotonic()
            lines = self.measure(peer, {n: files[n] for n in names}, wanted, files, settings)
            wall = time.monotonic() - begin
            for name, line in lines.items():
                about = {"round": round_, "place": place, "peer": peer.name, "problem": name}
                kept = line | about | {"process_seconds": wall}
                if name in wanted and "error" not in line:
                    outputs[peer.name, name] = wanted[name]
                elif judged := self.judgement(peer, name):
                    kept["judge"] = judged
                self.results.put(kept)
            self.results.save()
            failed = sum("error" in line for line in lines.values())
            say(
                f"{group.name} round {round_}: {peer.name}, {len(lines)} problems in {wall:.0f} s"
                + (f", {failed} failed" if failed else "")
            )
        self.judge(outputs)
        self.results.save()
        (self.options.out / "peers.md").write_text(markdown(self.results.content))

    def measure(self, peer, problems, outputs, files, settings) -> dict[str, dict]:
        """Lines by problem; disturbed ones are measured again, and the quietest is kept."""
        weights = next(iter(files.values()))
        lines = run_peer(peer, problems, outputs, weights, settings)
        for _ in range(self.options.repeats):
            again = {
                name: problems[name]
                for name, line in lines.items()
                if "error" not in line and foreign_cpu_of(line) > self.options.quiet
            }
            if not again:
                break
            for name, line in run_peer(peer, again, {}, weights, settings).items():
                attempts = lines[name].get("attempts", 1) + 1
                if "error" not in line and foreign_cpu_of(line) < foreign_cpu_of(lines[name]):
                    lines[name] = line
                lines[name]["attempts"] = attempts
        for line in lines.values():
            if "error" not in line:
                line["disturbed"] = foreign_cpu_of(line) > self.options.quiet
        return lines

    def judgement(self, peer: Peer, problem: str) -> dict | None:
        """What the judge said of this peer on this problem, in whatever round it was."""
        for m in self.results.measurements:
            if m["peer"] == peer.name and m["problem"] == problem and m.get("judge"):
                return m["judge"]
        return None

    def judge(self, outputs: dict[tuple[str, str], Path]) -> None:
        """Once for each peer and problem, in the first round that it comes through."""
        if not outputs:
            return
        by_problem = sorted(outputs, key=lambda key: key[1])
        names = next(iter(outputs.values())).with_suffix(".list")
        names.write_text("".join(f"{key[1]}\t{outputs[key]}\n" for key in by_problem))
        begin = time.monotonic()
        said = moebench(
            *("judge", "--list", names, "--json", "--tokens", self.options.judge_tokens)
        )
        by_file = {line["file"]: line for line in map(json.loads, said.splitlines())}
        for (peer, problem), path in outputs.items():
            for m in self.results.measurements:  # those of earlier, interrupted rounds too
                if (m["peer"], m["problem"]) == (peer, problem) and "error" not in m:
                    m["judge"] = by_file[str(path)] | {"file": path.name}
            path.unlink()
        say(f"judged {len(outputs)} outputs in {time.monotonic() - begin:.0f} s")
