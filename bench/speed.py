"""How fast: waking, recall, writing. Each figure beside what it is a ratio of, measured in the same run."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import severance
from bench.corpus import questions, texts
from bench.table import Row

KEY = bytes(range(32))
T = TypeVar("T")
_WAKING = {1_000: 5.0, 10_000: 50.0, 100_000: 250.0}
_RECALL = {10_000: 1.0, 100_000: 10.0}


def measure(sizes: list[int], where: Path) -> list[Row]:
    """Rows for one house with a persona of each size, in a folder made in `where` (on a disk that really syncs)."""
    rows = []
    where.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=where) as folder, severance.open(Path(folder, "store"), key=KEY) as house:
        house.sever("bench", [f"p{size}" for size in sizes])
        for size in sizes:
            house.place(f"at{size}", {"bench": f"p{size}"})
            rows += _persona(house, size)
        rows.append(_remember(house, f"at{sizes[0]}", Path(folder)))
    return rows


def _persona(house: severance.House, size: int) -> list[Row]:
    corpus = list(texts(size))
    with house.cross("bench", f"at{size}") as session:
        session.recall("warm up the embedder")
        seconds, _ = _timed(lambda: session.remember_many(corpus))
        asleep, _ = _timed(session.sleep)
    waking = []
    for _ in range(5):
        second, session = _timed(lambda: house.cross("bench", f"at{size}"))
        waking.append(second)
        session.sleep()
    with house.cross("bench", f"at{size}") as session:
        first, _ = _timed(lambda: session.recall("the first recall settles what waking left undone"))
        recalls = [_timed(lambda asked=asked: session.recall(asked))[0] for asked in questions(300)]
    recalls.sort()
    return [
        Row(f"bulk write, {size:,} memories, embedding included", size / seconds, "per second", 10_000, at_least=True),
        Row(f"falling asleep with {size:,} new memories", asleep * 1e3, "ms"),
        Row(f"waking {size:,} memories, median of 5", statistics.median(waking) * 1e3, "ms", _WAKING.get(size)),
        Row(f"the first recall after waking {size:,}", first * 1e3, "ms"),
        Row(f"recall p50 at {size:,}, query embedding included", recalls[150] * 1e3, "ms", _RECALL.get(size)),
        Row(f"recall p95 at {size:,}", recalls[285] * 1e3, "ms"),
    ]


def _remember(house: severance.House, place: str, folder: Path) -> Row:
    """One durable `remember` against a bare synced insert of as many bytes, in turns."""
    ours, bare = [], []
    corpus = list(texts(200, seed=3))
    with house.cross("bench", place) as session, closing(_bare(folder / "bare.db")) as plain:
        for text in corpus:
            ours.append(_timed(lambda text=text: session.remember(text))[0])
            bare.append(_timed(lambda: plain.execute("INSERT INTO t (frame) VALUES (?)", (bytes(868),)))[0])
    ratio = statistics.median(ours) / statistics.median(bare)
    took = statistics.median(ours) * 1e3
    return Row(f"one durable remember ({took:.2f} ms) against a bare synced insert", ratio, "times", 1.5)


def _bare(path: Path) -> sqlite3.Connection:
    plain = sqlite3.connect(path, isolation_level=None)
    plain.execute("PRAGMA journal_mode = WAL")
    plain.execute("PRAGMA synchronous = FULL")
    plain.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, frame BLOB)")
    return plain


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
