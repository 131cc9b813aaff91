"""The file of the chip: missing, of another kind or version, read-only, closed; how it is synced."""

from __future__ import annotations

from pathlib import Path

import pytest

from chip.conftest import ROOT
from kit import change
from severance.barrier.traces.ports import ScopedEntropy
from severance.chip.chip import Chip
from severance.chip.rows import RowFile, Rows, StoredRow
from severance.errors import DamagedError, NewerVersionError, StoreError, StoreMissingError, StoreReadOnlyError


def test_a_chip_that_is_not_there_is_missing(folder: Path) -> None:
    with pytest.raises(StoreMissingError):
        RowFile.open(folder / "chip.db")


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("PRAGMA application_id = 5", StoreError),
        ("PRAGMA user_version = 2", NewerVersionError),
        ("PRAGMA user_version = 0", DamagedError),
        ("DELETE FROM meta WHERE name = 'store'", DamagedError),
        ("UPDATE meta SET value = zeroblob(15) WHERE name = 'store'", DamagedError),
        ("UPDATE meta SET value = 'text' WHERE name = 'key'", DamagedError),
    ],
)
def test_a_file_that_is_not_a_chip_of_this_version_is_refused(
    chip: Chip, path: Path, statement: str, error: type[Exception]
) -> None:
    chip.close()
    change(path, statement)
    with pytest.raises(error) as caught:
        RowFile.open(path)
    assert type(caught.value) is error


def test_a_chip_opened_for_reading_can_be_read_and_not_changed(full: Chip, path: Path) -> None:
    reader = Chip(RowFile.open(path, readonly=True), ROOT, ScopedEntropy(b"reader"))
    assert reader.waking("mark", "home").name == "outie"
    with pytest.raises(StoreReadOnlyError):
        reader.set_place("lobby", {})
    reader.close()


def test_a_closed_chip_says_so(chip: Chip) -> None:
    chip.close()
    chip.close()
    with pytest.raises(StoreError, match="closed"):
        chip.subjects()


def test_the_commits_of_the_chip_survive_a_power_cut(chip: Chip) -> None:
    query = chip._rows._connection.query
    assert query("PRAGMA synchronous") == [(3,)], "EXTRA: the folder is synced after the journal is removed"
    assert query("PRAGMA secure_delete") == [(1,)]
    assert bytes(query("PRAGMA journal_mode")[0][0]) == b"delete"


def test_a_change_that_was_cut_short_leaves_no_journal(full: Chip, path: Path) -> None:
    """The files as a killed process leaves them: nothing has reached the chip, and its journal is not yet valid."""
    journal, left = Path(f"{path}-journal"), {}

    def cut(rows: Rows) -> None:
        rows.put(StoredRow(bytes(16), None, b"frame"))
        left.update({file: file.read_bytes() for file in (path, journal)})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        full._rows.change(cut)
    full.close()
    for file, content in left.items():
        file.write_bytes(content)
    RowFile.open(path, readonly=True).close()
    assert journal.exists(), "who only reads changes nothing"
    reopened = Chip(RowFile.open(path), ROOT, ScopedEntropy(b"again"))
    assert not journal.exists()
    assert reopened.waking("mark", "home").name == "outie"
    reopened.close()


def test_the_journal_of_a_change_that_somebody_makes_just_now_is_left(full: Chip, path: Path) -> None:
    def looked_at(rows: Rows) -> None:
        rows.put(StoredRow(bytes(16), None, b"frame"))
        RowFile.open(path).close()
        assert Path(f"{path}-journal").exists()

    full._rows.change(looked_at)
    assert full._rows.get(bytes(16)) == StoredRow(bytes(16), None, b"frame")
