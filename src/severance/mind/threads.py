"""Who stands next to whom: within a thread, memories in order of when they happened, then of the log.

A later version of a memory keeps the place in the log of the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from severance.mind.columns import Column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.mind.memories import Memories


class Threads:
    """The row before and the row after each row that counts in its thread, -1 where there is none."""

    def __init__(self) -> None:
        self.before = Column(np.int32)
        self.after = Column(np.int32)
        self._last: dict[int, int] = {}
        self._known = True

    def extend(self, memories: Memories, first: int) -> None:
        """Place the rows from `first` on. If one belongs in the middle, all are placed again at the next look."""
        count = len(memories) - first
        self.before.extend(np.full(count, -1))
        self.after.extend(np.full(count, -1))
        threads, at = memories.threads.rows.view, memories.at.view
        for row, thread in enumerate(threads[first:].tolist(), first):
            if not self._known:
                break
            older, last = int(memories.older.view[row]), self._last.get(thread, -1)
            if older >= 0:
                self._take_place(memories, older, row)
                continue
            if thread < 0:
                continue
            if last >= 0 and at[last] > at[row]:
                self._known = False
                continue
            self._link(last, row)
            self._last[thread] = row

    def _take_place(self, memories: Memories, older: int, row: int) -> None:
        """A new version stands where the old one stood, if it is of the same thread and time."""
        threads, at = memories.threads.rows.view, memories.at.view
        if threads[older] != threads[row] or at[older] != at[row]:
            self._known = False
            return
        before, after = int(self.before.view[older]), int(self.after.view[older])
        self._link(before, row)
        self._link(row, after)
        self.before.put(older, -1)
        self.after.put(older, -1)
        if self._last.get(int(threads[row])) == older:
            self._last[int(threads[row])] = row

    def _link(self, earlier: int, later: int) -> None:
        if earlier >= 0:
            self.after.put(earlier, later)
        if later >= 0:
            self.before.put(later, earlier)

    def unsettle(self) -> None:
        """Rows came or went in the middle."""
        self._known = False

    def settled(self, memories: Memories) -> bool:
        """Whether the place of every row is known."""
        return self._known and len(self.before) == len(memories)

    def settle(self, memories: Memories, seen: NDArray[np.bool_]) -> None:
        """Work the places of the rows that are `seen` out."""
        thread, at = memories.threads.rows.view, memories.at.view
        rows = np.flatnonzero(seen & (thread >= 0))
        rows = rows[np.lexsort((_firsts(memories)[rows], at[rows], thread[rows]))]
        together = thread[rows[:-1]] == thread[rows[1:]]
        before = np.full(len(memories), -1, np.int32)
        after = before.copy()
        before[rows[1:][together]] = rows[:-1][together]
        after[rows[:-1][together]] = rows[1:][together]
        self.before, self.after = Column.over(before), Column.over(after)
        ends = rows[np.flatnonzero(np.append(~together, True))] if len(rows) else rows
        self._last = dict(zip(thread[ends].tolist(), ends.tolist(), strict=True))
        self._known = True


def _firsts(memories: Memories) -> NDArray[np.intp]:
    """The row of the first version of each row."""
    older = memories.older.view
    firsts = np.arange(len(older))
    for row in np.flatnonzero(older >= 0).tolist():  # ascending: an older version comes first
        firsts[row] = firsts[older[row]]
    return firsts
