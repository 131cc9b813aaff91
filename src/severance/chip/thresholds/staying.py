"""Whether an open session may go on: asked at each of its calls, and so cheap where nothing has changed.

A session ends when its threshold would wake another persona or nobody any more (because of the hours at that very
instant, because of anything else within a minute, because of new rules at once), when its subject is exclusive and has
crossed elsewhere, and when its persona's awake time of the day is used up: then it ends, whoever asks or nobody, and no
more is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import RLock

from severance.chip.thresholds.awake import day_of, is_used_up, split
from severance.chip.thresholds.book import Book, Watch
from severance.chip.thresholds.deciding import Circumstances, until, who
from severance.chip.thresholds.surroundings import Surroundings
from severance.errors import AsleepError, StoreFullError, StoreReadOnlyError
from severance.model import Persona

MINUTE = 60_000_000
"""Microseconds after which conditions other than hours are looked at again, and awake time is written down."""

_SHORT = 1_000_000
"""A session shorter than this is not written down where there is no budget: each command is one, and only reads."""

_CONDITIONS = "this session has ended: its place does not wake this persona any more; cross again when it does"
_TURN = "this session has ended: its subject crossed elsewhere; cross again to wake this persona"
_BUDGET = "this session has ended: its awake time for today is used up; cross again tomorrow"


@dataclass(frozen=True, slots=True)
class Seat:
    """Who is awake, where, and the id of the persona's space."""

    persona: Persona
    place: str
    space: bytes


class Staying:
    """The leave of one session to stay awake. Any thread may ask.

    Raises, from every method: what the chip's methods do.
    """

    def __init__(
        self,
        book: Book,
        watch: Watch,
        seat: Seat,
        at: Circumstances,
        *,
        surroundings: Surroundings,
        clock: Callable[[], int],
    ) -> None:
        """Of who was woken in these circumstances.

        Args:
            book: where the chip's rows are.
            watch: began before it was decided who wakes, so that no change is missed.
            seat: who, and where.
            at: the circumstances; later ones are of `surroundings`.
            surroundings: what conditions ask.
            clock: gives microseconds since 1970.
        """
        self._book = book
        self._seat = seat
        self._surroundings, self._application = surroundings, at.application
        self._clock = clock
        self._lock = RLock()
        self._turn: int | None = None
        self._since = at.now
        self._watch = watch
        self._standing = book.of(seat.persona.subject, seat.place)
        self._days = self._written()
        self._next = self._next_look(at)
        self._over = _BUDGET if self._used_up(at.now) else None

    @property
    def over(self) -> bool:
        """Whether it ended before it began: the persona has no time left today."""
        return self._over is not None

    def take_turn(self) -> None:
        """Where the subject is exclusive, put its other sessions to sleep: each ends at its next call."""
        if self._standing.limits.exclusive:
            self._turn = self._book.take_turn(self._seat.persona.subject)

    def __call__(self) -> None:
        """Return if the session may go on.

        Raises:
            AsleepError: it may not; it never may again.
        """
        with self._lock:
            if self._over is None:
                now = self._clock()
                changed = self._watch.changed(self._standing)
                if changed or not self._since <= now < self._next:
                    self._look(max(now, self._since), changed=changed)
                    self._watch.settle()
            if self._over is not None:
                raise AsleepError(self._over)

    def end(self, at: int | None = None) -> None:
        """The session sleeps: write down how long it was awake, until now or until the time that is given."""
        with self._lock:
            now = max(self._clock() if at is None else at, self._since)
            self._over = self._over or "this session has ended; cross again to wake the persona"
            if self._budget is not None or now - self._since >= _SHORT:
                self._count(now)

    @property
    def _budget(self) -> int | None:
        """Microseconds of each day."""
        seconds = self._standing.limits.budgets.get(self._seat.persona.name)
        return None if seconds is None else seconds * 1_000_000

    def _look(self, now: int, *, changed: bool) -> None:
        if changed:
            self._standing = self._book.of(self._seat.persona.subject, self._seat.place, checked=True)
        if self._standing.limits.exclusive and self._turn != self._standing.turn:
            self._over = _TURN
        elif self._used_up(now):  # before more is written down, as of each day since
            self._over = _BUDGET
        elif changed or now >= self._next:
            at = Circumstances(now, self._surroundings, self._application).known()
            if who(self._standing.rules, at) != self._seat.persona.name:
                self._over = _CONDITIONS
            elif now - self._since >= MINUTE:
                self._count(now)
            self._days = self._written()
            self._next = self._next_look(at)
        if self._over is None and self._used_up(now):
            self._over = _BUDGET

    def _next_look(self, at: Circumstances) -> int:
        """When something other than a change of the chip could end the session."""
        ends = [at.now + MINUTE, until(self._standing.rules, at)]
        if self._budget is not None:
            used = self._days.get(day_of(at.now, self._standing.limits.zone), 0)
            ends.append(self._since + max(self._budget - used, 0))
        return min(end for end in ends if end is not None)

    def _used_up(self, now: int) -> bool:
        if self._budget is None:
            return False
        zone = self._standing.limits.zone
        return is_used_up(self._days, ((day_of(now, zone), 0), *split(self._since, now, zone)), self._budget)

    def _count(self, now: int) -> None:
        """Write down the time since this was done last."""
        # As with anchors: that it cannot be written down is no reason to stop reading.
        with suppress(StoreReadOnlyError, StoreFullError):
            spans = split(self._since, now, self._standing.limits.zone)
            self._book.add_awake(self._seat.space, spans, self._budget)
            self._since = now

    def _written(self) -> dict[int, int]:
        """How many microseconds of each day are written down, by all sessions of the persona; none without a budget."""
        return {} if self._budget is None else self._book.awake(self._seat.space)
