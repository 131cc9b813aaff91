"""The vault in one SQLite file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import sha256
from operator import itemgetter
from pathlib import Path

from severance.disk.connection import Connection, connect, copy
from severance.disk.faults import FAULTS, present, translated
from severance.disk.newfile import new_file
from severance.disk.values import Row, damaged, is_count, is_digest, is_id
from severance.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    StoreMissingError,
    StoreReadOnlyError,
)
from severance.model import Head, Sealed
from severance.ports import Entry, Layer, NewSpace
from severance.vault import erasing, residue, survey
from severance.vault.layers import LAYERS, SPANS, ascend, drop_layer, put_layer
from severance.vault.layout import (
    MAX_INTEGER,
    TABLES,
    entries_in,
    head_in,
    is_span,
    lay_out,
    layers_in,
)

_HEAD = "SELECT seq, digest, (SELECT MAX(seq) FROM records WHERE space = ?), erased FROM spaces WHERE id = ?"
# What an append does most is one statement: the head moves on if it is where it should be, and so is the log's end.
_MOVE = (
    "UPDATE spaces SET seq = ?1, digest = ?2 WHERE id = ?3 AND seq = ?4 AND digest = ?5 "
    "AND ifnull((SELECT MAX(seq) FROM records WHERE space = ?3), 0) = ?4"
)
# One statement sees one state; a row without a record says that the space is there and has nothing more.
_READ = (
    "SELECT r.seq, r.frame, r.digest, r.hash FROM spaces s LEFT JOIN records r ON r.space = s.id AND r.seq > ? "
    "WHERE s.id = ? ORDER BY r.seq LIMIT ?"
)
_RECORD = "INSERT INTO records VALUES (?, ?, ?, ?, ?)"
_BUSY = 10.0  # seconds
_FLUSH_WAIT = 250  # milliseconds


class SqliteVault:
    """Implements `ports.Vault` on one SQLite file in WAL mode, for any number of threads and processes on one machine.

    It keeps two connections: while one waits for the disk, or for another process that writes, the other reads.

    What it adds to the contract: `append` with `erase` needs at least one frame, the record that names what was
    erased; else `InputError`. When the vault's file is renamed or removed while it is open, writing raises
    `StoreMissingError`; reading goes on with the old file.
    """

    def __init__(self, path: Path, mode: str, busy: float) -> None:
        """Not for callers: use `new` or `open`."""
        self._path = path = path.absolute()
        self._mode = mode
        self._busy = busy
        self._unflushed = False  # the write-ahead log may hold what was erased
        self._erased: list[bytes] = []  # frames, gone, of which unused parts of pages may hold a copy
        self._reader = self._writer = Connection(path, mode, busy, TABLES)
        try:
            self._store = survey.recognised(self._reader, path)
            if mode == "mode=rw":
                self._writer = Connection(path, mode, busy, TABLES)
                self._writer.query("PRAGMA journal_mode = WAL")
                self._reader.query("PRAGMA query_only = ON")
        except BaseException:
            self.close()
            raise

    @classmethod
    def new(cls, path: Path, store: bytes, *, busy: float = _BUSY) -> SqliteVault:
        """Make a vault at `path`, readable by its owner only, and open it.

        Args:
            path: where; the folder exists, the file does not.
            store: the store id, 16 bytes.
            busy: how many seconds to wait for another process.

        Raises:
            StoreError: the file exists or cannot be made.
        """
        if not is_id(store):
            raise InputError("a store id has 16 bytes")
        with new_file(path) as part:
            try:
                lay_out(part, store)
            except FAULTS as error:
                raise translated(error, path) from error
        return cls.open(path, busy=busy)

    @classmethod
    def open(cls, path: Path, *, readonly: bool = False, busy: float = _BUSY) -> SqliteVault:
        """Open the vault at `path`.

        With `readonly`, it also opens where its folder may not be written. SQLite then cannot lock, so this is done
        only while no `-wal` file holds writes, and nobody may write to the file from elsewhere in the meantime.

        Args:
            path: the file.
            readonly: never write; writing calls raise `StoreReadOnlyError`.
            busy: how many seconds to wait for another process before `StoreBusyError`.

        Raises:
            StoreMissingError: there is no such file.
            StoreReadOnlyError: it can be opened neither for writing nor, with `readonly`, for reading.
            NewerVersionError: a later version wrote it.
            DamagedError: it is no SQLite file, or not one that can be read.
            StoreError: it is something other than a vault.
        """
        if not present(path):
            raise StoreMissingError(f"there is no vault at {path}; make one with `severance init`")
        if not readonly:
            return cls(path, "mode=rw", busy)
        try:
            return cls(path, "mode=ro", busy)
        except StoreReadOnlyError:
            log = path.with_name(path.name + "-wal")
            if log.exists() and log.stat().st_size:
                raise StoreReadOnlyError(
                    f"{log.name} holds writes that are not in {path.name} yet, and the folder may not be written; "
                    "copy both to a folder that may be"
                ) from None
            return cls(path, "mode=ro&immutable=1", busy)

    @property
    def store(self) -> bytes:
        """The store id (16 bytes) that vault and chip share."""
        return self._store

    def create(self, spaces: Sequence[NewSpace]) -> None:
        """Make spaces, all or none of them. ConflictError when one exists, or is named twice."""
        for space, head, _ in spaces:
            if not is_id(space) or head.seq != 0 or not is_digest(head.digest):
                raise InputError("a new space has an id of 16 bytes, and a head with seq 0 and a digest of 32 bytes")
        new = sorted(spaces, key=itemgetter(0))  # in the order of the file, so that many of them write each page once
        made = [_rows(space, head, frames) for space, head, frames in new]

        def work(db: sqlite3.Connection) -> None:
            for (space, _, _), (rows, end) in zip(new, made, strict=True):
                if db.execute("SELECT 1 FROM spaces WHERE id = ?", (space,)).fetchone():
                    raise ConflictError(f"the space exists already in {self._path.name}; go on from its head")
                db.execute("INSERT INTO spaces VALUES (?, ?, ?, 0)", (space, end.seq, end.digest))
                db.executemany(_RECORD, rows)

        self._writer.change(work, spaces[0].space if len(spaces) == 1 else None)

    def spaces(self) -> list[bytes]:
        """The ids of all spaces, sorted."""
        ids = [row[0] for row in self._reader.query("SELECT id FROM spaces ORDER BY id")]
        if not all(map(is_id, ids)):
            raise damaged(self._path.name, "the id of a space is not readable in the list")
        return ids

    def head(self, space: bytes) -> Head:
        """The head that the last append to this space left.

        Raises:
            DamagedError: the log's last record is not the one that the head names.
        """
        rows = self._reader.query(_HEAD, (space, space), space)
        return head_in(self._path.name, space, self._only(rows))

    def append(self, space: bytes, expected: Head, frames: Sequence[Sealed], erase: Sequence[int] = ()) -> Head:
        """Put `frames` after `expected`; returns the new head, as `Head.then` gives it.

        `erase` names records of this space: in the same transaction their frames are overwritten, their digests and
        hashes stay, and each layer that stands for one of them is dropped, since it may hold what was erased.

        Raises:
            ConflictError: the head is not `expected`; nothing was written.
            NotFoundError: a record to erase is not there; nothing was written.
            InputError: something is erased without a frame that says so; nothing was written.
            DamagedError: what is stored does not fit the head; nothing was written.
        """
        if erase and not frames:
            raise InputError("erasing needs a record that names what was erased; append it in the same call")
        rows, head = _rows(space, expected, frames)

        def work(db: sqlite3.Connection) -> list[bytes]:
            moved = db.execute(_MOVE, (head.seq, head.digest, space, expected.seq, expected.digest))
            if moved.rowcount != 1:
                raise self._not_at(db, space)
            db.executemany(_RECORD, rows)
            return erasing.erase(db, self._path.name, space, set(erase), expected.seq) if erase else []

        self._erased += self._writer.change(work, space)
        self._unflushed |= bool(erase)
        self._flush()
        return head

    def read(self, space: bytes, after: int, limit: int) -> list[Entry]:
        """At most `limit` entries with a sequence number above `after`, in order.

        What is there is returned: a gap is for the reader, who knows what it expects, to notice.
        """
        bounds = (max(-1, min(after, MAX_INTEGER)), space, max(1, min(limit, MAX_INTEGER)))
        rows = self._reader.query(_READ, bounds, space)
        if self._only(rows)[0] is None or limit < 1:
            return []
        return entries_in(self._path.name, space, rows)

    def write_layers(self, space: bytes, seen: int, layers: Sequence[Layer], drop: Sequence[int] = ()) -> bool:
        """Keep these layers of the space's snapshot, and drop those that end at the records `drop`, all or nothing.

        Returns:
            Whether it was done. It is not when a frame was erased by an append after `seen`, since a layer may still
            hold what was erased; and not when another writer was first: one of `drop` is not there, or a layer
            that stays stands for a record of a new one or for one after `seen`.

        Raises:
            InputError: they are not layers of a log of `seen` records, one after another.
        """
        spans = [(layer.begin.seq + 1, layer.end.seq) for layer in layers]
        digests = [digest for layer in layers for digest in (layer.begin.digest, layer.end.digest)]
        if not (ascend([*spans, (seen + 1, MAX_INTEGER)]) and all(map(is_digest, digests))):
            raise InputError("layers stand for ranges of the log, one after another, between heads with digests")

        def work(db: sqlite3.Connection) -> list[bytes] | None:
            erased = self._only(db.execute("SELECT erased FROM spaces WHERE id = ?", (space,)).fetchall())[0]
            if not is_count(erased):
                raise damaged(self._path.name, "the mark of the last erasure is not readable", space)
            there = self._spans(db.execute(SPANS, (space,)).fetchall(), space)
            stay = [span for span in there if span[1] not in drop]
            if erased > seen or len(stay) + len(drop) != len(there) or not ascend(sorted(stay + spans), seen):
                return None
            dropped = [beginning for last in drop for beginning in drop_layer(db, space, last)]
            for layer in layers:
                put_layer(db, space, layer)
            return dropped

        dropped = self._writer.change(work, space)
        # What they hold may be forgotten later, and nobody then knows what to search for.
        self._erased += dropped or []
        return dropped is not None

    def layers(self, space: bytes) -> list[tuple[int, int]]:
        """The numbers of the first and the last record that each layer stands for, ascending.

        Raises:
            DamagedError: one is not readable.
        """
        return self._spans(self._reader.query(SPANS, (space,), space), space)

    def read_layers(self, space: bytes) -> list[Layer]:
        """The layers kept, ascending; empty when there is none.

        Raises:
            DamagedError: a chunk is missing or is not one.
        """
        rows = self._reader.query(LAYERS, (space,), space)
        return [] if self._only(rows)[0] is None else layers_in(self._path.name, space, rows)

    def _spans(self, rows: list[Row], space: bytes) -> list[tuple[int, int]]:
        if self._only(rows)[1] is None:
            return []
        if not all(is_span(*row) for row in rows):
            raise damaged(self._path.name, "a layer of the snapshot is not readable", space)
        return [(first, last) for first, last in rows]

    def drop(self, space: bytes) -> None:
        """Remove a space with everything in it."""

        def work(db: sqlite3.Connection) -> None:
            self._only(db.execute("SELECT 1 FROM spaces WHERE id = ?", (space,)).fetchall())
            db.execute("DELETE FROM chunks WHERE space = ?", (space,))
            db.execute("DELETE FROM layers WHERE space = ?", (space,))
            db.execute("DELETE FROM records WHERE space = ?", (space,))
            db.execute("DELETE FROM spaces WHERE id = ?", (space,))

        self._unflushed = True
        self._writer.change(work, space)
        self._flush()

    def compact(self) -> None:
        """Write the whole file anew: dropped spaces give back their room, and unused parts of pages are emptied.

        Takes as much memory as the file is large, and keeps other writers waiting.

        Raises:
            StoreBusyError: another process held the vault for too long.
            StoreFullError: there is no room for it.
        """
        self._writer.query("VACUUM")
        self._erased.clear()
        self._unflushed = True
        self._flush()

    def scrub(self) -> None:
        """Take what was erased or dropped through this vault out of unused parts of its pages, where copies were left.

        Not part of erasing: it reads the file, so the time it takes tells how much all spaces hold together, which no
        persona may learn from forgetting. In a file above `residue.LIMIT` it does nothing; see `compact`.
        """
        if self._erased:
            image = self._writer.image(residue.LIMIT)
            if image is None or not residue.lingers(image, self._erased) or self._writer.rewrite():
                self._erased.clear()
            self._unflushed = True
        self._flush()

    def verify(self) -> list[str]:
        """What is wrong with the structure of the storage itself, one sentence each; empty when nothing is.

        Reads the whole file, through a connection of its own, so that other calls are not held up.
        """
        with self._aside() as db:
            return survey.complaints(db, self._path)

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of the whole vault to a new file, while others may go on writing.

        The copy is readable by its owner only; it is there whole and synced, or not at all.

        Raises:
            StoreError: the file exists, or cannot be written.
        """
        with self._aside() as db:
            copy(db, path)

    def close(self) -> None:
        """Let go of files and connections, after a `scrub`. Calling it again does nothing."""
        try:
            self.scrub()
        finally:
            self._reader.close()
            self._writer.close()

    def __enter__(self) -> SqliteVault:
        """The vault itself, to be closed when the block ends."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Close it."""
        self.close()

    def _only(self, rows: list[Row]) -> Row:
        """The first row, or `NotFoundError` when there is none: the space does not exist."""
        if not rows:
            raise NotFoundError(f"there is no such space in {self._path.name}; check the id")
        return rows[0]

    def _not_at(self, db: sqlite3.Connection, space: bytes) -> ConflictError:
        """Why the head of a space is not the one that an append expected, if not for something worse."""
        head_in(self._path.name, space, self._only(db.execute(_HEAD, (space, space)).fetchall()))
        return ConflictError(f"another writer was first in {self._path.name}; catch up and try again")

    def _flush(self) -> None:
        """Take what was erased out of the write-ahead log, which still holds pages as they were before.

        Best effort, since the erasure itself is already durable: a reader (a copy being made, another process in the
        middle of a long read) keeps the log as it is. Then the next write tries again, and at the latest the last
        connection to close does it.
        """
        if self._unflushed:
            self._unflushed = not self._writer.flush(_FLUSH_WAIT)

    @contextlib.contextmanager
    def _aside(self) -> Iterator[sqlite3.Connection]:
        """A connection for one long read."""
        self._reader.live()
        with contextlib.closing(connect(self._path, self._mode, self._busy)) as db:
            yield db


def _rows(space: bytes, before: Head, frames: Sequence[Sealed]) -> tuple[list[Row], Head]:
    """The frames as rows to stand after a head, and the head after them."""
    rows, head = list[Row](), before
    for frame in frames:
        hashed = sha256(frame).digest()
        head = head.then(hashed)
        rows.append((space, head.seq, frame, head.digest, hashed))
    return rows, head
