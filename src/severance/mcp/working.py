"""What asynchronous code has done in a thread, with an end to the waiting that does not end the work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Generic, TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")


class Work(Generic[T]):
    """Something that is done in a thread once all gates are passed, such as a turn; it holds them until it has ended.

    Whoever waits for `task` may stop: a thread cannot be stopped, and what it does still counts.

    Attributes:
        task: has what came of it.
    """

    def __init__(self, do: Callable[[], T], *gates: AbstractAsyncContextManager[Any]) -> None:
        """Begin to wait at the gates, in their order. In an event loop of asyncio."""
        self._do = do
        self._gates = gates
        self._begun = False
        self.task = asyncio.create_task(self._done())

    def leave(self) -> None:
        """Wait for it no longer: what has not begun yet is never done."""
        if not self._begun:
            self.task.cancel()

    async def _done(self) -> T:
        async with AsyncExitStack() as passed:
            for gate in self._gates:
                await passed.enter_async_context(gate)
            self._begun = True
            return await to_thread.run_sync(self._do, limiter=CapacityLimiter(1))  # the gates are what limits it
