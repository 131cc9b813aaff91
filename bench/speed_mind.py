"""How fast a mind recalls by itself, in process: the whole, its parts, and what each is a ratio of, in one run.

    python -m bench --only speed.minds --sizes 10000,100000,1000000

The memories are those of bench/corpus.py, twenty to a thread, with one of ten sources and one of a hundred projects. No
store is made: what is timed is what a session does under its lock, and nothing of the disk.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench.corpus import questions, texts
from bench.settings import Settings
from bench.table import Row
from severance.embed import bundled, quantize
from severance.mind import Mind
from severance.mind.analysis import STOP_WORDS, words
from severance.model import Filter
from severance.records import EmbedderChosen, Event, Remembered

_GOALS = {10_000: 1.0, 100_000: 4.0, 1_000_000: 25.0}
_ASKED, _TIMES = 300, 30
_START, _MINUTE = 1_600_000_000_000_000, 60_000_000
_SOURCES = "anna bob carla dmitri elif farid greta hiro ines jonas".split()  # noqa: SIM905 - easier to read
_COMMON = 8
_MOST_KILOBYTES = 1.5


def minds(settings: Settings) -> Iterator[Row]:
    """Rows for a mind of each size: memory, recall, filters, recall after a write, the scan."""
    bundled().embed(["the embedder is loaded before anything is measured"])
    for size in settings.sizes:
        before = resident()
        mind = _mind(size, settings.seed)
        gc.collect()
        yield from _memory(size, before)
        yield from _recall(mind, size, settings.seed)
        yield from _filters(mind, size)
        yield from _after_writing(mind, size)
        yield from _scan(mind, size)


def _mind(size: int, seed: int) -> Mind:
    mind, embedder = Mind(), bundled()
    mind.apply(1, EmbedderChosen(embedder.identity, embedder.dimensions))
    for first, said in enumerate(_batches(size, seed)):
        mind.apply_all(2 + 2_048 * first, _events(2_048 * first, said))
    return mind


def _batches(size: int, seed: int) -> Iterator[Sequence[str]]:
    said = texts(size, seed)
    while batch := list(islice(said, 2_048)):
        yield batch


def _events(first: int, said: Sequence[str]) -> list[Event]:
    table, scales = quantize(bundled().embed(said))
    drawn = np.random.default_rng(first)
    return [
        Remembered(
            id=drawn.bytes(15),
            text=text,
            at=_START + number * _MINUTE,
            recorded=_START + number * _MINUTE,
            thread=f"thread {number // 20}",
            source=_SOURCES[number % len(_SOURCES)],
            kind="note",
            metadata={"project": number % 100},
            pinned=False,
            echo_of=None,
            supersedes=None,
            vector=vector.tobytes(),
            scale=float(scale),
        )
        for number, (text, vector, scale) in enumerate(zip(said, table, scales, strict=True), first)
    ]


def _ask(mind: Mind, question: str, **wanted: Any) -> None:
    vector = bundled().embed([mind.to_embed(question)])[0]
    mind.recall(question, vector, limit=10, filter=Filter(**wanted), now=_START)


def _recall(mind: Mind, size: int, seed: int) -> Iterator[Row]:
    first = _seconds(lambda: _ask(mind, "the first recall settles what writing left undone"))
    yield Row(f"the first recall after {size:,} writes", first * 1e3, "ms", key=f"speed.mind.first.{size}")
    took = [_seconds(partial(_ask, mind, asked)) for asked in questions(_ASKED, seed + 1)]
    p50, p95, p99 = (float(cut) * 1e3 for cut in np.percentile(took, (50, 95, 99)))
    whole = f"recall p50 in a mind of {size:,}, query embedding included"
    yield Row(whole, p50, "ms", _GOALS.get(size), key=f"speed.mind.recall.p50.{size}")
    yield Row(f"recall p95 in a mind of {size:,}", p95, "ms", key=f"speed.mind.recall.p95.{size}")
    yield Row(f"recall p99 in a mind of {size:,}", p99, "ms", key=f"speed.mind.recall.p99.{size}")
    common = " ".join(_most_common(size, seed))
    yield _against_plain(mind, f"recall by {_COMMON} of the commonest words", f"common.{size}", common)


def _most_common(size: int, seed: int) -> list[str]:
    """The words of the corpus that most memories have, function words left out."""
    counted = Counter(word for text in islice(texts(size, seed), 2_000) for word in set(words(text)))
    return [word for word, _ in counted.most_common(400) if word not in STOP_WORDS][:_COMMON]


def _filters(mind: Mind, size: int) -> Iterator[Row]:
    asked = "what was decided about the market and the agreement"
    wanted: dict[str, dict[str, Any]] = {
        "one thread": {"thread": f"thread {size // 40}"},
        "the later half": {"since": _START + size // 2 * _MINUTE},
        "one project in a hundred": {"where": {"project": 7}},
        "what was known at half time": {"as_of": _START + size // 2 * _MINUTE},
    }
    for what, chosen in wanted.items():
        name = f"filter.{what.replace(' ', '-')}.{size}"
        yield _against_plain(mind, f"recall through a filter, {what}, of {size:,}", name, asked, **chosen)


def _against_plain(mind: Mind, what: str, name: str, asked: str, **chosen: Any) -> Row:
    """The median of one kind of recall beside that of a plain one, in turns."""
    plain, took = [], []
    for question in questions(_TIMES, seed=11):
        plain.append(_seconds(partial(_ask, mind, question)))
        took.append(_seconds(lambda: _ask(mind, asked, **chosen)))
    return Row(
        what,
        float(np.median(took)) * 1e3,
        "ms",
        key=f"speed.mind.{name}",
        base=float(np.median(plain)) * 1e3,
        against="a plain recall",
    )


def _after_writing(mind: Mind, size: int) -> Iterator[Row]:
    """Recall right after a memory came to be, beside the recall after that one."""
    first, second = [], []
    events = _events(10 * size + 10_000_000, list(islice(texts(_TIMES, seed=12), _TIMES)))
    for number, (event, question) in enumerate(zip(events, questions(_TIMES, seed=13), strict=True)):
        mind.apply(2 * size + 10 + number, event)
        first.append(_seconds(partial(_ask, mind, question)))
        second.append(_seconds(partial(_ask, mind, question)))
    yield Row(
        f"recall right after a write, of {size:,}",
        float(np.median(first)) * 1e3,
        "ms",
        key=f"speed.mind.after_write.{size}",
        base=float(np.median(second)) * 1e3,
        against="the same once more",
    )


def _scan(mind: Mind, size: int) -> Iterator[Row]:
    """The vectors alone, all exactly and as recall does it, against reading their bytes once (numpy adding them up)."""
    table = mind._vectors.table.view
    numbers = table.reshape(-1).view(np.uint64)
    question = bundled().embed(["what was decided about the market and the agreement"])[0]
    place = np.empty(len(table), np.float32)
    exact, guessed, read = [], [], []
    for _ in range(_TIMES):
        read.append(_seconds(numbers.sum))
        exact.append(_seconds(lambda: mind._vectors.cosines(question, None, 0, place)))
        guessed.append(_seconds(lambda: mind._vectors.cosines(question, None, len(table), place)))
    base = float(np.median(read)) * 1e3
    for what, name, took in (("as recall does it", "scan", guessed), ("all exactly", "scan_exact", exact)):
        yield Row(
            f"scanning {size:,} vectors, {what}",
            float(np.median(took)) * 1e3,
            "ms",
            2.0,
            key=f"speed.mind.{name}.{size}",
            base=base,
            against="reading their bytes once",
            goal_of_ratio=True,
        )


def _memory(size: int, before: int) -> Iterator[Row]:
    if before:
        each = (resident() - before) / 1e3 / size
        yield Row(
            f"memory for each of {size:,} awake memories", each, "KB", _MOST_KILOBYTES, key=f"speed.mind.memory.{size}"
        )


def resident() -> int:
    """Bytes of main memory in use by this process; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * 4096


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
