"""An inverted index held in flat arrays, and BM25 over it.

Postings live in segments sorted by term, the older the larger, and in a tail in order of arrival that becomes a
segment when it is long enough; segments of like size are merged, in linear time (O'Neil et al., "The Log-Structured
Merge-Tree", 1996). BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with Lucene's
non-negative idf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from severance.mind.analysis import STOP_WORDS, Stems, indexed
from severance.mind.columns import Column, copied, space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

K1 = 1.2
B = 0.6
POSTING_BUDGET = 262_144
"""At most so many postings are read for a query, rarest terms first, the rarest always whole."""

MOST_TERMS = 64
"""A query of more different words than this (a page pasted in) is searched by the rarest of them."""

_TAIL = 32_768
_STOPS = len(STOP_WORDS)
_FUNCTION_WORDS = frozenset(STOP_WORDS)


@dataclass(slots=True)
class Segment:
    """Postings sorted by term, then row: those of term t are at starts[t]:starts[t + 1]."""

    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.uint8]

    def of(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """The rows that have this term, ascending, and how often each does."""
        if term + 1 >= len(self.starts):
            return self.rows[:0], self.counts[:0]
        part = slice(int(self.starts[term]), int(self.starts[term + 1]))
        return self.rows[part], self.counts[part]


class Lexical:
    """The words of every row. Rows are added in order, numbered from 0."""

    def __init__(self) -> None:
        self.terms: list[str] = list(STOP_WORDS)
        self.segments: list[Segment] = []
        self.lengths = Column(np.int32)
        self._stems = Stems()
        self._by_term: dict[str, int] | None = None
        self._numbers: dict[str, int] = {}
        self._new: list[int] = []
        self._new_sizes: list[int] = []
        self._tail_terms = Column(np.int32)
        self._tail_rows = Column(np.int32)
        self._tail_counts = Column(np.uint8)

    def add(self, text: str) -> None:
        """Index the next row. The work is done when the index is next read."""
        found = indexed(text)
        known = self._numbers
        try:
            numbers = [known[word] for word in found]
        except KeyError:
            for word in found:
                if word not in known:
                    known[word] = self.learn(word)
            numbers = [known[word] for word in found]
        self._new += numbers
        self._new_sizes.append(len(numbers))
        if len(self._new) > 4 * _TAIL:
            self.flush()

    def learn(self, word: str) -> int:
        """The number of a word's term, given to it if it has none."""
        by_term = self._index()
        number = by_term.get(word, _STOPS)
        if number < _STOPS:
            return number
        term = self._stems.term(word)
        if by_term.get(term, _STOPS) < _STOPS:  # a stem that looks like a function word
            term = word
        number = by_term.setdefault(term, len(self.terms))
        if number == len(self.terms):
            self.terms.append(term)
        return number

    def find(self, word: str) -> int:
        """The number of a word's term, or -1. Nothing about the word is kept."""
        known = self._numbers.get(word)
        if known is not None:
            return known
        by_term = self._index()
        number = by_term.get(word, _STOPS)
        return number if number < _STOPS else by_term.get(self._stems.term(word), -1)

    def _index(self) -> dict[str, int]:
        if self._by_term is None:
            self._by_term = {term: i for i, term in enumerate(self.terms)}
        return self._by_term

    def flush(self) -> None:
        """Bring rows added since the last time into the tail."""
        if not self._new_sizes:
            return
        sizes = np.array(self._new_sizes, np.int64)
        first = len(self.lengths)
        terms = np.array(self._new, np.int64)
        rows = np.repeat(np.arange(first, first + len(sizes), dtype=np.int64), sizes)
        self.lengths.extend(np.bincount(rows[terms >= _STOPS] - first, minlength=len(sizes)))
        keys, counts = np.unique(rows << 32 | terms, return_counts=True)
        self._tail_terms.extend(keys & 0xFFFFFFFF)
        self._tail_rows.extend(keys >> 32)
        self._tail_counts.extend(np.minimum(counts, 255))
        self._new.clear()
        self._new_sizes.clear()
        if len(self._tail_rows) > _TAIL:
            self.seal()

    def seal(self) -> None:
        """Make the tail a segment, and merge segments until each is more than twice as long as the next."""
        order = np.argsort(self._tail_terms.view, kind="stable")
        terms = self._tail_terms.view[order]
        starts = np.searchsorted(terms, np.arange(len(self.terms) + 1)).astype(np.int64)
        self.segments.append(Segment(starts, self._tail_rows.view[order], self._tail_counts.view[order]))
        self._tail_terms, self._tail_rows = Column(np.int32), Column(np.int32)
        self._tail_counts = Column(np.uint8)
        while len(self.segments) > 1 and len(self.segments[-2].rows) <= 2 * len(self.segments[-1].rows):
            newer = self.segments.pop()
            self.segments[-1] = _merged(self.segments[-1], newer)

    def whole(self) -> Segment:
        """Everything as one segment."""
        self.flush()
        if len(self._tail_rows) or not self.segments:
            self.seal()
        while len(self.segments) > 1:
            newer = self.segments.pop()
            self.segments[-1] = _merged(self.segments[-1], newer)
        segment = self.segments[0]
        missing = len(self.terms) + 1 - len(segment.starts)
        segment.starts = np.concatenate((segment.starts, np.full(missing, segment.starts[-1])))
        return segment

    def postings(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """The rows that have this term, ascending, and how often each does (255 and more as 255)."""
        self.flush()
        parts = [segment.of(term) for segment in self.segments]
        where = np.flatnonzero(self._tail_terms.view == term)
        if len(where):
            parts.append((self._tail_rows.view[where], self._tail_counts.view[where]))
        parts = [part for part in parts if len(part[0])]
        if len(parts) == 1:
            return parts[0]
        rows = np.concatenate([np.empty(0, np.int32), *(part[0] for part in parts)])
        return rows, np.concatenate([np.empty(0, np.uint8), *(part[1] for part in parts)])

    def query_terms(self, asked: list[str], *, desperate: bool) -> list[tuple[str, int]]:
        """The distinct terms of a query that any row may have: (the word as asked, its number).

        Function words are left out, unless nothing else was asked and the call is `desperate`; of very many words the
        rarest are taken.
        """
        found: dict[int, str] = {}
        for word in asked:
            number = self.find(word)
            if number >= 0:
                found.setdefault(number, word)
        content = [(word, number) for number, word in found.items() if number >= _STOPS]
        desperate = desperate and not content and _FUNCTION_WORDS.issuperset(asked)
        chosen = [(word, number) for number, word in found.items()] if desperate else content
        if len(chosen) > MOST_TERMS:
            chosen = sorted(chosen, key=lambda item: self._sealed(item[1]))[:MOST_TERMS]
        return chosen

    def _sealed(self, term: int) -> int:
        """How many rows have this term, those in the tail left out."""
        return sum(len(segment.of(term)[0]) for segment in self.segments)

    def term(self, word: str) -> str:
        """The term of a word, whether or not any row has it."""
        return self._stems.term(word)

    def count_terms(self, counted: NDArray[np.bool_]) -> int:
        """How many different terms the `counted` rows have, function words left out."""
        segment = self.whole()
        before = np.concatenate((np.zeros(1, np.int64), np.cumsum(counted[segment.rows], dtype=np.int64)))[
            segment.starts
        ]
        return int(np.count_nonzero(np.diff(before[_STOPS:])))

    def forget_words(self) -> None:
        """Drop the cache of words seen: it may hold words of what was forgotten."""
        self._numbers.clear()

    def keep(self, kept: NDArray[np.intp]) -> None:
        """Leave only these rows, and only the terms that any of them has."""
        segment = self.whole()
        self.forget_words()
        renumbered = np.full(len(self.lengths), -1, np.int32)
        renumbered[kept] = np.arange(len(kept), dtype=np.int32)
        terms = np.repeat(np.arange(len(self.terms)), np.diff(segment.starts))
        rows = renumbered[segment.rows]
        alive = rows >= 0
        used = np.zeros(len(self.terms), bool)
        used[:_STOPS] = True
        used[terms[alive]] = True
        new_terms = (np.cumsum(used) - 1)[terms[alive]]
        self.terms = [term for term, use in zip(self.terms, used.tolist(), strict=True) if use]
        self._by_term = None
        starts = np.searchsorted(new_terms, np.arange(len(self.terms) + 1)).astype(np.int64)
        self.segments = [Segment(starts, copied(rows[alive]), copied(segment.counts[alive]))]
        self.lengths.keep(kept)


def _merged(older: Segment, newer: Segment) -> Segment:
    """Both as one, in linear time: every row of `older` comes before every row of `newer`."""
    size = max(len(older.starts), len(newer.starts))
    old, new = _stretched(older.starts, size), _stretched(newer.starts, size)
    starts = old + new
    rows = space((len(older.rows) + len(newer.rows),), np.int32)
    counts = space((len(rows),), np.uint8)
    for segment, own, other in ((older, old, new[:-1]), (newer, new, old[1:])):
        places = np.arange(len(segment.rows)) + np.repeat(other, np.diff(own))
        rows[places] = segment.rows
        counts[places] = segment.counts
    return Segment(starts, rows, counts)


def _stretched(starts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.concatenate((starts, np.full(size - len(starts), starts[-1])))


@dataclass(frozen=True, slots=True)
class Match:
    """A query's word: its number, what it is worth, and the rows that have it, ascending."""

    word: str
    term: int
    weight: float
    rows: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Matches:
    """What a lexical search found: a score for every row, the most that a row could score, and what is behind it."""

    scores: NDArray[np.float32]
    ceiling: float
    read: list[Match]

    def words_of(self, row: int) -> list[str]:
        """The query's words that this row has, those that tell most first."""
        found = []
        for match in self.read:
            place = int(match.rows.searchsorted(row))
            if place < len(match.rows) and match.rows[place] == row:
                found.append((-match.weight, match.word))
        return [word for _, word in sorted(found)]


def search(
    index: Lexical,
    terms: Sequence[tuple[str, int, float]],
    eligible: NDArray[np.bool_] | None,
    total: int,
    mean: float,
) -> Matches:
    """BM25 of every row for these terms (word, number, weight); rows not `eligible` neither score nor count.

    `total` is how many rows are eligible, and `mean` their mean length. Without the constant factor k1 + 1, so that a
    term adds less than its idf.
    """
    index.flush()
    scores = np.zeros(len(index.lengths), np.float32)
    slope, flat = np.float32(K1 * B / max(mean, 1e-9)), np.float32(K1 * (1 - B))
    read: list[Match] = []
    left, ceiling = POSTING_BUDGET, 0.0
    for rows, counts, word, number, factor in _rarest_first(index, terms, eligible):
        weight = factor * float(np.log1p((total - len(rows) + 0.5) / (len(rows) + 0.5)))
        ceiling += weight
        if read and len(rows) > left:
            continue
        left -= len(rows)
        read.append(Match(word, number, weight, rows))
        tf = counts.astype(np.float32)
        scores[rows] += np.float32(weight) * (tf / (tf + (index.lengths.view[rows] * slope + flat)))
    return Matches(scores, ceiling, read)


def _rarest_first(
    index: Lexical, terms: Sequence[tuple[str, int, float]], eligible: NDArray[np.bool_] | None
) -> list[tuple[NDArray[np.int32], NDArray[np.uint8], str, int, float]]:
    found = []
    for word, number, factor in terms:
        rows, counts = index.postings(number)
        if eligible is not None:
            chosen = eligible[rows]
            rows, counts = rows[chosen], counts[chosen]
        if len(rows):
            found.append((rows, counts, word, number, factor))
    found.sort(key=lambda item: len(item[0]))
    return found


def topics(matches: Matches, threads: NDArray[np.int32], count: int, seen: int) -> NDArray[np.float32] | None:
    """How well each thread, taken as one text, answers: BM25 without lengths, as a share of the best; None if none
    does. `threads` is the thread of each row, -1 for none; `count` how many numbers there are, and `seen` how many of
    them have a row that may be seen.
    """
    total = np.zeros(count, np.float32)
    for match in matches.read:
        thread = threads[match.rows]
        often = np.bincount(thread + 1, minlength=count + 1)[1:]
        having = int(np.count_nonzero(often))
        idf = float(np.log1p((seen - having + 0.5) / (having + 0.5)))
        total += np.float32(idf) * (often / (often + K1)).astype(np.float32)
    peak = float(total.max(initial=0.0))
    return total / np.float32(peak) if peak > 0 else None
