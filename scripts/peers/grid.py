"""Which problems are compared: a grid of shapes, dtypes, tokens and workloads in a JSON file."""

import json
from dataclasses import dataclass
from pathlib import Path

LISTS = ("shapes", "dtypes", "tokens", "workloads")
NUMBERS = {"samples": 20, "warmup": 2, "max_seconds": 3}


class BadGrid(Exception):
    """One sentence for the user."""


@dataclass(frozen=True)
class Group:
    """Problems that share a layer's weights: a driver prepares once for all of them."""

    shape: str
    dtype: str
    problems: tuple[str, ...]  # as moebench names them

    @property
    def name(self) -> str:
        return f"{self.shape}/{self.dtype}"


@dataclass(frozen=True)
class Grid:
    groups: list[Group]
    samples: int
    warmup: int
    max_seconds: float


def read_grid(path: Path, only: str | None = None) -> Grid:
    """The grid of a file; `only` is a regular expression that a problem's name must match."""
    import re

    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadGrid(f"{path}: {error}") from None
    for key in content:
        if key not in LISTS and key not in NUMBERS:
            raise BadGrid(f'{path}: unknown key "{key}"; known: {", ".join((*LISTS, *NUMBERS))}')
    for key in LISTS:
        if not isinstance(content.get(key), list) or not content[key]:
            raise BadGrid(f'{path}: "{key}" is {content.get(key)}, expected a list of at least one')
    groups = []
    for shape in content["shapes"]:
        for dtype in content["dtypes"]:
            names = [
                f"{shape}/T={tokens}/{workload}/{dtype}"
                for tokens in content["tokens"]
                for workload in content["workloads"]
            ]
            chosen = tuple(name for name in names if not only or re.search(only, name))
            if chosen:
                groups.append(Group(shape, dtype, chosen))
    return Grid(groups, **{key: content.get(key, value) for key, value in NUMBERS.items()})
