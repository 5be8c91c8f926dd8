"""What all charts share: colours, marks, scales and the ways to write an axis."""

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


def by_strategy(channel, names, part):
    values = [style[part] for style in look(names).values()]
    return channel("strategy:N", legend=None, scale=alt.Scale(domain=names, range=values))


def colour(names):
    return by_strategy(alt.Color, names, 0)


def shape(names):
    return by_strategy(alt.Shape, names, 1)


def dash(names):
    return by_strategy(alt.StrokeDash, names, 2)


def seconds(chart, *fields):
    """Times are kept in ns; axes and tooltips speak seconds with a prefix."""
    for field in fields:
        chart = chart.transform_calculate(**{f"{field}_s": f"datum.{field} / 1e9"})
    return chart


def log(values, room=1.25, **more):
    """A log scale with some room around the values; None is left out, zero has no place on it."""
    known = [v for v in values if v]
    if known:
        more["domain"] = [min(known) / room, max(known) * room]
    return alt.Scale(type="log", nice=False, **more)


def log_of_setting(cells, values):
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


def factors(values):
    """Ticks for ratios: round factors within the values."""
    known = [v for v in values if v] or [1]
    for ladder in LADDERS:
        inside = [f for f in ladder if min(known) / 1.08 <= f <= max(known) * 1.05]
        if len(inside) >= 3:
            return inside
    return inside or [1]


def decades(values):
    known = [v for v in values if v]
    return [10.0**p for p in range(floor(log10(min(known))), floor(log10(max(known))) + 2)]


def chart(data="cells"):
    return alt.Chart(alt.NamedData(data))


def spec(chart, *params, width="container", height=220):
    return (
        chart.add_params(*params)
        .properties(width=width, height=height, autosize=alt.AutoSizeParams(type="fit-x"))
        .to_dict()
    )
