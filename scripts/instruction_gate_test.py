"""What the instruction gate lets pass and what not."""

from instruction_gate import changes


def test_small_changes_pass():
    assert changes({"a": 1000}, {"a": 1029}) == []
    assert changes({"a": 1000}, {"a": 971}) == []


def test_more_and_less_work_is_named():
    (said,) = changes({"a": 1000}, {"a": 1100})
    assert said == "a: 1100 instructions, the table has 1000 (+10.0 %)"
    assert len(changes({"a": 1000}, {"a": 900})) == 1


def test_a_case_on_one_side_only_is_named():
    assert changes({"a": 1}, {"b": 1}) == ["a: only in the table", "b: only in the program"]
