"""An embedder with no data at all: feature hashing of words and letter trigrams.

Good enough to test with, and for those who want no word vectors; it knows spelling and no meaning.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from severance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_WORD = 2.0
_TRIGRAM = 1.0


class Hashing:
    """Words and letter trigrams, each added to a component chosen by its CRC-32, with a sign chosen by another bit
    (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009).
    """

    def __init__(self, dimensions: int = 64) -> None:
        """Vectors of this many components, 1 to 4,096.

        Raises:
            InputError: another number.
        """
        if not 1 <= dimensions <= 4096:
            raise InputError("a hashing embedder has 1 to 4,096 dimensions")
        self._dimensions = dimensions

    @property
    def identity(self) -> str:
        """Such as `hashing-64/1`."""
        return f"hashing-{self._dimensions}/1"

    @property
    def dimensions(self) -> int:
        """How many components each vector has."""
        return self._dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `ports.Embedder.embed`: float32, shape (len(texts), dimensions)."""
        out = np.zeros((len(texts), self._dimensions), np.float32)
        for row, text in zip(out, texts, strict=True):
            for feature, weight in _features(text):
                code = zlib.crc32(feature.encode("utf-8", "replace"))
                row[code % self._dimensions] += weight if code >> 31 else -weight
        lengths = np.sqrt(np.add.reduce(out * out, axis=1, keepdims=True))
        np.divide(out, lengths, out=out, where=lengths > 0)
        return out


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in text.casefold().split():
        yield word, _WORD
        edged = f"<{word}>"
        for start in range(len(edged) - 2):
            yield edged[start : start + 3], _TRIGRAM
