"""A file of rules that somebody wrote, as it is read for a command, and what the command says of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from severance.cli import screen
from severance.cli.edge import Edge
from severance.errors import InputError

_MOST_BYTES = 4 << 20
"""More than any such file can be, and no endless read of a device."""


def text_of(file: Path) -> str:
    """What is in it, or where it is `-`, on standard input.

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    raw = _input() if str(file) == "-" else _read(file)
    if len(raw) > _MOST_BYTES:
        raise InputError(f"{_name(file)} is longer than a file of rules can be")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = problem.object[: problem.start]
        line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode("utf-8")) + 1
        raise InputError(
            f"{_name(file)}, line {line}, column {column}: this is not UTF-8; save the file as UTF-8"
        ) from None


@contextmanager
def named(file: Path) -> Iterator[None]:
    """What is said within against its text, is said with its name."""
    try:
        yield
    except InputError as problem:
        raise InputError(f"{_name(file)}, {problem}") from None


def _name(file: Path) -> str:
    return "standard input" if str(file) == "-" else screen.shown(str(file))


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "I/O error"
        raise InputError(f"{_name(file)} cannot be read ({reason}); name a file with rules") from None


def _input() -> bytes:
    try:
        return sys.stdin.buffer.read(_MOST_BYTES + 1)
    except (AttributeError, OSError, ValueError):  # None, closed, or a directory
        raise InputError("the rules were to come from standard input, which is closed or cannot be read") from None


def show_changes(edge: Edge, found: Sequence[str], *, dry: bool) -> None:
    """Say what changes, in these sentences, or would."""
    if edge.as_json:
        screen.document({"changes": list(found), "applied": not dry})
        return
    for change in found:
        screen.line(f"{change}.")
    if not found:
        screen.line("Nothing changes.")
    elif dry:
        screen.line("This is what would change; nothing has.")


def show_toml(edge: Edge, text: str) -> None:
    """Print what holds, as a file that can be applied."""
    if edge.as_json:
        screen.document({"toml": text})
    else:
        screen.line(text.rstrip("\n"))
