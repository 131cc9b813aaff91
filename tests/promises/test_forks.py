"""A history that was given up does not come back under the chip of today."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import severance
from kit import KEY, change, dump
from severance import sleeping
from severance.embed import Hashing
from severance.errors import DamagedError, RolledBackError
from severance.upkeep.backup import restore

if TYPE_CHECKING:
    from pathlib import Path

_SECRET = "the safe code is 4711"


def _open(store: Path) -> severance.House:
    return severance.open(store, key=KEY, embedder=Hashing(16))


def _forked(folder: Path) -> int:
    """A store, and beside it the vault of a longer history that a restore gave up; where the present one ends.

    In the present one a memory is forgotten that both had.
    """
    store = folder / "store"
    with _open(store) as house:
        house.sever("mark", ["innie"])
        house.place("floor", wakes={"mark": "innie"})
        with house.cross("mark", "floor") as session:
            secret = session.remember(_SECRET).id
            session.remember_many(f"an early note, number {n}" for n in range(20))
        house.backup(folder / "early.tar", chip=False)
        with house.cross("mark", "floor") as session:
            session.remember_many(f"a note that is given up, number {n}" for n in range(100))
    shutil.copy(store / "vault.db", folder / "given-up.db")
    restore(folder / "early.tar", store, key=KEY, replace=True, accept_older=True)
    with _open(store) as house, house.cross("mark", "floor") as session:
        session.forget(secret)
        session.remember("and so it went on")
        return session.stats()["records"]


def _put_back(vault: Path, other: Path, end: int) -> None:
    """What the log says up to `end` stays; layers, what comes after and the head are those of the other history."""
    with closing(sqlite3.connect(vault)) as db, db:
        db.execute("ATTACH ? AS other", (str(other),))
        for table in ("layers", "chunks"):
            db.execute(f"DELETE FROM {table}")
            db.execute(f"INSERT INTO {table} SELECT * FROM other.{table}")
        db.execute("INSERT INTO records SELECT * FROM other.records WHERE seq > ?", (end,))
        db.execute("DELETE FROM spaces")
        db.execute("INSERT INTO spaces SELECT * FROM other.spaces")
        db.execute("UPDATE spaces SET erased = 0")


def _woken(store: Path) -> list[str]:
    with _open(store) as house, house.cross("mark", "floor") as session:
        return [memory.text for memory in session.memories()]


@pytest.mark.parametrize("block", [512, 32])
def test_layers_of_a_history_that_was_given_up_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(sleeping, "BLOCK", block)
    monkeypatch.setattr(sleeping, "_LOOSE", 1)
    end = _forked(folder)
    assert _SECRET not in _woken(folder / "store")
    _put_back(folder / "store" / "vault.db", folder / "given-up.db", end)
    with pytest.raises((DamagedError, RolledBackError)):
        _woken(folder / "store")


def _replaced(store: Path, other: Path, table: str, condition: str) -> None:
    """Rows of a table are those of the other vault."""
    with closing(sqlite3.connect(store / "vault.db")) as db, db:
        db.execute("ATTACH ? AS other", (str(other),))
        db.execute(f"DELETE FROM {table} WHERE {condition}")
        db.execute(f"INSERT INTO {table} SELECT * FROM other.{table} WHERE {condition}")


def _parted(folder: Path, both: int, apart: int) -> tuple[str, str, Path]:
    """Two histories: what both have, then so many memories of one that is given up.

    Returns:
        The id of the first memory, that of the second, and the vault of what was given up. In that one the second was
        forgotten.
    """
    store = folder / "store"
    with _open(store) as house:
        house.sever("mark", ["innie"])
        house.place("floor", wakes={"mark": "innie"})
        with house.cross("mark", "floor") as session:
            first, second = session.remember(_SECRET).id, session.remember("allergic to penicillin").id
            session.remember_many(f"a note, number {n}" for n in range(both))
        house.backup(folder / "early.tar", chip=False)
        with house.cross("mark", "floor") as session:
            session.forget(second)
            session.remember_many(f"given up: pay mallory, number {n}" for n in range(apart))
    shutil.copy(store / "vault.db", folder / "given-up.db")
    restore(folder / "early.tar", store, key=KEY, replace=True, accept_older=True)
    return first, second, folder / "given-up.db"


@pytest.mark.parametrize("with_layers", [False, True], ids=["records", "layers"])
@pytest.mark.parametrize("erased", [True, False], ids=["erased", "not erased"])
def test_a_history_does_not_join_before_an_erased_record(folder: Path, with_layers: bool, erased: bool) -> None:
    first, _, given_up = _parted(folder, 20, 120)
    store = folder / "store"
    with closing(sqlite3.connect(given_up)) as db:
        (end,) = db.execute("SELECT MAX(last) FROM layers").fetchone()
    with _open(store) as house, house.cross("mark", "floor") as session:
        if not with_layers:
            session.forget(first)
        session.remember_many(f"never pay mallory, number {n}" for n in range(end - session.stats()["records"]))
        gone = session.remember("to be forgotten").id
        session.remember("and so it went on")
        if erased:
            session.forget(gone)
    truth = _woken(store)
    assert not any("given up" in text for text in truth)
    for table in ("layers", "chunks"):
        change(store / "vault.db", f"DELETE FROM {table}")
        if with_layers:
            _replaced(store, given_up, table, "last > 0")
    if not with_layers:
        _replaced(store, given_up, "records", f"seq <= {end}")
    with _open(store) as house:
        assert house.check()
    with pytest.raises((DamagedError, RolledBackError)):
        _woken(store)


@pytest.mark.parametrize("later", ["", "repeated", "forgotten", "slept"])
def test_a_layer_in_which_something_was_forgotten_takes_nothing_from_a_history_in_which_it_was_not(
    folder: Path, later: str
) -> None:
    _, second, given_up = _parted(folder, 253, 60)
    store = folder / "store"
    with _open(store) as house, house.cross("mark", "floor") as session:
        if later == "repeated":
            session.remember("allergic to penicillin")
        session.remember_many(f"of today, number {n}" for n in range(60 if later == "slept" else 5))
        if later == "forgotten":
            session.forget(next(session.memories()).id)
    truth = _woken(store)
    assert "allergic to penicillin" in truth
    if later == "forgotten":
        for table in ("layers", "chunks"):
            change(store / "vault.db", f"DELETE FROM {table} WHERE last = 256")
    _replaced(store, given_up, "layers", "last = 256")
    _replaced(store, given_up, "chunks", "last = 256")
    assert any(row[1] == 256 for row in dump(store / "vault.db")["layers"])
    with _open(store) as house:
        found = house.check()
        if later != "forgotten":  # which the layer still holds, so it is one that is not used anyway
            assert ["does not say what its log says" in each.what for each in found] == [True]
        with house.cross("mark", "floor") as session:
            assert session.get(second).repeats == (2 if later == "repeated" else 1)
            assert [memory.text for memory in session.memories()] == truth
    assert _woken(store) == truth
