"""The declared leakage: what is in it, and that nothing else gets past it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kit import make_house
from severance.barrier.traces.shape import Shape, SpaceShape, shape_of, unlike

ONE = Shape({b"a": SpaceShape((256, None), ()), b"b": SpaceShape((384,), (4096,))}, 12, (("store/vault.db", 57344),))


@pytest.fixture
def shape(folder: Path) -> Shape:
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        innie.remember("short")
        innie.remember("long " * 100)
        innie.forget(innie.remember("gone").id)
    return shape_of(folder)


def test_the_shape_of_a_store_is_its_padded_sizes_and_what_was_erased(shape: Shape) -> None:
    assert sorted(len(space.records) for space in shape.spaces.values()) == [1, 1, 5]
    fullest = max(shape.spaces.values(), key=lambda space: len(space.records))
    assert fullest.records == (256, 256, 768, None, 256)
    assert shape.undeclared == ()


def test_the_shape_has_the_rows_of_the_chip_and_the_sizes_of_the_files(shape: Shape) -> None:
    assert shape.rows > 10
    assert {name for name, _ in shape.files} >= {"store/chip.db", "store/vault.db"}


@pytest.mark.parametrize("size", [1, 99, 355, 357, 84 + 16 + 300])
def test_a_frame_of_a_size_that_is_no_bucket_is_undeclared(folder: Path, shape: Shape, size: int) -> None:
    with closing(sqlite3.connect(folder / "store" / "vault.db")) as vault, vault:
        vault.execute("UPDATE records SET frame = zeroblob(?) WHERE seq = 2", (size,))
    assert shape_of(folder).undeclared == (f"a frame of {size} bytes tells more than a padded size",)


def test_equal_shapes_are_not_unlike() -> None:
    assert unlike(ONE, replace(ONE), whole=True) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, spaces={**ONE.spaces, b"b": SpaceShape((256,), (4096,))}),
        replace(ONE, spaces={**ONE.spaces, b"b": SpaceShape((384,), ())}),
        replace(ONE, spaces={**ONE.spaces, b"a": SpaceShape((256, 256), ())}),
        replace(ONE, spaces={b"a": ONE.spaces[b"a"]}),
        replace(ONE, undeclared=("a frame of 99 bytes",)),
    ],
)
def test_what_concerns_a_space_is_always_seen(other: Shape) -> None:
    assert len(unlike(ONE, other, whole=False)) == 1
    assert len(unlike(other, ONE, whole=True)) == 1


@pytest.mark.parametrize("other", [replace(ONE, rows=13), replace(ONE, files=())])
def test_rows_and_files_are_seen_where_everything_must_be_the_same(other: Shape) -> None:
    assert unlike(ONE, other, whole=False) == []
    assert len(unlike(ONE, other, whole=True)) == 1


def test_a_space_that_is_not_looked_at_makes_no_difference() -> None:
    other = replace(ONE, spaces={b"a": ONE.spaces[b"a"], b"c": SpaceShape((), ())})
    assert unlike(ONE, other, apart_from=(b"b", b"c"), whole=False) == []
