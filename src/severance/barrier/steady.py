"""A copy of a store that somebody may be using, made without opening it: nothing of the original changes, not even
what SQLite writes beside a file that it reads.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from severance.alarms.queue import NAME as ALARMS_NAME
from severance.errors import StoreBusyError, StoreError, StoreMissingError
from severance.store import AUDIT_NAME, CHIP_NAME, VAULT_NAME

_LOGS = {CHIP_NAME: "-journal", VAULT_NAME: "-wal", AUDIT_NAME: "-wal"}
"""What SQLite needs beside each of them to make out its last state; the chip first, so that none of its anchors is
newer than the log it is about. A store that was only ever read has no audit log."""

SEALED = (VAULT_NAME, CHIP_NAME, AUDIT_NAME, ALARMS_NAME)
_PARTS = tuple(f".{name}." for name in SEALED)  # while one of them is being made
_LEFT = re.compile(r"\.severance-[a-z0-9_]{8}")
"""Where a backup or a restore is put together, beside what it is for."""

_READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
_PIECE = 2**20
_ATTEMPTS = 50
_WAIT = 0.1

_State = tuple[object, ...]


def copy_store(store: Path, target: Path, wait: Callable[[float], None] = time.sleep) -> None:
    """Copy the sealed files of a store, each with its log, to a new folder.

    A file and its log are taken again until neither changed meanwhile: then SQLite reads of the copies what it would
    have read of the originals, as after a loss of power at that instant.

    Raises:
        StoreMissingError: there is no store, or one of its files is not there.
        StoreBusyError: it was written to all the time.
        StoreError: one of its files is no regular file.
        OSError: it may not be read.
    """
    target.mkdir(mode=0o700)
    for name in _LOGS:
        if not (store / name).exists():
            if name == AUDIT_NAME:
                continue
            raise StoreMissingError(f"{name} is not in the store")
        for _ in range(_ATTEMPTS):
            if _taken(store / name, target):
                break
            wait(_WAIT)
        else:
            raise StoreBusyError(f"another process writes to {name} all the time; try again when it has finished")


def sealed_files(store: Path) -> Iterator[Path]:
    """The sealed files, what stands beside them under their names, and what an interrupted backup left around."""
    yield from (file for file in sorted(store.iterdir()) if file.name.startswith((*SEALED, *_PARTS)))
    for folder in sorted(store.parent.glob(".severance-*")):
        if _LEFT.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            yield from (file for file in sorted(folder.rglob("*")) if file.is_symlink() or not file.is_dir())


def size_of(file: Path) -> int:
    """How long a regular file is, in bytes; holes count.

    Raises:
        StoreError: it is something else, such as a link, a pipe or a device.
        OSError: it is not there, or may not be looked at.
    """
    return _regular(file.lstat()).st_size


def pieces(file: Path) -> Iterator[bytes]:
    """What is in a regular file, up to the length that it has when it is opened: what grows under the reader ends.

    Raises: as `size_of`.
    """
    size_of(file)  # a device may already do something when it is opened
    try:
        descriptor = os.open(file, _READ)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _irregular() from None
        raise
    with os.fdopen(descriptor, "rb", buffering=0) as content:
        left = _regular(os.fstat(descriptor)).st_size
        while left and (piece := content.read(min(left, _PIECE))):
            left -= len(piece)
            yield piece


def _regular(status: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(status.st_mode):
        raise _irregular()
    return status


def _irregular() -> StoreError:
    return StoreError(
        "what stands in the place of a file of the store is a link, a pipe, a device or a folder, which is not read; "
        "move it elsewhere, and try again"
    )


def _copied(source: Path, target: Path) -> None:
    with target.open("wb") as copy:
        target.chmod(0o600)
        copy.writelines(pieces(source))


def _taken(file: Path, target: Path) -> bool:
    """Copy the file and its log; whether they are of one state."""
    log = file.with_name(file.name + _LOGS[file.name])
    before = _state(file, log)
    for source in (file, log):
        copy = target / source.name
        copy.unlink(missing_ok=True)
        try:
            _copied(source, copy)
        except FileNotFoundError:
            copy.unlink(missing_ok=True)
            if source == file:
                return False
    return before == _state(file, log)


def _state(file: Path, log: Path) -> _State:
    """What differs when a checkpoint wrote to the file, or anybody to the log."""
    seen = hashlib.sha256()
    try:
        for piece in pieces(log):
            seen.update(piece)
    except FileNotFoundError:
        return (*_times(file), None)
    return (*_times(file), seen.digest())


def _times(file: Path) -> _State:
    try:
        status = _regular(file.lstat())
    except FileNotFoundError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns
