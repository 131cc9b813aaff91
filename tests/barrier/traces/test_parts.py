"""The parts of the barrier: what they count, that their controls are found, and what a leak makes of them."""

from __future__ import annotations

from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from severance.barrier.findings import Outcome, Tally, Verdict
from severance.barrier.run import verdict_of
from severance.barrier.scene import Part, Scene
from severance.barrier.traces import flaws
from severance.barrier.traces import parts as parts_module
from severance.barrier.traces.drawing import CROWD
from severance.barrier.traces.parts import parts
from severance.barrier.traces.ports import Ports
from severance.barrier.traces.timing import FLOOR, OWN, Comparison, Listening, Watch, told
from severance.cli.surface import invoke
from severance.session import Session

PARTS = {part.name: part for part in parts(invoke)}
TIMING = "noninterference.timing"
IN_PAIRS = ["noninterference.purge", "noninterference.substitution", "noninterference.shape"]


def tried(part: Part, folder: Path, *, trials: int = 1, jobs: int = 1) -> Tally:
    tally, asked = Tally(), count(1)
    part.run(Scene(folder, 11, lambda tally: next(asked) < trials, jobs), tally)
    return tally


def timed(folder: Path, watch: Watch) -> Tally:
    """The part that takes times, with this watch, once."""
    run, tally = PARTS[TIMING].run, Tally()
    assert isinstance(run, partial)
    run.func(watch, Scene(folder, 11, lambda tally: False), tally)
    return tally


@pytest.mark.parametrize("name", IN_PAIRS)
def test_a_part_holds_and_its_control_is_found(name: str, folder: Path) -> None:
    tally = tried(PARTS[name], folder)
    assert tally.control is not None
    assert tally.control.works
    assert verdict_of(tally) is Verdict.HELD


def test_timing_holds_and_its_control_is_found(folder: Path, watch: Watch) -> None:
    tally = timed(folder, watch)
    assert tally.control is not None
    assert tally.control.works
    assert verdict_of(tally) is Verdict.HELD


@pytest.mark.parametrize(("name", "pairs"), list(zip(IN_PAIRS, (4, 4, 8), strict=True)))
def test_a_part_counts_a_pair_for_each_persona_and_variant_and_one_beside_many(
    name: str, pairs: int, folder: Path
) -> None:
    assert tried(PARTS[name], folder, trials=2).tried == 2 * pairs + pairs // 4


@pytest.mark.parametrize("name", IN_PAIRS)
def test_a_part_says_how_many_memories_a_persona_held_at_most(name: str) -> None:
    assert any(f"more than {CROWD:,} memories" in sentence for sentence in PARTS[name].not_covered)


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
    """By the clock of the machine, which may be busy."""
    tally = tried(PARTS[TIMING], folder)
    assert tally.note.count("µs (t = ") == 8
    assert tally.tried + tally.found >= PARTS[TIMING].least


def test_the_note_on_timing_has_the_threshold_and_is_kept_whole(folder: Path, watch: Watch) -> None:
    with Listening(folder, 5_000, watch) as listening:
        comparisons = listening.comparisons()
        for comparison in comparisons:
            comparison.times[0].extend([-98_765.4] * 50 + [0.0] * 50)
            comparison.times[1].extend([0.0] * 99 + [1.0])
        said = told(comparisons)
    assert f"{FLOOR:,.0f} µs" in said
    for call in ("recall", "remember", "forget", "memories", "stats", "waking", "refusal of an unknown id"):
        assert f"{call} -" in said
    missed = "The control was missed, so finding nothing says nothing. "
    outcome = Outcome(TIMING, "", "P1", "timed calls", Verdict.NOTED, note=missed + said)
    assert outcome.note == missed + said


def test_every_part_makes_some_traces_with_every_persona_whatever_the_time() -> None:
    assert {name: PARTS[name].least for name in IN_PAIRS} == dict.fromkeys(IN_PAIRS, 20)
    assert PARTS[TIMING].least > 100


@pytest.mark.parametrize("call", ["recall", "remember", "memories", "stats", "forget"])
def test_a_call_that_takes_two_milliseconds_longer_beside_much_is_broken(
    call: str, folder: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = getattr(Session, call)

    def slower(self: Session, *given: Any, **named: Any) -> Any:
        space: Any = self._space
        if sum(space._vault.head(each).seq for each in space._vault.spaces()) > 400 + OWN:
            watch.wait(0.002)
        return true(self, *given, **named)

    monkeypatch.setattr(parts_module, "_ROUNDS", 30)
    monkeypatch.setattr(Session, call, slower)
    tally = timed(folder, watch)
    assert verdict_of(tally) is Verdict.BROKEN
    assert any(line.startswith(f"{call} when the other") for line in tally.evidence)


def test_a_missed_control_does_not_hide_a_leak_of_time(
    folder: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is more than chance but what leaks."""
    monkeypatch.setattr(Comparison, "leaks", property(lambda self: self.what == "stats"))
    monkeypatch.setattr(parts_module, "_ROUNDS", 2)
    tally = timed(folder, watch)
    assert tally.control is not None
    assert not tally.control.works
    assert (verdict_of(tally), tally.found) == (Verdict.BROKEN, 1)
