"""Who wakes is answered from the rows that were verified."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kit import change, dump
from severance.chip.chip import Chip
from severance.chip.register import WakeRow
from severance.chip.rows import StoredRow


def test_a_row_put_back_after_the_set_was_verified_is_not_followed(
    full: Chip, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor, _ = full._keys.identify(WakeRow("floor", "mark", ()))
    full.set_place("floor", {"mark": "outie"})
    (old,) = (row[2] for row in dump(path)["rows"] if row[0] == floor)
    full.set_place("floor", {"mark": "innie"})
    true = full._verify_set

    def verified() -> Mapping[bytes, StoredRow]:
        found = true()
        assert change(path, "UPDATE rows SET frame = ? WHERE id = ?", old, floor) == 1
        return found

    monkeypatch.setattr(full, "_verify_set", verified)
    assert full.waking("mark", "floor").name == "innie"
