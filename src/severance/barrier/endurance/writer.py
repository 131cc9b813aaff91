"""A process that writes until it is killed. It says what it is about to do, and after the call that it is done.

What it says are mappings; see `severance.barrier.endurance.kills`, which compares them with what is there afterwards.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from severance import house as houses
from severance.barrier.endurance.replacing import replaced
from severance.barrier.traces.ports import KEY
from severance.disk import connection
from severance.embed import Hashing
from severance.errors import NotFoundError
from severance.house import House
from severance.model import ID_BYTES, Memory
from severance.system import SystemEntropy

_SELVES = ("one", "two")
_FULL = 2
_ON_DISK = (b"wal", b"delete", b"truncate", b"persist")

COMMON = 3
"""How many texts every writer may remember, so that they are counted and not kept twice."""

Said = dict[str, Any]
Say = Callable[[Said], None]


class Foreseen(SystemEntropy):
    """The machine's random bytes, of which the next can be told beforehand."""

    def __init__(self) -> None:
        self._next = b""

    def foresee(self, size: int) -> bytes:
        """What the next draw of this size will be."""
        self._next = super().draw(size, b"")
        return self._next

    def draw(self, size: int, scope: bytes) -> bytes:
        """As `SystemEntropy.draw`."""
        if len(self._next) != size:
            return super().draw(size, scope)
        drawn, self._next = self._next, b""
        return drawn


def open_house(store: Path, entropy: SystemEntropy | None = None) -> House:
    """As anyone would open it: the machine's own clock and random bytes."""
    return houses.open(store, key=KEY, create=False, embedder=Hashing(16), entropy=entropy)


class Writer:
    """Writes until it is killed, and only touches memories whose text begins with its lane.

    A hasty one says that it is done before it begins, which is what must be noticed.
    """

    def __init__(self, store: Path, lane: str, seed: int, say: Say, *, hasty: bool = False) -> None:
        self._lane = lane
        self._say = say
        self._store = store
        self._random = random.Random(seed)
        self._texts = (f"{lane} {seed}-{number} the file is at {number} percent" for number in range(10**9))
        self._names = (f"{lane}-{seed}-{number}" for number in range(10**9))
        self._hasty = Foreseen() if hasty else None
        self._house = open_house(store, self._hasty)
        self._session = self._house.cross("mark", "floor")
        self._mine: list[str] = []

    def work(self) -> None:
        """Until killed."""
        found = {}
        for memory in self._session.memories():
            if memory.text.startswith(self._lane):
                found[memory.id] = [memory.text, [version.id for version in self._session.history(memory.id)]]
        self._mine = list(found)
        self._say({"found": found})
        steps = (
            self._remember,
            self._remember_many,
            self._repeat,
            self._amend,
            self._forget,
            self._sleep,
            self._reopen,
            self._sever,
            self._place,
        )
        while self._hasty is not None:
            self._remember_hastily(self._hasty)
        while True:
            (step,) = self._random.choices(steps, (30, 8, 8, 14, 14, 3, 1, 2, 2))
            step()

    def _remember(self) -> None:
        text = next(self._texts)
        self._say({"to": "remember", "texts": [text]})
        self._keep([self._session.remember(text, thread="monday")])

    def _remember_many(self) -> None:
        texts = [next(self._texts) for _ in range(self._random.choice((2, 5, 30)))]
        self._say({"to": "remember", "texts": texts})
        self._keep(self._session.remember_many(texts))

    def _keep(self, memories: list[Memory]) -> None:
        self._mine += [memory.id for memory in memories]
        self._say({"done": [memory.id for memory in memories]})

    def _remember_hastily(self, entropy: Foreseen) -> None:
        texts = [next(self._texts) for _ in range(5)]
        raw = entropy.foresee(ID_BYTES * len(texts))
        self._say({"to": "remember", "texts": texts})
        self._say({"done": [raw[at : at + ID_BYTES].hex() for at in range(0, len(raw), ID_BYTES)]})
        self._session.remember_many(texts)

    def _repeat(self) -> None:
        text = f"common {self._random.randrange(COMMON)}"
        self._say({"to": "repeat", "text": text})
        self._say({"done": [self._session.remember(text).id]})

    def _amend(self) -> None:
        if self._mine:
            at, text = self._random.randrange(len(self._mine)), next(self._texts)
            self._say({"to": "amend", "id": self._mine[at], "text": text})
            self._mine[at] = self._session.amend(self._mine[at], text).id
            self._say({"done": [self._mine[at]]})

    def _forget(self) -> None:
        for _ in range(min(len(self._mine), self._random.choice((1, 2, 6)))):
            memory = self._mine.pop(self._random.randrange(len(self._mine)))
            self._say({"to": "forget", "id": memory})
            self._session.forget(memory)
            self._say({"done": []})

    def _sleep(self) -> None:
        self._session.sleep()
        self._session = self._house.cross("mark", "floor")

    def _reopen(self) -> None:
        self._house.close()
        self._house = open_house(self._store)
        self._session = self._house.cross("mark", "floor")

    def _sever(self) -> None:
        name = next(self._names)
        self._say({"to": "sever", "name": name})
        self._house.sever(name, _SELVES)
        self._say({"done": []})

    def _place(self) -> None:
        name = next(self._names)
        self._say({"to": "place", "name": name})
        self._house.place(name, {"mark": "innie"})
        self._say({"done": []})


@contextmanager
def connections() -> Iterator[list[sqlite3.Connection]]:
    """Those that are made meanwhile to files of stores."""
    made: list[sqlite3.Connection] = []
    true = connection.connect

    def connect(path: Path, mode: str, busy: float) -> sqlite3.Connection:
        made.append(true(path, mode, busy))
        return made[-1]

    with replaced(connection, connect=connect):
        yield made


def unsynced(made: Sequence[sqlite3.Connection]) -> list[str]:
    """What of durability is switched off in open connections, one sentence each; closed ones are passed over."""
    found = []
    for raw in made:
        with suppress(sqlite3.ProgrammingError):
            (synchronous,) = raw.execute("PRAGMA synchronous").fetchone()
            (journal,) = raw.execute("PRAGMA journal_mode").fetchone()
            if synchronous < _FULL:
                found.append(f"a connection has synchronous {synchronous}, and FULL is {_FULL}")
            if bytes(journal) not in _ON_DISK:  # TEXT comes as bytearray here
                found.append("a connection keeps its journal in memory, or none")
    return found


def examine(store: Path, say: Say) -> None:
    """What anyone would find now, and whether what makes a commit outlast a power cut is switched on."""
    with connections() as made, open_house(store) as house:
        findings = [str(finding) for finding in house.check()]
        findings += unsynced(made)
        status = house.status()
        severed: dict[str, int] = {}
        for persona in status.personas:
            severed[persona.subject] = severed.get(persona.subject, 0) + 1
        half = [name for name, selves in severed.items() if name != "mark" and selves != len(_SELVES)]
        findings += [f"{name} is severed by half" for name in half]
        names = {"sever": sorted(severed), "place": [place.name for place in status.places]}
        with house.cross("mark", "floor") as session:
            memories = list(session.memories())
            for memory in memories:
                with suppress(NotFoundError):  # a writer that is still at work may have forgotten it
                    session.history(memory.id)
    common = {memory.text: memory.repeats for memory in memories if memory.text.startswith("common")}
    say({"findings": findings, "common": common, "memories": len(memories), "names": names})
