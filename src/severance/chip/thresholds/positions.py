"""Where in a TOML text each key stands: `tomllib` does not say, and a person who wrote a wrong value wants to know.

For texts that `tomllib` has read: this is no second opinion on what is TOML (https://toml.io/en/v1.0.0).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Keys and numbers of tables that lead to a value, such as ("rule", 2, "hours")."""

_SKIP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_HEADER = re.compile(r"\[(\[)?[ \t]*")
_PART = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*(\.)?""")
_VALUE = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[\[{]|[\]}]|\n|[^"'#\[\]{}\n]+''',
    re.DOTALL,
)


class Spot(NamedTuple):
    """Line and column, both counted from 1."""

    line: int
    column: int


def spots(text: str) -> dict[Path, Spot]:
    """Where each table's header and each key of a table begins."""
    found: dict[Path, Spot] = {}
    for path, at in _statements(text):
        line = text.count("\n", 0, at) + 1
        found.setdefault(path, Spot(line, at - text.rfind("\n", 0, at)))
    return found


def nearest(found: dict[Path, Spot], path: Path) -> Spot:
    """Where this value stands, or the table around it where it has no line of its own."""
    while path not in found and path:
        path = path[:-1]
    return found.get(path, Spot(1, 1))


def _statements(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    counts: dict[Path, int] = {}
    at = 0
    while True:
        at = _after(_SKIP, text, at)
        if at >= len(text):
            return
        begin, header = at, _HEADER.match(text, at)
        if header:
            keys, at = _keys(text, header.end())
            table = _resolved(keys, counts, is_array=header[1] is not None)
            yield table, begin
            at += 2 if header[1] else 1
        else:
            keys, at = _keys(text, at)
            yield (*table, *keys), begin
            at = _end_of_value(text, at + 1)


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


def _end_of_value(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        token = _VALUE.match(text, at)
        if token is None:
            return len(text)
        if token[0] == "\n" and depth == 0:
            return token.end()
        depth += (token[0] in "[{") - (token[0] in "]}")
        at = token.end()
    return at


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
