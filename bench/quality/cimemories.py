"""CIMemories: made-up people with some 150 facts each, divided into personas by domain of life. CC BY-NC 4.0, not part
of this project.

One memory for each statement, its event as thread. A fact's event and name, in words, are asked of the persona that
has the fact: it should be found.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from bench.quality.corpora import Corpus, Question, Said
from severance.barrier.suites.cimemories import PERSONAS

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> list[Corpus]:
    """One corpus for each persona of each profile."""
    found = []
    for profile in json.loads(path.read_text("utf-8")):
        said: dict[str, list[Said]] = defaultdict(list)
        questions: dict[str, list[Question]] = defaultdict(list)
        for key, fact in profile["information_attributes"].items():
            domain, event = fact["information_domain"], fact["event"]
            persona = PERSONAS.get(domain, domain)
            said[persona].append(Said(key, fact["memory_statement"], thread=event))
            asked = f"{event}: {key.replace('_', ' ')}"
            questions[persona].append(Question(asked, persona, frozenset({key})))
        name = profile["bio"]["name"]
        found += [Corpus(f"{name}/{who}", tuple(said[who]), tuple(questions[who])) for who in said]
    return found
