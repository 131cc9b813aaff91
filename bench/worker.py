"""What a process for each persona costs: crossing, recall and remembering, beside the same in this process.

    python -m bench --only worker

The bundled embedder, and a persona with as many memories as the smallest size. Calls in the two ways take turns.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

from bench.corpus import questions, texts
from bench.costs import opened
from bench.settings import Settings
from bench.speed import timed
from bench.table import Row
from severance import House, Session

_CROSSINGS, _ASKED, _KEPT = 9, 400, 200
_CROSSING, _ON_TOP = 150.0, 1.0
_BOOT = 0.7
"""Seconds between crossings, so that the next worker is ready; somebody who crosses is rarely faster."""


def crossing(settings: Settings) -> Iterator[Row]:
    """Crossing and falling asleep: when nobody crossed before, and when the next worker was made ready meanwhile."""
    size = min(settings.sizes)
    first, bare = list[float](), list[float]()
    for _ in range(_CROSSINGS):
        bare.append(timed(partial(subprocess.run, [sys.executable, "-I", "-c", "import numpy"], check=True))[0])
        with opened(settings) as house:
            _furnish(house, 10, settings.seed)
            seconds, session = timed(partial(_elsewhere, house))
            session.sleep()
            first.append(seconds)
    with opened(settings) as house:
        _furnish(house, size, settings.seed)
        ready, here, asleep, told = list[float](), list[float](), list[float](), list[float]()
        for _ in range(_CROSSINGS + 2):
            seconds, session = timed(partial(_elsewhere, house))
            ready.append(seconds)
            told.append(timed(partial(session.recall, "the first recall loads what is loaded at need"))[0])
            asleep.append(timed(session.sleep)[0])
            seconds, session = timed(partial(house.cross, "bench", "desk"))
            here.append(seconds)
            session.sleep()
            time.sleep(_BOOT)
    base, against = statistics.median(here) * 1e3, "the same in this process"
    what = "crossing, the first in a house, process started"
    started = "a Python that imports numpy and ends"
    yield Row(what, _ms(first), "ms", _CROSSING, key="worker.first", base=_ms(bare), against=started)
    what = f"crossing, {size:,} memories, process ready"
    yield Row(what, _ms(ready[2:]), "ms", _CROSSING, key="worker.ready", base=base, against=against)
    yield Row("the first recall in it", _ms(told[2:]), "ms", key="worker.told")
    yield Row("falling asleep", _ms(asleep), "ms", key="worker.asleep")


def calls(settings: Settings) -> Iterator[Row]:
    """Recall and remember through a worker, and in this process."""
    size = min(max(settings.sizes), 10_000)
    with opened(settings) as house:
        _furnish(house, size, settings.seed)
        with _elsewhere(house) as there, house.cross("bench", "desk") as here:
            for session in (there, here):
                session.recall("what is loaded at need")
            asked = {session: list[float]() for session in (there, here)}
            for question in questions(_ASKED, seed=11):
                for session, seconds in asked.items():
                    seconds.append(timed(partial(session.recall, question))[0])
            kept = {session: list[float]() for session in (there, here)}
            for text in texts(_KEPT, seed=13):
                for session, seconds in kept.items():
                    seconds.append(timed(partial(session.remember, f"{text} {session is there}"))[0])
    against = "the same in this process"
    what = f"recall p50 at {size:,}, through a worker"
    ours, base = _ms(asked[there]), _ms(asked[here])
    yield Row(what, ours, "ms", key="worker.recall", base=base, against=against)
    yield Row("of it, on top", ours - base, "ms", _ON_TOP, key="worker.recall.on-top")
    what = "one durable remember, through a worker"
    yield Row(what, _ms(kept[there]), "ms", key="worker.remember", base=_ms(kept[here]), against=against)


def _elsewhere(house: House) -> Session:
    return house.cross("bench", "desk", isolation="process")


def _furnish(house: House, size: int, seed: int) -> None:
    house.sever("bench", ["one"])
    house.place("desk", {"bench": "one"})
    with house.cross("bench", "desk") as session:
        session.remember_many(list(texts(size, seed)))


def _ms(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1e3
