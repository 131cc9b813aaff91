"""What a value read from a file of ours must look like.

SQLite columns have no fixed type: a flipped bit turns a BLOB into TEXT or a number. Every value is therefore checked
before it is handed on.
"""

from __future__ import annotations

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
