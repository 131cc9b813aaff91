"""What keeping a memory costs over a month: bytes written for it, and waking at the worst moment between layers.

    python -m bench --only speed.month --only speed.moments

The month has thirty days of ten sessions of twenty memories, with an amendment in every session, a repeat in every
second, and every third day something forgotten, drawn from all there is. What is written is counted where it goes into
the vault: frames with their digests and keys, and the layers of snapshots. SQLite writes whole pages for it, to its log
and once more to the file, and the chip its anchor; how much that comes to is a figure by itself, without a goal.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import severance
from bench.corpus import texts
from bench.settings import Settings
from bench.speed import KEY, timed
from bench.table import Row
from severance import House, Session
from severance.vault.sqlite import SqliteVault

_DAYS, _SESSIONS, _SAID = 30, 10, 20
_FORGETS_EVERY = 3
_BASES = (0, 100_000)
_WAKING = {1_000: 5.0, 10_000: 25.0, 100_000: 250.0}
_MOST = 4.0
_BESIDE_A_FRAME = 16 + 8 + 32


@dataclass(slots=True)
class Written:
    """Bytes that went into the vault.

    Attributes:
        frames: of records, sealed: what could not be less.
        rows: what stands beside them.
        layers: of snapshots.
    """

    frames: int = 0
    rows: int = 0
    layers: int = 0

    @property
    def amplification(self) -> float:
        """All of it over what could not be less."""
        return (self.frames + self.rows + self.layers) / self.frames


def month(settings: Settings) -> Iterator[Row]:
    """Rows for a month of small sessions, of a new persona and on top of one that is large already."""
    for base in _BASES:
        if base <= max(settings.sizes):
            yield from _month(settings, base)


def _month(settings: Settings, base: int) -> Iterator[Row]:
    drawn, said = Random(settings.seed), texts(_DAYS * _SESSIONS * _SAID, settings.seed + 9)
    waking: list[float] = []
    with _house(settings, base) as house, _counted() as written:
        before = _to_files()
        for day in range(_DAYS):
            for number in range(_SESSIONS):
                took, session = _timed_cpu(lambda: house.cross("bench", "desk"))
                waking.append(took)
                _session(session, [next(said) for _ in range(_SAID)], drawn, number)
                if number == _SESSIONS // 2 and day % _FORGETS_EVERY == 0:
                    session.forget(drawn.choice(list(session.memories())).id)
                session.sleep()
        in_files = _to_files() - before
    of, key = f"a month of small sessions on top of {base:,} memories", f"keeping.month.{base}"
    yield Row(f"bytes written in {of}", written.amplification, "x", _MOST, key=key, against="the sealed records")
    yield Row(f"of which layers, in {of}", written.layers / written.frames, "x", key=f"{key}.layers")
    if in_files:
        yield Row(f"bytes written to files, pages and all, in {of}", in_files / written.frames, "x", key=f"{key}.files")
    goal = _WAKING.get(base or 10_000)
    worst, middle = max(waking) * 1e3, statistics.median(waking) * 1e3
    yield Row(f"waking in {of}, CPU time, median", middle, "ms", goal, key=f"{key}.waking")
    yield Row(f"waking in {of}, CPU time, worst of {len(waking)}", worst, "ms", key=f"{key}.waking.worst")


def _session(session: Session, said: Sequence[str], drawn: Random, number: int) -> None:
    kept = session.remember_many(said)
    session.amend(drawn.choice(kept).id, f"{drawn.choice(said)} And so it was changed.")
    if number % 2:
        session.remember(drawn.choice(said))


def moments(settings: Settings) -> Iterator[Row]:
    """Rows for waking a persona of each size with as many records without a layer as there may be, and with a hole."""
    for size in settings.sizes:
        with _house(settings, size) as house:
            yield _woken(house, size, "right after a layer was written", "best")
            _until_full(house, settings.seed)
            yield _woken(house, size, "with as many records after its layers as there may be", "tail")
            with house.cross("bench", "desk") as session:
                session.forget(next(session.memories()).id)
                yield _woken(house, size, "with a hole where something was just forgotten, too", "hole", goal=False)


def _until_full(house: House, seed: int) -> None:
    """Remember until one more session would make a layer."""
    said = texts(2_000, seed + 17)
    while True:
        before = _layers(house)
        with house.cross("bench", "desk") as session, mock.patch.object(SqliteVault, "write_layers") as writing:
            session.remember_many([next(said) for _ in range(8)])
            session.sleep()
        if writing.called or _layers(house) != before:
            return


def _woken(house: House, size: int, when: str, key: str, *, goal: bool = True) -> Row:
    took = []
    for _ in range(7):
        seconds, session = _timed_cpu(lambda: house.cross("bench", "desk"))
        took.append(seconds)
        with mock.patch.object(SqliteVault, "write_layers", return_value=False):
            session.sleep()
    what = f"waking {size:,} memories {when}, CPU time"
    found = statistics.median(took) * 1e3
    return Row(what, found, "ms", _WAKING.get(size) if goal else None, key=f"keeping.waking.{key}.{size}")


@contextmanager
def _house(settings: Settings, base: int) -> Iterator[House]:
    """A house with one persona that has so many memories."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=settings.folder) as folder,
        severance.open(Path(folder, "store"), key=KEY) as house,
    ):
        house.sever("bench", ["worker"])
        house.place("desk", {"bench": "worker"})
        with house.cross("bench", "desk") as session:
            session.remember_many(list(texts(base, settings.seed)))
        yield house


@contextmanager
def _counted() -> Iterator[Written]:
    """Count what goes into vaults."""
    written, append, write = Written(), SqliteVault.append, SqliteVault.write_layers

    def appending(self: SqliteVault, space: bytes, expected: Any, frames: Any, erase: Any = ()) -> Any:
        written.frames += sum(map(len, frames))
        written.rows += len(frames) * _BESIDE_A_FRAME
        return append(self, space, expected, frames, erase)

    def writing(self: SqliteVault, space: bytes, seen: int, layers: Any, drop: Any = ()) -> bool:
        done = write(self, space, seen, layers, drop)
        written.layers += sum(len(chunk) for layer in layers for chunk in layer.chunks) if done else 0
        return done

    with (
        mock.patch.object(SqliteVault, "append", appending),
        mock.patch.object(SqliteVault, "write_layers", writing),
    ):
        yield written


def _layers(house: House) -> list[tuple[int, int]]:
    vault = house._vault
    return [span for space in vault.spaces() for span in vault.layers(space)]


def _to_files() -> int:
    """How many bytes this process has written to files; 0 where the system does not say."""
    told = Path("/proc/self/io")
    if not told.exists():
        return 0
    return int(dict(line.split(": ") for line in told.read_text("ascii").splitlines())["wchar"])


def _timed_cpu(work: Any) -> tuple[float, Any]:
    begin = time.process_time()
    _, found = timed(work)
    return time.process_time() - begin, found
