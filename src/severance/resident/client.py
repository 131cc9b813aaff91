"""A house that is up, as programs have it: they let themselves in with a permit or a credential, without a root key."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from severance.admitting import shown_text
from severance.audit.events import source_of
from severance.crypto.rootkey import Key
from severance.drafts import name_of
from severance.errors import AsleepError, NotUpError, StoreBusyError, StoreError
from severance.model import Notice, Persona
from severance.resident.address import connected
from severance.resident.line import Line
from severance.resident.messages import (
    PROTOCOL,
    Admit,
    Admitted,
    Ask,
    Down,
    Exporting,
    Importing,
    Inside,
    Lock,
    Notices,
    Opening,
    State,
    Told,
    ToldNotices,
    Unlock,
    Verb,
    notices_in,
    told_in,
)
from severance.resident.owner import Owner
from severance.session import Session
from severance.store import path_of, root_key
from severance.worker.away import AwaySession
from severance.worker.messages import Answer, Call, Done, Failed, GarbledError, Message, encode, error_in, expected

_PATIENCE = 30.0
_AGAIN = 0.02

A = TypeVar("A", Admitted, State)


def connect(path: str | os.PathLike[str] = "~/.severance") -> ResidentHouse:
    """The house that is up for the store at `path`: `severance up` starts one.

    Raises:
        NotUpError: none is.
        StoreError: who listens there is not this user's.
    """
    found = ResidentHouse(path_of(path))
    found.state()
    return found


def check_down(path: Path) -> None:
    """Refuse while a house is up for the store at `path`: it would go on with files that are put aside.

    Raises:
        StoreError: one is.
    """
    with suppress(NotUpError):
        connect(path)
        raise StoreError("a house is up for this store; take it down first, with `severance down`")


@dataclass(frozen=True, slots=True)
class HouseState:
    """How a house that is up is.

    Attributes:
        locked: whether it has let go of the root key.
        sessions: how many are open.
        http: the address of the HTTP server beside it; None where there is none, or it is not ready.
    """

    locked: bool
    sessions: int
    http: str | None = None


class ResidentHouse:
    """A house that is up. Each call is a connection of its own, so there is nothing to close.

    Every method raises `NotUpError` when the house is up no longer.
    """

    def __init__(self, directory: Path) -> None:
        """Not for callers: use `severance.connect`."""
        self._directory = directory

    def admit(self, text: str, *, place: str | None = None, tool: str | None = None) -> Session:
        """Let in whoever shows a permit or a place credential, as `House.admit`. The session ends with this program.

        Raises:
            AsleepError: the house is locked.
            StoreBusyError: as many sessions are open as may be.
            NotFoundError, InputError, EmbedderError: as `House.admit`.
        """
        text = shown_text(text)
        place = None if place is None else name_of(place, "the place")
        asked = Admit(PROTOCOL, text, place, None if tool is None else name_of(tool, "the tool"))
        far = Far(self._line())
        try:
            told = far.begin(Admitted, asked)
        except BaseException:
            far.kill()
            raise
        return ResidentSession(Persona(told.subject, told.persona), told.place, far)

    def owner(self, token: str) -> Owner:
        """Be answered as the owner, with an owner token: the audit log, alarms, overrides; no persona wakes for it.

        Raises:
            NotFoundError: it opens nothing here. One error, whatever the reason.
            AsleepError: the house is locked.
            StoreBusyError: as many owners' connections are open as may be.
            InputError: it is no text.
        """
        return Owner(self._line, shown_text(token))

    def state(self) -> HouseState:
        """How it is."""
        return self._do(Ask(PROTOCOL))

    def lock(self) -> HouseState:
        """Put every session to sleep, and have the house let go of the root key. What was acknowledged is kept.

        Raises:
            SeveranceError: something could not be written at the end. The house is locked even so.
        """
        return self._do(Lock(PROTOCOL))

    def unlock(self, key: Key = None) -> HouseState:
        """Have a locked house open the store again, with the root key from this source, as in `severance.open`.

        Raises:
            KeyMissingError, WrongKeyError: the root key could not be had, or is another store's.
            StoreError, DamagedError: the store cannot serve, or is not what was written.
        """
        return self._do(Unlock(PROTOCOL, root_key(self._directory, key)))

    def down(self) -> HouseState:
        """Take the house down: every session sleeps, and everything acknowledged is durable when this returns."""
        return self._do(Down(PROTOCOL))

    def _do(self, verb: Verb) -> HouseState:
        far = Far(self._line())
        try:
            told = far.begin(State, verb)
        finally:
            far.kill()
        return HouseState(told.locked, told.sessions, told.http)

    def _line(self) -> Line:
        end = time.monotonic() + _PATIENCE
        while (found := connected(self._directory)) is None:
            if time.monotonic() > end:
                raise StoreBusyError("too many wait at the house that is up; try again later")
            time.sleep(_AGAIN)
        return Line(found)


class ResidentSession(AwaySession):
    """A session whose persona is awake in a house that is up."""

    def __init__(self, persona: Persona, place: str, far: Far) -> None:
        """Not for callers: use `ResidentHouse.admit`."""
        super().__init__(persona, place, far)
        self._house = far

    def notices(self) -> tuple[Notice, ...]:
        """As `Session.notices`."""
        with self._turn:
            self._check_awake()
            told = self._house.ask(Notices())
            try:
                return notices_in(expected(ToldNotices, told))
            except GarbledError:
                raise self._lost() from None

    def _exporting(self, memories: int) -> None:
        self._tell(Exporting(memories))

    def _importing(self, source: str) -> None:
        self._tell(Importing(source_of(source)))

    def _tell(self, told: Exporting | Importing) -> None:
        """Have the house's log say this of the persona."""
        with self._turn:
            self._check_awake()
            answer = self._house.ask(told)
            try:
                expected(Done, answer)
            except GarbledError:
                raise self._lost() from None


class Far:
    """The other end of a connection to a house."""

    def __init__(self, line: Line) -> None:
        """The line is its own from now on."""
        self._line = line
        self._owner = os.getpid()
        self._over = False

    def begin(self, kind: type[A], opening: Opening) -> A:
        """Say the first message. Raises what the house raises, and NotUpError when it has gone."""
        told = self._said(opening)
        if isinstance(told, Failed):
            raise error_in(told)
        if not isinstance(told, kind):
            raise NotUpError("the house that was up has gone in the middle of it; try again, or see `severance up`")
        return told

    def call(self, request: Call, /) -> Answer:
        """As `worker.away.Far.call`. Interrupted, the session ends: what is answered later would be out of turn."""
        told = self.ask(request)
        if isinstance(told, (Admitted, State, ToldNotices)):
            self.kill()
            raise self.gone()
        return told

    def ask(self, request: Inside) -> Told:
        """The answer to this. Raises as `call`."""
        if os.getpid() != self._owner:
            raise AsleepError("this session belongs to the process that was let in; let yourself in anew in this one")
        told = None if self._over else self._said(request)
        if told is None:
            self.kill()
            raise self.gone()
        if isinstance(told, Failed):
            raise error_in(told)
        return told

    def end(self) -> None:
        """Say nothing more; the house puts the persona to sleep."""
        self.kill()

    def kill(self) -> None:
        """The same."""
        self._over = True
        self._line.close()

    def gone(self) -> AsleepError:
        """The error when the house, or this session in it, is there no more."""
        return AsleepError("this session has ended, or the house that it was in; let yourself in anew")

    def _said(self, message: Message) -> Told | None:
        """What the house says to this; None when it is gone, or is no house of ours."""
        try:
            return self._exchanged(encode(message))
        except BaseException:  # Ctrl-C: nobody knows what has been said by now
            self.kill()
            raise

    def _exchanged(self, raw: bytes) -> Told | None:
        with suppress(OSError):  # what it said before it went is still to be read
            self._line.send(raw)
        try:
            answer = self._line.receive(None)
            return None if answer is None else told_in(answer)
        except (OSError, GarbledError):
            return None
