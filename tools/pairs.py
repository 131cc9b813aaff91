"""Trace pairs, by the thousand (`make pairs`): a trace, and the trace without one persona or with other words of its.

python tools/pairs.py [--pairs 10000] [--jobs 2] [--seed N] [--first N] [--report FILE.json]

What every other persona observes, and what the disk shows, must be the same; at the first difference this ends with
code 1 and the steps that show it. Trace number N of a seed is always the same, so a run that was stopped goes on with
the `--first` that it printed last.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

from severance.barrier.findings import upper_bound
from severance.barrier.traces.compare import Pair, Variant
from severance.barrier.traces.ports import MEMORY, Ports
from severance.barrier.traces.trials import Series, Trial, Trials
from severance.cli.surface import invoke

_EVERY = 2.0  # seconds between two lines of progress at a terminal
_EVERY_IN_A_FILE = 60.0


@dataclass
class Count:
    """What was counted, as the report has it.

    Attributes:
        seed, first: what the traces are drawn from.
        next: the first trace that was not tried.
        pairs, steps, runs: how many.
        differences: pairs in which something differed.
        evidence: how to see it again.
        at_most: the upper end of the 95 % interval for the share of such pairs, for traces drawn as these were.
        seconds: how long it took.
        finished: whether all pairs that were asked for were tried.
    """

    seed: int
    first: int
    next: int
    pairs: int = 0
    steps: int = 0
    runs: int = 0
    differences: int = 0
    evidence: list[str] = field(default_factory=list)
    at_most: float | None = None
    seconds: float = 0.0
    finished: bool = False

    def add(self, trial: Trial) -> None:
        """One trace more."""
        self.next = trial.number + 1
        self.pairs += len(trial.pairs)
        self.runs += 1 + len(trial.pairs)
        self.steps += len(trial.steps) * (1 + len(trial.pairs))


def main() -> int:
    """Try them; 0 when nothing differed, 1 when something did, 130 when it was stopped."""
    given = _arguments()
    counted = Count(given.seed, given.first, given.first)
    begun = time.monotonic()
    stopped = False
    with tempfile.TemporaryDirectory(prefix="severance-pairs-", dir=MEMORY) as folder:
        series = Series(given.seed, Path(folder), Ports(commands=invoke))
        trials = Trials(series, (Variant.IDLE, Variant.REPLACED))
        try:
            _try(trials, counted, given.pairs, given.jobs, begun)
        except KeyboardInterrupt:
            stopped = True
    counted.seconds = round(time.monotonic() - begun, 1)
    counted.at_most = upper_bound(counted.differences, counted.pairs) if counted.pairs else None
    counted.finished = counted.pairs >= given.pairs
    if given.report is not None:
        given.report.write_text(json.dumps(asdict(counted), indent=2) + "\n", encoding="utf-8")
    _tell(counted)
    return 130 if stopped else int(counted.differences > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Try that what one persona does is not observed by any other.")
    parser.add_argument("--pairs", type=int, default=10_000, help="at least so many (eight from each trace)")
    parser.add_argument("--jobs", type=int, default=2, help="processes that work at once")
    parser.add_argument("--seed", type=int, default=3, help="what the traces are drawn from")
    parser.add_argument("--first", type=int, default=0, help="the number of the first trace")
    parser.add_argument("--report", type=Path, help="a file for the counts, as JSON")
    return parser.parse_args()


def _try(trials: Trials, counted: Count, wanted: int, jobs: int, begun: float) -> None:
    told = begun
    with closing(trials.made(count(counted.first), jobs)) as results:
        for trial in results:
            counted.add(trial)
            differing = [pair for pair in trial.pairs if _look(pair)]
            counted.differences += len(differing)
            if differing:
                counted.evidence.append(trials.told(trial, differing[0], _look))
            if differing or counted.pairs >= wanted:
                return
            every = _EVERY if sys.stderr.isatty() else _EVERY_IN_A_FILE
            if time.monotonic() - told >= every:
                told = time.monotonic()
                pace = counted.pairs / (told - begun)
                _say(f"{counted.pairs:,} of {wanted:,} pairs, {pace:.0f} a second; go on with --first {counted.next}")


def _look(pair: Pair) -> tuple[str, ...]:
    return (*pair.crossed, *pair.seen_on_disk)


def _tell(counted: Count) -> None:
    bound = "" if counted.at_most is None else f", 95 % bound {counted.at_most * 10_000:.1f} in 10,000 such pairs"
    _say(
        f"{counted.pairs:,} trace pairs, {counted.steps:,} steps in {counted.runs:,} runs: "
        f"{counted.differences} differences{bound}; {counted.seconds:,.0f} s (seed {counted.seed}, "
        f"traces {counted.first} to {counted.next - 1})"
    )
    for line in counted.evidence:
        _say(line)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
