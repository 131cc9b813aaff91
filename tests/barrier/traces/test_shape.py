"""The declared leakage: what is in it, and that nothing else gets past it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kit import make_house
from severance.barrier.traces.shape import BUCKETS, Shape, SpaceShape, shape_of, unlike
from severance.crypto.envelope import MAX_PADDED, bucket

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
        replace(ONE, spaces={**ONE.spaces, b"b": SpaceShape((384,), (4096,), headers=b"x")}),
        replace(ONE, spaces={**ONE.spaces, b"b": SpaceShape((384,), (4096,), columns=b"x")}),
        replace(ONE, layout=b"x"),
        replace(ONE, files=()),
    ],
)
def test_what_concerns_a_space_or_everybody_is_always_seen(other: Shape) -> None:
    assert len(unlike(ONE, other, whole=False)) == 1
    assert len(unlike(other, ONE, whole=True)) == 1


@pytest.mark.parametrize(
    "other",
    [replace(ONE, rows=13), replace(ONE, chip=b"x"), replace(ONE, files=(("store/vault.db", 65536),))],
)
def test_rows_and_files_are_seen_where_everything_must_be_the_same(other: Shape) -> None:
    assert unlike(ONE, other, whole=False) == []
    assert len(unlike(ONE, other, whole=True)) == 1


def test_a_space_that_is_not_looked_at_makes_no_difference() -> None:
    other = replace(ONE, spaces={b"a": ONE.spaces[b"a"], b"c": SpaceShape((), ())})
    assert unlike(ONE, other, apart_from=(b"b", b"c"), whole=False) == []


def test_the_sizes_written_down_here_are_those_of_the_product() -> None:
    """Two tables of one format, neither made of the other: the product's is not asked where frames are looked at."""
    assert {bucket(length) for length in range(131_072 - 3)} == {size for size in BUCKETS if size <= 131_072}
    assert {bucket(size - 4) for size in BUCKETS} == BUCKETS
    assert max(BUCKETS) == MAX_PADDED


def test_a_store_as_it_is_has_nothing_undeclared_and_looks_like_itself(folder: Path, shape: Shape) -> None:
    assert shape.undeclared == ()
    assert unlike(shape, shape_of(folder), whole=True) == []


@pytest.mark.parametrize("name", ["spill", "store/vault.db.tmp", "store/vault.db-journal", "store/deep/er", "1.tar"])
def test_a_file_that_the_format_does_not_have_is_undeclared(folder: Path, shape: Shape, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    assert shape_of(folder, ["2.tar"]).undeclared == (f"there is a file that the format does not have: {name}",)


@pytest.mark.parametrize("name", ["store/vault.db-wal.before-restore-2", "store/chip.db.before-restore", "2.tar"])
def test_a_backup_and_what_a_restore_puts_aside_are_declared(folder: Path, shape: Shape, name: str) -> None:
    (folder / name).touch()
    assert shape_of(folder, ["2.tar"]).undeclared == ()


def _in(file: str, statement: str) -> Callable[[Path], None]:
    def change(store: Path) -> None:
        with closing(sqlite3.connect(store / file)) as db, db:
            db.execute(statement)

    return change


_HEADER = "UPDATE {} SET frame = CAST(substr(frame, 1, {}) || x'00ff' || substr(frame, {}) AS BLOB) WHERE {}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        *(
            (_in("vault.db", _HEADER.format("records", at - 1, at + 2, "seq = 2")), "headers")
            for at in (1, 9, 41, 73, 83)
        ),
        (_in("vault.db", "UPDATE spaces SET erased = erased + 1"), "columns"),
        (_in("vault.db", "CREATE INDEX i ON records (digest)"), "layout"),
        (_in("vault.db", "PRAGMA user_version = 9"), "layout"),
        (_in("vault.db", "INSERT INTO meta VALUES ('last', x'00')"), "layout"),
        (_in("chip.db", "INSERT INTO meta VALUES ('last', x'00')"), "layout"),
        (_in("chip.db", _HEADER.format("rows", 20, 23, "1")), "a row of the chip"),
        (_in("chip.db", "UPDATE rows SET owner = x'00' WHERE owner IS NULL"), "a row of the chip"),
    ],
)
def test_what_stands_beside_what_is_sealed_is_seen(
    folder: Path, shape: Shape, change: Callable[[Path], None], said: str
) -> None:
    change(folder / "store")
    found = unlike(shape, shape_of(folder), whole=True)
    assert any(said in sentence for sentence in found), found


@pytest.mark.parametrize(
    "change",
    [
        _in("vault.db", "UPDATE records SET frame = CAST(substr(frame, 1, 84) || zeroblob(272) AS BLOB) WHERE seq = 2"),
        _in("vault.db", "UPDATE records SET digest = zeroblob(32)"),
    ],
)
def test_what_is_sealed_and_its_digest_may_differ(folder: Path, shape: Shape, change: Callable[[Path], None]) -> None:
    change(folder / "store")
    assert unlike(shape, shape_of(folder), whole=True) == []


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE words (word TEXT)", "ALTER TABLE spaces ADD COLUMN longest INTEGER"]
)
def test_a_table_or_a_column_that_the_format_does_not_have_is_undeclared(
    folder: Path, shape: Shape, statement: str
) -> None:
    _in("vault.db", statement)(folder / "store")
    [said] = shape_of(folder).undeclared
    assert said.startswith("vault.db has a table that the format does not: ")
