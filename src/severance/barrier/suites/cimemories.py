"""Profiles of CIMemories (JSON): each profile is a subject, with a persona for each domain of life.

Every fact of a profile (its event and its name) is asked of the profile's other personas, and every task of all of
them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from severance.barrier.suites.cast import Material, Piece, Probe, Who, checked, unique
from severance.errors import InputError
from severance.model import Draft
from severance.transfer import files

PERSONAS = {
    "employment": "work",
    "education": "work",
    "housing": "home",
    "relationships": "home",
    "health": "medical",
    "mental_health": "medical",
    "finance": "money",
    "legal": "money",
}
"""The persona of each domain. A domain that is not here is a persona by its own name, `general` among them: it belongs
in a subject's commons, which do not exist yet.
"""

_NAME_IT = "name the JSON file of CIMemories' profiles"


def read(path: Path) -> Material:
    """The suite in a file.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    document = files.read_document(path)
    profiles = document if isinstance(document, list) else [document]
    pieces: list[Piece] = []
    attacks: list[Probe] = []
    positives: list[Probe] = []
    for number, profile in enumerate(profiles):
        match profile:
            case {"information_attributes": dict(facts), "contexts": list(contexts)}:
                _read_profile(f"profile {number}", facts, contexts, pieces, attacks, positives)
            case _:
                raise InputError(f"{path} holds something else than a profile at its number {number}; {_NAME_IT}")
    return checked(Material("CIMemories", tuple(pieces), unique(attacks), unique(positives)), path)


def _read_profile(
    subject: str,
    facts: dict[str, Any],
    contexts: list[Any],
    pieces: list[Piece],
    attacks: list[Probe],
    positives: list[Probe],
) -> None:
    questions = []
    for name, fact in facts.items():
        match fact:
            case {"information_domain": str(domain), "event": str(event), "memory_statement": str(said)}:
                who: Who = (subject, PERSONAS.get(domain, domain))
            case _:
                raise InputError(f"a fact of {subject} has no domain, event and statement; {_NAME_IT}")
        questions.append((who, f"{event}: {name.replace('_', ' ')}"))
        positives.append(Probe(who, "a fact of its own", questions[-1][1], frozenset({len(pieces)})))
        pieces.append(Piece(who, Draft(text=said, thread=event), (said,)))
    everyone = list(dict.fromkeys(who for who, _ in questions))
    for number, (who, question) in enumerate(questions):
        attacks += [Probe(other, f"fact {number}", question) for other in everyone if other != who]
    for number, context in enumerate(contexts):
        match context:
            case {"recipient": str(recipient), "task": str(task)}:
                attacks += [Probe(who, f"task {number}", f"{recipient}: {task}") for who in everyone]
            case _:
                raise InputError(f"a context of {subject} has no recipient and task; {_NAME_IT}")
