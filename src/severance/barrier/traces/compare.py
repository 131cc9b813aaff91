"""Runs of one trace, compared: what others observe must not depend on what one persona did.

Three other runs are held against the whole one, for each persona in turn: it does nothing; it was never severed; it
says other words of the same sizes. Every other persona must observe the same to the last byte, and somebody who reads
the disk must see the same but for the one space (or, when only the words differ, the same altogether).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

# Importing them registers the steps.
from severance.barrier.traces import by_command, by_owner, by_session, by_warden  # noqa: F401
from severance.barrier.traces.content import FIRST_WORDS, SECOND_WORDS, Content
from severance.barrier.traces.elsewhere import still_workers
from severance.barrier.traces.observing import Observation
from severance.barrier.traces.overhearing import overhearing
from severance.barrier.traces.people import EVERYONE, Who, name_of
from severance.barrier.traces.ports import MEMORY, Ports, ScopedEntropy, small_batches, small_snapshots
from severance.barrier.traces.seats import Seats
from severance.barrier.traces.shape import Shape, unlike
from severance.barrier.traces.steps import Numbered, Step, attributed, without
from severance.barrier.traces.world import World
from severance.errors import StoreError

_SHOWN = 400


class Variant(StrEnum):
    """What is otherwise in the other run."""

    IDLE = "does nothing"
    UNBORN = "never was"
    REPLACED = "says other words"


@dataclass(frozen=True)
class Run:
    """What everyone observed, and what the disk looked like.

    Attributes:
        seen: of each persona what it observed; of None what everybody may.
        shapes: each time that nobody had the store open.
        spaces: the id of each persona's space.
    """

    seen: Mapping[Who | None, Sequence[Observation]]
    shapes: Sequence[Shape]
    spaces: Mapping[Who, bytes]

    def of(self, who: Who | None) -> Sequence[Observation]:
        """What one persona observed (None: what everyone did)."""
        return self.seen.get(who, ())


@dataclass
class _Built:
    """A house with everybody severed, to begin each run with."""

    files: dict[str, bytes]
    entropy: ScopedEntropy
    spaces: dict[Who, bytes]
    seats: Seats


@dataclass
class Stage:
    """Runs traces, one after the other and each in a new house, always in the same folder.

    The folder's name is in what some commands print, so it has to be the same. The house with which runs begin is made
    once for each persona that was never severed, and copied.

    Attributes:
        folder: where; its folder `trace` is emptied before each run.
        ports: what the worlds are made with.
        world: the last one.
    """

    folder: Path
    ports: Ports = field(default_factory=Ports)
    world: World | None = None
    _built: dict[Who | None, _Built] = field(default_factory=dict)

    def run(self, trace: Sequence[Step], victim: Who | None = None, variant: Variant | None = None) -> Run:
        """Run a trace; with a victim, as the variant has it."""
        steps = attributed(trace)
        if victim is not None and variant in (Variant.IDLE, Variant.UNBORN):
            steps = without(steps, victim)
        world = self.world = self._world(victim, variant)
        try:
            with small_snapshots(), small_batches(), by_warden.owners_log(), overhearing(MEMORY) as heard:
                self._take(world, steps)
        finally:
            with suppress(StoreError):
                world.dismiss()
        world.overheard(heard.said)
        return Run(dict(world.seen), world.shapes, world.spaces)

    def _take(self, world: World, steps: Sequence[Numbered]) -> None:
        with still_workers(world.clock) if self.ports.workers else nullcontext():
            world.run(steps)

    def _world(self, victim: Who | None, variant: Variant | None) -> World:
        absent = victim if variant is Variant.UNBORN else None
        replaced = victim if variant is Variant.REPLACED else None
        contents = {who: Content(SECOND_WORDS if who == replaced else FIRST_WORDS) for who in EVERYONE}
        if absent not in self._built:
            self._built[absent] = self._build(World(self._empty(), contents, absent, self.ports))
        built = self._built[absent]
        world = World(self._empty(), contents, absent, self.ports)
        world.store.mkdir()
        for name, content in built.files.items():
            (world.store / name).write_bytes(content)
        world.entropy, world.spaces, world.seats = built.entropy.again(), dict(built.spaces), built.seats.again()
        return world

    def _build(self, world: World) -> _Built:
        try:
            world.build()
        finally:
            world.dismiss()
        files = {path.name: path.read_bytes() for path in world.store.iterdir()}
        return _Built(files, world.entropy, world.spaces, world.seats)

    def _empty(self) -> Path:
        folder = self.folder / "trace"
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        return folder


@dataclass(frozen=True)
class Pair:
    """A trace, and the trace with one persona otherwise.

    Attributes:
        victim, variant: who, and how.
        crossed: what others observed otherwise, one sentence each.
        seen_on_disk: what the disk showed beyond the declared leakage, one sentence each.
    """

    victim: Who
    variant: Variant
    crossed: tuple[str, ...]
    seen_on_disk: tuple[str, ...]


def pairs(
    stage: Stage, trace: Sequence[Step], variants: Sequence[Variant], victims: Sequence[Who] = EVERYONE
) -> Iterator[Pair]:
    """Run the trace, then each variant for each victim, and compare."""
    whole = stage.run(trace)
    for victim in victims:
        for variant in variants:
            yield compared(whole, stage.run(trace, victim, variant), victim, variant)


def run(trace: Sequence[Step], folder: Path) -> Run:
    """Run a trace as it is. The store stays, in `folder / "trace" / "store"`."""
    return Stage(folder).run(trace)


def differences(trace: Sequence[Step], victim: Who, ports: Ports | None = None) -> list[str]:
    """Where others, or the disk, show something else when the victim does nothing, never was, or says other words."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
        stage = Stage(Path(scratch), ports or Ports())
        found = list(pairs(stage, trace, tuple(Variant), (victim,)))
    return [sentence for pair in found for sentence in (*pair.crossed, *pair.seen_on_disk)]


def compared(whole: Run, other: Run, victim: Who, variant: Variant) -> Pair:
    """The pair that these two runs of one trace are."""
    when = f"when {name_of(victim)} {variant}"
    crossed = [
        f"{'everybody' if who is None else name_of(who)} sees something else {when}: {first}"
        for who in (None, *EVERYONE)
        if who != victim and (first := _first_difference(whole.of(who), other.of(who)))
    ]
    replaced = variant is Variant.REPLACED
    apart_from = () if replaced else (whole.spaces[victim],)
    shown = [
        f"the disk shows something else {when}: {sentence}"
        for one, another in zip(whole.shapes, other.shapes, strict=False)
        for sentence in unlike(one, another, apart_from=apart_from, whole=replaced)
    ]
    if len(whole.shapes) != len(other.shapes):
        shown.append(f"the store was closed another number of times {when}")
    return Pair(victim, variant, tuple(crossed), tuple(dict.fromkeys(shown)))


def _first_difference(one: Sequence[Observation], other: Sequence[Observation]) -> str:
    """In words; empty when there is none."""
    if one == other:
        return ""
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            return f"{_cut(mine)} and not {_cut(theirs)}"
    return f"{len(one)} observations and not {len(other)}"


def _cut(observation: Observation) -> str:
    at, what, view = observation
    said = repr(view)
    return f"at step {at}, {what} gives {said if len(said) <= _SHOWN else said[:_SHOWN] + '...'}"
