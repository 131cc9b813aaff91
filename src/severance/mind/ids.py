"""Rows by id: sorted by the first half of each, which tells random ones apart, and looked up by halving.

Made in one sort, where a dictionary of as many takes an object for each.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from severance.model import ID_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HALF = 8


class Ids:
    """Finds the rows of a table of ids, shape (rows, 15), which is given anew each time, since it may have moved."""

    __slots__ = ("_by_id", "_order", "_sorted")

    def __init__(self, ids: NDArray[np.uint8], rows: NDArray[np.intp] | None = None) -> None:
        """`rows` are those that count; None for all.

        Raises:
            ValueError: an id is there twice.
        """
        halves = _halves(ids) if rows is None else _halves(ids[rows])
        order = np.argsort(halves, kind="stable")
        self._sorted = halves[order]
        self._order = (order if rows is None else rows[order]).astype(np.int32)
        self._by_id: dict[bytes, int] | None = None
        if not bool((self._sorted[1:] != self._sorted[:-1]).all()):
            self._by_id = {ids[row].tobytes(): row for row in self._order.tolist()}
            if len(self._by_id) != len(halves):
                raise ValueError("ids that do not fit together: one of them is there twice")

    def row(self, raw: bytes, ids: NDArray[np.uint8]) -> int:
        """The row of an id, -1 for none."""
        if self._by_id is not None:
            return self._by_id.get(raw, -1)
        place = self._place(raw)
        row = int(self._order[place]) if place >= 0 else -1
        return row if row >= 0 and ids[row].tobytes() == raw else -1

    def rows(self, wanted: NDArray[np.uint8], ids: NDArray[np.uint8]) -> NDArray[np.int32]:
        """The row of each id, -1 for none."""
        if not len(wanted) or not len(self._sorted):
            return np.full(len(wanted), -1, np.int32)
        if self._by_id is not None:
            return np.array([self._by_id.get(raw.tobytes(), -1) for raw in wanted], np.int32)
        places = np.minimum(self._sorted.searchsorted(_halves(wanted)), len(self._sorted) - 1)
        rows = self._order[places]
        return np.where((ids[rows] == wanted).all(axis=1), rows, np.int32(-1))

    def drop(self, raw: bytes) -> None:
        """An id that is there is no more: its half, too, is overwritten."""
        if self._by_id is not None:
            place = int(np.flatnonzero(self._order == self._by_id.pop(raw))[0])
        else:
            place = self._place(raw)
        for name in ("_sorted", "_order"):
            array = getattr(self, name)
            array[place:-1], array[-1] = array[place + 1 :], 0
            setattr(self, name, array[:-1])

    def _place(self, raw: bytes) -> int:
        half = np.uint64(int.from_bytes(raw[:_HALF], sys.byteorder))
        place = int(self._sorted.searchsorted(half))
        return place if place < len(self._sorted) and self._sorted[place] == half else -1


def table(ids: list[bytes]) -> NDArray[np.uint8]:
    """These ids as a table."""
    return np.frombuffer(b"".join(ids), np.uint8).reshape(-1, ID_BYTES)


def _halves(ids: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(ids[:, :_HALF]).view(np.uint64).ravel()
