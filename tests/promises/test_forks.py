"""A history that was given up does not come back under the chip of today."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import severance
from kit import KEY
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
