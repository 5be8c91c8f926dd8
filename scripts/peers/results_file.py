"""The one file of a comparison: kept whole after every process, so that an interruption loses little."""

import json
import os
from pathlib import Path


class OtherRun(Exception):
    """The file there belongs to another comparison. One sentence for the user."""


SAME = ("commit", "seed", "threads", "machine")


def merged(kept: list[dict], added: list[dict]) -> list[dict]:
    """Groups of two calls: a later call may ask for other problems."""
    problems = {group["name"]: list(group["problems"]) for group in kept}
    for group in added:
        mine = problems.setdefault(group["name"], [])
        mine += [name for name in group["problems"] if name not in mine]
    return [{"name": name, "problems": names} for name, names in problems.items()]


class Results:
    def __init__(self, folder: Path, about: dict):
        """about: what the comparison is of. A file that is there already is gone on with."""
        self.path = folder / "peers.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.content = about | {"measurements": []}
        if self.path.exists():
            kept = json.loads(self.path.read_text())
            for key in SAME:
                if kept[key] != about[key]:
                    raise OtherRun(
                        f"{self.path} has {key} {kept[key]}, this run {about[key]}; "
                        "choose another --out"
                    )
            self.content |= {
                "measurements": kept["measurements"],
                "begun": kept["begun"],
                "groups": merged(kept["groups"], about["groups"]),
                "peers": kept["peers"] | about["peers"],
            }

    @property
    def measurements(self) -> list[dict]:
        return self.content["measurements"]

    def done(self, round_: int, peer: str) -> set[str]:
        """The problems that a peer has behind it in a round, the judge's word included."""
        return {
            m["problem"]
            for m in self.measurements
            if m["round"] == round_ and m["peer"] == peer and ("error" in m or "judge" in m)
        }

    def put(self, measurement: dict) -> None:
        """In the place of an earlier attempt at the same."""
        key = [measurement[k] for k in ("round", "peer", "problem")]
        self.content["measurements"] = [
            m for m in self.measurements if [m["round"], m["peer"], m["problem"]] != key
        ]
        self.measurements.append(measurement)

    def save(self) -> None:
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.content))
        os.replace(partial, self.path)
