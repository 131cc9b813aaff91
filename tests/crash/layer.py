"""The layer below SQLite, and below what Severance itself does with files: it hears of every change, and can fail it.

SQLite comes through an APSW VFS on top of the system's own; Severance through a handful of functions of `os`. All of
it is told to one `Listener`, which may raise.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import apsw

_numbers = count()
_NEW_LOG = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL


_TWO = ("link", "rename", "replace")
_ONE = ("unlink", "remove", "mkdir", "rmdir")


class Listener(Protocol):
    """Hears of each operation around its being done."""

    def attempt(self, what: str, path: str, data: bytes = b"") -> bytes:
        """It is about to be done: raise to fail it, or give back what of `data` to write (less: a short write).

        Args:
            what: open, read, write, truncate, sync, delete, or the name of a function of `os`.
            path: the file.
            data: what is about to be written.
        """
        ...

    def failed(self, what: str, path: str) -> None:
        """It was made to fail."""
        ...

    def opened(self, path: str) -> int:
        """A file was opened through SQLite and may be new; returns what to call it from now on."""
        ...

    def wrote(self, file: int, offset: int, data: bytes) -> None:
        """Bytes are in the file, as far as programs see."""
        ...

    def cut(self, file: int, size: int) -> None:
        """The file has this size now."""
        ...

    def synced(self, file: int) -> None:
        """The file was synced."""
        ...

    def named(self) -> None:
        """Names may have changed, and the content of files that SQLite does not have open."""
        ...

    def folder_synced(self, path: str) -> None:
        """The names in this folder were synced."""
        ...


def attempted(listener: Listener, what: str, path: str, code: int, data: bytes = b"") -> bytes:
    """Ask the listener; its `OSError` becomes SQLite's error of that code, or FULL where the disk is."""
    try:
        return listener.attempt(what, path, data)
    except OSError as error:
        listener.failed(what, path)
        full = isinstance(error, DiskFullError) and what == "write"
        raise apsw.exception_for(apsw.SQLITE_FULL if full else code) from None


class DiskFullError(OSError):
    """No room."""


class File(apsw.VFSFile):
    """A file that SQLite has open."""

    def __init__(self, listener: Listener, name: Any, flags: list[int]) -> None:
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._listener = listener
        attempted(listener, "open", self._path, apsw.SQLITE_CANTOPEN)
        super().__init__("", name, flags)
        self._file = listener.opened(self._path)
        # As in os_unix.c: the first sync of a journal that was opened to be made syncs its folder as well.
        self._sync_folder = bool(flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & _NEW_LOG)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - APSW's names
        """Read."""
        attempted(self._listener, "read", self._path, apsw.SQLITE_IOERR_READ)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        """Write, perhaps less than was asked for."""
        whole = bytes(data)
        part = attempted(self._listener, "write", self._path, apsw.SQLITE_IOERR_WRITE, whole)
        super().xWrite(part, offset)
        self._listener.wrote(self._file, offset, part)
        if len(part) < len(whole):
            self._listener.failed("write", self._path)
            raise apsw.exception_for(apsw.SQLITE_IOERR_WRITE)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        """Cut, or extend."""
        attempted(self._listener, "truncate", self._path, apsw.SQLITE_IOERR_TRUNCATE)
        super().xTruncate(size)
        self._listener.cut(self._file, size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Sync, and the folder where SQLite's own VFS does."""
        attempted(self._listener, "sync", self._path, apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)
        self._listener.synced(self._file)
        if self._sync_folder:
            self._sync_folder = False
            self._listener.folder_synced(str(Path(self._path).parent))


class Vfs(apsw.VFS):
    """What SQLite asks for files."""

    def __init__(self, name: str, listener: Listener) -> None:
        self._listener = listener
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        """Open a file. What has no name would be a temporary file, of which there must be none."""
        assert name is not None, "a temporary file"
        return File(self._listener, name, flags)

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: N802
        """Remove a file."""
        attempted(self._listener, "delete", name, apsw.SQLITE_IOERR_DELETE)
        super().xDelete(name, syncdir)
        self._listener.named()
        if syncdir:
            self._listener.folder_synced(str(Path(name).parent))


def _changing(listener: Listener, root: str, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def changed(*paths: Any, **options: Any) -> Any:
        path = os.fsdecode(paths[1] if name in _TWO else paths[0])
        if not os.path.abspath(path).startswith(root):  # noqa: PTH100 - plain and fast
            return call(*paths, **options)
        listener.named()
        listener.attempt(f"os.{name}", path)
        try:
            return call(*paths, **options)
        finally:
            listener.named()

    return changed


def _syncing(listener: Listener, root: str, call: Callable[[int], None]) -> Callable[[int], None]:
    def synced(handle: int) -> None:
        path = str(Path(f"/proc/self/fd/{handle}").readlink())
        if not path.startswith(root):
            return call(handle)
        listener.named()
        try:
            listener.attempt("os.fsync", path)
        except OSError:
            listener.failed("sync", path)
            raise
        call(handle)
        status = os.fstat(handle)
        if Path(path).is_dir():
            listener.folder_synced(path)
        else:
            listener.synced(status.st_ino)
        return None

    return synced


@contextmanager
def installed(listener: Listener, root: Path) -> Iterator[str]:
    """The layer, for everything below `root`; gives the name of the VFS."""
    name = f"severance-crash-{next(_numbers)}"
    vfs = Vfs(name, listener)
    functions = {each: _changing(listener, str(root), each, getattr(os, each)) for each in (*_TWO, *_ONE)}
    with mock.patch.multiple(os, fsync=_syncing(listener, str(root), os.fsync), **functions):
        try:
            yield name
        finally:
            vfs.unregister()
