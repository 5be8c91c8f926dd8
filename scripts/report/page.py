"""Puts words, tables and charts into the one page. Nothing is measured or judged here."""

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import jinja2
import vl_convert
from markupsafe import Markup

from report import cells as cells_
from report import charts, dataset, records, verdict, words
from report.trace import expert_load

HERE = Path(__file__).parent
FOLDED_ROWS = 60  # a table of more rows starts folded

GLYPHS = {  # the legend's marks, in the shapes Vega draws
    "circle": "M14 8m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
    "square": "M10.5 4.5h7v7h-7z",
    "triangle-up": "M14 3.5l4.6 8h-9.2z",
    "diamond": "M14 3l4.2 5l-4.2 5l-4.2 -5z",
    "triangle-down": "M14 12.5l4.6 -8h-9.2z",
    "cross": "M12.5 3.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
    "triangle-right": "M18.5 8l-8 -4.6v9.2z",
}


def render(files, trace=None):
    """The whole page as text. Raises records.ReportError where the input cannot be drawn."""
    cells = cells_.flatten(records.read_all(files))
    layers = expert_load(trace) if trace else []
    script = (HERE / "page.js").read_text(encoding="utf-8")
    runtime = vl_convert.javascript_bundle()
    return (
        _environment()
        .get_template("template.html.j2")
        .render(
            view(cells, layers, files, trace)
            | {
                "script": script,
                "runtime": runtime,
                "style": (HERE / "style.css").read_text(encoding="utf-8"),
                "allowed_scripts": " ".join(_fingerprint(text) for text in (runtime, script)),
            }
        )
    )


def view(cells, layers, files, trace):
    """Everything the template names."""
    names = cells_.strategies(cells)
    rows = cells_.rows(cells)
    sample_values, kept = dataset.samples(cells)
    return {
        "words": words, "statuses": records.STATUSES, "verdicts": cells_.VERDICTS,
        "margin": cells_.MARGIN, "folded_rows": FOLDED_ROWS,
        "files": [Path(f).name for f in files], "trace": Path(trace).name if trace else None,
        "cells": cells, "rows": rows, "names": names, "glyphs": GLYPHS,
        "look": charts.look(names), "stage_colours": charts.STAGE_COLOURS,
        "panels": cells_.panel_names(cells),
        "settings": list(dict.fromkeys(c.setting for c in cells)),
        "rerouted_settings": list(dict.fromkeys(c.setting for c in cells if not c.dropless)),
        "tokens": sorted({c.tokens for c in cells}),
        "staged_tokens": sorted({c.tokens for c in cells if c.get("stages")}),
        "problems": list(dict.fromkeys(c.problem for c in cells if c.median)),
        "closest": _closest(rows), "calm": cells_.calm_workload(cells),
        "headline": verdict.headline(cells), "regimes": verdict.regimes(cells),
        "tally": verdict.tally(cells), "noise": verdict.noise(cells),
        "sample_counts": verdict.samples(cells), "machines": verdict.machines(cells),
        "not_comparable": verdict.not_comparable(cells),
        "rerouting": verdict.rerouting(cells), "crossovers": verdict.crossovers(cells),
        "sensitivity": verdict.sensitivity(cells), "drops": verdict.drops(cells),
        "failures": verdict.failures(cells), "kept": kept, "layers": layers,
        "timed": sum(bool(c.median and c.tokens) for c in cells),
        "checked": sum(c.get("validation.worst_error") is not None for c in cells),
        "specs": _specs(cells, names, layers), "config": charts.CONFIG,
        "table": dataset.table(cells), "samples": sample_values, "load": _load(layers),
        "repros": [c.line.get("repro") for c in cells],
    }  # fmt: skip


def _specs(cells, names, layers):
    specs = {
        "latency": charts.latency(cells, names),
        "ratio": charts.ratio(cells, names),
        "imbalance": charts.imbalance(cells, names),
        "stages": charts.stages(cells, names),
        "distance": charts.distance(cells, names),
        "errors": charts.errors(cells, names),
        "samples": charts.samples(names),
    }
    if layers:
        specs["load"] = charts.heatmap(len(layers), rank=False)
        specs["load_ranked"] = charts.heatmap(len(layers), rank=True)
    return specs


def _load(layers):
    """The heatmap's rows: one per layer and expert."""
    found = []
    for layer in layers:
        ranked = sorted(range(len(layer.slots)), key=lambda e: -layer.slots[e])
        for expert, over_mean in enumerate(layer.over_mean):
            found.append(
                {
                    "layer": layer.layer,
                    "expert": expert,
                    "rank": ranked.index(expert) + 1,
                    "slots": layer.slots[expert],
                    "over_mean": round(over_mean, 4),
                }
            )
    return found


def _closest(rows):
    """The problem with the closest race: where a reader most wants to see the samples."""
    raced = [row for row in rows if row.lead]
    if not raced:
        return None
    row = min(raced, key=lambda row: row.lead)
    return row.ranked[0].problem


def _environment():
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["embed"] = _embed
    environment.filters["zip_with_self"] = lambda names: [(name, name) for name in names]
    environment.filters["with_unit"] = lambda numbers, unit: [
        (n, words.count(n, unit)) for n in numbers
    ]
    environment.filters["named"] = lambda row, columns: dict(zip(columns, row))
    return environment


def _embed(value):
    """JSON that may stand inside <script>: no '<', so no name can close the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


def _fingerprint(script):
    """The policy's name of one inline script: only these two run, whatever the data contains."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
