"""A session whose persona is in a process of its own is used as any other: same calls, same answers, same errors."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import severance
from kit import KEY
from kit.sameness import CALLS, plain, story
from severance import (
    AsleepError,
    EmbedderError,
    House,
    InputError,
    PermitError,
    Reranking,
    Session,
    SeveranceError,
)
from severance.embed import Hashing
from severance.worker import confined
from severance.worker.away import AwaySession, WorkerSession
from severance.worker.messages import PAGE_BYTES, PAGE_ITEMS

SHARED = {"subject", "persona", "place", "confinement", "remember", "remember_many", "context"}
"""What `Session` does by way of what is below it, or without any memory."""


def _public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers_static(kind) if not name.startswith("_")}


def test_no_method_of_a_session_works_on_a_mind_in_this_process() -> None:
    assert _public(Session) - SHARED <= vars(AwaySession).keys()
    assert _public(Session) & vars(WorkerSession).keys() == {"confinement", "events", "sleep"}, "of log and process"


def test_the_arguments_are_those_of_a_session() -> None:
    for name in _public(Session) - SHARED:
        assert inspect.signature(getattr(AwaySession, name)) == inspect.signature(getattr(Session, name)), name


def test_it_answers_as_a_session_in_this_process_does(home: House) -> None:
    here = [plain(one) for one in story(home.cross("mark", "home"))]
    there = [plain(one) for one in story(home.cross("helly", "floor", isolation="process"))]
    assert there[1:] == here[1:]
    assert there[0] == ("helly", "innie", "floor")


def test_a_memory_comes_through_as_it_is(home: House, away: WorkerSession) -> None:
    kept = away.remember("a  text\nwith ünï\u0301 ✂", at="0001-01-01", metadata={"n": 2**63 - 1, "f": 1e300, "s": "é"})
    with home.cross("mark", "floor") as here:
        assert here.get(kept.id) == away.get(kept.id) == kept


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


def test_whoever_shows_a_permit_is_let_into_a_worker_and_may_do_no_more_than_was_signed(home: House) -> None:
    text = home.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
    with home.admit(text, isolation="process") as session:
        assert isinstance(session, WorkerSession)
        assert session.process != os.getpid()
        assert session.recall("anything") == []
        with pytest.raises(PermitError):
            session.remember("not allowed")
        home.revoke(home.permits()[0].id)
        with pytest.raises(AsleepError):
            session.recall("anything")
    with pytest.raises(InputError, match='isolation is "process"'):
        home.admit(text, isolation="container")  # type: ignore[arg-type]
