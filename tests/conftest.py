"""Houses for every test: made of injected ports, closed when the test ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit import ScopedEntropy, StillClock, make_house

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from severance import House, Session


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def entropy() -> ScopedEntropy:
    return ScopedEntropy()


@pytest.fixture
def house(tmp_path: Path, clock: StillClock, entropy: ScopedEntropy) -> Iterator[House]:
    with make_house(tmp_path, clock=clock, entropy=entropy) as made:
        yield made


@pytest.fixture
def innie(house: House) -> Session:
    return house.cross("mark", "floor")


@pytest.fixture
def outie(house: House) -> Session:
    return house.cross("mark", "home")
