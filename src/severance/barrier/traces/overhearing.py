"""What this process writes to its output and its errors: by print, a log, a system call, in C code, or from a child.

Python's own streams are taken as they are, since what is in the place of the descriptors need not be behind them. The
descriptors 1 and 2 are pointed at a file in memory besides, and back again in any case.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from typing import BinaryIO

_DESCRIPTORS = (1, 2)


class Overheard:
    """What was said, once the block has ended."""

    said: str = ""


@contextmanager
def overhearing(folder: str | None = None) -> Iterator[Overheard]:
    """Within, nothing reaches the output and errors of this process; afterwards it is in what is yielded.

    Args:
        folder: where the file goes; its name is gone at once.
    """
    heard, streams = Overheard(), StringIO()
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            with pointed(_DESCRIPTORS, file), redirect_stdout(streams), redirect_stderr(streams):
                yield heard
        finally:
            file.seek(0)
            heard.said = streams.getvalue() + file.read().decode("utf-8", "backslashreplace")


@contextmanager
def pointed(descriptors: tuple[int, ...], file: BinaryIO) -> Iterator[None]:
    """These descriptors are this file within, and afterwards what they were, or closed. Nothing that was written before
    or within, and waits in a buffer, goes to the wrong one.
    """
    _flush()
    kept = {number: _copied(number) for number in descriptors}
    try:
        for number in descriptors:
            os.dup2(file.fileno(), number)
        yield
    finally:
        _flush()
        for number, before in kept.items():
            if before is None:
                os.close(number)
            else:
                os.dup2(before, number)
                os.close(before)


def _copied(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:
        return None


def _flush() -> None:
    """The buffers of Python's first streams, and of the C library."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None).fflush(None)
