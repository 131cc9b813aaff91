"""The embedder without data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from severance.embed import Hashing
from severance.errors import InputError


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=6), st.integers(1, 64))
def test_it_is_what_an_embedder_promises(texts: list[str], dimensions: int) -> None:
    embedder = Hashing(dimensions)
    vectors = embedder.embed(texts)
    assert vectors.shape == (len(texts), dimensions)
    assert vectors.dtype == np.float32
    for text, row in zip(texts, vectors, strict=True):
        assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5) or not row.any()
        assert embedder.embed([text])[0].tobytes() == row.tobytes()


def test_it_is_the_same_for_ever() -> None:
    """Frozen: a change would be a change of identity."""
    assert Hashing(4).embed(["coffee at noon"])[0] == pytest.approx([-0.36927447, 0.49236596, 0.6154574, -0.49236596])
    assert Hashing(4).identity == "hashing-4/1"


def test_likeness_of_spelling_is_nearness() -> None:
    a, b, c = Hashing(256).embed(["kaffeemaschine", "kaffeemaschinen", "bridge"])
    assert a @ b > 0.5 > abs(a @ c)


@pytest.mark.parametrize("dimensions", [0, -1, 4097])
def test_other_sizes_are_refused(dimensions: int) -> None:
    with pytest.raises(InputError):
        Hashing(dimensions)
