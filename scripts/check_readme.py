#!/usr/bin/env python3
"""Runs the commands that the documents promise, and looks for the files they point to.

A code block that follows the comment `<!-- run -->` is run with bash from the root of the tree,
with the freshly built moebench on the PATH; it fails if one of its commands does. Only quick
commands are marked so. Each relative link must lead to a file.

Prints `file:line: what`. Exit code 1 if anything failed, or if nothing was marked.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "build" / "release"
TIMEOUT_S = 120
RUN_BLOCK = re.compile(r"^<!-- run -->\n```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)")


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def broken_links(document: Path) -> list[str]:
    text = document.read_text(encoding="utf-8")
    text = CODE_BLOCK.sub(lambda code: "\n" * code[0].count("\n"), text)  # a lambda looks like one
    return [
        f"{document}:{line_of(text, link.start())}: {link[1]} does not exist"
        for link in LINK.finditer(text)
        if not (document.parent / link[1]).exists()
    ]


def run_blocks(document: Path, root: Path) -> tuple[int, list[str]]:
    """The number of blocks, and what went wrong in them."""
    text = document.read_text(encoding="utf-8")
    environment = os.environ | {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "NO_COLOR": "1"}
    blocks, failures = list(RUN_BLOCK.finditer(text)), []
    for block in blocks:
        command = ["bash", "-euxo", "pipefail", "-c", block[1]]
        place = f"{document}:{line_of(text, block.start(1))}"
        try:
            done = subprocess.run(
                command,
                cwd=root,
                env=environment,
                timeout=TIMEOUT_S,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        except subprocess.TimeoutExpired:
            failures.append(f"{place}: took longer than {TIMEOUT_S} s")
            continue
        if done.returncode != 0:
            failures.append(f"{place}: ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return len(blocks), failures


def documents(root: Path) -> list[Path]:
    """The Markdown files at the root and one or two folders down, build outputs left out."""
    found = [p for pattern in ("*.md", "*/*.md", "*/*/*.md") for p in root.glob(pattern)]
    outputs = ("build", "results/local", ".")
    return sorted(p for p in found if not str(p.relative_to(root)).startswith(outputs))


def main(root: Path = ROOT) -> int:
    total, failures = 0, []
    for document in documents(root):
        failures += broken_links(document)
        count, failed = run_blocks(document, root)
        total += count
        failures += failed
    print("\n".join([*failures, f"{total} marked code blocks run"]))
    return 1 if failures or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
