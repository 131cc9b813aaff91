"""mem0's own files: history.db, a SQLite file with a table of everything that it added, updated and deleted.

What it remembers now is the last entry of each memory that was not deleted. The same ids and texts are in what its API
returns, so that a memory that came in one way does not come in the other way again. Users, agents and metadata are not
in this file: they are in the vector store beside it, whose entries are pickled objects, which are never opened here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from severance.errors import InputError
from severance.model import Draft
from severance.transfer import database, files, fit
from severance.transfer.items import Found, Item, Progress, Skipped

NAME = "history.db"
TABLE = "history"
_NEEDED = ("memory_id", "new_memory", "event", "created_at", "updated_at")
_LATER = ("actor_id", "role")  # since 2025
_GONE = "DELETE"
_MAX_ID_BYTES = 1 << 10


def file_of(path: Path) -> Path | None:
    """The history at `path`: the file itself, or the one in a folder; None where it is a file of another kind.

    Raises:
        InputError: it is a folder without one, or the file cannot be read.
    """
    if path.is_dir():
        inside = path / NAME
        if inside.is_symlink() or not inside.is_file():
            raise pickled(path) if is_vectors(path) else InputError(f"{path} holds no {NAME} of mem0")
        return inside
    return path if files.head(path, len(database.MAGIC)) == database.MAGIC else None


def is_home(folder: Path) -> bool:
    """Whether there is a history in a folder."""
    inside = folder / NAME
    with suppress(InputError):
        if inside.is_file() and not inside.is_symlink():
            with database.opened(inside) as db:
                return is_history(db.tables())
    return False


def is_vectors(folder: Path) -> bool:
    """Whether a folder is that of a local Qdrant."""
    return (folder / "meta.json").is_file() and (folder / "collection").is_dir()


def is_history(tables: dict[str, frozenset[str]]) -> bool:
    """Whether a database with these tables is one."""
    return frozenset(_NEEDED) <= tables.get(TABLE, frozenset())


def is_pickled(tables: dict[str, frozenset[str]]) -> bool:
    """Whether a database with these tables is the vector store of a local Qdrant."""
    return frozenset({"id", "point"}) <= tables.get("points", frozenset())


def pickled(path: Path) -> InputError:
    """What is said of the vector store."""
    return InputError(
        f"{path} is a vector store with pickled objects in it, which are never opened here;"
        f" name mem0's {NAME}, or save what get_all() returned"
    )


def entries(path: Path, progress: Progress) -> Iterator[Found]:
    """One memory for each that the history does not end with a deletion of."""
    with database.opened(path) as db:
        tables = db.tables()
        if not is_history(tables):
            raise pickled(path) if is_pickled(tables) else InputError(f"{path} has no history of mem0's memories")
        columns = _NEEDED + tuple(name for name in _LATER if name in tables[TABLE])
        # Twice through the file: texts need not be held, and of ids only a hash.
        last: dict[bytes, int] = {}
        for number, (memory, event) in enumerate(db.rows(TABLE, ("memory_id", "event"))):
            if isinstance(memory, bytes) and len(memory) <= _MAX_ID_BYTES and event != b"NONE":
                last[_short(memory)] = number
        for number, row in enumerate(db.rows(TABLE, columns)):
            memory = row[0]
            if not isinstance(memory, bytes):
                yield Skipped(f"row {number + 1}", "it is not a memory")
            elif len(memory) > _MAX_ID_BYTES:
                yield Skipped(f"row {number + 1}", f"its id is longer than {_MAX_ID_BYTES:,} bytes")
            elif last.get(_short(memory)) == number and row[2] != _GONE.encode():
                fields = dict(zip(columns, map(database.text_of, row), strict=True))
                yield fit.attempt(f"row {number + 1}", lambda fields=fields: _item(fields))  # type: ignore[misc]


def _short(memory: bytes) -> bytes:
    return hashlib.blake2b(memory, digest_size=16).digest()


def _item(fields: dict[str, str | None]) -> Item:
    text = fit.text(fields["new_memory"])
    kept = {name: fields.get(name) for name in ("actor_id", "role", "updated_at") if fields.get(name)}
    draft = Draft(
        text=text,
        at=fit.when(fields["created_at"]) or fit.when(fields["updated_at"]),
        source=fit.label(fields.get("actor_id")),
        kind="fact",
        metadata=fit.metadata(kept),
    )
    return fit.item(draft, fit.origin("mem0", fields["memory_id"] or "", fit.digest(text, 16)))
