"""What `vault.db` looks like (docs/design/format.md, section 6), and what its rows must look like."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from itertools import groupby, starmap
from operator import itemgetter
from pathlib import Path

from severance.disk.values import Row, damaged, is_count, is_digest
from severance.errors import DamagedError
from severance.model import Head
from severance.ports import Entry, Layer

APPLICATION_ID = 0x53565256  # "SVRV"
VERSION = 1
MAX_INTEGER = 2**63 - 1

PAGE_SIZE = 8192
"""Bytes. In a WITHOUT ROWID table a row of more than about a quarter of a page spills into pages of its own. At 4096
that starts at 1,002 bytes, and a frame of 1,124 (the bucket of a memory of some length) takes four times its size in
the file and is read at a third of the speed; at 8192 frames of up to 1,636 stay in line. Larger pages only make the
single append dearer, since the write-ahead log holds whole pages."""

TABLES = {
    "meta": "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "spaces": "CREATE TABLE spaces (id BLOB PRIMARY KEY, seq INTEGER NOT NULL, digest BLOB NOT NULL, "
    "erased INTEGER NOT NULL) WITHOUT ROWID",
    "records": "CREATE TABLE records (space BLOB, seq INTEGER, frame BLOB, digest BLOB NOT NULL, "
    "hash BLOB NOT NULL, PRIMARY KEY (space, seq)) WITHOUT ROWID",
    "layers": "CREATE TABLE layers (space BLOB, last INTEGER, first INTEGER NOT NULL, before BLOB NOT NULL, "
    "digest BLOB NOT NULL, chunks INTEGER NOT NULL, PRIMARY KEY (space, last)) WITHOUT ROWID",
    "chunks": "CREATE TABLE chunks (space BLOB, last INTEGER, n INTEGER, frame BLOB NOT NULL, "
    "PRIMARY KEY (space, last, n)) WITHOUT ROWID",
}

_FRAME_OR_NOTHING = (bytes, type(None))


def lay_out(path: Path, store: bytes) -> None:
    """Make the file of an empty vault with this store id; whoever calls it syncs it."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for setting in (
            f"page_size = {PAGE_SIZE}",
            "synchronous = OFF",  # `new_file` syncs once, at the end
            f"application_id = {APPLICATION_ID}",
            f"user_version = {VERSION}",
        ):
            db.execute(f"PRAGMA {setting}")
        for statement in TABLES.values():
            db.execute(statement)
        db.execute("INSERT INTO meta VALUES ('store', ?)", (store,))
        db.execute("PRAGMA journal_mode = WAL")


def head_in(where: str, space: bytes, row: Row) -> Head:
    """The head in a row (seq, digest, last sequence number in `records`, ...).

    Raises:
        DamagedError: it is none, or the log's last record is not the one it names.
    """
    seq, digest, last = row[:3]
    if not is_count(seq) or not is_digest(digest):
        raise damaged(where, "the head is not readable", space)
    if (0 if last is None else last) != seq:
        raise damaged(where, f"the log does not end at record {seq}, which the head names,", space, seq)
    return Head(seq, digest)


def entries_in(where: str, space: bytes, rows: Sequence[Row]) -> list[Entry]:
    """The entries in rows (seq, frame, digest, hash).

    Raises:
        DamagedError: one is not a digest and a hash with a frame or, where that was erased, without.
    """
    for seq, frame, digest, hashed in rows:
        if type(frame) not in _FRAME_OR_NOTHING or not is_digest(digest) or not is_digest(hashed):
            raise _no_record(where, space, seq)
        if type(seq) is not int or seq < 1:
            raise _no_record(where, space, seq)
    return list(starmap(Entry, rows))


def layers_in(where: str, space: bytes, rows: Sequence[Row]) -> list[Layer]:
    """The layers in rows (last, first, before, digest, chunks, n, frame), one for each chunk, ordered by last and n.

    Raises:
        DamagedError: one is not a range of records, or does not have the chunks that it should have.
    """
    found = []
    for row, group in groupby(rows, key=itemgetter(0, 1, 2, 3, 4)):
        last, first, before, digest, count = row
        chunks = [(n, frame) for *_, n, frame in group if n is not None]
        whole = [n for n, _ in chunks] == list(range(len(chunks))) and len(chunks) == count
        if not (is_span(first, last) and is_digest(before) and is_digest(digest) and whole):
            raise damaged(where, "a layer of the snapshot is not whole", space)
        if not all(type(frame) is bytes for _, frame in chunks):
            raise damaged(where, "a layer of the snapshot is not whole", space)
        found.append(Layer(Head(first - 1, before), Head(last, digest), tuple(frame for _, frame in chunks)))
    return found


def is_span(first: object, last: object) -> bool:
    """Whether these are the numbers of the first and the last record of a range."""
    return type(first) is int and type(last) is int and 1 <= first <= last


def _no_record(where: str, space: bytes, seq: object) -> DamagedError:
    number = seq if type(seq) is int else None
    return damaged(where, f"record {'?' if number is None else number} is not readable", space, number)
