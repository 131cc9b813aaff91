"""Faults against what overrides promise."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kit import checks
from kit.faults.table import Patch, fault
from severance import overriding, wishing
from severance.audit.events import What
from severance.chip.gate import Gate
from severance.chip.override import desk, escrow, state, texts, wishes
from severance.chip.override.desk import Desk
from severance.chip.override.held import Held
from severance.chip.override.state import Override
from severance.chip.register import AnswerForm
from severance.crypto.rootkey import keyfile
from severance.errors import OverrideError
from severance.house import House
from severance.model import Persona
from severance.session import Session
from severance.telling import Telling


def _with_its_key_row(self: Desk, found: Override, key: Any) -> Any:
    return self._chip.key(Persona(found.request.subject, found.request.persona))


def _judging(patch: Patch, forgiven: str) -> None:
    """Answers are not refused for this reason any more."""
    true = Desk.judge

    def judge(self: Desk, answer: Any, found: Override, now: int, rows: Any = None) -> AnswerForm:
        try:
            return true(self, answer, found, now, rows)
        except OverrideError as error:
            if error.why != forgiven:
                raise
            return AnswerForm(answer.said.key, "somebody", answer.said.approves, answer.raw)

    patch.setattr(Desk, "judge", judge)


def _using(patch: Patch, *forgiven: str) -> None:
    """Use is not refused for these reasons any more."""
    true = Desk.check_use

    def check_use(self: Desk, found: Override, key: Any, now: int) -> None:
        try:
            true(self, found, key, now)
        except OverrideError as error:
            if error.why not in forgiven:
                raise

    patch.setattr(Desk, "check_use", check_use)


@fault(checks.an_override_takes_two_others)
def one_approval_is_enough(patch: Patch) -> None:
    patch.setattr(desk, "NEEDED", 1)
    patch.setattr(state, "NEEDED", 1)
    patch.setattr(Desk, "key", _with_its_key_row)


@fault(checks.an_override_takes_two_others)
def two_approvals_of_one_key_are_two(patch: Patch) -> None:
    _judging(patch, "twice")


@fault(checks.an_override_takes_two_others)
def whoever_asks_may_approve(patch: Patch) -> None:
    _judging(patch, "own")


@fault(checks.an_override_takes_two_others)
def an_approval_of_another_request_is_taken(patch: Patch) -> None:
    _judging(patch, "other")


@fault(checks.an_override_takes_two_others)
def a_refusal_does_not_end_it(patch: Patch) -> None:
    patch.setattr(Override, "denied", None)
    true = Desk._end

    def end(self: Desk, change: Any, found: Override, now: int, why: str) -> Override:
        return found if why == "denied" else true(self, change, found, now, why)

    patch.setattr(Desk, "_end", end)


@fault(checks.an_override_takes_two_others)
def anyone_uses_it(patch: Patch) -> None:
    _using(patch, "other")
    patch.setattr(Desk, "key", _with_its_key_row)


@fault(checks.an_override_takes_two_others)
def an_approver_hands_over_what_opens_with_the_requester_s_own(patch: Patch) -> None:
    patch.setattr(texts.Asked, "requester", property(lambda self: _Nobody(self)))


class _Nobody:
    """A requester whose key is like no other's."""

    id = b"nobody"

    def __init__(self, request: texts.Asked) -> None:
        self.for_boxes = texts.PublicKey(request.said.requester).for_boxes


@fault(checks.an_override_opens_with_its_approvals_alone)
def the_escrow_is_opened_with_the_row_of_the_key(patch: Patch) -> None:
    patch.setattr(Desk, "key", _with_its_key_row)


@fault(checks.an_override_opens_with_its_approvals_alone)
def one_share_opens_the_escrow(patch: Patch) -> None:
    def key_from(row: Any, request: Any, answers: Any, requester: Any) -> Any:
        return "opened" if answers else None

    patch.setattr(desk, "key_from", key_from)


@fault(checks.an_override_opens_with_its_approvals_alone)
def shares_are_not_bound_to_a_persona(patch: Patch) -> None:
    true = texts.context_of

    def context_of(house: bytes, space: Any, whom: Any, first: bytes, second: bytes) -> bytes:
        return true(house, space, ("", ""), first, second)

    patch.setattr(texts, "context_of", context_of)
    patch.setattr(escrow, "context_of", context_of)


@fault(checks.an_override_opens_with_its_approvals_alone)
def a_key_that_others_can_read_is_used(patch: Patch) -> None:
    patch.setattr(keyfile, "_problem", lambda status, path: None)


@fault(checks.an_override_is_told_before_it_opens)
def it_is_used_before_it_is_told(patch: Patch) -> None:
    true, sleep = House._tell_now, Session.sleep
    waiting: list[Any] = []

    def telling(self: House, *told: Any) -> None:
        waiting.append((self, told))

    def sleeping(self: Session) -> None:
        while waiting:
            house, told = waiting.pop()
            true(house, *told)
        sleep(self)

    patch.setattr(House, "_tell_now", telling)
    patch.setattr(Session, "sleep", sleeping)


@fault(checks.an_override_is_told_before_it_opens)
def it_is_not_told_at_all(patch: Patch) -> None:
    patch.setattr(House, "_tell_now", lambda self, *told: None)


@fault(checks.an_override_is_told_before_it_opens)
def no_notice_is_left(patch: Patch) -> None:
    patch.setattr(Desk, "_put_notices", lambda self, change, space, notices: None)


@fault(checks.an_override_is_told_before_it_opens)
def a_notice_is_left_to_everybody(patch: Patch) -> None:
    true = overriding._notices
    spaces: list[bytes] = []

    def notices(desk: Any, telling: Any, gate: Any, lease_of: Any, space: bytes) -> Any:
        found = true(desk, telling, gate, lease_of, space)
        spaces.extend([space] if found else [])
        return found or tuple(map(overriding.notice_of, kept[:1]))

    kept: list[Any] = []
    put = Desk._put_notices

    def putting(self: Desk, change: Any, space: bytes, left: Any) -> None:
        kept.extend(left)
        put(self, change, space, left)

    patch.setattr(Desk, "_put_notices", putting)
    patch.setattr(overriding, "_notices", notices)


@fault(checks.an_override_ends)
def it_can_be_used_too_late(patch: Patch) -> None:
    _using(patch, "late")


@fault(checks.an_override_ends)
def a_clock_that_is_set_back_lets_it_be_used(patch: Patch) -> None:
    patch.setattr(Gate, "now", lambda self, *given, **named: self.time())
    patch.setattr(Gate, "seen", lambda self, *given, **named: None)


@fault(checks.an_override_ends)
def it_can_be_used_again(patch: Patch) -> None:
    _using(patch, "used", "ended")
    patch.setattr(Desk, "key", _with_its_key_row)


@fault(checks.an_override_ends)
def its_session_outlives_its_end(patch: Patch) -> None:
    true = Held._over_by
    patch.setattr(Held, "_over_by", lambda self: None if true(self) == "time" else true(self))


@fault(checks.an_override_ends)
def its_session_outlives_a_stop(patch: Patch) -> None:
    true = Held._over_by
    patch.setattr(Held, "_over_by", lambda self: None if true(self) == "stopped" else true(self))


@fault(checks.an_override_ends)
def its_session_stays_awake_where_nobody_calls(patch: Patch) -> None:
    patch.setattr(Held, "watch", lambda self, session: None)


@fault(checks.an_override_ends)
def it_goes_on_when_whoever_used_it_is_gone(patch: Patch) -> None:
    patch.setattr(overriding, "is_held", lambda path: True)


@fault(checks.a_request_says_what_was_wished)
def who_carries_a_draft_says_what_is_signed(patch: Patch) -> None:
    patch.setattr(wishes, "_is_wish", lambda said, raw: True)


@fault(checks.a_request_says_what_was_wished)
def a_wish_of_any_key_has_a_draft(patch: Patch) -> None:
    true = Desk._registered

    def registered(self: Desk, wanted: bytes, rows: Any = None) -> Any:
        return true(self, wanted, rows) or self.approvers(rows)[0]

    patch.setattr(Desk, "_registered", registered)


@fault(checks.a_request_says_what_was_wished)
def a_draft_is_not_told(patch: Patch) -> None:
    true = Telling.tell

    def tell(self: Telling, what: What, *each: Any) -> None:
        if what != What.OVERRIDE_DRAFTED:
            true(self, what, *each)

    patch.setattr(Telling, "tell", tell)


@fault(checks.a_request_says_what_was_wished)
def what_a_house_added_is_not_looked_at_again(patch: Patch) -> None:
    patch.setattr(Desk, "check_asked", lambda self, request, now, rows=None: None)


@fault(checks.a_request_says_what_was_wished)
def a_draft_s_times_are_not_held_against_what_the_house_made(patch: Patch) -> None:
    true = Desk._own_id

    def own_id(self: Desk, said: texts.Request) -> bytes:
        return true(self, replace(said, made=0, approve_by=0, use_by=0))

    patch.setattr(Desk, "_own_id", own_id)


@fault(checks.a_request_says_what_was_wished)
def a_draft_s_times_are_what_who_carries_it_says(patch: Patch) -> None:
    true = wishes._is_wish

    def is_wish(said: texts.Request, raw: bytes) -> bool:
        return true(said, raw) or said.persona == "innie"

    patch.setattr(wishes, "_is_wish", is_wish)


@fault(checks.a_request_says_what_was_wished)
def a_wish_is_told_each_time_that_it_comes(patch: Patch) -> None:
    patch.setattr(Desk, "is_kept", lambda self, draft: False)


@fault(checks.a_request_says_what_was_wished)
def wishes_of_strangers_are_told_as_those_of_holders(patch: Patch) -> None:
    patch.setattr(wishing, "_STRANGE", frozenset())


@fault(checks.a_request_says_what_was_wished)
def a_request_that_was_refused_can_be_handed_in_again(patch: Patch) -> None:
    patch.setattr(Desk, "known", lambda self, request, rows=None: None)
