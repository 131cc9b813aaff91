"""What a session has written waits for its mind until somebody asks, and nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from severance import House, Session
from severance.following import MOST_LATE
from severance.mind import Mind

SAID = "the harbour is closed"
ASKED: dict[str, tuple[Callable[[Session, str], Any], Any]] = {
    "get": (lambda session, kept: session.get(kept).text, SAID),
    "history": (lambda session, kept: len(session.history(kept)), 1),
    "memories": (lambda session, kept: [memory.text for memory in session.memories()], [SAID]),
    "recall": (lambda session, kept: [hit.memory.text for hit in session.recall("harbour")], [SAID]),
    "context": (lambda session, kept: SAID in session.context("harbour"), True),
    "stats": (lambda session, kept: session.stats()["memories"], 1),
    "amend": (lambda session, kept: session.amend(kept, pinned=True).supersedes is not None, True),
    "forget": (lambda session, kept: session.forget(kept), 1),
    "a repeat": (lambda session, kept: session.remember(SAID).repeats, 2),
    "a batch with a repeat": (lambda session, kept: [m.repeats for m in session.remember_many(["new", SAID])], [1, 2]),
}


@pytest.fixture
def taken_in(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records at a time minds have taken in."""
    true, counts = Mind.apply_all, list[int]()

    def apply_all(self: Mind, first: int, events: Any) -> None:
        counts.append(len(events))
        true(self, first, events)

    monkeypatch.setattr(Mind, "apply_all", apply_all)
    return counts


@pytest.mark.parametrize(("ask", "answer"), ASKED.values(), ids=ASKED)
def test_whatever_is_asked_is_answered_by_all_that_was_written(
    innie: Session, taken_in: list[int], ask: Callable[[Session, str], Any], answer: Any
) -> None:
    kept = innie.remember(SAID)
    assert taken_in == []
    assert ask(innie, kept.id) == answer
    assert taken_in[0] == 1


def test_writing_does_not_wait_for_the_mind_and_the_mind_takes_in_many_at_once(
    innie: Session, taken_in: list[int]
) -> None:
    for number in range(2 * MOST_LATE + 3):
        innie.remember(f"number {number}")
    assert taken_in == [MOST_LATE + 1, MOST_LATE + 1]
    assert innie.stats()["memories"] == 2 * MOST_LATE + 3
    assert sum(taken_in) == 2 * MOST_LATE + 3


def test_a_batch_is_taken_in_with_what_waited_before_it(innie: Session, taken_in: list[int]) -> None:
    innie.remember("first")
    innie.remember_many([f"number {number}" for number in range(200)])
    assert taken_in == [201]
    assert [memory.text for memory in innie.memories()][:2] == ["first", "number 0"]


def test_what_is_forgotten_does_not_wait(innie: Session, taken_in: list[int]) -> None:
    kept = innie.remember("the code is 4711")
    innie.forget(kept.id)
    assert taken_in == [1, 1]
    assert "4711" not in repr(vars(innie._following))


def test_what_another_process_wrote_comes_after_what_waited(house: House, innie: Session) -> None:
    innie.remember("mine")
    with house.cross("mark", "floor") as other:
        other.remember("theirs")
    innie.remember("mine again")
    assert [memory.text for memory in innie.memories()] == ["mine", "theirs", "mine again"]


def test_falling_asleep_takes_in_what_waits(house: House, innie: Session) -> None:
    innie.remember_many([f"number {number}" for number in range(300)])
    innie.remember("last of all")
    innie.sleep()
    with house.cross("mark", "floor") as again:
        assert [hit.memory.text for hit in again.recall("last of all", limit=1)] == ["last of all"]
