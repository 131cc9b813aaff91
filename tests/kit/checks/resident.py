"""A house that is up: who is let in, and what is left of a session when it has ended."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

import severance
from severance import AsleepError, House, InputError, NotFoundError, SeveranceError
from severance.audit.events import What
from severance.barrier.traces.ports import KEY
from severance.embed import Hashing
from severance.resident import address
from severance.resident.line import Line
from severance.resident.messages import PROTOCOL, Admit, Ask, Exporting, Importing, Told, call_in, told_in
from severance.resident.resident import Habits, Resident
from severance.resident.watch import Watch
from severance.worker.messages import (
    PAGE_ITEMS,
    Counts,
    Done,
    Failed,
    GarbledError,
    Leave,
    Message,
    More,
    Page,
    Recall,
    Remember,
    Stats,
    ToldFilter,
    encode,
)
from severance.worker.pipes import framed
from severance.worker.scratch import Scratch, sweep

_SECONDS = 20.0


@contextmanager
def _up(folder: Path) -> Iterator[tuple[Resident, str]]:
    """A house that is up in this process, and a permit for mark at the floor, where the innie remembers goats."""
    store = folder / "store"

    def opened(key: bytes | None) -> House:
        return severance.open(store, key=key or KEY, embedder=Hashing(16))

    with opened(None) as house:
        house.sever("mark", ["innie", "outie"])
        house.place("floor", {"mark": "innie"})
        house.place("home", {"mark": "outie"})
        text = house.permit("mark", "floor", rights=["recall", "remember"], until=timedelta(hours=1))
        with house.cross("mark", "floor") as session:
            session.remember("the goats are fed at noon")
    resident = Resident(store, opened, Habits(isolation=None))
    try:
        resident.open()
        resident.start()
        yield resident, text
    finally:
        resident.stop()


def a_house_lets_in_only_who_shows_something(folder: Path) -> None:
    """Nothing but a permit opens a session, and without one no call is answered."""
    with _up(folder) as (_, text):
        house = severance.connect(folder / "store")
        for shown in ("", "nothing", "mark", text[:-1]):
            with suppress(NotFoundError):
                house.admit(shown, place="floor")
                raise AssertionError("who shows nothing is let in")
        call = Recall("goats", 1, ToldFilter(None, None, None, None, {}))
        assert b"goats" not in _said(folder, call), "a call is answered to who was not let in"
        with house.admit(text) as session:
            assert session.recall("goats")


def a_house_answers_its_own_user_only(folder: Path) -> None:
    """What the kernel says of the other end is looked at, before anything is answered."""
    with _up(folder):
        assert b"State" in _said(folder, Ask(PROTOCOL)), "its own user is answered"
        with patch.object(address, "user_of", lambda _: os.getuid() + 1):
            assert _said(folder, Ask(PROTOCOL)) == b"", "another user is answered"


def a_session_ends_with_its_connection(folder: Path) -> None:
    """When nobody is at the other end any more, the persona is asleep, and no right to be inside is kept."""
    with _up(folder) as (resident, text):
        house: Any = resident._house
        _said(folder, Admit(PROTOCOL, text, None, None), Stats())
        _until(lambda: resident.state().sessions == 0)
        gc.collect()
        awake = [session for session in house._sessions.values() if session._space is not None]
        assert not awake, "a persona is awake whom nobody can reach"


def a_locked_house_has_nobody_awake(folder: Path) -> None:
    """Whoever was inside is asleep, whoever was at the door is not inside, and no root key is left."""
    with _up(folder) as (resident, text):
        house = severance.connect(folder / "store")
        session, own, entered = house.admit(text), resident._house, list[Any]()
        assert own is not None
        true, at_the_door = House.admit, threading.Event()

        def slow(self: House, *given: Any, **named: Any) -> Any:
            at_the_door.set()
            time.sleep(0.3)
            entered.append(true(self, *given, **named))
            return entered[-1]

        def enter() -> None:
            with suppress(SeveranceError):
                house.admit(text)

        with patch.object(House, "admit", slow):
            entering = threading.Thread(target=enter)
            entering.start()
            assert at_the_door.wait(_SECONDS)
            resident.lock()
            entering.join(_SECONDS)
        with suppress(AsleepError):
            session.recall("goats")
            raise AssertionError("a session of a locked house answers")
        assert all(each._space is None for each in entered), "somebody entered while it locked"
        with suppress(SeveranceError):
            own.cross("mark", "floor")
            raise AssertionError("a locked house still has its keys")


def whose_permit_was_revoked_is_given_nothing_more(folder: Path) -> None:
    """Neither the rest of a list that was begun, nor a place to stay in: who says nothing is shown out."""
    with _up(folder) as (resident, text):
        own: Any = resident._house
        with own.cross("mark", "floor") as session:
            session.remember_many(f"the goat number {n} is fed" for n in range(2 * PAGE_ITEMS))
        with _inside(folder, text) as say, _inside(folder, text) as other:
            begun = say(Recall("goat", 2 * PAGE_ITEMS, ToldFilter(None, None, None, None, {})))
            assert isinstance(begun, Page)
            assert begun.rest is not None
            for each in own.permits():
                own.revoke(each.id)
            assert not isinstance(say(More(begun.rest)), Page), "a revoked session gives out memories"
            _until(lambda: resident.state().sessions == 0, "who was revoked, and says nothing, stays inside", 5.0)
            del other


def who_may_not_stay_awake_is_shown_out(folder: Path) -> None:
    """Although nothing is called: its place wakes somebody else now."""
    with _up(folder) as (resident, text):
        own: Any = resident._house
        with _inside(folder, text) as say:
            assert isinstance(say(Stats()), Counts), "the control"
            own.place("floor", {"mark": "outie"})
            _until(lambda: resident.state().sessions == 0, "who may not stay awake stays inside", 5.0)


def who_is_refused_does_not_keep_a_house_open(folder: Path) -> None:
    """Only who is let in, or answered, uses the house; only who is answered, a session."""
    with _up(folder) as (resident, text):
        own: Any = resident._house
        small = own.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
        now, house = [100.0], severance.connect(folder / "store")
        resident._watch = watch = Watch(60.0, on_sleep=False, both=lambda: now[0], awake=lambda: now[0])
        with _inside(folder, small) as say:
            assert isinstance(say(Stats()), Counts)
            now[0] = 130.0
            with suppress(NotFoundError):
                house.admit("rubbish", place="floor")
                raise AssertionError("who shows nothing is let in")
            assert isinstance(say(Remember(True, [])), Failed)
            assert say(Leave([])) == Done()
            now[0] = 161.0
            assert watch.due() is not None, "who is refused keeps the house open"
            now[0] = 150.0
            assert isinstance(say(Stats()), Counts)
            now[0] = 161.0
            assert watch.due() is None, "who is answered does not"
            assert text


def a_permit_writes_nothing_into_the_log(folder: Path) -> None:
    """Nothing of its own, and nothing at all without the right; and what cannot be read again is not sealed."""
    with _up(folder) as (resident, _):
        own: Any = resident._house
        text = own.permit("mark", "floor", rights=["remember"], until=timedelta(hours=1))
        raw = msgspec.msgpack.encode(["Carried", "exported", {"I read": "the file"}])
        with suppress(GarbledError), _inside(folder, text) as say:
            call_in(raw)
            raise AssertionError("a program says what the log is to have")
        with _inside(folder, text) as say:
            assert say(Importing("jsonl")) == Done()
            assert isinstance(say(Exporting(3)), Failed), "the log is told of an export by who may not recall"
        with suppress(InputError):
            own._audit.tell(What.IMPORTED, subject="mark", persona="innie", detail={"n": 2**64 - 1})
            raise AssertionError("what cannot be read again is sealed")
        assert "unreadable" not in [event.what for event in own.events()]


def a_scratch_in_use_is_not_swept(folder: Path) -> None:
    """Only what nobody has any more is removed."""
    with patch("tempfile.tempdir", str(folder)):
        made = Scratch()
        path = made.make()
        try:
            sweep(str(folder))
            assert path.is_dir(), "somebody's scratch was swept"
        finally:
            made.remove()
        (folder / path.name).mkdir()
        assert sweep(str(folder)) == 1, "what nobody has stays"


def _said(folder: Path, *messages: Message) -> bytes:
    """What the house answers to these."""
    with socket.socket(socket.AF_UNIX) as found:
        found.settimeout(_SECONDS)
        found.connect(str(folder / "store" / address.FOLDER / address.SOCKET))
        heard = bytearray()
        with suppress(ConnectionError):
            found.sendall(b"".join(framed(encode(message)) for message in messages))
            found.shutdown(socket.SHUT_WR)
            while piece := found.recv(65_536):
                heard += piece
        return bytes(heard)


@contextmanager
def _inside(folder: Path, text: str) -> Iterator[Callable[[Message], Told | None]]:
    """Whoever is let in with this text: what they say is answered."""
    with socket.socket(socket.AF_UNIX) as found:
        found.connect(str(folder / "store" / address.FOLDER / address.SOCKET))
        line = Line(found)

        def say(message: Message) -> Told | None:
            with suppress(OSError):  # what was said before it was shown out is still to be read
                line.send(encode(message))
            with suppress(OSError):
                raw = line.receive(_SECONDS)
                return None if raw is None else told_in(raw)
            return None

        say(Admit(PROTOCOL, text, None, None))
        yield say


def _until(came: Callable[[], bool], why: str = "it does not end", seconds: float = _SECONDS) -> None:
    end = time.monotonic() + seconds
    while not came():
        assert time.monotonic() < end, why
        time.sleep(0.02)
