"""Chips for the tests of the chip: empty, and with two subjects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from severance.barrier.traces.ports import ScopedEntropy
from severance.chip.chip import Chip
from severance.chip.rows import RowFile
from severance.crypto.envelope import SpaceKey
from severance.model import Head
from severance.space import new_key

ROOT, STORE = bytes(range(32)), bytes(range(16))


def made(path: Path, entropy: ScopedEntropy | None = None) -> Chip:
    entropy = entropy or ScopedEntropy()
    rows = RowFile.create(path, STORE, b'{"source":"given"}', Chip.first_row(STORE, ROOT, entropy))
    return Chip(rows, ROOT, entropy)


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "chip.db"


@pytest.fixture
def chip(path: Path, entropy: ScopedEntropy) -> Iterator[Chip]:
    found = made(path, entropy)
    yield found
    found.close()


def fresh(entropy: ScopedEntropy, name: str) -> tuple[SpaceKey, Head]:
    """The key of a new space, and the head that the chip is to keep of it."""
    return new_key(entropy, name.encode()), Head(1, name.encode().ljust(32))


@pytest.fixture
def full(chip: Chip, entropy: ScopedEntropy) -> Chip:
    chip.add_personas("mark", {name: fresh(entropy, name) for name in ("innie", "outie")})
    chip.add_personas("helly", {"innie": fresh(entropy, "helly")})
    chip.set_place("floor", {"mark": "innie", "helly": "innie"})
    chip.set_place("home", {"mark": "outie"})
    return chip
