"""What a value read from a file of ours must look like.

SQLite columns have no fixed type: a flipped bit turns a BLOB into TEXT or a number. Every value is therefore checked
before it is handed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from severance.errors import DamagedError

ID_SIZE = 16
DIGEST_SIZE = 32

Row = tuple[Any, ...]


def damaged(where: str, what: str, space: bytes | None = None, record: int | None = None) -> DamagedError:
    """The error for stored bytes that cannot be what was written, in one sentence."""
    inside = "" if space is None else f" in space {space.hex()}"
    return DamagedError(
        f"{where}: {what}{inside}; run `severance check`, or restore a backup",
        space=None if space is None else space.hex(),
        record=record,
    )


def is_id(value: object) -> TypeGuard[bytes]:
    """Whether this is the id of a space or a store: 16 bytes."""
    return type(value) is bytes and len(value) == ID_SIZE


def is_digest(value: object) -> TypeGuard[bytes]:
    """Whether this is a SHA-256 digest: 32 bytes."""
    return type(value) is bytes and len(value) == DIGEST_SIZE


def is_count(value: object) -> bool:
    """Whether this is a whole number that counts something."""
    return type(value) is int and value >= 0


SCHEMA = "SELECT name, sql FROM sqlite_master"
"""What `has_layout` wants the rows of."""


def has_layout(rows: Sequence[Row], wanted: Mapping[str, str]) -> bool:
    """Whether a file has exactly the wanted tables and indexes (names to definitions), and nothing beside them.

    A trigger that somebody who can write the file puts there would run with our own writes, and could swallow them. Its
    name and type in the schema can be anything, so that only the definitions count, and each row.
    """
    found = [(_text(name), " ".join(_text(sql).split())) for name, sql in rows if sql is not None]
    return sorted(found) == sorted((name, " ".join(sql.split())) for name, sql in wanted.items())


def _text(value: object) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)
