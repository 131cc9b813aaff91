"""The best of many scores, without sorting or copying them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLED = 2_048
_FEW = 16_384
_SLACK = 2.0
_TINY = float(np.finfo(np.float32).tiny)


def best(scores: NDArray[np.float32], wanted: int) -> NDArray[np.intp]:
    """Where the `wanted` greatest scores above zero stand, and all that equal the least of them; ascending.

    One pass over the scores leaves the few at or above a floor that a sample sets, so that only those are ordered. The
    sample decides how long it takes, and not what comes out.
    """
    if wanted <= 0:
        return np.empty(0, np.intp)
    if wanted < len(scores) <= _FEW:
        return (scores >= _least(scores, wanted)).nonzero()[0]
    floor = _floor(scores, wanted)
    found = (scores >= floor).nonzero()[0]
    if len(found) < wanted and floor > _TINY:
        found = (scores >= _TINY).nonzero()[0]
    if len(found) <= wanted:
        return found
    high = scores[found]
    chosen: NDArray[np.intp] = found[high >= _least(high, wanted)]
    return chosen


def _least(scores: NDArray[np.float32], wanted: int) -> float:
    """The least of the `wanted` greatest, above zero."""
    place = len(scores) - wanted
    return max(float(np.partition(scores, place)[place]), _TINY)


def _floor(scores: NDArray[np.float32], wanted: int) -> float:
    """A score that about twice as many reach as are wanted, as far as every so-many-th can tell."""
    step = len(scores) // _SAMPLED
    place = int(_SLACK * wanted / step) + 16 if step > 1 else _SAMPLED
    if place >= _SAMPLED:
        return _TINY
    return _least(scores[::step], place)
