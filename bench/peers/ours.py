"""Severance itself: one subject with one persona. A speaker is a source, a session a thread, a date the time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import severance
from bench.peers.port import Counted, when
from bench.quality.corpora import Said
from severance.model import Draft
from severance.system import SystemClock


class Severance:
    """Sealed, and durable at every call."""

    batch: ClassVar = 100_000

    def __init__(self, folder: Path, embedder: Counted) -> None:
        self.embedder = embedder
        self._clock = _Clock()
        self._house = severance.open(folder, key=bytes(range(32)), embedder=embedder, clock=self._clock)
        self._house.sever("bench", ["persona"])
        self._house.place("here", {"bench": "persona"})
        self._session = self._house.cross("bench", "here")
        self._names: dict[str, str] = {}

    def add(self, said: Said) -> None:
        self._clock.follow(said)
        memory = self._session.remember(said.text, at=when(said), thread=said.thread, source=said.source)
        self._names[memory.id] = said.name

    def add_many(self, said: Sequence[Said]) -> None:
        drafts = [Draft(text=one.text, at=when(one), thread=one.thread, source=one.source) for one in said]
        for one, memory in zip(said, self._session.remember_many(drafts), strict=True):
            self._clock.follow(one)
            self._names.setdefault(memory.id, one.name)

    def ready(self) -> None:
        """Nothing: it is ready after every write."""

    def search(self, query: str, limit: int) -> list[str]:
        return [self._names.get(hit.memory.id, hit.memory.id) for hit in self._session.recall(query, limit=limit)]

    def close(self) -> None:
        self._house.close()


class _Clock(SystemClock):
    """The machine's; of what was said at another time, the time of the last of it."""

    def __init__(self) -> None:
        self._at = 0

    def follow(self, said: Said) -> None:
        self._at = max(self._at, said.at)

    def now(self) -> int:
        return self._at or super().now()
