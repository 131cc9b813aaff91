"""Trials in processes of their own: what is found, how it is told, and that no process hides what another keeps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from severance import Session
from severance.barrier.traces import flaws
from severance.barrier.traces.compare import Pair, Stage, Variant, compared, pairs
from severance.barrier.traces.crew import lanes
from severance.barrier.traces.digest import digest, paired
from severance.barrier.traces.drawing import trace
from severance.barrier.traces.people import EVERYONE
from severance.barrier.traces.ports import Ports
from severance.barrier.traces.trials import Series, Trial, Trials


def look(pair: Pair) -> tuple[str, ...]:
    return (*pair.crossed, *pair.seen_on_disk)


def made(trials: Trials, most: int, jobs: int = 2) -> list[Trial]:
    with closing(trials.made(range(most), jobs)) as results:
        return list(results)


def share_recollections() -> None:
    """A cache of the whole process, keyed by the query alone: what a long-lived server would have."""
    if not hasattr(Session, "shared"):
        true, shared = Session.recall, dict[Any, Any]()

        def recall(self: Session, query: str, **how: Any) -> Any:
            asked = (query, repr(how))
            if asked not in shared:
                shared[asked] = true(self, query, **how)
            return shared[asked]

        Session.shared, Session.recall = shared, recall  # type: ignore[attr-defined,method-assign]


def test_a_trial_is_a_pair_for_each_persona_and_variant(folder: Path) -> None:
    first, second = made(Trials(Series(5, folder, Ports()), (Variant.IDLE, Variant.REPLACED)), 2)
    assert [(pair.victim, pair.variant) for pair in first.pairs] == [
        (who, variant) for who in EVERYONE for variant in (Variant.IDLE, Variant.REPLACED)
    ]
    assert {pair.variant for pair in second.pairs} == {Variant.UNBORN, Variant.REPLACED}
    assert [look(pair) for trial in (first, second) for pair in trial.pairs if look(pair)] == []
    assert first.steps != second.steps


def test_a_cache_of_the_process_does_not_hide_itself(folder: Path) -> None:
    """Each series has a process of its own: in one, the whole run would fill the cache for the purged one."""
    trials = Trials(Series(5, folder, Ports(), prepare=share_recollections), (Variant.IDLE,))
    found = [(trial, pair) for trial in made(trials, 6) for pair in trial.pairs if pair.crossed]
    assert found
    assert trials.told(*found[0], look).startswith(f"seed 5, trace {found[0][0].number}: ")
    assert not hasattr(Session, "shared"), "this process was left alone"


def test_evidence_says_which_seed_what_was_seen_and_by_which_steps(folder: Path) -> None:
    trials = Trials(Series(5, folder, Ports(entropy=flaws.OneStream)), (Variant.IDLE,))
    trial = made(trials, 1)[0]
    pair = next(pair for pair in trial.pairs if pair.crossed)
    told = trials.told(trial, pair, look)
    assert told.startswith(f"seed 5, trace 0: {pair.crossed[0]}: at step ")
    steps = told.split(" | the steps: 0. ")[1].split("; ")
    assert 1 <= len(steps) < 12
    assert trials.told(trial, pair, look, short=False) == f"seed 5, trace 0: {pair.crossed[0]}"


@pytest.mark.parametrize(
    "ports", [Ports(), Ports(entropy=flaws.OneStream), Ports(embedder=flaws.learning), Ports(embedder=flaws.caching)]
)
@pytest.mark.parametrize("variant", list(Variant))
def test_digests_tell_what_whole_runs_tell(folder: Path, ports: Ports, variant: Variant) -> None:
    stage = Stage(folder, ports)
    for seed in range(2):
        whole = stage.run(trace(seed, 35))
        for victim in EVERYONE:
            other = stage.run(trace(seed, 35), victim, variant)
            told = compared(whole, other, victim, variant)
            brief = paired(digest(whole), digest(other), victim, variant)
            assert bool(told.crossed) == bool(brief.crossed)
            assert bool(told.seen_on_disk) == bool(brief.seen_on_disk)
            assert [line.split(": at step")[0] for line in told.crossed] == list(brief.crossed)


def test_an_undeclared_size_is_in_the_digest(folder: Path) -> None:
    run = Stage(folder).run(trace(1, 5))
    odd = replace(run, shapes=[replace(shape, undeclared=("a frame of 99 bytes",)) for shape in run.shapes])
    pair = paired(digest(run), digest(odd), EVERYONE[0], Variant.IDLE)
    assert pair.seen_on_disk == ("a frame of 99 bytes",)


def test_a_series_is_the_same_in_every_process(folder: Path) -> None:
    series = Series(5, folder, Ports())
    with closing(lanes([series, series], range(2), 2)) as results:
        assert all(one == other for _, (one, other) in results)
    with closing(lanes([series], range(2), 1)) as results:
        again = [one for _, (one,) in results]
    assert again == [series(0), series(1)]
    assert again[0] != again[1]


class Counter:
    """Counts its calls, in the process where it is."""

    def __call__(self, item: int) -> tuple[int, int]:
        global _calls
        _calls += 1
        return item, _calls


_calls = 0


def test_every_lane_gets_every_item_in_order_in_one_process() -> None:
    with closing(lanes([Counter(), Counter()], "abcd", 2)) as results:  # type: ignore[list-item]
        assert list(results) == [(item, [(item, at), (item, at)]) for at, item in enumerate("abcd", 1)]


def test_items_are_taken_as_they_are_needed() -> None:
    taken = list[int]()

    def items() -> Any:
        for number in count():
            taken.append(number)
            yield number

    work: Callable[[int], float] = float
    with closing(lanes([work, work, work], items(), 2)) as results:
        assert [item for item, _ in islice(results, 4)] == [0, 1, 2, 3]
    assert len(taken) <= 8


def test_an_error_in_another_process_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError), closing(lanes([(1).__truediv__], [1, 0], 1)) as results:
        list(results)


def test_pairs_in_one_process_are_the_same_as_in_many(folder: Path) -> None:
    steps = Series(5, folder, Ports()).steps(0)
    assert [look(pair) for pair in pairs(Stage(folder), steps, (Variant.IDLE,))] == [()] * len(EVERYONE)
