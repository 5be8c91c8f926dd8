"""Counts instructions in PTX, kernel by kernel: what ptxas was given."""

import re
from dataclasses import dataclass, field

ENTRY = re.compile(r"\.entry\s+([\w$]+)")
THREADS = re.compile(r"\.(?:maxntid|reqntid)\s+([\d, ]+)")
BRACE = re.compile(r"[{}]")
# Where a statement begins: inline assembly may hold several on one line.
GUARD = r"(?:^|[;{}])\s*(?:@!?%?\w+\s+)?"
COUNTED = {
    "mma": re.compile(GUARD + r"mma\.sync", re.M),
    "wgmma": re.compile(GUARD + r"wgmma\.mma_async", re.M),
    "ldmatrix": re.compile(GUARD + r"ldmatrix\.", re.M),
    "cp.async": re.compile(GUARD + r"cp\.async\.c[ag]\.", re.M),
    "cp.async of 16": re.compile(GUARD + r"cp\.async\.c[ag]\.[^;]*\], 16\b", re.M),
    "tensor load": re.compile(GUARD + r"cp\.async\.bulk\.tensor\.\dd\.shared", re.M),
    "tensor store": re.compile(GUARD + r"cp\.async\.bulk\.tensor\.\dd\.global", re.M),
    "bulk copy": re.compile(GUARD + r"cp\.async\.bulk\.(?:shared|global)", re.M),
}
# e4m3 products have no tensor-core instruction of their own under mma.sync on sm_80 and sm_90.
EIGHT_BIT = re.compile(GUARD + r"mma\.sync\S*\.e[45]m[23]\.", re.M)


@dataclass
class Kernel:
    threads: int | None = None  # the most of a block, where __launch_bounds__ says it
    counts: dict[str, int] = field(default_factory=dict)
    eight_bit_mma: int = 0


def bodies(text: str):
    """Yields (mangled name, declaration, body) of each kernel."""
    for entry in ENTRY.finditer(text):
        begin = text.find("{", entry.end())
        depth = 0
        # Braces also enclose scopes and the vectors of operands: all of them come in pairs.
        for brace in BRACE.finditer(text, begin):
            depth += 1 if brace.group() == "{" else -1
            if depth == 0:
                yield entry.group(1), text[entry.start() : begin], text[begin : brace.end()]
                break


def read_ptx(text: str) -> dict[str, Kernel]:
    kernels = {}
    for name, declaration, body in bodies(text):
        counts = {what: len(pattern.findall(body)) for what, pattern in COUNTED.items()}
        threads = None
        if bounds := THREADS.search(declaration):
            threads = 1
            for extent in bounds.group(1).split(","):
                threads *= int(extent)
        counts = {what: count for what, count in counts.items() if count}
        kernels[name] = Kernel(threads, counts, len(EIGHT_BIT.findall(body)))
    return kernels
