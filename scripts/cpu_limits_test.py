"""The figures of cpu_limits.py, from lines that drive could have printed."""

import cpu_limits
import pytest


def line(tokens=1, threads=2, seconds=(1.0, 1.0, 1.0), memory=10.0, peak=100.0, **more):
    return {
        "problem": f"tiny/T={tokens}/uniform/bf16/threads={threads}",
        "threads": threads,
        "notes": "moebench micro-kernels (avx512)",
        "touched_bytes": 100.0,
        "useful_flops": 500.0,
        "cold": {
            "samples_ns": [1e9 * s for s in seconds],
            "bytes_per_second": [memory] * len(seconds),
            "flops_per_second": [peak] * len(seconds),
        },
        **more,
    }


def test_the_roof_is_the_longer_of_reading_and_multiplying():
    shares, bound = cpu_limits.shares_of_roofs(line(seconds=(10, 20)))
    assert (shares, bound) == (pytest.approx([1, 0.5]), "memory")
    shares, bound = cpu_limits.shares_of_roofs(line(seconds=(10, 20), useful_flops=1500.0))
    assert (shares, bound) == (pytest.approx([1.5, 0.75]), "compute")


def test_a_call_is_compared_with_its_own_roof():
    one = line(seconds=(10, 20))
    one["cold"]["bytes_per_second"] = [10, 5]
    assert cpu_limits.shares_of_roofs(one)[0] == pytest.approx([1, 1])


def test_shown_is_the_median_of_the_rounds_medians():
    group = cpu_limits.Group("tiny", "bf16", (1,))
    rounds = [line(seconds=(20, 20, 99)), line(seconds=(40,), memory=5.0), line(seconds=(12.5,))]
    (row,) = cpu_limits.rows_of(group, rounds)
    assert row.share == pytest.approx(0.5)
    assert (row.least, row.most) == pytest.approx((0.5, 0.8))
    assert row.milliseconds == pytest.approx(20e3)
    assert row.rounds == 3


def test_cells_of_other_tokens_and_threads_are_kept_apart():
    group = cpu_limits.Group("tiny", "bf16", (1, 16), threads=(1, 2))
    lines = [line(t, n, seconds=[10 * t / n]) for t in (1, 16) for n in (1, 2)]
    rows = cpu_limits.rows_of(group, lines)
    assert [row.milliseconds for row in rows] == pytest.approx([10e3, 5e3, 160e3, 80e3])


def test_the_table_names_the_instruction_set():
    group = cpu_limits.Group("tiny", "bf16", (1,))
    assert "| avx512 | 20000.000 |" in cpu_limits.table(
        cpu_limits.rows_of(group, [line(seconds=[20])])
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
