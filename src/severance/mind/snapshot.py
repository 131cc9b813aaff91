"""Columns as bytes and back. What is written is what is held in memory, so that it is read in place.

Layout: `SEVMIND1`, the header's length (4 bytes, little-endian), the header (msgpack), then each section from a
multiple of 64 bytes on. The header names each section's type, shape and length in order, and carries the small things.
Sealing is not done here: who opens a snapshot has authenticated it. Still nothing in it is trusted: whatever could lead
out of an array, into a circle or to text that is not UTF-8 is refused.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAGIC = b"SEVMIND1"
_ALIGN = 64
_TYPES = frozenset({"|u1", "|i1", "<u2", "<i4", "<i8", "<u8", "<f4"})


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes before the sections."""

    version: int
    sections: list[tuple[str, list[int]]]
    extra: msgspec.Raw


def pack(version: int, arrays: Sequence[NDArray[Any]], extra: object) -> list[bytes | memoryview]:
    """Header and sections as buffers; arrays are not copied, so use them before the mind changes."""
    sections = [(array.dtype.newbyteorder("<").str, list(array.shape)) for array in arrays]
    packed = msgspec.msgpack.encode(Header(version, sections, msgspec.Raw(msgspec.msgpack.encode(extra))))
    head = MAGIC + len(packed).to_bytes(4, "little") + packed
    out: list[bytes | memoryview] = [head + bytes(-len(head) % _ALIGN)]
    for array in arrays:
        plain = np.ascontiguousarray(array)
        if plain.nbytes:
            out.append(plain.reshape(-1).view(np.uint8).data)
        if plain.nbytes % _ALIGN:
            out.append(bytes(-plain.nbytes % _ALIGN))
    return out


def unpack(version: int, data: bytes | memoryview) -> tuple[list[NDArray[Any]], msgspec.Raw]:
    """The arrays, read in place (and so read-only where `data` is), and the extra part of the header.

    Raises:
        ValueError: it is not a snapshot of this version, or not a whole one.
    """
    view = memoryview(data).cast("B")
    start = len(MAGIC) + 4
    if bytes(view[: len(MAGIC)]) != MAGIC or len(view) < start:
        raise ValueError("this is not a snapshot")
    place = start + int.from_bytes(view[len(MAGIC) : start], "little")
    if place > len(view):
        raise ValueError("the snapshot is cut short")
    header = msgspec.msgpack.decode(view[start:place], type=Header)
    if header.version != version:
        raise ValueError("the snapshot is of another version")
    arrays = []
    for kind, shape in header.sections:
        place += -place % _ALIGN
        if kind not in _TYPES or not shape or any(n < 0 for n in shape):
            raise ValueError("the snapshot names a section of no known kind")
        dtype, count = np.dtype(kind), math.prod(shape)
        if place + count * dtype.itemsize > len(view):
            raise ValueError("the snapshot is cut short")
        arrays.append(np.frombuffer(view, dtype, count, place).reshape(shape))
        place += count * dtype.itemsize
    if place + (-place % _ALIGN) != len(view):
        raise ValueError("the snapshot has something after its end")
    return arrays, header.extra
