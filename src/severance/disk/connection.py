"""A connection to `vault.db` or `chip.db`: how it is opened, what is switched on, and how a transaction is run.

Journal and sync follow https://www.sqlite.org/wal.html and https://www.sqlite.org/pragma.html: in WAL mode, which the
vault is in, `synchronous=FULL` syncs a commit before it returns; the chip adds what its rollback journal needs.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from severance.disk.faults import FAULTS, gone, translated
from severance.disk.newfile import new_file
from severance.disk.values import SCHEMA, Row, damaged, has_layout
from severance.errors import StoreError

T = TypeVar("T")

_SETTINGS = (
    "PRAGMA synchronous = FULL",
    # On macOS fsync alone does not reach the medium; elsewhere these two have no effect.
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    # Nothing may spill to a temporary file, sealed or not: its place and life are not ours.
    "PRAGMA temp_store = MEMORY",
    # What is deleted is overwritten with zeros.
    "PRAGMA secure_delete = ON",
    # The file may be written by others: check cells before use, let the schema call nothing, map nothing.
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA mmap_size = 0",
    # A log grown by a bulk write is cut back to this at the next reset.
    "PRAGMA journal_size_limit = 16777216",
)


def connect(path: Path, mode: str, busy: float) -> sqlite3.Connection:
    """A connection in autocommit mode to an existing file, with everything switched on.

    Args:
        path: the file, absolute.
        mode: the query part of SQLite's URI, such as "mode=rw".
        busy: how many seconds to wait for a lock.

    Raises:
        StoreError: the file cannot be opened, or SQLite was built to write temporary files whatever it is told.
    """
    try:
        connection = sqlite3.connect(
            f"{path.as_uri()}?{mode}", uri=True, timeout=busy, isolation_level=None, check_same_thread=False
        )
    except FAULTS as error:
        raise translated(error, path) from error
    try:
        # TEXT where a BLOB should be is damage. Read as bytearray it can be told from bytes, and is never decoded.
        connection.text_factory = bytearray
        for setting in _SETTINGS:
            connection.execute(setting)
        _check_temporaries(connection)
    except BaseException as error:
        connection.close()
        if isinstance(error, FAULTS):
            raise translated(error, path) from error
        raise
    return connection


def _check_temporaries(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA temp_store").fetchone() != (2,) or _temporaries_forced():
        raise StoreError(
            "this build of SQLite insists on temporary files on disk (TEMP_STORE=0); use a Python with another build"
        )


def copy(raw: sqlite3.Connection, path: Path) -> None:
    """Write a consistent copy of the database to a new file, while others may go on writing.

    The copy is readable by its owner only; it is there whole and synced, or not at all.

    Raises:
        StoreError: the file exists, or cannot be written.
    """
    with new_file(path) as part:
        try:
            with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as fresh:
                fresh.execute("PRAGMA synchronous = OFF")  # `new_file` syncs once, at the end
                fresh.execute("PRAGMA journal_mode = OFF")
                raw.backup(fresh)
        except FAULTS as error:
            raise translated(error, path) from error


@cache
def _temporaries_forced() -> bool:
    """Whether this process's SQLite was built to write temporary files to disk whatever it is told."""
    with contextlib.closing(sqlite3.connect(":memory:")) as memory:
        (forced,) = memory.execute("SELECT sqlite_compileoption_used('TEMP_STORE=0')").fetchone()
    return bool(forced)


class Connection:
    """One connection and its lock: any number of threads may call it, one at a time gets through."""

    def __init__(self, path: Path, mode: str, busy: float, layout: Mapping[str, str]) -> None:
        """Open it, with the arguments of `connect`; `layout` is what `has_layout` wants at every change."""
        self._path = path
        self._lock = threading.Lock()
        self._layout = layout
        self._schema: int | None = None
        self._busy = int(busy * 1000)
        self._raw: sqlite3.Connection | None = connect(path, mode, busy)
        self._name = str(path)
        self._file = _identity(self._name)

    def live(self) -> sqlite3.Connection:
        """The connection below; StoreError when it was closed."""
        if self._raw is None:
            raise StoreError(f"{self._path.name} has been closed; open the store again")
        return self._raw

    def query(self, statement: str, arguments: Sequence[Any] = (), space: bytes | None = None) -> list[Row]:
        """The rows of one statement. `space` is what an error names."""
        with self._lock:
            raw = self.live()
            try:
                return raw.execute(statement, arguments).fetchall()
            except FAULTS as error:
                raise translated(error, self._path, space) from error

    def change(self, work: Callable[[sqlite3.Connection], T], space: bytes | None = None) -> T:
        """Run `work` in one transaction that holds the write lock from its start: whole or not at all.

        Whatever is raised in between, an interrupt from the keyboard included, rolls it back.
        """
        with self._lock:
            raw = self.live()
            try:
                if raw.in_transaction:  # an interrupt hit the rollback itself
                    raw.execute("ROLLBACK")
                raw.execute("BEGIN IMMEDIATE")
                self._check_layout(raw)
                result = work(raw)
                # Where the file can be renamed while it is open, a commit could go to one that no name leads to.
                if _identity(self._name) != self._file:
                    raise gone(self._path)
                raw.execute("COMMIT")
                return result
            except FAULTS as error:
                raise translated(error, self._path, space) from error
            finally:
                if raw.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        raw.execute("ROLLBACK")

    def image(self, limit: int) -> bytes | None:
        """The whole database in memory, or None where it is larger than `limit` bytes or cannot be had."""
        with self._lock:
            try:
                raw = self.live()
                pages, size = (raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
                return raw.serialize() if pages * size <= limit else None
            except (*FAULTS, StoreError, AttributeError):  # some builds of SQLite come without `serialize`
                return None

    def rewrite(self) -> bool:
        """Write the whole database anew, so that no page keeps anything but its content; False when that failed."""
        return self._tidy("VACUUM", self._busy) is not None

    def flush(self, wait: int) -> bool:
        """Move the write-ahead log into the file and cut it to nothing; False when somebody was in the way.

        Args:
            wait: how many milliseconds to wait for readers.
        """
        return self._tidy("PRAGMA wal_checkpoint(TRUNCATE)", wait) not in (None, 1)

    def drop_journal(self) -> None:
        """Remove the rollback journal of a change whose process ended before anything of it reached the file.

        SQLite rightly takes such a journal for none, and leaves it lying until somebody changes something. The way from
        one mode to another and back removes it, where nobody else is in the middle of a change.
        """
        with self._lock, contextlib.suppress(*FAULTS):
            if Path(f"{self._path}-journal").exists():
                self.live().execute("PRAGMA journal_mode = PERSIST").fetchone()
                self.live().execute("PRAGMA journal_mode = DELETE").fetchone()

    def _tidy(self, statement: str, wait: int) -> int | None:
        """Run what comes after a commit: 0 or SQLite's answer, None when it failed. The commit stands either way."""
        with self._lock:
            if self._raw is None:
                return None
            try:
                self._raw.execute(f"PRAGMA busy_timeout = {wait:d}")
                row = self._raw.execute(statement).fetchone()
                return 0 if row is None else int(row[0])
            except FAULTS:
                return None
            finally:
                self._raw.execute(f"PRAGMA busy_timeout = {self._busy:d}")

    def _check_layout(self, raw: sqlite3.Connection) -> None:
        # A trigger that was put there since the file was opened would run with what is written now.
        (schema,) = raw.execute("PRAGMA schema_version").fetchone()
        if schema != self._schema:
            if not has_layout(raw.execute(SCHEMA).fetchall(), self._layout):
                raise damaged(self._path.name, "the layout is not the one that was made")
            self._schema = schema

    def close(self) -> None:
        """Close it; the last connection to a file also moves the write-ahead log into it."""
        with self._lock:
            if self._raw is not None:
                self._raw.close()
                self._raw = None


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  half the time of Path.stat, and on the way of every append
    except OSError:
        return None
    return status.st_dev, status.st_ino
