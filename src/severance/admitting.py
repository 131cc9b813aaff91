"""The part of a house that lets others in: permits, place credentials, and the door where they are shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Literal, Protocol

from severance.asking import end_of, rights_of
from severance.audit.events import What
from severance.chip.chip import Chip
from severance.chip.gate import Claim, Gate
from severance.chip.register import PermitRow
from severance.crypto.envelope import SpaceKey
from severance.drafts import check_text, name_of
from severance.model import CredentialInfo, PermitInfo, Persona, Right, moment
from severance.session import Session
from severance.telling import Telling


class Stay(Protocol):
    """What leaves a session awake."""

    def __call__(self) -> None:
        """Return if it may go on; AsleepError where it may not, and never may again."""
        ...

    def end(self, at: int | None = None) -> None:
        """The session sleeps, or has since the time that is given."""
        ...


Waking = Callable[[Persona, str, SpaceKey, Stay], Session]
"""Wakes a persona at a place with the key of its space, here or in a process of its own."""

MOST_TEXT = 65_536
"""Characters of what is shown at the door, at most; what is longer than a permit can be opens nothing."""


def shown_text(text: object) -> str:
    """What is looked at of a text that somebody shows at the door: all of it, or what is no permit either.

    Raises:
        InputError: it is no text.
    """
    if isinstance(text, str) and len(text) > MOST_TEXT:
        return text[:MOST_TEXT].encode("ascii", "replace").decode("ascii").replace("\0", "?")
    return check_text(text, "a permit", 4 * MOST_TEXT)


class Admitting(ABC):
    """What a house does for those who do not have its root key."""

    _chip: Chip
    _gate: Gate
    _telling: Telling

    def permit(
        self, subject: str, place: str, *, rights: Iterable[str], until: datetime | date | timedelta | str
    ) -> str:
        """Make a permit for whoever of the subject wakes at the place now: a text that `admit` takes. It is not kept.

        Args:
            rights: some of `Right`, or their names.
            until: when it ends: a time, or how long from now.

        Raises:
            InputError: a name that names can't have, no right, or an end that is over.
            NotFoundError: nobody of that name wakes at a place of that name now.
        """
        subject, place, allowed = name_of(subject, "the subject"), name_of(place, "the place"), rights_of(rights)
        end = end_of(until, self._gate.now())
        persona = self._waking_now(subject, place)
        told = {
            "subject": subject,
            "persona": persona.name,
            "place": place,
            "detail": {"rights": " ".join(sorted(allowed)), "until": end},
        }
        return self._gate.permit(persona, place, allowed, end, partial(self._tell_made, What.PERMIT_MADE, told))

    def permits(self) -> list[PermitInfo]:
        """All permits, in the order in which they were made, and for 30 days those that have ended."""
        return self._gate.permits()

    def register(self, subject: str, place: str, program: str, *, rights: Iterable[str] = tuple(Right)) -> str:
        """Register a program at a place, and make its place credential: a text that `admit` takes. It is not kept.

        With it the program can cross there as the subject, and nowhere else, until it is revoked: whoever of the
        subject then wakes there wakes.

        Args:
            program: its name, which thresholds can ask for.
            rights: some of `Right`, or their names; all of them without.

        Raises:
            InputError: a name that names can't have, or no right.
            NotFoundError: no such subject, or no such place. That nobody of the subject wakes there now is no error.
        """
        subject, place = name_of(subject, "the subject"), name_of(place, "the place")
        program, allowed = name_of(program, "the program"), rights_of(rights)
        self._chip.place(place)
        self._chip.personas(subject)
        told = {"subject": subject, "place": place, "detail": {"rights": " ".join(sorted(allowed))}}
        tell = partial(self._tell_made, What.CREDENTIAL_MADE, told)
        return self._gate.register(subject, place, program, allowed, tell)

    def credentials(self) -> list[CredentialInfo]:
        """All place credentials, in the order in which they were made."""
        return self._gate.credentials()

    def revoke(self, id: str) -> None:  # noqa: A002 - the word that callers know
        """End a permit or a credential for good, with every session that it opened. Doing it again does nothing.

        Raises:
            NotFoundError: none has that id.
        """
        for row in self._gate.open_ones(id):
            what = What.PERMIT_REVOKED if isinstance(row, PermitRow) else What.CREDENTIAL_REVOKED
            persona = {"persona": row.persona} if isinstance(row, PermitRow) else {}
            self._telling.tell(what, {"subject": row.subject, **persona, "place": row.place, "id": row.id.hex()})
        self._gate.revoke(id)

    def admit(
        self,
        text: str,
        *,
        place: str | None = None,
        tool: str | None = None,
        isolation: Literal["process"] | None = None,
    ) -> Session:
        """Let in whoever shows a permit or a place credential: who wakes there wakes, in a session that may do no more
        than was allowed, and ends with what it was let in with.

        Args:
            text: the permit or the credential.
            place: where it is shown, if that is to be checked.
            tool: what uses it; a permit may be for one tool only.
            isolation: as in `cross`.

        Raises:
            InputError: an argument is not text, or a name that names can't have; or as in `cross`.
            NotFoundError: it opens nothing. One error, whatever the reason: it is none, or another house's, was
                altered, has ended or was revoked, or whom it was made for wakes there no longer.
            EmbedderError: as in `cross`.
        """
        wake = self._waking(isolation)
        text = shown_text(text)
        place = None if place is None else name_of(place, "the place")
        claim = self._gate.read(text, place, None if tool is None else name_of(tool, "the tool"))
        return self._crossed(claim.subject, claim.place, wake, claim)

    def clock(self) -> datetime:
        """The time by which permits end: the clock's, or the latest that was seen at the door, whichever is later."""
        return moment(self._gate.now())

    def accept_clock(self) -> datetime:
        """Take the clock's time for the right one, where the chip has seen a later one. Returns the latest seen so far.

        A permit that was seen after its end stays ended.
        """
        self._telling.tell(What.CLOCK_ACCEPTED, {"detail": {"seen": self._gate.now()}})
        return moment(self._gate.accept_clock())

    def _tell_made(self, what: What, told: Mapping[str, Any], made: bytes) -> None:
        self._telling.tell(what, {**told, "id": made.hex()})

    @abstractmethod
    def _waking_now(self, subject: str, place: str) -> Persona:
        """The persona of the subject that wakes at the place now."""

    @abstractmethod
    def _waking(self, isolation: Literal["process"] | None) -> Waking:
        """What wakes a persona in this process, or in one of its own. Raises InputError for what cannot be had."""

    @abstractmethod
    def _crossed(self, subject: str, place: str, wake: Waking, claim: Claim | None = None) -> Session:
        """The persona that wakes there for whoever claims it, or for the owner, woken in this way."""
