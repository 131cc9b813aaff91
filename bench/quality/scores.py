"""What a ranking is worth: recall and precision at k, nDCG, and how sure the mean is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.quality.corpora import Question

DEPTH = 50
"""As many places are looked at."""

CUTS = (1, 5, 10, 20, 50)
_RESAMPLES = 2_000
_SEED = 20_260_101


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question and the names that an engine found for it, best first."""

    question: Question
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over questions and the bounds of its 95 % interval; `group` is empty for all questions together."""

    group: str
    measure: str
    questions: int
    mean: float
    low: float
    high: float


def recall_at(k: int) -> Callable[[Outcome], float]:
    """The share of what was wanted among the first k."""
    return lambda o: len(o.question.wanted.intersection(o.found[:k])) / len(o.question.wanted)


def precision_at(k: int) -> Callable[[Outcome], float]:
    """The share of the first k places that hold what was wanted; an empty place holds nothing."""
    return lambda o: len(o.question.wanted.intersection(o.found[:k])) / k


def ndcg_at(k: int) -> Callable[[Outcome], float]:
    """Discounted gain against the best possible (Järvelin and Kekäläinen, TOIS 2002), each wanted memory worth 1."""

    def measure(outcome: Outcome) -> float:
        wanted = outcome.question.wanted
        gain = sum(1 / math.log2(place + 2) for place, name in enumerate(outcome.found[:k]) if name in wanted)
        return gain / sum(1 / math.log2(place + 2) for place in range(min(len(wanted), k)))

    return measure


RECALL = {"nDCG@10": ndcg_at(10), **{f"R@{k}": recall_at(k) for k in CUTS}}
PRECISION = {"P@1": precision_at(1), "P@10": precision_at(10)}


def figures(outcomes: Sequence[Outcome], measures: dict[str, Callable[[Outcome], float]]) -> list[Figure]:
    """Every measure for all outcomes, then for each group in the order in which groups first come.

    The interval is the percentile bootstrap over questions, 2,000 resamples with a fixed seed (Efron and Tibshirani,
    "An Introduction to the Bootstrap", 1993): questions about one conversation count as if they were independent.
    """
    groups = dict.fromkeys(outcome.question.group for outcome in outcomes)
    found = []
    for group in ("", *groups):
        chosen = [outcome for outcome in outcomes if group in ("", outcome.question.group)]
        for name, measure in measures.items():
            values = np.array([measure(outcome) for outcome in chosen])
            found.append(Figure(group, name, len(chosen), float(values.mean()), *_interval(values)))
    return found


def _interval(values: np.ndarray) -> tuple[float, float]:
    picks = np.random.default_rng(_SEED).integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)
