"""The chip's rows about thresholds: rules, limits of subjects, turns of exclusive ones, and time awake."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from severance.chip.changes import Change
from severance.chip.chip import Chip
from severance.chip.register import AwakeRow, LimitsRow, PlaceRow, TurnRow, WakeRow
from severance.chip.thresholds.awake import added
from severance.chip.thresholds.rules import NO_LIMITS, Limits, Rules, Thresholds
from severance.chip.thresholds.stored import days_of, limits_of, row_of_limits, row_of_rules, rules_of


class Standing(NamedTuple):
    """What holds for a subject at a place: rules, limits, and the number of the subject's last turn."""

    rules: Rules
    limits: Limits
    turn: int

    @property
    def there(self) -> tuple[bool, bool, bool]:
        """Of which of them there must have been a row."""
        return self.rules != (), self.limits != NO_LIMITS, self.turn != 0


class Watch:
    """Tells of changes of what holds for a subject at a place, and of no others: what a session's calls take must not
    tell what others do.
    """

    def __init__(self, look: Callable[[], tuple[bytes | None, ...]]) -> None:
        """Begins now; `look` gives the frames of the rows of which a `Standing` is made, in its order."""
        self._look = look
        self._seen = self._found = look()

    def changed(self, standing: Standing) -> bool:
        """Whether this holds no more: a row has changed since the last change that was settled, or since the beginning.

        A row that is not there has no frame that tells one absence from another. What was read of one that came and
        went meanwhile is seen by that: it was there, and is not.
        """
        self._found = self._look()
        went = any(frame is None and there for frame, there in zip(self._found, standing.there, strict=True))
        return went or self._found != self._seen

    def settle(self) -> None:
        """What changed was read and acted on. Until then it goes on being a change: a look can fail half-way."""
        self._seen = self._found


class Book:
    """Thresholds as a chip keeps them. Raises what the chip's methods do."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip

    def watch(self, subject: str, place: str) -> Watch:
        """A look at what `of` reads, from now on."""
        return Watch(self._chip.watch(_of(subject, place)))

    def of(self, subject: str, place: str, *, checked: bool = False) -> Standing:
        """What holds for a subject at a place. With `checked`, from rows that were held against their guard, where the
        chip is small enough for that.
        """
        rows = self._chip.current() if checked else None
        wake, limits, turn = (self._chip.find(like, rows) for like in _of(subject, place))
        return Standing(
            rules_of(wake) if isinstance(wake, WakeRow) else (),
            limits_of(limits if isinstance(limits, LimitsRow) else None),
            turn.number if isinstance(turn, TurnRow) else 0,
        )

    def all(self) -> Thresholds:
        """Every rule and every limit, from rows that were held against their guard as a set."""
        rows = self._chip.verify()
        places = [row.name for row in self._chip.of_kind(PlaceRow(""), rows)]
        wakes = [row for place in places for row in self._chip.of_kind(WakeRow(place, "", ()), rows)]
        subjects = self._chip.subjects()
        limits = {subject.name: self.limits(subject.name) for subject in subjects}
        return Thresholds(
            {(row.subject, row.place): rules_of(row) for row in wakes},
            {subject: found for subject, found in limits.items() if found != NO_LIMITS},
        )

    def replace(self, thresholds: Thresholds) -> None:
        """These, and no others, from now on; places stay. One transaction: all or nothing."""
        before = self.all()

        def write(change: Change) -> None:
            # Sorted: sets have another order in every process, and with it what is written.
            for subject, place in sorted(before.rules.keys() - thresholds.rules.keys()):
                change.remove(WakeRow(place, subject, ()))
            for subject in sorted(before.limits.keys() - thresholds.limits.keys()):
                change.remove(LimitsRow(subject, False, "", {}))
            for place in sorted({place for _, place in thresholds.rules}):
                change.put(PlaceRow(place))
            for (subject, place), rules in thresholds.rules.items():
                if rules != before.rules.get((subject, place)):
                    change.put(row_of_rules(place, subject, rules))
            for subject, limits in thresholds.limits.items():
                if limits != before.limits.get(subject):
                    change.put(row_of_limits(subject, limits))

        self._chip.change(write)

    def rules(self, subject: str, place: str) -> Rules:
        """The rules for a subject at a place; none where there are none."""
        row = self._chip.find(WakeRow(place, subject, ()))
        return rules_of(row) if row is not None else ()

    def limits(self, subject: str) -> Limits:
        """The limits of a subject."""
        return limits_of(self._chip.find(LimitsRow(subject, False, "", {})))

    def turn(self, subject: str) -> int:
        """The number of an exclusive subject's last turn, 0 where there was none."""
        row = self._chip.find(TurnRow(subject, 0))
        return 0 if row is None else row.number

    def take_turn(self, subject: str) -> int:
        """Begin a turn: from when this returns, no other session of the subject has it. Returns its number."""

        def take(change: Change) -> int:
            row = self._chip.find(TurnRow(subject, 0), change.rows)
            number = (row.number if row is not None else 0) + 1
            change.put(TurnRow(subject, number))
            return number

        return self._chip.change(take)

    def awake(self, space: bytes) -> dict[int, int]:
        """How long the persona of a space was awake: microseconds for each day."""
        return days_of(self._chip.find(AwakeRow(()), space=space))

    def add_awake(self, space: bytes, spans: Iterable[tuple[int, int]], most: int | None = None) -> None:
        """Count more time awake, until a day has as many microseconds as it may have."""
        found = tuple(spans)  # a change may be tried again

        def add(change: Change) -> None:
            days = added(days_of(self._chip.find(AwakeRow(()), change.rows, space)), found, most)
            change.put(AwakeRow(tuple(days.items())), space)

        self._chip.change(add)


def _of(subject: str, place: str) -> tuple[WakeRow, LimitsRow, TurnRow]:
    return WakeRow(place, subject, ()), LimitsRow(subject, False, "", {}), TurnRow(subject, 0)
