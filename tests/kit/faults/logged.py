"""Faults against what the audit log promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from kit import checks
from kit.faults.table import Patch, fault
from severance import house, refusals, store, telling
from severance.audit import auditlog, events, export, proofs
from severance.audit.auditlog import AuditLog
from severance.audit.events import What
from severance.crypto.envelope import Opener, SpaceKey
from severance.refusals import Refusals
from severance.upkeep import logs


@fault(checks.the_log_tells_and_hides)
def a_crossing_is_not_told(patch: Patch) -> None:
    true = AuditLog.tell_all

    def tell_all(self: AuditLog, what: What, each: Any) -> None:
        if what is not What.CROSSED:
            true(self, what, each)

    patch.setattr(AuditLog, "tell_all", tell_all)


@fault(checks.the_log_tells_and_hides)
def an_entry_is_not_sealed(patch: Patch) -> None:
    patch.setattr(auditlog, "sealed", lambda event, key, number, entropy: msgspec.msgpack.encode(event).ljust(400))
    patch.setattr(auditlog, "opened", lambda frame, opener, key, number: events._DECODER.decode(frame.rstrip()))


@fault(checks.the_log_tells_and_hides)
def a_refusal_names_who_would_wake_elsewhere(patch: Patch) -> None:
    true = AuditLog.tell_all

    def tell_all(self: AuditLog, what: What, each: Any) -> None:
        true(self, what, [{**told, "persona": "outie"} if what is What.REFUSED else told for told in each])

    patch.setattr(AuditLog, "tell_all", tell_all)


@fault(checks.a_log_that_was_taken_back_is_noticed)
def a_witness_takes_any_log(patch: Patch) -> None:
    patch.setattr(AuditLog, "goes_on_from", lambda self, note: None)


@fault(checks.a_log_that_was_cut_is_noticed_by_the_chip)
def the_chip_never_hears_of_the_log(patch: Patch) -> None:
    patch.setattr(AuditLog, "keep_head", lambda self: None)


@fault(checks.a_log_that_was_cut_is_noticed_by_the_chip)
def only_the_length_of_the_log_is_remembered(patch: Patch) -> None:
    true = AuditLog.holds

    def holds(self: AuditLog, size: int, top: bytes) -> None:
        true(self, size, proofs.root(self._log.node, 0, min(size, self.size())))

    patch.setattr(AuditLog, "holds", holds)


@fault(checks.a_log_that_was_cut_is_noticed_by_the_chip)
def a_log_that_is_not_there_is_begun(patch: Patch) -> None:
    true = store.open_audit

    def open_audit(directory: Any, chip: Any, clock: Any, entropy: Any) -> Any:
        if not (directory / store.AUDIT_NAME).exists():
            chip.keep_log_head(0, bytes(32), back=True)
        return true(directory, chip, clock, entropy)

    patch.setattr(house, "open_audit", open_audit)


@fault(checks.an_export_shows_what_is_in_the_log)
def an_export_is_not_held_against_its_proofs(patch: Patch) -> None:
    patch.setattr(proofs, "includes", lambda *given: True)


@fault(checks.an_export_shows_what_is_in_the_log)
def an_export_says_what_it_likes(patch: Patch) -> None:
    _reads_as(patch, "line", lambda written, read: True)


@fault(checks.an_export_is_what_the_log_wrote)
def an_entry_is_compared_by_what_it_reads_as(patch: Patch) -> None:
    _reads_as(patch, "line", lambda written, read: json.loads(written) == json.loads(read))


@fault(checks.an_export_is_what_the_log_wrote)
def a_header_names_whom_it_likes(patch: Patch) -> None:
    _reads_as(patch, "header", lambda written, read: True)


@fault(checks.an_export_shows_what_is_in_the_log)
def what_opens_an_entry_opens_the_log(patch: Patch) -> None:
    patch.setattr(auditlog, "disclosed", lambda key, frame: key.secret * 2)
    patch.setattr(export, "shown", lambda opens, frame, of, number: _of_key(opens[:32], frame, of, number))


@fault(checks.a_persona_is_shown_its_own_entries_only)
def a_persona_is_shown_what_its_subject_did(patch: Patch) -> None:
    patch.setattr(AuditLog, "own", _unchecked)


@fault(checks.a_persona_is_shown_its_own_entries_only)
def a_persona_is_shown_its_canaries(patch: Patch) -> None:
    patch.setattr(auditlog, "is_its_own", lambda event: event.persona is not None)


@fault(checks.a_persona_is_shown_its_own_entries_only)
def a_persona_sees_how_much_others_did(patch: Patch) -> None:
    true = telling.Own.events

    def numbered(self: Any, limit: int) -> Any:
        return true(self, limit)[: max(0, limit - self._audit.size())]

    patch.setattr(telling.Own, "events", numbered)


@fault(checks.a_restore_is_told)
def a_restored_store_hides_that_it_was(patch: Patch) -> None:
    true = AuditLog.tell_all

    def tell_all(self: AuditLog, what: What, each: Any) -> None:
        if what is not What.RESTORED:
            true(self, what, each)

    patch.setattr(AuditLog, "tell_all", tell_all)


@fault(checks.a_restore_is_told)
def a_restore_takes_the_log_back(patch: Patch) -> None:
    patch.setattr(logs, "_chosen", lambda kept, brought: "brought")


@fault(checks.strangers_are_told_or_counted)
def refusals_beyond_twenty_are_forgotten(patch: Patch) -> None:
    patch.setattr(Refusals, "_say", lambda self: self._counted.clear())


@fault(checks.strangers_are_told_or_counted)
def strangers_fill_the_log(patch: Patch) -> None:
    patch.setattr(refusals, "TOLD", 10**9)


@fault(checks.strangers_are_told_or_counted)
def alarms_hear_of_those_alone_who_have_an_entry(patch: Patch) -> None:
    patch.setattr(telling.Telling, "count", lambda self, what, event: None)


@fault(checks.strangers_are_told_or_counted)
def who_is_counted_rings_twice(patch: Patch) -> None:
    patch.setattr(telling.Telling, "sum_up", telling.Telling.tell)


@fault(checks.strangers_are_told_or_counted)
def who_holds_something_is_counted_with_strangers(patch: Patch) -> None:
    patch.setattr(Refusals, "tell", lambda self, told: self.stranger("permit"))


def _reads_as(patch: Patch, name: str, same: Callable[[bytes, bytes], bool]) -> None:
    """Lines of an export are the same as others when `same` says so."""
    true = getattr(export, name)

    class Written(bytes):
        def __ne__(self, other: object) -> bool:
            return not same(self, other) if isinstance(other, bytes) else True

        __hash__ = None  # type: ignore[assignment]

    patch.setattr(export, name, lambda *given: Written(true(*given)))


def _of_key(secret: bytes, frame: bytes, of: bytes, number: int) -> Any:
    key = SpaceKey(of, 0, secret)
    return events.opened(frame, Opener(key), key, number)


def _unchecked(self: Any, subject: str, persona: str, limit: int) -> Any:
    found = [event for _, event in self.events() if event.subject == subject and events.is_its_own(event)]
    return found[-limit:]
