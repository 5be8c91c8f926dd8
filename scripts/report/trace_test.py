"""The trace is read as it is, and refused where it is not what it says."""

import json
import struct
from array import array

import pytest

from report import records, testdata
from report.trace import expert_load


def write(tmp_path, header, data=b""):
    text = json.dumps(header).encode()
    path = tmp_path / "trace.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def ids(*values):
    return array("i", values).tobytes()


def test_slots_are_counted_per_expert_and_layers_are_sorted_by_number(tmp_path):
    header = {
        "selected_experts.10": {"dtype": "I32", "shape": [1, 2], "data_offsets": [16, 24]},
        "selected_experts.2": {"dtype": "I32", "shape": [2, 2], "data_offsets": [0, 16]},
        "router_logits.2": {"dtype": "F32", "shape": [0, 4], "data_offsets": [24, 24]},
    }
    two, ten = expert_load(write(tmp_path, header, ids(0, 1, 0, 2, 1, 0)))
    assert (two.layer, two.slots, two.counted, two.dead) == (2, [2, 1, 1, 0], True, 1)
    assert (ten.layer, ten.slots, ten.counted) == (10, [1, 1], False)
    assert two.over_mean == [2, 1, 1, 0]


def test_an_even_load_has_entropy_one(tmp_path):
    header = {"selected_experts.0": {"dtype": "I32", "shape": [2, 2], "data_offsets": [0, 16]}}
    (layer,) = expert_load(write(tmp_path, header, ids(0, 1, 1, 0)))
    assert layer.entropy == pytest.approx(1)


def test_the_made_up_trace_has_its_dead_expert(tmp_path):
    layers = expert_load(testdata.write_trace(tmp_path / "t.safetensors"))
    assert len(layers) == 12 and layers[-1].dead == 1


@pytest.mark.parametrize(
    "entry, message",
    [
        ({"dtype": "I64", "shape": [2, 2], "data_offsets": [0, 16]}, "expected I32"),
        ({"dtype": "I32", "shape": [2, 2], "data_offsets": [0, 99]}, "do not fit"),
        ({"dtype": "I32", "shape": [2, 2]}, "lacks dtype"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(tmp_path, entry, message):
    with pytest.raises(records.ReportError, match=message):
        expert_load(write(tmp_path, {"selected_experts.0": entry}, ids(0, 1, 2, 3)))


def test_an_expert_out_of_range_is_refused(tmp_path):
    header = {"selected_experts.0": {"dtype": "I32", "shape": [1, 2], "data_offsets": [0, 8]}}
    with pytest.raises(records.ReportError, match="names expert"):
        expert_load(write(tmp_path, header, ids(0, -1)))


def test_a_file_that_is_no_trace_is_refused(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"hello, this is not it")
    with pytest.raises(records.ReportError, match="not a safetensors file"):
        expert_load(path)
    with pytest.raises(records.ReportError, match="is this a routing trace"):
        expert_load(write(tmp_path, {}))
