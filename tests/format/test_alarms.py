"""The queue of alarms, opened from docs/design/format.md (section 12) alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from format import decoder
from format.decoder import Refused, hkdf, is_16, is_count, is_str, meta, open_file, open_frame, optional, sha256
from kit import KEY, make_house
from severance import NotFoundError
from severance.barrier.traces.ports import NOON

ALARM = 5


def read_alarms(path: Path, store: bytes, root_key: bytes) -> list[Any]:
    """Lanes, tallies and what was told."""
    key = hkdf(decoder.Chip(store, root_key).event_key, store, b"severance/alarms/v1", 32)
    with open_file(path, 0x53565257) as db:
        decoder.require(
            decoder.layout(db) == {"CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"},
            "tables",
        )
        assert [name for (name,) in decoder.rows(db, "SELECT name FROM meta")] == ["state"]
        frame = meta(db, "state")
    bind = sha256(b"severance/alarms/v1" + store)
    content = open_frame(key, frame, kind=ALARM, space=store, epoch=0, seq=0, bind=bind)
    kind, *rest = msgspec.msgpack.decode(content)
    assert kind == "alarms"
    return rest


def is_key(value: Any) -> bool:
    return type(value) is list and len(value) == 4 and is_str(value[0]) and all(map(optional(is_str), value[1:]))


def is_group(value: Any) -> bool:
    return type(value) is list and len(value) == 5 and is_key(value[0]) and all(map(is_count, value[1:]))


def is_batch(value: Any) -> bool:
    name, groups, *numbers, why = value
    return is_16(name) and all(map(is_group, groups)) and len(numbers) == 3 and is_str(why)


@pytest.fixture
def store(folder: Path) -> tuple[Path, bytes]:
    """One in which something was told, something waits, and something was refused once."""
    with make_house(folder) as house:
        house.apply_alarms(
            'sink = [{ name = "hook", webhook = "http://127.0.0.1:9/" }]\n'
            'rule = [{ on = "*", to = ["hook", "log"], names = true }]'
        )
        house._bell.hear("damage", {"subject": "mark", "persona": "innie", "place": "floor"})
        house._bell.flush(10)
        house._bell.hear("damage", {"subject": "mark", "persona": "innie", "place": "floor"})
        with pytest.raises(NotFoundError):
            house.cross("mark", "nowhere")
        return folder / "store" / "alarms.db", house._chip.store


def test_the_queue_is_what_the_page_says(store: tuple[Path, bytes]) -> None:
    path, name = store
    lanes, tallies, told = read_alarms(path, name, KEY)
    assert lanes.keys() == {"hook", "log"}
    key = ["damage", "mark", "innie", "floor"]
    pending, batch, sent, quiet = lanes["log"]
    assert (pending, batch, sent) == ([[key, 1, NOON, NOON, NOON + 60_000_000]], None, [NOON])
    assert quiet == [[key, NOON + 60_000_000]]
    pending, batch, sent, quiet = lanes["hook"]
    assert is_batch(batch)
    assert batch[1] == [[key, 1, NOON, NOON, NOON]]
    assert (batch[2], batch[3], batch[4]) == (1, NOON + 5_000_000, 0)
    assert batch[5].startswith("cannot be reached")
    assert all(map(is_group, pending))
    assert (sent, quiet) == ([], [])
    assert tallies == [["0", "mark", [NOON]]]
    assert told == [[NOON, "log", [key, 1, NOON, NOON, NOON]]]


def test_it_opens_as_nothing_else(store: tuple[Path, bytes]) -> None:
    path, name = store
    for other, root_key in ((bytes(16), KEY), (name, bytes(32))):
        with pytest.raises(Refused, match="commitment"):
            read_alarms(path, other, root_key)
