"""Flat storage that grows: arrays of numbers, runs of bytes, and tables of values that recur.

A waking mind reads its columns straight out of the snapshot's bytes. Nothing is made into Python objects, and nothing
is copied before the first write.
"""

from __future__ import annotations

import math
import mmap
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

_FIRST = 64
_OWN_MAPPING = 1 << 18
_HUGE = 1 << 21
_FEW = 8
# Private to the process. On Windows a mapping without a name is so anyway, and copying on write is for files.
_PRIVATE = mmap.ACCESS_WRITE if sys.platform == "win32" else mmap.ACCESS_COPY


def space(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array with anything in it. A large one is a mapping of its own, private to the process: when a mind is
    dropped, its pages go back to the system, where the heap would keep them, with what was remembered still in them.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if size < _OWN_MAPPING:
        return np.empty(shape, kind)
    return np.frombuffer(mapping(size), kind, math.prod(shape)).reshape(shape)


def mapping(size: int) -> mmap.mmap:
    """So many bytes, at least one, that are private to the process. Large ones are asked for in large pages: clearing
    them one small page at a time takes longer than all that is then done with them.
    """
    found = mmap.mmap(-1, size, access=_PRIVATE)
    if size >= _HUGE and sys.platform == "linux":
        with suppress(OSError):  # a kernel without them
            found.madvise(mmap.MADV_HUGEPAGE)
    return found


def copied(array: NDArray[Any]) -> NDArray[Any]:
    """The same figures in a place of their own."""
    place = space(array.shape, array.dtype)
    place[...] = array
    return place


def joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """These arrays, at least one, of one type, end to end in a place of their own."""
    place = space((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    np.concatenate(parts, out=place)
    return place


class Column:
    """An array that can be added to at the end; rows have the shape `width` (none for plain numbers)."""

    __slots__ = ("_data", "_size")

    def __init__(self, dtype: DTypeLike, width: tuple[int, ...] = ()) -> None:
        self._data: NDArray[Any] = np.empty((0, *width), dtype)
        self._size = 0

    @classmethod
    def over(cls, data: NDArray[Any]) -> Column:
        """A column that starts as `data`, read in place until the first write."""
        column = cls(data.dtype, data.shape[1:])
        column._data = data
        column._size = len(data)
        return column

    @classmethod
    def joined(cls, parts: Sequence[NDArray[Any]]) -> Column:
        """A column that starts as these arrays, at least one, end to end, with room for some more."""
        size = sum(map(len, parts))
        column = cls(parts[0].dtype, parts[0].shape[1:])
        column._data = space((size + size // 8 + _FIRST, *parts[0].shape[1:]), parts[0].dtype)
        np.concatenate(parts, out=column._data[:size])
        column._size = size
        return column

    def __len__(self) -> int:
        return self._size

    @property
    def view(self) -> NDArray[Any]:
        """What is in it, not copied; good until the next write."""
        return self._data[: self._size]

    def reserve(self, extra: int) -> None:
        """Make sure that `extra` more rows can be written, and that the rows there can be changed."""
        need = self._size + extra
        if need <= len(self._data) and self._data.flags.writeable:
            return
        room = max(need, _FIRST, self._size + self._size // 4 if extra else 0)
        grown = space((room, *self._data.shape[1:]), self._data.dtype)
        grown[: self._size] = self.view
        self._data = grown

    def append(self, value: object) -> None:
        """Add one row."""
        if self._size >= len(self._data) or not self._data.flags.writeable:
            self.reserve(1)
        self._data[self._size] = value
        self._size += 1

    def extend(self, values: Sequence[Any] | NDArray[Any]) -> None:
        """Add rows."""
        count = len(values)
        self.reserve(count)
        self._data[self._size : self._size + count] = values
        self._size += count

    def put(self, where: int | slice, value: object) -> None:
        """Change rows that are there."""
        if not self._data.flags.writeable:
            self.reserve(0)
        self._data[where] = value

    def keep(self, kept: NDArray[np.intp]) -> None:
        """Leave only these rows, in this order."""
        self._data = copied(self.view[kept])
        self._size = len(self._data)


class Scratch:
    """Arrays that are written anew for each question, and kept to spare the cost of fresh memory. Of one mind alone,
    and dropped with it.
    """

    __slots__ = ("_arrays",)

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[np.float32]] = {}

    def floats(self, name: str, count: int) -> NDArray[np.float32]:
        """`count` float32 with anything in them; good until the next call with this name."""
        array = self._arrays.get(name)
        if array is None or not count <= len(array) <= 4 * count + _FIRST:
            array = self._arrays[name] = space((count + count // 8,), np.float32)
        return array[:count]


class Runs:
    """One run of bytes for each row, end to end in a single buffer."""

    __slots__ = ("data", "ends")

    def __init__(self) -> None:
        self.data = Column(np.uint8)
        self.ends = Column(np.int64)

    def extend(self, runs: Sequence[bytes]) -> None:
        """Add runs."""
        begin = len(self.data)
        self.data.extend(np.frombuffer(b"".join(runs), np.uint8))
        self.ends.extend(np.cumsum([len(run) for run in runs], dtype=np.int64) + begin)

    def span(self, row: int) -> tuple[int, int]:
        """Where the run of `row` begins and ends."""
        ends = self.ends.view
        return (int(ends[row - 1]) if row else 0), int(ends[row])

    def __getitem__(self, row: int) -> bytes:
        begin, end = self.span(row)
        return self.data.view[begin:end].tobytes()

    def of(self, rows: NDArray[np.intp]) -> list[bytes]:
        """The runs of these rows."""
        ends, data = self.ends.view, self.data.view
        begins = np.where(rows > 0, ends[rows - 1], 0)
        spans = zip(begins.tolist(), ends[rows].tolist(), strict=True)
        return [data[begin:end].tobytes() for begin, end in spans]

    def blank(self, row: int) -> None:
        """Overwrite a run with zeros, at once."""
        begin, end = self.span(row)
        self.data.put(slice(begin, end), 0)

    def keep(self, kept: NDArray[np.intp]) -> None:
        """Leave only these rows, in this order."""
        ends = self.ends.view
        begins = np.concatenate((np.zeros(1, np.int64), ends[:-1]))[kept] if len(ends) else ends
        lengths = ends[kept] - begins
        new_ends = np.cumsum(lengths)
        places = np.arange(int(lengths.sum())) + np.repeat(begins - (new_ends - lengths), lengths)
        self.data = Column.over(self.data.view[places])
        self.ends = Column.over(new_ends)


class Values:
    """Values that recur (threads, sources, kinds, metadata), kept once each as bytes and named by number; -1 is none.

    A value that its last row let go of is dropped at once, and its number not used again.
    """

    __slots__ = ("_numbers", "_used", "rows", "uses", "values")

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.uses: list[int] = []
        self.rows = Column(np.int32)
        self._numbers: dict[bytes, int] | None = {}
        self._used = 0

    @classmethod
    def over(cls, values: list[bytes], rows: NDArray[Any]) -> Values:
        """A table that starts with these values, and the number of each row.

        Raises:
            ValueError: a row's number names no value.
        """
        table = cls()
        table.rows = Column.over(rows)
        if rows.size and not -1 <= int(rows.min()) <= int(rows.max()) < len(values):
            raise ValueError("a row names a value that is not there")
        table.values = values
        table.uses = np.bincount(rows[rows >= 0], minlength=len(values)).tolist()
        table._used = sum(map(bool, table.uses))
        table._numbers = None
        return table

    @classmethod
    def joined(cls, parts: Sequence[tuple[NDArray[Any], list[bytes]]]) -> Values:
        """One table of several, each the number of each row (-1 for none) and the values; every number names one."""
        numbers: dict[bytes, int] = {}
        rows = []
        for part, values in parts:
            new = np.array([*(numbers.setdefault(value, len(numbers)) for value in values), -1], np.int32)
            rows.append(new[part])
        table = cls.over(list(numbers), joined(rows))
        table._numbers = numbers
        return table

    def part(self, begin: int, end: int) -> tuple[NDArray[Any], list[bytes]]:
        """What `joined` takes, of the rows from `begin` up to `end`: values in the order of their first row."""
        rows = self.rows.view[begin:end]
        used, first, numbers = np.unique(rows, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        order = order[used[order] >= 0]
        new = np.full(len(used), -1, np.int32)
        new[order] = np.arange(len(order), dtype=np.int32)
        return new[numbers], [self.values[number] for number in used[order].tolist()]

    def number(self, value: bytes) -> int:
        """The number of a value, or -1 when no row has it."""
        if self._numbers is None:
            self._numbers = {v: i for i, v in enumerate(self.values) if self.uses[i]}
        return self._numbers.get(value, -1)

    def count(self, seen: NDArray[np.bool_]) -> int:
        """How many values the rows that are `seen` have."""
        rows, size = self.rows.view, len(self.values)
        hidden = np.flatnonzero(~seen)
        if _FEW * len(hidden) > len(rows):
            had = np.zeros(size + 1, bool)  # the last place is for rows without a value, number -1
            had[rows[seen]] = True
            return int(np.count_nonzero(had[:size]))
        numbers, often = np.unique(rows[hidden], return_counts=True)
        pairs = zip(numbers.tolist(), often.tolist(), strict=True)
        return self._used - len([number for number, uses in pairs if number >= 0 and self.uses[number] == uses])

    def extend(self, values: Sequence[bytes | None]) -> None:
        """Add a row for each value."""
        self.rows.extend([-1 if value is None else self._use(value) for value in values])

    def _use(self, value: bytes) -> int:
        number = self.number(value)
        if number < 0:
            number = len(self.values)
            self.values.append(value)
            self.uses.append(0)
            if self._numbers is not None:
                self._numbers[value] = number
        self._used += not self.uses[number]
        self.uses[number] += 1
        return number

    def __getitem__(self, row: int) -> bytes | None:
        number = int(self.rows.view[row])
        return None if number < 0 else self.values[number]

    def of(self, rows: NDArray[np.intp]) -> list[bytes | None]:
        """The values of these rows."""
        return [None if number < 0 else self.values[number] for number in self.rows.view.take(rows).tolist()]

    def drop(self, row: int) -> None:
        """The row has no value any more."""
        number = int(self.rows.view[row])
        self.rows.put(row, -1)
        if number < 0:
            return
        self.uses[number] -= 1
        if not self.uses[number]:
            self._used -= 1
            if self._numbers is not None:
                self._numbers.pop(self.values[number], None)
            self.values[number] = b""

    def keep(self, kept: NDArray[np.intp]) -> None:
        """Leave only these rows; values are numbered anew, in order of their first row."""
        rows = self.rows.view[kept]
        used, first = np.unique(rows, return_index=True)
        order = used[np.argsort(first, kind="stable")]
        order = order[order >= 0]
        renumber = np.full(len(self.values) + 1, -1, np.int32)
        renumber[order] = np.arange(len(order), dtype=np.int32)
        renewed = Values.over([self.values[i] for i in order], renumber[rows])
        self.values, self.uses, self.rows, self._numbers = renewed.values, renewed.uses, renewed.rows, None
        self._used = renewed._used
