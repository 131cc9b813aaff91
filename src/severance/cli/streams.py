"""Standard input, output and error as they really are: closed, not UTF-8, not a terminal, or nobody reading."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress

from severance.errors import InputError

MOST_INPUT_BYTES = 2**20
_BOM = "\ufeff"


class _Closed(io.TextIOBase):
    """What stands in for a standard output that was closed: Python has None there, which no printer expects."""

    encoding = "utf-8"

    def write(self, text: str, /) -> int:
        raise OSError(errno.EBADF, "standard output is closed")

    def isatty(self) -> bool:
        return False


def prepare() -> None:
    """Make standard output and error carry every character: what their encoding lacks is written as an escape."""
    if sys.stdout is None:
        sys.stdout = _Closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def let_go() -> None:
    """Let go of the terminal, or of whatever standard input, output and error are."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)


def finish() -> None:
    """Flush standard output now, while an error in it can still be told.

    Raises:
        OSError: it could not be written.
    """
    if not isinstance(sys.stdout, _Closed):
        sys.stdout.flush()


def abandon() -> None:
    """Point standard output at nothing, so that Python does not fail once more over what is left in its buffer."""
    with suppress(OSError, ValueError):  # no file behind it: nothing is flushed to one either
        target = sys.stdout.fileno()
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, target)
        finally:
            os.close(nothing)


def is_utf8() -> bool:
    """Whether standard output can carry every character as it is."""
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "")


def has_reader_at_terminal() -> bool:
    """Whether standard output is a terminal."""
    return _is_terminal(sys.stdout)


def can_ask() -> bool:
    """Whether somebody is there to be asked: input and error are both a terminal."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)


def text_from_input(given: str, what: str, otherwise: str = "split it, or use `import`") -> str:
    """`given` itself, or where it is `-`, all of standard input without the newline at its end.

    `otherwise` is what to do where it is too long.

    Raises:
        InputError: standard input is closed, not UTF-8, or longer than a mebibyte.
    """
    return _read(what, otherwise) if given == "-" else given


def confirmed(question: str) -> bool:
    """Ask on standard error, and read the answer; anything but y or yes is no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def bytes_from_input(what: str, most: int) -> bytes:
    """All of standard input, or the first `most` bytes and one more.

    Raises:
        InputError: standard input is closed.
    """
    try:
        return sys.stdin.buffer.read(most + 1)
    except (AttributeError, OSError, ValueError):  # None, closed, or a directory
        raise InputError(f"{what} was to come from standard input, which is closed or cannot be read") from None


def _read(what: str, otherwise: str) -> str:
    raw = bytes_from_input(what, MOST_INPUT_BYTES)
    if len(raw) > MOST_INPUT_BYTES:
        raise InputError(f"{what} on standard input has more than {MOST_INPUT_BYTES:,} bytes; {otherwise}")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{what} on standard input is not UTF-8") from None
    text = text.removeprefix(_BOM)
    # One newline, since `echo` adds one; more are the text's own.
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream is not None and stream.isatty())  # type: ignore[attr-defined]
    except ValueError:  # closed
        return False
