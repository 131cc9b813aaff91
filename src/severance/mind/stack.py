"""Layers made one mind, and a mind cut into layers.

Joining is one copy of each column; postings are merged by term in linear time. Nothing is indexed anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from severance.mind.columns import Column, Runs, Values, joined
from severance.mind.ids import table as id_table
from severance.mind.layer import TABLES, Layer, Links, Waiting, need, within
from severance.mind.lexical import NO_WORDS, Lexical
from severance.mind.memories import GONE, REPEATED, REVECTORED, Memories, metadata_bytes
from severance.mind.vectors import Vectors
from severance.records import EmbedderChosen, Forgotten, Remembered, Repeated, Revectored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from severance.records import Event

_COLUMNS = ("ids", "at", "recorded", "flags", "signatures")
_LEAST_TIME = -62_135_596_800_000_000
_END_OF_TIME = 253_402_300_800_000_000
"""The years 1 to 9999, which a datetime holds."""

WaitingVectors = dict[str, dict[bytes, tuple[bytes, float, int]]]
"""Identity of an embedder, to id, to a vector, its scale and the number of the record that brought it."""


@dataclass(slots=True)
class Parts:
    """The parts of a mind that cannot be worked out from one another quickly."""

    memories: Memories = field(default_factory=Memories)
    lexical: Lexical = field(default_factory=Lexical)
    vectors: Vectors = field(default_factory=Vectors)
    embedder: EmbedderChosen | None = None
    chosen: int = 0
    waiting: WaitingVectors = field(default_factory=dict)


def cut(parts: Parts, spans: Sequence[tuple[int, int]]) -> list[Layer]:
    """The layers of these ranges of records (first, last), which ascend and do not overlap.

    The mind holds no row that is gone, and is not written to while the layers are used.
    """
    memories, seqs = parts.memories, parts.memories.seqs.view
    gone = ~np.isin(memories.erased.view, seqs)  # where a log names another's record, it is not taken at its word
    memories.erased, memories.erased_by = (
        Column.over(column.view[gone]) for column in (memories.erased, memories.erased_by)
    )
    bounds = [(int(seqs.searchsorted(first)), int(seqs.searchsorted(last, "right"))) for first, last in spans]
    words = parts.lexical.cut(bounds)
    until = int(memories.erased_by.view[-1]) if len(memories.erased_by) else 0
    ((_, digest),) = forgotten(memories, [until])
    return [
        replace(_rows(parts, first, last, *bound), words=found, until=until, forgotten=digest)
        for (first, last), bound, found in zip(spans, bounds, words, strict=True)
    ]


def forgotten(memories: Memories, ends: Sequence[int]) -> list[tuple[int, bytes]]:
    """What was forgotten by each of these records, in ascending order, with its digest.

    SHA-256 over the erased records and those that say so, each pair two signed integers of 64 bits, in the order of the
    log. Two histories that agree in it have forgotten the same.
    """
    pairs = np.column_stack((memories.erased.view, memories.erased_by.view)).astype("<i8")
    running, start, found = sha256(), 0, list[tuple[int, bytes]]()
    for end in sorted(ends):
        stop = int(memories.erased_by.view.searchsorted(end, "right"))
        running.update(pairs[start:stop].tobytes())
        found.append((end, running.digest()))
        start = max(start, stop)
    return found


def _rows(parts: Parts, first: int, last: int, begin: int, end: int) -> Layer:
    memories = parts.memories
    texts = memories.texts
    start = texts.span(begin)[0] if begin < end else 0
    ends = texts.ends.view[begin:end] - start
    told = slice(*memories.told_seqs.view.searchsorted([first, last + 1]))
    said = slice(*memories.erased_by.view.searchsorted([first, last + 1]))
    return Layer(
        first=first,
        last=last,
        embedder=parts.embedder,
        chosen=parts.chosen,
        until=0,
        forgotten=b"",
        seqs=(memories.seqs.view[begin:end] - first).astype(np.int32),
        **{name: getattr(memories, name).view[begin:end] for name in _COLUMNS},
        texts=texts.data.view[start : start + (int(ends[-1]) if begin < end else 0)],
        ends=ends,
        tables=[getattr(memories, name).part(begin, end) for name in TABLES],
        older=_links(memories, memories.older.view[begin:end]),
        origin=_links(memories, memories.origin.view[begin:end]),
        told=Links(memories.told_seqs.view[told], memories.ids.view[memories.told_rows.view[told]]),
        kinds=memories.told_kinds.view[told],
        erased=memories.erased.view[said],
        erased_by=memories.erased_by.view[said],
        words=NO_WORDS,
        vectors=parts.vectors.table.view[begin:end],
        scales=parts.vectors.scales.view[begin:end],
        waiting=sorted(
            (seq, identity, raw, vector, scale)
            for identity, brought in parts.waiting.items()
            for raw, (vector, scale, seq) in brought.items()
            if first <= seq <= last
        ),
    )


def _links(memories: Memories, targets: NDArray[np.int32]) -> Links:
    rows = np.flatnonzero(targets >= 0)
    return Links(rows.astype(np.int32), memories.ids.view[targets[rows]])


def of_events(
    first: int, last: int, events: Sequence[tuple[int, Event]], embedder: EmbedderChosen | None, chosen: int
) -> Layer:
    """The layer of a range of the log, made from its records, beside others made with this embedder in force.

    Raises:
        ValueError: it cannot be made from them alone, since another embedder was in force, or they contradict
            one another.
    """
    parts = Parts(vectors=Vectors(0 if embedder is None else embedder.dimensions), embedder=embedder, chosen=chosen)
    said: dict[type, list[Any]] = {kind: [] for kind in (Remembered, Repeated, Forgotten, EmbedderChosen, Revectored)}
    for seq, event in events:
        said[type(event)].append((seq, event))
    need(all(seq <= chosen for seq, _ in said[EmbedderChosen]))
    need(not first <= chosen <= last or (chosen, embedder) in said[EmbedderChosen])
    need(all(seq > chosen for seq, _ in said[Remembered]))
    for _, run in groupby(enumerate(said[Remembered]), lambda item: item[1][0] - item[0]):
        new = [item for _, item in run]
        _remember(parts, new[0][0], [event for _, event in new])
    for seq, event in said[Forgotten]:
        parts.memories.note_erased(seq, event.seqs)
    for seq, event in said[Revectored]:
        if seq > chosen:
            parts.waiting.setdefault(event.identity, {})[event.id] = (event.vector, event.scale, seq)
    told = sorted([(seq, event.id, REPEATED) for seq, event in said[Repeated]] + _revectored(said[Revectored]))
    (layer,) = cut(parts, [(first, last)])
    made = [event for _, event in said[Remembered]]
    return replace(
        layer,
        older=_named([event.supersedes for event in made]),
        origin=_named([event.echo_of for event in made]),
        told=Links(np.array([seq for seq, _, _ in told], np.int64), id_table([raw for _, raw, _ in told])),
        kinds=np.array([kind for _, _, kind in told], np.uint8),
    )


def _remember(parts: Parts, first: int, events: Sequence[Remembered]) -> None:
    parts.vectors.extend([event.vector for event in events], [event.scale for event in events])
    parts.memories.extend(first, events)
    parts.lexical.add([event.text for event in events])


def _revectored(said: Sequence[tuple[int, Revectored]]) -> list[tuple[int, bytes, int]]:
    return [(seq, event.id, REVECTORED) for seq, event in said]


def _named(ids: Sequence[bytes | None]) -> Links:
    rows = [row for row, raw in enumerate(ids) if raw is not None]
    return Links(np.array(rows, np.int32), id_table([raw for raw in ids if raw is not None]))


def join(layers: Sequence[Layer]) -> Parts:
    """The mind's parts that these layers make together; they ascend and do not overlap.

    Raises:
        ValueError: they do not fit together. One of them may be of before a change of embedder, or hold what another
            one says is gone.
    """
    if not layers:
        return Parts()
    need(all(one.last < other.first for one, other in pairwise(layers)))
    label = layers[0].embedder, layers[0].chosen
    need(all((layer.embedder, layer.chosen) == label for layer in layers))
    vectors = Vectors(0 if label[0] is None else label[0].dimensions)
    vectors.table = Column.joined([layer.vectors for layer in layers])
    vectors.scales = Column.joined([layer.scales for layer in layers])
    memories = _memories(layers)
    lexical = Lexical.joined([layer.words for layer in layers])
    return Parts(memories, lexical, vectors, *label, _waiting(layers, memories))


def _memories(layers: Sequence[Layer]) -> Memories:
    memories = Memories()
    begins = np.cumsum([0, *map(len, layers)])
    for name in _COLUMNS:
        setattr(memories, name, Column.joined([getattr(layer, name) for layer in layers]))
    memories.seqs = Column.joined([layer.seqs + np.int64(layer.first) for layer in layers])
    offsets = np.cumsum([0, *(len(layer.texts) for layer in layers)])
    memories.texts = Runs()
    memories.texts.data = Column.joined([layer.texts for layer in layers])
    memories.texts.ends = Column.joined([layer.ends + at for layer, at in zip(layers, offsets, strict=False)])
    for number, name in enumerate(TABLES):
        setattr(memories, name, Values.joined([layer.tables[number] for layer in layers]))
    memories.erased = Column.joined([layer.erased for layer in layers])
    memories.erased_by = Column.joined([layer.erased_by for layer in layers])
    memories.forget_lookups()
    _check(memories)
    for layer in layers:
        _check_texts(layer.texts, layer.ends)
    _link(memories, layers, begins.tolist())
    return memories


def _check(memories: Memories) -> None:
    need(
        within(memories.at.view, _LEAST_TIME, _END_OF_TIME)
        and within(memories.recorded.view, _LEAST_TIME, _END_OF_TIME)
    )
    need(not (memories.flags.view & GONE).any())
    need(not np.isin(memories.seqs.view, memories.erased.view).any())
    for name in TABLES[:3]:
        # A character cannot go on behind a line feed, so this checks each of them.
        b"\n".join(getattr(memories, name).values).decode()
    _check_metadata(memories.metadata.values)


def _check_texts(data: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
    """UTF-8, each of them by itself."""
    if (data & 0x80).any():
        str(data.data, "utf-8")
        inner = ends[ends < len(data)]
        need(not ((data[inner] & 0xC0) == 0x80).any())


def _check_metadata(values: list[bytes]) -> None:
    """Read all in one call, as one msgpack array: they are maps, one for each, and nothing besides."""
    packed = b"\xdd" + len(values).to_bytes(4, "big") + b"".join(values)
    try:
        found = msgspec.msgpack.decode(packed, type=list[dict[str, str | int | float | bool | None]])
        need(all(values) and [metadata_bytes(each) for each in found] == values)
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise ValueError("the layer holds metadata that cannot be read") from problem


def _link(memories: Memories, layers: Sequence[Layer], begins: Sequence[int]) -> None:
    """Older is earlier in the log and each superseded once: so there are no circles."""
    ids, table, rows = memories.lookup(), memories.ids.view, len(memories)
    older, newer, origin = (np.full(rows, -1, np.int32) for _ in range(3))
    for column, name in ((older, "older"), (origin, "origin")):
        links = [getattr(layer, name) for layer in layers]
        from_rows = joined([link.rows + np.int64(at) for link, at in zip(links, begins, strict=False)])
        column[from_rows] = ids.rows(joined([link.ids for link in links]), table)
    linked = np.flatnonzero(older >= 0)
    need(bool((older[linked] < linked).all()) and len(np.unique(older[linked])) == len(linked))
    newer[older[linked]] = linked
    memories.older, memories.newer, memories.origin = Column.over(older), Column.over(newer), Column.over(origin)
    told = ids.rows(joined([layer.told.ids for layer in layers]), table)
    known = told >= 0  # the others are of memories forgotten since
    kinds = joined([layer.kinds for layer in layers])
    memories.told_rows = Column.over(told[known])
    memories.told_seqs = Column.over(joined([layer.told.rows for layer in layers])[known])
    memories.told_kinds = Column.over(kinds[known])
    repeats = np.bincount(told[known & (kinds == REPEATED)], minlength=rows) + 1
    memories.repeats = Column.over(repeats.astype(np.int32))


def _waiting(layers: Sequence[Layer], memories: Memories) -> WaitingVectors:
    found: WaitingVectors = {}
    for layer in layers:
        for item in layer.waiting:
            _wait(found, item, memories)
    return found


def _wait(found: WaitingVectors, item: Waiting, memories: Memories) -> None:
    seq, identity, raw, vector, scale = item
    if memories.row(raw) >= 0:
        found.setdefault(identity, {})[raw] = (vector, scale, seq)
