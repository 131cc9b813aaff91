"""What the parent does for a worker that asks: it moves the anchor of one space, embeds and re-ranks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from severance.embed.quantize import table_of
from severance.model import Head
from severance.ports import MOST_CANDIDATES, Embedder, QueryEmbedder, Reranking
from severance.worker.messages import (
    Bring,
    Count,
    Dimensions,
    Done,
    Embed,
    GarbledError,
    Move,
    Numbers,
    Question,
    Reply,
    Score,
)


class Aide:
    """Answers one worker's questions, and nothing that is about another's."""

    def __init__(
        self, embedder: Embedder, reranking: Callable[[], Reranking | None], keep_anchor: Callable[[Head], None]
    ) -> None:
        """`keep_anchor` raises `RolledBackError` for a head that the vault does not have."""
        self._embedder = embedder
        self._reranking = reranking
        self._keep_anchor = keep_anchor
        self._brought: list[str] = []

    def __call__(self, question: Question) -> Reply:
        """Do it.

        Raises:
            GarbledError: it is not one that a worker has.
        """
        if isinstance(question, Move):
            self._keep_anchor(Head(question.seq, question.digest))
            return Done()
        if isinstance(question, Bring):
            self._bring(question.first, question.texts)
            return Done()
        if isinstance(question, Dimensions):
            return Count(self._embedder.dimensions)
        if isinstance(question, Embed):
            return self._embedded(question.texts, asking=question.asking)
        return self._scored(question)

    def _bring(self, first: bool, texts: list[str]) -> None:
        self._brought = [*([] if first else self._brought), *texts]
        if len(self._brought) > MOST_CANDIDATES:
            raise GarbledError("more candidates than there may be")

    def _embedded(self, texts: list[str], *, asking: bool) -> Numbers:
        embedder = self._embedder
        embed = embedder.embed_queries if asking and isinstance(embedder, QueryEmbedder) else embedder.embed
        return _numbers(table_of(embed(texts), rows=len(texts)))

    def _scored(self, question: Score) -> Numbers:
        reranking = self._reranking()
        if reranking is None:
            raise GarbledError("no re-ranker was chosen")
        texts, self._brought = [*self._brought, *question.texts], []
        return _numbers(reranking.reranker.score(question.query, texts))


def _numbers(found: object) -> Numbers:
    array = np.ascontiguousarray(found, dtype="<f4")
    return Numbers(array.shape, array.tobytes())
