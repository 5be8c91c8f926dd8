#!/usr/bin/env python3
"""Draws one self-contained HTML page from moebench result lines.

    scripts/report.py results/local/run.jsonl -o report.html
    scripts/report.py a.jsonl b.jsonl --trace trace.safetensors -o report.html

Exit codes: 0 the page was written, 2 bad input, 4 a needed Python package is missing.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

# import name -> the name pip knows
NEEDED = {"altair": "altair", "jinja2": "jinja2", "vl_convert": "vl-convert-python"}


def arguments(argv):
    parser = argparse.ArgumentParser(
        prog="report.py",
        description="Draw one self-contained HTML page from moebench result lines.",
        epilog="example: report.py results/local/run.jsonl --trace trace.safetensors -o report.html",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.jsonl", help="result lines")
    parser.add_argument("--trace", type=Path, help="routing trace, for the expert-load heatmap")
    parser.add_argument("-o", "--output", type=Path, default=Path("report.html"), help="the page")
    return parser.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    missing = [pip for name, pip in NEEDED.items() if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"report.py: the page needs the Python packages {', '.join(NEEDED.values())} and does not "
            f"find {', '.join(missing)}; install with: pip install {' '.join(missing)}",
            file=sys.stderr,
        )
        return 4

    # Only now: these import the packages checked above.
    from report import page, records

    try:
        text = page.render(args.files, args.trace)
        args.output.write_text(text, encoding="utf-8")
    except (records.ReportError, OSError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    print(f"{args.output}: {len(text.encode()) / 1e6:.1f} MB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
