"""One connection to a house that is up, in a thread of its own: who is let in, and then that one's calls."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, suppress
from threading import RLock
from typing import Protocol

from severance.admitted import check_inside, over_by, require_right
from severance.errors import AsleepError, InputError, StoreBusyError
from severance.model import Right
from severance.resident import overseeing
from severance.resident.line import Line
from severance.resident.messages import (
    MOST_OPENING,
    Admit,
    Admitted,
    Exporting,
    Importing,
    Inside,
    Notices,
    Oversee,
    State,
    Told,
    Verb,
    call_in,
    opening_in,
    told_notices,
)
from severance.resident.room import Room
from severance.session import Session
from severance.worker.messages import (
    Done,
    Failed,
    GarbledError,
    Hold,
    Leave,
    Message,
    More,
    Remember,
    Sleep,
    encode,
    failed,
)
from severance.worker.serve import Serving

OPENING = 10.0
"""Seconds in which the first message is whole."""
MOST_LISTS, MOST_HELD = 64, 2**26
MOST_HELD_BY_ALL = 2**28
EACH_HELD = 512
"""Bytes that a draft takes beside those of its message, about."""

_LAST_WORDS = 0.1


class Host(overseeing.Host, Protocol):
    """The house as a connection has it."""

    room: Room
    """What all connections may hold together."""

    def enter(self, relay: Relay, asked: Admit, /) -> Session:
        """Let in whoever asks. Raises what `House.admit` raises, and AsleepError where it is locked."""
        ...

    def leave(self, relay: Relay, session: Session, /) -> None:
        """Put to sleep whom `enter` let in."""
        ...

    def attend(self, relay: Relay, asked: Oversee, /) -> overseeing.Standing:
        """Let in whoever shows an owner token. Raises NotFoundError, StoreBusyError, and AsleepError as `enter`."""
        ...

    def dismiss(self, relay: Relay, /) -> None:
        """Whom `attend` let in has gone."""
        ...

    def using(self) -> AbstractContextManager[None]:
        """In here, the house is used, unless something is raised."""
        ...

    def state(self) -> State:
        """How it is."""
        ...

    def do(self, verb: Verb, /) -> State:
        """Do this. Raises SeveranceError."""
        ...


class Relay:
    """One connection, from its first message to its end."""

    def __init__(self, line: Line, host: Host) -> None:
        """The line is its own from now on."""
        self._line = line
        self._host = host
        self._turn = RLock()  # held while a call is carried out and answered
        self._held = 0
        self._session: Session | None = None
        self._standing: overseeing.Standing | None = None
        self._until = 0.0

    def run(self) -> None:
        """Answer until the other end has had enough, or says what nobody says. Raises nothing."""
        try:
            raw = self._line.receive(OPENING, within=OPENING, most=MOST_OPENING)
            if raw is not None:
                self._begun(raw)
        except (OSError, GarbledError):
            pass  # it is gone, too slow, or no program of ours
        except Exception:  # noqa: BLE001, S110 - its words may hold a memory, and would go to the log of this process
            pass
        finally:
            self._line.close()

    def part(self, reason: AsleepError, within: float) -> None:
        """End it, when the call that is being carried out has been answered; whoever is there then hears why.

        From any thread, once the session is asleep. Who does not take the answer within so many seconds hears nothing.
        """
        if self._turn.acquire(timeout=within):
            try:
                with suppress(OSError):
                    self._line.send(encode(failed(reason)), within=_LAST_WORDS)
            finally:
                self._turn.release()
        self._line.shut()

    def look(self) -> None:
        """End it where what it was let in with no longer holds, or its persona may not stay awake. A call that has
        begun has asked that itself.

        From any thread.
        """
        if not self._turn.acquire(blocking=False):
            return
        try:
            reason = None if self._session is None else over_by(self._session)
            if self._standing is not None and not self._standing.holds():
                reason = overseeing.no_longer_owner()
            if reason is None or self._host.state().locked:  # whoever locks it puts everybody to sleep, and says why
                return
            with suppress(OSError):
                self._line.send(encode(failed(reason)), within=_LAST_WORDS)
        finally:
            self._turn.release()
        self._line.shut()

    def _begun(self, raw: bytes) -> None:
        try:
            opening = opening_in(raw)
        except GarbledError:
            unknown = InputError("the house that is up does not understand that; is it of the same version?")
            self._tell(failed(unknown))
            return
        if isinstance(opening, Admit):
            self._admit(opening)
            return
        if isinstance(opening, Oversee):
            self._oversee(opening)
            return
        try:
            state: State | Failed = self._host.do(opening)
        except Exception as problem:  # noqa: BLE001 - goes on at the caller
            state = failed(problem)
        self._tell(state)

    def _admit(self, asked: Admit) -> None:
        try:
            session = self._host.enter(self, asked)
        except Exception as problem:  # noqa: BLE001 - goes on at the caller
            self._tell(failed(problem))
            return
        last: Told | None = None
        try:
            with self._turn:
                self._tell(Admitted(session.subject, session.persona, session.place))
                self._session = session
            last = self._serve(session, Serving(session))
        finally:
            with self._turn:
                self._session = None
            self._give_back()
            self._host.leave(self, session)
        if last is not None:
            with self._turn:
                self._tell(last)

    def _oversee(self, asked: Oversee) -> None:
        try:
            standing = self._host.attend(self, asked)
        except Exception as problem:  # noqa: BLE001 - goes on at the caller
            self._tell(failed(problem))
            return
        try:
            with self._turn:
                self._tell(Done())
                self._standing = standing
            overseeing.Overseeing(self._line, self._turn, self._host, standing).run()
        finally:
            with self._turn:
                self._standing = None
            del standing
            self._host.dismiss(self)

    def _serve(self, session: Session, serving: Serving) -> Told | None:
        """Answer calls. Returns the last answer, after which nobody is inside; None where nobody waits for one."""
        self._until = time.monotonic() + self._host.idle
        while (raw := self._line.receive(self._left())) is not None:
            with self._turn:
                request = call_in(raw)
                answer = self._answered(session, serving, request, len(raw))
                over = isinstance(answer, Failed) and answer.kind == AsleepError.__name__
                if over or isinstance(request, Sleep):
                    return answer
                self._tell(answer)
        return None

    def _left(self) -> float:
        """Seconds in which something has to be called. Raises TimeoutError when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _answered(self, session: Session, serving: Serving, request: Inside, size: int) -> Told:
        try:
            self._host.check_open()
            check_inside(session)  # before each message: what is given out of a list is as good as a call
            if isinstance(request, Leave):  # which needs no right, and so is no use of the house
                return serving.answer(request)
            with self._host.using():
                answer = self._done(session, serving, request, size)
            self._until = time.monotonic() + self._host.idle
            return answer
        except Exception as problem:  # noqa: BLE001 - goes on at the caller
            return failed(problem)

    def _done(self, session: Session, serving: Serving, request: Inside, size: int) -> Told:
        if isinstance(request, Notices):
            return told_notices(session.notices())
        if isinstance(request, Exporting):
            session._exporting(request.memories)
            return Done()
        if isinstance(request, Importing):
            session._importing(request.source)
            return Done()
        if serving.unread >= MOST_LISTS and not isinstance(request, (More, Leave, Sleep)):
            raise InputError(f"{MOST_LISTS} lists have not been read to their end; read one, or let go of it")
        if not isinstance(request, (Hold, Remember)):
            return serving.answer(request)
        try:
            require_right(session, Right.REMEMBER)
            self._make_room(request, size)
            answer = serving.answer(request)
        except BaseException:
            serving.let_go()
            self._give_back()
            raise
        if isinstance(request, Remember):
            self._give_back()
        return answer

    def _make_room(self, request: Hold | Remember, size: int) -> None:
        """Refuse what would fill the house's memory; few programs come near it.

        Raises:
            InputError, StoreBusyError: it would, by itself or with what others hold.
        """
        if request.first:
            self._give_back()
        weight = size + EACH_HELD * len(request.drafts)
        if self._held + weight > MOST_HELD:
            raise InputError("these memories are too large to be kept in one go; keep fewer at a time")
        if not self._host.room.take(weight):
            raise StoreBusyError("the house is busy with what others remember; try again, or fewer at a time")
        self._held += weight

    def _give_back(self) -> None:
        held, self._held = self._held, 0
        self._host.room.give(held)

    def _tell(self, message: Message) -> None:
        self._line.send(encode(message))


def ended(why: str) -> AsleepError:
    """The error for a session that the house ended."""
    return AsleepError(f"this session has ended: {why}")
