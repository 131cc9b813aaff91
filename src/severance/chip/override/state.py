"""One override: what was asked, what was answered, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from severance.chip.override.texts import Asked, Request, checked_request
from severance.chip.register import OverrideRow
from severance.errors import OverrideError
from severance.model import OverrideState, Right

NEEDED = 2
"""Approvals."""

DRAFTED = "drafted"
"""What the row of a draft says in place of how an override ended."""


class Wish(NamedTuple):
    """What somebody asks for; as in `Request`, and for how many microseconds it can be approved, and then be used."""

    reason: str
    rights: frozenset[Right]
    threads: tuple[str, ...] | None
    length: int
    approve_within: int
    use_within: int


@dataclass(frozen=True, slots=True)
class Override:
    """One override as the chip has it."""

    row: OverrideRow
    asked: Asked

    @property
    def id(self) -> str:
        """Its id in hex."""
        return self.row.id.hex()

    @property
    def request(self) -> Request:
        """What was asked."""
        return self.asked.said

    @property
    def approved(self) -> tuple[str, ...]:
        """Under which names it was approved."""
        return tuple(answer.name for answer in self.row.answers if answer.approves)

    @property
    def denied(self) -> str | None:
        """Under which name it was refused, if it was."""
        return next((answer.name for answer in self.row.answers if not answer.approves), None)

    def state(self, now: int) -> OverrideState:
        """How far it is; whether who uses it is still there is not looked at."""
        if self.denied is not None:
            return OverrideState.DENIED
        if self.row.ended is not None or (self.row.until is not None and now >= self.row.until):
            return OverrideState.ENDED
        if self.row.used is not None:
            return OverrideState.ACTIVE
        enough = len(self.approved) >= NEEDED
        if now >= (self.request.use_by if enough else self.request.approve_by):
            return OverrideState.EXPIRED
        return OverrideState.APPROVED if enough else OverrideState.REQUESTED

    def over_since(self, now: int) -> int | None:
        """When it was over, if it is."""
        if self.state(now) in (OverrideState.REQUESTED, OverrideState.APPROVED, OverrideState.ACTIVE):
            return None
        return self.row.ended or self.row.until or self.request.use_by


def check_open(found: Override, now: int, *, answering: bool) -> None:
    """Refuse what is over.

    Raises:
        OverrideError: it is.
    """
    state = found.state(now)
    if state is OverrideState.DENIED:
        raise OverrideError("it was refused, and that holds; ask again", why="denied")
    if state is OverrideState.ENDED:
        raise OverrideError("it is over; ask again", why="ended")
    if answering and state is OverrideState.EXPIRED:
        raise OverrideError("the time for it is over; ask again", why="late")


def override_of(row: OverrideRow) -> Override:
    """The override that a row is.

    Raises:
        OverrideError: its request is not what was signed.
    """
    return Override(row, checked_request(row.raw))
