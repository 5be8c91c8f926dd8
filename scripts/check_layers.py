#!/usr/bin/env python3
"""Checks the arrows of the architecture on every `#include "..."` line, and three house rules.

A strategy that could call the reference would always be right; a contract that knew CUDA could not
be read without it. So each folder includes only what stands beside it in ARROWS. Also refused:
includes that are not written from the root, files that are too long to read in one sitting, and
marks for work to be done later.

Prints `file:line: what (which rule)` for each offence. Exit code 1 if there was one.
"""

import argparse
import re
import sys
from pathlib import Path

# The folder of a file (the longest that fits) -> the folders its includes may name.
ARROWS = {
    "kernels/contract": ["kernels/contract"],
    "kernels/common": ["kernels/contract", "kernels/common"],
    "kernels/cpu": ["kernels/contract", "kernels/common", "kernels/cpu"],
    "kernels/cuda": ["kernels/contract", "kernels/common", "kernels/cuda"],
    "reference": ["kernels/contract", "reference"],
    "harness": ["kernels/contract", "reference", "harness"],
    "bench": ["kernels/contract", "kernels/common", "reference", "harness", "bench"],
    "bench/parts": [
        *["kernels/contract", "kernels/common", "kernels/cpu/detail", "kernels/cuda"],
        *["reference", "harness", "bench"],
    ],
    "scripts/testdata": ["kernels/contract"],  # the example strategy needs nothing else
}
# What runs the tests of CUDA kernels where there is no GPU; only tests may see it.
TESTS_OF_CUDA = re.compile(r"^kernels/cuda/.*(_test\.cu|_test\.cc|/testing\.h)$")
FOLDERS = ["kernels", "reference", "harness", "bench", "scripts"]
CPP = {".h", ".cc", ".cu", ".cuh"}
SOURCES = CPP | {".py", ".sh", ".in"}
LONGEST_FILE = 400  # lines; the house aims under 200

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
LATER = re.compile(r"\bTO[D]O\b|\bFIX[M]E\b")  # written so that this line is not an offence


def is_in(path: str, folder: str) -> bool:
    return path.startswith(folder + "/")


def source_files(root: Path) -> list[Path]:
    found = [p for folder in FOLDERS for p in (root / folder).rglob("*")]
    return sorted(p for p in found if p.is_file() and p.name.endswith(tuple(SOURCES)))


def nearest_path(root: Path, included: str) -> str:
    """` (meant "kernels/x.h"?)` when exactly one file has that name."""
    name = Path(included).name
    same = [p for f in FOLDERS for p in (root / f).rglob(name)]
    return f' (meant "{same[0].relative_to(root)}"?)' if len(same) == 1 else ""


def is_generated(folder: Path, included: str) -> bool:
    """Whether the build writes this header: `x.h` from `x.cmake` or `x.h.in` in the same folder."""
    header = folder / included
    return any(p.is_file() for p in (header.with_suffix(".cmake"), Path(f"{header}.in")))


def check_include(root: Path, file: str, bracket: str, included: str) -> str | None:
    """The offence of one include line, or None."""
    layers = [folder for folder in ARROWS if is_in(file, folder)]
    if not layers:
        return f'"{file}" lies in no layer (the layers: {", ".join(ARROWS)})'
    layer = max(layers, key=len)
    if bracket == "<":
        # Standard C++ headers have neither a dot nor a slash.
        if layer == "kernels/contract" and ("." in included or "/" in included):
            return f"<{included}> is no standard header (arrow: kernels/contract -> standard only)"
        return None
    if is_generated((root / file).parent, included):
        return None
    if not (root / included).is_file():
        return f'"{included}" is not written from the root{nearest_path(root, included)}'
    if TESTS_OF_CUDA.match(file) and is_in(included, "harness/simt"):
        return None
    if not any(is_in(included, allowed) for allowed in ARROWS[layer]):
        return f'"{included}" is not allowed here (arrow: {layer} -> {", ".join(ARROWS[layer])})'
    return None


def check_file(root: Path, path: Path) -> list[str]:
    file = path.relative_to(root).as_posix()
    lines = path.read_text(encoding="utf-8").splitlines()
    offences = []
    for number, line in enumerate(lines, start=1):
        if LATER.search(line):
            offences.append(f"{file}:{number}: a mark for later work (house rule: finish it)")
        include = INCLUDE.match(line)
        if path.suffix in CPP and include:
            offence = check_include(root, file, include[1], include[2])
            if offence:
                offences.append(f"{file}:{number}: {offence}")
    if len(lines) > LONGEST_FILE:
        offences.append(f"{file}:{len(lines)}: longer than {LONGEST_FILE} lines (house rule)")
    return offences


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    root = parser.parse_args(arguments).root
    files = source_files(root)
    offences = [offence for path in files for offence in check_file(root, path)]
    for offence in offences:
        print(offence)
    if not files:
        print(f"{root}: no source files found")
    return 1 if offences or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
