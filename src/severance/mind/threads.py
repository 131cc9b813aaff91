"""Who stands next to whom: within a thread, memories in order of when they happened, then of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from severance.mind.columns import Column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.mind.memories import Memories


class Threads:
    """The row before and the row after each current row in its thread, -1 where there is none."""

    def __init__(self) -> None:
        self.before = Column(np.int32)
        self.after = Column(np.int32)
        self._last: dict[int, int] = {}
        self._known = True

    def append(self, memories: Memories, row: int) -> None:
        """Place the newest row. A row that belongs in the middle has all places worked out again at the next look."""
        self.before.append(-1)
        self.after.append(-1)
        thread = int(memories.threads.rows.view[row])
        if not self._known or thread < 0:
            return
        last = self._last.get(thread, -1)
        if last >= 0:
            if memories.at.view[last] > memories.at.view[row]:
                self._known = False
                return
            self.after.put(last, row)
            self.before.put(row, last)
        self._last[thread] = row

    def unsettle(self) -> None:
        """Rows came or went in the middle."""
        self._known = False

    def settle(self, memories: Memories, current: NDArray[np.bool_]) -> None:
        """Work the places out, if they are not known."""
        if self._known and len(self.before) == len(memories):
            return
        thread, at = memories.threads.rows.view, memories.at.view
        rows = np.flatnonzero(current & (thread >= 0))
        rows = rows[np.lexsort((rows, at[rows], thread[rows]))]
        together = thread[rows[:-1]] == thread[rows[1:]]
        before = np.full(len(memories), -1, np.int32)
        after = before.copy()
        before[rows[1:][together]] = rows[:-1][together]
        after[rows[:-1][together]] = rows[1:][together]
        self.before, self.after = Column.over(before), Column.over(after)
        ends = rows[np.flatnonzero(np.append(~together, True))] if len(rows) else rows
        self._last = dict(zip(thread[ends].tolist(), ends.tolist(), strict=True))
        self._known = True
