"""Which of several leaks is the cause of others: one that fails through the same operations in the same way.

A search that forgets whose memories it may touch is seen by the probes of nearly every class, and what each of them
advises then leads astray. All of them stay leaks; those that follow from another say so, and advise what that one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from severance.barrier.findings import Outcome, Verdict, Way

GIVEN, GIVEN_AGAIN = "gave somebody else's", "gave somebody else's when asked again"
GIVEN_AT_ONCE = "gave somebody else's while others called"
CHANGED, CHANGED_BY_ID = "changed somebody else's", "changed somebody else's by its id"

_IMPLIES = {GIVEN: (GIVEN_AGAIN, GIVEN_AT_ONCE), CHANGED: (CHANGED_BY_ID,)}
"""Whoever is given another's whatever is asked is given it again; whoever changes it by any id, by its own."""

_AT_HOME = {GIVEN_AGAIN: "leak.shared"}
"""The part to which a way belongs, where all that was found was found in this way."""


def traced(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, of which those that follow from another name it, and have its advice.

    One follows from another that comes earlier if all operations through which it failed failed there, too, and in the
    same way. The earlier classes are the more general ones.

    Args:
        outcomes: in the order in which they were tried.
    """
    broken = [outcome for outcome in outcomes if outcome.verdict is Verdict.BROKEN and outcome.ways]
    wide = {way for outcome in broken for way in outcome.ways if way[1] in _IMPLIES}
    ranked = sorted(broken, key=lambda outcome: not _at_home(outcome) or outcome.ways <= _with_implied(frozenset(wide)))
    return [_told(outcome, _cause(outcome, ranked)) for outcome in outcomes]


def _cause(outcome: Outcome, ranked: Sequence[Outcome]) -> Outcome | None:
    """The first that accounts for it, unless that is itself."""
    found = next((one for one in ranked if one is outcome or outcome.ways <= _with_implied(one.ways)), None)
    return None if found is outcome or outcome not in ranked else found


def _at_home(outcome: Outcome) -> bool:
    return all(_AT_HOME.get(how) == outcome.name for _, how in outcome.ways)


def _with_implied(ways: frozenset[Way]) -> frozenset[Way]:
    return ways | {(operation, also) for operation, how in ways for also in _IMPLIES.get(how, ())}


def _told(outcome: Outcome, cause: Outcome | None) -> Outcome:
    if cause is None:
        return outcome
    through = ", ".join(sorted({operation for operation, _ in outcome.ways}))
    said = f"Follows from {cause.name}, which fails in the same way ({through}): mend that first, and try this again."
    return replace(outcome, follows=cause.name, advice=cause.advice, note=" ".join(filter(None, (said, outcome.note))))
