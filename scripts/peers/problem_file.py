"""Problems as `moebench problem` writes them, and outputs as `moebench judge` reads them.

A safetensors file is 8 bytes of header length, a JSON header, and the tensors. numpy has no bf16:
such tensors come and go as uint16, the upper half of a float's bits.
"""

import json
import struct
from pathlib import Path

ITEM = {"F32": ("<f4", 4), "I32": ("<i4", 4), "BF16": ("<u2", 2), "F16": ("<f2", 2)}
BYTES = {"f32": 4, "bf16": 2, "f16": 2}  # of a stored weight


class TensorFile:
    """A safetensors file, opened: names, dtypes, shapes; tensors when asked for."""

    def __init__(self, path: Path):
        self.path = Path(path)
        with self.path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            self.entries = json.loads(file.read(size))
        self.metadata = self.entries.pop("__metadata__", {})
        self._data = 8 + size

    def shape(self, name: str) -> list[int]:
        return self.entries[name]["shape"]

    def dtype(self, name: str) -> str:
        return self.entries[name]["dtype"]

    def read(self, name: str):
        """A fresh numpy array: each call has memory of its own."""
        import numpy

        entry = self.entries[name]
        code, item = ITEM[entry["dtype"]]
        begin, end = entry["data_offsets"]
        with self.path.open("rb") as file:
            file.seek(self._data + begin)
            values = numpy.fromfile(file, dtype=code, count=(end - begin) // item)
        return values.reshape(entry["shape"])


class Problem:
    """One problem. Its weights may lie in another problem's file: `--without-weights`."""

    def __init__(self, path: Path, weights: Path | None = None):
        self._file = TensorFile(path)
        self._weights = TensorFile(weights) if weights else self._file
        self.name = self._file.metadata["problem"]
        self.tokens, self.hidden = self._file.shape("x")
        self.experts, self.ffn, _ = self._weights.shape("gate")
        self.top_k = self._file.shape("expert")[1]
        self.dtype = {"F32": "f32", "BF16": "bf16", "F16": "f16"}[self._file.dtype("x")]

    def read(self, name: str):
        """x [T, H], gate and up [E, F, H], down [E, H, F], expert and weight [T, K]."""
        source = self._weights if name in ("gate", "up", "down") else self._file
        return source.read(name)


def as_float(values):
    """numpy values as float32; uint16 are bf16."""
    import numpy

    if values.dtype == numpy.uint16:
        return (values.astype(numpy.uint32) << 16).view(numpy.float32)
    return values.astype(numpy.float32)


def write_output(path: Path, y, rounds: list[str]) -> None:
    """y: float32 [T, H]. rounds: what the peer keeps in the dtype, in the judge's words."""
    import numpy

    y = numpy.ascontiguousarray(y, dtype="<f4")
    header = {
        "__metadata__": {"rounds": ",".join(rounds)},
        "y": {"dtype": "F32", "shape": list(y.shape), "data_offsets": [0, y.nbytes]},
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + y.tobytes())
