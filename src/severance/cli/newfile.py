"""Files that a command writes: only this user can read them, and none is half there."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from severance.errors import StoreError, StoreFullError

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@contextmanager
def new_file(path: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A new file with mode 0600, open for bytes. It takes its name when the block ends, and not if the block fails.

    Args:
        path: its name.
        force: whether a file that has the name may be replaced.

    Raises:
        StoreError: the name is taken, or the file cannot be written.
    """
    if not force and os.path.lexists(path):
        raise _taken(path)
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file")
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    try:
        with os.fdopen(os.open(part, _CREATE, 0o600), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        _take_name(part, path, force=force)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StoreFullError(f"the disk is full; {path} was not written") from None
        raise StoreError(f"{path} cannot be written ({error.strerror or 'I/O error'})") from None
    finally:
        with suppress(OSError):
            part.unlink()


def _take_name(part: Path, path: Path, *, force: bool) -> None:
    if force:
        part.replace(path)
        return
    # Somebody may have made the file meanwhile, and `replace` would not ask. Not every file system has hard links;
    # where there are none, the check before the work has to do.
    try:
        os.link(part, path)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:
        part.replace(path)


def _taken(path: Path) -> StoreError:
    return StoreError(f"{path} is there already; name another file")
