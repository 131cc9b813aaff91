"""What is common to the TOML documents that people write: reading tables, and saying where something is wrong."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from severance.chip.thresholds.positions import Path, marks, nearest, spot
from severance.errors import InputError

Given = TypeVar("Given")
Made = TypeVar("Made")

MOST_PARTS = 50
_AT = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)")
_BOM = "\ufeff"
_HALF = re.compile("[\ud800-\udfff]")
_ONE = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(
    rf"(?:^|(?<=[\[{{,]))[ \t]*+(?=[^ \t])(?P<key>{_ONE}(?:[ \t]*+\.[ \t]*+{_ONE}){{{MOST_PARTS}}})", re.M
)
_LONG_NUMBER = re.compile(r"(?<![0-9_])[0-9](?:_?[0-9]){1000}")
_DEEP = re.compile(r"(?:[\[{][ \t\r\n]*){50}")


class WrongError(Exception):
    """Something wrong with the value at a path of the document, or with its key."""

    def __init__(self, path: Path, what: str, *, key: bool = False) -> None:
        super().__init__(what)
        self.path = path
        self.key = key


def loaded(text: str, most: int, what: str, build: Callable[[Mapping[str, Any]], Made]) -> Made:
    """What `build` makes of a document.

    Args:
        text: the document, of at most `most` characters; a byte order mark at its beginning is left out.
        what: what such a file holds, in a word or two.
        build: makes it, and raises WrongError where it cannot.

    Raises:
        InputError: it is none; the message begins with line and column, and says what to write instead.
    """
    if not isinstance(text, str):
        raise InputError(f"line 1, column 1: {what} are a text, in TOML")
    text = text.removeprefix(_BOM)
    document = _decoded(text, most, what)
    try:
        return build(document)
    except WrongError as wrong:
        mark = nearest(marks(text), wrong.path)
        raise _told(text, mark.key if wrong.key else mark.value, str(wrong)) from None


def _decoded(text: str, most: int, what: str) -> Mapping[str, Any]:
    if len(text) > most:
        raise InputError(f"line 1, column 1: the file is longer than {what} can be; {most:,} characters are the most")
    half, long_key = _HALF.search(text), _LONG_KEY.search(text)
    if half:
        raise _told(text, half.start(), "this is half of a character; write the whole of it, or leave it out")
    if long_key:  # each part costs more than the one before it
        raise _told(text, long_key.start("key"), f"a key here has at most {MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_undecoded(str(error), text)) from None
    except RecursionError:
        raise _at_first(_DEEP, text, "this is no TOML; values are nested too deeply") from None
    except ValueError:  # a number of more digits than Python reads
        raise _at_first(_LONG_NUMBER, text, "this number is too long; write a shorter one") from None


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
            raise WrongError((*path, key), f"there is no such key here; the keys are {', '.join(keys)}", key=True)


def within(path: Path, work: Callable[[Given], Made], given: Given, *, key: bool = False) -> Made:
    """What `work` makes of a value, or with `key` of a key; what it says against one is said of this path."""
    try:
        return work(given)
    except InputError as problem:
        raise WrongError(path, str(problem), key=key) from None


def quoted(text: str) -> str:
    """A basic string of TOML. JSON's escapes are among TOML's, but for the delete character, which JSON leaves."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def listed(values: tuple[str, ...], *, always: bool = False) -> str:
    """Texts as one value of TOML: a list of them, or where there is one, it alone unless `always`."""
    found = [quoted(value) for value in values]
    return found[0] if len(found) == 1 and not always else f"[{', '.join(found)}]"


def _undecoded(said: str, text: str) -> str:
    found = _AT.search(said)
    lines = text.split("\n")
    line, column = (found[1], found[2]) if found and found[1] else (len(lines), len(lines[-1]) + 1)
    reason = _AT.sub("", said).rstrip(".")
    return f"line {line}, column {column}: this is no TOML ({reason[:1].lower()}{reason[1:]}); correct it there"


def _told(text: str, at: int, what: str) -> InputError:
    where = spot(text, at)
    return InputError(f"line {where.line}, column {where.column}: {what}")


def _at_first(pattern: re.Pattern[str], text: str, what: str) -> InputError:
    found = pattern.search(text)
    return _told(text, found.start() if found else 0, what)
