"""What a change of thresholds would change, in sentences; and leave for the commands that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from severance.chip.thresholds.deciding import Decision
from severance.chip.thresholds.rules import COMMAND, NO_LIMITS, Limits, Rule, Rules, Thresholds, write_budget
from severance.crypto.rootkey.allowed import allow
from severance.model import Explanation, RuleSeen, moment


def changes(before: Thresholds, after: Thresholds) -> list[str]:
    """A sentence for each subject at each place, and for each subject, of whom something changes."""
    found = []
    for key in sorted(before.rules.keys() | after.rules.keys()):
        old, new = before.rules.get(key, ()), after.rules.get(key, ())
        if old != new:
            placed = ", as `severance place` makes it" if len(old) == 1 and not old[0].conditions else ""
            found.append(f"at {key[1]}, {key[0]}: {_rules(new)} (before: {_rules(old)}{placed})")
    for subject in sorted(before.limits.keys() | after.limits.keys()):
        was, will = before.limits.get(subject, NO_LIMITS), after.limits.get(subject, NO_LIMITS)
        if was != will:
            found.append(f"{subject}: {_limits(will)} (before: {_limits(was)})")
    return found


def allow_commands(thresholds: Thresholds, environ: Mapping[str, str]) -> None:
    """Note that this user allows the commands that these thresholds name.

    Raises:
        KeyMissingError: others could have written the list of what is allowed.
    """
    for rules in thresholds.rules.values():
        for rule in rules:
            for condition in rule.conditions:
                if condition.kind == COMMAND:
                    allow(condition.values, environ)


class Spent(NamedTuple):
    """What a persona has of a day: how many seconds it may be awake, how many it was, and when the next day begins."""

    budget: int
    awake: int
    next: int

    @property
    def is_all(self) -> bool:
        """Whether no time is left."""
        return self.awake >= self.budget


def explanation(subject: str, place: str, decision: Decision, zone: str, spent: Spent | None) -> Explanation:
    """A decision as its reader sees it: with times in this zone, and with what its persona has had of its budget."""
    seen = tuple(
        RuleSeen(each.rule.persona, each.holds, tuple((verdict.holds, verdict.why) for verdict in each.verdicts))
        for each in decision.looked
    )
    later = {name: moment(at) for name, at in decision.later.items()}
    ends, budget, awake = decision.until, None, 0
    if spent is not None:
        budget, awake = spent.budget, spent.awake
    if spent is None or not spent.is_all:
        until = None if ends is None else moment(ends)
        return Explanation(subject, place, decision.persona, until, seen, later, zone, None, budget, awake)
    free = moment(spent.next)
    until = moment(min(spent.next, spent.next if ends is None else ends))
    return Explanation(subject, place, None, until, seen, later, zone, decision.persona, budget, awake, free)


def _rules(rules: Rules) -> str:
    return ", else ".join(map(_rule, rules)) or "nobody wakes"


def _rule(rule: Rule) -> str:
    said = " and ".join(f"{each.kind} {' or '.join(each.values)}" for each in rule.conditions if each.kind != COMMAND)
    commands = [f"command {' '.join(each.values)}" for each in rule.conditions if each.kind == COMMAND]
    conditions = " and ".join(filter(None, (said, *commands)))
    return f"{rule.persona} wakes" + (f" on {conditions}" if conditions else "")


def _limits(limits: Limits) -> str:
    if limits == NO_LIMITS:
        return "no limits"
    parts = ["exclusive"] if limits.exclusive else []
    parts += [f"{name} {write_budget(seconds)} a day" for name, seconds in sorted(limits.budgets.items())]
    return ", ".join((*parts, f"days of {limits.zone}"))
