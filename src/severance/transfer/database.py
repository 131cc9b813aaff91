"""SQLite files that other programs have written, read without running anything that is in them.

A file is opened for reading only and as one that nobody writes to, so that nothing beside it is made or changed. Only
plain tables that a reader names are read, column by column: a view, a virtual table, a computed column that calls a
function, or a trigger could do work of its own, and is refused. Values come as bytes, numbers or None; nothing is
unpickled.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from severance.errors import InputError
from severance.transfer import files
from severance.transfer.given import Given

MAGIC = b"SQLite format 3\0"
_MAX_VALUE_BYTES = 1 << 24
_MAX_TABLES = 1_000
_MAX_MADE_BYTES = 1 << 16
"""Of what made a table. SQLite reads all of these before the first row, and holds the names in them."""
_MOST_TIMES, _ROW_BYTES = 8, 8
"""How often the size of its file the rows of one table may give, and what a row costs that gives nothing."""
_STEPS = 1 << 20
"""Of SQLite's machine, between two rows: a plain scan needs a few dozen."""
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ})
# The last where a name in a damaged file, or SQLite's own message about one, is no UTF-8.
_ERRORS = (sqlite3.Error, OverflowError, UnicodeDecodeError)
Row = tuple[bytes | int | float | None, ...]


class Database:
    """An open file."""

    def __init__(self, path: Path, raw: sqlite3.Connection) -> None:
        """Not for callers: use `opened`."""
        self._path = path
        self._raw = raw
        self._steps = 0
        self._most = _MOST_TIMES * files.status(path).st_size
        raw.set_progress_handler(self._count, _STEPS)

    def tables(self) -> dict[str, frozenset[str]]:
        """The plain tables, and the columns of each.

        Raises:
            InputError: the file is damaged, or has no end of tables.
        """
        rows = list(self._selected("SELECT name, sql FROM sqlite_master WHERE type = 'table' LIMIT 1001"))
        if len(rows) > _MAX_TABLES:
            raise InputError(f"{self._path} has more than {_MAX_TABLES:,} tables, as no memory has")
        plain = [text_of(name) for name, made in rows if (text_of(made) or "").upper().startswith("CREATE TABLE")]
        return {name: self._columns(name) for name in plain if name is not None}

    def rows(self, table: str, columns: tuple[str, ...]) -> Iterator[Row]:
        """These columns of every row, in the order of the file. Names are the reader's own, never the file's.

        Raises:
            InputError: the file is damaged, or gives far more than it holds: its rows share their content.
        """
        listed = ", ".join(f'"{name}"' for name in columns)
        yield from self._selected(f'SELECT {listed} FROM "{table}"')  # noqa: S608 - names of our own

    def _selected(self, statement: str) -> Iterator[Row]:
        given = self._steps = 0
        with self._told():
            cursor = self._raw.execute(statement)
        while True:
            self._steps = 0
            with self._told():
                row: Row | None = cursor.fetchone()
            if row is None:
                return
            given += _ROW_BYTES + sum(len(value) for value in row if isinstance(value, bytes))
            if given > self._most:
                raise InputError(f"{self._path} gives more than {_MOST_TIMES} times its size, as no memory does")
            yield row

    def _columns(self, table: str) -> frozenset[str]:
        # A table-valued pragma would need more rights than a reader of one table; an empty select tells the names.
        with suppress(*_ERRORS):
            cursor = self._raw.execute(f'SELECT * FROM "{table.replace(chr(34), chr(34) * 2)}" LIMIT 0')  # noqa: S608
            return frozenset(column[0] for column in cursor.description)
        return frozenset()

    def _count(self) -> int:
        self._steps += 1
        return self._steps > 1_000  # a billion steps for one row: something is computed in it without end

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except _ERRORS:
            raise InputError(f"{self._path} is damaged, or not the database that it seems to be") from None


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    """The SQLite file at `path`, open for reading.

    Raises:
        InputError: it is none, it is being written to, it is no file, or it cannot be read.
    """
    if isinstance(path, Given):
        raise InputError("a database is read from its own file, and not from standard input; name the file")
    if not files.head(path, len(MAGIC)).startswith(MAGIC):
        raise InputError(f"{path} is no SQLite file")
    for end in ("-wal", "-journal"):
        beside = path.with_name(f"{path.name}{end}")
        with suppress(OSError):
            if beside.stat().st_size:
                raise InputError(f"{path} is in use, or was left in the middle; end the program that writes it first")
    try:
        raw = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error:
        raise InputError(f"{path} cannot be opened as a database") from None
    try:
        _confine(path, raw)
        yield Database(path, raw)
    finally:
        raw.close()


def text_of(value: object) -> str | None:
    """The text in a column, or None where it holds none, or none in UTF-8."""
    if isinstance(value, bytes):
        with suppress(UnicodeDecodeError):
            return value.decode()
    return None


def _confine(path: Path, raw: sqlite3.Connection) -> None:
    raw.text_factory = bytes  # bad UTF-8 costs a row, not the file
    raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
    raw.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, _MAX_MADE_BYTES)
    raw.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    try:
        raw.execute("PRAGMA trusted_schema = OFF")
        raw.execute("PRAGMA cell_size_check = ON")
    except _ERRORS:
        raise InputError(f"{path} is damaged, or no SQLite file") from None
    raw.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)
