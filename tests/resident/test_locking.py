"""A locked house has nobody awake and no key; what locks it, and what opens it again."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import severance
from kit import KEY, texts
from kit.processes import is_there, until, with_proc
from severance import AsleepError, InputError, KeyMissingError, NotFoundError, WrongKeyError
from severance.barrier.traces.ports import StillClock
from severance.embed import Hashing
from severance.model import Notice
from severance.resident import watch
from severance.resident.resident import Habits, Resident
from severance.resident.watch import SLEPT, Watch

from .conftest import Up

Start = Callable[..., Up]
Make = Callable[..., str]


@with_proc
def test_locked_nobody_is_awake_and_nobody_comes_in(up: Start, permit: Make, store: Path) -> None:
    started, text = up(), permit()
    house = started.house
    sessions = [house.admit(text) for _ in range(3)]
    for n, session in enumerate(sessions):
        session.remember(f"kept by {n}")
    workers = started.workers()
    assert (house.lock().locked, house.state().sessions) == (True, 0)
    until(lambda: not any(map(is_there, workers)))
    for session in sessions:
        with pytest.raises(AsleepError, match="the house is locked; `severance unlock` opens it"):
            session.recall("kept")
        with pytest.raises(AsleepError):
            session.recall("kept")
    with pytest.raises(AsleepError, match="the house is locked"):
        house.admit(text)
    assert house.lock().locked, "again is nothing new"
    with pytest.raises(WrongKeyError):
        house.unlock(bytes(32))
    with pytest.raises(KeyMissingError):
        house.unlock("env:NOT_SET")
    assert house.state().locked
    assert house.unlock(KEY).locked is False
    with house.admit(text) as session:
        assert sorted(texts(session.memories())) == ["kept by 0", "kept by 1", "kept by 2"]


def test_a_house_can_begin_locked(up: Start, permit: Make) -> None:
    text = permit()
    house = up(locked=True).house
    with pytest.raises(AsleepError, match="the house is locked"):
        house.admit(text)
    house.unlock(KEY)
    with house.admit(text) as session:
        session.remember("awake")


def test_a_call_that_has_begun_ends_before_the_house_is_locked(up: Start, permit: Make, store: Path) -> None:
    house, acknowledged = up().house, list[str]()
    session = house.admit(permit())

    def write() -> None:
        with suppress(AsleepError):
            while True:
                session.remember_many(batch := [f"{len(acknowledged)} and {n}" for n in range(50)])
                acknowledged.extend(batch)

    writer = threading.Thread(target=write)
    writer.start()
    until(lambda: acknowledged)
    house.lock()
    writer.join(60)
    assert not writer.is_alive()
    house.unlock(KEY)
    with severance.open(store, key=KEY, embedder=Hashing(16)) as own, own.cross("mark", "floor") as again:
        found = texts(again.memories())
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) - len(acknowledged) in (0, 50)


@pytest.fixture
def here(store: Path) -> Iterator[Callable[..., Resident]]:
    """Starts a house in this process."""
    made: list[Resident] = []

    def start(**habits: Any) -> Resident:
        def opened(key: bytes | None) -> severance.House:
            return severance.open(store, key=key or KEY, create=False, embedder=Hashing(16))

        made.append(Resident(store, opened, Habits(**{"isolation": None, **habits})))
        made[-1].open()
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop()


def test_nothing_that_holds_a_key_is_left(here: Callable[..., Resident], permit: Make, store: Path) -> None:
    resident, text = here(), permit()
    house = severance.connect(store)
    sessions = [house.admit(text) for _ in range(3)]
    own: Any = resident._house
    left = [weakref.ref(thing) for thing in (own, own._chip, own._gate, *own._sessions.values())]
    assert len(left) == 6
    del own
    assert all(thing() is not None for thing in left)
    house.lock()
    gc.collect()
    assert [thing() for thing in left] == [None] * 6
    for session in sessions:
        with pytest.raises(AsleepError):
            session.stats()


def test_strangers_who_were_counted_are_in_the_log_before_the_lock(
    here: Callable[..., Resident], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, house, clock = here(), severance.connect(store), StillClock()
    inside: Any = resident._house
    monkeypatch.setattr(inside._refusals, "_clock", clock)
    del inside
    for _ in range(30):
        with pytest.raises(NotFoundError):
            house.admit("nothing")
    assert _refused(store) == [None] * 20
    clock.tick(60)
    until(lambda: _refused(store) == [None] * 20 + [10])
    for _ in range(30):
        with pytest.raises(NotFoundError):
            house.admit("nothing")
    house.lock()
    assert _refused(store) == [None] * 20 + [10] + [None] * 20 + [10]
    with severance.open(store, key=KEY, embedder=Hashing(16)) as own:
        assert [event.what for event in own.events(limit=2)] == ["refused", "locked"]


def _refused(store: Path) -> list[object]:
    with severance.open(store, key=KEY, embedder=Hashing(16)) as own:
        return [event.detail.get("more") for event in own.events(what="refused", limit=1_000)]


def test_what_a_persona_is_told_comes_through(here: Callable[..., Resident], permit: Make, store: Path) -> None:
    resident, text, now = here(), permit(), datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    notice = Notice(at=now, what="override.used", reason="why", requester="irving", until=now, ended=None)
    ended = replace(notice, what="override.ended", ended=now)
    own: Any = resident._house
    own._notices_of = lambda space: lambda: (notice, ended)
    with severance.connect(store).admit(text) as session:
        assert session.notices() == (notice, ended)
        assert [(event.what, event.place) for event in session.events()][-1] == ("crossed", "floor")
    with pytest.raises(AsleepError):
        session.notices()


def test_nobody_enters_while_it_locks(
    here: Callable[..., Resident], permit: Make, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, text = here(), permit()
    true, inside, go_on = severance.House.admit, threading.Event(), threading.Event()

    def slow(self: severance.House, *given: Any, **named: Any) -> severance.Session:
        inside.set()
        assert go_on.wait(60)
        return true(self, *given, **named)

    monkeypatch.setattr(severance.House, "admit", slow)
    house, found = severance.connect(store), list[severance.Session]()
    entering = threading.Thread(target=lambda: found.append(house.admit(text)))
    entering.start()
    assert inside.wait(60)
    locking = threading.Thread(target=resident.lock)
    locking.start()
    until(lambda: resident.state().locked)
    assert locking.is_alive(), "it waits for who is at the door"
    go_on.set()
    for thread in (entering, locking):
        thread.join(60)
        assert not thread.is_alive()
    assert resident.state().sessions == 0
    for session in found:
        with pytest.raises(AsleepError):
            session.remember("after it was locked")


def test_left_alone_it_locks_itself(up: Start, permit: Make) -> None:
    house, text = up(isolation=None, lock_after=1.0).house, permit()
    with house.admit(text) as session:
        session.remember("kept")
        until(lambda: house.state().locked)
        with pytest.raises(AsleepError, match="nobody called for a while"):
            session.recall("kept")
    house.unlock(KEY)
    with house.admit(text) as session:
        assert texts(session.memories()) == ["kept"]


def test_what_nobody_foresaw_does_not_end_the_looking(
    here: Callable[..., Resident], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept, tried, true = [0.0], list[str](), Resident.lock

    def lock(self: Resident, why: str) -> None:
        tried.append(why)
        if len(tried) < 2:
            raise ValueError
        true(self, why)

    resident = here(lock_on_sleep=True)
    resident._watch = Watch(None, on_sleep=True, both=lambda: 5.0 + slept[0], awake=lambda: 5.0)
    with monkeypatch.context() as patch:
        patch.setattr(resident, "lock", lambda why: lock(resident, why))
        slept[0] = SLEPT + 1
        until(lambda: resident.state().locked)
    assert len(tried) == 2


def test_what_is_gathered_is_told_by_a_house_that_is_up(
    here: Callable[..., Resident], store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with severance.open(store, key=KEY, embedder=Hashing(16)) as own:
        own.apply_alarms('rule = [{ on = "*", to = "log", group = "2s" }]')
        for _ in range(3):
            own.barrier_failed(1)
    caplog.clear()
    here()
    until(lambda: "barrier.failed, 2 times" in caplog.text)


def test_when_the_machine_slept_no_call_is_answered_before_it_locks(
    here: Callable[..., Resident], permit: Make, store: Path
) -> None:
    slept = [0.0]
    resident, text = here(lock_on_sleep=True), permit()
    resident._watch = Watch(None, on_sleep=True, both=lambda: 5.0 + slept[0], awake=lambda: 5.0)
    house = severance.connect(store)
    with house.admit(text) as session:
        session.remember("before")
        slept[0] = SLEPT + 1
        with pytest.raises(AsleepError, match="the machine slept"):
            session.recall("before")
        with pytest.raises(AsleepError):
            house.admit(text)
    until(lambda: house.state().locked)
    house.unlock(KEY)
    with house.admit(text) as session:
        assert texts(session.memories()) == ["before"]


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_idleness_counts_from_the_last_call_and_time_asleep_counts() -> None:
    both, awake = _Clock(), _Clock()
    looked_at = Watch(10.0, on_sleep=False, both=both, awake=awake)
    both.now = awake.now = 109.0
    assert looked_at.due() is None
    looked_at.used()
    both.now = 118.5
    assert looked_at.due() is None
    both.now = 119.0
    assert "nobody called" in (looked_at.due() or "")
    looked_at.begin()
    assert looked_at.due() is None


def test_clocks_that_drift_are_no_sleep() -> None:
    both, awake = _Clock(), _Clock()
    looked_at = Watch(None, on_sleep=True, both=both, awake=awake)
    both.now, awake.now = 10_000.0, 10_000.0 - SLEPT / 2
    assert looked_at.due() is None
    both.now += SLEPT
    assert "the machine slept" in (looked_at.due() or "")
    looked_at.begin()
    assert looked_at.due() is None


def test_sleep_is_not_promised_where_it_cannot_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    watch.check_sleep_is_known()
    monkeypatch.setattr("sys.platform", "sunos5")
    with pytest.raises(InputError, match="cannot be known"):
        watch.check_sleep_is_known()


def test_going_up_and_down_locking_and_unlocking_is_in_the_log(up: Start, permit: Make, store: Path) -> None:
    started, text = up(isolation=None), permit()
    session = started.house.admit(text)
    started.house.lock()
    started.house.unlock(KEY)
    started.house.down()
    with severance.open(store, key=KEY, embedder=Hashing(16)) as house:
        told = [(event.what, event.persona, dict(event.detail)) for event in house.events(limit=1_000)]
    kinds = ("up", "down", "locked", "unlocked", "slept")
    assert [each for each in told if each[0] in kinds] == [
        ("up", None, {}),
        ("locked", None, {}),
        ("slept", "innie", {}),
        ("unlocked", None, {}),
        ("down", None, {}),
    ]
    with pytest.raises(AsleepError):
        session.recall("anything")
