"""Two samples of times: do they differ by more than chance?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance

THRESHOLD = 4.5
"""Above this |t| is called a leak by the standard test of side channels (B. J. Gilbert Goodwill, B. Jun, J. Jaffe,
P. Rohatgi, "A testing methodology for side-channel resistance validation", NIST 2011). Chance: 7 in a million."""

KEPT = 0.9
"""The share of times that is looked at, the shortest: what the machine does in between makes a few very long, and hides
a small difference (O. Reparaz, J. Balasch, I. Verbauwhede, "Dude, is my code constant time?", DATE 2017)."""


@dataclass(frozen=True)
class Effect:
    """How two samples differ.

    Attributes:
        t: Welch's t (B. L. Welch, "The generalization of 'Student's' problem when several different population
            variances are involved", Biometrika 34, 1947). Positive when the first is larger.
        difference: of the means, first less second, in the unit of the samples.
        d: Cohen's d, the difference in standard deviations (pooled).
    """

    t: float
    difference: float
    d: float

    @property
    def seen(self) -> bool:
        """Whether it is more than chance."""
        return abs(self.t) >= THRESHOLD


def effect(first: Sequence[float], second: Sequence[float]) -> Effect:
    """How the two differ, each of at least two numbers."""
    difference = fmean(first) - fmean(second)
    one, other = variance(first), variance(second)
    error = sqrt(one / len(first) + other / len(second))
    pooled = sqrt(((len(first) - 1) * one + (len(second) - 1) * other) / (len(first) + len(second) - 2))
    if error == 0.0:
        infinite = 0.0 if difference == 0 else float("inf") if difference > 0 else float("-inf")
        return Effect(infinite, difference, infinite)
    return Effect(difference / error, difference, difference / pooled)


def cropped(first: Sequence[float], second: Sequence[float]) -> tuple[list[float], list[float]]:
    """Both without what is longer than nine tenths of all of them; one limit for both, so that it takes no side."""
    together = sorted([*first, *second])
    limit = together[int(KEPT * (len(together) - 1))]
    return [time for time in first if time <= limit], [time for time in second if time <= limit]
