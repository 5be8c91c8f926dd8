"""A whole comparison of a tiny problem, with peers that are scripts of a few lines.

They answer by running moebench itself, so that there is a right output without any library.
"""

import json
import sys

import comparison
import pytest
import registry
import run_peers
from registry import MOEBENCH, Peer

pytestmark = pytest.mark.skipif(not MOEBENCH.exists(), reason="build/release/moebench is not built")

# A driver as a library's would be: reads the problem's name, prints noise, a line, and writes y.
FAKE = """
import json, struct, subprocess, sys
kind, words = sys.argv[1], sys.argv[2:]
values = lambda key: [words[i + 1] for i, word in enumerate(words) if word == key]
print("a library greets you")
for path, output in zip(values("--problem"), values("--output") + [None] * 9):
    raw = open(path, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    name = json.loads(raw[8 : 8 + size])["__metadata__"]["problem"]
    line = {"peer": "fake", "version": "1", "problem": name, "hot": None, "prepare_ns": 1}
    if kind == "crash" and "T=5" in name:
        import os
        os.kill(os.getpid(), 11)
    if kind == "refuse":
        print(json.dumps(line | {"error": "not on this shape"}))
        continue
    if output:
        cell = name + "/loop-per-expert@cpu"
        subprocess.run([%r, "drive", cell, "--output", output], stdout=subprocess.DEVNULL, check=True)
        if kind == "wrong":
            data = bytearray(open(output, "rb").read())
            data[-4:] = struct.pack("<f", 1e3)
            open(output, "wb").write(data)
    print(json.dumps(line | {"cold": {"samples_ns": [5000, 6000, 7000], "foreign_cpu": 0.0}}), flush=True)
"""


@pytest.fixture
def setting(tmp_path, monkeypatch):
    """Runs `run_peers` with fake peers; returns (exit code, results)."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE % str(MOEBENCH))
    grid = tmp_path / "grid.json"
    lists = {"shapes": ["tiny"], "dtypes": ["f32"], "tokens": [1, 5], "workloads": ["uniform"]}
    grid.write_text(json.dumps(lists | {"samples": 3, "max_seconds": 0.1}))
    kinds = ["right", "wrong", "crash", "refuse"]
    fakes = [Peer(f"fake:{k}", (sys.executable, str(script), k)) for k in kinds]
    monkeypatch.setattr(registry, "other_libraries", lambda: fakes)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of the problems' and the judge's moebench
    real = registry.probe
    fake_answer = {"version": "1", "dtypes": ["f32"], "notes": ""}
    monkeypatch.setattr(registry, "probe", lambda p, n: real(p, n) if p.strategy else fake_answer)

    def run(*words):
        out = tmp_path / "out"
        common = ["--grid", grid, "--out", out, "--work", tmp_path / "work", "--layers", 2]
        wanted = ["--peers", "fake|loop-per", "--quiet", 1, "--threads", 1]
        code = run_peers.main([str(w) for w in (*common, *wanted, *words)])
        path = out / "peers.json"
        return code, json.loads(path.read_text()) if path.exists() else None

    run.folder = tmp_path
    return run


def test_a_comparison_from_end_to_end(setting, capsys):
    code, results = setting("--rounds", 2)
    assert code == 1  # the wrong one
    kept = {(m["round"], m["peer"], m["problem"]): m for m in results["measurements"]}
    assert len(kept) == 2 * 5 * 2
    for round_ in (1, 2):
        for name in ("tiny/T=1/uniform/f32", "tiny/T=5/uniform/f32"):
            assert kept[round_, "moebench:loop-per-expert", name]["judge"]["passed"]
            assert kept[round_, "fake:right", name]["judge"]["passed"]
            assert not kept[round_, "fake:wrong", name]["judge"]["passed"]
            assert kept[round_, "fake:refuse", name]["error"] == "not on this shape"
        crashed = kept[round_, "fake:crash", "tiny/T=5/uniform/f32"]
        assert crashed["error"] == "the driver was ended by signal 11"
        assert kept[round_, "fake:crash", "tiny/T=1/uniform/f32"]["judge"]["passed"]
    text = (setting.folder / "out/peers.md").read_text()
    assert capsys.readouterr().out == text + "\n"
    assert "fake:wrong: wrong: token" in text
    assert "fake:crash: the driver was ended by signal 11 (tiny/T=5/uniform/f32)" in text


def test_the_order_of_a_round_is_drawn_by_its_seed():
    peers = [Peer(name) for name in "abcdefgh"]
    orders = [comparison.drawn_order(peers, f"1/tiny/{round_}") for round_ in range(3)]
    assert orders[0] != orders[1] != orders[2]
    assert orders[0] == comparison.drawn_order(peers, "1/tiny/0")
    assert all(set(order) == set(peers) for order in orders)


def test_a_second_call_goes_on(setting, monkeypatch):
    setting("--rounds", 1)
    ran = []
    real = comparison.run_peer
    monkeypatch.setattr(
        comparison, "run_peer", lambda p, *rest: ran.append(p.name) or real(p, *rest)
    )
    setting("--rounds", 1)
    assert ran == []
    _, results = setting("--rounds", 2)
    assert len(ran) == 5
    assert {m["round"] for m in results["measurements"]} == {1, 2}


def test_a_call_for_other_problems_adds_to_what_is_there(setting):
    setting("--rounds", 1, "--peers", "fake:right", "--only", "T=5")
    _, results = setting("--rounds", 1, "--peers", "loop-per", "--only", "T=1")
    (group,) = results["groups"]
    assert group["problems"] == ["tiny/T=5/uniform/f32", "tiny/T=1/uniform/f32"]
    assert set(results["peers"]) == {"fake:right", "moebench:loop-per-expert"}
    text = (setting.folder / "out/peers.md").read_text()
    assert text.index("| 1 | uniform") < text.index("| 5 | uniform")


def test_an_interruption_before_the_judge_costs_that_round_only(setting, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    real = comparison.Comparison.judge
    monkeypatch.setattr(comparison.Comparison, "judge", interrupted)
    code, results = setting("--rounds", 1)
    assert code == 130 and len(results["measurements"]) == 10
    monkeypatch.setattr(comparison.Comparison, "judge", real)
    _, results = setting("--rounds", 1)
    assert len(results["measurements"]) == 10
    assert all("error" in m or "judge" in m for m in results["measurements"])


def test_a_disturbed_measurement_is_repeated_and_marked(setting, monkeypatch):
    ran = []
    real = comparison.run_peer
    monkeypatch.setattr(
        comparison, "run_peer", lambda p, *rest: ran.append(p.name) or real(p, *rest)
    )
    monkeypatch.setattr(comparison, "foreign_cpu_of", lambda line: 0.5)
    words = ("--rounds", 1, "--peers", "fake:right", "--quiet", 0.1, "--repeats", 2)
    _, results = setting(*words)
    assert ran == ["fake:right"] * 3
    assert all(m["disturbed"] and m["attempts"] == 3 for m in results["measurements"])


def test_results_of_another_seed_are_not_mixed_in(setting, capsys):
    setting("--rounds", 1, "--peers", "fake:right")
    code, _ = setting("--rounds", 1, "--peers", "fake:right", "--seed", 2)
    assert code == 2
    assert "choose another --out" in capsys.readouterr().err


def test_problems_are_gone_at_the_end(setting):
    setting("--rounds", 1, "--peers", "fake:refuse")
    assert list((setting.folder / "work").iterdir()) == []


def test_a_peer_that_is_not_installed_says_so(tmp_path):
    peer = Peer("x:y", (str(tmp_path / "none/bin/python"),), environment="none")
    assert registry.probe(peer, 2) == {"error": "not installed: scripts/peers/setup.sh first"}


def test_every_driver_is_there():
    for peer in registry.other_libraries():
        assert (registry.HERE / peer.command[1]).exists()


def test_only_those_near_the_fastest_go_on_after_the_first_round(setting, monkeypatch):
    monkeypatch.setattr(
        comparison, "is_near", lambda _first, _problem, peer, _within: peer == "fake:right"
    )
    _, results = setting("--rounds", 2, "--within", 1.5)
    assert len({m["peer"] for m in results["measurements"] if m["round"] == 1}) > 1
    assert {m["peer"] for m in results["measurements"] if m["round"] == 2} == {"fake:right"}
