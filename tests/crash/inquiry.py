"""Faults at every operation: stories are told once for each operation in them that can fail, and each way of failing.

PYTHONPATH=tests python tools/iofaults.py --stories 50 --jobs 1 --seed 1 --report FILE

Afterwards the store must hold what was acknowledged, with what was under way done wholly or not at all; what was raised
must be an error of Severance's own, of the right class, in one sentence.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from crash.disk import Disk
from crash.faults import AFTER, WAYS, Failing, Fault, Told, tell
from crash.states import Cut, Image, classic, drawn, ordered, possible
from crash.tape import Mark, Tape
from crash.verdict import Claim, claimed, deep, wanted
from crash.workloads import WORKLOADS
from severance import SeveranceError, StoreError, StoreFullError
from severance.barrier.children import end_with_parent
from severance.barrier.traces.ports import MEMORY

_CLEARING = ("delete", "os.unlink", "os.remove", "os.rmdir")
_SYNCS = ("sync", "os.fsync")
_LEFT_BEHIND = re.compile(r"\.part$|(^|/)\.severance-")
_NOT_FOR_PEOPLE = re.compile(r"\n|\. |Error|Errno|sqlite3|^$")
_POWER_CUTS = 24
"""States drawn at each instant after a failed sync, beside the classic ones."""

_INSTANTS = 5
"""At how many instants after a failed sync the power goes, where the story went on."""


@dataclass
class Tally:
    """What was tried.

    Attributes:
        stories: stories told without a fault.
        operations: operations in them, by kind: where a fault can be.
        faults: faults injected, by operation and way.
        unharmed: how often the story went on to its end all the same.
        raised: what the calls raised that met a fault or came after it, by class.
        power_cuts: states after a power cut that followed a failed sync.
        wrong: what must not be, one sentence each.
        whole: whether it was carried out to its end.
        seconds: how long it took.
    """

    stories: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    unharmed: int = 0
    raised: Counter[str] = field(default_factory=Counter)
    power_cuts: int = 0
    wrong: list[str] = field(default_factory=list)
    whole: bool = True
    seconds: float = 0.0

    def add(self, other: Tally) -> None:
        """Take in another's counts."""
        self.stories += other.stories
        self.operations += other.operations
        self.faults += other.faults
        self.unharmed += other.unharmed
        self.raised += other.raised
        self.power_cuts += other.power_cuts
        self.wrong += other.wrong
        self.whole &= other.whole

    def json(self) -> str:
        """For a file."""
        return json.dumps(vars(self), indent=2, sort_keys=True) + "\n"

    def __str__(self) -> str:
        lines = [f"{self.stories} stories, {self.operations.total():,} operations"]
        lines += [f"{kind:26}{number:>9,}" for kind, number in sorted(self.faults.items())]
        lines.append(f"{'all faults':26}{self.faults.total():>9,}, of which {self.unharmed:,} harmed no call")
        raised = ", ".join(f"{name} {number:,}" for name, number in self.raised.most_common())
        lines.append(f"raised: {raised or 'nothing'}")
        lines.append(f"{self.power_cuts:,} states after power cuts that followed failed syncs")
        lines += self.wrong
        lines.append(f"{len(self.wrong)} wrong, {self.seconds:.0f} s{'' if self.whole else ', broken off'}")
        return "\n".join(lines)


class Inquiry:
    """The faults of one story.

    Attributes:
        tally: what was tried.
        operations: the story's, by kind, in order.
    """

    def __init__(self, name: str, seed: int = 1) -> None:
        self.tally = Tally(stories=1)
        self._name = name
        self._seed = seed
        clean = tell(name, seed, Fault(-1, None))
        if clean.error is not None:
            raise clean.error
        self.operations = clean.recorder.seen
        self._marks = clean.tape.marks
        self.tally.operations.update(self.operations)

    def faults(self) -> list[Fault]:
        """Every fault that there can be."""
        return [Fault(at, way) for at, what in enumerate(self.operations) for way in WAYS.get(what, ())]

    def failed_syncs(self) -> list[Fault]:
        """Those that are syncs that fail."""
        return [fault for fault in self.faults() if self.operations[fault.at] in _SYNCS and fault.way == "error"]

    def inject(self, fault: Fault) -> None:
        """Tell the story with this fault, and look at what is left, by a killed process and by one that has closed."""
        told = tell(self._name, self._seed, fault)
        what = self.operations[fault.at]
        self.tally.faults[f"{what}: {fault.way}"] += 1
        if told.recorder.hit != what:
            self._wrong(fault, f"the story took another way before it: {told.recorder.hit}")
            return
        for error in filter(None, (told.error, *told.stage.errors)):
            self._judge(fault, error)
        self.tally.unharmed += told.error is None
        claim = self._claim(told)
        self._look(fault, told.killed, claim)
        if ordered(told.closed) != ordered(told.killed):
            self._look(fault, told.closed, claim, " after closing")
        if what not in _CLEARING and any(map(_LEFT_BEHIND.search, told.names)):
            self._wrong(fault, "a temporary file was left behind")

    def cut_after(self, fault: Fault, kind: type[Failing] = Failing) -> None:
        """Tell the story with a sync that fails, and let the power go after calls that returned later."""
        told = tell(self._name, self._seed, fault, kind)
        instants = [len(told.tape.ops)]
        if told.error is None:
            later = [mark.at for mark in told.tape.marks if mark.at > told.recorder.hit_at]
            instants += later[:: len(later) // _INSTANTS + 1]
        r = random.Random(f"{self._seed} {self._name} {fault.at}")
        seen: set[tuple[tuple[str, int], ...]] = set()
        for cut in _cuts(told.tape, instants):
            claim = self._claim(told) if cut.at == len(told.tape.ops) else _claim_between(told.tape.marks, cut.at)
            for choice in (*classic(cut), *(drawn(cut, r) for _ in range(_POWER_CUTS))):
                image = cut.image(possible(choice, cut.units))
                if ordered(image) not in seen:
                    seen.add(ordered(image))
                    self.tally.power_cuts += 1
                    self._look(fault, image, claim, " after a power cut")

    def _claim(self, told: Told) -> Claim:
        """What must be there at the end: what was acknowledged, and the call that failed wholly or not at all."""
        marks = told.tape.marks
        following = None
        if told.error is not None and len(marks) < len(self._marks):
            following = self._marks[len(marks)]
        claim = claimed(marks[-1] if marks else None, following)
        claim.extra, claim.besides = told.stage.extra, AFTER
        if not told.stage.errors:
            claim.exactly = told.stage.views
        return claim

    def _look(self, fault: Fault, image: Image, claim: Claim, when: str = "") -> None:
        with tempfile.TemporaryDirectory(prefix="faults-", dir=MEMORY) as folder:
            wrong = deep(image, Path(folder, "deep"), claim)
        if wrong is not None:
            self._wrong(fault, f"{wrong}{when}")

    def _judge(self, fault: Fault, error: Exception) -> None:
        self.tally.raised[type(error).__name__] += 1
        full = (fault.way or "").startswith("full")
        if not isinstance(error, SeveranceError):
            self._wrong(fault, f"{type(error).__name__} came out: {error}")
        elif not isinstance(error, StoreFullError if full else StoreError):
            self._wrong(fault, f"{type(error).__name__} is not what this is: {error}")
        elif _NOT_FOR_PEOPLE.search(str(error)):
            self._wrong(fault, f"not one sentence for a person: {error}")

    def _wrong(self, fault: Fault, what: str) -> None:
        self.tally.wrong.append(f"{self._name}, {self.operations[fault.at]} {fault.at}, {fault.way}: {what}")


def _cuts(tape: Tape, instants: Sequence[int]) -> Iterator[Cut]:
    disk = Disk()
    for at, op in enumerate(tape.ops, 1):
        disk.play(op)
        if at in instants:
            yield Cut(disk, at, wanted)


def _claim_between(marks: Sequence[Mark], at: int) -> Claim:
    last = max(number for number, mark in enumerate(marks) if mark.at <= at)
    return claimed(marks[last], marks[last + 1] if last + 1 < len(marks) else None)


def stories(number: int) -> list[str]:
    """So many: those written by hand, and then those drawn."""
    return [*WORKLOADS, *(f"drawn {each}" for each in range(1, 1 + max(0, number - len(WORKLOADS))))][:number]


def inquire(name: str, seed: int = 1, every: int = 1) -> Tally:
    """All faults of a story, or one in so many. An interrupt ends it with what there is."""
    inquiry = Inquiry(name, seed)
    try:
        for fault in inquiry.faults()[::every]:
            inquiry.inject(fault)
        for fault in inquiry.failed_syncs()[::every]:
            inquiry.cut_after(fault)
    except KeyboardInterrupt:
        inquiry.tally.whole = False
    return inquiry.tally


def run(
    names: Sequence[str], seed: int = 1, jobs: int = 1, every: int = 1, tell: Callable[[str], object] = bool
) -> Tally:
    """The faults of several stories.

    Args:
        names: the stories.
        seed: of what is drawn in them.
        jobs: processes.
        every: one fault in so many.
        tell: gets a line after each story.
    """
    tally = Tally()
    started = time.monotonic()

    def take(found: Tally) -> None:
        tally.add(found)
        faults, wrong = tally.faults.total(), len(tally.wrong)
        tell(f"{tally.stories} of {len(names)} stories, {faults:,} faults, {wrong} wrong, {_since(started):.0f} s")

    if jobs == 1:
        for name in names:
            take(inquire(name, seed, every))
            if not tally.whole:
                break
    else:
        with ProcessPoolExecutor(jobs, initializer=end_with_parent) as pool:
            under_way = [pool.submit(inquire, name, seed, every) for name in names]
            try:
                for each in under_way:
                    take(each.result())
            except KeyboardInterrupt:
                tally.whole = False
                pool.shutdown(cancel_futures=True)
    tally.seconds = _since(started)
    return tally


def _since(started: float) -> float:
    return time.monotonic() - started


def main() -> int:
    """For the command line; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stories", type=int, default=50)
    parser.add_argument("--every", type=int, default=1, help="one fault in so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--report", type=Path, help="a file for the counts, JSON")
    given = parser.parse_args()
    names = stories(given.stories)
    tally = run(names, given.seed, given.jobs, given.every, tell=lambda line: print(line, flush=True))
    if given.report is not None:
        given.report.write_text(tally.json(), encoding="utf-8")
    print(tally)
    return 1 if tally.wrong else 0
