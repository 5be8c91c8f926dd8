"""The numbers the page carries, once: charts, data tables and downloads all read these."""

from report import words

STAGES = ("route", "group", "permute", "experts", "combine", "unattributed")
SAMPLE_BUDGET = 40_000  # numbers, some 300 kB: a page of 1,000 cells keeps 40 per cell


def table(cells):
    """{"columns": [...], "rows": [[...]]}: one row per line of the files."""
    rows = [_row(cell) for cell in cells]
    columns = list(rows[0])
    return {"columns": columns, "rows": [[row[c] for c in columns] for row in rows]}


def _row(cell):
    line = cell.line
    low, high = cell.interval or (None, None)
    error, bound = cell.get("validation.worst_error"), cell.get("validation.bound")
    return {
        "cell": line["cell"],
        "strategy": cell.strategy,
        "panel": cell.panel,
        "setting": cell.setting,
        "problem": cell.problem,
        "workload": line["workload"]["name"],
        "tokens": cell.tokens,
        "dropless": cell.dropless,
        "repeated": cell.repeated,
        "status": line["status"],
        "why": line.get("reason") or line.get("timing_reason") or line.get("stages_reason"),
        "median": _short(cell.median),
        "low": _short(low),
        "high": _short(high),
        "time": words.time(cell.median),
        "interval": words.interval(cell.interval),
        "count": cell.get("timing.count"),
        "ratio": _short(cell.ratio),
        "ratio_low": _short(cell.ratio_ci and cell.ratio_ci[0]),
        "ratio_high": _short(cell.ratio_ci and cell.ratio_ci[1]),
        "verdict": cell.verdict,
        "cost": _short(cell.imbalance_cost),
        "demand": _short(cell.demand),
        "dropped": _short(cell.get("load.dropped_slots")),
        "gate_lost": _short(cell.get("load.gate_mass_lost")),
        "distance": _short(cell.get("distance_from_dropless")),
        "error": _short(error),
        "bound": _short(bound),
        "error_over_bound": _short(error / bound) if error is not None and bound else None,
        **{stage: _short(cell.get(f"stages.{stage}")) for stage in STAGES},
    }


def samples(cells):
    """(samples per line, in the order taken; how many a cell may keep, None for all)."""
    raw = [(cell.timing or {}).get("samples") or [] for cell in cells]
    timed = sum(map(bool, raw))
    keep = max(8, SAMPLE_BUDGET // max(1, timed))
    thinned = any(len(values) > keep for values in raw)
    return [[_short(v) for v in _every_nth(values, keep)] for values in raw], (
        keep if thinned else None
    )


def _every_nth(values, keep):
    """At most `keep` values at even distances, first to last: thinning must not pick favourites."""
    if len(values) <= keep:
        return values
    return [values[round(i * (len(values) - 1) / (keep - 1))] for i in range(keep)]


def _short(value):
    """Six digits: more than any clock here resolves, half the bytes."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
