"""What only the machine can give: its clock, its random bytes, that it writes no core dumps and takes memory back."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from contextlib import suppress

if sys.platform != "win32":
    import resource

_PR_SET_DUMPABLE = 4


class SystemClock:
    """Tells the machine's time."""

    def now(self) -> int:
        """Whole microseconds since 1970, UTC."""
        return time.time_ns() // 1000


class SystemEntropy:
    """Draws from the operating system. The scope makes no difference here."""

    def draw(self, size: int, scope: bytes) -> bytes:
        """`size` bytes that nobody can predict."""
        return os.urandom(size)


def give_back() -> None:
    """Give memory that is free in this process back to the system, which clears it before anybody gets it.

    Where the C library is glibc (malloc_trim(3)); elsewhere nothing happens.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))


def no_core_dumps() -> None:
    """Let this process, and those it starts, leave no core dump: whoever is awake in it would be in it in the clear.

    On Linux other processes of the same user cannot read its memory any more either, nor attach a debugger to it; see
    PR_SET_DUMPABLE in prctl(2). On Windows nothing is changed: error reporting is a setting of the machine there.
    """
    if sys.platform != "win32":
        with suppress(ValueError, OSError):  # a system without this limit
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # Where the kernel hands dumps to a program, that program may keep them whatever the limit is.
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, *[ctypes.c_ulong(0)] * 4)


def allow_files(wanted: int) -> None:
    """Raise this process's own limit of open files to so many, as far as the system allows; never lower it."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
