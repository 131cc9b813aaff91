"""P2, at the threshold: who wakes, until when, and that of an exclusive subject one is awake."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from kit import make_house, open_house
from kit.checks.base import refuses
from severance import AsleepError, DamagedError, NotFoundError, Persona, Session
from severance.barrier.traces.ports import StillClock
from severance.chip.chip import Chip
from severance.chip.thresholds.surroundings import Nowhere
from severance.model import micros

_RULES = """
subject = [{ name = "mark", exclusive = true, zone = "Asia/Tokyo", budget = { outie = "2h" } }]
rule = [
  { subject = "mark", place = "floor", persona = "innie", hours = "Mon-Fri 09:00-18:00 Asia/Tokyo" },
  { subject = "mark", place = "floor", persona = "outie", hours = "Mon-Fri 17:00-23:00 Asia/Tokyo" },
  { subject = "mark", place = "lift", persona = "innie", host = "*" },
  { subject = "mark", place = "home", persona = "outie" },
]
"""


def _at(clock: StillClock, text: str) -> None:
    clock.at = micros(datetime.fromisoformat(f"2026-06-05T{text}+09:00"))  # a Friday


def the_first_rule_that_holds_decides(folder: Path) -> None:
    """By the hours of its own time zone; where none holds, or nothing can be known, nobody wakes."""
    clock = StillClock()
    _at(clock, "17:30")
    with make_house(folder, clock=clock, surroundings=Nowhere()) as house:
        house.apply_thresholds(_RULES)
        assert house.cross("mark", "floor").persona == "innie"
        _at(clock, "18:00")
        assert house.cross("mark", "floor").persona == "outie"
        _at(clock, "08:59")
        said = {str(refuses(NotFoundError, lambda p=place: house.cross("mark", p))) for place in ("floor", "lift", "x")}
        assert len(said) == 1


def a_session_ends_with_its_hours_and_its_budget(folder: Path) -> None:
    """At the instant, whatever the clock does afterwards."""
    clock = StillClock()
    _at(clock, "17:59")
    with make_house(folder, clock=clock, surroundings=Nowhere()) as house:
        house.apply_thresholds(_RULES)
        innie = house.cross("mark", "floor")
        innie.stats()
        _at(clock, "18:00")
        refuses(AsleepError, innie.stats)
        _at(clock, "10:00")
        refuses(AsleepError, innie.stats)
        outie = house.cross("mark", "home")
        for _ in range(2):
            outie.stats()
            clock.at += 3_600_000_000
        refuses(AsleepError, outie.stats)
        refuses(NotFoundError, lambda: house.cross("mark", "home"))


def a_session_ends_although_a_look_failed(folder: Path) -> None:
    """A look that was cut short, or met damage once, is made again at the next call."""
    clock = StillClock()
    _at(clock, "12:00")
    with make_house(folder, clock=clock, surroundings=Nowhere()) as house:
        house.apply_thresholds(_RULES)
        first = house.cross("mark", "floor")
        house.cross("mark", "home")
        for kind in (KeyboardInterrupt, DamagedError):
            with mock.patch.object(Chip, "current", side_effect=kind("once")):
                refuses(kind, first.stats)
        refuses(AsleepError, first.stats)


def a_session_ends_although_its_threshold_came_and_went_meanwhile(folder: Path) -> None:
    """Somebody declares who wakes while somebody crosses, and then that nobody does."""
    true = Chip.waking
    with make_house(folder) as house:
        house.place("floor", {"mark": None})

        def waking(chip: Chip, *given: Any) -> Persona:
            house.place("floor", {"mark": "innie"})
            return true(chip, *given)

        with mock.patch.object(Chip, "waking", waking):
            session = house.cross("mark", "floor")
        house.place("floor", {"mark": None})
        refuses(AsleepError, session.stats)


def an_exclusive_subject_has_one_awake(folder: Path) -> None:
    """Also when two cross at once: one of them between what the other reads and what it writes."""
    clock = StillClock()
    _at(clock, "12:00")
    with (
        make_house(folder, clock=clock, surroundings=Nowhere()) as house,
        open_house(folder / "store", clock=clock) as other,
    ):
        house.apply_thresholds(_RULES)
        first = house.cross("mark", "floor")
        true, between = Chip.change, list[Session]()

        def change(self: Chip, work: Any) -> Any:
            if self is house._chip and not between:
                between.append(first)  # once
                between.append(other.cross("mark", "home"))
            return true(self, work)

        with mock.patch.object(Chip, "change", change):
            last = house.cross("mark", "floor")
        refuses(AsleepError, first.stats)
        refuses(AsleepError, between[1].stats)
        last.stats()
