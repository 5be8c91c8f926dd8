"""Numbers as people write them. What does not exist is an em dash, never a zero."""

NONE = "—"


def time(ns):
    """412 ns, 1.23 µs, 45.6 ms: three digits, the unit that fits."""
    if ns is None:
        return NONE
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size * 0.9995:
            return f"{three_digits(ns / size)} {unit}"
    return f"{three_digits(ns)} ns"


def interval(bounds):
    """[408, 418] µs, or both ends with their own unit where these differ."""
    if bounds is None:
        return NONE
    low, high = time(bounds[0]), time(bounds[1])
    if low.split()[1] == high.split()[1]:
        return f"{low.split()[0]}–{high}"
    return f"{low} – {high}"


def ratio(value):
    return NONE if value is None else f"{three_digits(value)}×"


def share(value):
    """0.031 -> 3.1 %. A share above zero never reads as zero."""
    if value is None:
        return NONE
    if 0 < value < 0.001:
        return "< 0.1 %"
    percent = 100 * value
    digits = f"{percent:.0f}" if abs(percent) >= 9.95 else f"{percent:.1f}".removesuffix(".0")
    return f"{digits} %"


def small(value):
    """1.1e-07 as people write it: 1.1·10⁻⁷."""
    if value is None:
        return NONE
    if value == 0:
        return "0"
    if 0.001 <= abs(value) < 1000:
        return f"{value:.3g}"
    digits, power = f"{value:.1e}".split("e")
    return f"{digits}·10{str(int(power)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def count(number, one, many=None):
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listing(items):
    items = list(items)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def three_digits(value):
    if value >= 999.5:
        return f"{value:,.0f}"
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"
