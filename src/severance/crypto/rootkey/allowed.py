"""Which commands the user of this machine has allowed to be run for a key.

The chip records a command in the clear, in a file that somebody else may be able to write; to run what it says would
let them run anything. So the user's own configuration, outside every store, keeps the SHA-256 of each command that the
user has named, and no other is run from a record.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from severance.crypto.rootkey.source import home, shown
from severance.errors import KeyMissingError

FILE_NAME = "allowed-commands"
_MAX_BYTES = 1 << 20


def config_directory(environ: Mapping[str, str], platform: str = sys.platform) -> Path | None:
    """Severance's directory among the user's settings, or None when the user has no such place."""
    own = home(environ)
    named = ""
    usual: tuple[str, ...]
    if platform == "win32":
        named, usual = environ.get("APPDATA", ""), ("AppData", "Roaming")
    elif platform == "darwin":
        usual = ("Library", "Application Support")
    else:
        named, usual = environ.get("XDG_CONFIG_HOME", ""), (".config",)
    # A relative path is to be ignored (XDG Base Directory Specification), or each directory would have its own list.
    if named and Path(named).is_absolute():
        return Path(named) / "severance"
    return own.joinpath(*usual, "severance") if own is not None else None


def is_allowed(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether the user has allowed exactly this command.

    Raises:
        KeyMissingError: others could have written the list.
    """
    directory = config_directory(environ)
    return directory is not None and _digest(argv) in _lines(directory)


def allow(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Note that the user allows this command.

    Where that cannot be written (no home, a read-only one) nothing happens: the command then has to be named each time,
    which is what the message says that one gets.

    Raises:
        KeyMissingError: others could have written the list.
    """
    directory = config_directory(environ)
    if directory is None or _digest(argv) in _lines(directory):
        return
    with suppress(OSError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(directory / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(f"{_digest(argv)}\n".encode("ascii"))


def _digest(argv: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(argv), separators=(",", ":")).encode("ascii")).hexdigest()


def _lines(directory: Path) -> list[str]:
    try:
        _refuse_if_others_write(directory.stat(), directory)
        with (directory / FILE_NAME).open("rb") as file:
            _refuse_if_others_write(os.fstat(file.fileno()), directory / FILE_NAME)
            return file.read(_MAX_BYTES).decode("ascii", "replace").split()
    except OSError:
        return []


def _refuse_if_others_write(status: os.stat_result, path: Path) -> None:
    if sys.platform == "win32":
        return  # %APPDATA% is the user's own; its access lists do not show in the mode
    if status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022:
        raise KeyMissingError(
            f"others than you can write {shown(str(path))}, which says what commands may be run;"
            f" check it, then run: chmod go-w {shown(str(path))} (and chown it, if it is not yours)"
        )
