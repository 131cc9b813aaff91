"""The store that is damaged, and its logs. It has two personas: see `severance.barrier.endurance.damage`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from promises.damage.logs import PLACES, Log
from severance.barrier.endurance.damage import Bench
from severance.barrier.traces.ports import MEMORY


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="damage-", dir=MEMORY) as folder:
        yield Bench(Path(folder))


@pytest.fixture(scope="module")
def logs(bench: Bench) -> dict[str, Log]:
    found = {place: Log(bench, place) for place in PLACES}
    bench.reset()
    return found
