"""What every session must answer alike, wherever its persona is awake: a story, and calls that are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import severance
from kit import UNKNOWN_ID
from severance import Memory, Session
from severance.model import Mark, id_bytes, micros


def story(session: Session) -> list[Any]:
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
    told += session._behind(mark_of(next(session.memories())), until=when)
    told.append(session.forget(first.id))
    told.append(session.stats())
    return told


def mark_of(memory: Memory) -> Mark:
    """Where a reading has come to that ended with this."""
    raw = id_bytes(memory.id)
    assert raw is not None
    return Mark(micros(memory.at), raw)


def plain(told: Any) -> Any:
    """The same without ids and the moment."""
    if isinstance(told, severance.Recollection):
        return replace(told, memory=plain(told.memory))
    if not isinstance(told, Memory):
        return told
    now = datetime(2000, 1, 1, tzinfo=UTC)
    at = told.at if told.at.year == 2024 else now
    ids = {name: None if getattr(told, name) is None else "an id" for name in ("supersedes", "superseded_by")}
    return replace(told, id="an id", at=at, recorded=now, metadata=dict(told.metadata), **ids)


CALLS: dict[str, Callable[[Session], object]] = {
    "an empty query": lambda session: session.recall(" "),
    "a query of another kind": lambda session: session.recall(5),  # type: ignore[arg-type]
    "no limit": lambda session: session.recall("x", limit=0),
    "an end before its beginning": lambda session: session.memories(since="2024-02-01", until="2024-01-01"),
    "an end before its beginning, from a mark on": lambda session: session._behind(
        Mark(0, bytes(15)), since="2024-02-01", until="2024-01-01"
    ),
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
