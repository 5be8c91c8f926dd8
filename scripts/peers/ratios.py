"""What the rounds say: each peer's time over that of moebench's best strategy, round by round."""

from statistics import median

BASE = "moebench:"


def usable(measurement: dict, cache: str) -> bool:
    """Whether it has a time that may be shown: it ran, and the judge passed it."""
    return (
        not measurement.get("error")
        and measurement.get("judge", {}).get("passed") is True
        and bool(measurement.get(cache))
    )


def medians(measurements: list[dict], problem: str, cache: str) -> dict[str, dict[int, float]]:
    """peer -> round -> median time in ns of one problem, quiet rounds where there are any."""
    found: dict[str, dict[int, float]] = {}
    noisy: dict[str, dict[int, float]] = {}
    for m in measurements:
        if m["problem"] != problem or not usable(m, cache):
            continue
        into = noisy if m.get("disturbed") else found
        into.setdefault(m["peer"], {})[m["round"]] = median(m[cache]["samples_ns"])
    return {peer: found.get(peer) or noisy[peer] for peer in found.keys() | noisy.keys()}


def is_near(measurements: list[dict], problem: str, peer: str, within: float) -> bool:
    """Whether a peer takes at most `within` times as long as the fastest of its kind, moebench's
    strategies or the others, cold or hot. One without a usable time is not near."""
    for cache in ("cold", "hot"):
        times = medians(measurements, problem, cache)
        kind = [
            min(rounds.values())
            for name, rounds in times.items()
            if name.startswith(BASE) == peer.startswith(BASE)
        ]
        if peer in times and min(times[peer].values()) <= within * min(kind):
            return True
    return False


def best_strategy(times: dict[str, dict[int, float]]) -> str | None:
    """moebench's fastest over all rounds: one choice a problem, not the luckiest of each round."""
    own = {peer: median(rounds.values()) for peer, rounds in times.items() if peer.startswith(BASE)}
    return min(own, key=own.get) if own else None


def ratio(times: dict[int, float], base: dict[int, float]) -> dict | None:
    """Over the rounds that both have: median, least and most. None where there is none."""
    shared = sorted(times.keys() & base.keys())
    if not shared:
        return None
    values = [times[r] / base[r] for r in shared]
    return {
        "median": median(values),
        "least": min(values),
        "most": max(values),
        "rounds": len(values),
    }


def compare(measurements: list[dict], problem: str, cache: str) -> dict:
    """{best, best_ns, ratios: peer -> ratio} of one problem; best is None without a strategy."""
    times = medians(measurements, problem, cache)
    best = best_strategy(times)
    if best is None:
        return {
            "best": None,
            "best_ns": None,
            "times_ns": {peer: median(r.values()) for peer, r in times.items()},
            "ratios": {},
        }
    return {
        "best": best,
        "best_ns": median(times[best].values()),
        "times_ns": {peer: median(rounds.values()) for peer, rounds in times.items()},
        "ratios": {peer: ratio(rounds, times[best]) for peer, rounds in times.items()},
    }


def reason_not_shown(measurements: list[dict], problem: str, peer: str) -> str | None:
    """Why a peer has no time for a problem; None where it has, or has not been tried."""
    mine = [m for m in measurements if m["problem"] == problem and m["peer"] == peer]
    for m in mine:
        if m.get("error"):
            return m["error"]
        if m.get("judge", {}).get("passed") is False:
            return "wrong: " + m["judge"]["fault"]
    return None
