"""The vectors of every row as signed bytes, and how near they are to a query.

A cosine is a whole-number dot product (numkong, SIMD) scaled back: no approximation beyond the bytes. Where there are
very many rows, reading all their bytes for every query is most of the work. Then each is first guessed from one bit for
each component (Charikar, "Similarity Estimation Techniques from Rounding Algorithms", STOC 2002), which is an eighth of
the bytes, and `Cosines.settle` works out those that matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numkong
import numpy as np

from severance.mind.columns import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EXACT_ROWS = 262_144
"""Up to so many rows that may be seen, every cosine is exact."""

_LEAST_BITS = 128
_SETTLED, _SETTLED_SHARE = 12_288, 128
_SAMPLE = 2_048
_GATHERED = 2_048
_NEAR = 8 << 20
"""So many bytes stay in the processor's cache, where `dots_packed` is faster than `cdist`; beyond, it is slower."""

_BLOCK = 16_384


class Vectors:
    """One vector for each row; a row without one has scale 0 and never matches by meaning."""

    def __init__(self, dimensions: int = 0) -> None:
        self.dimensions = dimensions
        self.table = Column(np.int8, (dimensions,))
        self.scales = Column(np.float32)
        self._signs = Signs(dimensions)

    def __len__(self) -> int:
        return len(self.scales)

    def extend(self, vectors: Sequence[bytes], scales: Sequence[float]) -> None:
        """Add a row for each; empty bytes are a row without a vector.

        Raises:
            ValueError: a vector has another number of components.
        """
        if any(vector and len(vector) != self.dimensions for vector in vectors):
            raise ValueError(f"a vector has another number of components than the space's {self.dimensions}")
        blank = bytes(self.dimensions)
        joined = b"".join([vector or blank for vector in vectors])
        self.table.extend(np.frombuffer(joined, np.int8).reshape(len(vectors), self.dimensions))
        self.scales.extend([scale if vector else 0.0 for vector, scale in zip(vectors, scales, strict=True)])

    def put(self, row: int, vector: bytes, scale: float) -> None:
        """Change a row."""
        self.table.put(row, np.frombuffer(vector, np.int8))
        self.scales.put(row, scale)
        self._signs.renew(row, self.table.view)

    def blank(self, row: int) -> None:
        """The row has no vector any more."""
        self.table.put(row, 0)
        self.scales.put(row, 0.0)
        self._signs.renew(row, self.table.view)

    def keep(self, kept: NDArray[np.intp]) -> None:
        """Leave only these rows."""
        self.table.keep(kept)
        self.scales.keep(kept)
        self._signs = Signs(self.dimensions)

    def cosines(
        self, query: NDArray[np.float32], seen: NDArray[np.bool_] | None, count: int, out: NDArray[np.float32]
    ) -> Cosines | None:
        """How near the rows that are `seen` (None for all), `count` of them, are to a query of unit length.

        None when the query says nothing. `out`, a place for each row, is what the answer's `view` will be.

        Raises:
            ValueError: the query has another number of components.
        """
        if not self.dimensions or not len(self):
            return None
        if query.shape != (self.dimensions,):
            raise ValueError(f"a query of shape {query.shape} in a space of {self.dimensions} dimensions")
        peak = float(np.abs(query).max(initial=0.0))
        if not 0.0 < peak < np.inf:
            return None
        step = np.float32(peak / 127.0)
        asked = Cosines(self, np.rint(query / step).astype(np.int8), step, out)
        if count > EXACT_ROWS and self.dimensions >= _LEAST_BITS:
            self._guess(asked, seen, count)
            asked.guesses = _SETTLED + count // _SETTLED_SHARE
        elif seen is not None and 8 * count < len(self):
            out.fill(0)
            asked.settle(np.flatnonzero(seen))
        else:
            asked.all()
        return asked

    def among(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """The cosine of each of these rows with each, shape (n, n). Not by BLAS: its threads take longer to meet."""
        if not self.dimensions:
            return np.zeros((len(rows), len(rows)), np.float32)
        table, scales = self.table.view.take(rows, axis=0), self.scales.view.take(rows)
        dots = np.asarray(numkong.dots_packed(table, numkong.dots_pack(table)))
        cosines: NDArray[np.float32] = dots.astype(np.float32) * scales[:, None] * scales
        return cosines

    def _guess(self, asked: Cosines, seen: NDArray[np.bool_] | None, count: int) -> None:
        """Fill the view: a straight line through the exact cosines of a sample, by how many signs differ."""
        self._signs.catch_up(self.table.view)
        step = max(count // _SAMPLE, 1)
        sample = np.arange(0, count, step) if seen is None else np.flatnonzero(seen)[::step]
        exact = asked.exact(sample).astype(np.float64)
        signs = self._signs.of(asked.bytes)
        differ = self._signs.differing(signs, sample).astype(np.float64)
        spread = differ - differ.mean()
        square = float(spread @ spread)
        slope = min(float(spread @ exact) / square, 0.0) if square > 0 else 0.0
        level = float(exact.mean()) - slope * float(differ.mean())
        self._signs.line(signs, slope, level, asked.view)


class Cosines:
    """How near every row is to one query.

    Attributes:
        view: the cosine of each row, float32; only guessed where there are `guesses` and the row was not settled.
        guesses: 0 where all is exact; else how many rows should be settled, those that look best, before any is chosen.
    """

    __slots__ = ("_step", "_vectors", "bytes", "guesses", "view")

    def __init__(self, vectors: Vectors, query: NDArray[np.int8], step: np.float32, view: NDArray[np.float32]) -> None:
        self.view = view
        self.guesses = 0
        self.bytes = query
        self._vectors, self._step = vectors, step

    def exact(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """The exact cosines of these rows."""
        table, scales = self._vectors.table.view, self._vectors.scales.view
        found = np.empty(len(rows), np.float32)
        query = numkong.dots_pack(self.bytes[None, :])
        for start in range(0, len(rows), _GATHERED):
            part = table.take(rows[start : start + _GATHERED], axis=0)
            found[start : start + _GATHERED] = np.asarray(numkong.dots_packed(part, query)).ravel()
        found *= scales.take(rows)
        found *= self._step
        return found

    def all(self) -> None:
        """Fill the view with the exact cosines of all rows."""
        table, query = self._vectors.table.view, self.bytes[None, :]
        if table.nbytes <= _NEAR:
            dots = np.asarray(numkong.dots_packed(table, numkong.dots_pack(query)))[:, 0]
        else:
            dots = np.asarray(numkong.cdist(query, table, metric="dot", out_dtype="float32"))[0]
        np.copyto(self.view, dots, casting="unsafe")
        self.view *= self._vectors.scales.view
        self.view *= self._step

    def settle(self, rows: NDArray[np.intp]) -> None:
        """Make the view exact at these rows."""
        self.view[rows] = self.exact(rows)


class Signs:
    """One bit for each component of each row, whether it is above zero; by column of 64 components, so that each is
    read straight on. Made from the vectors when it is first asked for, and then kept up with them.
    """

    def __init__(self, dimensions: int) -> None:
        self._columns = [Column(np.uint64) for _ in range(-(-dimensions // 64))]
        self._size = 0

    def of(self, vectors: NDArray[np.int8]) -> NDArray[np.uint64]:
        """The signs of vectors, shape (..., columns)."""
        packed = np.packbits(vectors > 0, axis=-1)
        missing = 8 * len(self._columns) - packed.shape[-1]
        if missing:
            packed = np.concatenate((packed, np.zeros((*packed.shape[:-1], missing), np.uint8)), axis=-1)
        return np.ascontiguousarray(packed).view(np.uint64)

    def catch_up(self, table: NDArray[np.int8]) -> None:
        """Take in the rows that were added since."""
        for column in self._columns:
            column.reserve(len(table) - self._size)
        for start in range(self._size, len(table), _BLOCK):
            signs = self.of(table[start : start + _BLOCK])
            for column, part in zip(self._columns, signs.T, strict=True):
                column.extend(part)
        self._size = len(table)

    def renew(self, row: int, table: NDArray[np.int8]) -> None:
        """The vector of this row is another one now."""
        if row < self._size:
            for column, part in zip(self._columns, self.of(table[row]), strict=True):
                column.put(row, part)

    def differing(self, signs: NDArray[np.uint64], rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """In how many components each of these rows differs in sign."""
        differ = np.zeros(len(rows), np.int64)
        for column, part in zip(self._columns, signs, strict=True):
            differ += np.bitwise_count(column.view[rows] ^ part)
        return differ

    def line(self, signs: NDArray[np.uint64], slope: float, level: float, out: NDArray[np.float32]) -> None:
        """`level` plus `slope` for each component that differs in sign, for every row; a block at a time, in cache."""
        columns = [column.view for column in self._columns]
        for start in range(0, self._size, _BLOCK):
            place = out[start : start + _BLOCK]
            place.fill(level)
            for first in range(0, len(columns), 3):  # three times 64 still fit a byte
                ones = np.zeros(len(place), np.uint8)
                for column, part in zip(columns[first : first + 3], signs[first : first + 3], strict=True):
                    ones += np.bitwise_count(column[start : start + _BLOCK] ^ part)
                place += np.float32(slope) * ones
