"""What an adapter has to do for a peer to be measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from severance.model import moment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.quality.corpora import Said
    from severance.ports import Embedder


class Peer(Protocol):
    """One memory, with one tenant in it, driven as its documentation says.

    Attributes:
        batch: how many memories `add_many` is given at most.
        embedder: what it embeds with.
    """

    batch: ClassVar[int]
    embedder: Counted

    def __init__(self, folder: Path, embedder: Counted) -> None:
        """Open the store in this folder, or make it."""
        ...

    def add(self, said: Said) -> None:
        """Keep one memory; durably, where the peer can do that."""
        ...

    def add_many(self, said: Sequence[Said]) -> None:
        """Keep many, in the fastest way there is."""
        ...

    def ready(self) -> None:
        """What is to be done after loading many, such as to make an index."""
        ...

    def search(self, query: str, limit: int) -> list[str]:
        """The names of what was found, best first."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


def when(said: Said) -> datetime | None:
    """When it was said; None where nobody knows."""
    return moment(said.at) if said.at else None


def labels(said: Said) -> dict[str, str]:
    """Who said it and on what day, as metadata."""
    at = when(said)
    found = {"speaker": said.source, "date": at.date().isoformat() if at else None}
    return {name: value for name, value in found.items() if value}


class Counted:
    """An embedder that knows how long it has been at work.

    Attributes:
        spent: seconds.
    """

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.spent = 0.0

    @property
    def identity(self) -> str:
        """As of the embedder inside."""
        return self._inner.identity

    @property
    def dimensions(self) -> int:
        """As of the embedder inside."""
        return self._inner.dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As of the embedder inside."""
        start = time.perf_counter()
        vectors = self._inner.embed(texts)
        self.spent += time.perf_counter() - start
        return vectors
