"""Who wakes in a trace is decided twice: by the trace and by the house, and both say the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from kit import open_house
from severance.barrier.traces import drawing
from severance.barrier.traces.compare import Stage, Variant
from severance.barrier.traces.people import EVERYONE, PLACE_NAMES, WORLD
from severance.barrier.traces.ports import NOON
from severance.barrier.traces.seats import PROGRAM, Limits, Rule, Seats
from severance.barrier.traces.steps import Step, attributed
from severance.model import moment

INNIE, OUTIE, HELLY, _ = EVERYONE
MINUTES = range(0, 200, 7)


def drawn(seed: int, count: int = 12) -> Seats:
    """Thresholds as a trace comes to have them."""
    seats, r = Seats(), Random(seed)
    for _ in range(count):
        given = drawing.BY_OWNER["govern"][1](r)
        seats.govern(given["place"], given["subject"], given["rules"])
        limited = drawing.BY_OWNER["limit"][1](r)
        seats.limit(limited["subject"], limited["limits"])
    return seats


@pytest.mark.parametrize("seed", range(4))
def test_the_house_wakes_whom_the_trace_says(seed: int, folder: Path) -> None:
    seats = drawn(seed)
    with open_house(folder / "store") as house:
        for subject, names in WORLD.items():
            house.sever(subject, names)
        house.apply_thresholds(seats.written(lambda who: True))
        for minute in MINUTES:
            when = moment(NOON) + timedelta(minutes=minute)
            for subject in WORLD:
                for place in PLACE_NAMES[:-1]:
                    for program in (False, True):
                        asked = house.explain(subject, place, when=when, application=PROGRAM if program else None)
                        assert asked.persona == seats.wakes(place, subject, minute, program=program)


@pytest.mark.parametrize("seed", range(20))
def test_what_wakes_one_is_the_same_without_the_other(seed: int) -> None:
    r = Random(seed)
    for _ in range(10):
        given = drawing.BY_OWNER["govern"][1](r)
        for minute in MINUTES:
            hours = [rule for rule in given["rules"] if rule.minutes is not None and rule.holds(minute, program=False)]
            assert len(hours) <= 1, "two personas have the same hour"


def test_what_is_said_of_a_persona_that_never_was_is_not_written() -> None:
    seats = Seats()
    seats.govern("floor", "mark", (Rule("innie", (0, 30)), Rule("outie", (30, 60), "Asia/Tokyo")))
    seats.limit("mark", Limits(budgets={"innie": 5, "outie": 6}))
    whole, left = seats.written(lambda who: True), seats.written(lambda who: who != INNIE)
    assert '"innie"' in whole
    assert "innie" not in left
    assert 'hours = "21:30-22:00 Asia/Tokyo"' in left
    assert '"outie" = "6m"' in left


def test_steps_are_of_whoever_wakes_at_that_minute() -> None:
    rules = (Rule("innie", (0, 3)), Rule("outie", (3, 9)))
    cross = Step("cross", None, {"subject": "mark", "place": "stairwell", "desk": 0})
    trace = [Step("govern", None, {"subject": "mark", "place": "stairwell", "rules": rules}), *[cross] * 9]
    assert [numbered.by for numbered in attributed(trace)] == [None, INNIE, INNIE, *[OUTIE] * 6, None]
    given = Step("govern", None, {**trace[0].args, "rules": (Rule("innie", program=True), Rule("outie"))})
    doors = [Step("cross", None, {**cross.args, "by": by}) for by in ("credential", "permit")]
    assert [numbered.by for numbered in attributed([given, *doors])] == [None, INNIE, OUTIE]


def says(who: tuple[str, str], *words: int) -> Step:
    return Step("remember", who, {"words": words, "session": -1})


def test_a_session_ends_with_its_hours_and_the_next_persona_wakes(stage: Stage) -> None:
    rules = (Rule("innie", (0, 3)), Rule("outie", (3, 60)))
    nobody = Step("place", None, {"place": "floor", "wakes": {"mark": None}})
    govern = Step("govern", None, {"subject": "mark", "place": "stairwell", "rules": rules})
    run = stage.run([nobody, govern, says(INNIE, 0), says(INNIE, 1), says(OUTIE, 2)])
    kinds = [(at, what, view[0]) for at, what, view in run.of(INNIE) if what in ("cross", "remember")]
    assert kinds == [(2, "cross", "mark"), (2, "remember", "Memory"), (3, "remember", "AsleepError")]
    assert [view[0] for _, what, view in run.of(OUTIE) if what == "remember"] == ["Memory"]


def test_an_exclusive_subject_and_a_budget_are_in_traces(stage: Stage) -> None:
    cross = Step("cross", None, {"subject": "helly", "place": "floor", "desk": 0})
    alone = Step("limit", None, {"subject": "helly", "limits": Limits(exclusive=True)})
    first = Step("stats", HELLY, {"session": 0})
    run = stage.run([alone, cross, cross, first])
    [(_, _, view)] = [each for each in run.of(HELLY) if each[1] == "stats"]
    assert view[0] == "AsleepError"
    assert "its subject crossed elsewhere" in view[1]
    short = Step("limit", None, {"subject": "helly", "limits": Limits(budgets={"innie": 2})})
    run = stage.run([short, says(HELLY, 0), says(HELLY, 1), says(HELLY, 2)])
    assert [view[0] for _, what, view in run.of(HELLY) if what == "remember"] == ["Memory", "Memory", "AsleepError"]


@pytest.mark.parametrize("variant", list(Variant))
def test_what_ends_sessions_of_one_subject_ends_none_of_another(stage: Stage, variant: Variant) -> None:
    cross = Step("cross", None, {"subject": "helly", "place": "floor", "desk": 0})
    alone = [Step("limit", None, {"subject": s, "limits": Limits(exclusive=True)}) for s in ("helly", "Mark")]
    theirs = Step("cross", None, {"subject": "Mark", "place": "floor", "desk": 0})
    steps = [*alone, theirs, cross, cross, Step("stats", EVERYONE[3], {"session": 0}), says(INNIE, 0)]
    whole, other = stage.run(steps), stage.run(steps, HELLY, variant)
    for who in (None, INNIE, OUTIE, EVERYONE[3]):
        assert whole.of(who) == other.of(who)
