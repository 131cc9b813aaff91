"""A session as asynchronous code has it: calls run in threads, and no more than can be borne at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from severance.errors import StoreBusyError
from severance.mcp.words import BUSY
from severance.mcp.working import Work
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
        self._calls = set[asyncio.Task[Any]]()

    async def do(self, call: Callable[[Session], T]) -> T:
        """What `call` returns for the session. Cancelled, it is left alone: it ends as it ends, and nobody hears of it.

        Raises:
            StoreBusyError: too many calls run or wait already.
            SeveranceError: as the call.
        """
        if len(self._calls) >= MOST_CALLS:
            raise StoreBusyError(BUSY)
        threads = self._threads or to_thread.current_default_thread_limiter()
        work = Work(partial(call, self.session), self._turn, threads)
        self._calls.add(work.task)
        work.task.add_done_callback(self._over)
        try:
            await asyncio.wait({work.task})
        finally:
            work.leave()
        return work.task.result()

    def _over(self, call: asyncio.Task[Any]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # nobody may be there any more to ask for it
