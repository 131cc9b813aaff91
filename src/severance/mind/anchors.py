"""Events in memory that a query counts time by: `two weeks before the wedding`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from severance.mind import almanac, dates
from severance.mind.almanac import Span
from severance.mind.analysis import STOP_WORDS, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.mind.matching import Matches
    from severance.mind.memories import Memories

_SMALL = frozenset(STOP_WORDS)

_ENOUGH = 0.6
"""Of what the event's words are worth, a memory must have so much to tell when it was."""

_LITTLE = 3
"""A memory that has no more words than these besides the event's and the time's states when it was."""

_MOST_READ = 32


def spans(
    memories: Memories, matches: Matches, rows: NDArray[np.int64], events: list[dates.Event], now: int
) -> list[Span]:
    """The stretches of time that the events stand for, one for each at most, as far as one of the `rows` tells when it
    was.

    Of the memories that have most of an event's words (the earliest 32), one tells: the one that states when it was and
    says least besides (the newest among equals), or else the earliest. The time is the one that its text names, counted
    from when it was made, or else the day on which it was made.
    """
    found, asked_of = [], rows.astype(np.int32)
    for event in events:
        asked = frozenset(words(event.phrase))
        known = [match for match in matches.read if match.word in asked]
        scores = np.zeros(len(rows))
        for match in known:
            scores += match.weight * match.among(asked_of)
        least = max(_ENOUGH * sum(match.weight for match in known), 1e-9)
        order = np.lexsort((rows, memories.at.view[rows], -scores))[:_MOST_READ]
        likely = [int(rows[i]) for i in order if scores[i] >= max(least, scores[order[0]])]
        if likely:
            when = min(_told(memories, row, len(known)) for row in likely)[-1]
            span = almanac.beside(when, event.side, event.count, event.unit, now, exact=event.exact)
            found.append(replace(span, label=_label(span, event)))
    return list(dict.fromkeys(found))


def _told(memories: Memories, row: int, asked: int) -> tuple[bool, int, int, int, Span]:
    """How badly a memory tells when something was, to be compared, and when that was."""
    at, text = int(memories.at.view[row]), memories.text(row)
    named, timed = list[Span](), set[str]()
    if dates.may_name_a_time(text):
        named, _, written = dates.read(text, now=at, first=at, last=at)
        timed.update(words(" ".join(written)))
    more = sum(word not in _SMALL and word not in timed for word in words(text)) - asked
    if named and more <= _LITTLE:
        return False, more, -at, row, named[0]
    day = almanac.day_of(at)
    return True, 0, at, row, named[0] if named else almanac.days(day, day)


def _label(span: Span, event: dates.Event) -> str:
    return f"{span.label} ({event.written})" if event.count else event.written
