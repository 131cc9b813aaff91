"""From components to bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from severance.embed import quantize
from severance.errors import EmbedderError

rows = st.lists(st.floats(-(2.0**46), 2.0**46, width=32), min_size=4, max_size=4)


@settings(deadline=None)
@given(st.lists(rows, max_size=5))
def test_bytes_times_scale_is_the_component(table: list[list[float]]) -> None:
    vectors = np.array(table, np.float32).reshape(-1, 4)
    bytes_, scales = quantize(vectors)
    assert bytes_.dtype == np.int8
    assert scales.dtype == np.float32
    for row, own, scale in zip(vectors.astype(np.float64), bytes_, scales.astype(np.float64), strict=True):
        if scale:
            assert abs(own.astype(int)).max() == 127
            assert np.abs(own * scale - row).max() <= scale * 0.501
        else:
            assert not own.any()


def test_none_and_zero() -> None:
    bytes_, scales = quantize(np.zeros((0, 8), np.float32))
    assert bytes_.shape == (0, 8)
    assert scales.shape == (0,)
    bytes_, scales = quantize(np.zeros((2, 3), np.float32), rows=2, dimensions=3)
    assert not bytes_.any()
    assert not scales.any()


@pytest.mark.parametrize(
    ("vectors", "problem"),
    [
        (np.array([[np.nan, 1]], np.float32), "finite"),
        (np.array([[np.inf, 1]], np.float32), "finite"),
        (np.array([[0, -(2.0**50)]], np.float32), "length"),
        (np.array([[1e300, 1]], np.float64), "length"),
        (np.zeros(2, np.float32), "table"),
        (np.zeros((1, 2), np.int32), "table"),
        (np.zeros((2, 2), np.float32), "2 vectors for 1 texts"),
        (np.zeros((1, 3), np.float32), "3 components instead of 2"),
        ("nothing like it", "table"),
        (None, "table"),
    ],
)
def test_what_is_no_embedding_is_refused(vectors: object, problem: str) -> None:
    with pytest.raises(EmbedderError, match=problem):
        quantize(vectors, rows=1, dimensions=2)  # type: ignore[arg-type]
