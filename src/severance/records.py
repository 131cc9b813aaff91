"""What a space's log says: one record, one event. These are the plaintexts that `crypto.envelope` seals.

A record is a msgpack array whose first element names the event (docs/design/format.md, "Records"). Replaying a log's
events in order makes a mind; nothing else does.
"""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec

from severance.model import ID_BYTES, Plain

Time = Annotated[int, msgspec.Meta(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)]
"""Microseconds since 1970, in the years 1 to 9999: what a `datetime` can hold."""

Id = Annotated[bytes, msgspec.Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
"""The raw id of a memory."""

MOST_SCALE = 2.0**40
"""Far above what vectors of unit length have, and low enough that no product of two vectors leaves 32 bits."""

Scale = Annotated[float, msgspec.Meta(ge=0, le=MOST_SCALE)]

Name = Annotated[str, msgspec.Meta(min_length=0)]
"""The name of a piece of metadata. Not plain `str`: msgspec keeps such keys in a cache, one for the whole process."""

_Seq = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Finite = Annotated[float, msgspec.Meta(ge=-sys.float_info.max, le=sys.float_info.max)]


class Remembered(msgspec.Struct, array_like=True, tag="m", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A memory came to be, or (with `supersedes`) a new version of one.

    `vector` is the embedding as signed bytes, one per dimension, and `scale` the factor that turns a byte back into a
    component: component = byte * scale.
    """

    id: Id
    text: str
    at: Time
    recorded: Time
    thread: str | None
    source: str | None
    kind: str
    metadata: dict[Name, str | _Whole | _Finite | bool | None]
    pinned: bool
    echo_of: Id | None
    supersedes: Id | None
    vector: bytes
    scale: Scale


class Repeated(msgspec.Struct, array_like=True, tag="r", frozen=True, forbid_unknown_fields=True):
    """Exactly the memory `id` was remembered once more."""

    id: Id
    at: Time
    recorded: Time


class Forgotten(msgspec.Struct, array_like=True, tag="f", frozen=True, forbid_unknown_fields=True):
    """The memories `ids` are gone. `seqs` are the records that were erased from the log with them."""

    ids: list[Id]
    seqs: list[_Seq]
    recorded: Time


class EmbedderChosen(msgspec.Struct, array_like=True, tag="e", frozen=True, forbid_unknown_fields=True):
    """From here on the space's vectors are of this embedder. The first record of every private space.

    After `Revectored` records it makes their vectors the ones in force.
    """

    identity: str
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=65_536)]


class Revectored(msgspec.Struct, array_like=True, tag="v", frozen=True, forbid_unknown_fields=True):
    """A new vector for memory `id` by the embedder `identity`, not in force before the `EmbedderChosen` that names it.

    One record for each memory, so that forgetting the memory can erase it.
    """

    identity: str
    id: Id
    vector: bytes
    scale: Scale


Event = Remembered | Repeated | Forgotten | EmbedderChosen | Revectored

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode(event: Event) -> Plain:
    """The msgpack bytes of one event."""
    return Plain(_ENCODER.encode(event))


def decode(plain: Plain) -> Event:
    """Read one event.

    Raises:
        msgspec.MsgspecError: not an event that this version knows. After a successful unsealing this means that a later
            version wrote it.
    """
    return _DECODER.decode(plain)
