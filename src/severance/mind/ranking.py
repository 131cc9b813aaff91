"""One ranking from words, meaning, speaker, date, neighbours and thread; and the reasons for each place in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from severance.mind import dates, lexical
from severance.mind.analysis import words
from severance.mind.memories import PINNED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.mind.lexical import Lexical, Matches
    from severance.mind.memories import Memories
    from severance.mind.sources import Sources
    from severance.mind.threads import Threads
    from severance.mind.vectors import Vectors


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts. One set for everything; fitted by bench/recall_quality.py."""

    words: float = 1.0
    meaning: float = 0.8
    source: float = 0.5
    date: float = 0.15
    next: float = 0.2
    second: float = 0.08
    thread: float = 0.15
    pinned: float = 0.001
    floor: float = 0.2
    candidates: int = 400


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class Corpus:
    """What there is to rank: the indexes, the rows that may be seen (None means all), and figures about those rows."""

    memories: Memories
    lexical: Lexical
    vectors: Vectors
    threads: Threads
    sources: Sources
    seen: NDArray[np.bool_] | None
    count: int
    mean_length: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A row, its score and the reasons for it."""

    row: int
    score: float
    reasons: tuple[str, ...]


@dataclass(slots=True)
class _Evidence:
    """What was found for one query: scores for every row, and what is needed to say why."""

    base: NDArray[np.float32]
    matches: Matches
    cosines: NDArray[np.float32] | None
    sources: dict[int, str]
    spans: list[dates.Span]


def rank(
    corpus: Corpus, text: str, vector: NDArray[np.float32] | None, *, limit: int, now: int, weights: Weights = WEIGHTS
) -> list[Hit]:
    """The `limit` best rows, best first. Equals: pinned first, then the one that happened first, then log order."""
    if limit <= 0 or not corpus.count:
        return []
    evidence = _gather(corpus, text, vector, now, weights)
    rows = _candidates(corpus, evidence.base, max(weights.candidates, 2 * limit))
    if not len(rows):
        return []
    own = evidence.base[rows]
    beside = _beside(corpus, evidence.base, rows, weights)
    together = _together(corpus, rows, own)
    pinned = (corpus.memories.flags.view[rows] & PINNED) != 0
    scores = own + beside + weights.thread * together + weights.pinned * pinned
    rows, scores = _best(corpus.memories, rows, scores.astype(np.float64), limit)
    return [
        Hit(row, score, _reasons(corpus, evidence, row, weights))
        for row, score in zip(rows.tolist(), scores.tolist(), strict=True)
    ]


def _gather(
    corpus: Corpus, text: str, vector: NDArray[np.float32] | None, now: int, weights: Weights
) -> _Evidence:
    asked = words(text)
    terms = corpus.lexical.query_terms(asked)
    matches = lexical.search(corpus.lexical, terms, corpus.seen, corpus.count, corpus.mean_length)
    sources, bonus, extra = _sources(corpus, asked)
    ceiling = matches.ceiling + weights.source * extra
    base = matches.scores
    if bonus is not None:
        base += np.float32(weights.source) * bonus[corpus.memories.sources.rows.view]
    if ceiling > 0:
        base *= np.float32(weights.words / ceiling)
    cosines = corpus.vectors.cosines(vector) if vector is not None else None
    if cosines is not None:
        base += np.float32(weights.meaning) * np.maximum(cosines, 0)
    spans = _spans(corpus, text, now)
    for span in spans:
        at = corpus.memories.at.view
        base += np.float32(weights.date) * ((at >= span.since) & (at <= span.until))
    if corpus.seen is not None:
        base *= corpus.seen
    return _Evidence(base, matches, cosines, sources, spans)


def _sources(corpus: Corpus, asked: list[str]) -> tuple[dict[int, str], NDArray[np.float32] | None, float]:
    """Sources that the query names: which, what each is worth, and the most that any could be."""
    table = corpus.memories.sources
    named = corpus.sources.named(asked, table)
    if not named:
        return {}, None, 0.0
    worth = np.zeros(len(table.values) + 1, np.float32)  # the last place is for rows without a source, number -1
    for number in named:
        df = min(table.uses[number], corpus.count)
        worth[number] = np.log1p((corpus.count - df + 0.5) / (df + 0.5))
    return named, worth, float(worth.max())


def _spans(corpus: Corpus, text: str, now: int) -> list[dates.Span]:
    at = corpus.memories.at.view
    return dates.spans(text, now=now, first=int(at.min()), last=int(at.max()))


def _candidates(corpus: Corpus, base: NDArray[np.float32], wanted: int) -> NDArray[np.int64]:
    """The rows that score best by themselves, and those next to them: credit reaches no other row."""
    if len(base) > wanted:
        top = np.argpartition(base, len(base) - wanted)[-wanted:]
        # Which of several equal rows argpartition takes is not for us to depend on: take all or none.
        least = base[top].min()
        top = np.flatnonzero(base > least) if (base == least).sum() > wanted else np.flatnonzero(base >= least)
    else:
        top = np.arange(len(base))
    top = top[base[top] > 0]
    before, after = corpus.threads.before.view, corpus.threads.after.view
    rows = np.unique(np.concatenate((top, before[top], after[top])))
    rows = rows[rows >= 0]
    return rows[corpus.seen[rows]] if corpus.seen is not None else rows


def _beside(
    corpus: Corpus, base: NDArray[np.float32], rows: NDArray[np.int64], weights: Weights
) -> NDArray[np.float32]:
    """Credit from the rows next to each row in its thread, one and two places away."""
    padded = np.append(base, np.float32(0))  # place -1: no neighbour
    before, after = (np.append(c.view, np.int32(-1)) for c in (corpus.threads.before, corpus.threads.after))
    previous, following = before[rows], after[rows]
    credit = weights.next * (padded[previous] + padded[following])
    credit += weights.second * (padded[before[previous]] + padded[after[following]])
    beside: NDArray[np.float32] = credit.astype(np.float32)
    return beside


def _together(corpus: Corpus, rows: NDArray[np.int64], own: NDArray[np.float32]) -> NDArray[np.float32]:
    """How well the thread of each row answers as a whole: its best rows together, as a share of the best thread."""
    thread = corpus.memories.threads.rows.view[rows]
    best = np.maximum(own, 0).astype(np.float64) ** 2
    total = np.bincount(thread + 1, weights=best)
    total[0] = 0.0
    peak = total.max(initial=0.0)
    shares: NDArray[np.float64] = np.sqrt(total[thread + 1] / peak) if peak > 0 else np.zeros(len(rows))
    return shares.astype(np.float32)


def _best(
    memories: Memories, rows: NDArray[np.int64], scores: NDArray[np.float64], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    positive = scores > 0
    rows, scores = rows[positive], scores[positive]
    order = np.lexsort((rows, memories.at.view[rows], -scores))[:limit]
    return rows[order], scores[order]


def _reasons(corpus: Corpus, evidence: _Evidence, row: int, weights: Weights) -> tuple[str, ...]:
    found = []
    matched = evidence.matches.words_of(row)
    if matched:
        found.append("words: " + ", ".join(matched))
    if evidence.cosines is not None and evidence.cosines[row] >= weights.floor:
        found.append(f"meaning: {evidence.cosines[row]:.2f}")
    source = evidence.sources.get(int(corpus.memories.sources.rows.view[row]))
    if source:
        found.append(f"source: {source}")
    at = int(corpus.memories.at.view[row])
    found += [f"date: {span.label}" for span in evidence.spans if span.since <= at <= span.until]
    thread = corpus.memories.thread(row)
    neighbours = [int(corpus.threads.before.view[row]), int(corpus.threads.after.view[row])]
    if thread is not None and any(n >= 0 and evidence.base[n] > evidence.base[row] for n in neighbours):
        found.append(f'next to a match in "{thread}"')
    if corpus.memories.flags.view[row] & PINNED:
        found.append("pinned")
    return tuple(found)
