"""Reads the machine code of one architecture: resources of each kernel, and its instructions."""

import re
import struct
from dataclasses import dataclass, field

from cuda_gates.objects import Section, elf_sections

# Attributes of .nv.info (format 4: sized value; the value begins with a symbol's number).
SIZED = 4
REGISTERS, FRAME = 0x2F, 0x11
SYMBOL_TABLE = 2
INSTRUCTION_BYTES = 16
RESERVED_SHARED = 1024
# Operation: the low 9 of the low 12 bits; the upper 3 say where the operands come from (register,
# constant, immediate). Proven against cuobjdump in cuda_gates_test.py.
OPERATIONS = {
    0x03C: "HMMA",
    0x037: "IMMA",
    0x03F: "DMMA",
    0x07A: "QMMA",
    0x1F0: "HGMMA",
    0x1F1: "IGMMA",
    0x1F3: "QGMMA",
    0x03B: "LDSM",
    0x1AE: "LDGSTS",
    0x1B4: "UTMALDG",
    0x1B5: "UTMASTG",
    0x1BA: "UBLKCP",
    0x181: "LDG",
    0x186: "STG",
    0x183: "LDL",
    0x187: "STL",
    0x184: "LDS",
    0x188: "STS",
    0x1A3: "ATOMG",
    0x1A8: "ATOMG",
    0x1A9: "ATOMG",
    0x18E: "RED",
    0x1A6: "RED",
    0x18C: "ATOMS",
    0x18D: "ATOMS",
    0x11D: "BAR",
    0x189: "SHFL",
}
WIDTHS = {
    0: 8,
    1: 8,
    2: 16,
    3: 16,
    4: 32,
    5: 64,
    6: 128,
    7: 256,
}  # bits 73 to 75 of a load or store
HAVE_WIDTH = {"LDG", "STG"}


@dataclass
class Kernel:
    registers: int = 0
    stack: int = 0  # bytes of local memory of a thread
    static_shared: int = 0  # bytes of a block
    instructions: int = 0
    mix: dict[str, int] = field(default_factory=dict)  # of the operations above


def operation(instruction: bytes) -> str | None:
    """`HMMA`, `LDG.128`: how this instruction is counted; None where it is not."""
    low, high = struct.unpack("<QQ", instruction)
    name = OPERATIONS.get(low & 0x1FF)
    if name in HAVE_WIDTH:
        return f"{name}.{WIDTHS[high >> 9 & 7]}"
    return name


def instruction_mix(code: bytes) -> dict[str, int]:
    mix: dict[str, int] = {}
    for at in range(0, len(code), INSTRUCTION_BYTES):
        name = operation(code[at : at + INSTRUCTION_BYTES])
        if name:
            mix[name] = mix.get(name, 0) + 1
    return dict(sorted(mix.items()))


def symbol_names(sections: list[Section]) -> list[str]:
    table = next(s for s in sections if s.kind == SYMBOL_TABLE)
    strings = sections[table.link].data
    names = []
    for at in range(0, len(table.data), 24):
        start = struct.unpack_from("<I", table.data, at)[0]
        names.append(strings[start : strings.index(b"\0", start)].decode())
    return names


def attributes(info: bytes, wanted: int):
    """Yields (symbol number, value) of one attribute."""
    at = 0
    while at + 4 <= len(info):
        form, attribute, size = struct.unpack_from("<BBH", info, at)
        if form == SIZED and attribute == wanted and size == 8:
            yield struct.unpack_from("<II", info, at + 4)
        at += 4 + (size if form == SIZED else 0)


def own_shared(section: Section | None, architecture: str) -> int:
    """Bytes the kernel declares; from sm_90 on the section begins with what the system reserves."""
    if section is None:
        return 0
    reserved = RESERVED_SHARED if int(architecture.rstrip("af")) >= 90 else 0
    return max(section.size - reserved, 0)


def toolkit(data: bytes) -> str:
    """`13.0`: whose ptxas made it."""
    found = re.search(rb"Cuda compilation tools, release ([\d.]+)", data)
    return found.group(1).decode() if found else "unknown"


def read_cubin(data: bytes, architecture: str, what: str) -> dict[str, Kernel]:
    """By mangled name; functions that are no kernels are left out."""
    sections = elf_sections(data, what)
    by_name = {s.name: s for s in sections}
    symbols = symbol_names(sections)
    info = by_name[".nv.info"].data if ".nv.info" in by_name else b""
    registers = {symbols[i]: value for i, value in attributes(info, REGISTERS)}
    frames = {symbols[i]: value for i, value in attributes(info, FRAME)}
    kernels = {}
    for section in sections:
        # Only kernels have a bank of parameters.
        name = section.name.removeprefix(".text.")
        if name == section.name or f".nv.constant0.{name}" not in by_name:
            continue
        kernels[name] = Kernel(
            registers=registers.get(name, 0),
            stack=frames.get(name, 0),
            static_shared=own_shared(by_name.get(f".nv.shared.{name}"), architecture),
            instructions=section.size // INSTRUCTION_BYTES,
            mix=instruction_mix(section.data),
        )
    return kernels
