"""Where in a TOML text each key and each value stands: `tomllib` does not say, and a person who wrote a wrong value
wants to know.

For texts that `tomllib` has read: this is no second opinion on what is TOML (https://toml.io/en/v1.0.0).
"""

from __future__ import annotations

import re
import tomllib
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Keys and numbers that lead to a value, such as ("rule", 2, "hours", 0)."""

_SKIP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SKIP_WITHIN = re.compile(r"(?:[ \t\r\n,]+|#[^\n]*)*")
_HEADER = re.compile(r"\[(\[)?[ \t]*")
_PART = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*(\.)?""")
_SCALAR = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^"'#,\[\]{}\n]+''', re.DOTALL
)


class Spot(NamedTuple):
    """Line and column, both counted from 1."""

    line: int
    column: int


class Marks(NamedTuple):
    """Where a key and its value begin, in characters; of an element of a list, and of a header, both are the same."""

    key: int
    value: int


def spot(text: str, at: int) -> Spot:
    """Line and column of this character."""
    return Spot(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def nearest(found: dict[Path, Marks], path: Path) -> Marks:
    """Where this value stands, or what is around it where it was not written by itself."""
    while path not in found and path:
        path = path[:-1]
    return found.get(path, Marks(0, 0))


def marks(text: str) -> dict[Path, Marks]:
    """Where each table's header stands, each key, and each value."""
    found: dict[Path, Marks] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    at = _after(_SKIP, text, 0)
    while at < len(text):
        header = _HEADER.match(text, at)
        if header:
            keys, end = _keys(text, header.end())
            table = _resolved(keys, counts, is_array=header[1] is not None)
            found.setdefault(table, Marks(at, at))
            at = end + (2 if header[1] else 1)
        else:
            keys, end = _keys(text, at)
            at = _note(found, text, (*table, *keys), Marks(at, end + 1))
        at = _after(_SKIP, text, at)
    return found


def _note(found: dict[Path, Marks], text: str, path: Path, mark: Marks) -> int:
    """Note where a value stands, and every value in it. Returns where it ends."""
    opened: list[tuple[Path, int | None]] = []  # lists, with the number of the next element, and tables
    while True:
        at = _after(_SKIP, text, mark.value)
        found.setdefault(path, Marks(at if mark.key == mark.value else mark.key, at))
        if text[at] in "[{":
            opened.append((path, 0 if text[at] == "[" else None))
            at += 1
        else:
            at = _after(_SCALAR, text, at)
        while opened and text[(at := _after(_SKIP_WITHIN, text, at))] in "]}":
            opened.pop()
            at += 1
        if not opened:
            return at
        path, number = opened[-1]
        if number is None:
            keys, end = _keys(text, at)
            path, mark = (*path, *keys), Marks(at, end + 1)
        else:
            opened[-1] = path, number + 1
            path, mark = (*path, number), Marks(at, at)


def _resolved(keys: Path, counts: dict[Path, int], *, is_array: bool) -> Path:
    """The path of a header, with the number of the table that each array of tables is at."""
    path: Path = ()
    for number, key in enumerate(keys, 1):
        path = (*path, key)
        if is_array and number == len(keys):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _keys(text: str, at: int) -> tuple[Path, int]:
    keys: list[str | int] = []
    while True:
        part = _PART.match(text, at)
        if part is None:
            return tuple(keys), at
        raw, at = part[1], part.end()
        keys.append(next(iter(tomllib.loads(f"{raw} = 0"))))
        if not part[2]:
            return tuple(keys), at


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
