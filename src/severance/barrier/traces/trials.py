"""Trials: a trace drawn at random, run as it is, and with one persona otherwise.

Each way of running them is a series, and each series has a process of its own, in which it runs one trace after the
other. What a process keeps for all its sessions (a cache that should have been keyed by persona) then grows in each
series as it would in use, and differs between them; in one process, the run before would have filled it for the next.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from random import Random

from severance.barrier.traces.compare import Pair, Run, Stage, Variant, compared
from severance.barrier.traces.crew import lanes
from severance.barrier.traces.digest import Digest, digest, paired
from severance.barrier.traces.drawing import apart, crowded, trace
from severance.barrier.traces.people import EVERYONE, Who
from severance.barrier.traces.ports import Ports
from severance.barrier.traces.shrink import shrunk
from severance.barrier.traces.steps import Step

CROWDED_LENGTH = 10
"""Steps of the others, at each of three times, in a trace in which one persona holds many memories."""

APART_LENGTH = 14
"""Drawn steps of a trace in which every persona has a process of its own."""

LENGTH = 35
"""Steps of a trace, besides the three in which everybody wakes."""

_BEFORE = (0, 1, 8, 64)
"""How many traces before one are run with it, to see again what one alone does not show."""

Look = Callable[[Pair], Sequence[str]]
"""What is looked at in a pair: a sentence for each difference."""


@dataclass(frozen=True)
class Trial:
    """Pairs made of one trace.

    Attributes:
        number: of the trace, which is drawn from it and from the seed.
        steps: of the trace.
        pairs: each victim with each variant.
    """

    number: int
    steps: Sequence[Step]
    pairs: Sequence[Pair]


@dataclass(frozen=True)
class Series:
    """One way of running traces, in one process.

    Attributes:
        seed: what they are drawn from.
        folder: where stores go; each process has a folder of its own in it.
        ports: what the worlds are made with.
        victim, variant: who is otherwise, and how; None for traces as they are.
        prepare: called before each trace; for tests, which break something on purpose.
    """

    seed: int
    folder: Path
    ports: Ports
    victim: Who | None = None
    variant: Variant | None = None
    prepare: Callable[[], None] | None = None

    def __call__(self, number: int) -> Digest:
        """Run one trace."""
        return digest(self.run(self.steps(number), number))

    def full(self, numbers: Sequence[int]) -> Run:
        """Run several, and keep what the last one showed."""
        return [self.run(self.steps(number), number) for number in numbers][-1]

    def of(self, number: int, steps: Sequence[Step]) -> Run:
        """Run these steps in the place of a trace."""
        return self.run(steps, number)

    def run(self, steps: Sequence[Step], number: int) -> Run:
        """Run steps."""
        if self.prepare is not None:
            self.prepare()
        variant = None if self.variant is None else turn(self.variant, number)
        return _stage(self.folder / str(os.getpid()), self.ports).run(steps, self.victim, variant)

    def steps(self, number: int) -> list[Step]:
        """A trace."""
        return trace(Random(f"{self.seed}/{number}"), LENGTH)


@dataclass(frozen=True)
class Crowded(Series):
    """Traces in which one persona holds many memories (`drawing.CROWD`)."""

    def steps(self, number: int) -> list[Step]:
        """A trace."""
        return self._drawn(number)[1]

    def who(self, number: int) -> Who:
        """Who holds them."""
        return self._drawn(number)[0]

    def _drawn(self, number: int) -> tuple[Who, list[Step]]:
        return crowded(Random(f"{self.seed}/crowded/{number}"), CROWDED_LENGTH)


@dataclass(frozen=True)
class Apart(Series):
    """Traces in which every persona wakes in a process of its own."""

    def steps(self, number: int) -> list[Step]:
        """A trace."""
        return apart(Random(f"{self.seed}/apart/{number}"), APART_LENGTH)


@dataclass(frozen=True)
class Reached(Series):
    """Traces in which sessions are reached over an edge."""

    def steps(self, number: int) -> list[Step]:
        """A trace."""
        return apart(Random(f"{self.seed}/reached/{number}"), LENGTH, left_out="carry")


@dataclass(frozen=True)
class Trials:
    """Trials of some variants, for some personas in turn.

    Attributes:
        whole: the series of traces as they are.
        variants: what is otherwise in the others.
        victims: who is otherwise, in turn.
    """

    whole: Series
    variants: tuple[Variant, ...]
    victims: tuple[Who, ...] = EVERYONE

    def made(self, numbers: Iterable[int], jobs: int) -> Generator[Trial]:
        """Make them, in order. Close it to stop early."""
        others = [(victim, variant) for victim in self.victims for variant in self.variants]
        series = [self.whole, *(self._other(*each) for each in others)]
        with closing(lanes(series, numbers, jobs)) as results:
            for number, (whole, *rest) in results:
                found = [
                    paired(whole, other, victim, turn(variant, number))
                    for other, (victim, variant) in zip(rest, others, strict=True)
                ]
                yield Trial(number, self.whole.steps(number), tuple(found))

    def told(self, trial: Trial, pair: Pair, look: Look, *, short: bool = True) -> str:
        """What was found, and how it is seen again. With `short`, the steps that are needed for it."""
        number, line = trial.number, f"seed {self.whole.seed}, trace {trial.number}: "
        if not short:
            return line + look(pair)[0]
        for before in _BEFORE:
            numbers = range(max(0, number - before), number + 1)
            again = look(self._again(pair, [partial(one.full, numbers) for one in self._both(pair)]))
            if again and before:
                return f"{line}{again[0]}; seen after the {len(numbers) - 1} traces before it in the same process"
            if again:
                return f"{line}{again[0]}{self._short(trial, pair, look)}"
        return f"{line}{look(pair)[0]}; seen in a long run only"

    def _short(self, trial: Trial, pair: Pair, look: Look) -> str:
        def seen(steps: Sequence[Step]) -> Sequence[str]:
            return look(self._again(pair, [partial(one.of, trial.number, steps) for one in self._both(pair)]))

        steps = shrunk(trial.steps, lambda steps: bool(seen(steps)))
        told = "; ".join(f"{at}. {step}" for at, step in enumerate(steps))
        return f" | made short: {' '.join(seen(steps)[:1])} | the steps: {told}"

    def _again(self, pair: Pair, works: Sequence[Callable[[], Run]]) -> Pair:
        """The pair, from two new processes."""
        with closing(lanes([_Asked(work) for work in works], [None], 2)) as results:
            _, (whole, other) = next(results)
        return compared(whole, other, pair.victim, pair.variant)

    def _both(self, pair: Pair) -> tuple[Series, Series]:
        return self.whole, self._other(pair.victim, pair.variant)

    def _other(self, victim: Who, variant: Variant) -> Series:
        return replace(self.whole, victim=victim, variant=variant)


def turn(variant: Variant, number: int) -> Variant:
    """The variant for this trace: of the two ways to take a persona out, traces take turns."""
    return Variant.UNBORN if variant is Variant.IDLE and number % 2 else variant


@dataclass(frozen=True)
class _Asked:
    work: Callable[[], Run]

    def __call__(self, item: None) -> Run:
        return self.work()


@cache
def _stage(folder: Path, ports: Ports) -> Stage:
    folder.mkdir(parents=True, exist_ok=True)
    return Stage(folder, ports)
