"""Where programs that are always at one place keep what lets them in: files of this user's, outside every store.

Whoever can read such a file has what the credential allows, where a house is up or the root key is at hand. So each is
a regular file of mode 0600 in a folder of mode 0700, named by a hash: neither a place nor a program can be read there.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from severance.crypto.rootkey.allowed import config_directory
from severance.disk.faults import from_system
from severance.disk.newfile import new_folder, put
from severance.drafts import name_of
from severance.errors import InputError, StoreError
from severance.store import path_of

FOLDER_VARIABLE = "SEVERANCE_CONFIG"
FOLDER = "credentials"
MOST_BYTES = 65_536
"""Of a text that is kept; no credential is as long."""

_DOMAIN = b"severance kept credential 1"
# Not on every system: binary mode is Windows', the others are POSIX's. A link is not followed, a FIFO not waited for.
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def keep(
    store: str | os.PathLike[str], place: str, program: str, text: str, *, environ: Mapping[str, str] | None = None
) -> None:
    """Keep what lets a program in at a place, durably, in the stead of what was kept for it before.

    Args:
        store: the directory of the store that it is for.
        place, program: their names.
        text: the place credential.
        environ: the environment; SEVERANCE_CONFIG in it names another folder than the user's settings.

    Raises:
        InputError: a name that names can't have, no text, or nowhere to keep it.
        StoreError: the folder is not this user's alone, or it cannot be written.
    """
    content = text.strip().encode()
    if not content or len(content) > MOST_BYTES:
        raise InputError("what is kept for a program is a place credential, as `severance credential make` prints it")
    path = _path(store, place, program, environ)
    try:
        new_folder(path.parent)
        _check_folder(path.parent)
    except OSError as error:
        raise from_system(error, path.parent) from None
    put(path, content + b"\n")


def kept(
    store: str | os.PathLike[str], place: str, program: str, *, environ: Mapping[str, str] | None = None
) -> str | None:
    """What is kept for a program at a place; None where nothing is.

    Raises:
        InputError: a name that names can't have, or nowhere to keep anything.
        StoreError: others than this user could have read or written it, or it cannot be read.
    """
    path = _path(store, place, program, environ)
    try:
        _check_folder(path.parent)
        with os.fdopen(os.open(path, _READ), "rb") as file:
            _check_file(os.fstat(file.fileno()), path)  # of the open file: what is checked is what is read
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise StoreError(f"{path} is a link, and no credential is read through one; remove it") from None
        raise StoreError(f"{path} cannot be read ({error.strerror}); see who may read it") from None
    with suppress(UnicodeDecodeError):
        if text := content.decode("ascii").strip():
            return text
    raise StoreError(f"{path} does not hold a credential; remove it, and integrate the program again")


def in_file(path: Path) -> str:
    """The place credential or permit in a file that its user named.

    Args:
        path: the file. It may be a link, or a pipe.

    Raises:
        InputError: it cannot be read, or holds neither.
        StoreError: others than this user and root could have read or written it (where modes say so: on POSIX).
    """
    try:
        with path.open("rb") as file:
            _check_private(os.fstat(file.fileno()), path)
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"the file {path} with the credential cannot be read ({error.strerror})") from None
    with suppress(UnicodeDecodeError):
        if len(content) <= MOST_BYTES and (text := content.decode("ascii").strip()):
            return text
    raise InputError(f"the file {path} holds no credential and no permit")


def _check_private(status: os.stat_result, path: Path) -> None:
    if sys.platform == "win32":
        return
    if status.st_uid not in (os.geteuid(), 0):
        raise StoreError(f"{path} belongs to another user; have the credential in a file of your own")
    if status.st_mode & 0o077:
        raise StoreError(
            f"{path} can be read by others than you; run: chmod 600 {path}, and where somebody else may have read it, "
            "revoke what is in it and make another"
        )


def drop(store: str | os.PathLike[str], place: str, program: str, *, environ: Mapping[str, str] | None = None) -> bool:
    """Keep it no longer. Returns whether anything was kept. It opens what it opened until it is revoked.

    Raises:
        InputError: a name that names can't have, or nowhere to keep anything.
        StoreError: it cannot be removed.
    """
    path = _path(store, place, program, environ)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise from_system(error, path) from None
    return True


def id_of(text: str) -> str:
    """The id of a place credential, by which `House.revoke` and `House.credentials` know it; empty where it is none."""
    parts = text.strip().split(".")
    return parts[1] if len(parts) == 3 else ""


def _path(store: str | os.PathLike[str], place: str, program: str, environ: Mapping[str, str] | None) -> Path:
    where = os.path.realpath(path_of(store))
    hashed = hashlib.sha256(_DOMAIN)
    for part in (os.fsencode(where), name_of(place, "the place").encode(), name_of(program, "the program").encode()):
        hashed.update(len(part).to_bytes(8, "big") + part)
    return _folder(os.environ if environ is None else environ) / hashed.hexdigest()


def _folder(environ: Mapping[str, str]) -> Path:
    if named := environ.get(FOLDER_VARIABLE):
        return Path(named).absolute() / FOLDER
    settings = config_directory(environ)
    if settings is None:
        raise InputError(f"there is no home directory to keep a credential in; name a folder in {FOLDER_VARIABLE}")
    return settings / FOLDER


def _check_folder(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise StoreError(f"{folder} is not a folder; credentials are kept in one of yours alone")
    if sys.platform == "win32":
        return  # %APPDATA% is the user's own; its access lists do not show in the mode
    if status.st_uid != os.geteuid():
        raise StoreError(f"{folder} belongs to another user; credentials are kept in a folder of your own")
    if status.st_mode & 0o077:
        raise StoreError(f"{folder} can be reached by others than you; run: chmod 700 {folder}")
    above = folder.parent.stat()
    if above.st_uid not in (os.geteuid(), 0) or above.st_mode & 0o022:
        raise StoreError(f"others than you can write {folder.parent}; run: chmod go-w {folder.parent}")


def _check_file(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"{path} is not a regular file; remove it, and integrate the program again")
    if sys.platform == "win32":
        return
    if status.st_uid != os.geteuid():
        raise StoreError(f"{path} belongs to another user; remove it, and integrate the program again")
    if status.st_mode & 0o077:
        raise StoreError(f"{path} can be read by others than you; remove it, and revoke the credential that it held")
