"""How much two texts share in words, rare ones counting more: the cosine of their tf-idf vectors, each word counted
once.

Documents are counted over everything that is to be routed, so that a word that all of it shares counts for little
(Spärck Jones 1972: log(1 + n / documents with the word)).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from severance.mind.analysis import STOP_WORDS, words

_MOST_WORDS = 1_000
_SMALL = frozenset(STOP_WORDS)


def distinct(text: str) -> frozenset[str]:
    """The different words of a text, without function words; the first thousand."""
    found = dict.fromkeys(word for word in words(text) if word not in _SMALL)
    return frozenset(list(found)[:_MOST_WORDS])


class Weights:
    """How rare words are, from the texts that were counted."""

    def __init__(self) -> None:
        self._documents: Counter[str] = Counter()
        self._texts = 0

    def count(self, text: str) -> None:
        """Count the words of one text."""
        self._documents.update(distinct(text))
        self._texts += 1

    def vector(self, text: str) -> dict[str, float]:
        """The weight of each word of a text, of length 1 together; empty for a text without words."""
        raw = {word: math.log(1 + self._texts / max(1, self._documents[word])) for word in sorted(distinct(text))}
        length = math.sqrt(sum(weight * weight for weight in raw.values()))
        return {word: weight / length for word, weight in raw.items()} if length else {}


class Shared:
    """Texts that others are compared with."""

    def __init__(self, weights: Weights, texts: Sequence[str]) -> None:
        self._weights = weights
        self._count = len(texts)
        self._with: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for index, text in enumerate(texts):
            for word, weight in weights.vector(text).items():
                self._with[word].append((index, weight))

    def of(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """The cosine of each text with each of those, as a table: texts by those."""
        rows = [self._row(text) for text in texts]
        return np.array(rows, np.float64).reshape(len(rows), self._count)

    def _row(self, text: str) -> NDArray[np.float64]:
        row = np.zeros(self._count)
        for word, weight in self._weights.vector(text).items():
            for index, other in self._with.get(word, ()):
                row[index] += weight * other
        return row
