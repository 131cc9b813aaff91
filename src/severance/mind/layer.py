"""A layer: the records of one range of the log as columns, with their words indexed. As bytes and back.

What it holds follows from those records alone (and from which embedder was in force when it was made): what points out
of the range is named by id. So any of them can be dropped and made again, from the log or from a mind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from severance.mind import analysis, snapshot
from severance.mind.lexical import Words, is_key
from severance.model import ID_BYTES
from severance.records import MOST_SCALE, EmbedderChosen

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = 1_000 * analysis.VERSION + 3
TABLES = ("threads", "sources", "kinds", "metadata")
MOST_DIMENSIONS = 65_536
_NARROW = 1 << 16

Waiting = tuple[int, str, bytes, bytes, float]
"""A vector brought ahead of a change of embedder: record, identity, id of the memory, bytes, scale."""


@dataclass(frozen=True, slots=True)
class Links:
    """Rows that name a memory, by its id, which may be of another layer.

    Attributes:
        rows: of this layer, from 0; or, for what was told later, the numbers of those records.
        ids: shape (len(rows), 15).
    """

    rows: NDArray[Any]
    ids: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. Rows are its memories' versions in the order of the log; `n` is their number.

    Attributes:
        first, last: the records it stands for.
        embedder, chosen: the embedder in force when it was made, and the record that chose it (0 without one).
        until, forgotten: the last record that said something was forgotten when it was made (0 without one), and the
            digest of all that was (`stack.forgotten`): what it leaves out follows from them.
        seqs: each row's record, counted from `first`; ascending.
        ids, at, recorded, flags, signatures: as in `Memories`, n rows each.
        texts, ends: the texts end to end, and where each ends.
        tables: for threads, sources, kinds and metadata: each row's number (-1 for none), and the values.
        older, origin: the rows that supersede or echo a memory.
        told, kinds: the records that repeat a memory or bring it another vector, and which of these.
        erased, erased_by: the records that were erased, and those that say so.
        words: the index of the texts.
        vectors, scales: shapes (n, dimensions) and (n,).
        waiting: vectors not yet in force.
    """

    first: int
    last: int
    embedder: EmbedderChosen | None
    chosen: int
    until: int
    forgotten: bytes
    seqs: NDArray[np.int32]
    ids: NDArray[np.uint8]
    at: NDArray[np.int64]
    recorded: NDArray[np.int64]
    flags: NDArray[np.uint8]
    signatures: NDArray[np.uint64]
    texts: NDArray[np.uint8]
    ends: NDArray[np.int64]
    tables: list[tuple[NDArray[np.int32], list[bytes]]]
    older: Links
    origin: Links
    told: Links
    kinds: NDArray[np.uint8]
    erased: NDArray[np.int64]
    erased_by: NDArray[np.int64]
    words: Words
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]
    waiting: list[Waiting]

    def __len__(self) -> int:
        return len(self.seqs)


class _Small(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is not worth an array."""

    first: int
    last: int
    embedder: EmbedderChosen | None
    chosen: int
    until: int
    forgotten: bytes
    tables: list[list[bytes]]
    waiting: list[Waiting]


_LIKE: tuple[tuple[str, int], ...] = (
    *(("<i4", 0), ("|u1", ID_BYTES), ("<i8", 0), ("<i8", 0), ("|u1", 0), ("<u8", 0), ("|u1", 0), ("<i8", 0)),
    *(("<i4", 0),) * len(TABLES),
    *(("<i4", 0), ("|u1", ID_BYTES), ("<i4", 0), ("|u1", ID_BYTES), ("<i8", 0), ("|u1", ID_BYTES), ("|u1", 0)),
    *(("<i8", 0), ("<i8", 0)),
    *(("<u8", 0), ("<u2", 0), ("<u2", 0), ("|u1", 0), ("<i4", 0)),
    *(("|i1", -1), ("<f4", 0)),
)
"""The type of each section and the width of its rows: 0 for plain numbers, -1 for as many as there are dimensions."""

_ROWWISE = (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 25, 26, 27)
_ALIKE = ((12, 13), (14, 15), (16, 17, 18), (19, 20), (23, 24))
_WIDE = {22, 23}


def encode(layer: Layer) -> list[bytes | memoryview]:
    """The layer as buffers; use them before the mind that it was cut from changes."""
    words = layer.words
    narrow = np.uint16 if len(layer) < _NARROW else np.int32
    arrays: list[NDArray[Any]] = [layer.seqs, layer.ids, layer.at, layer.recorded, layer.flags, layer.signatures]
    arrays += [layer.texts, layer.ends, *(rows for rows, _ in layer.tables)]
    for links in (layer.older, layer.origin, layer.told):
        arrays += [links.rows, links.ids]
    arrays += [layer.kinds, layer.erased, layer.erased_by]
    arrays += [words.keys, np.diff(words.starts).astype(narrow), words.rows.astype(narrow), words.counts, words.lengths]
    arrays += [layer.vectors, layer.scales]
    tables = [values for _, values in layer.tables]
    small = _Small(
        *(layer.first, layer.last, layer.embedder, layer.chosen, layer.until, layer.forgotten),
        tables=tables,
        waiting=layer.waiting,
    )
    return snapshot.pack(VERSION, arrays, small)


def decode(data: bytes | memoryview) -> Layer:
    """The layer again, its arrays read in place. What can only be seen beside the other layers is not checked here.

    Raises:
        ValueError: it is none, or its parts do not fit together.
    """
    try:
        arrays, raw = snapshot.unpack(VERSION, data)
        small = msgspec.msgpack.decode(raw, type=_Small)
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise ValueError("the layer's header cannot be read") from problem
    _check(arrays, small)
    starts = np.zeros(len(arrays[21]) + 1, np.int64)
    np.cumsum(arrays[22], out=starts[1:])
    words = Words(arrays[21], starts, arrays[23], arrays[24], arrays[25])
    _check_words(words)
    seqs, ids, at, recorded, flags, signatures, texts, ends = arrays[:8]
    older, origin, told = (Links(arrays[number], arrays[number + 1]) for number in (12, 14, 16))
    kinds, erased, erased_by = arrays[18:21]
    return Layer(
        *(small.first, small.last, small.embedder, small.chosen, small.until, small.forgotten),
        *(seqs, ids, at, recorded, flags, signatures, texts, ends),
        tables=list(zip(arrays[8:12], small.tables, strict=True)),
        older=older,
        origin=origin,
        told=told,
        kinds=kinds,
        erased=erased,
        erased_by=erased_by,
        words=words,
        vectors=arrays[26],
        scales=arrays[27],
        waiting=small.waiting,
    )


def _check(arrays: list[NDArray[Any]], small: _Small) -> None:
    dimensions = 0 if small.embedder is None else small.embedder.dimensions
    need(0 <= dimensions <= MOST_DIMENSIONS and len(arrays) == len(_LIKE) and len(small.tables) == len(TABLES))
    rows = len(arrays[0])
    for number, (array, (kind, width)) in enumerate(zip(arrays, _LIKE, strict=True)):
        wide = number in _WIDE and rows >= _NARROW
        need(array.dtype.str == ("<i4" if wide else kind))
        need(array.shape[1:] == (() if width == 0 else (dimensions if width < 0 else width,)))
    need(all(len(arrays[number]) == rows for number in _ROWWISE))
    need(all(len({len(arrays[number]) for number in group}) == 1 for group in _ALIKE))
    seqs, last = arrays[0], small.last - small.first
    need(small.first > 0 and last >= 0 and 0 <= small.chosen < 2**63 and 0 <= small.until < 2**63)
    need(not rows or (int(seqs[0]) >= 0 and int(seqs[-1]) <= last and bool((seqs[1:] > seqs[:-1]).all())))
    ends = arrays[7]
    need((int(ends[-1]) if rows else 0) == len(arrays[6]))
    need(not rows or (int(ends[0]) >= 0 and bool((ends[1:] >= ends[:-1]).all())))
    for numbers, values in zip(arrays[8:12], small.tables, strict=True):
        need(within(numbers, -1, len(values)))
    need(within(arrays[12], 0, rows) and within(arrays[14], 0, rows))
    need(all(within(arrays[number], small.first, small.last + 1) for number in (16, 20)))
    need(not arrays[16].size or bool((arrays[16][1:] > arrays[16][:-1]).all()))
    need(bool(((arrays[27] >= 0) & (arrays[27] <= MOST_SCALE)).all()))
    need(all(len(i) == ID_BYTES and 0 <= scale <= MOST_SCALE for _, _, i, _, scale in small.waiting))


def _check_words(words: Words) -> None:
    need(is_key(words.keys) and int(words.starts[-1]) == len(words.rows))
    need(within(words.starts, 0, len(words.rows) + 1) and bool((words.starts[1:] >= words.starts[:-1]).all()))
    need(within(words.lengths, 0, 1 << 30) and within(words.rows, 0, len(words.lengths)))
    rising = words.rows[1:] > words.rows[:-1]  # as they must within one term
    rising[words.starts[(words.starts > 0) & (words.starts < len(words.rows))] - 1] = True
    need(bool(rising.all()))


def within(array: NDArray[Any], least: int, end: int) -> bool:
    """Whether all of these numbers are at least `least` and below `end`."""
    return not array.size or (int(array.min()) >= least and int(array.max()) < end)


def need(fits: bool) -> None:
    """Refuse what does not fit together.

    Raises:
        ValueError: it does not.
    """
    if not fits:
        raise ValueError("the layer's parts do not fit together")
