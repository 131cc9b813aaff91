"""The vectors of every row as signed bytes, and an exact scan of them.

Scores are whole-number dot products (numkong, SIMD), scaled back to cosines: no approximation beyond the bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numkong
import numpy as np

from severance.mind.columns import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Vectors:
    """One vector for each row; a row without one has scale 0 and never matches by meaning."""

    def __init__(self, dimensions: int = 0) -> None:
        self.dimensions = dimensions
        self.table = Column(np.int8, (dimensions,))
        self.scales = Column(np.float32)

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

    def blank(self, row: int) -> None:
        """The row has no vector any more."""
        self.table.put(row, 0)
        self.scales.put(row, 0.0)

    def keep(self, kept: NDArray[np.intp]) -> None:
        """Leave only these rows."""
        self.table.keep(kept)
        self.scales.keep(kept)

    def cosines(self, query: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """The cosine of every row with a query of unit length, or None when the query says nothing.

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
        step = peak / 127.0
        bytes_ = np.rint(query / step).astype(np.int8)
        dots = numkong.cdist(bytes_[None, :], self.table.view, metric="dot", out_dtype="float32")
        cosines: NDArray[np.float32] = np.asarray(dots)[0] * (self.scales.view * np.float32(step))
        return cosines
