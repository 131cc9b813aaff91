"""Faults at every operation: a story is told once for each operation in it that can fail, and each way of failing.

    PYTHONPATH=tests python tools/iofaults.py --stories 50 --jobs 1 --report FILE

Afterwards the store must hold what was acknowledged, with what was under way done wholly or not at all; what was raised
must be an error of Severance's own, of the right class, in one sentence.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from crash.disk import Disk, marked
from crash.layer import DiskFullError
from crash.stage import Stage
from crash.states import Cut, Found, Image, classic, drawn, ordered, possible
from crash.tape import Mark, Recorder, Tape
from crash.verdict import Claim, claimed, deep, wanted
from crash.workloads import named, staged
from severance import SeveranceError, StoreError, StoreFullError
from severance.barrier.traces.ports import MEMORY

AFTER = "after the fault"
WAYS: dict[str, tuple[str, ...]] = {
    "open": ("error",),
    "read": ("error",),
    "write": ("error", "short", "full", "full from then on"),
    "truncate": ("error",),
    "sync": ("error",),
    "delete": ("error",),
    "os.fsync": ("error", "full"),
    "os.link": ("error", "full"),
    "os.mkdir": ("error", "full"),
    "os.rename": ("error",),
    "os.replace": ("error",),
    "os.unlink": ("error",),
    "os.remove": ("error",),
    "os.rmdir": ("error",),
}
"""How each operation can fail. A full disk stays full for whatever needs room until somebody makes some."""

_ROOM = ("write", "os.link", "os.mkdir")
_CLEARING = ("delete", "os.unlink", "os.remove", "os.rmdir")
_POWER_CUTS = 24
"""States drawn after each failed sync, beside the classic ones."""


class Fault(NamedTuple):
    """One operation, counted from 0, and how it fails; None as its way is no fault at all."""

    at: int
    way: str | None


@dataclass
class Tally:
    """What was tried.

    Attributes:
        stories: stories told without a fault.
        operations: operations in them, by kind.
        faults: faults injected, by operation and way.
        raised: what the calls that failed raised, by class.
        unharmed: stories that went on as if nothing had been.
        cuts: power cuts simulated after failed syncs.
        wrong: what must not be, one sentence each.
    """

    stories: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    raised: Counter[str] = field(default_factory=Counter)
    unharmed: int = 0
    cuts: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in another's counts."""
        self.stories += other.stories
        self.operations += other.operations
        self.faults += other.faults
        self.raised += other.raised
        self.unharmed += other.unharmed
        self.cuts += other.cuts
        self.wrong += other.wrong


class Failing(Recorder):
    """A recorder that fails one operation.

    Attributes:
        seen: the operations so far, by what they were.
        hit: what was failed.
    """

    def __init__(self, name: str, root: Path, fault: Fault) -> None:
        super().__init__(name, root)
        self.seen: list[str] = []
        self.hit: str | None = None
        self._fault = fault

    def attempt(self, what: str, path: str, data: bytes = b"") -> bytes:
        """Count it, and fail it if it is the one."""
        number = len(self.seen)
        self.seen.append(what)
        if self.stopped or self._fault.way is None:
            return data
        lasting = self._fault.way == "full from then on" and number > self._fault.at and what in _ROOM
        if number != self._fault.at and not lasting:
            return data
        self.hit = self.hit or what
        if self._fault.way == "short":
            return data[: len(data) // 2]
        if self._fault.way == "error":
            raise OSError(5, "failed")
        raise DiskFullError(28, "full")


class Quick(Failing):
    """The same without a tape of what reached the disk, for when nobody asks: in a third of the time."""

    def opened(self, path: str) -> int:
        """Not noted."""
        return 0

    def named(self) -> None:
        """Not noted."""

    def wrote(self, file: int, offset: int, data: bytes) -> None:
        """Not noted."""

    def cut(self, file: int, size: int) -> None:
        """Not noted."""

    def synced(self, file: int) -> None:
        """Not noted."""

    def folder_synced(self, path: str) -> None:
        """Not noted."""

    def failed(self, what: str, path: str) -> None:
        """Not noted."""

    def after(self, path: str, statement: str, raw: object) -> None:
        """Not noted."""


class Told(NamedTuple):
    """A story that was told.

    Attributes:
        tape: what it left behind.
        seen: its operations.
        hit: the one that failed.
        error: what the call raised that met the fault; None if the story went on to its end.
        extra: what was remembered after that, by persona, in full.
        image: the files at the end, as a killed process leaves them.
        names: every name in the folder.
    """

    tape: Tape
    seen: list[str]
    hit: str | None
    error: BaseException | None
    extra: Stage
    image: Image
    names: list[str]


def tell(name: str, seed: int, fault: Fault, kind: type[Failing] = Quick) -> Told:
    """Tell a story with a fault in it. After the first error, every session that is awake remembers one thing more."""
    with tempfile.TemporaryDirectory(prefix="faults-", dir=MEMORY) as folder:
        recorder = kind(name, Path(folder), fault)
        error: BaseException | None = None
        with staged(name, Path(folder), seed, recorder) as stage:
            try:
                named(name)(stage)
            except Exception as problem:  # noqa: BLE001 - whatever comes up is looked at
                error = problem
                stage.go_on(AFTER)
            image = _files(recorder.root)
            names = sorted(path.relative_to(recorder.root).as_posix() for path in recorder.root.rglob("*"))
        return Told(recorder.tape, recorder.seen, recorder.hit, error, stage, image, names)


def _files(root: Path) -> Image:
    found: Image = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_file() and wanted(name):
            raw = path.read_bytes()
            found[name] = Found(raw, marked(raw))
    return found


class Inquiry:
    """The faults of one story."""

    def __init__(self, name: str, seed: int, tally: Tally) -> None:
        self._name = name
        self._seed = seed
        self._tally = tally
        self._clean = tell(name, seed, Fault(-1, None))
        tally.stories += 1
        tally.operations += Counter(self._clean.seen)
        if self._clean.error is not None:
            raise AssertionError(f"{name} fails without a fault") from self._clean.error

    def faults(self) -> list[Fault]:
        """Every fault that there can be."""
        return [Fault(at, way) for at, what in enumerate(self._clean.seen) for way in WAYS.get(what, ())]

    def inject(self, fault: Fault) -> None:
        """Tell the story with this fault, and look at what is left."""
        told = tell(self._name, self._seed, fault)
        what = self._clean.seen[fault.at]
        self._tally.faults[f"{what}: {fault.way}"] += 1
        if told.hit != what:
            self._wrong(fault, f"the story took another way before it: {told.hit} and not {what}")
            return
        for error in (told.error, *told.extra.errors):
            self._judge(fault, error)
        self._tally.unharmed += told.error is None
        self._look(fault, told, told.image)
        for name in told.names:
            if ".part" in name or name.startswith(".severance-"):
                if what not in _CLEARING:
                    self._wrong(fault, f"{name.rpartition('.')[2]} was left behind")

    def cut_after(self, fault: Fault) -> None:
        """Tell the story with a sync that fails, and let the power go after it has ended."""
        told = tell(self._name, self._seed, fault, Failing)
        disk = Disk()
        for op in told.tape.ops:
            disk.play(op)
        cut = Cut(disk, len(told.tape.ops), wanted)
        r = random.Random(f"{self._seed} {self._name} {fault.at}")
        seen: set[tuple[tuple[str, int], ...]] = set()
        for choice in (*classic(cut), *(drawn(cut, r) for _ in range(_POWER_CUTS))):
            image = cut.image(possible(choice, cut.units))
            marks = ordered(image)
            if marks not in seen:
                seen.add(marks)
                self._tally.cuts += 1
                self._look(fault, told, image, power=True)

    def _look(self, fault: Fault, told: Told, image: Image, *, power: bool = False) -> None:
        with tempfile.TemporaryDirectory(prefix="faults-", dir=MEMORY) as folder:
            wrong = deep(image, Path(folder, "deep"), self._claim(told, power=power))
        if wrong is not None:
            self._wrong(fault, f"{wrong}{' after a power cut' if power else ''}")

    def _claim(self, told: Told, *, power: bool) -> Claim:
        passed = len(told.tape.marks)
        marks = self._clean.tape.marks
        last = told.tape.marks[-1] if passed else None
        claim = claimed(last, marks[passed] if told.error is not None and passed < len(marks) else None)
        claim.extra, claim.besides = told.extra.extra, AFTER
        return claim

    def _judge(self, fault: Fault, error: BaseException | None) -> None:
        if error is None:
            return
        self._tally.raised[type(error).__name__] += 1
        text = str(error)
        full = (fault.way or "").startswith("full")
        if not isinstance(error, SeveranceError):
            self._wrong(fault, f"{type(error).__name__} came out: {text}")
        elif not isinstance(error, StoreFullError if full else StoreError):
            self._wrong(fault, f"{type(error).__name__} is not what this is: {text}")
        elif "\n" in text or ". " in text or "Error" in text or "Errno" in text or "sqlite3" in text or not text:
            self._wrong(fault, f"not one sentence for a person: {text}")

    def _wrong(self, fault: Fault, what: str) -> None:
        self._tally.wrong.append(f"{self._name}, {self._clean.seen[fault.at]} {fault.at}, {fault.way}: {what}")
