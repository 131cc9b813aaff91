"""Times: aware `datetime`s in UTC at the surface, whole microseconds since 1970 below it; and lengths of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from severance.errors import InputError

_LENGTH = re.compile(r"(?:[0-9]{1,9}[smhd]){1,8}")
_PART_OF_LENGTH = re.compile(r"([0-9]+)([smhd])")
_SECONDS = MappingProxyType({"s": 1, "m": 60, "h": 3_600, "d": 86_400})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(when: datetime) -> int:
    """Whole microseconds from 1970 to `when`; a time without a zone is taken as UTC."""
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def moment(us: int) -> datetime:
    """The aware UTC time that is `us` microseconds from 1970."""
    return _EPOCH + timedelta(microseconds=us)


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 date or time; without a zone it is taken as UTC.

    Raises:
        InputError: it is not one.
    """
    try:
        when = datetime.fromisoformat(text.strip())
        return when.astimezone(UTC) if when.tzinfo is not None else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InputError("that is not a date or time; write it as 2024-05-31 or 2024-05-31T18:00+02:00") from None


def parse_length(text: str) -> timedelta | None:
    """A length of time such as `30s`, `1h30m` or `7d`: a sum of days, hours, minutes and seconds; or None."""
    if not _LENGTH.fullmatch(text):
        return None
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in _PART_OF_LENGTH.findall(text)))
