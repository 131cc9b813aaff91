"""What was erased is in none of the vault's files: searched for byte by byte."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from severance.disk.connection import Connection
from severance.ports import Layer, NewSpace
from severance.vault import residue
from severance.vault.conformance import STORE
from severance.vault.conformance.kit import EMPTY, SPACE, entries, fill, frame, frames, picture
from severance.vault.sqlite import SqliteVault

if TYPE_CHECKING:
    from pathlib import Path

    from severance.model import Head, Sealed

SIZES = (356, 612, 868, 1124, 1636, 3172)
PIECE = 16


def left_over(folder: Path, erased: list[Sealed]) -> int:
    """How many of these frames have a piece in any of the files."""
    content = b"".join(file.read_bytes() for file in folder.iterdir())
    # The first and last bytes of a stale copy may be overwritten; any piece of it counts, wherever it lies.
    owner = {each[at : at + PIECE]: n for n, each in enumerate(erased) for at in range(len(each) - PIECE + 1)}
    found = {owner.get(content[at : at + PIECE]) for at in range(0, len(content), PIECE)}
    return len(found - {None})


def crowd(vault: SqliteVault, chance: random.Random) -> dict[bytes, list[Sealed]]:
    """Several spaces that write by turns, frames of all sizes: pages are split and packed anew."""
    logs: dict[bytes, list[Sealed]] = {bytes(frame(20_000 + number, 16)): [] for number in range(8)}
    heads: dict[bytes, Head] = dict.fromkeys(logs, EMPTY)
    vault._writer.query("PRAGMA synchronous = OFF")
    for space in logs:
        vault.create([NewSpace(space, EMPTY)])
    for number in range(1500):
        space = chance.choice(list(logs))
        logs[space].append(frame(number, chance.choice(SIZES)))
        heads[space] = vault.append(space, heads[space], logs[space][-1:])
    return logs


def forget_some(vault: SqliteVault, logs: dict[bytes, list[Sealed]], chance: random.Random) -> list[Sealed]:
    gone = []
    for space, written in logs.items():
        seqs = chance.sample(range(1, len(written) + 1), 40)
        vault.append(space, vault.head(space), [frame(10_000 + len(written), 356)], seqs)
        gone += [written[seq - 1] for seq in seqs]
    return gone


def test_an_erased_frame_is_nowhere(tmp_path: Path) -> None:
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
        head = fill(vault, 30)
        assert left_over(tmp_path, frames(1, 30)) == 30, "the search finds what is there"
        picture(vault, head, [frame(77, 100_000)])
        head = vault.append(SPACE, head, [frame(31)], [7, 20])
        assert left_over(tmp_path, [frame(7), frame(20), frame(77, 100_000)]) == 0
        assert left_over(tmp_path, frames(1, 31)) == 29
    assert left_over(tmp_path, [frame(7), frame(20)]) == 0


def test_nor_in_the_unused_parts_of_pages(tmp_path: Path) -> None:
    chance = random.Random(5)
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        logs = crowd(vault, chance)
        gone = forget_some(vault, logs, chance)
        vault.scrub()
        assert left_over(tmp_path, gone) == 0
        assert vault.verify() == []
        for space, written in logs.items():
            kept = [entry for entry in vault.read(space, 0, len(written)) if entry.frame]
            assert kept == [entry for entry in entries(1, written) if entry.frame not in gone]


def test_closing_searches_for_it_too(tmp_path: Path) -> None:
    chance = random.Random(5)
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        gone = forget_some(vault, crowd(vault, chance), chance)
        assert left_over(tmp_path, gone) > 0, "what is searched for"
    assert left_over(tmp_path, gone) == 0


def test_forgetting_does_not_read_the_whole_vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long it takes would tell how much all spaces hold together."""
    calls, true = list[int](), Connection.image

    def image(self: Connection, limit: int) -> bytes | None:
        calls.append(limit)
        return true(self, limit)

    monkeypatch.setattr(Connection, "image", image)
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
        head = fill(vault, 30)
        for number in range(3):
            head = vault.append(SPACE, head, [frame(31 + number)], [7 + number])
        assert calls == []
        vault.scrub()
        assert calls == [residue.LIMIT]
        vault.scrub()
        assert len(calls) == 1, "once is enough"
        vault.append(SPACE, head, [frame(40)], [20])
        assert len(calls) == 1
    assert len(calls) == 2


def test_which_the_search_is_needed_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`secure_delete` alone leaves some: if SQLite stops doing so, `residue` can go."""
    monkeypatch.setattr(residue, "lingers", lambda *_: False)
    chance = random.Random(5)
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        gone = forget_some(vault, crowd(vault, chance), chance)
        assert left_over(tmp_path, gone) > 0
        vault.compact()
        assert left_over(tmp_path, gone) == 0
        assert vault.verify() == []


@pytest.mark.parametrize("searched", [True, False])
def test_layers_that_were_merged_are_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, searched: bool
) -> None:
    """What they held may be forgotten later; then only the layer that they went into is known."""
    if not searched:
        monkeypatch.setattr(residue, "lingers", lambda *_: False)
    chance = random.Random(6)
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        gone = merge_some(vault, chance)
    assert bool(left_over(tmp_path, gone)) != searched


def merge_some(vault: SqliteVault, chance: random.Random) -> list[Sealed]:
    """Several spaces get layers of one record by turns, merged three at a time; returns those that are gone."""
    logs: dict[bytes, list[Head]] = {bytes(frame(20_000 + number, 16)): [EMPTY] for number in range(8)}
    small: dict[bytes, list[Sealed]] = {space: [] for space in logs}
    gone: list[Sealed] = []
    vault._writer.query("PRAGMA synchronous = OFF")
    vault.create([NewSpace(space, EMPTY) for space in logs])
    for number in range(2000):
        space = chance.choice(list(logs))
        heads = logs[space]
        heads.append(vault.append(space, heads[-1], [frame(number, 356)]))
        seen, chunk = heads[-1].seq, frame(30_000 + number, chance.choice(SIZES))
        if len(small[space]) < 3:
            assert vault.write_layers(space, seen, [Layer(heads[-2], heads[-1], (chunk,))])
            small[space].append(chunk)
        else:
            assert vault.write_layers(
                space, seen, [Layer(heads[-5], heads[-1], (chunk,))], [seen - 3, seen - 2, seen - 1]
            )
            gone += small[space]
            small[space] = []
    return gone


def test_very_many_at_once(tmp_path: Path) -> None:
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
        head = fill(vault, 500, size=868)
        vault.append(SPACE, head, [frame(501)], range(1, 500))
        assert left_over(tmp_path, frames(1, 499, 868)) == 0
        assert left_over(tmp_path, frames(500, 1, 868)) == 1


def test_a_dropped_space_is_nowhere(tmp_path: Path) -> None:
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
        picture(vault, fill(vault, 100), [frame(777, 50_000)])
        vault.drop(SPACE)
        assert left_over(tmp_path, [*frames(1, 100), frame(777, 50_000)]) == 0
        size = (tmp_path / "vault.db").stat().st_size
        vault.compact()
        assert (tmp_path / "vault.db").stat().st_size < size


def test_a_reader_in_the_way_delays_it(tmp_path: Path) -> None:
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
        head = fill(vault, 3)
        with vault._aside() as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM spaces").fetchall()
            head = vault.append(SPACE, head, [frame(4)], [2])
            assert left_over(tmp_path, [frame(2)]) == 1, "the reader still needs the page as it was"
        vault.append(SPACE, head, [frame(5)])
        assert left_over(tmp_path, [frame(2)]) == 0


@pytest.mark.parametrize("fault", ["rewrite", "flush"])
def test_what_failed_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setattr(residue, "lingers", lambda *_: True)
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
        head = fill(vault, 3)
        with monkeypatch.context() as broken:
            broken.setattr(vault._writer, fault, lambda *_: False)
            vault.append(SPACE, head, [frame(4)], [2])
            vault.scrub()
            assert bool(vault._erased) == (fault == "rewrite")
            assert vault._unflushed == (fault == "flush")
        vault.scrub()
        assert not vault._erased
        assert not vault._unflushed
        assert left_over(tmp_path, [frame(2)]) == 0


def test_a_flush_that_failed_is_tried_again_by_the_next_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
        head = fill(vault, 3)
        with monkeypatch.context() as broken:
            broken.setattr(vault._writer, "flush", lambda *_: False)
            head = vault.append(SPACE, head, [frame(4)], [2])
            assert vault._unflushed
        vault.append(SPACE, head, [frame(5)])
        assert not vault._unflushed
        assert left_over(tmp_path, [frame(2)]) == 0
