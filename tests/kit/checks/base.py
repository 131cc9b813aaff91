"""What the checks are made of."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from kit import make_house, open_house, texts

Check = Callable[[Path], None]
MARKED = "Petey's map of the severed floor"


def refuses(kind: type[BaseException], call: Callable[[], object]) -> BaseException:
    """The call raises exactly this kind of error, or one of its kind."""
    try:
        found = call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}, but {type(found).__name__}")


def filled(folder: Path, count: int = 6) -> None:
    """A closed store in which the innie has some memories, and its chip an anchor."""
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        for number in range(count):
            innie.remember(f"memory {number}")


def open_raw(folder: Path) -> sqlite3.Connection:
    """The vault's file, as someone who reads the disk opens it."""
    return sqlite3.connect(folder / "store" / "vault.db")


def wakes(folder: Path) -> list[str]:
    """What the innie remembers in the store as it is now."""
    with open_house(folder / "store") as house, house.cross("mark", "floor") as innie:
        return texts(innie.memories())
