"""What recall found, put in another order by a re-ranker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from severance.errors import RerankerError
from severance.model import Recollection
from severance.ports import Reranking

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAILED = "not re-ranked: the re-ranker failed"
"""The reason that every recollection has where recall went on without it."""


def reranked(reranking: Reranking, query: str, hits: Sequence[Recollection], limit: int) -> list[Recollection]:
    """The best `limit` of `hits`: the candidates by their scores, then those that were none, in the order they had.

    Equals stay in the order they had. A score is the re-ranker's; those of the rest are moved below the last of these.

    Raises:
        RerankerError: it failed, and recall should not go on without it.
    """
    best, rest = hits[: reranking.candidates], hits[reranking.candidates : limit]
    if len(best) < 2:
        return list(hits[:limit])
    try:
        scores = _checked(reranking.reranker.score(query, [hit.memory.text for hit in best]), len(best))
    except RerankerError as problem:
        if reranking.plain_on_failure:
            return [replace(hit, reasons=(*hit.reasons, FAILED)) for hit in hits[:limit]]
        then = ", or try again" if problem.again else ""
        told = f"re-ranking failed: {problem}; recall without the re-ranker{then}"
        raise RerankerError(told, again=problem.again) from None
    order = np.argsort(-scores, kind="stable").tolist()
    found = [_told(best[place], float(scores[place]), place + 1) for place in order]
    lowest = found[-1].score
    found += [replace(hit, score=lowest + hit.score - best[-1].score) for hit in rest]
    return found[:limit]


def _told(hit: Recollection, score: float, place: int) -> Recollection:
    return replace(hit, score=score, reasons=(*hit.reasons, f"re-ranked: {score:.2f}, number {place} before"))


def _checked(scores: Any, count: int) -> NDArray[np.float64]:
    try:
        array = np.asarray(scores)
    except ValueError:  # rows of different lengths
        array = np.empty(0)
    if array.shape != (count,) or array.dtype.kind != "f" or not np.isfinite(array).all():
        raise RerankerError(f"it did not return one finite score for each of {count} texts")
    return array.astype(np.float64)
