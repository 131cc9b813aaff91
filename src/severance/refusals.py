"""Refusals at the door: of whoever showed something of this house each on its own, of strangers by their number.

Anybody who reaches the door can be refused as often as they like. What they showed names nobody, so that the first of
a minute say as much as all: the others are counted, and one entry says how many they were. The log then grows by no
more than `TOLD` and two in a minute, whoever comes. Alarms hear of each at once.

A text that somebody else signed can be handed in by whoever has a copy of it, again and again: it says something once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final, NamedTuple

from severance.audit.events import What
from severance.crypto.primitives import sha256
from severance.ports import Clock
from severance.telling import Telling

TOLD: Final = 20
"""Refusals of strangers in a minute that have an entry each."""

KNOWN: Final = 1_024
"""Texts of which it is known that they were refused, the last ones."""

_MINUTE = 60_000_000


class _Counted(NamedTuple):
    """How many have no entry of their own, and when the first of them came."""

    more: int
    since: int


class Refusals:
    """Tells of the refusals of one house. Safe for any number of threads.

    Raises, from every method: StoreError, DamagedError when they cannot be written down. What was counted stays so.
    """

    def __init__(self, telling: Telling, clock: Clock) -> None:
        """Nobody was refused yet."""
        self._telling = telling
        self._clock = clock
        self._turn = Lock()
        self._began: int | None = None  # a minute of strangers
        self._told = 0
        self._counted: dict[str, _Counted] = {}
        self._known = OrderedDict[bytes, None]()

    def tell(self, told: Mapping[str, Any]) -> None:
        """Somebody is refused of whom something is known here. The entry, with these fields, is one of its own."""
        with self._turn:
            self._next()
            self._telling.tell(What.REFUSED, told)

    def stranger(self, by: str) -> None:
        """Somebody is refused who showed such a text, and none of this house: told, or counted with the same work."""
        told = {"detail": {"by": by}}
        with self._turn:
            now = self._next()
            self._began = now if self._began is None else self._began
            if self._told < TOLD:
                self._told += 1
                self._telling.tell(What.REFUSED, told)
                return
            before = self._counted.get(by, _Counted(0, now))
            self._counted[by] = _Counted(before.more + 1, before.since)
            self._telling.count(What.REFUSED, told)

    def knows(self, text: str) -> bool:
        """Whether this text was refused, and told of, before."""
        with self._turn:
            return _digest(text) in self._known

    def remember(self, text: str) -> None:
        """This text was refused, and told of."""
        with self._turn:
            self._known[_digest(text)] = None
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)

    def tick(self) -> None:
        """Say how many there were, where their minute is over."""
        with self._turn:
            self._next()

    def say(self) -> None:
        """Say how many there were by now: the house is locked or closed."""
        with self._turn:
            self._say()

    def _next(self) -> int:
        """Begin anew where the minute is over, or the clock was set back. Returns the time."""
        now = self._clock.now()
        if self._began is not None and not 0 <= now - self._began < _MINUTE:
            self._say()
            self._began, self._told = None, 0
        return now

    def _say(self) -> None:
        each = [{"detail": {"by": by, "more": n, "since": at}} for by, (n, at) in sorted(self._counted.items())]
        if each:
            self._telling.sum_up(What.REFUSED, *each)
        self._counted.clear()


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass"))
