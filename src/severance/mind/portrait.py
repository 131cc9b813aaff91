"""Which parts of a mind a snapshot holds, and the checks that they fit together when they are read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from severance.mind import analysis, snapshot
from severance.mind.columns import Column, Runs, Values, copied
from severance.mind.lexical import Lexical, Segment
from severance.mind.memories import Memories, metadata_bytes
from severance.mind.vectors import Vectors
from severance.records import MOST_SCALE, EmbedderChosen

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = 1_000 * analysis.VERSION + 1
_COLUMNS = ("ids", "seqs", "at", "recorded", "flags", "repeats", "older", "newer", "origin", "signatures")
_TABLES = ("threads", "sources", "kinds", "metadata")
_MAX_DIMENSIONS = 65_536


class Small(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is not worth an array."""

    embedder: EmbedderChosen | None
    waiting: dict[str, dict[bytes, tuple[bytes, float]]]
    dimensions: int
    terms: list[str]
    tables: list[list[bytes]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a mind that cannot be worked out from one another quickly."""

    memories: Memories
    lexical: Lexical
    vectors: Vectors
    embedder: EmbedderChosen | None
    waiting: dict[str, dict[bytes, tuple[bytes, float]]]


def encode(parts: Parts) -> list[bytes | memoryview]:
    """The parts as buffers."""
    memories, lexical = parts.memories, parts.lexical
    segment = lexical.whole()
    arrays: list[NDArray[Any]] = [getattr(memories, name).view for name in _COLUMNS]
    arrays += [getattr(memories, name).rows.view for name in _TABLES]
    arrays += [memories.texts.data.view, memories.texts.ends.view]
    arrays += [memories.told_rows.view, memories.told_seqs.view]
    arrays += [lexical.lengths.view, segment.starts, segment.rows, segment.counts]
    arrays += [parts.vectors.table.view, parts.vectors.scales.view]
    small = Small(
        embedder=parts.embedder,
        waiting=parts.waiting,
        dimensions=parts.vectors.dimensions,
        terms=lexical.terms[len(analysis.STOP_WORDS) :],
        tables=[getattr(memories, name).values for name in _TABLES],
    )
    return snapshot.pack(VERSION, arrays, small)


def decode(data: bytes | memoryview) -> Parts:
    """The parts again.

    Raises:
        ValueError: they do not fit together.
    """
    try:
        arrays, raw = snapshot.unpack(VERSION, data)
        small = msgspec.msgpack.decode(raw, type=Small)
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise ValueError("the snapshot's header cannot be read") from problem
    template = Parts(Memories(), Lexical(), Vectors(small.dimensions), small.embedder, small.waiting)
    _need(0 <= small.dimensions <= _MAX_DIMENSIONS and len(small.tables) == len(_TABLES))
    _need(small.embedder is None or small.embedder.dimensions == small.dimensions)
    expected = encode(template)
    wanted, _ = snapshot.unpack(VERSION, b"".join(expected))
    _need(len(arrays) == len(wanted))
    for array, like in zip(arrays, wanted, strict=True):
        _need(array.dtype == like.dtype and array.shape[1:] == like.shape[1:])
    rows = len(arrays[0])
    _fill_memories(template.memories, arrays[:18], small, rows)
    _fill_lexical(template.lexical, arrays[18:22], small, rows)
    table, scales = arrays[22:]
    _need(len(table) == len(scales) == rows and bool(((scales >= 0) & (scales <= MOST_SCALE)).all()))
    template.vectors.table, template.vectors.scales = Column.over(table), Column.over(scales)
    return template


def _fill_memories(memories: Memories, arrays: list[NDArray[Any]], small: Small, rows: int) -> None:
    for name, array in zip(_COLUMNS, arrays, strict=False):
        _need(len(array) == rows)
        setattr(memories, name, Column.over(array))
    _need(_differ(memories.ids.view))
    _check_links(memories, rows)
    for name, array, values in zip(_TABLES, arrays[10:14], small.tables, strict=True):
        _need(len(array) == rows)
        if name != "metadata":
            b"\n".join(values).decode()  # a character cannot go on behind a line feed, so this checks each of them
        setattr(memories, name, Values.over(values, array))
    _check_metadata(small.tables[3])
    data, ends, told_rows, told_seqs = arrays[14:]
    _check_texts(data, ends, rows)
    memories.texts = Runs()
    memories.texts.data, memories.texts.ends = Column.over(data), Column.over(ends)
    _need(len(told_rows) == len(told_seqs) and _within(told_rows, 0, rows))
    memories.told_rows, memories.told_seqs = Column.over(copied(told_rows)), Column.over(copied(told_seqs))
    memories.wake()


def _check_links(memories: Memories, rows: int) -> None:
    """Older is earlier in the log and newer later, each the other's inverse: so there are no circles."""
    numbers = np.arange(rows, dtype=np.int32)
    older, newer, origin = memories.older.view, memories.newer.view, memories.origin.view
    _need(_within(older, -1, rows) and _within(newer, -1, rows) and _within(origin, -1, rows))
    linked = np.flatnonzero(older >= 0)
    _need(bool((older[linked] < numbers[linked]).all()) and bool((newer[older[linked]] == linked).all()))
    _need(len(linked) == int((newer >= 0).sum()))
    limit = 253_402_300_800_000_000  # the end of the year 9999, the last that a datetime holds
    _need(_within(memories.at.view, -62_135_596_800_000_000, limit))
    _need(_within(memories.recorded.view, -62_135_596_800_000_000, limit))
    _need(not (memories.flags.view & 2).any())


def _differ(ids: NDArray[np.uint8]) -> bool:
    """Whether no id is there twice. The first half tells random ones apart, in a fraction of the time."""
    halves = np.sort(np.ascontiguousarray(ids[:, :8]).view(np.uint64).ravel())
    return not (halves[1:] == halves[:-1]).any() or len(np.unique(ids, axis=0)) == len(ids)


def _check_texts(data: NDArray[np.uint8], ends: NDArray[np.int64], rows: int) -> None:
    _need(len(ends) == rows and (int(ends[-1]) if rows else 0) == len(data))
    if not rows:
        return
    _need(int(ends[0]) >= 0 and bool((ends[1:] >= ends[:-1]).all()))
    if (data & 0x80).any():
        bytes(data).decode()
        inner = ends[ends < len(data)]
        _need(not ((data[inner] & 0xC0) == 0x80).any())


def _check_metadata(values: list[bytes]) -> None:
    """Read all in one call, as one msgpack array: they are maps, one for each, and nothing besides."""
    packed = b"\xdd" + len(values).to_bytes(4, "big") + b"".join(values)
    try:
        found = msgspec.msgpack.decode(packed, type=list[dict[str, str | int | float | bool | None]])
        _need(all(values) and [metadata_bytes(each) for each in found] == values)
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise ValueError("the snapshot holds metadata that cannot be read") from problem


def _fill_lexical(lexical: Lexical, arrays: list[NDArray[Any]], small: Small, rows: int) -> None:
    lengths, starts, posted, counts = arrays
    lexical.terms += small.terms
    _need(len(lengths) == rows and _within(lengths, 0, 1 << 30))
    _need(len(starts) == len(lexical.terms) + 1 and len(posted) == len(counts))
    _need(int(starts[0]) == 0 and int(starts[-1]) == len(posted) and bool((starts[1:] >= starts[:-1]).all()))
    _need(_within(posted, 0, rows))
    falls = np.flatnonzero(posted[1:] <= posted[:-1]) + 1  # the rows of one term ascend
    _need(bool(np.isin(falls, starts).all()))
    lexical.lengths = Column.over(lengths)
    # Copied, so that the snapshot's bytes are let go of once every column has been written to.
    lexical.segments = [Segment(copied(starts), copied(posted), copied(counts))]


def _within(array: NDArray[Any], least: int, end: int) -> bool:
    return not array.size or (int(array.min()) >= least and int(array.max()) < end)


def _need(fits: bool) -> None:
    if not fits:
        raise ValueError("the snapshot's parts do not fit together")
