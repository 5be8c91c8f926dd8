"""The grid file, ours and wrong ones."""

import json
from pathlib import Path

import pytest
from grid import BadGrid, read_grid

OURS = Path(__file__).with_name("grid.json")


def test_our_grid_has_every_problem_once():
    grid = read_grid(OURS)
    names = [name for group in grid.groups for name in group.problems]
    assert len(names) == len(set(names)) == 3 * 2 * 6 * 2
    assert "qwen3-30b-a3b/T=16/zipf:1.0/bf16" in names


def test_a_group_shares_its_weights():
    for group in read_grid(OURS).groups:
        for name in group.problems:
            assert name.startswith(group.shape + "/") and name.endswith("/" + group.dtype)


def test_only_what_matches_is_taken():
    grid = read_grid(OURS, r"T=16/uniform/bf16")
    assert [group.problems for group in grid.groups] == [
        ("qwen3-30b-a3b/T=16/uniform/bf16",),
        ("time-moe-50m/T=16/uniform/bf16",),
        ("mixtral-8x7b/T=16/uniform/bf16",),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "grid.json"),
        ('{"shape": ["tiny"]}', 'unknown key "shape"'),
        ('{"shapes": []}', '"shapes" is []'),
        ('{"shapes": ["tiny"], "dtypes": "bf16"}', '"dtypes" is bf16'),
    ],
)
def test_a_bad_grid_is_one_sentence(tmp_path, content, says):
    path = tmp_path / "grid.json"
    path.write_text(content)
    with pytest.raises(BadGrid, match="grid.json") as error:
        read_grid(path)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_numbers_have_defaults(tmp_path):
    path = tmp_path / "grid.json"
    lists = {"shapes": ["tiny"], "dtypes": ["f32"], "tokens": [1], "workloads": ["uniform"]}
    path.write_text(json.dumps(lists | {"samples": 7}))
    grid = read_grid(path)
    assert (grid.samples, grid.warmup, grid.max_seconds) == (7, 2, 3)
