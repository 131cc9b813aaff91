"""A key in a file of its own.

The file is best kept on another disk than the store, or at least outside its directory: whoever gets a copy of a
directory that holds both has the memory.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from severance.crypto.rootkey.source import (
    KEY_BYTES,
    SCOPE,
    Record,
    Source,
    Where,
    decode_key,
    encode_key,
    home,
    shown,
    storable,
)
from severance.errors import DamagedError, InputError, KeyMissingError

if TYPE_CHECKING:
    from severance.ports import Entropy

_MAX_BYTES = 4096
# Not on every system: binary mode is Windows', and not to wait for a FIFO's other end is POSIX's.
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class KeyFile(Source):
    """32 bytes as base64 and a newline, in a regular file that only this user can read.

    `path` may begin with `~/`, and is otherwise relative to the current directory. On Windows the file's access list is
    the one of its directory, and is not checked.

    Raises:
        InputError: `path` is empty or not UTF-8.
    """

    name: ClassVar[str] = "file"
    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if not storable(str(self.path)) or not self.path.name:
            raise InputError("file: takes the path of a file, in UTF-8")

    def make(self, where: Where, entropy: Entropy) -> tuple[bytes, Record]:
        """The key in the file; when there is no file, a new one, on disk before this returns."""
        path = _absolute(self.path, where)
        if _inside(path, where):
            raise InputError("a key inside the store that it locks protects nothing; name a file elsewhere")
        if not os.path.lexists(path):
            _create(path, encode_key(entropy.draw(KEY_BYTES, SCOPE)).encode("ascii") + b"\n")
        return _key(path), {"source": self.name, **_recorded_path(path, where)}

    def fetch(self, where: Where) -> bytes:
        """The key in the file."""
        return _key(_absolute(self.path, where))

    @classmethod
    def fetch_recorded(cls, where: Where) -> bytes:
        """The key in the file that was used when the store was made."""
        base, text = where.recorded.get("base"), where.recorded.get("path")
        if base not in ("home", "root") or not isinstance(text, str) or not storable(text):
            raise DamagedError("the chip's record of the root key does not name a file")
        root = home(where.environ) if base == "home" else Path("/")
        # On Windows, merely opening a path on another host sends that host this user's credentials.
        remote = Path(text).drive.startswith(("\\\\", "//"))
        if root is None or remote or Path(text).is_absolute() is not (base == "root"):
            raise KeyMissingError(f"the key file of this store cannot be found from here; {_PASS} ({shown(text)})")
        if _inside(root / text, where):
            # Whoever can write the store could have replaced it whole, with a key that they know.
            raise KeyMissingError(f"the recorded key file is inside the store itself; {_PASS} if that is meant")
        return _key(root / text)


_PASS = "pass --key file:PATH"  # noqa: S105  # a flag's name


def _absolute(path: Path, where: Where) -> Path:
    own = home(where.environ)
    if path.parts[0] == "~" and own is not None:
        path = own.joinpath(*path.parts[1:])
    return Path(os.path.normpath(Path.cwd() / path))


def _recorded_path(path: Path, where: Where) -> Record:
    """The path as the chip keeps it: from the home where that is above it, so that the user's name is not in it."""
    own = home(where.environ)
    if own is not None and path.is_relative_to(own):
        return {"base": "home", "path": path.relative_to(own).as_posix()}
    return {"base": "root", "path": str(path)}


def _inside(path: Path, where: Where) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(where.directory))


def _key(path: Path) -> bytes:
    key = decode_key(private_content(path, "the key file", f"{_PASS} if it is elsewhere"))
    if key is None:
        raise KeyMissingError(f"the key file {shown(str(path))} does not hold 32 bytes as base64")
    return key


def private_content(path: Path, what: str, otherwise: str) -> bytes:
    """The first 4,096 bytes of a regular file that nobody but this user can reach.

    Args:
        path: the file.
        what: what it is, and
        otherwise: what to do where it cannot be read, both for the message.

    Raises:
        KeyMissingError: it is not there, cannot be read, or others can reach it.
    """
    try:
        with os.fdopen(os.open(path, _READ), "rb") as file:
            # Of the open file, not of the path: what is checked is what is read.
            problem = _problem(os.fstat(file.fileno()), path)
            if problem is None:
                return file.read(_MAX_BYTES)
    except OSError as exc:
        problem = f"cannot be read ({exc.strerror}); {otherwise}"
    raise KeyMissingError(f"{what} {shown(str(path))} {problem}")


def _problem(status: os.stat_result, path: Path) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    if sys.platform != "win32":
        if status.st_uid != os.geteuid():
            return "belongs to another user; the key has to be in a file of your own"
        if status.st_mode & 0o077:  # an access list that lets others in shows in the group's bits, too
            return f"can be reached by others than you; run: chmod 600 {shown(str(path))}"
    return None


def _create(path: Path, content: bytes) -> None:
    try:
        with os.fdopen(os.open(path, _CREATE, 0o600), "wb") as file:
            _fill(file, content, path)
        _sync_directory(path.parent)
    except FileExistsError:
        return  # somebody was first; theirs is used
    except OSError as exc:
        problem = exc.strerror
    else:
        return
    raise KeyMissingError(f"the key file {shown(str(path))} cannot be made ({problem})")


def _fill(file: BinaryIO, content: bytes, path: Path) -> None:
    try:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    except OSError:
        # The file is ours and new, and no store has its key yet: half a key would be in the way of the next attempt.
        with suppress(OSError):
            path.unlink()
        raise


def _sync_directory(directory: Path) -> None:
    """Make the name of the new file durable, too. Windows cannot open a directory, and does not need it."""
    if sys.platform != "win32":
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
