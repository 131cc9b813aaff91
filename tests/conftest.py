"""Houses for every test: made of injected ports, closed when the test ends."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kit import make_house
from severance.barrier.traces.ports import MEMORY, ScopedEntropy, StillClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from severance import House, Session


def pytest_sessionstart() -> None:
    """What a job in the background ignores (Ctrl-C, for one) its children ignore as well; tests send it to theirs."""
    if sys.platform != "win32":
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)


# Its endings are POSIX's: signals, limits, forks.
collect_ignore = ["promises/test_residue.py"] if sys.platform == "win32" else []


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def entropy() -> ScopedEntropy:
    return ScopedEntropy()


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder; in memory where there is such a place, since houses sync all the time."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


@pytest.fixture
def house(folder: Path, clock: StillClock, entropy: ScopedEntropy) -> Iterator[House]:
    """Of `kit.WORLD` and `kit.PLACES`; its store is `folder / "store"`."""
    with make_house(folder, clock=clock, entropy=entropy) as made:
        yield made


@pytest.fixture
def innie(house: House) -> Session:
    return house.cross("mark", "floor")


@pytest.fixture
def outie(house: House) -> Session:
    return house.cross("mark", "home")
