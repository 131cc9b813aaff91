"""What an alarm can be about, and which alarms follow from one event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from severance.audit.events import What
from severance.chip.thresholds.hours import Hours
from severance.chip.thresholds.rules import HOURS, Rules
from severance.errors import InputError

PERMIT_WRONG = "permit.wrong"
REPEATED = "refused.repeated"
OUTSIDE_HOURS = "outside-hours"
EXPORT_LARGE = "export.large"
LOST = "alarms.lost"
TEST = "test"
OVERRIDE = "override."
SINGLE: Mapping[str, str] = {
    What.DAMAGE: "damage",
    What.BARRIER_FAILED: "barrier.failed",
    What.CANARY: "canary",
    What.AUDIT_CUT: "audit.cut",
}
"""Events that are an alarm each, and its kind."""

KINDS = (PERMIT_WRONG, REPEATED, OUTSIDE_HOURS, f"{OVERRIDE}*", EXPORT_LARGE, *SINGLE.values(), LOST)
"""What a rule can be about; of `override.*` there is one for each thing that can happen with an override."""


@dataclass(frozen=True, slots=True)
class Ring:
    """An alarm before any rule has looked at it.

    Attributes:
        kind: what it is about.
        subject, persona, place: whom it concerns and where, as far as it concerns anybody.
        amount: how many memories, where they are counted.
    """

    kind: str
    subject: str | None = None
    persona: str | None = None
    place: str | None = None
    amount: int = 0


def concerns(what: str) -> bool:
    """Whether an event of this kind can be an alarm at all."""
    return what in (What.REFUSED, What.EXPORTED) or what in SINGLE or what.startswith(OVERRIDE)


def rings(what: str, told: Mapping[str, Any], rules: Rules, now: int) -> list[Ring]:
    """The alarms that an event is.

    Args:
        what, told: the event, and the fields that were said of it.
        rules: those of the threshold where somebody was refused.
        now: when it is, in microseconds since 1970.
    """
    subject, persona, place = (told.get(name) or None for name in ("subject", "persona", "place"))
    detail = told.get("detail") or {}
    if what == What.REFUSED:
        late = bool(detail.get("late")) or outside_hours(rules, now)
        found = [PERMIT_WRONG] if "by" in detail else []
        found += [OUTSIDE_HOURS] if late else []
        return [Ring(kind, subject, persona, place) for kind in (*found, REPEATED)]
    if what == What.EXPORTED:
        return [Ring(EXPORT_LARGE, subject, persona, place, amount=int(detail.get("memories", 0)))]
    return [Ring(SINGLE.get(what, what), subject, persona, place)]


def outside_hours(rules: Rules, now: int) -> bool:
    """Whether there is a rule that does not hold now, and would at another hour."""
    asked = [condition for rule in rules for condition in rule.conditions if condition.kind == HOURS]
    return any(not any(_hold(each, now) for each in condition.values) for condition in asked)


def matches(on: Iterable[str], kind: str) -> bool:
    """Whether a rule about these kinds is about this one."""
    return any(each in ("*", kind) or (each.endswith(".*") and kind.startswith(each[:-1])) for each in on)


def _hold(hours: str, now: int) -> bool:
    try:
        return Hours.parse(hours).hold(now)
    except InputError:  # of a zone that is not known here: they never hold
        return False
