"""A run in a few bytes, so that runs of different processes can be held against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from severance.barrier.traces.compare import Pair, Run, Variant
from severance.barrier.traces.people import EVERYONE, Who, name_of


@dataclass(frozen=True)
class Digest:
    """What a run showed.

    Attributes:
        seen: to each persona; to None what everybody may see.
        spaces: what the disk showed of each space.
        disk: what it showed altogether.
        common: what it showed of no space and may not depend on any: the layout, and the names of the files.
        undeclared: sizes on disk that tell more than they may.
        own: the space of each persona.
    """

    seen: Mapping[Who | None, bytes]
    spaces: Mapping[bytes, bytes]
    disk: bytes
    common: bytes
    undeclared: tuple[str, ...]
    own: Mapping[Who, bytes]


def digest(run: Run) -> Digest:
    """The digest of a run."""
    ids = {id for shape in run.shapes for id in shape.spaces}  # noqa: A001 - the word of the shape
    return Digest(
        seen={who: _hash(tuple(run.of(who))) for who in (None, *EVERYONE)},
        spaces={id: _hash([shape.spaces.get(id) for shape in run.shapes]) for id in ids},  # noqa: A001
        disk=_hash([(sorted(shape.spaces.items()), shape.rows, shape.files, shape.chip) for shape in run.shapes]),
        common=_hash([(shape.layout, [name for name, _ in shape.files]) for shape in run.shapes]),
        undeclared=tuple(sentence for shape in run.shapes for sentence in shape.undeclared),
        own=dict(run.spaces),
    )


def paired(whole: Digest, other: Digest, victim: Who, variant: Variant) -> Pair:
    """As `compare.compared`, by what digests can tell: that something differs, and for whom."""
    when = f"when {name_of(victim)} {variant}"
    crossed = tuple(
        f"{'everybody' if who is None else name_of(who)} sees something else {when}"
        for who in (None, *EVERYONE)
        if who != victim and whole.seen[who] != other.seen[who]
    )
    same = whole.disk == other.disk if variant is Variant.REPLACED else _but(whole, victim) == _but(other, victim)
    same = same and whole.common == other.common
    shown = [] if same else [f"the disk shows something else {when}"]
    return Pair(victim, variant, crossed, (*shown, *dict.fromkeys((*whole.undeclared, *other.undeclared))))


def _but(found: Digest, victim: Who) -> dict[bytes, bytes]:
    return {space: shown for space, shown in found.spaces.items() if space != found.own.get(victim)}


def _hash(value: object) -> bytes:
    return blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=16).digest()
