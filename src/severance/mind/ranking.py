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
    """How much each kind of evidence counts. One set for everything, in the middle of a wide plateau on
    bench/recall_quality.py, and not its exact best.

    Attributes:
        meaning: the cosine, against words whose best possible sum is 1.
        source: naming a memory's source, in units of a word as rare as that source.
        name: a word that names a source, where it stands in a text: mostly somebody else is speaking to them.
        date: lying in a stretch of time that the query names.
        before, after, two_away: what the neighbours in the thread score for words and meaning.
        best, topic: the thread as a whole, by its best memories and by the query's words anywhere in it.
        pinned: enough to come before equals, and no more.
        told: the least cosine that is given as a reason beside others.
        candidates: how many rows are looked at closely.
    """

    meaning: float = 0.4
    source: float = 3.0
    name: float = 0.3
    date: float = 0.2
    before: float = 0.3
    after: float = 0.25
    two_away: float = 0.05
    best: float = 0.15
    topic: float = 0.15
    pinned: float = 0.001
    told: float = 0.25
    candidates: int = 400


WEIGHTS = Weights()
_MOST_WORDS = 8
_TINY = float(np.finfo(np.float32).tiny)


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
    thread_count: int
    mean_length: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A row, its score and the reasons for it."""

    row: int
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What was found for one query, a score for every row, and what is needed to say why.

    `content` is words and meaning; `own` adds source and date, which say nothing about a row's neighbours.
    """

    content: NDArray[np.float32]
    own: NDArray[np.float32]
    matches: Matches
    cosines: NDArray[np.float32] | None
    sources: dict[int, str]
    spans: list[dates.Span]


def rank(
    corpus: Corpus, text: str, vector: NDArray[np.float32] | None, *, limit: int, now: int, weights: Weights = WEIGHTS
) -> list[Hit]:
    """The `limit` best rows, best first. Equals: the one that happened first comes first, then log order."""
    if limit <= 0 or not corpus.count:
        return []
    evidence = _gather(corpus, text, vector, now, weights)
    rows = _candidates(corpus, evidence.own, max(weights.candidates, 2 * limit))
    if not len(rows):
        return []
    scores = evidence.own[rows].astype(np.float64) + _beside(corpus, evidence.content, rows, weights)
    scores += _together(corpus, evidence, rows, weights)
    scores += weights.pinned * ((corpus.memories.flags.view[rows] & PINNED) != 0)
    return [
        Hit(row, score, _reasons(corpus, evidence, row, weights))
        for row, score in _best(corpus.memories, rows, scores, limit)
    ]


def _gather(corpus: Corpus, text: str, vector: NDArray[np.float32] | None, now: int, weights: Weights) -> _Evidence:
    asked = words(text)
    sources, worth, extra = _sources(corpus, asked)
    spans = _spans(corpus, text, now)
    names = {word for named in sources.values() for word in named.split()}
    terms = [
        (word, number, weights.name if word.removesuffix("'s") in names else 1.0)
        for word, number in corpus.lexical.query_terms(asked, desperate=not (spans or sources))
    ]
    matches = lexical.search(corpus.lexical, terms, corpus.seen, corpus.count, corpus.mean_length)
    ceiling = matches.ceiling + weights.source * extra
    content = matches.scores
    if ceiling > 0:
        content *= np.float32(1 / ceiling)
    cosines = corpus.vectors.cosines(vector) if vector is not None else None
    if cosines is not None:
        content += np.float32(weights.meaning) * np.maximum(cosines, 0)
    if corpus.seen is not None:
        np.multiply(content, corpus.seen, out=content)
    own = content
    if worth is not None:
        own = own + (worth * np.float32(weights.source / ceiling))[corpus.memories.sources.rows.view]
    if spans:
        own = own + np.float32(weights.date) * _within(corpus.memories.at.view, spans).astype(np.float32)
    if corpus.seen is not None and own is not content:
        np.multiply(own, corpus.seen, out=own)
    return _Evidence(content, own, matches, cosines, sources, spans)


def _sources(corpus: Corpus, asked: list[str]) -> tuple[dict[int, str], NDArray[np.float32] | None, float]:
    """Sources that the query names: which, what each is worth, and the most that any could be."""
    table = corpus.memories.sources
    named: dict[int, str] = {}
    worth = np.zeros(len(table.values) + 1, np.float32)  # the last place is for rows without a source, number -1
    for number, by in corpus.sources.named(asked, table).items():
        df = table.uses[number] if corpus.seen is None else np.count_nonzero(table.rows.view[corpus.seen] == number)
        if df:
            named[number] = by
            worth[number] = np.log1p((corpus.count - df + 0.5) / (df + 0.5))
    return (named, worth, float(worth.max())) if named else ({}, None, 0.0)


def _spans(corpus: Corpus, text: str, now: int) -> list[dates.Span]:
    if not dates.may_name_a_time(text):
        return []
    at = corpus.memories.at.view
    return dates.spans(text, now=now, first=int(at.min()), last=int(at.max()))


def _within(at: NDArray[np.int64], spans: list[dates.Span]) -> NDArray[np.bool_]:
    inside = np.zeros(len(at), bool)
    for span in spans:
        inside |= (at >= span.since) & (at <= span.until)
    return inside


def _candidates(corpus: Corpus, own: NDArray[np.float32], wanted: int) -> NDArray[np.int64]:
    """The rows that score best by themselves, and those next to them: credit reaches no other row."""
    if len(own) > wanted:
        least = np.partition(own, len(own) - wanted)[len(own) - wanted]
        top = np.flatnonzero(own >= max(least, _TINY))
        if len(top) > 2 * wanted:  # very many equals: those that come first in the end
            equal = top[own[top] == least]
            loose = (corpus.memories.flags.view[equal] & PINNED) == 0
            first = equal[np.lexsort((corpus.memories.at.view[equal], loose))[:wanted]]
            top = np.concatenate((top[own[top] > least], first))
    else:
        top = np.flatnonzero(own > 0)
    before, after = corpus.threads.before.view, corpus.threads.after.view
    rows = np.sort(np.concatenate((top, before[top], after[top])))
    rows = rows[np.flatnonzero(np.append(rows[1:] != rows[:-1], True) & (rows >= 0))] if len(rows) else rows
    return rows[corpus.seen[rows]] if corpus.seen is not None else rows


def _beside(
    corpus: Corpus, content: NDArray[np.float32], rows: NDArray[np.int64], weights: Weights
) -> NDArray[np.float64]:
    """Credit from the rows next to each row in its thread, one and two places away."""
    before, after = corpus.threads.before.view, corpus.threads.after.view
    previous, following = before[rows], after[rows]
    credit = np.zeros(len(rows))
    for links, weight in (
        (previous, weights.before),
        (following, weights.after),
        (np.where(previous >= 0, before[previous], -1), weights.two_away),
        (np.where(following >= 0, after[following], -1), weights.two_away),
    ):
        credit += weight * np.where(links >= 0, content[links], 0)
    return credit


def _together(corpus: Corpus, evidence: _Evidence, rows: NDArray[np.int64], weights: Weights) -> NDArray[np.float64]:
    """Credit from the thread as a whole. A row that stands alone is a thread of one."""
    threads = corpus.memories.threads.rows.view
    thread = threads[rows]
    alone = thread < 0
    fourth = evidence.own[rows].astype(np.float64) ** 4
    best = np.where(alone, fourth, np.bincount(thread + 1, weights=fourth)[thread + 1]) ** 0.25
    peak = best.max()
    credit: NDArray[np.float64] = weights.best * best / peak if peak > 0 else np.zeros(len(rows))
    topic = lexical.topics(evidence.matches, threads, len(corpus.memories.threads.values), corpus.thread_count)
    if topic is not None:
        single = evidence.matches.scores[rows] if evidence.cosines is None else 0.0
        credit += weights.topic * np.where(alone, single, topic[thread])
    return credit


def _best(
    memories: Memories, rows: NDArray[np.int64], scores: NDArray[np.float64], limit: int
) -> list[tuple[int, float]]:
    positive = scores > 0
    rows, scores = rows[positive], scores[positive]
    order = np.lexsort((rows, memories.at.view[rows], -scores))[:limit]
    return list(zip(rows[order].tolist(), scores[order].tolist(), strict=True))


def _reasons(corpus: Corpus, evidence: _Evidence, row: int, weights: Weights) -> tuple[str, ...]:
    """Why a row is here: never nothing."""
    memories, found = corpus.memories, []
    matched = evidence.matches.words_of(row)
    if matched:
        found.append("words: " + ", ".join(matched[:_MOST_WORDS]))
    source = evidence.sources.get(int(memories.sources.rows.view[row]))
    if source:
        found.append(f"source: {source}")
    at = int(memories.at.view[row])
    found += [f"date: {span.label}" for span in evidence.spans if span.since <= at <= span.until]
    cosine = float(evidence.cosines[row]) if evidence.cosines is not None else 0.0
    if cosine >= weights.told or (cosine > 0 and not found):
        found.append(f"meaning: {cosine:.2f}")
    neighbours = [int(corpus.threads.before.view[row]), int(corpus.threads.after.view[row])]
    beside = any(n >= 0 and evidence.content[n] > evidence.content[row] for n in neighbours)
    if beside or not found:
        found.append(f'next to a match in "{memories.thread(row)}"')
    if memories.flags.view[row] & PINNED:
        found.append("pinned")
    return tuple(found)
