"""The threads in which calls are carried out, and how many calls may wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

import anyio
from anyio.to_thread import run_sync

from severance.server.problems import BUSY, TOO_LONG, Problem

T = TypeVar("T")


class Threads:
    """A bounded number of threads, and a bounded queue before them. For one event loop."""

    def __init__(self, most: int, waiting: int, within: float) -> None:
        """So many threads, so many who wait, and so many seconds until somebody who waits is told to come again."""
        self._limiter = anyio.CapacityLimiter(most)
        self._most = most + waiting
        self._within = within
        self._inside = 0
        self._calls: set[asyncio.Task[Any]] = set()

    @property
    def inside(self) -> int:
        """How many calls wait or are carried out."""
        return self._inside

    async def run(self, work: Callable[[], T], turn: AbstractAsyncContextManager[Any] | None = None) -> T:
        """What the work returns, which is done in a thread, in its turn.

        Whoever waits may go away: the work goes on to its end, and the turn with it.

        Raises:
            Problem: too many wait, or it takes too long.
        """
        call = self.start(work, turn)
        await asyncio.wait({call}, timeout=self._within)
        if not call.done():
            raise Problem(TOO_LONG)
        return call.result()

    def start(self, work: Callable[[], T], turn: AbstractAsyncContextManager[Any] | None = None) -> asyncio.Task[T]:
        """Have the work done, however long it takes.

        Raises:
            Problem: too many wait.
        """
        if self._inside >= self._most:
            raise Problem(BUSY)
        return self.begin(work, turn)

    def begin(self, work: Callable[[], T], turn: AbstractAsyncContextManager[Any] | None = None) -> asyncio.Task[T]:
        """Have the work done, however many wait; nobody has to wait for it."""
        call = asyncio.create_task(self._carried_out(work, turn or nullcontext()))
        self._inside += 1
        self._calls.add(call)
        call.add_done_callback(self._over)
        return call

    async def end(self) -> None:
        """Wait for what is being carried out."""
        if self._calls:
            await asyncio.wait(self._calls)

    async def _carried_out(self, work: Callable[[], T], turn: AbstractAsyncContextManager[Any]) -> T:
        async with turn:
            return await run_sync(work, limiter=self._limiter)

    def _over(self, call: asyncio.Task[Any]) -> None:
        self._calls.discard(call)
        self._inside -= 1
        if not call.cancelled():
            call.exception()  # nobody may be there any more to ask for it
