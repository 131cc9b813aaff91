"""Files that a command writes: only this user can read them, and none is half there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from severance.errors import InputError, StoreError, StoreFullError

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_FIRST_BYTES = 1024


@contextmanager
def new_file(path: Path, *, force: bool = False, ours: Callable[[bytes], bool] | None = None) -> Iterator[BinaryIO]:
    """A new file with mode 0600, open for bytes. It takes its name when the block ends, and not if the block fails.

    Args:
        path: its name.
        force: whether a file that has the name may be replaced.
        ours: with `force`, which file may be, as in `replaceable`; asked at the moment before.

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
        if ours is not None:
            _check(path, ours)
        _take_name(part, path, force=force)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StoreFullError(f"the disk is full; {path} was not written") from None
        raise StoreError(f"{path} cannot be written ({error.strerror or 'I/O error'})") from None
    finally:
        with suppress(OSError):
            part.unlink()


def replaceable(path: Path, ours: Callable[[bytes], bool]) -> Path:
    """A path that `new_file(path, force=True, ours=ours)` may be given later, found out before the work begins.

    Args:
        path: as it was named. Folders on the way may be links, the file may not: somebody else may have made it.
        ours: says of the first bytes of a file whether it is one of those that may be replaced.

    Raises:
        InputError: it is a folder, a device or a link, it holds something else, or nothing can be written there.
    """
    try:
        path = path.expanduser()
        _check(path, ours)
        path = path.resolve()
        part = path.with_name(f"{path.name}.part-{os.getpid()}")
        os.close(os.open(part, _CREATE, 0o600))
        part.unlink()
    except StoreError as error:
        raise InputError(str(error)) from None
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise InputError(f"{path} cannot be written ({reason}); name another file") from None
    return path


def _check(path: Path, ours: Callable[[bytes], bool]) -> None:
    """Raises `StoreError` for what may not be replaced."""
    if path.is_symlink():
        raise StoreError(f"{path} is a link, through which nothing is written; name a file")
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file")
    if not path.exists():
        return
    if not path.is_file():
        raise StoreError(f"{path} is not a file that could be replaced; name another")
    with path.open("rb") as there:
        first = there.read(_FIRST_BYTES)
    if first and not ours(first):
        raise StoreError(f"{path} is there already and is no report; name another file")


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
