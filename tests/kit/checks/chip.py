"""P5, in the chip: its rows are guarded as a set."""

from __future__ import annotations

import shutil
from pathlib import Path
from unittest import mock

import severance
from kit import change, dump, flipped, make_house, open_house
from kit.checks.base import refuses, wakes
from severance import DamagedError
from severance.chip import chip as chip_module
from severance.chip.register import STATE_ID, AnchorRow, SubjectRow, WakeRow
from severance.chip.rows import RowFile


def the_chip_is_whole_or_refused(folder: Path) -> None:
    """Rows removed, swapped, put back or altered are damage, not an unknown place; in chips of any size."""
    with make_house(folder) as house:
        keys = house._chip._keys
        innie, _ = keys.identify(WakeRow("floor", "mark", ()))
        outie, _ = keys.identify(WakeRow("home", "mark", ()))
    chip = folder / "store" / "chip.db"
    shutil.copy(chip, folder / "kept.db")
    rows = {row[0]: row[2] for row in dump(chip)["rows"]}
    for what, statement, arguments in (
        ("removed", "DELETE FROM rows WHERE id = ?", (innie,)),
        ("swapped", "UPDATE rows SET frame = ? WHERE id = ?", (rows[outie], innie)),
        ("altered", "UPDATE rows SET frame = ? WHERE id = ?", (flipped(rows[innie], 90), innie)),
        ("of another owner", "UPDATE rows SET owner = zeroblob(16) WHERE id = ?", (innie,)),
    ):
        assert change(chip, statement, *arguments) == 1, what
        for most in (chip_module._VERIFIED_AT_CROSSING, -1):  # as if it were a small one, and a large one
            with mock.patch.object(chip_module, "_VERIFIED_AT_CROSSING", most):
                refuses(DamagedError, lambda: wakes(folder))
        shutil.copy(folder / "kept.db", chip)
    change(chip, "CREATE TRIGGER quiet BEFORE INSERT ON rows BEGIN SELECT RAISE(IGNORE); END")
    refuses(DamagedError, lambda: wakes(folder))
    refuses(DamagedError, lambda: RowFile.open(chip, readonly=True).close())  # before anything is written through it
    shutil.copy(folder / "kept.db", chip)
    with open_house(folder / "store") as house:
        house.place("home", {"mark": "innie"})
    change(chip, "UPDATE rows SET frame = ? WHERE id = ?", rows[outie], outie)
    with open_house(folder / "store") as house:
        assert house.check(), "a row put back"


def an_older_row_wakes_nobody(folder: Path) -> None:
    """Any row of the chip that is put back or gone, also one that a crossing does not use: nobody crosses."""
    chip = folder / "store" / "chip.db"
    with make_house(folder) as house:
        keys, space = house._chip._keys, house._chip.key(severance.Persona("mark", "innie")).space
        wake, anchor = WakeRow("home", "mark", ()), AnchorRow(0, 0, b"")
        ids = {"wake": keys.identify(wake)[0], "anchor": keys.identify(anchor, space)[0]}
        unused = keys.identify(SubjectRow("helly"))[0]
    old = {row[0]: row[2] for row in dump(chip)["rows"]}
    with open_house(folder / "store") as house:
        house.place("home", {"mark": "innie"})
        with house.cross("mark", "floor") as innie:
            innie.remember("the anchor moves on")
    kept = chip.read_bytes()
    put = "UPDATE rows SET frame = ? WHERE id = ?"
    for what, statement, arguments in (
        ("wake", put, (old[ids["wake"]], ids["wake"])),
        ("anchor", put, (old[ids["anchor"]], ids["anchor"])),
        ("state", put, (old[STATE_ID], STATE_ID)),
        ("subject gone", "DELETE FROM rows WHERE id = ?", (unused,)),
    ):
        assert change(chip, statement, *arguments) == 1, what
        with open_house(folder / "store") as house:
            for place in ("home", "floor"):
                refuses(DamagedError, lambda h=house, p=place: h.cross("mark", p))
        chip.write_bytes(kept)
    with open_house(folder / "store") as house:
        assert house.cross("mark", "home").persona == "innie"


def a_trigger_in_an_open_chip_is_noticed(folder: Path) -> None:
    """One that was put there after the file was opened: the next change is refused, and nothing is swallowed."""
    chip = folder / "store" / "chip.db"
    with make_house(folder) as house:
        before = dump(chip)
        change(chip, "CREATE TRIGGER quiet BEFORE INSERT ON rows BEGIN SELECT RAISE(IGNORE); END")
        for _ in range(2):
            refuses(DamagedError, lambda: house.place("roof", {"mark": "innie"}))
        change(chip, "DROP TRIGGER quiet")
        assert dump(chip) == before
        house.place("roof", {"mark": "innie"})
        assert house.cross("mark", "roof").persona == "innie"
