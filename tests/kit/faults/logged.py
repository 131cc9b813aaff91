"""Faults against what the audit log promises."""

from __future__ import annotations

from typing import Any

import msgspec

from kit import checks
from kit.faults.table import Patch, fault
from severance.audit import auditlog, events
from severance.audit.auditlog import AuditLog
from severance.audit.events import What


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
