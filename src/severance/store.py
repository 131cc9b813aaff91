"""A store is a directory with a vault and a chip. Here they are made, found and opened together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from severance.audit.auditlog import AuditKeys, AuditLog, Signature
from severance.audit.events import Happened, What, kind_of
from severance.audit.log import LogFile
from severance.audit.proofs import EMPTY_ROOT
from severance.chip.chip import Chip
from severance.chip.gate import Gate
from severance.chip.rows import RowFile
from severance.chip.tokens import Tokens
from severance.crypto.envelope import SPACE_BYTES
from severance.crypto.rootkey import Key, for_new_store, for_store
from severance.disk.faults import from_system, present
from severance.disk.newfile import new_folder
from severance.errors import (
    DamagedError,
    InputError,
    NotFoundError,
    StoreError,
    StoreMissingError,
    StoreReadOnlyError,
)
from severance.ports import Clock, Entropy, Vault
from severance.vault.sqlite import SqliteVault

VAULT_NAME = "vault.db"
CHIP_NAME = "chip.db"
AUDIT_NAME = "audit.db"
ASIDE = ".before-restore"
"""What a restore adds to the names of the files that were there; a number follows where that is taken."""

_SCOPE = b"store"


def path_of(path: object) -> Path:
    """A path as it was meant: a `~` at its beginning is the user's home.

    Raises:
        InputError: it cannot be one, or begins with the `~` of a user who is not known here.
    """
    if isinstance(path, str) and "://" in path:
        raise InputError("a store is a directory; addresses of other kinds of storage are not understood yet")
    if not isinstance(path, (str, os.PathLike)) or path == "":
        raise InputError("a path is text that is not empty")
    try:
        found = Path(path).expanduser()
        possible = b"\0" not in os.fsencode(found)
    except (RuntimeError, ValueError):
        possible = False
    if not possible:
        raise InputError("a path holds what none can hold, or begins with the ~ of nobody here; write it out")
    return found


def open_store(
    directory: Path, *, key: Key, create: bool, entropy: Entropy, home: Path | None = None
) -> tuple[Vault, Chip]:
    """Open the store in `directory`; make it if there is none and `create` says so.

    `home` is where the store will stand, when it is opened elsewhere first; a key file is looked for from there.

    Raises:
        StoreMissingError: there is none, or one of its two files is not there.
        KeyMissingError, WrongKeyError: no root key, or another store's.
        StoreError, DamagedError: it cannot serve, or is not what was written.
    """
    directory = directory.absolute()
    vault_path, chip_path = directory / VAULT_NAME, directory / CHIP_NAME
    try:
        there = vault_path.exists(), chip_path.exists()
    except OSError as error:
        raise StoreError(f"the store {directory} may not be read ({error.strerror}); ask for access to it") from None
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory} is a file; a store is a directory, name another")
    if not any(there):
        if not create:
            raise StoreMissingError(f"there is no store at {directory}; make one with `severance init`")
        if any(directory.glob(f"{VAULT_NAME}{ASIDE}*")):
            raise StoreMissingError(
                f"a restore was cut off in {directory}; restore once more, or take {ASIDE} off the names of the files"
            )
        try:
            key = _make(directory, key, entropy)  # and is not asked for again
        except StoreError:
            if not (vault_path.exists() and chip_path.exists()):
                raise  # else another process was making it at the same time
    if not vault_path.exists():
        raise StoreMissingError(f"the vault is not in {directory}; put {VAULT_NAME} back, or restore a backup")
    try:
        return _open(directory, home or directory, key, entropy, readonly=False)
    except StoreReadOnlyError:
        return _open(directory, home or directory, key, entropy, readonly=True)


def check_there(directory: Path) -> None:
    """Refuse where there is no store.

    Raises:
        StoreMissingError: no chip is there.
    """
    if not present(directory / CHIP_NAME):
        raise StoreMissingError(f"there is no store at {directory}; make one with `severance init`")


def root_key(directory: Path, key: Key) -> bytes:
    """The root key that `open_store` would open this store with; whether it is the right one only opening tells.

    Raises:
        StoreMissingError, StoreError, DamagedError: there is no chip that says where its key is from.
        KeyMissingError: no root key.
    """
    directory = directory.absolute()
    check_there(directory)
    rows = RowFile.open(directory / CHIP_NAME, readonly=True)
    try:
        return _key_of(rows, directory, key)
    finally:
        rows.close()


def open_audit(directory: Path, chip: Chip, clock: Clock, entropy: Entropy) -> AuditLog | None:
    """Open the audit log of an open store, and begin one where there never was any. None in a store that is only read.

    Raises:
        StoreError: it is another store's, or cannot serve.
        DamagedError: it is not what was written, or was cut or rewritten since the chip last heard of it.
    """
    if chip.readonly:
        return None
    size, root = chip.log_head() or (0, EMPTY_ROOT)
    if not present(directory.absolute() / AUDIT_NAME):
        if size:
            raise DamagedError(
                f"the audit log is not in {directory}, and the chip remembers {size:,} entries; put {AUDIT_NAME} "
                "back, or accept that it is gone with `severance audit accept`"
            )
        begin_audit(directory, chip, clock)
    audit = audit_in(directory, chip, clock, entropy)
    try:
        audit.holds(size, root)
        if (now := audit.size()) > size:
            _revoke_again(audit.events(size, now), chip, clock, entropy)
            audit.keep_head()
    except DamagedError as problem:
        audit.close()
        raise DamagedError(f"{problem}; put the right one back, or accept it with `severance audit accept`") from None
    except BaseException:
        audit.close()
        raise
    return audit


def _revoke_again(events: Iterable[tuple[int, Happened]], chip: Chip, clock: Clock, entropy: Entropy) -> None:
    """End what these entries say was revoked: the chip may be older, or a process was killed in between."""
    gate = Gate(chip, clock, entropy)
    revoking: dict[str, Callable[[str], None]] = {
        What.PERMIT_REVOKED: gate.revoke,
        What.CREDENTIAL_REVOKED: gate.revoke,
        What.TOKEN_REVOKED: Tokens(chip, gate, entropy).revoke,
    }
    for _, event in events:
        revoke = revoking.get(kind_of(event))
        if revoke is not None and event.id is not None:
            with suppress(NotFoundError):
                revoke(event.id)


def begin_audit(directory: Path, chip: Chip, clock: Clock) -> None:
    """Make an audit log without entries, if none is there.

    Raises:
        StoreError: it cannot be made.
    """
    path, keys = directory.absolute() / AUDIT_NAME, AuditKeys(*chip.audit_keys())
    try:
        LogFile.create(path, chip.store, Signature(chip.store, keys.sign, clock.now)).close()
    except StoreError:
        if not present(path):
            raise  # else another process was making it at the same time


def audit_in(directory: Path, chip: Chip, clock: Clock, entropy: Entropy, name: str = AUDIT_NAME) -> AuditLog:
    """Open the audit log of an open store, whatever the chip remembers of it.

    Raises:
        StoreMissingError: there is none.
        StoreError, DamagedError: it is another store's, cannot serve, or is none.
    """
    log = LogFile.open(directory.absolute() / name)
    if log.store != chip.store:
        log.close()
        raise StoreError(f"the audit log in {directory} belongs to another store; put back the right one")
    return AuditLog(log, AuditKeys(*chip.audit_keys()), clock, entropy, chip.keep_log_head)


def _open(directory: Path, home: Path, key: Key, entropy: Entropy, *, readonly: bool) -> tuple[Vault, Chip]:
    vault = SqliteVault.open(directory / VAULT_NAME, readonly=readonly)
    try:
        rows = _chip_file(directory, vault, key, entropy, readonly=readonly)
        try:
            if rows.store != vault.store:
                raise StoreError(
                    f"the chip and the vault in {directory} belong to different stores; put back the right one"
                )
            return vault, Chip(rows, _key_of(rows, home, key), entropy)
        except BaseException:
            rows.close()
            raise
    except BaseException:
        vault.close()
        raise


def _make(directory: Path, key: Key, entropy: Entropy) -> bytes:
    store = entropy.draw(SPACE_BYTES, _SCOPE)
    # The key first: without one, nothing is left behind. The vault next, the chip last: see `_chip_file`.
    root_key, record = for_new_store(key, store=store, directory=directory, entropy=entropy, environ=os.environ)
    try:
        new_folder(directory)
    except OSError as error:
        kind = type(from_system(error, directory))
        raise kind(f"the directory {directory} cannot be made ({error.strerror}); name another with --store") from None
    SqliteVault.new(directory / VAULT_NAME, store).close()
    _make_chip(directory, store, root_key, msgspec.json.encode(record), entropy)
    return root_key


def _make_chip(directory: Path, store: bytes, root_key: bytes, record: bytes, entropy: Entropy) -> None:
    first = Chip.first_row(store, root_key, entropy)
    RowFile.create(directory / CHIP_NAME, store, record, first).close()


def _chip_file(directory: Path, vault: Vault, key: Key, entropy: Entropy, *, readonly: bool) -> RowFile:
    path = directory / CHIP_NAME
    if not path.exists() and not readonly and not vault.spaces():
        # A store whose making was cut off between its two files: nothing is in it yet, so finish it.
        root_key, record = for_new_store(
            key, store=vault.store, directory=directory, entropy=entropy, environ=os.environ
        )
        _make_chip(directory, vault.store, root_key, msgspec.json.encode(record), entropy)
    return RowFile.open(path, readonly=readonly)


def _key_of(rows: RowFile, home: Path, key: Key) -> bytes:
    recorded = _recorded(rows.key_source, needed=key is None)
    return for_store(key, recorded, store=rows.store, directory=home, environ=os.environ)


def _recorded(raw: bytes, *, needed: bool) -> dict[str, object]:
    try:
        return msgspec.json.decode(raw, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # also for what is not UTF-8, or nested deeply
        if not needed:
            return {}
        raise DamagedError("the chip's record of where its root key comes from was altered; pass --key") from None
