"""A session whose persona is in a process of its own is used as any other: same calls, same answers, same errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import severance
from kit import KEY, UNKNOWN_ID
from severance import AsleepError, EmbedderError, House, InputError, Memory, Reranking, Session, SeveranceError
from severance.embed import Hashing
from severance.worker import confined
from severance.worker.away import AwaySession, WorkerSession
from severance.worker.messages import PAGE_BYTES, PAGE_ITEMS

SHARED = {"subject", "persona", "place", "remember", "remember_many", "context"}
"""What `Session` does by way of what is below it, or without any memory."""


def _public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers_static(kind) if not name.startswith("_")}


def test_no_method_of_a_session_works_on_a_mind_in_this_process() -> None:
    assert _public(Session) - SHARED <= vars(AwaySession).keys()
    assert _public(Session) & vars(WorkerSession).keys() == {"events"}, "which come from the log, and from no mind"


def test_the_arguments_are_those_of_a_session() -> None:
    for name in _public(Session) - SHARED:
        assert inspect.signature(getattr(AwaySession, name)) == inspect.signature(getattr(Session, name)), name


def _story(session: Session) -> list[Any]:
    """What is told of a few calls, without what is random or of the moment."""
    told: list[Any] = [(session.subject, session.persona, session.place)]
    when = datetime(2024, 5, 31, 18, 0, tzinfo=UTC)
    first = session.remember("the elevator goes down at nine", at=when, thread="work", source="a sign", pinned=True)
    session.remember_many(
        [
            "the goats are fed at noon",
            {"text": "bins are sorted by feel", "metadata": {"count": 4, "share": 0.5, "ok": True, "none": None}},
            severance.Draft(text="the harbour is far away", kind="fact", at=when),
        ]
    )
    told.append(session.remember("the goats are fed at noon"))
    told.append(session.amend(first.id, "the elevator goes down at ten", thread=""))
    told += session.history(first.id)
    told.append(session.get(first.id))
    told += session.recall("when does the elevator go down", limit=3)
    told += session.recall("bins", where={"count": 4})
    told += session.recall("the elevator", as_of=first.recorded, thread="work")
    told.append(session.context("goats and elevators", tokens=100))
    told += session.memories()
    told += session.memories(until=when)
    told.append(session.forget(first.id))
    told.append(session.stats())
    return told


def _plain(told: Any) -> Any:
    if isinstance(told, severance.Recollection):
        return replace(told, memory=_plain(told.memory))
    if not isinstance(told, Memory):
        return told
    now = datetime(2000, 1, 1, tzinfo=UTC)
    at = told.at if told.at.year == 2024 else now
    ids = {name: None if getattr(told, name) is None else "an id" for name in ("supersedes", "superseded_by")}
    return replace(told, id="an id", at=at, recorded=now, metadata=dict(told.metadata), **ids)


def test_it_answers_as_a_session_in_this_process_does(home: House) -> None:
    here = [_plain(one) for one in _story(home.cross("mark", "home"))]
    there = [_plain(one) for one in _story(home.cross("helly", "floor", isolation="process"))]
    assert there[1:] == here[1:]
    assert there[0] == ("helly", "innie", "floor")


def test_a_memory_comes_through_as_it_is(home: House, away: WorkerSession) -> None:
    kept = away.remember("a  text\nwith ünï\u0301 ✂", at="0001-01-01", metadata={"n": 2**63 - 1, "f": 1e300, "s": "é"})
    with home.cross("mark", "floor") as here:
        assert here.get(kept.id) == away.get(kept.id) == kept


CALLS: dict[str, Callable[[Session], object]] = {
    "an empty query": lambda session: session.recall(" "),
    "a query of another kind": lambda session: session.recall(5),  # type: ignore[arg-type]
    "no limit": lambda session: session.recall("x", limit=0),
    "an end before its beginning": lambda session: session.memories(since="2024-02-01", until="2024-01-01"),
    "few tokens": lambda session: session.context("x", tokens=1),
    "an id that is none": lambda session: session.get("of nothing"),
    "an id of another kind": lambda session: session.history(5),  # type: ignore[arg-type]
    "an id with half a character": lambda session: session.forget("\ud800"),
    "an unknown id": lambda session: session.get(UNKNOWN_ID),
    "amending what is unknown": lambda session: session.amend(UNKNOWN_ID, "text"),
    "amending what is unknown to what cannot be": lambda session: session.amend(UNKNOWN_ID, " "),
    "amending to what cannot be": lambda session: session.amend(session.remember("a text").id, " "),
    "forgetting what is unknown": lambda session: session.forget(UNKNOWN_ID),
    "an empty text": lambda session: session.remember(""),
    "a text that is too large": lambda session: session.remember("x" * 70_000),
    "metadata that cannot be": lambda session: session.remember("x", metadata={"a": [1]}),  # type: ignore[dict-item]
    "one text for many": lambda session: session.remember_many("text"),
    "one that cannot be among many": lambda session: session.remember_many(["text", ""]),
}


@pytest.mark.parametrize("what", CALLS)
def test_it_refuses_as_a_session_in_this_process_does(home: House, away: WorkerSession, what: str) -> None:
    told = []
    for session in (home.cross("mark", "floor"), away):
        with pytest.raises(SeveranceError) as problem:
            CALLS[what](session)
        told.append((type(problem.value), str(problem.value)))
    assert told[0] == told[1]


def test_lists_of_any_length_come_whole_and_in_order(away: WorkerSession) -> None:
    many = 2 * PAGE_ITEMS + 3
    kept = away.remember_many(f"memory number {n}" for n in range(many))
    assert [memory.text for memory in kept] == [f"memory number {n}" for n in range(many)]
    assert [memory.id for memory in away.memories()] == [memory.id for memory in kept]
    assert len(away.recall("memory number", limit=many)) == many


def test_large_texts_come_whole_and_in_order(away: WorkerSession) -> None:
    texts = [f"{n} " + "ä" * 32_000 for n in range(4 * PAGE_BYTES // 64_000)]
    assert [memory.text for memory in away.remember_many(texts)] == texts
    assert [memory.text for memory in away.memories()] == texts


def test_what_is_forgotten_while_memories_are_read_is_left_out(away: WorkerSession) -> None:
    kept = away.remember_many(["one", "two", "three", "four"])
    reading = away.memories()
    assert next(reading).text == "one"
    away.forget(kept[2].id)
    assert [memory.text for memory in reading] == ["two", "four"]


def test_a_list_that_nobody_reads_on_is_not_kept(away: WorkerSession) -> None:
    away.remember_many(f"memory number {n}" for n in range(2 * PAGE_ITEMS))
    reading = away.memories()
    del reading
    assert len(away._left) == 1
    away.stats()
    assert away._left == []


def test_a_list_ends_with_its_session(away: WorkerSession) -> None:
    away.remember_many(["one", "two"])
    reading = away.memories()
    next(reading)
    away.sleep()
    with pytest.raises(AsleepError, match="this session has ended"):
        next(reading)


class Failing(Hashing):
    """An embedder in the parent that can be made to fail."""

    broken: Exception | None = None

    def embed(self, texts: Sequence[str]) -> Any:
        if self.broken is not None:
            raise self.broken
        return super().embed(texts)


def test_the_parents_embedder_embeds_and_its_errors_come_through(folder: Path) -> None:
    embedder = Failing(16)
    with severance.open(folder / "store", key=KEY, embedder=embedder) as house:
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
        here, there = (house.cross("mark", "floor", isolation=how) for how in (None, "process"))
        there.remember("the goats are fed at noon")
        assert len(there.recall("goats")) == 1
        embedder.broken = EmbedderError("the endpoint is down", again=True)
        told = []
        for session in (here, there):
            with pytest.raises(EmbedderError) as problem:
                session.remember("another")
            told.append((str(problem.value), problem.value.again))
        assert told[0] == told[1]
        embedder.broken = ZeroDivisionError("the query was: secret")
        with pytest.raises(SeveranceError, match="not foreseen") as unforeseen:
            there.recall("goats")
        assert "secret" not in str(unforeseen.value)
        embedder.broken = None
        assert len(there.recall("goats")) == 1


class Backwards:
    """A re-ranker that likes long texts."""

    def score(self, query: str, texts: Sequence[str]) -> Any:
        return np.array([float(len(text)) for text in texts], np.float32)


def test_the_parents_reranker_puts_recollections_in_order(folder: Path) -> None:
    reranker = Reranking(Backwards(), candidates=1_000)
    with severance.open(folder / "store", key=KEY, embedder=Hashing(16), reranker=reranker) as house:
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
        with house.cross("mark", "floor", isolation="process") as session:
            session.remember_many("goat " * n + "x" * 20_000 for n in range(1, 100))
            hits = session.recall("goat", limit=99)
            assert [len(hit.memory.text) for hit in hits] == sorted(
                (20_000 + 5 * n for n in range(1, 100)), reverse=True
            )


def test_the_bundled_embedder_is_the_workers_own(folder: Path) -> None:
    with severance.open(folder / "store", key=KEY) as house:
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
        for _ in range(4):  # the third and fourth by workers that were ready before
            with house.cross("mark", "floor", isolation="process") as session:
                assert isinstance(session, WorkerSession)
                assert session.confinement == confined()
                session.remember("the ship leaves the harbour in the morning")
                assert session.recall("boats")[0].memory.repeats >= 1


def test_memories_of_another_embedder_are_refused_at_the_crossing(folder: Path) -> None:
    with severance.open(folder / "store", key=KEY, embedder=Hashing(16)) as house:
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
    other = severance.open(folder / "store", key=KEY, embedder=Hashing(32))
    with other as house, pytest.raises(EmbedderError, match="were embedded by"):
        house.cross("mark", "floor", isolation="process")


def test_a_house_with_a_clock_or_entropy_of_its_own_has_no_workers(house: House) -> None:
    with pytest.raises(InputError, match="the machine's clock"):
        house.cross("mark", "floor", isolation="process")
    with pytest.raises(InputError, match='isolation is "process"'):
        house.cross("mark", "floor", isolation="thread")  # type: ignore[arg-type]


def test_nobody_awake_there_is_the_same_error_as_without(home: House) -> None:
    told = []
    for how in (None, "process"):
        with pytest.raises(severance.NotFoundError) as problem:
            home.cross("mark", "nowhere", isolation=how)
        told.append(str(problem.value))
    assert told[0] == told[1]


def test_two_sessions_of_one_persona_see_what_the_other_writes(home: House, away: WorkerSession) -> None:
    with home.cross("mark", "floor") as here:
        here.remember("told here")
        away.remember("told there")
        assert {memory.text for memory in here.memories()} == {memory.text for memory in away.memories()}
        here.forget(next(here.memories()).id)
        assert [memory.text for memory in away.memories()] == ["told there"]


def test_it_shows_no_name(away: WorkerSession) -> None:
    assert repr(away) == "<Session, awake>"
    away.sleep()
    assert repr(away) == "<Session, asleep>"
