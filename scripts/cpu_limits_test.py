"""The figures of cpu_limits.py, from lines that drive could have printed."""

import cpu_limits
import pytest

CEILINGS = {
    "memory_bytes_per_second": 10.0,
    "cache_bytes_per_second": 20.0,
    "cache_bytes": 1000,
    "flops_per_second": 100.0,
}


def line(tokens=1, threads=2, seconds=1.0, **more):
    return {
        "problem": f"tiny/T={tokens}/uniform/bf16/threads={threads}",
        "threads": threads,
        "notes": "moebench micro-kernels (avx512)",
        "touched_bytes": 100.0,
        "useful_flops": 500.0,
        "ceilings": CEILINGS,
        "cold": {"samples_ns": [seconds * 1e9] * 3},
        **more,
    }


def test_the_roof_is_the_longer_of_reading_and_multiplying():
    assert cpu_limits.roof_seconds(line(), "cold") == (10.0, "memory")
    assert cpu_limits.roof_seconds(line(useful_flops=5000.0), "cold") == (50.0, "compute")


def test_hot_calls_read_from_the_cache_what_fits_it():
    assert cpu_limits.roof_seconds(line(), "hot") == (5.0, "memory")
    assert cpu_limits.roof_seconds(line(touched_bytes=2000.0), "hot")[0] == 200.0


def test_a_share_is_taken_within_a_round():
    group = cpu_limits.Group("tiny", "bf16", (1,))
    slow = line(seconds=40) | {"ceilings": CEILINGS | {"memory_bytes_per_second": 5.0}}
    (row,) = cpu_limits.rows_of(group, [line(seconds=20), slow, line(seconds=12.5)])
    assert row.share == pytest.approx(0.5)
    assert (row.least, row.most) == pytest.approx((0.5, 0.8))
    assert row.milliseconds == pytest.approx(20e3)
    assert row.rounds == 3


def test_cells_of_other_tokens_and_threads_are_kept_apart():
    group = cpu_limits.Group("tiny", "bf16", (1, 16), threads=(1, 2))
    lines = [line(t, n, seconds=10 * t / n) for t in (1, 16) for n in (1, 2)]
    rows = cpu_limits.rows_of(group, lines)
    assert [row.milliseconds for row in rows] == pytest.approx([10e3, 5e3, 160e3, 80e3])


def test_the_table_names_the_instruction_set():
    group = cpu_limits.Group("tiny", "bf16", (1,))
    assert "| avx512 | 20000.000 |" in cpu_limits.table(
        cpu_limits.rows_of(group, [line(seconds=20)])
    )


def test_quiet_cpus_are_of_different_cores_while_there_are_some():
    cores = {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}
    assert cpu_limits.one_a_core([1, 0, 3, 2], cores, 2) == [1, 3]
    assert cpu_limits.one_a_core([1, 0, 3, 2], cores, 3) == [1, 3, 0]


def trial(name, time, run_type="iteration", **more):
    return {"run_name": name, "run_type": run_type, "real_time": time, **more}


def test_a_trial_is_the_first_benchmark_that_the_processor_has():
    missing = trial("NativeBf16", 0.0, error_occurred=True)
    spread = trial("MicroKernel", 0.1, "aggregate")  # of the times, not one of them
    some = [trial("MicroKernel", 8.0), trial("MicroKernel", 7.0), spread]
    assert cpu_limits.fastest_trial({"benchmarks": [missing, *some]}) == 7.0
    native = trial("NativeBf16", 9.0)
    assert cpu_limits.fastest_trial({"benchmarks": [native, *some]}) == 9.0
