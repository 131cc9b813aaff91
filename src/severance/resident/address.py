"""Where a house that is up is found: a socket and a lock in a folder of the store's."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from severance.disk.faults import from_system
from severance.disk.lease import Lease
from severance.errors import AlreadyUpError, InputError, NotUpError, StoreError

FOLDER, SOCKET, LOCK = "resident", "socket", "lock"
_MOST_PATH = 100
"""Bytes of a socket's path: 104 with the end on macOS, 108 on Linux."""


def check_platform() -> None:
    """Refuse where there are no such sockets.

    Raises:
        InputError: on Windows.
    """
    if sys.platform == "win32":
        raise InputError("a house cannot be up on Windows yet: Python has no sockets of the needed kind there")


def taken(directory: Path) -> Lease:
    """The lock of the one house that is up for the store in this directory.

    Raises:
        AlreadyUpError: there is one already.
        StoreError: the folder is not this user's alone.
    """
    folder = directory / FOLDER
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        _check(folder)
    except OSError as error:
        raise from_system(error, folder) from None
    lease = Lease.take(folder / LOCK)
    if lease is None:
        raise AlreadyUpError(f"a house is up for {directory} already; `severance down` takes it down")
    return lease


def listener(directory: Path) -> socket.socket:
    """A socket that listens there, in the place of one that a killed house left. For who has the lock.

    Raises:
        StoreError: it cannot be made.
    """
    remove(directory)
    found = _socket()
    try:
        with _reachable(directory / FOLDER) as path:
            found.bind(path)
        (directory / FOLDER / SOCKET).chmod(0o600)
        found.listen(socket.SOMAXCONN)
    except OSError as error:
        found.close()
        raise from_system(error, directory / FOLDER / SOCKET) from None
    return found


def remove(directory: Path) -> None:
    """Remove the socket, if there is one. For who has the lock."""
    with suppress(OSError):
        (directory / FOLDER / SOCKET).unlink()


def connected(directory: Path) -> socket.socket | None:
    """A connection to the house that is up; None where too many wait for it just now.

    Raises:
        NotUpError: there is none.
        StoreError: the folder, or who listens there, is not this user's.
    """
    folder = directory / FOLDER
    try:
        _check(folder)
        found = _socket()
        try:
            with _reachable(folder) as path:
                found.setblocking(False)
                found.connect(path)
            if user_of(found) != os.getuid():
                raise _not_own(folder)
        except BaseException:
            found.close()
            raise
    except BlockingIOError:
        return None
    except OSError:
        raise NotUpError(f"no house is up for {directory}; `severance up` starts one") from None
    return found


def user_of(connection: socket.socket) -> int:
    """The number of the user whose process is at the other end, as the kernel says; -1 where it does not.

    SO_PEERCRED of unix(7) on Linux: process, user and group. LOCAL_PEERCRED of unix(4) elsewhere: `struct xucred` is a
    version, the effective user, and groups.
    """
    if sys.platform == "linux":
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int.from_bytes(raw[4:8], sys.byteorder, signed=True)
    else:  # noqa: RET505 - a type checker would take what follows a `return` for dead
        raw = connection.getsockopt(0, 1, 76)
        version, user = raw[:4], raw[4:8]
        return int.from_bytes(user, sys.byteorder) if not any(version) and len(user) == 4 else -1


def _check(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise _not_own(folder)


def _not_own(folder: Path) -> StoreError:
    return StoreError(f"{folder} is not yours alone, so who is up there may be anybody; remove it, and start anew")


def _socket() -> socket.socket:
    check_platform()
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


@contextmanager
def _reachable(folder: Path) -> Iterator[str]:
    """A path of the socket that is short enough.

    Raises:
        InputError: there is none here.
    """
    path = folder / SOCKET
    if len(os.fsencode(path)) <= _MOST_PATH:
        yield str(path)
        return
    if sys.platform != "linux":
        raise InputError("the store's path is too long for a socket in it; put the store where its path is shorter")
    held = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{held}/{SOCKET}"
    finally:
        os.close(held)
