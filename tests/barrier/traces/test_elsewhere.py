"""Traces in which every persona wakes in a worker: the same twice, and killed workers lose nothing acknowledged."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

import pytest

from severance.barrier.findings import Tally, Verdict
from severance.barrier.run import verdict_of
from severance.barrier.scene import Scene
from severance.barrier.traces.compare import Stage
from severance.barrier.traces.drawing import apart
from severance.barrier.traces.parts import parts
from severance.barrier.traces.people import EVERYONE
from severance.barrier.traces.ports import Ports
from severance.barrier.traces.steps import Step
from severance.cli.surface import invoke
from severance.worker import child
from severance.worker.scratch import PREFIX

pytestmark = pytest.mark.slow

INNIE = EVERYONE[0]
MINE = {"session": -1, "cut": None}
KILLED = {"session": -1, "cut": ("before a statement", 0, "cancelled")}


@pytest.fixture
def elsewhere(folder: Path) -> Stage:
    return Stage(folder, Ports(commands=invoke, workers=True))


def test_a_trace_in_workers_is_the_same_twice_and_leaves_nothing(elsewhere: Stage) -> None:
    before, sound = set(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")), child.command()
    steps = apart(Random(3), 6)
    one, other = elsewhere.run(steps), elsewhere.run(steps)
    assert {who: one.of(who) for who in (None, *EVERYONE)} == {who: other.of(who) for who in (None, *EVERYONE)}
    assert one.shapes == other.shapes
    assert child.command() == sound
    assert set(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")) <= before


def test_every_persona_wakes_in_a_process_of_its_own_at_the_time_of_the_trace(elsewhere: Stage) -> None:
    run = elsewhere.run([Step("remember", who, {**MINE, "words": (0, 1)}) for who in EVERYONE])
    for at, who in enumerate(EVERYONE):
        [memory] = [view for _, what, view in run.of(who) if what == "remember"]
        assert memory[1][2].minute == at, "a minute for each step"
    world = elsewhere.world
    assert world is not None
    assert len({view[1][0] for who in EVERYONE for _, what, view in run.of(who) if what == "remember"}) == 4


def test_a_killed_worker_loses_nothing_that_was_acknowledged(elsewhere: Stage) -> None:
    says = Step("remember", INNIE, {**MINE, "words": (0, 1)})
    run = elsewhere.run([says, Step("stats", INNIE, KILLED), Step("memories", INNIE, MINE)])
    views = [(what, view) for _, what, view in run.of(INNIE) if what != "asked of the encoders"]
    assert [what for what, _ in views] == ["cross", "remember", "stats", "cross", "memories"]
    assert views[2][1][:2] == (
        "AsleepError",
        "the process of this session has ended; cross again to wake the persona",
    )
    assert [memory[1][1] for memory in views[4][1]] == ["file waffle"]


def test_the_part_holds_and_its_control_is_found(folder: Path) -> None:
    part = next(part for part in parts(invoke) if part.name == "noninterference.workers")
    tally = Tally()
    part.run(Scene(folder, 11, lambda tally: False), tally)
    assert tally.control is not None
    assert tally.control.works
    assert (verdict_of(tally), tally.tried) == (Verdict.HELD, part.least)
