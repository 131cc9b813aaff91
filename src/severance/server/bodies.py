"""The body of a request, read whole before a route has it: counted while it comes, and with an end to the waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from severance.server.mounted import PATH as MCP
from severance.server.parts import Parts
from severance.server.problems import BUSY, CLOSE, NO_BEARER, NOT_FOUND, TOO_LARGE, TOO_SLOW, WRONG_MEDIA_TYPE, Problem

MOST_VALUES = 2**17
"""Values in a body, about: reading them costs more than their bytes do."""
STRANGERS = 8
"""Bodies of bearers that were never let in have this part of what there is for all others, and nothing of that."""
QUERY = 5 * 2**18
"""Bytes of the body of a question to a session, whose query may have 1 MiB."""


class Bodies:
    """Raises a Problem where a body is too large or too slow, or there are too many; as ASGI middleware."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self._limits = parts.outside.limits
        self._held = {True: 0, False: 0}  # bytes of bodies of those that were let in, and of others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        body = _Body(scope, headers, self._parts, self._held)
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
            if has_too_many_values(whole):
                raise Problem(TOO_LARGE, "the body has more values than are taken; send fewer at a time")
            await self._app(scope, _given(whole, receive), send)
        finally:
            body.let_go()


class _Body:
    """One body: how large it may be, and what it takes of what there is for all."""

    def __init__(self, scope: Scope, headers: Headers, parts: Parts, held: dict[bool, int]) -> None:
        self._limits = parts.outside.limits
        self._held = held
        self._size = 0
        names = scope["path"].split("/")
        self._below = names[4] if len(names) > 4 and names[1:3] == ["v1", "sessions"] else None
        bearer, self._refused = scope["state"].get("bearer"), None
        if self._below is not None and bearer is not None:
            self._refused = _at_session(parts, names[3], bearer)
        elif scope["path"] == MCP and bearer is not None:
            self._refused = _at_mcp(parts, headers.getlist("mcp-session-id"), bearer)
        has_session = bearer is not None and (self._below is not None or scope["path"] == MCP) and not self._refused
        self._is_known = has_session or scope["state"].get("is_known", False)
        self._most = self._limits.body if scope["path"] == MCP else self._most_below()

    def _most_below(self) -> int:
        more = {"memories": self._limits.body, "recall": QUERY, "context": QUERY}.get(self._below or "", 0)
        return min(self._limits.body, max(self._limits.small_body, more))

    def expect(self, size: int) -> None:
        """Raise a Problem where a body of so many bytes is not taken."""
        if size > self._most:
            raise Problem(TOO_LARGE)
        if size > self._limits.stranger_body and self._refused is not None:
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
        most = self._limits.bodies // (1 if self._is_known else STRANGERS)
        if size and self._held[self._is_known] + size > most:
            raise Problem(BUSY, headers=CLOSE)
        self._held[self._is_known] += size
        self._size += size

    def let_go(self) -> None:
        """Hold it no longer."""
        self._held[self._is_known] -= self._size
        self._size = 0


def _at_session(parts: Parts, id: str, bearer: str) -> Problem | None:  # noqa: A002
    """Why a body that is large is not for a session: None where it is for one of this bearer's."""
    try:
        parts.rooms.find(id, bearer)
    except Problem as problem:
        return Problem(problem.kind, headers=CLOSE)
    return None


def _at_mcp(parts: Parts, named: Sequence[str], bearer: str) -> Problem | None:
    """The same over MCP, where a session is named in a header."""
    if not named:
        return Problem(TOO_LARGE)
    return None if len(named) == 1 and parts.mcp.has(named[0], bearer) else Problem(NOT_FOUND, headers=CLOSE)


def has_too_many_values(body: bytes) -> bool:
    """Whether a body of JSON has more than `MOST_VALUES`, about; before it is read, and in time with its length."""
    if _marks(body) <= MOST_VALUES:
        return False
    quoted = body.replace(b"\\\\", b"").replace(b'\\"', b"")  # what is left of quotes begins or ends a text
    if quoted.count(b'"') > 2 * MOST_VALUES:
        return True
    return _marks(b"".join(quoted.split(b'"')[::2])) > MOST_VALUES


def _marks(body: bytes) -> int:
    return sum(map(body.count, (b",", b"[", b"{")))


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
