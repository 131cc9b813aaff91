"""Backups: one uncompressed tar of the sealed files, with a manifest (docs/design/format.md, section 9)."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from severance.audit.auditlog import AuditLog
from severance.chip.chip import Chip
from severance.chip.rows import RowFile
from severance.crypto.rootkey import Key
from severance.disk.faults import from_system, present
from severance.disk.newfile import new_file, new_folder, sync_folder
from severance.errors import (
    DamagedError,
    InputError,
    NewerVersionError,
    RolledBackError,
    StoreError,
    StoreMissingError,
)
from severance.model import Head
from severance.ports import Clock, Entropy, Vault
from severance.space import Space
from severance.store import ASIDE, AUDIT_NAME, CHIP_NAME, VAULT_NAME, open_store, path_of
from severance.system import SystemClock, SystemEntropy
from severance.upkeep.aside import free_suffix
from severance.upkeep.logs import AUDIT_FILES, settle

FORMAT = 1
_MANIFEST = "manifest.json"
_MOST_MANIFEST = 65_536
_PIECE = 2**20
_MEMBERS = (VAULT_NAME, CHIP_NAME, AUDIT_NAME)
# The last two come from a header that says it goes on for longer than memory, or than 64 bits.
_NOT_A_BACKUP = (
    tarfile.TarError,
    msgspec.MsgspecError,
    KeyError,
    EOFError,
    ValueError,
    RecursionError,
    OverflowError,
    MemoryError,
)


class Member(msgspec.Struct, frozen=True):
    """One file in a backup."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself."""

    format: int
    store: str
    members: list[Member]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written or restored.

    Attributes:
        path: the file.
        size: its size in bytes.
        chip: whether the chip is in it.
    """

    path: Path
    size: int
    chip: bool


def back_up(vault: Vault, chip: Chip | None, audit: AuditLog | None, path: Path) -> Backup:
    """Write the vault, and the chip and the audit log if they are given, to a new file.

    The others are copied after the chip, so that nothing that it remembers in the backup is newer than they are.

    Raises:
        StoreError: the file exists, or cannot be written; nothing is left behind.
    """
    with _scratch(path) as scratch:
        copies: list[Path] = []
        if chip is not None:
            copies.append(Path(scratch, CHIP_NAME))
            chip.copy_to(copies[-1])
        copies.append(Path(scratch, VAULT_NAME))
        vault.copy_to(copies[-1])
        if audit is not None:
            copies.append(Path(scratch, AUDIT_NAME))
            audit.copy_to(copies[-1])
        manifest = Manifest(FORMAT, vault.store.hex(), [_member(copy) for copy in copies])
        with new_file(path) as part, tarfile.open(part, "w:", format=tarfile.USTAR_FORMAT) as tar:
            _add(tar, _MANIFEST, io.BytesIO(msgspec.json.encode(manifest)))
            for copy in copies:
                with copy.open("rb") as source:
                    _add(tar, copy.name, source)
    return Backup(path, path.stat().st_size, chip is not None)


def restore(
    file: str | os.PathLike[str],
    path: str | os.PathLike[str] = "~/.severance",
    *,
    key: Key = None,
    replace: bool = False,
    accept_older: bool = False,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
) -> Backup:
    """Put a backup in the place of a store. The audit log, which the store keeps where it can, tells of it.

    Args:
        file: the backup.
        path: the store's directory.
        key: the root key's source, as in `severance.open`; needed to check that the store opens.
        replace: whether a store that is there may be replaced; it is kept beside, with `.before-restore` in its name.
        accept_older: whether the chip's memory of newer records may be set back to what the vault has. Needed when the
            backup has no chip, or when its vault is older than the chip that stays.
        clock, entropy: as in `severance.open`.

    Raises:
        StoreMissingError: there is no such backup, or it has no chip and there is none to go with it.
        StoreError: a store is there, and `replace` was not said.
        DamagedError: the backup is not what was written.
        RolledBackError: the backup is older than the chip, and `accept_older` was not said; nothing was changed.
    """
    file, directory = path_of(file), path_of(path)
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory} is a file; a store is a directory, name another")
    if not file.is_file():
        raise StoreMissingError(f"there is no backup at {file}")
    occupied = [name for name in (VAULT_NAME, CHIP_NAME) if (directory / name).exists()]
    with _scratch(directory) as scratch:
        staged = Path(scratch, "store")
        staged.mkdir(mode=0o700)
        members = _unpack(file, staged)
        if VAULT_NAME in occupied and not replace:
            raise StoreError(f"there is a store at {directory}; pass --replace to put the backup in its place")
        if CHIP_NAME not in members:
            if CHIP_NAME not in occupied:
                raise StoreMissingError(f"the backup has no chip, and there is none at {directory} to go with it")
            with closing(RowFile.open(directory / CHIP_NAME)) as chip:
                chip.copy_to(staged / CHIP_NAME)
        ports = clock or SystemClock(), entropy or SystemEntropy()
        _prove(staged, directory, key, *ports, accept_older=accept_older)
        _exchange(staged, directory)
    return Backup(file, file.stat().st_size, CHIP_NAME in members)


def _prove(staged: Path, directory: Path, key: Key, clock: Clock, entropy: Entropy, *, accept_older: bool) -> None:
    """Open the staged store with the key, and hold every log against the chip before anything is put in place.

    Then it gets its audit log, which tells that it was restored.
    """
    vault, chip = open_store(staged, key=key, create=False, entropy=entropy, home=directory)
    try:
        for subject in chip.subjects():
            for persona in chip.personas(subject.name):
                space = Space(vault, chip.key(persona), entropy)
                anchor = chip.anchor(space.key)
                if accept_older and vault.head(space.key.space).seq < anchor.seq:
                    space.read_on()
                    chip.set_anchor(space.key, space.head, back=True)
                else:
                    _hold_against(space, anchor)
        settle(staged, directory, chip, clock, entropy)
    finally:
        chip.close()
        vault.close()


def _hold_against(space: Space, anchor: Head) -> None:
    try:
        space.read_on(anchor)
    except RolledBackError as problem:
        raise RolledBackError(
            "the backup is older than what the chip remembers, and nothing was changed; pass --accept-older "
            "(accept_older=True) to give up what was remembered since",
            space=problem.space,
            record=problem.record,
        ) from None


def _exchange(staged: Path, directory: Path) -> None:
    new_folder(directory)
    names = (VAULT_NAME, f"{VAULT_NAME}-wal", f"{VAULT_NAME}-shm", CHIP_NAME, f"{CHIP_NAME}-journal", *AUDIT_FILES)
    aside = free_suffix(directory, names, ASIDE)
    moves = [(directory / name, directory / f"{name}{aside}") for name in names]
    moves += [(staged / name, directory / name) for name in (AUDIT_NAME, CHIP_NAME, VAULT_NAME)]
    done: list[tuple[Path, Path]] = []
    try:
        for old, new in moves:
            if old.exists():
                old.replace(new)
                done.append((old, new))
                # One after the other: a power cut must not leave the vault without its log, or with another's chip.
                sync_folder(directory)
    except OSError as error:  # such as on Windows, where a file that another process has open cannot be renamed
        for was, now in reversed(done):
            with suppress(OSError):
                now.replace(was)
        raise from_system(error, old) from error


def _unpack(file: Path, into: Path) -> set[str]:
    try:
        with tarfile.open(file, "r:") as tar:
            manifest = _manifest(tar)
            for member in manifest.members:
                _extract(tar, member, into / member.name)
    except _NOT_A_BACKUP:
        raise DamagedError(f"{file.name} is not a backup, or was cut short; take another") from None
    except OSError as error:
        raise from_system(error, into) from error
    names = {member.name for member in manifest.members}
    if VAULT_NAME not in names:
        raise DamagedError(f"{file.name} has no vault in it; take another backup")
    return names


def _manifest(tar: tarfile.TarFile) -> Manifest:
    manifest = msgspec.json.decode(_file_in(tar, _MANIFEST, _MOST_MANIFEST).read(_MOST_MANIFEST), type=Manifest)
    if manifest.format != FORMAT:
        raise NewerVersionError(f"the backup is of format {manifest.format}; use the Severance that wrote it")
    if any(member.name not in _MEMBERS for member in manifest.members):
        raise DamagedError("the backup names files that no store has; nothing was unpacked, take another")
    return manifest


def _extract(tar: tarfile.TarFile, member: Member, target: Path) -> None:
    source = _file_in(tar, member.name, member.size)
    digest, left = hashlib.sha256(), member.size
    with target.open("xb") as out:
        target.chmod(0o600)
        while piece := source.read(_PIECE):
            digest.update(piece)
            left -= len(piece)
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    if left != 0 or digest.hexdigest() != member.sha256:
        raise DamagedError(f"{member.name} in the backup is not what was written; take another backup")


def _file_in(tar: tarfile.TarFile, name: str, most: int) -> IO[bytes]:
    """A plain file in the tar, of at most `most` bytes: no link, no device, nothing that unpacks to more than it is.

    Raises:
        KeyError: there is none.
    """
    info = tar.getmember(name)
    source = tar.extractfile(info) if info.isreg() and not info.issparse() and info.size <= most else None
    if source is None:
        raise KeyError(name)
    return source


def _member(file: Path) -> Member:
    with file.open("rb") as source:
        return Member(file.name, file.stat().st_size, hashlib.file_digest(source, "sha256").hexdigest())


def _add(tar: tarfile.TarFile, name: str, source: io.BufferedIOBase) -> None:
    info = tarfile.TarInfo(name)
    # No time, no user and no host of this machine goes along.
    info.mode, info.mtime = 0o600, 0
    info.size = source.seek(0, io.SEEK_END)
    source.seek(0)
    tar.addfile(info, source)


@contextmanager
def _scratch(path: Path) -> Iterator[str]:
    """A folder on the same disk as `path`, so that what is made in it can take its place by renaming.

    Raises:
        StoreError: in place of any `OSError` of the block.
    """
    try:
        # What was made is made, also where its scratch cannot be cleared away.
        with tempfile.TemporaryDirectory(prefix=".severance-", dir=_folder(path), ignore_cleanup_errors=True) as folder:
            yield folder
    except OSError as error:
        raise from_system(error, path) from error


def _folder(path: Path) -> Path:
    folder = path.absolute().parent
    while not present(folder) and folder != folder.parent:
        folder = folder.parent
    return folder
