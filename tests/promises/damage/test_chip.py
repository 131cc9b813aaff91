"""P5: rows of the chip that were swapped, removed, altered or put back are noticed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest

from promises.damage.logs import PLACES, Log, raised
from severance import DamagedError, SeveranceError
from severance.barrier.endurance.alterations import Edit, answers_after, rows
from severance.barrier.endurance.damage import WAKES, Bench, open_store
from severance.chip import chip as chip_module
from severance.chip.register import STATE_ID, AnchorRow, AwakeRow, KeyRow, PersonaRow, PlaceRow, SubjectRow, WakeRow


@pytest.fixture(scope="module")
def chip_rows(bench: Bench) -> dict[str, tuple[bytes, bytes | None, bytes]]:
    """The chip's rows under names of their own."""
    with open_store(bench.store) as house:
        keys, persona = house._chip._keys, house._chip.personas("mark")
        assert [each.name for each in persona] == ["innie", "outie"]
        named: dict[str, tuple[bytes, bytes | None]] = {"state": (STATE_ID, None)}
        named["subject"] = keys.identify(SubjectRow("mark"))
        for place, name in WAKES.items():
            space = bench.built.spaces[place]
            named[f"place {place}"] = keys.identify(PlaceRow(place))
            named[f"wake {place}"] = keys.identify(WakeRow(place, "mark", ()))
            named[f"persona {place}"] = keys.identify(PersonaRow("mark", name, b"", 0))
            named[f"key {place}"] = keys.identify(KeyRow(b""), space)
            named[f"anchor {place}"] = keys.identify(AnchorRow(0, 0, b""), space)
            named[f"awake {place}"] = keys.identify(AwakeRow(()), space)
    raw = {row[0]: row for row in rows(bench.store / "chip.db", "SELECT id, owner, frame FROM rows")}
    for place in WAKES:  # written only of who was awake for a while
        if named[f"awake {place}"][0] not in raw:
            del named[f"awake {place}"]
    found = {name: raw.pop(row) for name, (row, _) in named.items()}
    assert not raw
    bench.reset()
    return found


def assert_check_finds(bench: Bench, edits: Sequence[Edit]) -> bool:
    """It is noticed by `check` or before it, and nothing is wrong. Returns whether crossing alone notices."""
    outcome, answers = answers_after(bench, edits, "chip.db")
    assert outcome.kind == "refused", (edits, outcome)
    assert isinstance(answers["open"], SeveranceError) or answers["check"], edits
    assert isinstance(answers["open"], SeveranceError) or isinstance(answers["status"], DamagedError)
    return any(question.startswith(("open", "cross")) for question in raised(answers))


PUT = "UPDATE rows SET frame = ? WHERE id = ?"
PUT_BOTH = "UPDATE rows SET owner = ?, frame = ? WHERE id = ?"


@pytest.fixture(params=[True, False], ids=["small", "large"])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the chip is taken for a small one, of which every crossing verifies the whole set of rows."""
    if not request.param:
        monkeypatch.setattr(chip_module, "_VERIFIED_AT_CROSSING", -1)
    return bool(request.param)


USED = {"state", *(f"{kind} {place}" for kind in ("wake", "persona", "key", "anchor") for place in PLACES)}
"""Rows without which nobody wakes. A crossing does not look at the others in a large chip."""


@pytest.mark.parametrize("how", ["frames", "frames and owners", "ids"])
def test_two_rows_of_the_chip_swapped_are_noticed(bench: Bench, chip_rows: Any, small: bool, how: str) -> None:
    for one, other in combinations(chip_rows, 2):
        (id1, owner1, frame1), (id2, owner2, frame2) = chip_rows[one], chip_rows[other]
        edits: list[Edit]
        if how == "frames":
            edits = [(PUT, frame2, id1), (PUT, frame1, id2)]
        elif how == "frames and owners":
            edits = [(PUT_BOTH, owner2, frame2, id1), (PUT_BOTH, owner1, frame1, id2)]
        else:
            renamed = "UPDATE rows SET id = ? WHERE id = ?"
            edits = [(renamed, b"for a while", id1), (renamed, id1, id2), (renamed, id2, b"for a while")]
        crossing = assert_check_finds(bench, edits)
        assert crossing or not (small or {one, other} & USED), (one, other)


def test_a_row_of_the_chip_removed_is_noticed(bench: Bench, chip_rows: Any, small: bool) -> None:
    for name, (row, _, _) in chip_rows.items():
        crossing = assert_check_finds(bench, [("DELETE FROM rows WHERE id = ?", row)])
        assert crossing == (small or name in USED), name


def test_a_row_of_the_chip_put_back_is_noticed(bench: Bench, chip_rows: Any, small: bool) -> None:
    earlier = bench.store / "earlier.db"
    earlier.write_bytes(bench.built.earlier["chip.db"])
    old = {row[0]: row[2] for row in rows(earlier, "SELECT id, owner, frame FROM rows")}
    earlier.unlink()
    changed = {name for name, (row, _, frame) in chip_rows.items() if old.get(row, frame) != frame}
    assert changed >= {"anchor floor", "state"}
    assert changed <= {"anchor floor", "awake floor", "state"}
    for name in changed:
        row = chip_rows[name][0]
        assert assert_check_finds(bench, [(PUT, old[row], row)]) == small, "each is a row that was once right"


def test_one_damaged_row_of_the_chip_hides_nobody_else(bench: Bench, chip_rows: Any, logs: dict[str, Log]) -> None:
    for name in ("subject", "persona floor", "key floor", "wake floor", "place home"):
        row, _, frame = chip_rows[name]
        altered = frame[:90] + bytes([frame[90] ^ 1]) + frame[91:]
        for edit in ((PUT, altered, row), (PUT_BOTH, b"not an id", frame, row)):
            outcome, answers = answers_after(bench, [edit], "chip.db")
            assert outcome.kind == "refused"
            saved = {memory.id for memory in answers["salvage"]}
            readable = ["home"] if name in ("persona floor", "key floor") else PLACES
            assert saved == set().union(*(logs[place].intact(set()) for place in readable)), name
