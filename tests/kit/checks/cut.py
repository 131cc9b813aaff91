"""What is cut short in the middle of a mind leaves nothing that anybody is served later."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

from kit import make_house, space_of, texts
from severance import House, following
from severance.barrier.traces.fuse import Cut
from severance.barrier.traces.ports import small_snapshots
from severance.mind.columns import Column
from severance.waking import wake

MOST = 300
"""More places than a call has to be cut at: none is looked at for ever."""


def a_mind_that_was_cut_short_is_thrown_away(folder: Path) -> None:
    """Wherever a recall ends in the middle of the mind: the next is served, and layers say what the log says."""
    with small_snapshots(), make_house(folder) as house:
        for again in (True, False):
            for number in range(MOST):
                with house.cross("mark", "floor") as session:
                    kept = session.remember(f"the blue bridge {number} of {again}")
                    session.remember(f"another bridge {number} {'first' if again else 'second'} word{number}")
                    was = _cut(_growing(number), partial(session.recall, "bridge"))
                    if again:
                        found = served(partial(session.recall, "blue bridge", limit=1_000))
                        assert kept.id in {hit.memory.id for hit in found}, "what was written before is not found"
                    served(session.sleep)
                _agree(house)
                if not was:
                    break
            else:
                raise AssertionError("there was always something to cut")


def a_repeat_after_a_cut_is_a_repeat(folder: Path) -> None:
    """Whatever line a `remember` ends at when its memory has been written: the same again is not kept twice."""
    with make_house(folder) as house, house.cross("mark", "floor") as session:
        for number in range(MOST):
            text = f"said {number}"
            was = _cut(_lines(following.__file__, number), partial(session.remember, text))
            session.remember(text)
            assert texts(session.memories()).count(text) == 1, "a repeat became a second memory"
            if not was:
                return
    raise AssertionError("there was always something to cut")


def served(call: Callable[[], Any]) -> Any:
    """The call does not stumble over what an earlier one left."""
    try:
        return call()
    except (ValueError, IndexError, KeyError) as problem:
        raise AssertionError(f"a call after it ended with {type(problem).__name__}") from problem


def _agree(house: House) -> None:
    space = space_of(house)
    minds = [served(partial(wake, space.again(), None, pictured=pictured))[0] for pictured in (True, False)]
    one, other = ((list(mind.memories()), mind.stats(), _ranked(mind)) for mind in minds)
    assert one == other, "layers of a mind that was cut short"


def _ranked(mind: Any) -> list[object]:
    return [(hit.memory.id, hit.score) for hit in mind.recall("blue bridge", None, limit=1_000, now=0)]


def _cut(at: Any, call: Callable[[], object]) -> bool:
    """Whether the call was cut short."""
    try:
        with at:
            call()
    except Cut:
        return True
    return False


@contextmanager
def _growing(number: int) -> Iterator[None]:
    """Cut before the n-th time that a column grows."""
    true, left = Column.extend, [number]

    def extend(self: Column, values: Any) -> None:
        left[0] -= 1
        if left[0] == -1:
            raise Cut
        true(self, values)

    with mock.patch.object(Column, "extend", extend):
        yield


@contextmanager
def _lines(file: str | None, number: int) -> Iterator[None]:
    """Cut before the n-th line of a file."""
    before, left = sys.gettrace(), [number]

    def line(frame: FrameType, event: str, given: object) -> Any:
        if event == "line":
            left[0] -= 1
            if left[0] == -1:
                sys.settrace(before)
                raise Cut
        return line

    sys.settrace(lambda frame, event, given: line if frame.f_code.co_filename == file else None)
    try:
        yield
    finally:
        sys.settrace(before)
