"""Which persona a text is most like, by a few examples of each, and how sure that is.

Texts are compared by the angle of their vectors from the bundled embedder, after the mean of everything that is to be
routed was taken off, and by the rare words they share: exp(2 (cos - 1)) + w/2. On that, kernel ridge regression
(Saunders, Gammerman and Vovk 1998) has one score for each persona; the margin between the best two says how clear it
is. How much a margin is worth is told by the examples: each is judged by the others alone, in closed form (Allen 1974),
and the curve

    right(m) = 1/n + (1 - 1/n) (1 - exp(-m/t))      for n personas

is fitted to whether that was right. With few examples a prior holds t near 0.1, which fits CLINC150 and CIMemories
alike.

What is about something else altogether has a margin too. So a text counts as known only if its nearest example is at
least as near as a quarter of the examples have their own nearest. Everything is arithmetic in a fixed order: the same
texts get the same judgement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from severance.ports import Embedder
from severance.routing.wordweights import Shared, Weights

_WORDS = 0.5
_RIDGE = 0.5
_WIDTH = 2.0
_FARTHEST = 0.25
_PRIOR, _SPREAD = np.log(0.1), 0.3
_CURVES: NDArray[np.float64] = np.exp(np.linspace(np.log(0.02), np.log(1.5), 120))
_TINY = 1e-3
_DIGITS = 9

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the examples say of a text.

    Attributes:
        persona: the one it is most like.
        sure: how likely that is to be right, 0 to 1.
        example: the number of the example of that persona that it is most like, from 1.
        known: whether that is near enough to say anything.
    """

    persona: str
    sure: float
    example: int
    known: bool


class Judge:
    """Examples, made ready; then any number of texts."""

    def __init__(
        self, examples: Sequence[tuple[str, str]], embedder: Embedder, mean: NDArray[np.float64], weights: Weights
    ) -> None:
        """Make ready.

        Args:
            examples: persona and text; of two personas at least.
            embedder: what turns texts into vectors.
            mean: of the vectors of everything that is to be routed.
            weights: of the words in it.
        """
        self.personas = tuple(dict.fromkeys(persona for persona, _ in examples))
        texts = [text for _, text in examples]
        self._embedder, self._mean = embedder, mean
        self._vectors = self._centred(texts)
        self._shared = Shared(weights, texts)
        self._whose = np.array([self.personas.index(persona) for persona, _ in examples])
        wanted = np.eye(len(self.personas))[self._whose] - 1 / len(self.personas)
        like = self._likeness(texts)
        self._near = float(np.quantile((like - np.diag(np.diag(like))).max(1), _FARTHEST))
        inverse = np.linalg.inv(like + _RIDGE * np.eye(len(texts)))
        self._parts: Table = inverse @ wanted
        alone: Table = wanted - self._parts / np.diag(inverse)[:, None]
        self._curve = self._fitted(_margins(alone), alone.argmax(1) == self._whose)

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """What the examples say of each text."""
        if not texts:
            return []
        like = self._likeness(texts)
        scores = np.round(like @ self._parts, _DIGITS)
        best, sure = scores.argmax(1), self._right(_margins(scores), self._curve)
        own = np.where(self._whose == best[:, None], like, -1.0)
        known = like.max(1) >= self._near
        return [
            Judgement(self.personas[who], float(certain), int(example) + 1, bool(near))
            for who, certain, example, near in zip(best, sure, own.argmax(1), known, strict=True)
        ]

    def _likeness(self, texts: Sequence[str]) -> Table:
        angles = self._centred(texts) @ self._vectors.T
        # Rounded, since a product of tables differs in its last bits with how many texts are asked at once.
        return np.asarray(np.round(np.exp(_WIDTH * (angles - 1)) + _WORDS * self._shared.of(texts), _DIGITS))

    def _centred(self, texts: Sequence[str]) -> Table:
        vectors = np.asarray(self._embedder.embed(texts), np.float64) - self._mean
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > _TINY))

    def _right(self, margins: Table, curve: float) -> Table:
        chance = 1 / len(self.personas)
        return np.asarray(chance + (1 - chance) * (1 - np.exp(-margins / curve)))

    def _fitted(self, margins: Table, right: NDArray[np.bool_]) -> float:
        chances = np.array([np.clip(self._right(margins, curve), _TINY, 1 - _TINY) for curve in _CURVES])
        told = np.where(right, np.log(chances), np.log(1 - chances)).sum(1)
        prior = -0.5 * ((np.log(_CURVES) - _PRIOR) / _SPREAD) ** 2
        return float(_CURVES[(told + prior).argmax()])


def _margins(scores: Table) -> Table:
    """How far the best score of each row is above the second."""
    ordered = np.sort(scores, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2])
