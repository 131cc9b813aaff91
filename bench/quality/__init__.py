"""How well recall finds: data sets as corpora, engines that answer their questions, scores with intervals."""

from __future__ import annotations

from bench.quality import cimemories, clinc, locomo
from bench.quality.ablations import ablations
from bench.quality.corpora import Corpus, Question, Said
from bench.quality.engines import Engine, plain_bm25, severance
from bench.quality.run import ask
from bench.quality.scores import Figure, Outcome, figures

__all__ = [
    "Corpus",
    "Engine",
    "Figure",
    "Outcome",
    "Question",
    "Said",
    "ablations",
    "ask",
    "cimemories",
    "clinc",
    "figures",
    "locomo",
    "plain_bm25",
    "severance",
]
