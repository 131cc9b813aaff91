"""Faults against P5 in snapshots and in the chip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

from kit import checks
from kit.faults.table import Patch, fault
from severance.chip import chip as chip_module
from severance.chip import rows as rows_module
from severance.chip.chip import Chip
from severance.chip.register import Keys
from severance.crypto import envelope
from severance.crypto.envelope import Where
from severance.disk.connection import Connection
from severance.model import Head
from severance.space import Space


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
