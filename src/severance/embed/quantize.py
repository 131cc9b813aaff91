"""What an embedder returned, checked; and from its float components to the signed bytes that a record keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from severance.errors import EmbedderError
from severance.records import MOST_SCALE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TINY = np.finfo(np.float32).tiny


def table_of(vectors: object, *, rows: int | None = None, dimensions: int | None = None) -> NDArray[np.floating[Any]]:
    """What an embedder returned, as an array of floats of shape (rows, dimensions), each where it is known.

    Raises:
        EmbedderError: it has another shape, or holds something that is not a finite number.
    """
    array = _shaped(vectors, rows, dimensions)
    _check_finite(array)
    return array


def _shaped(vectors: object, rows: int | None, dimensions: int | None) -> NDArray[np.floating[Any]]:
    try:
        array: NDArray[Any] = np.asarray(vectors)
    except ValueError:  # rows of different lengths
        array = np.empty(0)
    if array.ndim != 2 or array.dtype.kind != "f":
        raise EmbedderError("the embedder did not return a table of numbers, one row for each text")
    if rows is not None and array.shape[0] != rows:
        raise EmbedderError(f"the embedder returned {array.shape[0]} vectors for {rows} texts")
    if dimensions is not None and array.shape[1] != dimensions:
        raise EmbedderError(f"the embedder returned vectors of {array.shape[1]} components instead of {dimensions}")
    return array


def _check_finite(array: NDArray[np.floating[Any]]) -> None:
    if not np.isfinite(array).all():
        raise EmbedderError("the embedder returned a component that is not a finite number")


def quantize(
    vectors: NDArray[np.float32], *, rows: int | None = None, dimensions: int | None = None
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Signed bytes and one scale for each row, such that component = byte * scale; the largest byte of a row is 127.

    Args:
        vectors: shape (n, d).
        rows, dimensions: what n and d have to be, where that is known.

    Returns:
        bytes, int8 of shape (n, d), and scales, float32 of shape (n,). A row of zeros has scale 0.

    Raises:
        EmbedderError: as `table_of`; or a component is beyond 127 * 2^40, more than a record may say.
    """
    table = _shaped(vectors, rows, dimensions)
    exact = table.astype(np.float64)
    steps = np.abs(exact).max(axis=1, initial=0.0)
    steps /= 127.0
    if not steps.max(initial=0.0) <= MOST_SCALE:
        _check_finite(table)
        raise EmbedderError("the embedder returned a vector that is not of unit length, but immensely longer")
    scales = steps.astype(np.float32)
    if steps.min(initial=1.0) < _TINY:
        # Below what float32 says exactly the scale would be lost, and with it the meaning of the bytes: zero, then.
        scales[steps < _TINY] = 0
        steps[steps < _TINY] = np.inf
    exact /= steps[:, None]
    return np.rint(exact, out=exact).astype(np.int8), scales
