"""What an entry of the audit log says, before it is sealed. Never a memory, a query, or anything else that was said."""

from __future__ import annotations

import struct
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

import msgspec

from severance.crypto.envelope import Kind, Opener, Sealer, SpaceKey, Where, opened_with
from severance.crypto.primitives import hmac_sha256, sha256
from severance.errors import DamagedError, InputError
from severance.model import MAX_NAME_CHARS, Plain, Sealed
from severance.ports import Entropy
from severance.records import Time

_SCOPE = b"audit"
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS)]
_Word = Annotated[str, msgspec.Meta(max_length=1_000)]
_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Before = Annotated[int, msgspec.Meta(ge=0)] | None

UNREADABLE: Final = "unreadable"
"""What an entry is shown as that is the log's own, and that this version can't read."""
MOST_MEMORIES = 2**40
"""So many memories are written out in one go, at most, as far as the log is concerned."""
Source = Literal[
    "jsonl", "markdown", "chatgpt", "claude", "mem0", "mcp", "langgraph", "letta", "compartment", "locomo", "mbox"
]
"""What memories are brought in from, as the log names it: one of `transfer.FORMATS`."""

_MOST_WRITTEN = 16_384
"""Bytes of an entry as JSON, at most: with its frame and proof it is to fit into a line of an export."""
T = TypeVar("T")


class What(StrEnum):
    """What can happen. A later version may add to these; a reader of today shows the word as it is."""

    SEVERED = "severed"
    PLACED = "placed"
    CROSSED = "crossed"
    SLEPT = "slept"
    REFUSED = "refused"
    THRESHOLD_CHANGED = "threshold.changed"
    PERMIT_MADE = "permit.made"
    PERMIT_REVOKED = "permit.revoked"
    CREDENTIAL_MADE = "credential.made"
    CREDENTIAL_REVOKED = "credential.revoked"
    TOKEN_MADE = "token.made"  # noqa: S105 - what happened, and no secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - as above
    CLOCK_ACCEPTED = "clock.accepted"
    EXPORTED = "exported"
    IMPORTED = "imported"
    BACKED_UP = "backed-up"
    RESTORED = "restored"
    REEMBEDDED = "reembedded"
    OVERRIDE_REGISTERED = "override.registered"
    OVERRIDE_UNREGISTERED = "override.unregistered"
    OVERRIDE_DRAFTED = "override.drafted"
    OVERRIDE_REQUESTED = "override.requested"
    OVERRIDE_APPROVED = "override.approved"
    OVERRIDE_DENIED = "override.denied"
    OVERRIDE_USED = "override.used"
    OVERRIDE_ENDED = "override.ended"
    OVERRIDE_REFUSED = "override.refused"
    UP = "up"
    DOWN = "down"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    AUDIT_ACCEPTED = "audit.accepted"
    AUDIT_CUT = "audit.cut"
    DAMAGE = "damage"
    BARRIER_FAILED = "barrier.failed"
    ALARMS_CHANGED = "alarms.changed"
    CANARY = "canary"
    CANARY_PLANTED = "canary.planted"
    CANARY_REMOVED = "canary.removed"


_ITS_OWN = frozenset(
    {
        *(What.SEVERED, What.PLACED, What.CROSSED, What.SLEPT, What.PERMIT_MADE, What.PERMIT_REVOKED),
        *(What.EXPORTED, What.IMPORTED),
    }
)
_OVERRIDE = "override."


class Happened(msgspec.Struct, array_like=True, tag="happened", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry.

    Attributes:
        at: when, in microseconds since 1970.
        what: one of `What`, or what a later version says.
        subject, persona, place: whom it concerns and where, as far as it concerns anybody.
        id: of the permit, credential or request, in hex.
        detail: numbers and fixed words, by name.
        before: the number of the entry before this one that the persona is shown; None where there is none, or where
            this one is not shown to any.
    """

    at: Time
    what: _Word
    subject: _Name | None = None
    persona: _Name | None = None
    place: _Name | None = None
    id: _Word | None = None
    detail: dict[_Word, _Word | _Whole | bool] = {}
    before: _Before = None


class Unreadable(Happened, frozen=True, kw_only=True):
    """An entry of which some field, or all, could not be read: those have what they have where nothing is said.

    Attributes:
        was: what it said that happened, if that could be read; `what` is `UNREADABLE`.
    """

    was: str = UNREADABLE


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Happened)
_TAIL: msgspec.msgpack.Decoder[int] = msgspec.msgpack.Decoder(Annotated[int, msgspec.Meta(ge=0)])
_TAIL_BYTES = 16
_LENGTH = struct.Struct(">I")


def source_of(name: str) -> Source:
    """The format of this name.

    Raises:
        InputError: memories are brought in from no such format.
    """
    for source in get_args(Source):
        if source == name:
            found: Source = source
            return found
    raise InputError("memories are brought in from one of the formats that there are")


def is_its_own(event: Happened) -> bool:
    """Whether the persona that an entry is about is shown it: what it did, and what was done with its door.

    Not what the owner looks for without its knowledge, such as canaries and damage.
    """
    what = kind_of(event)
    return event.persona is not None and (what in _ITS_OWN or what.startswith(_OVERRIDE))


def kind_of(event: Happened) -> str:
    """What an entry says that happened, also where the rest of it cannot be read."""
    return event.was if isinstance(event, Unreadable) else event.what


def sealed(event: Happened, key: SpaceKey, number: int, entropy: Entropy) -> Sealed:
    """The event as entry `number` of the log, counted from 0, under a salt of its own.

    Raises:
        InputError: it could not be read again.
    """
    return Sealer(key, _Scoped(entropy)).seal(_place(key, number), _encoded(event))


def opened(frame: bytes, opener: Opener, key: SpaceKey, number: int) -> Happened:
    """The event that entry `number` holds; an `Unreadable` where this version cannot read all of it.

    Raises:
        DamagedError: it is not what was written there.
    """
    return _decoded(opener.open(_place(key, number), frame))


def shown(disclosure: bytes, frame: bytes, store: bytes, number: int) -> Happened:
    """The event that entry `number` of a store's log holds, by what was disclosed of that entry alone.

    Raises: as `opened`; DamagedError where it is not disclosed by this.
    """
    where = _place(SpaceKey(store, 0, b""), number)
    return _decoded(opened_with(disclosure, store, 0, where, frame))


def check_kept(event: Happened) -> None:
    """Refuse what could not be read again from the log.

    Raises:
        InputError: as `sealed`.
    """
    _encoded(event)


def _encoded(event: Happened) -> Plain:
    """The event as bytes that `_decoded` makes the same of, and that fit into a line of an export."""
    with suppress(msgspec.MsgspecError, UnicodeError, OverflowError, TypeError, RecursionError):
        plain = _ENCODER.encode(event)
        if _DECODER.decode(plain) == event and len(msgspec.json.encode(event)) <= _MOST_WRITTEN:
            return Plain(plain)
    raise InputError("the audit log does not take this entry: a name, a word or a number in it is none that it keeps")


def _decoded(plain: Plain) -> Happened:
    try:
        return _DECODER.decode(plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _salvaged(plain)


def _salvaged(plain: Plain) -> Unreadable:
    """What can be read of an entry: its fields stand in their order, and a later version adds to their end."""
    try:
        said = msgspec.msgpack.decode(plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, TypeError):
        said = None
    if not isinstance(said, list) or not said or said[0] != "happened":
        return Unreadable(at=0, what=UNREADABLE)
    fields = [*said[1:], *[None] * len(Happened.__struct_fields__)]
    at, what, subject, persona, place, id_, _, before = fields[: len(Happened.__struct_fields__)]
    return Unreadable(
        at=_read(at, Time, 0),
        what=UNREADABLE,
        was=_read(what, _Word, UNREADABLE),
        subject=_read(subject, _Name, None),
        persona=_read(persona, _Name, None),
        place=_read(place, _Name, None),
        id=_read(id_, _Word, None),
        before=_read(before, _Before, None),
    )


def _read(said: Any, kind: Any, otherwise: T) -> T:
    """A field, where it is of its kind."""
    try:
        found: T = msgspec.convert(said, kind)
    except msgspec.MsgspecError:
        return otherwise
    return found


def tail_of(key: SpaceKey, subject: str | None, persona: str | None) -> bytes:
    """The id, 16 bytes, under which the log keeps where the entries end that a persona is shown."""
    names = [(name or "").encode() for name in (subject, persona)]
    framed = b"".join(_LENGTH.pack(len(name)) + name for name in names)
    return hmac_sha256(key.secret, b"severance/tail/v1" + framed)[:_TAIL_BYTES]


def sealed_tail(number: int, key: SpaceKey, tail: bytes, entropy: Entropy) -> Sealed:
    """The number of the last entry that a persona is shown, as it is kept under the id `tail`."""
    return Sealer(key, _Scoped(entropy)).seal(_tail_place(tail), Plain(_ENCODER.encode(number)))


def opened_tail(frame: bytes, opener: Opener, tail: bytes) -> int:
    """The number in what is kept under the id `tail`.

    Raises:
        DamagedError: it is not what was written there.
    """
    with suppress(DamagedError, msgspec.MsgspecError):
        return _TAIL.decode(opener.open(_tail_place(tail), frame))
    raise DamagedError("audit.db: where the entries of a persona end is not what was written; see `severance audit`")


def _tail_place(tail: bytes) -> Where:
    return Where(Kind.EVENT, 0, sha256(b"severance/tail/v1" + tail))


def _place(key: SpaceKey, number: int) -> Where:
    return Where(Kind.EVENT, number, sha256(b"severance/event/v1" + key.space))


class _Scoped:
    """Draws under a scope of the log's own, so that no space's stream is moved by what is told to it."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def draw(self, size: int, scope: bytes) -> bytes:
        return self._entropy.draw(size, _SCOPE)
