"""What can still be read of a log in which not everything is what was written."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from severance.crypto.envelope import after, genesis
from severance.crypto.primitives import sha256
from severance.errors import DamagedError, NewerVersionError
from severance.model import Head
from severance.ports import Entry
from severance.records import Forgotten
from severance.space import NOT_FORGOTTEN, NOT_WRITTEN, PAGE, Numbered, Space


def salvage(space: Space) -> Iterator[Numbered | DamagedError]:
    """Every record of the log, opened where it is intact, else the damage. Leaves the space's `head` alone."""
    before = genesis(space.key.space, space.key.epoch)
    erased: set[int] = set()
    told = 0
    for entry in _entries(space):
        if isinstance(entry, DamagedError):
            told = entry.record or told
            yield entry
            continue
        if before.seq + 1 not in (entry.seq, told):
            yield space.damaged(before.seq + 1, "is missing")
        follows = entry.seq == before.seq + 1
        before, place = Head(entry.seq, entry.digest), Head(entry.seq - 1, before.digest)
        if entry.frame is None:
            erased.add(entry.seq)
            if follows and place.then(entry.hash) != before:
                yield space.damaged(entry.seq, NOT_WRITTEN)
            continue
        try:
            event = space.opened(place, entry.frame)
        except (DamagedError, NewerVersionError) as problem:
            yield problem if isinstance(problem, DamagedError) else space.damaged(entry.seq, NOT_WRITTEN)
            continue
        head = after(place, entry.frame)
        if (head, sha256(entry.frame)) != (
            before,
            entry.hash,
        ):  # the frame is what was written, so those were altered
            yield space.damaged(entry.seq, NOT_WRITTEN)
            before = head
        if isinstance(event, Forgotten):
            erased.difference_update(event.seqs)
        yield entry.seq, event
    for seq in sorted(erased):
        yield space.damaged(seq, NOT_FORGOTTEN)


def _entries(space: Space) -> Iterator[Entry | DamagedError]:
    """All entries, a page at a time; where a page cannot be read, record by record up to the vault's head."""
    seq = 0
    while True:
        try:
            entries = space.read(seq, PAGE)
        except DamagedError:
            break
        if not entries:
            return
        if any(one.seq >= other.seq for one, other in pairwise(entries)):
            break  # out of order, so where a page ends says nothing about where the next begins
        yield from entries
        seq = entries[-1].seq
    try:
        known = end = space.stored().seq
    except DamagedError as problem:
        yield problem
        known, end = seq, seq + PAGE  # how far it goes is not known any more; look a little further
    for number in range(seq, end):
        try:
            found = space.read(number, 1)
        except DamagedError:
            if number < known:
                yield space.damaged(number + 1, "cannot be read")
            continue
        yield from (entry for entry in found if entry.seq == number + 1)
