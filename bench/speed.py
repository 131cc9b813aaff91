"""How fast: waking, recall, writing. Each figure beside what it is a ratio of, measured in the same run."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

import severance
from bench.corpus import questions, texts
from bench.settings import Settings
from bench.table import Row

KEY = bytes(range(32))
T = TypeVar("T")
_WAKING = {1_000: 5.0, 10_000: 25.0, 100_000: 250.0}
_RECALL = {10_000: 1.0, 100_000: 4.0, 1_000_000: 25.0}
_ASKED = 300


def personas(settings: Settings) -> Iterator[Row]:
    """One house with a persona of each size, on a disk that really syncs: writing, sleeping, waking, recall."""
    sizes, where = settings.sizes, settings.folder
    where.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=where) as folder, severance.open(Path(folder, "store"), key=KEY) as house:
        house.sever("bench", [f"p{size}" for size in sizes])
        for size in sizes:
            house.place(f"at{size}", {"bench": f"p{size}"})
            yield from _persona(house, size, settings.seed)


def _persona(house: severance.House, size: int, seed: int) -> list[Row]:
    corpus = list(texts(size, seed))
    with house.cross("bench", f"at{size}") as session:
        session.recall("warm up the embedder")
        seconds, _ = timed(lambda: session.remember_many(corpus))
        asleep, _ = timed(session.sleep)
    waking = []
    for _ in range(5):
        second, session = timed(lambda: house.cross("bench", f"at{size}"))
        waking.append(second)
        session.sleep()
    with house.cross("bench", f"at{size}") as session:
        first, _ = timed(lambda: session.recall("the first recall settles what waking left undone"))
        recalls = [timed(partial(session.recall, asked))[0] * 1e3 for asked in questions(_ASKED, seed + 1)]
    p50, p95, p99 = (float(cut) for cut in np.percentile(recalls, (50, 95, 99)))
    bulk = f"bulk write, {size:,} memories, embedding included"
    whole = f"recall p50 at {size:,}, query embedding included"
    waked = statistics.median(waking) * 1e3
    return [
        Row(bulk, size / seconds, "per second", 10_000, at_least=True, key=f"speed.bulk.{size}"),
        Row(f"falling asleep with {size:,} new memories", asleep * 1e3, "ms", key=f"speed.asleep.{size}"),
        Row(f"waking {size:,} memories, median of 5", waked, "ms", _WAKING.get(size), key=f"speed.waking.{size}"),
        Row(f"the first recall after waking {size:,}", first * 1e3, "ms", key=f"speed.first.{size}"),
        Row(whole, p50, "ms", _RECALL.get(size), key=f"speed.recall.p50.{size}"),
        Row(f"recall p95 at {size:,}", p95, "ms", key=f"speed.recall.p95.{size}"),
        Row(f"recall p99 at {size:,}", p99, "ms", key=f"speed.recall.p99.{size}"),
    ]


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """How many seconds it took, and what came of it."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
