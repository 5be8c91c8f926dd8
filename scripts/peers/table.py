"""The comparison as Markdown: a table a layer, dtype and cache state, and what must be said of it."""

from ratios import BASE, compare, reason_not_shown

ABOUT = """\
Each number is a peer's time over that of moebench's best strategy for that problem, above 1
moebench is faster: the median over the rounds, and in brackets the least and the most. A round runs
every peer once, each in a process of its own, in an order drawn anew; a ratio is taken within a
round. moebench routes the tokens inside its time; the others are given experts and weights, but for
onnxruntime, which routes by itself. Cold: weights come from memory. Hot: the same call again and
again, where the weights it reads are less than twice the last-level cache. Outputs that the judge
refused have no time.
"""


def duration(ns: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.0f} ns"


def cell_text(ratio: dict | None) -> str:
    if ratio is None:
        return "–"
    if ratio["rounds"] == 1:
        return f"{ratio['median']:.2f}"
    return f"{ratio['median']:.2f} [{ratio['least']:.2f}..{ratio['most']:.2f}]"


def row_name(problem: str) -> str:
    _, tokens, workload, *_ = problem.split("/")
    return f"{tokens.removeprefix('T=')} | {workload}"


def one_table(measurements: list[dict], group: dict, cache: str) -> list[str]:
    problems = group["problems"]
    here = [m for m in measurements if m["problem"] in problems]
    peers = sorted({m["peer"] for m in here if not m["peer"].startswith(BASE)})
    if not any(m.get(cache) for m in here):
        return []
    lines = [
        f"### {group['name']}, {cache}",
        "",
        "| tokens | routing | moebench | time | " + " | ".join(peers) + " |",
        "|--:|---|---|--:|" + "--:|" * len(peers),
    ]
    for problem in sorted(problems, key=lambda p: int(p.split("/")[1].removeprefix("T="))):
        if not any(m.get(cache) for m in here if m["problem"] == problem):
            continue  # hot, where every call reads more than the cache holds
        found = compare(here, problem, cache)
        best = (found["best"] or "–").removeprefix(BASE)
        cells = [row_name(problem), best, duration(found["best_ns"]) if found["best"] else "–"]
        for peer in peers:
            if reason_not_shown(here, problem, peer):
                cells.append("failed")
            elif found["best"] is None and peer in found["times_ns"]:
                cells.append(duration(found["times_ns"][peer]))
            else:
                cells.append(cell_text(found["ratios"].get(peer)))
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def failures(measurements: list[dict]) -> list[str]:
    """Each reason once, with the problems it stands for."""
    found: dict[tuple[str, str], list[str]] = {}
    for m in measurements:
        reason = reason_not_shown(measurements, m["problem"], m["peer"])
        if reason:
            problems = found.setdefault((m["peer"], reason), [])
            if m["problem"] not in problems:
                problems.append(m["problem"])
    return [
        f"- {peer}: {reason} ({problems[0]}"
        + (f" and {len(problems) - 1} more)" if len(problems) > 1 else ")")
        for (peer, reason), problems in sorted(found.items())
    ]


def versions(results: dict) -> list[str]:
    lines = []
    for name, about in sorted(results["peers"].items()):
        if "error" in about:
            lines.append(f"- {name}: did not take part: {about['error']}")
        elif about.get("version"):
            note = f"; {about['notes']}" if about.get("notes") else ""
            lines.append(f"- {name}: {about['version']}{note}")
    return lines


def markdown(results: dict) -> str:
    measurements = results["measurements"]
    machine = results["machine"]
    disturbed = sum(bool(m.get("disturbed")) for m in measurements)
    lines = ["# Peers, side by side", "", ABOUT]
    lines += [
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['cache']} of last-level cache, "
        f"{machine['isa']}; {results['threads']} threads; moebench {results['commit'][:10]}; "
        f"{len({m['round'] for m in measurements})} rounds, begun {results['begun']}. "
        f"{disturbed} of {len(measurements)} measurements were disturbed by other processes.",
        "",
    ]
    for group in results["groups"]:
        for cache in ("cold", "hot"):
            lines += one_table(measurements, group, cache)
    failed = failures(measurements)
    if failed:
        lines += ["## Not shown", "", *failed, ""]
    lines += ["## Versions", "", *versions(results), ""]
    return "\n".join(lines)
