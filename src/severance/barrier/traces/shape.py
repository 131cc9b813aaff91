"""What a reader of the disk sees, and may see: the declared leakage.

Whoever can read the store's files, and has no key, learns this and nothing else:

- how many spaces there are, and of each space the padded size of every record in the order of the log, which records
  were erased, and the padded sizes of the chunks of its snapshot;
- how many rows the chip has;
- the names and the sizes of the files.

It follows from this how many records each persona keeps and, when the disk is read again and again, when it keeps them.
A padded size is one of the few that `crypto.envelope.bucket` gives: two in each octave. Which space is whose is not
among it, nor is anything that a record says. Anything that `shape_of` cannot read in this way, such as a frame of a
size that is no bucket, is an `Undeclared` leak.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from severance.crypto.envelope import TAG_BYTES, bucket

HEADER_BYTES = 84
_LENGTH_BYTES = 4


@dataclass(frozen=True)
class SpaceShape:
    """One space: the padded size of each record in bytes (None where it was erased), and those of the snapshot."""

    records: tuple[int | None, ...]
    chunks: tuple[int, ...]


@dataclass(frozen=True)
class Shape:
    """A store, seen from the disk.

    Attributes:
        spaces: each by its id, which is random.
        rows: how many the chip has.
        files: the names, from the store's folder, and the sizes in bytes.
        undeclared: sizes that should not be there, each in a sentence.
    """

    spaces: Mapping[bytes, SpaceShape]
    rows: int
    files: tuple[tuple[str, int], ...]
    undeclared: tuple[str, ...] = ()


def shape_of(folder: Path) -> Shape:
    """The shape of what is in a folder: a store that nobody has open, and what was written beside it."""
    undeclared: list[str] = []
    with closing(sqlite3.connect((folder / "store" / "vault.db").as_uri() + "?mode=ro", uri=True)) as vault:
        records: dict[bytes, list[int | None]] = {id: [] for (id,) in vault.execute("SELECT id FROM spaces")}  # noqa: A001
        chunks: dict[bytes, list[int]] = {id: [] for id in records}  # noqa: A001
        for space, size in vault.execute("SELECT space, length(frame) FROM records ORDER BY space, seq"):
            records.setdefault(space, []).append(None if size is None else _padded(size, undeclared))
        for space, size in vault.execute("SELECT space, length(frame) FROM chunks ORDER BY space, n"):
            chunks.setdefault(space, []).append(_padded(size, undeclared))
    with closing(sqlite3.connect((folder / "store" / "chip.db").as_uri() + "?mode=ro", uri=True)) as chip:
        (rows,) = chip.execute("SELECT count(*) FROM rows").fetchone()
    spaces = {space: SpaceShape(tuple(sizes), tuple(chunks.get(space, ()))) for space, sizes in records.items()}
    files = sorted((path.relative_to(folder).as_posix(), path.stat().st_size) for path in _files(folder))
    return Shape(spaces, rows, tuple(files), tuple(undeclared))


def unlike(one: Shape, other: Shape, *, apart_from: Collection[bytes] = (), whole: bool) -> list[str]:
    """In which ways two shapes differ, one sentence each.

    Args:
        one, other: the shapes.
        apart_from: spaces that are not looked at.
        whole: whether everything must be the same. Otherwise only what concerns the other spaces, each by itself.
    """
    found = [*one.undeclared, *other.undeclared]
    for space in sorted({*one.spaces, *other.spaces} - {*apart_from}):
        if one.spaces.get(space) != other.spaces.get(space):
            found.append(f"a space looks otherwise: {one.spaces.get(space)} and {other.spaces.get(space)}")
    if whole:
        if one.rows != other.rows:
            found.append(f"the chip has {one.rows} rows and {other.rows}")
        if one.files != other.files:
            found.append(f"the files are otherwise: {sorted({*one.files} ^ {*other.files})}")
    return found


def _padded(size: int, undeclared: list[str]) -> int:
    padded = size - HEADER_BYTES - TAG_BYTES
    if padded < _LENGTH_BYTES or bucket(padded - _LENGTH_BYTES) != padded:
        undeclared.append(f"a frame of {size} bytes tells more than a padded size")
    return padded


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
