"""Ports that leak, for the controls: what the traces must notice when something is shared after all."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from severance.barrier.traces.ports import Mirrored, ScopedEntropy

if TYPE_CHECKING:
    from numpy.typing import NDArray


class OneStream(ScopedEntropy):
    """One stream of random bytes for everybody: whoever draws moves what the next one gets."""

    def draw(self, size: int, scope: bytes) -> bytes:
        """The next bytes, whoever asks."""
        return super().draw(size, b"everybody")


class Learning(Mirrored):
    """An embedder that learns from all that it reads: each word that it had not met turns all vectors a little."""

    def __init__(self, dimensions: int) -> None:
        super().__init__(dimensions)
        self._met: set[str] = set()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Mirrored.embed`, turned by the number of words that were said so far, by whomever."""
        self._met.update(word for text in texts for word in text.split())
        return np.roll(super().embed(texts), len(self._met), axis=1)


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
