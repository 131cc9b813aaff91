"""One cause is told as one cause: what follows from it stays a leak, names it, and has its advice."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from severance.barrier import reports
from severance.barrier.causes import CHANGED, CHANGED_BY_ID, GIVEN, GIVEN_AGAIN, GIVEN_AT_ONCE, traced
from severance.barrier.findings import Control, Outcome, Report, Tally, Verdict, Way
from severance.barrier.peers import leaky
from severance.barrier.peers.classes import LEAKS
from severance.barrier.peers.remote import Limits
from severance.barrier.peers.run import Health, attempt
from severance.barrier.peers.targets import Target
from severance.barrier.reports.words import closing
from severance.barrier.run import Plan, perform
from severance.barrier.scene import Part, Scene

SEARCH, LIST = ("search", GIVEN), ("list", GIVEN)


def outcome(name: str, *ways: Way, verdict: Verdict = Verdict.BROKEN, note: str = "") -> Outcome:
    found = len(ways) if verdict is Verdict.BROKEN else 0
    advice = f"Mend {name}."
    return Outcome(name, name, "P1", "probes", verdict, 5, found, ways=frozenset(ways), advice=advice, note=note)


def follows(*outcomes: Outcome) -> dict[str, str]:
    return {one.name: one.follows for one in traced(outcomes)}


def test_what_fails_through_the_same_operations_in_the_same_way_follows_from_the_first() -> None:
    first, same = outcome("one", SEARCH, LIST), outcome("two", LIST, note="Slow.")
    other = outcome("three", ("get", GIVEN))
    [one, two, three] = traced([first, same, other])
    assert (one, three) == (first, other)
    assert (two.verdict, two.found, two.ways) == (Verdict.BROKEN, 1, frozenset([LIST]))
    assert (two.follows, two.advice) == ("one", "Mend one.")
    assert (
        two.note == "Follows from one, which fails in the same way (list): mend that first, and try this again. Slow."
    )


def test_one_way_more_is_a_cause_of_its_own() -> None:
    assert follows(outcome("one", SEARCH), outcome("two", SEARCH, LIST)) == {"one": "", "two": ""}
    assert follows(outcome("one", SEARCH), outcome("two", ("search", CHANGED))) == {"one": "", "two": ""}


def test_what_comes_later_is_no_cause_of_what_came_before() -> None:
    assert follows(outcome("one", SEARCH), outcome("two", SEARCH, LIST), outcome("three", LIST)) == {
        "one": "",
        "two": "",
        "three": "two",
    }


@pytest.mark.parametrize(("wide", "narrow"), [(GIVEN, GIVEN_AGAIN), (GIVEN, GIVEN_AT_ONCE), (CHANGED, CHANGED_BY_ID)])
def test_the_wider_way_accounts_for_the_narrower_and_not_the_other_way(wide: str, narrow: str) -> None:
    one, two = ("search", wide), ("search", narrow)
    assert follows(outcome("one", one), outcome("two", two))["two"] == "one"
    assert follows(outcome("one", two), outcome("two", one))["two"] == ""


def test_what_is_given_only_when_asked_again_is_of_what_is_shared() -> None:
    again = ("search", GIVEN_AGAIN)
    assert follows(outcome("leak.filter", again), outcome("leak.shared", again)) == {
        "leak.filter": "leak.shared",
        "leak.shared": "",
    }
    assert follows(outcome("leak.filter", SEARCH, again), outcome("leak.shared", again))["leak.shared"] == "leak.filter"


def test_what_held_and_what_tells_no_way_is_left_alone() -> None:
    those = [outcome("one", SEARCH), outcome("two", verdict=Verdict.HELD), outcome("three")]
    assert traced(those) == those


def test_every_form_of_the_report_tells_it() -> None:
    outcomes = tuple(traced([outcome("one", SEARCH), outcome("two", SEARCH)]))
    report = Report("toy", "quick", 1, 0, 1.0, False, outcomes, (), {})
    assert "1 of them follows from another." in closing(report)
    [one, two] = reports.document(report)["outcomes"]  # type: ignore[misc]
    assert (one["follows_from"], two["follows_from"], two["advice"]) == (None, "one", "Mend one.")  # type: ignore[index]
    for form in (reports.page(report), reports.suite(report)):
        assert "Follows from one, which fails in the same way (search)" in form
        assert "Mend two." not in form


def tried(toy: str, folder: Path) -> dict[str, Outcome]:
    """A toy through all ten classes, without their controls."""
    target, health = Target(toy, leaky.__name__, toy), Health(3)

    def work(number: int, scene: Scene, tally: Tally) -> None:
        tally.control = Control("of another test", 1, 1)
        attempt(LEAKS[number], target, Limits(), health, scene, tally)

    parts = [
        Part(f"leak.{leak.slug}", leak.title, leak.slug, "probes", leak.advice, partial(work, number))
        for number, leak in enumerate(LEAKS)
    ]
    return {one.name: one for one in perform(Plan(parts, 0, toy, "quick", 1), folder).outcomes}


@pytest.mark.parametrize(
    ("toy", "cause"),
    [
        ("NoFilterInSearch", "leak.filter"),
        ("NoFilterInList", "leak.filter"),
        ("DeletesAll", "leak.filter"),
        ("WiderWhenEmpty", "leak.filter"),
        ("PrefixMatch", "leak.prefix"),
    ],
)
def test_one_flaw_is_told_as_one_cause(toy: str, cause: str, tmp_path: Path) -> None:
    broken = {name: one for name, one in tried(toy, tmp_path).items() if one.verdict is Verdict.BROKEN}
    assert len(broken) > 2
    assert {name: one.follows for name, one in broken.items()} == dict.fromkeys(broken, cause) | {cause: ""}
    assert len({one.advice for one in broken.values()}) == 1


def test_a_cache_without_the_tenant_is_no_missing_filter(tmp_path: Path) -> None:
    found = tried("CacheWithoutTenant", tmp_path)
    assert (found["leak.filter"].follows, found["leak.shared"].follows) == ("leak.shared", "")


@pytest.mark.parametrize(("toy", "name"), [("GetByAnyone", "leak.id"), ("EmptyMeansAll", "leak.scope")])
def test_a_flaw_of_one_class_is_the_leak_of_that_class(toy: str, name: str, tmp_path: Path) -> None:
    found = tried(toy, tmp_path)
    assert [one.name for one in found.values() if one.verdict is Verdict.BROKEN] == [name]
    assert not found[name].follows


def test_no_line_of_evidence_is_there_twice_and_all_is_counted(tmp_path: Path) -> None:
    found = tried("NoFilterInList", tmp_path)["leak.prefix"]
    assert len(set(found.evidence)) == len(found.evidence)
    assert max(found.times) > 1
    assert sum(found.times) + found.untold == found.found
    assert any(line.endswith(" times)") for line in found.told)
