import json

import cuda_counters as counters


def traffic(requests: int, sectors: int, ideal: int) -> dict:
    return {"requests": requests, "bytes": 0, "sectors": sectors, "ideal": ideal}


def report() -> dict:
    """Of one kernel, as the interpreter writes it."""
    none = traffic(0, 0, 0)
    return {
        "kernel": "_ZN3moe4cuda4copyEv",
        "launches": 2,
        "occupancy": {"A100": {"blocks": 4}, "H100": {"blocks": 6}, "B200": {"blocks": 6}},
        "counters": {
            **{name: none for name in counters.TRAFFIC},
            **{name: 0 for name in counters.COUNTS},
            "global_load": traffic(10, 160, 40),
            "mma": 3,
        },
    }


def test_only_what_a_kernel_does_is_in_its_row():
    row = counters.summary(report(), "90a")
    assert row == {"launches": 2, "blocks": 6, "global_load": [10, 160, 40], "mma": 3}


def test_a_row_that_is_the_same_makes_no_difference():
    rows = {"copy": counters.summary(report(), "90a")}
    assert counters.differences("test", rows, json.loads(json.dumps(rows))) == []


def test_one_sector_more_is_a_difference():
    want, got = {"copy": {"global_load": [10, 160, 40]}}, {"copy": {"global_load": [10, 161, 40]}}
    assert counters.differences("test", want, got) == [
        "test copy: global_load [10, 161, 40], expected [10, 160, 40]"
    ]


def test_a_kernel_that_is_not_launched_any_more_is_a_difference():
    assert "not launched" in counters.differences("test", {"copy": {}}, {})[0]


def test_local_memory_is_wrong_whatever_the_table_says():
    assert "local memory" in counters.always_wrong("test", {"copy": {"local_store": [1, 1, 1]}})[0]


def test_kernels_of_one_name_are_counted_together():
    row = {"launches": 1, "blocks": 3, "mma": 2, "global_load": [1, 2, 3]}
    both = counters.added(row, {"launches": 2, "blocks": 2, "global_load": [1, 1, 1]})
    assert both == {"launches": 3, "blocks": 2, "mma": 2, "global_load": [2, 3, 4]}


def test_a_table_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "counters.json"
    programs = {"a": {"copy": {"launches": 1}}, "b": {}}
    counters.write_table(path, "80", programs, {"a": ["a", "--x"]})
    assert json.loads(path.read_text()) == {
        "architecture": "80",
        "command": {"a": ["a", "--x"]},
        "programs": programs,
    }
