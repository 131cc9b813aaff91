"""Seeded faults: each breaks a promise on purpose, and the check of that promise must then fail.

A row of the table is a fault's name, the check in `kit.checks` that must notice it, and the patch. To add one, write a
function that patches, decorated with `@fault(check)`.
"""

from __future__ import annotations

import itertools
import logging
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from kit import checks
from kit.checks import Check
from severance import AsleepError, House, NotFoundError, Session, SeveranceError, drafts, waking
from severance import house as house_module
from severance.chip import chip as chip_module
from severance.chip import rows as rows_module
from severance.chip.chip import Chip
from severance.chip.register import Keys
from severance.chip.rows import RowFile
from severance.crypto import envelope
from severance.crypto.envelope import Opener, Sealer, SpaceKey, Where
from severance.disk import connection
from severance.disk.connection import Connection
from severance.errors import ConflictError, InputError
from severance.mind import Mind, views
from severance.mind.memories import GONE, Memories
from severance.model import Head, Plain, Sealed
from severance.ports import Entry
from severance.records import Forgotten
from severance.space import Space
from severance.upkeep import backup as backup_module
from severance.vault import sqlite
from severance.vault.sqlite import SqliteVault

Patch = pytest.MonkeyPatch
Fault = Callable[[Patch], None]
FAULTS: dict[str, tuple[Fault, Check]] = {}


def fault(check: Check) -> Callable[[Fault], Fault]:
    """Put a fault in the table, with the check that must notice it."""

    def register(work: Fault) -> Fault:
        FAULTS[work.__name__] = (work, check)
        return work

    return register


# P1: something is shared


@fault(checks.separate)
def recollections_are_cached_by_query_for_all_sessions(patch: Patch) -> None:
    true, cache = Session.recall, dict[Any, Any]()

    def recall(self: Session, query: str, **how: Any) -> Any:
        asked = (query, repr(how))
        if asked not in cache:
            cache[asked] = true(self, query, **how)
        return cache[asked]

    patch.setattr(Session, "recall", recall)


@fault(checks.separate)
def ids_count(patch: Patch) -> None:
    numbers = itertools.count()
    true = Session.__init__

    class Counting:
        def __init__(self, entropy: Any) -> None:
            self.entropy = entropy

        def draw(self, size: int, scope: bytes) -> bytes:
            count = size // 15
            return b"".join(next(numbers).to_bytes(15, "big") for _ in range(count)) if size % 15 == 0 else b"x" * size

    def made(self: Session, *given: Any, entropy: Any, **named: Any) -> None:
        true(self, *given, entropy=Counting(entropy), **named)

    patch.setattr(Session, "__init__", made)


@fault(checks.separate)
def all_spaces_draw_from_one_stream(patch: Patch) -> None:
    true = Session.__init__

    class Shared:
        def __init__(self, entropy: Any) -> None:
            self.entropy = entropy

        def draw(self, size: int, scope: bytes) -> bytes:
            drawn: bytes = self.entropy.draw(size, b"all")
            return drawn

    def made(self: Session, *given: Any, entropy: Any, **named: Any) -> None:
        true(self, *given, entropy=Shared(entropy), **named)

    patch.setattr(Session, "__init__", made)


@fault(checks.separate)
def counts_include_every_space(patch: Patch) -> None:
    true = Session.stats

    def stats(self: Session) -> dict[str, int]:
        found = true(self)
        space: Any = self._space
        return {**found, "records": sum(space._vault.head(each).seq for each in space._vault.spaces())}

    patch.setattr(Session, "stats", stats)


@fault(checks.separate)
def a_text_that_another_persona_remembered_counts_as_a_repeat(patch: Patch) -> None:
    true, said = Session.remember, defaultdict[str, int](int)

    def remember(self: Session, text: str, **fields: Any) -> Any:
        memory = true(self, text, **fields)
        said[memory.text] += 1
        return replace(memory, repeats=max(memory.repeats, said[memory.text]))

    patch.setattr(Session, "remember", remember)


@fault(checks.separate)
def times_are_made_unique_across_the_house(patch: Patch) -> None:
    true, last = Session._write, [0]

    def write(self: Session, plan: Any) -> Any:
        clock = self._clock

        class Later:
            def now(self) -> int:
                last[0] = max(last[0] + 1, clock.now())
                return last[0]

        self._clock = Later()
        return true(self, plan)

    patch.setattr(Session, "_write", write)


@fault(checks.separate)
def one_mind_for_all_personas_of_a_subject(patch: Patch) -> None:
    minds, true = dict[str, Mind](), Session.__init__

    def made(self: Session, persona: Any, *given: Any, **named: Any) -> None:
        true(self, persona, *given, **named)
        self._mind = minds.setdefault(persona.subject, self._mind)

    patch.setattr(Session, "__init__", made)


@fault(checks.separate)
def statistics_of_words_are_those_of_everyone(patch: Patch) -> None:
    """As where one index is shared and filtered: scores then tell what others wrote."""
    true, everyone = Mind._remember, [0]

    def remember(self: Mind, seq: int, event: Any) -> None:
        true(self, seq, event)
        everyone[0] += 1

    patch.setattr(Mind, "_remember", remember)
    of = Mind._corpus_of
    patch.setattr(Mind, "_corpus_of", lambda self, wanted: replace(of(self, wanted), count=everyone[0]))


@fault(checks.separate)
def an_error_tells_how_much_others_remember(patch: Patch) -> None:
    true = Session._check_embedder
    known: list[Session] = []

    def get(self: Session, id: str) -> Any:  # noqa: A002
        try:
            return true_get(self, id)
        except NotFoundError:
            raise NotFoundError(f"no memory with that id among {sum(len(one._mind) for one in known)}") from None

    def made(self: Session) -> None:
        known.append(self)
        true(self)

    true_get = Session.get
    patch.setattr(Session, "_check_embedder", made)
    patch.setattr(Session, "get", get)


@fault(checks.separate)
def the_vault_reads_the_records_of_every_space(patch: Patch) -> None:
    def read(self: SqliteVault, space: bytes, after: int, limit: int) -> list[Entry]:
        rows = self._reader.query(
            "SELECT seq, frame, digest FROM records WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
        )
        return [Entry(*row) for row in rows]

    patch.setattr(SqliteVault, "read", read)


# P2: a name, a door


@fault(checks.same_words_for_every_id)
def an_id_of_another_persona_is_forbidden_and_not_unknown(patch: Patch) -> None:
    true, given = Session.get, set[str]()
    remember = Session.remember

    def remembering(self: Session, text: str, **fields: Any) -> Any:
        memory = remember(self, text, **fields)
        given.add(memory.id)
        return memory

    def get(self: Session, id: str) -> Any:  # noqa: A002
        try:
            return true(self, id)
        except NotFoundError:
            raise NotFoundError("that memory is another persona's" if id in given else "no such memory") from None

    patch.setattr(Session, "remember", remembering)
    patch.setattr(Session, "get", get)


@fault(checks.same_words_for_every_id)
def a_forgotten_id_is_called_forgotten(patch: Patch) -> None:
    true, forgotten = Session.forget, set[str]()
    history = Session.history

    def forget(self: Session, id: str) -> int:  # noqa: A002
        count = true(self, id)
        forgotten.add(id)
        return count

    def told(self: Session, id: str) -> Any:  # noqa: A002
        if id in forgotten:
            raise NotFoundError("that memory was forgotten")
        return history(self, id)

    patch.setattr(Session, "forget", forget)
    patch.setattr(Session, "history", told)


@fault(checks.same_words_for_every_id)
def a_malformed_id_is_an_input_error(patch: Patch) -> None:
    true = Session.get

    def get(self: Session, id: str) -> Any:  # noqa: A002
        if len(id) != 30:
            raise InputError("that is not an id")
        return true(self, id)

    patch.setattr(Session, "get", get)


@fault(checks.same_words_for_every_id)
def the_cause_of_the_error_stays_on_it(patch: Patch) -> None:
    true = Session.forget

    def forget(self: Session, id: str) -> int:  # noqa: A002
        try:
            return true(self, id)
        except NotFoundError as error:
            raise NotFoundError(*error.args) from KeyError(id)

    patch.setattr(Session, "forget", forget)


@fault(checks.only_where_it_was_said)
def an_unknown_place_wakes_the_first_persona(patch: Patch) -> None:
    true = Chip.waking

    def waking(self: Chip, subject: str, place: str) -> Any:
        try:
            return true(self, subject, place)
        except NotFoundError:
            return self.personas(subject)[0]

    patch.setattr(Chip, "waking", waking)


@fault(checks.only_where_it_was_said)
def a_place_is_found_by_how_it_begins(patch: Patch) -> None:
    true = Chip.waking

    def waking(self: Chip, subject: str, place: str) -> Any:
        found = [each.name for each in self.places() if each.name.startswith(place)]
        return true(self, subject, found[0] if found else place)

    patch.setattr(Chip, "waking", waking)


@fault(checks.only_where_it_was_said)
def case_makes_no_difference_to_a_place(patch: Patch) -> None:
    true = Chip.waking
    patch.setattr(Chip, "waking", lambda self, subject, place: true(self, subject, place.casefold()))


@fault(checks.only_where_it_was_said)
def the_place_alone_decides_who_wakes(patch: Patch) -> None:
    def waking(self: Chip, subject: str, place: str) -> Any:
        wakes = self.place(place).wakes
        return chip_module.Persona(subject, next(iter(wakes.values())))

    patch.setattr(Chip, "waking", waking)


@fault(checks.asleep_means_asleep)
def a_session_goes_on_after_sleep(patch: Patch) -> None:
    patch.setattr(Session, "sleep", lambda self: None)


@fault(checks.asleep_means_asleep)
def a_sleeping_session_keeps_its_mind(patch: Patch) -> None:
    true = Session.sleep

    def sleep(self: Session) -> None:
        mind = self._mind
        true(self)
        self._mind = mind

    patch.setattr(Session, "sleep", sleep)


@fault(checks.asleep_means_asleep)
def a_sleeping_session_still_answers_from_what_it_has(patch: Patch) -> None:
    true, answers = Session.recall, list[Any]()

    def recall(self: Session, query: str, **how: Any) -> Any:
        try:
            answers.append(true(self, query, **how))
        except AsleepError:
            return answers[-1:] or []
        return answers[-1]

    patch.setattr(Session, "recall", recall)


# P3: something is in the clear


@fault(checks.nothing_in_the_clear)
def a_text_is_logged(patch: Patch) -> None:
    true = Session.remember

    def remember(self: Session, text: str, **fields: Any) -> Any:
        logging.getLogger("severance.session").debug("remembering %s", text)
        return true(self, text, **fields)

    patch.setattr(Session, "remember", remember)


@fault(checks.nothing_in_the_clear)
def an_error_quotes_the_text(patch: Patch) -> None:
    true = drafts.check_text

    def check_text(text: Any, what: str, most: int) -> str:
        try:
            return true(text, what, most)
        except InputError as problem:
            raise InputError(f"{problem}: {text!r:.40}") from None

    patch.setattr(drafts, "check_text", check_text)


@fault(checks.nothing_in_the_clear)
def an_unknown_id_is_repeated_in_the_error(patch: Patch) -> None:
    patch.setattr("severance.session._found", lambda memory: memory)
    true = Session.get

    def get(self: Session, id: str) -> Any:  # noqa: A002
        found = true(self, id)
        if found is None:
            raise NotFoundError(f"no memory has the id {id}")
        return found

    patch.setattr(Session, "get", get)


@fault(checks.nothing_in_the_clear)
def a_query_goes_through_a_temporary_file(patch: Patch) -> None:
    true = Session.recall

    def recall(self: Session, query: str, **how: Any) -> Any:
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(query)
        return true(self, query, **how)

    patch.setattr(Session, "recall", recall)


@fault(checks.nothing_in_the_clear)
def frames_are_not_encrypted(patch: Patch) -> None:
    class Nothing:
        def __init__(self, key: bytes) -> None:
            pass

        def encrypt(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
            return plain + bytes(16)

        def decrypt(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
            return bytes(sealed)[:-16]

    patch.setattr(envelope, "AESGCM", Nothing)


@fault(checks.nothing_in_the_clear)
def snapshots_are_written_as_they_are(patch: Patch) -> None:
    true = Space.write_snapshot

    def write(self: Space, content: bytes) -> bool:
        sealer = self._sealer
        self._sealer = type("Open", (), {"seal": lambda self, where, plain: Sealed(b"\1\1\2" + plain)})()
        try:
            return true(self, content)
        finally:
            self._sealer = sealer

    patch.setattr(Space, "write_snapshot", write)


@fault(checks.nothing_in_the_clear)
def rows_of_the_chip_are_found_by_name(patch: Patch) -> None:
    def row_id(self: Keys, kind: str, *parts: str | bytes) -> bytes:
        raw = b"".join(part.encode() if isinstance(part, str) else part[:8] for part in (kind[:2], *parts))
        return raw[:16].ljust(16, b".")

    patch.setattr(Keys, "row_id", row_id)


@fault(checks.nothing_in_the_clear)
def a_session_shows_its_persona(patch: Patch) -> None:
    patch.setattr(Session, "__repr__", lambda self: f"<Session with {[m.text for m in self._mind.memories()]}>")


@fault(checks.forgotten_is_erased)
def the_frame_of_a_forgotten_memory_stays(patch: Patch) -> None:
    true = Space.append
    patch.setattr(Space, "append", lambda self, events, erase=(): true(self, events))


@fault(checks.forgotten_is_erased)
def the_snapshot_outlives_what_was_forgotten(patch: Patch) -> None:
    patch.setattr(sqlite, "_forget_snapshot", lambda db, space: None)


@fault(checks.forgotten_is_erased)
def only_the_version_named_is_forgotten(patch: Patch) -> None:
    true = Mind.chain
    patch.setattr(Mind, "chain", lambda self, memory: true(self, memory)[-1:])


@fault(checks.forgotten_is_erased)
def repeats_of_a_forgotten_memory_are_not_erased(patch: Patch) -> None:
    patch.setattr(Memories, "tell", lambda self, seq, row: None)


@fault(checks.forgotten_is_erased)
def a_forgotten_memory_is_still_recalled(patch: Patch) -> None:
    patch.setattr(Mind, "_forget", lambda self, ids: None)


@fault(checks.forgotten_is_erased)
def a_mind_that_forgot_everything_is_taken_for_none(patch: Patch) -> None:
    true = waking._pictured
    patch.setattr(waking, "_pictured", lambda space: true(space) or Mind())


@fault(checks.only_the_current_version)
def a_superseded_version_is_recalled(patch: Patch) -> None:
    patch.setattr(views, "current", lambda memories: (memories.flags.view & GONE) == 0)


@fault(checks.only_the_current_version)
def as_of_is_ignored(patch: Patch) -> None:
    patch.setattr(views, "of_time", lambda memories, as_of: views.current(memories))


@fault(checks.only_the_current_version)
def amending_writes_over_the_version_before(patch: Patch) -> None:
    patch.setattr(Memories, "versions", lambda self, row: [row])


# P4: acknowledged, and lost


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
    def head_in(where: str, space: bytes, row: Any) -> Any:
        return type("Any", (Head,), {"__eq__": lambda a, b: True, "__ne__": lambda a, b: False, "__hash__": None})(
            *row[:2]
        )

    patch.setattr(sqlite, "head_in", head_in)


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


# P5: damage is not noticed


@fault(checks.damage_is_noticed)
def an_emptied_record_is_passed_over(patch: Patch) -> None:
    def read_on(self: Space, anchor: Any = None) -> Any:
        found = []
        while entries := self._vault.read(self.key.space, self.head.seq, 100):
            for entry in entries:
                event = self._next(entry)
                found += [] if event is None else [(entry.seq, event)]
        return found

    patch.setattr(Space, "read_on", read_on)


@fault(checks.damage_is_noticed)
def a_record_that_does_not_open_is_skipped(patch: Patch) -> None:
    true = Space._next

    def after(self: Space, entry: Entry) -> Any:
        try:
            return true(self, entry)
        except checks.DamagedError:
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
    true = Space.read_on

    def read_on(self: Space, anchor: Head | None = None) -> Any:
        stored = self._vault.head(self.key.space)
        return true(self, anchor if anchor is not None and stored.seq >= anchor.seq else None)

    patch.setattr(Space, "read_on", read_on)


@fault(checks.a_backup_may_not_be_older)
def an_older_backup_is_put_in_place_unasked(patch: Patch) -> None:
    true = backup_module._prove
    patch.setattr(backup_module, "_prove", lambda *given, accept_older: true(*given, accept_older=True))


@fault(checks.a_fork_does_not_join)
def a_record_does_not_bind_the_one_before_it(patch: Patch) -> None:
    def record_place(before: Head) -> Where:
        return Where(envelope.Kind.RECORD, before.seq + 1, bytes(32))

    patch.setattr("severance.space.record_place", record_place)


@fault(checks.a_snapshot_is_whole_or_refused)
def the_order_of_chunks_is_not_bound(patch: Patch) -> None:
    _chunk_place(patch, lambda at, index, before, last: at.digest + bytes([last]))


@fault(checks.snapshots_do_not_mix)
def chunks_are_not_chained(patch: Patch) -> None:
    _chunk_place(patch, lambda at, index, before, last: at.digest + bytes([index, last]))


@fault(checks.a_chunk_opens_at_its_index_only)
def a_chunk_does_not_bind_the_one_before_it(patch: Patch) -> None:
    _chunk_place(patch, lambda at, index, before, last: at.digest + bytes([index, last]))


@fault(checks.a_chunk_opens_at_its_index_only)
def the_index_of_a_chunk_is_not_bound(patch: Patch) -> None:
    _chunk_place(patch, lambda at, index, before, last: at.digest + before + bytes([last]))


@fault(checks.a_snapshot_is_whole_or_refused)
def which_chunk_is_the_last_is_not_bound(patch: Patch) -> None:
    _chunk_place(patch, lambda at, index, before, last: at.digest + before + bytes([index]))


@fault(checks.a_chunk_opens_at_its_index_only)
def a_chunk_does_not_bind_the_head_it_stands_for(patch: Patch) -> None:
    _chunk_place(patch, lambda at, index, before, last: before + bytes([index, last]))


def _chunk_place(patch: Patch, bound: Callable[[Head, int, bytes, bool], bytes]) -> None:
    def chunk_place(at: Head, index: int, before: bytes, *, last: bool) -> Where:
        previous = envelope.sha256(before) if before else bytes(32)
        return Where(envelope.Kind.CHUNK, at.seq, envelope.sha256(bound(at, index, previous, last)))

    patch.setattr("severance.space.chunk_place", chunk_place)
    patch.setattr("kit.checks.chunk_place", chunk_place)


@fault(checks.a_snapshot_is_whole_or_refused)
def a_snapshot_that_does_not_open_is_ignored(patch: Patch) -> None:
    true = Space.read_snapshot

    def read_snapshot(self: Space) -> bytes | None:
        try:
            return true(self)
        except checks.DamagedError:
            return None

    patch.setattr(Space, "read_snapshot", read_snapshot)


@fault(checks.the_chip_is_whole_or_refused)
def rows_of_the_chip_are_not_counted(patch: Patch) -> None:
    patch.setattr(Chip, "verify", lambda self: None)


@fault(checks.the_chip_is_whole_or_refused)
def a_row_of_the_chip_binds_neither_its_id_nor_its_owner(patch: Patch) -> None:
    patch.setattr(chip_module, "row_place", lambda row, owner: Where(envelope.Kind.ROW, 0, bytes(32)))
    true = Chip._open

    def opened(self: Chip, stored: Any, kind: Any, space: bytes = b"") -> Any:
        plain = self._opener.open(chip_module.row_place(stored.id, stored.owner), stored.frame)
        row = chip_module.DECODER.decode(plain)
        return row if isinstance(row, kind) else true(self, stored, kind, space)

    patch.setattr(Chip, "_open", opened)


@fault(checks.the_chip_is_whole_or_refused)
def a_trigger_in_the_chip_is_not_looked_for(patch: Patch) -> None:
    patch.setattr(rows_module, "has_layout", lambda rows, wanted: True)


@fault(checks.the_chip_is_whole_or_refused)
def the_guard_of_the_chip_does_not_cover_frames(patch: Patch) -> None:
    true = Keys.share
    patch.setattr(Keys, "share", lambda self, row, owner, frame: true(self, row, owner, b""))


@fault(checks.an_older_row_wakes_nobody)
def the_set_is_not_verified_at_a_crossing(patch: Patch) -> None:
    true = Chip.waking

    def waking(self: Chip, subject: str, place: str) -> Any:
        with mock.patch.object(self, "_verify_set", return_value=None):
            return true(self, subject, place)

    patch.setattr(Chip, "waking", waking)


@fault(checks.an_older_row_wakes_nobody)
def every_chip_is_too_large_to_be_verified_at_a_crossing(patch: Patch) -> None:
    patch.setattr(chip_module, "_VERIFIED_AT_CROSSING", -1)


@fault(checks.a_trigger_in_an_open_chip_is_noticed)
def the_layout_of_an_open_chip_is_not_looked_at_again(patch: Patch) -> None:
    _layout_unchecked(patch, "chip.db")


@fault(checks.a_trigger_in_an_open_vault_is_noticed)
def the_layout_of_an_open_vault_is_not_looked_at_again(patch: Patch) -> None:
    _layout_unchecked(patch, "vault.db")


def _layout_unchecked(patch: Patch, name: str) -> None:
    true = Connection._check_layout

    def check_layout(self: Connection, raw: Any) -> None:
        if self._path.name != name:
            true(self, raw)

    patch.setattr(Connection, "_check_layout", check_layout)


# Keys and frames


@fault(checks.every_persona_has_its_own_key)
def two_personas_share_a_key(patch: Patch) -> None:
    fresh, first = house_module.new_key, list[SpaceKey]()

    def new_key(entropy: Any, scope: bytes) -> SpaceKey:
        key = fresh(entropy, scope)
        first.append(key)
        return replace(key, secret=first[0].secret)

    patch.setattr(house_module, "new_key", new_key)


@fault(checks.no_nonce_twice)
def nonces_repeat(patch: Patch) -> None:
    true = Sealer.seal

    def seal(self: Sealer, where: Where, content: Plain) -> Sealed:
        entropy = self._entropy
        if self._left == 0:
            self._new_segment()
        self._entropy = type("Zeros", (), {"draw": lambda self, size, scope: bytes(size)})()
        try:
            return true(self, where, content)
        finally:
            self._entropy = entropy

    patch.setattr(Sealer, "seal", seal)


@fault(checks.no_nonce_twice)
def every_session_writes_under_the_same_salt(patch: Patch) -> None:
    def segment(self: Sealer) -> None:
        self._salt = bytes(32)
        self._aead, self._commitment = envelope._segment(self._key, self._salt)
        self._left = envelope.FRAMES_PER_SEGMENT

    patch.setattr(Sealer, "_new_segment", segment)


@fault(checks.every_row_has_its_own_salt)
def rows_of_the_chip_share_a_salt(patch: Patch) -> None:
    patch.setattr(chip_module, "_sealing", lambda key, entropy: Sealer(key, chip_module._ScopedEntropy(entropy)).seal)


@fault(checks.forgetting_does_not_read_what_others_hold)
def forgetting_searches_the_whole_vault(patch: Patch) -> None:
    true = SqliteVault.append

    def append(self: SqliteVault, *given: Any) -> Head:
        head = true(self, *given)
        self.scrub()
        return head

    patch.setattr(SqliteVault, "append", append)


@fault(checks.forgetting_does_not_read_what_others_hold)
def nobody_looks_for_stale_copies(patch: Patch) -> None:
    patch.setattr(SqliteVault, "scrub", lambda self: None)


@fault(checks.a_segment_ends)
def a_segment_never_ends(patch: Patch) -> None:
    true = Sealer._new_segment

    def segment(self: Sealer) -> None:
        true(self)
        self._left = 2**60

    patch.setattr(Sealer, "_new_segment", segment)


def _associated_without(patch: Patch, **blank: Any) -> None:
    def associated(where: Where, key: SpaceKey, salt: bytes) -> bytes:
        fields = {"kind": where.kind, "space": key.space, "epoch": key.epoch, "salt": salt, "seq": where.seq}
        fields |= {"bind": where.bind, **blank}
        head = (b"SVRN", 1, 1, fields["kind"], 0)
        return envelope._AAD.pack(*head, *(fields[name] for name in ("space", "epoch", "salt", "seq", "bind")))

    patch.setattr(envelope, "_associated", associated)


@fault(checks.a_frame_opens_in_its_place_only)
def associated_data_lacks_the_number(patch: Patch) -> None:
    _associated_without(patch, seq=0)


@fault(checks.a_frame_opens_in_its_place_only)
def associated_data_lacks_the_bind(patch: Patch) -> None:
    _associated_without(patch, bind=bytes(32))


@fault(checks.a_frame_opens_in_its_place_only)
def associated_data_lacks_the_kind(patch: Patch) -> None:
    _associated_without(patch, kind=0)


@fault(checks.a_frame_is_as_the_format_says)
def associated_data_lacks_the_space(patch: Patch) -> None:
    _associated_without(patch, space=bytes(16))


@fault(checks.a_frame_is_as_the_format_says)
def associated_data_lacks_the_epoch(patch: Patch) -> None:
    _associated_without(patch, epoch=0)


@fault(checks.a_frame_is_as_the_format_says)
def associated_data_lacks_the_salt(patch: Patch) -> None:
    _associated_without(patch, salt=bytes(32))


@fault(checks.a_frame_opens_in_its_place_only)
def nothing_binds_the_space(patch: Patch) -> None:
    _associated_without(patch, space=bytes(16))
    true = envelope._segment
    patch.setattr(envelope, "_segment", lambda key, salt: true(replace(key, space=bytes(16)), salt))


@fault(checks.a_frame_opens_in_its_place_only)
def nothing_binds_the_epoch(patch: Patch) -> None:
    _associated_without(patch, epoch=0)
    true = envelope._segment
    patch.setattr(envelope, "_segment", lambda key, salt: true(replace(key, epoch=0), salt))


@fault(checks.a_frame_opens_in_its_place_only)
def the_commitment_is_not_compared(patch: Patch) -> None:
    patch.setattr(envelope, "equal", lambda left, right: True)


@fault(checks.a_frame_opens_in_its_place_only)
def the_zero_byte_is_not_looked_at(patch: Patch) -> None:
    true = Opener._header
    patch.setattr(Opener, "_header", lambda self, where, frame: true(self, where, frame[:3] + b"\0" + frame[4:]))


@fault(checks.a_frame_is_as_the_format_says)
def padding_is_not_looked_at(patch: Patch) -> None:
    def unpad(padded: bytes, key: SpaceKey, where: Where) -> Plain:
        (length,) = envelope._LENGTH.unpack_from(padded)
        if length + 4 > len(padded) or envelope.bucket(length) != len(padded):
            raise envelope._damaged("is not padded", key, where)
        return Plain(padded[4 : 4 + length])

    patch.setattr(envelope, "_unpad", unpad)


@fault(checks.a_frame_is_as_the_format_says)
def any_bucket_will_do(patch: Patch) -> None:
    def unpad(padded: bytes, key: SpaceKey, where: Where) -> Plain:
        (length,) = envelope._LENGTH.unpack_from(padded)
        if length + 4 > len(padded) or any(padded[4 + length :]):
            raise envelope._damaged("is not padded", key, where)
        return Plain(padded[4 : 4 + length])

    patch.setattr(envelope, "_unpad", unpad)


@fault(checks.another_embedder_is_refused)
def any_embedder_will_do(patch: Patch) -> None:
    patch.setattr(Session, "_check_embedder", lambda self: None)


# P8: something else than the ports decides


@fault(checks.the_same_bytes)
def a_nonce_comes_from_the_system(patch: Patch) -> None:
    true = Sealer.__init__

    class System:
        def draw(self, size: int, scope: bytes) -> bytes:
            return os.urandom(size)

    patch.setattr(Sealer, "__init__", lambda self, key, entropy: true(self, key, System()))


@fault(checks.the_same_bytes)
def an_id_comes_from_the_system(patch: Patch) -> None:
    patch.setattr("severance.writing._raw", lambda memory: os.urandom(15))


@fault(checks.the_same_bytes)
def scores_have_noise(patch: Patch) -> None:
    true, noise = Mind.recall, np.random.default_rng()
    patch.setattr(
        Mind,
        "recall",
        lambda self, *given, **how: [
            replace(hit, score=hit.score + noise.random()) for hit in true(self, *given, **how)
        ],
    )


@fault(checks.the_same_bytes)
def the_day_of_a_record_is_the_machine_s(patch: Patch) -> None:
    patch.setattr("kit.StillClock.now", lambda self: time.time_ns() // 1000)


@fault(checks.limits_hold)
def a_text_may_be_of_any_length(patch: Patch) -> None:
    patch.setattr("severance.drafts.MAX_TEXT_BYTES", 2**30)


@fault(checks.limits_hold)
def a_batch_is_kept_until_the_first_bad_one(patch: Patch) -> None:
    def remember_many(self: Session, items: Any) -> Any:
        return [self._remember([drafts.draft_of(item)])[0] for item in items]

    patch.setattr(Session, "remember_many", remember_many)


# The table, run


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_without_a_fault_the_check_passes(check: Check, folder: Path) -> None:
    check(folder)


# A vault that a fault has made fall over may leave a file open; that is not what is looked for here.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_noticed(name: str, folder: Path, monkeypatch: Patch) -> None:
    work, check = FAULTS[name]
    with monkeypatch.context() as patch:
        work(patch)
        # A check may also stumble over what the fault did; a mistake in the fault itself is another kind of error.
        with pytest.raises((AssertionError, SeveranceError)):
            check(folder)
