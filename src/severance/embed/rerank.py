"""Re-rankers: models that read query and text together, and score how well the one answers the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from severance.embed.local import attempted, imported
from severance.errors import RerankerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.embed.endpoint import Endpoint

_BATCH = 32
_AROUND = 2**16
_AROUND_EACH = 2**10
_REPEATED = 8  # a text that comes back with its score, in escapes of six bytes


class _Item(msgspec.Struct):
    index: int
    relevance_score: float


class _Reply(msgspec.Struct):
    results: list[_Item]


class ServedReranker:
    """`POST {endpoint}/rerank` with query and documents, as llama.cpp, vLLM, Infinity, Jina and others speak it.

    Whoever runs the endpoint reads every query, and the texts that may answer it.
    """

    def __init__(self, model: str, endpoint: Endpoint) -> None:
        """`model` is what the endpoint calls it. Nothing is sent yet."""
        self._model = model
        self._endpoint = endpoint

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `ports.Reranker.score`."""
        question = {"model": self._model, "query": query, "documents": texts, "top_n": len(texts)}
        size = sum(len(text.encode("utf-8", "replace")) for text in texts)
        most = _AROUND + len(texts) * _AROUND_EACH + _REPEATED * size
        results = self._endpoint.ask("rerank", question, _Reply, RerankerError, most).results
        found = {item.index: item.relevance_score for item in results}
        if len(results) != len(texts) or found.keys() != set(range(len(texts))):
            raise RerankerError(f"the endpoint answered with {len(found)} scores for {len(texts)} texts")
        with np.errstate(over="ignore"):  # what is beyond a float32 is infinite, and refused as that
            return np.array([found[number] for number in range(len(texts))], np.float32)


class SentenceTransformersReranker:
    """A cross-encoder by `sentence-transformers`."""

    def __init__(self, model: str) -> None:
        """`model` is a folder, or a name that the package knows how to download.

        Raises:
            RerankerError: the package is not installed, or cannot load the model.
        """
        package = imported("sentence_transformers", RerankerError)
        self._model = attempted(lambda: package.CrossEncoder(model), model, RerankerError)

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `ports.Reranker.score`."""
        pairs = [(query, text) for text in texts]
        return _computed(lambda: self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False))


class FastEmbedReranker:
    """A cross-encoder by `fastembed`."""

    def __init__(self, model: str, *, path: str | None = None) -> None:
        """`model` is a name on the package's list; with `path`, its files are read from that folder.

        Raises:
            RerankerError: the package is not installed, or cannot load the model.
        """
        imported("fastembed", RerankerError)
        package = imported("fastembed.rerank.cross_encoder", RerankerError)
        how = {} if path is None else {"specific_model_path": path}
        self._model = attempted(lambda: package.TextCrossEncoder(model, **how), model, RerankerError)

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `ports.Reranker.score`."""
        return _computed(lambda: list(self._model.rerank(query, list(texts), batch_size=_BATCH)))


def _computed(work: Any) -> NDArray[np.float32]:
    try:
        return np.asarray(work(), np.float32)
    except Exception as problem:  # noqa: BLE001 - packages raise what they like, and their errors may hold the text
        raise RerankerError(f"the model failed ({type(problem).__name__})") from None
