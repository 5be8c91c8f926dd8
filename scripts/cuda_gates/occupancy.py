"""Blocks that fit a multiprocessor: the rules of harness/simt/machine/occupancy.cc, in Python."""

from dataclasses import dataclass

KILOBYTE = 1024
REGISTERS = 65536
PARTITIONS = 4
REGISTER_UNIT = 256  # a warp gets whole units
SHARED_UNIT = 128
SHARED_RESERVED = 1024  # bytes of each block that belong to the system
MOST_BLOCKS = 32
MOST_WARPS = 64


@dataclass(frozen=True)
class Device:
    name: str
    shared: int  # bytes of a multiprocessor


# CUDA C++ programming guide 13.0, "Compute Capabilities".
DEVICES = {
    "80": Device("A100", 164 * KILOBYTE),
    "90a": Device("H100", 228 * KILOBYTE),
    "100a": Device("B200", 228 * KILOBYTE),
}


def round_up(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def blocks_that_fit(architecture: str, threads: int, registers: int, shared: int) -> int:
    """`shared`: static and dynamic bytes together."""
    warps = -(-threads // 32)
    of_warp = round_up(max(registers, 1) * 32, REGISTER_UNIT)
    by_registers = REGISTERS // PARTITIONS // of_warp * PARTITIONS // warps
    by_shared = DEVICES[architecture].shared // round_up(shared + SHARED_RESERVED, SHARED_UNIT)
    return min(MOST_BLOCKS, MOST_WARPS // warps, by_registers, by_shared)
