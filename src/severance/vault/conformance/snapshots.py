"""Snapshots: layers that are kept, replaced, and dropped or refused when they may hold what was erased."""

from __future__ import annotations

from pathlib import Path

from severance.errors import InputError, NotFoundError
from severance.model import Head
from severance.ports import Layer, NewSpace, Vault
from severance.vault.conformance.kit import EMPTY, NEIGHBOURS, SPACE, Kit, expect, fill, frame, frames, refused, same


def layer(vault: Vault, first: int, last: int, chunks: int = 3, number: int = 100) -> Layer:
    """A layer of these records of the space."""
    digests = {entry.seq: entry.digest for entry in vault.read(SPACE, 0, last)} | {0: EMPTY.digest}
    content = tuple(frames(number, chunks, 1000))
    return Layer(Head(first - 1, digests[first - 1]), Head(last, digests[last]), content)


class SnapshotConformance(Kit):
    """Tests of `write_layers`, `layers` and `read_layers`."""

    def test_there_is_none_at_first(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            same(vault.read_layers(SPACE), [], "the layers of a new space")
            fill(vault, 3)
            same(vault.read_layers(SPACE), [], "the layers after appending")
            same(vault.layers(SPACE), [], "their ranges")

    def test_a_layer_comes_back_whole(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            fill(one, 3)
            drop: list[int] = []
            for count in (1, 12, 300, 2, 0):  # more than ten: chunks are in order of number, not of text
                made = layer(one, 1, 3, count)
                expect(one.write_layers(SPACE, 3, [made], drop), "the layer should have been kept")
                same(two.read_layers(SPACE), [made], "the layers")
                drop = [3]

    def test_a_big_layer(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            head = fill(vault, 1)
            big = Layer(EMPTY, head, tuple(frame(number, 2**20 + 100) for number in range(5)))
            expect(vault.write_layers(SPACE, 1, [big]), "the layer should have been kept")
            same(vault.read_layers(SPACE), [big], "the layers")

    def test_layers_stand_beside_one_another_and_in_order(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            fill(one, 300)
            upper, lower, late = layer(one, 131, 256, 2, 10), layer(one, 1, 130, 1, 20), layer(one, 300, 300, 3, 30)
            expect(one.write_layers(SPACE, 300, [upper]), "the first should have been kept")
            expect(two.write_layers(SPACE, 300, [lower, late]), "those beside it should have been kept")
            same(one.read_layers(SPACE), [lower, upper, late], "the layers")
            same(two.layers(SPACE), [(1, 130), (131, 256), (300, 300)], "their ranges")

    def test_layers_take_the_place_of_those_that_are_named(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            fill(vault, 9)
            parts = [layer(vault, 1, 2, 1, 10), layer(vault, 3, 4, 2, 20), layer(vault, 5, 6, 3, 30)]
            vault.write_layers(SPACE, 9, parts)
            whole = layer(vault, 1, 5, 2, 40)
            expect(vault.write_layers(SPACE, 9, [whole], [2, 4, 6]), "it should have been kept")
            same(vault.read_layers(SPACE), [whole], "the layers")
            expect(vault.write_layers(SPACE, 9, [], [5]), "it should have been dropped")
            same(vault.read_layers(SPACE), [], "the layers")

    def test_a_writer_who_was_not_first_changes_nothing(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            fill(one, 9)
            kept = [layer(one, 1, 3, 1, 10), layer(one, 6, 7, 1, 20)]
            one.write_layers(SPACE, 9, kept)
            for seen, first, last, drop in (
                (9, 3, 5, []),
                (9, 4, 6, []),
                (9, 1, 9, [3]),
                (9, 2, 2, []),
                (9, 4, 5, [2]),
                (9, 4, 5, [3, 5]),
                (5, 4, 5, []),
                (6, 1, 3, [3]),
            ):
                refusal = f"a layer of {first} to {last} should have been refused"
                expect(not two.write_layers(SPACE, seen, [layer(two, first, last)], drop), refusal)
                same(one.read_layers(SPACE), kept, "the layers")

    def test_what_is_no_layer_of_the_log_is_refused(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            fill(vault, 5)
            short = Layer(EMPTY, Head(2, b"short"), (frame(1),))
            empty = Layer(Head(2, bytes(32)), Head(2, bytes(32)), (frame(1),))
            overlapping = [layer(vault, 1, 3), layer(vault, 3, 4)]
            for wrong in ([short], [empty], overlapping, overlapping[::-1], [layer(vault, 4, 5)]):
                refused(InputError, vault.write_layers, SPACE, 4, wrong)
            refused(NotFoundError, vault.write_layers, NEIGHBOURS[0], 4, [layer(vault, 1, 3)])
            refused(NotFoundError, vault.layers, NEIGHBOURS[0])
            refused(NotFoundError, vault.read_layers, NEIGHBOURS[0])
            same(vault.layers(SPACE), [], "the layers")

    def test_appending_leaves_them(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            fill(vault, 3)
            kept = [layer(vault, 1, 3)]
            vault.write_layers(SPACE, 3, kept)
            fill(vault, 3)
            same(vault.read_layers(SPACE), kept, "the layers")

    def test_erasing_drops_the_layers_that_stand_for_it_and_no_other(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            vault.create([NewSpace(NEIGHBOURS[1], EMPTY)])
            fill(vault, 9, NEIGHBOURS[1])
            fill(vault, 9)
            kept = [layer(vault, first, first + 1, 2, first) for first in (1, 3, 5, 8)]
            for space in (SPACE, NEIGHBOURS[1]):
                vault.write_layers(space, 9, kept)
            head = vault.append(SPACE, vault.head(SPACE), [frame(10)], [3, 6, 7])
            same(vault.read_layers(SPACE), [kept[0], kept[3]], "the layers")
            same(vault.read_layers(NEIGHBOURS[1]), kept, "the layers of another space")
            head = vault.append(SPACE, head, [frame(11)], [9])
            same(vault.layers(SPACE), [(1, 2)], "the layers")
            vault.append(SPACE, head, [frame(12)], [1, 2])
            same(vault.layers(SPACE), [], "the layers")

    def test_one_that_may_hold_what_was_erased_is_refused(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            before = fill(one, 3)
            two.append(SPACE, before, [frame(4)], [2])
            expect(not one.write_layers(SPACE, 3, [layer(one, 1, 3)]), "one made before should have been refused")
            expect(not one.write_layers(SPACE, 3, [layer(one, 1, 1)]), "of whichever records it is")
            expect(one.write_layers(SPACE, 4, [layer(one, 1, 3)]), "one made since should have been kept")
            fill(one, 2)
            expect(not one.write_layers(SPACE, 3, [layer(one, 1, 3)], [3]), "that is not forgotten by appending")
            same(one.layers(SPACE), [(1, 3)], "the layers")

    def test_they_are_there_after_reopening(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            fill(vault, 6)
            kept = [layer(vault, 1, 3, 7), layer(vault, 4, 5, 1)]
            vault.write_layers(SPACE, 6, kept)
            vault.close()
            again = self.reopen(vault)
            try:
                same(again.read_layers(SPACE), kept, "the layers")
            finally:
                again.close()
