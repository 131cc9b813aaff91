"""BM25 of every row for the words of a query, and of every thread taken as one text.

As in Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with Lucene's non-negative idf.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from severance.mind.lexical import Lexical

K1 = 1.2
B = 0.6
POSTING_BUDGET = 262_144
"""At most so many postings are read for a query, rarest terms first, the rarest always whole."""

_SPARSE = 8
_MANY_THREADS = 4_096


@dataclass(frozen=True, slots=True)
class Match:
    """A query's word: its number, what it is worth, and the rows that have it, ascending."""

    word: str
    term: int
    weight: float
    rows: NDArray[np.int32]

    def among(self, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of these rows have it."""
        found: NDArray[np.bool_] = self.rows.take(self.rows.searchsorted(rows), mode="clip") == rows
        return found


@dataclass(frozen=True, slots=True)
class Matches:
    """What a lexical search found: a score for every row, the most that a row could score, and what is behind it."""

    scores: NDArray[np.float32]
    ceiling: float
    read: list[Match]

    def words_of(self, rows: NDArray[np.intp]) -> list[list[str]]:
        """For each row the query's words that it has, those that tell most first."""
        sought = rows.astype(np.int32)
        found: list[list[str]] = [[] for _ in range(len(rows))]
        for match in sorted(self.read, key=lambda match: (-match.weight, match.word)):
            for place in match.among(sought).nonzero()[0].tolist():
                found[place].append(match.word)
        return found


def search(
    index: Lexical,
    terms: Sequence[tuple[str, int, float]],
    eligible: NDArray[np.bool_] | None,
    total: int,
    mean: float,
    out: NDArray[np.float32],
) -> Matches:
    """BM25 of every row for these terms (word, number, weight); rows not `eligible` neither score nor count.

    `total` is how many rows are eligible, and `mean` their mean length. Without the constant factor k1 + 1, so that a
    term adds less than its idf. `out`, a place for each row, is what the scores are written to.
    """
    index.flush()
    out.fill(0)
    slope, flat = np.float32(K1 * B / max(mean, 1e-9)), np.float32(K1 * (1 - B))
    lengths = index.lengths.view
    read: list[Match] = []
    left, ceiling = POSTING_BUDGET, 0.0
    for rows, counts, word, number, factor in _rarest_first(index, terms, eligible):
        weight = factor * math.log1p((total - len(rows) + 0.5) / (len(rows) + 0.5))
        ceiling += weight
        if read and len(rows) > left:
            continue
        left -= len(rows)
        read.append(Match(word, number, weight, rows))
        _add(out, rows, counts, lengths, np.float32(weight), slope, flat)
    return Matches(out, ceiling, read)


def _add(
    out: NDArray[np.float32],
    rows: NDArray[np.int32],
    counts: NDArray[np.uint8],
    lengths: NDArray[np.int32],
    weight: np.float32,
    slope: np.float32,
    flat: np.float32,
) -> None:
    """One term: weight * tf / (tf + slope * length + flat), added where its rows are."""
    places = rows.astype(np.intp)
    tf = counts.astype(np.float32)
    damped = lengths.take(places).astype(np.float32)
    damped *= slope
    damped += flat
    damped += tf
    np.divide(tf, damped, out=tf)
    tf *= weight
    np.add.at(out, places, tf)


def _rarest_first(
    index: Lexical, terms: Sequence[tuple[str, int, float]], eligible: NDArray[np.bool_] | None
) -> list[tuple[NDArray[np.int32], NDArray[np.uint8], str, int, float]]:
    found = []
    for word, number, factor in terms:
        rows, counts = index.postings(number)
        if eligible is not None:
            chosen = eligible.take(rows)
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
        numbers, often = _tallied(threads.take(match.rows), count)
        having = int(np.count_nonzero(often))
        idf = np.float32(math.log1p((seen - having + 0.5) / (having + 0.5)))
        total[numbers] += idf * (often / (often + K1)).astype(np.float32)
    peak = float(total.max(initial=0.0))
    if peak <= 0:
        return None
    total /= np.float32(peak)
    return total


def _tallied(threads: NDArray[np.int32], count: int) -> tuple[NDArray[np.int32] | slice, NDArray[np.intp]]:
    """Threads, those among these and maybe others, and how often each is; -1 left out."""
    if count < _MANY_THREADS or _SPARSE * len(threads) > count:
        return slice(None), np.bincount(threads + 1, minlength=count + 1)[1:]
    numbers, often = np.unique(threads, return_counts=True)
    first = int(numbers[0] < 0)
    return numbers[first:], often[first:]
