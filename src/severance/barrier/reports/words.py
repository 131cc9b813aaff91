"""What a report says in words, the same in each of its forms. It never says that anything is proven."""

from __future__ import annotations

import unicodedata
from math import ceil, floor, log10

from severance.barrier.findings import Outcome, Report, Verdict
from severance.model import moment

_NOT_TEXT = ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
_MARKS = ("Mn", "Me")
_MOST_MARKS = 4  # on one letter; more would reach into the lines above and below

MEANING = {
    Verdict.HELD: "tried; nothing crossed, and the control was found",
    Verdict.BROKEN: "something crossed",
    Verdict.INCONCLUSIVE: "tried without an answer: the control was missed, or something failed",
    Verdict.NOT_TRIED: "left out, for the reason given",
    Verdict.NOTED: "a measurement without a threshold",
}

PROMISES = {
    "P1": "Noninterference. With all that one persona did taken away, every other persona observes the same",
    "P2": "No name, no door. No call of one persona reaches a memory of another, and every refusal is the same",
    "P3": "Nothing in the clear at rest. What is on the disk is sealed",
    "P4": "Acknowledged means durable. What a call has written is there after a crash",
    "P5": "Damage is noticed. What is not as it was written is refused, and never taken for right",
}
"""The promises of Severance, in short (docs/design/threat-model.md)."""


def visible(text: str) -> str:
    """`text` on one line, with everything that is no plain character (control characters, halves of pairs, what
    reorders or has no width, letters with heaps of accents) written as an escape: evidence can hold any bytes, and no
    form of the report may be commanded by them.
    """
    if text.isprintable() and text.isascii():
        return text
    written, marks = [], 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in _MARKS else 0
        plain = category not in _NOT_TEXT and marks <= _MOST_MARKS
        written.append(char if plain else char.encode("unicode_escape").decode("ascii"))
    return "".join(written)


def counted(outcome: Outcome) -> str:
    """How often it was tried and what was found, with the bound where there is one: `0 of 10,000 trace pairs: below
    3.0 in 10,000 (95 %), for this generator`; empty where nothing was tried.
    """
    if not outcome.tried:
        return ""
    unit = visible(outcome.unit)
    if outcome.verdict is Verdict.NOTED:
        return f"{outcome.tried:,} {unit} measured"
    return ": ".join(filter(None, (f"{outcome.found:,} of {outcome.tried:,} {unit}", bound(outcome))))


def bound(outcome: Outcome) -> str:
    """The upper end of the 95 % interval, for people; empty where there is none."""
    share = outcome.at_most
    if share is None:
        return ""
    return f"below {per_power_of_ten(share)} (95 %), for this generator"


def per_power_of_ten(share: float) -> str:
    """A share between 0 and 1 with two digits, rounded up: 0.00029953 is `3.0 in 10,000`."""
    power = -floor(log10(share))
    # Rounded up, since it is an upper bound; the rest that floating point leaves is no reason to.
    tenths = ceil(round(share * 10 ** (power + 1), 6))
    if tenths >= 100:
        power, tenths = power - 1, tenths // 10
    return f"{tenths / 10:.1f} in {10**power:,}"


def controlled(outcome: Outcome) -> str:
    """What the control was and what came of it, or empty where there was none."""
    control = outcome.control
    if control is None:
        return ""
    return f"{visible(control.what)}: planted {control.tried:,}, found {control.found:,}"


def when(report: Report) -> str:
    """The beginning of the run, in UTC."""
    return moment(report.began).strftime("%Y-%m-%d %H:%M:%S UTC")


def lasted(seconds: float) -> str:
    """A duration for people."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def verdict(report: Report) -> Verdict:
    """The run in one word: what its exit code says, too."""
    if report.broken:
        return Verdict.BROKEN
    return Verdict.HELD if report.conclusive else Verdict.INCONCLUSIVE


def summary(report: Report) -> tuple[str, str, str]:
    """The run in one sentence, in three pieces: what it came to, a mark, and what to make of it."""
    broken = len(report.having(Verdict.BROKEN))
    unclear = len(report.having(Verdict.INCONCLUSIVE))
    untried = len(report.having(Verdict.NOT_TRIED))
    parts = len(report.outcomes)
    stopped = "It was stopped before its end."
    if broken:
        following = sum(bool(outcome.follows) for outcome in report.outcomes)
        also = f" {following} of them {'follows' if following == 1 else 'follow'} from another." if following else ""
        rest = f"the evidence says where.{also}{f' {stopped}' if report.stopped else ''}"
        return f"Something crossed in {broken} of {parts} parts", "; ", rest
    if verdict(report) is Verdict.HELD:
        measure = "bounds" if any(outcome.at_most for outcome in report.outcomes) else "counts"
        rest = f" {untried} of {parts} parts {'was' if untried == 1 else 'were'} not tried." if untried else ""
        return "Nothing crossed in what was tried", "; ", f"the {measure} say how much that is worth.{rest}"
    if unclear:
        rest = f"{unclear} of {parts} parts could not answer.{f' {stopped}' if report.stopped else ''}"
        return "No conclusion", ": ", rest
    return ("No conclusion", ". ", stopped) if report.stopped else ("No conclusion", ": ", "nothing was tried.")


def closing(report: Report) -> str:
    """The run in one sentence, with what to make of it."""
    return "".join(summary(report))
