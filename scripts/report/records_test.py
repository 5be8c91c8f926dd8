"""Bad input is refused with one sentence that names the place."""

import json

import pytest

from report import records, testdata


def write(tmp_path, *lines):
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines) + "\n")
    return path


def good():
    return testdata.record("time-moe-50m", "uniform", 16, "sort-and-group")


def refusal(tmp_path, *lines):
    with pytest.raises(records.ReportError) as error:
        records.read_all([write(tmp_path, *lines)])
    return str(error.value)


def test_a_made_up_line_is_accepted(tmp_path):
    assert records.read_all([write(tmp_path, good(), good())]) == [good(), good()]


def test_a_torn_line_is_named_by_file_and_line(tmp_path):
    assert "run.jsonl:2: not a JSON object" in refusal(tmp_path, good(), '{"schema":"moeb')


def test_nan_is_refused(tmp_path):
    line = json.dumps(good()).replace('"worst_token": 15', '"worst_token": NaN')
    assert "NaN" in refusal(tmp_path, line)


def test_another_schema_is_refused(tmp_path):
    assert "not a result line" in refusal(tmp_path, {"hello": 1})


def test_another_major_version_is_refused(tmp_path):
    assert "2.0.0 is not 1.x" in refusal(tmp_path, good() | {"schema_version": "2.0.0"})


def test_a_missing_key_is_named(tmp_path):
    line = good()
    del line["problem"]["tokens"]
    assert "problem.tokens is null, expected int" in refusal(tmp_path, line)


def test_an_unknown_status_is_refused(tmp_path):
    assert 'unknown status "fine"' in refusal(tmp_path, good() | {"status": "fine"})


def test_a_cell_that_did_not_pass_must_not_carry_a_time(tmp_path):
    assert "must not carry a timing" in refusal(tmp_path, good() | {"status": "wrong"})


def test_a_missing_time_needs_a_reason(tmp_path):
    assert "timing_reason does not say why" in refusal(tmp_path, good() | {"timing": None})


@pytest.mark.parametrize("key, value", [("median", 0), ("median", "1"), ("median_ci95", [1])])
def test_a_time_that_is_no_time_is_refused(tmp_path, key, value):
    line = good()
    line["timing"][key] = value
    assert f"timing.{key}" in refusal(tmp_path, line)


def test_an_empty_file_is_refused(tmp_path):
    assert "no result line found" in refusal(tmp_path, "")
