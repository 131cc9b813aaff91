"""The parts of the `sqlite3` module that Severance uses, over APSW: so that the real code runs over a VFS of ours.

`patched` puts it in the place of `sqlite3.connect`; everything else of that module (its errors, its codes) stays.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol
from unittest import mock

import apsw

CHECKPOINT_PAGES = 1_000
"""SQLite's own default for when a commit is followed by a checkpoint."""

_KINDS: dict[int, type[sqlite3.Error]] = {
    apsw.SQLITE_INTERNAL: sqlite3.InternalError,
    apsw.SQLITE_CORRUPT: sqlite3.DatabaseError,
    apsw.SQLITE_NOTADB: sqlite3.DatabaseError,
    apsw.SQLITE_TOOBIG: sqlite3.DataError,
    apsw.SQLITE_CONSTRAINT: sqlite3.IntegrityError,
    apsw.SQLITE_MISMATCH: sqlite3.IntegrityError,
    apsw.SQLITE_MISUSE: sqlite3.InterfaceError,
    apsw.SQLITE_RANGE: sqlite3.InterfaceError,
}
"""As CPython's `_pysqlite_seterror` has it; everything else is an OperationalError."""


class Watcher(Protocol):
    """Hears of statements on a file."""

    def before(self, path: str, statement: str) -> None:
        """A statement is about to run."""
        ...

    def after(self, path: str, statement: str, raw: apsw.Connection) -> None:
        """It has run, and no error came of it."""
        ...


def as_sqlite3(error: apsw.Error) -> sqlite3.Error:
    """The error that `sqlite3` would have raised, with its code."""
    kind = _KINDS.get(error.result & 0xFF, sqlite3.OperationalError)
    found = kind(str(error))
    found.sqlite_errorcode = error.extendedresult or error.result
    found.sqlite_errorname = type(error).__name__
    return found


class Rows:
    """What `execute` gives: all rows, fetched at once, and how many rows the last INSERT, UPDATE or DELETE changed."""

    def __init__(self, rows: list[tuple[Any, ...]], rowcount: int) -> None:
        self._rows = iter(rows)
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that are left."""
        return list(self._rows)


class Connection:
    """As much of `sqlite3.Connection` as is used, in autocommit mode."""

    text_factory: Callable[[bytes], Any] = str  # type: ignore[assignment]

    def __init__(self, vfs: str, watcher: Watcher, pages: int, database: object, timeout: float, flags: int) -> None:
        self._watcher = watcher
        self._pages = pages
        try:
            self._raw = apsw.Connection(str(database), flags=flags, vfs=vfs)
            self._raw.set_busy_timeout(int(timeout * 1000))
            self._raw.set_wal_hook(self._checkpoint)
        except apsw.Error as error:
            raise as_sqlite3(error) from error
        self._path = self._raw.filename

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._raw.in_transaction

    def execute(self, statement: str, arguments: Sequence[Any] = ()) -> Rows:
        """Run one statement to its end."""
        return self._run(statement, lambda: self._raw.execute(statement, tuple(arguments)))

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> Rows:
        """Run one statement for each row of arguments."""
        return self._run(statement, lambda: self._raw.executemany(statement, (tuple(row) for row in rows)))

    def serialize(self) -> bytes:
        """The whole database."""
        try:
            return self._raw.serialize("main")
        except apsw.Error as error:
            raise as_sqlite3(error) from error

    def backup(self, target: Connection) -> None:
        """Copy everything to the target."""
        try:
            with target._raw.backup("main", self._raw, "main") as backup:
                while not backup.done:
                    backup.step(-1)
        except apsw.Error as error:
            raise as_sqlite3(error) from error

    def close(self) -> None:
        """Close it. As in SQLite, a checkpoint that fails then is nobody's error: the log stays for whoever is next."""
        try:
            self._raw.close()
        except (apsw.IOError, apsw.FullError, apsw.CantOpenError):
            self._raw.close(True)
        except apsw.Error as error:
            raise as_sqlite3(error) from error

    def _run(self, statement: str, work: Callable[[], Iterable[tuple[Any, ...]]]) -> Rows:
        self._watcher.before(self._path, statement)
        try:
            rows, changed = [tuple(map(self._value, row)) for row in work()], self._raw.changes()
        except apsw.Error as error:
            raise as_sqlite3(error) from error
        self._watcher.after(self._path, statement, self._raw)
        return Rows(rows, changed)

    def _value(self, value: Any) -> Any:
        if type(value) is str and self.text_factory is not str:
            return self.text_factory(value.encode())
        return value

    def _checkpoint(self, raw: apsw.Connection, name: str, pages: int) -> int:
        # What SQLite's own hook does (`sqlite3WalDefaultHook`). Its result is ignored there; of an error in a VFS that
        # is written in Python, APSW would make an exception although the commit stands.
        if pages >= self._pages:
            try:
                raw.wal_checkpoint(name, apsw.SQLITE_CHECKPOINT_PASSIVE)
            except apsw.Error:
                return apsw.SQLITE_OK
        return apsw.SQLITE_OK


@contextmanager
def patched(vfs: str, watcher: Watcher, pages: int = CHECKPOINT_PAGES) -> Iterator[None]:
    """While this is open, `sqlite3.connect` gives connections over the VFS of that name, but for what is in no file."""
    true = sqlite3.connect

    def connect(
        database: object,
        timeout: float = 5.0,
        *,
        isolation_level: str | None = "",
        check_same_thread: bool = True,
        uri: bool = False,
    ) -> sqlite3.Connection | Connection:
        if database == ":memory:":
            return true(":memory:")
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | (apsw.SQLITE_OPEN_URI if uri else 0)
        return Connection(vfs, watcher, pages, database, timeout, flags)

    with mock.patch.object(sqlite3, "connect", connect):
        yield
