"""Bounds, tallies and reports: what was counted is what is said, and it is never said to be more."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import comb

import pytest

from severance.barrier.findings import MOST_CHARS, MOST_EVIDENCE, Control, Outcome, Report, Tally, Verdict, upper_bound


def _outcome(verdict: Verdict, tried: int = 1, found: int = 0) -> Outcome:
    return Outcome("a", "t", "P1", "trials", verdict, tried=tried, found=found)


def _report(*verdicts: Verdict, stopped: bool = False) -> Report:
    return Report("severance", "quick", 1, 0, 1.0, stopped, tuple(map(_outcome, verdicts)), (), {})


def test_what_is_found_again_is_said_once_with_how_often() -> None:
    tally = Tally()
    for line in ("one", "two", "one", "one"):
        tally.broke(line)
    assert (tally.found, tally.evidence, tally.times) == (4, ["one", "two"], [3, 1])
    outcome = replace(_outcome(Verdict.BROKEN, 4, 4), evidence=("one", "two"), times=(3, 1))
    assert outcome.told == ("one (3 times)", "two")
    assert outcome.untold == 0
    assert replace(outcome, found=9).untold == 5


def test_what_differs_is_kept_up_to_a_limit_and_what_is_kept_is_counted_on() -> None:
    tally = Tally()
    for number in range(MOST_EVIDENCE + 5):
        tally.broke(f"line {number}")
    tally.broke("line 0")
    tally.broke(f"line {MOST_EVIDENCE}")
    assert len(tally.evidence) == len(tally.times) == MOST_EVIDENCE
    assert (tally.times[0], sum(tally.times), tally.found) == (2, MOST_EVIDENCE + 1, MOST_EVIDENCE + 7)


def test_evidence_without_counts_was_found_once_each() -> None:
    assert replace(_outcome(Verdict.BROKEN, 9, 9), evidence=("one", "two")).times == (1, 1)
    assert _outcome(Verdict.BROKEN, 9, 9).untold == 0, "where there is no evidence, there is no more of it"


def test_a_copy_of_a_tally_stays_as_it_was() -> None:
    tally = Tally()
    tally.broke("one")
    tally.ways.add(("get", "gave"))
    copy = tally.copy()
    tally.broke("one")
    tally.broke("two")
    tally.ways.clear()
    assert (copy.found, copy.evidence, copy.times, copy.ways) == (1, ["one"], [1], {("get", "gave")})


@pytest.mark.parametrize("tried", [1, 7, 100, 10_000, 1_000_000])
def test_of_nothing_found_the_bound_has_a_closed_form(tried: int) -> None:
    assert upper_bound(0, tried) == pytest.approx(1 - 0.05 ** (1 / tried), rel=1e-6)


@pytest.mark.parametrize(("found", "tried"), [(1, 10), (3, 10), (5, 100), (31, 800), (9, 10)])
def test_at_the_bound_so_few_are_seen_in_one_of_twenty_runs(found: int, tried: int) -> None:
    """The definition, in exact arithmetic."""
    share = Fraction(upper_bound(found, tried))
    chance = sum(comb(tried, k) * share**k * (1 - share) ** (tried - k) for k in range(found + 1))
    assert float(chance) == pytest.approx(0.05, rel=1e-6)


def test_when_everything_was_found_nothing_bounds_it() -> None:
    assert upper_bound(5, 5) == 1.0


def test_more_trials_give_a_tighter_bound_and_more_finds_a_wider_one() -> None:
    assert upper_bound(0, 1_000) < upper_bound(0, 100) < upper_bound(1, 100) < upper_bound(2, 100)


def test_an_outcome_without_trials_has_no_bound() -> None:
    assert _outcome(Verdict.NOT_TRIED, tried=0).at_most is None
    assert _outcome(Verdict.HELD, tried=10).at_most == upper_bound(0, 10)


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.HELD])
def test_only_what_held_has_a_bound(verdict: Verdict) -> None:
    assert _outcome(verdict, tried=10, found=int(verdict is Verdict.BROKEN)).at_most is None


def test_what_is_no_sample_has_no_bound() -> None:
    assert replace(_outcome(Verdict.HELD, tried=10), bounded=False).at_most is None


def test_a_tally_counts_every_find_and_keeps_the_first_of_them() -> None:
    tally = Tally()
    tally.held(3)
    for number in range(MOST_EVIDENCE + 5):
        tally.broke(f"the {number}th")
    assert (tally.tried, tally.found) == (3 + MOST_EVIDENCE + 5, MOST_EVIDENCE + 5)
    assert tally.evidence == [f"the {number}th" for number in range(MOST_EVIDENCE)]


@pytest.mark.parametrize(("tried", "found", "works"), [(0, 0, False), (3, 2, False), (3, 3, True), (3, 4, False)])
def test_a_control_works_when_all_of_something_was_found(tried: int, found: int, works: bool) -> None:
    assert Control("planted", tried, found).works is works


@pytest.mark.parametrize(
    ("verdicts", "stopped", "broken", "conclusive"),
    [
        ((Verdict.HELD, Verdict.NOTED, Verdict.NOT_TRIED), False, False, True),
        ((Verdict.HELD, Verdict.BROKEN), False, True, True),
        ((Verdict.HELD, Verdict.INCONCLUSIVE), False, False, False),
        ((Verdict.NOT_TRIED,), False, False, False),
        ((), False, False, False),
        ((Verdict.HELD,), True, False, False),
    ],
)
def test_a_report_concludes_only_when_all_that_was_tried_answered(
    verdicts: tuple[Verdict, ...], stopped: bool, broken: bool, conclusive: bool
) -> None:
    report = _report(*verdicts, stopped=stopped)
    assert (report.broken, report.conclusive) == (broken, conclusive)


def test_no_line_of_a_report_is_endless_and_the_end_of_evidence_stays() -> None:
    endless = "x" * 100_000
    outcome = Outcome("a", "t", "P1", "trials", Verdict.BROKEN, 1, 1, (f"{endless} (seed 7)", "short"), note=endless)
    report = Report(endless, "quick", 1, 0, 1.0, False, (outcome,), (endless,), {endless: endless})
    lines = [*outcome.evidence, outcome.note, report.target, *report.not_covered, *report.versions.popitem()]
    assert [len(line) for line in lines] == [MOST_CHARS, 5, *[MOST_CHARS] * 5]
    assert outcome.evidence[0].startswith("xxx")
    assert outcome.evidence[0].endswith("x (seed 7)")
    assert outcome.evidence[1] == "short"


def test_a_line_of_just_the_longest_length_is_left_alone() -> None:
    line = "".join(chr(0x4E00 + number) for number in range(MOST_CHARS))
    assert Outcome("a", "t", "P1", "trials", Verdict.HELD, note=line).note == line
