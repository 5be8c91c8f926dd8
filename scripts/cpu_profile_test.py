"""The tables of a profile are its medians."""

import cpu_profile


def benchmark(name, **counters):
    return {"run_name": name, "aggregate_name": "median", "label": "", **counters}


def kernel(origin, ahead, share):
    name = f"MicroKernel/rows:4/from:{origin}/ahead:{ahead}/manual_time"
    return benchmark(name, **{"share of peak": share, "GB/s": 14.96})


def test_each_number_of_rows_is_a_line():
    result = {
        "context": {"date": "2026-01-02T03:04:05"},
        "benchmarks": [
            kernel(0, 0, 0.8),
            kernel(1, 0, 0.7),
            kernel(2, 0, 0.3),
            kernel(2, 1, 0.4),
            {**kernel(0, 0, 99), "aggregate_name": "mean"},
            {
                **benchmark("ExpertRows/rows:4/manual_time"),
                "label": "bound by memory",
                "share of memory": 0.86,
                "share of peak": 0.3,
                "share of roof": 0.86,
            },
            benchmark("DecodedAgainstBf16/rows:2/manual_time", int8=1.804, int4=3.3),
        ],
    }
    text = cpu_profile.markdown(result)
    assert "| 4 | 80 % | 70 % | 30 % | 40 % | 15.0 | 80 % |" in text
    assert "| 4 | memory | 86 % | 30 % | 86 % |" in text
    assert "| 2 | 1.80 | 3.30 |" in text
    assert "2026-01-02" in text
