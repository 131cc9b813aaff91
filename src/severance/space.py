"""A space: one sealed log under one key. Here the vault (which is blind) and the envelope (which has no files) meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import msgspec

from severance.crypto.envelope import (
    KEY_BYTES,
    SPACE_BYTES,
    Opener,
    Sealer,
    SpaceKey,
    after,
    chunk_place,
    genesis,
    record_place,
)
from severance.errors import ConflictError, DamagedError, NewerVersionError, NotFoundError, RolledBackError
from severance.model import Head, Plain, Sealed
from severance.ports import Entropy, Entry, Snapshot, Vault
from severance.records import Event, Forgotten, decode, encode

CHUNK_BYTES = 2**20
_PAGE = 2048
_NOT_WRITTEN = "is not what was written there"
_NOT_FORGOTTEN = "is gone, and nothing in the log says that it was forgotten"

Numbered = tuple[int, Event]
"""A record's sequence number and what it says."""


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
        self._vault = vault
        self._entropy = entropy
        self._sealer = Sealer(key, entropy)
        self._opener = Opener(key)

    def again(self) -> Space:
        """The same space, read from the beginning."""
        return Space(self._vault, self.key, self._entropy)

    def create(self) -> None:
        """Make the empty space in the vault."""
        self._vault.create(self.key.space, self.head)

    def stored(self, anchor: Head | None = None) -> Head:
        """The head that the vault names; nobody has sealed it.

        Args:
            anchor: a head that it may not be behind.

        Raises:
            DamagedError: it names none, or the vault does not have the space.
            RolledBackError: it is behind the anchor.
        """
        with self._expected():
            head = self._vault.head(self.key.space)
        if anchor is not None and (head.seq < anchor.seq or (head.seq == anchor.seq and head != anchor)):
            raise self._rolled_back(head.seq)
        return head

    def read_snapshot(self) -> bytes | None:
        """The content of the space's snapshot, with `head` moved to where it stands; None when there is none.

        Raises:
            DamagedError: a chunk is not what was written.
            RolledBackError: the log does not reach the snapshot any more.
        """
        with self._expected():
            snapshot = self._vault.read_snapshot(self.key.space)
        if snapshot is None:
            return None
        if not snapshot.chunks:
            raise self._damaged(snapshot.at.seq, "has a snapshot without content")
        stored = self.stored()
        if stored.seq < snapshot.at.seq or (stored.seq == snapshot.at.seq and stored != snapshot.at):
            raise self._rolled_back(stored.seq)
        last = len(snapshot.chunks) - 1
        content, before = list[bytes](), b""
        for index, chunk in enumerate(snapshot.chunks):
            content.append(self._opener.open(chunk_place(snapshot.at, index, before, last=index == last), chunk))
            before = chunk
        self.head = snapshot.at
        return b"".join(content)

    def write_snapshot(self, content: bytes) -> bool:
        """Seal `content` as the snapshot of `head`; returns whether the vault kept it."""
        starts = range(0, max(len(content), 1), CHUNK_BYTES)
        chunks, before = list[Sealed](), b""
        for index, start in enumerate(starts):
            place = chunk_place(self.head, index, before, last=start == starts[-1])
            before = self._sealer.seal(place, Plain(content[start : start + CHUNK_BYTES]))
            chunks.append(Sealed(before))
        return self._vault.write_snapshot(self.key.space, Snapshot(self.head, tuple(chunks)))

    def read_on(self, anchor: Head | None = None) -> list[Numbered]:
        """Every record after `head`, opened and checked, with `head` moved to the last. Erased ones are left out.

        Args:
            anchor: a head that the log must contain; checked where the reading passes it.

        Raises:
            DamagedError: a record is not what was written there, is missing, or was erased without a `Forgotten`.
            RolledBackError: the log ends before the anchor, or had another record there.
        """
        if anchor is not None and anchor.seq <= self.head.seq:
            self._compare(anchor)
        found: list[Numbered] = []
        erased: set[int] = set()
        while entries := self._read(self.head.seq, _PAGE):
            for entry in entries:
                event = self._next(entry)
                if event is None:
                    erased.add(entry.seq)
                else:
                    found.append((entry.seq, event))
                    if type(event) is Forgotten:
                        erased.difference_update(event.seqs)
                if anchor is not None and anchor.seq == entry.seq and anchor != self.head:
                    raise self._rolled_back(entry.seq)
        # First, since the record that says what was forgotten may be among those that were cut off.
        if anchor is not None and self.head.seq < anchor.seq:
            raise self._rolled_back(self.head.seq)
        if erased:
            raise self._damaged(min(erased), _NOT_FORGOTTEN)
        return found

    def confirm(self) -> None:
        """Check that what was read is where the vault's own head says that the log ends, or that more is to be read.

        Raises:
            RolledBackError: the vault is behind, or has another record at the same number.
            DamagedError: the vault's head is further on, and the records up to it are not there.
        """
        stored = self.stored()
        if stored.seq < self.head.seq or (stored.seq == self.head.seq and stored != self.head):
            raise self._rolled_back(stored.seq)
        if stored.seq > self.head.seq and not self._read(self.head.seq, 1):
            raise self._damaged(self.head.seq + 1, "is missing")

    def append(self, events: Sequence[Event], erase: Sequence[int] = ()) -> None:
        """Seal the events and put them after `head`, durably; `head` moves to the last.

        Raises:
            ConflictError: another writer was first. Nothing was written: `read_on`, then try again.
            RolledBackError: the vault is behind what was read.
        """
        head, frames = self.head, list[Sealed]()
        for event in events:
            frame = self._sealer.seal(record_place(head), encode(event))
            frames.append(frame)
            head = after(head, frame)
        try:
            self.head = self._vault.append(self.key.space, self.head, frames, erase)
        except ConflictError:
            self.confirm()
            raise

    def salvage(self) -> Iterator[Numbered | DamagedError]:
        """Every record of the log, opened where it is intact, else the damage. Leaves `head` alone."""
        before = genesis(self.key.space, self.key.epoch)
        erased: set[int] = set()
        told = 0
        for entry in self._entries_one_by_one():
            if isinstance(entry, DamagedError):
                told = entry.record or told
                yield entry
                continue
            if before.seq + 1 not in (entry.seq, told):
                yield self._damaged(before.seq + 1, "is missing")
            before, place = Head(entry.seq, entry.digest), Head(entry.seq - 1, before.digest)
            if entry.frame is None:
                erased.add(entry.seq)
                continue
            try:
                event = self._open(place, entry.frame)
            except (DamagedError, NewerVersionError) as problem:
                yield problem if isinstance(problem, DamagedError) else self._damaged(entry.seq, _NOT_WRITTEN)
                continue
            head = after(place, entry.frame)
            if head != before:  # the frame is what was written, so it is the digest beside it that was altered
                yield self._damaged(entry.seq, _NOT_WRITTEN)
                before = head
            if isinstance(event, Forgotten):
                erased.difference_update(event.seqs)
            yield entry.seq, event
        for seq in sorted(erased):
            yield self._damaged(seq, _NOT_FORGOTTEN)

    def _entries_one_by_one(self) -> Iterator[Entry | DamagedError]:
        """All entries, a page at a time; where a page cannot be read, record by record up to the vault's head."""
        seq = 0
        while True:
            try:
                entries = self._read(seq, _PAGE)
            except DamagedError:
                break
            if not entries:
                return
            if any(one.seq >= other.seq for one, other in pairwise(entries)):
                break  # out of order, so where a page ends says nothing about where the next begins
            yield from entries
            seq = entries[-1].seq
        try:
            known = end = self.stored().seq
        except DamagedError as problem:
            yield problem
            known, end = seq, seq + _PAGE  # how far it goes is not known any more; look a little further
        for number in range(seq, end):
            try:
                found = self._read(number, 1)
            except DamagedError:
                if number < known:
                    yield self._damaged(number + 1, "cannot be read")
                continue
            yield from (entry for entry in found if entry.seq == number + 1)

    @contextmanager
    def _expected(self) -> Iterator[None]:
        # Whoever has the key of a space was told by the chip that there is one.
        try:
            yield
        except NotFoundError:
            space = self.key.space.hex()
            raise DamagedError(
                f"space {space} is not in the vault, and the chip has its key; restore the vault from a backup",
                space=space,
            ) from None

    def _read(self, after: int, limit: int) -> list[Entry]:
        with self._expected():
            return self._vault.read(self.key.space, after, limit)

    def _compare(self, anchor: Head) -> None:
        """Hold the log against an anchor that lies at or before `head`."""
        here = self.head.digest
        if anchor.seq == 0:
            here = genesis(self.key.space, self.key.epoch).digest
        elif anchor.seq < self.head.seq:
            entries = self._read(anchor.seq - 1, 1)
            if not entries or entries[0].seq != anchor.seq:
                raise self._damaged(anchor.seq, "is missing")
            frame = entries[0].frame
            here = entries[0].digest if frame is None else after(anchor, frame).digest
        if here != anchor.digest:
            raise self._rolled_back(anchor.seq)

    def _next(self, entry: Entry) -> Event | None:
        if entry.seq != self.head.seq + 1:
            raise self._damaged(self.head.seq + 1, "is missing")
        if entry.frame is None:
            self.head = Head(entry.seq, entry.digest)
            return None
        head = after(self.head, entry.frame)
        if head.digest != entry.digest:
            raise self._damaged(entry.seq, _NOT_WRITTEN)
        event = self._open(self.head, entry.frame)
        self.head = head
        return event

    def _open(self, before: Head, frame: bytes) -> Event:
        plain = self._opener.open(record_place(before), frame)
        try:
            return decode(plain)
        except (msgspec.MsgspecError, UnicodeDecodeError):  # the second for text that is not UTF-8
            raise NewerVersionError(
                f"record {before.seq + 1} of space {self.key.space.hex()} was written by a later version of Severance; "
                "use that version"
            ) from None

    def _damaged(self, seq: int, problem: str) -> DamagedError:
        space = self.key.space.hex()
        return DamagedError(
            f"record {seq} of space {space} {problem}; run `severance check`, "
            "and `severance check --salvage FILE` to save the rest",
            space=space,
            record=seq,
        )

    def _rolled_back(self, seq: int) -> RolledBackError:
        space = self.key.space.hex()
        return RolledBackError(
            f"space {space} ends or differs at record {seq}, before what was seen of it: an earlier state was "
            "put back; restore the newer vault, or accept this one: `severance backup --without-chip FILE`, then "
            "`severance restore FILE --replace --accept-older`",
            space=space,
            record=seq,
        )
