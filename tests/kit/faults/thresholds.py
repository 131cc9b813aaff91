"""Faults against P2 at the threshold: who wakes, and for how long."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance import NotFoundError, Session
from severance.chip import chip as chip_module
from severance.chip.chip import Chip
from severance.chip.register import TurnRow
from severance.chip.thresholds import deciding, hours, staying
from severance.chip.thresholds.book import Book, Standing, Watch
from severance.chip.thresholds.staying import Staying


@fault(checks.the_first_rule_that_holds_decides)
def the_last_rule_that_holds_decides(patch: Patch) -> None:
    true = deciding.who
    for module in (chip_module, staying):
        patch.setattr(module, "who", lambda rules, at: true(rules[::-1], at))


@fault(checks.the_first_rule_that_holds_decides)
def hours_are_those_of_greenwich(patch: Patch) -> None:
    patch.setattr(hours, "zone_named", lambda name: UTC)


@fault(checks.the_first_rule_that_holds_decides)
def what_cannot_be_known_holds(patch: Patch) -> None:
    true = deciding._verdict

    def verdict(condition: Any, at: Any) -> Any:
        found = true(condition, at)
        return deciding.Verdict(condition, True, found.why) if "cannot be known" in found.why else found

    patch.setattr(deciding, "_verdict", verdict)


@fault(checks.the_first_rule_that_holds_decides)
def outside_its_hours_the_first_rule_wakes_somebody(patch: Patch) -> None:
    true = deciding.who
    for module in (chip_module, staying):
        patch.setattr(module, "who", lambda rules, at: true(rules, at) or rules[0].persona)


@fault(checks.the_first_rule_that_holds_decides)
def a_refusal_says_that_it_was_a_condition(patch: Patch) -> None:
    def refuse(self: Chip) -> Any:
        raise NotFoundError("nobody wakes there at this hour")

    patch.setattr(Chip, "refuse", refuse)


@fault(checks.a_session_ends_with_its_hours_and_its_budget)
def a_session_outlives_its_hours(patch: Patch) -> None:
    patch.setattr(staying, "until", lambda rules, at: None)
    patch.setattr(staying, "MINUTE", 10**18)


@fault(checks.a_session_ends_with_its_hours_and_its_budget)
def a_session_that_ended_goes_on_when_the_clock_is_set_back(patch: Patch) -> None:
    true = Staying.__call__

    def again(self: Staying) -> None:
        self._over = None
        true(self)

    def opened(self: Session) -> Any:
        self._still_awake()
        return self._space

    patch.setattr(Staying, "__call__", again)
    patch.setattr(Session, "_opened", opened)


@fault(checks.a_session_ends_with_its_hours_and_its_budget)
def a_budget_is_for_each_session(patch: Patch) -> None:
    patch.setattr(Staying, "_written", lambda self: {})


@fault(checks.a_session_ends_although_a_look_failed)
def a_change_is_settled_before_it_was_acted_on(patch: Patch) -> None:
    true = Watch.changed

    def changed(self: Watch, standing: Standing) -> bool:
        found = true(self, standing)
        self.settle()
        return found

    patch.setattr(Watch, "changed", changed)


@fault(checks.a_session_ends_although_its_threshold_came_and_went_meanwhile)
def one_absence_of_a_row_is_as_good_as_another(patch: Patch) -> None:
    patch.setattr(Standing, "there", (False, False, False))


@fault(checks.a_session_ends_with_its_hours_and_its_budget)
def an_idle_session_counts_without_bound(patch: Patch) -> None:
    patch.setattr(staying, "is_used_up", lambda days, spans, most: False)


@fault(checks.an_exclusive_subject_has_one_awake)
def a_turn_is_read_before_its_transaction(patch: Patch) -> None:
    def take_turn(self: Book, subject: str) -> int:
        row = self._chip.find(TurnRow(subject, 0))
        number = (0 if row is None else row.number) + 1
        self._chip.change(lambda change: change.put(TurnRow(subject, number)))
        return number

    patch.setattr(Book, "take_turn", take_turn)


@fault(checks.an_exclusive_subject_has_one_awake)
def an_exclusive_subject_is_as_any_other(patch: Patch) -> None:
    patch.setattr(Staying, "take_turn", lambda self: setattr(self, "_turn", 0))
    patch.setattr(Book, "take_turn", lambda self, subject: 0)
