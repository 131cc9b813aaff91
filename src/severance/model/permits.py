"""What may be done, and the texts that let somebody in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerTokenInfo:
    """An owner token as the owner sees it; its secret is not kept.

    Attributes:
        id: 32 characters of hex.
        label: what it is for, in the owner's words, or an empty text.
        made, until: when it was made, and when it ends by itself.
        ended: when it was revoked, or was seen after its end; None while it opens.
    """

    id: str
    label: str
    made: datetime
    until: datetime
    ended: datetime | None
