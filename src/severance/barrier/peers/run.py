"""Another memory, tried for the ten classes: one part of the barrier for each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from severance.barrier.findings import Control, Tally
from severance.barrier.peers import leaky
from severance.barrier.peers.classes import LEAKS
from severance.barrier.peers.ground import Ground, UnfitError
from severance.barrier.peers.leak import Leak
from severance.barrier.peers.remote import Limits, NoAnswerError, NotMadeError, Remote
from severance.barrier.peers.targets import Target, target_of
from severance.barrier.scene import Part, Scene, Skipped

ROUNDS = 3
DEEP_ROUNDS = 60
CROWDS, DEEP_CROWDS = (500, 1_000), (500, 1_000, 2_000, 5_000, 10_000)
"""Memories in the stores that are filled for what begins at a size: the first whatever the time."""
MOST_MEMORIES, MOST_TENANTS = 142, 102
"""In one store, in the largest round that there is, where the adapter refuses nothing. A test counts them."""

NOT_COVERED = (
    "What an adapter does besides: it runs as you, with what you may do, and it could forge its verdict.",
    "Processes that an adapter starts and hides; they may go on after the run.",
    f"What begins at a size that was not reached: leak.filter fills a store with {CROWDS[0]} memories, and others "
    f"with up to {CROWDS[-1]:,} ({DEEP_CROWDS[-1]:,} with --full) as time allows; elsewhere there are {MOST_MEMORIES}.",
    f"Tenants whose names collide by chance, as two in 65,536 do under a hash of 16 bits: a store has at most "
    f"{MOST_TENANTS} names here.",
)
"""What no run against another memory says anything about."""

_CONTROL_ROUNDS = 3


@dataclass
class Health:
    """How the adapter has fared so far; one for all parts of a run, so that what is known need not be waited for again.

    Attributes:
        patience: how many silences there may be.
        silences: how often it gave no answer, and how the last time.
        unfit: why nothing can be concluded from it, or empty.
        made: whether one was ever made.
    """

    patience: int
    silences: list[str] = field(default_factory=list)
    unfit: str = ""
    made: bool = False

    def over(self) -> bool:
        """Whether nothing more should be tried."""
        return bool(self.unfit) or len(self.silences) >= self.patience

    def said(self) -> str:
        """Why it is over, or what was missed, in one sentence."""
        return (
            self.unfit or f"the adapter failed to answer {len(self.silences)} times; the last time, {self.silences[-1]}"
        )


def parts_against(target: str, limits: Limits | None = None) -> list[Part]:
    """One part for each class of leak, named `leak.<class>`, to be tried on this memory.

    Args:
        target: a name such as `mem0`, `FILE.py:CLASS`, or `package.module:CLASS`.
        limits: for the adapter's answers.

    Raises:
        InputError: there is no such adapter, or it cannot be imported; the message says what to install.
    """
    limits = limits or Limits()
    adapter, health = target_of(target, limits), Health(limits.silences)
    return [
        Part(
            name=f"leak.{leak.slug}",
            title=leak.title,
            promise=leak.slug,
            unit="probes",
            advice=leak.advice,
            run=partial(_try, leak, adapter, limits, health),
            not_covered=(*leak.not_covered, *NOT_COVERED),
        )
        for leak in LEAKS
    ]


def _try(leak: Leak, target: Target, limits: Limits, health: Health, scene: Scene, tally: Tally) -> None:
    """Run a class's control, and then its probes."""
    tally.control = _control(leak, scene)
    attempt(leak, target, limits, health, scene, tally)


def attempt(leak: Leak, target: Target, limits: Limits, health: Health, scene: Scene, tally: Tally) -> None:
    """Run a class's probes round by round, as long as there is time and the adapter answers.

    Raises:
        Skipped: the adapter lacks the calls that the probes need.
    """
    if health.over():
        tally.failed = health.said()
        return
    before, whole, fullest = len(health.silences), 0, 0
    owners: dict[str, str] = {}
    with Remote(target.where, target.name, scene.folder / "worker", limits) as remote:
        for number, size in _rounds(leak, scene.deep):
            always = size == CROWDS[0] or not number
            if health.over():
                break
            if not (always or scene.more(tally)):
                continue
            came = _round(_probe(leak, size), remote, scene, tally, number, owners, health)
            whole += came and not size
            fullest = max(fullest, size if came else 0)
    _conclude(tally, health, health.silences[before:], whole, fullest)


def _conclude(tally: Tally, health: Health, new: list[str], whole: int, fullest: int) -> None:
    """Say what the rounds came to: the silences in them, how many ran to their end, and how far a store was filled."""
    if fullest:
        tally.note = f"the fullest store was given {fullest:,} memories"
    if health.over():
        tally.failed = health.said()
    elif new and not whole:
        tally.failed = f"no round came to its end: {new[-1]}"
    elif new:
        early = f"{len(new)} of the rounds ended early: {new[-1]}"
        tally.note = "; ".join(filter(None, (tally.note, early)))
    elif not tally.tried:
        raise Skipped("the adapter has none of the calls that these probes need")


def _rounds(leak: Leak, deep: bool) -> list[tuple[int, int]]:
    """What is done, in order: the number of the round, and how many memories its store is filled with; 0 for the
    probes of the class.
    """
    sizes = (DEEP_CROWDS if deep else CROWDS) if leak.crowd is not None else ()
    kinds = [*[0] * ROUNDS, *sizes, *[0] * (DEEP_ROUNDS - ROUNDS if deep else 0)]
    return list(enumerate(kinds))


def _probe(leak: Leak, size: int) -> Callable[[Ground], None]:
    crowd = leak.crowd
    return leak.probe if crowd is None or not size else lambda ground: crowd(ground, size)


def _round(
    probe: Callable[[Ground], None],
    remote: Remote,
    scene: Scene,
    tally: Tally,
    number: int,
    owners: dict[str, str],
    health: Health,
) -> bool:
    """Returns whether every probe of the round was made."""
    folder = scene.folder / f"round-{number}"
    again = f"seed {scene.seed}, round {number + 1}"
    ground = Ground(remote, folder, tally, scene.random(number), again, owners)
    try:
        ground.fresh()
        health.made = True
        probe(ground)
        return True
    except NotMadeError as problem:
        if health.made:
            health.silences.append(str(problem))
        else:
            health.unfit = f"nothing could be tried with the adapter: {problem}"
        remote.kill()
    except NoAnswerError as silent:
        health.silences.append(str(silent))
        remote.kill()  # what it holds is in doubt; the next round begins with a new process
    except UnfitError as unfit:
        health.unfit = str(unfit)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return False


def _control(leak: Leak, scene: Scene) -> Control:
    """The same probes on toy memories that leak in this way, each of which must be found."""
    found = sum(_finds(leak, toy, scene, scene.folder / toy) for toy in leak.toys)
    return Control("toy memories that leak in this way", len(leak.toys), found)


def _finds(leak: Leak, toy: str, scene: Scene, folder: Path) -> bool:
    tally, health = Tally(), Health(1)
    with Remote(leaky.__name__, toy, folder, Limits()) as remote:
        sizes = [*[0] * _CONTROL_ROUNDS, *([CROWDS[0]] if leak.crowd is not None else [])]
        for number, size in enumerate(sizes):
            _round(_probe(leak, size), remote, scene, tally, number, {}, health)
            if tally.found:
                return True
    return False
