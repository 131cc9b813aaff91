"""Who answers: a mind of this project with any weights, and plain BM25 as the floor."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import Stemmer

from bench.quality.corpora import Corpus, Question
from severance.embed import bundled, quantize
from severance.mind import Mind
from severance.mind.analysis import STOP_WORDS
from severance.mind.ranking import WEIGHTS, Weights
from severance.model import Filter, id_bytes
from severance.ports import Embedder
from severance.records import EmbedderChosen, Event, Remembered

Asker = Callable[[Question, int], list[str]]
"""From a question and a number of places to the names found, best first."""

Engine = Callable[[Corpus], Asker]
"""Takes a corpus in, and answers about it."""


def severance(weights: Weights = WEIGHTS, embedder: Embedder | None = None, *, words_only: bool = False) -> Engine:
    """This project's recall, as a session asks it. Without an `embedder`, by the bundled one.

    Args:
        weights: what each ingredient counts.
        embedder: what makes vectors of memories and questions.
        words_only: ask without a vector.
    """

    def take_in(corpus: Corpus) -> Asker:
        using = embedder or bundled()
        mind = mind_of(corpus, using)

        def ask(question: Question, limit: int) -> list[str]:
            vector = None if words_only else using.embed([mind.to_embed(question.text)])[0]
            found = mind.recall(question.text, vector, limit=limit, filter=Filter(), now=question.now, weights=weights)
            return [corpus.said[_number(hit.memory.id)].name for hit in found]

        return ask

    return take_in


def mind_of(corpus: Corpus, embedder: Embedder) -> Mind:
    """A mind that was told all that was said, in order."""
    vectors, scales = quantize(embedder.embed([said.text for said in corpus.said]))
    events: list[Event] = [EmbedderChosen(embedder.identity, embedder.dimensions)]
    for number, said in enumerate(corpus.said):
        events.append(
            Remembered(
                id=number.to_bytes(15, "big"),
                text=said.text,
                at=said.at,
                recorded=said.at,
                thread=said.thread,
                source=said.source,
                kind="turn",
                metadata={},
                pinned=False,
                echo_of=None,
                supersedes=None,
                vector=vectors[number].tobytes(),
                scale=float(scales[number]),
            )
        )
    mind = Mind()
    mind.apply_all(1, events)
    return mind


def _number(written: str) -> int:
    return int.from_bytes(id_bytes(written) or b"", "big")


def plain_bm25(corpus: Corpus) -> Asker:
    """BM25 as most would first write it: porter stems, stop words dropped, k1 1.2, b 0.75, "who: text" as one text."""
    stems = Stemmer.Stemmer("porter")
    stop = frozenset(STOP_WORDS)

    def terms(text: str) -> list[str]:
        words: list[str] = stems.stemWords([w for w in re.findall(r"[^\W_]+", text.lower()) if w not in stop])
        return words

    counted = [Counter(terms(f"{said.source}: {said.text}" if said.source else said.text)) for said in corpus.said]
    lengths = np.array([sum(counts.values()) for counts in counted], float)
    flat = 1.2 * (0.25 + 0.75 * lengths / max(lengths.mean(), 1e-9))
    postings: dict[str, list[tuple[int, int]]] = {}
    for row, counts in enumerate(counted):
        for term, count in counts.items():
            postings.setdefault(term, []).append((row, count))

    def ask(question: Question, limit: int) -> list[str]:
        scores = np.zeros(len(counted))
        for term in dict.fromkeys(terms(question.text)):
            if term in postings:
                rows, often = np.array(postings[term]).T
                idf = np.log1p((len(counted) - len(rows) + 0.5) / (len(rows) + 0.5))
                scores[rows] += idf * often * 2.2 / (often + flat[rows])
        order = np.argsort(-scores, kind="stable")[:limit]
        return [corpus.said[row].name for row in order if scores[row] > 0]

    return ask
