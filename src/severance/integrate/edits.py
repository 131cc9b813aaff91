"""Changes to a text, each a place in it and what comes to stand there; everything else stays byte for byte."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Edit(NamedTuple):
    """What stands from `start` to `end` of a text is replaced."""

    start: int
    end: int
    text: str


class BrokenError(Exception):
    """A configuration that is not what its format demands, or that this cannot be written into.

    Attributes:
        why: a clause for people, without the file.
        line, column: where, from 1.
    """

    def __init__(self, why: str, line: int, column: int) -> None:
        super().__init__(why)
        self.why, self.line, self.column = why, line, column


def broken(text: str, at: int, why: str) -> BrokenError:
    """The error for the sign at this index of a text."""
    return BrokenError(why, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with these changes, which do not overlap. Of two at one place, the first stands first."""
    parts, done = [], 0
    for start, end, new in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


def newline_of(text: str) -> str:
    """How the lines of a text end: as the first does."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"
