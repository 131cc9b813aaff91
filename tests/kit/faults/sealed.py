"""Faults against P5 in snapshots and in the chip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np

from kit import checks
from kit.faults.table import Patch, fault
from severance import waking
from severance.chip import chip as chip_module
from severance.chip import rows as rows_module
from severance.chip.chip import Chip
from severance.chip.register import Keys
from severance.crypto import envelope
from severance.crypto.envelope import Where
from severance.disk.connection import Connection
from severance.errors import DamagedError
from severance.mind import Mind, stack
from severance.mind.columns import Column
from severance.mind.memories import Memories
from severance.model import Head
from severance.space import Pictured, Space, _room


@fault(checks.a_snapshot_is_whole_or_refused)
def the_order_of_chunks_is_not_bound(patch: Patch) -> None:
    _chunk_place(patch, lambda heads, index, before, last: heads + bytes([last]))


@fault(checks.snapshots_do_not_mix)
def chunks_are_not_chained(patch: Patch) -> None:
    _chunk_place(patch, lambda heads, index, before, last: heads + bytes([index, last]))


@fault(checks.a_chunk_opens_at_its_index_only)
def a_chunk_does_not_bind_the_one_before_it(patch: Patch) -> None:
    _chunk_place(patch, lambda heads, index, before, last: heads + bytes([index, last]))


@fault(checks.a_chunk_opens_at_its_index_only)
def the_index_of_a_chunk_is_not_bound(patch: Patch) -> None:
    _chunk_place(patch, lambda heads, index, before, last: heads + before + bytes([last]))


@fault(checks.a_snapshot_is_whole_or_refused)
def which_chunk_is_the_last_is_not_bound(patch: Patch) -> None:
    _chunk_place(patch, lambda heads, index, before, last: heads + before + bytes([index]))


@fault(checks.a_chunk_opens_at_its_index_only)
def a_chunk_does_not_bind_the_heads_it_stands_between(patch: Patch) -> None:
    _chunk_place(patch, lambda heads, index, before, last: before + bytes([index, last]))


@fault(checks.a_chunk_opens_at_its_index_only)
def a_chunk_does_not_bind_where_its_layer_begins(patch: Patch) -> None:
    _chunk_place(patch, lambda heads, index, before, last: heads[-32:] + before + bytes([index, last]))


@fault(checks.a_chunk_opens_at_its_index_only)
def a_chunk_does_not_bind_the_record_before_its_layer(patch: Patch) -> None:
    _chunk_place(patch, lambda heads, index, before, last: heads[:8] + heads[-32:] + before + bytes([index, last]))


def _chunk_place(patch: Patch, bound: Callable[[bytes, int, bytes, bool], bytes]) -> None:
    def chunk_place(begin: Head, end: Head, index: int, before: bytes, *, last: bool) -> Where:
        previous = envelope.sha256(before) if before else bytes(32)
        heads = begin.seq.to_bytes(8) + begin.digest + end.digest
        return Where(envelope.Kind.CHUNK, end.seq, envelope.sha256(bound(heads, index, previous, last)))

    patch.setattr("severance.space.chunk_place", chunk_place)
    patch.setattr("kit.checks.frames.chunk_place", chunk_place)


@fault(checks.a_snapshot_is_whole_or_refused)
def a_snapshot_that_does_not_open_is_ignored(patch: Patch) -> None:
    true = Space.read_layers

    def read_layers(self: Space) -> list[Pictured]:
        try:
            return true(self)
        except DamagedError:
            return []

    patch.setattr(Space, "read_layers", read_layers)


@fault(checks.layers_do_not_mix)
def layers_of_two_histories_stand_beside_each_other(patch: Patch) -> None:
    def read_layers(self: Space) -> list[Pictured]:
        layers = self._vault.read_layers(self.key.space)
        return [Pictured(layer.begin, layer.end, self._content(layer, _room([layer]))) for layer in layers]

    patch.setattr(Space, "read_layers", read_layers)
    patch.setattr(Mind, "bears_out", lambda self, layers: True)


@fault(checks.layers_do_not_mix)
def a_layer_of_another_persona_opens(patch: Patch) -> None:
    """All spaces have one key, and a chunk does not say whose it is."""
    patch.setattr(envelope, "_segment", lambda key, salt: (envelope.AESGCM(bytes(32)), bytes(32)))
    true = envelope._associated
    patch.setattr(
        envelope,
        "_associated",
        lambda where, key, salt: b"" if where.kind is envelope.Kind.CHUNK else true(where, key, salt),
    )


@fault(checks.layers_do_not_mix)
def a_layer_that_holds_what_was_forgotten_is_taken(patch: Patch) -> None:
    true = stack._check

    def check(memories: Memories) -> None:
        erased, memories.erased = memories.erased, Column(np.int64)
        true(memories)
        memories.erased = erased

    patch.setattr(stack, "_check", check)


@fault(checks.layers_say_what_the_log_says)
def links_count_from_the_first_row_of_all(patch: Patch) -> None:
    true = stack._link
    patch.setattr(stack, "_link", lambda memories, layers, begins: true(memories, layers, [0] * len(begins)))


@fault(checks.layers_say_what_the_log_says)
def what_is_told_of_a_memory_in_another_layer_is_lost(patch: Patch) -> None:
    true = stack._rows

    def rows(parts: Any, first: int, last: int, begin: int, end: int) -> Any:
        layer = true(parts, first, last, begin, end)
        own = [raw.tobytes() for raw in layer.ids]
        kept = [raw.tobytes() in own for raw in layer.told.ids]
        told = stack.Links(layer.told.rows[kept], layer.told.ids[kept])
        return replace(layer, told=told, kinds=layer.kinds[kept])

    patch.setattr(stack, "_rows", rows)


@fault(checks.layers_say_what_the_log_says)
def what_lies_between_two_layers_is_left_out(patch: Patch) -> None:
    true = waking.of_events
    patch.setattr(waking, "of_events", lambda first, last, events, *label: true(first, last, [], *label))


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

    def waking(self: Chip, subject: str, place: str, at: Any = None) -> Any:
        with mock.patch.object(self, "_verify_set", return_value=None):
            return true(self, subject, place, at)

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


@fault(checks.what_layers_leave_out_was_forgotten)
def what_layers_leave_out_is_not_asked_for(patch: Patch) -> None:
    patch.setattr(Mind, "bears_out", lambda self, layers: True)


@fault(checks.what_layers_leave_out_was_forgotten)
def a_layer_does_not_say_what_was_forgotten(patch: Patch) -> None:
    patch.setattr(stack, "forgotten", lambda memories, ends: [(end, b"") for end in sorted(ends)])


@fault(checks.what_layers_leave_out_was_forgotten)
def checking_does_not_hold_layers_against_the_log(patch: Patch) -> None:
    patch.setattr("severance.upkeep.check.confirm_layers", lambda space: None)
