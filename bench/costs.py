"""What keeping costs beside doing without: one durable write, main memory, and sealing.

    python -m bench --only speed.remember --only speed.memory --only speed.sealing

Sealing is measured against this engine with its frames copied in the place of being sealed: as long, and as many. That
is done here alone and cannot be asked for from outside; nothing but made-up texts is written so. Processor time is
compared, so that waiting for the disk hides nothing.
"""

from __future__ import annotations

import gc
import json
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from unittest import mock

import severance
from bench.corpus import questions, texts
from bench.settings import Settings
from bench.speed import KEY, timed
from bench.speed_mind import resident
from bench.table import Found, Row, Skipped
from severance import House, Session, space
from severance.crypto.envelope import TAG_BYTES, Where, bucket
from severance.model import Plain, Sealed
from severance.vault.sqlite import SqliteVault

_PAIRS, _ASKED, _BATCH, _WAKINGS = 400, 300, 2_048, 9
_FRAME = 612
"""Bytes of the sealed record of such a text."""
_REMEMBER, _KILOBYTES, _RECALL_SEALED, _BULK_SEALED = 1.5, 1.5, 1.10, 1.25
_LEFT = 0.2
_HEADER = bytes(84)
_WOKEN = {"layers": "from layers", "log": "from the whole log"}
_LENGTH = struct.Struct(">I")


def remember(settings: Settings) -> Iterator[Row]:
    """One durable `remember` against a bare synced insert of as many bytes, in turns, and what of it is embedding.

    The bare one is an INSERT of one row by `sqlite3`, a transaction of its own, into a table with a number for its key:
    write-ahead log and `synchronous = FULL` as in the vault, all else as SQLite has it, and nothing checked or read. It
    starts empty, and the persona with as many memories as the smallest size.

    A median leaves out what only some of the calls do: the mind takes in 64 memories together, and SQLite moves its
    log into the file every 1,000 pages. The mean of the processor time has both.
    """
    ours, bare, embedding = list[float](), list[float](), list[float]()
    cpu, bare_cpu = 0.0, 0.0
    with opened(settings) as house, tempfile.TemporaryDirectory(dir=settings.folder) as folder:
        _furnish(house, min(settings.sizes), settings.seed)
        with house.cross("bench", "desk") as session, closing(_bare(Path(folder, "bare.db"))) as plain:
            for text in texts(_PAIRS, seed=3):
                insert = partial(plain.execute, "INSERT INTO t (frame) VALUES (?)", (bytes(_FRAME),))
                cpu += _cpu(partial(_time_into, ours, partial(session.remember, text)))
                bare_cpu += _cpu(partial(_time_into, bare, insert))
                embedding.append(timed(partial(house.embedder.embed, [text]))[0])
    yield Row(
        f"one durable remember, p50 of {_PAIRS}",
        statistics.median(ours) * 1e3,
        "ms",
        _REMEMBER,
        key="speed.remember",
        base=statistics.median(bare) * 1e3,
        against="a bare synced insert of the same bytes",
        goal_of_ratio=True,
    )
    yield Row(
        "of it, processor time, mean of all",
        cpu / _PAIRS * 1e3,
        "ms",
        key="speed.remember.cpu",
        base=bare_cpu / _PAIRS * 1e3,
        against="that of the bare insert",
    )
    yield Row("of it, embedding", statistics.median(embedding) * 1e3, "ms", key="speed.remember.embedding")


def memory(settings: Settings) -> Iterator[Found]:
    """Main memory of one persona of the largest size, awake (from layers, from the log) and asleep again."""
    if not resident():
        yield Skipped("This system does not say how much main memory a process uses: memory per memory is skipped.")
        return
    size = max(settings.sizes)
    with opened(settings) as house:
        _furnish(house, size, settings.seed)
        store = house.status().store
        for how, what in _WOKEN.items():
            asleep, awake, again = _in_a_process(store, how)
            taken, key = awake - asleep, f"speed.memory.{how}.{size}"
            each = taken / 1e3 / size
            yield Row(f"memory for each of {size:,} memories woken {what}", each, "KB", _KILOBYTES, key=key)
            left = (again - asleep) / taken if taken else 0.0
            yield Row(f"of it, left after sleep, woken {what}", left, "", _LEFT, key=f"{key}.left")


def sealing(settings: Settings) -> Iterator[Row]:
    """Recall, bulk writing and waking, each in turns with the same without sealing."""
    size = min(max(settings.sizes), 10_000)
    goals = {"bulk write": _BULK_SEALED, "recall": _RECALL_SEALED, "waking": None}
    took: dict[str, tuple[list[float], list[float]]] = {what: ([], []) for what in goals}
    with opened(settings) as sealed, opened(settings) as copied:
        crossings = [_crossing(sealed, nullcontext), _crossing(copied, _copying)]
        sessions = [cross() for cross in crossings]
        for batch in _batches(size, settings.seed):
            for session, seconds in zip(sessions, took["bulk write"], strict=True):
                seconds.append(_cpu(partial(session.remember_many, batch)) / len(batch))
        for question in questions(_ASKED, seed=7):
            for session, seconds in zip(sessions, took["recall"], strict=True):
                seconds.append(_cpu(partial(session.recall, question)))
        for _ in range(_WAKINGS):
            for number, seconds in enumerate(took["waking"]):
                sessions[number].sleep()
                sessions[number] = _kept(crossings[number], seconds)
    for what, (ours, bare) in took.items():
        yield Row(
            f"{what}, {size:,} memories, CPU time of one, median",
            statistics.median(ours) * 1e3,
            "ms",
            goals[what],
            key=f"speed.sealing.{what.replace(' ', '-')}",
            base=statistics.median(bare) * 1e3,
            against="the same without sealing",
            goal_of_ratio=goals[what] is not None,
        )


class _Copying:
    """In the place of a sealer and an opener: frames as long as sealed ones, with their content as it is."""

    def __init__(self, *_: object) -> None: ...

    def seal(self, _: Where, content: Plain) -> Sealed:
        padded = (_LENGTH.pack(len(content)) + content).ljust(bucket(len(content)), b"\0")
        return Sealed(_HEADER + padded + bytes(TAG_BYTES))

    def open(self, _: Where, frame: bytes) -> Plain:
        start = len(_HEADER) + _LENGTH.size
        return Plain(frame[start : start + _LENGTH.unpack_from(frame, len(_HEADER))[0]])


@contextmanager
def _copying() -> Iterator[None]:
    with mock.patch.object(space, "Sealer", _Copying), mock.patch.object(space, "Opener", _Copying):
        yield


def _crossing(house: House, how: Callable[[], AbstractContextManager[None]]) -> Callable[[], Session]:
    """What wakes the persona that this makes; a space keeps the sealer that it was made with."""
    with how():
        house.sever("bench", ["worker"])
    house.place("desk", {"bench": "worker"})

    def cross() -> Session:
        with how():
            return house.cross("bench", "desk")

    return cross


def _kept(cross: Callable[[], Session], seconds: list[float]) -> Session:
    begin = time.process_time()
    session = cross()
    seconds.append(time.process_time() - begin)
    return session


def _in_a_process(store: str, how: str) -> list[int]:
    """Bytes in use before the persona in this store wakes, while it is awake, and after it fell asleep."""
    done = subprocess.run([sys.executable, "-m", "bench.costs", store, how], capture_output=True, check=True, text=True)
    found: list[int] = json.loads(done.stdout)
    return found


def _main(store: str, how: str) -> None:
    unread = mock.patch.object(SqliteVault, "read_layers", return_value=[]) if how == "log" else nullcontext()
    unwritten = mock.patch.object(SqliteVault, "write_layers", _unwritten)
    with unread, unwritten, severance.open(store, key=KEY) as house:
        with house.cross("bench", "start") as session:  # the embedder and all code are loaded before anything counts
            session.remember("the first")
            session.recall("the first")
        figures = [_settled()]
        with house.cross("bench", "desk") as session:
            session.recall("the first recall settles what waking left undone")
            figures.append(_settled())
        figures.append(_settled())
    print(json.dumps(figures))


def _unwritten(*_: object) -> bool:
    """In the place of a mock, which would keep the layers that it was called with."""
    return False


def _settled() -> int:
    gc.collect()
    return resident()


@contextmanager
def opened(settings: Settings) -> Iterator[House]:
    """A house in a folder of its own, closed and removed when the block ends."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=settings.folder) as folder,
        severance.open(Path(folder, "store"), key=KEY) as house,
    ):
        yield house


def _furnish(house: House, size: int, seed: int) -> None:
    """Two personas: one with so many memories, one with none."""
    house.sever("bench", ["worker", "other"])
    house.place("desk", {"bench": "worker"})
    house.place("start", {"bench": "other"})
    with house.cross("bench", "desk") as session:
        session.remember_many(list(texts(size, seed)))


def _batches(size: int, seed: int) -> Iterator[list[str]]:
    said = texts(size, seed)
    while batch := list(islice(said, _BATCH)):
        yield batch


def _bare(path: Path) -> sqlite3.Connection:
    plain = sqlite3.connect(path, isolation_level=None)
    plain.execute("PRAGMA journal_mode = WAL")
    plain.execute("PRAGMA synchronous = FULL")
    plain.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, frame BLOB)")
    return plain


def _time_into(seconds: list[float], work: Callable[[], object]) -> None:
    seconds.append(timed(work)[0])


def _cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    _main(*sys.argv[1:])
