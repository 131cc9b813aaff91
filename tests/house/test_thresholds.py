"""Thresholds with conditions, as the owner of a house and the holder of a session meet them."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from chip.thresholds.worlds import Told
from kit import make_house, open_house
from severance import AsleepError, DamagedError, House, InputError, NotFoundError, Session
from severance.audit.events import What
from severance.barrier.traces.ports import StillClock
from severance.chip.changes import Change
from severance.chip.chip import Chip
from severance.model import Place, micros

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
OFFICE = """
[[rule]]
subject = "mark"
place = "floor"
persona = "innie"
hours = "Mon-Fri 09:00-18:00 Europe/Berlin"

[[rule]]
subject = "mark"
place = "floor"
persona = "outie"
hours = "Mon-Fri 18:00-22:00 Europe/Berlin"

[[rule]]
subject = "mark"
place = "desk"
persona = "innie"
host = "laptop"

[[rule]]
subject = "mark"
place = "home"
persona = "outie"
"""
EXCLUSIVE = OFFICE + '\n[[subject]]\nname = "mark"\nexclusive = true\n'
BUDGET = OFFICE + '\n[[subject]]\nname = "mark"\nzone = "Europe/Berlin"\nbudget = { outie = "2h" }\n'
NOBODY = "nobody of that name wakes at a place of that name here"


@pytest.fixture
def world() -> Told:
    return Told()


@pytest.fixture
def house(folder: Path, clock: StillClock, world: Told) -> Iterator[House]:
    at(clock, "2026-06-05T17:00+02:00")  # a Friday
    with make_house(folder, clock=clock, surroundings=world) as made:
        yield made


def at(clock: StillClock, text: str) -> None:
    clock.at = micros(datetime.fromisoformat(text))


def ended(session: Session) -> str:
    """What every call says."""
    with pytest.raises(AsleepError) as first:
        session.recall("anything")
    with pytest.raises(AsleepError) as second:
        session.remember("anything")
    assert str(first.value) == str(second.value)
    assert not any(name in str(first.value) for name in ("mark", "innie", "outie", "floor"))
    return str(first.value)


# Applying


def test_what_is_applied_decides_who_wakes_and_is_shown_again(house: House, clock: StillClock) -> None:
    told = house.apply_thresholds(OFFICE)
    assert "at desk, mark: innie wakes on host laptop (before: nobody wakes)" in told
    assert "at floor, helly: nobody wakes (before: innie wakes, as `severance place` makes it)" in told
    assert house.cross("mark", "floor").persona == "innie"
    at(clock, "2026-06-05T18:00+02:00")
    assert house.cross("mark", "floor").persona == "outie"
    assert house.apply_thresholds(house.thresholds()) == []


def test_the_rules_are_there_for_every_process_that_opens_the_store(folder: Path, house: House) -> None:
    house.apply_thresholds(BUDGET)
    with open_house(folder / "store") as other:
        assert other.thresholds() == house.thresholds()
        assert [place.name for place in other.status().places] == ["desk", "floor", "home"]
        floor = other.status().places[1]
        assert floor == Place("floor", {}, {"mark": ("innie", "outie")})
        outie = other.status().personas[2]
        assert (outie.name, outie.places, outie.budget) == ("outie", ("floor", "home"), 7_200)
        assert other.check() == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[rule]]\nsubject='mark'\nplace='floor'\npersona='outy'", "line 4, column 9: there is no such persona"),
        ("[[subject]]\nname='mark'\nbudget={nobody='1h'}", "line 3, column 9: there is no such persona"),
        (OFFICE + "hours = ", "line 24, column 9: this is no TOML"),
    ],
)
def test_an_error_leaves_what_holds_in_force(house: House, text: str, says: str) -> None:
    before = house.thresholds()
    with pytest.raises(InputError) as refused:
        house.apply_thresholds(text)
    assert str(refused.value).startswith(says)
    assert house.thresholds() == before
    assert house.cross("helly", "floor").persona == "innie"


def test_a_dry_run_changes_nothing(house: House) -> None:
    before = house.thresholds()
    assert house.apply_thresholds(OFFICE, dry=True)
    assert house.thresholds() == before


def test_a_place_declared_by_hand_is_a_rule_without_conditions(house: House) -> None:
    house.apply_thresholds("", empty=True)
    house.place("floor", {"mark": "innie"})
    assert house.thresholds() == '[[rule]]\nsubject = "mark"\nplace = "floor"\npersona = "innie"\n'
    house.place("floor", {"mark": None})
    assert house.thresholds() == ""


def test_no_name_and_no_condition_is_on_disk_in_the_clear(folder: Path, house: House) -> None:
    house.apply_thresholds(BUDGET)
    raw = (folder / "store" / "chip.db").read_bytes()
    assert not [word for word in (b"laptop", b"Berlin", b"innie", b"hours", b"exclusive", b"09:00") if word in raw]


# Refusals


def test_every_refusal_is_the_same(house: House, clock: StillClock, world: Told) -> None:
    house.apply_thresholds(BUDGET)
    world.name = "desktop"
    spent = house.cross("mark", "home")
    clock.at += 3 * HOUR
    spent.sleep()
    for subject, place in (("mark", "desk"), ("mark", "nowhere"), ("nobody", "floor"), ("mark", "home")):
        with pytest.raises(NotFoundError) as refused:
            house.cross(subject, place)
        assert refused.value.args == (NOBODY,)
        assert (refused.value.__cause__, refused.value.__context__) == (None, None)


# The end of a condition


def test_at_the_end_of_its_hours_a_session_ends(house: House, clock: StillClock) -> None:
    house.apply_thresholds(OFFICE)
    session = house.cross("mark", "floor")
    session.remember("kept")
    at(clock, "2026-06-05T17:59:59.999999+02:00")
    assert session.recall("kept")
    listing = session.memories()
    at(clock, "2026-06-05T18:00+02:00")
    with pytest.raises(AsleepError):
        next(listing)
    assert (
        ended(session)
        == "this session has ended: its place does not wake this persona any more; cross again when it does"
    )
    assert repr(session) == "<Session, asleep>"
    at(clock, "2026-06-08T09:00+02:00")
    assert ended(session), "once ended it stays ended"
    assert [memory.text for memory in house.cross("mark", "floor").memories()] == ["kept"]


def test_a_clock_set_back_after_the_end_wakes_nobody_again(house: House, clock: StillClock) -> None:
    house.apply_thresholds(OFFICE)
    session = house.cross("mark", "floor")
    at(clock, "2026-06-05T18:00+02:00")
    assert ended(session)
    at(clock, "2026-06-05T10:00+02:00")
    assert ended(session)


def test_a_clock_set_back_while_awake_gives_no_more_time(house: House, clock: StillClock) -> None:
    house.apply_thresholds(BUDGET)
    session = house.cross("mark", "home")
    clock.at += HOUR
    session.stats()
    clock.at -= HOUR
    session.stats()
    clock.at += HOUR + 59 * MINUTE
    session.stats()
    clock.at += MINUTE
    assert "used up" in ended(session)


def test_what_is_not_hours_is_looked_at_again_every_minute(house: House, clock: StillClock, world: Told) -> None:
    house.apply_thresholds(OFFICE)
    session = house.cross("mark", "desk")
    world.name = "desktop"
    clock.at += 59 * SECOND
    session.stats()
    clock.at += SECOND
    assert ended(session)


def test_a_command_runs_once_for_each_look_and_not_when_somebody_else_writes(
    house: House, clock: StillClock, world: Told
) -> None:
    house.apply_thresholds(OFFICE.replace('host = "laptop"', 'command = ["/bin/at-work"]'))
    world.ends["/bin/at-work"] = True
    session = house.cross("mark", "desk")
    with house.cross("mark", "home") as outie:
        outie.remember("the chip changes")
    session.stats()
    assert len(world.ran) == 1
    clock.at += MINUTE
    session.stats()
    assert len(world.ran) == 2
    world.ends["/bin/at-work"] = False
    clock.at += MINUTE
    assert ended(session)


def test_new_rules_hold_at_once_for_open_sessions_of_every_process(folder: Path, house: House) -> None:
    house.apply_thresholds(OFFICE)
    session, outie = house.cross("mark", "floor"), house.cross("mark", "home")
    with open_house(folder / "store") as other:
        other.apply_thresholds(OFFICE.replace("09:00-18:00", "09:00-12:00"))
    assert ended(session)
    outie.remember("whom it does not concern goes on")


# Exclusive subjects


def test_crossing_elsewhere_puts_an_exclusive_subject_to_sleep(folder: Path, house: House) -> None:
    house.apply_thresholds(EXCLUSIVE)
    innie = house.cross("mark", "floor")
    innie.remember("kept")
    with open_house(folder / "store", clock=house._clock) as other:
        outie = other.cross("mark", "home")
        assert ended(innie) == "this session has ended: its subject crossed elsewhere; cross again to wake this persona"
        outie.remember("awake")
        again = house.cross("mark", "floor")
        assert "crossed elsewhere" in ended(outie)
        assert [memory.text for memory in again.memories()] == ["kept"]


def test_a_crossing_that_fails_puts_nobody_to_sleep(house: House) -> None:
    house.apply_thresholds(EXCLUSIVE)
    innie = house.cross("mark", "floor")
    with pytest.raises(NotFoundError):
        house.cross("mark", "nowhere")
    innie.remember("still here")


def test_other_subjects_stay_awake(house: House) -> None:
    house.apply_thresholds(EXCLUSIVE + "\n[[rule]]\nsubject='helly'\nplace='floor'\npersona='innie'\n")
    helly = house.cross("helly", "floor")
    house.cross("mark", "floor")
    house.cross("mark", "home")
    helly.remember("still here")
    assert house.cross("helly", "floor").persona == "innie"
    helly.remember("helly is not exclusive")


def test_who_was_awake_when_a_subject_became_exclusive_sleeps(house: House) -> None:
    house.apply_thresholds(OFFICE)
    one, two = house.cross("mark", "floor"), house.cross("mark", "home")
    house.apply_thresholds(EXCLUSIVE)
    assert ended(one)
    assert ended(two)


CHILD = """
import sys
from kit import open_house
from severance.barrier.traces.ports import StillClock
clock = StillClock()
clock.at = int(sys.argv[2])
with open_house(sys.argv[1], clock=clock, create=False) as house:
    session = house.cross("mark", sys.argv[3])
    print("awake", flush=True)
    for line in sys.stdin:
        try:
            session.remember(line)
        except Exception as error:
            print(type(error).__name__, flush=True)
        else:
            print("kept", flush=True)
"""


def child(folder: Path, clock: StillClock, place: str) -> subprocess.Popen[str]:
    """Another process with a session of mark at a place."""
    started = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder / "store"), str(clock.at), place],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert says(started) == "awake"
    return started


def says(process: subprocess.Popen[str], line: str = "") -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    if line:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def test_never_are_two_awake_across_processes_and_kills(folder: Path, house: House, clock: StillClock) -> None:
    house.apply_thresholds(EXCLUSIVE)
    started = list[subprocess.Popen[str]]()
    try:
        first, second = (started.append(child(folder, clock, place)) or started[-1] for place in ("floor", "home"))
        assert [says(second, "a"), says(first, "b")] == ["kept", "AsleepError"]
        second.kill()
        second.wait()
        assert says(first, "c") == "AsleepError", "that the other was killed wakes nobody"
        mine = house.cross("mark", "floor")
        mine.remember("d")
        third = child(folder, clock, "floor")
        started.append(third)
        assert ended(mine)
        assert says(third, "e") == "kept"
    finally:
        for process in started:
            process.kill()
            process.communicate()


# Awake time and budgets


def test_awake_time_is_counted_for_each_persona_and_day(house: House, clock: StillClock) -> None:
    house.apply_thresholds(BUDGET)

    def today() -> dict[str, int]:
        return {each.name: each.awake for each in house.status().personas if each.subject == "mark"}

    with house.cross("mark", "floor"), house.cross("mark", "home"):
        clock.at += 20 * MINUTE
    with house.cross("mark", "home"):
        clock.at += 90 * SECOND
    assert today() == {"innie": 20 * 60, "outie": 20 * 60 + 90}
    at(clock, "2026-06-05T23:50+02:00")
    with house.cross("mark", "home"):
        clock.at += 15 * MINUTE
    assert today() == {"innie": 0, "outie": 5 * 60}, "midnight is the subject's"


def test_awake_time_is_written_down_each_minute_for_who_is_killed(
    folder: Path, house: House, clock: StillClock
) -> None:
    house.apply_thresholds(BUDGET)
    session = house.cross("mark", "home")
    for _ in range(10):
        clock.at += 30 * SECOND
        session.stats()
    with open_house(folder / "store", clock=clock) as other:
        assert other.status().personas[2].awake == 300


def test_a_budget_ends_a_session_and_refuses_the_next_until_tomorrow(house: House, clock: StillClock) -> None:
    house.apply_thresholds(BUDGET)
    session = house.cross("mark", "home")
    clock.at += 2 * HOUR - 1
    session.stats()
    clock.at += 1
    assert ended(session) == "this session has ended: its awake time for today is used up; cross again tomorrow"
    with pytest.raises(NotFoundError, match=NOBODY):
        house.cross("mark", "home")
    at(clock, "2026-06-06T00:00+02:00")
    house.cross("mark", "home").remember("a new day")


def test_a_budget_is_shared_by_all_sessions_of_a_persona(folder: Path, house: House, clock: StillClock) -> None:
    house.apply_thresholds(BUDGET)
    with open_house(folder / "store", clock=clock) as other:
        one, two = house.cross("mark", "home"), other.cross("mark", "home")
        for _ in range(59):
            clock.at += MINUTE
            one.stats()
            two.stats()
        clock.at += MINUTE
        one.stats()
        clock.at += MINUTE
        assert "used up" in ended(two)
        assert "used up" in ended(one)


def test_a_short_session_without_a_budget_writes_nothing(folder: Path, house: House, clock: StillClock) -> None:
    before = (folder / "store" / "chip.db").read_bytes()
    with house.cross("mark", "floor") as session:
        session.recall("anything")
        clock.at += SECOND - 1
    assert (folder / "store" / "chip.db").read_bytes() == before


# Explaining


def test_explaining_says_who_wakes_why_and_when_that_changes(house: House) -> None:
    house.apply_thresholds(OFFICE)
    found = house.explain("mark", "floor")
    assert (found.persona, found.until) == ("innie", datetime.fromisoformat("2026-06-05T18:00+02:00"))
    assert found.later == {"outie": found.until}
    assert [rule.holds for rule in found.rules] == [True, False]
    assert house.explain("mark", "floor", when=datetime.fromisoformat("2026-06-06T10:00Z")).persona is None
    assert house.explain("mark", "nowhere").rules == ()
    with pytest.raises(InputError, match="1970 to 2199"):
        house.explain("mark", "floor", when=datetime.fromisoformat("9999-12-31T23:59Z"))
    with pytest.raises(InputError):
        house.explain("mark", "floor", application="a/b")


def test_a_time_to_explain_is_given_as_other_times_are(house: House) -> None:
    house.apply_thresholds(OFFICE)
    saturday = house.explain("mark", "floor", when="2026-06-06")
    assert saturday == house.explain("mark", "floor", when=date(2026, 6, 6))
    assert (saturday.persona, saturday.zone) == (None, "Europe/Berlin")
    for given in ("yesterday", 5):
        with pytest.raises(InputError):
            house.explain("mark", "floor", when=given)


def test_explaining_says_what_the_door_does_when_a_budget_is_used_up(house: House, clock: StillClock) -> None:
    house.apply_thresholds(BUDGET)
    session = house.cross("mark", "home")
    clock.at += HOUR
    session.sleep()
    left = house.explain("mark", "home")
    assert (left.persona, left.spent, left.budget, left.awake, left.free) == ("outie", None, 7_200, 3_600, None)
    session = house.cross("mark", "home")
    clock.at += HOUR
    session.sleep()
    with pytest.raises(NotFoundError):
        house.cross("mark", "home")
    found, midnight = house.explain("mark", "home"), datetime.fromisoformat("2026-06-06T00:00+02:00")
    assert (found.persona, found.spent, found.awake, found.free) == (None, "outie", 7_200, midnight)
    assert found.until == midnight
    clock.at = micros(midnight)
    assert house.cross("mark", "home").persona == house.explain("mark", "home").persona == "outie"


def test_an_idle_session_counts_no_more_than_the_rest_of_its_budget(house: House, clock: StillClock) -> None:
    house.apply_thresholds(BUDGET)
    idle = house.cross("mark", "home")
    clock.at += 5 * HOUR
    assert "used up" in ended(idle)
    assert house.status().personas[2].awake == 7_200
    at(clock, "2026-06-06T23:00+02:00")
    with house.cross("mark", "home"):
        clock.at += 5 * MINUTE
    idle = house.cross("mark", "home")
    at(clock, "2026-06-07T01:00+02:00")
    idle.stats()  # it had time left on both days
    at(clock, "2026-06-07T05:00+02:00")
    idle.sleep()
    assert house.status().personas[2].awake == 7_200


def test_a_session_that_is_idle_past_its_budget_and_midnight_has_ended(house: House, clock: StillClock) -> None:
    house.apply_thresholds(BUDGET)
    idle = house.cross("mark", "home")  # at 17:00
    at(clock, "2026-06-06T00:30+02:00")
    assert "used up" in ended(idle)
    assert house.status().personas[2].awake == 0, "its time was over the day before"


def test_a_text_without_rules_is_taken_only_when_that_is_said(house: House) -> None:
    before = house.thresholds()
    with pytest.raises(InputError, match="line 1, column 1: there is no rule"):
        house.apply_thresholds("[[subject]]\nname = 'mark'\nexclusive = true\n")
    assert house.thresholds() == before
    assert house.apply_thresholds("", dry=True) == house.apply_thresholds("", empty=True)
    assert house.apply_thresholds("") == []


def test_a_look_that_fails_half_way_is_made_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.apply_thresholds(EXCLUSIVE)
    under_old_rules, without_turn = house.cross("mark", "floor"), house.cross("mark", "floor")
    true, fails = Chip.current, [KeyboardInterrupt(), DamagedError("once")]

    def current(self: Chip) -> Any:
        if fails:
            raise fails.pop()
        return true(self)

    house.cross("mark", "home")
    monkeypatch.setattr(Chip, "current", current)
    for kind in (DamagedError, KeyboardInterrupt):
        with pytest.raises(kind):
            without_turn.stats()
    assert "crossed elsewhere" in ended(without_turn)
    assert ended(under_old_rules)
    outie = house.cross("mark", "home")
    house.apply_thresholds(EXCLUSIVE.replace('place = "home"', 'place = "attic"'))
    fails.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        outie.stats()
    assert "does not wake this persona" in ended(outie)


# Sessions that nobody has any more


def test_a_dropped_session_counts_until_it_was_dropped_and_is_told_as_slept(house: House, clock: StillClock) -> None:
    house.apply_thresholds(BUDGET)
    session: Session | None = house.cross("mark", "home")
    clock.at += HOUR
    del session
    gc.collect()
    clock.at += 5 * HOUR
    house.cross("mark", "home").sleep()
    assert house.status().personas[2].awake == 3_600
    assert [event.what for event in house.events()].count(What.SLEPT) == 2


def test_a_session_that_is_dropped_within_a_change_of_the_chip_counts_too(house: House, clock: StillClock) -> None:
    house.apply_thresholds(BUDGET)
    held = [house.cross("mark", "home")]
    clock.at += HOUR

    def work(change: Change) -> None:
        held.clear()
        gc.collect()

    house._chip.change(work)
    assert house.status().personas[2].awake == 0, "not within the change"
    house.cross("mark", "home").sleep()
    assert house.status().personas[2].awake == 3_600
