"""Faults against what permits and place credentials promise."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from kit import checks
from kit.faults.table import Patch, fault
from severance import admitted
from severance.admitted import NEEDS, Need
from severance.chip import permits
from severance.chip.gate import Admission, Gate
from severance.chip.permits import Issuer, Permit
from severance.chip.register import CredentialRow, PermitRow
from severance.mind import views


@fault(checks.permits_open_what_they_say)
def revocation_is_not_looked_at(patch: Patch) -> None:
    true = Gate.looked_up

    def looked_up(self: Gate, like: Any, rows: Any) -> Any:
        found = true(self, like, rows)
        return replace(found, ended=None) if isinstance(found, PermitRow) else found

    patch.setattr(Gate, "looked_up", looked_up)


@fault(checks.permits_open_what_they_say)
def an_end_is_not_looked_at(patch: Patch) -> None:
    true = Permit.allows
    patch.setattr(Permit, "allows", lambda self, act: true(self, permits.Act(0, act.right, act.thread, act.tool)))
    patch.setattr(Gate, "now", lambda self, rows=None, at=None: 0)


@fault(checks.permits_open_what_they_say)
def the_permit_of_another_house_is_believed(patch: Patch) -> None:
    def read(self: Issuer, text: str) -> Permit:
        said = permits._said(permits._parsed(text, None)[0])
        return Permit(bytes(16), bytes(16), said.grant.rights, said.grant.until, said.taken)

    patch.setattr(Issuer, "read", read)


@fault(checks.permits_open_what_they_say)
def the_beginning_of_a_secret_is_enough(patch: Patch) -> None:
    true = Gate._proof
    patch.setattr(Gate, "_proof", lambda self, name, secret: true(self, name, secret[:16]))


@fault(checks.permits_open_what_they_say)
def a_clock_that_is_set_back_opens_again(patch: Patch) -> None:
    patch.setattr(Gate, "now", lambda self, rows=None, at=None: self.time())
    patch.setattr(Gate, "seen", lambda self, now, row=None, at=None: None)


@fault(checks.permits_open_what_they_say)
def a_revoked_permit_is_forgotten_and_not_kept(patch: Patch) -> None:
    patch.setattr(Gate, "revoke", lambda self, given: None)


def _without(patch: Patch, **needs: Need) -> None:
    patch.setattr(admitted, "NEEDS", MappingProxyType({**NEEDS, **needs}))
    patch.setattr(admitted, "_asking", admitted._asking.__wrapped__)


@fault(checks.admitted_sessions_keep_to_their_permit)
def rights_are_not_looked_at_for_history(patch: Patch) -> None:
    _without(patch, history=Need(NEEDS["history"].right, lambda asked: asked.done()))


@fault(checks.admitted_sessions_keep_to_their_permit)
def rights_are_not_looked_at_for_stats(patch: Patch) -> None:
    _without(patch, stats=Need(NEEDS["stats"].right, lambda asked: asked.done()))


@fault(checks.admitted_sessions_keep_to_their_permit)
def the_next_page_of_a_list_is_of_any_thread(patch: Patch) -> None:
    reads = {name: Need(need.right, lambda asked: asked.done()) for name, need in admitted.READS.items()}
    patch.setattr(admitted, "READS", reads)
    patch.setattr(admitted, "_asking", admitted._asking.__wrapped__)


@fault(checks.admitted_sessions_keep_to_their_permit)
def the_place_in_a_list_is_looked_for_in_every_thread(patch: Patch) -> None:
    true = views.behind
    patch.setattr(views, "behind", lambda memories, rows, mark, thread: true(memories, rows, mark, None))


@fault(checks.admitted_sessions_keep_to_their_permit)
def a_memory_names_others_of_any_thread(patch: Patch) -> None:
    patch.setattr(admitted._Asked, "shown", lambda self, memory: memory)


@fault(checks.admitted_sessions_keep_to_their_permit)
def forgetting_asks_for_the_right_to_send(patch: Patch) -> None:
    _without(patch, forget=Need(permits.Right.SEND, NEEDS["forget"].checked))


@fault(checks.admitted_sessions_keep_to_their_permit)
def a_memory_is_shown_from_any_thread(patch: Patch) -> None:
    def checked(asked: Any) -> Any:
        asked.require_right()
        return asked.done()

    _without(patch, get=Need(NEEDS["get"].right, checked))


@fault(checks.admitted_sessions_keep_to_their_permit)
def a_memory_is_forgotten_in_any_thread(patch: Patch) -> None:
    def checked(asked: Any) -> Any:
        asked.require_right()
        return asked.done()

    _without(patch, forget=Need(NEEDS["forget"].right, checked))


@fault(checks.admitted_sessions_keep_to_their_permit)
def an_open_session_outlives_its_revocation(patch: Patch) -> None:
    patch.setattr(Admission, "_look", lambda self, *, anew: None)


@fault(checks.admitted_sessions_keep_to_their_permit)
def an_open_session_outlives_its_end(patch: Patch) -> None:
    true = Admission.__init__

    def init(self: Admission, gate: Any, chip: Any, row: PermitRow | CredentialRow, *given: Any) -> None:
        true(self, gate, chip, row, *given)
        self._end = None

    patch.setattr(Admission, "__init__", init)
