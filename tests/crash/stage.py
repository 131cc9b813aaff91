"""A stage: one store in a folder of its own, with what workloads do in it and what is noted after each call."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import severance
from crash.tape import Recorder
from severance import House, Session, SeveranceError
from severance.barrier.traces.ports import KEY, ScopedEntropy, StillClock
from severance.embed import Hashing

DIMENSIONS = 16
OTHER_DIMENSIONS = 24
INNIE, OUTIE = ("mark", "innie"), ("mark", "outie")

T = TypeVar("T")
Who = tuple[str, str]
Kept = tuple[tuple[str, str, int], ...]
"""Memories: (id, text, repeats) of each, sorted."""


class Stage:
    """What a workload gets.

    Attributes:
        root: the folder that is recorded.
        store: where the store is.
        recorder: writes the tape.
        extra: what was remembered after a call had failed: ids, by persona.
        views: what the session that remembered it last found then, by persona.
        errors: what came up instead.
    """

    def __init__(self, recorder: Recorder, seed: int) -> None:
        self.recorder = recorder
        self.root = recorder.root
        self.store = self.root / "store"
        self.extra: dict[Who, list[str]] = {}
        self.views: dict[Who, Kept] = {}
        self.errors: list[Exception] = []
        self._seed = seed
        self._openings = 0
        self._clock = StillClock()
        self._houses: list[House] = []
        self._left: list[House] = []
        self._awake: list[Session] = []
        self._files: dict[str, bytes] = {}
        self._personas: list[Who] = []
        self._memories: dict[Who, Kept] = {}
        self._heads: dict[Who, int] = {}

    def open(self, dimensions: int = DIMENSIONS) -> House:
        """Open the store, or make it."""
        self._openings += 1
        entropy = ScopedEntropy(f"{self._seed} {self._openings}".encode())
        house = severance.open(self.store, key=KEY, embedder=Hashing(dimensions), clock=self._clock, entropy=entropy)
        self._houses.append(house)
        self.did()
        return house

    def furnished(self) -> House:
        """A house in which Mark has two personas that can wake."""
        house = self.open()
        self.sever(house, "mark", "innie", "outie")
        self.call(house.place, "floor", {"mark": "innie"})
        self.call(house.place, "home", {"mark": "outie"})
        return house

    def sever(self, house: House, subject: str, *names: str) -> None:
        """Give somebody personas."""
        house.sever(subject, names)
        self._personas += [(subject, name) for name in names if (subject, name) not in self._personas]
        self.did()

    def cross(self, house: House, place: str = "floor") -> Session:
        """Wake somebody."""
        session = house.cross("mark", place)
        self._awake.append(session)
        self.did()
        return session

    def call(self, work: Callable[..., T], *args: Any, **options: Any) -> T:
        """One call, and what is acknowledged by its return."""
        self._clock.tick()
        result = work(*args, **options)
        self.did()
        return result

    def promise(self, path: Path) -> None:
        """A file was acknowledged."""
        self._files[str(path.relative_to(self.root))] = path.read_bytes()
        self.did()

    def close(self, house: House) -> None:
        """Close a house."""
        self._houses.remove(house)
        self.call(house.close)

    def abandon(self) -> None:
        """The process is gone, and nobody fell asleep or closed a file. What was acknowledged stays so."""
        self._awake.clear()
        self._left += self._houses
        self._houses.clear()

    def end(self) -> None:
        """Let go of every file, without writing anything else."""
        for house in (*self._left, *self._houses):
            for part in (house._chip, house._vault._reader, house._vault._writer):  # type: ignore[attr-defined]
                with suppress(SeveranceError):
                    part.close()

    def replaced(self, memories: dict[Who, Kept]) -> None:
        """Another store is in the place of this one, with these memories."""
        self._awake.clear()
        self._memories = dict(memories)
        self._heads.clear()
        self.did()

    def go_on(self, text: str) -> None:
        """A call has failed: everyone who is awake remembers one thing more, if that can be."""
        for session in self._awake:
            if session._space is None:
                continue
            who = session.subject, session.persona
            try:
                self.extra.setdefault(who, []).append(session.remember(text).id)
                self.views[who] = kept(session.memories())
            except Exception as error:  # noqa: BLE001 - whatever comes up is looked at
                self.errors.append(error)

    @property
    def memories(self) -> dict[Who, Kept]:
        """What was acknowledged last."""
        return dict(self._memories)

    def did(self) -> None:
        """Note what is acknowledged now."""
        heads = []
        for session in self._awake:
            space = session._space
            if space is None:
                continue
            heads.append((space.key.space, space.head.seq, space.head.digest))
            who = session.subject, session.persona
            # Of two sessions of one persona the one that is behind has not read on; it denies nothing.
            if space.head.seq >= self._heads.get(who, 0):
                self._heads[who], self._memories[who] = space.head.seq, kept(session._mind.memories())
        self.recorder.mark(heads, dict(self._memories), self._personas, dict(self._files))


def kept(memories: Any) -> Kept:
    """Memories as they are compared."""
    return tuple(sorted((memory.id, memory.text, memory.repeats) for memory in memories))
