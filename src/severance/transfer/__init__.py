"""What people have, read into drafts; what a persona has, written out.

Readers of files and nothing more: no session, vault or key is in reach. See `read`, `detect`, `FORMATS` and
`write_jsonl`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from severance.errors import InputError
from severance.transfer import (
    chatgpt,
    claude,
    compartment,
    files,
    jsonl,
    langgraph,
    letta,
    locomo,
    markdown,
    mbox,
    mcp,
    mem0,
)
from severance.transfer.cleaning import Clean, Cleaning
from severance.transfer.items import Format, Found, Item, Progress, Reading, Skipped
from severance.transfer.jsonl import write_jsonl
from severance.transfer.sniff import sniff

__all__ = ["FORMATS", "Found", "Item", "Reading", "Skipped", "detect", "read", "write_jsonl"]

_ALL = (jsonl, markdown, chatgpt, claude, mem0, mcp, langgraph, letta, compartment, locomo, mbox)
_BY_NAME: Mapping[str, Format] = MappingProxyType({module.FORMAT.name: module.FORMAT for module in _ALL})

FORMATS: Mapping[str, str] = MappingProxyType({name: each.summary for name, each in _BY_NAME.items()})
"""The names of the formats that can be read, with one line about each."""


def detect(path: Path) -> str:
    """The name of the format of what is at `path`, told by its content.

    Raises:
        InputError: it is missing, may not be read, is empty, or is in no format that is known.
    """
    files.status(path)
    return sniff(path, ", ".join(FORMATS))


def read(
    path: Path,
    format: str | None = None,  # noqa: A002 - the word that people know
    options: Mapping[str, str] | None = None,
    clean: Clean | None = None,
) -> Reading:
    """Begin to read what is at `path`, as `format` or as what `detect` says.

    `options` differ by format: `locomo` takes `speaker` and `sample`, the others none. With `clean`, which takes the
    secrets out of a text, what is read is without them; Severance's own export stays as it is.

    Raises:
        InputError: the path, the format or an option cannot be meant. While iterating: the content cannot be read.
    """
    found = files.status(path)
    name = detect(path) if format is None else format
    chosen = _BY_NAME.get(name)
    if chosen is None:
        raise InputError(f"there is no format {name!r}; name one of {', '.join(FORMATS)}")
    given = dict(options or {})
    unknown = sorted(set(given) - set(chosen.options))
    if unknown:
        takes = f"only {' and '.join(chosen.options)}" if chosen.options else "none"
        raise InputError(f"{name} has no option {unknown[0]!r}; it takes {takes}")
    is_folder = path.is_dir()
    if is_folder and not chosen.folder:
        raise InputError(f"{path} is a folder; {name} is read from a file")
    if not is_folder:
        files.head(path, 1)  # what cannot be opened, or is empty, is said before anything is read
    progress = Progress(None if is_folder else found.st_size, cleaning=None if clean is None else Cleaning(clean))
    return Reading(name, path, progress, lambda: chosen.read(path, given, progress))
