"""Traces in which one persona holds many memories: that it does, that nobody notices, and what begins at a size."""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from severance.barrier.traces.compare import Pair, Run, Stage, Variant, compared
from severance.barrier.traces.drawing import CROWD
from severance.barrier.traces.ports import Ports
from severance.barrier.traces.trials import Crowded
from severance.house import House
from severance.session import Session


@pytest.fixture
def crowded(folder: Path) -> Crowded:
    return Crowded(7, folder, Ports())


def pair(crowded: Crowded, variant: Variant, stage: Stage) -> tuple[Run, Pair]:
    """The trace as it is, and what differs when the persona with many is otherwise."""
    steps, who = crowded.steps(0), crowded.who(0)
    whole = stage.run(steps)
    return whole, compared(whole, stage.run(steps, who, variant), who, variant)


@pytest.mark.parametrize("variant", [Variant.IDLE, Variant.REPLACED])
def test_nobody_notices_that_one_holds_as_many_as_is_said(variant: Variant, crowded: Crowded, stage: Stage) -> None:
    whole, found = pair(crowded, variant, stage)
    assert (found.crossed, found.seen_on_disk) == ((), ())
    [stats] = [view for _, what, view in whole.of(crowded.who(0)) if what == "stats"]
    assert stats["memories"] == CROWD
    assert {what for who in whole.seen if who != crowded.who(0) for _, what, _ in whole.of(who)} >= {"recall", "forget"}


def test_who_holds_many_is_drawn(folder: Path) -> None:
    assert len({Crowded(seed, folder, Ports()).who(0) for seed in range(30)}) == 4


def test_an_order_that_turns_at_a_size_is_noticed(
    crowded: Crowded, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = Session.recall

    def turned(self: Session, *given: Any, **named: Any) -> Any:
        found = true(self, *given, **named)
        vault: Any = self._space._vault
        return found[::-1] if sum(vault.head(each).seq for each in vault.spaces()) > 5_000 else found

    monkeypatch.setattr(Session, "recall", turned)
    assert pair(crowded, Variant.IDLE, stage)[1].crossed


LIBC = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
WRITERS: dict[str, Callable[[str], object]] = {
    "log": logging.getLogger("of-this-test").warning,
    "print": lambda said: print(said, file=sys.stderr),
    "call of the system": lambda said: os.write(2, said.encode()),
    "C code": lambda said: LIBC.puts(said.encode()),
    "child": lambda said: subprocess.run([sys.executable, "-c", "import sys; print(sys.argv[1])", said], check=True),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_line_of_the_process_about_one_that_holds_many_is_noticed(
    writer: str, crowded: Crowded, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = House.cross
    # What pytest hears of, the process would not write.
    monkeypatch.setattr(logging.getLogger("of-this-test"), "propagate", False)

    def talking(self: House, *given: Any, **named: Any) -> Session:
        session = true(self, *given, **named)
        if session._space.head.seq > 2_000:
            WRITERS[writer](f"{session.persona} has many records")
        return session

    monkeypatch.setattr(House, "cross", talking)
    [crossed] = pair(crowded, Variant.IDLE, stage)[1].crossed
    assert crossed.startswith("everybody sees something else when ")
