"""The SQLite vault keeps the contract, and what only this backend promises."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import stat
import sys
import threading
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from severance.disk import connection
from severance.disk.newfile import new_file
from severance.errors import ConflictError, InputError, StoreError, StoreMissingError
from severance.model import Head
from severance.ports import Layer, NewSpace
from severance.vault.conformance import STORE, VaultConformance
from severance.vault.conformance.kit import EMPTY, SPACE, entries, fill, frame, frames
from severance.vault.layout import APPLICATION_ID, PAGE_SIZE
from severance.vault.sqlite import SqliteVault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from severance.ports import Vault


class TestSqliteVault(VaultConformance):
    kills = 20

    def make(self, folder: Path) -> Vault:
        self.path = folder / "vault.db"
        return SqliteVault.new(self.path, STORE)

    def reopen(self, vault: Vault) -> Vault:
        return SqliteVault.open(self.path)

    def open_copy(self, path: Path) -> Vault:
        return SqliteVault.open(path)

    def opener(self, vault: Vault) -> Callable[[], Vault]:
        return partial(SqliteVault.open, self.path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A vault with one empty space."""
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
    return tmp_path / "vault.db"


def test_the_file_is_marked_as_a_vault(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        settings = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        assert settings == [APPLICATION_ID, 1]
        assert db.execute("PRAGMA page_size").fetchone() == (PAGE_SIZE,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("readonly", [False, True])
def test_everything_is_switched_on(path: Path, readonly: bool) -> None:
    wanted = {
        "synchronous": 2,
        "fullfsync": 1,
        "checkpoint_fullfsync": 1,
        "temp_store": 2,
        "secure_delete": 1,
        "cell_size_check": 1,
        "trusted_schema": 0,
        "busy_timeout": 10_000,
    }
    with SqliteVault.open(path, readonly=readonly) as vault:
        for each in (vault._reader, vault._writer):
            assert {name: each.query(f"PRAGMA {name}")[0][0] for name in wanted} == wanted
            assert each.query("PRAGMA mmap_size") in ([], [(0,)])


def test_a_build_that_spills_to_disk_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_SETTINGS", [s for s in connection._SETTINGS if "temp_store" not in s])
    with pytest.raises(StoreError, match="temporary files"):
        SqliteVault.open(path)


def test_a_build_that_was_made_to_spill_to_disk_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection._temporaries_forced() is False, "or every other test here would have failed"
    monkeypatch.setattr(connection, "_temporaries_forced", lambda: True)
    with pytest.raises(StoreError, match="temporary files"):
        SqliteVault.open(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
            vault.create([NewSpace(SPACE, EMPTY)])
            vault.copy_to(tmp_path / "copy.db")
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("vault.db", "vault.db-wal", "vault.db-shm", "copy.db"), 0o600)


def test_closing_leaves_one_file(path: Path) -> None:
    assert [file.name for file in path.parent.iterdir()] == ["vault.db"]


def test_a_file_is_never_replaced(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(StoreError, match="exists already"):
        SqliteVault.new(path, STORE)
    assert path.read_bytes() == before
    with pytest.raises(StoreError, match="folder"):
        SqliteVault.new(path.parent / "nowhere" / "vault.db", STORE)


def test_what_cannot_be_meant_is_refused(path: Path) -> None:
    with pytest.raises(InputError):
        SqliteVault.new(path.parent / "other.db", b"short")
    with SqliteVault.open(path) as vault:
        for space, head in ((b"short", EMPTY), (bytes(16), Head(1, bytes(32))), (bytes(16), Head(0, b""))):
            with pytest.raises(InputError):
                vault.create([NewSpace(space, head)])
        for end in (Head(0, bytes(32)), Head(2**63, bytes(32)), Head(1, b"")):
            with pytest.raises(InputError):
                vault.write_layers(SPACE, 1, [Layer(EMPTY, end, ())])


def test_a_killed_creation_leaves_no_vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("severance.disk.newfile._take_name", interrupted)
    with pytest.raises(KeyboardInterrupt):
        SqliteVault.new(tmp_path / "vault.db", STORE)
    assert list(tmp_path.iterdir()) == []


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", unsupported)
    SqliteVault.new(tmp_path / "vault.db", STORE).close()
    with pytest.raises(StoreError, match="exists already"):
        SqliteVault.new(tmp_path / "vault.db", STORE)
    assert [file.name for file in tmp_path.iterdir()] == ["vault.db"]


def test_a_file_that_appears_in_the_meantime_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "copy.db"

    def overtaken() -> None:
        with new_file(target) as part:
            part.write_bytes(b"mine")
            target.write_bytes(b"theirs")

    with pytest.raises(StoreError, match="exists already"):
        overtaken()
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("copy.db", b"theirs")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not rename an open file")
def test_a_vault_that_was_moved_away_takes_no_writes(path: Path) -> None:
    with SqliteVault.open(path) as vault:
        head = fill(vault, 3)
        path.rename(path.with_name("elsewhere.db"))
        with pytest.raises(StoreMissingError):
            vault.append(SPACE, head, [frame(4)])
        path.write_bytes(b"something else")
        with pytest.raises(StoreMissingError):
            vault.append(SPACE, head, [frame(4)])
        assert vault.read(SPACE, 0, 10) == entries(1, frames(1, 3))
        path.unlink()
        path.with_name("elsewhere.db").rename(path)
        vault.append(SPACE, head, [frame(4)])


def test_a_relative_path_survives_a_change_of_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with SqliteVault.open(type(path)("vault.db")) as vault:
        monkeypatch.chdir("/")
        fill(vault, 1)
        assert vault.verify() == []


def test_odd_names(tmp_path: Path) -> None:
    folder = tmp_path / "a b?mode=memory#x%20é"
    folder.mkdir()
    with SqliteVault.new(folder / "vault&cache=shared.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
    assert [file.name for file in folder.iterdir()] == ["vault&cache=shared.db"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an interval timer")
def test_an_interrupt_at_any_instant_leaves_nothing_half(path: Path) -> None:
    struck: list[int] = []

    def interrupt(*_: object) -> None:
        struck.append(turn)
        raise KeyboardInterrupt

    turn, interrupted = 0, 0
    before = signal.signal(signal.SIGALRM, interrupt)
    gc.disable()  # what is raised in a callback of a collection goes nowhere, and the appending would go on for ever
    try:
        with SqliteVault.open(path) as vault, SqliteVault.open(path, busy=0.2) as other:
            for turn in range(150):
                head = other.head(SPACE)
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.00002 * (turn % 50 + 1))
                    while turn not in struck:
                        vault.append(SPACE, vault.head(SPACE), frames(1, 3))
                except KeyboardInterrupt:
                    interrupted += 1
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                head = other.head(SPACE)
                assert head.seq % 3 == 0, "an append is whole or not there"
                other.append(SPACE, head, frames(1, 3))  # the lock is free
                assert vault.head(SPACE).seq == head.seq + 3
            assert vault.verify() == []
    finally:
        gc.enable()
        signal.signal(signal.SIGALRM, before)
    assert interrupted == 150


def test_reading_is_not_held_up_by_a_writer_that_waits(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db, SqliteVault.open(path, busy=3.0) as vault:
        head = fill(vault, 1)
        db.execute("BEGIN IMMEDIATE")
        writer = threading.Thread(target=vault.append, args=(SPACE, head, [frame(2)]))
        writer.start()
        for _ in range(100):
            assert vault.head(SPACE) == head
        assert writer.is_alive()
        db.execute("ROLLBACK")
        writer.join()
        assert vault.head(SPACE).seq == 2


def test_a_vault_in_another_journal_mode_is_put_right(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    with SqliteVault.open(path, readonly=True) as vault:
        assert vault.head(SPACE) == EMPTY
    with SqliteVault.open(path) as vault:
        fill(vault, 1)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_conflict_is_found_inside_the_transaction(path: Path) -> None:
    with SqliteVault.open(path) as one, SqliteVault.open(path) as two:
        errors = []
        start = threading.Barrier(2)

        def race(vault: SqliteVault) -> None:
            start.wait()
            try:
                vault.append(SPACE, EMPTY, [frame(1)])
            except ConflictError as error:
                errors.append(error)

        racers = [threading.Thread(target=race, args=(vault,)) for vault in (one, two)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert len(errors) == 1
        assert one.head(SPACE).seq == 1
