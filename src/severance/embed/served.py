"""An embedder behind an endpoint that speaks as OpenAI's does, as Ollama, llama.cpp, vLLM, LM Studio and many others.

Whoever runs the endpoint reads every text and every query of every persona.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from severance.embed.encoder import Encoder, identity_of
from severance.errors import EmbedderError

if TYPE_CHECKING:
    from severance.embed.endpoint import Endpoint

KIND = "openai"


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Reply(msgspec.Struct):
    data: list[_Item]


class Served(Encoder):
    """`POST {endpoint}/embeddings` with a model's name; vectors are put in order by the index that comes with each.

    Which weights are behind the name cannot be known from here: say a `version` and change it when they change.
    """

    zeros = False

    def __init__(
        self,
        model: str,
        endpoint: Endpoint,
        *,
        dimensions: int | None = None,
        version: str = "",
        query: str = "",
        document: str = "",
        batch: int = 64,
    ) -> None:
        """Nothing is sent yet.

        Args:
            model: as the endpoint calls it.
            endpoint: where it is.
            dimensions: asked for where the model offers several; its own number if None.
            version: part of the identity, and of nothing else.
            query, document, batch: as in `Encoder`.
        """
        options = {"dimensions": dimensions, "version": version, "query": query, "document": document}
        super().__init__(identity_of(KIND, model, options), query=query, document=document, batch=batch)
        self._question: dict[str, Any] = {"model": model, "encoding_format": "float"}
        if dimensions is not None:
            self._question["dimensions"] = self._dimensions = dimensions
        self._endpoint = endpoint

    def _vectors(self, texts: Sequence[str], *, asking: bool) -> object:
        reply = self._endpoint.ask("embeddings", {**self._question, "input": texts}, _Reply, EmbedderError)
        found = {item.index: item.embedding for item in reply.data}
        if len(reply.data) != len(texts) or found.keys() != set(range(len(texts))):
            raise EmbedderError(f"the endpoint answered with {len(found)} vectors for {len(texts)} texts")
        if len({len(vector) for vector in found.values()}) > 1:
            raise EmbedderError("the endpoint answered with vectors of different lengths")
        return np.array([found[number] for number in range(len(texts))], np.float64)
