"""What is common to the TOML documents that people write: reading tables, and saying where something is wrong."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from severance.chip.thresholds.positions import Path, nearest, spots
from severance.errors import InputError

Given = TypeVar("Given")
Made = TypeVar("Made")

_AT = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)")


class WrongError(Exception):
    """Something wrong at a path of the document."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(what)
        self.path = path


def loaded(text: str, most: int, what: str, build: Callable[[Mapping[str, Any]], Made]) -> Made:
    """What `build` makes of a document.

    Args:
        text: the document, of at most `most` characters.
        what: what such a file holds, in a word or two.
        build: makes it, and raises WrongError where it cannot.

    Raises:
        InputError: it is none; the message begins with line and column, and says what to write instead.
    """
    if len(text) > most:
        raise InputError(f"line 1, column 1: the file is longer than {what} can be")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_undecoded(str(error), text)) from None
    except RecursionError:
        raise InputError("line 1, column 1: this is no TOML; values are nested too deeply") from None
    try:
        return build(document)
    except WrongError as wrong:
        spot = nearest(spots(text), wrong.path)
        raise InputError(f"line {spot.line}, column {spot.column}: {wrong}") from None


def tables(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The tables of the list of this name; none where there is no such list."""
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        raise WrongError((key,), f"{key} is a list of tables; write its header as [[{key}]]")
    return found


def known(table: Mapping[str, Any], keys: tuple[str, ...], path: Path) -> None:
    """Refuse a key that is none of these."""
    for key in table:
        if key not in keys:
            raise WrongError((*path, key), f"there is no such key here; the keys are {', '.join(keys)}")


def within(path: Path, work: Callable[[Given], Made], given: Given) -> Made:
    """What `work` makes of a value; what it says against one is said of this path."""
    try:
        return work(given)
    except InputError as problem:
        raise WrongError(path, str(problem)) from None


def quoted(text: str) -> str:
    """A basic string of TOML. JSON's escapes are among TOML's, but for the delete character, which JSON leaves."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def listed(values: tuple[str, ...], *, always: bool = False) -> str:
    """Texts as one value of TOML: a list of them, or where there is one, it alone unless `always`."""
    found = [quoted(value) for value in values]
    return found[0] if len(found) == 1 and not always else f"[{', '.join(found)}]"


def _undecoded(said: str, text: str) -> str:
    found = _AT.search(said)
    lines = text.splitlines() or [""]
    line, column = (found[1], found[2]) if found and found[1] else (len(lines), len(lines[-1]) + 1)
    reason = _AT.sub("", said).rstrip(".")
    return f"line {line}, column {column}: this is no TOML ({reason[:1].lower()}{reason[1:]}); correct it there"
