"""A copy of a store that somebody may be using, made without opening it: nothing of the original changes, not even
what SQLite writes beside a file that it reads.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from severance.errors import StoreBusyError, StoreMissingError
from severance.store import CHIP_NAME, VAULT_NAME

_LOGS = {CHIP_NAME: "-journal", VAULT_NAME: "-wal"}
"""What SQLite needs beside each of the two to make out its last state; the chip first, so that none of its anchors is
newer than the log it is about."""

_ATTEMPTS = 50
_WAIT = 0.1

_State = tuple[object, ...]


def copy_store(store: Path, target: Path, wait: Callable[[float], None] = time.sleep) -> None:
    """Copy the two sealed files of a store, each with its log, to a new folder.

    A file and its log are taken again until neither changed meanwhile: then SQLite reads of the copies what it would
    have read of the originals, as after a loss of power at that instant.

    Raises:
        StoreMissingError: there is no store, or one of its files is not there.
        StoreBusyError: it was written to all the time.
        OSError: it may not be read.
    """
    target.mkdir(mode=0o700)
    for name in _LOGS:
        if not (store / name).exists():
            raise StoreMissingError(f"{name} is not in the store")
        for _ in range(_ATTEMPTS):
            if _taken(store / name, target):
                break
            wait(_WAIT)
        else:
            raise StoreBusyError(f"another process writes to {name} all the time; try again when it has finished")


def _taken(file: Path, target: Path) -> bool:
    """Copy the file and its log; whether they are of one state."""
    log = file.with_name(file.name + _LOGS[file.name])
    before = _state(file, log)
    for source in (file, log):
        copy = target / source.name
        copy.unlink(missing_ok=True)
        try:
            shutil.copyfile(source, copy)
        except FileNotFoundError:
            if source == file:
                return False
            continue
        copy.chmod(0o600)
    return before == _state(file, log)


def _state(file: Path, log: Path) -> _State:
    """What differs when a checkpoint wrote to the file, or anybody to the log."""
    digest: bytes | None = None
    try:
        with log.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").digest()
    except FileNotFoundError:
        pass
    return (*_times(file), digest)


def _times(file: Path) -> _State:
    try:
        status = os.stat(file)  # noqa: PTH116 - as in `disk`
    except FileNotFoundError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns
