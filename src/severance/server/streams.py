"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) of the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from severance.errors import AsleepError, SeveranceError
from severance.model import AuditEvent
from severance.resident.owner import Following
from severance.server.parts import Parts
from severance.server.problems import HOUSE_DOWN, Problem, problem_of

MEDIA_TYPE = "text/event-stream"

_RETRY = b"retry: 2000\n\n"
_BEAT = b": nothing happened\n\n"


class Stream(StreamingResponse):
    """Entries as they are added, until the client goes, the server ends, or the house says that it is over."""

    def __init__(self, following: Following, parts: Parts, why: Callable[[Parts], Awaitable[Problem]]) -> None:
        """Both are let go of at the end, with one of the server's streams.

        Args:
            following: the entries.
            parts: the server's.
            why: tells why the house gives out nothing more.
        """
        super().__init__(self._sent(), media_type=MEDIA_TYPE, headers={"x-accel-buffering": "no"})
        self._following = following
        self._parts = parts
        self._why = why

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._following.close()  # whoever waits in a thread waits no longer
            self._parts.streams.give(1)

    async def _sent(self) -> AsyncIterator[bytes]:
        yield _RETRY
        closing = asyncio.ensure_future(self._parts.closing.wait())
        try:
            while (told := await self._next(closing)) is not None:
                yield b"".join(map(_event, told)) or _BEAT
            yield _end(Problem(HOUSE_DOWN, "this server ends; connect again in a moment"))
        except AsleepError:
            yield _end(await self._why(self._parts))
        except SeveranceError as error:
            yield _end(problem_of(error))
        finally:
            closing.cancel()

    async def _next(self, closing: asyncio.Future[Any]) -> list[AuditEvent] | None:
        """What comes next; None where the server ends."""
        waiting: asyncio.Future[Any] = asyncio.ensure_future(
            run_sync(self._following.next, limiter=self._parts.listening, abandon_on_cancel=True)
        )
        try:
            await asyncio.wait({waiting, closing}, return_when=asyncio.FIRST_COMPLETED)
            told: list[AuditEvent] | None = waiting.result() if waiting.done() else None
            return told
        finally:
            waiting.cancel()


def _event(event: AuditEvent) -> bytes:
    return b"id: %d\nevent: entry\ndata: %s\n\n" % (event.number, msgspec.json.encode(event))


def _end(problem: Problem) -> bytes:
    return b"event: end\ndata: %s\n\n" % problem.content
