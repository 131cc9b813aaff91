"""Faults against P4 and P5 in the log: what was acknowledged is lost, what was damaged is taken for sound."""

from __future__ import annotations

from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance import House, Session
from severance.chip.chip import Chip
from severance.chip.rows import RowFile
from severance.crypto import envelope
from severance.crypto.envelope import Where
from severance.disk import connection
from severance.errors import ConflictError, DamagedError
from severance.model import Head
from severance.ports import Entry
from severance.records import Forgotten
from severance.space import Space
from severance.upkeep import backup as backup_module
from severance.vault import sqlite
from severance.vault.sqlite import SqliteVault


@fault(checks.acknowledged_is_on_disk)
def a_write_is_acknowledged_before_it_is_made(patch: Patch) -> None:
    true, late = SqliteVault.append, list[Any]()

    def append(self: SqliteVault, space: bytes, expected: Head, frames: Any, erase: Any = ()) -> Head:
        late.append((space, expected, frames, erase))
        if len(late) % 3:
            head = expected
            for frame in frames:
                head = envelope.after(head, frame)
            return head
        for one in late[:-1]:
            true(self, *one)
        return true(self, *late[-1])

    patch.setattr(SqliteVault, "append", append)


@fault(checks.acknowledged_is_on_disk)
def commits_are_not_synced(patch: Patch) -> None:
    patch.setattr(connection, "_SETTINGS", (*connection._SETTINGS, "PRAGMA synchronous = NORMAL"))


@fault(checks.acknowledged_is_on_disk)
def the_chip_is_not_synced(patch: Patch) -> None:
    true = RowFile.__init__

    def made(self: RowFile, *given: Any) -> None:
        true(self, *given)
        self._connection.query("PRAGMA synchronous = OFF")

    patch.setattr(RowFile, "__init__", made)


@fault(checks.writers_take_turns)
def the_second_writer_puts_its_record_over_the_first(patch: Patch) -> None:
    patch.setattr(sqlite, "_MOVE", "UPDATE spaces SET seq = ?1, digest = ?2 WHERE id = ?3 AND ?4 >= 0 AND ?5 <> ''")


@fault(checks.writers_take_turns)
def a_writer_appends_to_whatever_the_head_is(patch: Patch) -> None:
    true = SqliteVault.append

    def append(self: SqliteVault, space: bytes, expected: Head, frames: Any, erase: Any = ()) -> Head:
        return true(self, space, self.head(space), frames, erase)

    patch.setattr(SqliteVault, "append", append)


@fault(checks.writers_take_turns)
def a_conflict_is_taken_for_success(patch: Patch) -> None:
    true = Space.append

    def append(self: Space, events: Any, erase: Any = ()) -> None:
        try:
            true(self, events, erase)
        except ConflictError:
            self.read_on()

    patch.setattr(Space, "append", append)


@fault(checks.damage_is_noticed)
def an_emptied_record_is_passed_over(patch: Patch) -> None:
    def pages(self: Space, anchor: Any = None) -> Any:
        while entries := self._vault.read(self.key.space, self.head.seq, 100):
            told = ((entry.seq, self._next(entry)) for entry in entries)
            yield [(seq, event) for seq, event in told if event is not None]

    patch.setattr(Space, "pages", pages)


@fault(checks.damage_is_noticed)
def a_record_that_does_not_open_is_skipped(patch: Patch) -> None:
    true = Space._next

    def after(self: Space, entry: Entry) -> Any:
        try:
            return true(self, entry)
        except DamagedError:
            self.head = Head(entry.seq, entry.digest)
            return Forgotten([], [entry.seq], 0)

    patch.setattr(Space, "_next", after)


@fault(checks.damage_is_noticed)
def the_end_of_the_log_is_where_the_records_end(patch: Patch) -> None:
    patch.setattr(Space, "confirm", lambda self: None)
    patch.setattr(House, "cross", _without_anchor(House.cross))


@fault(checks.damage_is_noticed)
def checking_finds_nothing(patch: Patch) -> None:
    patch.setattr(House, "check", lambda self, progress=None: [])


@fault(checks.an_older_vault_is_noticed)
def the_anchor_is_not_looked_at(patch: Patch) -> None:
    patch.setattr(House, "cross", _without_anchor(House.cross))


def _without_anchor(cross: Any) -> Any:
    def crossing(self: House, subject: str, place: str) -> Session:
        true = self._chip.anchor
        self._chip.anchor = lambda key: None  # type: ignore[method-assign]
        try:
            session: Session = cross(self, subject, place)
        finally:
            self._chip.anchor = true  # type: ignore[method-assign]
        return session

    return crossing


@fault(checks.an_older_vault_is_noticed)
def the_anchor_is_not_kept(patch: Patch) -> None:
    patch.setattr(Chip, "set_anchor", lambda self, key, head, *, back=False: None)


@fault(checks.an_older_vault_is_noticed)
def a_log_shorter_than_the_anchor_is_accepted(patch: Patch) -> None:
    true = Space.pages

    def pages(self: Space, anchor: Head | None = None) -> Any:
        stored = self._vault.head(self.key.space)
        return true(self, anchor if anchor is not None and stored.seq >= anchor.seq else None)

    patch.setattr(Space, "pages", pages)


@fault(checks.a_backup_may_not_be_older)
def an_older_backup_is_put_in_place_unasked(patch: Patch) -> None:
    true = backup_module._prove
    patch.setattr(backup_module, "_prove", lambda *given, accept_older: true(*given, accept_older=True))


@fault(checks.a_fork_does_not_join)
def a_record_does_not_bind_the_one_before_it(patch: Patch) -> None:
    def record_place(before: Head) -> Where:
        return Where(envelope.Kind.RECORD, before.seq + 1, bytes(32))

    patch.setattr("severance.space.record_place", record_place)


@fault(checks.a_fork_does_not_join_at_an_erased_record)
def the_digest_of_a_head_is_that_of_its_frame_alone(patch: Patch) -> None:
    patch.setattr(Head, "then", lambda self, hashed: Head(self.seq + 1, hashed))


@fault(checks.a_fork_does_not_join_at_an_erased_record)
def an_erased_record_is_taken_at_its_word(patch: Patch) -> None:
    true = Space._next

    def after(self: Space, entry: Entry) -> Any:
        if entry.frame is not None:
            return true(self, entry)
        self.head = Head(entry.seq, entry.digest)
        return None

    patch.setattr(Space, "_next", after)
