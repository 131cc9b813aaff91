"""The body of a request, read whole before a route has it: counted while it comes, and with an end to the waiting."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from severance.server.mounted import PATH as MCP
from severance.server.parts import Parts
from severance.server.problems import BUSY, CLOSE, NO_BEARER, TOO_LARGE, TOO_SLOW, WRONG_MEDIA_TYPE, Problem

QUERY = 5 * 2**18
"""Bytes of the body of a question to a session, whose query may have 1 MiB."""


class Bodies:
    """Raises a Problem where a body is too large or too slow, or there are too many; as ASGI middleware."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self._limits = parts.outside.limits
        self._held = {True: 0, False: 0}  # bytes of bodies for a session of their bearer's, and of others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        body = _Body(scope, self._parts, self._held)
        try:
            try:
                if _is_announced(headers) and _needs_bearer(scope["path"]) and scope["state"].get("bearer") is None:
                    raise Problem(NO_BEARER, headers=CLOSE)
                told = headers.get("content-length", "")
                body.expect(int(told[:20]) if told.isdecimal() else 0)
                async with asyncio.timeout(self._limits.body_within):
                    whole = await body.read(receive)
            except TimeoutError:
                raise Problem(TOO_SLOW) from None
            if whole and not _is_json(headers.get("content-type", "")):
                raise Problem(WRONG_MEDIA_TYPE)
            await self._app(scope, _given(whole, receive), send)
        finally:
            body.let_go()


class _Body:
    """One body: how large it may be, and what it takes of what there is for all."""

    def __init__(self, scope: Scope, parts: Parts, held: dict[bool, int]) -> None:
        self._limits = parts.outside.limits
        self._held = held
        self._size = 0
        names = scope["path"].split("/")
        self._below = names[4] if len(names) > 4 and names[1:3] == ["v1", "sessions"] else None
        self._refused: Problem | None = None
        if self._below is not None and scope["state"].get("bearer") is not None:
            try:
                parts.rooms.find(names[3], scope["state"]["bearer"])
            except Problem as problem:
                self._refused = Problem(problem.kind, headers=CLOSE)
        self._is_known = self._below is not None and self._refused is None
        self._most = self._limits.body if scope["path"] == MCP else self._most_below()

    def _most_below(self) -> int:
        more = {"memories": self._limits.body, "recall": QUERY, "context": QUERY}.get(self._below or "", 0)
        return min(self._limits.body, max(self._limits.small_body, more))

    def expect(self, size: int) -> None:
        """Raise a Problem where a body of so many bytes is not taken."""
        if size > self._most:
            raise Problem(TOO_LARGE)
        if size > self._limits.small_body and self._refused is not None:
            raise self._refused

    async def read(self, receive: Receive) -> bytes:
        """All of it, held until `let_go`."""
        pieces = list[bytes]()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            self._hold(len(piece))
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)

    def _hold(self, size: int) -> None:
        self.expect(self._size + size)
        # Whoever has no session here gets half: so that bodies of those whom nobody knows shut no session out.
        most = self._limits.bodies // (1 if self._is_known else 2)
        if size and (sum(self._held.values()) if self._is_known else self._held[False]) + size > most:
            raise Problem(BUSY, headers=CLOSE)
        self._held[self._is_known] += size
        self._size += size

    def let_go(self) -> None:
        """Hold it no longer."""
        self._held[self._is_known] -= self._size
        self._size = 0


def _is_announced(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""


def _needs_bearer(path: str) -> bool:
    return path.startswith("/v1/") or path == MCP


def _is_json(media_type: str) -> bool:
    return media_type.partition(";")[0].strip().lower() == "application/json"


def _given(body: bytes, receive: Receive) -> Receive:
    """What gives the body once, and then what else comes: that the other end has gone."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return left.pop() if left else await receive()

    return give
