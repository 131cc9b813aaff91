"""The part of a house in which the owner says who wakes where, under which conditions, and for how long."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from severance.asking import When
from severance.audit.events import What
from severance.chip.chip import Chip
from severance.chip.thresholds.applying import Spent, allow_commands, changes, explanation
from severance.chip.thresholds.awake import day_of, next_day
from severance.chip.thresholds.book import Book
from severance.chip.thresholds.deciding import Circumstances, decide, zone_of
from severance.chip.thresholds.document import read as read_thresholds
from severance.chip.thresholds.document import write as write_thresholds
from severance.chip.thresholds.rules import checked_zone
from severance.chip.thresholds.surroundings import Surroundings
from severance.drafts import name_of, time_of
from severance.errors import InputError
from severance.model import Explanation, Persona, micros
from severance.ports import Clock
from severance.telling import Telling

_LAST = micros(datetime(2200, 1, 1, tzinfo=UTC))


class Governing:
    """What a house does with thresholds."""

    _chip: Chip
    _book: Book
    _clock: Clock
    _surroundings: Surroundings
    _telling: Telling

    def thresholds(self) -> str:
        """All rules and limits as the TOML text that `apply_thresholds` takes."""
        return write_thresholds(self._book.all())

    def apply_thresholds(self, text: str, *, dry: bool = False, empty: bool = False) -> list[str]:
        """Let these rules and limits hold from now on, and no others. Returns what changes, in sentences.

        What is not in the text ends, also what `place` made.

        Sessions that they no longer wake end at their next call. The commands that they name may be run on this machine
        from now on, for this user.

        Args:
            text: TOML, as in docs/how-to/thresholds.md.
            dry: only tell what would change.
            empty: also let a text without any rule hold, so that nobody wakes anywhere.

        Raises:
            InputError: it cannot be meant; the message has line and column, and what holds stays in force. Or it has no
                rule, where there were some.
        """
        personas = {(who.subject, who.name) for who in self._chip.everyone()}
        after = read_thresholds(text, name_of, lambda subject, persona: (subject, persona) in personas)
        before = self._book.all()
        if before.rules and not after.rules and not (dry or empty):
            raise InputError(
                "line 1, column 1: there is no rule in it; where nobody is to wake anywhere, say so (--empty)"
            )
        found = changes(before, after)
        if not dry:
            allow_commands(after, os.environ)
            if found:
                self._telling.tell(What.THRESHOLD_CHANGED, {"detail": {"changes": len(found)}})
                self._book.replace(after)
        return found

    def explain(
        self,
        subject: str,
        place: str,
        *,
        when: When = None,
        application: str | None = None,
        zone: str | None = None,
    ) -> Explanation:
        """Who wakes at a place and why, on this machine, now or at another time. Nobody is woken, nothing changes.

        Args:
            subject, place: of whom and where.
            when: as if it were then: a time, a date or ISO 8601 text; without a zone it is taken as UTC. Of the budget,
                what is written down now of that day.
            application: as if the program that was registered by this name crossed.
            zone: the time zone to show times in, in the place of that of the rules.

        Raises:
            InputError: a name that names can't have, or a time before 1970 or after 2199.
        """
        subject, place = name_of(subject, "the subject"), name_of(place, "the place")
        now = self._clock.now() if when is None else micros(time_of(when, "when"))
        if not 0 <= now < _LAST:
            raise InputError("a time is from 1970 to 2199")
        if zone is not None:
            checked_zone(zone)
        if application is not None:
            application = name_of(application, "the application")
        at = Circumstances(now, self._surroundings, application)
        rules, limits = self._book.rules(subject, place), self._book.limits(subject)
        decision, spent = decide(rules, at), None
        if decision.persona is not None and decision.persona in limits.budgets:
            days = self._book.awake(self._chip.key(Persona(subject, decision.persona)).space)
            awake = days.get(day_of(now, limits.zone), 0) // 1_000_000
            spent = Spent(limits.budgets[decision.persona], awake, next_day(now, limits.zone))
        return explanation(subject, place, decision, zone or zone_of(rules) or limits.zone, spent)


def check_thresholds(text: str) -> int:
    """How many rules a text has that `House.apply_thresholds` could take, if the personas exist.

    Raises:
        InputError: it could not; the message has line and column.
    """
    return sum(map(len, read_thresholds(text, name_of).rules.values()))
