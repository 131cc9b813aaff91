"""The house as the server has it, and the bearer as the house does: what of it is kept here is a hash."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

import anyio
from anyio.to_thread import run_sync

from severance.errors import SeveranceError
from severance.resident.client import HouseState
from severance.resident.owner import Owner
from severance.server.problems import HOUSE_DOWN, HOUSE_LOCKED, NOT_FOUND, SESSION_ENDED, Problem
from severance.session import Session

TOOL = "http"
"""What a permit for one tool must be for, to be used here."""
_FRESH = 1.0

Standing = Literal["open", "locked", "down"]


class Door(Protocol):
    """A house that lets in, such as `severance.connect` gives."""

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        """As `House.admit`."""
        ...

    def state(self) -> HouseState:
        """How it is. Raises NotUpError where none is up."""
        ...


@runtime_checkable
class OwnersDoor(Protocol):
    """A house that answers its owner, too."""

    def owner(self, token: str, /) -> Owner:
        """As `ResidentHouse.owner`."""
        ...


class Standings:
    """Whether the house is up and open: asked of it, by one at a time, at most once in a second."""

    def __init__(self, door: Door, ticks: Callable[[], float]) -> None:
        self._door = door
        self._ticks = ticks
        self._limiter = anyio.CapacityLimiter(1)  # not the threads of calls: those may all be waiting for the house
        self._asking = asyncio.Lock()
        self._known: Standing = "down"
        self._until = float("-inf")

    async def now(self, *, fresh: bool = False) -> Standing:
        """How it is. `fresh` asks the house in any case."""
        async with self._asking:
            if fresh or self._ticks() >= self._until:
                self._known = await run_sync(self._asked, limiter=self._limiter)
                self._until = self._ticks() + _FRESH
            return self._known

    async def why_asleep(self) -> Problem:
        """The problem of a session that has ended: where the house is not there for anybody, that comes first."""
        standing = await self.now(fresh=True)
        return Problem({"open": SESSION_ENDED, "locked": HOUSE_LOCKED, "down": HOUSE_DOWN}[standing])

    def _asked(self) -> Standing:
        try:
            return "locked" if self._door.state().locked else "open"
        except SeveranceError:
            return "down"


def digest_of(bearer: str) -> bytes:
    """What is kept of a bearer: 32 bytes."""
    return hashlib.sha256(bearer.encode()).digest()


def no_session() -> Problem:
    """The answer for every session that is not one of this bearer's."""
    return Problem(NOT_FOUND)
