"""The parts that kill writers (P4) and damage stores (P5), each with a control that must fail."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from severance.barrier.children import command, environment
from severance.barrier.endurance.alterations import SET_FRAME, Alterer, Rows, answers_after, older_vault
from severance.barrier.endurance.damage import SOUND, Bench, Outcome
from severance.barrier.endurance.replacing import replaced
from severance.barrier.findings import Control, Tally
from severance.barrier.scene import Part, Scene, Skipped
from severance.chip.chip import Chip
from severance.errors import DamagedError, SeveranceError
from severance.model import Head
from severance.ports import Entry
from severance.records import Event, Forgotten
from severance.space import Space

_LONGEST = 120.0
_MOST_KILLS = 10**9
_HASTY_KILLS = 60


def kills(scene: Scene, tally: Tally) -> None:
    """Two writers of one persona, killed at random instants.

    A kill leaves the machine running, so it cannot see whether a commit waits for the disk: after every tenth kill
    SQLite's settings for that (synchronous, journal mode) are read back from the connections of an open store.
    """
    if not hasattr(os, "fork"):
        raise Skipped("writers are forked and killed with SIGKILL, which this system has not")
    with _supervisor(scene, "hasty", _HASTY_KILLS, "--hasty") as supervisor:
        lost = any(counted["faults"] for counted in _counted(supervisor))
    tally.control = Control("writers that acknowledge before they write", 1, int(lost))
    counted = dict[str, Any]()
    with _supervisor(scene, "writers", _MOST_KILLS) as supervisor:
        for counted in _counted(supervisor):
            tally.tried = counted["kills"]
            tally.note = (
                f"{sum(counted['acknowledged'].values()):,} calls had been acknowledged when it was looked, and "
                f"{sum(counted['under_way'].values()):,} were cut short and are wholly done or not at all."
            )
            if not scene.more(tally):
                _finish(supervisor)
    for fault in counted.get("faults", ()):
        tally.tried -= 1
        tally.broke(f"{fault} (seed {scene.seed})")
    if not counted:
        tally.failed = "the process that kills the writers ended without a word"


@contextmanager
def _supervisor(scene: Scene, name: str, most: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The process that forks the writers and kills them. It ends with its input, so also when this process does."""
    where = scene.folder / name
    where.mkdir()
    words = ["--lines", *options, "--kills", str(most), "--seed", str(scene.seed), "--where", str(where)]
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # what forks should have one thread
    with (where / "stderr").open("w") as errors:
        child = subprocess.Popen(
            command("severance.barrier.endurance.kills", *words),
            cwd=where,
            env=environment(where) | single,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield child
        finally:
            _finish(child)
            try:
                child.wait(_LONGEST)
            finally:
                child.kill()
                _output(child).close()


def _finish(supervisor: subprocess.Popen[str]) -> None:
    assert supervisor.stdin is not None  # noqa: S101 - for the type checker
    supervisor.stdin.close()


def _counted(supervisor: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What it has counted so far, after each look."""
    output = _output(supervisor)
    while select.select([output], [], [], _LONGEST)[0]:
        line = output.readline()
        if not line:
            return
        yield json.loads(line)
    raise SeveranceError("a store could not be looked at in two minutes after its writers had been killed")


def _output(supervisor: subprocess.Popen[str]) -> IO[str]:
    assert supervisor.stdout is not None  # noqa: S101 - for the type checker
    return supervisor.stdout


def damage(scene: Scene, tally: Tally) -> None:
    """Alterations of a store, each of which is noticed or makes no difference."""
    folder = scene.folder / "bench"
    folder.mkdir()
    bench = Bench(folder)
    tally.control = _unchecked(bench)
    alterer, trial = Alterer(bench), 0
    while trial == 0 or scene.more(tally):
        tried = alterer.trial(scene.random(trial))
        if tried.outcome.kind in SOUND:
            tally.held()
        else:
            tally.broke(f"{tried.what}: {': '.join(filter(None, tried.outcome))} (seed {scene.seed}, trial {trial})")
        trial += 1


def _unchecked(bench: Bench) -> Control:
    """Two readers that do not check: one for the chip's anchor, one for what does not open."""
    log = Rows(bench, "floor")
    bench.reset()
    last = log.living[-1]
    altered = bytearray(log.rows[last][0])
    altered[-1] ^= 1
    seen: list[Outcome] = []
    with replaced(Chip, anchor=lambda self, key, rows=None: None):
        seen.append(older_vault(bench))
    with replaced(Space, _next=_passing_over(Space._next)):
        seen.append(answers_after(bench, [(SET_FRAME, bytes(altered), log.space, last)])[0])
    return Control("damage, asked of readers that do not check", len(seen), sum(one.kind not in SOUND for one in seen))


def _passing_over(true: Callable[[Space, Entry], Event | None]) -> Callable[[Space, Entry], Event | None]:
    """Reading that takes a record that does not open for one that was forgotten."""

    def following(self: Space, entry: Entry) -> Event | None:
        try:
            return true(self, entry)
        except DamagedError:
            self.head = Head(entry.seq, entry.digest)
            return Forgotten([], [entry.seq], 0)

    return following


PARTS = (
    Part(
        name="durability.kill",
        title="Acknowledged writes of two processes that are killed at random instants, over and over",
        promise="P4",
        unit="processes killed",
        advice="Report it, with this seed and version, and with the file system on which it ran.",
        run=kills,
        not_covered=(
            "A kill leaves the machine running. Power cuts, which take a disk's cache along, are simulated in tests.",
        ),
        least=10,
    ),
    Part(
        name="damage.noticed",
        title="Bits flipped, files cut, records and rows of the chip swapped, moved, removed, and older files put back",
        promise="P5",
        unit="alterations",
        advice="Report it, with this seed and version: a wrong answer was taken for a right one.",
        run=damage,
        not_covered=(
            "The chip and the vault put back together, to the same moment: the threat model says what to do about it.",
        ),
        least=50,
    ),
)
"""In the order in which they are tried."""
