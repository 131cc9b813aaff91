"""What is recorded: short stories that together call everything that writes."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from crash.adapter import CHECKPOINT_PAGES, patched
from crash.layer import installed
from crash.stage import OTHER_DIMENSIONS, Stage
from crash.tape import Recorder, Tape
from severance.barrier.traces.ports import KEY, MEMORY, small_snapshots
from severance.upkeep.backup import restore

Workload = Callable[[Stage], None]
WORKLOADS: dict[str, Workload] = {}
FEW_PAGES = 8
"""How long the write-ahead log gets before a checkpoint where a workload is about the log's beginning again."""

_PAGES = {"wrapping": FEW_PAGES, "two handles": FEW_PAGES, "long texts": FEW_PAGES}


def workload(work: Workload) -> Workload:
    """Enter it under its name, with spaces."""
    WORKLOADS[work.__name__.replace("_", " ")] = work
    return work


@workload
def making(stage: Stage) -> None:
    """A store, its folder and its two files."""
    stage.close(stage.open())


@workload
def severing(stage: Stage) -> None:
    """Two subjects, one of them twice."""
    house = stage.open()
    stage.sever(house, "mark", "innie", "outie")
    stage.sever(house, "helly", "innie")
    stage.sever(house, "mark", "innie", "third")
    stage.close(house)


@workload
def placing(stage: Stage) -> None:
    """Thresholds that are declared, moved and taken away."""
    house = stage.furnished()
    stage.call(house.place, "lift", {"mark": "outie"})
    stage.call(house.place, "lift", {"mark": "innie"})
    stage.call(house.place, "lift", {"mark": None})
    stage.close(house)


@workload
def remembering(stage: Stage) -> None:
    """One memory after another."""
    house = stage.furnished()
    innie = stage.cross(house)
    for number in range(6):
        stage.call(innie.remember, f"file {number} is at {number * 16} percent", thread="monday")
    stage.call(innie.remember, "file 0 is at 0 percent", thread="monday")
    stage.close(house)


@workload
def remembering_many(stage: Stage) -> None:
    """Forty in one append."""
    house = stage.furnished()
    innie = stage.cross(house)
    for start in (0, 40):
        stage.call(innie.remember_many, [f"file {number} is refined" for number in range(start, start + 40)])
    stage.close(house)


@workload
def amending(stage: Stage) -> None:
    """New versions of old memories."""
    house = stage.furnished()
    innie = stage.cross(house)
    memory = stage.call(innie.remember, "Petey sits at the first desk")
    other = stage.call(innie.remember, "Irving dozes")
    memory = stage.call(innie.amend, memory.id, "Petey's desk is empty")
    stage.call(innie.amend, other.id, "Irving paints")
    stage.call(innie.amend, memory.id, "Helly sits at the first desk")
    stage.close(house)


@workload
def forgetting(stage: Stage) -> None:
    """Records are erased, with all their versions."""
    house = stage.furnished()
    innie = stage.cross(house)
    memories = stage.call(innie.remember_many, [f"the goat number {number}" for number in range(12)])
    amended = stage.call(innie.amend, memories[3].id, "a goat of another number")
    stage.call(innie.forget, memories[0].id)
    stage.call(innie.forget, amended.id)
    stage.call(innie.remember, "no goat at all")
    stage.call(innie.forget, memories[7].id)
    stage.close(house)


@workload
def sleeping(stage: Stage) -> None:
    """Snapshots and anchors."""
    house = stage.furnished()
    for number in range(3):
        innie, outie = stage.cross(house), stage.cross(house, "home")
        stage.call(innie.remember_many, [f"day {number}, file {file}" for file in range(5)])
        first = stage.call(outie.remember, f"evening {number}")
        if number == 1:
            stage.call(outie.forget, first.id)
        stage.call(innie.sleep)
        stage.call(outie.sleep)
    stage.close(house)


@workload
def two_handles(stage: Stage) -> None:
    """Two houses on one store, two personas in each, by turns."""
    one = stage.furnished()
    two = stage.open()
    awake = [stage.cross(house, place) for house in (one, two) for place in ("floor", "home")]
    for number in range(5):
        found = [stage.call(session.remember, f"{number} by {who}") for who, session in enumerate(awake)]
        stage.call(awake[(number + 2) % 4].forget, found[number % 4].id)
    stage.close(two)
    stage.call(awake[0].remember, "alone again")
    stage.close(one)


@workload
def wrapping(stage: Stage) -> None:
    """So much that the write-ahead log is moved into the file and begins again, several times."""
    house = stage.furnished()
    innie = stage.cross(house)
    for number in range(16):
        stage.call(innie.remember_many, [f"number {number * 3 + each} scares" for each in range(3)])
    stage.close(house)


@workload
def long_texts(stage: Stage) -> None:
    """Records that take pages of their own."""
    house = stage.furnished()
    innie = stage.cross(house)
    memories = [stage.call(innie.remember, f"chapter {number} " + "you, yourself " * 900) for number in range(3)]
    stage.call(innie.forget, memories[1].id)
    stage.call(innie.remember, "the last chapter " + "the you you are " * 300)
    stage.close(house)


@workload
def reembedding(stage: Stage) -> None:
    """Every memory gets a vector by another embedder."""
    house = stage.furnished()
    stage.call(stage.cross(house).remember_many, [f"the number {number} feels like woe" for number in range(8)])
    stage.call(stage.cross(house, "home").remember, "a mug")
    stage.close(house)
    again = stage.open(OTHER_DIMENSIONS)
    stage.call(again.reembed)
    stage.call(stage.cross(again).remember, "after it")
    stage.close(again)


@workload
def backing_up(stage: Stage) -> None:
    """A copy is made while the store is open, and once without the chip."""
    house = stage.furnished()
    innie = stage.cross(house)
    stage.call(innie.remember, "before the copy")
    house.backup(stage.root / "one.tar")
    stage.promise(stage.root / "one.tar")
    stage.call(innie.remember, "after the copy")
    house.backup(stage.root / "two.tar", chip=False)
    stage.promise(stage.root / "two.tar")
    stage.close(house)


@workload
def restoring(stage: Stage) -> None:
    """An older copy takes the place of the store, with its owner's consent."""
    house = stage.furnished()
    stage.call(stage.cross(house).remember, "what the copy has")
    house.backup(stage.root / "one.tar")
    stage.promise(stage.root / "one.tar")
    copied = stage.memories
    stage.call(stage.cross(house, "home").remember, "what it has not")
    stage.abandon()
    with stage.recorder.gap():
        restore(stage.root / "one.tar", stage.store, key=KEY, replace=True, accept_older=True)
        stage.replaced(copied)
    again = stage.open()
    stage.call(stage.cross(again).remember, "what comes after it")
    stage.close(again)


@workload
def scrubbing(stage: Stage) -> None:
    """Closing finds a stale copy of something forgotten, and writes the file anew."""
    house = stage.furnished()
    innie = stage.cross(house)
    memories = stage.call(innie.remember_many, [f"{number} and a secret" for number in range(10)])
    stage.call(innie.forget, memories[4].id)
    with mock.patch("severance.vault.residue.lingers", return_value=True):
        stage.close(house)
    again = stage.open()
    stage.call(stage.cross(again).remember, "in the new file")
    stage.close(again)


@workload
def dying(stage: Stage) -> None:
    """The process is killed, and its successor finds a write-ahead log."""
    for life in range(3):
        house = stage.furnished() if life == 0 else stage.open()
        innie = stage.cross(house)
        memory = stage.call(innie.remember, f"life {life}")
        stage.call(innie.remember, f"more of life {life}")
        if life:
            stage.call(innie.forget, memory.id)
        stage.abandon()


def drawn(seed: int) -> Workload:
    """A short story at random, always the same for the same seed."""

    def story(stage: Stage) -> None:
        r = random.Random(seed)
        house = stage.furnished()
        known: dict[str, list[str]] = {"floor": [], "home": []}
        awake = {place: stage.cross(house, place) for place in known}
        for number in range(r.randrange(3, 7)):
            place = r.choice(tuple(known))
            session, ids = awake[place], known[place]
            what = r.choice(("remember", "remember", "many", "amend", "forget", "sleep", "place", "sever"))
            if what == "amend" and ids:
                ids.append(stage.call(session.amend, ids.pop(), f"amended {number}").id)
            elif what == "forget" and ids:
                stage.call(session.forget, ids.pop(r.randrange(len(ids))))
            elif what == "many":
                texts = [f"{number}, {each}" for each in range(r.randrange(2, 30))]
                ids += [memory.id for memory in stage.call(session.remember_many, texts)]
            elif what == "sleep":
                stage.call(session.sleep)
                awake[place] = stage.cross(house, place)
            elif what == "place":
                stage.call(house.place, f"room {number}", {"mark": r.choice(("innie", "outie"))})
            elif what == "sever":
                stage.sever(house, f"subject {number}", "one")
            else:
                ids.append(stage.call(session.remember, f"number {number} " + "x" * r.randrange(2_000)).id)
        stage.close(house)

    return story


def named(name: str) -> Workload:
    """A workload by its name; `drawn N` is the one of seed N."""
    kind, _, number = name.rpartition(" ")
    return drawn(int(number)) if kind == "drawn" else WORKLOADS[name]


@contextmanager
def staged(name: str, root: Path, seed: int, recorder: Recorder | None = None) -> Iterator[Stage]:
    """A stage with the layer below it."""
    recorder = recorder or Recorder(name, root)
    pages = _PAGES.get(name, CHECKPOINT_PAGES)
    with installed(recorder, root) as vfs, patched(vfs, recorder, pages), small_snapshots():
        stage = Stage(recorder, seed)
        try:
            yield stage
        finally:
            recorder.stopped = True
            stage.end()


def record(name: str, seed: int = 1) -> Tape:
    """Run a workload, and give its tape."""
    with tempfile.TemporaryDirectory(prefix="crash-", dir=MEMORY) as folder:
        with staged(name, Path(folder), seed) as stage:
            named(name)(stage)
        return stage.recorder.tape
