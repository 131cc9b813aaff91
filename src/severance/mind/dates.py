"""Times that a query speaks of: `8 May 2023`, `in June`, `2023-05-08`, `last week`, `in 2022`."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from severance.model import micros, moment

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SHORT = {name[:3]: i + 1 for i, name in enumerate(_MONTHS)} | {"sept": 9}
_MONTH = {name: i + 1 for i, name in enumerate(_MONTHS)} | _SHORT
_NAMES = "|".join(sorted(_MONTH, key=len, reverse=True))
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?P<year>(?:19|20)\d\d)-(?P<number>\d\d)(?:-(?P<day>\d\d))?\b",
        rf"\b{_DAY}\s+(?:of\s+)?(?P<name>{_NAMES})\b\.?,?(?:\s+(?:of\s+)?{_YEAR}\b)?",
        rf"\b(?P<name>{_NAMES})\.?\s+{_DAY}\b(?:,?\s+{_YEAR}\b)?",
        rf"\b(?P<name>{_NAMES})\.?,?\s+(?:of\s+)?{_YEAR}\b",
        # Alone, only names that are nothing but months: `may` and `march` need a word of time before them.
        rf"\b(?:in|during|since|by|until|of|last|early|mid|late)[\s-]+(?P<name>{_NAMES})\b",
        r"\b(?P<name>january|february|april|june|july|august|september|october|november|december)\b",
        rf"\b{_YEAR}\b",
    )
)
_HINT = re.compile(rf"\b(?:(?:19|20)\d\d|{_NAMES}|today|yesterday|(?:this|last) (?:week|month|year))\b")
_AGO = re.compile(r"\b(today|yesterday|this week|last week|this month|last month|this year|last year)\b")
_DAY_US = 86_400_000_000
_MAX_YEARS = 100
_MOST_NAMED = 64


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that a query names: how it is written in reasons, and its inclusive bounds in microseconds."""

    label: str
    since: int
    until: int


def may_name_a_time(text: str) -> bool:
    """Whether it is worth looking for times in a query."""
    return _HINT.search(text.lower()) is not None


def spans(text: str, *, now: int, first: int, last: int) -> list[Span]:
    """The stretches of time in a query. A month or day without a year stands for that of each year from `first` to
    `last` (microseconds: the earliest and the latest memory). Each is told once. Of a page pasted in, only the first
    64 times that it names count, since every stretch is held against every memory.
    """
    lowered = text.lower()
    named: dict[tuple[tuple[str, str], ...], re.Match[str]] = {}
    for pattern in _PATTERNS:
        for match in pattern.finditer(lowered):
            named.setdefault(tuple(match.groupdict("").items()), match)
        lowered = pattern.sub(" | ", lowered)
    found = [span for match in list(named.values())[:_MOST_NAMED] for span in _spans_of(match, first, last)]
    found += [_relative(words, now) for words in dict.fromkeys(_AGO.findall(lowered))]
    return list(dict.fromkeys(found))


def _spans_of(match: re.Match[str], first: int, last: int) -> list[Span]:
    parts = match.groupdict()
    named = parts.get("name")
    month = _MONTH[named] if named else int(parts.get("number") or 0)
    day = int(parts.get("day") or 0)
    if parts.get("year"):
        years = [int(parts["year"])]
    else:
        years = list(range(moment(first).year, moment(last).year + 1))[-_MAX_YEARS:]
    return [span for year in years if (span := _calendar(year, month, day))]


def _calendar(year: int, month: int, day: int) -> Span | None:
    try:
        if not month:
            return _span(str(year), datetime(year, 1, 1, tzinfo=UTC), datetime(year, 12, 31, tzinfo=UTC))
        name = _MONTHS[month - 1] if month <= 12 else ""
        if not day:
            until = datetime(year, month, monthrange(year, month)[1], tzinfo=UTC)
            return _span(f"{name} {year}", datetime(year, month, 1, tzinfo=UTC), until)
        then = datetime(year, month, day, tzinfo=UTC)
        return _span(f"{day} {name} {year}", then, then)
    except ValueError:  # 31 February, month 13
        return None


def _span(label: str, first_day: datetime, last_day: datetime) -> Span:
    return Span(label, micros(first_day), micros(last_day) + _DAY_US - 1)


def _relative(words: str, now: int) -> Span:
    today = moment(now).replace(hour=0, minute=0, second=0, microsecond=0)
    if words in ("today", "yesterday"):
        then = today - timedelta(days=words == "yesterday")
        return _span(words, then, then)
    back = words.startswith("last")
    if words.endswith("week"):
        monday = today - timedelta(days=today.weekday() + 7 * back)
        return _span(words, monday, monday + timedelta(days=6))
    if words.endswith("month"):
        year, month = divmod(today.year * 12 + today.month - 1 - back, 12)
        first = today.replace(year=year, month=month + 1, day=1)
        return _span(words, first, first.replace(day=monthrange(year, month + 1)[1]))
    year = today.year - back
    return _span(words, today.replace(year=year, month=1, day=1), today.replace(year=year, month=12, day=31))
