"""The body of a request, read whole before a route has it: counted while it comes, and with an end to the waiting."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from severance.server.limits import Limits
from severance.server.problems import TOO_LARGE, TOO_SLOW, WRONG_MEDIA_TYPE, Problem

_SPILLED = 4
_SPILLING = 2.0


class Bodies:
    """Raises a Problem where a body is too large or too slow; as ASGI middleware."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        told = headers.get("content-length", "")
        try:
            if told.isdecimal() and int(told[:20]) > self._limits.body:
                raise Problem(TOO_LARGE)
            async with asyncio.timeout(self._limits.body_within):
                body = await self._whole(receive)
        except TimeoutError:
            raise Problem(TOO_SLOW) from None
        except Problem:
            if "expect" not in headers:
                await self._spill(receive)
            raise
        if body and not _is_json(headers.get("content-type", "")):
            raise Problem(WRONG_MEDIA_TYPE)
        await self._app(scope, _given(body, receive), send)

    async def _whole(self, receive: Receive) -> bytes:
        pieces, size = list[bytes](), 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._limits.body:
                raise Problem(TOO_LARGE)
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)

    async def _spill(self, receive: Receive) -> None:
        """Take some more of what is too large: where the connection is closed on it, the answer may not arrive."""
        left = _SPILLED * self._limits.body
        with suppress(TimeoutError):
            async with asyncio.timeout(_SPILLING):
                while left > 0:
                    message = await receive()
                    if not message.get("more_body", False):
                        return
                    left -= len(message.get("body", b""))


def _is_json(media_type: str) -> bool:
    return media_type.partition(";")[0].strip().lower() == "application/json"


def _given(body: bytes, receive: Receive) -> Receive:
    """What gives the body once, and then what else comes: that the other end has gone."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return left.pop() if left else await receive()

    return give
