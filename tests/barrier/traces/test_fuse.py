"""Calls cut short: at each statement in turn, by everything that can go wrong, and what is left holds."""

from __future__ import annotations

import gc
import weakref

import pytest

from kit import texts
from severance import House, Session, StoreBusyError, StoreError, StoreFullError
from severance.barrier.traces import fuse as fuses
from severance.barrier.traces.fuse import Cut, Fuse, ending, wire


def test_a_fuse_burns_once_at_the_touch_it_was_armed_for() -> None:
    touches, burnt, fuse = list[str](), list[int](), Fuse()
    fuse.arm(fuses.BEFORE, 2, lambda: burnt.append(len(touches)))
    for where in (fuses.CLOCK, fuses.BEFORE, fuses.CLOCK, fuses.BEFORE, fuses.AFTER, fuses.BEFORE, fuses.BEFORE):
        fuse.touch(where)
        touches.append(where)
    assert burnt == [5]


def test_a_disarmed_fuse_does_not_burn() -> None:
    fuse = Fuse()
    fuse.arm(fuses.CLOCK, 0, ending(fuses.CANCELLED))
    fuse.disarm()
    fuse.touch(fuses.CLOCK)


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        (fuses.CANCELLED, Cut),
        (fuses.FULL, StoreFullError),
        (fuses.FAILING, StoreError),
        (fuses.BUSY, StoreBusyError),
    ],
)
@pytest.mark.parametrize("number", range(4))
def test_a_call_that_is_cut_short_leaves_a_session_that_goes_on(
    house: House, innie: Session, how: str, kind: type[BaseException], number: int
) -> None:
    """`remember` reads, begins, reads, writes, writes and commits: each of the first statements in turn."""
    fuse = Fuse()
    wire(house, fuse)
    innie.remember("before")
    fuse.arm(fuses.BEFORE, number, ending(how))
    with pytest.raises(kind):
        innie.remember("cut short")
    assert texts(innie.memories()) == ["before"]
    innie.remember("after")
    assert texts(innie.memories()) == ["before", "after"]
    assert house.check() == []


def test_a_call_that_is_cancelled_after_its_commit_was_made(house: House, innie: Session) -> None:
    fuse = Fuse()
    wire(house, fuse)
    kept = 0
    for number in range(12):
        fuse.arm(fuses.AFTER, number, ending(fuses.CANCELLED))
        try:
            innie.remember(f"memory {number}")
        except Cut:
            kept += f"memory {number}" in texts(innie.memories())
        fuse.disarm()
    assert kept == 1, "one of the statements is the commit"
    assert house.check() == []


def test_what_a_connection_does_once_for_all_is_not_counted(house: House) -> None:
    """The layout is looked at by the first writer: who that is must not move another's count."""
    fuse, counts = Fuse(), list[int]()
    wire(house, fuse)
    for place in ("floor", "home"):
        with house.cross("mark", place) as session:
            session.recall("x")
            counts.append(0)

            def one_more() -> None:
                counts[-1] += 1
                fuse.arm(fuses.BEFORE, 0, one_more)

            fuse.arm(fuses.BEFORE, 0, one_more)
            session.remember("x")
            fuse.disarm()
    assert counts[0] == counts[1] > 3


def test_an_error_of_the_disk_keeps_no_abandoned_session_alive(house: House) -> None:
    fuse = Fuse()
    wire(house, fuse)
    gc.collect()
    gc.disable()
    try:
        session = house.cross("mark", "floor")
        fuse.arm(fuses.BEFORE, 1, ending(fuses.FAILING))
        with pytest.raises(StoreError):
            session.remember("x")
        gone = weakref.ref(session)
        del session
        assert gone() is None
    finally:
        gc.enable()
