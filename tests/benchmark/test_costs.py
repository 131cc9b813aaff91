"""What keeping costs, and what a persona notices of the others, measured at the smallest sizes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import severance
from bench import costs, many
from bench.settings import Settings
from bench.table import Found, Row, Skipped
from severance.crypto.envelope import Sealer, SpaceKey, genesis, record_place
from severance.model import Plain
from severance.system import SystemEntropy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SECRET = "the elevator opens at nine"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(costs, "_PAIRS", 4)
    monkeypatch.setattr(costs, "_ASKED", 4)
    monkeypatch.setattr(costs, "_WAKINGS", 2)
    monkeypatch.setattr(many, "_PAIRS", 3)
    return Settings(tmp_path, sizes=(15, 30))


def figures(found: Iterable[Found]) -> dict[str, Row]:
    return {row.key: row for row in found if isinstance(row, Row)}


def test_one_remember_is_measured_against_a_bare_insert_of_as_many_bytes(settings: Settings) -> None:
    rows = figures(costs.remember(settings))
    assert set(rows) == {"speed.remember", "speed.remember.cpu", "speed.remember.embedding"}
    ratio = rows["speed.remember"].ratio
    assert ratio is not None
    assert ratio > 0


def test_the_bare_insert_has_the_bytes_of_a_sealed_memory(tmp_path: Path) -> None:
    with severance.open(tmp_path / "store", key=costs.KEY) as house:
        costs._furnish(house, 20, seed=1)
        vault = house._vault
        frames = [entry.frame for space in vault.spaces() for entry in vault.read(space, 1, 100)]
    lengths = sorted(len(frame) for frame in frames if frame is not None)
    assert lengths[len(lengths) // 2] == costs._FRAME
    with closing(costs._bare(tmp_path / "bare.db")) as plain:
        assert plain.execute("PRAGMA synchronous").fetchone() == (2,)


@pytest.mark.parametrize("how", ["layers", "log"])
def test_memory_is_measured_in_a_process_of_its_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(costs, "_WOKEN", {how: costs._WOKEN[how]})
    found = list(costs.memory(settings))
    rows = figures(found)
    if any(isinstance(one, Skipped) for one in found):
        assert not rows
    else:
        assert set(rows) == {f"speed.memory.{how}.30", f"speed.memory.{how}.30.left"}


def test_sealing_is_measured_against_copying(settings: Settings) -> None:
    rows = figures(costs.sealing(settings))
    assert set(rows) == {"speed.sealing.bulk-write", "speed.sealing.recall", "speed.sealing.waking"}
    assert all(row.ratio for row in rows.values())


def test_a_copied_frame_is_as_long_as_a_sealed_one_and_is_not_sealed() -> None:
    key = SpaceKey(bytes(16), 1, bytes(32))
    where = record_place(genesis(key.space, key.epoch))
    for size in (0, 3, 700):
        content = Plain(bytes(size) + SECRET.encode())
        copied = costs._Copying().seal(where, content)
        assert len(copied) == len(Sealer(key, SystemEntropy()).seal(where, content))
        assert SECRET.encode() in copied
        assert costs._Copying().open(where, copied) == content


def test_copying_is_over_when_it_was_measured(tmp_path: Path) -> None:
    with severance.open(tmp_path / "store", key=costs.KEY) as house:
        with costs._crossing(house, costs._copying)() as session:
            session.remember(SECRET)
        house.sever("another", ["worker"])
        house.place("desk", {"another": "worker"})
        with house.cross("another", "desk") as session:
            session.remember("nobody reads this")
    stored = (tmp_path / "store" / "vault.db").read_bytes()
    assert SECRET.encode() in stored  # the control: copied, it can be read
    assert b"nobody reads this" not in stored


def test_one_among_many_is_measured_beside_one_among_ten(settings: Settings) -> None:
    rows = figures(many.among_many(settings))
    assert rows["speed.many.waking"].ratio
    assert rows["speed.many.recall"].ratio
    assert rows["speed.many.bytes"].figure > 500
    assert {"speed.many.sever", "speed.many.one", "speed.many.subject", "speed.many.status", "speed.many.check"} < set(
        rows
    )
