"""Rules and limits as the rows of a chip say them, and back."""

from __future__ import annotations

from severance.chip.register import AwakeRow, LimitsRow, RuleForm, WakeRow
from severance.chip.thresholds.rules import KINDS, NO_LIMITS, Condition, Limits, Rule, Rules


def rules_of(row: WakeRow) -> Rules:
    """The rules that a row says, with conditions in the order in which they are looked at."""
    return tuple(
        Rule(form.persona, tuple(Condition(kind, form.conditions[kind]) for kind in KINDS if kind in form.conditions))
        for form in row.rules
    )


def row_of_rules(place: str, subject: str, rules: Rules) -> WakeRow:
    """The row that says these rules."""
    forms = [RuleForm(rule.persona, {each.kind: each.values for each in rule.conditions}) for rule in rules]
    return WakeRow(place, subject, tuple(forms))


def limits_of(row: LimitsRow | None) -> Limits:
    """The limits that a row says; without one there are none."""
    return NO_LIMITS if row is None else Limits(row.exclusive, row.zone, row.budgets)


def days_of(row: AwakeRow | None) -> dict[int, int]:
    """The microseconds awake on each day that a row says; without one it was never awake."""
    return {} if row is None else dict(row.days)


def row_of_limits(subject: str, limits: Limits) -> LimitsRow:
    """The row that says these limits."""
    return LimitsRow(subject, limits.exclusive, limits.zone, dict(sorted(limits.budgets.items())))
