"""The entries of an export: a JSON file, the .zip that it came in, or the folder that the .zip was unpacked to.

ChatGPT and Claude both call the file `conversations.json`; large ChatGPT exports are split into
`conversations-000.json` and so on. Beside it Claude has `memories.json` and `projects.json`, or folders of these names
with a file for each. A .zip is read in memory, member by member, and never unpacked: the names in it
lead nowhere. Sizes are checked before anything is inflated.
"""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from severance.errors import InputError
from severance.transfer import files, fit
from severance.transfer.items import Progress
from severance.transfer.leftout import LeftOut

_MEMBER = re.compile(
    r"(?:[^/\\]+/){0,8}((?:conversations|memories|projects)(?:-\d{1,6})?|(?:memories|projects)/[\w-]{1,100})\.json\Z"
)
_FOLDERS = ("memories", "projects")
# Chats in JSON shrink 4 to 10 times; 200 times and more is a file made to fill a memory.
_MAX_RATIO, _RATIO_FROM = 200, 1 << 20
_ENCRYPTED = 1
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
    OverflowError,
)


def entries(path: Path, progress: Progress) -> Iterator[tuple[str, object]]:
    """Every entry under `path`, parsed, with where it is: `conversations[3]`; conversations first.

    Raises:
        InputError: there are none to be read.
    """
    for name, document in _documents(path, progress.left_out):
        listed = _listed(document)
        if listed is None:
            raise InputError(f"{path} holds no list of conversations; name the conversations.json of the export")
        for index, entry in enumerate(listed):
            yield f"{name}[{index}]", entry
            progress.share(index + 1, len(listed))


def head(path: Path, size: int) -> bytes | None:
    """The first bytes of the first file of entries in a .zip or a folder; None when there is none.

    Raises:
        InputError: it cannot be read.
    """
    if path.is_dir():
        members = _members_of_folder(path)
        return files.head(members[0][1], size) if members else None
    with _zip(path) as archive:
        inside = _members_of_zip(archive)
        if not inside:
            return None
        _check(path, [inside[0][1]])
        with archive.open(inside[0][1]) as member:
            return member.read(size)


def is_zip(first: bytes) -> bool:
    """Whether a file that begins like this is a .zip."""
    return first.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _documents(path: Path, left_out: LeftOut) -> Iterator[tuple[str, object]]:
    if path.is_dir():
        members = _members_of_folder(path)
        if not members:
            raise InputError(f"{path} holds no conversations.json; name the export itself")
        _note_others(path, {member for _, member in members}, left_out)
        for name, member in members:
            yield name, files.read_document(member)
    elif is_zip(files.head(path, 4)):
        yield from _documents_of_zip(path)
    else:
        yield "conversations", files.read_document(path)


def _documents_of_zip(path: Path) -> Iterator[tuple[str, object]]:
    with _zip(path) as archive:
        members = _members_of_zip(archive)
        if not members:
            raise InputError(f"{path} holds no conversations.json; name the .zip that the export came in")
        _check(path, [info for _, info in members])
        for name, info in members:
            yield name, files.load_document(archive.read(info), f"{name}.json in {path}")


@contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    with files.opened(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except InputError:
            raise
        except _ZIP_ERRORS:
            raise InputError(f"{path} is a damaged .zip; download the export once more") from None
        except OSError as error:  # a member that begins before the file does, or a disk that fails
            raise InputError(f"{path} cannot be read ({error.strerror or 'I/O error'})") from None


def _check(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if any(info.flag_bits & _ENCRYPTED for info in members):
        raise InputError(f"{path} is locked with a password; unpack it and name the folder")
    # zipfile never inflates more than a member declares, so what is declared is what has to be checked.
    if sum(info.file_size for info in members) > files.MAX_DOCUMENT_BYTES:
        raise InputError(f"{path} unpacks to more than 2 GiB of conversations; unpack it and split them")
    for info in members:
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # LZMA would take as much memory as its header asks for.
            raise InputError(f"{path} is compressed in a way that no export is; unpack it and name the folder")
        if info.file_size > _RATIO_FROM and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
            raise InputError(f"{path} would grow more than {_MAX_RATIO} times when unpacked, as no export does")


def _members_of_zip(archive: zipfile.ZipFile) -> list[tuple[str, zipfile.ZipInfo]]:
    found = []
    for info in archive.infolist():
        match = _MEMBER.match(info.filename)
        parts = info.filename.split("/")
        if match and ".." not in parts and "__MACOSX" not in parts:
            found.append((match[1], info))
    return sorted(found, key=lambda member: (_order(member[0]), member[1].filename))


def _members_of_folder(path: Path) -> list[tuple[str, Path]]:
    try:
        inside = [(member.name, member) for member in path.iterdir()]
        for folder in _FOLDERS:
            if (path / folder).is_dir() and not (path / folder).is_symlink():
                inside += [(f"{folder}/{member.name}", member) for member in (path / folder).iterdir()]
    except OSError as error:
        raise InputError(f"{path} cannot be listed ({error.strerror or 'I/O error'})") from None
    found = [
        (match[1], member)
        for name, member in inside
        if (match := _MEMBER.match(name)) and member.is_file() and not member.is_symlink()
    ]
    return sorted(found, key=lambda member: (_order(member[0]), member[0]))


def _note_others(path: Path, members: set[Path], left_out: LeftOut) -> None:
    for other in sorted(path.iterdir()):
        if other not in members and other.name not in _FOLDERS:
            left_out.note(fit.printable(other.name), is_folder=other.is_dir() and not other.is_symlink())


def _order(name: str) -> bool:
    return not name.startswith("conversations")


def _listed(document: object) -> list[object] | None:
    if isinstance(document, dict):
        inner = document.get("conversations")
        return inner if isinstance(inner, list) else [document]
    return document if isinstance(document, list) else None
