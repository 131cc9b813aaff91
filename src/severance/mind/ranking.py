"""One ranking from words, meaning, speaker, date, neighbours and thread."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from severance.mind import anchors, copies, dates, matching, selection
from severance.mind.analysis import respelled, words
from severance.mind.memories import PINNED
from severance.mind.reasons import reasons

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.mind.almanac import Span
    from severance.mind.columns import Scratch
    from severance.mind.lexical import Lexical
    from severance.mind.matching import Matches
    from severance.mind.memories import Memories
    from severance.mind.sources import Sources
    from severance.mind.threads import Threads
    from severance.mind.vectors import Cosines, Vectors


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts. One set for everything, in the middle of a wide plateau on
    `python -m bench --only quality`, and not its exact best.

    Attributes:
        meaning: the cosine, against words whose best possible sum is 1.
        source: naming a memory's source, in units of a word as rare as that source.
        name: a word that names a source, where it stands in a text: mostly somebody else is speaking to them.
        timed: a word that is part of a time that the query names.
        date: lying in a stretch of time that the query names.
        only_date: that, where the query has no other word that any memory has.
        before, after, two_away: what the neighbours in the thread score for words and meaning.
        asks: the memory before, once more, where it ends in a question mark: an answer follows its question.
        best, topic: the thread as a whole, by its best memories and by the query's words anywhere in it.
        pinned: enough to come before equals, and no more.
        told: the least cosine that is given as a reason beside others.
        within: how many rows of the times that are named are looked at closely, whatever else is.
        candidates: how many rows are looked at closely.
        arranged: 1, or 0 for an order in which memories alike stand as they score.
    """

    meaning: float = 0.4
    source: float = 3.0
    name: float = 0.3
    timed: float = 0.2
    date: float = 0.2
    only_date: float = 0.5
    before: float = 0.3
    after: float = 0.25
    two_away: float = 0.05
    asks: float = 0.25
    best: float = 0.15
    topic: float = 0.15
    pinned: float = 0.001
    told: float = 0.25
    within: int = 100
    candidates: int = 400
    arranged: int = 1


WEIGHTS = Weights()
_BLOCK = 32_768
_NONE = np.array([-1])


@dataclass(frozen=True, slots=True)
class Corpus:
    """What there is to rank: the indexes, the rows that may be seen (None means all), and figures about those rows.

    `scratch` is where the scores of every row are put: the mind's own, and written anew by each recall.
    """

    memories: Memories
    lexical: Lexical
    vectors: Vectors
    threads: Threads
    sources: Sources
    seen: NDArray[np.bool_] | None
    count: int
    thread_count: int
    mean_length: float
    scratch: Scratch


@dataclass(frozen=True, slots=True)
class Hit:
    """A row, its score and the reasons for it."""

    row: int
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found for one query, a score for every row, and what is needed to say why.

    `content` is words and meaning, and `linked` is the same with a 0 behind it, for a link that leads nowhere (-1);
    `own` adds source and date, which say nothing about a row's neighbours, and is the same array where there is
    neither. `events` are those that the query counts time by; `anchored` the times that memories tell of them, which
    count for candidates alone; `dated` is what lying in a time is worth. `ceiling` is the most that words and source
    could score, and `worth` what each source adds (the last place is for none).
    """

    corpus: Corpus
    weights: Weights
    matches: Matches
    ceiling: float
    cosines: Cosines | None
    sources: dict[int, str]
    worth: NDArray[np.float32] | None
    spans: list[Span]
    events: list[dates.Event]
    dated: float
    content: NDArray[np.float32]
    linked: NDArray[np.float32]
    own: NDArray[np.float32]
    anchored: list[Span] = field(default_factory=list)

    @property
    def all_spans(self) -> list[Span]:
        """Every stretch of time that counts, each once."""
        return list(dict.fromkeys((*self.spans, *self.anchored)))

    def fill(self) -> None:
        """Work the scores of every row out, a block at a time, so that what is in between stays in cache."""
        for start in range(0, len(self.content), _BLOCK):
            self._work_out(slice(start, start + _BLOCK))

    def settle(self, rows: NDArray[np.int64]) -> None:
        """Make the scores of these rows exact, where their cosines were only guessed."""
        if self.cosines is not None and self.cosines.guesses:
            self.cosines.settle(rows)
            self._work_out(rows)

    def _work_out(self, rows: slice | NDArray[np.int64]) -> None:
        memories, seen, weights = self.corpus.memories, self.corpus.seen, self.weights
        content = self.matches.scores[rows] * np.float32(1 / self.ceiling if self.ceiling > 0 else 0)
        if self.cosines is not None:
            near = np.maximum(self.cosines.view[rows], 0)
            near *= np.float32(weights.meaning)
            content += near
        if seen is not None:
            content *= seen[rows]
        self.content[rows] = content
        if self.own is self.content:
            return
        if self.worth is not None:
            content += self.worth[memories.sources.rows.view[rows]]
        if self.spans:
            content += np.float32(self.dated) * _within(memories.at.view[rows], self.spans)
        if seen is not None:
            content *= seen[rows]
        self.own[rows] = content


def rank(
    corpus: Corpus, text: str, vector: NDArray[np.float32] | None, *, limit: int, now: int, weights: Weights = WEIGHTS
) -> list[Hit]:
    """The `limit` best rows, best first. Equals: the one that happened first comes first, then log order."""
    if limit <= 0 or not corpus.count:
        return []
    evidence = _gather(corpus, text, vector, now, weights)
    rows = _candidates(corpus, evidence, max(weights.candidates, 2 * limit))
    if not len(rows):
        return []
    if evidence.events:
        evidence.anchored.extend(anchors.spans(corpus.memories, evidence.matches, rows, evidence.events, now))
        rows = _once(rows, _inside(corpus, evidence, evidence.anchored))
        evidence.settle(rows)
    scores = evidence.own[rows].astype(np.float64) + _beside(corpus, evidence.linked, rows, weights)
    scores += _together(corpus, evidence, rows, weights)
    scores += weights.pinned * ((corpus.memories.flags.view.take(rows) & PINNED) != 0)
    if evidence.events:
        scores += evidence.dated * _anchored(corpus, evidence, rows)
    best, scores, moved = _chosen(corpus, evidence, rows, scores, limit)
    rows, scores = rows[best], scores[best]
    told = reasons(text, corpus, evidence, rows, moved)
    return list(map(Hit, rows.tolist(), scores.tolist(), told))


def _chosen(
    corpus: Corpus, evidence: Evidence, rows: NDArray[np.int64], scores: NDArray[np.float64], limit: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], dict[int, str]]:
    """The places of the `limit` best, best first; all scores, and what to say of rows that others like them moved."""
    if not evidence.weights.arranged:
        return _best(corpus, rows, scores, limit), scores, {}
    scores, moved = copies.same_texts(corpus, rows, scores)
    first = _best(corpus, rows, scores, copies.LOOKED_AT)
    arranged, others = copies.arrange(corpus, evidence, rows[first], scores[first], twice=bool(moved))
    if not others and limit <= copies.LOOKED_AT:
        return first[:limit], scores, moved
    scores[first] = arranged
    return _best(corpus, rows, scores, limit), scores, moved | others


def _gather(corpus: Corpus, text: str, vector: NDArray[np.float32] | None, now: int, weights: Weights) -> Evidence:
    asked = words(text)
    sources, worth, extra = _sources(corpus, asked)
    spans, events, timed = _times(corpus, text, asked, now)
    names = {word for named in sources.values() for word in named.split()}
    terms = [
        (word, number, weights.name if word.removesuffix("'s") in names else weights.timed if word in timed else 1.0)
        for word, number in corpus.lexical.query_terms(asked + respelled(asked), desperate=not (spans or sources))
    ]
    place, rows = corpus.scratch.floats, len(corpus.memories)
    matches = matching.search(
        corpus.lexical, terms, corpus.seen, corpus.count, corpus.mean_length, place("words", rows)
    )
    # As if words of times counted in full: what they are worth is not given to the others.
    spared = sum(match.weight for match in matches.read if match.word in timed) * (1 / weights.timed - 1)
    ceiling = matches.ceiling + spared + weights.source * extra
    if worth is not None:
        worth = worth * np.float32(weights.source / ceiling) if ceiling > 0 else None
    cosines = None
    if vector is not None and any(map(str.isalnum, text)):
        cosines = corpus.vectors.cosines(vector, corpus.seen, corpus.count, place("cosines", rows))
    linked = place("content", rows + 1)
    linked[rows] = 0
    content = linked[:rows]
    evidence = Evidence(
        corpus=corpus,
        weights=weights,
        matches=matches,
        ceiling=ceiling,
        cosines=cosines,
        sources=sources,
        worth=worth,
        spans=spans,
        events=events,
        dated=weights.date if any(match.word not in timed for match in matches.read) else weights.only_date,
        content=content,
        linked=linked,
        own=content if worth is None and not spans else place("own", rows),
    )
    evidence.fill()
    return evidence


def _sources(corpus: Corpus, asked: list[str]) -> tuple[dict[int, str], NDArray[np.float32] | None, float]:
    """Sources that the query names: which, what each is worth, and the most that any could be."""
    table = corpus.memories.sources
    likely = corpus.sources.named(asked, table)
    if not likely:
        return {}, None, 0.0
    named: dict[int, str] = {}
    worth = np.zeros(len(table.values) + 1, np.float32)  # the last place is for rows without a source, number -1
    for number, by in likely.items():
        df = table.uses[number] if corpus.seen is None else np.count_nonzero(table.rows.view[corpus.seen] == number)
        if df:
            named[number] = by
            worth[number] = np.log1p((corpus.count - df + 0.5) / (df + 0.5))
    return (named, worth, float(worth.max())) if named else ({}, None, 0.0)


def _times(corpus: Corpus, text: str, asked: list[str], now: int) -> tuple[list[Span], list[dates.Event], set[str]]:
    """The times that the query names, the events it counts by, and the words that say nothing but these."""
    if not dates.may_name_a_time(text):
        return [], [], set()
    at = corpus.memories.at.view
    spans, events, written = dates.read(text, now=now, first=int(at.min()), last=int(at.max()))
    written += [event.phrase for event in events if event.count]  # asked is what was then, and not the event
    timed, often = Counter(words(" ".join(written))), Counter(asked)
    return spans, events, {word for word in timed if often[word] <= timed[word]}


def _within(at: NDArray[np.int64], spans: list[Span]) -> NDArray[np.bool_]:
    inside = np.zeros(len(at), bool)
    for since, until in _merged(spans):
        inside |= (at >= since) & (at <= until)
    return inside


def _merged(spans: list[Span]) -> list[tuple[int, int]]:
    """The same stretches without overlaps."""
    merged: list[tuple[int, int]] = []
    for since, until in sorted((span.since, span.until) for span in spans):
        if merged and since <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((since, until))
    return merged


def _anchored(corpus: Corpus, evidence: Evidence, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether rows lie in a stretch of time that counts from an event in memory, and in none that the query names."""
    at = corpus.memories.at.view[rows]
    return _within(at, evidence.anchored) & ~_within(at, evidence.spans)


def _inside(corpus: Corpus, evidence: Evidence, spans: list[Span]) -> NDArray[np.int64]:
    """The rows in these stretches of time that score best by themselves."""
    inside = _within(corpus.memories.at.view, spans)
    if corpus.seen is not None:
        inside &= corpus.seen
    rows = inside.nonzero()[0]
    wanted = evidence.weights.within
    best = _best_alone(corpus, evidence.own, rows, wanted)
    return best if len(best) >= wanted else _once(best, rows[:wanted])


def _candidates(corpus: Corpus, evidence: Evidence, wanted: int) -> NDArray[np.int64]:
    """The rows that score best by themselves, and those next to them: credit reaches no other row."""
    guesses = evidence.cosines.guesses if evidence.cosines is not None else 0
    pool, inside = None, _inside(corpus, evidence, evidence.spans) if evidence.spans else _NONE[:0]
    if guesses:
        pool = _best_alone(corpus, evidence.own, None, max(guesses, 4 * wanted))
        pool = _once(pool, inside) if len(inside) else pool
        evidence.settle(pool)
    rows = _best_alone(corpus, evidence.own, pool, wanted)
    if len(inside):
        rows = _once(rows, inside)
    if corpus.thread_count:
        rows = _with_neighbours(corpus.threads, rows)
    if corpus.seen is not None:
        rows = rows[corpus.seen[rows]]
    if guesses:
        evidence.settle(_with_neighbours(corpus.threads, _with_neighbours(corpus.threads, rows)))
    return rows


def _with_neighbours(threads: Threads, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """These rows and those next to them in their threads, each once, ascending."""
    before, after = threads.before.view, threads.after.view
    return _once(_NONE, rows, before.take(rows), after.take(rows))[1:]


def _once(*parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """All of these rows, each once, ascending. `np.unique` takes ten times as long."""
    ordered = np.sort(np.concatenate(parts))
    fresh = np.empty(len(ordered), bool)
    fresh[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    once: NDArray[np.int64] = ordered[fresh]
    return once


def _best_alone(
    corpus: Corpus, own: NDArray[np.float32], among: NDArray[np.int64] | None, wanted: int
) -> NDArray[np.int64]:
    """The `wanted` rows that score best, of all or `among` some; of very many equals, those that come first."""
    rows = selection.best(own, wanted) if among is None else among[selection.best(own[among], wanted)]
    if len(rows) <= 2 * wanted:
        return rows
    scores = own[rows]
    equal = rows[scores == scores.min()]
    loose = (corpus.memories.flags.view[equal] & PINNED) == 0
    first = equal[np.lexsort((corpus.memories.at.view[equal], loose))[:wanted]]
    return np.sort(np.concatenate((rows[scores > scores.min()], first)))


def _beside(
    corpus: Corpus, linked: NDArray[np.float32], rows: NDArray[np.int64], weights: Weights
) -> NDArray[np.float64]:
    """Credit from the rows next to each row in its thread, one and two places away, and from the question before it."""
    credit = np.zeros(len(rows))
    if not corpus.thread_count:
        return credit
    before, after = corpus.threads.before.view, corpus.threads.after.view
    previous, following = before.take(rows), after.take(rows)
    for links, weight in (
        (previous, weights.before),
        (following, weights.after),
        (np.where(previous >= 0, before[previous], -1), weights.two_away),
        (np.where(following >= 0, after[following], -1), weights.two_away),
    ):
        credit += weight * linked[links]
    asked = (previous >= 0).nonzero()[0]
    asked = asked[corpus.memories.ask(previous[asked])]
    credit[asked] += weights.asks * linked[previous[asked]]
    return credit


def _together(corpus: Corpus, evidence: Evidence, rows: NDArray[np.int64], weights: Weights) -> NDArray[np.float64]:
    """Credit from the thread as a whole. A row that stands alone is a thread of one."""
    best = evidence.own.take(rows).astype(np.float64)
    threads = corpus.memories.threads.rows.view
    thread = threads.take(rows)
    alone = thread < 0
    if corpus.thread_count:
        fourth = np.square(np.square(best))
        best = np.sqrt(np.sqrt(np.where(alone, fourth, np.bincount(thread + 1, weights=fourth)[thread + 1])))
    peak = best.max()
    credit: NDArray[np.float64] = best * (weights.best / peak) if peak > 0 else np.zeros(len(rows))
    if not corpus.thread_count:
        return credit
    topic = matching.topics(evidence.matches, threads, len(corpus.memories.threads.values), corpus.thread_count)
    if topic is not None:
        single = evidence.matches.scores[rows] if evidence.cosines is None else 0.0
        credit += weights.topic * np.where(alone, single, topic[thread])
    return credit


def _best(corpus: Corpus, rows: NDArray[np.int64], scores: NDArray[np.float64], limit: int) -> NDArray[np.intp]:
    """The places of the `limit` best in `rows`, best first."""
    least = np.partition(scores, len(scores) - limit)[len(scores) - limit] if len(scores) > limit else 0.0
    chosen = ((scores >= least) & (scores > 0)).nonzero()[0]
    order = np.lexsort((rows[chosen], corpus.memories.at.view[rows[chosen]], -scores[chosen]))[:limit]
    best: NDArray[np.intp] = chosen[order]
    return best
