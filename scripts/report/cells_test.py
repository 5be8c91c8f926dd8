"""Ratios, verdicts and winners, on times small enough to check by hand."""

import pytest

from report import cells, testdata, verdict, words


def line(strategy, median, low=None, high=None, tokens=16, workload="uniform", **change):
    made = testdata.record("time-moe-50m", workload, tokens, strategy)
    made["timing"] |= {"median": median, "median_ci95": [low, high] if low else None}
    return made | change


def one_row(*lines):
    flat = cells.flatten(list(lines))
    (row,) = cells.rows(flat)
    return row


def test_the_ratio_is_to_the_fastest_dropless_strategy():
    row = one_row(
        line("loop-per-expert", 200, 198, 202),
        line("sort-and-group", 100, 99, 101),
        line("expert-choice", 50, 49, 51),
    )
    assert row.cells["loop-per-expert"].ratio == 2
    assert row.cells["expert-choice"].ratio == 0.5
    assert row.winner == "sort-and-group"


def test_a_strategy_with_another_routing_never_wins():
    row = one_row(line("expert-choice", 50, 49, 51), line("padded-capacity", 40, 39, 41))
    assert row.winner is None and row.ranked == []


@pytest.mark.parametrize(
    "low, high, expected",
    [
        (1.03, 1.2, "slower"),
        (0.99, 1.01, "same"),
        (0.99, 1.05, "unclear"),
        (1.01, 1.05, "unclear"),
        (0.8, 0.9, "faster"),
    ],
)
def test_a_verdict_holds_for_the_whole_interval(low, high, expected):
    assert cells.verdict(low, high) == expected


def test_overlapping_intervals_name_no_winner():
    row = one_row(line("loop-per-expert", 101, 95, 107), line("sort-and-group", 100, 95, 105))
    assert row.winner is None


def test_one_strategy_alone_has_no_race_to_win():
    flat = cells.flatten([line("loop-per-expert", 100, 99, 101)])
    assert flat[0].verdict == "alone" and verdict.regimes(flat) == []
    assert verdict.crossovers(flat)[0][1].startswith("only loop-per-expert was timed")


def test_without_an_interval_nothing_is_clear():
    row = one_row(line("loop-per-expert", 900), line("sort-and-group", 100, 99, 101))
    assert row.cells["loop-per-expert"].verdict == "unclear"


def test_a_failed_cell_has_no_ratio_and_is_not_ranked():
    bad = testdata.failed(line("sort-and-group", 1), "wrong")
    row = one_row(bad, line("loop-per-expert", 100, 99, 101))
    assert row.cells["sort-and-group"].ratio is None
    assert [c.strategy for c in row.ranked] == ["loop-per-expert"]


def test_two_machines_are_never_compared():
    other = line("sort-and-group", 1, 1, 1)
    other["environment"]["cpu"] = "another"
    flat = cells.flatten([line("loop-per-expert", 100, 99, 101), other])
    assert len(cells.rows(flat)) == 2
    assert all(c.ratio == 1 for c in flat)
    assert "2 different machines" in verdict.not_comparable(flat)[0]


def test_a_time_of_a_gpu_held_down_is_doubted():
    def events(*names):
        reading = {"sm_clock_mhz": 1400, "power_watts": None, "temperature_celsius": 84}
        return reading | {"clock_events": list(names)}

    calm = line("sort-and-group", 100, gpu_state={"before": events(), "after": events("gpu-idle")})
    hot = line(
        "loop-per-expert",
        200,
        gpu_state={
            "before": events() | {"clock_events": None},
            "after": events("software-power-cap"),
        },
    )
    old = line("dense-masked", 300)
    del old["gpu_state"]
    sentences = " ".join(verdict.not_comparable(cells.flatten([calm, hot, old])))
    assert "1 cell measured while" in sentences and "by software-power-cap:" in sentences
    assert "held down" not in " ".join(verdict.not_comparable(cells.flatten([calm, old])))


def test_a_repeated_cell_counts_once_and_the_later_line_is_ranked():
    flat = cells.flatten([line("sort-and-group", 100), line("sort-and-group", 300)])
    (row,) = cells.rows(flat)
    assert row.cells["sort-and-group"].median == 300
    assert [c.repeated for c in flat] == [True, False]


def test_the_crossover_names_measured_token_counts():
    fast, slow = (10, 9.9, 10.1), (20, 19.9, 20.1)
    flat = cells.flatten(
        [line("loop-per-expert", *fast, tokens=t) for t in (1, 7)]
        + [line("sort-and-group", *slow, tokens=t) for t in (1, 7)]
        + [line("loop-per-expert", *slow, tokens=64), line("sort-and-group", *fast, tokens=64)]
    )
    expected = "loop-per-expert up to 7 tokens, sort-and-group at 64"
    assert verdict.crossovers(flat) == [("time-moe-50m · uniform", expected)]
    assert (
        verdict.headline(flat) == "loop-per-expert is fastest up to 7 tokens, sort-and-group at 64."
    )


def test_the_cost_of_imbalance_is_over_the_calm_workload():
    skewed = line("sort-and-group", 150, tokens=128, workload="zipf:1.0")
    flat = cells.flatten([line("sort-and-group", 100, tokens=128), skewed])
    assert [c.imbalance_cost for c in flat] == [1, 1.5]


def test_no_timed_cell_gives_no_winner():
    flat = cells.flatten([testdata.failed(line("sort-and-group", 1), "timeout")])
    assert verdict.headline(flat) == "No strategy is clearly the fastest in these measurements."
    assert verdict.noise(flat) is None


@pytest.mark.parametrize(
    "ns, expected",
    [(412, "412 ns"), (1234, "1.23 µs"), (999_900, "1.00 ms"), (45.6e6, "45.6 ms"), (None, "—")],
)
def test_times_are_written_with_the_unit_that_fits(ns, expected):
    assert words.time(ns) == expected


def test_a_share_above_zero_never_reads_as_zero():
    assert words.share(1e-6) == "< 0.1 %"
    assert words.share(0) == "0 %"
