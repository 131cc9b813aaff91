"""What an entry of the audit log says, before it is sealed. Never a memory, a query, or anything else that was said."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from severance.crypto.envelope import Kind, Opener, Sealer, SpaceKey, Where
from severance.crypto.primitives import sha256
from severance.errors import NewerVersionError
from severance.model import MAX_NAME_CHARS, Plain, Sealed
from severance.ports import Entropy
from severance.records import Time

_SCOPE = b"audit"
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS)]
_Word = Annotated[str, msgspec.Meta(max_length=1_000)]
_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class What(StrEnum):
    """What can happen. A later version may add to these; a reader of today shows the word as it is."""

    SEVERED = "severed"
    PLACED = "placed"
    CROSSED = "crossed"
    SLEPT = "slept"
    REFUSED = "refused"
    THRESHOLD_CHANGED = "threshold.changed"
    BACKED_UP = "backed-up"
    REEMBEDDED = "reembedded"


class Happened(msgspec.Struct, array_like=True, tag="happened", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry.

    Attributes:
        at: when, in microseconds since 1970.
        what: one of `What`, or what a later version says.
        subject, persona, place: whom it concerns and where, as far as it concerns anybody.
        id: of the permit, credential or request, in hex.
        detail: numbers and fixed words, by name.
    """

    at: Time
    what: _Word
    subject: _Name | None = None
    persona: _Name | None = None
    place: _Name | None = None
    id: _Word | None = None
    detail: dict[_Word, _Word | _Whole | bool] = {}


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Happened)


def sealed(event: Happened, key: SpaceKey, number: int, entropy: Entropy) -> Sealed:
    """The event as entry `number` of the log, counted from 0, under a salt of its own."""
    return Sealer(key, _Scoped(entropy)).seal(_place(key, number), Plain(_ENCODER.encode(event)))


def opened(frame: bytes, opener: Opener, key: SpaceKey, number: int) -> Happened:
    """The event that entry `number` holds.

    Raises:
        DamagedError: it is not what was written there.
        NewerVersionError: a later version wrote it.
    """
    plain = opener.open(_place(key, number), frame)
    try:
        return _DECODER.decode(plain)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NewerVersionError(
            f"entry {number} of the audit log was written by a later version of Severance; use that version"
        ) from None


def _place(key: SpaceKey, number: int) -> Where:
    return Where(Kind.EVENT, number, sha256(b"severance/event/v1" + key.space))


class _Scoped:
    """Draws under a scope of the log's own, so that no space's stream is moved by what is told to it."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def draw(self, size: int, scope: bytes) -> bytes:
        return self._entropy.draw(size, _SCOPE)
