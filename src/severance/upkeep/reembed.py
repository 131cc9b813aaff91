"""Embedding a space's memories anew, when the embedder has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from severance.errors import ConflictError
from severance.mind import Mind
from severance.model import Head
from severance.ports import Embedder
from severance.records import Event, Revectored
from severance.space import Space
from severance.waking import apply, wake
from severance.writing import choosing, embedded

Progress = Callable[[int, int], None]
_BATCH = 1_024


def reembed(space: Space, anchor: Head | None, embedder: Embedder, progress: Progress | None = None) -> int:
    """Give every memory of a space a vector by `embedder`, and put those in force at the end, in one append.

    Until then the old vectors stay in force, so it can be interrupted; what was embedded is not embedded again.
    Another process that has the persona awake gets a clear error at its next call.

    Returns:
        How many memories were embedded.

    Raises:
        EmbedderError: it failed, or is not one that a log can name.
    """
    chosen = choosing(embedder)
    mind, _ = wake(space, anchor)
    done = 0
    while mind.embedder is None or mind.embedder.identity != embedder.identity:
        missing = mind.unembedded(embedder.identity)
        total = done + len(missing)
        batch = missing[:_BATCH]
        vectors = embedded(embedder, [text for _, text in batch], chosen.dimensions) if batch else []
        events: list[Event] = [
            Revectored(embedder.identity, raw, *vector) for (raw, _), vector in zip(batch, vectors, strict=True)
        ]
        if len(batch) == len(missing):
            events.append(chosen)
        if _append(space, mind, events):
            done += len(batch)
            if progress is not None:
                progress(done, total)
    return done


def _append(space: Space, mind: Mind, events: Sequence[Event]) -> bool:
    first = space.head.seq + 1
    try:
        space.append(events)
    except ConflictError:
        apply(mind, space.read_on())
        return False
    mind.apply_all(first, events)
    return True
