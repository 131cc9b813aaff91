"""The audit log of one house: events are told to it, read from it, and held against its checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from severance.audit import export, notes, proofs
from severance.audit.events import (
    Happened,
    Unreadable,
    What,
    check_kept,
    is_its_own,
    opened,
    opened_tail,
    sealed,
    sealed_tail,
    tail_of,
)
from severance.audit.log import LogFile, Tails
from severance.audit.notes import Checkpoint
from severance.crypto.envelope import Opener, SpaceKey, disclosed
from severance.errors import DamagedError, StoreError
from severance.ports import Clock, Entropy

HEAD_EVERY = 64
"""After so many entries of one house, the log's head is remembered elsewhere."""

KeepHead = Callable[[int, bytes], None]
"""Remembers how many entries the log has, and the root over them."""


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """What seals a log's entries, and the seed of what signs its checkpoints: 32 bytes each, which the repr hides."""

    seal: bytes
    sign: bytes

    def __repr__(self) -> str:
        return "AuditKeys()"


class Signature:
    """Signs the checkpoints of one log, and reads them."""

    def __init__(self, store: bytes, seed: bytes, now: Callable[[], int]) -> None:
        """Args: the store id, the 32-byte seed, and the time in microseconds since 1970."""
        self._origin = notes.origin_of(store)
        self._seed = seed
        self._now = now
        self.verifier = notes.verifier_of(self._origin, seed)

    def sign(self, size: int, top: bytes) -> str:
        """The signed checkpoint of the log with so many entries and this root."""
        return notes.signed(Checkpoint(self._origin, size, top, max(self._now(), 0)), self._seed)

    def read(self, note: str) -> tuple[int, bytes]:
        """How many entries the log had, and its root; DamagedError when the note is not this log's."""
        checkpoint = notes.read(note, self.verifier)
        return checkpoint.size, checkpoint.root


class AuditLog:
    """The log of one house, for whoever holds its keys.

    Raises, from every method: DamagedError when the log is not what was written, StoreError when the file cannot serve.
    """

    def __init__(
        self,
        log: LogFile,
        keys: AuditKeys,
        clock: Clock,
        entropy: Entropy,
        keep_head: KeepHead = lambda size, root: None,
    ) -> None:
        """Nothing is read yet.

        Args:
            log, keys, clock, entropy: what it is made of.
            keep_head: remembers elsewhere how far the log goes, by its size and root; is told now and then.
        """
        self._log = log
        self._keep_head = keep_head
        self._untold = 0
        self._key = SpaceKey(log.store, 0, keys.seal)
        self._clock = clock
        self._entropy = entropy
        self._signature = Signature(log.store, keys.sign, self._now)

    @property
    def verifier(self) -> str:
        """The verifier key of the checkpoints, in one word that may be published."""
        return self._signature.verifier

    def tell(self, what: What, **told: Any) -> None:
        """Add what happens now, before it does: durable when this returns. `told` are fields of `Happened`.

        Raises:
            InputError: it is nothing that could be read again. Nothing was added.
        """
        self.tell_all(what, [told])

    def tell_all(self, what: What, each: Iterable[Mapping[str, Any]]) -> None:
        """The same for several of one kind, all or none of them."""
        now = self._now()
        events = [Happened(at=now, what=what, **told) for told in each]
        for event in events:
            check_kept(event)
        self._log.append([partial(_sealing, event, self._key, self._entropy) for event in events], self._signature)
        self._untold += len(events)
        if self._untold >= HEAD_EVERY:
            self.keep_head()

    def weigh(self, what: What, **told: Any) -> None:
        """The work of `tell`, and no entry: the checkpoint is signed anew, of the entries that are there."""
        event = Happened(at=self._now(), what=what, **told)
        check_kept(event)
        self._log.weigh(partial(_sealing, event, self._key, self._entropy), self._signature)

    def keep_head(self) -> None:
        """Let the log's head be remembered elsewhere. Where that cannot be written, it stays behind."""
        with suppress(StoreError):
            size, top = self._signature.read(self._log.checkpoint())
            self._keep_head(size, top)
            self._untold = 0

    def holds(self, size: int, top: bytes) -> None:
        """Hold the log against what was remembered of it: so many entries, 0 or more, under this root.

        Raises:
            DamagedError: it was cut or rewritten since.
        """
        now = self._log.size()
        if size == 0:
            return
        if now < size:
            raise DamagedError(f"the audit log was cut: the chip remembers {size:,} entries, and {now:,} are there")
        if proofs.root(self._log.node, 0, size) != top:
            raise DamagedError(
                f"the audit log was rewritten: its first {size:,} entries are not those that the chip remembers"
            )

    def own(self, subject: str, persona: str, limit: int) -> list[Happened]:
        """The last entries that a persona is shown of itself, the oldest first: as many as `limit` at most.

        Nothing else is read: neither what it takes nor what comes back depends on entries about others.
        """
        opener, found = Opener(self._key), list[Happened]()
        tail = tail_of(self._key, subject, persona)
        last = self._log.tail(tail)
        number = None if last is None else opened_tail(last, opener, tail)
        while number is not None and len(found) < limit:
            (frame,) = self._log.entries(number, number + 1)
            event = opened(frame, opener, self._key, number)
            goes_back = event.before is None or event.before < number
            if isinstance(event, Unreadable) and event.persona is None:
                found.append(event)  # nothing in it says where the chain goes on
                break
            if (event.subject, event.persona) != (subject, persona) or not goes_back:
                raise DamagedError("audit.db: an entry is in a chain that is not its own; see `severance audit`")
            found.append(event)
            number = event.before
        return found[::-1]

    def size(self) -> int:
        """How many entries there are."""
        return self._log.size()

    def events(self, first: int = 0, after: int | None = None) -> Iterator[tuple[int, Happened]]:
        """The entries with their numbers, from `first` up to `after`."""
        opener = Opener(self._key)
        until = self._log.size() if after is None else after
        for number, frame in enumerate(self._log.entries(first, until), first):
            yield number, opened(frame, opener, self._key, number)

    def checkpoint(self) -> tuple[Checkpoint, str]:
        """The last checkpoint, and the signed note that it is in."""
        note = self._log.checkpoint()
        return notes.read(note, self.verifier), note

    def verify(self) -> Checkpoint:
        """As `verified`, without the note."""
        return self.verified()[0]

    def verified(self) -> tuple[Checkpoint, str]:
        """Compute the whole tree from the entries and hold it against the checkpoint. Others may go on adding.

        Returns:
            The checkpoint, and the signed note that it is in.

        Raises:
            DamagedError: an entry cannot be read, or the log is not the one that the checkpoint was made of.
        """
        now = self._log.instant()
        checkpoint = notes.read(now.note, self.verifier)
        if (now.size, now.rows) != (checkpoint.size, checkpoint.size):
            raise DamagedError(
                f"the audit log has {now.rows:,} entries, and its last checkpoint was made of {checkpoint.size:,}: "
                "it was cut, or added to by somebody else"
            )
        opener, tree, chains = Opener(self._key), Growing(), _Chains(self._key)
        for number, frame in enumerate(self._log.entries(0, now.size)):
            chains.add(number, opened(frame, opener, self._key, number))
            for level, place, hashed in tree.add(frame):
                if self._log.node(level, place) != hashed:
                    raise _rewritten()
        if tree.root() != checkpoint.root:
            raise _rewritten()
        chains.end_at({tail: opened_tail(frame, opener, tail) for tail, frame in now.tails.items()})
        return checkpoint, now.note

    def goes_on_from(self, note: str) -> Checkpoint:
        """Hold the log against a checkpoint that a witness kept. Returns that checkpoint.

        Raises:
            DamagedError: the note is not of this log; or the log does not go on from it, but was cut or rewritten.
        """
        seen = notes.read(note, self.verifier)
        now, _ = self.checkpoint()
        if seen.size > now.size:
            raise DamagedError(
                f"the audit log was cut: a witness has seen {seen.size:,} entries, and {now.size:,} are there"
            )
        proof = proofs.consistency(self._log.node, seen.size, now.size)
        if not proofs.goes_on(seen.root, seen.size, now.root, now.size, proof):
            raise DamagedError(
                f"the audit log was rewritten: its first {seen.size:,} entries are not those that a witness has seen"
            )
        return seen

    def inclusion(self, number: int, size: int) -> list[bytes]:
        """The proof that entry `number` is in the log of the first `size` entries."""
        return proofs.inclusion(self._log.node, number, size)

    def exported(self, wanted: Callable[[Happened], bool]) -> Iterator[bytes]:
        """The lines of an export of the entries that are wanted, under the checkpoint of now; the header first."""
        checkpoint, note = self.checkpoint()
        yield export.header(self.verifier, note)
        opener = Opener(self._key)
        for number, frame in enumerate(self._log.entries(0, checkpoint.size)):
            event = opened(frame, opener, self._key, number)
            if wanted(event):
                proof = self.inclusion(number, checkpoint.size)
                yield export.line(number, event, frame, disclosed(self._key, frame), proof)

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of the log, sealed as it is, to a new file.

        Raises:
            StoreError: it exists or cannot be written.
        """
        self._log.copy_to(path)

    def close(self) -> None:
        """Let the head be remembered, and let go of the file. Doing it again does nothing."""
        try:
            if self._untold:
                self._untold = 0
                with suppress(DamagedError):  # the next opening will say so, in a call that somebody waits for
                    self.keep_head()
        finally:
            self._log.close()

    def _now(self) -> int:
        return self._clock.now()


class Growing:
    """A tree to which leaves are added, of which only the root is wanted."""

    def __init__(self) -> None:
        """Without leaves."""
        self._peaks: list[tuple[int, bytes]] = []
        self._size = 0

    def add(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """One more leaf. Returns every subtree above it (level, number, hash) that becomes perfect with it."""
        level, hashed, perfect = 0, proofs.leaf_hash(leaf), list[tuple[int, int, bytes]]()
        while self._peaks and self._peaks[-1][0] == level:
            hashed = proofs.node_hash(self._peaks.pop()[1], hashed)
            level += 1
            perfect.append((level, self._size >> level, hashed))
        self._peaks.append((level, hashed))
        self._size += 1
        return perfect

    def root(self) -> bytes:
        """The root over the leaves so far."""
        if not self._peaks:
            return proofs.EMPTY_ROOT
        total = self._peaks[-1][1]
        for _, hashed in reversed(self._peaks[:-1]):
            total = proofs.node_hash(hashed, total)
        return total


class _Chains:
    """The chains of what each persona is shown, followed through all entries."""

    def __init__(self, key: SpaceKey) -> None:
        self._key = key
        self._last: dict[bytes, int] = {}
        self._whose = set[int]()  # entries that do not say in whose chain they are

    def add(self, number: int, event: Happened) -> None:
        """One more entry; DamagedError where it does not follow the one before it in its chain."""
        if not is_its_own(event):
            if isinstance(event, Unreadable):
                self._whose.add(number)
            return
        tail = tail_of(self._key, event.subject, event.persona)
        if not self._follows(event.before, tail):
            raise _unchained()
        self._last[tail] = number

    def end_at(self, tails: Mapping[bytes, int]) -> None:
        """Hold their ends against where the log says that they are; DamagedError where one is not there."""
        if not self._last.keys() <= tails.keys() or not all(self._follows(end, tail) for tail, end in tails.items()):
            raise _unchained()

    def _follows(self, before: int | None, tail: bytes) -> bool:
        """Whether this is the last entry of a chain, or may be, since it is after that and says nothing."""
        last = self._last.get(tail)
        return before == last or (before in self._whose and (last is None or before > last))


def _rewritten() -> DamagedError:
    return DamagedError("the audit log is not the one that its last checkpoint was made of: it was rewritten")


def _unchained() -> DamagedError:
    return DamagedError("the audit log does not show a persona all of its own entries: somebody put back a part of it")


def _sealing(event: Happened, key: SpaceKey, entropy: Entropy, number: int, tails: Tails) -> bytes:
    if not is_its_own(event):
        return sealed(event, key, number, entropy)
    tail = tail_of(key, event.subject, event.persona)
    last = tails.get(tail)
    before = None if last is None else opened_tail(last, Opener(key), tail)
    tails.put(tail, sealed_tail(number, key, tail, entropy))
    return sealed(replace(event, before=before), key, number, entropy)
