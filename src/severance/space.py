"""A space: one sealed log under one key. Here the vault (which is blind) and the envelope (which has no files) meet."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

import msgspec

from severance.crypto.envelope import (
    KEY_BYTES,
    SPACE_BYTES,
    Opener,
    Sealer,
    SpaceKey,
    after,
    chunk_place,
    filled,
    genesis,
    record_place,
)
from severance.crypto.primitives import sha256
from severance.errors import ConflictError, DamagedError, NewerVersionError, NotFoundError, RolledBackError
from severance.mind.columns import mapping
from severance.model import Head, Plain, Sealed
from severance.ports import Entropy, Entry, Layer, NewSpace, Vault
from severance.records import Event, Forgotten, decode, encode

CHUNK_BYTES = 2**20 - 4
"""Of content in a chunk, at most; with its length it fills a bucket."""

_WORTH_CUTTING = 4_096
_ALIGN = 64
_MARKS = 128
"""Records between two heads that are remembered when they were passed, so that others can be held against them."""

PAGE = 2_048
"""Entries that are read at once."""
NOT_WRITTEN = "is not what was written there"
NOT_FORGOTTEN = "is gone, and nothing in the log says that it was forgotten"

Numbered = tuple[int, Event]
"""A record's sequence number and what it says."""


class Pictured(NamedTuple):
    """What a layer holds, the mind's own encoding, of the records after `begin` up to `end`."""

    begin: Head
    end: Head
    content: memoryview


def _chunk(left: int) -> int:
    """How many bytes the next chunk takes of so many: what fills a bucket, so that only little is padded at the end."""
    if left > CHUNK_BYTES:
        return CHUNK_BYTES
    return filled(left) if left > _WORTH_CUTTING else left


def new_key(entropy: Entropy, scope: bytes) -> SpaceKey:
    """A key for a space that does not exist yet. `scope` names whose it will be, for the entropy port."""
    return SpaceKey(entropy.draw(SPACE_BYTES, scope), 1, entropy.draw(KEY_BYTES, scope))


class Space:
    """Reads on and appends; knows how far it has read. Not for use by two threads at once.

    Attributes:
        key: whose bytes these are.
        head: how far this reader has seen the log.
    """

    def __init__(self, vault: Vault, key: SpaceKey, entropy: Entropy) -> None:
        self.key = key
        self.head = genesis(key.space, key.epoch)
        self._marks = [self.head]
        self._vault = vault
        self._entropy = entropy
        self._sealer = Sealer(key, entropy)
        self._opener = Opener(key)

    def again(self) -> Space:
        """The same space, read from the beginning."""
        return Space(self._vault, self.key, self._entropy)

    def restart(self) -> None:
        """Stand at the beginning again, and know nothing of what was passed."""
        self.head = genesis(self.key.space, self.key.epoch)
        self._marks = [self.head]

    def skip(self, held: Pictured) -> None:
        """Stand at the end of a layer that begins at `head`."""
        self._marks += [each for each in (held.begin, held.end) if each.seq > self._marks[-1].seq]
        self.head = held.end

    def begun(self, events: Sequence[Event] = ()) -> NewSpace:
        """The space as a vault is to make it, with these for its first records; `head` moves to the last."""
        before = self.head
        frames, heads = self._sealed(events)
        self._pass(heads)
        return NewSpace(self.key.space, before, frames)

    def stored(self, anchor: Head | None = None) -> Head:
        """The head that the vault names; nobody has sealed it.

        Args:
            anchor: a head that it may not be behind.

        Raises:
            DamagedError: it names none, or the vault does not have the space.
            RolledBackError: it is behind the anchor.
        """
        return stored_head(self._vault, self.key.space, anchor)

    def layers(self) -> list[tuple[int, int]]:
        """The numbers of the first and the last record that each layer in the vault stands for, ascending."""
        with _expected(self.key.space):
            return self._vault.layers(self.key.space)

    def read_layers(self) -> list[Pictured]:
        """What the space's layers hold, ascending; none begins before `head`, which is left alone.

        Raises:
            DamagedError: a chunk is not what was written, or they do not stand for one log.
            RolledBackError: the log does not reach the last of them any more.
        """
        with _expected(self.key.space):
            layers = self._vault.read_layers(self.key.space)
        # One place for all of it: what is opened chunk by chunk then lies in memory that was used before.
        room, found = _room(layers), list[Pictured]()
        for layer in layers:
            content = self._content(layer, room)
            found.append(Pictured(layer.begin, layer.end, content))
            room = room[-(-len(content) // _ALIGN) * _ALIGN :]
        before = self.head
        for held in found:
            if before.seq > held.begin.seq or (before.seq == held.begin.seq and before != held.begin):
                raise self.damaged(held.end.seq, "is in a layer that does not stand where it was written for")
            before = held.end
        if found:
            last, stored = found[-1].end, self.stored()
            if stored.seq < last.seq or (stored.seq == last.seq and stored != last):
                raise _rolled_back(self.key.space, stored.seq)
        return found

    def _content(self, layer: Layer, room: memoryview) -> memoryview:
        """What a layer holds, written to the beginning of `room`."""
        if not layer.chunks:
            raise self.damaged(layer.end.seq, "is in a layer without content")
        size, before, last = 0, b"", len(layer.chunks) - 1
        for index, chunk in enumerate(layer.chunks):
            place = chunk_place(layer.begin, layer.end, index, before, last=index == last)
            content = self._opener.open(place, chunk)
            room[size : size + len(content)] = content
            size += len(content)
            before = chunk
        return room[:size].toreadonly()

    def write_layers(self, contents: Sequence[tuple[int, int, bytes]], drop: Sequence[int] = ()) -> bool:
        """Seal what layers of these ranges of records (first, last) hold, in the place of those that end at `drop`.

        They were made of everything up to `head`. Returns whether the vault kept them.
        """
        layers = [self._layer(self._at(first - 1), self._at(last), content) for first, last, content in contents]
        return self._vault.write_layers(self.key.space, self.head.seq, layers, drop)

    def _layer(self, begin: Head, end: Head, content: bytes) -> Layer:
        chunks, before, start = list[Sealed](), b"", 0
        while not chunks or start < len(content):
            size = _chunk(len(content) - start)
            place = chunk_place(begin, end, len(chunks), before, last=start + size == len(content))
            before = self._sealer.seal(place, Plain(content[start : start + size]))
            chunks.append(Sealed(before))
            start += size
        return Layer(begin, end, tuple(chunks))

    def read_to(self, end: Head) -> tuple[list[Numbered], set[int]]:
        """Every record after `head` up to `end`, with `head` moved there, and the numbers of those that were erased.

        Raises:
            DamagedError: a record is not what was written there, or is missing, or `end` is not where they lead.
        """
        found, erased = list[Numbered](), set[int]()
        while self.head.seq < end.seq:
            entries = self.read(self.head.seq, min(PAGE, end.seq - self.head.seq))
            if not entries:
                raise self.damaged(self.head.seq + 1, "is missing")
            for entry in entries:
                event = self._next(entry)
                if event is None:
                    erased.add(entry.seq)
                else:
                    found.append((entry.seq, event))
        if self.head != end:
            raise self.damaged(end.seq, NOT_WRITTEN)
        return found, erased

    def unlike(self) -> DamagedError:
        """The error for layers that say something else than the log."""
        space = self.key.space.hex()
        return DamagedError(
            f"the snapshot of space {space} does not say what its log says: it is of another history, or was made "
            "wrongly; run `severance check`",
            space=space,
        )

    def unexplained(self, erased: set[int]) -> DamagedError:
        """The error for records that are gone without anything that says that they were forgotten."""
        return self.damaged(min(erased), NOT_FORGOTTEN)

    def read_on(self, anchor: Head | None = None) -> list[Numbered]:
        """Every record after `head`, checked as a whole: what `pages` gives, together."""
        return list(chain.from_iterable(self.pages(anchor)))

    def pages(self, anchor: Head | None = None) -> Iterator[list[Numbered]]:
        """Every record after `head`, opened and checked, with `head` moved along. Erased ones are left out.

        What concerns the log as a whole is checked when the last page was given: until then, nothing may be made of it
        that stays.

        Args:
            anchor: a head that the log must contain; checked where the reading passes it.

        Raises:
            DamagedError: a record is not what was written there, is missing, or was erased without a `Forgotten`.
            RolledBackError: the log ends before the anchor, or had another record there.
        """
        erased = self._compare(anchor) if anchor is not None and anchor.seq <= self.head.seq else set[int]()
        while entries := self.read(self.head.seq, PAGE):
            found: list[Numbered] = []
            for entry in entries:
                event = self._next(entry)
                if event is None:
                    erased.add(entry.seq)
                else:
                    found.append((entry.seq, event))
                    if type(event) is Forgotten:
                        erased.difference_update(event.seqs)
                if anchor is not None and anchor.seq == entry.seq and anchor != self.head:
                    raise _rolled_back(self.key.space, entry.seq)
            yield found
        # First, since the record that says what was forgotten may be among those that were cut off.
        if anchor is not None and self.head.seq < anchor.seq:
            raise _rolled_back(self.key.space, self.head.seq)
        if erased:
            raise self.unexplained(erased)

    def confirm(self) -> None:
        """Check that what was read is where the vault's own head says that the log ends, or that more is to be read.

        Raises:
            RolledBackError: the vault is behind, or has another record at the same number.
            DamagedError: the vault's head is further on, and the records up to it are not there.
        """
        stored = self.stored()
        if stored.seq < self.head.seq or (stored.seq == self.head.seq and stored != self.head):
            raise _rolled_back(self.key.space, stored.seq)
        if stored.seq > self.head.seq and not self.read(self.head.seq, 1):
            raise self.damaged(self.head.seq + 1, "is missing")

    def append(self, events: Sequence[Event], erase: Sequence[int] = ()) -> None:
        """Seal the events and put them after `head`, durably; `head` moves to the last.

        Raises:
            ConflictError: another writer was first. Nothing was written: `read_on`, then try again.
            RolledBackError: the vault is behind what was read.
        """
        frames, heads = self._sealed(events)
        try:
            self._vault.append(self.key.space, self.head, frames, erase)
        except ConflictError:
            self.confirm()
            raise
        self._pass(heads)

    def _sealed(self, events: Sequence[Event]) -> tuple[list[Sealed], list[Head]]:
        """The events as frames to stand after `head`, and the head after each."""
        head, frames, heads = self.head, list[Sealed](), list[Head]()
        for event in events:
            frame = self._sealer.seal(record_place(head), encode(event))
            head = after(head, frame)
            frames.append(frame)
            heads.append(head)
        return frames, heads

    def _pass(self, heads: Sequence[Head]) -> None:
        """Stand at the last of these, which go on from `head`."""
        if heads:
            self.head = heads[-1]
            self._marks += [head for head in heads if head.seq % _MARKS == 0]

    def read(self, after: int, limit: int) -> list[Entry]:
        """Some entries after this number as the vault has them: nothing was opened, and nothing is checked."""
        with _expected(self.key.space):
            return self._vault.read(self.key.space, after, limit)

    def _compare(self, anchor: Head) -> set[int]:
        """Hold the log against an anchor that lies at or before `head`.

        The records from there on must lead to `head`. That the log has the anchor is not enough where layers reach
        further: they might be those of another history, which an earlier state of the vault had.

        Returns:
            The numbers of erased records that none of these says were forgotten.
        """
        if self._at(anchor.seq) != anchor:
            raise _rolled_back(self.key.space, anchor.seq)
        onward = self.again()
        onward.head = anchor
        news, erased = onward.read_to(self.head)
        for _, event in news:
            if type(event) is Forgotten:
                erased.difference_update(event.seqs)
        return erased

    def _at(self, seq: int) -> Head:
        """The head at this number, at or before `head`: what the vault says, if the next head that was passed follows
        from it. So nobody else decides what a layer is sealed for.
        """
        index = bisect_left(self._marks, seq, key=attrgetter("seq"))
        known = self._marks[index] if index < len(self._marks) else self.head
        if known.seq == seq:
            return known
        at = head = Head(seq - 1, b"")
        while head.seq < known.seq:
            entries = self.read(head.seq, known.seq - head.seq)
            if not entries:
                raise self.damaged(head.seq + 1, "is missing")
            for entry in entries:
                head = head.then(entry.hash) if entry.seq > seq else Head(entry.seq, entry.digest)
                at = head if entry.seq == seq else at
        if head != known or at.seq != seq:
            raise self.damaged(seq, NOT_WRITTEN)
        return at

    def _next(self, entry: Entry) -> Event | None:
        if entry.seq != self.head.seq + 1:
            raise self.damaged(self.head.seq + 1, "is missing")
        head = self.head.then(entry.hash)
        if head.digest != entry.digest or (entry.frame is not None and sha256(entry.frame) != entry.hash):
            raise self.damaged(entry.seq, NOT_WRITTEN)
        event = None if entry.frame is None else self.opened(self.head, entry.frame)
        self.head = head
        if head.seq % _MARKS == 0:
            self._marks.append(head)
        return event

    def opened(self, before: Head, frame: bytes) -> Event:
        """The record that stands after this head.

        Raises:
            DamagedError: it is not what was written there.
            NewerVersionError: a later version wrote it.
        """
        plain = self._opener.open(record_place(before), frame)
        try:
            return decode(plain)
        except (msgspec.MsgspecError, UnicodeDecodeError):  # the second for text that is not UTF-8
            raise NewerVersionError(
                f"record {before.seq + 1} of space {self.key.space.hex()} was written by a later version of Severance; "
                "use that version"
            ) from None

    def damaged(self, seq: int, problem: str) -> DamagedError:
        """The error for a record of this space that has this problem."""
        space = self.key.space.hex()
        return DamagedError(
            f"record {seq} of space {space} {problem}; run `severance check`, "
            "and `severance check --salvage FILE` to save the rest",
            space=space,
            record=seq,
        )


def _room(layers: Sequence[Layer]) -> memoryview:
    """Room for what these layers hold; a chunk's frame is longer than its content by more than what `_ALIGN` takes."""
    return memoryview(mapping(max(sum(len(chunk) for layer in layers for chunk in layer.chunks), 1)))


def stored_head(vault: Vault, space: bytes, anchor: Head | None = None) -> Head:
    """As `Space.stored`, for a space of which only the id is at hand."""
    with _expected(space):
        head = vault.head(space)
    if anchor is not None and (head.seq < anchor.seq or (head.seq == anchor.seq and head != anchor)):
        raise _rolled_back(space, head.seq)
    return head


@contextmanager
def _expected(space: bytes) -> Iterator[None]:
    # Whoever has the key of a space was told by the chip that there is one.
    try:
        yield
    except NotFoundError:
        raise DamagedError(
            f"space {space.hex()} is not in the vault, and the chip has its key; restore the vault from a backup",
            space=space.hex(),
        ) from None


def _rolled_back(space: bytes, seq: int) -> RolledBackError:
    return RolledBackError(
        f"space {space.hex()} ends or differs at record {seq}, before what was seen of it: an earlier state was "
        "put back; restore the newer vault, or accept this one: `severance backup --without-chip FILE`, then "
        "`severance restore FILE --replace --accept-older`",
        space=space.hex(),
        record=seq,
    )
