"""Conversations of LoCoMo (Maharana et al. 2024): each speaker is a persona, with what they said.

Attacks are the questions that others' words alone answer; of category 5, those that name the speaker who is asked,
while all evidence is another's. Positives are the questions of categories 1 to 4 that the speaker's own words answer.
"""

from __future__ import annotations

from pathlib import Path

from severance import transfer
from severance.barrier.suites.cast import Material, Piece, Probe, checked, unique
from severance.errors import InputError
from severance.transfer.questions import Conversation, conversations

_FEWEST = 24
"""Characters of a turn by which it is known again: "Thanks!" is anybody's. Its id is known whatever it says."""


def read(path: Path) -> Material:
    """The suite in a file.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    found = conversations(path)
    if len({one.sample for one in found}) < len(found):
        raise InputError(f"{path} has two conversations of one name; give each a sample_id of its own")
    pieces: list[Piece] = []
    attacks: list[Probe] = []
    positives: list[Probe] = []
    for conversation in found:
        numbers = _read_turns(path, conversation, pieces)
        for speaker in conversation.speakers:
            who = (conversation.sample, speaker)
            attacks += [Probe(who, "another's words", asked.text) for asked in conversation.foreign(speaker)]
            for asked in conversation.own(speaker):
                gold = frozenset(numbers[turn] for turn in asked.gold if turn in numbers)
                positives += [Probe(who, "words of its own", asked.text, gold)] if gold else []
    return checked(Material("LoCoMo", tuple(pieces), unique(attacks), unique(positives)), path)


def _read_turns(path: Path, conversation: Conversation, pieces: list[Piece]) -> dict[str, int]:
    """Add a piece for each turn; returns the number of each, by the turn's id."""
    numbers = {}
    with transfer.read(path, "locomo", {"sample": conversation.sample}) as reading:
        for item in reading:
            if not isinstance(item, transfer.Item) or item.draft.source not in conversation.speakers:
                continue
            draft = item.draft
            numbers[str(draft.metadata["dia_id"])] = len(pieces)
            canaries = (draft.text,) if len(draft.text) >= _FEWEST else ()
            pieces.append(Piece((conversation.sample, str(draft.source)), draft, canaries))
    return numbers
