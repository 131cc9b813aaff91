"""Erasing records: their frames are overwritten, and layers that may hold what they said go with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from severance.disk.values import damaged
from severance.errors import NotFoundError
from severance.vault.layers import HOLDING, drop_layer
from severance.vault.layout import is_span


def erase(db: sqlite3.Connection, where: str, space: bytes, seqs: Iterable[int], last: int) -> list[bytes]:
    """Overwrite the frames of these records, none after `last`, and drop the layers that may hold what they said.

    To be called in the transaction that appends what says so. `where` is what errors call the file.

    Returns:
        What the frames were, and how the chunks of the layers began.

    Raises:
        NotFoundError: one of the records is not there.
        DamagedError: a layer is not readable.
    """
    missing = NotFoundError(f"a record to erase is not in {where}; nothing was written, catch up first")
    gone: list[bytes] = []
    for seq in seqs:
        if not 1 <= seq <= last:
            raise missing
        row = db.execute("SELECT frame FROM records WHERE space = ? AND seq = ?", (space, seq)).fetchone()
        if row is None:
            raise missing
        if isinstance(row[0], bytes):
            gone.append(row[0])
        db.execute("UPDATE records SET frame = NULL WHERE space = ? AND seq = ?", (space, seq))
        gone += drop_holding(db, where, space, seq)
    db.execute("UPDATE spaces SET erased = seq WHERE id = ?", (space,))
    return gone


def drop_holding(db: sqlite3.Connection, where: str, space: bytes, seq: int) -> list[bytes]:
    """Drop the layer that stands for this record; returns the beginnings of its chunks, which lay within pages."""
    row = db.execute(HOLDING, (space, seq)).fetchone()
    if row is None:
        return []
    if not is_span(*row):
        raise damaged(where, "a layer of the snapshot is not readable", space)
    return drop_layer(db, space, row[1]) if row[0] <= seq else []
