"""Which weights a timed call finds: from memory (cold) or where the last call left them (hot).

A call touches only the experts that its tokens chose. Cold calls walk through all experts of all
layers: each call gives the chosen experts other numbers, the next ones in a circle, so that a weight
comes again only after about everything else was read. Who shares an expert with whom stays as it
was, and with it the load of every expert.
"""

import math


def layers_needed(layer_bytes: int, cache_bytes: int) -> int:
    """Copies of a layer that make twice the cache."""
    return max(1, math.ceil(2 * cache_bytes / layer_bytes))


def touched(ids) -> list[int]:
    """The experts of ids [T][K], ascending."""
    return sorted({int(expert) for row in ids for expert in row})


def distinct_calls(chosen: int, experts: int, layers: int, most: int) -> int:
    """How many calls the circle takes until it repeats itself, at most `most`."""
    return min(most, layers * (experts // math.gcd(chosen, experts)))


def relabelled(ids, experts: int, step: int) -> list[list[int]]:
    """The ids of one call: the experts that are chosen become the `step`th lot of the circle."""
    chosen = touched(ids)
    number = {expert: (step * len(chosen) + i) % experts for i, expert in enumerate(chosen)}
    return [[number[int(expert)] for expert in row] for row in ids]


def cache_bytes_of_this_machine() -> int:
    """The last-level cache as the kernel tells it; 32 MiB where it does not."""
    from pathlib import Path

    sizes = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        sizes.append(int(text[:-1]) * {"K": 1 << 10, "M": 1 << 20}[text[-1]])
    return max(sizes, default=32 << 20)
