"""Seeded faults that the model must find: those of the doors that every check knows, and some of its own."""

from __future__ import annotations

import dataclasses

from kit.faults import FAULTS
from kit.faults.table import Patch, Work
from severance.chip import gate
from severance.chip.gate import Admission, Gate
from severance.chip.override.held import Held
from severance.chip.permits import Act, Permit
from severance.chip.thresholds.book import Book, Watch
from severance.chip.thresholds.staying import Staying


def an_open_session_stays_where_its_place_wakes_another(patch: Patch) -> None:
    patch.setattr(Watch, "changed", lambda self, standing: False)


def a_change_while_somebody_crosses_is_missed(patch: Patch) -> None:
    """The session looks for changes from the end of its crossing on, and not from before it was decided who wakes."""
    true = Staying.take_turn

    def take_turn(self: Staying) -> None:
        true(self)
        self._watch.changed(self._standing)
        self._watch.settle()
        self._standing = self._book.of(self._seat.persona.subject, self._seat.place)

    patch.setattr(Staying, "take_turn", take_turn)


def whoever_is_refused_puts_others_to_sleep(patch: Patch) -> None:
    true = Book.watch

    def watch(self: Book, subject: str, place: str) -> Watch:
        if self.limits(subject).exclusive:
            self.take_turn(subject)
        return true(self, subject, place)

    patch.setattr(Book, "watch", watch)


def what_was_taken_from_a_permit_is_given_back(patch: Patch) -> None:
    patch.setattr(Admission, "_allows", lambda self, act: act.right in self._row.rights)


def a_permit_that_is_over_is_not_kept_as_over(patch: Patch) -> None:
    """It opens again where the owner accepts an earlier time."""
    true = Gate.seen
    patch.setattr(Gate, "seen", lambda self, now, row=None, at=None: true(self, now, at=at))


def the_time_that_was_seen_is_not_kept(patch: Patch) -> None:
    patch.setattr(Gate, "seen", lambda self, now, row=None, at=None: None)


def any_tool_may_use_a_permit(patch: Patch) -> None:
    true = Permit.allows

    def allows(self: Permit, act: Act) -> bool:
        return any(true(self, dataclasses.replace(act, tool=tool)) for tool in (act.tool, "editor", "shell"))

    patch.setattr(Permit, "allows", allows)


def a_permit_opens_whoever_wakes_at_its_place(patch: Patch) -> None:
    patch.setattr(gate, "Persona", lambda *names: _Anybody())


def an_override_is_not_put_to_sleep_by_a_crossing(patch: Patch) -> None:
    patch.setattr(Held, "take_turn", lambda self: None)
    patch.setattr(Book, "turn", lambda self, subject: None)


def an_override_that_ended_goes_on(patch: Patch) -> None:
    patch.setattr(Held, "holds", lambda self: not self._finished)


class _Anybody:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


_OWN: tuple[Work, ...] = (
    an_open_session_stays_where_its_place_wakes_another,
    a_change_while_somebody_crosses_is_missed,
    whoever_is_refused_puts_others_to_sleep,
    what_was_taken_from_a_permit_is_given_back,
    a_permit_that_is_over_is_not_kept_as_over,
    the_time_that_was_seen_is_not_kept,
    any_tool_may_use_a_permit,
    a_permit_opens_whoever_wakes_at_its_place,
    an_override_is_not_put_to_sleep_by_a_crossing,
    an_override_that_ended_goes_on,
)
_KNOWN = (
    "revocation_is_not_looked_at",
    "an_end_is_not_looked_at",
    "the_beginning_of_a_secret_is_enough",
    "a_clock_that_is_set_back_opens_again",
    "a_revoked_permit_is_forgotten_and_not_kept",
    "forgetting_asks_for_the_right_to_send",
    "an_open_session_outlives_its_revocation",
    "an_open_session_outlives_its_end",
    "an_exclusive_subject_is_as_any_other",
    "a_turn_is_read_before_its_transaction",
    "a_refusal_says_that_it_was_a_condition",
    "one_approval_is_enough",
    "a_refusal_does_not_end_it",
    "anyone_uses_it",
)
PLANTED: dict[str, Work] = {**{name: FAULTS[name].work for name in _KNOWN}, **{work.__name__: work for work in _OWN}}
"""By name."""
