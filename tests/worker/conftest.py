"""A house of the machine's own clock and entropy, as workers need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import severance
from kit import KEY, PLACES, WORLD
from severance.embed import Hashing
from severance.worker.away import WorkerSession

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from severance import House


@pytest.fixture
def home(folder: Path) -> Iterator[House]:
    with severance.open(folder / "store", key=KEY, embedder=Hashing(16)) as made:
        for subject, personas in WORLD.items():
            made.sever(subject, personas)
        for place, wakes in PLACES.items():
            made.place(place, wakes)
        yield made


@pytest.fixture
def away(home: House) -> WorkerSession:
    """Mark's innie, in a process of its own."""
    session = home.cross("mark", "floor", isolation="process")
    assert isinstance(session, WorkerSession)
    return session
