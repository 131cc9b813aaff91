"""What frameworks warn of, and leave to the garbage, is their own affair: the tests of adapters do not fail for it.

The sessions are those of every test, `innie` and `outie` of the real `house`.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import severance
from kit import PLACES, WORLD
from kit.outward import secluded
from severance.barrier.traces.ports import FEW, KEY
from severance.embed import Hashing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from severance import House, Session
    from severance.barrier.traces.ports import ScopedEntropy, StillClock

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.fixture(autouse=True)
def _nothing_goes_out() -> Iterator[None]:
    """No socket of this process leaves the machine, in the test or in what a framework does beside it."""
    with secluded() as wanted:
        yield
    assert wanted == []


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left() -> Iterator[None]:
    """What a framework left open is collected, and warned of, while that is ignored."""
    yield
    gc.collect()


@pytest.fixture
def isolation() -> str | None:
    """Where personas are awake: in this process. With `kit.frameworks.in_workers`, in one of its own, too."""
    return None


@pytest.fixture
def house(folder: Path, clock: StillClock, entropy: ScopedEntropy, isolation: str | None) -> Iterator[House]:
    """As everywhere; with workers, it has the machine's clock and entropy, since they have."""
    ports = {} if isolation else {"clock": clock, "entropy": entropy}
    with severance.open(folder / "store", key=KEY, embedder=Hashing(FEW), **ports) as made:
        for subject, personas in WORLD.items():
            made.sever(subject, personas)
        for place, wakes in PLACES.items():
            made.place(place, wakes)
        yield made


@pytest.fixture
def innie(house: House, isolation: str | None) -> Session:
    return house.cross("mark", "floor", isolation=isolation)


@pytest.fixture
def outie(house: House, isolation: str | None) -> Session:
    return house.cross("mark", "home", isolation=isolation)
