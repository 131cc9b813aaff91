"""What a program and a house that is up say to each other before, and instead of, the calls of a session.

The first message of a connection is one of `Opening`. After `Admit`, and `Admitted` for an answer, come calls as to a
worker, and the answers to them. What comes after `Oversee` is in `oversight`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from severance.audit.events import MOST_MEMORIES, Source
from severance.model import Notice, micros, moment
from severance.worker.messages import Answer, Call, GarbledError, Message

PROTOCOL: Final = 1
MOST_OPENING = 2**17
"""Bytes of the first message, at most."""

_Protocol = Literal[1]
T = TypeVar("T")


class Admit(Message, frozen=True):
    """Let in whoever shows this text. Answered by `Admitted` or `Failed`."""

    protocol: _Protocol
    text: str
    place: str | None
    tool: str | None


class Oversee(Message, frozen=True):
    """Answer whoever shows this owner token as the owner. Answered by `Done` or `Failed`; then see `oversight`."""

    protocol: _Protocol
    token: str


class Ask(Message, frozen=True):
    """How is it there? Answered by `State`, as are the next three, or by `Failed`."""

    protocol: _Protocol


class Lock(Message, frozen=True):
    """Put every session to sleep, and let go of the root key."""

    protocol: _Protocol


class Unlock(Message, frozen=True):
    """Open the store with this root key."""

    protocol: _Protocol
    key: bytes


class Down(Message, frozen=True):
    """Close everything, and end."""

    protocol: _Protocol


class Admitted(Message, frozen=True):
    """Who has been let in."""

    subject: str
    persona: str
    place: str


class State(Message, frozen=True):
    """How it is: whether it is locked, how many sessions are open, and the address of the HTTP server beside it."""

    locked: bool
    sessions: int
    http: str | None = None


class Notices(Message, frozen=True):
    """As `Session.notices`, which a worker is not asked for. Answered by `ToldNotices` or `Failed`."""


class Exporting(Message, frozen=True):
    """So many memories are written out now: the log tells it. Answered by `Done` or `Failed`, as is the next."""

    memories: Annotated[int, msgspec.Meta(ge=0, le=MOST_MEMORIES)]


class Importing(Message, frozen=True):
    """Memories are brought in now, from this format."""

    source: Source


class ToldNotice(Message, frozen=True):
    """A `Notice`; times are microseconds."""

    at: int
    what: str
    reason: str
    requester: str
    until: int
    ended: int | None


class ToldNotices(Message, frozen=True):
    """What the persona has not been told yet."""

    notices: list[ToldNotice]


Verb = Ask | Lock | Unlock | Down
Opening = Admit | Oversee | Verb
Own = Notices | Exporting | Importing
"""What a session has in the process of the house, and not where its persona is awake."""
Inside = Call | Own
Told = Admitted | State | ToldNotices | Answer

_opening: msgspec.msgpack.Decoder[Opening] = msgspec.msgpack.Decoder(Opening)
_inside: msgspec.msgpack.Decoder[Inside] = msgspec.msgpack.Decoder(Inside)
_told: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(Told)


def opening_in(raw: bytes) -> Opening:
    """How somebody begins. Raises GarbledError."""
    return _decoded(_opening, raw)


def call_in(raw: bytes) -> Inside:
    """What somebody who was let in says. Raises GarbledError."""
    return _decoded(_inside, raw)


def told_in(raw: bytes) -> Told:
    """What the house says. Raises GarbledError."""
    return _decoded(_told, raw)


def told_notices(notices: Iterable[Notice]) -> ToldNotices:
    """Notices as a message."""
    return ToldNotices(
        [
            ToldNotice(
                micros(each.at),
                each.what,
                each.reason,
                each.requester,
                micros(each.until),
                None if each.ended is None else micros(each.ended),
            )
            for each in notices
        ]
    )


def notices_in(told: ToldNotices) -> tuple[Notice, ...]:
    """The notices of a message. Raises GarbledError."""
    try:
        return tuple(
            Notice(
                at=moment(each.at),
                what=each.what,
                reason=each.reason,
                requester=each.requester,
                until=moment(each.until),
                ended=None if each.ended is None else moment(each.ended),
            )
            for each in told.notices
        )
    except OverflowError:
        raise GarbledError("a time that there is not") from None


def _decoded(decoder: msgspec.msgpack.Decoder[T], raw: bytes) -> T:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise GarbledError(type(problem).__name__) from None
