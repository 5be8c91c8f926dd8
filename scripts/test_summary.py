#!/usr/bin/env python3
"""Adds up what `make test` ran: totals, failures, and every skipped test with its reason.

Usage: test_summary.py FOLDER. The folder holds `steps.tsv`, one line `name<TAB>exit code` for each
step that was started, and for the steps that run tests a JUnit file `name.xml` (ctest, pytest). A
step without such a file counts as one test. The last line printed is `N passed, N failed, N
skipped`. Exit code 1 if anything failed, or if nothing passed.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Totals:
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # test, reason

    def add(self, other: "Totals") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def gtest_reason(output: str) -> str:
    """The text given to GTEST_SKIP(): it stands between `file:line: Skipped` and `[  SKIPPED ]`."""
    found = re.search(r": Skipped\n(.*?)\n*^\[  SKIPPED \]", output, re.DOTALL | re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


def skip_reason(case: ElementTree.Element) -> str | None:
    """Why a test was skipped, or None when it was not."""
    if case.get("status") == "disabled":
        return "disabled in the source"
    mark = case.find("skipped")
    if mark is None:
        return None
    message = mark.get("message", "")
    by_ctest = case.get("status") == "notrun"
    # ctest also calls "skipped" what it could not start: a missing program, a failed fixture.
    if by_ctest and not message.startswith("SKIP_"):
        return None
    said_by_test = gtest_reason(case.findtext("system-out") or "")
    return said_by_test or ("" if by_ctest else message) or "no reason given"


def full_name(step: str, case: ElementTree.Element) -> str:
    name, group = case.get("name", ""), case.get("classname", "")
    return f"{step}: {name}" if group in ("", name) else f"{step}: {group}.{name}"


def read_junit(step: str, path: Path) -> Totals:
    totals = Totals()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        reason = skip_reason(case)
        failed = case.find("failure") is not None or case.find("error") is not None
        if failed or (reason is None and case.get("status") == "notrun"):
            totals.failed.append(full_name(step, case))
        elif reason is not None:
            totals.skipped.append((full_name(step, case), reason))
        else:
            totals.passed += 1
    return totals


def read_step(folder: Path, step: str, exit_code: int) -> Totals:
    junit = folder / f"{step}.xml"
    if junit.is_file():
        totals = read_junit(step, junit)
        if exit_code != 0 and not totals.failed:
            totals.failed.append(f"{step}: ended with {exit_code} although no test failed")
        return totals
    if exit_code == 0:
        return Totals(passed=1)
    return Totals(failed=[f"{step}: ended with {exit_code}"])


def read_folder(folder: Path) -> Totals:
    totals = Totals()
    for line in (folder / "steps.tsv").read_text(encoding="utf-8").splitlines():
        step, exit_code = line.split("\t")
        totals.add(read_step(folder, step, int(exit_code)))
    return totals


def main(folder: Path) -> int:
    totals = read_folder(folder)
    for name in totals.failed:
        print(f"FAILED   {name}")
    for name, reason in totals.skipped:
        print(f"SKIPPED  {name}: {reason}")
    print(f"{totals.passed} passed, {len(totals.failed)} failed, {len(totals.skipped)} skipped")
    return 1 if totals.failed or totals.passed == 0 else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: test_summary.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
