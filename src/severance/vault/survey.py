"""Whether a file is a vault, and whether its structure holds: what can be seen without any key."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from severance.disk.connection import Connection
from severance.disk.faults import FAULTS, translated
from severance.disk.values import SCHEMA, damaged, has_layout, is_count, is_digest, is_id
from severance.errors import DamagedError, NewerVersionError, StoreError
from severance.model import Head
from severance.vault.layout import APPLICATION_ID, TABLES, VERSION, is_span

_HEADS = (
    "SELECT s.id, s.seq, s.digest, s.erased, r.digest FROM spaces s "
    "LEFT JOIN records r ON r.space = s.id AND r.seq = s.seq"
)
_RECORDS = "SELECT space, COUNT(*), MIN(seq), MAX(seq) FROM records GROUP BY space"
_CHAIN = "SELECT space, seq, frame, digest, hash FROM records ORDER BY space, seq"
_LAYERS = "SELECT space, last, first, before, digest, chunks FROM layers ORDER BY space, last"
_CHUNKS = "SELECT space, last, COUNT(*), MIN(n), MAX(n), SUM(typeof(frame) != 'blob') FROM chunks GROUP BY space, last"


def recognised(reader: Connection, path: Path) -> bytes:
    """The store id of the vault behind `reader`.

    Raises:
        StoreError: it is no vault.
        NewerVersionError: a later version wrote it.
        DamagedError: it is a vault that cannot be read.
    """
    (application,) = reader.query("PRAGMA application_id")[0]
    if application != APPLICATION_ID:
        if reader.query("PRAGMA page_count")[0][0] == 0:
            raise damaged(path.name, "nothing is left")
        raise StoreError(f"{path.name} is not a vault; name the vault.db of a store")
    (version,) = reader.query("PRAGMA user_version")[0]
    if version > VERSION:
        raise NewerVersionError(f"{path.name} has format {version}, this version knows {VERSION}; update severance")
    if version != VERSION or not has_layout(reader.query(SCHEMA), TABLES):
        raise damaged(path.name, "the layout is not that of a vault in the tables")
    stores = reader.query("SELECT value FROM meta WHERE name = 'store'")
    if len(stores) != 1 or not is_id(stores[0][0]):
        raise damaged(path.name, "the store id is not readable")
    store: bytes = stores[0][0]
    return store


def complaints(db: sqlite3.Connection, path: Path) -> list[str]:
    """One sentence for each thing that is wrong, within one consistent state of the file.

    Raises:
        StoreError: it could not be looked at (busy, the disk fails); this says nothing about its state.
    """
    found: list[str] = []
    parts: tuple[Callable[[sqlite3.Connection], Iterator[str]], ...] = (_integrity, _logs, _records, _snapshots)
    for part in parts:
        try:
            if not db.in_transaction:
                db.execute("BEGIN")
            found += (f"{path.name}: {sentence}" for sentence in part(db))
        except FAULTS as error:
            problem = translated(error, path)
            if not isinstance(problem, DamagedError):
                raise problem from error
            found.append(str(problem))
    return found


def _integrity(db: sqlite3.Connection) -> Iterator[str]:
    for (line,) in db.execute("PRAGMA integrity_check"):
        text = bytes(line).decode("utf-8", "replace")
        if text != "ok":
            yield " ".join(text.split())


def _logs(db: sqlite3.Connection) -> Iterator[str]:
    heads = {}
    for space, seq, digest, erased, last in db.execute(_HEADS):
        heads[_name(space)] = seq
        if not (is_id(space) and is_count(seq) and is_digest(digest) and is_count(erased) and erased <= seq):
            yield f"the head of space {_name(space)} is not readable"
        elif last not in (None, digest):
            yield f"the head of space {_name(space)} is not the digest of record {seq}"
    for space, count, first, last in db.execute(_RECORDS):
        name = _name(space)
        seq = heads.pop(name, None)
        if seq is None:
            yield f"{count} records belong to a space {name} that is not there"
            continue
        if (first, last) != (1, count) or seq != count:
            yield f"the log of space {name} should have records 1 to {seq}, and has {count} from {first} to {last}"
    for name, seq in heads.items():
        if seq != 0:
            yield f"the log of space {name} should have records 1 to {seq}, and has none"


def _records(db: sqlite3.Connection) -> Iterator[str]:
    before, last = None, None  # the digest of which the next is made; that of an empty log is not in the file
    for space, seq, frame, digest, hashed in db.execute(_CHAIN):
        sound = frame is None or (type(frame) is bytes and sha256(frame).digest() == hashed)
        readable = is_digest(digest) and is_digest(hashed) and is_id(space) and is_count(seq)
        if readable and before is not None and last == (space, seq - 1):
            sound = sound and Head(seq - 1, before).then(hashed).digest == digest
        before, last = (digest, (space, seq)) if readable else (None, None)
        if not (sound and readable):
            yield f"record {seq if is_count(seq) else '?'} of space {_name(space)} is not what was written there"


def _snapshots(db: sqlite3.Connection) -> Iterator[str]:
    heads = {_name(space): seq for space, seq in db.execute("SELECT id, seq FROM spaces")}
    counts, ends = {}, dict[str, int]()
    for space, last, first, before, digest, chunks in db.execute(_LAYERS):
        name = _name(space)
        counts[name, _plain(last)] = chunks
        if name not in heads:
            yield f"a layer belongs to a space {name} that is not there"
        elif not (is_span(first, last) and is_digest(before) and is_digest(digest) and is_count(chunks)):
            yield f"a layer of space {name} is not readable"
        elif not ends.get(name, 0) < first <= last <= heads[name]:
            yield f"the layer of space {name} that ends at record {last} stands for records that are not its own"
        else:
            ends[name] = last
    for space, last, count, first, highest, wrong in db.execute(_CHUNKS):
        if counts.pop((_name(space), _plain(last)), None) != count or (first, highest) != (0, count - 1) or wrong:
            yield f"the layer of space {_name(space)} that ends at record {_plain(last)} does not have its chunks"
    for (name, last), chunks in counts.items():
        if chunks != 0:
            yield f"the layer of space {name} that ends at record {last} has lost its chunks"


def _plain(last: object) -> object:
    """Where a layer ends, or `?` where that is no number."""
    return last if is_count(last) else "?"


def _name(space: object) -> str:
    return bytes(space).hex() if isinstance(space, (bytes, bytearray)) else "?"
