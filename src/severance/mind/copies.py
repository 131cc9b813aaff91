"""Memories that say nearly the same: the newest of those that contradict one another first, near-copies behind.

Both look only at the best few, and both are gentle. Scores change hands among memories that answer a query about
equally well, and a near-copy's score is halved for each memory before it that it repeats, so that it stands behind what
else there is to say (after Carbonell and Goldstein, "The Use of MMR", SIGIR 1998). Nothing is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from severance.mind import slots
from severance.mind.echoes import Saying
from severance.mind.memories import PINNED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.mind.ranking import Corpus, Evidence

LOOKED_AT = 32
"""So many of the best are held against one another."""

COPY_COSINE = 0.8
"""Memories less alike than this are not copies."""

COPY_LENGTH = 0.75
"""Nor are those of which one has so much fewer words, as a share."""

ALIKE_COSINE = 0.35
"""Memories less alike than this do not speak of the same thing."""

ALIKE_WORDS = 0.5
"""A memory with so many of the query's words among its own says little more than what was asked."""

ALIKE_LENGTH = 16
"""A memory of more words than this says more than one thing."""

MOST_READ = 16
"""So many of them are read to tell copies, those in the best pairs."""

NEAR = 0.7
"""A newer memory takes the place of an older one if it scores at least this share of what that scores."""

_MOST_HALVED = 64

SLOT_LENGTH = 8
"""Memories of more words than this are not read to tell whether they are about one thing."""

SLOTS_AMONG = 12
"""So many of the best are read for that."""

NEWER, COPY = "newer than a similar memory", "much like a memory before it"
THEN = "nearer to that time than a similar memory"


def arrange(
    corpus: Corpus, evidence: Evidence, rows: NDArray[np.int64], scores: NDArray[np.float64], *, twice: bool
) -> tuple[NDArray[np.float64], dict[int, str]]:
    """New scores for these rows, which come best first, and what to say of those that moved.

    `twice` says whether `same_texts` has found any text more than once.
    """
    if len(rows) < 2:
        return scores, {}
    cosines = corpus.vectors.among(rows)
    cosines.ravel()[:: len(rows) + 1] = 0  # themselves
    if twice:
        texts = _texts(corpus, rows)
        cosines[texts[:, None] == texts] = 0  # those that `same_texts` has told
    copies = _copies(corpus, rows, cosines)
    apart = _contradict(corpus, evidence, rows, scores, cosines) & ~copies
    moved: dict[int, str] = {}
    if apart.any():
        scores, moved = _newest_first(corpus, evidence, rows, scores, apart)
    if copies.any():
        scores = scores.copy()
        order = np.argsort(-scores, kind="stable")
        repeated = np.tril(copies[np.ix_(order, order)], -1).sum(axis=1)
        scores[order] /= 2.0**repeated
        moved |= {int(rows[place]): COPY for place in order[repeated > 0]}
    return scores, moved


def same_texts(
    corpus: Corpus, rows: NDArray[np.int64], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], dict[int, str]]:
    """As `arrange`, for any number of rows in any order, and only for texts that are the very same."""
    memories = corpus.memories
    if not _any_twice(memories.signatures.view.take(rows) >> np.uint64(32)):
        return scores, {}
    texts = _texts(corpus, rows)
    if not _any_twice(texts):
        return scores, {}
    order = np.lexsort((rows, memories.at.view[rows], -scores, texts))
    starts = np.flatnonzero(np.append(True, texts[order][1:] != texts[order][:-1]))
    before = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    scores = scores.copy()
    scores[order] /= 2.0 ** np.minimum(before, _MOST_HALVED)
    return scores, {int(row): COPY for row in rows[order[before > 0]]}


def _any_twice(numbers: NDArray[np.uint64]) -> bool:
    ordered = np.sort(numbers)
    return bool((ordered[1:] == ordered[:-1]).any())


def _texts(corpus: Corpus, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A number for each row that is equal for equal texts: the checksum and how many words there are."""
    checksums: NDArray[np.uint64] = corpus.memories.signatures.view[rows] >> np.uint64(32)
    return checksums | corpus.lexical.lengths.view[rows].astype(np.uint64) << np.uint64(32)


def _copies(corpus: Corpus, rows: NDArray[np.int64], cosines: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which rows merely say one another again, with the same numbers."""
    found = np.zeros(cosines.shape, bool)
    near = cosines >= COPY_COSINE
    if not near.any():
        return found
    lengths = corpus.lexical.lengths.view[rows]
    even = np.minimum.outer(lengths, lengths) >= COPY_LENGTH * np.maximum.outer(lengths, lengths)
    sayings: dict[int, Saying] = {}
    for one, other in np.argwhere(np.triu(near & even, 1)).tolist():
        if len({one, other, *sayings}) > MOST_READ:
            continue
        for place in (one, other):
            if place not in sayings:
                sayings[place] = Saying(corpus.memories.text(int(rows[place])), corpus.lexical.term)
        a, b = sayings[one], sayings[other]
        same = _numbers(a) == _numbers(b) and (a.content == b.content or (a.echoes(b) and b.echoes(a)))
        found[one, other] = found[other, one] = same and a.denials == b.denials
    return found


def _numbers(saying: Saying) -> dict[str, int]:
    return {term: count for term, count in saying.content.items() if term[0].isdigit()}


def _contradict(
    corpus: Corpus,
    evidence: Evidence,
    rows: NDArray[np.int64],
    scores: NDArray[np.float64],
    cosines: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Which rows answer to the same words of the query, by the same source, about as well, and say little more than one
    thing each.
    """
    lengths, source = corpus.lexical.lengths.view[rows], corpus.memories.sources.rows.view[rows]
    plain = (lengths <= ALIKE_LENGTH) & ((corpus.memories.flags.view[rows] & PINNED) == 0)
    short = plain & (lengths <= SLOT_LENGTH)
    short[SLOTS_AMONG:] = False
    # No pair is left whose shorter text the query's words could fill so far: the common case.
    filled = (plain & (lengths * ALIKE_WORDS <= len(evidence.matches.read))).nonzero()[0]
    if np.count_nonzero(short) < 2 and not (cosines[filled] >= ALIKE_COSINE).any():
        return np.zeros(cosines.shape, bool)
    alike: NDArray[np.bool_] = (short[:, None] & short) | ((cosines >= ALIKE_COSINE) & plain[:, None] & plain)
    alike &= source[:, None] == source
    np.fill_diagonal(alike, val=False)
    if not alike.any():
        return alike
    asked, count = np.zeros(len(rows), np.uint64), np.zeros(len(rows), np.int64)
    sought = rows.astype(np.int32)
    for number, match in enumerate(evidence.matches.read[:64]):
        has = match.among(sought)
        asked |= has.astype(np.uint64) << np.uint64(number)
        count += has
    alike &= (asked[:, None] == asked) & (asked > 0)
    if not alike.any():
        return alike
    alike &= np.minimum.outer(scores, scores) >= NEAR * np.maximum.outer(scores, scores)
    told = count / np.maximum(lengths, 1)
    brief = alike & (cosines >= ALIKE_COSINE) & (np.maximum.outer(told, told) >= ALIKE_WORDS)
    alike &= brief | (short[:, None] & short)
    return _of_one_slot(corpus, rows, alike, brief) if alike.any() else alike


def _of_one_slot(
    corpus: Corpus, rows: NDArray[np.int64], alike: NDArray[np.bool_], brief: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The `brief` of those that are alike, and such as speak of one thing by their form; without those that, by it,
    speak of two.
    """
    found, read = brief.copy(), dict[int, slots.Form]()
    for one, other in np.argwhere(np.triu(alike, 1)).tolist():
        for place in (one, other):
            if place not in read:
                read[place] = slots.Form(corpus.memories.text(int(rows[place])))
        verdict = read[one].compare(read[other])
        if verdict != "unknown":
            found[one, other] = found[other, one] = verdict == "same"
    return found


def _newest_first(
    corpus: Corpus, evidence: Evidence, rows: NDArray[np.int64], scores: NDArray[np.float64], apart: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Let the scores of rows that contradict one another change hands; what to say of those that went up.

    The newest comes first. Where the query names a time, the newest that was known by its end does, and what came later
    stands behind, the earliest of it first.
    """
    scores, at = scores.copy(), corpus.memories.at.view[rows]
    end = max((span.until for span in evidence.all_spans), default=int(at.max()))
    order = np.lexsort((np.arange(len(rows)), np.abs(at - end), at > end))
    taken = np.zeros(len(rows), bool)
    risen: dict[int, str] = {}
    for first in np.flatnonzero(apart.any(axis=1)).tolist():
        if taken[first]:
            continue
        group = np.flatnonzero((apart[first] & ~taken) | (np.arange(len(rows)) == first))
        taken[group] = True
        wanted = order[np.isin(order, group)]
        newest = at[group].max()
        for place in wanted[scores[wanted] < scores[group]].tolist():
            risen[int(rows[place])] = NEWER if at[place] == newest else THEN
        scores[wanted] = scores[group]
    return scores, risen
