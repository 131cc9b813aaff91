"""The log of what happened at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One entry of the audit log, for the owner.

    Attributes:
        number: its number in the log, counted from 0.
        at: when.
        what: what happened, such as "crossed" or "refused".
        subject, persona, place: whom it concerns and where, as far as it concerns anybody.
        id: of the permit or credential, or None.
        detail: numbers and fixed words.
    """

    number: int
    at: datetime
    what: str
    subject: str | None
    persona: str | None
    place: str | None
    id: str | None
    detail: Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaEvent:
    """What a persona is shown of an entry about itself.

    Attributes:
        at: when.
        what: what happened, such as "crossed" or "slept".
        place: where, as far as it was anywhere.
    """

    at: datetime
    what: str
    place: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCheck:
    """An export of an audit log that was verified.

    Attributes:
        entries: how many entries are in it.
        size: how many the log had then.
        root: the root of the tree over those, in hex.
        at: when that was.
        verifier: the key that has signed it.
        known: whether that key was given, and not taken from the file itself.
    """

    entries: int
    size: int
    root: str
    at: datetime
    verifier: str
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditAccepted:
    """What became of an audit log that was not what the chip remembers.

    Attributes:
        entries: how many of its entries are still there.
        remembered: how many the chip remembered.
        begun: whether the log had to be begun anew.
        aside: whether there was one that was put aside, with `.before-accept` in its name.
        changed: whether there was anything to accept.
    """

    entries: int
    remembered: int
    begun: bool
    aside: bool
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """An audit log that was computed anew and is what its checkpoint, and every witness that was asked, has seen.

    Attributes:
        size: how many entries it has.
        root: the root of the tree over them, in hex.
        at: when the checkpoint was made.
        verifier: the key that checkpoints are verified with, in one word that may be published.
        witnesses: who was asked.
        new: those of them that had no checkpoint of this log yet, or none any more, and so could tell nothing.
    """

    size: int
    root: str
    at: datetime
    verifier: str
    witnesses: tuple[str, ...]
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheckpoint:
    """The audit log's last checkpoint. The log itself was not looked at for it.

    Attributes:
        size: how many entries it is over.
        root: the root of the tree over them, in hex.
        at: when it was made.
        verifier: the key that it is verified with, in one word that may be published.
        note: the signed note that it is in, as witnesses keep it.
    """

    size: int
    root: str
    at: datetime
    verifier: str
    note: str
