"""What becomes of the audit log when a store is restored, and when its owner accepts that it was cut.

Whatever becomes of it, the log that goes on says so in its next entry, and the chip remembers that one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from severance.audit.auditlog import AuditLog
from severance.audit.events import What
from severance.audit.export import MOST_LINE, verified
from severance.audit.witness import Witness, witness_of
from severance.chip.chip import Chip
from severance.crypto.rootkey import Key
from severance.disk.faults import from_system, present
from severance.disk.newfile import sync_folder
from severance.errors import DamagedError, StoreError, StoreReadOnlyError
from severance.model import AuditAccepted, ExportCheck, moment
from severance.ports import Clock, Entropy
from severance.store import AUDIT_NAME, audit_in, begin_audit, open_store, path_of
from severance.system import SystemClock, SystemEntropy
from severance.upkeep.aside import free_suffix

AUDIT_FILES = (AUDIT_NAME, f"{AUDIT_NAME}-wal", f"{AUDIT_NAME}-shm")
_ASIDE = ".before-accept"
_KEPT = "kept.db"


def settle(staged: Path, directory: Path, chip: Chip, clock: Clock, entropy: Entropy) -> None:
    """Choose the log of a store that is being restored, and tell it that it is. It is then in `staged`.

    The log in the place of the store is kept where it goes on from that of the backup: what happened since has
    happened. Otherwise the backup's is taken, and where it has none, one begins.

    Args:
        staged: where the restored store is put together; the backup's log is there, if it has one.
        directory: where the store will be.
        chip: the chip that the restored store will have.
        clock, entropy: what an entry is made with.
    """
    kept = _whole_copy(staged, directory, chip, clock, entropy)
    brought = _whole(staged, AUDIT_NAME, chip, clock, entropy)
    which = _chosen(kept, brought)
    for log in (kept, brought):
        if log is not None:
            log.close()
    if which == "kept":
        (staged / AUDIT_NAME).unlink(missing_ok=True)
        (staged / _KEPT).rename(staged / AUDIT_NAME)
    elif which == "begun":
        (staged / AUDIT_NAME).unlink(missing_ok=True)
        begin_audit(staged, chip, clock)
    with closing(audit_in(staged, chip, clock, entropy)) as audit:
        audit.tell(What.RESTORED, detail={"log": which})
        _remember(chip, audit)
    (staged / _KEPT).unlink(missing_ok=True)


def accept_audit(
    path: str | os.PathLike[str] = "~/.severance",
    *,
    key: Key = None,
    witnesses: Iterable[str] = (),
    clock: Clock | None = None,
    entropy: Entropy | None = None,
) -> AuditAccepted:
    """Accept that the audit log is not what the chip, or a witness, remembers, so that the store opens again.

    Where it is whole by itself, it goes on from where it ends; otherwise it is put aside with `.before-accept` in its
    name, and one begins. Either way its next entry tells of this, and of how many entries the chip remembered. Nothing
    is done where nothing is wrong.

    Args:
        path: the store's directory.
        key: the root key's source, as in `severance.open`.
        witnesses: who is to forget what it has seen, where the log does not go on from that, and keep the log as it is:
            as in `House.verify_audit`.
        clock, entropy: as in `severance.open`.

    Raises:
        InputError: a witness that cannot be meant.
        StoreMissingError, KeyMissingError, WrongKeyError: as `severance.open`.
        StoreError: the store may not be written, or cannot serve.
    """
    directory, clock, entropy = path_of(path).absolute(), clock or SystemClock(), entropy or SystemEntropy()
    vault, chip = open_store(directory, key=key, create=False, entropy=entropy)
    with closing(vault), closing(chip):
        if chip.readonly:
            raise StoreReadOnlyError(f"the store in {directory} may not be written; accept where it may")
        asked = [witness_of(spec, chip.store.hex()) for spec in witnesses]
        audit, accepted = _made_whole(directory, chip, clock, entropy)
        with closing(audit):
            told = [_convince(witness, audit, chip) for witness in asked]
        return replace(accepted, changed=accepted.changed or any(told))


def _made_whole(directory: Path, chip: Chip, clock: Clock, entropy: Entropy) -> tuple[AuditLog, AuditAccepted]:
    """A log that the chip agrees with, and what became of the one that was there."""
    remembered, root = chip.log_head() or (0, b"")
    audit = _whole(directory, AUDIT_NAME, chip, clock, entropy)
    if audit is not None and _agrees(audit, remembered, root):
        size = audit.size()
        return audit, AuditAccepted(entries=size, remembered=remembered, begun=False, aside=False, changed=False)
    found, begun, aside = (0, True, False) if audit is None else (audit.size(), False, False)
    if audit is None:
        aside = _put_aside(directory)
        begin_audit(directory, chip, clock)
        audit = audit_in(directory, chip, clock, entropy)
    try:
        _accept(audit, chip, found=found, remembered=remembered)
    except BaseException:
        audit.close()
        raise
    return audit, AuditAccepted(entries=found, remembered=remembered, begun=begun, aside=aside, changed=True)


def _accept(audit: AuditLog, chip: Chip, **detail: int) -> None:
    audit.tell(What.AUDIT_ACCEPTED, detail=detail)
    _remember(chip, audit)


def _convince(witness: Witness, audit: AuditLog, chip: Chip) -> bool:
    """Let a witness keep the log as it is. Whether it has seen another one; the log tells of that."""
    last, convinced = witness.last(), False
    if last is not None:
        try:
            audit.goes_on_from(last)
        except DamagedError:
            _accept(audit, chip, found=audit.size(), witnesses=1)
            convinced = True
    witness.keep(audit.checkpoint()[1])
    return convinced


def verify_export(path: str | os.PathLike[str], *, verifier: str | None = None) -> ExportCheck:
    """Verify what `House.export_audit` wrote. Neither the store nor a key is needed.

    Args:
        path: the file.
        verifier: the key that the log's checkpoints are signed with, as its owner published it. Without it, the one
            that the file itself names is taken: whoever wrote the file could have named their own.

    Raises:
        InputError: it is no such file, or the key is none.
        DamagedError: an entry, or the checkpoint, is not that of the log.
        StoreError: the file cannot be read.
    """
    path = path_of(path)
    try:
        with path.open("rb") as file:
            found = verified(iter(partial(file.readline, MOST_LINE + 1), b""), verifier)
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror or 'I/O error'}); name the right file") from None
    return ExportCheck(
        entries=found.entries,
        size=found.checkpoint.size,
        root=found.checkpoint.root.hex(),
        at=moment(found.checkpoint.at),
        verifier=found.verifier,
        known=verifier is not None,
    )


def _whole(directory: Path, name: str, chip: Chip, clock: Clock, entropy: Entropy) -> AuditLog | None:
    """The log by this name, when it is this house's and is what was written; None where it is not."""
    if not present(directory / name):
        return None
    with suppress(DamagedError, StoreError):
        audit = audit_in(directory, chip, clock, entropy, name)
        try:
            audit.verify()
        except BaseException:
            audit.close()
            raise
        return audit
    return None


def _whole_copy(staged: Path, directory: Path, chip: Chip, clock: Clock, entropy: Entropy) -> AuditLog | None:
    """A copy of the log that is in the place of the store, as `_whole`; the log itself stays as it is."""
    if not present(directory / AUDIT_NAME):
        return None
    with suppress(DamagedError, StoreError):
        with closing(audit_in(directory, chip, clock, entropy)) as audit:
            audit.copy_to(staged / _KEPT)
        return _whole(staged, _KEPT, chip, clock, entropy)
    return None


def _chosen(kept: AuditLog | None, brought: AuditLog | None) -> str:
    if kept is not None and (brought is None or _agrees(kept, brought.size(), brought.checkpoint()[0].root)):
        return "kept"
    return "begun" if brought is None else "brought"


def _agrees(audit: AuditLog, size: int, root: bytes) -> bool:
    """Whether a log goes on from so many entries under this root."""
    try:
        audit.holds(size, root)
    except DamagedError:
        return False
    return True


def _remember(chip: Chip, audit: AuditLog) -> None:
    checkpoint, _ = audit.checkpoint()
    chip.keep_log_head(checkpoint.size, checkpoint.root, back=True)


def _put_aside(directory: Path) -> bool:
    """Whether there was something to put aside, which is done."""
    there = [name for name in AUDIT_FILES if (directory / name).exists()]
    suffix = free_suffix(directory, AUDIT_FILES, _ASIDE)
    try:
        for name in there:
            (directory / name).replace(directory / f"{name}{suffix}")
        sync_folder(directory)
    except OSError as error:
        raise from_system(error, directory) from error
    return bool(there)
