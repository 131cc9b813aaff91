"""An inverted index held in flat arrays, and BM25 over it.

Postings live in segments sorted by term, the older the larger, and in a tail in order of arrival that becomes a
segment when it is long enough; segments of like size are merged, in linear time (O'Neil et al., "The Log-Structured
Merge-Tree", 1996). BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with Lucene's
non-negative idf.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from severance.mind.analysis import STOP_WORDS, Stems, indexed
from severance.mind.columns import Column, copied, joined, space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_TERMS = 64
"""A query of more different words than this (a page pasted in) is searched by the rarest of them."""

_TAIL = 32_768
_STOPS = len(STOP_WORDS)
_FUNCTION_WORDS = {word: number for number, word in enumerate(STOP_WORDS)}
_HASHED = 1 << 63


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


@dataclass(frozen=True, slots=True)
class Words:
    """The postings of a range of rows, by themselves: what a layer holds of an index.

    Attributes:
        keys: the key of each term that any of the rows has, ascending.
        starts: the postings of the term with keys[i] are at starts[i]:starts[i + 1].
        rows: counted from the first row of the range, ascending within a term.
        counts: how often each row has the term.
        lengths: of each row, in words.
    """

    keys: NDArray[np.uint64]
    starts: NDArray[np.int64]
    rows: NDArray[Any]
    counts: NDArray[np.uint8]
    lengths: NDArray[np.int32]


def key_of(term: str) -> int:
    """What a term is known by: a function word by its number, any other by 63 bits of its BLAKE2b (RFC 7693).

    The words themselves are not kept. Two of a million words share a key with a probability of one in ten million; they
    would then be found by one another.
    """
    number = _FUNCTION_WORDS.get(term)
    return _HASHED | int.from_bytes(blake2b(term.encode(), digest_size=8).digest()) if number is None else number


def is_key(keys: NDArray[np.uint64]) -> bool:
    """Whether these are keys, ascending."""
    rising = bool((keys[1:] > keys[:-1]).all())
    return rising and not ((keys >= _STOPS) & (keys < _HASHED)).any()


NO_WORDS = Words(
    np.empty(0, np.uint64), np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0, np.int32)
)


class Lexical:
    """The words of every row. Rows are added in order, numbered from 0."""

    def __init__(self) -> None:
        self.keys = Column(np.uint64)
        self.keys.extend(np.arange(_STOPS, dtype=np.uint64))
        self.segments: list[Segment] = []
        self.lengths = Column(np.int32)
        self._stems = Stems()
        self._sorted: NDArray[np.uint64] = np.empty(0, np.uint64)  # keys of the terms from _STOPS on, as far as it goes
        self._learned: dict[int, int] = {}  # the numbers of the terms after those
        self._numbers: dict[str, int] = {}
        self._new: list[int] = []
        self._new_sizes: list[int] = []
        self._tail_terms = Column(np.int32)
        self._tail_rows = Column(np.int32)
        self._tail_counts = Column(np.uint8)

    def add(self, texts: Sequence[str]) -> None:
        """Index the next rows. Some of the work is done when the index is next read."""
        found = [indexed(text) for text in texts]
        known = self._numbers
        fresh = [word for word in dict.fromkeys(chain.from_iterable(found)) if word not in known]
        if fresh:
            known.update(zip(fresh, self.learn(fresh), strict=True))
        for words in found:
            self._new += [known[word] for word in words]
            self._new_sizes.append(len(words))
            if len(self._new) > 4 * _TAIL:
                self.flush()

    @classmethod
    def joined(cls, parts: Sequence[Words]) -> Lexical:
        """The index of all these ranges of rows, one after another, with its postings in one segment."""
        index = cls()
        begins = np.cumsum([0, *(len(part.lengths) for part in parts)])
        index.lengths = Column.joined([part.lengths for part in parts])
        keys = joined([part.keys for part in parts])
        order = _ordered(keys)
        keys = keys[order]
        hashed = keys >= _HASHED
        fresh = hashed & np.concatenate((np.ones(1, bool), keys[1:] != keys[:-1]))[: len(keys)]
        index._sorted = keys[fresh]
        index.keys.extend(index._sorted)
        terms = np.where(hashed, np.cumsum(fresh) + (_STOPS - 1), keys).astype(np.int64)
        sizes = space((len(keys),), np.int64)
        end = 0
        for part in parts:
            end += len(part.keys)
            np.subtract(part.starts[1:], part.starts[:-1], out=sizes[end - len(part.keys) : end])
        first = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))[:-1][order]
        sizes = sizes[order]
        starts = np.zeros(len(index.keys) + 1, np.int64)
        starts[1:] = np.cumsum(np.bincount(terms, weights=sizes, minlength=len(index.keys)))
        places = np.repeat(first - (np.cumsum(sizes) - sizes), sizes)
        places += np.arange(len(places))
        rows, end = space((len(places),), np.int32), 0
        for part, begin in zip(parts, begins.tolist(), strict=False):
            end += len(part.rows)
            np.add(part.rows, np.int32(begin), out=rows[end - len(part.rows) : end])
        counts = joined([part.counts for part in parts])
        index.segments = [Segment(starts, copied(rows[places]), copied(counts[places]))]
        return index

    def cut(self, spans: Sequence[tuple[int, int]]) -> list[Words]:
        """The postings of each of these ranges of rows (from, up to), which ascend and do not overlap."""
        segment = self.whole()
        bounds = np.array([edge for span in spans for edge in span], np.int64)
        which: NDArray[Any] = bounds.searchsorted(segment.rows, side="right")
        which = which.astype(np.uint16 if len(bounds) < 1 << 16 else np.int64)
        inside = np.flatnonzero(which & 1)
        inside = inside[np.argsort(which[inside], kind="stable")]
        terms = np.repeat(np.arange(len(self.keys), dtype=np.int32), np.diff(segment.starts))[inside]
        rows, counts, which = segment.rows[inside], segment.counts[inside], which[inside]
        found = []
        for number, (begin, end) in enumerate(spans):
            part = slice(*which.searchsorted([2 * number + 1, 2 * number + 2]))
            found.append(self._words(terms[part], rows[part] - np.int32(begin), counts[part], begin, end))
        return found

    def _words(
        self, terms: NDArray[np.int32], rows: NDArray[np.int32], counts: NDArray[np.uint8], begin: int, end: int
    ) -> Words:
        first = np.flatnonzero(np.concatenate((np.ones(1, bool), terms[1:] != terms[:-1]))[: len(terms)])
        keys = self.keys.view[terms[first]]
        order = np.argsort(keys)
        sizes = np.diff(np.append(first, len(terms)))[order]
        starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        places = np.repeat(first[order] - starts[:-1], sizes) + np.arange(len(terms))
        return Words(keys[order], starts, rows[places], counts[places], self.lengths.view[begin:end])

    def learn(self, words: Sequence[str]) -> list[int]:
        """The number of each word's term, given to it if it has none."""
        keys = [self._key(word) for word in words]
        numbers, new = self._settled(keys), list[int]()
        for place, (key, number) in enumerate(zip(keys, numbers, strict=True)):
            if number < 0:
                number = self._learned.get(key, -1)
                if number < 0:
                    number = self._learned[key] = len(self.keys) + len(new)
                    new.append(key)
                numbers[place] = number
        self.keys.extend(np.array(new, np.uint64))
        return numbers

    def _settled(self, keys: Sequence[int]) -> list[int]:
        """The numbers of those of these keys that function words have, or terms that layers brought; else -1."""
        wanted = np.array(keys, np.uint64)
        numbers = np.where(wanted < _HASHED, wanted, np.uint64(0)).astype(np.int64)
        numbers[wanted >= _HASHED] = -1
        if len(self._sorted):
            places = np.minimum(self._sorted.searchsorted(wanted), len(self._sorted) - 1)
            there = self._sorted[places] == wanted
            numbers[there] = places[there] + _STOPS
        found: list[int] = numbers.tolist()
        return found

    def find(self, word: str) -> int:
        """The number of a word's term, or -1. Nothing about the word is kept."""
        known = self._numbers.get(word)
        return self._number(self._key(word)) if known is None else known

    def _key(self, word: str) -> int:
        if word in _FUNCTION_WORDS:
            return _FUNCTION_WORDS[word]
        key = key_of(self._stems.term(word))
        return key if key >= _HASHED else key_of(word)  # a stem that looks like a function word

    def _number(self, key: int) -> int:
        if key < _HASHED:
            return key
        number = self._learned.get(key, -1)
        if number < 0:
            place = int(self._sorted.searchsorted(np.uint64(key)))
            if place < len(self._sorted) and int(self._sorted[place]) == key:
                number = _STOPS + place
        return number

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
        starts = np.searchsorted(terms, np.arange(len(self.keys) + 1)).astype(np.int64)
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
        missing = len(self.keys) + 1 - len(segment.starts)
        segment.starts = np.concatenate((segment.starts, np.full(missing, segment.starts[-1])))
        return segment

    def postings(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """The rows that have this term, ascending, and how often each does (255 and more as 255)."""
        self.flush()
        parts = [segment.of(term) for segment in self.segments]
        where = (self._tail_terms.view == term).nonzero()[0]
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
        desperate = desperate and not content and _FUNCTION_WORDS.keys() >= set(asked)
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
        terms = np.repeat(np.arange(len(self.keys)), np.diff(segment.starts))
        rows = renumbered[segment.rows]
        alive = rows >= 0
        used = np.zeros(len(self.keys), bool)
        used[:_STOPS] = True
        used[terms[alive]] = True
        new_terms = (np.cumsum(used) - 1)[terms[alive]]
        self.keys.keep(np.flatnonzero(used))
        self._sorted = np.empty(0, np.uint64)
        self._learned = {key: number for number, key in enumerate(self.keys.view.tolist()) if number >= _STOPS}
        starts = np.searchsorted(new_terms, np.arange(len(self.keys) + 1)).astype(np.int64)
        self.segments = [Segment(starts, copied(rows[alive]), copied(segment.counts[alive]))]
        self.lengths.keep(kept)


def _ordered(keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    """As a stable argsort. Each key's upper bits and its place are sorted as one number, which takes half as long."""
    bits = len(keys).bit_length()
    below = np.uint64((1 << bits) - 1)
    mixed = np.where(keys >= _HASHED, keys & ~below, keys << np.uint64(bits))
    mixed |= np.arange(len(keys), dtype=np.uint64)
    mixed.sort()
    order = (mixed & below).astype(np.intp)
    found = keys[order]
    return order if bool((found[1:] >= found[:-1]).all()) else np.argsort(keys, kind="stable")


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
