"""An embedder behind an endpoint that speaks as OpenAI's does, as Ollama, llama.cpp, vLLM, LM Studio and many others.

Whoever runs the endpoint reads every text and every query of every persona.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from severance.embed.encoder import MOST_DIMENSIONS, Encoder, identity_of
from severance.embed.endpoint import UNREADABLE, unreadable
from severance.embed.specs import KIND
from severance.errors import EmbedderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.embed.endpoint import Endpoint

_AROUND = 2**16
_AROUND_EACH = 2**10
_COMPONENT = 64  # indented and with more digits than a double has
_COMPONENT_OF_ANY = 8


class _Item(msgspec.Struct):
    index: int
    embedding: msgspec.Raw  # read one by one: as floats in a list, an answer has sixteen times its bytes


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
        identity = identity_of(KIND, model, options)
        super().__init__(identity, query=query, document=document, batch=batch, dimensions=dimensions)
        self._question: dict[str, Any] = {"model": model, "encoding_format": "float"}
        if dimensions is not None:
            self._question["dimensions"] = dimensions
        self._endpoint = endpoint

    def _vectors(self, texts: Sequence[str], *, asking: bool) -> object:
        question = {**self._question, "input": texts}
        reply = self._endpoint.ask("embeddings", question, _Reply, EmbedderError, self._most(len(texts)))
        found = {item.index: item.embedding for item in reply.data}
        if len(reply.data) != len(texts) or found.keys() != set(range(len(texts))):
            raise EmbedderError(f"the endpoint answered with {len(found)} vectors for {len(texts)} texts")
        rows = [_row(found.pop(number)) for number in range(len(texts))]
        if len({len(row) for row in rows}) > 1:
            raise EmbedderError("the endpoint answered with vectors of different lengths")
        return np.array(rows)

    def _most(self, texts: int) -> int:
        """Bytes of a good answer at most."""
        known = self._dimensions
        each = _COMPONENT_OF_ANY * MOST_DIMENSIONS if known is None else _COMPONENT * known
        return _AROUND + texts * (_AROUND_EACH + each)


def _row(raw: msgspec.Raw) -> NDArray[np.float64]:
    if bytes(raw).count(b",") >= MOST_DIMENSIONS:
        raise EmbedderError(f"the endpoint answered with a vector of more than {MOST_DIMENSIONS:,} components")
    try:
        return np.array(msgspec.json.decode(raw, type=list[float]), np.float64)
    except UNREADABLE as problem:
        raise EmbedderError(f"the endpoint {unreadable(bytes(raw), problem)}") from None
