"""P4: what was acknowledged outlives `kill -9`. `make kills` does the same a thousand times."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from severance.barrier.endurance.kills import KILLS_EACH_STORE, Report, Round

KILLS = 40


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")
def test_what_two_writers_had_acknowledged_outlives_them() -> None:
    # In a process of its own, which may fork: this one has threads and connections.
    ports = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "severance.barrier.endurance.kills", "--kills", str(KILLS), "--seed", "7"]
    done = subprocess.run(command, env=ports, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 faults, " in done.stdout
    assert KILLS < KILLS_EACH_STORE


FIRST: dict[str, Any] = {"to": "remember", "texts": ["lane0 a"]}
THREE: dict[str, Any] = {"to": "remember", "texts": ["lane0 b", "lane0 c", "lane0 d"]}
A = {"1": ["lane0 a", ["1"]]}


@pytest.mark.parametrize(
    ("said", "found", "faults"),
    [
        ([FIRST, {"done": ["1"]}], A, 0),
        ([FIRST, {"done": ["1"]}], {}, 1),
        ([FIRST, {"done": ["1"]}], {"1": ["lane0 another", ["1"]]}, 1),
        ([FIRST, {"done": ["1"]}], A | {"2": ["lane0 never said", ["2"]]}, 1),
        ([FIRST], A, 0),
        ([FIRST], {}, 0),
        ([THREE], {"2": ["lane0 b", ["2"]], "3": ["lane0 c", ["3"]]}, 1),
        ([THREE], {str(number): [f"lane0 {letter}", [str(number)]] for number, letter in enumerate("bcd", 2)}, 0),
        ([FIRST, {"done": ["1"]}, {"to": "forget", "id": "1"}], A, 0),
        ([FIRST, {"done": ["1"]}, {"to": "forget", "id": "1"}], {}, 0),
        ([FIRST, {"done": ["1"]}, {"to": "forget", "id": "1"}, {"done": []}], A, 1),
        ([FIRST, {"done": ["1"]}, {"to": "amend", "id": "1", "text": "lane0 e"}], {"2": ["lane0 e", ["1", "2"]]}, 0),
        ([FIRST, {"done": ["1"]}, {"to": "amend", "id": "1", "text": "lane0 e"}], {"2": ["lane0 e", ["2"]]}, 1),
        ([FIRST, {"error": "an error in a writer"}], A, 1),
    ],
)
def test_the_supervisor_notices_loss_halves_and_inventions(
    tmp_path: Path, said: list[dict[str, Any]], found: dict[str, Any], faults: int
) -> None:
    report = Report()
    supervisor = Round(tmp_path, report, 1)
    for line in [*said, {"found": found}]:
        supervisor._hear(0, line)
    assert len(report.faults) == faults, report.faults
