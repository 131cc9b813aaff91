"""Two processes write to one persona, and are killed at random instants: `run` says what was lost or damaged.

    python -m severance.barrier.endurance.kills --kills 1000

A supervisor forks the writers and never opens the store itself. Each writer says what it is about to do, and after the
call has returned that it is done. Those lines are in a pipe, so they outlive the writer. A writer that starts says
first what of its own it finds in the store; that must be what was acknowledged, with what was under way done wholly or
not at all. Needs `os.fork`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from severance import house as houses
from severance import sleeping
from severance.barrier.endurance.replacing import replaced
from severance.barrier.endurance.writer import COMMON, Said, Say, Writer, examine
from severance.barrier.traces.ports import KEY, MEMORY
from severance.embed import Hashing
from severance.errors import SeveranceError

WRITERS = 2
KILLS_EACH_STORE = 100
"""Then a new store is begun, so that waking stays short and most kills hit writing."""

CHECK_EVERY = 10
LONGEST = 60.0
_MOST_FILES = 1_024
_STDIN = 0


@dataclass
class Report:
    """What came of it.

    Attributes:
        kills: how many processes were killed.
        acknowledged: calls that returned, by what they were.
        under_way: calls that were killed, by what they were and whether they turned out done.
        faults: what must not be: one sentence each.
    """

    kills: int = 0
    acknowledged: Counter[str] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass
class Known:
    """What the supervisor knows of one lane: each memory's text and the ids of its versions, by current id."""

    memories: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    intent: Said | None = None


class Child:
    """A forked process, and the lines that it says."""

    def __init__(self, work: Callable[[Say], None]) -> None:
        self._reading, writing = os.pipe()
        self._rest = b""
        self._unread: deque[Said] = deque()
        self.process = os.fork()
        if self.process == 0:
            self._be(work, writing)
        os.close(writing)

    def _be(self, work: Callable[[Say], None], writing: int) -> None:
        # The pipes of others above all: one that nobody else reads must break when the supervisor is gone.
        os.closerange(3, writing)
        os.closerange(writing + 1, _MOST_FILES)

        def say(said: Said) -> None:
            line = json.dumps(said).encode() + b"\n"
            while line:
                line = line[os.write(writing, line) :]

        try:
            # So that sleeping writes layers now and then.
            with replaced(sleeping, _LOOSE=20, BLOCK=50):
                work(say)
        except BaseException as error:  # noqa: BLE001 - nothing may go on below the fork
            say({"error": f"a process that should write or read ended with {_told(error)}"})
            traceback.print_exc()  # for who runs this by hand; it names files, and a report does not
        finally:
            os._exit(0)

    def lines(self, seconds: float) -> Iterator[Said]:
        """What it says within that time, or until it ends."""
        until = time.monotonic() + seconds
        while True:
            while self._unread:
                yield self._unread.popleft()
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._reading], [], [], left)[0]:
                return
            more = os.read(self._reading, 65_536)
            if not more:
                return
            *whole, self._rest = (self._rest + more).split(b"\n")
            self._unread += map(json.loads, whole)

    def end(self) -> None:
        """Kill it, and wait until it is gone."""
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)

    def kill(self) -> Iterator[Said]:
        """End it at once; what it had still said."""
        self.end()
        yield from self.lines(LONGEST)
        os.close(self._reading)

    def finish(self) -> list[Said]:
        """Let it end, and hear it to the end."""
        said = list(self.lines(LONGEST))
        self.end()
        os.close(self._reading)
        return said


def _told(error: BaseException) -> str:
    """The kind of error; what it says only if it is one of ours, which hold no path but the scratch's."""
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, SeveranceError) else kind


class Round:
    """One store, its writers, and what they have said."""

    def __init__(self, store: Path, report: Report, seed: int, *, hasty: bool = False) -> None:
        self._store = store
        self._report = report
        self._hasty = hasty
        self._random = random.Random(seed)
        self._known = [Known() for _ in range(WRITERS)]
        self._writers: list[Child | None] = [None] * WRITERS
        self._common: Counter[str] = Counter()
        self._perhaps: Counter[str] = Counter()
        self._names: dict[str, set[str]] = {"sever": set(), "place": set()}
        self._started = seed * 1_000_000

    def run(self, kills: int, go_on: Callable[[Report], bool]) -> None:
        """Kill until that many are killed or `go_on` says no, then look at everything. It is asked after each look."""
        try:
            self._run(kills, go_on)
        finally:
            for writer in filter(None, self._writers):
                writer.end()

    def _run(self, kills: int, go_on: Callable[[Report], bool]) -> None:
        begun = self._report.kills
        looked = begun
        while self._report.kills < begun + kills and not self._report.faults:
            for lane in range(WRITERS):
                self._writers[lane] = self._writers[lane] or self._start(lane)
            self._listen(self._random.uniform(0.001, 0.080))
            for lane in self._random.choice(([0], [0], [1], [1], [0, 1])):
                self._kill(lane)
            if self._report.kills - looked >= CHECK_EVERY:
                looked = self._report.kills
                self._look()
                if not go_on(self._report):
                    break
        for lane in range(WRITERS):
            if self._writers[lane] is not None:
                self._kill(lane)
        self._look()

    def _start(self, lane: int) -> Child:
        self._started += 1
        seed = self._started
        child = Child(lambda say: Writer(self._store, f"lane{lane}", seed, say, hasty=self._hasty).work())
        # It is left alone until it has looked around now and then only: kills during waking are wanted as well.
        if self._random.random() < 0.7:
            for said in child.lines(LONGEST):
                self._hear(lane, said)
                break
        return child

    def _listen(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for lane, writer in enumerate(self._writers):
            if writer is not None:
                for said in writer.lines(max(0.0, until - time.monotonic()) / (WRITERS - lane)):
                    self._hear(lane, said)

    def _kill(self, lane: int) -> None:
        writer = self._writers[lane]
        if writer is not None:
            for said in writer.kill():
                self._hear(lane, said)
            self._writers[lane] = None
            self._report.kills += 1
            intent = self._known[lane].intent
            if intent is not None and intent["to"] == "repeat":
                self._perhaps[intent["text"]] += 1
                self._known[lane].intent = None
            elif intent is not None and intent["to"] in self._names:
                self._report.under_way[f"{intent['to']}, cut short"] += 1
                self._known[lane].intent = None

    def _look(self) -> None:
        """A third process opens the store, while writers may go on."""
        (said, *_) = [*Child(lambda say: examine(self._store, say)).finish(), {"error": "it said nothing"}]
        self._report.checks += 1
        if "error" in said:
            self._fault(said["error"])
            return
        for finding in said["findings"]:
            self._fault(f"check: {finding}")
        for what, names in self._names.items():
            for name in sorted(names.difference(said["names"][what])):
                self._fault(f"{what} {name} was acknowledged, and is not there")
        idle = not any(self._writers)
        for text in self._common | self._perhaps:
            least, most = self._common[text], self._common[text] + self._perhaps[text]
            repeats = said["common"].get(text, 0)
            if repeats < least or (idle and repeats > most):
                self._fault(f"{text} was remembered {repeats} times, and acknowledged {least}, at most {most}")
        perhaps = sum(len((known.intent or {}).get("texts", ())) for known in self._known)
        most = sum(len(known.memories) for known in self._known) + perhaps + COMMON
        if idle and said["memories"] > most:
            self._fault(f"{said['memories']} memories are there, and at most {most} were asked for")

    def _hear(self, lane: int, said: Said) -> None:
        known = self._known[lane]
        if "error" in said:
            self._fault(said["error"])
        elif "to" in said:
            known.intent = said
        elif "done" in said:
            assert known.intent is not None  # noqa: S101 - it was said before
            self._report.acknowledged[known.intent["to"]] += 1
            self._apply(known, known.intent, said["done"])
            known.intent = None
        else:
            self._compare(lane, known, {i: (text, versions) for i, (text, versions) in said["found"].items()})

    def _apply(self, known: Known, intent: Said, ids: list[str]) -> None:
        match intent["to"]:
            case "remember":
                known.memories |= {i: (text, [i]) for i, text in zip(ids, intent["texts"], strict=True)}
            case "repeat":
                self._common[intent["text"]] += 1
            case "amend":
                _, versions = known.memories.pop(intent["id"])
                known.memories[ids[0]] = (intent["text"], [*versions, ids[0]])
            case "forget":
                del known.memories[intent["id"]]
            case "sever" | "place" as what:
                self._names[what].add(intent["name"])

    def _compare(self, lane: int, known: Known, found: dict[str, tuple[str, list[str]]]) -> None:
        """What a writer finds of its own when it starts: what was acknowledged, and what was under way, or not."""
        intent, known.intent = known.intent, None
        before = Known(dict(known.memories))
        known.memories = found
        if found == before.memories:
            if intent is not None:
                self._report.under_way[f"{intent['to']}, not done"] += 1
            return
        differs = _difference(before.memories, found)
        if intent is None:
            self._fault(f"lane {lane}: nothing was under way, and the store differs: {differs}")
            return
        new = [i for i in found if i not in before.memories]
        if intent["to"] == "remember":
            texts = {found[i][0]: i for i in new}
            new = [texts[text] for text in intent["texts"] if text in texts]
        try:
            self._apply(before, intent, new)
        except (ValueError, IndexError):
            self._fault(f"lane {lane}: half of {intent} was done: {new}")
            return
        self._report.under_way[f"{intent['to']}, done"] += 1
        if before.memories != found:
            self._fault(f"lane {lane}: after {intent}, {_difference(before.memories, found)}")

    def _fault(self, what: str) -> None:
        self._report.faults.append(what)


def _difference(wanted: dict[str, Any], found: dict[str, Any]) -> str:
    lost = [item for item in wanted.items() if found.get(item[0]) != item[1]]
    extra = [item for item in found.items() if wanted.get(item[0]) != item[1]]
    return f"{len(lost)} lost or other, such as {lost[:2]}; {len(extra)} too many or other, such as {extra[:2]}"


def make(store: Path) -> None:
    """A store with one persona that wakes on the floor."""

    def work(say: Say) -> None:
        with houses.open(store, key=KEY, embedder=Hashing(16)) as house:
            house.sever("mark", ["innie"])
            house.place("floor", {"mark": "innie"})

    for said in Child(work).finish():
        raise AssertionError(said)


@contextmanager
def _folder(where: str | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kills-", dir=where) as folder:
        yield Path(folder)


def run(
    kills: int, seed: int, where: str | None, go_on: Callable[[Report], bool] = lambda _: True, *, hasty: bool = False
) -> Report:
    """Kill that many writers (or one more), a new store after each hundred; stop at the first fault.

    Args:
        kills: how many.
        seed: what the instants and the writers' choices are drawn from. What they hit is up to the machine.
        where: a folder for the stores, which are removed.
        go_on: asked after each look at a store, with what was counted so far.
        hasty: whether the writers acknowledge first.
    """
    report = Report()
    for number in range(kills):
        with _folder(where) as folder:
            make(folder / "store")
            seeded = Round(folder / "store", report, seed * 1_000 + number, hasty=hasty)
            seeded.run(min(KILLS_EACH_STORE, kills - report.kills), go_on)
        if report.kills >= kills or report.faults or not go_on(report):
            break
    return report


def main() -> int:
    """For the command line; 1 when there was a fault."""
    given = _arguments()
    started = time.monotonic()
    if given.lines:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with its input, also when a terminal sends this to all
        report = run(given.kills, given.seed, given.where, _tell_in_lines, hasty=given.hasty)
        print(json.dumps(vars(report)), flush=True)  # noqa: T201
        return 1 if report.faults else 0
    print(f"seed {given.seed}")  # noqa: T201
    report = run(given.kills, given.seed, given.where, _tell, hasty=given.hasty)
    print(json.dumps(dict(sorted(report.acknowledged.items()) + sorted(report.under_way.items())), indent=2))  # noqa: T201
    print(*report.faults, sep="\n")  # noqa: T201
    print(f"{report.kills:,} kills, {len(report.faults)} faults, {time.monotonic() - started:.0f} s")  # noqa: T201
    return 1 if report.faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    parser.add_argument("--where", default=MEMORY, help="a folder for the stores; in memory where there is such a one")
    parser.add_argument("--hasty", action="store_true", help="writers that acknowledge first: faults must be found")
    parser.add_argument("--lines", action="store_true", help="counts as JSON, until standard input ends")
    return parser.parse_args()


def _tell(report: Report) -> bool:
    if report.kills % KILLS_EACH_STORE < CHECK_EVERY:
        calls = sum(report.acknowledged.values())
        print(f"{report.kills:,} kills, {calls:,} calls acknowledged, {report.checks} checks", flush=True)  # noqa: T201
    return True


def _tell_in_lines(report: Report) -> bool:
    """Whether whoever started this still wants more."""
    print(json.dumps(vars(report)), flush=True)  # noqa: T201
    return not select.select([_STDIN], [], [], 0)[0]


if __name__ == "__main__":
    sys.exit(main())
