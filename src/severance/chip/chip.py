"""The chip: holds the keys, and decides who wakes.

What is in it is in docs/design/format.md, section 7. Rows are looked up one at a time, so a chip of a hundred thousand
personas opens as fast as one of ten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from severance.chip.changes import Change, plain, sealing
from severance.chip.override.escrow import escrow_of
from severance.chip.register import (
    DECODER,
    STATE_ID,
    AnchorRow,
    ApproversRow,
    AwakeRow,
    HeadRow,
    KeyRow,
    Keys,
    Known,
    LimitsRow,
    PersonaRow,
    PlaceRow,
    Roll,
    Row,
    RuleForm,
    StateRow,
    SubjectRow,
    WakeRow,
    summed,
    within_limits,
)
from severance.chip.rows import RowFile, Rows, StoredRow
from severance.chip.thresholds.deciding import Circumstances, who
from severance.chip.thresholds.stored import rules_of
from severance.crypto.envelope import CommitmentError, Opener, SpaceKey, row_place
from severance.errors import DamagedError, NewerVersionError, NotFoundError, WrongKeyError
from severance.model import Head, Persona, Place, Subject
from severance.ports import Entropy

_VERIFIED_AT_CROSSING = 1_024
_NOBODY = "nobody of that name wakes at a place of that name here"

Verified = Mapping[bytes, StoredRow]
"""Every row but the guard, by its id, as of one instant at which they were held against it as a set."""

_Found = Rows | Verified
"""Where a row is looked for: in one transaction, or among those that were read at one instant."""

R = TypeVar("R", bound=Row)
T = TypeVar("T")


class Chip:
    """An unlocked chip. May be used by several threads and processes; changes take turns.

    Raises, from every method: DamagedError when rows are not what was written, StoreError when the file cannot serve.
    """

    def __init__(self, rows: RowFile, root_key: bytes, entropy: Entropy) -> None:
        """Unlock `rows` with the 32-byte root key.

        Raises:
            WrongKeyError: another root key made this chip.
        """
        self._rows = rows
        self._entropy = entropy
        self._keys = Keys.derive(root_key, rows.store)
        key = SpaceKey(rows.store, 0, self._keys.seal)
        self._seal = sealing(key, entropy)
        self._opener = Opener(key)
        self._read_state(rows.get(STATE_ID))

    @classmethod
    def first_row(cls, store: bytes, root_key: bytes, entropy: Entropy) -> StoredRow:
        """The row that makes an empty file the chip of this store and this root key."""
        seal = sealing(SpaceKey(store, 0, Keys.derive(root_key, store).seal), entropy)
        frame = seal(row_place(STATE_ID, None), plain(StateRow(0, summed(iter(())))))
        return StoredRow(STATE_ID, None, frame)

    @property
    def store(self) -> bytes:
        """The store id."""
        return self._rows.store

    @property
    def keys(self) -> Keys:
        """What derives from the root key."""
        return self._keys

    def watch(self, likes: Iterable[Row], space: bytes = b"") -> Callable[[], tuple[bytes | None, ...]]:
        """What tells something else after every change of the rows with these ids, and after no other; in some
        microseconds, and always with the same work. Nothing is opened for it. Some rows are of a space.
        """
        return partial(self._rows.frames, [self._keys.identify(like, space)[0] for like in likes])

    @property
    def readonly(self) -> bool:
        """Whether it was opened for reading only."""
        return self._rows.readonly

    def audit_keys(self) -> tuple[bytes, bytes]:
        """What seals the entries of the audit log, and the seed of what signs its checkpoints: 32 bytes each."""
        return self._keys.event, self._keys.checkpoint

    def subjects(self) -> list[Subject]:
        """All subjects, by name."""
        found = self._owned(self._keys.row_id("subjects"), SubjectRow)
        return sorted((Subject(row.name) for row in found), key=lambda subject: subject.name)

    def personas(self, subject: str) -> list[Persona]:
        """The personas of a subject, by name.

        Raises:
            NotFoundError: no such subject.
        """
        self._get(SubjectRow(subject), "no such subject here; `severance status` lists them")
        found = self._owned(self._keys.row_id("subject", subject), PersonaRow)
        return sorted((Persona(subject, row.name) for row in found), key=lambda persona: persona.name)

    def known(self, subject: str, names: Iterable[str]) -> set[str]:
        """Those of these names that personas of the subject have. Whether somebody was taken out is not looked at."""
        return {name for name in names if self._find(PersonaRow(subject, name, b"", 0)) is not None}

    def everyone(self) -> list[Persona]:
        """All personas of all subjects, by name."""
        return [persona for subject in self.subjects() for persona in self.personas(subject.name)]

    def survivors(self) -> list[Persona]:
        """All personas whose row is what was written, by subject and name; what is damaged is passed over.

        For saving what there is. `verify` says whether somebody is missing.
        """
        found = []
        for stored in self._rows.sound():
            with suppress(DamagedError, NewerVersionError):
                row = self._open(stored, PersonaRow)
                found.append(Persona(row.subject, row.name))
        return sorted(found, key=lambda persona: (persona.subject, persona.name))

    def places(self) -> list[Place]:
        """All places, by name."""
        found = self._owned(self._keys.row_id("places"), PlaceRow)
        return [self.place(name) for name in sorted(row.name for row in found)]

    def place(self, name: str) -> Place:
        """One place with who wakes there.

        Raises:
            NotFoundError: no such place.
        """
        self._get(PlaceRow(name), "no such place here; `severance status` lists them")
        return _place(name, self._owned(self._keys.row_id("place", name), WakeRow))

    def roll(self) -> Roll:
        """Who there is and who wakes where, from rows that were read once and held against their guard as a set.

        No space's key is looked at.

        Raises:
            DamagedError: as `verify`.
        """
        rows = self.verify()
        owned = defaultdict[bytes | None, list[StoredRow]](list)
        for stored in rows.values():
            owned[stored.owner].append(stored)

        def of(kind: type[R], *owner: str) -> list[R]:
            return [self._open(stored, kind) for stored in owned[self._keys.row_id(*owner)]]

        personas, limits, awake = list[Known](), dict[str, LimitsRow](), dict[bytes, AwakeRow]()
        for subject in sorted(row.name for row in of(SubjectRow, "subjects")):
            if (limited := self._find(LimitsRow(subject, False, "", {}), rows=rows)) is not None:
                limits[subject] = limited
            for found in sorted(of(PersonaRow, "subject", subject), key=lambda row: row.name):
                anchor = self._anchor(found.space, found.epoch, rows)
                personas.append(Known(Persona(subject, found.name), found.space, anchor))
                if (days := self._find(AwakeRow(()), found.space, rows)) is not None:
                    awake[found.space] = days
        names = sorted(row.name for row in of(PlaceRow, "places"))
        return Roll(personas, [_place(name, of(WakeRow, "place", name)) for name in names], limits, awake)

    def waking(self, subject: str, place: str, at: Circumstances | None = None) -> Persona:
        """The threshold: which persona of the subject wakes at the place. Without circumstances no condition holds.

        Raises:
            NotFoundError: none does, for whatever reason.
            DamagedError: in a chip of up to 1,024 rows, also when any row was put back or altered: an older answer to
                this question would wake another persona. In a larger one that takes longer than a crossing may.
        """
        rules = rules_of(self._get(WakeRow(place, subject, ()), _NOBODY, rows=self.current()))
        persona = who(rules, at) if at is not None else next((r.persona for r in rules if not r.conditions), None)
        if persona is None:
            self.refuse()
        return Persona(subject, persona)

    def refuse(self) -> NoReturn:
        """Refuse a crossing: with the words, and after the work, of one to a place that nobody knows.

        Raises:
            NotFoundError: always.
        """
        self.verify()
        raise NotFoundError(_NOBODY)

    def current(self) -> Verified | None:
        """The rows of a chip of up to 1,024, held against their guard as a set; None in a larger one.

        Raises:
            DamagedError: a row was put back or altered, where that was looked for.
        """
        # What the guard says, or what is there: the old guard of a larger chip gets a small one past this only together
        # with rows that fill it up, which `verify` notices.
        said = self._read_state(self._rows.get(STATE_ID)).count
        small = said <= _VERIFIED_AT_CROSSING or self._rows.count(_VERIFIED_AT_CROSSING + 1) <= _VERIFIED_AT_CROSSING
        return self._verify_set() if small else None

    def find(self, like: R, rows: _Found | None = None, space: bytes = b"") -> R | None:
        """The row with the id that this one has; as of `rows`, where they are given. Some rows are of a space.

        It is not looked at whether somebody took it out.
        """
        return self._find(like, space, rows)

    def find_evenly(self, like: R) -> R | None:
        """As `find`, with the same work where there is none: one statement, and one row opened."""
        wanted, owner = self._keys.identify(like)
        frame, state = self._rows.frames([wanted, STATE_ID])
        if frame is not None:
            return self._open(StoredRow(wanted, owner, frame), type(like))
        if state is not None:
            self._opener.open(row_place(STATE_ID, None), state)
        return None

    def open_any(self, rows: Verified | None) -> None:
        """Open a row for nothing, where finding none must take the work of finding one; of `rows`, if there are any."""
        found = next(iter(rows.values()), None) if rows else self._rows.get(STATE_ID)
        if found is not None:
            self._opener.open(row_place(found.id, found.owner), found.frame)

    def of_kind(self, like: R, rows: Verified) -> list[R]:
        """Of these rows, all that have the owner that this one has."""
        _, owner = self._keys.identify(like)
        return [self._open(stored, type(like)) for stored in rows.values() if stored.owner == owner]

    def owned(self, like: R, rows: Rows | None = None) -> list[R]:
        """All rows that have the owner that this one has, in one transaction or as they are now.

        It is not looked at whether somebody took one out.
        """
        _, owner = self._keys.identify(like)
        found = [] if owner is None else (self._rows if rows is None else rows).owned(owner)
        return [self._open(stored, type(like)) for stored in found]

    def key_of(self, row: PersonaRow, rows: Rows | None = None) -> SpaceKey:
        """The key of a persona's space, in one transaction or as it is now."""
        key = self._find(KeyRow(b""), row.space, rows)
        if key is None:
            raise _damaged()
        return SpaceKey(row.space, row.epoch, key.secret)

    def key(self, persona: Persona, rows: Verified | None = None) -> SpaceKey:
        """The key of the persona's space; as of `rows`, where they are given.

        Raises:
            NotFoundError: no such persona.
        """
        unknown = "no such persona here"
        found = self._get(PersonaRow(persona.subject, persona.name, b"", 0), unknown, rows=rows)
        return SpaceKey(found.space, found.epoch, self._get(KeyRow(b""), unknown, found.space, rows).secret)

    def add_personas(self, subject: str, personas: Mapping[str, tuple[SpaceKey, Head]]) -> list[str]:
        """Add a subject, if it is new, and personas with the keys and heads of their spaces. Existing ones stay.

        Returns the names of those that existed.
        """

        def add(change: Change) -> list[str]:
            change.put(SubjectRow(subject))
            approvers = self._find(ApproversRow(()), rows=change.rows)
            known = []
            for name, (key, head) in personas.items():
                row = PersonaRow(subject, name, key.space, key.epoch)
                if change.knows(row):
                    known.append(name)
                    continue
                change.put(row)
                change.put(KeyRow(key.secret), key.space)
                change.put(AnchorRow(key.epoch, head.seq, head.digest), key.space)
                if approvers is not None:
                    escrow = escrow_of(key, (subject, name), self.store, approvers.keys, self._entropy)
                    if escrow is not None:
                        change.put(escrow, key.space)
            return known

        return self.change(add)

    def set_place(self, name: str, wakes: Mapping[str, str | None]) -> None:
        """Add a place, if it is new, and say who wakes there; None says that nobody of that subject does any more.

        Raises:
            NotFoundError: a persona that does not exist; nothing was changed.
        """
        for subject, persona in wakes.items():
            if persona is not None:
                unknown = "no such persona here; `severance sever SUBJECT PERSONA` makes one"
                self._get(PersonaRow(subject, persona, b"", 0), unknown)

        def declare(change: Change) -> None:
            change.put(PlaceRow(name))
            for subject, persona in wakes.items():
                if persona is None:
                    change.remove(WakeRow(name, subject, ()))
                else:
                    change.put(WakeRow(name, subject, (RuleForm(persona),)))

        self.change(declare)

    def anchor(self, key: SpaceKey, rows: Verified | None = None) -> Head:
        """How far the space's log went when the chip last heard of it; as of `rows`, where they are given."""
        return self._anchor(key.space, key.epoch, rows)

    def set_anchor(self, key: SpaceKey, head: Head, *, back: bool = False) -> None:
        """Remember how far the space's log goes. Never goes back, unless `back` says that the owner accepts it."""

        def move(change: Change) -> None:
            row = self._find(AnchorRow(0, 0, b""), key.space, change.rows)
            if back or row is None or row.seq < head.seq:
                change.put(AnchorRow(key.epoch, head.seq, head.digest), key.space)

        self.change(move)

    def log_head(self) -> tuple[int, bytes] | None:
        """How many entries the audit log had when the chip last heard of it, and the root over them; None before."""
        row = self._find(HeadRow(0, b""))
        return None if row is None else (row.size, row.root)

    def keep_log_head(self, size: int, root: bytes, *, back: bool = False) -> None:
        """Remember how far the audit log goes. Never goes back, unless `back` says that the owner accepts it."""

        def move(change: Change) -> None:
            row = self._find(HeadRow(0, b""), rows=change.rows)
            if back or row is None or row.size < size:
                change.put(HeadRow(size, root))

        self.change(move)

    def verify(self) -> Verified:
        """Check the file's structure, and the whole set of rows against its guard. Returns the rows.

        Raises:
            DamagedError: a row was altered, added, removed or put back, or cannot be found where it is.
        """
        self._rows.verify()
        return self._verify_set()

    def _verify_set(self) -> Verified:
        everything = {row.id: row for row in self._rows.all()}
        state = self._read_state(everything.pop(STATE_ID, None))
        total = summed(self._keys.share(*row) for row in everything.values())
        if state.count != len(everything) or state.sum != total:
            raise DamagedError("the chip's rows are not the ones that were written; restore the chip from a backup")
        return everything

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of the chip, sealed as it is, to a new file.

        Raises:
            StoreError: it exists or cannot be written.
        """
        self._rows.copy_to(path)

    def close(self) -> None:
        """Let go of the file."""
        self._rows.close()

    def change(self, work: Callable[[Change], T]) -> T:
        """Run `work` in one transaction, with the guard moved along; whatever it raises rolls it back."""

        def changing(rows: Rows) -> T:
            change = Change(rows, self._keys, self._seal, self._read_state(rows.get(STATE_ID)))
            found = work(change)
            change.finish()
            return found

        return self._rows.change(changing)

    def _get(self, like: R, unknown: str, space: bytes = b"", rows: _Found | None = None) -> R:
        row = self._find(like, space, rows)
        if row is None:
            # Absent, or taken out of the file by somebody? Only the whole set can tell, and only here it matters.
            self.verify()
            raise NotFoundError(unknown)
        return row

    def _find(self, like: R, space: bytes = b"", rows: _Found | None = None) -> R | None:
        wanted, owner = self._keys.identify(like, space)
        stored = (self._rows if rows is None else rows).get(wanted)
        if stored is None:
            return None
        if (stored.id, stored.owner) != (wanted, owner):
            raise _damaged()
        return self._open(stored, type(like), space)

    def _anchor(self, space: bytes, epoch: int, rows: Verified | None) -> Head:
        row = self._find(AnchorRow(0, 0, b""), space, rows)
        if row is None or row.epoch != epoch:
            raise DamagedError(
                "the chip's anchor of a space is not there or not its own; restore the chip from a backup",
                space=space.hex(),
            )
        return Head(row.seq, row.digest)

    def _owned(self, owner: bytes, kind: type[R]) -> Iterable[R]:
        return [self._open(stored, kind) for stored in self._rows.owned(owner)]

    def _open(self, stored: StoredRow, kind: type[R], space: bytes = b"") -> R:
        plain = self._opener.open(row_place(stored.id, stored.owner), stored.frame)
        try:
            row = DECODER.decode(plain)
        except (msgspec.MsgspecError, UnicodeDecodeError):  # the second for a name that is not UTF-8
            raise NewerVersionError("the chip was written by a later version of Severance; use that version") from None
        if (
            not isinstance(row, kind)
            or not within_limits(row)
            # A row of a space doesn't name it; `_find` has compared what follows from the space alone.
            or (not space and self._keys.identify(row) != (stored.id, stored.owner))
        ):
            raise _damaged()
        return row

    def _read_state(self, stored: StoredRow | None) -> StateRow:
        if stored is None:
            raise _damaged()
        try:
            return self._open(stored, StateRow)
        except CommitmentError:
            if any(self._opener.commits(row.frame) for row in self._rows.all()):
                raise
            raise WrongKeyError(
                "this is not the root key that the store was made with; give the right one with --key or SEVERANCE_KEY"
            ) from None


def _place(name: str, rows: Iterable[WakeRow]) -> Place:
    wakes, depends = dict[str, str](), dict[str, tuple[str, ...]]()
    for row in sorted(rows, key=lambda row: row.subject):
        first, *_ = rules = rules_of(row)
        if first.conditions:
            depends[row.subject] = tuple(dict.fromkeys(rule.persona for rule in rules))
        else:
            wakes[row.subject] = first.persona
    return Place(name, wakes, depends)


def _damaged() -> DamagedError:
    return DamagedError("a row of the chip is not what was written there; restore the chip from a backup")
