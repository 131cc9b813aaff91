"""Spaces and their logs: made, appended to, read, erased."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from severance.errors import ConflictError, NotFoundError
from severance.model import Head, Sealed
from severance.ports import Entry, NewSpace
from severance.vault.conformance.kit import (
    EMPTY,
    NEIGHBOURS,
    SPACE,
    STORE,
    Kit,
    after,
    entries,
    expect,
    fill,
    frame,
    frames,
    refused,
    same,
)


class LogConformance(Kit):
    """Tests of `create`, `spaces`, `head`, `append` and `read`."""

    def test_the_store_id_is_kept(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as handles:
            same([vault.store for vault in handles], [STORE, STORE], "the store id")

    def test_a_new_space_has_the_head_it_was_given(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            same(vault.head(SPACE), EMPTY, "the head")
            same(vault.read(SPACE, 0, 10), [], "the log")

    def test_a_space_is_made_once(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as handles:
            head = fill(handles[0], 1)
            for vault in handles:
                refused(ConflictError, vault.create, [NewSpace(SPACE, Head(0, bytes(32)))])
                same(vault.head(SPACE), head, "the head")

    def test_spaces_are_sorted_whatever_bytes_their_ids_have(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            for space in NEIGHBOURS:
                vault.create([NewSpace(space, EMPTY)])
            same(vault.spaces(), sorted((SPACE, *NEIGHBOURS)), "the list of spaces")

    def test_many_spaces_are_made_at_once_with_what_they_begin_with_or_none_of_them(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            one, two, three, _ = NEIGHBOURS
            vault.create([NewSpace(two, EMPTY, frames(1, 2)), NewSpace(one, EMPTY, frames(3, 1))])
            same(vault.read(one, 0, 10), entries(1, frames(3, 1)), "what the first began with")
            same(vault.read(two, 0, 10), entries(1, frames(1, 2)), "what the second began with")
            vault.append(two, vault.head(two), frames(5, 1))
            for new in (one, three):
                refused(ConflictError, vault.create, [NewSpace(three, EMPTY), NewSpace(new, EMPTY, frames(9, 1))])
            same(vault.spaces(), sorted((SPACE, one, two)), "the list of spaces")
            same(vault.read(one, 0, 10), entries(1, frames(3, 1)), "what the first began with")

    def test_what_does_not_exist_is_not_found(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            fill(vault, 1)
            for space in (*NEIGHBOURS, b"", SPACE[:15], SPACE + b"\0"):
                refused(NotFoundError, vault.head, space)
                refused(NotFoundError, vault.read, space, 0, 10)
                refused(NotFoundError, vault.append, space, EMPTY, [frame(1)])
                refused(NotFoundError, vault.append, space, EMPTY, [])
                refused(NotFoundError, vault.write_layers, space, 0, [])
                refused(NotFoundError, vault.layers, space)
                refused(NotFoundError, vault.read_layers, space)
                refused(NotFoundError, vault.drop, space)
            same(vault.spaces(), [SPACE], "the list of spaces")

    def test_frames_are_read_back_in_order(self, tmp_path: Path) -> None:
        written = frames(1, 300)
        with self.vaults(tmp_path) as (vault,):
            head = vault.append(SPACE, EMPTY, written[:1])
            same(head, after(EMPTY, written[:1]), "the new head")
            head = vault.append(SPACE, head, written[1:])
            same(head, after(EMPTY, written), "the new head")
            same(vault.head(SPACE), head, "the head")
            same(vault.read(SPACE, 0, 1000), entries(1, written), "the log")

    def test_reading_starts_after_and_stops_at_the_limit(self, tmp_path: Path) -> None:
        written = entries(1, frames(1, 20))
        with self.vaults(tmp_path) as (vault,):
            fill(vault, 20)
            same(vault.read(SPACE, 5, 3), written[5:8], "a page")
            same(vault.read(SPACE, 18, 100), written[18:], "the last page")
            same(vault.read(SPACE, 0, 1), written[:1], "the first record")
            for after_, limit in ((20, 10), (21, 10), (2**62, 10), (2**70, 2**70), (0, 0)):
                same(vault.read(SPACE, after_, limit), [], "what lies behind the end")
            same(vault.read(SPACE, 0, 2**70), written, "the whole log")

    def test_an_empty_append_changes_nothing(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            same(vault.append(SPACE, EMPTY, []), EMPTY, "the head")
            head = fill(vault, 3)
            same(vault.append(SPACE, head, []), head, "the head")
            same(vault.read(SPACE, 0, 10), entries(1, frames(1, 3)), "the log")
            refused(ConflictError, vault.append, SPACE, EMPTY, [])

    def test_an_append_to_another_head_is_a_conflict(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as handles:
            head = fill(handles[0], 3)
            wrong = (EMPTY, Head(2, head.digest), Head(4, head.digest), Head(3, bytes(32)), Head(0, head.digest))
            for vault in handles:
                for expected in wrong:
                    refused(ConflictError, vault.append, SPACE, expected, frames(9, 2))
                same(vault.head(SPACE), head, "the head")
                same(vault.read(SPACE, 0, 10), entries(1, frames(1, 3)), "the log")

    def test_the_loser_reads_on_and_wins(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            head = one.append(SPACE, EMPTY, frames(1, 2))
            refused(ConflictError, two.append, SPACE, EMPTY, frames(3, 1))
            same(two.read(SPACE, 0, 10), entries(1, frames(1, 2)), "what the winner wrote")
            two.append(SPACE, head, frames(3, 1))
            same(one.read(SPACE, 2, 10), entries(3, frames(3, 1)), "what the loser wrote then")

    def test_an_append_that_breaks_off_leaves_nothing(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            head = fill(one, 2)
            refused(KeyboardInterrupt, one.append, SPACE, head, _Interrupted(frames(3, 50)), [1])
            same(one.head(SPACE), head, "the head")
            same(one.read(SPACE, 0, 100), entries(1, frames(1, 2)), "the log")
            two.append(SPACE, head, frames(3, 1))  # nothing is held any more

    def test_big_frames(self, tmp_path: Path) -> None:
        written = [frame(1, 2 * 2**20), frame(2, 1), frame(3, 8 * 2**20 + 100), frame(4, 65_636)]
        with self.vaults(tmp_path) as (vault,):
            vault.append(SPACE, EMPTY, written)
            same(vault.read(SPACE, 0, 10), entries(1, written), "the log")

    def test_spaces_do_not_touch(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            heads = {SPACE: EMPTY}
            for space in NEIGHBOURS:
                vault.create([NewSpace(space, EMPTY)])
                heads[space] = EMPTY
            for turn in range(20):
                for number, space in enumerate(heads):
                    heads[space] = vault.append(space, heads[space], [frame(turn * 10 + number)])
            vault.append(SPACE, heads.pop(SPACE), [frame(777)], [1, 2, 20])
            for number, (space, head) in enumerate(heads.items(), 1):
                same(vault.head(space), head, "the head of another space")
                wanted = entries(1, [frame(turn * 10 + number) for turn in range(20)])
                same(vault.read(space, 0, 100), wanted, "the log of another space")

    def test_erased_records_keep_their_digests(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            head = fill(one, 5)
            head = one.append(SPACE, head, frames(6, 1), [2, 5, 2])
            wanted = [
                Entry(entry.seq, None if entry.seq in (2, 5) else entry.frame, entry.digest, entry.hash)
                for entry in entries(1, frames(1, 6))
            ]
            for vault in (one, two):
                same(vault.read(SPACE, 0, 10), wanted, "the log")
                same(vault.head(SPACE), head, "the head")
            same(one.append(SPACE, head, frames(7, 1), [2]).seq, 7, "erasing again")
            same(one.read(SPACE, 0, 10)[:6], wanted, "the log")

    def test_what_is_not_there_cannot_be_erased(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            head = fill(vault, 3)
            for erase in ([4], [1, 5], [0], [-1], [2**70]):
                refused(NotFoundError, vault.append, SPACE, head, frames(4, 1), erase)
                same(vault.head(SPACE), head, "the head")
                same(vault.read(SPACE, 0, 10), entries(1, frames(1, 3)), "the log")

    def test_erasing_needs_a_record_that_says_so(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            head = fill(vault, 3)
            refused(ValueError, vault.append, SPACE, head, [], [1])
            same(vault.read(SPACE, 0, 10), entries(1, frames(1, 3)), "the log")

    def test_a_conflict_erases_nothing(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            fill(vault, 3)
            refused(ConflictError, vault.append, SPACE, EMPTY, frames(4, 1), [1])
            expect(all(entry.frame for entry in vault.read(SPACE, 0, 10)), "nothing should have been erased")


class _Interrupted(Sequence[Sealed]):
    """Frames, in the middle of which somebody presses Ctrl-C."""

    def __init__(self, all_of_them: list[Sealed]) -> None:
        self._frames = all_of_them

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Sealed]:
        yield from self._frames[: len(self._frames) // 2]
        raise KeyboardInterrupt

    @overload
    def __getitem__(self, index: int) -> Sealed: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sealed]: ...
    def __getitem__(self, index: int | slice) -> Sealed | Sequence[Sealed]:
        if index != 0:
            raise KeyboardInterrupt
        return self._frames[index]
