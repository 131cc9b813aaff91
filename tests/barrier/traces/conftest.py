"""A stage for traces, in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from severance.barrier.traces.compare import Stage
from severance.barrier.traces.ports import Ports
from severance.cli.surface import invoke


@pytest.fixture
def stage(folder: Path) -> Stage:
    return Stage(folder, Ports(commands=invoke))
