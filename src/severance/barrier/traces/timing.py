"""Whether the time that a call takes tells one persona how much another remembers, or whether an id is another's.

Two calls take turns, in an order drawn at random, and their times are held against each other with Welch's t-test. An
effect is published with its size. One that is larger than `FLOOR` is a leak: so long is what a call does, and not what
a cache or a file of another size adds to it, and whoever calls a few times can tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from severance import house as houses
from severance.barrier.traces.content import Content
from severance.barrier.traces.ports import KEY, Mirrored, ScopedEntropy, StillClock
from severance.barrier.traces.welch import THRESHOLD, Effect, cropped, effect
from severance.errors import NotFoundError
from severance.house import House
from severance.model import id_text
from severance.session import Session

A, B, PLACE = ("mark", "innie"), ("mark", "outie"), "floor"
_WRITES = 5
OWN = 50
"""Memories that the persona has who listens."""

FLOOR = 1_000.0
"""Microseconds, by which two calls may differ: less is noted, and more, where it is more than chance, is a leak."""

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Watch:
    """What times are taken with.

    Attributes:
        now: nanoseconds since whenever.
        wait: lets so many seconds pass.
    """

    now: Callable[[], int] = time.perf_counter_ns
    wait: Callable[[float], None] = time.sleep


@dataclass
class Comparison:
    """Two calls that must take the same time.

    Attributes:
        what: what is compared, in words.
        calls: the one and the other.
        times: of each, in microseconds.
        one_in: calls that write, and wait for the disk, are timed once where others are so often.
        watch: takes the times.
        beside: under which circumstance each is called, in words; the same for several comparisons.
    """

    what: str
    calls: tuple[Call, Call]
    times: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    one_in: int = 1
    watch: Watch = Watch()
    beside: str = ""

    def measure(self, random: Random, rounds: int) -> int:
        """Time each call so many times, in turns, four times at least. Returns how many calls were timed."""
        rounds = max(4, rounds // self.one_in)
        for _ in range(rounds):
            for which in random.sample((0, 1), 2):
                call = self.calls[which]
                begun = self.watch.now()
                call()
                self.times[which].append((self.watch.now() - begun) / 1000)
        return 2 * rounds

    def effect(self) -> Effect:
        """What came of it."""
        return effect(*cropped(*self.times))

    @property
    def leaks(self) -> bool:
        """Whether it is more than chance, and more than `FLOOR`."""
        found = self.effect()
        return found.seen and abs(found.difference) > FLOOR

    def __str__(self) -> str:
        found = self.effect()
        what = " ".join(filter(None, (self.what, self.beside)))
        return f"{what}: {found.difference:+.2f} µs (t = {found.t:+.1f}, d = {found.d:+.3f})"


def told(comparisons: Sequence[Comparison]) -> str:
    """All of them in one line that a report has room for, with the threshold."""
    said = []
    for beside in dict.fromkeys(comparison.beside for comparison in comparisons):
        each = ", ".join(_in_short(comparison) for comparison in comparisons if comparison.beside == beside)
        said.append(f"{beside}: {each}" if beside else each)
    return f"{'; '.join(said)}. Above {FLOOR:,.0f} µs and chance (|t| of {THRESHOLD}) it is broken."


def _in_short(comparison: Comparison) -> str:
    found = comparison.effect()
    return f"{comparison.what} {found.difference:+.1f} µs (t = {found.t:+.1f})"


class Slow(Mirrored):
    """The control: an embedder that takes three milliseconds longer."""

    def __init__(self, wait: Callable[[float], None]) -> None:
        super().__init__()
        self._wait = wait

    def embed(self, texts: Sequence[str]) -> Any:
        """As `Mirrored.embed`, later."""
        self._wait(0.003)
        return super().embed(texts)


class Listening:
    """Two houses that differ in what persona B remembers, and persona A awake in both. Use it in a `with` block."""

    def __init__(self, folder: Path, much: int, watch: Watch = Watch()) -> None:
        """B holds `much` memories in the one, and none in the other."""
        self._last = ExitStack()
        self._watch = watch
        self._much = much
        self._busy, self._foreign = self._made(folder / "busy", much)
        self._quiet, _ = self._made(folder / "quiet", 0)

    def __enter__(self) -> Listening:
        return self

    def __exit__(self, *raised: object) -> None:
        self._last.close()

    def comparisons(self) -> list[Comparison]:
        """What is compared."""
        busy, quiet = self._awake(self._busy), self._awake(self._quiet)
        beside = f"when the other persona holds {self._much:,} memories rather than none"
        never = id_text(bytes(15))
        one, other = _Writing(busy), _Writing(quiet)
        compared = partial(Comparison, watch=self._watch, beside=beside)
        return [
            compared("recall", (_recall(busy), _recall(quiet))),
            compared("remember", (one.remember, other.remember), one_in=_WRITES),
            compared("forget", (one.forget, other.forget), one_in=_WRITES),
            compared("memories", (lambda: list(busy.memories()), lambda: list(quiet.memories()))),
            compared("stats", (busy.stats, quiet.stats)),
            compared("waking", (_waking(self._busy), _waking(self._quiet))),
            compared("refusal of an unknown id", (_refusal(busy, never), _refusal(quiet, never))),
            Comparison(
                "refusal of the other's id rather than an unknown one",
                (_refusal(busy, self._foreign), _refusal(busy, never)),
                watch=self._watch,
            ),
        ]

    def control(self, folder: Path) -> Comparison:
        """Recall in a house whose embedder is slow, against recall in one whose is not."""
        slow, _ = self._made(folder / "slow", 0, Slow(self._watch.wait))
        calls = (_recall(self._awake(slow)), _recall(self._awake(self._quiet)))
        return Comparison("recall", calls, watch=self._watch)

    def _made(self, store: Path, much: int, embedder: Mirrored | None = None) -> tuple[House, str]:
        house = houses.open(
            store, key=KEY, embedder=embedder or Mirrored(), clock=StillClock(), entropy=ScopedEntropy(b"timing")
        )
        self._last.callback(house.close)
        house.sever(A[0], [A[1], B[1]])
        house.place(PLACE, {A[0]: A[1]})
        house.place("home", {B[0]: B[1]})
        content, foreign = Content(), ""
        with house.cross(B[0], "home") as b:
            kept = b.remember_many(f"{content.text((n % 7, n % 5, n % 11))} {n}" for n in range(much))
            foreign = kept[0].id if kept else ""
        with house.cross(A[0], PLACE) as a:
            a.remember_many(f"{content.text((n % 5, n % 7, n % 11))} {n}" for n in range(OWN))
        return house, foreign

    def _awake(self, house: House) -> Session:
        return house.cross(A[0], PLACE)


class _Writing:
    """What writes, in one session: what it has remembered is what it forgets."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._numbers = count()
        self._ids: list[str] = []

    def remember(self) -> None:
        self._ids.append(self._session.remember(f"waffle garden note {next(self._numbers)}").id)

    def forget(self) -> None:
        self._session.forget(self._ids.pop())


def _recall(session: Session) -> Call:
    return lambda: session.recall("file waffle garden")


def _waking(house: House) -> Call:
    return lambda: house.cross(A[0], PLACE)


def _refusal(session: Session, id: str) -> Call:  # noqa: A002 - the word that callers know
    def refused() -> None:
        with suppress(NotFoundError):
            session.get(id)

    return refused
