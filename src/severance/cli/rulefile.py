"""A file of rules that somebody wrote, as it is read for a command."""

from __future__ import annotations

from pathlib import Path

from severance.cli import screen
from severance.errors import InputError

_MOST_BYTES = 4 << 20
"""More than any such file can be, and no endless read of a device."""


def text_of(file: Path) -> str:
    """What is in it.

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MOST_BYTES)
        return raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = problem.object[: problem.start].count(b"\n") + 1
        raise InputError(f"{screen.shown(str(file))}, line {line}: this is not UTF-8; save the file as UTF-8") from None
    except OSError as problem:
        raise InputError(
            f"{screen.shown(str(file))} cannot be read ({problem.strerror or 'I/O error'}); name a file with rules"
        ) from None
