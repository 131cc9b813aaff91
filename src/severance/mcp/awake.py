"""A session as asynchronous code has it: calls run in threads, and no more than can be borne at once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from severance.errors import StoreBusyError
from severance.mcp.words import BUSY
from severance.session import Session

MOST_CALLS = 32
"""Calls on one session that may run or wait at once. They take turns, in the order in which they came."""

T = TypeVar("T")


class Awake:
    """One session, for one connection of a client."""

    def __init__(self, session: Session, *, threads: CapacityLimiter | None = None) -> None:
        """The session stays its maker's, who puts it to sleep.

        Args:
            session: whose persona is awake.
            threads: how many may run at once, shared with other sessions; by default those of the event loop.
        """
        self.session = session
        self._threads = threads
        self._turn = anyio.Lock()  # a session would make them wait in threads, and in any order
        self._calls = 0
        self._counting = Lock()

    async def do(self, call: Callable[[Session], T]) -> T:
        """What `call` returns for the session. Cancelled, it is left alone: it ends as it ends, and nobody hears of it.

        Raises:
            StoreBusyError: too many calls run or wait already.
            SeveranceError: as the call.
        """
        with self._counting:
            if self._calls >= MOST_CALLS:
                raise StoreBusyError(BUSY)
            self._calls += 1
        turn = _Turn(self)
        try:
            async with self._turn:
                return await to_thread.run_sync(turn.take, call, abandon_on_cancel=True, limiter=self._threads)
        finally:
            turn.leave()


class _Turn:
    """One call, from being asked for to its end; it counts until then, also where nobody waits for it any more."""

    def __init__(self, awake: Awake) -> None:
        self._awake = awake
        self._begun = False
        self._left = False

    def take(self, call: Callable[[Session], T]) -> T:
        """Do it, in a thread."""
        with self._awake._counting:
            if self._left:
                raise StoreBusyError(BUSY)  # cancelled before it began: nobody hears this
            self._begun = True
        try:
            return call(self._awake.session)
        finally:
            self._over()

    def leave(self) -> None:
        """Wait for it no longer."""
        with self._awake._counting:
            if self._begun:
                return
            self._left = True
        self._over()

    def _over(self) -> None:
        with self._awake._counting:
            self._awake._calls -= 1
