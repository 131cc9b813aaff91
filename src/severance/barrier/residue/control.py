"""The control: the same sentences in a store that seals nothing.

A sweep that finds nothing proves nothing, unless it finds everything where everything is. So this writes memories the
way memories are often written, each file in an encoding that somebody once found handy.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from severance.barrier.residue.needles import digests, token_ids

if TYPE_CHECKING:
    from severance.ports import Embedder


def write_control(folder: Path, sentences: Sequence[str], embedder: Embedder) -> None:
    """Write the sentences under `folder`, which is made, unsealed, each in all of `ENCODINGS`."""
    folder.mkdir(parents=True, exist_ok=True)
    _database(folder / "memories.db", "UTF-8", sentences)
    _database(folder / "legacy.db", "UTF-16le", sentences)
    raw = [sentence.encode() for sentence in sentences]
    _lines(folder / ".debug.log", (b"DEBUG remember payload=" + one.hex().encode() for one in raw))
    # The subject in front moves each payload to another of the three alignments that base64 has.
    wrapped = (b"x" * (number % 3) + one for number, one in enumerate(raw))
    _lines(folder / "queue.b64", (base64.b64encode(one) for one in wrapped))
    _lines(folder / "export.jsonl", (json.dumps({"text": sentence}).encode() for sentence in sentences))
    (folder / "blobs.bin").write_bytes(b"".join(zlib.compress(one) for one in raw))
    np.save(folder / "vectors.npy", embedder.embed(sentences))
    # Each with one digest in turn, as whoever wrote the log had chosen one.
    chosen = (digests(one)[number % 4] for number, one in enumerate(raw))
    _lines(folder / "digests.log", (b"DEBUG seen " + one.hex().encode() for one in chosen))
    (folder / "tokens.bin").write_bytes(b"".join(np.array(token_ids(one), "<u4").tobytes() for one in sentences))


def _database(path: Path, encoding: str, sentences: Sequence[str]) -> None:
    """A table of texts, half of them still in the write-ahead log, as a process leaves it that was killed."""
    live = path.with_name(f"{path.stem}-live.db")
    with contextlib.closing(sqlite3.connect(live, isolation_level=None)) as db:
        db.execute(f"PRAGMA encoding = '{encoding}'")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("CREATE TABLE memories (id INTEGER PRIMARY KEY, text TEXT)")
        half = len(sentences) // 2
        _insert(db, sentences[:half])
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _insert(db, sentences[half:])
        # Closing the last connection would empty the log: keep both files as they are now.
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{live}{suffix}", f"{path}{suffix}")
    live.unlink()


def _insert(db: sqlite3.Connection, sentences: Sequence[str]) -> None:
    db.execute("BEGIN")
    db.executemany("INSERT INTO memories (text) VALUES (?)", ((sentence,) for sentence in sentences))
    db.execute("COMMIT")


def _lines(path: Path, lines: Iterable[bytes]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
