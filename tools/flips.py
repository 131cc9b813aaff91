"""Flip every bit of a small store, one at a time, and look what becomes of the answers (`make flips`).

    python tools/flips.py [--jobs 2] [--every N] [--start K] [--bytes A:B] [--full] [--cuts]

Each bit is harmless (every answer is the same, and `check` finds nothing), refused (some call raises a
`SeveranceError`) or found by `check`. Anything else is a fault and ends in exit status 1: a wrong answer, another
exception, a crash of the interpreter, a trial that takes longer than a minute, a `check` that finds nothing where
something was refused, a salvaged memory that is not what was remembered.

Where SQLite returns the same rows for every statement, nothing more is asked, since the answers follow from the rows;
`--full` asks all the same, which takes three times as long. `--cuts` cuts both files at every length instead, by
pages, and by bytes within the last two pages. Needs `os.fork`.
"""

from __future__ import annotations

import argparse
import gc
import os
import select
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from severance.barrier.children import end_with
from severance.barrier.endurance.damage import FILES, SOUND, Bench, Built, Outcome, cuts, place_of
from severance.barrier.traces.ports import MEMORY

LONGEST = 60
TOO_MANY = 20
PRIME = 1_000_003

Trial = Callable[[Bench, int], Outcome]


@dataclass
class Worker:
    """One process that goes through some of the work.

    Attributes:
        work: the numbers of the trials, in order.
        done: how many it has reported.
        fruitless: how many of its processes ended in a row without a report.
        said: where it reports, a line for each.
    """

    work: Sequence[int]
    done: int = 0
    fruitless: int = 0
    process: int = 0
    said: IO[bytes] | None = None
    heard: float = field(default_factory=time.monotonic)


@dataclass
class Tally:
    """What became of the trials."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, file: str, number: int, outcome: Outcome) -> None:
        """Count one."""
        sound = outcome.kind in SOUND
        self.counts[file, outcome.kind, outcome.detail if sound else ""] += 1
        if not sound:
            self.faults.append(f"trial {number} in {file}: {outcome.kind}: {outcome.detail}")
            say(self.faults[-1])

    def table(self) -> str:
        """By file, by kind, and by the first call that raised and what it raised."""
        lines = [f"{'file':<10} {'outcome':<16} {'first raised by':<34} {'trials':>9}"]
        by_kind: Counter[str] = Counter()
        for (file, kind, detail), count in sorted(self.counts.items()):
            by_kind[kind] += count
            lines.append(f"{file:<10} {kind:<16} {detail:<34} {count:>9,}")
        lines += [f"{'all':<10} {kind:<16} {'':<34} {count:>9,}" for kind, count in sorted(by_kind.items())]
        return "\n".join(lines)


def main() -> int:
    """Run it; 1 when there was a fault."""
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="flips-", dir=MEMORY) as folder:
        bench = Bench(Path(folder) / "first")
        trial: Trial
        if given.cuts:
            places = cuts(bench.built.files)
            work: Sequence[int] = range(len(places))
            name_of: Callable[[int], str] = lambda number: places[number][0]  # noqa: E731
            trial = lambda bench, number: bench.cut(*places[number])  # noqa: E731
        else:
            work = bits(bench, given)
            name_of = lambda number: place_of(bench.built.files, number // 8)[0]  # noqa: E731
            trial = lambda bench, number: bench.flip(number, short=not given.full)  # noqa: E731
        sizes = ", ".join(f"{name} {len(bench.built.files[name]):,} bytes" for name in FILES)
        say(f"{sizes}; {len(work):,} of {len(places) if given.cuts else bench.bits:,} trials")
        started = time.monotonic()
        tally = run(Path(folder), bench.built, work, trial, name_of, given.jobs)
        say(tally.table())
        say(f"{len(tally.faults):,} faults; {time.monotonic() - started:,.0f} s")
        return 1 if tally.faults else 0


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th bit")
    parser.add_argument("--start", type=int, default=0, metavar="K", help="from the K-th on")
    parser.add_argument("--bytes", metavar="A:B", help="only these bytes, counted through vault.db, then chip.db")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="ask also where SQLite returns the same rows")
    parser.add_argument("--cuts", action="store_true", help="cut the files instead")
    return parser.parse_args()


def bits(bench: Bench, given: argparse.Namespace) -> list[int]:
    """The bits to flip, scattered, so that the first thousands are a sample of all."""
    first, _, last = (given.bytes or f"0:{bench.bits // 8}").partition(":")
    chosen = range(int(first) * 8 + given.start, min(int(last) * 8, bench.bits), given.every)
    return [chosen[index * PRIME % len(chosen)] for index in range(len(chosen))]


def run(
    folder: Path, built: Built, work: Sequence[int], trial: Trial, name_of: Callable[[int], str], jobs: int
) -> Tally:
    """Share the work among processes, and outlive what kills them."""
    tally, total, started = Tally(), 0, time.monotonic()
    workers = [Worker(work[job::jobs]) for job in range(jobs)]
    alive = os.pipe()  # it stays open as long as this process is there
    for worker in workers:
        start(worker, folder, built, trial, alive)
    while any(worker.said for worker in workers):
        ready, _, _ = select.select([worker.said for worker in workers if worker.said], [], [], 1)
        for worker in workers:
            if worker.said in ready:
                total += hear(worker, tally, name_of)
                if total % 10_000 == 0:
                    rate = total / (time.monotonic() - started)
                    say(f"{total:,} of {len(work):,}, {rate:,.0f} a second, {len(tally.faults)} faults")
            elif worker.said and time.monotonic() - worker.heard > LONGEST:
                os.kill(worker.process, 9)
            if worker.said is None and worker.done < len(worker.work):
                tally.add(name_of(worker.work[worker.done]), worker.work[worker.done], Outcome("died or hung"))
                worker.done += 1
                worker.fruitless += 1
                if worker.fruitless == TOO_MANY:
                    sys.exit("the workers end before they begin; what they raised is above")
                start(worker, folder, built, trial, alive)
    return tally


def start(worker: Worker, folder: Path, built: Built, trial: Trial, alive: tuple[int, int]) -> None:
    """Fork a process that goes on from where the worker is. It ends when nobody holds the second end of `alive`."""
    reading, writing = os.pipe()
    worker.process, worker.heard = os.fork(), time.monotonic()
    if worker.process:
        os.close(writing)
        worker.said = os.fdopen(reading, "rb", buffering=0)  # `select` does not see what waits in a buffer
        return
    status = 1
    try:
        os.close(reading)
        os.close(alive[1])
        end_with(alive[0])
        place = folder / f"worker-{os.getpid()}"
        place.mkdir()
        bench = Bench(place, built)
        gc.freeze()
        with os.fdopen(writing, "w", buffering=1) as say_it:
            for number in worker.work[worker.done :]:
                outcome = trial(bench, number)
                say_it.write(f"{outcome.kind}\t{' '.join(outcome.detail.split())}\n")
        shutil.rmtree(place)
        status = 0
    finally:
        os._exit(status)


def hear(worker: Worker, tally: Tally, name_of: Callable[[int], str]) -> int:
    """Read one report; at the end of them, the worker has nothing more to say."""
    line = worker.said.readline().decode() if worker.said else ""
    worker.heard = time.monotonic()
    if not line.endswith("\n") or worker.said is None:
        if worker.said:
            worker.said.close()
        worker.said = None
        os.waitpid(worker.process, 0)
        return 0
    number = worker.work[worker.done]
    worker.done += 1
    worker.fruitless = 0
    tally.add(name_of(number), number, Outcome(*line.rstrip("\n").split("\t")))
    return 1


def say(text: str) -> None:
    """One line, at once."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
