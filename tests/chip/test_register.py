"""What the rows of a chip are: their ids, the guard over all of them, and the limits of their fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chip.conftest import ROOT, STORE
from severance.chip.chip import Chip
from severance.chip.register import (
    AnchorRow,
    ClockRow,
    CredentialRow,
    KeyRow,
    Keys,
    PermitRow,
    PersonaRow,
    PlaceRow,
    Row,
    StateRow,
    SubjectRow,
    WakeRow,
    moved,
    summed,
    within_limits,
)
from severance.chip.rows import StoredRow
from severance.crypto.envelope import SpaceKey
from severance.errors import DamagedError, NewerVersionError
from severance.model import Head, Persona


@given(st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_ids_of_rows_differ_where_any_part_does(one: list[str], other: list[str]) -> None:
    keys = Keys.derive(ROOT, STORE)
    assert (keys.row_id("place", *one) == keys.row_id("place", *other)) == (one == other)
    assert keys.row_id("place", *one) != keys.row_id("subject", *one)
    assert keys.row_id("place", *one) != Keys.derive(bytes(32), STORE).row_id("place", *one)


def test_rows_of_different_types_never_have_the_same_id() -> None:
    keys = Keys.derive(ROOT, STORE)
    rows = (SubjectRow("a"), PlaceRow("a"), PersonaRow("a", "a", b"", 1), WakeRow("a", "a", ()))
    ids = [keys.identify(row)[0] for row in rows]
    ids += [keys.identify(row, b"a")[0] for row in (KeyRow(b""), AnchorRow(1, 1, b""))]
    assert len(set(ids)) == len(ids)


@given(st.lists(st.integers(0, 2**256 - 1), max_size=6), st.data())
def test_the_guard_moved_along_is_the_guard_summed_anew(shares: list[int], data: st.DataObject) -> None:
    total = summed(iter(()))
    for share in data.draw(st.permutations(shares)):
        total = moved(total, 0, share)
    assert total == summed(iter(shares))
    if shares:
        assert moved(moved(total, shares[0], 7), 7, 0) == summed(iter(shares[1:]))


def test_the_guard_covers_id_owner_and_frame() -> None:
    keys = Keys.derive(ROOT, STORE)
    shares = [
        keys.share(*row)
        for row in (
            StoredRow(b"a" * 16, None, b"f"),
            StoredRow(b"b" * 16, None, b"f"),
            StoredRow(b"a" * 16, b"a" * 16, b"f"),
            StoredRow(b"a" * 16, None, b"g"),
        )
    ]
    assert len(set(shares)) == 4
    assert repr(keys) == "Keys()"


@pytest.mark.parametrize(
    "row",
    [
        *(StateRow(number, bytes(32)) for number in (-1, 2**63)),
        *(StateRow(0, bytes(size)) for size in (0, 31, 33)),
        *(PersonaRow("mark", "innie", bytes(16), epoch) for epoch in (-1, 2**32)),
        *(PersonaRow("mark", "innie", bytes(size), 1) for size in (0, 15, 17)),
        *(KeyRow(bytes(size)) for size in (0, 31, 33)),
        *(AnchorRow(epoch, 0, bytes(32)) for epoch in (-1, 2**32)),
        *(AnchorRow(1, number, bytes(32)) for number in (-1, 2**63)),
        *(AnchorRow(1, 0, bytes(size)) for size in (0, 31, 33)),
        *(PermitRow(bytes(size), "mark", "innie", "floor", (), 0, 0) for size in (0, 15, 17)),
        *(PermitRow(bytes(16), "mark", "innie", "floor", (), *at) for at in ((-1, 0), (0, 2**63), (0, 0, -1))),
        *(CredentialRow(bytes(size), bytes(32), "mark", "floor", "editor", (), 0) for size in (0, 15, 17)),
        *(CredentialRow(bytes(16), bytes(size), "mark", "floor", "editor", (), 0) for size in (0, 31, 33)),
        *(CredentialRow(bytes(16), bytes(32), "mark", "floor", "editor", (), *at) for at in ((-1,), (0, 2**63))),
        *(ClockRow(at) for at in (-1, 2**63)),
    ],
)
def test_a_row_that_no_chip_has_is_told(row: Row) -> None:
    assert not within_limits(row)


@pytest.mark.parametrize("epoch", [-1, 2**32, 2**63])
def test_an_epoch_that_no_frame_can_name_is_refused_when_it_is_read(chip: Chip, epoch: int) -> None:
    chip.add_personas("mark", {"innie": (SpaceKey(bytes(16), 1, bytes(32)), Head(0, bytes(32)))})
    chip.change(lambda change: change.put(PersonaRow("mark", "innie", bytes(16), epoch)))
    with pytest.raises((DamagedError, NewerVersionError)):
        chip.key(Persona("mark", "innie"))
