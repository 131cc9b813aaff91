"""Lanes: order, what a process keeps, and what is left of them when their caller is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from itertools import count, islice
from pathlib import Path

import pytest

from kit.processes import none_outlives, until
from severance.barrier.traces.crew import lanes

TESTS = Path(__file__).parents[2]
_kept: list[int] = []


def so_far(item: int) -> tuple[int, int, int]:
    """The process, and what it was given until now: how many, and their sum."""
    _kept.append(item)
    return os.getpid(), len(_kept), sum(_kept)


def failing(item: int) -> int:
    """Fails at the second item."""
    if item == 1:
        raise ValueError("the second")
    return item


def waiting(item: int) -> None:
    """Says in the current folder which process works, and takes long."""
    Path(str(os.getpid())).touch()
    time.sleep(10_000)


def test_each_lane_is_one_process_that_keeps_what_it_was_given() -> None:
    with closing(lanes([so_far, so_far], range(5), jobs=2)) as made:
        results = list(made)
    assert [item for item, _ in results] == list(range(5))
    for lane in range(2):
        assert [made[lane][1:] for _, made in results] == [(1, 0), (2, 1), (3, 3), (4, 6), (5, 10)]
    pids = {lane: {made[lane][0] for _, made in results} for lane in range(2)}
    assert len(pids[0]) == len(pids[1]) == 1
    assert pids[0] != pids[1]
    assert os.getpid() not in pids[0] | pids[1]


def test_endless_work_can_be_stopped() -> None:
    with closing(lanes([so_far], count(), jobs=1)) as made:
        assert [item for item, _ in islice(made, 3)] == [0, 1, 2]


def test_what_fails_in_a_lane_is_raised_to_the_caller() -> None:
    with closing(lanes([failing], range(3), jobs=1)) as made:
        assert next(made) == (0, [0])
        with pytest.raises(ValueError, match="the second"):
            next(made)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX: signals, and asking whether a process is there")
def test_no_lane_outlives_a_caller_that_was_killed(tmp_path: Path) -> None:
    program = (
        "from barrier.traces.test_crew import waiting\n"
        "from severance.barrier.traces.crew import lanes\n"
        "next(lanes([waiting, waiting], range(2), jobs=2))\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen([sys.executable, "-c", program], env=environ, cwd=tmp_path) as caller:
        try:
            until(lambda: len(list(tmp_path.iterdir())) == 2)
            none_outlives(caller, [int(path.name) for path in tmp_path.iterdir()])
        finally:
            caller.kill()
