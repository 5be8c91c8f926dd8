"""How calls are timed, and what a driver says when something is missing. No library is needed."""

import argparse
import json
import time

import driver


class Stub(driver.Peer):
    """Notes which layer each call went to, and takes its time."""

    seconds = 0.0

    def __init__(self):
        self.calls = []

    def version(self):
        return "1.0"

    def run(self, layer, batch):
        self.calls.append(layer)
        time.sleep(self.seconds)


class Missing(driver.Peer):
    def version(self):
        raise ImportError("No module named 'nothing'\nand more")


def options(**more):
    return argparse.Namespace(**({"samples": 5, "warmup": 2, "max_seconds": 1} | more))


def test_calls_go_round_the_circle_after_the_warm_up():
    peer = Stub()
    found = driver.timed_calls(peer, [("a", 0), ("b", 0), ("c", 0)], options())
    assert len(found["samples_ns"]) == 5
    assert "".join(peer.calls) == "ab" + "cabca"


def test_three_samples_are_taken_however_long():
    peer = Stub()
    peer.seconds = 0.02
    found = driver.timed_calls(peer, [("a", 0)], options(max_seconds=0.03))
    assert len(found["samples_ns"]) == 3
    assert all(ns >= 20e6 for ns in found["samples_ns"])


def test_a_very_slow_call_is_timed_once():
    peer = Stub()
    peer.seconds = 0.05
    found = driver.timed_calls(peer, [("a", 0)], options(max_seconds=0.01))
    assert len(found["samples_ns"]) == 1
    assert len(peer.calls) == 2  # one of them to warm up


def test_a_probe_tells_version_and_dtypes(capsys):
    assert driver.main("stub", {"only": Stub}, ["--probe"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["peer"], line["version"], line["dtypes"]) == ("stub:only", "1.0", ["bf16", "f32"])


def test_a_missing_library_is_a_line_and_code_4(capsys):
    assert driver.main("stub", {"only": Missing}, ["--probe"]) == 4
    assert json.loads(capsys.readouterr().out)["error"] == (
        "ImportError: No module named 'nothing'"
    )
