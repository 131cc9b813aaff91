"""The scratch directory of a worker. Those that a killed program left are swept by the next that starts a worker.

Who has one holds a lock on it (flock(2)) as long as it lives: so it is known, also between containers that share a
temporary folder, whether anybody still has it, and no number of a process that comes again is taken for it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PREFIX = "severance-worker-"
_TRIES = 10


class Scratch:
    """A directory for one worker, mode 0700, and the lock on it."""

    def __init__(self) -> None:
        """There is none yet."""
        self._path: Path | None = None
        self._held = -1

    def make(self) -> Path:
        """Make it. Before the first in this process, what killed programs left is swept.

        Raises:
            OSError: it cannot be made.
        """
        _swept(tempfile.gettempdir())
        for _ in range(_TRIES):
            path = Path(tempfile.mkdtemp(prefix=PREFIX))
            self._path, self._held = path, _locked(path, wait=True)
            if path.is_dir():  # else somebody swept it before the lock was there
                return path
            self.remove()
        raise FileNotFoundError(2, "somebody removes it at once")

    def remove(self) -> None:
        """Remove it with all that is in it. Doing it again does nothing."""
        path, self._path = self._path, None
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)
        held, self._held = self._held, -1
        if held >= 0:
            os.close(held)


def sweep(folder: str) -> int:
    """Remove the scratch directories in `folder` that are this user's and that nobody has any more; how many.

    Where there is no such lock (Windows), nothing is.
    """
    gone = 0
    for path in Path(folder).glob(f"{PREFIX}*"):
        with suppress(OSError):
            gone += _removed(path)
    return gone


@cache
def _swept(folder: str) -> int:
    return sweep(folder)


def _removed(path: Path) -> bool:
    if sys.platform == "win32" or path.is_symlink() or path.stat().st_uid != os.getuid():
        return False
    held = _locked(path, wait=False)
    if held < 0:
        return False
    try:
        shutil.rmtree(path, ignore_errors=True)
        return not path.exists()
    finally:
        os.close(held)


def _locked(path: Path, *, wait: bool) -> int:
    """The directory, open and locked; -1 where it is gone, there is no such lock, or somebody else has it."""
    if sys.platform == "win32":
        return -1
    try:
        held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(held)
        return -1
    return held
