"""Stores altered by a bit or by an edit: where the second decoder refuses, the library refuses or answers as before."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter as Tally
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from format import decoder
from format.stores import CHIP, INNIE, ROOT, VAULT, copied, edit, in_the_decoder, in_the_library, space_of

if TYPE_CHECKING:
    from collections.abc import Iterator

FLIPS = 120  # in each file


def offsets(data: bytes, dice: random.Random) -> Iterator[int]:
    """Half of them anywhere, half where there is something."""
    used = [offset for offset, byte in enumerate(data) if byte]
    for n in range(FLIPS):
        yield dice.randrange(len(data)) if n % 2 else dice.choice(used)


def with_bit_flipped(directory: Path, name: str, data: bytes, offset: int, bit: int) -> None:
    (directory / name).write_bytes(data[:offset] + bytes([data[offset] ^ bit]) + data[offset + 1 :])


def owner_index(chip: Path) -> range:
    """Where the index of the chip's owners is in the file."""
    with closing(sqlite3.connect(chip)) as db:
        ((root,),) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'rows_owner'").fetchall()
        ((size,),) = db.execute("PRAGMA page_size").fetchall()
    return range((root - 1) * size, root * size)


@pytest.mark.parametrize("name", [VAULT, CHIP])
def test_one_bit_flipped(name: str, small: Path, expected: dict[Any, Any], tmp_path: Path) -> None:
    """What the decoder refuses, the library notices, or it answers as before; where `check` says nothing, all answers
    are as before. Run with `-rP` to see what was refused by whom.
    """
    data = (small / name).read_bytes()
    tally: Tally[tuple[str, str, str]] = Tally()
    wrong = []
    for n, offset in enumerate(offsets(data, random.Random(name))):
        directory = copied(small, tmp_path / str(n))
        with_bit_flipped(directory, name, data, offset, 1 << n % 8)
        refused, checked, answered = in_the_decoder(directory), *in_the_library(directory, expected)
        tally[refused, checked, answered] += 1
        if checked == "nothing" and answered != "same":
            wrong.append((offset, 1 << n % 8, refused, checked, answered))
        shutil.rmtree(directory)
    print(*(f"{count:4} {outcome}" for outcome, count in sorted(tally.items())), sep="\n")
    assert wrong == []
    assert any(refused for refused, _, _ in tally)


@pytest.mark.parametrize("kind", ["subject", "place", "wake"])
def test_index_of_owners_altered(kind: str, small: Path, expected: dict[Any, Any], tmp_path: Path) -> None:
    """One bit, and a subject, a place, or who wakes there is no longer listed."""
    directory = copied(small, tmp_path / "copy")
    keys = decoder.Chip(decoder.read_chip(directory / CHIP, ROOT)["store"], ROOT)
    owner, row = {
        "subject": (keys.row_id("subjects"), keys.row_id("subject", "irving")),
        "place": (keys.row_id("places"), keys.row_id("place", "nowhere")),
        "wake": (keys.row_id("place", "home"), keys.row_id("wake", "home", "mark")),
    }[kind]
    data = (directory / CHIP).read_bytes()
    with_bit_flipped(directory, CHIP, data, data.index(owner + row, owner_index(directory / CHIP).start), 1)
    checked, answered = in_the_library(directory, expected)
    assert answered != "other"
    assert checked == "findings"


EDITS: dict[str, tuple[str, str, list[str]]] = {
    "record removed": ("gap", VAULT, ["DELETE FROM records WHERE space = :space AND seq = 9"]),
    "last record removed": ("head", VAULT, ["DELETE FROM records WHERE space = :space AND seq = :seq"]),
    "log removed": ("head", VAULT, ["DELETE FROM records WHERE space = :space"]),
    "space removed": ("head", VAULT, ["DELETE FROM spaces WHERE id = :space"]),
    "record erased": ("erased", VAULT, ["UPDATE records SET frame = NULL WHERE space = :space AND seq = :seq"]),
    "frames swapped": (
        "hash",
        VAULT,
        [
            "UPDATE records SET frame = (SELECT r.frame FROM records r WHERE r.space = :space AND r.seq = 19 - "
            "records.seq) WHERE space = :space AND seq IN (9, 10)"
        ],
    ),
    "records swapped": (
        "digest",
        VAULT,
        [
            "UPDATE records SET seq = -seq WHERE space = :space AND seq IN (9, 10)",
            "UPDATE records SET seq = 19 + seq WHERE space = :space AND seq < 0",
        ],
    ),
    "records of another space": (
        "digest",
        VAULT,
        [
            "UPDATE records SET space = x'00' WHERE space = :space AND seq > 3",
            "DELETE FROM records WHERE space = :space",
            "INSERT INTO records SELECT :space, seq, frame, digest, hash FROM records WHERE space = :other",
            "UPDATE spaces SET (seq, digest) = (SELECT seq, digest FROM spaces WHERE id = :other) WHERE id = :space",
            "DELETE FROM layers",
            "DELETE FROM chunks",
        ],
    ),
    "frame as text": ("sqlite", VAULT, ["UPDATE records SET frame = CAST(frame AS TEXT) WHERE seq = 1"]),
    "layers without chunks": ("chunks", VAULT, ["DELETE FROM chunks"]),
    "layers of nothing": ("chunks", VAULT, ["DELETE FROM chunks", "UPDATE layers SET chunks = 0"]),
    "layers moved on": (
        "layer",
        VAULT,
        ["UPDATE layers SET first = first + 1, last = last + 1", "UPDATE chunks SET last = last + 1"],
    ),
    "layers ahead": ("layer", VAULT, ["UPDATE layers SET last = last + 100", "UPDATE chunks SET last = last + 100"]),
    "layers longer": ("layer", VAULT, ["UPDATE layers SET first = first - 1"]),
    "layers of another history": ("layer", VAULT, ["UPDATE layers SET before = randomblob(32)"]),
    "no layers": ("", VAULT, ["DELETE FROM chunks", "DELETE FROM layers"]),
    "another table": ("tables", VAULT, ["CREATE TABLE more (x)"]),
    "another index": ("tables", VAULT, ["CREATE INDEX more ON records (digest)"]),
    "another view": ("tables", VAULT, ["CREATE VIEW more AS SELECT * FROM records"]),
    "a trigger": (
        "tables",
        VAULT,
        ["CREATE TRIGGER more BEFORE UPDATE ON records BEGIN SELECT RAISE(IGNORE); END"],
    ),
    "another column": ("tables", VAULT, ["ALTER TABLE spaces ADD COLUMN more"]),
    "another name in meta": ("", VAULT, ["INSERT INTO meta VALUES ('more', x'00')"]),
    "erased is another": ("", VAULT, ["UPDATE spaces SET erased = 0"]),
    "no such table": ("tables", VAULT, ["DROP TABLE chunks"]),
    "no store id": ("meta", VAULT, ["DELETE FROM meta"]),
    "another store id": ("store", VAULT, ["UPDATE meta SET value = randomblob(16) WHERE name = 'store'"]),
    "later vault": ("later version", VAULT, ["PRAGMA user_version = 2"]),
    "another application": ("application", VAULT, ["PRAGMA application_id = 1"]),
    "another table in the chip": ("tables", CHIP, ["CREATE TABLE more (x)"]),
    "another name in the chip's meta": ("", CHIP, ["INSERT INTO meta VALUES ('more', x'00')"]),
    "later chip": ("later version", CHIP, ["PRAGMA user_version = 2"]),
    "another chip's store id": ("wrong key", CHIP, ["UPDATE meta SET value = randomblob(16) WHERE name = 'store'"]),
    "no key source": ("meta", CHIP, ["DELETE FROM meta WHERE name = 'key'"]),
    "key source is no blob": ("meta", CHIP, ["UPDATE meta SET value = '{}' WHERE name = 'key'"]),
    "key source altered": ("", CHIP, ["UPDATE meta SET value = x'7b' WHERE name = 'key'"]),
    "key source not UTF-8": ("", CHIP, ["UPDATE meta SET value = x'7b2261223a22ff227d' WHERE name = 'key'"]),
    "anchor removed": ("count", CHIP, ["DELETE FROM rows WHERE id = :anchor"]),
    "owner removed": ("sum", CHIP, ["UPDATE rows SET owner = NULL WHERE owner = :subjects"]),
    "state removed": ("state", CHIP, ["DELETE FROM rows WHERE id = zeroblob(16)"]),
    "row added": ("count", CHIP, ["INSERT INTO rows SELECT randomblob(16), NULL, frame FROM rows WHERE id = :anchor"]),
    "later row": (
        "sum",
        CHIP,
        ["UPDATE rows SET frame = CAST(x'02' || substr(frame, 2) AS BLOB) WHERE owner = :subjects"],
    ),
}


@pytest.mark.parametrize("edited", EDITS)
def test_edited(edited: str, small: Path, expected: dict[Any, Any], tmp_path: Path) -> None:
    """What the decoder refuses, `check` or opening tells; what it does not refuse is answered as before."""
    directory = copied(small, tmp_path / "copy")
    reason, name, statements = EDITS[edited]
    innie, outie = space_of(directory, *INNIE), space_of(directory, "mark", "outie")
    keys = decoder.Chip(decoder.read_chip(directory / CHIP, ROOT)["store"], ROOT)
    edit(
        directory,
        name,
        *statements,
        space=innie["space"],
        seq=innie["anchor"]["seq"],
        other=outie["space"],
        anchor=keys.row_id("anchor", innie["space"]),
        subjects=keys.row_id("subjects"),
    )
    assert in_the_decoder(directory) == reason
    checked, answered = in_the_library(directory, expected)
    if not reason:
        assert (checked, answered) == ("nothing", "same")
    else:
        assert answered != "other"
        assert checked in ("findings", "closed")
