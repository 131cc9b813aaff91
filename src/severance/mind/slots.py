"""Whether two short texts say different things of the same thing: `the rent is 1200 euros`, `the rent is 1350 euros`.

A guess by the form of English sentences alone. What both begin with says what they are about, and where they part is
the value, if what stands before it leads up to one: a form of `to be`, another function word (`at`, `to`), or nothing
but a number with its unit after it. A number straight after a noun (`invoice 4009`), or a value of which something is
then said (`code 12 is used up`), is a name, and texts that part there are about two things.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from severance.mind.almanac import MONTH, UNITS, WEEKDAYS
from severance.mind.analysis import STOP_WORDS, words

if TYPE_CHECKING:
    from collections.abc import Iterable

Verdict = Literal["same", "other", "unknown"]

_FORMS = "am are be been is isn't was wasn't were weren't aren't has had have will"
_NEWS = "moved changed raised updated set"
_PASSED_OVER = "a an the now new newly current currently meanwhile"
_UNITS = """
kg g mg kilo kilos gram grams pound pounds lb lbs km m cm mm mile miles metre metres meter meters euro euros eur dollar
dollars usd cent cents percent hour hours minute minutes second seconds am pm gb tb mb degrees
"""
_BEING = frozenset(_FORMS.split())
_SMALL = frozenset(STOP_WORDS)
_CHANGED = frozenset(_NEWS.split())
_LEFT_OUT = frozenset(_PASSED_OVER.split()) | _CHANGED
_CALENDAR = frozenset(MONTH) | frozenset(WEEKDAYS)
_MEASURES = frozenset(_UNITS.split()) | frozenset(UNITS) | frozenset(f"{unit}s" for unit in UNITS)
_MEASURED = _MEASURES | _CALENDAR
_SIGNS = re.compile(r"[:=](?=\s)")
_LETTER_AND_NUMBER = re.compile(r"[a-z]{0,2}\d")


class Form:
    """A text as far as slots go."""

    def __init__(self, text: str) -> None:
        self._plain = _plain(text)
        self._names = _names(self._plain)

    def compare(self, other: Form) -> Verdict:
        """Whether the two are about the `same` thing with two values, about one thing each and `other` ones, or neither
        can be told.
        """
        if self._names and other._names and self._names.isdisjoint(other._names):
            return "other"
        return _compare(self._plain, other._plain)


def _compare(first: list[str], second: list[str]) -> Verdict:
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
    if shared == len(first) or shared == len(second):
        return "unknown"
    rests = first[shared:], second[shared:]
    numbers = all(map(_is_number, rests))
    if any(map(_is_subject, rests)):
        return "other" if numbers else "unknown"
    begun = first[:shared]
    frame = sum(word not in _SMALL for word in begun)
    leads = bool(begun) and begun[-1] in _SMALL
    if numbers:
        leads = leads or all(map(_is_measured, rests))
        return "same" if frame and leads and _little_more(*rests) else "unknown" if leads else "other"
    enough = 2 if begun and begun[-1] in _BEING else 1
    return "same" if leads and frame >= enough and _little_more(*rests) else "unknown"


def _plain(text: str) -> list[str]:
    """Its words, without articles and words of change, `:` read as `is`, and all forms of `to be` as one."""
    plain: list[str] = []
    dropped = False
    for word in words(_SIGNS.sub(" is ", text)):
        after_change, dropped = dropped, word in _CHANGED
        if word in _LEFT_OUT or (after_change and word == "to"):
            continue
        said = "is" if word in ("was", "are", "were", "am", "been", "has") else word
        if not (said == "is" and plain[-1:] == ["is"]):
            plain.append(said)
    return plain


def _names(plain: list[str]) -> set[str]:
    """The numbers straight after nouns, without a unit."""
    places = (i for i in range(1, len(plain)) if plain[i][0].isdigit() and plain[i - 1] not in _SMALL)
    return {plain[i] for i in places if not plain[i - 1][0].isdigit() and not _is_measured(plain[i:])}


def _is_number(rest: list[str]) -> bool:
    """Whether it begins with a number, or with a day or month by its name."""
    return _LETTER_AND_NUMBER.match(rest[0]) is not None or rest[0] in _CALENDAR


def _is_measured(rest: list[str]) -> bool:
    return rest[0] in _CALENDAR or (len(rest) > 1 and rest[1] in _MEASURED)


def _is_subject(rest: list[str]) -> bool:
    return not _BEING.isdisjoint(rest)


def _little_more(one: list[str], other: list[str]) -> bool:
    """Whether, after the values, one of them says nothing that the other does not say."""
    return _more(one) <= _more(other) or _more(other) <= _more(one)


def _more(rest: list[str]) -> set[str]:
    value = sum(1 for _ in takewhile(lambda word: word not in _SMALL, rest))
    return _content(rest[1 if _is_number(rest) else value :])


def _content(found: Iterable[str]) -> set[str]:
    return {word for word in found if word not in _SMALL and word not in _CALENDAR and not word[0].isdigit()}
