"""What all encoders that are chosen by a spec have in common: prefixes, batches, checks, unit length, an identity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import numpy as np

from severance.embed.quantize import table_of
from severance.errors import EmbedderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH_BYTES = 2**18
MOST_DIMENSIONS = 65_536
_ASKED = "How many components does a vector have?"
"""What is embedded to find out; nobody remembered it."""


class Encoder:
    """An embedder that may be given other words before a query than before a text to remember.

    Embeds in batches, one after another. What a call embeds belongs to that call: nothing is kept, and nothing is
    held back to go with another call. Not even how many components a vector had is kept: whoever asks next would learn
    from an error that somebody asked before.
    """

    zeros = True
    """Whether a vector may be all zero, as that of a text of which a local model knows no word."""

    def __init__(
        self, identity: str, *, query: str = "", document: str = "", batch: int = 64, dimensions: int | None = None
    ) -> None:
        """
        Args:
            identity: as `identity_of` makes it.
            query, document: what is put before a query, and before a text to remember.
            batch: how many texts are embedded at once; fewer where they are long.
            dimensions: how many components each vector has to have, or None where only the model knows.
        """
        self._identity = identity
        self._query = query
        self._document = document
        self._batch = batch
        self._dimensions = dimensions

    @property
    def identity(self) -> str:
        """Such as `model2vec:potion-base-8M#3f9c...`: the kind, the model, the options that matter, a digest."""
        return self._identity

    @property
    def dimensions(self) -> int:
        """How many components each vector has; where only the model knows, a question of its own finds out, each time.

        Raises:
            EmbedderError: as `embed`.
        """
        return self.embed([_ASKED]).shape[1] if self._dimensions is None else self._dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `ports.Embedder.embed`."""
        return self._embedded([self._document + text for text in texts], asking=False)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `ports.QueryEmbedder.embed_queries`."""
        return self._embedded([self._query + text for text in texts], asking=True)

    def __repr__(self) -> str:
        return f"<{self._identity}>"

    def _vectors(self, texts: Sequence[str], *, asking: bool) -> object:
        """What the model makes of one batch; raises EmbedderError."""
        raise NotImplementedError

    def _embedded(self, texts: Sequence[str], *, asking: bool) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        parts: list[NDArray[np.float32]] = []
        dimensions = self._dimensions
        for start, end in batches(texts, self._batch):
            try:
                parts.append(self._checked(self._vectors(texts[start:end], asking=asking), end - start, dimensions))
                dimensions = parts[0].shape[1]
            except EmbedderError as problem:
                which = f" texts {start + 1:,} to {end:,} of {len(texts):,}" if len(texts) > 1 else ""
                raise EmbedderError(f"embedding{which} failed: {problem}", again=problem.again) from None
        return np.concatenate(parts)

    def _checked(self, vectors: object, rows: int, dimensions: int | None) -> NDArray[np.float32]:
        """The vectors, brought to unit length."""
        table = table_of(vectors, rows=rows).astype(np.float64)
        if not table.shape[1]:
            raise EmbedderError("the vectors have no components")
        if dimensions is not None and table.shape[1] != dimensions:
            raise EmbedderError(f"the vectors have {table.shape[1]:,} components instead of {dimensions:,}")
        peaks = np.abs(table).max(axis=1, keepdims=True)
        if not self.zeros and not peaks.all():
            raise EmbedderError("a vector has nothing but zeros")
        # Any length will do, 1e300 as well as 1e-300: only the direction means something, models differ in length, and
        # no bound could tell a broken one. By the peaks first, so that no square is beyond what a float says.
        np.divide(table, peaks, out=table, where=peaks > 0)
        lengths = np.sqrt(np.add.reduce(table * table, axis=1, keepdims=True))
        np.divide(table, lengths, out=table, where=lengths > 0)
        return table.astype(np.float32)


def batches(texts: Sequence[str], most: int) -> Iterator[tuple[int, int]]:
    """Where each batch begins and ends: at most so many texts, and 262,144 bytes of UTF-8 if it is more than one."""
    start = size = 0
    for number, text in enumerate(texts):
        own = len(text.encode("utf-8", "replace"))
        if number > start and (number - start == most or size + own > BATCH_BYTES):
            yield start, number
            start, size = number, 0
        size += own
    if start < len(texts):
        yield start, len(texts)


def identity_of(kind: str, model: str, options: Mapping[str, Any], digest: str = "") -> str:
    """The identity of an encoder: its spec, without where it is or how it is asked, and a digest of its weights."""
    told = urlencode({name: value for name, value in sorted(options.items()) if value not in (None, "")}, safe="/:")
    return f"{kind}:{quote(model, safe='/:@.+ ')}" + (f"?{told}" if told else "") + (f"#{digest}" if digest else "")
