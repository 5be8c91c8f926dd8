"""Each test breaks one good line in one way and expects a refusal that names the place."""

import copy
import json
from pathlib import Path

import check_results
import jsonschema
import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "results" / "testdata" / "example.jsonl"
LINES = [json.loads(text) for text in EXAMPLE.read_text(encoding="utf-8").splitlines()]
SCHEMA = json.loads(check_results.SCHEMA.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def first(status, timed):
    return copy.deepcopy(
        next(x for x in LINES if x["status"] == status and (x["timing"] is not None) == timed)
    )


@pytest.fixture
def good():
    return first("ok", True)


def mistakes(line):
    return check_results.mistakes(json.dumps(line), VALIDATOR)


def every_object(schema):
    if isinstance(schema, dict):
        if "properties" in schema and "description" in schema:
            yield schema
        for part in schema.values():
            yield from every_object(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from every_object(part)


def test_the_schema_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_every_object_is_closed_and_every_key_is_required_and_described():
    objects = list(every_object(SCHEMA))
    assert len(objects) > 8
    for part in objects:
        assert part["additionalProperties"] is False
        # Lines of an older minor version lack what came since.
        since = {key for key, field in part["properties"].items() if "since 1." in str(field)}
        assert set(part["required"]) | since == set(part["properties"])
        assert all("description" in field for field in part["properties"].values())


def test_the_example_is_accepted_and_has_every_kind_of_line():
    assert [m for line in LINES for m in mistakes(line)] == []
    assert {line["run_id"] for line in LINES} == {"synthetic"}
    assert {"ok", "wrong", "crashed", "timeout", "skipped"} <= {line["status"] for line in LINES}


def test_a_time_without_a_passed_validation_is_refused(good):
    good["validation"].update(passed=False, fault="token 3 is wrong")
    assert any("/validation/passed" in m for m in mistakes(good))


def test_a_time_without_any_validation_is_refused(good):
    good["validation"] = None
    assert any(m.startswith("/validation:") for m in mistakes(good))


@pytest.mark.parametrize(
    "status",
    ["wrong", "mistrusted", "suspect", "unsupported", "skipped", "crashed", "timeout", "oom"],
)
def test_a_time_with_another_status_is_refused(good, status):
    good.update(status=status, reason="because")
    assert any(m.startswith("/timing:") for m in mistakes(good))


@pytest.mark.parametrize("key", ["stages", "roof"])
def test_no_time_hides_in_another_field(key):
    timed = copy.deepcopy(next(x for x in LINES if x["roof"]))
    line = first("wrong", False)
    line[key], line[key + "_reason"] = timed[key], None
    assert any(m.startswith(f"/{key}:") for m in mistakes(line))


@pytest.mark.parametrize("key", ["tokens_per_second", "useful_flops_per_second"])
def test_no_rate_without_a_time(key):
    line = first("wrong", False)
    line["work"][key] = 1.0
    assert any(m.startswith(f"/work/{key}:") for m in mistakes(line))


def test_ok_without_validation_is_refused_even_untimed():
    line = first("ok", False)
    line["validation"] = None
    assert mistakes(line)


def test_wrong_with_a_passed_validation_is_refused():
    line = first("wrong", False)
    line["validation"].update(passed=True, worst_error=0.0, fault=None)
    assert mistakes(line)


@pytest.mark.parametrize(
    "place",
    [
        ("timing", "p99"),
        ("timing", "median_ci95"),
        ("environment", "gpu"),
        ("environment", "governor"),
    ],
)
def test_null_without_a_reason_is_refused(good, place):
    good[place[0]][place[1]] = None
    good[place[0]][place[1] + "_reason"] = None
    assert mistakes(good)


@pytest.mark.parametrize("key", ["timing", "stages", "roof"])
def test_top_level_null_without_a_reason_is_refused(key):
    line = first("crashed", False)
    line[key + "_reason"] = None
    assert mistakes(line)


def test_a_failure_without_a_reason_is_refused():
    line = first("timeout", False)
    line["reason"] = None
    assert any(m.startswith("/reason:") for m in mistakes(line))


def test_a_passed_validation_has_a_finite_error(good):
    good["validation"]["worst_error"] = None
    assert mistakes(good)


def test_a_failed_validation_says_its_fault():
    line = first("wrong", False)
    line["validation"]["fault"] = None
    assert mistakes(line)


def test_an_unknown_key_is_refused(good):
    good["timing"]["mean"] = 1.0
    assert any("mean" in m for m in mistakes(good))


def test_a_missing_key_is_refused(good):
    del good["problem"]["ffn"]
    assert any("ffn" in m for m in mistakes(good))


def test_another_major_version_is_refused(good):
    good["schema_version"] = "2.0.0"
    assert mistakes(good)


def test_passed_over_the_bound_is_refused(good):
    good["validation"]["worst_error"] = 2 * good["validation"]["bound"]
    assert any("over the bound" in m for m in mistakes(good))


def test_a_count_that_is_not_the_samples_is_refused(good):
    good["timing"]["samples"].append(good["timing"]["median"])
    assert any("/timing/count" in m for m in mistakes(good))


def test_a_cell_that_is_not_its_problem_is_refused(good):
    good["problem_id"] = "elsewhere/T=1/uniform/f32"
    assert any(m.startswith("/cell:") for m in mistakes(good))


def test_nan_and_infinity_are_refused(good):
    for value in (float("nan"), float("inf")):
        good["timing"]["prepare"] = value
        assert any("null" in m for m in mistakes(good))


def test_a_key_twice_is_refused():
    assert check_results.mistakes('{"cell": "a", "cell": "b"}', VALIDATOR)


def test_the_message_names_file_and_line(tmp_path, capsys, good):
    bad = copy.deepcopy(good)
    bad["cache"] = None
    path = tmp_path / "run.jsonl"
    path.write_text(json.dumps(good) + "\n" + json.dumps(bad) + "\n", encoding="utf-8")
    assert check_results.main([str(path)]) == 1
    assert f"{path}:2: /cache:" in capsys.readouterr().err


def test_a_torn_last_line_is_a_mistake(tmp_path, capsys, good):
    path = tmp_path / "run.jsonl"
    path.write_text(json.dumps(good) + "\n" + json.dumps(good)[:80], encoding="utf-8")
    assert check_results.main([str(path)]) == 1
    assert "torn" in capsys.readouterr().err


def test_exit_codes(tmp_path):
    assert check_results.main([str(EXAMPLE)]) == 0
    assert check_results.main([str(tmp_path / "absent.jsonl")]) == 2


def test_kept_results_conform(capsys):
    kept = [
        p for p in check_results.SCHEMA.parent.glob("*-*/*.jsonl") if "cpu_limits" not in p.name
    ]
    assert kept
    assert check_results.main([str(p) for p in kept]) == 0, capsys.readouterr().err
