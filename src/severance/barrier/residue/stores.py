"""The store that residue is looked for about: one persona has everything that was planted, the other nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from severance import house as houses
from severance.barrier.residue.planted import drafts
from severance.embed import Hashing
from severance.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from severance.house import House
    from severance.ports import Embedder

KEY = b"one-root-key-of-thirty-two-bytes"
SUBJECT = "quillanvar-ostrebund"
INNER, OUTER = "wintermost-archivist", "lanternside-botanist"
STAIRWELL, QUAY = "vermilion-stairwell-nine", "heron-weir-quay"
NAMES = (SUBJECT, INNER, OUTER, STAIRWELL, QUAY)


class Faulty(Hashing):
    """Works, until it is told to fail."""

    failing = False

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Hashing.embed`."""
        if self.failing:
            raise EmbedderError("the embedder ran out of memory")
        return super().embed(texts)


EMBEDDER = Faulty(64)


def enter(store: Path, embedder: Embedder = EMBEDDER) -> House:
    """The house that `prepare` has made."""
    return houses.open(store, key=KEY, embedder=embedder)


def prepare(store: Path, said: Sequence[str], filling: Sequence[str] = (), embedder: Embedder = EMBEDDER) -> None:
    """A store in which INNER has every sentence: as text, label, metadata, or in a text that needs pages of its own.

    OUTER has the filling; INNER has it, too, and what `drafts` makes of the sentences.
    """
    fifth = len(said) // 5
    texts, threads, sources, values, parts = (said[start * fifth : (start + 1) * fifth] for start in range(5))
    with enter(store, embedder) as house:
        house.sever(SUBJECT, [INNER, OUTER])
        house.place(STAIRWELL, {SUBJECT: INNER})
        house.place(QUAY, {SUBJECT: OUTER})
        with house.cross(SUBJECT, STAIRWELL) as session:
            session.remember_many(
                {"text": text, "thread": thread, "source": source, "metadata": {"note": value}}
                for text, thread, source, value in zip(texts, threads, sources, values, strict=True)
            )
            session.remember_many("\n".join(parts[start : start + 50]) for start in range(0, fifth, 50))
            session.remember_many([*said, *filling])
            session.remember_many(drafts(said))
        with house.cross(SUBJECT, QUAY) as session:
            session.remember_many([f"{text} again" for text in filling])
