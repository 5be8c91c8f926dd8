"""Reads result lines and refuses what the page could not draw honestly."""

import json
import math

STATUSES = {  # status -> (glyph, what it means); the order is the order of the page
    "ok": ("✓", "passed every check"),
    "wrong": ("✗", "the output or the routing differs from the reference"),
    "mistrusted": ("✗", "the check could not have failed, so passing it proves nothing"),
    "suspect": ("✗", "faster than the machine allows; never ranked"),
    "crashed": ("✗", "the process died"),
    "timeout": ("✗", "ran past its time limit"),
    "oom": ("✗", "ran out of memory"),
    "unsupported": ("–", "the strategy does not take this shape or type"),
    "skipped": ("–", "left out on purpose"),
}
NOT_RUN = ("unsupported", "skipped")
POLICIES = ("token-choice", "capped", "expert-choice", "token-rounding")

REQUIRED = {  # path -> type, for the keys without which a line has no place on the page
    "cell": str,
    "problem_id": str,
    "problem.shape": str,
    "problem.tokens": int,
    "problem.dtype": str,
    "strategy.name": str,
    "strategy.backend": str,
    "strategy.policy": str,
    "workload.name": str,
    "status": str,
}


class ReportError(Exception):
    """The user's mistake, in one sentence: where, what was found, what was expected."""


def read_all(paths):
    """Every result line of every file, in order. Raises ReportError on the first bad line."""
    lines = [line for path in paths for line in read(path)]
    if not lines:
        raise ReportError(f"{', '.join(map(str, paths))}: no result line found, nothing to draw")
    return lines


def read(path):
    lines = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, start=1):
            if text.strip():
                lines.append(parse(text, f"{path}:{number}"))
    return lines


def parse(text, place):
    try:
        line = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise ReportError(f"{place}: not a JSON object ({error})") from None
    if not isinstance(line, dict) or line.get("schema") != "moebench.result":
        raise ReportError(f'{place}: not a result line, expected "schema":"moebench.result"')
    version = str(line.get("schema_version"))
    if version.split(".")[0] != "1":
        raise ReportError(f"{place}: schema_version {version} is not 1.x, the one this page reads")
    check(line, place)
    return line


def check(line, place):
    for path, kind in REQUIRED.items():
        value = line
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ReportError(f"{place}: {path} is {json.dumps(value)}, expected {kind.__name__}")
    if line["status"] not in STATUSES:
        known = ", ".join(STATUSES)
        raise ReportError(f'{place}: unknown status "{line["status"]}", expected one of {known}')
    if line["problem"]["tokens"] < 0:
        raise ReportError(f"{place}: problem.tokens is {line['problem']['tokens']}, expected >= 0")
    check_timing(line, place)


def check_timing(line, place):
    timing = line.get("timing")
    if timing is None:
        if not line.get("timing_reason"):
            raise ReportError(f"{place}: timing is null and timing_reason does not say why")
        return
    if line["status"] != "ok":
        raise ReportError(f"{place}: status {line['status']} must not carry a timing")
    if timing.get("unit") != "ns":
        raise ReportError(f"{place}: timing.unit is {timing.get('unit')!r}, expected 'ns'")
    if not _positive(timing.get("median")):
        raise ReportError(f"{place}: timing.median is {timing.get('median')!r}, expected > 0")
    interval = timing.get("median_ci95")
    if interval is not None and not (len(interval) == 2 and all(map(_positive, interval))):
        raise ReportError(f"{place}: timing.median_ci95 is {interval}, expected two times > 0")
    if not all(map(_positive, timing.get("samples") or [])):
        raise ReportError(f"{place}: timing.samples holds a value that is not a time > 0")


def _positive(value):
    return isinstance(value, (int, float)) and math.isfinite(value) and value > 0


def _refuse_constant(name):
    raise ValueError(f"{name} is not a number JSON knows")
