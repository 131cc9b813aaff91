"""Which rows a call may see: current versions, or those of an earlier time, through a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from severance.mind.memories import GONE, same

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.mind.memories import Memories
    from severance.model import Filter, Metadata


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
        number = memories.threads.number(wanted.thread.encode("utf-8", "surrogatepass"))
        seen &= (memories.threads.rows.view == number) & (number >= 0)
    if wanted.where:
        seen &= _where(memories, wanted.where)
    return seen


def _where(memories: Memories, where: Metadata) -> NDArray[np.bool_]:
    """Rows whose metadata have all these values; each distinct metadata is read once."""
    table = memories.metadata
    fits = np.zeros(len(table.values) + 1, bool)  # the last place stands for rows without metadata, number -1
    for number, packed in enumerate(table.values):
        if packed:
            found = msgspec.msgpack.decode(packed)
            fits[number] = all(name in found and same(found[name], value) for name, value in where.items())
    chosen: NDArray[np.bool_] = fits[table.rows.view]
    return chosen


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
