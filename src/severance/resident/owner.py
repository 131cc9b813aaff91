"""A house that is up, as its owner has it from a program that has no root key: with an owner token."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock
from types import TracebackType
from typing import Self, TypeVar

from severance.asking import When, check_whole
from severance.drafts import check_text, time_of
from severance.errors import AsleepError
from severance.model import AlarmRules, AlarmStatus, AuditCheck, AuditCheckpoint, AuditEvent, OverrideInfo, micros
from severance.resident.line import Line
from severance.resident.messages import PROTOCOL, Oversee
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
    told_in,
)
from severance.worker.messages import Done, Failed, GarbledError, Message, encode, error_in, expected

_MOST_TEXT = 2**20
_MOST_WORD = 100

M = TypeVar("M", bound=Message)


class Owner:
    """What an owner token opens in a house that is up. Close it, or use it in a `with` block; any threads may share it.

    Every method raises `AsleepError` when the token has ended or was revoked, the house was locked, or is up no longer.
    """

    def __init__(self, line: Callable[[], Line], token: str) -> None:
        """Not for callers: use `ResidentHouse.owner`."""
        self._begin = line
        self._token = token
        self._turn = Lock()
        self._wire = _Wire(line(), token)

    def events(
        self,
        *,
        limit: int = 100,
        after: int | None = None,
        what: str | None = None,
        since: When = None,
        until: When = None,
    ) -> list[AuditEvent]:
        """As `House.events`, 500 at most.

        Raises:
            InputError: an argument cannot be meant.
        """
        check_whole(limit, "the limit", 1, MOST_ENTRIES)
        if after is not None:
            check_whole(after, "the number of an entry", -1, 2**63 - 1)
        word = None if what is None else check_text(what, "the kind of entries", _MOST_WORD)
        bounds = (
            None if at is None else micros(time_of(at, name)) for at, name in ((since, "since"), (until, "until"))
        )
        return self._ask(Entries(limit, after, word, *bounds), ToldEntries).entries

    def audit_checkpoint(self) -> AuditCheckpoint:
        """As `House.audit_checkpoint`."""
        return self._ask(LastCheckpoint(), ToldCheckpoint).checkpoint

    def verify_audit(self) -> AuditCheck:
        """As `House.verify_audit`. No witness is asked: their addresses are for who has the root key to name.

        Raises:
            DamagedError: the log is not what was written.
        """
        return self._ask(VerifyLog(), ToldCheck).check

    def alarm_status(self) -> AlarmStatus:
        """As `House.alarm_status`."""
        return self._ask(AlarmsNow(), ToldAlarms).status

    def alarm_rules(self) -> AlarmRules:
        """As `House.alarm_rules`."""
        return self._ask(AlarmsRing(), ToldRules).rules

    def overrides(self) -> list[OverrideInfo]:
        """As `House.overrides`."""
        return self._ask(Overrides(), ToldOverrides).overrides

    def override_request(self, id: str) -> str:  # noqa: A002 - the word that callers know
        """As `House.override_request`: the text for whoever is to approve it, with `severance.approve`.

        Raises:
            NotFoundError: there is none.
        """
        return self._ask(RequestOf(check_text(id, "an id", _MOST_WORD)), ToldText).text

    def draft_override(self, wish: str) -> str:
        """Answer a wish of `severance.wish_override` with a draft, as `House.draft_override`; `severance.sign_draft`
        makes a request of it. No key goes through here.

        Raises:
            InputError, NotFoundError, OverrideError: as there.
        """
        return self._ask(DraftOverride(check_text(wish, "a wish", _MOST_TEXT)), ToldText).text

    def submit_override(self, request: str) -> OverrideInfo:
        """Take a request of `severance.sign_draft`, as `House.submit_override`. It may be said again.

        Raises:
            InputError, NotFoundError, OverrideError: as there.
        """
        return self._one(SubmitOverride(check_text(request, "a request", _MOST_TEXT)))

    def answer_override(self, text: str) -> OverrideInfo:
        """Take an answer of `severance.approve` or `deny`, as `House.answer_override`. No key goes through here.

        Raises:
            InputError, NotFoundError, OverrideError: as there.
        """
        return self._one(AnswerOverride(check_text(text, "an answer", _MOST_TEXT)))

    def end_override(self, id: str) -> OverrideInfo:  # noqa: A002
        """As `House.end_override`.

        Raises:
            NotFoundError: there is none.
        """
        return self._one(EndOverride(check_text(id, "an id", _MOST_WORD)))

    def follow(self, after: int | None = None) -> Following:
        """The entries of the audit log after the one of this number, and then each within a second of being there.

        Args:
            after: as in `events`; without it, only those that are not there yet. Of a log that has not so many entries,
                since it was begun anew, all.
        """
        if after is not None:
            check_whole(after, "the number of an entry", -1, 2**63 - 1)
        return Following(_Wire(self._begin(), self._token), after)

    def close(self) -> None:
        """Let go of the connection. Doing it again does nothing."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _one(self, request: SubmitOverride | AnswerOverride | EndOverride) -> OverrideInfo:
        (found,) = self._ask(request, ToldOverrides).overrides
        return found

    def _ask(self, request: Asked, kind: type[M]) -> M:
        with self._turn:
            self._wire.say(request)
            return self._wire.heard(kind)


class Following:
    """Entries of the audit log as they are added. Close it, or use it in a `with` block."""

    def __init__(self, wire: _Wire, after: int | None) -> None:
        """Not for callers: use `Owner.follow`."""
        self._wire = wire
        self._turn = Lock()
        try:
            wire.say(Follow(after))
            wire.heard(ToldEntries)
        except BaseException:
            wire.close()
            raise

    def next(self) -> list[AuditEvent]:
        """Wait for what comes next: some entries, in order, or none where nothing has happened for ten seconds.

        Raises:
            AsleepError: the token has ended or was revoked, the house was locked or is up no longer, or it was closed.
        """
        with self._turn:
            return self._wire.heard(ToldEntries).entries

    def close(self) -> None:
        """End it, from any thread; who waits in `next` waits no longer. Doing it again does nothing."""
        self._wire.shut()
        if self._turn.acquire(blocking=False):  # or else who waits lets go of the connection
            self._wire.close()
            self._turn.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Wire:
    """One connection on which the house knows the owner."""

    def __init__(self, line: Line, token: str) -> None:
        """The line is its own from now on. Raises what the house raises."""
        self._line = line
        self._process = os.getpid()
        try:
            self.say(Oversee(PROTOCOL, token))
            self.heard(Done)
        except BaseException:
            self.close()
            raise

    def say(self, message: Message) -> None:
        """Send this. That nobody is there, who listens finds out."""
        if os.getpid() != self._process:
            raise AsleepError("this connection belongs to the process that made it; show the token in this one")
        try:
            self._line.send(encode(message))
        except OSError:
            pass  # what the house said before it went is still to be read
        except BaseException:  # Ctrl-C: nobody knows what has been said by now
            self.close()
            raise

    def heard(self, kind: type[M]) -> M:
        """What the house says. Raises what it raises, and AsleepError where it has gone."""
        told = self._told()
        if isinstance(told, Failed):
            raise error_in(told)
        try:
            return expected(kind, told)
        except GarbledError:
            self.close()
            raise gone() from None

    def shut(self) -> None:
        """Let whoever waits here wait no longer."""
        self._line.shut()

    def close(self) -> None:
        """Let go of it."""
        self._line.close()

    def _told(self) -> Told:
        try:
            raw = self._line.receive(None)
            if raw is not None:
                return told_in(raw)
        except (OSError, GarbledError):
            pass
        except BaseException:
            self.close()
            raise
        self.close()
        raise gone()


def gone() -> AsleepError:
    """The error when the house is there no more."""
    return AsleepError("the house that was up has gone, or has closed this connection; connect anew")
