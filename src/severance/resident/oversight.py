"""What an owner and a house that is up say to each other, once the owner's token was shown.

None of it is a call of a session, and none can be said by who was let in to one: each has a decoder of its own. Nouns
go as they are, with their times; what comes is checked against their types.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

from severance.model import AlarmRules, AlarmStatus, AuditCheck, AuditCheckpoint, AuditEvent, OverrideInfo
from severance.worker.messages import Done, Failed, GarbledError, Message

MOST_ENTRIES: Final = 500
"""Entries of the log in one message, at most: with 16,384 bytes each they are less than a message may have."""

_Word = Annotated[str, msgspec.Meta(max_length=100)]
_Time = Annotated[int, msgspec.Meta(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)]
"""Microseconds of the years 1 to 9999."""
_Number = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
_Text = Annotated[str, msgspec.Meta(max_length=2**20)]

T = TypeVar("T")


class Entries(Message, frozen=True):
    """As `House.events`; times are microseconds. Answered by `ToldEntries`, or as all of these by `Failed`."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_ENTRIES)]
    after: _Number | None
    what: _Word | None
    since: _Time | None
    until: _Time | None


class VerifyLog(Message, frozen=True):
    """As `House.verify_audit`, without witnesses. Answered by `ToldCheck`."""


class LastCheckpoint(Message, frozen=True):
    """As `House.audit_checkpoint`. Answered by `ToldCheckpoint`."""


class AlarmsNow(Message, frozen=True):
    """As `House.alarm_status`. Answered by `ToldAlarms`."""


class AlarmsRing(Message, frozen=True):
    """As `House.alarm_rules`. Answered by `ToldRules`."""


class Overrides(Message, frozen=True):
    """As `House.overrides`. Answered by `ToldOverrides`."""


class RequestOf(Message, frozen=True):
    """As `House.override_request`. Answered by `ToldText`."""

    id: _Word


class DraftOverride(Message, frozen=True):
    """As `House.draft_override`, with a wish. Answered by `ToldText`."""

    text: _Text


class SubmitOverride(Message, frozen=True):
    """As `House.submit_override`, with a request. Answered by `ToldOverrides` with one, as are the next two."""

    text: _Text


class AnswerOverride(Message, frozen=True):
    """As `House.answer_override`, without a key."""

    text: _Text


class EndOverride(Message, frozen=True):
    """As `House.end_override`."""

    id: _Word


class Follow(Message, frozen=True):
    """Say nothing more, and be told of the entries after this one, and of each when it is there.

    None is for those that are not there yet. Answered by any number of `ToldEntries`, an empty one at first and where
    nothing has happened for a while, and `Failed` at last. Whatever is said meanwhile ends it.
    """

    after: _Number | None


class ToldEntries(Message, frozen=True):
    """Entries of the audit log."""

    entries: Annotated[list[AuditEvent], msgspec.Meta(max_length=MOST_ENTRIES)]


class ToldCheck(Message, frozen=True):
    """The log is what it was."""

    check: AuditCheck


class ToldCheckpoint(Message, frozen=True):
    """The log's last checkpoint."""

    checkpoint: AuditCheckpoint


class ToldAlarms(Message, frozen=True):
    """What waits for the sinks, and what they were told."""

    status: AlarmStatus


class ToldRules(Message, frozen=True):
    """What rings where."""

    rules: AlarmRules


class ToldOverrides(Message, frozen=True):
    """Overrides."""

    overrides: list[OverrideInfo]


class ToldText(Message, frozen=True):
    """A text."""

    text: str


Asked = (
    Entries
    | VerifyLog
    | LastCheckpoint
    | AlarmsNow
    | AlarmsRing
    | Overrides
    | RequestOf
    | DraftOverride
    | SubmitOverride
    | AnswerOverride
    | EndOverride
    | Follow
)
Told = ToldEntries | ToldCheck | ToldCheckpoint | ToldAlarms | ToldRules | ToldOverrides | ToldText | Done | Failed

_asked: msgspec.msgpack.Decoder[Asked] = msgspec.msgpack.Decoder(Asked)
_told: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(Told)


def asked_in(raw: bytes) -> Asked:
    """What an owner says. Raises GarbledError."""
    return _decoded(_asked, raw)


def told_in(raw: bytes) -> Told:
    """What the house says to an owner. Raises GarbledError."""
    return _decoded(_told, raw)


def _decoded(decoder: msgspec.msgpack.Decoder[T], raw: bytes) -> T:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise GarbledError(type(problem).__name__) from None
