"""The scratch: a folder in which everything that the barrier writes goes, gone afterwards.

A run that is killed leaves its folder behind. The next one clears it: a folder is a leftover when it has our name, our
mark and our owner, and when no process holds its lock, which the system lets go of however a process ends.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from severance.disk.faults import from_system
from severance.errors import InputError, StoreError
from severance.ports import Entropy
from severance.system import SystemEntropy

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

NAME = re.compile(r"severance-barrier-[0-9a-f]{32}")
LOCK = "lock"
MARK = b"The scratch of `severance barrier`; cleared by its next run.\n"
_ATTEMPTS = 10
_OPEN = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def scratch(where: Path | None = None, *, entropy: Entropy | None = None) -> Iterator[Path]:
    """A new empty folder that only this user can read, removed when the block ends; leftovers are cleared first.

    Args:
        where: the folder to make it in; by default the one that TMPDIR, TEMP or TMP names, or the system's temporary
            one.
        entropy: draws its name.

    Raises:
        InputError: `where`, or what the environment names, is not a folder.
        StoreError: nothing can be written there.
    """
    parent = _parent(where)
    clear(parent)
    folder, lock = _made(parent, entropy or SystemEntropy())
    try:
        yield folder / "parts"
    finally:
        _remove(folder, lock)


def clear(parent: Path) -> int:
    """Remove what killed runs have left in this folder; returns how many. What cannot be removed is left alone."""
    cleared = 0
    with suppress(OSError):
        for name in sorted(os.listdir(parent)):  # noqa: PTH208 - names are all that is wanted
            if NAME.fullmatch(name):
                with suppress(OSError):
                    cleared += _clear(parent / name)
    return cleared


def _parent(where: Path | None) -> Path:
    if where is None:
        # As the system's library looks for it, but that a folder which is not there is no reason to take another.
        for name in ("TMPDIR", "TEMP", "TMP"):
            if named := os.environ.get(name):
                if not Path(named).is_dir():
                    raise InputError(f"{name} names no folder; correct it, or name a folder with --scratch")
                return Path(named).resolve()
        try:
            return Path(tempfile.gettempdir())
        except OSError:
            raise StoreError("no temporary folder can be written; name a folder with --scratch") from None
    if not where.is_dir():
        raise InputError("there is no such folder for --scratch; name one that is there")
    return where.resolve()


def _made(parent: Path, entropy: Entropy) -> tuple[Path, int]:
    """A new folder, and the descriptor that holds its lock."""
    for _ in range(_ATTEMPTS):
        folder = parent / f"severance-barrier-{entropy.draw(16, b'barrier').hex()}"
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise _refused(error, parent) from None
        # Another run may take it for a leftover until the lock is held; then it is gone, and the next is tried.
        with suppress(FileNotFoundError):
            lock = os.open(folder / LOCK, _OPEN | os.O_CREAT | os.O_EXCL, 0o600)
            if _fill(folder, lock):
                return folder, lock
            os.close(lock)
    raise StoreError("the scratch folder was taken away as often as it was made; name another place with --scratch")


def _fill(folder: Path, lock: int) -> bool:
    """Lock the folder, mark it, and make the folder inside; False when it was cleared away meanwhile."""
    if not _take(lock) or not _same(folder / LOCK, lock):
        return False
    try:
        os.write(lock, MARK)
        (folder / "parts").mkdir(mode=0o700)
    except OSError as error:
        _remove(folder, lock)
        raise _refused(error, folder.parent) from None
    return True


def _refused(error: OSError, parent: Path) -> StoreError:
    told = from_system(error, parent / "its scratch")
    return type(told)(f"the scratch folder cannot be made: {error.strerror}; name a place with --scratch")


def _clear(folder: Path) -> bool:
    """Remove this folder if it is a leftover. One without a lock yet is removed only if it is empty."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or not _ours(status):
        return False
    try:
        lock = os.open(folder / LOCK, _OPEN)
    except FileNotFoundError:
        folder.rmdir()
        return True
    try:
        held = _regular(lock) and _take(lock) and os.read(lock, len(MARK) + 1) in (MARK, b"")
    except OSError:
        os.close(lock)
        raise
    if not held:
        os.close(lock)
        return False
    _remove(folder, lock)
    return True


def _remove(folder: Path, lock: int) -> None:
    """Everything but the lock first, so that a removal that is cut off is taken up by the next run."""
    with suppress(OSError):
        for entry in list(folder.iterdir()):
            if entry.name != LOCK:
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink()
        if sys.platform == "win32":  # where an open file cannot be removed
            os.close(lock)
        (folder / LOCK).unlink()
        folder.rmdir()
    if sys.platform != "win32":
        os.close(lock)


def _take(lock: int) -> bool:
    """Take the lock, if no process has it."""
    try:
        if sys.platform == "win32":
            os.lseek(lock, 1024, os.SEEK_SET)  # beyond the mark: a locked stretch cannot be read there
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
            os.lseek(lock, 0, os.SEEK_SET)
        else:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _same(path: Path, descriptor: int) -> bool:
    with suppress(OSError):
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    return False


def _ours(status: os.stat_result) -> bool:
    return sys.platform == "win32" or status.st_uid == os.geteuid()


def _regular(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return stat.S_ISREG(status.st_mode) and _ours(status)
