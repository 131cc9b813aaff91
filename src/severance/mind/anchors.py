"""Events in memory that a query counts time by: `two weeks before the wedding`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from severance.mind import almanac, dates
from severance.mind.analysis import words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.mind.almanac import Span
    from severance.mind.matching import Matches
    from severance.mind.memories import Memories

_ENOUGH = 0.6
"""Of what the event's words are worth, a memory must have so much to tell when it was."""

_MOST = 2


def spans(
    memories: Memories, matches: Matches, rows: NDArray[np.int64], events: list[dates.Event], now: int
) -> list[Span]:
    """The stretches of time that the events stand for, as far as one of the `rows` tells when they were.

    The memories that have most of an event's words (at most two, the earliest first among equals) tell its time: the
    one that their text names, counted from when they were made, or else the day on which they were made.
    """
    found, asked_of = [], rows.astype(np.int32)
    for event in events:
        asked = frozenset(words(event.phrase))
        known = [match for match in matches.read if match.word in asked]
        scores = np.zeros(len(rows))
        for match in known:
            place = np.minimum(match.rows.searchsorted(asked_of), len(match.rows) - 1)
            scores += match.weight * (match.rows[place] == rows)
        least = max(_ENOUGH * sum(match.weight for match in known), 1e-9)
        order = np.lexsort((rows, memories.at.view[rows], -scores))[:_MOST]
        told = [_told(memories, int(rows[i])) for i in order if scores[i] >= max(least, scores[order[0]])]
        beside = (dates.beside(when, event.side, event.count, event.unit, now, exact=event.exact) for when in told)
        found += [replace(span, label=_label(span, event)) for span in beside]
    return list(dict.fromkeys(found))


def _told(memories: Memories, row: int) -> Span:
    """When that was of which a memory tells."""
    at, text = int(memories.at.view[row]), memories.text(row)
    day = almanac.day_of(at)
    named = dates.spans(text, now=at, first=at, last=at) if dates.may_name_a_time(text) else []
    return named[0] if named else almanac.days(day, day)


def _label(span: Span, event: dates.Event) -> str:
    return f"{span.label} ({event.written})" if event.count else event.written
