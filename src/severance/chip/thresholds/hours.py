"""Hours of the week in a time zone: whether they hold, and when that changes next.

They hold while a clock on a wall there shows such a time. So what clocks skip when they go forward never comes, and
what they show twice when they go back holds twice; rules of time zones are those of the IANA database (RFC 6557).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from severance.errors import InputError
from severance.model import micros, moment

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MINUTES = 24 * 60
_HORIZON = 22
"""Days to look ahead: a time of one weekday can be skipped twice in a row, and not oftener."""

_TIMES = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_DAYS = re.compile(r"[A-Z][a-z]{2}(?:[-,][A-Z][a-z]{2})*")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
_NO_PLACE = ("localtime", "posixrules", "Factory", "right", "posix")
"""What is found where the zones of the IANA database are, and is none, or one with other seconds."""

_LOOSE = re.compile(r"[0-9]{1,2}(?::?[0-9]{2})?-[0-9]{1,2}(?::?[0-9]{2})?")
_FORM = 'write hours as "Mon-Fri 09:00-18:00 Europe/Berlin"'


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes of some days of the week in a time zone.

    Attributes:
        days: the days on which they begin, 0 for Monday to 6.
        start: the first minute, counted from midnight, 0 to 1,439.
        end: the minute before which they end, 1 to 1,440; below `start` where that is on the next day.
        zone: the name of the time zone.
    """

    days: frozenset[int]
    start: int
    end: int
    zone: str

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Read `[DAYS] [HH:MM-HH:MM] ZONE`; without days every day, without times the whole day.

        Raises:
            InputError: it is not of that form, or the zone is not known here.
        """
        *parts, zone = text.split() or [""]
        nothing = not parts
        days, start, end = frozenset(range(7)), 0, DAY_MINUTES
        if parts and _DAYS.fullmatch(parts[0]):
            days = _days(parts.pop(0))
        if parts and (found := _TIMES.fullmatch(parts[0])):
            parts.pop(0)
            start, end = _minutes(*found.groups())
        if parts or nothing or _TIMES.fullmatch(zone) or _LOOSE.fullmatch(zone):
            raise InputError(f"{_missing(parts, zone)}; {_FORM}")
        zone_named(zone)
        return cls(days, start, end, zone)

    def __str__(self) -> str:
        return f"{_written_days(self.days)} {_clock(self.start)}-{_clock(self.end)} {self.zone}"

    def local(self, now: int) -> datetime:
        """The time that a clock on a wall there shows.

        Raises:
            InputError: the zone is not known here.
        """
        return moment(now).astimezone(zone_named(self.zone))

    def hold(self, now: int) -> bool:
        """Whether they hold at this instant (microseconds since 1970).

        Raises:
            InputError: the zone is not known here.
        """
        shown = self.local(now)
        day, minute = shown.weekday(), shown.hour * 60 + shown.minute
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        return (minute >= self.start and day in self.days) or (minute < self.end and (day - 1) % 7 in self.days)

    def next_change(self, now: int) -> int | None:
        """The first instant after `now` from which they hold where they did not, or the reverse; None for never.

        Raises:
            InputError: the zone is not known here.
        """
        held, first = self.hold(now), self.local(now).date()
        for day in range(_HORIZON):
            for at in self._edges(first + timedelta(days=day)):
                if at > now and self.hold(at) != held:
                    return at
        return None

    def _edges(self, day: date) -> list[int]:
        """Every instant of a local day at which something could change."""
        zone = zone_named(self.zone)
        walls = {0, self.start, self.end % DAY_MINUTES}
        shown = [datetime.combine(day, time(wall // 60, wall % 60), zone) for wall in walls]
        edges = {micros(each.replace(fold=fold)) for each in shown for fold in (0, 1)}
        return sorted(edges.union(_turns(zone, day)))


def _turns(zone: ZoneInfo, day: date) -> Iterator[int]:
    """When clocks are put forward or back on a local day."""
    begin = int(datetime.combine(day, time(), zone).timestamp()) - 1
    end = int(datetime.combine(day + timedelta(days=1), time(), zone).replace(fold=1).timestamp()) + 1
    before = _offset(zone, begin)
    if before == _offset(zone, end):
        return
    while end - begin > 1:
        middle = (begin + end) // 2
        begin, end = (middle, end) if _offset(zone, middle) == before else (begin, middle)
    yield end * 1_000_000


def _offset(zone: ZoneInfo, seconds: int) -> timedelta | None:
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone).utcoffset()


@cache
def zone_named(name: str) -> ZoneInfo:
    """The time zone of this name in the IANA database.

    Raises:
        InputError: there is none here.
    """
    if name.split("/")[0] in _NO_PLACE:
        raise InputError(
            "that is no zone of a place: what it means differs between machines; write a name of the IANA database, "
            "such as Europe/Berlin"
        )
    try:
        if not _ZONE.fullmatch(name):
            raise ValueError
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            "that time zone is not known on this machine; write a name of the IANA database, such as Europe/Berlin"
        ) from None


def _missing(parts: list[str], zone: str) -> str:
    """What is wrong with hours that are none."""
    if any(_LOOSE.fullmatch(part) and not _TIMES.fullmatch(part) for part in (*parts, zone)):
        return "times have two digits for the hour and two for the minute, such as 09:00-18:00"
    if _TIMES.fullmatch(zone) or _DAYS.fullmatch(zone):
        return "these hours have no time zone"
    return "these hours have neither days nor times" if not parts and zone else "these are no hours"


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    try:
        for part in text.split(","):
            first, *last = (DAYS.index(name) for name in part.split("-"))
            if len(last) > 1:
                raise ValueError
            count = (last[0] - first) % 7 if last else 0
            found.update((first + step) % 7 for step in range(count + 1))
    except ValueError:
        raise InputError(f"days are Mon, Tue, Wed, Thu, Fri, Sat and Sun; {_FORM}") from None
    return frozenset(found)


def _minutes(*numbers: str) -> tuple[int, int]:
    hour, minute, last_hour, last_minute = map(int, numbers)
    start, end = hour * 60 + minute, last_hour * 60 + last_minute or DAY_MINUTES
    if minute > 59 or last_minute > 59 or start >= DAY_MINUTES or end > DAY_MINUTES:
        raise InputError(f"times go from 00:00 to 24:00; {_FORM}")
    if start == end:
        raise InputError("hours that end when they begin are none; for the whole day write 00:00-24:00")
    return start, end


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _written_days(days: frozenset[int]) -> str:
    """Runs of three and more as `Mon-Fri`."""
    parts, day = [], 0
    while day < 7:
        last = day
        while last + 1 < 7 and last + 1 in days and day in days:
            last += 1
        if day in days:
            run = [DAYS[each] for each in range(day, last + 1)]
            parts += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else run
        day = last + 1
    return ",".join(parts)
