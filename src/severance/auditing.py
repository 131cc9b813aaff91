"""The part of a house that shows its audit log to the owner, and holds it against what witnesses have seen."""

from __future__ import annotations

from collections.abc import Iterable

from severance.audit.auditlog import AuditLog
from severance.audit.witness import show, witness_of
from severance.chip.chip import Chip
from severance.errors import InputError, StoreMissingError
from severance.model import AuditCheck, AuditEvent, moment

_MOST = 1_000_000
_PAGE = 1_024


class Auditing:
    """What a house tells of its own log."""

    _audit: AuditLog | None
    _chip: Chip

    def events(self, *, limit: int = 100, what: str | None = None) -> list[AuditEvent]:
        """The last entries of the audit log, the oldest first.

        Args:
            limit: how many at most, 1 to 1,000,000.
            what: only those of this kind, such as "crossed".

        Raises:
            InputError: the limit is none.
            StoreMissingError: the store is only read, and has no log open.
        """
        if not 0 < limit <= _MOST:
            raise InputError(f"a limit is from 1 to {_MOST:,}")
        audit, found = self._log(), list[AuditEvent]()
        after = audit.checkpoint()[0].size
        while after and len(found) < limit:
            first = max(0, after - max(limit, _PAGE))
            page = [
                AuditEvent(
                    number=number,
                    at=moment(event.at),
                    what=event.what,
                    subject=event.subject,
                    persona=event.persona,
                    place=event.place,
                    id=event.id,
                    detail=event.detail,
                )
                for number, event in audit.events(first, after)
                if what is None or event.what == what
            ]
            found, after = page + found, first
        return found[-limit:]

    def verify_audit(self, witnesses: Iterable[str] = ()) -> AuditCheck:
        """Compute the audit log's tree anew from every entry, and hold it against its checkpoint and against witnesses.

        A witness whose last checkpoint leads to the log as it is gets the newest one to keep.

        Args:
            witnesses: `file:PATH`, or `git:PATH` for a repository.

        Raises:
            InputError: a witness that cannot be meant.
            DamagedError: an entry was altered; or the log was cut or rewritten since the checkpoint that it, or a
                witness, has.
            StoreError: a witness cannot be reached; or the store is only read, and has no log open.
        """
        audit = self._log()
        specs = list(witnesses)
        asked = [witness_of(spec, self._chip.store.hex()) for spec in specs]
        checkpoint = audit.verify()
        _, note = audit.checkpoint()
        for witness in asked:
            show(witness, note, audit.goes_on_from)
        return AuditCheck(
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            at=moment(checkpoint.at),
            verifier=audit.verifier,
            witnesses=tuple(specs),
        )

    def _log(self) -> AuditLog:
        if self._audit is None:
            raise StoreMissingError("the audit log is not open, since the store may not be written; allow writing")
        return self._audit
