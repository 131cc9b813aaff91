"""The questions of a LoCoMo file (Maharana et al. 2024), and whose words answer them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from severance.errors import InputError

ADVERSARIAL = 5
_NAME_ONE = "name a LoCoMo file, such as locomo10.json"
_REFERENCE = re.compile(r"D:?(\d+):(\d+)")
_SESSION = re.compile(r"session_\d+\Z")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its category (1 to 5), and the turns that hold its evidence."""

    text: str
    category: int
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One sample: its name, who spoke each turn (turn id to speaker), and what is asked about it."""

    sample: str
    spoken_by: dict[str, str]
    questions: tuple[Question, ...]

    @property
    def speakers(self) -> list[str]:
        """Everyone who says something, by first appearance."""
        return list(dict.fromkeys(self.spoken_by.values()))

    def own(self, speaker: str) -> list[Question]:
        """Questions of categories 1 to 4 that this speaker's words alone answer."""
        return [q for q in self.questions if q.category != ADVERSARIAL and self._said_by(q) == {speaker}]

    def foreign(self, speaker: str) -> list[Question]:
        """Questions that others' words alone answer; of category 5, those that name this speaker wrongly."""
        named = re.compile(rf"\b{re.escape(speaker)}\b", re.IGNORECASE)
        return [
            q
            for q in self.questions
            if speaker not in self._said_by(q) and (q.category != ADVERSARIAL or named.search(q.text))
        ]

    def _said_by(self, question: Question) -> set[str]:
        return {self.spoken_by[turn] for turn in question.gold}


def conversations(path: Path) -> list[Conversation]:
    """All conversations of a LoCoMo file that have questions.

    Raises:
        InputError: it cannot be read or is not LoCoMo.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); {_NAME_ONE}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path} is not JSON; {_NAME_ONE}") from None
    samples = document if isinstance(document, list) else [document]
    found = [one for number, sample in enumerate(samples) if (one := _conversation(sample, number)) is not None]
    if not found:
        raise InputError(f"{path} holds no LoCoMo conversation with questions; {_NAME_ONE}")
    return found


def _conversation(sample: Any, number: int) -> Conversation | None:
    match sample:
        case {"conversation": dict(conversation), "qa": list(asked)}:
            pass
        case _:
            return None
    spoken_by = {
        turn["dia_id"]: turn["speaker"]
        for name, turns in conversation.items()
        if _SESSION.match(name) and isinstance(turns, list)
        for turn in turns
        if isinstance(turn, dict) and isinstance(turn.get("dia_id"), str) and isinstance(turn.get("speaker"), str)
    }
    questions = [question for one in asked if (question := _question(one, spoken_by)) is not None]
    name = sample.get("sample_id")
    # As severance.transfer names a sample that has no name of its own.
    return Conversation(str(name or f"sample-{number}"), spoken_by, tuple(questions)) if questions else None


def _question(asked: Any, spoken_by: dict[str, str]) -> Question | None:
    match asked:
        case {"question": str(text), "category": int(category), "evidence": list(evidence)}:
            # Some references are malformed ("D8:6; D9:17", "D:11:26", "D30:05"): read what can be, keep what exists.
            references = _REFERENCE.findall(" ".join(map(str, evidence)))
            turns = {f"D{int(session)}:{int(turn)}" for session, turn in references}
            gold = frozenset(turn for turn in turns if turn in spoken_by)
            return Question(text, category, gold) if text.strip() and gold else None
        case _:
            return None
