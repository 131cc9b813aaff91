"""Run the measurements: `python -m bench --sizes 10000,100000 --locomo FILE`."""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench import recall_quality, speed
from bench.table import show


def main() -> int:
    """Measure what was asked for, print it, and write it as JSON where that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000", help="memories of a persona, separated by commas")
    parser.add_argument("--locomo", type=Path, help="a LoCoMo JSON file; without it, recall quality is not measured")
    parser.add_argument("--folder", type=Path, default=Path("bench/results"), help="a folder on the disk to measure")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    chosen = parser.parse_args()
    console = Console()
    console.print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}")
    if chosen.locomo is not None and not chosen.locomo.is_file():
        parser.error(f"there is no file at {chosen.locomo}; get locomo10.json from github.com/snap-research/locomo")
    rows = speed.measure([int(size) for size in chosen.sizes.split(",")], chosen.folder)
    if chosen.locomo is not None:
        rows += recall_quality.measure(chosen.locomo)
    show(rows, console)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
