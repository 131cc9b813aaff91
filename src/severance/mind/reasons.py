"""Why a memory was recalled, in words for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from severance.mind.memories import PINNED

if TYPE_CHECKING:
    from severance.mind.ranking import Corpus, Evidence

_MOST_WORDS = 8


def reasons(
    corpus: Corpus, evidence: Evidence, row: int, matched: list[str], moved: dict[int, str], told: float
) -> tuple[str, ...]:
    """Why a row is here: never nothing, and nothing but what the query says and what this persona's own mind holds.

    Args:
        corpus, evidence: what was ranked, and what was found for the query.
        row: which memory.
        matched: the query's words that it has.
        moved: what is to say of rows that others like them moved.
        told: the least cosine that is given as a reason beside others.
    """
    memories, found = corpus.memories, []
    if matched:
        found.append("words: " + ", ".join(matched[:_MOST_WORDS]))
    source = evidence.sources.get(int(memories.sources.rows.view[row]))
    if source:
        found.append(f"source: {source}")
    at = int(memories.at.view[row])
    found += [f"date: {span.label}" for span in evidence.all_spans if span.since <= at <= span.until]
    cosine = float(evidence.cosines.view[row]) if evidence.cosines is not None else 0.0
    if cosine >= told or (cosine > 0 and not found):
        found.append(f"meaning: {cosine:.2f}")
    neighbours = [int(corpus.threads.before.view[row]), int(corpus.threads.after.view[row])]
    beside = any(n >= 0 and evidence.content[n] > evidence.content[row] for n in neighbours)
    if beside or not found:
        found.append(f'next to a match in "{memories.thread(row)}"')
    if row in moved:
        found.append(moved[row])
    if memories.flags.view[row] & PINNED:
        found.append("pinned")
    return tuple(found)
