"""`make teeth`: it says what notices each fault, and ends with 1 when one survives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CAUGHT = "a_text_may_be_of_any_length"

WITH_MORE = f"""
import os
import sys

sys.path.insert(0, {str(ROOT / "tools")!r})
import teeth
from kit import checks
from kit.faults.table import fault


@fault(checks.limits_hold)
def nothing_is_broken(patch):
    pass


@fault(checks.limits_hold)
def the_process_ends(patch):
    os._exit(0)


if __name__ == "__main__":
    sys.exit(teeth.main())
"""
"""The tool with two faults that nothing can notice."""


def run(tool: Path, *words: str) -> subprocess.CompletedProcess[str]:
    around = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    return subprocess.run([sys.executable, str(tool), *words], env=around, capture_output=True, text=True, timeout=300)


def test_a_fault_that_is_noticed_is_told_with_what_noticed_it(tmp_path: Path) -> None:
    report = tmp_path / "teeth.json"
    done = run(ROOT / "tools" / "teeth.py", CAUGHT, "--json", str(report))
    assert done.returncode == 0, done.stderr
    (row,) = [line.split() for line in done.stdout.splitlines() if line.startswith(CAUGHT)]
    assert row[:2] == [CAUGHT, "limits_hold"]
    assert "1 of 1 faults are noticed" in done.stdout
    assert "WRONG" not in done.stdout
    (told,) = json.loads(report.read_text())
    assert (told["fault"], told["check"], told["noticed"]) == (CAUGHT, "limits_hold", True)
    assert told["said"].startswith("AssertionError: no InputError")


def test_a_fault_that_survives_is_named_and_ends_the_run_with_1(tmp_path: Path) -> None:
    tool, report = tmp_path / "with_more.py", tmp_path / "teeth.json"
    tool.write_text(WITH_MORE)
    names = (CAUGHT, "nothing_is_broken", "the_process_ends")
    done = run(tool, *names, "--jobs", "2", "--json", str(report))
    assert done.returncode == 1, done.stderr
    told: dict[str, dict[str, Any]] = {one["fault"]: one for one in json.loads(report.read_text())}
    assert [told[name]["noticed"] for name in names] == [True, False, False]
    assert "1 of 3 faults are noticed" in done.stdout
    assert done.stdout.count("NOBODY (limits_hold)") == 2
    assert "WRONG: nothing_is_broken, limits_hold: passed" in done.stdout
    assert "WRONG: the_process_ends, limits_hold: its process ended without an answer" in done.stdout
    assert f"WRONG: {CAUGHT}" not in done.stdout


def test_a_fault_that_there_is_not_is_refused() -> None:
    done = run(ROOT / "tools" / "teeth.py", "no_such_fault")
    assert done.returncode == 2
    assert "there is no fault 'no_such_fault'" in done.stderr
