"""Overrides: waking a persona outside its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from severance.model.permits import Right


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
