"""The layers of a snapshot as rows: how they are asked for, put and dropped."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from severance.ports import Layer
from severance.vault.layout import MAX_INTEGER, PAGE_SIZE

SPANS = "SELECT l.first, l.last FROM spaces s LEFT JOIN layers l ON l.space = s.id WHERE s.id = ? ORDER BY l.last"
LAYERS = (
    "SELECT l.last, l.first, l.before, l.digest, l.chunks, c.n, c.frame FROM spaces s "
    "LEFT JOIN layers l ON l.space = s.id LEFT JOIN chunks c ON c.space = s.id AND c.last = l.last "
    "WHERE s.id = ? ORDER BY l.last, c.n"
)
HOLDING = "SELECT first, last FROM layers WHERE space = ? AND last >= ? ORDER BY last LIMIT 1"


def ascend(spans: Sequence[tuple[int, int]], most: int = MAX_INTEGER) -> bool:
    """Whether these are ranges of numbers up to `most`, one after another."""
    before = 0
    for first, last in spans:
        if not before < first <= last <= most:
            return False
        before = last
    return True


def put_layer(db: sqlite3.Connection, space: bytes, layer: Layer) -> None:
    begin, end, chunks = layer.begin, layer.end, layer.chunks
    row = (space, end.seq, begin.seq + 1, begin.digest, end.digest, len(chunks))
    db.execute("INSERT INTO layers VALUES (?, ?, ?, ?, ?, ?)", row)
    db.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?)", [(space, end.seq, n, c) for n, c in enumerate(chunks)])


def drop_layer(db: sqlite3.Connection, space: bytes, last: int) -> list[bytes]:
    """Drop a layer; returns how its chunks began: what follows lay in pages of its own, which are overwritten."""
    chunks = db.execute("SELECT frame FROM chunks WHERE space = ? AND last = ?", (space, last)).fetchall()
    db.execute("DELETE FROM chunks WHERE space = ? AND last = ?", (space, last))
    db.execute("DELETE FROM layers WHERE space = ? AND last = ?", (space, last))
    return [frame[: PAGE_SIZE // 4] for (frame,) in chunks if isinstance(frame, bytes)]
