"""Alarms, and what rings them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmGroup:
    """Something that rang, once or several times.

    Attributes:
        kind: what it is about, such as "permit.wrong" or "canary".
        count: how often.
        first, last: from when to when.
        subject, persona, place: whom it concerns and where, where a rule says that names are told.
    """

    kind: str
    count: int
    first: datetime
    last: datetime
    subject: str | None = None
    persona: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSink:
    """What waits for one sink of alarms.

    Attributes:
        sink: its name.
        waiting: what it has not been told yet.
        why: why it did not take the last message, or an empty text.
        tries: how often that was tried.
        due: when it is told next.
    """

    sink: str
    waiting: tuple[AlarmGroup, ...]
    why: str
    tries: int
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmTold:
    """An alarm that a sink has taken, and when."""

    at: datetime
    sink: str
    alarm: AlarmGroup


@dataclass(frozen=True, slots=True)
class AlarmStatus:
    """What waits for the sinks of alarms, and the last 200 that they were told, the oldest first."""

    sinks: tuple[AlarmSink, ...]
    told: tuple[AlarmTold, ...]


@dataclass(frozen=True, slots=True)
class AlarmRules:
    """What rings where, in words: sinks by name, and rules."""

    sinks: Mapping[str, str]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlarmTried:
    """What became of a test: `why` is empty where the sink took it."""

    sink: str
    why: str


@dataclass(frozen=True, slots=True)
class CanaryInfo:
    """A memory that rings when it is read: whose it is, and its id."""

    subject: str
    persona: str
    id: str
