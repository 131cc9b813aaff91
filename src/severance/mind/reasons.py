"""Why memories were recalled, in words for a person."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from severance.mind.analysis import spellings
from severance.mind.memories import PINNED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from severance.mind.ranking import Corpus, Evidence

_MOST_WORDS = 8
_FOUND = ("words: ", "source: ", "date: ")
_MEANING = "meaning: "


def reasons(
    text: str, corpus: Corpus, evidence: Evidence, rows: NDArray[np.int64], moved: dict[int, str]
) -> list[tuple[str, ...]]:
    """Why each row is here: never nothing, and nothing but what the query says and what this persona's own mind holds.

    Args:
        text: the query, whose own spelling is shown.
        corpus, evidence: what was ranked, and what was found for the query.
        rows: which memories.
        moved: what is to say of rows that others like them moved.
    """
    memories, cosines, told = corpus.memories, [0.0] * len(rows), evidence.weights.told
    if evidence.cosines is not None:
        cosines = evidence.cosines.view.take(rows).tolist()
    found = zip(
        rows.tolist(),
        evidence.matches.words_of(rows),
        memories.sources.rows.view.take(rows).tolist(),
        memories.at.view.take(rows).tolist(),
        cosines,
        _beside(corpus, evidence, rows),
        (memories.flags.view.take(rows) & PINNED).tolist(),
        strict=True,
    )
    spans, spelled, why = evidence.all_spans, _spelled(text, evidence), []
    for row, matched, source, at, cosine, beside, pinned in found:
        shown = dict.fromkeys(spelled.get(word, word) for word in matched)
        said = ["words: " + ", ".join(islice(shown, _MOST_WORDS))] if shown else []
        if source in evidence.sources:
            said.append("source: " + " ".join(spelled.get(word, word) for word in evidence.sources[source].split()))
        said += [f"date: {span.label}" for span in spans if span.since <= at <= span.until]
        if cosine >= told or (cosine > 0 and not said):
            said.append(f"{_MEANING}{cosine:.2f}")
        if beside or not said:
            said.append(f'next to a match in "{memories.thread(row)}"')
        if row in moved:
            said.append(moved[row])
        if pinned:
            said.append("pinned")
        why.append(tuple(dict.fromkeys(said)))
    return why


def answers(told: Sequence[str], least: float) -> bool:
    """Whether these reasons have a word, a source or a time of the query in them, or a cosine of at least so much."""
    meant = (float(reason.removeprefix(_MEANING)) for reason in told if reason.startswith(_MEANING))
    return any(reason.startswith(_FOUND) for reason in told) or any(cosine >= least for cosine in meant)


def _spelled(text: str, evidence: Evidence) -> dict[str, str]:
    """The query's own spelling of the folded words that were found."""
    sought = {match.word for match in evidence.matches.read}
    sought.update(*(named.split() for named in evidence.sources.values()))
    return spellings(text, sought)


def _beside(corpus: Corpus, evidence: Evidence, rows: NDArray[np.int64]) -> list[bool]:
    """Whether a row next to it in its thread says more of what was asked."""
    content, beside = evidence.content, np.zeros(len(rows), bool)
    for column in (corpus.threads.before, corpus.threads.after):
        links = column.view.take(rows)
        beside |= (links >= 0) & (content[links] > content.take(rows))
    return beside.tolist()
