"""The limits of a record, which hold for whoever has the key as well (docs/design/format.md, section 4)."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from kit import record
from severance.mind.memories import metadata_bytes, unpacked
from severance.model import Plain
from severance.records import (
    MOST_SCALE,
    EmbedderChosen,
    Event,
    Forgotten,
    Remembered,
    Repeated,
    Revectored,
    decode,
    encode,
)

ID = bytes(range(15))


def remembered(**changes: Any) -> Remembered:
    fields: dict[str, Any] = {"id": ID, "text": "melon", "at": 0, "recorded": 0, "vector": b"\x7f", "scale": 0.5}
    return record(**{**fields, **changes})


@pytest.mark.parametrize(
    "event",
    [
        remembered(),
        remembered(scale=0.0, metadata={"a": -(2**63), "b": 2**63 - 1, "c": 1e308, "d": None, "e": True, "f": ""}),
        remembered(scale=MOST_SCALE, echo_of=ID, supersedes=ID, at=253_402_300_799_999_999),
        Forgotten([ID], [1, 2**63 - 1], 0),
        EmbedderChosen("one", 65_536),
    ],
)
def test_what_is_within_the_limits_is_read_as_it_was_written(event: Event) -> None:
    assert decode(encode(event)) == event


@pytest.mark.parametrize(
    "event",
    [
        *(remembered(id=odd) for odd in (b"", ID[1:], ID + b"x")),
        *(remembered(**{link: ID[1:]}) for link in ("echo_of", "supersedes")),
        *(remembered(scale=odd) for odd in (math.nan, math.inf, -0.5, MOST_SCALE * 2)),
        *(remembered(metadata={"a": odd}) for odd in (math.nan, -math.inf, 2**63)),
        *(remembered(at=odd) for odd in (253_402_300_800_000_000, -(2**63))),
        *(Revectored("one", ID, b"", odd) for odd in (math.nan, math.inf, -1.0)),
        *(Repeated(odd, 0, 0) for odd in (b"", ID + b"x")),
        *(Forgotten([odd], [], 0) for odd in (b"", ID + b"x")),
        *(Forgotten([], [odd], 0) for odd in (0, -1, 2**63)),
        *(EmbedderChosen("one", odd) for odd in (0, -1, 65_537)),
    ],
)
def test_what_is_beyond_the_limits_is_no_record(event: Event) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(Plain(encode(event)))


def test_no_name_of_metadata_is_kept_for_whoever_reads_the_same_name_next() -> None:
    name = "the-name-of-something"
    packed, plain = metadata_bytes({name: 1}), encode(remembered(metadata={name: 1}))
    for read in (lambda: unpacked(packed), lambda: decode(plain).metadata):  # type: ignore[union-attr]
        one, other = (next(iter(read())) for _ in range(2))
        assert one == other == name
        assert one is not other
