"""A new strategy is one new file: dropped into kernels/cpu it is built, listed, judged, measured.

The file goes into the tree itself, because a copy would have to be compiled from nothing. It is
always taken out again; one that a killed run left behind is taken out by the next.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "scripts/testdata/example_drop_in.cc"
DROPPED = ROOT / "kernels/cpu" / EXAMPLE.name
NAME = "example-drop-in"
MATRIX = "bench/matrices/smoke.json"
MOEBENCH = ROOT / "build/release/moebench"


def run(*command: str | Path) -> str:
    """Its stdout. Fails the test with the whole output when the command does."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (
        f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    )
    return done.stdout


def build_and_list() -> str:
    run("scripts/build.sh", "release", "moebench")
    return run(MOEBENCH, "list", "strategies", "--json")


@pytest.fixture(scope="module")
def listed():
    """The list of strategies with the example dropped in. Afterwards all is as before."""
    DROPPED.parent.mkdir(exist_ok=True)
    shutil.copyfile(EXAMPLE, DROPPED)
    try:
        yield build_and_list()
    finally:
        DROPPED.unlink()
        assert NAME not in build_and_list()


def test_it_is_listed(listed):
    assert f'"{NAME}"' in listed


@pytest.mark.usefixtures("listed")
def test_the_judge_passes_it():
    assert "12 cells: 12 ok" in run(MOEBENCH, "validate", MATRIX, "--strategy", NAME)


@pytest.mark.usefixtures("listed")
def test_it_is_measured(tmp_path):
    run(MOEBENCH, "run", MATRIX, "--strategy", NAME, "--out", tmp_path)
    lines = [line for file in tmp_path.glob("*.jsonl") for line in file.read_text().splitlines()]
    statuses = {json.loads(line)["status"] for line in lines if NAME in line}
    assert "ok" in statuses
    assert statuses <= {"ok", "unsupported"}
