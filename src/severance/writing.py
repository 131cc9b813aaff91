"""What a session writes: from what was asked, and what the mind already knows, to the events of one append."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from severance.drafts import checked, time_of
from severance.embed.quantize import quantize, table_of
from severance.embed.specs import spec_of
from severance.errors import EmbedderError, NotFoundError
from severance.mind import Heard, Mind
from severance.model import NO_METADATA, Draft, Memory, id_bytes, id_text, micros, moment
from severance.ports import Embedder, QueryEmbedder
from severance.records import EmbedderChosen, Event, Forgotten, Remembered, Repeated, decode, encode

_IDENTITY = re.compile(r"[\w.:/@+%?=&#~-]{1,200}", re.ASCII)
"""What the encoders here and most others call themselves: nothing that a terminal obeys, and no sentence."""

Vector = tuple[bytes, float]
"""Signed bytes, one for each dimension, and the scale that turns them back into components."""


@dataclass(slots=True)
class Writing:
    """The events of one append, the records it erases, and the ids of the memories it is about."""

    events: list[Event] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    erase: list[int] = field(default_factory=list)


def embedded(embedder: Embedder, texts: Sequence[str], dimensions: int | None = None) -> list[Vector]:
    """One vector for each text, with so many dimensions where that is known.

    Raises:
        EmbedderError: it failed, or returned another number of vectors, other dimensions or something not a number.
    """
    try:
        rows, scales = quantize(embedder.embed(texts), rows=len(texts), dimensions=dimensions)
    except EmbedderError as problem:
        which = "it was not kept" if len(texts) == 1 else f"none of these {len(texts):,} texts was kept"
        then = ", try again" if problem.again else ""
        raise EmbedderError(f"{problem}; {which}{then}", again=problem.again) from None
    return list(zip((row.tobytes() for row in rows), scales.tolist(), strict=True))


def failed_after(kept: int, total: int, problem: EmbedderError) -> EmbedderError:
    """The error for many texts of which the embedder failed at some after the first `kept`."""
    which = f"the first {kept:,} were kept, and none after them" if kept else "none was kept"
    return EmbedderError(f"{problem} (of all {total:,}, {which})", again=problem.again)


def query_vector(embedder: Embedder, query: str, dimensions: int) -> NDArray[np.float32]:
    """The embedding of one query, as it is: shape (dimensions,), with as many dimensions as the memories' vectors.

    Raises:
        EmbedderError: as `embedded`.
    """
    embed = embedder.embed_queries if isinstance(embedder, QueryEmbedder) else embedder.embed
    vector: NDArray[np.float32] = table_of(embed([query]), rows=1, dimensions=dimensions)[0].astype(
        np.float32, copy=False
    )
    return vector


def remembering(
    mind: Mind,
    drafts: Sequence[Draft],
    vectors: Sequence[Vector],
    ids: Sequence[bytes],
    now: int,
    heard: Heard,
) -> Writing:
    """Each draft becomes a memory with the id that was drawn for it, or a repeat of one that is known.

    Raises:
        EmbedderError: the vectors have other dimensions than those that are kept.
    """
    _check_dimensions(mind, vectors)
    writing = Writing()
    fresh: dict[object, bytes] = {}
    for draft, vector, raw in zip(drafts, vectors, ids, strict=True):
        same = _sameness(draft)
        at = now if draft.at is None else micros(draft.at)
        known = fresh.get(same) or _known(mind, draft)
        if known is not None:
            writing.events.append(Repeated(known, at, now))
            writing.ids.append(known)
            continue
        echo = mind.echo_of(draft.text, heard)
        writing.events.append(_remembered(raw, draft, at, now, vector, echo_of=echo))
        writing.ids.append(raw)
        fresh[same] = raw
    return writing


def first_tellings(writing: Writing) -> dict[bytes, Memory]:
    """The memories that came to be with this append and were not repeated in it, by their raw ids.

    As the mind would give them; made here because reading thousands back out of it takes longer than writing them.
    """
    repeated = {event.id for event in writing.events if type(event) is Repeated}
    return {
        event.id: Memory(
            id=id_text(event.id),
            text=event.text,
            at=moment(event.at),
            recorded=moment(event.recorded),
            thread=event.thread,
            source=event.source,
            kind=event.kind,
            metadata=event.metadata or NO_METADATA,
            pinned=event.pinned,
            echo_of=None if event.echo_of is None else id_text(event.echo_of),
            supersedes=None if event.supersedes is None else id_text(event.supersedes),
        )
        for event in writing.events
        if type(event) is Remembered and event.id not in repeated
    }


def choosing(embedder: Embedder) -> EmbedderChosen:
    """The event that puts an embedder in force.

    Raises:
        EmbedderError: its identity or its number of dimensions is one that a log cannot hold.
    """
    event = EmbedderChosen(embedder.identity, embedder.dimensions)
    try:
        decode(encode(event))  # what is written and cannot be read would lock everybody out
    except (msgspec.MsgspecError, TypeError, OverflowError):
        raise EmbedderError("an embedder has an identity that is text, and 1 to 65,536 dimensions") from None
    return event


def amended(current: Memory, changes: Mapping[str, Any]) -> Draft:
    """The current version with the changes made (None changes nothing), checked.

    Raises:
        InputError: a changed field is not one that can be kept.
    """
    made = {name: value for name, value in changes.items() if value is not None}
    return checked(replace(_draft(current), **made))


def _draft(current: Memory) -> Draft:
    """What would have this remembered: unchecked, since an earlier Severance may have kept what is refused now."""
    return Draft(
        text=current.text,
        at=current.at,
        thread=current.thread,
        source=current.source,
        kind=current.kind,
        metadata=current.metadata,
        pinned=current.pinned,
    )


def amending(
    mind: Mind, memory: str, changes: Mapping[str, Any], embedder: Embedder, new_id: bytes, now: int
) -> Writing:
    """A version after the current one, or nothing where the changes change nothing.

    Raises:
        NotFoundError: no such memory.
        EmbedderError: as `embedded` and `remembering`.
    """
    versions = mind.history(memory)
    if not versions:
        raise unknown_memory()
    current = versions[-1]
    draft, before = amended(current, changes), _draft(current)
    tip = _raw(current.id)
    at = micros(time_of(draft.at, "at"))
    if (_sameness(draft), draft.pinned, draft.at) == (_sameness(before), before.pinned, before.at):
        return Writing(ids=[tip])
    vector = embedded(embedder, [draft.text])[0]
    _check_dimensions(mind, [vector])
    return Writing([_remembered(new_id, draft, at, now, vector, supersedes=tip)], [new_id])


def forgetting(mind: Mind, memory: str, now: int) -> Writing:
    """All versions of a memory gone, and the records that hold them erased.

    Raises:
        NotFoundError: no such memory.
    """
    chain = mind.chain(memory)
    if not chain:
        raise unknown_memory()
    seqs = sorted(mind.seqs(chain))
    return Writing([Forgotten(chain, seqs, now)], chain, seqs)


def another_embedder(theirs: str, ours: str) -> EmbedderError:
    """The error for memories embedded by `theirs` in a house that uses `ours` (identities).

    Theirs is from the store, which somebody else may have prepared: it is shown where an encoder could have written it.
    """
    spec = spec_of(theirs)
    like_one = _IDENTITY.fullmatch(theirs) is not None and "://" not in theirs
    shown = theirs if like_one else "another embedder that this version does not know"
    its = f"--embedder '{spec}'" if spec is not None else "the embedder they were made with"
    return EmbedderError(
        f"these memories were embedded by {shown}, and this house uses {ours}; "
        f"run `severance reembed`, or open the house with {its}"
    )


def unknown_memory() -> NotFoundError:
    """The one error for an id that cannot be had from here, for whatever reason."""
    return NotFoundError("no memory with that id is remembered here")


def found(memory: Memory | None) -> Memory:
    """The memory, where there is one.

    Raises:
        NotFoundError: there is none; as `unknown_memory`.
    """
    if memory is None:
        raise unknown_memory()
    return memory


def _check_dimensions(mind: Mind, vectors: Sequence[Vector]) -> None:
    # An endpoint may serve another model under the same name from one day to the next.
    wanted = {mind.embedder.dimensions} if mind.embedder is not None else set()
    found = {len(vector[0]) for vector in vectors}
    if wanted and found - wanted:
        raise EmbedderError(
            f"the embedder now makes vectors of {min(found - wanted)} components, and the memories have {min(wanted)}; "
            "nothing was kept: bring the former model back, or give the new one a name or version of its own and run "
            "`severance reembed`"
        )


def _remembered(
    raw: bytes,
    draft: Draft,
    at: int,
    now: int,
    vector: Vector,
    *,
    echo_of: str | None = None,
    supersedes: bytes | None = None,
) -> Remembered:
    return Remembered(
        id=raw,
        text=draft.text,
        at=at,
        recorded=now,
        thread=draft.thread,
        source=draft.source,
        kind=draft.kind,
        metadata=dict(draft.metadata),
        pinned=draft.pinned,
        echo_of=None if echo_of is None else _raw(echo_of),
        supersedes=supersedes,
        vector=vector[0],
        scale=vector[1],
    )


def _known(mind: Mind, draft: Draft) -> bytes | None:
    memory = mind.find_repeat(draft)
    return None if memory is None else _raw(memory.id)


def _sameness(draft: Draft) -> object:
    # The types are part of it: 1, 1.0 and True are equal in Python, and are not the same metadata.
    metadata = tuple(sorted((name, type(value).__name__, value) for name, value in draft.metadata.items()))
    return draft.text, draft.thread, draft.source, draft.kind, metadata


def _raw(memory: str) -> bytes:
    raw = id_bytes(memory)
    if raw is None:
        raise unknown_memory()
    return raw
