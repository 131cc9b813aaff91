"""Who there is, and who wakes where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from severance.model.overrides import OverrideInfo

MAX_NAME_CHARS = 100
_NOBODY: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Subject:
    """A person or agent whose memory is divided."""

    name: str


@dataclass(frozen=True, slots=True)
class Persona:
    """One severed self of a subject."""

    subject: str
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where subjects can be, and which persona of each wakes there.

    Attributes:
        name: what it is called.
        wakes: subject name to persona name, where the circumstances make no difference.
        depends: subject name to the names of those who may wake, in the order of the rules, where they do.
    """

    name: str
    wakes: Mapping[str, str]
    depends: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOBODY)


@dataclass(frozen=True, slots=True)
class PersonaStatus:
    """One persona from outside: where it may wake, and how much was written in its space (not what).

    Attributes:
        subject, name: whose and which.
        places: where it wakes, or may wake under conditions.
        records: how many its space has.
        awake: seconds that it was awake today, as its subject counts days.
        budget: seconds of a day that it may be awake, or None.
    """

    subject: str
    name: str
    places: tuple[str, ...]
    records: int
    awake: int = 0
    budget: int | None = None

    @property
    def writes(self) -> int:
        """How many of the records somebody wrote. The first is none of them: it names the embedder."""
        return max(0, self.records - 1)


@dataclass(frozen=True, slots=True)
class Status:
    """A house from outside; of overrides, those that are not over."""

    store: str
    personas: tuple[PersonaStatus, ...]
    places: tuple[Place, ...]
    overrides: tuple[OverrideInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSeen:
    """One rule of a threshold: who would wake, whether it holds, and of each condition whether it does and why."""

    persona: str
    holds: bool
    conditions: tuple[tuple[bool, str], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Who wakes at a place, and why.

    Attributes:
        subject, place: of whom and where.
        persona: who wakes, or None: nobody does.
        until: when that changes if nothing does but the time, or None.
        rules: every rule, in order; the first that holds decides.
        later: personas that would wake later if nothing changed but the time, and when.
        zone: the time zone of the hours that were looked at first, or else the subject's: for showing times.
        spent: whom the rules say, and who does not wake because the day's awake time is used up; or None.
        budget: how many seconds of the day the rules' persona may be awake; None for no limit.
        awake: how many seconds of that day it was awake, as far as that is written down.
        free: where it is used up, when it may be awake again.
    """

    subject: str
    place: str
    persona: str | None
    until: datetime | None
    rules: tuple[RuleSeen, ...]
    later: Mapping[str, datetime]
    zone: str = "UTC"
    spent: str | None = None
    budget: int | None = None
    awake: int = 0
    free: datetime | None = None
