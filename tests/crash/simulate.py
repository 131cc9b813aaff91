"""Power cuts by the thousand: tapes are recorded, cut everywhere, and what may be left is recovered and compared.

PYTHONPATH=tests python tools/crashes.py --states 1000000 --jobs 1 --seed 1 --report FILE
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from crash.disk import Disk
from crash.states import Choice, Cut, classic, drawn, ordered, possible, subsets
from crash.tape import Tape
from crash.verdict import Shallow, claimed_at, deep, wanted
from crash.workloads import WORKLOADS, record
from severance.barrier.children import end_with_parent
from severance.barrier.traces.ports import MEMORY

DEEP_EVERY = 200
"""Of the states that differ, one in so many is also opened as a user would."""

NAMES = (*WORKLOADS, *(f"drawn {number}" for number in range(1, 9)))
_LOSSES_KEPT = 20
_TELL_EVERY = 5.0  # seconds


@dataclass
class Loss:
    """One state that must not be found.

    Attributes:
        workload: which tape.
        at: how many of its operations had been asked for.
        state: what of the pending ones was there.
        what: one sentence.
    """

    workload: str
    at: int
    state: str
    what: str


@dataclass
class Count:
    """What was looked at.

    Attributes:
        cuts: instants at which the power went.
        states: states looked at.
        distinct: how many of them hold other bytes than all others of this workload.
        opened: how many were opened and read as a user would.
        losses: how many must not be found.
    """

    cuts: int = 0
    states: int = 0
    distinct: int = 0
    opened: int = 0
    losses: int = 0


@dataclass
class Report:
    """What came of it.

    Attributes:
        seed: of what was drawn.
        seconds: how long it took.
        whole: whether it was carried out to its end, or broken off.
        workloads: counts by workload.
        losses: the first of them.
    """

    seed: int
    seconds: float = 0.0
    whole: bool = False
    workloads: dict[str, Count] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)

    def total(self) -> Count:
        """Over all workloads."""
        counts = [asdict(each) for each in self.workloads.values()]
        return Count(**{name: sum(each[name] for each in counts) for name in asdict(Count())})

    def add(self, other: Report) -> None:
        """Take in what another process has found."""
        self.workloads |= other.workloads
        self.losses += other.losses[: _LOSSES_KEPT - len(self.losses)]
        self.whole &= other.whole

    def json(self) -> str:
        """For a file."""
        return json.dumps({"total": asdict(self.total()), **asdict(self)}, indent=2) + "\n"

    def __str__(self) -> str:
        lines = [f"{'workload':18}{'cuts':>8}{'states':>12}{'distinct':>12}{'opened':>9}{'losses':>8}"]
        for name, each in [*self.workloads.items(), ("all", self.total())]:
            lines.append(
                f"{name:18}{each.cuts:>8,}{each.states:>12,}{each.distinct:>12,}{each.opened:>9,}{each.losses:>8,}"
            )
        lines += [f"loss in {loss.workload} after {loss.at}: {loss.what} ({loss.state})" for loss in self.losses]
        broken = "" if self.whole else ", broken off"
        lines.append(f"seed {self.seed}, {self.seconds:.0f} s{broken}")
        return "\n".join(lines)


class Simulation:
    """The power cuts of one tape."""

    def __init__(self, tape: Tape, seed: int, folder: Path, deep_every: int = DEEP_EVERY) -> None:
        self.report = Report(seed, workloads={tape.name: Count(cuts=len(tape.ops) + 1)})
        self._count = self.report.workloads[tape.name]
        self._tape = tape
        self._folder = folder
        self._deep_every = deep_every
        self._shallow = Shallow(tape, folder / "shallow")
        self._seen: set[int] = set()

    def always(self, every: int = 1) -> Iterator[None]:
        """Look at the classic states of each cut (or of one cut in so many), and at all states where they are few.

        Pauses after each cut.
        """
        for cut in cuts(self._tape):
            if cut.at % every == 0:
                for choice in (*classic(cut), *subsets(cut)):
                    self._look_at(cut, choice)
                yield

    def draw(self, states: int) -> Iterator[None]:
        """Look at so many states at random, spread over the cuts that have anything pending. Pauses after each cut."""
        shared_by = doubtful(self._tape)
        owed = 0
        for cut in cuts(self._tape):
            r = random.Random(f"{self.report.seed} {self._tape.name} {cut.at}")
            owed += states if cut.units else 0
            while owed >= shared_by:
                owed -= shared_by
                self._look_at(cut, drawn(cut, r))
            yield

    def _look_at(self, cut: Cut, choice: Choice) -> None:
        choice = possible(choice, cut.units)
        image = cut.image(choice)
        marks = hash(ordered(image))
        self._count.states += 1
        wrong = self._shallow.wrong(cut.at, image)
        if marks not in self._seen:
            self._seen.add(marks)
            self._count.distinct += 1
            if wrong is None and self._count.distinct % self._deep_every == 1:
                self._count.opened += 1
                wrong = deep(image, self._folder / "deep", claimed_at(self._tape, cut.at))
        if wrong is not None:
            self._count.losses += 1
            if len(self.report.losses) < _LOSSES_KEPT:
                self.report.losses.append(Loss(self._tape.name, cut.at, str(choice), wrong))


def cuts(tape: Tape) -> Iterator[Cut]:
    """The disk after each operation. Good until the next."""
    disk = Disk()
    yield Cut(disk, 0, wanted)
    for at, op in enumerate(tape.ops, 1):
        disk.play(op)
        yield Cut(disk, at, wanted)


def doubtful(tape: Tape) -> int:
    """At how many cuts anything is pending."""
    return sum(bool(cut.units) for cut in cuts(tape))


@contextmanager
def simulated(tape: Tape, seed: int = 1, deep_every: int = DEEP_EVERY) -> Iterator[Simulation]:
    """A simulation with a folder to work in."""
    with tempfile.TemporaryDirectory(prefix="crash-", dir=MEMORY) as folder:
        yield Simulation(tape, seed, Path(folder), deep_every)


def cut_everywhere(tape: Tape, every: int = 1, states: int = 0, deep_every: int = DEEP_EVERY) -> Report:
    """Look at the classic states of one cut in so many, and at so many states drawn from all."""
    with simulated(tape, deep_every=deep_every) as simulation:
        for _ in (*simulation.always(every), *(simulation.draw(states) if states else ())):
            pass
    return simulation.report


def loses(tape: Tape) -> bool:
    """Whether any classic state of any cut must not be; looks until it has found one."""
    with simulated(tape) as simulation:
        return any(simulation.report.losses for _ in simulation.always())


def simulate(name: str, states: int, seed: int, tell: Callable[[Report], object] = bool) -> Report:
    """About that many states of one workload. An interrupt ends it with what there is."""
    started = time.monotonic()
    with simulated(record(name, seed), seed) as simulation:
        report = simulation.report
        try:
            for _ in simulation.always():
                tell(report)
            for _ in simulation.draw(max(0, states - report.total().states)):
                tell(report)
            report.whole = True
        except KeyboardInterrupt:
            pass
    report.seconds = time.monotonic() - started
    return report


def run(
    states: int, seed: int = 1, jobs: int = 1, names: Sequence[str] = NAMES, tell: Callable[[str], object] = bool
) -> Report:
    """Look at about that many states, spread over the workloads by how much is pending in each.

    Args:
        states: how many; the classic ones are looked at in any case.
        seed: of what is drawn.
        jobs: processes.
        names: workloads.
        tell: gets a line now and then.
    """
    report = Report(seed, whole=True)
    started, told = time.monotonic(), 0.0
    weights = {name: doubtful(record(name, seed)) for name in names}
    shares = {name: -(-states * weight // sum(weights.values())) for name, weight in weights.items()}

    def progress(now: Report) -> None:
        nonlocal told
        if time.monotonic() > told + _TELL_EVERY:
            told = time.monotonic()
            done = report.total().states + now.total().states
            lost = report.total().losses + now.total().losses
            tell(f"{done:,} of {states:,} states, {lost} losses, {told - started:.0f} s")

    if jobs == 1:
        for name, share in shares.items():
            report.add(simulate(name, share, seed, progress))
            if not report.whole:
                break
    else:
        with ProcessPoolExecutor(jobs, initializer=end_with_parent) as pool:
            under_way = [pool.submit(simulate, name, share, seed) for name, share in shares.items()]
            try:
                for done in as_completed(under_way):
                    report.add(done.result())
                    progress(Report(seed))
            except KeyboardInterrupt:
                report.whole = False
                pool.shutdown(cancel_futures=True)
    report.seconds = time.monotonic() - started
    return report


def main() -> int:
    """For the command line; 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--states", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--report", type=Path, help="a file for the counts, JSON")
    given = parser.parse_args()
    report = run(given.states, given.seed, given.jobs, tell=lambda line: print(line, flush=True))
    if given.report is not None:
        given.report.write_text(report.json(), encoding="utf-8")
    print(report)
    return 1 if report.total().losses else 0
