"""Who holds override keys in these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from severance import House, new_override_key


@pytest.fixture
def keys(house: House, folder: Path) -> dict[str, Path]:
    """Of irving, burt and dylan, registered; and of helena, who is not."""
    made = {name: folder / f"{name}.key" for name in ("irving", "burt", "dylan", "helena")}
    publics = {name: new_override_key(path) for name, path in made.items()}
    for name in ("irving", "burt", "dylan"):
        house.register_override_key(name, publics[name])
    with house.cross("mark", "floor") as session:
        session.remember("the file is at 96 percent", thread="monday")
    return made
