"""LoCoMo (Maharana et al., ACL 2024), turn by turn. CC BY-NC 4.0, not part of this project.

One memory for each turn: its text with the caption of the picture shared with it, its speaker as source, its session
as thread, the session's date as its time. A question wants the turns that are named as its evidence.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.quality.corpora import Corpus, Question, Said
from severance.model import micros

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
ADVERSARIAL = 5
ABOUT_ANOTHER = "asked of the other speaker"


def read(path: Path, fixes: Path | None = None) -> list[Corpus]:
    """One corpus for each conversation, both speakers in one persona, with the questions of categories 1-4.

    Args:
        path: `locomo10.json` or a part of it.
        fixes: repairs of malformed evidence; without it, evidence is read as far as it can be.
    """
    repaired = _repaired(fixes)
    return [
        Corpus(sample["sample_id"], said := _said(sample["conversation"]), tuple(_questions(sample, said, repaired)))
        for sample in json.loads(path.read_text("utf-8"))
    ]


def read_by_speaker(path: Path, fixes: Path | None = None) -> list[Corpus]:
    """Two corpora for each conversation, one for each speaker: that speaker's turns alone.

    A question of categories 1-4 that names one speaker is asked of that speaker's persona when all its evidence is
    theirs. One of category 5 that names a speaker while all its evidence was spoken by the other must find none of it.
    """
    repaired = _repaired(fixes)
    found = []
    for sample in json.loads(path.read_text("utf-8")):
        said = _said(sample["conversation"])
        speakers = dict.fromkeys(turn.source for turn in said if turn.source)
        for speaker in speakers:
            own = tuple(turn for turn in said if turn.source == speaker)
            questions = (
                _asked_of(question, speaker, list(speakers), {turn.name for turn in own})
                for question in _questions(sample, said, repaired, {**CATEGORIES, ADVERSARIAL: ABOUT_ANOTHER})
            )
            found.append(Corpus(f"{sample['sample_id']}/{speaker}", own, tuple(q for q in questions if q)))
    return found


def _asked_of(question: Question, speaker: str, speakers: list[str], own: set[str]) -> Question | None:
    named = [other for other in speakers if re.search(rf"\b{re.escape(other)}\b", question.text, re.IGNORECASE)]
    if named != [speaker]:
        return None
    if question.group == ABOUT_ANOTHER:
        leak = Question(question.text, question.group, question.wanted, question.now, unwanted=True)
        return leak if own.isdisjoint(question.wanted) else None
    return question if question.wanted <= own else None


def _said(conversation: dict[str, Any]) -> tuple[Said, ...]:
    sessions = [key for key in conversation if re.fullmatch(r"session_\d+", key)]
    found = []
    for name in sorted(sessions, key=lambda key: int(key.split("_")[1])):
        at = datetime.strptime(conversation[f"{name}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
        for turn in conversation[name]:
            caption = f" [shares a picture: {turn['blip_caption']}]" if turn.get("blip_caption") else ""
            found.append(Said(turn["dia_id"], turn["text"] + caption, micros(at), name, turn["speaker"]))
    return tuple(found)


def _questions(
    sample: dict[str, Any],
    said: tuple[Said, ...],
    repaired: dict[tuple[str, int], list[str]],
    groups: dict[int, str] = CATEGORIES,
) -> list[Question]:
    """The questions that have evidence, asked just after the last turn."""
    known, now = {turn.name for turn in said}, max(turn.at for turn in said)
    found = []
    for index, question in enumerate(sample["qa"]):
        if question["category"] in groups:
            evidence = repaired.get((sample["sample_id"], index), question["evidence"])
            wanted = _turns(evidence) & known
            if wanted:
                group = groups[question["category"]]
                found.append(Question(question["question"], group, frozenset(wanted), now))
    return found


def _turns(evidence: list[str]) -> set[str]:
    found = re.findall(r"D:?(\d+):(\d+)", " ".join(evidence))
    return {f"D{int(session)}:{int(turn)}" for session, turn in found}


def _repaired(fixes: Path | None) -> dict[tuple[str, int], list[str]]:
    if fixes is None:
        return {}
    listed = json.loads(fixes.read_text("utf-8"))
    return {(fix["sample_id"], fix["qa_index"]): fix["evidence_fixed"] for fix in listed}
