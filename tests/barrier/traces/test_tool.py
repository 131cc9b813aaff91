"""`make pairs`: it counts, reports, and goes on where it is told to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[3] / "tools" / "pairs.py"


def test_it_tries_as_many_pairs_as_asked_and_reports_them(tmp_path: Path) -> None:
    report = tmp_path / "pairs.json"
    words = ["--pairs", "7", "--jobs", "2", "--seed", "5", "--first", "40", "--report", str(report)]
    done = subprocess.run([sys.executable, str(TOOL), *words], capture_output=True, text=True, check=True)
    counted = json.loads(report.read_text())
    assert "8 trace pairs" in done.stderr
    assert (counted["first"], counted["next"], counted["pairs"], counted["runs"]) == (40, 41, 8, 9)
    assert (counted["differences"], counted["evidence"], counted["finished"]) == (0, [], True)
    assert 0.3 < counted["at_most"] < 0.32
