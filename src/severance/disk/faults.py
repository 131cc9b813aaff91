"""Every way in which SQLite or the file system fails, as one of Severance's errors. The one place that decides this."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from severance.disk.values import damaged
from severance.errors import SeveranceError, StoreBusyError, StoreError, StoreFullError, StoreMissingError
from severance.errors import StoreReadOnlyError as ReadOnly

FAULTS = (sqlite3.Error, ValueError, OverflowError)
"""What the `sqlite3` module may raise. The last two come from it when a file is damaged: a message or a column that
is not UTF-8, an integer out of range. Code of our own that raises them has no place inside a guarded block."""

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH}
_NOT_SERVED = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_NOLFS}


def translated(error: Exception, path: Path, space: bytes | None = None) -> SeveranceError:
    """The error to raise in place of one of `FAULTS`, met while working on `space` in the file at `path`."""
    extended = getattr(error, "sqlite_errorcode", None)
    code = None if extended is None else extended & 0xFF  # the low byte is the primary result code
    if code in _BUSY:
        return StoreBusyError(f"another process holds {path.name}; try again when it has finished")
    if code == sqlite3.SQLITE_FULL:
        return StoreFullError(f"the disk that holds {path.name} is full; make room and try again")
    if code in _READ_ONLY:
        return _closed_to_writing(path, extended)
    if code in _NOT_SERVED:
        return StoreError(f"the operating system failed to read or write {path.name}; check the disk and its space")
    if code is None and isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError)):
        return StoreError(f"this call on {path.name} could not be carried out: an argument has a type it cannot have")
    return damaged(path.name, "the structure is not readable", space)


def _closed_to_writing(path: Path, extended: int | None) -> StoreError:
    if extended == sqlite3.SQLITE_READONLY_DBMOVED or not present(path):
        return gone(path)
    if not path.is_file():
        return StoreError(f"{path.name} is not a file; put the store's own in its place")
    if not os.access(path, os.R_OK):
        return StoreError(f"{path.name} may not be read; ask for access to it")
    return ReadOnly(f"{path.name} or its folder may not be written; allow writing")


def gone(path: Path) -> StoreMissingError:
    """The file is not there, or no longer the one that was opened."""
    return StoreMissingError(f"there is no {path.name} here, or it was moved or replaced; open the store again")


def from_system(error: OSError, path: Path) -> StoreError:
    """The error to raise in place of an `OSError`, met while writing the file at `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError(f"the disk for {path.name} is full; make room and try again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReadOnly(f"{path.name} may not be written there; choose another folder or allow writing")
    if error.errno == errno.EEXIST:
        return StoreError(f"{path.name} exists already; choose another name, nothing was overwritten")
    if error.errno == errno.ENOENT:
        return StoreError(f"the folder for {path.name} does not exist; make it first")
    return StoreError(f"{path.name} could not be written by the operating system; check the disk")


def present(path: Path) -> bool:
    """Whether something is at this path, as far as can be seen. Unlike `Path.exists` it never raises."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True
