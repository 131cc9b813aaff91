"""What processes did at the same time, as each wrote it down, and what no order of it could explain."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf

PERSONAS = ("innie", "outie")


@dataclass(frozen=True)
class Event:
    """One call of one process.

    Attributes:
        begin, end: nanoseconds of one clock; `end` is infinite where the process was killed before it knew the answer.
        what: "admit", "cross", "call", "sleep", "revoke", "place" or "make".
        session: which session it opened, or was a call on; empty for others.
        text: the name of the permit or credential.
        seat: a place.
        persona: whom a permit was made for, or who wakes from now on.
        answer: the persona that woke, "done", "refused" or "asleep"; empty where it is not known.
    """

    begin: float
    end: float
    what: str
    session: str = ""
    text: str = ""
    seat: str = ""
    persona: str = ""
    answer: str = ""


class History:
    """Everything that one exclusive subject's places saw."""

    def __init__(self, events: Iterable[Event]) -> None:
        """In any order."""
        self._events = sorted(events, key=lambda event: event.begin)
        self._opened = {event.session: event for event in self._of("admit", "cross") if event.answer in PERSONAS}
        self._tried = list(self._of("admit", "cross"))
        self._revoked = defaultdict[str, list[Event]](list)
        for event in self._of("revoke"):
            self._revoked[event.text].append(event)
        self._changes = defaultdict[str, list[Event]](list)
        for event in self._of("place"):
            self._changes[event.seat].append(event)

    def faults(self) -> Iterator[str]:
        """What cannot be, in sentences."""
        done = [event for event in self._of("call") if event.answer == "done"]
        yield from self._after_a_turn(done)
        yield from self._both_awake(done)
        for event in (*self._opened.values(), *done):
            opened = self._opened[event.session]
            if any(revoke.end < event.begin for revoke in self._revoked[opened.text]):
                yield f"answered after its permit was revoked: {event}"
            if opened.persona not in ("", opened.answer):
                yield f"another woke than it was made for: {event}"
            if opened.answer not in self._wakes(opened.seat, event.begin, event.end):
                yield f"answered where its place wakes another: {event}"
        yield from self._refused_for_nothing()

    def _of(self, *kinds: str) -> Iterator[Event]:
        return (event for event in self._events if event.what in kinds)

    def _after_a_turn(self, done: Sequence[Event]) -> Iterator[str]:
        """Calls on a session after another, begun after it was awake, was awake."""
        opened = sorted(self._opened.values(), key=lambda event: event.end)
        ends, latest = [event.end for event in opened], list(accumulate((event.begin for event in opened), max))
        for event in done:
            before = bisect_left(ends, event.begin)
            if before and latest[before - 1] > self._opened[event.session].end:
                yield f"awake although its subject crossed elsewhere: {event}"

    def _both_awake(self, done: Sequence[Event]) -> Iterator[str]:
        """Two sessions that began at the same time, both of which answered after both had begun."""
        last = defaultdict[str, float](float)
        for event in done:
            last[event.session] = max(last[event.session], event.begin)
        opened = sorted(self._opened.values(), key=lambda event: event.begin)
        for number, one in enumerate(opened):
            for other in opened[number + 1 :]:
                if other.begin > one.end:
                    break
                both = max(one.end, other.end)
                if last[one.session] > both and last[other.session] > both:
                    yield f"both awake: {one}, {other}"

    def _wakes(self, seat: str, begin: float, end: float) -> set[str]:
        """Who may have been the one that wakes there at some time in between."""
        changes = self._changes[seat]
        over = max((change.begin for change in changes if change.end < begin), default=-inf)
        return {change.persona for change in changes if change.begin < end and change.end >= over}

    def _refused_for_nothing(self) -> Iterator[str]:
        """What was made durably opens, and who is awake stays so, while nothing speaks against it."""
        for event in self._tried:
            sole = self._wakes(event.seat, event.begin, event.end)
            wanted = event.persona or next(iter(sole))
            revoked = any(revoke.begin < event.end for revoke in self._revoked[event.text])
            if event.answer == "refused" and sole == {wanted} and not revoked:
                yield f"refused for nothing: {event}"
        slept = {event.session: event.begin for event in reversed(list(self._of("sleep")))}
        ended = set[str]()
        for event in self._of("call"):
            if event.answer != "asleep" or event.session in ended:
                continue
            ended.add(event.session)
            opened = self._opened[event.session]
            reasons = (
                slept.get(event.session, inf) < event.end,
                any(revoke.begin < event.end for revoke in self._revoked[opened.text]),
                self._wakes(opened.seat, opened.begin, event.end) != {opened.answer},
                any(o.end > opened.begin and o.begin < event.end and o is not opened for o in self._tried),
            )
            if not any(reasons):
                yield f"asleep for nothing: {event}"
