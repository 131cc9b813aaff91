"""The lines of a file, each a JSON value, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from severance.transfer import files
from severance.transfer.items import Progress, Skipped

# A memory at every limit, with every character escaped, takes half of this.
MAX_LINE_BYTES = 1 << 20
BOM = b"\xef\xbb\xbf"


def objects(path: Path, progress: Progress, most: int = MAX_LINE_BYTES) -> Iterator[tuple[str, object]]:
    """Where each line is and its value, or a `Skipped` in the place of a line that has none; blank lines are left out.

    Raises:
        InputError: the file cannot be opened, is empty, or is UTF-16.
    """
    files.refuse_utf16(files.head(path, 4), str(path))
    with files.opened(path) as file:
        number = 0
        while raw := file.readline(most + 1):
            number += 1
            progress.done += len(raw)
            where = f"line {number}"
            if len(raw) > most:
                progress.done += _drop_line(file, raw)
                yield where, Skipped(where, f"it is longer than {most:,} bytes")
                continue
            if number == 1:
                raw = raw.removeprefix(BOM)
            if raw.strip():
                yield where, value_of(where, raw)


def value_of(where: str, raw: bytes) -> object:
    """The value of one line, or a `Skipped` where it has none."""
    try:
        return files.parse(raw.decode())
    except UnicodeDecodeError:
        return Skipped(where, "it is not UTF-8")
    except ValueError:
        return Skipped(where, "it is not valid JSON")
    except RecursionError:
        return Skipped(where, "it is nested too deeply")


def _drop_line(file: BinaryIO, raw: bytes) -> int:
    """Read on to the end of a line that is too long; returns how many bytes that took."""
    dropped = 0
    while raw and not raw.endswith(b"\n"):
        raw = file.readline(MAX_LINE_BYTES)
        dropped += len(raw)
    return dropped
