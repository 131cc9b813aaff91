"""Times that a query speaks of: `8 May 2023`, `last spring`, `three days ago`, `between June and August`.

English, and read by two tables: each line of `_DATES` and `_OTHERS` is a way of writing a time, and what it stands for.
What is relative is counted from the query's own `now`, or from the day that the query names, where it names exactly
one. All in UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING

from severance.mind import almanac
from severance.mind.almanac import DAY_US, HOUR_US, UNITS, Span

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[["_Frame", re.Match[str]], list[Span]]

_MOST_NAMED = 64
_MOST_YEARS = 100
_MOST_LETTERS = 8_000
_MOST_EVENTS = 4
_EVENT_WORDS = 8
_ASKING = frozenset({"what", "who", "whom", "whose", "where", "when", "which", "why", "how", "did", "do", "does"})
_MARK = "\0"

_COUNTS = {"a": 1, "an": 1, "the": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_COUNTS |= {"eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "few": 3, "several": 4, "couple": 2}
_COUNT = r"(?P<count>\d{1,3}|(?:a )?couple(?: of)?|(?:a |the )?few|" + "|".join(c for c in _COUNTS if len(c) != 6) + ")"
_UNIT = "(?P<unit>" + "|".join(sorted(UNITS, key=len, reverse=True)) + ")"
_MONTH = "|".join(sorted(almanac.MONTH, key=len, reverse=True))
_WHAT = "(?P<what>" + "|".join(sorted(almanac.YEARLY, key=len, reverse=True)) + ")"
_CLEAR = "|".join(name for name in almanac.MONTHS if name not in ("march", "may"))
_WEEKDAY = "(?P<weekday>" + "|".join(almanac.WEEKDAYS) + ")"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_PART = r"(?P<part>early|mid|late|(?:the )?(?:beginning|start|middle|end) of)[ -](?:the )?"
_WHICH = "(?P<which>last|past|previous|this|next)"
_BEFORE_NAMES = "in|during|over|at|on|of|since|by|until|till|before|after|from|between|and|to|around|near|about"
_FEAST = "|".join(sorted((*almanac.FEASTS, "easter", "thanksgiving"), key=len, reverse=True))
_ALONE = frozenset((*almanac.YEARLY, *almanac.WEEKDAYS))
_AROUND_DAYS = 5
_HOURS = {"morning": (5, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 30)}
_DAYS = {"yesterday": -1, "this": 0, "tomorrow": 1}
_NEAR = {
    "the day before yesterday": -2,
    "yesterday": -1,
    "today": 0,
    "tomorrow": 1,
    "the day after tomorrow": 2,
}
_HINT = re.compile(
    rf"\b(?:(?:19|20)\d\d|\d\d?(?:st|nd|rd|th)?|{'|'.join(almanac.YEARLY)}|the \d0'?s|to(?:day|night|morrow)|yesterday"
    rf"|ago|last|past|previous|this|next|on|before|after|since|weekend|{'|'.join(almanac.WEEKDAYS)}"
    r"|(?:19|20)\d0'?s)\b"
)
_BETWEEN = re.compile(r"\b(?:between|from) (?:the )?(\0+) (?:and|to|till|until|through) (?:the )?(\0+)")
_THROUGH = re.compile(r"(\0+) ?(?:-|to|till|until|through) ?(\0+)")
_SIDE = rf"\b(?:{_COUNT} {_UNIT}s? )?(?P<side>before|after|since|until|till|by)"
_BESIDE_TIME = re.compile(rf"{_SIDE} (?:the )?(?P<mark>\0+)")
_BESIDE_EVENT = re.compile(rf"{_SIDE.replace('|until|till|by', '')} (?P<phrase>[^\0.,;:?!]+)")


@dataclass(frozen=True, slots=True)
class Event:
    """Something by which a query counts time (`two weeks before the wedding`): what it is, how it is written, and
    where the time lies. `count` 0 is any time on that side; `unit` is in days.
    """

    phrase: str
    written: str
    side: str
    count: int
    unit: int
    exact: bool


@dataclass(slots=True)
class _Frame:
    """What a rule may need: the day that is counted from, and the years that there are memories of."""

    now: int
    years: list[int]
    today: int = field(init=False)

    def __post_init__(self) -> None:
        self.today = almanac.day_of(self.now)

    @property
    def year(self) -> int:
        return date.fromordinal(self.today).year

    @property
    def month(self) -> int:
        """Counted from January of year 0."""
        then = date.fromordinal(self.today)
        return then.year * 12 + then.month - 1


def may_name_a_time(text: str) -> bool:
    """Whether it is worth looking for times in a query."""
    return _HINT.search(_plain(text)) is not None


def spans(text: str, *, now: int, first: int, last: int) -> list[Span]:
    """The stretches of time in a query, each told once.

    A month, season, feast or day without a year stands for that of each year from `first` to `last` (microseconds: the
    earliest and the latest memory). Of a page pasted in, only the beginning is looked at, and the first 64 times in it.
    """
    return read(text, now=now, first=first, last=last)[0]


def read(text: str, *, now: int, first: int, last: int) -> tuple[list[Span], list[Event], list[str]]:
    """As `spans`, the events by which the query counts time, and what of its text was read as times."""
    years = [date.fromordinal(almanac.day_of(at)).year for at in (first, last)]
    frame = _Frame(now, list(range(years[0], years[1] + 1))[-_MOST_YEARS:])
    masked, named, timed = _named(_plain(text), frame)
    masked, found = _ranges(masked, named, frame, timed)
    for place in sorted(named):
        found += named[place]
    events = _events(masked)
    timed += [event.written.removesuffix(event.phrase) for event in events if event.count]
    return list(dict.fromkeys(found)), events, timed


def _plain(text: str) -> str:
    """Small letters, single spaces, straight quotes; the beginning of it. Single spaces keep the patterns linear."""
    return " ".join(text[:_MOST_LETTERS].replace(_MARK, " ").replace("\u2019", "'").lower().split())


def _named(plain: str, frame: _Frame) -> tuple[str, dict[int, list[Span]], list[str]]:
    """The text with every time in it masked, what each stands for, by its place, and how they are written.

    A month, feast or weekday alone (`June`) may be a name, and is not among what is written.
    """
    named: dict[int, list[Span]] = {}
    timed: list[str] = []
    for rules in (_DATES, _OTHERS):
        for pattern, reader in _compiled(rules):
            for match in pattern.finditer(plain):
                begin, end = match.span("core" if "core" in pattern.groupindex else 0)
                if len(named) < _MOST_NAMED and (found := reader(frame, match)):
                    named[begin] = found
                    if "core" in pattern.groupindex or plain[begin:end] not in _ALONE:
                        timed.append(plain[begin:end])
                plain = plain[:begin] + _MARK * (end - begin) + plain[end:]
        if rules is _DATES:
            _count_from_the_day_named(frame, named)
    return plain, named, timed


def _count_from_the_day_named(frame: _Frame, named: dict[int, list[Span]]) -> None:
    days = {each[0].since for each in named.values() if len(each) == 1 and each[0].until - each[0].since < DAY_US}
    if len(days) == 1:
        frame.today = almanac.day_of(days.pop())


def _ranges(masked: str, named: dict[int, list[Span]], frame: _Frame, timed: list[str]) -> tuple[str, list[Span]]:
    """The stretches between, before and after the times named. What is at the end of `between` is not told again."""
    found: list[Span] = []
    for pattern in (_BETWEEN, _THROUGH):
        for match in pattern.finditer(masked):
            left, right = named.get(match.start(1)), named.get(match.start(2))
            if left and right and (between := _between(left, right)):
                found += between
                named.pop(match.start(1))
                named.pop(match.start(2))
                masked = masked[: match.start()] + "." * len(match[0]) + masked[match.end() :]
    for match in _BESIDE_TIME.finditer(masked):
        times = named.get(match.start("mark"))
        if times:
            count, unit, exact = _amount(match)
            timed.append(match[0].replace(_MARK, ""))
            past = [span for span in times if span.since <= frame.now] or times[:1]
            spans = past if count else past[-1:]
            beside_it = [almanac.beside(span, match["side"], count, unit, frame.now, exact=exact) for span in spans]
            found += beside_it
            if not count and match["side"] in ("before", "after", "since"):
                named.pop(match.start("mark"))
    return masked, found


def _between(left: list[Span], right: list[Span]) -> list[Span]:
    """From each on the right back to the nearest before it on the left."""
    found = []
    for end in right:
        begin = max((span for span in left if span.since <= end.since), key=lambda span: span.since, default=None)
        if begin is not None and (len(left) == 1 or end.since - begin.since < 366 * DAY_US):
            found.append(Span(f"{begin.label} to {end.label}", begin.since, max(begin.until, end.until)))
    return found


def _events(masked: str) -> list[Event]:
    found = []
    for match in _BESIDE_EVENT.finditer(masked):
        count, unit, exact = _amount(match)
        phrase = " ".join(takewhile(lambda word: word not in _ASKING, match["phrase"].split()[:_EVENT_WORDS]))
        written = masked[match.start() : match.start("phrase")] + phrase
        if phrase:
            found.append(Event(phrase, written, match["side"], count, unit, exact))
    return found[:_MOST_EVENTS]


def _amount(match: re.Match[str]) -> tuple[int, int, bool]:
    if not match["unit"]:
        return 0, 0, False
    return _count(match["count"]), UNITS[match["unit"]], match["count"] != "the"


def _count(words: str) -> int:
    for word in words.split():
        if word.isdigit() or (word in _COUNTS and word not in ("a", "the")):
            return int(word) if word.isdigit() else _COUNTS[word]
    return 1


# What each way of writing a time stands for


def _calendar(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """A day or month by its number or name."""
    parts = match.groupdict()
    number = almanac.MONTH[parts["name"]] if parts.get("name") else int(parts.get("number") or 0)
    years = [int(parts["year"])] if parts.get("year") else frame.years
    if not 1 <= number <= 12:
        return []
    if not parts.get("day"):
        return [almanac.month(year, number) for year in years]
    return [span for year in years if (span := almanac.day(year, number, int(parts["day"])))]


def _yearly(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """A month, season or feast: of a year that is named, or of every year."""
    parts = match.groupdict()
    years = frame.years
    if parts.get("year"):
        years = [int(parts["year"])]
    elif parts.get("which"):
        years = [frame.year + {"this": 0, "next": 1}.get(parts["which"], -1)]
    return [_part(span, parts.get("part")) for year in years if (span := almanac.yearly(match["what"], year))]


def _one_of_yearly(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """The last, this or the next month, season or feast of that name."""
    near = [almanac.yearly(match["what"], frame.year + i) for i in (-2, -1, 0, 1, 2)]
    known = [span for span in near if span]
    begin, end = almanac.begin(frame.today), almanac.begin(frame.today) + DAY_US - 1
    if match["which"] == "next":
        chosen = [span for span in known if span.since > end][:1]
    elif match["which"] == "this":
        chosen = sorted(known, key=lambda span: max(span.since - end, begin - span.until))[:1]
    else:
        chosen = [span for span in known if span.until < begin][-1:]
    return [_part(_told(span, match), match["part"]) for span in chosen]


def _part(span: Span, part: str | None) -> Span:
    """The first, middle or last third of it."""
    if part is None:
        return span
    first, count = almanac.day_of(span.since), almanac.day_of(span.until) - almanac.day_of(span.since) + 1
    third = 0 if any(word in part for word in ("early", "beginning", "start")) else 2
    third = 1 if "mid" in part else third
    label = f"{('early', 'mid', 'late')[third]} {span.label}"
    return almanac.days(first + third * count // 3, first + (third + 1) * count // 3 - 1, label)


def _decade(_: _Frame, match: re.Match[str]) -> list[Span]:
    century = match["century"] or ("20" if match["ten"] < "3" else "19")
    return [_part(almanac.decade(int(century + match["ten"] + "0")), match["part"])]


def _year(_: _Frame, match: re.Match[str]) -> list[Span]:
    return [_part(almanac.year_of(int(match["year"])), match["part"])]


def _near(frame: _Frame, match: re.Match[str]) -> list[Span]:
    day = frame.today + _NEAR[match["near"]]
    return [_told(almanac.days(day, day), match)]


def _hours(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """A part of yesterday, today or tomorrow; a night goes on until 6 in the morning."""
    parts = match.groupdict()
    day = frame.today + (_DAYS[parts["which"]] if "which" in parts else -(match[0] == "last night"))
    whole, (first, last) = almanac.days(day, day), _HOURS[parts.get("hours", "night")]
    return [_told(Span(whole.label, whole.since + first * HOUR_US, whole.since + last * HOUR_US - 1), match)]


def _ago(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """About so long ago."""
    unit, count = UNITS[match["unit"]], _count(match["count"])
    return [_told(almanac.about(frame.today - count * unit, unit), match)]


def _rolling(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """From so long ago until now."""
    count = _count(match["count"]) if match["count"] else 1
    return [_told(almanac.days(frame.today - count * UNITS[match["unit"]], frame.today), match)]


def _unit(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """The week, month and so on before this one, this one, or the next."""
    unit, step = match["unit"], {"this": 0, "next": 1}.get(match["which"], -1)
    weekday = (frame.today - 1) % 7  # 1 January of year 1 was a Monday
    if unit == "weekend":
        saturday = frame.today - weekday + 5 + 7 * step
        return [_told(almanac.days(saturday, saturday + 1), match)]
    if unit in ("week", "fortnight"):
        monday = frame.today - weekday + UNITS[unit] * step
        return [_told(almanac.days(monday, monday + UNITS[unit] - 1), match)]
    length = {"month": 1, "quarter": 3, "year": 12, "decade": 120}.get(unit, 0)
    if not length:
        return [_told(almanac.days(frame.today + step, frame.today + step), match)]
    first = (frame.month // length + step) * length
    labels = {1: f"{almanac.MONTHS[first % 12]} {first // 12}", 12: str(first // 12), 120: f"the {first // 12}s"}
    whole = almanac.months(first, length, labels.get(length, ""))
    return [_told(whole, match)]


def _weekday(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """The latest such day, before today where it is the `last`; the coming one where it is `this` or `next`."""
    ahead = (almanac.WEEKDAYS.index(match["weekday"]) - (frame.today - 1)) % 7
    which = match["which"]
    day = frame.today + (ahead or 7 * (which == "next")) - 7 * (which not in ("next", "this") and bool(ahead))
    day -= 7 * (which in ("last", "past", "previous") and not ahead)
    return [_told(almanac.days(day, day), match)]


def _told(span: Span, match: re.Match[str]) -> Span:
    """Its label with the words that were asked."""
    return Span(f"{span.label} ({match[0].removeprefix('the ')})", span.since, span.until)


@cache
def _compiled(table: tuple[tuple[str, Reader], ...]) -> list[tuple[re.Pattern[str], Reader]]:
    """A table that can be read; at first need, since a crossing should not wait for it."""
    return [(re.compile(pattern), reader) for pattern, reader in table]


def _numbered(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """A day in numbers: with dots the day comes first; with slashes either may, and both are meant if both can be."""
    one, other = int(match["one"]), int(match["other"])
    orders = {(one, other)} if match["mark"] == "." else {(one, other), (other, one)}
    found = [almanac.day(int(match["year"]), month, day) for day, month in sorted(orders)]
    return [span for span in found if span]


def _around(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """A feast and the days near it."""
    spans = _yearly(frame, match)
    return [_told(_wider(span), match) for span in spans]


def _wider(span: Span) -> Span:
    return almanac.days(almanac.day_of(span.since) - _AROUND_DAYS, almanac.day_of(span.until) + _AROUND_DAYS)


def _weekends(frame: _Frame, match: re.Match[str]) -> list[Span]:
    """The one before this week and the one of this week: either may be meant."""
    saturday = frame.today - (frame.today - 1) % 7 + 5
    return [_told(almanac.days(first, first + 1), match) for first in (saturday - 7, saturday)]


_DATES = (
    (r"\b(?P<one>\d{1,2})(?P<mark>[./])(?P<other>\d{1,2})(?P=mark)(?P<year>(?:19|20)\d\d)\b", _numbered),
    (r"\b(?P<year>(?:19|20)\d\d)-(?P<number>\d\d)(?:-(?P<day>\d\d))?\b", _calendar),
    (rf"\b{_DAY} (?:of )?(?P<name>{_MONTH})\b\.?,?(?: (?:of )?{_YEAR}\b)?", _calendar),
    (rf"\b(?P<name>{_MONTH})\.? {_DAY}\b(?:,? {_YEAR}\b)?", _calendar),
)
_OTHERS: tuple[tuple[str, Reader], ...] = (
    (rf"\b(?:around|near|about) (?P<core>(?P<what>{_FEAST})\b(?:,? {_YEAR}\b)?)", _around),
    (rf"(?:\b{_PART})?\b{_WHAT}\b[.,]? (?:of |in )?(?:{_YEAR}\b|{_WHICH} year\b)", _yearly),
    (rf"(?:\b{_PART})?\b{_WHICH} {_WHAT}\b", _one_of_yearly),
    # Names that mean other things too (`may`, `fall`, `spring`) need a word of time before them.
    (rf"\b(?:{_BEFORE_NAMES})[ -](?:the )?(?P<core>(?:{_PART})?{_WHAT})\b", _yearly),
    (rf"\b(?P<core>{_PART}{_WHAT})\b", _yearly),
    (rf"\b(?P<what>{_CLEAR}|{_FEAST})\b", _yearly),
    (r"(?:\b" + _PART + r")?\b(?:the (?:(?P<century>19|20)|')?)(?P<ten>\d)0'?s\b", _decade),
    (r"(?:\b" + _PART + r")?\b(?P<century>19|20)(?P<ten>\d)0'?s\b", _decade),
    (rf"(?:\b{_PART})?\b{_YEAR}\b", _year),
    (r"\b(?P<which>this|yesterday|tomorrow) (?P<hours>morning|afternoon|evening|night)\b", _hours),
    (r"\b(?:last night|tonight)\b", _hours),
    (rf"\b(?P<near>{'|'.join(sorted(_NEAR, key=len, reverse=True))})\b", _near),
    (rf"\b{_COUNT} {_UNIT}s? ago\b", _ago),
    (rf"\b(?:the )?(?:past|last|previous) {_COUNT} {_UNIT}s\b", _rolling),
    (rf"\b(?:the )?past {_UNIT}\b(?P<count>)", _rolling),
    (rf"\b{_WHICH} {_UNIT}\b", _unit),
    (r"\b(?:on|at|over) the weekend\b", _weekends),
    (rf"\b(?P<which>last|past|previous|this|next|on) {_WEEKDAY}\b", _weekday),
    (rf"\b(?P<which>){_WEEKDAY}\b", _weekday),
)
