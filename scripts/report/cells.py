"""Result lines flattened to one row per cell, with the ratio and the verdict beside each time."""

import re
from dataclasses import dataclass, field

from report import words

MARGIN = 0.02  # within 2 % is "the same": the equivalence margin of `moebench compare` on CPUs

VERDICTS = {  # verdict -> glyph; the word always stands beside it
    "fastest": "★",
    "same": "≈",
    "unclear": "?",
    "slower": "▽",
    "faster": "△",
    "alone": "·",
}


@dataclass
class Cell:
    line: dict
    strategy: str
    panel: str  # shape and workload, plus whatever else differs between lines
    setting: str  # the same without the workload
    group: tuple  # cells of one group solve the same problem on the same machine
    ratio: float | None = None
    ratio_ci: tuple | None = None
    verdict: str | None = None
    demand: float | None = None  # max/mean expert load asked for, before any strategy drops
    imbalance_cost: float | None = None  # median over the median under the calm workload
    repeated: bool = False  # a later line measured the same cell again

    @property
    def timing(self):
        return self.line.get("timing")

    @property
    def median(self):
        return self.timing["median"] if self.timing else None

    @property
    def interval(self):
        return self.timing.get("median_ci95") if self.timing else None

    @property
    def dropless(self):
        return self.line["strategy"]["policy"] == "token-choice"

    @property
    def tokens(self):
        return self.line["problem"]["tokens"]

    @property
    def problem(self):
        """The row's name where it stands alone: panel and tokens."""
        return f"{self.panel} · {words.count(self.tokens, 'token')}"

    def get(self, path):
        """The value at a dotted path, or None where any part of it is missing."""
        value = self.line
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value


@dataclass
class Row:
    """One problem on one machine: a row of the speed table."""

    panel: str
    tokens: int
    cells: dict = field(default_factory=dict)  # strategy -> Cell

    @property
    def ranked(self):
        """The timed dropless cells, fastest first: the only ones a winner is named among."""
        timed = [c for c in self.cells.values() if c.dropless and c.median]
        return sorted(timed, key=lambda c: c.median)

    @property
    def winner(self):
        """The strategy that is clearly fastest, or None where it is too close to call."""
        first, *others = self.ranked or [None]
        if first and others and all(c.verdict == "slower" for c in others):
            return first.strategy
        return None

    @property
    def lead(self):
        """How many times as long the runner-up takes."""
        return self.ranked[1].ratio if len(self.ranked) > 1 else None


def machine(line):
    """What must be equal for two times to be comparable."""
    env = line.get("environment") or {}
    keys = ("cpu", "gpu", "threads", "isa", "compiler", "flags", "blas", "build_id")
    return tuple(str(env.get(key)) for key in keys)


def flatten(lines):
    """One Cell per line, in order, compared within its group."""
    name_strategy, name_panel = _namers(lines)
    cells = []
    for line in lines:
        group = (line["problem_id"], line.get("cache"), machine(line))
        cells.append(Cell(line, name_strategy(line), *name_panel(line), group))
    _mark_repeated(cells)
    for row in rows(cells):
        _compare(row)
        _demand(row)
    _imbalance_cost(cells)
    return cells


def rows(cells):
    """The rows of the speed table: by panel in order of appearance, then by tokens."""
    found = {}
    for cell in cells:
        if not cell.repeated:
            row = found.setdefault(cell.group, Row(cell.panel, cell.tokens))
            row.cells[cell.strategy] = cell
    panels = panel_names(cells)
    return sorted(found.values(), key=lambda row: (panels.index(row.panel), row.tokens))


def strategies(cells):
    """Names, dropless first, else in order of appearance."""
    names = {cell.strategy: cell.dropless for cell in cells}
    return sorted(names, key=lambda name: not names[name])


def panel_names(cells):
    """Shape by shape, so that the workloads of one shape stand together."""
    first = {}
    for cell in cells:
        first.setdefault(cell.panel, cell.line["problem"]["shape"])
    shapes = list(dict.fromkeys(first.values()))
    return sorted(first, key=lambda panel: shapes.index(first[panel]))


def _namers(lines):
    """Names carry only what differs: no '@cpu' where all is CPU, no dtype where all is f32."""
    backends = {line["strategy"]["backend"] for line in lines}
    machines = list(dict.fromkeys(machine(line) for line in lines))
    extras = []
    if len({line["problem"]["dtype"] for line in lines}) > 1:
        extras.append(lambda line: line["problem"]["dtype"])
    if len({line.get("cache") for line in lines}) > 1:
        extras.append(lambda line: f"{line.get('cache') or 'unknown'} cache")
    if len(machines) > 1:
        extras.append(lambda line: f"machine {machines.index(machine(line)) + 1}")

    def strategy(line):
        name = line["strategy"]["name"]
        return f"{name}@{line['strategy']['backend']}" if len(backends) > 1 else name

    def panel(line):
        shape, rest = line["problem"]["shape"], [extra(line) for extra in extras]
        workload = workload_label(line["workload"]["name"])
        return " · ".join([shape, workload, *rest]), " · ".join([shape, *rest])

    return strategy, panel


def workload_label(name):
    """'trace:a/b/model.trace.safetensors#layer=3' as 'trace of model, layer 3'; others as they are."""
    found = re.fullmatch(r"trace:(?:.*/)?(.+?)(?:\.trace)?\.safetensors#layer=(\d+)", name)
    return f"trace of {found[1]}, layer {found[2]}" if found else name


def _mark_repeated(cells):
    latest = {}
    for cell in cells:
        key = (cell.group, cell.strategy)
        if key in latest:
            latest[key].repeated = True
        latest[key] = cell


def _compare(row):
    """Ratio to the fastest dropless time; the verdict follows from its interval and MARGIN."""
    if not row.ranked:
        return
    best = row.ranked[0]
    for cell in row.cells.values():
        if not cell.median:
            continue
        cell.ratio = cell.median / best.median
        if cell is best:
            cell.verdict = "fastest" if len(row.ranked) > 1 else "alone"
        elif cell.interval and best.interval:
            low, high = best.interval
            cell.ratio_ci = (cell.interval[0] / high, cell.interval[1] / low)
            cell.verdict = verdict(*cell.ratio_ci)
        else:
            cell.verdict = "unclear"


def _demand(row):
    """The load a line tells is the one served; what was asked for is what a dropless one served."""
    loads = [c.get("load.max_over_mean") for c in row.cells.values() if c.dropless]
    known = [load for load in loads if load is not None]
    for cell in row.cells.values():
        cell.demand = known[0] if known else cell.get("load.max_over_mean")


def verdict(low, high):
    if low > 1 + MARGIN:
        return "slower"
    if high < 1 / (1 + MARGIN):
        return "faster"
    if 1 / (1 + MARGIN) < low and high < 1 + MARGIN:
        return "same"
    return "unclear"


def _imbalance_cost(cells):
    """Each time over that of the calm workload: same strategy, shape, tokens and machine."""
    calm = calm_workload(cells)

    def key(cell):
        line = cell.line
        shape, tokens, dtype = (line["problem"][k] for k in ("shape", "tokens", "dtype"))
        return cell.strategy, shape, tokens, dtype, line.get("cache"), machine(line)

    base = {key(c): c.median for c in cells if c.line["workload"]["name"] == calm and c.median}
    for cell in cells:
        if cell.median and key(cell) in base:
            cell.imbalance_cost = cell.median / base[key(cell)]


def calm_workload(cells):
    """The workload imbalance is counted from: 'uniform', else the one with the evenest load."""
    loads = {}
    for cell in cells:
        if cell.demand is not None:
            loads.setdefault(cell.line["workload"]["name"], []).append(cell.demand)
    if "uniform" in loads or not loads:
        return "uniform"
    return min(loads, key=lambda name: sum(loads[name]) / len(loads[name]))
