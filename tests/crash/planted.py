"""Faults planted on purpose: each makes Severance, or the disk, break P4. The simulation or the inquiry must see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from typing import Any
from unittest import mock

from crash import adapter
from crash.tape import Op, Tape
from crash.workloads import record
from severance import DamagedError, StoreError
from severance.model import Head
from severance.vault.sqlite import SqliteVault

Planted = Callable[[], AbstractContextManager[None]]


@contextmanager
def _pragma(wanted: str, instead: str) -> Iterator[None]:
    """The product says one thing to SQLite, and another arrives."""
    execute = adapter.Connection.execute

    def changed(self: adapter.Connection, statement: str, arguments: Any = ()) -> adapter.Rows:
        return execute(self, instead if statement == wanted else statement, arguments)

    with mock.patch.object(adapter.Connection, "execute", changed):
        yield


@contextmanager
def synchronous_off() -> Iterator[None]:
    """Commits are not synced: the vault's."""
    with _pragma("PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF"):
        yield


@contextmanager
def synchronous_normal() -> Iterator[None]:
    """Commits are synced with the next checkpoint only, as most programs have it in WAL mode."""
    with _pragma("PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"):
        yield


@contextmanager
def chip_without_extra() -> Iterator[None]:
    """The removal of the chip's journal is not synced: an old journal can come back and undo a commit."""
    with _pragma("PRAGMA synchronous = EXTRA", "PRAGMA synchronous = FULL"):
        yield


@contextmanager
def acknowledged_before_the_commit() -> Iterator[None]:
    """An append is written when the next one comes, or when layers are asked for."""
    append, layers, waiting = SqliteVault.append, SqliteVault.layers, list[tuple[Any, ...]]()

    def late(self: SqliteVault, space: bytes, expected: Head, frames: Any, erase: Any = ()) -> Head:
        while waiting:
            append(*waiting.pop(0))
        if erase or expected.seq == 0:
            return append(self, space, expected, frames, erase)
        waiting.append((self, space, expected, frames, erase))
        return _after(expected, frames)

    def asked(self: SqliteVault, space: bytes) -> list[tuple[int, int]]:
        while waiting:
            append(*waiting.pop(0))
        return layers(self, space)

    with mock.patch.object(SqliteVault, "append", late), mock.patch.object(SqliteVault, "layers", asked):
        yield


@contextmanager
def named_before_the_sync() -> Iterator[None]:
    """A new file takes its name without having been synced."""
    with mock.patch("severance.disk.newfile._sync", return_value=None):
        yield


@contextmanager
def folder_not_synced() -> Iterator[None]:
    """A new file's name is not synced."""
    with mock.patch("severance.disk.newfile.sync_folder", return_value=None):
        yield


@contextmanager
def moved_without_order() -> Iterator[None]:
    """A restore moves files, and syncs the folder not in between."""
    with mock.patch("severance.upkeep.backup.sync_folder", return_value=None):
        yield


@contextmanager
def commits_that_fail_in_silence() -> Iterator[None]:
    """Whoever appends is told that it is done, whatever became of it."""
    append = SqliteVault.append

    def content(self: SqliteVault, space: bytes, expected: Head, frames: Any, erase: Any = ()) -> Head:
        try:
            return append(self, space, expected, frames, erase)
        except StoreError:
            return _after(expected, frames)

    with mock.patch.object(SqliteVault, "append", content):
        yield


@contextmanager
def errors_as_they_are() -> Iterator[None]:
    """What SQLite raises reaches the caller."""
    with mock.patch("severance.disk.connection.FAULTS", ()):
        yield


@contextmanager
def a_full_disk_called_damage() -> Iterator[None]:
    """Every error of the disk is called damage."""
    with mock.patch("severance.disk.connection.translated", return_value=DamagedError("torn")):
        yield


@contextmanager
def halves() -> Iterator[None]:
    """An append of several records is several transactions."""
    append = SqliteVault.append

    def apart(self: SqliteVault, space: bytes, expected: Head, frames: Any, erase: Any = ()) -> Head:
        for frame in frames[:-1]:
            expected = append(self, space, expected, [frame])
        return append(self, space, expected, frames[-1:], erase)

    with mock.patch.object(SqliteVault, "append", apart):
        yield


@contextmanager
def scraps_left_lying() -> Iterator[None]:
    """What could not be finished stays."""
    with mock.patch("severance.disk.newfile.Path.unlink", return_value=None):
        yield


def recorded_with(name: str, planted: Planted) -> Tape:
    """A workload's tape, recorded with the fault in place."""
    with planted():
        return record(name)


def lying(tape: Tape, *kinds: str) -> Tape:
    """The same recording on a disk that acknowledges syncs of these kinds and does nothing."""
    tape.ops = [Op("syncdir", where="nowhere") if op.what in kinds else op for op in tape.ops]
    return tape


def _after(head: Head, frames: Any) -> Head:
    for frame in frames:
        head = head.then(sha256(frame).digest())
    return head
