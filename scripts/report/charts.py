"""The charts: one function, one Vega-Lite specification, some twenty declarative lines.

The data is not in them. Every chart reads the dataset named "cells" (or "samples") that the page
holds once, and is drawn once per panel with the parameter `panel` set. Colours are CSS variables,
so that light, dark and print need no second drawing.
"""

import altair as alt

from report import style


def _over_tokens(chart, cells, names, y):
    """Lines over tokens with their band: the part that latency and ratio share."""
    tokens = sorted({c.tokens for c in cells if c.tokens})
    base = (
        chart.transform_filter("datum.panel == panel && datum.median > 0 && datum.tokens > 0")
        .transform_filter(style.SHOWN)
        .encode(
            x=alt.X(
                "tokens:Q",
                scale=style.log(tokens, 1.5),
                title="tokens (k = 1,024)",
                axis=alt.Axis(values=tokens, grid=False, labelExpr=style.TOKENS, **style.APART),
            ),
            y=y,
            color=style.colour(names),
        )
    )
    line = base.mark_line(strokeWidth=1.8).encode(strokeDash=style.dash(names))
    point = base.mark_point(filled=True, size=58, opacity=1).encode(
        shape=style.shape(names),
        tooltip=["strategy:N", "tokens:Q", "time:N", "interval:N", "ratio:Q", "verdict:N"],
    )
    return base.mark_area(opacity=0.22), line, point


def latency(cells, names):
    """Median over tokens, both logarithmic; the band is the 95 % interval of the median."""
    times = [c.median / 1e9 for c in cells if c.median]
    scale = style.log_of_setting(
        cells, lambda c: [t and t / 1e9 for t in (c.median, *(c.interval or ()))]
    )
    axis = alt.Axis(labelExpr=style.SECONDS, values=style.decades(times or [1]))
    y = alt.Y("median_s:Q", scale=scale, title="median time", axis=axis)
    chart = style.seconds(style.chart(), "median", "low", "high")
    band, line, point = _over_tokens(chart, cells, names, y)
    band = band.encode(alt.Y("low_s:Q"), alt.Y2("high_s:Q"))
    return style.spec(alt.layer(band, line, point), style.PANEL, style.HIDDEN)


def ratio(cells, names):
    """The speed table as a picture: each time over the fastest dropless one's."""
    ratios = [c.ratio for c in cells if c.ratio]
    scale = style.log_of_setting(cells, lambda c: [c.ratio])
    axis = alt.Axis(values=style.factors(ratios), format="~g", **style.APART)
    y = alt.Y("ratio:Q", scale=scale, title="× the fastest dropless", axis=axis)
    band, line, point = _over_tokens(style.chart(), cells, names, y)
    band = band.encode(alt.Y("ratio_low:Q"), alt.Y2("ratio_high:Q"))
    one = alt.Chart(alt.InlineData([{}])).mark_rule(strokeDash=[3, 3]).encode(y=alt.datum(1))
    return style.spec(alt.layer(one, band, line, point), style.PANEL, style.HIDDEN)


def imbalance(cells, names):
    """Time over the calm workload's against the load's max/mean; one panel per strategy."""
    timed = [c for c in cells if c.imbalance_cost and c.demand]
    costs, loads = [c.imbalance_cost for c in timed] + [0.9, 1.1], [c.demand for c in timed]
    base = (
        style.chart()
        .transform_filter("datum.strategy == panel && datum.cost > 0 && datum.demand > 0")
        .encode(
            x=alt.X(
                "demand:Q",
                scale=style.log(loads, 1.1),
                title="busiest expert ÷ mean",
                axis=alt.Axis(values=style.factors(loads), grid=False, format="~g", **style.APART),
            ),
            y=alt.Y(
                "cost:Q",
                scale=style.log(costs, 1.05),
                title="time ÷ calm workload",
                axis=alt.Axis(values=style.factors(costs), format="~g", **style.APART),
            ),
        )
    )
    even = alt.Chart(alt.InlineData([{}])).mark_rule(strokeDash=[3, 3]).encode(y=alt.datum(1))
    line = base.mark_line(strokeWidth=1, opacity=0.45).encode(
        color=style.colour(names), detail=["setting:N", "tokens:Q"]
    )
    point = base.mark_point(filled=True, size=42, opacity=0.9).encode(
        shape=style.shape(names),
        color=style.colour(names),
        tooltip=["strategy:N", "panel:N", "tokens:Q", "time:N", "cost:Q", "demand:Q"],
    )
    return style.spec(alt.layer(even, line, point), style.PANEL, height=190)


def stages(cells, names):
    """Where the time goes: bars from zero; a strategy without stages says so."""
    base = style.chart().transform_filter(
        "datum.panel == choice && datum.tokens == toNumber(panel)"
    )
    fields = list(style.STAGE_COLOURS)
    bars = (
        base.transform_fold(fields, as_=["stage", "ns"])
        .transform_filter("isValid(datum.ns)")
        .transform_calculate(seconds="datum.ns / 1e9")
        .transform_calculate(order=f"indexof({fields}, datum.stage)")
        .mark_bar(stroke="var(--card)", strokeWidth=1, height={"band": 0.72})
        .encode(
            x=alt.X(
                "sum(seconds):Q",
                title=None,
                axis=alt.Axis(labelExpr=style.SECONDS, tickCount=4, **style.APART),
            ),
            color=alt.Color(
                "stage:N",
                legend=None,
                scale=alt.Scale(domain=fields, range=list(style.STAGE_COLOURS.values())),
            ),
            order="order:Q",
            tooltip=["strategy:N", "stage:N", alt.Tooltip("seconds:Q", format=".3~s")],
        )
    )
    missing = (
        base.transform_filter("!isValid(datum.unattributed)")
        .mark_text(align="left", dx=4, color="var(--soft)")
        .encode(x=alt.datum(0), text=alt.value("— not measured"), tooltip=["cell:N", "why:N"])
    )
    chart = alt.layer(bars, missing).encode(
        y=alt.Y(
            "strategy:N",
            title=None,
            sort=names,
            scale=alt.Scale(domain=names),
            axis=alt.Axis(labelLimit=160, ticks=False, domain=False),
        ),
    )
    return style.spec(chart, style.PANEL, style.CHOICE, height=26 * len(names))


def heatmap(layers, rank):
    """Load of each expert over its layer's mean; by expert number, or sorted by load."""
    field, title = ("rank", "experts, busiest first") if rank else ("expert", "expert")
    base = style.chart("load").encode(
        x=alt.X(f"{field}:O", title=title, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y("layer:O", title="layer"),
        tooltip=["layer:O", "expert:O", "slots:Q", alt.Tooltip("over_mean:Q", format=".2f")],
    )
    # The scale ends at twice the mean's logarithmic mirror: 0 empty, 1 mean, 4 and more full.
    cells = base.mark_rect(fill="var(--heat)", stroke="var(--grid)", strokeWidth=0.5).encode(
        fillOpacity=alt.FillOpacity(
            "over_mean:Q",
            legend=None,
            scale=alt.Scale(type="sqrt", domain=[0, 4], range=[0, 1], clamp=True),
        )
    )
    dead = base.transform_filter("datum.slots == 0").mark_text(text="×", fontSize=11)
    return style.spec(alt.layer(cells, dead), height=18 * layers)


def distance(cells, names):
    """What a strategy with another routing loses against how far its output moves."""
    base = (
        style.chart()
        .transform_filter("!datum.dropless && isValid(datum.distance) && isValid(datum.dropped)")
        .transform_filter("datum.setting == panel")
        .transform_filter(style.SHOWN)
        .mark_point(filled=True, size=60, opacity=0.8)
    )
    chart = base.encode(
        x=alt.X(
            "dropped:Q",
            title="assignments dropped",
            axis=alt.Axis(format="~%", tickCount=5, **style.APART),
        ),
        y=alt.Y("distance:Q", title="distance from dropless", scale=alt.Scale(zero=True)),
        color=style.colour(names),
        shape=style.shape(names),
        tooltip=["strategy:N", "panel:N", "tokens:Q", "dropped:Q", "gate_lost:Q", "distance:Q"],
    )
    return style.spec(chart, style.PANEL, style.HIDDEN)


def errors(cells, names):
    """Worst token's error over its bound, logarithmic; right of the line is a failure."""
    shares = [_share_of_bound(c) for c in cells]
    decades = style.decades([*shares, 1])
    zero = decades[0] / 10  # where an error of exactly nothing is drawn
    base = (
        style.chart()
        .transform_filter("isValid(datum.error_over_bound)")
        .transform_filter(style.SHOWN)
        .transform_calculate(share=f"max(datum.error_over_bound, {zero})", jitter="random()")
        .encode(
            x=alt.X(
                "share:Q",
                title="worst error ÷ bound",
                scale=alt.Scale(type="log", domain=[zero / 1.5, decades[-1] * 1.5], nice=False),
                axis=alt.Axis(
                    values=[zero, *decades],
                    **style.APART,
                    labelExpr=f"datum.value <= {zero}"
                    " ? 'exact' : datum.value == 1 ? 'bound' : format(datum.value, '~g')",
                ),
            ),
            y=alt.Y("strategy:N", title=None, sort=names, axis=alt.Axis(ticks=False)),
            yOffset="jitter:Q",
            color=style.colour(names),
            shape=style.shape(names),
            tooltip=["cell:N", "error:Q", "bound:Q", "status:N", "why:N"],
        )
    )
    limit = alt.Chart(alt.InlineData([{}])).mark_rule(strokeWidth=2).encode(x=alt.datum(1))
    points = base.mark_point(filled=True, size=34, opacity=0.75)
    return style.spec(alt.layer(limit, points), style.HIDDEN, height=44 * len(names))


def _share_of_bound(cell):
    error, bound = cell.get("validation.worst_error"), cell.get("validation.bound")
    return error / bound if error and bound else None


def samples(names):
    """Every kept sample of one problem, in the order taken from top to bottom of its band."""
    base = (
        style.seconds(style.chart("samples"), "ns")
        .transform_filter("datum.problem == choice")
        .transform_filter(style.SHOWN)
    )
    y = alt.Y("strategy:N", title=None, sort=names, axis=alt.Axis(ticks=False, grid=True))
    x = alt.X(
        "ns_s:Q",
        title="time of one run",
        scale=alt.Scale(type="log", nice=False, padding=12),
        axis=alt.Axis(labelExpr=style.SECONDS, tickCount=6, **style.APART),
    )
    dots = base.mark_point(filled=True, size=22, opacity=0.7).encode(
        x=x,
        y=y,
        yOffset="order:Q",
        color=style.colour(names),
        shape=style.shape(names),
        tooltip=["strategy:N", "order:Q", alt.Tooltip("ns_s:Q", format=".4s")],
    )
    middle = base.mark_tick(thickness=2.5, color="var(--ink)", size=46).encode(
        x=alt.X("median(ns_s):Q"), y=y
    )
    return style.spec(alt.layer(dots, middle), style.CHOICE, style.HIDDEN, height=54 * len(names))
