"""What the core needs from outside, as protocols. Everything that differs between runs comes in through one of these.

With the clock, the entropy and the embedder injected, the same calls give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from severance.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from severance.model import Head, Sealed


MOST_CANDIDATES = 1_000


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """Whole microseconds since 1970, UTC. May stand still or go backwards; nothing in the core relies on more."""
        ...


class Entropy(Protocol):
    """Gives random bytes."""

    def draw(self, size: int, scope: bytes) -> bytes:
        """`size` bytes that nobody can predict.

        `scope` names what they are for (a space's id, the chip). The system's source ignores it; a source made for a
        test keeps one stream for each scope, so that what one persona draws never moves what another one gets.
        """
        ...


class RootKey(Protocol):
    """Knows where the root key is."""

    def obtain(self) -> bytes:
        """The 32 bytes of the root key.

        Raises:
            KeyMissingError: it could not be had; the message says what to do.
        """
        ...


class Embedder(Protocol):
    """Turns texts into vectors.

    The identity changes whenever the same text would give another vector: it names the model, its version and a digest
    of its weights. Spaces store it, and refuse to be opened with another.
    """

    @property
    def identity(self) -> str:
        """Such as `wordllama-256/sif-1/9f3c...`."""
        ...

    @property
    def dimensions(self) -> int:
        """How many components each vector has."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector for each text, in order: shape (len(texts), dimensions), unit length, or all zero for a text
        in which nothing could be read.

        Raises:
            EmbedderError: it failed. It never returns fewer rows than texts.
        """
        ...


@runtime_checkable
class QueryEmbedder(Protocol):
    """What an embedder has besides, where a query becomes another vector than the same text remembered."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Embedder.embed`, for queries."""
        ...


class Reranker(Protocol):
    """Reads a query and a text together, and scores how well the text answers it."""

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """One finite score for each text, in order: shape (len(texts),); higher is better.

        Raises:
            RerankerError: it failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reranking:
    """A re-ranker, and how it is used.

    Attributes:
        reranker: what scores.
        candidates: how many of the best memories are given to it.
        plain_on_failure: whether recall goes on in its own order when it fails, and says so with every recollection;
            otherwise recall fails.

    Raises:
        InputError: not 2 to 1,000 candidates.
    """

    reranker: Reranker
    candidates: int = 50
    plain_on_failure: bool = False

    def __post_init__(self) -> None:
        if type(self.candidates) is not int or not 2 <= self.candidates <= MOST_CANDIDATES:
            raise InputError(f"a re-ranker is given 2 to {MOST_CANDIDATES:,} candidates")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a log, as a vault holds it.

    Attributes:
        seq: its place, counted from 1.
        frame: the sealed bytes, or None when they were erased.
        digest: of the head after it (`Head.then`, 32 bytes).
        hash: SHA-256 of the frame as it was appended (32 bytes).

    Both stay when the frame is erased.
    """

    seq: int
    frame: Sealed | None
    digest: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Layer:
    """A sealed part of a snapshot: the heads before and after the records that it stands for, and its chunks."""

    begin: Head
    end: Head
    chunks: tuple[Sealed, ...]

    def holds(self, seq: int) -> bool:
        """Whether the record with this number is one that it stands for."""
        return self.begin.seq < seq <= self.end.seq


class NewSpace(NamedTuple):
    """A space to be made: its id (16 bytes), its head with seq 0, and the frames that it begins with."""

    space: bytes
    head: Head
    frames: Sequence[Sealed] = ()


class Vault(Protocol):
    """Keeps sealed spaces: ciphertext in, ciphertext out. It holds no key, and could not use one.

    What a vault promises:

    - *Atomic.* A call happens whole or not at all, also when the process is killed in the middle of it.
    - *Durable.* When a writing call has returned, its effect survives `kill -9` and a loss of power.
    - *Compare-and-append.* Of two writers that expect the same head, one wins; the other gets `ConflictError` and finds
      the winner's records when it reads on.
    - *Isolated by space.* No call reads or writes any space but those it names; no number is shared by two spaces.
    - *Read your writes.* What a call wrote is seen by every later call, of every process.

    What it does not promise: that bytes are unaltered (whoever holds the key finds out), fairness between writers, any
    order between spaces, or that an erased frame is gone from backups, from the file system's history, or from
    storage that remaps its blocks.

    Errors: a space that does not exist is `NotFoundError`. A store that is busy, full, read-only or gone raises the
    `StoreError` of that name. A file whose structure cannot be read is `DamagedError`. Nothing else escapes.

    One vault may be used by several threads at once.
    """

    @property
    def store(self) -> bytes:
        """The store id (16 bytes) that vault and chip share."""
        ...

    def create(self, spaces: Sequence[NewSpace]) -> None:
        """Make spaces, all or none of them. ConflictError when one exists, or is named twice."""
        ...

    def spaces(self) -> list[bytes]:
        """The ids of all spaces, sorted."""
        ...

    def head(self, space: bytes) -> Head:
        """The head that the last append to this space left."""
        ...

    def append(self, space: bytes, expected: Head, frames: Sequence[Sealed], erase: Sequence[int] = ()) -> Head:
        """Put `frames` after `expected`; returns the new head, as `Head.then` gives it.

        `erase` names records of this space: in the same transaction their frames are overwritten, their digests and
        hashes stay, and each layer that stands for one of them is dropped, since it may hold what was erased.

        Raises:
            ConflictError: the head is not `expected`; nothing was written.
            NotFoundError: a record to erase is not there; nothing was written.
            InputError: `erase` without a frame, which would be the record that names what was erased.
        """
        ...

    def read(self, space: bytes, after: int, limit: int) -> list[Entry]:
        """At most `limit` entries with a sequence number above `after`, in order.

        What is there is returned: a gap is for the reader, who knows what it expects, to notice.
        """
        ...

    def write_layers(self, space: bytes, seen: int, layers: Sequence[Layer], drop: Sequence[int] = ()) -> bool:
        """Keep these layers of the space's snapshot, and drop those that end at the records `drop`, all or nothing.

        Args:
            space: whose.
            seen: the number of the head that they were made at. Each of them ends there or before.
            layers: they ascend, and no two stand for one record.
            drop: the last records of layers that are there.

        Returns:
            Whether it was done. It is not when a frame was erased by an append after `seen`, since a layer may still
            hold what was erased; and not when another writer was first: one of `drop` is not there, or a layer
            that stays stands for a record of a new one or for one after `seen`.
        """
        ...

    def layers(self, space: bytes) -> list[tuple[int, int]]:
        """The numbers of the first and the last record that each layer stands for, ascending."""
        ...

    def read_layers(self, space: bytes) -> list[Layer]:
        """The layers kept, ascending; empty when there is none."""
        ...

    def drop(self, space: bytes) -> None:
        """Remove a space with everything in it."""
        ...

    def verify(self) -> list[str]:
        """What is wrong with the structure of the storage itself, one sentence each; empty when nothing is."""
        ...

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of the whole vault to a new file, while others may go on writing.

        Raises:
            StoreError: the file exists, or cannot be written.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections. Calling it again does nothing."""
        ...
