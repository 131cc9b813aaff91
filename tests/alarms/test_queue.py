"""The file in which alarms wait: sealed, whole or put aside, and shared by processes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from kit import change, flipped
from severance.alarms.queue import FORMAT, NAME, SPOILED, Fleeting, QueueFile
from severance.alarms.state import Key, State
from severance.barrier.traces.ports import ScopedEntropy
from severance.crypto.envelope import Sealer
from severance.errors import NewerVersionError, StoreError
from severance.model import Plain

STORE, SECRET, NOW = bytes(range(16)), bytes(range(32)), 1_000_000


def queue(folder: Path, *, secret: bytes = SECRET, store: bytes = STORE) -> QueueFile:
    return QueueFile(folder / NAME, store, secret, ScopedEntropy())


@pytest.fixture
def kept(folder: Path) -> Iterator[QueueFile]:
    made = queue(folder)
    yield made
    made.close()


def add(made: QueueFile | Fleeting, subject: str = "mark") -> None:
    made.change(lambda state: state.add("log", Key("damage", subject), 1, NOW, 60), no_loss)


def no_loss(state: State) -> None:
    raise AssertionError("the state was taken for another")


def waiting(made: QueueFile | Fleeting) -> int:
    return made.read(no_loss).waiting()


def lost(state: State) -> None:
    state.add("log", Key("alarms.lost"), 1, NOW, 60)


def test_there_is_no_file_until_something_is_kept(kept: QueueFile, folder: Path) -> None:
    assert not kept.there()
    assert list(folder.iterdir()) == []
    add(kept)
    assert kept.there()


def test_what_was_kept_is_there_for_the_next_process(kept: QueueFile, folder: Path) -> None:
    add(kept)
    with closing(queue(folder)) as other:
        assert waiting(other) == 1
        add(other)
    assert waiting(kept) == 2


def test_what_raises_changes_nothing(kept: QueueFile) -> None:
    add(kept)

    def failing(state: State) -> None:
        state.lanes.clear()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kept.change(failing, no_loss)
    assert waiting(kept) == 1


def test_names_are_not_on_the_disk(kept: QueueFile, folder: Path) -> None:
    for name in ("mark scout", "helly riggs"):
        add(kept, name)
    raw = b"".join(file.read_bytes() for file in folder.iterdir())
    assert not [name for name in (b"mark", b"scout", b"riggs", b"damage") if name in raw]
    kept.close()
    assert b"SQLite" in (folder / NAME).read_bytes(), "the look finds what is there"


def test_its_size_is_that_of_a_bucket(kept: QueueFile, folder: Path) -> None:
    sizes = set()
    for number in range(30):
        add(kept, f"subject {number}")
        with closing(sqlite3.connect(folder / NAME)) as raw:
            sizes.add(len(raw.execute("SELECT value FROM meta").fetchone()[0]) - 100)
    assert sizes <= {256, 384, 512, 768, 1_024, 1_536, 2_048}
    assert len(sizes) > 1


def spoil(path: Path, how: str) -> None:
    if how == "flipped":
        with closing(sqlite3.connect(path)) as raw:
            (frame,) = raw.execute("SELECT value FROM meta").fetchone()
        for at in (0, 50, 90, len(frame) - 1):
            frame = flipped(frame, at)
        change(path, "UPDATE meta SET value = ?", frame)
    elif how == "text":
        change(path, "UPDATE meta SET value = 'nothing'")
    elif how == "torn":
        path.write_bytes(path.read_bytes()[:100] + bytes(3_000))
    elif how == "another file":
        path.write_bytes(b"what is this?" * 500)
    elif how == "another format":
        change(path, f"PRAGMA user_version = {FORMAT + 1}")
    elif how == "a trigger":
        change(path, "CREATE TRIGGER t AFTER UPDATE ON meta BEGIN DELETE FROM meta; END")


@pytest.mark.parametrize("how", ["flipped", "text", "torn", "another file", "another format", "a trigger"])
def test_a_file_that_is_not_what_was_written_is_put_aside_and_told(folder: Path, how: str) -> None:
    with closing(queue(folder)) as first:
        add(first)
    spoil(folder / NAME, how)
    with closing(queue(folder)) as made:
        made.change(lambda state: state.add("log", Key("canary"), 1, NOW, 60), lost)
        kinds = [group.key.kind for group in made.read(no_loss).lanes["log"].pending]
    assert kinds == ["alarms.lost", "canary"]
    assert (folder / f"{NAME}{SPOILED}").exists()


def test_so_is_one_of_another_store_or_another_key(folder: Path) -> None:
    with closing(queue(folder)) as first:
        add(first)
    for other in (queue(folder, secret=bytes(32)), queue(folder, store=bytes(16))):
        with closing(other):
            assert other.read(lost).waiting() == 1
            assert [group.key.kind for group in other.read(no_loss).lanes["log"].pending] == ["alarms.lost"]


def test_reading_notices_it_as_well(folder: Path) -> None:
    with closing(queue(folder)) as first:
        add(first)
    spoil(folder / NAME, "text")
    with closing(queue(folder)) as made:
        assert made.read(lost).waiting() == 1


def test_what_a_later_version_sealed_is_left_alone(kept: QueueFile, folder: Path) -> None:
    add(kept)
    later = Plain(msgspec.msgpack.encode(["alarms", {}, [], [], "something new"]))
    frame = Sealer(kept._key, ScopedEntropy(b"later")).seal(kept._where, later)
    change(folder / NAME, "UPDATE meta SET value = ?", frame)
    with pytest.raises(NewerVersionError, match="later version"):
        add(kept)
    assert not (folder / f"{NAME}{SPOILED}").exists()


def test_an_older_file_is_a_file(folder: Path) -> None:
    """What the threat model says: whoever writes the disk can take alarms back; the audit log has what rang."""
    with closing(queue(folder)) as first:
        add(first)
        shutil.copy(folder / NAME, folder / "older")
        first.change(lambda state: state.lanes.clear(), no_loss)
    with closing(queue(folder)) as made:
        assert waiting(made) == 0


def test_closed_is_closed(kept: QueueFile) -> None:
    add(kept)
    kept.close()
    kept.close()
    with pytest.raises(StoreError, match="closed"):
        add(kept)


def test_without_a_file_it_lasts_as_long_as_the_process(folder: Path) -> None:
    made = Fleeting()
    add(made)
    seen = made.read(no_loss)
    seen.lanes.clear()
    assert waiting(made) == 1
