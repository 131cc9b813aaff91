"""Questions to an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.quality.scores import DEPTH, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.quality.corpora import Corpus
    from bench.quality.engines import Engine


def ask(engine: Engine, corpora: Iterable[Corpus], depth: int = DEPTH) -> list[Outcome]:
    """Every question of every corpus, in order, with what the engine found in the first `depth` places."""
    outcomes = []
    for corpus in corpora:
        asker = engine(corpus)
        outcomes += [Outcome(question, tuple(asker(question, depth))) for question in corpus.questions]
    return outcomes
