"""The charts: one function, one Vega-Lite specification, some twenty declarative lines.

The data is not in them. Every chart reads the dataset named "cells" (or "samples") that the page
holds once, and is drawn once per panel with the parameter `panel` set. Colours are CSS variables,
so that light, dark and print need no second drawing.
"""

import json
from math import floor, log10

import altair as alt

COLOURS = 8  # --s0 to --s7 in style.css: Okabe and Ito's palette, an order for light, one for dark
SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4]]
STAGE_COLOURS = {
    "route": "var(--s5)",
    "group": "var(--s6)",
    "permute": "var(--s3)",
    "experts": "var(--s0)",
    "combine": "var(--s2)",
    "unattributed": "url(#hatch)",
}

FONT = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
CONFIG = {
    "background": None,
    "font": FONT,
    "padding": {"left": 4, "right": 10, "top": 6, "bottom": 4},
    "view": {"stroke": "var(--grid)"},
    "axis": {
        "labelColor": "var(--soft)", "titleColor": "var(--soft)", "titleFontWeight": 500,
        "gridColor": "var(--grid)", "domainColor": "var(--rule)", "tickColor": "var(--rule)",
        "labelFontSize": 12, "titleFontSize": 12, "titlePadding": 8, "labelLimit": 140,
    },
    "text": {"color": "var(--ink)", "font": FONT},
    "rule": {"color": "var(--rule)"},
}  # fmt: skip

SECONDS = "datum.value ? format(datum.value, '.3~s') + 's' : '0'"  # axis labels: 10µs, 1ms
APART = {"labelOverlap": "greedy", "labelSeparation": 6}
TOKENS = "datum.value >= 1024 && datum.value % 1024 == 0 ? datum.value / 1024 + 'k' : datum.value"
LADDERS = (  # ticks for ratios, the coarsest first; the first with enough rungs inside is taken
    [4.0**p for p in range(-4, 8)],
    [2.0**p for p in range(-4, 8)],
    [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 2, 2.5],
    [0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2],
)
HIDDEN = alt.param(name="hidden", value=[])  # strategies switched off in the legend
PANEL = alt.param(name="panel", value="")
CHOICE = alt.param(name="choice", value="")  # the page's drop-down beside some figures
SHOWN = "indexof(hidden, datum.strategy) < 0"


def look(names):
    """strategy -> (colour, shape, dash): one look in every chart, and never colour alone."""
    return {
        name: (f"var(--s{i % COLOURS})", SHAPES[i % len(SHAPES)], DASHES[i % len(DASHES)])
        for i, name in enumerate(names)
    }


def _by_strategy(channel, names, part):
    values = [style[part] for style in look(names).values()]
    return channel("strategy:N", legend=None, scale=alt.Scale(domain=names, range=values))


def _colour(names):
    return _by_strategy(alt.Color, names, 0)


def _shape(names):
    return _by_strategy(alt.Shape, names, 1)


def _dash(names):
    return _by_strategy(alt.StrokeDash, names, 2)


def _seconds(chart, *fields):
    """Times are kept in ns; axes and tooltips speak seconds with a prefix."""
    for field in fields:
        chart = chart.transform_calculate(**{f"{field}_s": f"datum.{field} / 1e9"})
    return chart


def _log(values, room=1.25, **more):
    """A log scale with some room around the values; None is left out, zero has no place on it."""
    known = [v for v in values if v]
    if known:
        more["domain"] = [min(known) / room, max(known) * room]
    return alt.Scale(type="log", nice=False, **more)


def _log_of_setting(cells, values):
    """The same log scale in all panels of one setting, so that workloads can be compared."""
    ends = {}
    for cell in cells:
        for value in filter(None, values(cell)):
            low, high = ends.get(cell.setting, (value, value))
            ends[cell.setting] = (min(low, value), max(high, value))
    known = {c.panel: [ends[c.setting][0] / 1.4, ends[c.setting][1] * 1.4]
             for c in cells if c.setting in ends}  # fmt: skip
    low, high = (alt.ExprRef(f"(({json.dumps(known)})[panel] || [1, 10])[{end}]") for end in (0, 1))
    return alt.Scale(type="log", nice=False, domainMin=low, domainMax=high)


def _factors(values):
    """Ticks for ratios: round factors within the values."""
    known = [v for v in values if v] or [1]
    for ladder in LADDERS:
        inside = [f for f in ladder if min(known) / 1.08 <= f <= max(known) * 1.05]
        if len(inside) >= 3:
            return inside
    return inside or [1]


def _decades(values):
    known = [v for v in values if v]
    return [10.0**p for p in range(floor(log10(min(known))), floor(log10(max(known))) + 2)]


def _chart(data="cells"):
    return alt.Chart(alt.NamedData(data))


def _spec(chart, *params, width="container", height=220):
    return (
        chart.add_params(*params)
        .properties(width=width, height=height, autosize=alt.AutoSizeParams(type="fit-x"))
        .to_dict()
    )


def _over_tokens(chart, cells, names, y):
    """Lines over tokens with their band: the part that latency and ratio share."""
    tokens = sorted({c.tokens for c in cells if c.tokens})
    base = (
        chart.transform_filter("datum.panel == panel && datum.median > 0 && datum.tokens > 0")
        .transform_filter(SHOWN)
        .encode(
            x=alt.X("tokens:Q", scale=_log(tokens, 1.5), title="tokens (k = 1,024)",
                    axis=alt.Axis(values=tokens, grid=False, labelExpr=TOKENS, **APART)),
            y=y,
            color=_colour(names),
        )
    )  # fmt: skip
    line = base.mark_line(strokeWidth=1.8).encode(strokeDash=_dash(names))
    point = base.mark_point(filled=True, size=58, opacity=1).encode(
        shape=_shape(names),
        tooltip=["strategy:N", "tokens:Q", "time:N", "interval:N", "ratio:Q", "verdict:N"],
    )
    return base.mark_area(opacity=0.22), line, point


def latency(cells, names):
    """Median over tokens, both logarithmic; the band is the 95 % interval of the median."""
    times = [c.median / 1e9 for c in cells if c.median]
    scale = _log_of_setting(
        cells, lambda c: [t and t / 1e9 for t in (c.median, *(c.interval or ()))]
    )
    axis = alt.Axis(labelExpr=SECONDS, values=_decades(times or [1]))
    y = alt.Y("median_s:Q", scale=scale, title="median time", axis=axis)
    chart = _seconds(_chart(), "median", "low", "high")
    band, line, point = _over_tokens(chart, cells, names, y)
    band = band.encode(alt.Y("low_s:Q"), alt.Y2("high_s:Q"))
    return _spec(alt.layer(band, line, point), PANEL, HIDDEN)


def ratio(cells, names):
    """The speed table as a picture: each time over the fastest dropless one's, band its interval."""
    ratios = [c.ratio for c in cells if c.ratio]
    scale = _log_of_setting(cells, lambda c: [c.ratio])
    axis = alt.Axis(values=_factors(ratios), format="~g", **APART)
    y = alt.Y("ratio:Q", scale=scale, title="× the fastest dropless", axis=axis)
    band, line, point = _over_tokens(_chart(), cells, names, y)
    band = band.encode(alt.Y("ratio_low:Q"), alt.Y2("ratio_high:Q"))
    one = alt.Chart(alt.InlineData([{}])).mark_rule(strokeDash=[3, 3]).encode(y=alt.datum(1))
    return _spec(alt.layer(one, band, line, point), PANEL, HIDDEN)


def imbalance(cells, names):
    """Time over the calm workload's against the load's max/mean; one panel per strategy."""
    timed = [c for c in cells if c.imbalance_cost and c.demand]
    costs, loads = [c.imbalance_cost for c in timed] + [0.9, 1.1], [c.demand for c in timed]
    base = (
        _chart()
        .transform_filter("datum.strategy == panel && datum.cost > 0 && datum.demand > 0")
        .encode(
            x=alt.X("demand:Q", scale=_log(loads, 1.1), title="busiest expert ÷ mean",
                    axis=alt.Axis(values=_factors(loads), grid=False, format="~g", **APART)),
            y=alt.Y("cost:Q", scale=_log(costs, 1.05), title="time ÷ calm workload",
                    axis=alt.Axis(values=_factors(costs), format="~g", **APART)),
        )
    )  # fmt: skip
    even = alt.Chart(alt.InlineData([{}])).mark_rule(strokeDash=[3, 3]).encode(y=alt.datum(1))
    line = base.mark_line(strokeWidth=1, opacity=0.45).encode(
        color=_colour(names), detail=["setting:N", "tokens:Q"]
    )
    point = base.mark_point(filled=True, size=42, opacity=0.9).encode(
        shape=_shape(names),
        color=_colour(names),
        tooltip=["strategy:N", "panel:N", "tokens:Q", "time:N", "cost:Q", "demand:Q"],
    )
    return _spec(alt.layer(even, line, point), PANEL, height=190)


def stages(cells, names):
    """Where the time goes: bars from zero; a strategy without stages says so."""
    base = _chart().transform_filter("datum.panel == choice && datum.tokens == toNumber(panel)")
    fields = list(STAGE_COLOURS)
    bars = (
        base.transform_fold(fields, as_=["stage", "ns"])
        .transform_filter("isValid(datum.ns)")
        .transform_calculate(seconds="datum.ns / 1e9")
        .transform_calculate(order=f"indexof({fields}, datum.stage)")
        .mark_bar(stroke="var(--card)", strokeWidth=1, height={"band": 0.72})
        .encode(
            x=alt.X("sum(seconds):Q", title=None,
                    axis=alt.Axis(labelExpr=SECONDS, tickCount=4, **APART)),
            color=alt.Color("stage:N", legend=None,
                            scale=alt.Scale(domain=fields, range=list(STAGE_COLOURS.values()))),
            order="order:Q",
            tooltip=["strategy:N", "stage:N", alt.Tooltip("seconds:Q", format=".3~s")],
        )
    )  # fmt: skip
    missing = (
        base.transform_filter("!isValid(datum.unattributed)")
        .mark_text(align="left", dx=4, color="var(--soft)")
        .encode(x=alt.datum(0), text=alt.value("— not measured"), tooltip=["cell:N", "why:N"])
    )
    chart = alt.layer(bars, missing).encode(
        y=alt.Y("strategy:N", title=None, sort=names, scale=alt.Scale(domain=names),
                axis=alt.Axis(labelLimit=120, ticks=False, domain=False)),
    )  # fmt: skip
    return _spec(chart, PANEL, CHOICE, height=26 * len(names))


def heatmap(layers, rank):
    """Load of each expert over its layer's mean; by expert number, or sorted by load."""
    field, title = ("rank", "experts, busiest first") if rank else ("expert", "expert")
    base = _chart("load").encode(
        x=alt.X(f"{field}:O", title=title, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y("layer:O", title="layer"),
        tooltip=["layer:O", "expert:O", "slots:Q", alt.Tooltip("over_mean:Q", format=".2f")],
    )
    # The scale ends at twice the mean's logarithmic mirror: 0 empty, 1 mean, 4 and more full.
    cells = base.mark_rect(fill="var(--heat)", stroke="var(--grid)", strokeWidth=0.5).encode(
        fillOpacity=alt.FillOpacity(
            "over_mean:Q", legend=None,
            scale=alt.Scale(type="sqrt", domain=[0, 4], range=[0, 1], clamp=True),
        )
    )  # fmt: skip
    dead = base.transform_filter("datum.slots == 0").mark_text(text="×", fontSize=11)
    return _spec(alt.layer(cells, dead), height=18 * layers)


def distance(cells, names):
    """What a strategy with another routing loses against how far its output moves."""
    base = (
        _chart()
        .transform_filter("!datum.dropless && isValid(datum.distance) && isValid(datum.dropped)")
        .transform_filter("datum.setting == panel")
        .transform_filter(SHOWN)
        .mark_point(filled=True, size=60, opacity=0.8)
    )
    chart = base.encode(
        x=alt.X(
            "dropped:Q",
            title="assignments dropped",
            axis=alt.Axis(format="~%", tickCount=5, **APART),
        ),
        y=alt.Y("distance:Q", title="distance from dropless", scale=alt.Scale(zero=True)),
        color=_colour(names),
        shape=_shape(names),
        tooltip=["strategy:N", "panel:N", "tokens:Q", "dropped:Q", "gate_lost:Q", "distance:Q"],
    )
    return _spec(chart, PANEL, HIDDEN)


def errors(cells, names):
    """Worst token's error over its bound, logarithmic; right of the line is a failure."""
    shares = [_share_of_bound(c) for c in cells]
    decades = _decades([*shares, 1])
    zero = decades[0] / 10  # where an error of exactly nothing is drawn
    base = (
        _chart()
        .transform_filter("isValid(datum.error_over_bound)")
        .transform_filter(SHOWN)
        .transform_calculate(share=f"max(datum.error_over_bound, {zero})", jitter="random()")
        .encode(
            x=alt.X("share:Q", title="worst error ÷ bound",
                    scale=alt.Scale(type="log", domain=[zero / 1.5, decades[-1] * 1.5], nice=False),
                    axis=alt.Axis(values=[zero, *decades], **APART, labelExpr=f"datum.value <= {zero}"
                                  " ? 'exact' : datum.value == 1 ? 'bound' : format(datum.value, '~g')")),
            y=alt.Y("strategy:N", title=None, sort=names, axis=alt.Axis(ticks=False)),
            yOffset="jitter:Q",
            color=_colour(names),
            shape=_shape(names),
            tooltip=["cell:N", "error:Q", "bound:Q", "status:N", "why:N"],
        )
    )  # fmt: skip
    limit = alt.Chart(alt.InlineData([{}])).mark_rule(strokeWidth=2).encode(x=alt.datum(1))
    points = base.mark_point(filled=True, size=34, opacity=0.75)
    return _spec(alt.layer(limit, points), HIDDEN, height=44 * len(names))


def _share_of_bound(cell):
    error, bound = cell.get("validation.worst_error"), cell.get("validation.bound")
    return error / bound if error and bound else None


def samples(names):
    """Every kept sample of one problem, in the order taken from top to bottom of its band."""
    base = (
        _seconds(_chart("samples"), "ns")
        .transform_filter("datum.problem == choice")
        .transform_filter(SHOWN)
    )
    y = alt.Y("strategy:N", title=None, sort=names, axis=alt.Axis(ticks=False, grid=True))
    x = alt.X("ns_s:Q", title="time of one run", scale=alt.Scale(type="log", nice=False, padding=12),
              axis=alt.Axis(labelExpr=SECONDS, tickCount=6, **APART))  # fmt: skip
    dots = base.mark_point(filled=True, size=22, opacity=0.7).encode(
        x=x, y=y, yOffset="order:Q", color=_colour(names), shape=_shape(names),
        tooltip=["strategy:N", "order:Q", alt.Tooltip("ns_s:Q", format=".4s")],
    )  # fmt: skip
    middle = base.mark_tick(thickness=2.5, color="var(--ink)", size=46).encode(
        x=alt.X("median(ns_s):Q"), y=y
    )
    return _spec(alt.layer(dots, middle), CHOICE, HIDDEN, height=54 * len(names))
