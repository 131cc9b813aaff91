"""The calendar's stretches of time: days, weeks, months, seasons, feasts, years, decades.

All in UTC. Seasons are those of the northern half of the world, by whole months; the winter of a year begins in its
December. Easter by the anonymous Gregorian computus (Meeus, "Astronomical Algorithms", 1991, chapter 8).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
FIRST_DAY, LAST_DAY = 1, date.max.toordinal()
_EPOCH = date(1970, 1, 1).toordinal()

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
MONTH = {name: i + 1 for i, name in enumerate(MONTHS)} | {name[:3]: i + 1 for i, name in enumerate(MONTHS)}
MONTH["sept"] = 9
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
FEASTS = {
    "christmas eve": (12, 24, 0),
    "christmas day": (12, 25, 0),
    "christmas": (12, 24, 2),
    "boxing day": (12, 26, 0),
    "new year's eve": (12, 31, 0),
    "new year's day": (1, 1, 0),
    "new year's": (12, 31, 1),
    "new year": (12, 31, 1),
    "valentine's day": (2, 14, 0),
    "valentine's": (2, 14, 0),
    "halloween": (10, 31, 0),
}
"""Feasts on the same day each year: month, day, and how many days more."""
YEARLY = (*MONTH, *_SEASONS, *FEASTS, "easter", "thanksgiving")
"""What comes every year, by name."""

UNITS = {"day": 1, "night": 1, "week": 7, "weekend": 7, "fortnight": 14, "month": 30, "quarter": 91}
UNITS |= {"year": 365, "decade": 3652}
"""About how many days there are in each."""


_ABOUT = {30: 7, 91: 21, 365: 61, 3652: 608}  # days on either side of so many days ago; half of a shorter unit


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that a query names: how it is written in reasons, and its inclusive bounds in microseconds."""

    label: str
    since: int
    until: int


def day_of(at: int) -> int:
    """The number of the day of a time in microseconds, 1 for 1 January of year 1; never beyond the calendar."""
    return min(max(at // DAY_US + _EPOCH, FIRST_DAY), LAST_DAY)


def begin(day: int) -> int:
    """The first microsecond of a day."""
    return (day - _EPOCH) * DAY_US


def written(day: int) -> str:
    """A day in words."""
    then = date.fromordinal(day)
    return f"{then.day} {MONTHS[then.month - 1]} {then.year}"


def days(first: int, last: int, label: str = "") -> Span:
    """From one day to another, both included; days beyond the calendar are its first or its last."""
    first = min(max(first, FIRST_DAY), LAST_DAY)
    last = min(max(last, first), LAST_DAY)
    plain = written(first) if first == last else f"{written(first)} to {written(last)}"
    return Span(label or plain, begin(first), begin(last) + DAY_US - 1)


def day(year: int, month: int, number: int) -> Span | None:
    """A day, or None for 31 February and the like."""
    try:
        then = date(year, month, number).toordinal()
    except ValueError:
        return None
    return days(then, then)


def months(first: int, count: int, label: str) -> Span:
    """Whole months, from month `first` on, counted from January of year 0."""
    first = min(max(first, 12), 9999 * 12 + 11)
    last = min(first + count - 1, 9999 * 12 + 11)
    year, month = divmod(last, 12)
    end = date(year, month + 1, monthrange(year, month + 1)[1])
    return days(date(first // 12, first % 12 + 1, 1).toordinal(), end.toordinal(), label)


def month(year: int, number: int) -> Span:
    """A month, 1 to 12."""
    return months(year * 12 + number - 1, 1, f"{MONTHS[number - 1]} {year}")


def year_of(year: int) -> Span:
    """A year."""
    return months(year * 12, 12, str(year))


def decade(first: int) -> Span:
    """Ten years from `first` on."""
    return months(first * 12, 120, f"the {first}s")


def yearly(name: str, year: int) -> Span | None:
    """What has this name (one of `YEARLY`) in a year; None outside of the years 1 to 9999."""
    if not 1 <= year <= 9999:
        return None
    if name in MONTH:
        return month(year, MONTH[name])
    if name in _SEASONS:
        return months(year * 12 + _SEASONS[name] - 1, 3, f"{name} {year}")
    if name in FEASTS:
        number, first, more = FEASTS[name]
        then = date(year, number, first).toordinal()
        return days(then, then + more, f"{name} {year}")
    then = _easter(year) if name == "easter" else _thanksgiving(year)
    return days(then - 2 * (name == "easter"), then + 1, f"{name} {year}")


def beside(span: Span, side: str, count: int, unit: int, now: int, *, exact: bool = True) -> Span:
    """The time `before`, `until`, `after` or `since` a span. With a count of units, about so long from it, or, where it
    is not `exact` (`the week before`), the whole of it.
    """
    later = side in ("after", "since")
    if not count:
        if later:
            start = span.since if side == "since" else span.until + 1
            return Span(f"{side} {span.label}", start, max(now, start))
        end = span.since - 1 if side == "before" else span.until
        return Span(f"{side} {span.label}", min(begin(1), end), end)
    edge = day_of(span.until if later else span.since)
    if exact:
        return about(edge + count * unit * (1 if later else -1), unit)
    return days(edge + 1, edge + unit) if later else days(edge - unit, edge - 1)


def about(middle: int, unit: int) -> Span:
    """The days around one, as many as people mean who count in this unit."""
    most = _ABOUT.get(unit, unit)
    return days(middle - min(most, unit // 2), middle + min(most, (unit - 1) // 2))


def _easter(year: int) -> int:
    golden, (century, short) = year % 19, divmod(year, 100)
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    ahead = (32 + 2 * (century % 4) + 2 * (short // 4) - moon - short % 4) % 7
    late = (golden + 11 * moon + 22 * ahead) // 451
    number, before = divmod(moon + ahead - 7 * late + 114, 31)
    return date(year, number, before + 1).toordinal()


def _thanksgiving(year: int) -> int:
    first = date(year, 11, 1)
    return first.toordinal() + (3 - first.weekday()) % 7 + 21
