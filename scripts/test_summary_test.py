"""Totals from the JUnit dialects of ctest and pytest, as these programs really write them."""

import test_summary

CTEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="(empty)" tests="6" failures="1" disabled="1" skipped="3">
  <testcase name="A.Passes" classname="A.Passes" status="run">
    <system-out>[       OK ] A.Passes (0 ms)</system-out>
  </testcase>
  <testcase name="A.Skips" classname="A.Skips" status="notrun">
    <skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
    <system-out>[ RUN      ] A.Skips
/tmp/t.cc:3: Skipped
no CUDA device:
cudaErrorNoDevice

[  SKIPPED ] A.Skips (0 ms)
</system-out>
  </testcase>
  <testcase name="A.Silent" classname="A.Silent" status="notrun">
    <skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
    <system-out>/tmp/t.cc:4: Skipped


[  SKIPPED ] A.Silent (0 ms)
</system-out>
  </testcase>
  <testcase name="A.Fails" classname="A.Fails" status="fail"><failure message=""/></testcase>
  <testcase name="A.Off" classname="A.Off" status="disabled"/>
  <testcase name="A.Gone" classname="A.Gone" status="notrun">
    <skipped message="Unable to find executable"/>
  </testcase>
</testsuite>
"""
PYTEST = """<testsuites><testsuite name="pytest">
  <testcase classname="scripts.a_test" name="test_passes"/>
  <testcase classname="scripts.a_test" name="test_fails"><failure message="no"/></testcase>
  <testcase classname="scripts.a_test" name="test_skips">
    <skipped type="pytest.skip" message="needs a browser">a_test.py:3</skipped>
  </testcase>
  <testcase classname="scripts.b_test" name="does_not_load"><error message="x">x</error></testcase>
</testsuite></testsuites>
"""
ALL_PASS = '<testsuite><testcase name="A.Passes" classname="A.Passes" status="run"/></testsuite>'


def summary_of(tmp_path, capsys, steps, **junit):
    (tmp_path / "steps.tsv").write_text("".join(f"{name}\t{code}\n" for name, code in steps))
    for name, text in junit.items():
        (tmp_path / f"{name}.xml").write_text(text)
    code = test_summary.main(tmp_path)
    return code, capsys.readouterr().out.splitlines()


def test_ctest_is_read_with_the_reasons_the_tests_gave(tmp_path, capsys):
    code, lines = summary_of(tmp_path, capsys, [("release", 8)], release=CTEST)
    assert lines == [
        "FAILED   release: A.Fails",
        "FAILED   release: A.Gone",
        "SKIPPED  release: A.Skips: no CUDA device: cudaErrorNoDevice",
        "SKIPPED  release: A.Silent: no reason given",
        "SKIPPED  release: A.Off: disabled in the source",
        "1 passed, 2 failed, 3 skipped",
    ]
    assert code == 1


def test_pytest_is_read_and_a_file_that_does_not_load_is_a_failure(tmp_path, capsys):
    _, lines = summary_of(tmp_path, capsys, [("pytest", 1)], pytest=PYTEST)
    assert lines == [
        "FAILED   pytest: scripts.a_test.test_fails",
        "FAILED   pytest: scripts.b_test.does_not_load",
        "SKIPPED  pytest: scripts.a_test.test_skips: needs a browser",
        "1 passed, 2 failed, 1 skipped",
    ]


def test_a_step_without_tests_counts_as_one(tmp_path, capsys):
    code, lines = summary_of(tmp_path, capsys, [("format", 0), ("layers", 1)])
    assert lines == ["FAILED   layers: ended with 1", "1 passed, 1 failed, 0 skipped"]
    assert code == 1


def test_a_runner_that_dies_after_its_last_test_is_a_failure(tmp_path, capsys):
    code, lines = summary_of(tmp_path, capsys, [("release", 139)], release=ALL_PASS)
    assert lines[0] == "FAILED   release: ended with 139 although no test failed"
    assert code == 1


def test_all_passed_is_a_success(tmp_path, capsys):
    assert summary_of(tmp_path, capsys, [("release", 0)], release=ALL_PASS)[0] == 0


def test_nothing_run_is_not_a_success(tmp_path, capsys):
    assert summary_of(tmp_path, capsys, [])[0] == 1
