"""The audit log tells what happens at the door, shows no name to who reads the disk, and cannot be taken back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kit import make_house, open_house
from severance import DamagedError, NotFoundError


def the_log_tells_and_hides(folder: Path) -> None:
    """Crossings and refusals are in it, in their order; no name is in its file, and its entries look alike."""
    with make_house(folder) as house:
        before = len(house.events())
        house.cross("mark", "floor").sleep()
        with pytest.raises(NotFoundError):
            house.cross("mark", "nowhere at all")
        told = house.events()[before:]
        assert [(event.what, event.persona) for event in told] == [
            ("crossed", "innie"),
            ("slept", "innie"),
            ("refused", None),
        ]
        sizes = {len(frame) for frame in house._audit._log.entries(0, before + 3)}
        assert len(sizes) == 1, "an entry is longer than another"
    raw = b"".join(file.read_bytes() for file in (folder / "store").iterdir() if file.name.startswith("audit"))
    assert not [name for name in (b"mark", b"innie", b"nowhere at all", b"crossed") if name in raw], "in the clear"


def a_log_that_was_taken_back_is_noticed(folder: Path) -> None:
    """By a witness, when somebody puts back an older log, which is whole by itself."""
    log, witness = folder / "store" / "audit.db", [f"file:{folder / 'seen'}"]
    make_house(folder).close()
    shutil.copy(log, folder / "older")
    with open_house(folder / "store") as house:
        house.cross("mark", "floor").sleep()
        house.verify_audit(witness)
    shutil.copy(folder / "older", log)
    with open_house(folder / "store") as house:
        house.verify_audit()
        try:
            house.verify_audit(witness)
        except DamagedError:
            return
    raise AssertionError("the log was cut, and the witness did not say so")
