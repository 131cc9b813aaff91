"""Which rows a call may see: current versions, or those of an earlier time, through a filter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from severance.mind.memories import GONE, packed_item, same, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from severance.mind.memories import Memories
    from severance.model import Filter, Mark, Metadata, Scalar


def current(memories: Memories) -> NDArray[np.bool_]:
    """Not forgotten, and not superseded."""
    seen: NDArray[np.bool_] = ((memories.flags.view & GONE) == 0) & (memories.newer.view < 0)
    return seen


def of_time(memories: Memories, as_of: int) -> NDArray[np.bool_]:
    """Recorded by then, and not superseded by a version recorded by then."""
    recorded, newer = memories.recorded.view, memories.newer.view
    by_then = ((memories.flags.view & GONE) == 0) & (recorded <= as_of)
    superseded = np.zeros(len(newer), bool)
    linked = np.flatnonzero(newer >= 0)
    while True:  # clocks go backwards: a version may be recorded before the one that it supersedes
        later = by_then[newer[linked]] | superseded[newer[linked]]
        if (superseded[linked] == later).all():
            break
        superseded[linked] = later
    seen: NDArray[np.bool_] = by_then & ~superseded
    return seen


def filtered(memories: Memories, wanted: Filter) -> NDArray[np.bool_]:
    """The rows that a filter lets through, in the version it asks for."""
    seen = current(memories) if wanted.as_of is None else of_time(memories, wanted.as_of)
    at = memories.at.view
    if wanted.since is not None:
        seen &= at >= wanted.since
    if wanted.until is not None:
        seen &= at <= wanted.until
    if wanted.thread is not None:
        seen &= _of_thread(memories, wanted.thread)
    if wanted.where:
        seen &= _where(memories, wanted.where)
    return seen


def behind(memories: Memories, rows: NDArray[np.intp], mark: Mark, thread: str | None) -> NDArray[np.bool_]:
    """Which of the rows come after the mark, in order of `at`, then of the log.

    Where what was marked is there no longer, all of its time do, so that none is left out. One that was superseded is
    there. One of another thread than is asked for is not: whoever may read some threads would learn of the others.
    """
    at, marked = memories.at.view, memories.row(mark.id)
    there = marked >= 0 and at[marked] == mark.at and (thread is None or bool(_of_thread(memories, thread)[marked]))
    chosen: NDArray[np.bool_] = (at[rows] > mark.at) | ((at[rows] == mark.at) & (rows > (marked if there else -1)))
    return chosen


def _of_thread(memories: Memories, thread: str) -> NDArray[np.bool_]:
    number = memories.threads.number(thread.encode("utf-8", "surrogatepass"))
    chosen: NDArray[np.bool_] = (memories.threads.rows.view == number) & (number >= 0)
    return chosen


def _where(memories: Memories, where: Metadata) -> NDArray[np.bool_]:
    """Rows whose metadata have all these values; each distinct metadata is looked at once."""
    table = memories.metadata
    fits = np.zeros(len(table.values) + 1, bool)  # the last place stands for rows without metadata, number -1
    for number in _likely(table.values, *next(iter(where.items()))):
        found = unpacked(table.values[number])
        fits[number] = all(name in found and same(found[name], value) for name, value in where.items())
    chosen: NDArray[np.bool_] = fits[table.rows.view]
    return chosen


def _likely(values: list[bytes], name: str, value: Scalar) -> list[int]:
    """The numbers of packed metadata that hold the bytes of this item, as an item or by chance."""
    packed = b"".join(values)
    places = [place for spelling in _spellings(name, value) for place in _places(packed, spelling)]
    ends = np.cumsum(np.fromiter(map(len, values), np.int64, len(values)))
    likely: list[int] = np.unique(np.searchsorted(ends, np.array(places, np.int64), side="right")).tolist()
    return likely


def _places(packed: bytes, wanted: bytes) -> Iterator[int]:
    """Where these bytes are. Not by `re`, whose cache of patterns would keep what was asked beyond the mind's end."""
    place = packed.find(wanted)
    while place >= 0:
        yield place
        place = packed.find(wanted, place + 1)


def _spellings(name: str, value: Scalar) -> list[bytes]:
    """How an item with this value may have been packed: 1 and 1.0 are equal, and other bytes."""
    values: list[Scalar] = [value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        values = (
            [0, 0.0, -0.0] if value == 0 else [each for each in (_whole(value), _fraction(value)) if each is not None]
        )
    try:
        return [packed_item(name, each) for each in values]
    except (OverflowError, UnicodeError):
        return []  # beyond 64 bits, or half a surrogate pair: no metadata hold it


def _whole(value: float) -> int | None:
    return int(value) if math.isfinite(value) and value == int(value) and -(1 << 63) <= value < 1 << 64 else None


def _fraction(value: float) -> float | None:
    try:
        return float(value) if float(value) == value else None
    except OverflowError:
        return None


def without_echoes(memories: Memories, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out each echo whose original, in any version, is seen too: it would only take the original's place."""
    origin, older, newer = memories.origin.view, memories.older.view, memories.newer.view
    echoes = np.flatnonzero((origin >= 0) & seen)
    originals = origin[echoes]
    hidden = seen[originals]
    for index in np.flatnonzero((older[originals] >= 0) | (newer[originals] >= 0)).tolist():
        hidden[index] = any(seen[version] for version in memories.versions(int(originals[index])))
    chosen = seen.copy()
    chosen[echoes[hidden]] = False
    return chosen
