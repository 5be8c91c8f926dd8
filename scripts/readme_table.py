#!/usr/bin/env python3
"""The README's result table, made from the kept results.

    scripts/readme_table.py            prints it
    scripts/readme_table.py --write    puts it between the marks in README.md
    scripts/readme_table.py --check    exit code 1 when the README's is another

Ratios to the fastest strategy of the row that keeps the model's routing; its median stands beside.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- result table: scripts/readme_table.py -->", "<!-- end of result table -->"
COLUMNS = [
    "loop-per-expert",
    "sort-and-group",
    "gather-fused",
    "masked",
    "decode",
    "dense-masked",
    "padded-capacity",
    "expert-choice",
    "token-rounding",
]
WORKLOADS = ["uniform", "zipf:1.0"]


def kept_lines():
    """The kept demo results: there is one folder for each machine; the README shows the first."""
    files = sorted((ROOT / "results").glob("*/demo.jsonl"))
    files = [f for f in files if f.parent.name not in ("local", "testdata")]
    if not files:
        sys.exit("readme_table.py: no results/MACHINE/demo.jsonl is kept, expected at least one")
    return files[0], [json.loads(line) for line in files[0].read_text().splitlines()]


def duration(ns):
    for unit, size in (("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"


def half_width(lines):
    """Of the 95 % interval of the median, over the median: the typical one."""
    return statistics.median(
        (line["timing"]["median_ci95"][1] - line["timing"]["median_ci95"][0])
        / (2 * line["timing"]["median"])
        for line in lines
        if line["timing"] and line["timing"]["median_ci95"]
    )


def row(group):
    """group: strategy -> line."""
    timed = [line for line in group.values() if line["timing"]]
    dropless = [line for line in timed if line["strategy"]["policy"] == "token-choice"]
    fastest = min(line["timing"]["median"] for line in dropless)
    cells = []
    for name in COLUMNS:
        line = group.get(name)
        if line is None or not line["timing"]:  # decode takes few tokens only
            cells.append("-")
            continue
        ratio = f"{line['timing']['median'] / fastest:.2f}"
        dropped = line["load"]["dropped_slots"]
        if line["strategy"]["policy"] != "token-choice":
            ratio += f" (drops {dropped:.0%})" if dropped > 0 else " (other routing)"
        cells.append(ratio)
    return [duration(fastest), *cells]


def table():
    file, lines = kept_lines()
    environment = lines[0]["environment"]
    out = [
        f"`make demo` on {environment['cpu']}, {environment['threads']} threads, f32, "
        f"commit {environment['build_id'][:10]}; every cell passed its check; the lines, but for those of captured traces, are in "
        f"[{file.relative_to(ROOT)}]({file.relative_to(ROOT)}). Medians; the typical 95 % interval is "
        f"±{half_width(lines):.0%} on this shared machine, so smaller differences are not findings.",
        "",
        "| layer | routing | tokens | fastest | " + " | ".join(COLUMNS) + " |",
        "|---|---|--:|--:|" + "--:|" * len(COLUMNS),
    ]
    groups = {}
    for line in lines:
        if line["workload"]["name"] in WORKLOADS and line["timing"] is not None:
            problem = line["problem"]
            key = (problem["shape"], line["workload"]["name"], problem["tokens"])
            groups.setdefault(key, {})[line["strategy"]["name"]] = line
    for (shape, workload, tokens), group in groups.items():
        if len(group) > 1:
            out.append("| " + " | ".join([shape, workload, str(tokens), *row(group)]) + " |")
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    readme = ROOT / "README.md"
    text = readme.read_text()
    if BEGIN not in text or END not in text:
        sys.exit(f"README.md: expected the marks {BEGIN} and {END}")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    right = f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
    if options.check:
        if text != right:
            sys.exit("README.md: the result table is not current (scripts/readme_table.py --write)")
    elif options.write:
        readme.write_text(right)
    else:
        print(table())


if __name__ == "__main__":
    main()
