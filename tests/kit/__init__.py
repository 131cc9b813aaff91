"""What the tests share: houses made of injected ports, and looks into what they left behind."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import severance
from severance.barrier.traces.ports import FEW, KEY, ScopedEntropy, StillClock
from severance.embed import Hashing
from severance.records import Remembered

if TYPE_CHECKING:
    from severance import House, Session
    from severance.chip.thresholds.surroundings import Surroundings
    from severance.ports import Clock, Embedder, Entropy, Reranker, Reranking, Vault
    from severance.space import Space

WORLD = {"mark": ("innie", "outie"), "helly": ("innie",)}
PLACES = {"floor": {"mark": "innie", "helly": "innie"}, "home": {"mark": "outie"}}
UNKNOWN_ID = "a" * 30

_openings: Counter[Path] = Counter()


def open_house(
    directory: Path,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    embedder: str | Embedder | None = None,
    reranker: str | Reranker | Reranking | None = None,
    key: Any = KEY,
    create: bool = True,
    surroundings: Surroundings | None = None,
) -> House:
    """`severance.open` with everything injected. Each opening of a store has entropy of its own."""
    _openings[directory] += 1
    entropy = entropy or ScopedEntropy(f"opening {_openings[directory]}".encode())
    return severance.open(
        directory,
        key=key,
        create=create,
        embedder=embedder or Hashing(FEW),
        reranker=reranker,
        clock=clock or StillClock(),
        entropy=entropy,
        surroundings=surroundings,
    )


def make_house(directory: Path, **ports: Any) -> House:
    """A new house in which `WORLD` is severed and `PLACES` are declared. Close it."""
    house = open_house(directory / "store", **ports)
    for subject, personas in WORLD.items():
        house.sever(subject, personas)
    for place, wakes in PLACES.items():
        house.place(place, wakes)
    return house


def vault_of(house: House) -> Vault:
    """The house's vault."""
    return house._vault


def space_of(house: House, subject: str = "mark", place: str = "floor") -> Space:
    """A space of its own for whoever wakes there, at the beginning of its log."""
    with house.cross(subject, place) as session:
        space: Space | None = session._space
    assert space is not None
    return space.again()


def events_of(house: House, subject: str = "mark", place: str = "floor") -> list[Any]:
    """What the log of whoever wakes there says, opened."""
    return [event for _, event in space_of(house, subject, place).read_on()]


def texts(found: Any) -> list[str]:
    """The texts of memories or recollections, in order."""
    return [getattr(item, "memory", item).text for item in found]


def recalled(session: Session, query: str, **filters: Any) -> list[str]:
    """The texts that recall finds."""
    return texts(session.recall(query, **filters))


def dump(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of an SQLite file, in the order of the primary key."""
    with closing(sqlite3.connect(file)) as raw:
        names = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: raw.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in names}


def change(file: Path, statement: str, *arguments: Any) -> int:
    """What someone who writes to the disk does; returns how many rows it touched."""
    with closing(sqlite3.connect(file)) as raw, raw:
        return raw.execute(statement, arguments).rowcount


def record(**given: Any) -> Remembered:
    """What a log says of a memory: what is given, and nothing else besides its kind."""
    bare = {"thread": None, "source": None, "kind": "note", "metadata": {}, "pinned": False}
    return Remembered(**{**bare, "echo_of": None, "supersedes": None, **given})


def flipped(raw: bytes, at: int) -> bytes:
    """The same bytes with one bit of byte `at` flipped."""
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
