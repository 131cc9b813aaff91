"""The file of the audit log: sealed entries, the Merkle tree over them, and the last signed checkpoint.

It knows nothing of what the entries say. docs/design/format.md, section 10, has every byte of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Protocol

from severance.audit.proofs import EMPTY_ROOT, leaf_hash, node_hash, root
from severance.disk.connection import Connection, connect, copy
from severance.disk.faults import FAULTS, present, translated
from severance.disk.newfile import new_file
from severance.disk.values import SCHEMA, Row, damaged, has_layout, is_digest, is_id
from severance.errors import DamagedError, NewerVersionError, StoreError, StoreMissingError

APPLICATION_ID = 0x53565241  # "SVRA"
FORMAT = 1
LAYOUT = {
    "meta": "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "entries": "CREATE TABLE entries (n INTEGER PRIMARY KEY, frame BLOB NOT NULL)",
    "nodes": "CREATE TABLE nodes (level INTEGER, n INTEGER, hash BLOB NOT NULL, PRIMARY KEY (level, n)) WITHOUT ROWID",
    "tails": "CREATE TABLE tails (id BLOB PRIMARY KEY, frame BLOB NOT NULL) WITHOUT ROWID",
}
_BUSY = 10.0
_PAGE = 1_024
_TAILS = "SELECT id, frame FROM tails"
_NOTE = "INSERT OR REPLACE INTO meta VALUES ('checkpoint', ?)"


class Tails(Protocol):
    """Where in the log the entries of each chain end, each sealed, under an id."""

    def get(self, tail: bytes) -> bytes | None:
        """What is kept under this id."""
        ...

    def put(self, tail: bytes, frame: bytes) -> None:
        """Keep this under the id, in place of what was."""
        ...


Sealing = Callable[[int, Tails], bytes]
"""Makes the entry that will have this number, counted from 0, and moves the end of the chain that it is in."""


class Signer(Protocol):
    """Whose checkpoints the log has."""

    def sign(self, size: int, top: bytes) -> str:
        """The signed checkpoint of the log with so many entries and this root."""
        ...

    def read(self, note: str) -> tuple[int, bytes]:
        """How many entries the log had, and its root, by a checkpoint of this signer's; else DamagedError."""
        ...


class Instant(NamedTuple):
    """What a log is at one instant.

    Attributes:
        note: the signed checkpoint.
        size: one more than the last entry's number.
        rows: how many entries there are, whatever their numbers.
        tails: what is kept of every chain, by its id.
    """

    note: str
    size: int
    rows: int
    tails: dict[bytes, bytes]


class LogFile:
    """One log, for any number of threads and processes. No entry is ever changed or removed.

    Attributes:
        store: the store id.
    """

    def __init__(self, path: Path, mode: str) -> None:
        """Not for callers: use `create` or `open`."""
        self._path = path = path.absolute()
        self._connection = Connection(path, mode, _BUSY, LAYOUT)
        try:
            self.store = self._recognised()
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def create(cls, path: Path, store: bytes, signer: Signer) -> LogFile:
        """Make a log without entries, readable by its owner only, and open it.

        Raises:
            StoreError: it exists or cannot be made.
        """
        with new_file(path) as part:
            try:
                with closing(connect(part, "mode=rw", _BUSY)) as raw:
                    for setting in (f"application_id = {APPLICATION_ID}", f"user_version = {FORMAT}"):
                        raw.execute(f"PRAGMA {setting}")
                    for statement in LAYOUT.values():
                        raw.execute(statement)
                    raw.execute("INSERT INTO meta VALUES ('store', ?)", (store,))
                    raw.execute(_NOTE, (signer.sign(0, EMPTY_ROOT).encode(),))
                    raw.execute("PRAGMA journal_mode = WAL")
            except FAULTS as error:
                raise translated(error, path) from error
        return cls(path, "mode=rw")

    @classmethod
    def open(cls, path: Path, *, readonly: bool = False) -> LogFile:
        """Open a log.

        Raises:
            StoreMissingError: there is none.
            StoreError, DamagedError: it is something else.
        """
        if not present(path):
            raise StoreMissingError(f"there is no audit log at {path}; put it back from where it is kept")
        return cls(path, "mode=ro" if readonly else "mode=rw")

    def append(self, seal: Sequence[Sealing], signer: Signer) -> int:
        """Add entries, durable when it returns. Returns how many there are now.

        Raises:
            DamagedError: the log is not the one that the last checkpoint was made of; nothing was added.
        """

        def adding(raw: sqlite3.Connection) -> int:
            tree = self._whole(raw, signer)
            first = tree.size()
            size = _add(raw, tree, first, seal)
            if size > first:
                raw.execute(_NOTE, (signer.sign(size, root(tree.node, 0, size)).encode(),))
            return size

        return self._connection.change(adding)

    def weigh(self, seal: Sealing, signer: Signer) -> None:
        """Do as `append` of one entry does, and take it out again: what stays is a checkpoint signed anew. Durable when
        it returns.

        Raises:
            DamagedError: as `append`.
        """

        def weighing(raw: sqlite3.Connection) -> None:
            tree = self._whole(raw, signer)
            size = tree.size()
            raw.execute("SAVEPOINT weighed")
            _add(raw, tree, size, [seal])
            raw.execute("ROLLBACK TO weighed")
            raw.execute("RELEASE weighed")
            raw.execute(_NOTE, (signer.sign(size, root(tree.node, 0, size)).encode(),))

        self._connection.change(weighing)

    def instant(self) -> Instant:
        """What the log is at one instant, whoever adds to it at the same time."""

        def reading(raw: sqlite3.Connection) -> Instant:
            tree = _Tree(lambda *given: raw.execute(*given).fetchall())
            (rows,) = raw.execute("SELECT count(*) FROM entries").fetchone()
            return Instant(tree.note(), tree.size(), rows, _tails(raw.execute(_TAILS)))

        return self._connection.change(reading)

    def size(self) -> int:
        """How many entries there are."""
        return _Tree(self._connection.query).size()

    def checkpoint(self) -> str:
        """The signed checkpoint that the last append left."""
        return _Tree(self._connection.query).note()

    def entries(self, first: int, after: int) -> Iterator[bytes]:
        """The entries from number `first` up to `after`, in their order.

        Raises:
            DamagedError: one of them is not there.
        """
        for start in range(first, after, _PAGE):
            until = min(start + _PAGE, after)
            rows = self._connection.query(
                "SELECT n, frame FROM entries WHERE n >= ? AND n < ? ORDER BY n", (start, until)
            )
            if [n for n, _ in rows] != list(range(start, until)) or any(type(frame) is not bytes for _, frame in rows):
                raise damaged(self._path.name, f"entries between {start:,} and {until:,} are not there")
            yield from (frame for _, frame in rows)

    def node(self, level: int, number: int) -> bytes:
        """The hash of a perfect subtree, as `proofs` wants it."""
        return _Tree(self._connection.query).node(level, number)

    def tail(self, tail: bytes) -> bytes | None:
        """What is kept under this id of a chain."""
        rows = self._connection.query("SELECT frame FROM tails WHERE id = ?", (tail,))
        return _bytes(rows[0][0]) if rows else None

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy to a new file, while others may go on writing.

        Raises:
            StoreError: it exists or cannot be written.
        """
        with closing(connect(self._path, "mode=rw", _BUSY)) as raw:
            copy(raw, path)

    def close(self) -> None:
        """Let go of the file. Doing it again does nothing."""
        self._connection.close()

    def _whole(self, raw: sqlite3.Connection, signer: Signer) -> _Tree:
        """The tree as of this transaction; DamagedError where it is not that of the last checkpoint."""
        tree = _Tree(lambda *given: raw.execute(*given).fetchall())
        size = tree.size()
        if signer.read(tree.note()) != (size, root(tree.node, 0, size)):
            raise damaged(self._path.name, "the entries are not those that the last checkpoint was made of")
        return tree

    def _recognised(self) -> bytes:
        query = self._connection.query
        application, version = query("PRAGMA application_id")[0][0], query("PRAGMA user_version")[0][0]
        if application != APPLICATION_ID:
            raise StoreError(f"{self._path.name} is not an audit log; put the store's own in its place")
        if version > FORMAT:
            raise NewerVersionError(f"{self._path.name} is in format {version}; use the Severance that wrote it")
        if version != FORMAT or not has_layout(query(SCHEMA), LAYOUT):
            raise damaged(self._path.name, "the layout is not the one that was made")
        rows = query("SELECT value FROM meta WHERE name = 'store'")
        if len(rows) != 1 or not is_id(rows[0][0]):
            raise damaged(self._path.name, "the id of the store is not readable")
        return bytes(rows[0][0])


class _Tails:
    """Of one transaction."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def get(self, tail: bytes) -> bytes | None:
        row = self._raw.execute("SELECT frame FROM tails WHERE id = ?", (tail,)).fetchone()
        return None if row is None else _bytes(row[0])

    def put(self, tail: bytes, frame: bytes) -> None:
        self._raw.execute("INSERT OR REPLACE INTO tails VALUES (?, ?)", (tail, frame))


class _Tree:
    """The tree as it is in the file: entries are its leaves; what stands over them is written as it becomes perfect."""

    def __init__(self, query: Callable[..., Sequence[Row]]) -> None:
        self._query = query

    def size(self) -> int:
        (size,) = self._one("SELECT coalesce(max(n) + 1, 0) FROM entries")
        return int(size)

    def note(self) -> str:
        (note,) = self._one("SELECT value FROM meta WHERE name = 'checkpoint'")
        return _bytes(note).decode("utf-8", "replace")

    def node(self, level: int, number: int) -> bytes:
        if level == 0:
            (frame,) = self._one("SELECT frame FROM entries WHERE n = ?", number)
            return leaf_hash(_bytes(frame))
        (hashed,) = self._one("SELECT hash FROM nodes WHERE level = ? AND n = ?", level, number)
        if not is_digest(hashed):
            raise _broken()
        return hashed

    def over(self, leaf: int, hashed: bytes) -> list[tuple[int, int, bytes]]:
        """Every subtree (level, number, hash) that becomes perfect with this leaf."""
        found, level, number = [], 0, leaf
        while number & 1:
            hashed = node_hash(self.node(level, number - 1), hashed)
            level, number = level + 1, number >> 1
            found.append((level, number, hashed))
        return found

    def _one(self, statement: str, *arguments: int) -> Row:
        rows = self._query(statement, arguments)
        if len(rows) != 1:
            raise _broken()
        return rows[0]


def _add(raw: sqlite3.Connection, tree: _Tree, size: int, seal: Sequence[Sealing]) -> int:
    """Write entries behind those that there are, so many. Returns how many there are then."""
    tails = _Tails(raw)
    for sealing in seal:
        frame = sealing(size, tails)
        raw.execute("INSERT INTO entries VALUES (?, ?)", (size, frame))
        raw.executemany("INSERT INTO nodes VALUES (?, ?, ?)", tree.over(size, leaf_hash(frame)))
        size += 1
    return size


def _tails(rows: Iterable[Row]) -> dict[bytes, bytes]:
    return {_bytes(tail): _bytes(frame) for tail, frame in rows}


def _bytes(value: object) -> bytes:
    if type(value) is not bytes:
        raise _broken()
    return value


def _broken() -> DamagedError:
    return damaged("audit.db", "an entry, the checkpoint, or a part of the tree is not there")
