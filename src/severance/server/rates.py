"""How much each may ask, by the root of its bearer: a bucket that fills at the rate and holds the burst."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

_MOST = 4_096
"""Bearers that are known at once; one that is forgotten begins anew, with a full bucket."""


class Rates:
    """The buckets of all bearers."""

    def __init__(self, rate: float, burst: int, ticks: Callable[[], float]) -> None:
        """So many requests in a second, so many at once; a rate of 0 is any."""
        self._rate = rate
        self._burst = float(burst)
        self._ticks = ticks
        self._left: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def take(self, bearer: bytes) -> bool:
        """Count a request of this bearer; whether it may be answered."""
        if not self._rate:
            return True
        now = self._ticks()
        left, at = self._left.pop(bearer, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        may = left >= 1.0
        self._left[bearer] = (left - 1.0 if may else left, now)
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        return may
