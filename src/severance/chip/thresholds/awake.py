"""How long a persona was awake on each day, as its subject counts days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from severance.chip.thresholds.hours import zone_named
from severance.errors import InputError
from severance.model import micros, moment

MOST_DAYS = 7
"""So many days are kept, the last ones."""

_FIRST = date(1970, 1, 1).toordinal()


def day_of(now: int, zone: str) -> int:
    """The day that it is in this zone at this instant (microseconds since 1970), counted from 1970-01-01."""
    return moment(now).astimezone(_zone(zone)).date().toordinal() - _FIRST


def split(since: int, until: int, zone: str) -> Iterator[tuple[int, int]]:
    """Days, with how many microseconds of this span are on each; of a long one, on the last days only."""
    since = max(since, until - (MOST_DAYS - 1) * 86_400_000_000)
    while since < until:
        day = day_of(since, zone)
        midnight = datetime.combine(date.fromordinal(_FIRST + day) + timedelta(days=1), time(), _zone(zone))
        end = min(until, max(micros(midnight), since + 1))
        yield day, end - since
        since = end


def next_day(now: int, zone: str) -> int:
    """When the next day begins there."""
    first = date.fromordinal(_FIRST + day_of(now, zone) + 1)
    return micros(datetime.combine(first, time(), _zone(zone)))


def is_used_up(days: Mapping[int, int], spans: Iterable[tuple[int, int]], most: int) -> bool:
    """Whether with these spans, or without any, a day has as much time as a day may have."""
    return any(days.get(day, 0) + span >= most for day, span in spans)


def added(days: Mapping[int, int], spans: Iterable[tuple[int, int]], most: int | None = None) -> dict[int, int]:
    """These days with more time, ascending; the last of them. With `most`, time is over when a day has so much."""
    found = dict(days)
    for day, span in spans:
        had = found.get(day, 0)
        rest = span if most is None else min(span, max(most - had, 0))
        found[day] = had + rest
        if rest < span:
            break
    return dict(sorted(found.items())[-MOST_DAYS:])


def _zone(name: str) -> ZoneInfo:
    """The zone, or where it is not known here UTC: that days begin at another hour is no reason to count nothing."""
    try:
        return zone_named(name)
    except InputError:
        return zone_named("UTC")
