"""A folder of notes as it is now: which files it has, and what one of them says, without secrets.

No link is followed, also none that takes the place of a folder meanwhile: what it leads to inside the folder is read
under its own name, and what lies outside is none of the folder. A file is read whole, since secrets are looked for in
the whole of it, and cut into sections afterwards.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from severance.capture.exclusion import Exclusion
from severance.capture.secrets import clean
from severance.errors import InputError
from severance.transfer import fit, markdown
from severance.transfer.items import Item, Progress, Skipped

SUFFIXES = markdown.SUFFIXES
MOST_BYTES = 2 * 1024 * 1024
MOST_FILES = 100_000
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | _NO_LINK | getattr(os, "O_NONBLOCK", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK
_IN_STEPS = os.open in os.supports_dir_fd and os.scandir in os.supports_fd

Stamp = tuple[int, int, int]
"""What changes when a file does: the time of its change in nanoseconds, its size in bytes, its number."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder.

    Attributes:
        stamps: by name from the folder, with `/`, in their order.
        skipped: what is no note or cannot be looked at, with the reason.
        unknown: folders that could not be listed; what is in them is neither there nor gone.
        is_there: whether the folder is there and has anything in it. One that is empty may be a disk that is away.
    """

    stamps: Mapping[str, Stamp]
    skipped: tuple[Skipped, ...]
    unknown: tuple[str, ...]
    is_there: bool


@dataclass(frozen=True, slots=True)
class Note:
    """What one file says.

    Attributes:
        items: one for each section or part of one, without secrets; an item that says the same as another is left out.
        skipped: what of it was not taken, and why.
        secrets: how many secrets of each kind were taken out.
    """

    items: tuple[Item, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    secrets: Mapping[str, int] = field(default_factory=dict)


def listing(root: Path, exclusion: Exclusion) -> Listing:
    """The folder's files that are notes by their ending and not left out.

    Raises:
        InputError: there are more than 100,000.
    """
    stamps: dict[str, Stamp] = {}
    skipped: list[Skipped] = []
    unknown: list[str] = []
    folders, empty = [""], True
    while folders:
        folder = folders.pop()
        try:
            with _scanned(root, folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
                inside = _sorted_out(root, folder, found, exclusion, stamps, skipped)
        except OSError:
            unknown.append(folder)
            if folder:
                skipped.append(Skipped(folder, "it cannot be listed"))
            continue
        empty = empty and not found
        folders.extend(reversed(inside))
    if len(stamps) > MOST_FILES:
        raise InputError(f"{root} has more than {MOST_FILES:,} notes; watch the folders in it that matter")
    return Listing(stamps, tuple(skipped), tuple(unknown), is_there="" not in unknown and not empty)


def _sorted_out(
    root: Path,
    folder: str,
    found: list[os.DirEntry[str]],
    exclusion: Exclusion,
    stamps: dict[str, Stamp],
    skipped: list[Skipped],
) -> list[str]:
    """Note which of these are notes, and which cannot be. Returns the folders that are to be looked into."""
    inside = []
    for entry in found:
        name = f"{folder}/{entry.name}".lstrip("/")
        if fit.printable(name) != name:
            skipped.append(Skipped(fit.printable(name), "its name is not Unicode"))
            continue
        is_folder = entry.is_dir(follow_symlinks=False)
        if exclusion.leaves_out(name, is_folder=is_folder):
            continue
        if is_folder:
            inside.append(name)
        elif name.lower().endswith(SUFFIXES):
            _look(root, entry, name, stamps, skipped)
    return inside


def _look(root: Path, entry: os.DirEntry[str], name: str, stamps: dict[str, Stamp], skipped: list[Skipped]) -> None:
    try:
        if entry.is_symlink():
            if not (root / name).resolve().is_relative_to(root.resolve()):
                skipped.append(Skipped(name, "it is a link that leads out of the folder"))
            return
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return  # gone since it was listed
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        skipped.append(Skipped(name, "it cannot be looked at"))
        return
    if stat.S_ISREG(found.st_mode):
        stamps[name] = _stamp(found)
    else:
        skipped.append(Skipped(name, "it is not a file"))


def read(root: Path, name: str) -> Note | None:
    """What the note of this name says; None where it is gone. What cannot be read is `skipped` as a whole."""
    try:
        raw, changed = _bytes(root, name)
    except FileNotFoundError:
        return None
    except PermissionError:
        return _none(name, "it may not be read; check its permissions")
    except OSError:
        return _none(name, "it cannot be read")
    if len(raw) > MOST_BYTES:
        return _none(name, f"it is longer than {MOST_BYTES // 1024 // 1024} MiB")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _none(name, "it is UTF-16; save it as UTF-8")
    if b"\0" in raw:
        return _none(name, "it is a binary file")
    try:
        cleaned = clean(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _none(name, "it is not UTF-8")
    found = list(_items(cleaned.text, clean(name).text, changed))
    items = {each.origin: each for each in found if isinstance(each, Item)}
    skipped = tuple(each for each in found if isinstance(each, Skipped))
    return Note(tuple(items.values()), skipped, cleaned.found)


def thread_of(name: str) -> str | None:
    """The thread of the memories of a file of this name."""
    return fit.label(clean(name).text)


def _items(text: str, name: str, changed: datetime) -> Iterator[Item | Skipped]:
    return markdown.items(io.BytesIO(text.encode()), name, changed, Progress())


def _bytes(root: Path, name: str) -> tuple[bytes, datetime]:
    """At most one byte more than may be read, and when the file was changed last; of a regular file alone."""
    with _opened(root, name) as descriptor, os.fdopen(os.dup(descriptor), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError
        return file.read(MOST_BYTES + 1), datetime.fromtimestamp(max(0, found.st_mtime), UTC)


@contextmanager
def _scanned(root: Path, folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
    if not _IN_STEPS:
        with os.scandir(_straight(root, folder)) as entries:
            yield entries
        return
    with _opened(root, folder, _FOLDER) as descriptor, os.scandir(descriptor) as entries:
        yield entries


@contextmanager
def _opened(root: Path, name: str, flags: int = _READ) -> Iterator[int]:
    """What has this name in the folder, open. It is come to name by name, so that no link on the way is followed, also
    not one that was put there since the folder was listed.
    """
    parts = name.split("/") if name else []
    if not _IN_STEPS:
        descriptor = os.open(_straight(root, name), flags)
    else:
        descriptor = os.open(root, _FOLDER & ~_NO_LINK)
        for number, part in enumerate(parts, 1):
            outer = descriptor
            try:
                descriptor = os.open(part, flags if number == len(parts) else _FOLDER, dir_fd=outer)
            finally:
                os.close(outer)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _straight(root: Path, name: str) -> Path:
    """The path of a name in the folder, where no folder can be opened to go on from it.

    Raises:
        OSError: there is a link on the way.
    """
    path = root / name
    if path.resolve() != root.resolve() / name:
        raise OSError
    return path


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _none(name: str, why: str) -> Note:
    return Note(skipped=(Skipped(name, why),))
