"""What a reader of the disk sees, and may see: the declared leakage.

Whoever can read the store's files, and has no key, learns this and nothing else:

- how many spaces there are, and of each space the padded size of every record in the order of the log, which records
  were erased, for which of them together its snapshot has a layer, and the padded sizes of its chunks;
- the headers of the frames, which are random bytes and a commitment to a key, and which records they show to be of one
  session;
- how many rows the chip has;
- how many entries the audit log has: of crossings, and of whatever else the owner does;
- whether anything ever rang, and about how much of that waits or was told lately;
- the sizes of the files.

It follows from this how many records each persona keeps and, when the disk is read again and again, when it keeps them.
Which space is whose is not among it, nor is anything that a record says. So under substitution everything in the store
has to be the same but what is sealed, and the digests of it.

Sizes, tables and files are held against docs/design/format.md, as it is written down here once more and not taken from
the code that writes them. Whatever is beyond that is an `Undeclared` leak: a frame of a size that is no bucket, a table
or a file that the format does not have.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

HEADER_BYTES = 84
TAG_BYTES = 16
_COARSE = 65_536
_MOST = 8_388_608
BUCKETS = frozenset(
    {size for power in range(8, 16) for size in (2**power, 3 * 2 ** (power - 1))}
    | {*range(_COARSE, _MOST + 1, _COARSE)}
)
"""The padded sizes of docs/design/format.md, section 2."""

_FILE = re.compile(r"store/(chip\.db(-journal)?|(vault|audit|alarms)\.db(-wal|-shm)?)(\.before-restore(-\d+)?)?")
"""What there may be of a store: its files, and those that a restore has put aside."""

TABLES: Mapping[str, Mapping[str, str]] = {
    "vault.db": {
        "meta": "name value",
        "spaces": "id seq digest erased",
        "records": "space seq frame digest hash",
        "layers": "space last first before digest chunks",
        "chunks": "space last n frame",
    },
    "chip.db": {"meta": "name value", "rows": "id owner frame"},
    "audit.db": {"meta": "name value", "entries": "n frame", "nodes": "level n hash", "tails": "id frame"},
    "alarms.db": {"meta": "name value"},
}
"""The columns of each table, of docs/design/format.md, sections 6, 7, 10 and 12."""

_ALARMS = "store/alarms.db"


@dataclass(frozen=True)
class SpaceShape:
    """One space: the padded size of each record in bytes (None where it was erased), and those of the snapshot; and
    what stands beside the frames: their headers, and the columns, each in a hash.
    """

    records: tuple[int | None, ...]
    chunks: tuple[int, ...]
    headers: bytes = b""
    columns: bytes = b""


@dataclass(frozen=True)
class Shape:
    """A store, seen from the disk.

    Attributes:
        spaces: each by its id, which is random.
        rows: how many the chip has.
        files: the names, from the folder that the store is in, and the sizes in bytes.
        undeclared: what should not be there, each in a sentence.
        layout: the layout of all files, and what is in the tables `meta` of vault and chip, in a hash.
        chip: the ids, owners and headers of the chip's rows, in a hash.
        log: the headers and the sizes of the entries of the audit log.
    """

    spaces: Mapping[bytes, SpaceShape]
    rows: int
    files: tuple[tuple[str, int], ...]
    undeclared: tuple[str, ...] = ()
    layout: bytes = b""
    chip: bytes = b""
    log: tuple[tuple[bytes | None, int], ...] = ()


def shape_of(folder: Path, backups: Collection[str] = ()) -> Shape:
    """The shape of what is in a folder: a store that nobody has open, and what was written beside it.

    Args:
        folder: the store is its folder `store`.
        backups: the names of the files that were asked for.
    """
    undeclared: list[str] = []
    vault = _tables(folder / "store" / "vault.db", undeclared)
    chip = _tables(folder / "store" / "chip.db", undeclared)
    audit = _tables(folder / "store" / "audit.db", undeclared)
    _look_at_alarms(folder / _ALARMS, undeclared)
    found = sorted((path.relative_to(folder).as_posix(), path.stat().st_size) for path in _files(folder))
    strange = [name for name, _ in found if name not in backups and not _FILE.fullmatch(name)]
    undeclared += [f"there is a file that the format does not have: {name}" for name in strange]
    spaces = [row["id"] for row in vault["spaces"]]
    spaces += [row["space"] for name in ("records", "chunks") for row in vault[name] if row["space"] not in spaces]
    return Shape(
        {space: _space(space, vault, undeclared) for space in dict.fromkeys(spaces)},
        len(chip["rows"]),
        tuple((name, size) for name, size in found if not name.startswith(_ALARMS)),  # declared: that something rang
        tuple(undeclared),
        _hash([audit[""], *(each[name] for each in (vault, chip) for name in ("", "meta"))]),
        _hash([[_beside(row), _header(row["frame"])] for row in chip["rows"]]),
        tuple((_header(row["frame"]), _padded(len(row["frame"]), undeclared)) for row in audit["entries"]),
    )


def unlike(one: Shape, other: Shape, *, apart_from: Collection[bytes] = (), whole: bool) -> list[str]:
    """In which ways two shapes differ, one sentence each.

    Args:
        one, other: the shapes.
        apart_from: spaces that are not looked at.
        whole: whether everything must be the same. Otherwise only the layout, the names of the files, and what concerns
            the other spaces, each by itself.
    """
    found = [*one.undeclared, *other.undeclared]
    for space in sorted({*one.spaces, *other.spaces} - {*apart_from}):
        if one.spaces.get(space) != other.spaces.get(space):
            found.append(f"a space looks otherwise: {_told(one.spaces.get(space), other.spaces.get(space))}")
    if one.layout != other.layout:
        found.append("the layout of a file, or what its table `meta` says, is otherwise")
    if {name for name, _ in one.files} != {name for name, _ in other.files}:
        found.append(f"there are other files: {sorted({*dict(one.files)} ^ {*dict(other.files)})}")
    elif whole and one.files != other.files:
        found.append(f"the files are otherwise: {sorted({*one.files} ^ {*other.files})}")
    if whole and one.rows != other.rows:
        found.append(f"the chip has {one.rows} rows and {other.rows}")
    elif whole and one.chip != other.chip:
        found.append("a row of the chip has another id, owner or header")
    if whole and one.log != other.log:
        found.append("an entry of the audit log has another header or size, or there are more")
    return found


def _told(one: SpaceShape | None, other: SpaceShape | None) -> str:
    """How two spaces differ, in words."""
    if one is None or other is None or (one.records, one.chunks) != (other.records, other.chunks):
        sizes = [each and (each.records, each.chunks) for each in (one, other)]
        return f"{sizes[0]} and {sizes[1]}"
    return "the headers of its frames" if one.headers != other.headers else "what stands in columns beside its frames"


_Tables = Mapping[str, list[dict[str, Any]]]


def _tables(file: Path, undeclared: list[str]) -> _Tables:
    """The rows of each table by its name, and by no name the layout."""
    declared = TABLES[file.name]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in declared}
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        found[""] = [
            dict(row) for row in db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name")
        ]
        found[""] += [
            {pragma: db.execute(f"PRAGMA {pragma}").fetchone()[0]} for pragma in ("application_id", "user_version")
        ]
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"):
            order = ", ".join(str(n) for n in range(1, 1 + min(3, len(declared.get(name, "one").split()))))
            rows = db.execute(f'SELECT * FROM "{name}" ORDER BY {order}')  # noqa: S608 - a name of the file's own layout
            columns = " ".join(column[0] for column in rows.description)
            if columns != declared.get(name):
                undeclared.append(f"{file.name} has a table that the format does not: {name} ({columns})")
            found[name] = [dict(row) for row in rows]
    return found


def _look_at_alarms(file: Path, undeclared: list[str]) -> None:
    """The file is there since something rang, and has one frame, of a size that follows from how much that was."""
    if file.exists():
        rows = _tables(file, undeclared)["meta"]
        undeclared += [f"{file.name} has a row that the format does not" for row in rows if row["name"] != "state"]
        for row in rows:
            _padded(len(row["value"]), undeclared)


def _space(space: bytes, vault: _Tables, undeclared: list[str]) -> SpaceShape:
    own = {
        name: [row for row in rows if row.get("space", row.get("id")) == space] for name, rows in vault.items() if name
    }
    records, chunks = own["records"], own["chunks"]
    return SpaceShape(
        tuple(None if row["frame"] is None else _padded(len(row["frame"]), undeclared) for row in records),
        tuple(_padded(len(row["frame"]), undeclared) for row in chunks),
        _hash([_header(row["frame"]) for row in (*records, *chunks)]),
        _hash([(name, [_beside(row) for row in rows]) for name, rows in own.items()]),
    )


def _beside(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The columns that say nothing of what is sealed: all but frames and digests of frames."""
    return [(name, value) for name, value in row.items() if name not in ("frame", "digest", "hash", "before")]


def _header(frame: bytes | None) -> bytes | None:
    return None if frame is None else frame[:HEADER_BYTES]


def _padded(size: int, undeclared: list[str]) -> int:
    padded = size - HEADER_BYTES - TAG_BYTES
    if padded not in BUCKETS:
        undeclared.append(f"a frame of {size} bytes tells more than a padded size")
    return padded


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if not path.is_dir())


def _hash(value: object) -> bytes:
    return blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=16).digest()
