"""What a persona notices of all the others in its store: waking and recall among many personas, against among ten.

    python -m bench --only speed.many --sizes 1000,100000

There are as many personas as the largest size says, at most 100,000; one of them has as many memories as the smallest.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.corpus import questions, texts
from bench.costs import opened
from bench.settings import Settings
from bench.speed import timed
from bench.table import Row
from severance import House

_FEW, _MANY = 10, 100_000
_PAIRS = 100
_RATIO = 1.2


def among_many(settings: Settings) -> Iterator[Row]:
    """Rows for one persona in a house of many, beside the same in a house of ten; and for the many themselves."""
    many, size = min(max(settings.sizes), _MANY), min(settings.sizes)
    with opened(settings) as few_there, opened(settings) as many_there:
        few_there.sever("bench", map(str, range(_FEW)))
        seconds, _ = timed(lambda: many_there.sever("bench", map(str, range(many))))
        yield Row(f"making {many:,} personas", seconds / many * 1e6, "µs each", key="speed.many.sever")
        for house in (few_there, many_there):
            _furnish(house, size, settings.seed)
        yield from _in_turns(few_there, many_there, many, size)
        for what, name, work in _owners(many_there, many):
            took, _ = timed(work)
            yield Row(what, took, "s", key=f"speed.many.{name}")
        each = sum(path.stat().st_size for path in _directory(many_there).iterdir()) / many
        yield Row(f"bytes in the store for each of {many:,} personas", each, "B", key="speed.many.bytes")


def _owners(house: House, many: int) -> Iterator[tuple[str, str, Callable[[], object]]]:
    yield f"one more persona beside {many:,}", "one", lambda: house.sever("bench", ["one more"])
    yield f"one more subject beside {many:,} personas", "subject", lambda: house.sever("another", ["first"])
    yield f"status of {many:,} personas", "status", house.status
    yield f"check of {many:,} personas", "check", house.check


def _in_turns(few: House, many: House, count: int, size: int) -> Iterator[Row]:
    against = f"the same among {_FEW}"
    waking: dict[House, list[float]] = {few: [], many: []}
    asking: dict[House, list[float]] = {few: [], many: []}
    for question in questions(_PAIRS, seed=5):
        for house, took in waking.items():
            second, session = timed(lambda at=house: at.cross("bench", "desk"))
            took.append(second)
            session.recall("the first recall settles what waking left undone")
            asking[house].append(timed(lambda by=session, asked=question: by.recall(asked))[0])
            session.sleep()
    for what, name, found in (("waking", "waking", waking), ("recall", "recall", asking)):
        yield Row(
            f"{what}, {size:,} memories, among {count:,} personas",
            statistics.median(found[many]) * 1e3,
            "ms",
            _RATIO,
            key=f"speed.many.{name}",
            base=statistics.median(found[few]) * 1e3,
            against=against,
            goal_of_ratio=True,
        )


def _furnish(house: House, size: int, seed: int) -> None:
    house.place("desk", {"bench": "0"})
    with house.cross("bench", "desk") as session:
        session.remember_many(list(texts(size, seed)))


def _directory(house: House) -> Path:
    return Path(house.status().store)
