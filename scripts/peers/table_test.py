"""What a reader of the table sees."""

from ratios_test import PEER, A, measured
from table import duration, markdown

MACHINE = {"cpu": "A CPU", "cpus": 2, "cache": "8 MiB", "isa": "avx2"}
PROBLEM = "tiny/T=4/zipf:1.0/bf16"


def results(*measurements, peers=None):
    for m in measurements:
        m["problem"] = PROBLEM
    return {
        "commit": "abc",
        "threads": 2,
        "begun": "today",
        "machine": MACHINE,
        "peers": peers or {},
        "groups": [{"name": "tiny/bf16", "problems": [PROBLEM]}],
        "measurements": list(measurements),
    }


def row(text):
    return next(line for line in text.splitlines() if line.startswith("| 4 | zipf:1.0"))


def test_a_row_has_the_best_strategy_its_time_and_the_ratios():
    both = [measured(A, r, [2e6]) for r in (1, 2, 3)]
    both += [measured(PEER, r, [ns]) for r, ns in ((1, 3e6), (2, 5e6), (3, 4e6))]
    text = markdown(results(*both))
    assert row(text) == "| 4 | zipf:1.0 | a | 2 ms | 2.00 [1.50..2.50] |"
    assert "### tiny/bf16, cold" in text and "### tiny/bf16, hot" not in text


def test_a_failed_peer_has_its_reason_and_no_number():
    text = markdown(results(measured(A, 1, [2e6]), measured(PEER, 1, [3e6], passed=False)))
    assert row(text).endswith("| failed |")
    assert f"- {PEER}: wrong: token 3 is off ({PROBLEM})" in text


def test_a_peer_that_did_not_take_part_is_listed_with_its_reason():
    peers = {PEER: {"error": "not installed: no such wheel"}, "other:y": {"version": "1.2"}}
    text = markdown(results(measured(A, 1, [2e6]), peers=peers))
    assert f"- {PEER}: did not take part: not installed: no such wheel" in text
    assert "- other:y: 1.2" in text


def test_without_a_strategy_times_stand_alone():
    assert row(markdown(results(measured(PEER, 1, [3e6])))) == "| 4 | zipf:1.0 | – | – | 3 ms |"


def test_disturbed_measurements_are_counted():
    text = markdown(results(measured(A, 1, [2e6], disturbed=True), measured(PEER, 1, [3e6])))
    assert "1 of 2 measurements were disturbed" in text


def test_durations():
    assert [duration(ns) for ns in (12, 1500, 2.5e6, 3e9)] == ["12 ns", "1.5 us", "2.5 ms", "3 s"]
