"""P4 and P8: what was acknowledged is on disk, writers take turns, and the same calls leave the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from kit import make_house, open_house, scenario, texts
from kit.checks.base import filled, refuses
from severance import EmbedderError
from severance.barrier.traces.ports import FEW
from severance.embed import Hashing
from severance.errors import InputError


def acknowledged_is_on_disk(folder: Path) -> None:
    """When `remember` has returned, a copy of the files has the record; commits are synced."""
    with make_house(folder) as house:
        innie = house.cross("mark", "floor")
        for number in range(3):
            innie.remember(f"memory {number}")
            copy = folder / f"copy-{number}"
            shutil.copytree(folder / "store", copy)
            with open_house(copy) as other, other.cross("mark", "floor") as there:
                assert texts(there.memories()) == texts(innie.memories())
        vault: Any = house._vault
        for connection, least, what in ((vault._writer, 2, "vault"), (house._chip._rows._connection, 3, "chip")):
            assert connection.query("PRAGMA synchronous")[0][0] >= least, f"the {what} does not sync what it commits"


def writers_take_turns(folder: Path) -> None:
    """Two handles that both believe to be at the head, since neither looks before it writes, lose and break nothing."""
    with make_house(folder) as house, open_house(folder / "store") as elsewhere:
        here, there = house.cross("mark", "floor"), elsewhere.cross("mark", "floor")
        said = []
        for number in range(4):
            here.remember(f"here {number}")
            there.remember(f"there {number}")
            said += [f"here {number}", f"there {number}"]
        assert sorted(texts(here.memories())) == sorted(texts(there.memories())) == sorted(said)
        assert house.check() == []


def another_embedder_is_refused(folder: Path) -> None:
    """A space is not searched with vectors of another embedder than it was written with."""
    filled(folder)
    with open_house(folder / "store", embedder=Hashing(FEW + 8)) as house:
        refuses(EmbedderError, lambda: house.cross("mark", "floor"))


def limits_hold(folder: Path) -> None:
    """What is too large, empty or no text is refused before anything is written."""
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        for wrong in ("", " ", "a" * 65_537, "a\0b", "\ud800"):
            refuses(InputError, lambda w=wrong: innie.remember(w))
        refuses(InputError, lambda: innie.remember_many(["one", ""]))
        assert innie.stats()["records"] == 1


def the_same_bytes(folder: Path) -> None:
    """Two runs leave the same results and the same rows."""
    runs = []
    for name in ("first", "second"):
        (folder / name).mkdir()
        found = scenario.play(folder / name)
        runs.append({what: value for what, value in found.items() if not what.startswith("file store")})
    assert runs[0] == runs[1]
