"""An older state that was put back is refused by both."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import severance
from format import decoder
from format.stores import CHIP, INNIE, ROOT, VAULT, copied, edit, in_the_decoder, open_house, space_of
from severance.chip import chip as chip_module
from severance.errors import RolledBackError

if TYPE_CHECKING:
    from collections.abc import Callable

SINCE = "What was said since."


def put_back_vault(before: Path, after: Path) -> None:
    shutil.copyfile(before / VAULT, after / VAULT)


def put_back_vault_without_anchor(before: Path, after: Path) -> None:
    put_back_vault(before, after)
    store = decoder.read_chip(after / CHIP, ROOT)["store"]
    anchor = decoder.Chip(store, ROOT).row_id("anchor", space_of(after, *INNIE)["space"])
    edit(after, CHIP, "DELETE FROM rows WHERE id = :anchor", anchor=anchor)


def put_back_vault_and_anchor(before: Path, after: Path) -> None:
    put_back_vault(before, after)
    store = decoder.read_chip(after / CHIP, ROOT)["store"]
    anchor = decoder.Chip(store, ROOT).row_id("anchor", space_of(after, *INNIE)["space"])
    with closing(sqlite3.connect(before / CHIP)) as db:
        ((frame,),) = db.execute("SELECT frame FROM rows WHERE id = ?", (anchor,)).fetchall()
    edit(after, CHIP, "UPDATE rows SET frame = :frame WHERE id = :anchor", frame=frame, anchor=anchor)


def put_forked_vault(before: Path, after: Path) -> None:
    """The vault of another copy of the store, which went on by itself and has a snapshot since."""
    with open_house(before) as house, house.cross("mark", "severed floor") as innie:
        innie.remember_many([f"Said in the other copy, {n}." for n in range(400)])
    put_back_vault(before, after)


OLDER = [(put_back_vault, "anchor"), (put_back_vault_without_anchor, "count"), (put_forked_vault, "anchor")]


@pytest.fixture
def before_and_after(small: Path, tmp_path: Path) -> tuple[Path, Path]:
    before, after = copied(small, tmp_path / "before"), copied(small, tmp_path / "after")
    with open_house(after) as house, house.cross("mark", "severed floor") as innie:
        innie.remember(SINCE)
    return before, after


@pytest.mark.parametrize(("put_back", "reason"), OLDER)
def test_crossing_into_an_older_state(
    put_back: Callable[[Path, Path], None], reason: str, before_and_after: tuple[Path, Path]
) -> None:
    before, after = before_and_after
    put_back(before, after)
    assert in_the_decoder(after) == reason
    with open_house(after) as house, pytest.raises((RolledBackError, severance.DamagedError)):
        house.cross("mark", "severed floor")


@pytest.mark.parametrize(("put_back", "reason"), [*OLDER, (put_back_vault_and_anchor, "sum")])
def test_checking_an_older_state(
    put_back: Callable[[Path, Path], None], reason: str, before_and_after: tuple[Path, Path]
) -> None:
    before, after = before_and_after
    put_back(before, after)
    assert in_the_decoder(after) == reason
    with open_house(after) as house:
        assert house.check()


def test_one_old_anchor_put_back_alone(before_and_after: tuple[Path, Path]) -> None:
    """With the vault, which then fits: noticed at every crossing too, for whoever crosses (section 8)."""
    before, after = before_and_after
    put_back_vault_and_anchor(before, after)
    with open_house(after) as house:
        for subject, place in (("mark", "severed floor"), ("mark", "home"), ("nobody", "severed floor")):
            with pytest.raises(severance.DamagedError):
                house.cross(subject, place)
        assert house.check()
        with pytest.raises(severance.DamagedError):
            house.status()
    assert in_the_decoder(after) == "sum"


def test_one_old_anchor_put_back_alone_in_a_large_chip(
    before_and_after: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of more than 1,024 rows: noticed where the set of rows is verified, and not at a crossing (section 8)."""
    assert chip_module._VERIFIED_AT_CROSSING == 1_024
    monkeypatch.setattr(chip_module, "_VERIFIED_AT_CROSSING", -1)
    before, after = before_and_after
    put_back_vault_and_anchor(before, after)
    with open_house(after) as house:
        for _ in range(2):  # to have been awake, and to have moved the anchor on, mends nothing
            with house.cross("mark", "severed floor") as innie:
                assert SINCE not in [memory.text for memory in innie.memories()]
                innie.remember("What was said instead.")
            assert house.check()
            with pytest.raises(severance.DamagedError):
                house.status()
            with pytest.raises(severance.DamagedError):
                house.cross("nobody", "severed floor")
    assert in_the_decoder(after) == "sum"
