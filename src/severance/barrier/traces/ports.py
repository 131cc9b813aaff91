"""Everything that differs between runs, injected: a clock that stands, entropy in one stream for each scope, a key."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from severance import session as sessions
from severance import sleeping
from severance import space as spaces
from severance.barrier.traces.content import DISLIKED, FIRST_WORDS, SECOND_WORDS
from severance.embed import Hashing
from severance.errors import EmbedderError
from severance.house import House
from severance.ports import Embedder
from severance.transfer import ingest
from severance.upkeep import reembed, salvage

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEY = bytes(range(32))
NOON = 1_717_243_200_000_000
"""2024-06-01T12:00Z in microseconds."""

SECOND = 1_000_000
_IN_MEMORY = "/dev/shm"  # noqa: S108 - a folder of its own is made in it
MEMORY = _IN_MEMORY if "TMPDIR" not in os.environ and os.access(_IN_MEMORY, os.W_OK) else None
"""Where stores go that nobody needs: in memory where there is such a folder, since houses sync all the time; None for
the temporary folder, which somebody may have named.
"""

FEW = 40
"""Dimensions of the embedder: fast, and enough to tell a dozen texts apart."""

OTHER = FEW + 8
"""Dimensions of the embedder that `reembed` changes to and from."""

_COUNTERPART = {second.casefold(): first.casefold() for first, second in zip(FIRST_WORDS, SECOND_WORDS, strict=True)}
_DISLIKED = (FIRST_WORDS[DISLIKED], SECOND_WORDS[DISLIKED])


class StillClock:
    """Stands at `at` until it is moved."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def now(self) -> int:
        """Where it stands."""
        return self.at

    def tick(self, seconds: float = 1) -> None:
        """Move on."""
        self.at += int(seconds * SECOND)


class ScopedEntropy:
    """One stream of bytes for each scope, from a seed: what one scope draws never moves what another gets."""

    def __init__(self, seed: bytes = b"kit") -> None:
        self._seed = seed
        self._draws: dict[bytes, int] = {}
        self._lock = Lock()

    def again(self) -> Self:
        """Another source that goes on where this one is."""
        made = type(self)(self._seed)
        made._draws = dict(self._draws)
        return made

    def draw(self, size: int, scope: bytes) -> bytes:
        """The scope's next bytes."""
        with self._lock:
            number = self._draws[scope] = self._draws.get(scope, 0) + 1
        parts = (self._seed, scope, number.to_bytes(8, "big"))
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hashlib.shake_256(framed).digest(size)


class Mirrored(Hashing):
    """Words of the second vocabulary get the vectors of their counterparts in the first, with all signs turned.

    Fails for a text in which the disliked word is three times.
    """

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Hashing.embed`, but for those words."""
        split = [text.casefold().split() for text in texts]
        if any(words.count(disliked) >= 3 for words in split for disliked in _DISLIKED):
            raise EmbedderError("the embedder did not like that")
        vectors = super().embed([" ".join(_COUNTERPART.get(word, word) for word in words) for words in split])
        vectors[[any(word in _COUNTERPART for word in words) for words in split]] *= -1
        return vectors


class Overlap:
    """A re-ranker that counts the words a text shares with the query."""

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """So many for each text."""
        asked = set(query.casefold().split())
        return np.array([len(asked.intersection(text.casefold().split())) for text in texts], np.float32)


def mirrored(dimensions: int, folder: Path) -> Embedder:
    """The embedder of every world that is not a control's."""
    return Mirrored(dimensions)


class Commands(Protocol):
    """Runs one command of the command line in this process (`severance.cli.surface.invoke`, which is a higher layer).

    `open_house` takes the place of `severance.open`, `ports` has clock and entropy for what is done to a store that is
    not open, and `ticks` takes the place of a stopwatch. Returns the exit code, standard
    output and standard error.
    """

    def __call__(
        self,
        words: Sequence[str],
        stdin: bytes,
        *,
        key: bytes,
        open_house: Callable[..., House],
        ports: Mapping[str, Any],
        ticks: Callable[[], float],
    ) -> tuple[int, str, str]:
        """Run it."""
        ...


@dataclass(frozen=True)
class Ports:
    """What a world is made with. A control passes something that leaks.

    Attributes:
        entropy: makes the source of random bytes.
        embedder: makes an embedder with so many dimensions, for a store in this folder.
        commands: runs commands; without it, steps that are commands do nothing.
        workers: whether every persona wakes in a process of its own.
        edge: what sessions are reached over, one of `edges.EDGES`; empty for nothing in between.
        cached: whether that edge has a flaw: a cache of answers that is everybody's.
    """

    entropy: Callable[[], ScopedEntropy] = ScopedEntropy
    embedder: Callable[[int, Path], Embedder] = mirrored
    commands: Commands | None = None
    workers: bool = False
    edge: str = ""
    cached: bool = False


@contextmanager
def small_snapshots() -> Iterator[None]:
    """While this is open, sleep writes layers after a handful of records, of a handful each, so that short stories wake
    from several.

    For all houses of this process. It is how often a cache is written, and changes nothing that anybody observes.
    """
    kept = sleeping._LOOSE, sleeping.BLOCK
    sleeping._LOOSE, sleeping.BLOCK = 2, 6
    try:
        yield
    finally:
        sleeping._LOOSE, sleeping.BLOCK = kept


@contextmanager
def small_batches() -> Iterator[None]:
    """While this is open, what is read in pages and written in batches comes in small ones, so that what goes on from
    one to the next is in short traces. For all houses of this process; the same in all runs of a trace.
    """
    places = (
        (sessions, "_BATCH", 64),
        (spaces, "PAGE", 8),
        (salvage, "PAGE", 8),
        (ingest, "BATCH", 3),
        (reembed, "_BATCH", 5),
    )
    kept = [getattr(module, name) for module, name, _ in places]
    for module, name, few in places:
        setattr(module, name, few)
    try:
        yield
    finally:
        for (module, name, _), before in zip(places, kept, strict=True):
            setattr(module, name, before)
