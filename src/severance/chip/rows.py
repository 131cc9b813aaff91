"""The chip's file: sealed rows in SQLite, with a rollback journal and secure deletion.

Not WAL: when a key has been erased, its old bytes must not stay in a log beside the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from severance.disk.connection import Connection, connect, copy
from severance.disk.faults import FAULTS, translated
from severance.disk.newfile import new_file
from severance.disk.values import SCHEMA, has_layout, is_id
from severance.errors import DamagedError, NewerVersionError, StoreError, StoreMissingError

APPLICATION_ID = 0x53565243
FORMAT = 1
_BUSY = 10.0

T = TypeVar("T")

LAYOUT = {
    "meta": "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "rows": "CREATE TABLE rows (id BLOB PRIMARY KEY, owner BLOB, frame BLOB NOT NULL) WITHOUT ROWID",
    "rows_owner": "CREATE INDEX rows_owner ON rows (owner)",
}
_NEW = (f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {FORMAT}", *LAYOUT.values())


class StoredRow(NamedTuple):
    """A row as the file holds it: two opaque ids and a frame."""

    id: bytes
    owner: bytes | None
    frame: bytes


class Rows:
    """The rows as seen from inside one transaction."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def get(self, row: bytes) -> StoredRow | None:
        """The row with this id."""
        found = self._raw.execute("SELECT id, owner, frame FROM rows WHERE id = ?", (row,)).fetchone()
        return None if found is None else _checked(found)

    def owned(self, owner: bytes) -> list[StoredRow]:
        """The rows with this owner."""
        return [
            _checked(row) for row in self._raw.execute("SELECT id, owner, frame FROM rows WHERE owner = ?", (owner,))
        ]

    def put(self, row: StoredRow) -> None:
        """Write a row, over an earlier one with its id."""
        self._raw.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", row)

    def delete(self, row: bytes) -> None:
        """Erase a row; `secure_delete` overwrites its bytes."""
        self._raw.execute("DELETE FROM rows WHERE id = ?", (row,))


class RowFile:
    """One chip file, for any number of threads and processes. It knows nothing of what the rows say.

    Attributes:
        store: the store id.
        readonly: whether it was opened for reading only.
        key_source: what is recorded of where the root key comes from, JSON.
    """

    def __init__(self, path: Path, mode: str) -> None:
        """Not for callers: use `create` or `open`."""
        self._path = path = path.absolute()
        self.readonly = mode != "mode=rw"
        self._connection = Connection(path, mode, _BUSY, LAYOUT)
        try:
            # A commit is the journal's removal; FULL does not sync the folder, so a power cut could bring it back.
            self._connection.query("PRAGMA synchronous = EXTRA")
            self.store, self.key_source = self._recognised()
            if not self.readonly:
                self._connection.drop_journal()
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def create(cls, path: Path, store: bytes, key_source: bytes, first: StoredRow) -> RowFile:
        """Make a new chip file with its first row, readable by its owner only, and open it.

        Raises:
            StoreError: it exists or cannot be made.
        """
        with new_file(path) as part:
            try:
                with closing(connect(part, "mode=rw", _BUSY)) as raw:
                    for statement in _NEW:
                        raw.execute(statement)
                    raw.executemany("INSERT INTO meta VALUES (?, ?)", [("store", store), ("key", key_source)])
                    raw.execute("INSERT INTO rows VALUES (?, ?, ?)", first)
            except FAULTS as error:
                raise translated(error, path) from error
        return cls(path, "mode=rw")

    @classmethod
    def open(cls, path: Path, *, readonly: bool = False) -> RowFile:
        """Open a chip file.

        Raises:
            StoreMissingError: there is none.
            StoreError, DamagedError: it is something else.
        """
        if not path.exists():
            raise StoreMissingError(
                f"there is no chip at {path}; put it back from where it is kept, without it nothing can be opened"
            )
        return cls(path, "mode=ro" if readonly else "mode=rw")

    def get(self, row: bytes) -> StoredRow | None:
        """The row with this id."""
        found = self._connection.query("SELECT id, owner, frame FROM rows WHERE id = ?", (row,))
        return _checked(found[0]) if found else None

    def frames(self, ids: Sequence[bytes]) -> tuple[bytes | None, ...]:
        """The frames of the rows with these ids, None where there is none: one statement, whatever there is."""
        marks = ", ".join("?" * len(ids))
        statement = f"SELECT id, frame FROM rows WHERE id IN ({marks})"  # noqa: S608 - question marks only
        found: dict[bytes, bytes] = dict(self._connection.query(statement, ids))
        return tuple(found.get(row) for row in ids)

    def owned(self, owner: bytes) -> list[StoredRow]:
        """The rows with this owner."""
        return [
            _checked(row)
            for row in self._connection.query("SELECT id, owner, frame FROM rows WHERE owner = ?", (owner,))
        ]

    def all(self) -> list[StoredRow]:
        """Every row, as of one instant."""
        return [_checked(row) for row in self._connection.query("SELECT id, owner, frame FROM rows NOT INDEXED")]

    def sound(self) -> list[StoredRow]:
        """Every row that looks like one; those that do not are passed over."""
        found = self._connection.query("SELECT id, owner, frame FROM rows NOT INDEXED")
        return [StoredRow(*row) for row in found if _is_row(*row)]

    def count(self, most: int) -> int:
        """How many rows there are, counted up to `most`."""
        counted = self._connection.query("SELECT count(*) FROM (SELECT 1 FROM rows NOT INDEXED LIMIT ?)", (most,))
        return int(counted[0][0])

    def verify(self) -> None:
        """Check that the file's structure holds: that its index leads to every row, and to nothing else.

        Raises:
            DamagedError: it does not.
        """
        if self._connection.query("PRAGMA integrity_check(1)") != [(b"ok",)]:
            raise DamagedError("the structure of the chip is not what was written; restore the chip from a backup")

    def change(self, work: Callable[[Rows], T]) -> T:
        """Run `work` in one transaction, durable when it returns; whatever it raises rolls it back."""
        return self._connection.change(lambda raw: work(Rows(raw)))

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy to a new file.

        Raises:
            StoreError: it exists or cannot be written.
        """
        with closing(connect(self._path, "mode=rw", _BUSY)) as raw:
            copy(raw, path)

    def close(self) -> None:
        """Let go of the file. Doing it again does nothing."""
        self._connection.close()

    def _recognised(self) -> tuple[bytes, bytes]:
        query = self._connection.query
        application, version = query("PRAGMA application_id")[0][0], query("PRAGMA user_version")[0][0]
        if application != APPLICATION_ID:
            raise StoreError(f"{self._path.name} is not a chip; put the store's own chip in its place")
        if version > FORMAT:
            raise NewerVersionError(f"{self._path.name} is of format {version}; use the Severance that wrote it")
        if version != FORMAT or not has_layout(query(SCHEMA), LAYOUT):
            raise DamagedError("the layout of the chip is not the one that was made; restore the chip from a backup")
        meta = {bytes(name): value for name, value in query("SELECT name, value FROM meta") if type(name) is bytearray}
        store, source = meta.get(b"store"), meta.get(b"key")
        if not is_id(store) or type(source) is not bytes:
            raise DamagedError("the head of the chip is not what was written there; restore the chip from a backup")
        return store, source


def _checked(row: Sequence[Any]) -> StoredRow:
    if not _is_row(*row):
        raise DamagedError("a row of the chip is not what was written there; restore the chip from a backup")
    return StoredRow(*row)


def _is_row(found: object, owner: object, frame: object) -> bool:
    return is_id(found) and (owner is None or is_id(owner)) and type(frame) is bytes
