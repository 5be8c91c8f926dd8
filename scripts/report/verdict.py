"""The verdict in words. Every sentence here is computed from the cells; nothing is assumed."""

from collections import Counter
from dataclasses import dataclass
from math import log
from statistics import linear_regression, median

from report import words
from report.cells import calm_workload, machine, panel_names, rows, strategies
from report.records import NOT_RUN, STATUSES


@dataclass
class Regime:
    """Neighbouring token counts at which one strategy wins most problems."""

    tokens: list
    winner: str | None
    wins: Counter  # strategy -> problems in which it is clearly fastest
    problems: int
    leads: list  # over the runner-up, where the winner won

    @property
    def span(self):
        first, last = self.tokens[0], self.tokens[-1]
        return words.count(first, "token") if first == last else f"{first:,} to {last:,} tokens"

    @property
    def sentence(self):
        """Starts after the winner's name."""
        of = f"of {words.count(self.problems, 'problem')}"
        close = self.problems - self.wins.total()
        parts = [
            f"{name} in {n} {of}" for name, n in self.wins.most_common() if self.winner != name
        ]
        if close:
            parts.append(f"{close} {of} too close to call")
        if self.winner is None:
            return ", ".join(parts)
        parts.insert(0, f"clearly fastest in {self.wins[self.winner]} {of}")
        text = ", ".join(parts)
        if self.leads:
            middle, least = words.ratio(median(self.leads)), words.ratio(min(self.leads))
            text += (
                f"; the next dropless strategy takes {middle} as long (median), {least} at least"
            )
        return text


def regimes(cells):
    by_tokens = {}
    for row in rows(cells):
        if len(row.ranked) > 1:  # a race takes two
            by_tokens.setdefault(row.tokens, []).append(row)
    found = []
    for tokens in sorted(by_tokens):
        regime = _regime(tokens, by_tokens[tokens])
        if found and regime.winner and found[-1].winner == regime.winner:
            found[-1] = _join(found[-1], regime)
        else:
            found.append(regime)
    return found


def _regime(tokens, group):
    wins = Counter(row.winner for row in group if row.winner)
    name, won = wins.most_common(1)[0] if wins else (None, 0)
    if 2 * won <= len(group):
        name = None
    leads = [row.lead for row in group if row.lead and row.winner == name]
    return Regime([tokens], name, wins, len(group), leads)


def _join(a, b):
    return Regime(
        a.tokens + b.tokens, a.winner, a.wins + b.wins, a.problems + b.problems, a.leads + b.leads
    )


def headline(cells):
    found = regimes(cells)
    named = [r for r in found if r.winner]
    if not named:
        return "No strategy is clearly the fastest in these measurements."
    if len(found) == 1:
        return f"{found[0].winner} is the fastest dropless strategy."
    first, last = found[0], found[-1]
    if not (first.winner and last.winner) or first.winner == last.winner:
        return _one_sided(first, last)
    text = f"{first.winner} is fastest {_up_to(first.tokens)}, {last.winner} {_from(last.tokens)}"
    return text + ("; in between it depends." if len(found) > 2 else ".")


def _one_sided(first, last):
    if last.winner and not first.winner:
        return f"{last.winner} is fastest {_from(last.tokens)} tokens; with fewer it depends."
    if first.winner and not last.winner:
        return f"{first.winner} is fastest {_up_to(first.tokens)}; with more it depends."
    return "The fastest strategy changes with the number of tokens."


def _up_to(tokens):
    last = words.count(tokens[-1], "token")
    return f"up to {last}" if len(tokens) > 1 else f"at {last}"


def _from(tokens):
    return f"from {tokens[0]:,}" if len(tokens) > 1 else f"at {tokens[0]:,}"


def crossovers(cells):
    """(panel, words) per panel: who is fastest over which measured token counts."""
    table = []
    for panel in panel_names(cells):
        spans = []  # [words, first tokens, last tokens]
        for row in (r for r in rows(cells) if r.panel == panel and r.ranked):
            name = row.winner or "too close to call"
            if len(row.ranked) == 1:
                name = f"only {row.ranked[0].strategy} was timed"
            if spans and spans[-1][0] == name:
                spans[-1][2] = row.tokens
            else:
                spans.append([name, row.tokens, row.tokens])
        table.append((panel, _spans_in_words(spans)))
    return table


def _spans_in_words(spans):
    if not spans:
        return "no dropless strategy was timed"
    if len(spans) == 1:
        return f"{spans[0][0]} at every token count measured"
    parts = []
    for i, (name, first, last) in enumerate(spans):
        if i == 0:
            where = f"{'at' if first == last else 'up to'} {words.count(last, 'token')}"
        elif i == len(spans) - 1:
            where = f"{'at' if first == last else 'from'} {first:,}"
        else:
            where = f"at {first:,}" if first == last else f"from {first:,} to {last:,}"
        parts.append(f"{name} {where}")
    return ", ".join(parts)


def tally(cells):
    """Cells passed, failed and not run; each with its words per status."""
    counts = Counter(cell.line["status"] for cell in cells)
    failed = {s: n for s, n in counts.items() if s != "ok" and s not in NOT_RUN}
    skipped = {s: n for s, n in counts.items() if s in NOT_RUN}
    return {"total": len(cells), "passed": counts["ok"], "failed": failed, "skipped": skipped}


def failures(cells):
    """Every cell without a pass, worst kind first."""
    order = list(STATUSES)
    bad = [cell for cell in cells if cell.line["status"] != "ok"]
    return sorted(bad, key=lambda cell: order.index(cell.line["status"]))


def noise(cells):
    """Half-widths of the medians' intervals: (middle, widest, its cell, cells without one)."""
    timed = [cell for cell in cells if cell.median]
    widths = [
        ((c.interval[1] - c.interval[0]) / 2 / c.median, c.line["cell"])
        for c in timed
        if c.interval
    ]
    if not widths:
        return None
    widest, cell = max(widths)
    return {
        "middle": median(w for w, _ in widths),
        "widest": widest,
        "cell": cell,
        "without": len(timed) - len(widths),
    }


def samples(cells):
    """(fewest, most) samples behind a median."""
    counts = [cell.timing["count"] for cell in cells if cell.median]
    return (min(counts), max(counts)) if counts else None


def machines(cells):
    """One environment per distinct machine and build, in order of appearance."""
    found = {}
    for cell in cells:
        found.setdefault(machine(cell.line), cell.line.get("environment") or {})
    return list(found.values())


def rerouting(cells):
    """strategy -> policy, for those that do not send every token where the router said."""
    return {
        c.strategy: c.line["strategy"]["policy"]
        for c in cells
        if not c.dropless and c.strategy in strategies(cells)
    }


# Clock events by which heat or power holds a GPU down; harness/nvml.cc has all there are.
THROTTLING = {
    "software-power-cap",
    "hardware-slowdown",
    "software-thermal-slowdown",
    "hardware-thermal-slowdown",
    "hardware-power-brake",
}


def throttling(cell):
    """The events that held the GPU's clock down around the samples of a cell."""
    moments = (cell.line.get("gpu_state") or {}).values()
    return THROTTLING & {event for moment in moments for event in moment["clock_events"] or []}


def not_comparable(cells):
    """Sentences on what must not be read off against what."""
    found = []
    envs = machines(cells)
    if len(envs) > 1:
        found.append(
            f"The lines come from {len(envs)} different machines or builds. "
            "Ratios are taken within one of them only, never across."
        )
    others = [f"{name} ({policy})" for name, policy in rerouting(cells).items()]
    if others:
        found.append(
            f"{words.listing(others)} may send tokens to other experts or to none, and so compute "
            "another output. These times are shown beside the others and never ranked with them."
        )
    if any(cell.get("timing.order") == "sequential" for cell in cells):
        found.append(
            "Some samples were taken one strategy after the other, not interleaved: "
            "a slow minute of the machine can look like a slow strategy."
        )
    repeated = sum(cell.repeated for cell in cells)
    if repeated:
        found.append(
            f"{words.count(repeated, 'cell')} measured again by a later line: the later one is ranked."
        )
    held = [cell for cell in cells if cell.median and throttling(cell)]
    if held:
        events = sorted(set().union(*map(throttling, held)))
        found.append(
            f"{words.count(len(held), 'cell')} measured while the GPU's clock was held down by "
            f"{words.listing(events)}: a run on a cooler or less limited one may be faster."
        )
    if any(env.get("hypervisor") for env in envs):
        found.append(
            "The machine is virtual and may share its cores: differences of a few percent are not "
            "findings."
        )
    return found


def sensitivity(cells):
    """strategy -> (cost of doubling the imbalance, points), a fit through (1, 1) in logarithms."""
    calm = calm_workload(cells)
    base = {
        (c.strategy, c.setting, c.tokens): c.demand
        for c in cells
        if c.line["workload"]["name"] == calm and c.demand
    }
    found = {}
    for name in strategies(cells):
        points = [
            (log(c.demand / base[key]), log(c.imbalance_cost))
            for c in cells
            if c.strategy == name and c.imbalance_cost and c.demand
            for key in [(name, c.setting, c.tokens)]
            if key in base and c.line["workload"]["name"] != calm
        ]
        if any(x for x, _ in points):
            slope = linear_regression(*zip(*points), proportional=True).slope
            found[name] = (2**slope, len(points))
    return found


def drops(cells):
    """Per strategy with another routing: medians and worst of what it loses."""
    table = []
    for name, policy in rerouting(cells).items():
        own = [c for c in cells if c.strategy == name and c.get("load")]
        figures = [
            [c.get(path) for c in own if c.get(path) is not None]
            for path in (
                "load.dropped_slots", "load.dropped_tokens", "load.gate_mass_lost",
                "distance_from_dropless",
            )
        ]  # fmt: skip
        pairs = [(median(values), max(values)) if values else None for values in figures]
        table.append((name, policy, len(own), pairs))
    return table
