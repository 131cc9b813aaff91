"""The asynchronous client, called as the synchronous one is: so that each test is one test of both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any


class Awaited:
    """What an asynchronous object gives when it is awaited, in a loop of its own."""

    def __init__(self, held: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.held, self._loop = held, loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.held, {"close": "aclose"}.get(name, name))
        return self._called(found) if inspect.ismethod(found) else found

    def _called(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            given = method(*args, **named)
            if inspect.isasyncgen(given):
                return self._each(given)
            told = self._loop.run_until_complete(given)
            return Awaited(told, self._loop) if type(told).__name__.startswith("Async") else told

        return call

    def _each(self, given: Any) -> Iterator[Any]:
        while True:
            try:
                yield self._loop.run_until_complete(anext(given))
            except StopAsyncIteration:
                return

    def __enter__(self) -> Awaited:
        self._loop.run_until_complete(self.held.__aenter__())
        return self

    def __exit__(self, *raised: object) -> None:
        self._loop.run_until_complete(self.held.__aexit__(*raised))

    def __repr__(self) -> str:
        return repr(self.held)
