"""How things end: connections, workers, houses. Nothing acknowledged is lost, and nothing stays."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import severance
from kit import KEY, texts
from kit.processes import is_there, until, with_proc
from severance import AsleepError, NotUpError, SeveranceError
from severance.embed import Hashing
from severance.errors import AlreadyUpError
from severance.resident import address
from severance.worker.scratch import PREFIX

from .conftest import Up

Start = Callable[..., Up]
Make = Callable[..., str]


def _awake_again(store: Path) -> list[str]:
    with severance.open(store, key=KEY, embedder=Hashing(16)) as house, house.cross("mark", "floor") as session:
        return texts(session.memories())


@with_proc
def test_a_session_sleeps_with_its_connection(up: Start, permit: Make) -> None:
    started, text = up(), permit()
    session = started.house.admit(text)
    session.remember("kept")
    assert started.house.state().sessions == 1
    worker = started.workers()
    assert len(worker) == 1
    del session
    gc.collect()
    until(lambda: started.house.state().sessions == 0 and not any(map(is_there, worker)))


@with_proc
def test_a_killed_worker_is_a_persona_asleep_and_the_house_goes_on(up: Start, permit: Make) -> None:
    started, text = up(), permit()
    session = started.house.admit(text)
    session.remember("acknowledged")
    (worker,) = started.workers()
    os.kill(worker, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(AsleepError):
            session.recall("acknowledged")
    with started.house.admit(text) as again:
        assert texts(again.memories()) == ["acknowledged"]
    until(lambda: started.house.state().sessions == 0)


def _writes(session: severance.Session, acknowledged: list[str]) -> threading.Thread:
    def write() -> None:
        with suppress(SeveranceError):
            for n in range(10_000):
                batch = [f"batch {n}, memory {m}" for m in range(20)]
                session.remember_many(batch)
                acknowledged.extend(batch)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


@with_proc
@pytest.mark.parametrize("after", [0.0, 0.01, 0.1])
def test_a_killed_house_loses_nothing_acknowledged(up: Start, permit: Make, store: Path, after: float) -> None:
    started, acknowledged = up(), list[str]()
    session = started.house.admit(permit())
    workers = started.workers()
    writer = _writes(session, acknowledged)
    time.sleep(after)
    started.kill()
    writer.join(60)
    assert not writer.is_alive()
    until(lambda: not any(map(is_there, workers)))
    with pytest.raises(AsleepError):
        session.recall("batch")
    found = _awake_again(store)
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) - len(acknowledged) in (0, 20)
    with pytest.raises(NotUpError):
        severance.connect(store)


def test_what_a_killed_house_left_is_replaced(up: Start, permit: Make, store: Path) -> None:
    up().kill()
    assert (store / "resident" / "socket").exists()
    with up().house.admit(permit()) as session:
        session.remember("again")


def test_a_second_house_for_a_store_is_refused(up: Start, store: Path, permit: Make) -> None:
    first, text = up(), permit()
    second = Up(store)
    assert (second.line, second.process.wait(60)) == ("", 1)
    assert "a house is up for" in second.end()
    with first.house.admit(text) as session:
        session.remember("the first goes on")


def test_killed_in_the_middle_of_a_crossing_the_permit_opens_the_next_house(up: Start, permit: Make) -> None:
    text = permit()
    for after in (0.0, 0.02, 0.1):
        started = up()
        house = started.house

        def enter(house: severance.ResidentHouse = house) -> None:
            with suppress(SeveranceError):
                house.admit(text)

        entering = threading.Thread(target=enter)
        entering.start()
        time.sleep(after)
        started.kill()
        entering.join(60)
        assert not entering.is_alive()
    with up().house.admit(text) as session:
        assert session.recall("anything") == []


@with_proc
def test_down_everything_acknowledged_is_there_and_nothing_stays(up: Start, permit: Make, store: Path) -> None:
    started, acknowledged = up(), list[str]()
    session = started.house.admit(permit())
    workers = started.workers()
    writer = _writes(session, acknowledged)
    until(lambda: acknowledged)
    state = started.house.down()
    assert (state.locked, state.sessions) == (True, 0)
    assert list((store / "resident").iterdir()) == []
    writer.join(60)
    assert started.process.wait(60) == 0
    assert not any(map(is_there, workers))
    found = _awake_again(store)
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) - len(acknowledged) in (0, 20)


def test_down_a_house_can_be_up_again_at_once(up: Start, store: Path) -> None:
    for _ in range(3):
        up().house.down()
    with pytest.raises(NotUpError):
        severance.connect(store)


def test_a_session_on_which_nothing_is_called_ends(up: Start, permit: Make) -> None:
    started = up(isolation=None, idle=0.5)
    session = started.house.admit(permit())
    session.remember("kept")
    until(lambda: started.house.state().sessions == 0)
    with pytest.raises(AsleepError):
        session.recall("kept")


def test_in_a_forked_process_the_session_is_not_its_own(up: Start, permit: Make) -> None:
    with up(isolation=None).house.admit(permit()) as session:
        session.remember("kept")
        child = os.fork()
        if child == 0:
            try:
                session.recall("kept")
            except AsleepError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert texts(session.memories()) == ["kept"]


def test_interrupted_a_session_ends_and_answers_nothing_out_of_turn(
    up: Start, permit: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, text = up(isolation=None).house, permit()
    session = house.admit(text)
    session.remember("the goats are fed at noon")
    true = severance.resident.line.Line.receive  # type: ignore[attr-defined]

    def interrupted(self: object, wait: float | None, **named: object) -> bytes | None:
        raise KeyboardInterrupt

    monkeypatch.setattr("severance.resident.line.Line.receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.recall("goats")
    monkeypatch.setattr("severance.resident.line.Line.receive", true)
    with pytest.raises(AsleepError):
        session.stats()
    until(lambda: house.state().sessions == 0)


@with_proc
def test_what_the_workers_of_a_killed_house_left_is_swept(
    up: Start, permit: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = folder / "tmp"
    own.mkdir()
    monkeypatch.setenv("TMPDIR", str(own))
    monkeypatch.setattr(tempfile, "tempdir", None)
    text = permit()
    first = up()
    session = first.house.admit(text)
    (left,) = own.glob(f"{PREFIX}*")
    workers = first.workers()
    first.kill()
    until(lambda: not any(map(is_there, workers)))
    assert left.is_dir()
    with up().house.admit(text):
        assert not left.exists()
        assert len(list(own.glob(f"{PREFIX}*"))) == 1, "that of the session that is awake"
    del session


def test_the_lock_is_let_go_of_by_who_cannot_listen(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = address.taken(store)
    with pytest.raises(AlreadyUpError, match="is up for"):
        address.taken(store)
    first.release()
    address.taken(store).release()
