"""What is read from a driver, and how it is called."""

from pathlib import Path

from driver_process import Settings, command_of, lines_of
from registry import Peer

FILES = {"tiny/T=1/uniform/f32": Path("one"), "tiny/T=2/uniform/f32": Path("two")}


def test_noise_and_a_torn_last_line_are_left_out():
    text = 'CPU says hello\n{"peer": "x", "problem": "a"}\n{"peer": "x", "version": 1}\n{"peer": "x", "prob'
    assert lines_of(text) == {"a": {"peer": "x", "problem": "a"}}


def test_a_library_gets_files():
    command = command_of(Peer("x:y", ("python", "x.py")), FILES, {}, Settings(layers=3))
    assert command[:2] == ["python", "x.py"]
    assert command[-4:] == ["--problem", "one", "--problem", "two"]
    assert command[command.index("--layers") + 1] == "3"
    assert "--output" not in command


def test_a_strategy_gets_cells():
    peer = Peer("moebench:s", ("moebench",), strategy="s@cpu")
    outputs = {name: Path(f"y{i}") for i, name in enumerate(FILES)}
    command = command_of(peer, FILES, outputs, Settings(threads=2))
    assert command[:4] == [
        "moebench",
        "drive",
        "tiny/T=1/uniform/f32/threads=2/s@cpu",
        "tiny/T=2/uniform/f32/threads=2/s@cpu",
    ]
    assert command[-4:] == ["--output", "y0", "--output", "y1"]
