"""An owner's connection to a house that is up, once the token was looked at: its requests, and what it follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from threading import RLock
from typing import Protocol

from severance.errors import AsleepError
from severance.house import House
from severance.model import moment
from severance.resident.line import Line
from severance.resident.oversight import (
    MOST_ENTRIES,
    AlarmsNow,
    AlarmsRing,
    AnswerOverride,
    Asked,
    DraftOverride,
    EndOverride,
    Entries,
    Follow,
    LastCheckpoint,
    Overrides,
    RequestOf,
    SubmitOverride,
    Told,
    ToldAlarms,
    ToldCheck,
    ToldCheckpoint,
    ToldEntries,
    ToldOverrides,
    ToldRules,
    ToldText,
    VerifyLog,
    asked_in,
)
from severance.worker.messages import Failed, Message, encode, failed

LOOK = 0.5
"""Seconds after which who follows the log hears of a new entry at the latest."""
BEAT = 10.0
"""Seconds after which who follows the log hears something, whatever happens."""
MOST_REQUEST = 2**21


class Standing(Protocol):
    """What an owner was let in with."""

    def holds(self) -> bool:
        """Whether it neither ended nor was revoked."""
        ...


class Host(Protocol):
    """The house as an owner's connection has it."""

    idle: float
    """Seconds without a request, after which the connection ends."""

    def check_open(self) -> None:
        """Raises AsleepError where nobody may call any more."""
        ...

    def at_home(self) -> AbstractContextManager[House]:
        """The open house, which is not locked in here. Raises AsleepError where it is locked."""
        ...


class Overseeing:
    """One owner's connection. Nothing of it uses the house: whoever only looks does not keep it from locking."""

    def __init__(self, line: Line, turn: RLock, host: Host, standing: Standing) -> None:
        """Args: the connection, the lock that is held while something is said on it, the house, and the token."""
        self._line = line
        self._turn = turn
        self._host = host
        self._standing = standing

    def run(self) -> None:
        """Answer until the other end has had enough, or may hear nothing more.

        Raises:
            OSError, GarbledError: it is gone, too slow, or no program of ours.
        """
        while (raw := self._line.receive(self._host.idle, most=MOST_REQUEST)) is not None:
            request = asked_in(raw)
            if isinstance(request, Follow):
                self._follow(request.after)
                return
            with self._turn:
                answer = self._answered(request)
                self._tell(answer)
            if isinstance(answer, Failed) and answer.kind == AsleepError.__name__:
                return

    def _follow(self, after: int | None) -> None:
        with self._turn:
            first = self._answered(LastCheckpoint())
            if not isinstance(first, ToldCheckpoint):
                self._tell(first)
                return
            self._tell(ToldEntries([]))
        beat, last = time.monotonic(), first.checkpoint.size - 1
        if after is not None:
            last = after if after <= last else -1  # the log was begun anew
        while True:
            with self._turn:
                told = self._answered(Entries(MOST_ENTRIES, last, None, None, None))
                if not isinstance(told, ToldEntries):
                    self._tell(told)
                    return
                if told.entries or time.monotonic() - beat >= BEAT:
                    self._tell(told)
                    beat = time.monotonic()
            last = told.entries[-1].number if told.entries else last
            if not self._line.is_quiet(0.0 if told.entries else LOOK):
                return

    def _answered(self, request: Asked) -> Told:
        try:
            self._host.check_open()
            with self._host.at_home() as house:
                if not self._standing.holds():
                    raise no_longer_owner()
                return _done(house, request)
        except Exception as problem:  # noqa: BLE001 - goes on at the caller
            return failed(problem)

    def _tell(self, message: Message) -> None:
        self._line.send(encode(message))


def no_longer_owner() -> AsleepError:
    """The error for an owner whose token holds no longer."""
    return AsleepError("this owner token has ended or was revoked; ask for another")


def _done(house: House, request: Asked) -> Told:
    match request:
        case Entries(limit, after, what, since, until):
            first, last = (None if at is None else moment(at) for at in (since, until))
            return ToldEntries(house.events(limit=limit, after=after, what=what, since=first, until=last))
        case RequestOf(given):
            return ToldText(house.override_request(given))
        case DraftOverride(text):
            return ToldText(house.draft_override(text))
        case SubmitOverride(text):
            return ToldOverrides([house.submit_override(text)])
        case AnswerOverride(text):
            return ToldOverrides([house.answer_override(text)])
        case EndOverride(given):
            return ToldOverrides([house.end_override(given)])
    return _SHOWN[type(request)](house)


_SHOWN: Mapping[type[Asked], Callable[[House], Told]] = {
    VerifyLog: lambda house: ToldCheck(house.verify_audit()),
    LastCheckpoint: lambda house: ToldCheckpoint(house.audit_checkpoint()),
    AlarmsNow: lambda house: ToldAlarms(house.alarm_status()),
    AlarmsRing: lambda house: ToldRules(house.alarm_rules()),
    Overrides: lambda house: ToldOverrides(house.overrides()),
}
"""What is only shown, for each request that says nothing but that."""
