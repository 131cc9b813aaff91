"""Opening what people name, so that everything that can be wrong with it is one sentence."""

from __future__ import annotations

import codecs
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from severance.errors import InputError

MAX_DOCUMENT_BYTES = 2 * 1024**3
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_INT_MIN, _INT_MAX, _INT_DIGITS = -(2**63), 2**63 - 1, 20


def status(path: Path) -> os.stat_result:
    """What is at `path`.

    Raises:
        InputError: nothing, nothing that may be read, or neither a file nor a folder.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        raise InputError(f"there is nothing at {path}; check the path") from None
    except OSError as error:
        raise InputError(f"{path} cannot be looked at ({error.strerror or 'I/O error'})") from None
    except ValueError:
        raise InputError("that is no path: it holds a NUL character or cannot be encoded") from None
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise InputError(f"{path} is neither a file nor a folder")
    return found


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file at `path`, open for reading bytes.

    Raises:
        InputError: it cannot be opened.
    """
    try:
        file = path.open("rb")
    except PermissionError:
        raise InputError(f"{path} may not be read; check its permissions") from None
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror or 'I/O error'})") from None
    with file:
        yield file


def head(path: Path, size: int) -> bytes:
    """At most `size` bytes from the beginning of a file.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    try:
        with opened(path) as file:
            first = file.read(size)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or 'I/O error'})") from None
    if not first:
        raise InputError(f"{path} is empty")
    return first


def refuse_utf16(first: bytes, name: str) -> None:
    """Raise `InputError` when a text begins like UTF-16."""
    without_mark = first[1:4:2] == b"\0\0" or first[0:4:2] == b"\0\0"
    if first.startswith(_UTF16) or (without_mark and any(first)):
        raise InputError(f"{name} is UTF-16; save it as UTF-8 and try again")


def parse(text: str) -> object:
    """The value of one JSON text. Whole numbers beyond 64 bits come back as text, NaN as NaN; of equal keys the last
    one counts.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, parse_int=_number)


def load_document(raw: bytes, name: str) -> object:
    """The value of a whole JSON document.

    Raises:
        InputError: it is not UTF-8, not JSON, nested too deeply, or too large for this machine.
    """
    refuse_utf16(raw[:4], name)
    try:
        return parse(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 (byte {error.start:,}); save it as UTF-8 and try again") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name} is not valid JSON (line {error.lineno}, column {error.colno}); export it once more"
        ) from None
    except RecursionError:
        raise InputError(f"{name} is nested too deeply to be read") from None
    except MemoryError:
        raise InputError(f"{name} is too large for this machine's memory; split it and try again") from None


def read_bytes(path: Path) -> bytes:
    """The content of a file of at most 2 GiB.

    Raises:
        InputError: it cannot be read, or is empty or too large.
    """
    with opened(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size > MAX_DOCUMENT_BYTES:
            raise InputError(f"{path} is larger than 2 GiB; split it, or turn it into JSON Lines")
        if not size:
            raise InputError(f"{path} is empty")
        try:
            return file.read(MAX_DOCUMENT_BYTES)
        except MemoryError:
            raise InputError(f"{path} is too large for this machine's memory; split it and try again") from None


def read_document(path: Path) -> object:
    """The value of a JSON file of at most 2 GiB.

    Raises:
        InputError: it cannot be read, is empty or too large, or is not JSON.
    """
    return load_document(read_bytes(path), str(path))


def _number(digits: str) -> int | str:
    if len(digits) > _INT_DIGITS:
        return digits
    value = int(digits)
    return value if _INT_MIN <= value <= _INT_MAX else digits
