"""The few tensors of a routing trace the heatmap needs, read with the standard library alone.

safetensors: u64 header length (little-endian), a JSON header naming each tensor's dtype, shape
and byte range, then the bytes.
"""

import json
import math
import re
import struct
import sys
from array import array
from dataclasses import dataclass

from report.records import ReportError

HEADER_LIMIT = 100_000_000  # the format's own limit


@dataclass
class LayerLoad:
    layer: int
    slots: list  # [experts] (token, choice) pairs each expert was given
    counted: bool  # the number of experts is known from the logits, not guessed from the ids

    @property
    def total(self):
        return sum(self.slots)

    @property
    def over_mean(self):
        """Load of each expert over the mean load; 1 is an even share."""
        mean = self.total / len(self.slots)
        return [n / mean for n in self.slots]

    @property
    def entropy(self):
        """Normalised: 1 for an even load, 0 where one expert takes all."""
        shares = [n / self.total for n in self.slots if n]
        experts = len(self.slots)
        return -sum(p * math.log(p) for p in shares) / math.log(experts) if experts > 1 else 1.0

    @property
    def dead(self):
        return sum(n == 0 for n in self.slots)


def expert_load(path):
    """LayerLoad per layer, in layer order, from `selected_experts.L` I32 [N, K]."""
    with open(path, "rb") as file:
        header, data = _header(path, file.read())
    layers = []
    for name, entry in header.items():
        match = re.fullmatch(r"selected_experts\.(\d+)", name)
        if match:
            layers.append(_layer(path, int(match[1]), name, entry, header, data))
    if not layers:
        raise ReportError(f"{path}: no tensor selected_experts.0, is this a routing trace?")
    return sorted(layers, key=lambda load: load.layer)


def _header(path, blob):
    if len(blob) < 8:
        raise ReportError(f"{path}: {len(blob)} bytes, too short for a safetensors file")
    (size,) = struct.unpack("<Q", blob[:8])
    if size > HEADER_LIMIT or 8 + size > len(blob):
        raise ReportError(f"{path}: header of {size} bytes does not fit, not a safetensors file")
    try:
        header = json.loads(blob[8 : 8 + size])
    except ValueError as error:
        raise ReportError(f"{path}: the header is not JSON ({error})") from None
    if not isinstance(header, dict):
        raise ReportError(f"{path}: the header is not a JSON object")
    return header, memoryview(blob)[8 + size :]


def _layer(path, layer, name, entry, header, data):
    try:
        dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise ReportError(f"{path}: {name} lacks dtype, shape or data_offsets") from None
    if dtype != "I32" or len(shape) != 2:
        raise ReportError(f"{path}: {name} is {dtype} {shape}, expected I32 [tokens, top_k]")
    if not 0 <= start < end <= len(data) or end - start != 4 * math.prod(shape):
        raise ReportError(f"{path}: {name} has bytes {start} to {end}, which do not fit {shape}")
    ids = array("i", bytes(data[start:end]))
    if sys.byteorder == "big":
        ids.byteswap()
    logits = header.get(f"router_logits.{layer}", {}).get("shape")
    experts = logits[-1] if logits else max(ids) + 1
    if not 0 <= min(ids) <= max(ids) < experts:
        raise ReportError(f"{path}: {name} names expert {max(ids)} of {experts}")
    slots = [0] * experts
    for expert in ids:
        slots[expert] += 1
    return LayerLoad(layer, slots, counted=bool(logits))
