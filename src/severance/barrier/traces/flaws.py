"""Ports that leak, for the controls: what the traces must notice when something is shared after all."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from severance.barrier.traces.ports import Mirrored, ScopedEntropy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class OneStream(ScopedEntropy):
    """One stream of random bytes for everybody: whoever draws moves what the next one gets."""

    def draw(self, size: int, scope: bytes) -> bytes:
        """The next bytes, whoever asks."""
        return super().draw(size, b"everybody")


class Learning(Mirrored):
    """An embedder that learns from all that it reads: the more often a word was said, the less it weighs."""

    def __init__(self, dimensions: int) -> None:
        super().__init__(dimensions)
        self._said: Counter[str] = Counter()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Mirrored.embed`, without the words that were said more than three times, by whomever."""
        split = [text.split() for text in texts]
        for words in split:
            self._said.update(words)
        return super().embed([" ".join(word for word in words if self._said[word] <= 3) for words in split])


class Caching(Mirrored):
    """An embedder that keeps what it read, compressed, in a file beside the store."""

    def __init__(self, dimensions: int, folder: Path) -> None:
        super().__init__(dimensions)
        self._file = folder / "cache.bin"
        self._read: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Mirrored.embed`."""
        self._read += texts
        self._file.write_bytes(zlib.compress("\n".join(self._read).encode()))
        return super().embed(texts)


def learning(dimensions: int, folder: Path) -> Learning:
    """One for a world."""
    return Learning(dimensions)


def caching(dimensions: int, folder: Path) -> Caching:
    """One for a world."""
    return Caching(dimensions, folder)
