"""What a part of the barrier is given to work with, and what a part is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from severance.barrier.findings import Tally


@dataclass(frozen=True)
class Scene:
    """What a part is given.

    Attributes:
        folder: an empty scratch folder of its own, removed afterwards, also when this process is killed (the next run
            clears it). Everything that the part writes goes there.
        seed: what its trials are drawn from.
        more: whether another trial is to be made: there is time, or the part has not made its `least`. A part asks
            before each, and always makes a first one. It also tells the progress line, with what was tried so far.
        jobs: how many processes it may use at once.
        deep: whether this is `--full`.
    """

    folder: Path
    seed: int
    more: Callable[[Tally], bool]
    jobs: int = 1
    deep: bool = False

    def random(self, number: int = 0) -> Random:
        """The draws of trial `number`: the same for the same seed, whatever came before."""
        return Random(f"{self.seed}/{number}")


@dataclass(frozen=True)
class Part:
    """One thing that the barrier tries; `severance.barrier.parts` lists them.

    Attributes:
        name, title, promise, unit, advice: as in `Outcome`.
        run: tries, and counts in the tally. It may raise `SeveranceError` or `OSError`, which makes the outcome
            inconclusive with the error's sentence, and `Skipped` before the first trial. KeyboardInterrupt passes
            through; the tally keeps what was counted.
        share: how much of the run's time it gets, against the other parts.
        not_covered: what its result does not say, one sentence each.
        least: how many trials it makes whatever the time. Where fewer were made, finding nothing says nothing.
        bounded: as in `Outcome`.
    """

    name: str
    title: str
    promise: str
    unit: str
    advice: str
    run: Callable[[Scene, Tally], None]
    share: float = 1.0
    not_covered: tuple[str, ...] = ()
    least: int = 1
    bounded: bool = True


class Skipped(Exception):  # noqa: N818 - not an error: there is nothing here to try
    """This part cannot be tried here; the message says why, in one sentence for a person."""
