"""What a look at a store tells beside its memories: who was severed, which places there are, what is switched on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from severance import house as houses
from severance.barrier.endurance.kills import Report, Round
from severance.barrier.endurance.writer import connections, examine, open_house, unsynced
from severance.barrier.traces.ports import KEY
from severance.disk import connection
from severance.embed import Hashing


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with houses.open(tmp_path / "store", key=KEY, embedder=Hashing(16)) as house:
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
        house.sever("lane0-1-0", ["one", "two"])
    return tmp_path / "store"


def looked(store: Path) -> dict[str, Any]:
    said: list[dict[str, Any]] = []
    examine(store, said.append)
    return said[0]


def test_a_look_tells_who_is_severed_and_which_places_there_are(store: Path) -> None:
    found = looked(store)
    assert found["findings"] == []
    assert found["names"] == {"sever": ["lane0-1-0", "mark"], "place": ["floor"]}


def test_who_is_severed_by_half_is_told(store: Path) -> None:
    with open_house(store) as house:
        house.sever("lane1-1-0", ["one"])
    assert looked(store)["findings"] == ["lane1-1-0 is severed by half"]


def test_connections_wait_for_the_disk_and_keep_a_journal_on_it(store: Path) -> None:
    with connections() as made, open_house(store) as house, house.cross("mark", "floor") as session:
        session.remember("the file is at three percent")
        assert len(made) >= 2, "of the vault and of the chip"
        assert unsynced(made) == []
    assert unsynced(made) == [], "those that are closed are passed over"


@pytest.mark.parametrize(
    ("setting", "told"),
    [("synchronous = NORMAL", "a connection has synchronous 1, and FULL is 2"), ("journal_mode = MEMORY", "journal")],
)
def test_what_is_switched_off_is_told(store: Path, monkeypatch: pytest.MonkeyPatch, setting: str, told: str) -> None:
    settings = (*connection._SETTINGS, f"PRAGMA {setting}")
    monkeypatch.setattr(connection, "_SETTINGS", settings)
    assert any(told in finding for finding in looked(store)["findings"])


@pytest.mark.parametrize(("what", "faults"), [("sever", 1), ("place", 1), ("nothing", 0)])
def test_a_name_that_was_acknowledged_and_is_not_there_is_a_fault(
    store: Path, monkeypatch: pytest.MonkeyPatch, what: str, faults: int
) -> None:
    report = Report()
    supervisor = Round(store, report, 1)
    supervisor._hear(0, {"to": "sever", "name": "lane0-1-0"})
    supervisor._hear(0, {"done": []})
    if what != "nothing":
        supervisor._hear(0, {"to": what, "name": "lane0-1-1"})
        supervisor._hear(0, {"done": []})

    class Inline:
        """Looks in this process, which has threads and may not fork."""

        def __init__(self, work: Callable[[Callable[[Any], None]], None]) -> None:
            self._said: list[Any] = []
            work(self._said.append)

        def finish(self) -> list[Any]:
            return self._said

    monkeypatch.setattr("severance.barrier.endurance.kills.Child", Inline)
    supervisor._look()
    assert report.faults == [f"{what} lane0-1-1 was acknowledged, and is not there"] * faults
