"""A call that ends in the middle (Ctrl-C, a signal, no more memory) leaves nothing wrong, in session or vault."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import pytest

from kit import checks, open_house, recalled, space_of
from kit.checks.cut import served
from severance import EmbedderError, House, Session
from severance import session as session_module
from severance.barrier.traces.ports import small_snapshots
from severance.embed import Hashing
from severance.following import Following
from severance.mind import Mind
from severance.waking import wake

ATTEMPTS = 60


class LateError(Exception):
    """What a framework raises from its signal handler when a call took too long."""


def rung(call: Callable[[], object], seconds: float) -> bool:
    """Whether the alarm cut the call short. It rings once, so a signal that something swallowed ends nothing."""
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except LateError:
        return True
    return False


def raises(number: int, frame: FrameType | None) -> None:
    raise LateError


def test_a_recall_cut_short_anywhere_is_not_written_down(folder: Path) -> None:
    checks.a_mind_that_was_cut_short_is_thrown_away(folder)


def test_a_repeat_after_a_remember_that_was_cut_short_anywhere_is_a_repeat(folder: Path) -> None:
    checks.a_repeat_after_a_cut_is_a_repeat(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_after_real_signals_every_recall_is_served_and_layers_say_what_the_log_says(
    house: House,
) -> None:
    before, taken, usual = signal.signal(signal.SIGALRM, raises), 0, 0.0
    try:
        with small_snapshots():
            for attempt in range(ATTEMPTS):
                session = house.cross("mark", "floor")
                session.remember_many(f"word{attempt * 40 + number} of the bridge {number}" for number in range(40))
                if usual:
                    taken += rung(partial(session.recall, "bridge"), usual * (attempt % 10 + 1) / 12)
                else:
                    begun = time.perf_counter()
                    session.recall("bridge")
                    usual = time.perf_counter() - begun
                assert len(served(partial(session.recall, "bridge", limit=1_000))) >= min(1_000, 40 * (attempt + 1))
                session.remember(f"and one more {attempt}")
                rung(partial(session.recall, "one more"), usual / 2)
                served(session.sleep)
                if taken >= 10:
                    break
        assert taken, "no signal came in the middle of a call"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert house.check() == []
    one, other = (wake(space_of(house), None, pictured=pictured)[0] for pictured in (True, False))
    assert one.stats() == other.stats()
    assert list(one.memories()) == list(other.memories())


def test_the_call_after_one_that_was_cut_short_wakes_the_mind_once(
    innie: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    innie.remember("the bridge is blue")
    true, woken = Following.woken, list[int]()

    def waking(space: object, anchor: object) -> Following:
        woken.append(1)
        return true(space, anchor)  # type: ignore[arg-type]

    monkeypatch.setattr(Following, "woken", waking)
    assert recalled(innie, "bridge") == ["the bridge is blue"]
    with monkeypatch.context() as patch:
        patch.setattr(Mind, "stats", lambda self: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            innie.stats()
    assert woken == []
    assert recalled(innie, "bridge") == ["the bridge is blue"]
    assert recalled(innie, "blue") == ["the bridge is blue"]
    assert woken == [1]


def test_an_error_of_severance_or_of_the_embedder_costs_no_waking(
    innie: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    innie.remember("the bridge is blue")
    monkeypatch.setattr(Following, "woken", lambda space, anchor: pytest.fail("the mind was made anew"))
    with pytest.raises(LookupError):
        innie.get("unknown")
    for problem in (EmbedderError("down"), KeyboardInterrupt()):
        with monkeypatch.context() as patch:
            patch.setattr(Hashing, "embed", lambda self, texts, of=problem: (_ for _ in ()).throw(of))
            with pytest.raises(type(problem)):
                innie.recall("bridge")
    assert recalled(innie, "bridge") == ["the bridge is blue"]


def test_a_mind_made_anew_is_held_against_the_embedder_of_the_house(
    house: House, innie: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    innie.remember("the bridge is blue")
    with open_house(folder / "store", embedder=Hashing(64)) as other:
        other.reembed()
    with monkeypatch.context() as patch:
        patch.setattr(Session, "_catch_up", lambda self, space: space.read_on() and 1 // 0)
        with pytest.raises(ZeroDivisionError):
            innie.stats()
    with pytest.raises(EmbedderError, match="were embedded by hashing-64/1"):
        innie.recall("bridge")


@pytest.mark.parametrize("problem", [KeyboardInterrupt, MemoryError, IndexError])
def test_the_chip_hears_how_far_the_log_goes_whatever_becomes_of_the_layers(
    house: House, innie: Session, monkeypatch: pytest.MonkeyPatch, problem: type[BaseException]
) -> None:
    def fails(*given: object) -> None:
        raise problem

    innie.remember("the bridge is blue")
    head, key = innie._space.head, innie._space.key  # type: ignore[union-attr]
    monkeypatch.setattr(session_module, "write_layers", fails)
    with pytest.raises(problem):
        innie.sleep()
    assert house._chip.anchor(key) == head
    innie.sleep()
    assert innie._space is None


def test_what_was_heard_is_whole_after_a_cut(innie: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["the blue bridge over the river is closed on mondays", "the red gate near the sea is open on sundays"]
    kept = innie.remember_many(said)
    innie.recall("bridge gate")
    true, calls = Mind._text, list[int]()

    def text(self: Mind, id: str) -> str | None:  # noqa: A002
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return true(self, id)

    with monkeypatch.context() as patch:
        patch.setattr(Mind, "_text", text)
        with pytest.raises(KeyboardInterrupt):
            innie.remember(f"so {said[0]}")
    again = innie.remember_many(f"so {text}" for text in said)
    assert [memory.echo_of for memory in again] == [memory.id for memory in kept]
