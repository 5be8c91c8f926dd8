"""Ratios are taken within a round, against one strategy, and never from a refused output."""

import ratios

A, B, PEER = "moebench:a", "moebench:b", "other:x"


def measured(peer, round_, ns, passed=True, **more):
    return {
        "peer": peer,
        "problem": "p",
        "round": round_,
        "cold": {"samples_ns": ns},
        "hot": None,
        "judge": {"passed": passed, "fault": "" if passed else "token 3 is off"},
        **more,
    }


def compared(*measurements):
    return ratios.compare(list(measurements), "p", "cold")


def test_a_ratio_is_taken_within_each_round():
    found = compared(
        *(measured(A, r, [100 * r]) for r in (1, 2, 3)),
        *(measured(PEER, r, [150 * r * slower]) for r, slower in ((1, 1), (2, 2), (3, 4))),
    )
    assert found["ratios"][PEER] == {"median": 3.0, "least": 1.5, "most": 6.0, "rounds": 3}


def test_the_base_is_one_strategy_for_all_rounds():
    found = compared(
        *(measured(A, r, [ns]) for r, ns in ((1, 10), (2, 100), (3, 100))),
        *(measured(B, r, [90]) for r in (1, 2, 3)),
        measured(PEER, 1, [180]),
    )
    assert found["best"] == B
    assert found["ratios"][PEER]["median"] == 2.0


def test_a_sample_of_a_round_is_its_median():
    assert compared(measured(A, 1, [10, 11, 900]))["best_ns"] == 11


def test_a_refused_output_has_no_time():
    found = compared(measured(A, 1, [10]), measured(PEER, 1, [5], passed=False))
    assert PEER not in found["ratios"] and PEER not in found["times_ns"]


def test_an_output_that_nobody_judged_has_no_time():
    lonely = measured(PEER, 1, [5])
    del lonely["judge"]
    assert PEER not in compared(measured(A, 1, [10]), lonely)["times_ns"]


def test_a_refused_strategy_is_not_the_base():
    found = compared(measured(A, 1, [1], passed=False), measured(B, 1, [10]))
    assert found["best"] == B


def test_quiet_rounds_count_where_there_are_any():
    found = compared(
        measured(A, 1, [10]),
        measured(A, 2, [10]),
        measured(PEER, 1, [90], disturbed=True),
        measured(PEER, 2, [20]),
    )
    assert found["ratios"][PEER]["median"] == 2.0
    only_noisy = compared(measured(A, 1, [10]), measured(PEER, 1, [90], disturbed=True))
    assert only_noisy["ratios"][PEER]["median"] == 9.0


def test_rounds_that_only_one_of_the_two_has_are_left_out():
    found = compared(measured(A, 1, [10]), measured(PEER, 2, [20]))
    assert found["ratios"][PEER] is None


def test_without_a_strategy_there_are_times_and_no_ratios():
    found = compared(measured(PEER, 1, [20]))
    assert found["best"] is None and found["times_ns"] == {PEER: 20} and found["ratios"] == {}


def test_reasons_say_what_went_wrong():
    crash = {"peer": PEER, "problem": "p", "round": 1, "error": "ended by signal 11"}
    assert ratios.reason_not_shown([crash], "p", PEER) == "ended by signal 11"
    wrong = measured(PEER, 1, [5], passed=False)
    assert ratios.reason_not_shown([wrong], "p", PEER) == "wrong: token 3 is off"
    assert ratios.reason_not_shown([measured(PEER, 1, [5])], "p", PEER) is None


def test_near_is_measured_against_the_fastest_of_a_kind():
    first = [
        measured(A, 1, [10]),
        measured(B, 1, [14]),
        measured(PEER, 1, [50]),
        measured("other:y", 1, [76]),
        measured("other:z", 1, [1], passed=False),
    ]
    near = [m["peer"] for m in first if ratios.is_near(first, "p", m["peer"], 1.5)]
    assert near == [A, B, PEER]
    assert not ratios.is_near(first, "p", "other:never", 1.5)
    assert not ratios.is_near(first, "another problem", PEER, 1.5)


def test_near_in_one_state_of_the_cache_is_enough():
    first = [measured(A, 1, [10], hot={"samples_ns": [10]}), measured(B, 1, [90])]
    first[1]["hot"] = {"samples_ns": [11]}
    assert ratios.is_near(first, "p", B, 1.5)
