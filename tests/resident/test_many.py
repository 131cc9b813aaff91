"""Many at once: nobody is let in as somebody else, and nothing of theirs stays."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kit import recalled
from kit.processes import is_there, until, with_proc
from severance import ResidentHouse, StoreBusyError

from .conftest import Up

Start = Callable[..., Up]
Make = Callable[..., str]

_TRIES = 100


def _rush(house: ResidentHouse, shown: list[tuple[str, str]], calls: int) -> list[str]:
    """What is wrong with what they find who all come at once, each with a permit for a persona of this name."""
    wrong: list[str] = []
    together = threading.Barrier(len(shown))

    def come(number: int, text: str, persona: str) -> None:
        together.wait(120)
        for _ in range(_TRIES):
            try:
                with house.admit(text) as session:
                    for n in range(calls):
                        session.remember(f"{persona} {number} {n}")
                    found = recalled(session, f"{persona} {number}")
                    if session.persona != persona or any(not each.startswith(persona) for each in found) or not found:
                        wrong.append(f"{persona} as {session.persona}")
                return
            except StoreBusyError:
                continue
        wrong.append("never let in")

    threads = [threading.Thread(target=come, args=(n, *each)) for n, each in enumerate(shown)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    return wrong + ["it hangs"] * sum(thread.is_alive() for thread in threads)


@pytest.mark.slow
@with_proc
def test_a_thousand_crossings_at_once(up: Start, permit: Make) -> None:
    inside, outside = permit(), permit(place="home")
    started = up(isolation=None)
    house = started.house
    assert _rush(house, [(inside, "innie"), (outside, "outie")] * 500, 1) == []
    until(lambda: house.state().sessions == 0)
    open_files = list(Path(f"/proc/{started.process.pid}/fd").iterdir())
    assert len(open_files) < 100


@with_proc
def test_many_crossings_into_workers_at_once(up: Start, permit: Make) -> None:
    inside, outside = permit(), permit(place="home")
    started = up(sessions=4)
    assert _rush(started.house, [(inside, "innie"), (outside, "outie")] * 6, 2) == []
    until(lambda: started.house.state().sessions == 0)
    until(lambda: len(started.workers()) <= 1)  # one that is ready for the next
    assert is_there(started.process.pid)
    assert os.getpid() != started.process.pid
