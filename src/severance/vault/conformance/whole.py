"""The vault as a whole: dropping, verifying, copying, closing, many spaces."""

from __future__ import annotations

import threading
from pathlib import Path

from severance.errors import NotFoundError, StoreError
from severance.model import Head
from severance.ports import NewSpace, Vault
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
    picture,
    refused,
    same,
)


def _contents(vault: Vault) -> dict[bytes, object]:
    return {
        space: (vault.head(space), vault.read(space, 0, 2**40), vault.read_layers(space)) for space in vault.spaces()
    }


def _furnish(vault: Vault) -> None:
    """Something of everything."""
    vault.create([NewSpace(NEIGHBOURS[0], EMPTY)])
    vault.create([NewSpace(NEIGHBOURS[3], EMPTY)])
    fill(vault, 40, NEIGHBOURS[3], 1124)
    picture(vault, vault.head(NEIGHBOURS[3]), frames(5, 3, 70_000), NEIGHBOURS[3])
    head = vault.append(SPACE, fill(vault, 10), [frame(11)], [1, 10])
    picture(vault, head, [frame(9)])


class WholeConformance(Kit):
    """Tests of `drop`, `verify`, `copy_to` and `close`."""

    def test_everything_is_there_after_reopening(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            _furnish(vault)
            wanted = _contents(vault)
            vault.close()
            again = self.reopen(vault)
            try:
                same(_contents(again), wanted, "the vault")
            finally:
                again.close()

    def test_a_dropped_space_is_gone_with_everything_in_it(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            _furnish(one)
            wanted = _contents(one)
            one.drop(SPACE)
            del wanted[SPACE]
            for vault in (one, two):
                same(_contents(vault), wanted, "the other spaces")
                refused(NotFoundError, vault.head, SPACE)
                refused(NotFoundError, vault.drop, SPACE)
            two.create([NewSpace(SPACE, EMPTY)])
            same(one.read(SPACE, 0, 10), [], "the log of a new space")
            same(one.read_layers(SPACE), [], "the layers of a new space")
            expect(picture(one, fill(one, 1), [frame(1)]), "a new space has no erasure to remember")

    def test_nothing_is_wrong_with_a_sound_vault(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            same(vault.verify(), [], "the list of complaints")
            _furnish(vault)
            same(vault.verify(), [], "the list of complaints")
            vault.drop(SPACE)
            same(vault.verify(), [], "the list of complaints")

    def test_a_copy_is_the_same(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            _furnish(vault)
            wanted = _contents(vault)
            vault.copy_to(tmp_path / "copy")
            fill(vault, 5)
            copy = self.open_copy(tmp_path / "copy")
            try:
                same(copy.store, STORE, "the store id")
                same(_contents(copy), wanted, "the copy")
                same(copy.verify(), [], "the list of complaints")
            finally:
                copy.close()

    def test_a_copy_replaces_nothing(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            target = tmp_path / "copy"
            target.write_bytes(b"mine")
            refused(StoreError, vault.copy_to, target)
            same(target.read_bytes(), b"mine", "the file that was there")
            before = sorted(tmp_path.iterdir())
            refused(StoreError, vault.copy_to, tmp_path / "no such folder" / "copy")
            same(sorted(tmp_path.iterdir()), before, "the folder")

    def test_a_copy_is_consistent_while_others_write(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            _furnish(one)
            started, stop = threading.Event(), threading.Event()

            def write() -> None:
                while not stop.is_set():
                    for space in (SPACE, NEIGHBOURS[3]):
                        fill(two, 3, space)
                    started.set()

            writer = threading.Thread(target=write)
            writer.start()
            try:
                started.wait(10)
                for number in range(5):
                    one.copy_to(tmp_path / f"copy{number}")
            finally:
                stop.set()
                writer.join()
            for number in range(5):
                copy = self.open_copy(tmp_path / f"copy{number}")
                try:
                    same(copy.verify(), [], "the list of complaints")
                    for space in copy.spaces():
                        log = copy.read(space, 0, 2**40)
                        same([entry.seq for entry in log], list(range(1, copy.head(space).seq + 1)), "the numbers")
                finally:
                    copy.close()

    def test_a_closed_vault_serves_nothing(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            head = fill(vault, 1)
            vault.close()
            vault.close()
            refused(StoreError, vault.create, [NewSpace(NEIGHBOURS[0], EMPTY)])
            refused(StoreError, vault.spaces)
            refused(StoreError, vault.head, SPACE)
            refused(StoreError, vault.append, SPACE, head, [frame(2)])
            refused(StoreError, vault.read, SPACE, 0, 10)
            refused(StoreError, vault.write_layers, SPACE, 1, [])
            refused(StoreError, vault.layers, SPACE)
            refused(StoreError, vault.read_layers, SPACE)
            refused(StoreError, vault.drop, SPACE)
            refused(StoreError, vault.verify)
            refused(StoreError, vault.copy_to, tmp_path / "copy")
            expect(not (tmp_path / "copy").exists(), "a closed vault should have made no copy")

    def test_closing_one_handle_leaves_the_others(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 3) as (one, two, three):
            head = fill(one, 1)
            one.close()
            head = two.append(SPACE, head, [frame(2)])
            two.close()
            same(three.head(SPACE), head, "the head")
            three.append(SPACE, head, [frame(3)])
            same(three.read(SPACE, 0, 10), entries(1, frames(1, 3)), "the log")

    def test_many_spaces(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path) as (vault,):
            heads: dict[bytes, Head] = {SPACE: EMPTY}
            for number in range(1000):
                space = bytes(frame(number, 16))
                vault.create([NewSpace(space, EMPTY)])
                heads[space] = EMPTY if number % 5 else vault.append(space, EMPTY, frames(number, 2, 356))
            same(vault.spaces(), sorted(heads), "the list of spaces")
            for number, (space, head) in enumerate(list(heads.items())[1:]):
                written = [] if number % 5 else frames(number, 2, 356)
                same(vault.head(space), head, "the head")
                same(head, after(EMPTY, written), "the head")
                same(vault.read(space, 0, 10), entries(1, written), "the log")
