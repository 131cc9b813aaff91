"""New files and folders. A file appears under its name whole, synced and readable by its owner only, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from severance.disk.faults import from_system, present
from severance.errors import StoreError

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give an empty file beside `path` to fill and close; it takes the name `path` when the block ends.

    When the block raises, or the process is killed, nothing is at `path`.

    Raises:
        StoreError: `path` exists, its folder does not, or writing failed (by the matching subclass).
    """
    try:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "exists already")
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)  # mode 0600
        os.close(handle)
    except OSError as error:
        raise from_system(error, path) from error
    part = Path(name)
    try:
        yield part
        _sync(part)
        _take_name(part, path)
        sync_folder(path.parent)
    except OSError as error:
        raise from_system(error, path) from error
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                part.with_name(part.name + suffix).unlink()


def put(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Give a file this content, whole or not at all, in the place of one that is there.

    Args:
        path: the file. A link is replaced, and not followed.
        content: all of it.
        mode: who may do what with it, as for `chmod`; nobody may do more meanwhile.

    Raises:
        StoreError: it cannot be written (by the matching subclass). What was there is as it was.
    """
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)  # mode 0600
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        if mode != 0o600:
            part.chmod(mode)
        _sync(part)
        part.replace(path)
        part = None
        sync_folder(path.parent)
    except OSError as error:
        raise from_system(error, path) from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()


def new_folder(path: Path) -> None:
    """Make a folder, readable by its owner only, and those above it that are missing; their names are synced.

    One that is there already is left as it is.

    Raises:
        OSError: it cannot be made.
    """
    missing = [folder for folder in path.parents if not present(folder)]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (path, *missing):  # also one that was there: who made it may have been killed before this
        with contextlib.suppress(PermissionError):  # one that may not be read
            sync_folder(folder.parent)


def _take_name(part: Path, path: Path) -> None:
    """Rename without ever replacing: on Windows `rename` refuses by itself, elsewhere a hard link does."""
    if sys.platform != "win32":
        try:
            os.link(part, path)
            with contextlib.suppress(OSError):
                part.unlink()
            return
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: look, then rename; two creators could collide here
            if os.path.lexists(path):
                raise StoreError(f"{path.name} exists already; choose another name, nothing was overwritten") from None
    part.rename(path)


def _sync(file: Path) -> None:
    handle = os.open(file, os.O_RDWR)
    try:
        if sys.platform == "darwin":
            with contextlib.suppress(OSError):  # a file system that lacks it: as SQLite does, make do with fsync
                fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk: until then, a power cut may take new ones away or bring old ones back.

    Raises:
        OSError: it cannot be opened or synced.
    """
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
