"""Who wakes, why, and until when."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chip.thresholds.test_hours import MINUTE, some_hours
from chip.thresholds.worlds import LAPTOP, Told, parsed, when
from severance.chip.thresholds.deciding import Circumstances, decide, until, who
from severance.chip.thresholds.hours import DAY_MINUTES
from severance.chip.thresholds.rules import COMMAND, HOST, HOURS, Condition, Rule
from severance.model import moment

RULES = parsed(LAPTOP).rules["mark", "laptop"]


def one(kind: str, *values: str) -> tuple[Rule, ...]:
    return (Rule("work", (Condition.of(kind, values),)),)


def test_the_first_rule_that_holds_says_who_wakes() -> None:
    always, both = Rule("home"), one(HOST, "laptop")
    assert who((*both, always), when("2026-06-05T10:00Z")) == "work"
    assert who((*both, always), when("2026-06-05T10:00Z", Told(name="desktop"))) == "home"
    assert who(both, when("2026-06-05T10:00Z", Told(name="desktop"))) is None
    assert who((), when("2026-06-05T10:00Z")) is None


def test_all_conditions_of_a_rule_must_hold_and_one_value_of_each() -> None:
    rule = Rule("work", (Condition.of(HOURS, ["09:00-10:00 UTC", "12:00-13:00 UTC"]), Condition.of(HOST, ["a", "b"])))
    assert who((rule,), when("2026-06-05T12:30Z", Told(name="b"))) == "work"
    assert who((rule,), when("2026-06-05T11:00Z", Told(name="b"))) is None
    assert who((rule,), when("2026-06-05T12:30Z", Told(name="c"))) is None


def test_hours_are_those_of_their_time_zone() -> None:
    assert who(RULES, when("2026-06-05T17:59+02:00")) == "work"
    assert who(RULES, when("2026-06-05T18:00+02:00")) == "home"
    assert who(RULES, when("2026-06-05T17:00Z")) == "home"
    assert who(RULES, when("2026-06-05T07:00Z")) == "work"


def test_why_is_told_for_each_rule_and_when_another_would_wake() -> None:
    found = decide(RULES, when("2026-06-05T10:05+02:00"))
    assert found.persona == "work"
    assert (
        found.looked[0].verdicts[0].why == "it is Fri 10:05 in Europe/Berlin, within Mon-Fri 09:00-18:00 Europe/Berlin"
    )
    assert "outside" in found.looked[1].verdicts[0].why
    assert found.until == when("2026-06-05T18:00+02:00").now
    assert found.later == {"home": when("2026-06-05T18:00+02:00").now}


def test_a_rule_before_it_that_begins_to_hold_ends_one_that_still_does() -> None:
    rules = (Rule("night", (Condition.of(HOURS, ["22:00-06:00 UTC"]),)), Rule("day"))
    found = decide(rules, when("2026-06-05T10:00Z"))
    assert (found.persona, found.until) == ("day", when("2026-06-05T22:00Z").now)


def test_hours_that_meet_and_wake_the_same_persona_are_no_change() -> None:
    rules = one(HOURS, "Mon-Sun 00:00-12:00 UTC", "Mon-Sun 12:00-24:00 UTC")
    assert decide(rules, when("2026-06-05T10:00Z")).until is None


def test_other_conditions_stay_as_they_are_when_looking_ahead() -> None:
    world = Told(ends={"/bin/at-work": True})
    rule = Rule("work", (Condition.of(HOURS, ["09:00-18:00 UTC"]), Condition.of(COMMAND, ["/bin/at-work"])))
    assert decide((rule,), when("2026-06-05T10:00Z", world)).until == when("2026-06-05T18:00Z").now
    assert world.ran == [("/bin/at-work",)], "a command is run once for each look"


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("abc"), some_hours), min_size=1, max_size=3), st.integers(0, 364))
def test_until_is_the_change_that_brute_force_finds_minute_by_minute(made: list[tuple[str, object]], day: int) -> None:
    rules = tuple(Rule(name, (Condition.of(HOURS, [str(hours)]),)) for name, hours in made)
    begin = when("2026-01-01T00:00Z").now + day * DAY_MINUTES * MINUTE
    now = who(rules, Circumstances(begin))
    later = range(begin + MINUTE, begin + 9 * DAY_MINUTES * MINUTE, MINUTE)
    true = next((at for at in later if who(rules, Circumstances(at)) != now), None)
    told = until(rules, Circumstances(begin))
    assert told == true or (true is None and (told is None or told >= later[-1]))


@pytest.mark.parametrize(
    ("kind", "value", "world", "holds", "why"),
    [
        ("host", "LAP*", Told(), True, "this machine is laptop"),
        ("host", "top", Told(), False, "not top"),
        ("host", "*", Told(name=None), False, "cannot be known"),
        ("directory", "~/code", Told(here=Path("/home/mark/code/a/b")), True, "in ~/code"),
        ("directory", "~/code", Told(here=Path("/home/mark/code")), True, "in ~/code"),
        ("directory", "~/code", Told(here=Path("/home/mark/code-b")), False, "not in ~/code"),
        ("directory", "~/code", Told(), False, "cannot be known"),
        ("repository", "/srv/a", Told(here=Path("/srv/a/x"), root=Path("/srv/a")), True, "the repository is"),
        ("repository", "/srv", Told(here=Path("/srv/a/x"), root=Path("/srv/a")), False, "not /srv"),
        ("repository", "/srv", Told(), False, "in no repository"),
        ("network", "10.0.0.0/8", Told(own=["127.0.0.1", "10.2.3.4"]), True, "10.2.3.4"),
        ("network", "10.0.0.0/8", Told(own=["11.0.0.1", "fd00::1"]), False, "no address in 10.0.0.0/8"),
        ("network", "fd00::/16", Told(own=["fd00::1"]), True, "fd00::1"),
        ("network", "10.0.0.0/8", Told(own=None), False, "cannot be known"),
        ("command", "/bin/x", Told(ends={"/bin/x": True}), True, "succeeded"),
        ("command", "/bin/x", Told(ends={"/bin/x": False}), False, "another status"),
        ("command", "/bin/x", Told(), False, "cannot be run here"),
    ],
)
def test_each_condition_says_how_it_was_seen(kind: str, value: str, world: Told, holds: bool, why: str) -> None:
    found = decide(one(kind, value), when("2026-06-05T10:00Z", world))
    (verdict,) = found.looked[0].verdicts
    assert (found.persona is not None, verdict.holds) == (holds, holds)
    assert why in verdict.why


def test_an_application_is_the_one_that_was_registered_and_the_owner_is_none() -> None:
    rules = one("application", "mail reader")
    assert who(rules, when("2026-06-05T10:00Z", application="mail reader")) == "work"
    assert who(rules, when("2026-06-05T10:00Z", application="mail")) is None
    assert who(rules, when("2026-06-05T10:00Z")) is None


def test_a_time_zone_that_is_not_known_here_holds_never() -> None:
    rules = (Rule("work", (Condition(HOURS, ("Mon-Fri 09:00-18:00 Mars/Olympus",)),)),)
    found = decide(rules, when("2026-06-05T10:00Z"))
    assert (found.persona, found.until) == (None, None)
    assert "not known" in found.looked[0].verdicts[0].why


def test_a_time_is_read_to_the_microsecond() -> None:
    end = when("2026-06-05T18:00+02:00").now
    assert who(RULES, Circumstances(end - 1)) == "work"
    assert who(RULES, Circumstances(end)) == "home"
    assert moment(until(RULES, Circumstances(end - 1)) or 0).minute == 0
