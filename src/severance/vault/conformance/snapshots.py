"""Snapshots: kept, replaced, refused when they may hold what was erased."""

from __future__ import annotations

from pathlib import Path

from severance.model import Head
from severance.ports import Snapshot
from severance.vault.conformance.kit import EMPTY, NEIGHBOURS, SPACE, Kit, expect, fill, frame, frames, same


def _picture(at: Head, chunks: int = 3, number: int = 100) -> Snapshot:
    return Snapshot(at, tuple(frames(number, chunks, 1000)))


class SnapshotConformance(Kit):
    """Tests of `write_snapshot` and `read_snapshot`."""

    def test_there_is_none_at_first(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            expect(vault.read_snapshot(SPACE) is None, "a new space should have no snapshot")
            fill(vault, 3)
            expect(vault.read_snapshot(SPACE) is None, "appending should make no snapshot")

    def test_a_snapshot_comes_back_whole(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            head = fill(one, 3)
            for count in (1, 12, 300, 2, 0):  # more than ten: chunks are in order of number, not of text
                expect(one.write_snapshot(SPACE, _picture(head, count)), "the snapshot should have been kept")
                same(two.read_snapshot(SPACE), _picture(head, count), "the snapshot")

    def test_a_big_snapshot(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            snapshot = Snapshot(fill(vault, 1), tuple(frame(number, 2**20 + 100) for number in range(5)))
            expect(vault.write_snapshot(SPACE, snapshot), "the snapshot should have been kept")
            same(vault.read_snapshot(SPACE), snapshot, "the snapshot")

    def test_a_later_one_replaces_an_earlier_one_and_never_the_other_way(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            early = fill(one, 3)
            late = fill(one, 2)
            expect(one.write_snapshot(SPACE, _picture(early, 5, 100)), "the first should have been kept")
            expect(two.write_snapshot(SPACE, _picture(late, 2, 200)), "the later one should have been kept")
            expect(not one.write_snapshot(SPACE, _picture(early, 4, 300)), "the earlier one should have been refused")
            same(one.read_snapshot(SPACE), _picture(late, 2, 200), "the snapshot")
            expect(one.write_snapshot(SPACE, _picture(late, 1, 400)), "one of the same head should have been kept")
            same(two.read_snapshot(SPACE), _picture(late, 1, 400), "the snapshot")

    def test_a_snapshot_of_an_empty_log(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            expect(vault.write_snapshot(SPACE, _picture(EMPTY)), "the snapshot should have been kept")
            same(vault.read_snapshot(SPACE), _picture(EMPTY), "the snapshot")

    def test_appending_leaves_it(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            snapshot = _picture(fill(vault, 3))
            vault.write_snapshot(SPACE, snapshot)
            fill(vault, 3)
            same(vault.read_snapshot(SPACE), snapshot, "the snapshot")

    def test_erasing_drops_it_and_no_other(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            vault.create(NEIGHBOURS[1], EMPTY)
            vault.write_snapshot(NEIGHBOURS[1], _picture(EMPTY))
            head = fill(vault, 3)
            vault.write_snapshot(SPACE, _picture(head))
            vault.append(SPACE, head, [frame(4)], [2])
            expect(vault.read_snapshot(SPACE) is None, "the snapshot should have been dropped")
            same(vault.read_snapshot(NEIGHBOURS[1]), _picture(EMPTY), "the snapshot of another space")

    def test_one_that_may_hold_what_was_erased_is_refused(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            before = fill(one, 3)
            at = two.append(SPACE, before, [frame(4)], [2])
            expect(not one.write_snapshot(SPACE, _picture(before)), "a snapshot from before should have been refused")
            expect(one.read_snapshot(SPACE) is None, "it should not have been kept")
            expect(one.write_snapshot(SPACE, _picture(at)), "a snapshot from then on should have been kept")
            fill(one, 2)
            expect(not one.write_snapshot(SPACE, _picture(before)), "that should not be forgotten by appending")
            same(one.read_snapshot(SPACE), _picture(at), "the snapshot")

    def test_it_is_there_after_reopening(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            snapshot = _picture(fill(vault, 3), 7)
            vault.write_snapshot(SPACE, snapshot)
            vault.close()
            again = self.reopen(vault)
            try:
                same(again.read_snapshot(SPACE), snapshot, "the snapshot")
            finally:
                again.close()
