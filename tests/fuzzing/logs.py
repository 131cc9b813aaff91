"""Records, the logs that they make, and the mind's snapshots, all of it behind the seal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from fuzzing.target import Choices, Target
from kit import record
from severance import waking
from severance.embed import Hashing, quantize
from severance.errors import DamagedError
from severance.mind import Mind, layer, snapshot
from severance.mind.layer import decode as decode_layer
from severance.model import ID_BYTES, Filter, Plain, moment
from severance.records import EmbedderChosen, Event, Forgotten, Remembered, Repeated, Revectored, decode, encode

EMBEDDER = Hashing(8)
CHOSEN = EmbedderChosen(EMBEDDER.identity, EMBEDDER.dimensions)
NOW = 1_717_243_200_000_000
_TEXTS = (
    "the goats are not ready",
    "a melon bar on 5 May 2023",
    "日本語 and ไทย",
    "a",
    "!",
    "the the the",
    "1,000 3.5",
)
_LABELS = (None, "anna", "Anna's", "", "x" * 600, "é")
_METADATA: tuple[dict[str, Any], ...] = (
    {},
    {"a": 1},
    {"a": 1.0},
    {"a": True},
    {"b": None, "a": "x" * 50},
    {"": -(2**63)},
)
_TIMES = (NOW, 0, 253_402_300_799_999_999, -62_135_596_800_000_000, NOW + 86_400_000_000)
_QUERIES = ("the goats of anna in May 2023", "日本 bar", "a last week")


def raw(number: int) -> bytes:
    """The id that stands for this number."""
    return number.to_bytes(ID_BYTES, "big")


def remembered(number: int, text: str, **changes: Any) -> Remembered:
    """A memory with this number."""
    vectors, scales = quantize(EMBEDDER.embed([text]))
    placed = {"id": raw(number), "text": text, "at": NOW + number, "recorded": NOW + number}
    vector = {"vector": vectors[0].tobytes(), "scale": float(scales[0])}
    return record(**{**placed, **vector, **changes})


STORY: tuple[Event, ...] = (
    CHOSEN,
    remembered(1, _TEXTS[0], thread="anna", source="bob", metadata={"a": 1, "b": "x"}),
    remembered(2, _TEXTS[1], thread="anna", pinned=True),
    remembered(3, "the goats are ready", supersedes=raw(1), thread="anna", source="bob"),
    remembered(4, _TEXTS[2], echo_of=raw(2)),
    Repeated(raw(2), NOW, NOW),
    Revectored("another/1", raw(2), bytes(range(8)), 0.5),
    remembered(5, "gone"),
    Forgotten([raw(5)], [9], NOW),
)


def run_record(data: bytes) -> None:
    """What decodes is within the limits of the format, and is written again as an equal record."""
    try:
        event = decode(Plain(data))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    check_event(event)
    assert decode(encode(event)) == event, "a record is not the same when it is written again"


def check_event(event: Event) -> None:
    """The limits that the format names for a record (docs/design/format.md, section 4)."""
    match event:
        case Remembered():
            assert len(event.id) == ID_BYTES
            assert all(link is None or len(link) == ID_BYTES for link in (event.echo_of, event.supersedes))
            assert 0 <= event.scale <= 2**40
            assert moment(event.at) <= moment(event.at)
            assert moment(event.recorded)
        case Repeated():
            assert len(event.id) == ID_BYTES
        case Forgotten():
            assert all(len(each) == ID_BYTES for each in event.ids)
            assert all(0 < seq < 2**63 for seq in event.seqs)
        case EmbedderChosen():
            assert 1 <= event.dimensions <= 65_536
        case Revectored():
            assert len(event.id) == ID_BYTES
            assert 0 <= event.scale <= 2**40


def run_log(data: bytes) -> None:
    """A log that contradicts itself is refused; every other makes a mind that answers, also after a snapshot."""
    events = drawn_events(Choices(data))
    mind = Mind()
    try:
        waking.apply(mind, [(seq, decode(encode(event))) for seq, event in enumerate(events, 1)])
    except (DamagedError, msgspec.MsgspecError):
        return
    before = observed(mind)
    again = Mind.restore([decode_layer(pictured_of(mind))])
    assert observed(mind) == before, "a mind answers differently after its snapshot was taken"
    assert observed(again) == before, "a mind answers differently when it is restored"


def drawn_events(choices: Choices) -> list[Event]:
    """A log of up to forty events about a handful of ids."""
    events: list[Event] = [CHOSEN] if choices.byte() % 8 else []
    while choices and len(events) < 40:
        events.append(_drawn(choices, len(events)))
    return events


def _drawn(choices: Choices, number: int) -> Event:
    kind, some = choices.below(12), raw(choices.below(8))
    time = choices.pick(_TIMES)
    if kind == 0:
        return Repeated(some, time, time)
    if kind == 1:
        return Forgotten([raw(choices.below(8)) for _ in range(choices.below(4))], [choices.below(40) + 1], time)
    if kind == 2:
        return EmbedderChosen(choices.pick((EMBEDDER.identity, "another/1", "")), choices.pick((8, 8, 8, 1, 4, 3_000)))
    if kind in (3, 4):
        identity = choices.pick(("another/1", EMBEDDER.identity))
        return Revectored(identity, some, _vector(choices), choices.pick((0.5, 0.0, 2.0**40, 1e300)))
    links: dict[str, Any] = {}
    if kind in (5, 6):
        links["supersedes"] = some
    if kind in (6, 7):
        links["echo_of"] = raw(choices.below(8))
    if kind == 8:
        links |= {"vector": _vector(choices), "scale": choices.pick((0.5, 0.0, 2.0**40, 1e300))}
    labels = {name: choices.pick(_LABELS) for name in ("thread", "source")}
    fields = {"at": time, "recorded": choices.pick(_TIMES), "pinned": choices.byte() % 2 == 1}
    which = choices.below(16)
    text = choices.pick(_TEXTS)
    return remembered(which or number, text, metadata=choices.pick(_METADATA), **labels, **fields, **links)


def _vector(choices: Choices) -> bytes:
    return choices.take(choices.pick((8, 8, 8, 0, 1, 4, 9)))


def observed(mind: Mind) -> list[Any]:
    """What can be seen of a mind; raises where it is not consistent in itself."""
    memories = list(mind.memories())
    told: list[Any] = [len(mind), mind.embedder, mind.stats(), memories]
    assert len(memories) == len(mind)
    for memory in memories:
        assert mind.get(memory.id) is not None, "a memory is listed that cannot be got"
        history = mind.history(memory.id)
        assert memory.id in [version.id for version in history]
        told += [history, mind.seqs([memory.id]), mind.find_repeat(memory)]
    told += [
        list(mind.memories(wanted)) for wanted in (Filter(as_of=NOW + 2), Filter(thread="anna"), Filter(where={"a": 1}))
    ]
    for query in _QUERIES:
        told.append(recalled(mind, query))
    return told


def recalled(mind: Mind, query: str) -> list[Any]:
    """What comes to mind, with and without a vector; finite, in order, and without doubles."""
    vectors: list[Any] = [None]
    if mind.embedder is not None:
        vectors.append(np.full(mind.embedder.dimensions, mind.embedder.dimensions**-0.5, np.float32))
    told = []
    for vector in vectors:
        found = mind.recall(mind.to_embed(query), vector, limit=5, now=NOW)
        assert all(math.isfinite(hit.score) for hit in found), "a score is no number"
        assert all(one.score >= other.score for one, other in pairwise(found)), "a worse one comes first"
        assert len({hit.memory.id for hit in found}) == len(found) <= 5, "a memory is recalled twice"
        told.append(found)
    return told


def run_snapshot(data: bytes) -> None:
    """Bytes are refused, or are a mind that answers."""
    try:
        mind = Mind.restore([decode_layer(data)])
    except ValueError:
        return
    observed(mind)


def pictured(events: Sequence[Event]) -> bytes:
    """The snapshot of the mind that these events make."""
    mind = Mind()
    mind.apply_all(1, events)
    return pictured_of(mind)


def pictured_of(mind: Mind) -> bytes:
    """The mind as one layer."""
    (parts,) = mind.layers([(1, 1_000)])
    return b"".join(bytes(part) for part in parts)


@dataclass(frozen=True, slots=True)
class Picture:
    """A true snapshot, taken apart: the arrays, and the small things beside them as plain values."""

    arrays: list[Any]
    small: dict[str, Any]

    @classmethod
    def of(cls, content: bytes) -> Picture:
        """Take one apart."""
        arrays, extra = snapshot.unpack(layer.VERSION, content)
        return cls(arrays, msgspec.msgpack.decode(extra))


TRUE = tuple(pictured(events) for events in (STORY[:2], STORY, (*STORY, EmbedderChosen("another/1", 8)), ()))
_PICTURES = tuple(Picture.of(content) for content in TRUE)
_NUMBERS = (-1, 0, 1, 2, 3, 4, 5, 127, 128, 255, 2**31 - 1, -(2**31), 2**32, 2**62, -(2**63), 2**63 - 1)
_SMALL: tuple[Any, ...] = (
    None,
    -1,
    0,
    3,
    9,
    2**31,
    2**63,
    [],
    [b""],
    [b"\xff", b"a"],
    [[3, "x", b"", b"", 0.5]],
    [[3, "x", bytes(15), b"", 0.5]],
    ["e", "another/1", 17],
    "x",
    ["a", "a"],
)


def run_snapshot_altered(data: bytes) -> None:
    """A true snapshot with other numbers in it, packed as if it were true."""
    choices = Choices(data)
    picture = choices.pick(_PICTURES)
    arrays, small = [array.copy() for array in picture.arrays], dict(picture.small)
    while choices:
        edit = choices.below(8)
        if edit < 6:
            _edit_array(choices, arrays, edit)
        else:
            name = choices.pick(sorted(small))
            small[name] = choices.pick(_SMALL) if edit == 6 else _edited_list(choices, small[name])
    run_snapshot(b"".join(bytes(part) for part in snapshot.pack(layer.VERSION, arrays, small)))


def _edit_array(choices: Choices, arrays: list[Any], edit: int) -> None:
    which = choices.below(len(arrays))
    array = arrays[which]
    if edit < 4 and array.size:
        number = choices.pick(_NUMBERS) if edit else choices.number()
        flat = array.reshape(-1)
        at = choices.below(min(flat.size, 65_536))
        if array.dtype.kind == "f":
            flat[at] = choices.pick((0.0, -1.0, math.nan, math.inf, 1e38))
        else:
            flat[at] = np.array(number & 2**64 - 1, np.uint64).astype(array.dtype)
    elif edit == 4:
        arrays[which] = array[: choices.below(max(len(array), 1))]
    else:
        arrays[which] = np.concatenate((array, array[:1])) if len(array) else array


def _edited_list(choices: Choices, value: Any) -> Any:
    if not isinstance(value, list) or not value:
        return value
    at = choices.below(len(value))
    return [*value[:at], choices.pick((*value, b"", "", [], [b"\xc3"], [b"\x80"])), *value[at + choices.below(2) :]]


_EVENT_BYTES = tuple(bytes(encode(event)) for event in STORY)

TARGETS = (
    Target(
        name="record",
        decoder="record",
        run=run_record,
        seeds=lambda: _EVENT_BYTES,
        longest=600,
        tokens=(
            *(b"\xa1" + tag for tag in (b"m", b"r", b"f", b"e", b"v")),
            b"\xc4\x0f",
            b"\xcb\x7f\xf8\0\0\0\0\0\0",
            b"\x9e",
            b"\x95",
        ),
        weight=30,
        short=6_000,
    ),
    Target(
        name="log",
        decoder="record",
        run=run_log,
        seeds=lambda: [
            bytes([1, *range(5, 120)]),
            bytes([1, *([9, 1, 0, 0, 0] * 20)]),
            bytes([1, *range(200, 30, -1)]),
        ],
        longest=300,
        weight=0.25,
        short=80,
    ),
    Target(
        name="snapshot",
        decoder="snapshot",
        run=run_snapshot,
        seeds=lambda: TRUE,
        longest=8_192,
        tokens=(b"SEVMIND1", b"extra", b"sections", b"|u1", b"<i8", b"<f4", b"chosen", b"waiting", b"\xcf"),
        weight=4,
        short=400,
    ),
    Target(
        name="snapshot-altered",
        decoder="snapshot",
        run=run_snapshot_altered,
        seeds=lambda: [bytes([number, number, 1, 2]) for number in range(24)] + [b"\0"],
        longest=48,
        weight=1,
        short=400,
    ),
)
