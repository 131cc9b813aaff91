"""Who comes over HTTP with a bearer and is let in: few at once, and none of whom nobody hears any more."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from anyio import CapacityLimiter
from mcp_types import INTERNAL_ERROR
from starlette.types import Receive

from severance.errors import InputError, NotFoundError, PermitError, SeveranceError
from severance.mcp.let_in import LetIn
from severance.mcp.posted import AGAIN, Told, unheard
from severance.mcp.working import Work
from severance.session import Session

TOOL = "mcp"
"""What a permit for one tool must be for, to be used here."""
AT_ONCE = 8
"""Bearers that are shown at once, of both lines: each may take ten seconds where the house is full."""
MOST_COMING = 1_024
"""Bearers that wait in each line."""

T = TypeVar("T")


class Door(Protocol):
    """Where a bearer is let in: a house that is up, as `severance.connect` gives it, or an open one."""

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        """As `House.admit`."""
        ...


class Crossings:
    """Bearers that wait to be let in, in two lines of the same length, each with threads of its own.

    Who was let in before waits for nobody who never was, so that bearers which open nothing shut nobody out.
    """

    def __init__(self, door: Door, let_in: LetIn, *, most: int, at_once: int, within: float) -> None:
        """Nobody waits yet.

        Args:
            door: where bearers are shown.
            let_in: who was let in before; who is let in is added.
            most: how many may wait in each line.
            at_once: how many of each are shown to the door at once, in threads.
            within: seconds after which whoever waits is told to come again.
        """
        self._door = door
        self._let_in = let_in
        self._most = most
        self._within = within
        self._line_of_known, self._line_of_others = CapacityLimiter(at_once), CapacityLimiter(at_once)
        self._waiting = {True: 0, False: 0}  # in the line of those that are known, and in that of others
        self._coming: Counter[bytes] = Counter()
        self._works = set[asyncio.Task[Any]]()

    def of(self, counted: bytes) -> int:
        """How many wait of those that are counted so."""
        return self._coming[counted]

    async def cross(self, bearer: str, hashed: bytes, receive: Receive) -> Session:
        """Let in. A session of whom nobody can hear any more is put to sleep as soon as it is there.

        Args:
            bearer: what is shown.
            hashed: by what it is known here.
            receive: tells that whoever asked has gone; the body has been taken from it.

        Raises:
            Told: it opens nothing, too many wait, it takes too long, or nobody waits any more.
        """
        known, counted = hashed in self._let_in, self._let_in.counted(hashed)
        if self._waiting[known] >= self._most:
            raise Told(429, "too many wait to be let in; try again", headers=AGAIN)
        self._waiting[known] += 1
        self._coming[counted] += 1
        try:
            line = self._line_of_known if known else self._line_of_others
            session = await self._while_asked(self._kept(Work(partial(self._admitted, bearer), line)), receive)
        finally:
            self._waiting[known] -= 1
            self._coming -= Counter([counted])
        self._let_in.add(bearer, hashed)
        return session

    async def end(self) -> None:
        """Wait until whoever was let in and not heard of is asleep."""
        while self._works:
            await asyncio.wait(self._works)

    async def _while_asked(self, work: Work[Session], receive: Receive) -> Session:
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({work.task, gone}, timeout=self._within, return_when=asyncio.FIRST_COMPLETED)
            if not work.task.done():
                raise unheard() if gone.done() else Told(504, "it takes too long; try again", headers=AGAIN)
            return work.task.result()
        except BaseException:
            work.leave()
            work.task.add_done_callback(self._end_unheard)
            raise
        finally:
            gone.cancel()

    def _admitted(self, bearer: str) -> Session:
        try:
            return self._door.admit(bearer, tool=TOOL)
        except (InputError, NotFoundError, PermitError):
            raise unknown() from None  # whatever it is: what opens nothing here opens nothing
        except SeveranceError as problem:
            raise Told(503, str(problem), code=INTERNAL_ERROR, headers=AGAIN) from None

    def _end_unheard(self, crossing: asyncio.Task[Session]) -> None:
        if not crossing.cancelled() and crossing.exception() is None:
            self._kept(Work(partial(put_to_sleep, crossing.result())))

    def _kept(self, work: Work[T]) -> Work[T]:
        """The work, which `end` waits for."""
        self._works.add(work.task)
        work.task.add_done_callback(self._works.discard)
        return work


def unknown() -> Told:
    """The answer to every bearer that opens nothing."""
    return Told(
        401,
        "show a permit or a place credential that opens something here, as Authorization: Bearer TEXT",
        headers={"WWW-Authenticate": "Bearer"},
    )


def put_to_sleep(session: Session) -> None:
    """Put it to sleep; one that cannot say good night is over all the same."""
    with suppress(SeveranceError):
        session.sleep()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
