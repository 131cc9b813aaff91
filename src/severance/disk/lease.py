"""A file that one process at a time can hold: the system lets go of it when that process ends, however it does."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self
from weakref import WeakSet

from severance.disk.faults import from_system

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_OPEN = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NOCTTY", 0)


class Lease:
    """A file that this process holds. Two leases of one file are never held at once, in one process or in two."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Not for callers: use `take`."""
        self._path = path
        self._descriptor: int | None = descriptor
        _HELD.add(self)

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """Hold the file, which is made if it is not there; None where somebody else holds it.

        Raises:
            StoreError: it cannot be made.
        """
        while True:
            try:
                descriptor = os.open(path, _OPEN | os.O_CREAT, 0o600)
            except OSError as error:
                raise from_system(error, path) from error
            if not _lock(descriptor):
                os.close(descriptor)
                return None
            if _is_at(path, descriptor):
                return cls(path, descriptor)
            os.close(descriptor)  # whoever had it has just removed it

    def release(self) -> None:
        """Let go, and remove the file. Doing it again does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with suppress(OSError):
            if sys.platform == "win32":  # where an open file cannot be removed
                os.close(descriptor)
                self._path.unlink()
            else:
                self._path.unlink()
                os.close(descriptor)

    def _left_behind(self) -> None:
        """In a process that was forked: the parent has it, and this one must not keep it when the parent ends."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether some process, this one included, holds the file. One that nobody holds is removed."""
    try:
        descriptor = os.open(path, _OPEN)
    except OSError:
        return False
    if not _lock(descriptor):
        os.close(descriptor)
        return True
    if _is_at(path, descriptor):
        Lease(path, descriptor).release()
    else:
        os.close(descriptor)
    return False


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the path still leads to the file that is open: who removes one holds it, and so does who makes one."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            # Of the open file and not of the process: another house of the same process is somebody else, too.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


_HELD: WeakSet[Lease] = WeakSet()


def _leave_behind() -> None:
    for lease in list(_HELD):
        lease._left_behind()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_behind)
