"""The charts: one function, one Vega-Lite specification, some twenty declarative lines.

The data is not in them. Every chart reads the dataset named "cells" (or "samples") that the page
holds once, and is drawn once per panel with the parameter `panel` set. Colours are CSS variables,
so that light, dark and print need no second drawing.
"""

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
    "autosize": {"type": "fit-x", "contains": "padding"},
    "view": {"stroke": "var(--grid)"},
    "axis": {
        "labelColor": "var(--soft)", "titleColor": "var(--soft)", "titleFontWeight": 500,
        "gridColor": "var(--grid)", "domainColor": "var(--rule)", "tickColor": "var(--rule)",
        "labelFontSize": 12, "titleFontSize": 12, "titlePadding": 8, "labelLimit": 140,
    },
    "text": {"color": "var(--ink)", "font": FONT},
    "rule": {"color": "var(--rule)"},
}  # fmt: skip

SECONDS = "format(datum.value, '.3~s') + 's'"  # axis labels: 10µs, 1ms
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


def _log(values, room=1.25):
    """A log scale with some room around the values; None is left out, zero has no place on it."""
    known = [v for v in values if v]
    if not known:
        return alt.Scale(type="log")
    return alt.Scale(type="log", domain=[min(known) / room, max(known) * room], nice=False)


def _chart(data="cells"):
    return alt.Chart(alt.NamedData(data))


def _spec(chart, *params, width="container", height=220):
    return chart.add_params(*params).properties(width=width, height=height).to_dict()


def latency(cells, names):
    """Median over tokens, both logarithmic; the band is the 95 % interval of the median."""
    tokens = sorted({c.tokens for c in cells if c.tokens})
    times = [t / 1e9 for c in cells if c.median for t in (c.median, *(c.interval or ()))]
    base = (
        _seconds(_chart(), "median", "low", "high")
        .transform_filter("datum.panel == panel && datum.median > 0 && datum.tokens > 0")
        .transform_filter(SHOWN)
        .encode(
            x=alt.X("tokens:Q", scale=_log(tokens, 1.5), title="tokens",
                    axis=alt.Axis(values=tokens, grid=False, format=",d", labelOverlap=True)),
            y=alt.Y("median_s:Q", scale=_log(times), title="median time",
                    axis=alt.Axis(labelExpr=SECONDS, tickCount=6)),
            color=_colour(names),
        )
    )  # fmt: skip
    band = base.mark_area(opacity=0.22).encode(
        alt.Y("low_s:Q"), alt.Y2("high_s:Q"), fill=_by_strategy(alt.Fill, names, 0)
    )
    line = base.mark_line(strokeWidth=1.8).encode(strokeDash=_dash(names))
    point = base.mark_point(filled=True, size=58, opacity=1).encode(
        shape=_shape(names),
        tooltip=["strategy:N", "tokens:Q", "time:N", "interval:N", "ratio:N"],
    )
    return _spec(alt.layer(band, line, point), PANEL, HIDDEN)


def imbalance(cells, names):
    """Time over the calm workload's against the load's max/mean; one panel per strategy."""
    timed = [c for c in cells if c.imbalance_cost and c.demand]
    costs = [c.imbalance_cost for c in timed]
    base = (
        _chart()
        .transform_filter("datum.strategy == panel && datum.cost > 0 && datum.demand > 0")
        .encode(
            x=alt.X("demand:Q", scale=_log([c.demand for c in timed]), title="busiest expert ÷ mean",
                    axis=alt.Axis(tickCount=4, grid=False, format="~g")),
            y=alt.Y("cost:Q", scale=_log([*costs, 0.9, 1.1], 1.05), title="time ÷ calm workload",
                    axis=alt.Axis(tickCount=5, format="~g")),
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
                    axis=alt.Axis(labelExpr=SECONDS, tickCount=4, labelOverlap=True)),
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
    return _spec(chart, PANEL, CHOICE, height={"step": 26})


def heatmap(rank):
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
    return _spec(alt.layer(cells, dead), height={"step": 18})


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
        x=alt.X("dropped:Q", title="assignments dropped", axis=alt.Axis(format="~%", tickCount=5)),
        y=alt.Y("distance:Q", title="distance from dropless", scale=alt.Scale(zero=True)),
        color=_colour(names),
        shape=_shape(names),
        tooltip=["strategy:N", "panel:N", "tokens:Q", "dropped:Q", "gate_lost:Q", "distance:Q"],
    )
    return _spec(chart, PANEL, HIDDEN)


def errors(cells, names):
    """Worst token's error over its bound, logarithmic; right of the line is a failure."""
    base = (
        _chart()
        .transform_filter("isValid(datum.error_over_bound)")
        .transform_filter(SHOWN)
        .transform_calculate(share="max(datum.error_over_bound, 1e-6)")
        .encode(
            x=alt.X("share:Q", title="worst error ÷ bound",
                    scale=alt.Scale(type="log", domain=[1e-6, 1e4], nice=False),
                    axis=alt.Axis(tickCount=6, labelExpr="datum.value <= 1e-6 ? 'exact' : "
                                  "datum.value == 1 ? 'bound' : format(datum.value, '~g')",
                                  values=[1e-6, 1e-4, 1e-2, 1, 1e2, 1e4])),
            y=alt.Y("strategy:N", title=None, sort=names, axis=alt.Axis(ticks=False)),
            color=_colour(names), shape=_shape(names),
            tooltip=["cell:N", "error:Q", "bound:Q", "status:N", "why:N"],
        )
    )  # fmt: skip
    limit = alt.Chart(alt.InlineData([{}])).mark_rule(strokeWidth=2).encode(x=alt.datum(1))
    jitter = base.transform_calculate(jitter="random()").encode(yOffset="jitter:Q")
    points = jitter.mark_point(filled=True, size=34, opacity=0.75)
    return _spec(alt.layer(limit, points), HIDDEN, height={"step": 44})


def samples(names):
    """Every kept sample of one problem, in the order taken from top to bottom of its band."""
    base = (
        _seconds(_chart("samples"), "ns")
        .transform_filter("datum.problem == choice")
        .transform_filter(SHOWN)
    )
    y = alt.Y("strategy:N", title=None, sort=names, axis=alt.Axis(ticks=False, grid=True))
    x = alt.X("ns_s:Q", title="time of one run", scale=alt.Scale(type="log", nice=False, padding=12),
              axis=alt.Axis(labelExpr=SECONDS, tickCount=6, labelOverlap=True))  # fmt: skip
    dots = base.mark_point(filled=True, size=22, opacity=0.7).encode(
        x=x, y=y, yOffset="order:Q", color=_colour(names), shape=_shape(names),
        tooltip=["strategy:N", "order:Q", alt.Tooltip("ns_s:Q", format=".4s")],
    )  # fmt: skip
    middle = base.mark_tick(thickness=2.5, color="var(--ink)", height={"band": 0.9}).encode(
        x=alt.X("median(ns_s):Q"), y=y
    )
    return _spec(alt.layer(dots, middle), CHOICE, HIDDEN, height={"step": 54})
