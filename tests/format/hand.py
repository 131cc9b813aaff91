"""Frames and files made by hand, so that they can be what no library would write. Nothing here imports `severance`."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from format.decoder import hkdf, sha256, u32

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = Path(__file__).parents[2] / "docs" / "design" / "format.md"
VAULT, CHIP = "`vault.db`", "`chip.db`"


def seal(
    key: bytes,
    space: bytes,
    epoch: int,
    kind: int,
    seq: int,
    bind: bytes,
    salt: bytes,
    nonce: bytes,
    plain: bytes,
    *,
    version: int = 1,
    suite: int = 1,
    zero: int = 0,
) -> bytes:
    """A frame around `plain` (its length and padding included), sealed as section 2 says but for what is asked for."""
    okm = hkdf(key, salt, b"severance/segment/v1" + bytes([suite]) + space + u32(epoch))
    head = bytes([version, suite, kind, zero])
    aad = b"SVRN" + head + space + u32(epoch) + salt + seq.to_bytes(8) + bind
    return head + u32(epoch) + salt + okm[32:] + nonce + AESGCM(okm[:32]).encrypt(nonce, plain, aad)


def padded(content: bytes, size: int) -> bytes:
    """The plaintext of a frame of this size."""
    return (u32(len(content)) + content).ljust(size, b"\0")


def section(file: str) -> str:
    """The part of the page that is about a file."""
    (found,) = (part for part in PAGE.read_text("utf-8").split("\n## ") if part.split("\n")[0].endswith(file))
    return found


def schema(file: str) -> list[str]:
    """The SQL statements that the page gives for a file, without comments and with single blanks."""
    (block,) = re.findall(r"```sql\n(.*?)```", section(file), re.DOTALL)
    sql = re.sub(r"--.*", "", block)
    return [" ".join(statement.split()) for statement in sql.split(";") if statement.strip()]


def numbers(file: str) -> tuple[int, int]:
    """The `application_id` and the `user_version` that the page gives for a file."""
    (found,) = re.findall(r"`application_id` (0x[0-9A-F]+) .*?`user_version` (\d+)", section(file))
    return int(found[0], 16), int(found[1])


def write_file(path: Path, file: str, tables: dict[str, Iterable[tuple[object, ...]]]) -> None:
    """A database as the page describes it, with these rows."""
    application, version = numbers(file)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA journal_mode = MEMORY")
        db.execute(f"PRAGMA application_id = {application}")
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("BEGIN")
        for statement in schema(file):
            db.execute(statement)
        for table, rows in tables.items():
            for row in rows:
                db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        db.execute("COMMIT")


def write_chip(path: Path, store: bytes, source: bytes, rows: Iterable[tuple[object, ...]]) -> None:
    write_file(path, CHIP, {"meta": [("store", store), ("key", source)], "rows": rows})


__all__ = ["CHIP", "PAGE", "VAULT", "numbers", "padded", "schema", "seal", "sha256", "write_chip", "write_file"]
