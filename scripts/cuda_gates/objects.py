"""Reads what nvcc put into an object file: PTX text and machine code for each architecture.

The layout of the container is that of toolkit 13.0, the same that harness/simt/runtime/fatbin.cc
reads. No tool of the toolkit is needed.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path

FATBIN_MAGIC = 0xBA55ED50
PTX, CUBIN = 1, 2
COMPRESSED = 0x2000 | 0x8000  # flags of an entry: LZ4, zstd
ARCHITECTURE_SPECIFIC = 0x100000  # the `a` of 90a


class BadObject(Exception):
    """One sentence: what is wrong with which file."""


@dataclass
class Section:
    name: str
    kind: int
    offset: int
    size: int
    link: int
    info: int
    data: bytes


@dataclass
class Images:
    """Of one object file, by architecture (`90a`)."""

    ptx: dict[str, str] = field(default_factory=dict)
    cubin: dict[str, bytes] = field(default_factory=dict)


def elf_sections(data: bytes, what: str) -> list[Section]:
    if data[:5] != b"\x7fELF\x02":
        raise BadObject(f"{what} is no 64-bit ELF file")
    at = struct.unpack_from("<Q", data, 40)[0]
    each, count, names = struct.unpack_from("<HHH", data, 58)
    raw = [struct.unpack_from("<IIQQQQIIQQ", data, at + each * i) for i in range(count)]
    strings = raw[names][4]
    sections = []
    for name, kind, _, _, offset, size, link, info, _, _ in raw:
        nobits = kind == 8
        text = data[strings + name : data.index(b"\0", strings + name)].decode()
        body = b"" if nobits else data[offset : offset + size]
        sections.append(Section(text, kind, offset, size, link, info, body))
    return sections


def fatbin_entries(data: bytes, what: str):
    """Yields (kind, architecture, bytes) of all containers that lie side by side in a section."""
    at = 0
    while at + 16 <= len(data):
        magic, _, header, size = struct.unpack_from("<IHHQ", data, at)
        if magic != FATBIN_MAGIC:  # containers begin at multiples of 8 bytes
            at += 8
            continue
        entry, end = at + header, at + header + size
        while entry < end:
            kind, _, entry_header, payload = struct.unpack_from("<HHIQ", data, entry)
            capability = struct.unpack_from("<I", data, entry + 28)[0]
            flags = struct.unpack_from("<Q", data, entry + 40)[0]
            if flags & COMPRESSED:
                raise BadObject(f"{what} is compressed: build it with nvcc --no-compress")
            architecture = f"{capability}{'a' if flags & ARCHITECTURE_SPECIFIC else ''}"
            body = entry + entry_header
            yield kind, architecture, data[body : body + payload]
            entry = body + payload
        at = end


def read_object(path: Path) -> Images:
    images = Images()
    for section in elf_sections(path.read_bytes(), str(path)):
        if section.name != ".nv_fatbin":
            continue
        for kind, architecture, body in fatbin_entries(section.data, str(path)):
            if kind == PTX:
                images.ptx[architecture] = body.rstrip(b"\0").decode()
            elif kind == CUBIN:
                images.cubin[architecture] = body
    return images
