"""The part of a house that shows its audit log to the owner, and holds it against what witnesses have seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import BinaryIO

from severance.asking import When, check_whole, filter_of
from severance.audit.auditlog import AuditLog
from severance.audit.events import UNREADABLE, Happened, What
from severance.audit.witness import show, witness_of
from severance.chip.chip import Chip
from severance.errors import DamagedError, InputError
from severance.model import AuditCheck, AuditCheckpoint, AuditEvent, moment
from severance.telling import no_log

_MOST = 1_000_000
_PAGE = 1_024


class Auditing:
    """What a house tells of its own log."""

    _audit: AuditLog | None
    _chip: Chip

    def events(
        self,
        *,
        limit: int = 100,
        after: int | None = None,
        what: str | None = None,
        since: When = None,
        until: When = None,
    ) -> list[AuditEvent]:
        """The last entries of the audit log, or the first after one of them; the oldest first.

        Args:
            limit: how many at most, 1 to 1,000,000.
            after: the number of an entry, -1 for the beginning: those that follow it, and not the last.
            what: only those of this kind, such as "crossed".
            since, until: bounds on when it was, both inclusive.

        Raises:
            InputError: an argument cannot be meant.
            StoreMissingError: the store is only read, and has no log open.
        """
        check_whole(limit, "the limit", 1, _MOST)
        wanted, audit, found = _wanted(what, since, until), self._log(), list[AuditEvent]()
        if after is not None:
            check_whole(after, "the number of an entry", -1, 2**63 - 1)
            follow = (_told(*each) for each in audit.events(after + 1) if wanted(each[1]))
            return list(islice(follow, limit))
        end = audit.size()
        while end and len(found) < limit:
            first = max(0, end - max(limit, _PAGE))
            found = [_told(*each) for each in audit.events(first, end) if wanted(each[1])] + found
            end = first
        return found[-limit:]

    def audit_checkpoint(self) -> AuditCheckpoint:
        """The audit log's last checkpoint, which stands for all that is in it. `verify_audit` looks whether it does.

        Raises:
            StoreMissingError: the store is only read, and has no log open.
        """
        audit = self._log()
        checkpoint, note = audit.checkpoint()
        return AuditCheckpoint(
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            at=moment(checkpoint.at),
            verifier=audit.verifier,
            note=note,
        )

    def export_audit(self, out: BinaryIO, *, what: str | None = None, since: When = None, until: When = None) -> int:
        """Write entries of the audit log so that anybody can verify them, without the store and without a key.

        What they say is not sealed there. Nothing else of the log can be read with it. Returns how many there are.

        Args:
            out: a binary file.
            what, since, until: as in `events`; a part of the log can be verified as well as all of it.

        Raises:
            InputError: an argument cannot be meant.
            StoreMissingError: the store is only read, and has no log open.
        """
        lines = 0
        for lines, line in enumerate(self._log().exported(_wanted(what, since, until))):  # noqa: B007 - the header is no entry
            out.write(line)
        return lines

    def verify_audit(self, witnesses: Iterable[str] = (), *, known: bool = False) -> AuditCheck:
        """Compute the audit log's tree anew from every entry, and hold it against its checkpoint and against witnesses.

        A witness whose last checkpoint leads to the log as it is gets the newest one to keep.

        Args:
            witnesses: `file:PATH`, `git:PATH` for a repository, or `https://...` (http to this machine only).
            known: whether each witness must have a checkpoint already; a file that was removed has none.

        Raises:
            InputError: a witness that cannot be meant.
            DamagedError: an entry was altered; or the log was cut or rewritten since the checkpoint that it, or a
                witness, has; or a witness has none, and was to have.
            StoreError: a witness cannot be reached; or the store is only read, and has no log open.
        """
        audit = self._log()
        specs = list(witnesses)
        asked = [witness_of(spec, self._chip.store.hex()) for spec in specs]
        (checkpoint, note), new = audit.verified(), list[str]()
        for spec, witness in zip(specs, asked, strict=True):
            try:
                if not show(witness, note, audit.goes_on_from, known=known):
                    new.append(spec)
            except DamagedError as problem:
                raise DamagedError(f"{problem}{_because(audit)}") from None
        return AuditCheck(
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            at=moment(checkpoint.at),
            verifier=audit.verifier,
            witnesses=tuple(specs),
            new=tuple(new),
        )

    def _log(self) -> AuditLog:
        if self._audit is None:
            raise no_log()
        return self._audit


def _wanted(what: str | None, since: When, until: When) -> Callable[[Happened], bool]:
    if what not in (None, UNREADABLE, *What):
        raise InputError(f"there is no entry of that kind; there are {', '.join(What)} and {UNREADABLE}")
    chosen = filter_of(since, until, None, None, None)
    first = 0 if chosen.since is None else chosen.since
    last = chosen.until
    return lambda event: (
        (what is None or event.what == what) and first <= event.at and (last is None or event.at <= last)
    )


def _told(number: int, event: Happened) -> AuditEvent:
    return AuditEvent(
        number=number,
        at=moment(event.at),
        what=event.what,
        subject=event.subject,
        persona=event.persona,
        place=event.place,
        id=event.id,
        detail=event.detail,
    )


def _because(audit: AuditLog) -> str:
    """What else a log that does not go on from what a witness has seen should be told with: that it was put back."""
    last = None
    for number, event in audit.events():
        if event.what in (What.RESTORED, What.AUDIT_ACCEPTED):
            last = number, event
    if last is None:
        return ""
    number, event = last
    why = "the store was restored from a backup" if event.what == What.RESTORED else "it was accepted as it is"
    return (
        f"; its entry {number} tells that {why} at {moment(event.at):%Y-%m-%d %H:%M} UTC: if that is the reason, say "
        "so with `severance audit accept --witness`"
    )
