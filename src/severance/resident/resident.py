"""The process of a house that is up: it listens, lets in, locks and unlocks, and ends."""

from __future__ import annotations

import gc
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Condition, Event, RLock, Thread, current_thread
from typing import Literal

from severance.audit.events import What
from severance.disk.lease import Lease
from severance.errors import AsleepError, SeveranceError, StoreBusyError
from severance.house import House
from severance.resident import address
from severance.resident.beside import Beside
from severance.resident.line import Line
from severance.resident.messages import Admit, Down, Lock, Oversee, State, Unlock, Verb
from severance.resident.overseeing import Standing
from severance.resident.relay import MOST_HELD_BY_ALL, Relay, ended
from severance.resident.room import Room
from severance.resident.watch import Watch
from severance.session import Session
from severance.store import check_there
from severance.system import allow_files, give_back

MOST_SESSIONS = 256
_STRANGERS = 32
"""Connections beside those of sessions and owners."""
MOST_OWNERS = 16
MOST_UNKNOWN = 4
"""Tokens that open nothing and are refused at once; others wait so many seconds."""
_UNKNOWN = 0.5
_FULL = 10.0
_TICK = 1.0
_BREATH = 0.02
_PARTING = 5.0
_FILES_EACH = 8
"""Descriptors of a session: its connection, its worker's pipe and folder, and what is open for a moment."""

LOCKED = "the house is locked; `severance unlock` opens it"
_ENDED = "the house was taken down"


@dataclass(frozen=True, slots=True)
class Habits:
    """How a house that is up behaves.

    Attributes:
        sessions: at most so many at once.
        isolation: where personas wake, as in `House.cross`.
        idle: seconds without a call, after which a session is put to sleep.
        lock_after: seconds without any call, after which the house locks; None for never.
        lock_on_sleep: whether it locks when the machine slept.
    """

    sessions: int = MOST_SESSIONS
    isolation: Literal["process"] | None = "process"
    idle: float = 1_800.0
    lock_after: float | None = None
    lock_on_sleep: bool = False


class Resident:
    """A house that is up. `open` it unless it is to begin locked, `start` it, `wait` until somebody takes it down, and
    `stop` it.
    """

    def __init__(self, directory: Path, opened: Callable[[bytes | None], House], habits: Habits) -> None:
        """Take the store's one lock.

        Args:
            directory: the store's.
            opened: opens the store with a root key, or without one with that from where it is kept.
            habits: see there.

        Raises:
            StoreMissingError: there is none.
            AlreadyUpError: a house is up for it already.
            StoreError: its folder is not this user's alone.
            InputError: there is no such thing on this system.
        """
        address.check_platform()
        self._directory = directory.absolute()
        check_there(self._directory)
        self._opened = opened
        self._habits = habits
        self.idle = habits.idle
        self.room = Room(MOST_HELD_BY_ALL)
        self.beside: Beside | None = None  # whoever sets it starts and stops it
        self._watch = Watch(habits.lock_after, on_sleep=habits.lock_on_sleep)
        self._house: House | None = None
        self._why = LOCKED
        self._entering = 0
        self._changing = RLock()  # of whoever locks or unlocks
        self._state = Condition()  # over the house, the number of those who are entering, and who is inside
        self._inside: set[Relay] = set()
        self._owners: set[Relay] = set()
        self._waiting: list[Thread] = []  # until it is down
        self._rooms = BoundedSemaphore(habits.sessions)
        self._desks = BoundedSemaphore(MOST_OWNERS)
        self._unknown = BoundedSemaphore(MOST_UNKNOWN)
        self._ways = BoundedSemaphore(habits.sessions + MOST_OWNERS + _STRANGERS)
        self._asked_down, self._down = Event(), Event()
        self._listener: socket.socket | None = None
        self._lease: Lease | None = address.taken(self._directory)
        allow_files(_FILES_EACH * (habits.sessions + _STRANGERS))

    def open(self, key: bytes | None = None) -> None:
        """Open the store, if it is not open. Raises what `severance.open` raises."""
        with self._changing:
            if self._house is None and not self._asked_down.is_set():
                house = self._opened(key)
                try:
                    house._telling.tell(What.UP if self._listener is None else What.UNLOCKED, {})
                except BaseException:
                    house.close()
                    raise
                self._watch.begin()
                with self._state:
                    self._house = house

    def start(self) -> None:
        """Listen from now on, in threads.

        Raises:
            StoreError: there cannot be a socket.
        """
        self._listener = address.listener(self._directory)
        for work in (self._listen, self._tick, self._show_out):
            Thread(target=work, name=f"severance{work.__name__}", daemon=True).start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until somebody asks it to go down; whether somebody has."""
        return self._asked_down.wait(seconds)

    def stop(self) -> None:
        """Close everything: sessions sleep, and what was acknowledged is durable. Doing it again does nothing."""
        self._asked_down.set()
        with self._changing:
            if self._lease is None:
                return
            with ExitStack() as last:  # backwards, whatever fails
                last.callback(self._heard)
                last.callback(self._let_go)
                last.callback(self.lock, _ENDED)
                if self._listener is not None:
                    last.callback(self._listener.close)
                    last.callback(_shut, self._listener)

    def lock(self, why: str = LOCKED) -> None:
        """Put every session to sleep, and let go of the root key and all that was awake.

        Raises:
            SeveranceError: something could not be written at the end. It is locked even so.
        """
        with self._changing:
            with self._state:
                house, self._house, self._why = self._house, None, why
                while self._entering:
                    self._state.wait()
                inside = [*self._inside, *self._owners]
            try:
                if house is not None:
                    with suppress(SeveranceError):  # it is locked whether or not that can be written down
                        house._refusals.say()
                        house._telling.tell(What.DOWN if why == _ENDED else What.LOCKED, {})
                    house.close()
            finally:
                del house
                self._part(inside, why)
                gc.collect()  # what held the keys may have been in cycles
                give_back()

    def state(self) -> State:
        """How it is."""
        with self._state:
            return State(self._house is None, len(self._inside), None if self.beside is None else self.beside.line)

    def enter(self, relay: Relay, asked: Admit) -> Session:
        """As `Host.enter`."""
        if not self._rooms.acquire(timeout=_FULL):
            raise StoreBusyError("as many sessions are open in the house as may be; try again when one has ended")
        try:
            return self._entered(relay, asked)
        except BaseException:
            self._rooms.release()
            raise

    def leave(self, relay: Relay, session: Session) -> None:
        """As `Host.leave`."""
        try:
            with suppress(SeveranceError):  # it sleeps; what could not be written is read from the log next time
                session.sleep()
        finally:
            with self._state:
                self._inside.discard(relay)
                self._state.notify_all()
            self._rooms.release()

    def attend(self, relay: Relay, asked: Oversee) -> Standing:
        """As `Host.attend`. Who shows nothing takes no owner's desk, and waits for others who show nothing alone."""
        self.check_open()
        with self.at_home() as house:
            try:
                known = house._is_owner(asked.token)
            finally:
                del house
        if known:
            return self._attended(relay, asked)
        if not self._unknown.acquire(timeout=_UNKNOWN):
            raise StoreBusyError("too many tokens that open nothing are shown here; try again later")
        try:
            return self._attended(relay, asked)
        finally:
            self._unknown.release()

    def dismiss(self, relay: Relay) -> None:
        """As `Host.dismiss`."""
        with self._state:
            self._owners.discard(relay)
            self._state.notify_all()
        self._desks.release()

    @contextmanager
    def at_home(self) -> Iterator[House]:
        """As `Host.at_home`."""
        with self._state:
            house = self._house
            if house is None:
                raise AsleepError(self._why)
            self._entering += 1
        try:
            yield house
        finally:
            del house
            with self._state:
                self._entering -= 1
                self._state.notify_all()

    def check_open(self) -> None:
        """As `Host.check_open`."""
        why = self._watch.due()
        if why is not None:  # it will be locked in a moment
            raise ended(why)

    def using(self) -> AbstractContextManager[None]:
        """As `Host.using`."""
        return self._watch.using()

    def do(self, verb: Verb) -> State:
        """As `Host.do`."""
        if isinstance(verb, Lock):
            self.lock()
        elif isinstance(verb, Unlock):
            self.open(verb.key)
        elif isinstance(verb, Down):
            self._waiting.append(current_thread())
            self._asked_down.set()
            self._down.wait()
        return self.state()

    def _entered(self, relay: Relay, asked: Admit) -> Session:
        self.check_open()
        with self.at_home() as house:
            try:
                session = house.admit(asked.text, place=asked.place, tool=asked.tool, isolation=self._habits.isolation)
            finally:
                del house
            self._watch.used()  # not before: who opens nothing does not keep the house open
            with self._state:
                self._inside.add(relay)
            return session

    def _attended(self, relay: Relay, asked: Oversee) -> Standing:
        with self.at_home() as house:
            try:
                standing = house._owner_with(asked.token)
            finally:
                del house
            if not self._desks.acquire(blocking=False):
                raise StoreBusyError("as many owners' connections are open as may be; close one, or try again later")
            with self._state:
                self._owners.add(relay)
            return standing

    def _part(self, inside: list[Relay], why: str) -> None:
        """End these connections, and wait until nothing of theirs holds a key; who is stuck is not waited for."""
        end = time.monotonic() + _PARTING
        for relay in inside:
            relay.part(ended(why), max(0.0, end - time.monotonic()))
        with self._state:
            self._state.wait_for(
                lambda: (self._inside | self._owners).isdisjoint(inside), max(0.0, end - time.monotonic())
            )

    def _listen(self) -> None:
        assert self._listener is not None  # noqa: S101 - for the type checker
        while not self._asked_down.is_set():
            self._ways.acquire()
            try:
                connection, _ = self._listener.accept()
                self._answer(connection)
            except (OSError, RuntimeError):
                self._ways.release()
                self._asked_down.wait(_BREATH)  # no more descriptors or threads; or the end

    def _answer(self, connection: socket.socket) -> None:
        """Answer in a thread of its own.

        Raises:
            OSError: it is another user's, or gone.
            RuntimeError: there cannot be a thread.
        """
        try:
            if address.user_of(connection) != os.getuid():
                raise PermissionError
            Thread(target=self._relay, args=(Relay(Line(connection), self),), daemon=True).start()
        except BaseException:
            connection.close()
            raise

    def _relay(self, relay: Relay) -> None:
        try:
            relay.run()
        finally:
            self._ways.release()

    def _tick(self) -> None:
        while not self._asked_down.wait(_TICK):
            for look in (self._lock_when_due, self._ring, self._sum_up):
                with suppress(Exception):  # whatever that was, the house has to lock at another tick
                    look()

    def _lock_when_due(self) -> None:
        why = self._watch.due()
        if why is not None and self._house is not None:
            try:
                self.lock(why)
            finally:
                if self.state().locked:
                    self._watch.begin()

    def _show_out(self) -> None:
        """End the sessions of those whose permit, hours or turn, and the connections of owners whose token, has ended,
        although they say nothing. In a thread of its own: a condition may ask a command, and locking waits for none.
        """
        while not self._asked_down.wait(_TICK):
            with self._state:
                inside = [*self._inside, *self._owners]
            for relay in inside:
                with suppress(Exception):  # whatever that was, the others are looked at; who calls hears of it
                    relay.look()

    def _ring(self) -> None:
        """Tell the alarms that have become due."""
        with suppress(AsleepError), self.at_home() as house:
            try:
                house._bell.tick()
            finally:
                del house

    def _sum_up(self) -> None:
        """Say how many strangers there were, when their minute is over."""
        with suppress(AsleepError), self.at_home() as house:
            try:
                house._refusals.tick()
            finally:
                del house

    def _heard(self) -> None:
        """Tell those who asked for it that it is down."""
        self._down.set()
        end = time.monotonic() + _PARTING
        for thread in self._waiting:
            thread.join(max(0.0, end - time.monotonic()))

    def _let_go(self) -> None:
        address.remove(self._directory)
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.release()


def _shut(listening: socket.socket) -> None:
    with suppress(OSError):  # where a socket that listens cannot be shut, closing it is enough
        listening.shutdown(socket.SHUT_RDWR)
