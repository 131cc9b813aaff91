"""P5, in the vault: what was altered, put back or forked is refused."""

from __future__ import annotations

import itertools
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import severance
from kit import change, dump, flipped, make_house, open_house, space_of, texts
from kit.checks.base import filled, refuses, wakes
from severance import DamagedError, House, RolledBackError
from severance.barrier.traces.ports import KEY, ScopedEntropy, small_snapshots
from severance.crypto.primitives import sha256
from severance.model import Head
from severance.space import CHUNK_BYTES, Space
from severance.waking import wake


def damage_is_noticed(folder: Path) -> None:
    """Altered, swapped, missing and emptied records are refused, and `check` names them."""
    filled(folder)
    (before := folder / "before").mkdir()
    shutil.copytree(folder / "store", before / "store")
    vault = folder / "store" / "vault.db"
    largest = "space = (SELECT id FROM spaces ORDER BY seq DESC LIMIT 1)"
    frame = next(row[2] for row in dump(vault)["records"] if row[1] == 4)
    for what, statement, arguments in (
        ("a bit", f"UPDATE records SET frame = ? WHERE seq = 4 AND {largest}", (flipped(frame, 100),)),
        (
            "a record with a fitting hash",
            f"UPDATE records SET frame = ?, hash = ? WHERE seq = 5 AND {largest}",
            (frame, sha256(frame)),
        ),
        ("one gone", f"DELETE FROM records WHERE seq = 3 AND {largest}", ()),
        ("the last gone", f"DELETE FROM records WHERE seq = 7 AND {largest}", ()),
        ("one emptied", f"UPDATE records SET frame = NULL WHERE seq = 4 AND {largest}", ()),
        ("a digest", f"UPDATE records SET digest = zeroblob(32) WHERE seq = 6 AND {largest}", ()),
        ("a hash", f"UPDATE records SET hash = zeroblob(32) WHERE seq = 6 AND {largest}", ()),
        ("all emptied", f"UPDATE records SET frame = NULL WHERE seq > 1 AND {largest}", ()),
    ):
        assert change(vault, statement, *arguments) > 0, what
        error = refuses(DamagedError, lambda: wakes(folder))
        assert isinstance(error, DamagedError)
        assert error.space, what
        with open_house(folder / "store") as house:
            assert house.check(), what
        shutil.rmtree(folder / "store")
        shutil.copytree(before / "store", folder / "store")
    assert len(wakes(folder)) == 6


def an_older_vault_is_noticed(folder: Path) -> None:
    """A vault put back to before the last sleep, whole or cut to fit, is refused."""
    filled(folder)
    shutil.copy(folder / "store" / "vault.db", folder / "old.db")
    with open_house(folder / "store") as house, house.cross("mark", "floor") as innie:
        innie.remember("and one more")
    shutil.copy(folder / "store" / "vault.db", folder / "new.db")
    shutil.copy(folder / "old.db", folder / "store" / "vault.db")
    refuses(RolledBackError, lambda: wakes(folder))
    with open_house(folder / "store") as house:
        assert house.check()
    shutil.copy(folder / "new.db", folder / "store" / "vault.db")
    assert len(wakes(folder)) == 7


def a_backup_may_not_be_older(folder: Path) -> None:
    """A backup of the vault that the chip has seen more than is put in place only when that was said."""
    filled(folder)
    with open_house(folder / "store") as house:
        house.backup(folder / "old.tar", chip=False)
        with house.cross("mark", "floor") as innie:
            innie.remember("and one more")
    restoring = {"key": KEY, "replace": True}
    refuses(RolledBackError, lambda: severance.restore(folder / "old.tar", folder / "store", **restoring))
    assert len(wakes(folder)) == 7


def a_fork_does_not_join(folder: Path) -> None:
    """A record of another history of the same space, under the right number, is refused."""
    filled(folder, 2)
    shutil.copy(folder / "store" / "chip.db", folder / "chip.db")
    shutil.copytree(folder / "store", folder / "fork" / "store")
    for side, count in ((folder, 3), (folder / "fork", 3)):
        with (
            open_house(side / "store", entropy=ScopedEntropy(side.name.encode())) as house,
            house.cross("mark", "floor") as innie,
        ):
            for number in range(count):
                innie.remember(f"{side.name} {number}")
    stolen = next(row for row in dump(folder / "fork" / "store" / "vault.db")["records"] if row[1] == 6)
    target = folder / "store" / "vault.db"
    before = next(row for row in dump(target)["records"] if row[1] == 5)
    ends = Head(5, before[3]).then(stolen[4]).digest, stolen[4]
    change(
        target,
        "UPDATE records SET frame = ?, digest = ?, hash = ? WHERE space = ? AND seq = 6",
        stolen[2],
        *ends,
        stolen[0],
    )
    change(target, "UPDATE spaces SET digest = ? WHERE id = ?", ends[0], stolen[0])
    shutil.copy(folder / "chip.db", folder / "store" / "chip.db")  # whose anchor both histories have
    refuses(DamagedError, lambda: wakes(folder))


def a_fork_does_not_join_at_an_erased_record(folder: Path) -> None:
    """Records of a history that was given up, put before a record of the present one that was erased, are refused."""
    filled(folder, 2)
    shutil.copytree(folder / "store", folder / "fork" / "store")
    for side in (folder, folder / "fork"):
        with (
            open_house(side / "store", entropy=ScopedEntropy(side.name.encode())) as house,
            house.cross("mark", "floor") as innie,
        ):
            innie.remember(f"{side.name} 1")
            gone = innie.remember("to be forgotten").id
            innie.remember("and so it went on")
            if side == folder:
                innie.forget(gone)
    vault = folder / "store" / "vault.db"
    present = [row for row in dump(vault)["records"] if row[1] in (4, 5)]
    stolen = next(row for row in dump(folder / "fork" / "store" / "vault.db")["records"] if row[1] == 4)
    assert present[0][2] is not None
    assert present[1][2] is None
    put = "UPDATE records SET frame = ?, digest = ?, hash = ? WHERE space = ? AND seq = ?"
    for row in (stolen, present[0]):
        change(vault, put, *row[2:], *row[:2])
        if row is stolen:
            refuses(DamagedError, lambda: wakes(folder))
            with open_house(folder / "store") as house:
                assert house.check()
    assert "and so it went on" in wakes(folder)


def what_layers_leave_out_was_forgotten(folder: Path) -> None:
    """A layer of a history in which something was forgotten, put into one in which it was not, takes nothing along."""
    with small_snapshots():
        filled(folder, 8)
        shutil.copytree(folder / "store", folder / "fork" / "store")
        fork = open_house(folder / "fork" / "store", entropy=ScopedEntropy(b"fork"))
        with fork, fork.cross("mark", "floor") as innie:
            gone = next(memory.id for memory in innie.memories() if memory.text == "memory 3")
            innie.forget(gone)
            for number in range(8):
                innie.remember(f"of another history {number}")
        there = wakes(folder)
        vault = folder / "store" / "vault.db"
        other = dump(folder / "fork" / "store" / "vault.db")
        (space,) = {row[0] for row in other["layers"]}
        seqs = {row[1]: row[2] for row in dump(vault)["layers"]}
        again = [row for row in other["layers"] if row[1] in seqs and row[2] <= 5 <= row[1]]
        assert len(again) == 1, "the layer was made anew for the records that both have"
        last = again[0][1]
        chunks = [row for row in other["chunks"] if row[1] == last]
        change(vault, "DELETE FROM chunks WHERE space = ? AND last = ?", space, last)
        for row in chunks:
            change(vault, "INSERT INTO chunks VALUES (?, ?, ?, ?)", *row)
        change(vault, "UPDATE layers SET chunks = ? WHERE space = ? AND last = ?", len(chunks), space, last)
        with open_house(folder / "store") as house:
            assert house.check(), "the layers are of another history"
        assert wakes(folder) == there


def a_snapshot_is_whole_or_refused(folder: Path) -> None:
    """Chunks swapped, cut off, or of another layer are damage, and are not skipped for the log."""
    with small_snapshots(), mock.patch("severance.space.CHUNK_BYTES", 500):
        filled(folder)
        vault = folder / "store" / "vault.db"
        space, last = dump(vault)["layers"][0][:2]
        chunks = [row for row in dump(vault)["chunks"] if row[:2] == (space, last)]
        assert len(chunks) > 3
        count, of_layer = len(chunks) - 1, f"last = {last}"
        shutil.copy(vault, folder / "kept.db")
        for what, statements in (
            (
                "swapped",
                [
                    (f"UPDATE chunks SET frame = ? WHERE {of_layer} AND n = 0", chunks[1][3]),
                    (f"UPDATE chunks SET frame = ? WHERE {of_layer} AND n = 1", chunks[0][3]),
                ],
            ),
            (
                "cut off",
                [
                    (f"DELETE FROM chunks WHERE {of_layer} AND n = ?", count),
                    (f"UPDATE layers SET chunks = ? WHERE {of_layer}", count),
                ],
            ),
            (
                "the last twice",
                [
                    ("INSERT INTO chunks VALUES (?, ?, ?, ?)", space, last, count + 1, chunks[count][3]),
                    (f"UPDATE layers SET chunks = ? WHERE {of_layer}", count + 2),
                ],
            ),
            ("of other records", [(f"UPDATE layers SET first = first + 1 WHERE {of_layer}",)]),
        ):
            for statement, *arguments in statements:
                assert change(vault, statement, *arguments) == 1, what
            refuses(DamagedError, lambda: wakes(folder))
            shutil.copy(folder / "kept.db", vault)
        assert len(wakes(folder)) == 6


def snapshots_do_not_mix(folder: Path) -> None:
    """Chunks of two layers of one range, which two minds wrote differently, open together in no other way."""
    with make_house(folder) as house:
        house.cross("mark", "floor").remember("the head they stand for")
        space, vault = space_of(house), folder / "store" / "vault.db"
        space.read_on()
        pictures, written = [bytes([n]) * (2 * CHUNK_BYTES + 9) for n in (1, 2)], []
        for picture in pictures:
            assert space.write_layers([(1, 2, picture)], [last for _, last in space.layers()])
            written.append([row[3] for row in dump(vault)["chunks"]])
            assert [held.content for held in space.again().read_layers()] == [picture]
        assert all(len(chunks) == 3 for chunks in written)
        for choice in itertools.product((0, 1), repeat=3):
            for n, which in enumerate(choice):
                assert change(vault, "UPDATE chunks SET frame = ? WHERE n = ?", written[which][n], n) == 1
            if len(set(choice)) == 1:
                assert [held.content for held in space.again().read_layers()] == [pictures[choice[0]]]
            else:
                refuses(DamagedError, space.again().read_layers)


def layers_do_not_mix(folder: Path) -> None:
    """A layer of another persona, of another history or of before something was forgotten brings nothing that is not
    in the log.
    """
    vault, other = folder / "store" / "vault.db", folder / "fork" / "store" / "vault.db"
    with small_snapshots(), make_house(folder) as house:
        _live(house, "floor", "kept")
        _live(house, "home", "outer")
        with house.cross("mark", "floor") as innie:
            secret = innie.remember("the map of Petey").id
            innie.remember_many([f"after {number}" for number in range(8)])
    before = _layers(vault)
    shutil.copytree(folder / "store", folder / "fork" / "store")
    with small_snapshots():
        for side in (folder, folder / "fork"):
            seed = side.name.encode()
            with (
                open_house(side / "store", entropy=ScopedEntropy(seed)) as house,
                house.cross("mark", "floor") as innie,
            ):
                if side == folder:
                    innie.forget(secret)
                innie.remember_many([f"{side.name} {number}" for number in range(9)])
    said = wakes(folder)
    after, forked = _layers(vault), _layers(other)
    assert not any("Petey" in text or "fork" in text for text in said)
    mine = max({row[0] for row, _ in before}, key=lambda space: sum(row[0] == space for row, _ in before))
    others = {row[1:3]: chunks for row, chunks in before if row[0] != mine}
    shutil.copy(vault, folder / "kept.db")
    own = [row for row, _ in after if row[0] == mine and row[1:3] in others]
    assert own
    foreign = [((*row[:5], len(others[row[1:3]])), others[row[1:3]]) for row in own]
    older = [layer for layer in before if layer[0][0] == mine and layer not in after]
    fork = [layer for layer in forked if layer[0][0] == mine and layer not in before]
    assert older
    assert fork
    for layer in (*foreign, *older, *fork):
        _put_layer(vault, *layer)
        with suppress(DamagedError):
            assert wakes(folder) == said
        shutil.copy(folder / "kept.db", vault)


def _live(house: House, place: str, word: str) -> None:
    with house.cross("mark", place) as session:
        session.remember_many([f"{word} {number}" for number in range(8)])


Layers = list[tuple[tuple[Any, ...], list[bytes]]]


def _layers(vault: Path) -> Layers:
    """Each layer's row, and its chunks."""
    tables = dump(vault)
    return [(row, [chunk[3] for chunk in tables["chunks"] if chunk[:2] == row[:2]]) for row in tables["layers"]]


def _put_layer(vault: Path, row: tuple[Any, ...], chunks: list[bytes]) -> None:
    """In the place of all that stand for one of its records."""
    space, last, first = row[:3]
    for stale in [one for one, _ in _layers(vault) if one[0] == space and one[2] <= last and first <= one[1]]:
        change(vault, "DELETE FROM layers WHERE space = ? AND last = ?", space, stale[1])
        change(vault, "DELETE FROM chunks WHERE space = ? AND last = ?", space, stale[1])
    change(vault, "INSERT INTO layers VALUES (?, ?, ?, ?, ?, ?)", *row)
    for n, chunk in enumerate(chunks):
        change(vault, "INSERT INTO chunks VALUES (?, ?, ?, ?)", space, last, n, chunk)


def layers_say_what_the_log_says(folder: Path) -> None:
    """Versions, repeats and echoes of a memory in one layer, told of in another: as the whole log has them."""
    with small_snapshots(), make_house(folder) as house:
        first = [_said(house, number) for number in range(5)]
        with house.cross("mark", "floor") as innie:
            for text in ("memory 1 of 0", "memory 3 of 2", "memory 1 of 0"):
                innie.remember(text)
            innie.amend(first[1], "another version")
            innie.amend(first[3], "and another")
            innie.forget(first[2])
        space = space_of(house)
        layers = space.layers()
        assert len(layers) > 3
        log = _told(space, first, pictured=False)
        assert _told(space, first) == log
        space.read_on()
        for number, span in enumerate(layers):
            gone = layers[: number + 1]
            assert space.write_layers([], [span[1]])
            assert _told(space, first) == log, f"without the layers of {gone}"


def _told(space: Space, asked: list[str], *, pictured: bool = True) -> object:
    """What a mind says that wakes with the layers that are there, each of use to it, or from the log alone."""
    mind, label = wake(space.again(), None, pictured=pictured)
    assert not pictured or label == mind.chosen
    return list(mind.memories()), [mind.history(memory) for memory in asked], mind.stats()


def _said(house: House, turn: int) -> str:
    with house.cross("mark", "floor") as innie:
        said = innie.remember_many([f"memory {number} of {turn}" for number in range(4)])
        hits = innie.recall("memory")
        innie.remember(f"so {hits[0].memory.text}")
        return said[turn % 4].id


def a_trigger_in_an_open_vault_is_noticed(folder: Path) -> None:
    """One that was put there after the file was opened: the next change is refused, and nothing is swallowed."""
    vault = folder / "store" / "vault.db"
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        first = innie.remember("before").id
        for event, table in (("INSERT", "records"), ("UPDATE", "records"), ("DELETE", "layers")):
            change(vault, f"CREATE TRIGGER quiet BEFORE {event} ON {table} BEGIN SELECT RAISE(IGNORE); END")
            for _ in range(2):
                refuses(DamagedError, lambda: innie.remember("swallowed"))
            refuses(DamagedError, lambda: innie.forget(first))
            change(vault, "DROP TRIGGER quiet")
            innie.remember(f"after {event} on {table}")
        after = ["after INSERT on records", "after UPDATE on records", "after DELETE on layers"]
        assert texts(innie.memories()) == ["before", *after]
        assert innie.stats()["records"] == 5
