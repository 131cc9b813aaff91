"""The nouns of Severance, frozen. They hold no keys, no connections and no behaviour beyond their own invariants.

Times are aware `datetime`s in UTC at the surface and whole microseconds since 1970 below it. Ids of memories are
30 characters of lower-case hex (120 random bits): they do not count, sort or tell who made them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import NewType

from severance.errors import InputError

Scalar = str | int | float | bool | None
Metadata = Mapping[str, Scalar]

Plain = NewType("Plain", bytes)
"""Bytes that may be read by anyone who holds them. Never handed to a vault."""

Sealed = NewType("Sealed", bytes)
"""Bytes that are ciphertext. The only kind a vault accepts; only `crypto.envelope` makes them."""

MAX_TEXT_BYTES = 65_536
MAX_METADATA_BYTES = 16_384
MAX_LABEL_BYTES = 512
MAX_NAME_CHARS = 100
ID_BYTES = 15

NO_METADATA: Metadata = MappingProxyType({})
_NOBODY: Mapping[str, tuple[str, ...]] = MappingProxyType({})
_LENGTH = re.compile(r"(?:[0-9]{1,9}[smhd]){1,8}")
_PART_OF_LENGTH = re.compile(r"([0-9]+)([smhd])")
_SECONDS = MappingProxyType({"s": 1, "m": 60, "h": 3_600, "d": 86_400})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    """One persona from outside: where it may wake, and how many records its space has (not what they say).

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


@dataclass(frozen=True, slots=True)
class Status:
    """A house from outside; of overrides, those that are not over."""

    store: str
    personas: tuple[PersonaStatus, ...]
    places: tuple[Place, ...]
    overrides: tuple[OverrideInfo, ...] = ()


class Right(StrEnum):
    """What a permit or a credential may allow. `recall` is all reading; an admitted session may always sleep."""

    RECALL = "recall"
    REMEMBER = "remember"
    AMEND = "amend"
    FORGET = "forget"
    SEND = "send"
    REFINE = "refine"


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitInfo:
    """A permit as the owner sees it; its text is not kept.

    Attributes:
        id: 32 characters of hex.
        subject, persona, place: who wakes with it, and where.
        rights: what it allows, unless whoever holds it has taken more away.
        made, until: when it was made, and when it ends.
        ended: when it was revoked, or was seen after its end; None while it opens.
    """

    id: str
    subject: str
    persona: str
    place: str
    rights: frozenset[Right]
    made: datetime
    until: datetime
    ended: datetime | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialInfo:
    """The place credential of a program as the owner sees it; its secret is not kept.

    Attributes:
        id: 32 characters of hex.
        subject, place: who goes there with it, and where.
        program: the name of the program.
        rights: what a session that it opens may do.
        made: when it was made.
        revoked: when it was revoked, or None.
    """

    id: str
    subject: str
    place: str
    program: str
    rights: frozenset[Right]
    made: datetime
    revoked: datetime | None


class OverrideState(StrEnum):
    """How far an override is. The last three are for good."""

    REQUESTED = "requested"
    APPROVED = "approved"
    ACTIVE = "active"
    DENIED = "denied"
    ENDED = "ended"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideInfo:
    """An override as the owner sees it.

    Attributes:
        id: 32 characters of hex.
        state: how far it is.
        subject, persona: who is to be woken.
        requester: the name of the key that asked.
        reason: why, in the requester's words.
        rights, threads: what its session may do, and in which threads; None for all.
        made, approve_by, use_by: when it was asked for, until when it can be approved, and used.
        length: for how long it opens.
        approved: the names of the keys that approved.
        denied: the name of the key that refused, or None.
        used, until: when it was opened, and when it ends by itself, or None.
        ended: when it ended, or None.
        why: how it ended, in one word: time, released, gone, stopped, denied, keys, failed; or empty.
    """

    id: str
    state: OverrideState
    subject: str
    persona: str
    requester: str
    reason: str
    rights: frozenset[Right]
    threads: tuple[str, ...] | None
    made: datetime
    approve_by: datetime
    use_by: datetime
    length: timedelta
    approved: tuple[str, ...]
    denied: str | None
    used: datetime | None
    until: datetime | None
    ended: datetime | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRequest:
    """What a request says to whoever is to approve it. Whether its house knows it, only that house can tell.

    Attributes:
        id, subject, persona, reason, rights, threads, made, approve_by, use_by, length: as in `OverrideInfo`.
        requester: the name of the key that asked, as that house had it.
        key: the id of that key, 32 characters of hex.
        digest: 64 characters of hex that stand for exactly this request; answers are to it alone.
    """

    id: str
    subject: str
    persona: str
    requester: str
    key: str
    reason: str
    rights: frozenset[Right]
    threads: tuple[str, ...] | None
    made: datetime
    approve_by: datetime
    use_by: datetime
    length: timedelta
    digest: str


@dataclass(frozen=True, slots=True)
class OverrideKeyInfo:
    """An override key that is registered: whose it is, its id in hex, its public text, and when it was registered."""

    name: str
    id: str
    public: str
    made: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a persona is told: that an override woke it outside its place.

    Attributes:
        at: when.
        what: "override.used", or "override.ended" where it has heard of the beginning already.
        reason: why, in the requester's words.
        requester: the name of the key that asked.
        until: when it ends by itself.
        ended: when it ended, or None: it is awake now.
    """

    at: datetime
    what: str
    reason: str
    requester: str
    until: datetime
    ended: datetime | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody asks to have remembered, before it has an id.

    Attributes:
        text: 1 to 65,536 bytes of UTF-8, without NUL; more than blanks, controls and characters that are not seen.
        at: when it happened; None means now. A time without a zone is taken as UTC.
        thread: the conversation it belongs to.
        source: who said it or where it was read.
        kind: what sort of memory it is, in the user's own words.
        metadata: names to scalars, at most 16,384 bytes as JSON.
        pinned: whether it should come before equals.
    """

    text: str
    at: datetime | None = None
    thread: str | None = None
    source: str | None = None
    kind: str = "note"
    metadata: Metadata = field(default_factory=lambda: NO_METADATA)
    pinned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One thing remembered.

    Attributes:
        id: 30 characters, random.
        text: what was remembered, to the letter.
        at: when it happened.
        recorded: when it was remembered.
        thread, source, kind, metadata, pinned: as in `Draft`.
        repeats: how often exactly this was remembered, the first time included.
        echo_of: the id of the memory that recall had just returned and that this text merely repeats, or None.
        supersedes: the id of the version before this one, or None.
        superseded_by: the id of the version after this one, or None.
    """

    id: str
    text: str
    at: datetime
    recorded: datetime
    thread: str | None = None
    source: str | None = None
    kind: str = "note"
    metadata: Metadata = field(default_factory=lambda: NO_METADATA)
    pinned: bool = False
    repeats: int = 1
    echo_of: str | None = None
    supersedes: str | None = None
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Recollection:
    """A memory found by recall: its score (higher is better, comparable within one recall only) and why it is here."""

    memory: Memory
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which memories are asked for. Every field that is set must hold; times are microseconds, ends are inclusive.

    Attributes:
        since, until: bounds on when it happened.
        as_of: only what had been recorded by then, each in the version that was current then.
        thread: only this conversation.
        where: metadata names to the value each must have.
    """

    since: int | None = None
    until: int | None = None
    as_of: int | None = None
    thread: str | None = None
    where: Metadata = field(default_factory=lambda: NO_METADATA)


@dataclass(frozen=True, slots=True)
class Head:
    """How far a space's log goes: its last sequence number (0 when empty) and the digest up to there (32 bytes)."""

    seq: int
    digest: bytes

    def then(self, hashed: bytes) -> Head:
        """The head after one more record, of whose frame this is the SHA-256 (32 bytes).

        No frame is needed, so whoever has no key follows the chain as well, over records that were erased, too.
        """
        return Head(self.seq + 1, sha256(b"severance/head/v1" + self.digest + hashed).digest())


def micros(when: datetime) -> int:
    """Whole microseconds from 1970 to `when`; a time without a zone is taken as UTC."""
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def moment(us: int) -> datetime:
    """The aware UTC time that is `us` microseconds from 1970."""
    return _EPOCH + timedelta(microseconds=us)


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 date or time; without a zone it is taken as UTC.

    Raises:
        InputError: it is not one.
    """
    try:
        when = datetime.fromisoformat(text.strip())
        return when.astimezone(UTC) if when.tzinfo is not None else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InputError("that is not a date or time; write it as 2024-05-31 or 2024-05-31T18:00+02:00") from None


def parse_length(text: str) -> timedelta | None:
    """A length of time such as `30s`, `1h30m` or `7d`: a sum of days, hours, minutes and seconds; or None."""
    if not _LENGTH.fullmatch(text):
        return None
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in _PART_OF_LENGTH.findall(text)))


def id_text(raw: bytes) -> str:
    """The written form of a memory's 15 random bytes."""
    return raw.hex()


def id_bytes(text: object) -> bytes | None:
    """The 15 bytes behind a written id, or None when it is not the written form of any id."""
    if not isinstance(text, str):
        return None  # a model may well send a number
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw if len(raw) == ID_BYTES and text == raw.hex() else None
