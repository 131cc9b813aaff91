"""TOML: one table added to a file, changed or taken out, and nothing else of it changed.

TOML 1.0. The standard library reads it and does not say where anything stands, so tables are found by their headers, at
the beginning of a line. What was found is not trusted: whoever calls reads the text again and compares what it means.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from severance.integrate.edits import BrokenError, newline_of

_HEADER = re.compile(r"[ \t]*\[")
_AT = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def data(text: str) -> dict[str, Any]:
    """What a text means.

    Raises:
        BrokenError: it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _AT.fullmatch(str(error))
        why, line, column = (match[1], match[2], match[3]) if match else (str(error), None, None)
        lines = text.split("\n")
        why = f"{why[:1].lower()}{why[1:]}"
        raise BrokenError(why, int(line or len(lines)), int(column or len(lines[-1]) + 1)) from None
    except RecursionError:
        raise BrokenError("it is nested too deeply", 1, 1) from None


def added(text: str, path: Sequence[str], values: Mapping[str, object]) -> str:
    """The text with a table of this name behind everything else, after an empty line."""
    newline = newline_of(text)
    lines = [_header(path), *(_line(name, value) for name, value in values.items())]
    between = "" if not text else newline if text.endswith("\n") else newline * 2
    return text + between + "".join(line + newline for line in lines)


def changed(text: str, path: Sequence[str], values: Mapping[str, object]) -> str:
    """The text with these values in the table of this name, those that are not in it yet at its beginning."""
    newline = newline_of(text)
    lines = text.splitlines(keepends=True)
    found = _table(lines, path)
    if found is None:
        return text
    begin, end = found
    left = dict(values)
    out: list[str] = []
    for statement in _statements(lines[begin + 1 : end]):
        name = next(iter(_read(statement) or {}), None)
        out.append(_line(name, left.pop(name)) + newline if name in left else statement)
    new = [_line(name, value) + newline for name, value in left.items()]
    return "".join([*lines[: begin + 1], *new, *out, *lines[end:]])


def without(text: str, path: Sequence[str]) -> str:
    """The text without the table of this name and the tables in it, and without the empty line before each.

    Comments below the last value of a table stay: they are of what follows.
    """
    lines = text.splitlines(keepends=True)
    while (found := _table(lines, path, below=True)) is not None:
        begin, end = found
        while end > begin + 1 and not (lines[end - 1].strip() and not lines[end - 1].lstrip().startswith("#")):
            end -= 1
        begin -= begin > 0 and not lines[begin - 1].strip()
        del lines[begin:end]
    return "".join(lines)


def line_of(text: str, path: Sequence[str]) -> int:
    """The number of the line, from 1, at which the table of this name begins; 1 where it has no line of its own."""
    found = _table(text.splitlines(keepends=True), path)
    return 1 if found is None else found[0] + 1


def _table(lines: Sequence[str], path: Sequence[str], *, below: bool = False) -> tuple[int, int] | None:
    """The lines of the table of this name, or (`below`) of the first that it is or that is in it."""
    headers = [index for index, line in enumerate(lines) if _HEADER.match(line)]
    for index in headers:
        name = _name(lines[index])
        if name is None or not (name == [*path] or (below and name[: len(path)] == [*path])) or _within(lines, index):
            continue
        return index, next((other for other in headers if other > index and not _within(lines, other)), len(lines))
    return None


def _within(lines: Sequence[str], index: int) -> bool:
    """Whether a line is part of a text or an array that began in a line before."""
    return _read("".join(lines[:index])) is None


def _name(header: str) -> list[str] | None:
    """The name in a header of a table; None where it is none, or one of an array of tables."""
    found = _read(header)
    if found is None:
        return None
    name: list[str] = []
    inner: Any = found
    while isinstance(inner, dict) and inner:
        key, inner = next(iter(inner.items()))
        name.append(key)
    return name if inner == {} else None


def _statements(lines: Sequence[str]) -> list[str]:
    """Lines, those of one value together."""
    found: list[str] = []
    held = ""
    for line in lines:
        held += line
        if _read(held) is not None:
            found.append(held)
            held = ""
    return [*found, held] if held else found


def _read(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _header(path: Sequence[str]) -> str:
    return f"[{'.'.join(name if _BARE.fullmatch(name) else json.dumps(name) for name in path)}]"


def _line(name: str, value: object) -> str:
    # JSON's strings and arrays of strings are TOML's, but for DEL, which TOML wants escaped.
    return f"{name} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f")
