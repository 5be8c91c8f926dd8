"""How much of the machine others used while something of ours was measured.

Counted in seconds of CPU: what /proc/stat calls busy (steal included: time the host gave to others)
less what this process and its children used, as a share of all there was.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path


def busy_seconds(stat: str, ticks_per_second: int) -> float:
    """The first line of /proc/stat: user nice system idle iowait irq softirq steal ..."""
    fields = [int(word) for word in stat.splitlines()[0].split()[1:9]]
    user, nice, system, _, _, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / ticks_per_second


@dataclass
class Moment:
    wall: float
    busy: float
    own: float


def now() -> Moment:
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    stat = Path("/proc/stat").read_text()
    return Moment(time.monotonic(), busy_seconds(stat, os.sysconf("SC_CLK_TCK")), own)


def foreign_share(begin: Moment, end: Moment, cpus: int) -> float | None:
    """Between two moments. None where the time was too short for the kernel's 10 ms ticks."""
    wall = end.wall - begin.wall
    if wall < 0.2:
        return None
    foreign = (end.busy - begin.busy) - (end.own - begin.own)
    return max(0.0, foreign) / (cpus * wall)
