"""A stage for traces, in an empty folder, and a watch that runs the same on every machine."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from severance.barrier.traces.compare import Stage
from severance.barrier.traces.ports import Ports
from severance.barrier.traces.timing import Watch
from severance.cli.surface import invoke


@pytest.fixture
def stage(folder: Path) -> Stage:
    return Stage(folder, Ports(commands=invoke))


@pytest.fixture
def watch() -> Watch:
    """What happens between two looks takes about a tenth of a millisecond, and as long as somebody waits meanwhile."""
    random, passed = Random(5), 0

    def now() -> int:
        nonlocal passed
        passed += int(random.gauss(100_000, 10_000))
        return passed

    def wait(seconds: float) -> None:
        nonlocal passed
        passed += int(seconds * 1e9)

    return Watch(now, wait)
