"""The server over streamable HTTP: each session of the protocol is one session of a persona, and its bearer's alone.

Only versions of the protocol that begin a session are spoken. In those that do not (since 2026-07-28) every request
stands for itself: whoever wakes could change, with the hours of a place, in the middle of a model's context.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from anyio import CapacityLimiter, Event, to_thread
from anyio.abc import TaskGroup, TaskStatus
from mcp.server.runner import serve_loop
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER, StreamableHTTPServerTransport
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    UNSUPPORTED_PROTOCOL_VERSION,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCRequest,
    RequestId,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from severance.errors import InputError, NotFoundError, PermitError, SeveranceError
from severance.mcp.awake import Awake
from severance.mcp.serving import quiet, serving
from severance.mcp.wire import MOST_BYTES, Refused, bytes_of, message_in
from severance.ports import Clock, Entropy
from severance.session import Session
from severance.system import SystemClock, SystemEntropy

TOOL = "mcp"
"""What a permit for one tool must be for, to be used here."""
MOST_BEARER = 16_384
MOST_OPEN = 32
"""Requests of one session without an answer."""

_METHODS = ("DELETE", "GET", "POST")
_PATIENCE = 30.0
"""Seconds in which the body of a request has to arrive, and in which a session that is deleted falls asleep."""
_AGAIN = "5"


class Door(Protocol):
    """Where a bearer is let in: a house that is up, as `severance.connect` gives it, or an open one."""

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        """As `House.admit`."""
        ...


@dataclass(eq=False, slots=True)
class _Held:
    """A session that is open.

    Attributes:
        id: what its client shows.
        bearer: the hash of what let it in.
        session: whose persona is awake.
        transport: the library's half of it.
        over: whether the persona is asleep again.
        open: the ids of requests without an answer.
    """

    id: str
    bearer: bytes
    session: Session
    transport: StreamableHTTPServerTransport
    over: Event = field(default_factory=Event)
    open: set[str] = field(default_factory=set)


class OverHttp:
    """An ASGI application for one path. It answers GET, POST and DELETE, each with a bearer; `run` is its life."""

    def __init__(
        self,
        door: Door,
        *,
        entropy: Entropy | None = None,
        clock: Clock | None = None,
        most: int = 256,
        most_each: int = 16,
        idle: float = 1_800.0,
        origins: Collection[str] = (),
        threads: int = 16,
    ) -> None:
        """Nobody is let in before `run`.

        Args:
            door: where permits and place credentials are shown.
            entropy: where ids of sessions come from; by default the system's. The scope is the hash of the bearer.
            clock: by default the machine's.
            most, most_each: sessions at once, and of one bearer.
            idle: seconds after which a session without a request falls asleep.
            origins: pages that may call from a browser, such as https://console.example; by default none.
            threads: calls that may run at once, of all sessions.
        """
        self._door = door
        self._entropy = entropy or SystemEntropy()
        self._clock = clock or SystemClock()
        self._most, self._most_each, self._idle = most, most_each, idle
        self._origins = frozenset(origins)
        self._limits = threads
        self._threads: CapacityLimiter | None = None
        self._group: TaskGroup | None = None
        self._held: dict[str, _Held] = {}
        self._coming: list[bytes] = []

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serve within the block. At its end every session falls asleep, and nothing that was acknowledged is lost."""
        quiet()
        self._threads = CapacityLimiter(self._limits)
        async with anyio.create_task_group() as self._group:
            try:
                yield
            finally:
                self._group.cancel_scope.cancel()
        self._group = self._threads = None

    @property
    def sessions(self) -> int:
        """How many are open."""
        return len(self._held)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._answer(scope, receive, send)
        except _Told as told:
            await told.response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        self._check_caller(scope, headers)
        bearer = _bearer(headers)
        known = self._known(headers, bearer)
        message: JSONRPCMessage | None = None
        if scope["method"] == "POST":
            body = await _body(receive)
            message = _message(body)
            receive = _again(body, receive)
        _check_version(headers, message)
        if known is None:
            await self._begin(bearer, message, scope, receive, send)
        elif scope["method"] == "DELETE":
            await self._end(known)
            await Response(status_code=204)(scope, receive, send)
        elif isinstance(message, JSONRPCRequest):
            await _one_of_few(known, message, scope, receive, send)
        else:
            await known.transport.handle_request(scope, receive, send)

    def _check_caller(self, scope: Scope, headers: Iterable[tuple[str, str]]) -> None:
        if scope["method"] not in _METHODS:
            raise _Told(405, "there are GET, POST and DELETE here", headers={"Allow": ", ".join(_METHODS)})
        if any(name == "origin" and value not in self._origins for name, value in headers):
            raise _Told(403, "a page in a browser may not call here; its origin was not named")
        if self._group is None:
            raise _Told(503, "this server is ending, or has not begun; try again", headers={"Retry-After": _AGAIN})

    def _known(self, headers: Iterable[tuple[str, str]], bearer: str) -> _Held | None:
        """The session that is meant; None where none is named."""
        named = _only(headers, MCP_SESSION_ID_HEADER)
        if named is None:
            return None
        held = self._held.get(named)
        if held is None or not hmac.compare_digest(held.bearer, _hashed(bearer)):
            raise _Told(404, "no such session; begin a new conversation, and with it a new session")
        return held

    async def _begin(
        self, bearer: str, message: JSONRPCMessage | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the bearer in, where this is how a session begins."""
        if not isinstance(message, JSONRPCRequest) or message.method != "initialize":
            raise _Told(400, "a session begins with initialize; name it in Mcp-Session-Id afterwards", id=_id(message))
        with anyio.CancelScope(shield=True):  # whoever has been let in is held, also where nobody waits any more
            held = await self._crossed(bearer)
        began = False

        async def watched(said: Message) -> None:
            nonlocal began
            began = began or (said["type"] == "http.response.start" and said["status"] < 400)
            await send(said)

        try:
            await held.transport.handle_request(scope, receive, watched)
        finally:
            if not began:
                with anyio.CancelScope(shield=True):
                    await self._end(held)

    async def _crossed(self, bearer: str) -> _Held:
        hashed = _hashed(bearer)
        bearers = [*self._coming, *(held.bearer for held in self._held.values())]
        if len(bearers) >= self._most or bearers.count(hashed) >= self._most_each:
            raise _Told(429, "too many sessions are open; end some with DELETE", headers={"Retry-After": _AGAIN})
        self._coming.append(hashed)
        try:
            session = await to_thread.run_sync(self._admitted, bearer, limiter=self._threads)
            id = self._entropy.draw(16, hashed).hex()  # noqa: A001
            transport = StreamableHTTPServerTransport(mcp_session_id=id, idle_timeout=self._idle)
            held = self._held[id] = _Held(id, hashed, session, transport)
        finally:
            self._coming.remove(hashed)
        if self._group is None:
            await to_thread.run_sync(_sleep, session)
            raise _Told(503, "this server is ending; try again", headers={"Retry-After": _AGAIN})
        await self._group.start(self._live, held)
        return held

    def _admitted(self, bearer: str) -> Session:
        try:
            return self._door.admit(bearer, tool=TOOL)
        except (InputError, NotFoundError, PermitError):
            raise _unknown() from None  # whatever it is: what opens nothing here opens nothing
        except SeveranceError as problem:
            raise _Told(503, str(problem), code=INTERNAL_ERROR, headers={"Retry-After": _AGAIN}) from None

    async def _live(self, held: _Held, *, task_status: TaskStatus[None]) -> None:
        """Serve a session to its end, and put its persona to sleep."""
        server = serving(Awake(held.session, threads=self._threads), self._clock)
        try:
            async with held.transport.connect() as (read, write):
                task_status.started()
                with held.transport.idle_scope or anyio.CancelScope():
                    await serve_loop(server, read, write, lifespan_state={}, session_id=held.id)
                await held.transport.terminate()
        finally:
            self._held.pop(held.id, None)
            with anyio.CancelScope(shield=True):
                await held.transport.terminate()
                await to_thread.run_sync(_sleep, held.session)
            held.over.set()

    async def _end(self, held: _Held) -> None:
        """End a session; its persona is asleep when this returns, unless that takes too long."""
        self._held.pop(held.id, None)
        await held.transport.terminate()
        with anyio.move_on_after(_PATIENCE):
            await held.over.wait()


class _Told(Exception):  # noqa: N818 - not an error: an answer
    """What is answered instead."""

    def __init__(
        self,
        status: int,
        sentence: str,
        *,
        code: int = INVALID_REQUEST,
        data: object = None,
        id: RequestId | None = None,  # noqa: A002
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        error = (
            ErrorData(code=code, message=sentence)
            if data is None
            else ErrorData(code=code, message=sentence, data=data)
        )
        body = bytes_of(JSONRPCError(jsonrpc="2.0", id=id, error=error))
        self.response = Response(body, status, headers, "application/json")


def _unknown() -> _Told:
    return _Told(
        401,
        "show a permit or a place credential that opens something here, as Authorization: Bearer TEXT",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def _one_of_few(held: _Held, message: JSONRPCRequest, scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request on, if the session bears it. The library would answer two with one id in the stream of one."""
    id = str(message.id)  # noqa: A001
    if id in held.open:
        raise _Told(400, "a request with this id has no answer yet; number requests differently", id=message.id)
    if len(held.open) >= MOST_OPEN:
        raise _Told(429, "too many requests of this session have no answer yet; wait for some", id=message.id)
    held.open.add(id)
    try:
        await held.transport.handle_request(scope, receive, send)
    finally:
        held.open.discard(id)


def _sleep(session: Session) -> None:
    with suppress(SeveranceError):  # a session that cannot say good night is over all the same
        session.sleep()


def _hashed(bearer: str) -> bytes:
    return hashlib.sha256(bearer.encode()).digest()


def _headers(scope: Scope) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]


def _only(headers: Iterable[tuple[str, str]], wanted: str) -> str | None:
    found = [value for name, value in headers if name == wanted]
    if len(found) > 1:
        raise _Told(400, f"there is more than one header {wanted}; send one")
    return found[0] if found else None


def _bearer(headers: Iterable[tuple[str, str]]) -> str:
    scheme, _, text = (_only(headers, "authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip() or len(text) > MOST_BEARER:
        raise _unknown()
    return text.strip()


def _check_version(headers: Iterable[tuple[str, str]], message: JSONRPCMessage | None) -> None:
    version = _only(headers, MCP_PROTOCOL_VERSION_HEADER)
    if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
        raise _Told(
            400,
            "over HTTP, only versions of the protocol that begin a session are spoken; begin with initialize",
            code=UNSUPPORTED_PROTOCOL_VERSION,
            data={"supported": [*HANDSHAKE_PROTOCOL_VERSIONS], "requested": version[:40]},
            id=_id(message),
        )


def _id(message: JSONRPCMessage | None) -> RequestId | None:
    return message.id if isinstance(message, JSONRPCRequest) else None


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    with anyio.move_on_after(_PATIENCE):
        while len(body) <= MOST_BYTES:
            said = await receive()
            if said["type"] != "http.request":
                raise _Told(400, "the request ended in the middle of it")
            body += said.get("body", b"")
            if not said.get("more_body", False):
                break
        else:
            raise _Told(413, f"a request may have {MOST_BYTES:,} bytes; send less at a time")
        if len(body) > MOST_BYTES:
            raise _Told(413, f"a request may have {MOST_BYTES:,} bytes; send less at a time")
        return bytes(body)
    raise _Told(408, "the request did not arrive in time; send it again")


def _message(body: bytes) -> JSONRPCMessage:
    found = message_in(body)
    if isinstance(found, Refused):
        raise _Told(400, found.sentence, code=found.code, id=found.id)
    return found


def _again(body: bytes, receive: Receive) -> Receive:
    """What a request is received with when its body has been read: once more the body, and then what follows."""
    first = True

    async def received() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return received
