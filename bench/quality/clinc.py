"""CLINC150 (Larson et al., EMNLP 2019): what users say to an assistant, by intent. CC BY 3.0, not part of this project.

A check outside of conversations. Every training utterance is a memory; a question of the validation part wants those
of its own intent, and is scored by how many of the first ten are.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from bench.quality.corpora import Corpus, Question, Said

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> list[Corpus]:
    """One corpus with everything in it; questions are grouped by domain."""
    data = json.loads(path.read_text("utf-8"))
    domains = {intent: domain for domain, intents in data["domains"].items() for intent in intents}
    of_intent: dict[str, list[str]] = defaultdict(list)
    said = []
    for number, (text, intent) in enumerate(data["train"]):
        said.append(Said(str(number), text))
        of_intent[intent].append(str(number))
    wanted = {intent: frozenset(names) for intent, names in of_intent.items()}
    questions = tuple(Question(text, domains[intent], wanted[intent]) for text, intent in data["val"])
    return [Corpus("clinc150", tuple(said), questions)]
