"""Who wakes where in a trace, and when: the thresholds as the trace has set them, decided once more and not by the
product's own code.

A minute of a trace is a step, and the trace begins at noon. Rules for two personas of one subject at one place never
hold at the same time for the same caller, so that what wakes one persona is the same when the other was never severed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from severance.barrier.traces.people import Who

PROGRAM = "program"
"""The name that every program is registered by."""

ZONES: Mapping[str, int] = {"UTC": 0, "Asia/Tokyo": 9, "Etc/GMT+5": -5}
"""Time zones without summer time, and how many hours they are ahead."""

_DAY = 24 * 60
_NOON = 12 * 60


@dataclass(frozen=True)
class Rule:
    """Who wakes under which conditions.

    Attributes:
        persona: the name.
        minutes: from which minute of the trace on, and until which; None for always.
        zone: where the clock on the wall hangs that its hours are written by.
        program: whether it takes a program with a place credential.
    """

    persona: str
    minutes: tuple[int, int] | None = None
    zone: str = "UTC"
    program: bool = False

    def holds(self, minute: int, *, program: bool) -> bool:
        """Whether it does at this minute, for a program or for the owner."""
        within = self.minutes is None or self.minutes[0] <= minute < self.minutes[1]
        return within and (program or not self.program)

    def written(self, subject: str, place: str) -> str:
        """As a table of a TOML document."""
        lines = ["[[rule]]", f'subject = "{subject}"', f'place = "{place}"', f'persona = "{self.persona}"']
        if self.minutes is not None:
            lines.append(f'hours = "{"-".join(self._hour(minute) for minute in self.minutes)} {self.zone}"')
        lines += [f'application = "{PROGRAM}"'] if self.program else []
        return "\n".join(lines) + "\n"

    def _hour(self, minute: int) -> str:
        hours, minutes = divmod((_NOON + minute + 60 * ZONES[self.zone]) % _DAY, 60)
        return f"{hours:02}:{minutes:02}"


@dataclass(frozen=True)
class Limits:
    """What holds for a subject wherever it is.

    Attributes:
        exclusive: whether one is awake at a time.
        budgets: minutes of a day, by persona.
        zone: whose days they are.
    """

    exclusive: bool = False
    budgets: Mapping[str, int] = field(default_factory=dict)
    zone: str = "UTC"

    def written(self, subject: str) -> str:
        """As a table of a TOML document."""
        budgets = ", ".join(f'"{name}" = "{minutes}m"' for name, minutes in self.budgets.items())
        return (
            f'[[subject]]\nname = "{subject}"\nexclusive = {str(self.exclusive).lower()}\n'
            f'zone = "{self.zone}"\nbudget = {{ {budgets} }}\n'
        )


class Seats:
    """The thresholds, by place and subject, and the limits, by subject."""

    def __init__(self) -> None:
        """Nobody wakes anywhere."""
        self._rules: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self._limits: dict[str, Limits] = {}

    def again(self) -> Self:
        """Others that are the same."""
        made = type(self)()
        made._rules, made._limits = dict(self._rules), dict(self._limits)
        return made

    def place(self, place: str, wakes: Mapping[str, str | None]) -> None:
        """From now on these wake there, without conditions."""
        for subject, persona in wakes.items():
            self.govern(place, subject, () if persona is None else (Rule(persona),))

    def govern(self, place: str, subject: str, rules: tuple[Rule, ...]) -> None:
        """From now on these rules hold for a subject at a place."""
        self._rules.pop((place, subject), None)
        if rules:
            self._rules[place, subject] = rules

    def limit(self, subject: str, limits: Limits) -> None:
        """From now on these limits hold for a subject."""
        self._limits[subject] = limits

    def wakes(self, place: str, subject: str, minute: int, *, program: bool = False) -> str | None:
        """Who wakes there at this minute."""
        rules = self._rules.get((place, subject), ())
        return next((rule.persona for rule in rules if rule.holds(minute, program=program)), None)

    def where(self, who: Who, minute: int) -> str:
        """The first place at which this persona wakes at this minute, or one where nobody does."""
        subject, name = who
        found = sorted(place for place, each in self._rules if each == subject)
        return next((place for place in found if self.wakes(place, subject, minute) == name), "nowhere")

    def written(self, there: Callable[[Who], bool]) -> str:
        """All of it as a TOML document, without what is said of personas that are not there."""
        return "\n".join(self._tables(there))

    def _tables(self, there: Callable[[Who], bool]) -> Iterator[str]:
        for subject, limits in self._limits.items():
            budgets = {name: minutes for name, minutes in limits.budgets.items() if there((subject, name))}
            yield Limits(limits.exclusive, budgets, limits.zone).written(subject)
        for (place, subject), rules in self._rules.items():
            yield from (rule.written(subject, place) for rule in rules if there((subject, rule.persona)))
