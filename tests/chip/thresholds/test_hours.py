"""Hours: what is shown on a wall, over midnight and over changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from severance.chip.thresholds.hours import DAY_MINUTES, Hours
from severance.errors import InputError
from severance.model import micros, moment

MINUTE = 60_000_000
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # clocks change by half an hour
    "Africa/Casablanca",
    "Pacific/Apia",  # on 2011-12-30 there was no day
)

times = st.one_of(st.sampled_from([0, 60, 90, 120, 150, 180, 1439]), st.integers(0, DAY_MINUTES - 1))
some_hours = st.builds(
    Hours, st.frozensets(st.integers(0, 6), min_size=1), times, times.map(lambda end: end + 1), st.sampled_from(ZONES)
).filter(lambda hours: hours.start != hours.end)


def at(text: str) -> int:
    return micros(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("text", "holding", "not_holding"),
    [
        (
            "Mon-Fri 09:00-18:00 Europe/Berlin",
            ["2026-06-05T09:00+02:00", "2026-06-05T17:59:59+02:00"],
            ["2026-06-05T18:00+02:00", "2026-06-06T12:00+02:00", "2026-06-05T08:59:59+02:00"],
        ),
        (
            "Fri 22:00-06:00 Europe/Berlin",
            ["2026-06-05T23:00+02:00", "2026-06-06T05:59+02:00"],
            ["2026-06-05T05:00+02:00", "2026-06-06T06:00+02:00", "2026-06-06T22:30+02:00"],
        ),
        ("Sat-Mon UTC", ["2026-06-06T00:00Z", "2026-06-08T23:59Z"], ["2026-06-09T00:00Z", "2026-06-05T23:59Z"]),
        ("09:00-18:00 Asia/Kathmandu", ["2026-06-05T03:15Z"], ["2026-06-05T03:14Z"]),
        ("22:00-00:00 UTC", ["2026-06-05T23:59Z"], ["2026-06-05T00:00Z"]),
    ],
)
def test_they_hold_from_their_beginning_until_before_their_end(
    text: str, holding: list[str], not_holding: list[str]
) -> None:
    hours = Hours.parse(text)
    assert [each for each in holding if not hours.hold(at(each))] == []
    assert [each for each in not_holding if hours.hold(at(each))] == []


def test_what_clocks_skip_never_comes() -> None:
    skipped = Hours.parse("Sun 02:00-03:00 Europe/Berlin")
    assert skipped.next_change(at("2026-03-27T12:00Z")) == at("2026-04-05T02:00+02:00"), "on 29 March it is 3 at once"
    into = Hours.parse("Sun 02:30-05:00 Europe/Berlin")
    assert into.next_change(at("2026-03-29T00:00Z")) == at("2026-03-29T03:00+02:00")


def test_what_clocks_show_twice_holds_twice() -> None:
    hours, shown = Hours.parse("Sun 02:15-02:45 Europe/Berlin"), []
    now = at("2026-10-24T12:00Z")
    for _ in range(4):
        now = hours.next_change(now) or 0
        shown.append(moment(now).strftime("%d %H:%M"))
    assert shown == ["25 00:15", "25 00:45", "25 01:15", "25 01:45"]


@cache
def held(hours: Hours, begin: int, minutes: int) -> list[bool]:
    return [hours.hold(begin + minute * MINUTE) for minute in range(minutes)]


@settings(deadline=None, max_examples=6)
@given(some_hours, st.sampled_from([2011, 2024, 2026]), st.data())
def test_the_next_change_is_the_one_that_brute_force_finds_minute_by_minute_over_a_year(
    hours: Hours, year: int, data: st.DataObject
) -> None:
    begin = micros(datetime(year, 1, 1, tzinfo=UTC))
    every = held(hours, begin, 366 * DAY_MINUTES)
    changes = [minute for minute in range(1, len(every)) if every[minute] != every[minute - 1]]
    nearby = st.builds(lambda change, off: change + off, st.sampled_from(changes or [5]), st.integers(-2, 2))
    for _ in range(30):
        minute = data.draw(st.one_of(nearby, st.integers(0, 340 * DAY_MINUTES)))
        minute = min(max(minute, 0), 340 * DAY_MINUTES)
        true = next((change for change in changes if change > minute), None)
        told = hours.next_change(begin + minute * MINUTE)
        assert told == (None if true is None else begin + true * MINUTE)


@given(some_hours)
def test_what_is_written_is_read_again(hours: Hours) -> None:
    assert Hours.parse(str(hours)) == hours


def test_hours_that_are_short_of_an_end_by_a_second_have_not_ended() -> None:
    hours = Hours.parse("09:00-18:00 Europe/Berlin")
    end = at("2026-06-05T18:00+02:00")
    assert hours.next_change(end - 1) == end
    assert hours.next_change(end) == at("2026-06-06T09:00+02:00")
    assert moment(end) - moment(hours.next_change(end - MINUTE) or 0) == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "UTC",
        "09:00-18:00",
        "Mon-Fri 9:00-18:00 UTC",
        "Mon-Fri 09:00-25:00 UTC",
        "Mon-Fri 09:61-18:00 UTC",
        "24:00-09:00 UTC",
        "Mon-Fri 09:00-09:00 UTC",
        "Mon-Fry 09:00-18:00 UTC",
        "Mon-Wed-Fri 09:00-18:00 UTC",
        "Mon-Fri 09:00-18:00 Europe/Nowhere",
        "Mon-Fri 09:00-18:00 ../../etc/passwd",
        "Mon-Fri 09:00-18:00 Europe",
        "09:00-18:00 Mon-Fri UTC",
        "Mon-Fri 09:00-18:00 UTC UTC",
    ],
)
def test_what_is_no_hours_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InputError) as refused:
        Hours.parse(text)
    assert "\n" not in str(refused.value)
    assert "write" in str(refused.value) or "Europe/Berlin" in str(refused.value)
