"""The files in which clients are configured: read with what they are, shown as they would change, and written whole."""

from __future__ import annotations

import codecs
import difflib
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from severance.disk.faults import from_system
from severance.disk.newfile import put
from severance.errors import ConflictError, InputError, StoreError, StoreReadOnlyError

MOST_BYTES = 64 * 2**20
"""Of a configuration; that of some clients keeps a history in it."""
BACKUP = ".before-severance"
"""What follows a file's name in that of its copy."""

_MOST_SHOWN = 240
_BOM = codecs.BOM_UTF8.decode()


@dataclass(frozen=True, slots=True)
class Found:
    """A configuration as it is.

    Attributes:
        path: the file itself, behind all links.
        content: what is in it; None where there is no such file.
        backup: what is in its copy from before Severance; None where there is none.
        mode: who may do what with it.
    """

    path: Path
    content: bytes | None
    backup: bytes | None
    mode: int = 0o600

    @property
    def text(self) -> str:
        """Its text, without a byte order mark; empty where there is no such file.

        Raises:
            InputError: it is not UTF-8.
        """
        return text_of(self.content or b"", self.path)

    def written(self, text: str) -> bytes:
        """A text as it has to stand in it, with the byte order mark that is there."""
        marked = (self.content or b"").startswith(codecs.BOM_UTF8)
        return (codecs.BOM_UTF8 if marked else b"") + text.encode()


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a file.

    Attributes:
        found: as it is.
        after: what will be in it; None where it will not be there.
        backup: what will be in its copy; None where there will be none.
        within: the folder below which folders that are left empty by the file's going go as well; None for none.
    """

    found: Found
    after: bytes | None
    backup: bytes | None
    within: Path | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.found.path

    @property
    def copy(self) -> Path:
        """Its copy."""
        return backup_of(self.found.path)

    @property
    def does_something(self) -> bool:
        """Whether the file will be another."""
        return self.after != self.found.content

    def lines(self) -> Iterator[str]:
        """What will be different, as a unified diff without the lines that stay, which may hold other secrets."""
        before = text_of(self.found.content or b"", self.path).splitlines()
        after = text_of(self.after or b"", self.path).splitlines()
        for line in list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]:
            yield line if len(line) <= _MOST_SHOWN else f"{line[:_MOST_SHOWN]}... ({len(line):,} characters)"

    def carry_out(self) -> None:
        """Write it, the copy first.

        Raises:
            ConflictError: somebody has changed the file since it was read.
            StoreError: it cannot be written.
        """
        self.check_unchanged()
        if self.backup is not None and self.backup != self.found.backup:
            put(self.copy, self.backup)
        try:
            if self.after is None:
                self.path.unlink(missing_ok=True)
                self._prune()
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                put(self.path, self.after, self.found.mode)
            if self.backup is None and self.found.backup is not None:
                self.copy.unlink(missing_ok=True)
        except OSError as error:
            raise from_system(error, self.path) from None

    def _prune(self) -> None:
        outer = None if self.within is None else Path(os.path.realpath(self.within))
        for folder in self.path.parents:
            if outer is None or outer not in folder.parents or any(folder.iterdir()):
                return
            folder.rmdir()

    def check_unchanged(self) -> None:
        """Return if the file is as it was read.

        Raises:
            ConflictError: it is not.
        """
        if read(self.path).content != self.found.content:
            raise ConflictError(f"{self.path} was changed meanwhile, and nothing was written into it; try again")


def read(named: Path) -> Found:
    """A configuration, wherever links lead.

    Raises:
        InputError: it is not a file, too large, or of another user; nothing would be written there.
        StoreReadOnlyError: it may not be written.
        StoreError: it cannot be read.
    """
    try:
        path = Path(os.path.realpath(named))
        try:
            status = path.stat()
        except FileNotFoundError:
            return Found(path, None, _content(backup_of(path)))
        _check(status, path)
        return Found(path, _content(path), _content(backup_of(path)), stat.S_IMODE(status.st_mode))
    except NotADirectoryError:
        raise InputError(f"{named} cannot be there: what should be a folder is a file") from None
    except OSError as error:
        raise StoreError(f"{named} cannot be read ({error.strerror}); see who may read it") from None


def check(changes: Iterable[Change]) -> None:
    """Return if all of these files are as they were read; as `Change.check_unchanged`."""
    for change in changes:
        change.check_unchanged()


def text_of(content: bytes, path: Path) -> str:
    """Bytes as text, without a byte order mark.

    Raises:
        InputError: they are not UTF-8.
    """
    try:
        return content.decode().removeprefix(_BOM)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise InputError(f"{path}, line {line}, column {column}: this is not UTF-8; nothing was changed") from None


def backup_of(path: Path) -> Path:
    """Where the copy of a file is."""
    return path.with_name(path.name + BACKUP)


def _check(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is not a file; nothing was changed")
    if status.st_size > MOST_BYTES:
        raise InputError(f"{path} has more than {MOST_BYTES // 2**20} MiB, which no configuration has")
    if sys.platform != "win32" and status.st_uid != os.geteuid():
        raise InputError(f"{path} belongs to another user; integrate as that user")
    if not status.st_mode & stat.S_IWUSR:
        raise StoreReadOnlyError(f"{path} may not be written; allow it with chmod u+w, or change it by hand")


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
