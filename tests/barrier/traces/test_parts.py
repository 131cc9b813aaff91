"""The parts of the barrier: what they count, that their controls are found, and what a leak makes of them."""

from __future__ import annotations

from functools import partial
from itertools import count
from pathlib import Path

import pytest

from severance.barrier.findings import Tally, Verdict
from severance.barrier.run import verdict_of
from severance.barrier.scene import Part, Scene
from severance.barrier.traces import flaws
from severance.barrier.traces.parts import parts
from severance.barrier.traces.ports import Ports
from severance.cli.surface import invoke

PARTS = {part.name: part for part in parts(invoke)}
IN_PAIRS = ["noninterference.purge", "noninterference.substitution", "noninterference.shape"]


def tried(part: Part, folder: Path, *, trials: int = 1, jobs: int = 1) -> Tally:
    tally, asked = Tally(), count(1)
    part.run(Scene(folder, 11, lambda tally: next(asked) < trials, jobs), tally)
    return tally


@pytest.mark.parametrize("name", PARTS)
def test_a_part_holds_and_its_control_is_found(name: str, folder: Path) -> None:
    tally = tried(PARTS[name], folder)
    assert tally.control is not None
    assert tally.control.works
    assert verdict_of(tally) in ((Verdict.HELD, Verdict.NOTED) if name.endswith("timing") else (Verdict.HELD,))


@pytest.mark.parametrize(("name", "pairs"), list(zip(IN_PAIRS, (3, 3, 6), strict=True)))
def test_a_part_counts_a_pair_for_each_persona_and_variant(name: str, pairs: int, folder: Path) -> None:
    assert tried(PARTS[name], folder, trials=2).tried == 2 * pairs


@pytest.mark.parametrize(
    ("name", "ports"),
    [
        (IN_PAIRS[0], Ports(entropy=flaws.OneStream)),
        (IN_PAIRS[1], Ports(embedder=flaws.learning)),
        (IN_PAIRS[2], Ports(embedder=flaws.caching)),
    ],
)
def test_a_leak_breaks_the_part_and_is_told_in_steps(name: str, ports: Ports, folder: Path) -> None:
    part = PARTS[name]
    assert isinstance(part.run, partial)
    leaking = partial(part.run.func, ports, *part.run.args[1:])
    tally = Tally()
    leaking(Scene(folder, 11, lambda tally: not tally.found), tally)
    assert verdict_of(tally) is Verdict.BROKEN
    assert tally.evidence[0].startswith("seed 11, trace ")
    assert " | the steps: 0. " in tally.evidence[0]


def test_a_part_may_use_several_processes(folder: Path) -> None:
    tally = tried(PARTS["noninterference.purge"], folder, trials=2, jobs=2)
    assert tally.tried >= 6
    assert tally.found == 0


def test_timing_says_what_it_measured(folder: Path) -> None:
    tally = tried(PARTS["noninterference.timing"], folder)
    assert tally.note.count("µs (t = ") == 4
