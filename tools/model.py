"""The doors against a model of them (`make model`): every state within some operations, then a million steps at random.

python tools/model.py [--alphabet doors,permits,turns] [--depth 8] [--steps 1000000] [--seed N] [--first N] [--controls]
                      [--report FILE.json]

What is modelled is in docs/design/model.md. At the first difference this ends with code 1 and the operations that show
it. Story number N of a seed is always the same, so a run that was stopped goes on with the `--first` that it printed
last. `--controls` plants every seeded fault in turn, each of which must be found; without it one is planted first.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelled.actual import Template
from modelled.exhaust import ALPHABETS, Counted, Exhaustion
from modelled.planted import PLANTED
from modelled.storm import Weathered, storm
from modelled.wander import Tried, stories
from severance import SeveranceError
from severance.barrier.traces.ports import MEMORY

_EVERY = 2.0  # seconds between two lines of progress at a terminal
_EVERY_IN_A_FILE = 60.0
_CONTROL = "an_open_session_outlives_its_revocation"
_FOUND = (AssertionError, SeveranceError)
_MOST_OF_A_CONTROL = 200_000


def main() -> int:
    """As the module says; 130 when it was stopped."""
    given = _arguments()
    report: dict[str, Any] = {"seed": given.seed, "exhausted": [], "controls": {}}
    found = ""
    with (
        tempfile.TemporaryDirectory(prefix="severance-model-", dir=MEMORY) as name,
        pytest.MonkeyPatch.context() as patch,
    ):
        try:
            _control(Path(name), list(PLANTED) if given.controls else [_CONTROL], given.seed, report)
            if given.plant:
                PLANTED[given.plant](patch)
            for alphabet in filter(None, given.alphabet.split(",")):
                _exhaust(Path(name), alphabet, given.depth, report)
            _wander(Path(name), given, report)
            _storm(Path(name), given, report)
        except KeyboardInterrupt:
            found = "stopped"
        except _FOUND as problem:
            found = "\n".join((f"{type(problem).__name__}: {problem}", *getattr(problem, "__notes__", ())))
    report["found"] = found
    if given.report is not None:
        given.report.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _say(found or "nothing differed")
    return 130 if found == "stopped" else int(bool(found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Hold the doors against a model of them.")
    parser.add_argument("--alphabet", default=",".join(ALPHABETS), help="which operations; all, or none where empty")
    parser.add_argument("--depth", type=int, default=6, help="every state that so many operations lead to")
    parser.add_argument("--steps", type=int, default=100_000, help="so many steps at random")
    parser.add_argument("--storm", type=int, default=10_000, help="so many steps of processes that are killed")
    parser.add_argument("--seed", type=int, default=5, help="what the stories are drawn from")
    parser.add_argument("--first", type=int, default=0, help="the number of the first story")
    parser.add_argument("--controls", action="store_true", help="plant every seeded fault in turn")
    parser.add_argument("--plant", choices=PLANTED, metavar="FAULT", help="plant this seeded fault, and see it found")
    parser.add_argument("--report", type=Path, help="a file for the counts, as JSON")
    return parser.parse_args()


def _control(folder: Path, names: list[str], seed: int, report: dict[str, Any]) -> None:
    """Plant faults, each of which must be found; where none is planted, nothing may be found in these stories."""
    with closing(_template(folder, "sound")) as template:
        next(stories(template, folder, Tried(seed)))
    for name in names:
        tried, found = Tried(seed), False
        with pytest.MonkeyPatch.context() as patch, closing(_template(folder, name)) as template:
            PLANTED[name](patch)
            try:
                for _ in stories(template, folder, tried):
                    if tried.steps >= _MOST_OF_A_CONTROL:
                        break
            except _FOUND:
                found = True
        report["controls"][name] = tried.steps if found else None
        if not found:
            raise AssertionError(f"the seeded fault {name} was not found in {tried.steps:,} steps")
        _say(f"control: {name}, found after {tried.steps:,} steps")


def _exhaust(folder: Path, alphabet: str, depth: int, report: dict[str, Any]) -> None:
    exhaustion = Exhaustion(depth, ALPHABETS[alphabet])
    all_of_them = exhaustion.counted.edges
    report["exhausted"].append({"alphabet": alphabet} | vars(exhaustion.counted))
    told = _now_and_then(lambda counted: f"{alphabet}: {counted.tried:,} of {all_of_them:,} edges")
    with closing(_template(folder, alphabet)) as template:
        counted = exhaustion.walk(template, folder, told)
    report["exhausted"][-1] |= vars(counted)
    _say(
        f"{alphabet}: {counted.states:,} states and {counted.edges:,} operations on them, to depth {depth}; "
        f"{counted.walks:,} walks of {counted.done:,} operations, {counted.seconds:,.0f} s"
    )


def _wander(folder: Path, given: argparse.Namespace, report: dict[str, Any]) -> None:
    tried = Tried(given.seed)
    told = _now_and_then(
        lambda tried: f"{tried.steps:,} of {given.steps:,} steps; go on with --first {given.first + tried.stories}"
    )
    with closing(_template(folder, "stories")) as template:
        if given.steps:
            for _ in stories(template, folder, tried, first=given.first):
                report["stories"] = dict(vars(tried))
                told(tried)
                if tried.steps >= given.steps:
                    break
    _say(
        f"{tried.stories:,} stories of {tried.steps:,} steps: {tried.met:,} operations in the middle of another, "
        f"{tried.cuts:,} cut off there; {tried.seconds:,.0f} s (seed {given.seed})"
    )


def _storm(folder: Path, given: argparse.Namespace, report: dict[str, Any]) -> None:
    with closing(_template(folder, "storm")) as template:
        weathered = storm(template, folder / "weather", given.storm, given.seed) if given.storm else Weathered()
    report["storm"] = dict(vars(weathered))
    _say(
        f"{weathered.steps:,} steps of processes at once, {weathered.kills:,} of which were killed; "
        f"{weathered.seconds:,.0f} s"
    )


def _template(folder: Path, name: str) -> Template:
    made = folder / f"template-{name}"
    made.mkdir()
    return Template(made)


def _now_and_then(line: Callable[[Any], str]) -> Callable[[Any], None]:
    last = time.monotonic()

    def told(counted: Counted | Tried) -> None:
        nonlocal last
        if time.monotonic() - last >= (_EVERY if sys.stderr.isatty() else _EVERY_IN_A_FILE):
            last = time.monotonic()
            _say(line(counted))

    return told


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
