"""`markdown`: a folder of Markdown and text files, or one file, cut at headings and between paragraphs.

A memory is a section, or a run of paragraphs of one that is longer; each begins with the heading it stands under, since
a paragraph alone rarely says what it is about. Files are streamed: none is ever in memory as a whole, unless
secrets are looked for in it and it is short.

The time is the front matter's `date` (or `created`), else a date in the file's path (`2024-05-31.md`), else the file's
time of change. A front-matter date that cannot be read skips the file: a wrong time would make wrong memories.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from severance.errors import InputError
from severance.model import Draft
from severance.transfer import files, fit, frontmatter
from severance.transfer.fit import Unfit
from severance.transfer.frontmatter import FrontMatter
from severance.transfer.given import Given
from severance.transfer.items import Format, Found, Item, Options, Progress, Skipped
from severance.transfer.leftout import LeftOut
from severance.transfer.sections import Line, Section, sections

SUFFIXES = (".md", ".markdown", ".mdown", ".mkd", ".txt", ".text")
_WHOLE_BYTES = 2 * 1024 * 1024
"""Up to here secrets are looked for in a file as a whole, beyond it in each section."""
_HEAD_BYTES = 8192
_LINE_BYTES = 65_536
_BOM = b"\xef\xbb\xbf"
_NOT_UTF8 = "it is not UTF-8"
_DATE = re.compile(r"(?<!\d)((?:19|20|21)\d\d)([-_./]?)(\d\d)\2(\d\d)(?!\d)")
_LINK_OUT = "it is a link that leads out of the folder"
_LINK_NOWHERE = "it is a link that leads nowhere"


@dataclass(frozen=True, slots=True)
class _File:
    """A file to be read: where it is, what it is called from the folder, and the time it was changed last."""

    path: Path
    name: str
    changed: datetime | None


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each section or part of one, files in order of their names; see `Reader`."""
    if not path.is_dir():
        why = _unreadable(path)
        if why is not None:
            raise InputError(f"{path} cannot be read: {why}")
        changed = None if isinstance(path, Given) else _changed(path.stat().st_mtime)
        yield from _read_file(_File(path, path.name, changed), progress)
        return
    for found in _walk(path, progress.left_out):
        if isinstance(found, Skipped):
            yield found
            continue
        try:
            why = _unreadable(found.path)
            if why is None:
                yield from _read_file(found, progress)
            else:
                yield Skipped(fit.printable(found.name), why)
        except InputError as error:  # which begins with the path
            yield Skipped(fit.printable(found.name), f"it {str(error).removeprefix(f'{found.path} ')}")
        except OSError as error:
            why = f"it could not be read to its end ({error.strerror or 'I/O error'})"
            yield Skipped(fit.printable(found.name), why)


def has_notes(folder: Path) -> bool:
    """Whether there is any file of Markdown or text in a folder."""
    return any(isinstance(found, _File) for found in _walk(folder, LeftOut()))


def _walk(root: Path, left_out: LeftOut) -> Iterator[_File | Skipped]:
    """Every file of Markdown or text below `root`, hidden ones left out, without following links."""
    home = root.resolve()
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            yield Skipped(_name(root, folder), "it cannot be listed")
            continue
        inside = []
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name.startswith("."):
                left_out.note(_name(root, Path(entry.path)), is_folder=is_folder)
            elif is_folder:
                inside.append(Path(entry.path))
            else:
                yield from _file(root, home, entry, left_out)
        folders.extend(reversed(inside))


def _file(root: Path, home: Path, entry: os.DirEntry[str], left_out: LeftOut) -> Iterator[_File | Skipped]:
    path = Path(entry.path)
    name = _name(root, path)
    try:
        if entry.is_symlink():
            # A link to something inside is no loss: what it leads to is read by its own name.
            if not path.resolve().is_relative_to(home):
                yield Skipped(name, _LINK_OUT)
            elif not path.exists():
                yield Skipped(name, _LINK_NOWHERE)
        elif path.suffix.lower() in SUFFIXES:
            if entry.is_file(follow_symlinks=False):
                yield _File(path, name, _changed(entry.stat().st_mtime))
            else:
                yield Skipped(name, "it is not a file")
        else:
            left_out.note(name)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        yield Skipped(name, "it cannot be looked at")


def _name(root: Path, path: Path) -> str:
    return fit.printable(path.relative_to(root).as_posix())


def _changed(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _unreadable(path: Path) -> str | None:
    first = files.head(path, _HEAD_BYTES)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is UTF-16; save it as UTF-8"
    return "it is a binary file" if b"\0" in first else None


def _read_file(file: _File, progress: Progress) -> Iterator[Found]:
    cleaning = progress.cleaning
    with files.opened(file.path) as stream:
        raw = b"" if cleaning is None else stream.read(_WHOLE_BYTES + 1)
        if cleaning is None or len(raw) > _WHOLE_BYTES:
            stream.seek(0)
            yield from items(stream, file.name, file.changed, progress)
            return
    # What is no UTF-8 comes through as it is, and is told by its line.
    text = cleaning.text(raw.removeprefix(_BOM).decode(errors="surrogateescape"))
    whole = io.BytesIO(text.encode(errors="surrogateescape"))
    for found in items(whole, cleaning.label(file.name), file.changed, progress):
        yield replace(found, as_is=True) if isinstance(found, Item) else found


def items(stream: BinaryIO, name: str, changed: datetime | None, progress: Progress) -> Iterator[Found]:
    """What is in one file, or in what was made of one: an item for each section or part of one.

    Args:
        stream: its bytes.
        name: what it is called from the folder; the thread of its memories.
        changed: when it was changed last, for a file that says no date.
        progress: counted up by the bytes that were read.
    """
    lines = _lines(stream, progress)
    matter, rest = _front_matter(lines)
    try:
        at = fit.when(matter.date) or _date_in(name) or changed
    except Unfit as reason:
        yield Skipped(name, str(reason))
        return
    for section in sections(rest):
        if section.text is None:
            yield Skipped(f"{name} line {section.line}", _NOT_UTF8)
        else:
            yield _found(name, matter, at, section)


def _found(name: str, matter: FrontMatter, at: datetime | None, section: Section) -> Found:
    def make() -> Item:
        text = fit.text(section.text)
        notes = {"title": matter.title, "heading": section.heading, "tags": matter.tags}
        draft = Draft(
            text=text,
            at=at,
            thread=fit.label(name),
            metadata=fit.metadata({field: value for field, value in notes.items() if value}),
        )
        # Neither a line nor a number: what stands above may change without making this another memory.
        return fit.item(draft, fit.origin("markdown", f"{name}#{section.heading}", fit.digest(text, 16)))

    return fit.attempt(f"{name} line {section.line}", make)


def _date_in(name: str) -> datetime | None:
    """The last date in a path, if there is one: `journal/2024-05-31 walk.md`, `2024/05/31.md`, `20240531.md`."""
    for year, _, month, day in reversed(_DATE.findall(name)):
        try:
            return datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            continue
    return None


def _front_matter(lines: Iterator[Line]) -> tuple[FrontMatter, Iterator[Line]]:
    """The front matter, and the lines after it; an unclosed one is no front matter."""
    taken: list[Line] = []
    for line in lines:
        taken.append(line)
        bare = (line.text or "").rstrip()
        if len(taken) == 1 and bare != frontmatter.OPEN:
            break
        if len(taken) > 1 and bare in frontmatter.CLOSE:
            return frontmatter.parse([inner.text or "" for inner in taken[1:-1]]), lines
        if len(taken) > frontmatter.MAX_LINES:
            break
    return FrontMatter(), chain(taken, lines)


def _lines(stream: BinaryIO, progress: Progress) -> Iterator[Line]:
    """The lines without their ends. A line beyond 64 KiB comes in parts; one that is not UTF-8 comes without text."""
    number, rest = 1, b""
    while raw := stream.readline(_LINE_BYTES):
        progress.done += len(raw)
        if number == 1 and not rest:
            raw = raw.removeprefix(_BOM)
        raw, ended = rest + raw, raw.endswith(b"\n")
        cut = len(raw) if ended else _whole(raw)
        raw, rest = raw[:cut], raw[cut:]
        try:
            yield Line(number, raw.decode().rstrip("\r\n"))
        except UnicodeDecodeError:
            yield Line(number, None)
        number += ended
    if rest:
        yield Line(number, None)


def _whole(raw: bytes) -> int:
    """How much of `raw` is whole characters, when its last one may have been cut."""
    for back in range(1, min(4, len(raw) + 1)):
        lead = raw[-back]
        if lead >= 0xC0:
            size = 2 + (lead >= 0xE0) + (lead >= 0xF0)
            return len(raw) - back if back < size else len(raw)
        if lead < 0x80:
            break
    return len(raw)


FORMAT = Format("markdown", "Markdown or plain text: a folder of notes, or one file", read, folder=True)
