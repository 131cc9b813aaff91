"""The log is the truth: a mind waked from a snapshot, and one waked from the log alone, know the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from severance import Session
from severance.barrier.traces.compare import Stage
from severance.barrier.traces.drawing import trace
from severance.barrier.traces.observing import plain
from severance.barrier.traces.people import EVERYONE
from severance.space import Pictured, Space
from severance.waking import _UnusableError


def known(session: Session) -> dict[str, Any]:
    """All that can be asked, scores rounded: floats may be summed in another order."""
    memories = list(session.memories())
    questions = ("file waffle garden", "about the music", "Helly no paint", "Umbrella")
    return {
        "memories": plain(memories),
        "histories": [plain(session.history(memory.id)) for memory in memories],
        "then": plain(list(session.memories(as_of="2024-06-01T12:40"))),
        "stats": session.stats(),
        "found": [
            [(hit.memory.id, round(hit.score, 4), hit.reasons) for hit in session.recall(question, limit=30)]
            for question in questions
        ],
    }


def unusable(space: Space, held: Sequence[Pictured]) -> NoReturn:
    """No layer is used."""
    raise _UnusableError


@pytest.mark.parametrize("seed", range(100, 108))
def test_a_snapshot_and_the_log_give_the_same_mind(folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    stage = Stage(folder)
    stage.run(trace(seed, 150))
    world = stage.world
    assert world is not None
    with world.open(world.dimensions) as house:
        assert house.check() == []
        house.reembed()  # a vault that was put back may be older than the embedder in force
        house.apply_thresholds("", empty=True)  # no budget is used up any more
        saved = {(persona.subject, persona.name): list(memories) for persona, memories in house.salvage()}
        for subject, persona in EVERYONE:
            house.place("the end", {subject: persona})
            with house.cross(subject, "the end") as session:
                first = known(session)
            with monkeypatch.context() as patch:
                patch.setattr("severance.waking._joined", unusable)
                with house.cross(subject, "the end") as session:
                    assert known(session) == first
                    assert list(session.memories()) == saved[subject, persona]
