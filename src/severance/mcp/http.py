"""The server over streamable HTTP: each session of the protocol is one session of a persona, and its bearer's alone.

Only versions of the protocol that begin a session are spoken. In those that do not (since 2026-07-28) every request
stands for itself: whoever wakes could change, with the hours of a place, in the middle of a model's context.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio import CapacityLimiter, Event, to_thread
from anyio.abc import TaskGroup, TaskStatus
from mcp.server.runner import serve_loop
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER, StreamableHTTPServerTransport
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types import UNSUPPORTED_PROTOCOL_VERSION, JSONRPCMessage, JSONRPCRequest, RequestId
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from severance.admitted import look_inside
from severance.errors import AsleepError
from severance.mcp.awake import Awake
from severance.mcp.crossing import AT_ONCE, MOST_COMING, Crossings, Door, put_to_sleep, unknown
from severance.mcp.let_in import LetIn
from severance.mcp.posted import AGAIN, Told, again, body_of, message_of
from severance.mcp.serving import quiet, serving
from severance.ports import Clock, Entropy
from severance.session import Session
from severance.system import SystemClock, SystemEntropy

MOST_BEARER = 16_384
MOST_OPEN = 32
"""Requests of one session without an answer."""

_METHODS = ("DELETE", "GET", "POST")
_PATIENCE = 30.0
"""Seconds in which a session that is deleted falls asleep."""


@dataclass(eq=False, slots=True)
class _Held:
    """A session that is open.

    Attributes:
        id: what its client shows.
        bearer: the hash of what let it in.
        root: by what its sessions are counted: the same for all that weakening makes of a permit.
        session: whose persona is awake.
        transport: the library's half of it.
        named: whether its client has shown its id, and so has it.
        over: whether the persona is asleep again.
        open: the ids of requests without an answer.
    """

    id: str
    bearer: bytes
    root: bytes
    session: Session
    transport: StreamableHTTPServerTransport
    named: bool = False
    over: Event = field(default_factory=Event)
    open: set[str] = field(default_factory=set)


class OverHttp:
    """An ASGI application for one path. It answers GET, POST and DELETE, each with a bearer; `run` is its life."""

    def __init__(
        self,
        door: Door,
        *,
        let_in: LetIn | None = None,
        entropy: Entropy | None = None,
        clock: Clock | None = None,
        most: int = 256,
        most_each: int = 16,
        most_coming: int = MOST_COMING,
        idle: float = 1_800.0,
        heard_within: float = 60.0,
        looked: float = 5.0,
        origins: Collection[str] = (),
        threads: int = 16,
    ) -> None:
        """Nobody is let in before `run`.

        Args:
            door: where permits and place credentials are shown.
            let_in: bearers that were let in before, here or elsewhere; by default nobody.
            entropy: where ids of sessions come from; by default the system's. The scope is the hash of the bearer.
            clock: by default the machine's.
            most, most_each: sessions at once, and of one permit or credential.
            most_coming: bearers at once that wait to be let in, of those that were before, and as many of others. Most
                may be made up: they take no session's place.
            idle: seconds after which a session without a request falls asleep.
            heard_within: seconds in which a bearer is let in, and in which the client then has to show that it knows
                of its session; for one of which nobody knows this is in the place of `idle`.
            looked: seconds after which a session is looked at again, so that one that is over ends though none calls.
            origins: pages that may call from a browser, such as https://console.example; by default none.
            threads: calls that may run at once, of all sessions.
        """
        self._door = door
        self._let_in = LetIn() if let_in is None else let_in
        self._entropy = entropy or SystemEntropy()
        self._clock = clock or SystemClock()
        self._most, self._most_each, self._most_coming = most, most_each, most_coming
        self._idle, self._heard_within, self._looked = idle, heard_within, looked
        self._origins = frozenset(origins)
        self._limits = threads
        self._threads: CapacityLimiter | None = None
        self._crossings: Crossings | None = None
        self._group: TaskGroup | None = None
        self._held: dict[str, _Held] = {}

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serve within the block. At its end every session falls asleep, and nothing that was acknowledged is lost."""
        quiet()
        self._threads = CapacityLimiter(self._limits)
        at_once = max(1, min(AT_ONCE, self._limits) // 2)
        self._crossings = Crossings(
            self._door, self._let_in, most=self._most_coming, at_once=at_once, within=self._heard_within
        )
        async with anyio.create_task_group() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None
                group.cancel_scope.cancel()
        await self._crossings.end()
        self._threads = self._crossings = None

    @property
    def sessions(self) -> int:
        """How many are open."""
        return len(self._held)

    def has(self, id: str | None, bearer: str) -> bool:  # noqa: A002
        """Whether there is a session with this id that this bearer began."""
        held = None if id is None else self._held.get(id)
        return held is not None and hmac.compare_digest(held.bearer, _hashed(bearer))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._answer(scope, receive, send)
        except Told as told:
            await told.response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        self._check_caller(scope, headers)
        bearer = _bearer(headers)
        known = self._known(headers, bearer)
        if known is not None:
            known.named = True
        message, rest = None, receive
        if scope["method"] == "POST":
            body = await body_of(rest)
            message, receive = message_of(body), again(body, rest)
        _check_version(headers, message)
        if known is None:
            await self._begin(await self._crossed(bearer, message, rest), scope, receive, send)
        elif scope["method"] == "DELETE":
            await self._end(known)
            await Response(status_code=204)(scope, receive, send)
        elif isinstance(message, JSONRPCRequest):
            await _one_of_few(known, message, scope, receive, send)
        else:
            await known.transport.handle_request(scope, receive, send)

    def _check_caller(self, scope: Scope, headers: Iterable[tuple[str, str]]) -> None:
        if scope["method"] not in _METHODS:
            raise Told(405, "there are GET, POST and DELETE here", headers={"Allow": ", ".join(_METHODS)})
        if any(name == "origin" and value not in self._origins for name, value in headers):
            raise Told(403, "a page in a browser may not call here; its origin was not named")
        if self._group is None:
            raise _ending()

    def _known(self, headers: Iterable[tuple[str, str]], bearer: str) -> _Held | None:
        """The session that is meant; None where none is named."""
        named = _only(headers, MCP_SESSION_ID_HEADER)
        if named is None:
            return None
        if not self.has(named, bearer):
            raise Told(404, "no such session; begin a new conversation, and with it a new session")
        return self._held[named]

    async def _crossed(self, bearer: str, message: JSONRPCMessage | None, receive: Receive) -> _Held:
        """Let the bearer in, where this is how a session begins."""
        if not isinstance(message, JSONRPCRequest) or message.method != "initialize":
            raise Told(400, "a session begins with initialize; name it in Mcp-Session-Id afterwards", id=_id(message))
        if self._crossings is None:
            raise _ending()
        hashed = _hashed(bearer)
        counted = self._let_in.counted(hashed)
        if self._is_full(counted, self._crossings.of(counted)):
            raise _full()
        return await self._held_as(hashed, await self._crossings.cross(bearer, hashed, receive))

    def _is_full(self, root: bytes, coming: int = 0) -> bool:
        there = [held.root for held in self._held.values()].count(root)
        return len(self._held) >= self._most or there + coming >= self._most_each

    async def _held_as(self, hashed: bytes, session: Session) -> _Held:
        """Hold it, or let it sleep: whoever has been let in is one or the other, also where nobody waits any more."""
        with anyio.CancelScope(shield=True):
            root = self._let_in.counted(hashed)
            if self._group is None or self._is_full(root):
                ending = self._group is None
                await to_thread.run_sync(put_to_sleep, session)
                raise _ending() if ending else _full()
            id = self._entropy.draw(16, hashed).hex()  # noqa: A001
            transport = StreamableHTTPServerTransport(mcp_session_id=id, idle_timeout=self._idle)
            held = self._held[id] = _Held(id, hashed, root, session, transport)
            await self._group.start(self._live, held)
        return held

    async def _begin(self, held: _Held, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the library answer `initialize`, with the id. Whether the client got it is seen when it shows it."""
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
            elif not held.named and held.transport.idle_scope is not None:
                held.transport.idle_scope.deadline = anyio.current_time() + min(self._idle, self._heard_within)

    async def _live(self, held: _Held, *, task_status: TaskStatus[None]) -> None:
        """Serve a session to its end, and put its persona to sleep."""
        awake = Awake(held.session, threads=self._threads)
        server = serving(awake, self._clock)
        if self._group is not None:
            self._group.start_soon(self._look_at, held, awake)
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
                await to_thread.run_sync(put_to_sleep, held.session)
            held.over.set()

    async def _look_at(self, held: _Held, awake: Awake) -> None:
        """End a session that is over, although nobody calls: what let it in has ended, or its persona may not stay."""
        while not held.over.is_set():
            with anyio.move_on_after(self._looked):
                await held.over.wait()
                return
            try:
                await awake.do(look_inside)
            except AsleepError:
                await self._end(held)
                return
            except Exception:  # noqa: BLE001, S110 - whatever that was, it is looked at again; who calls hears of it
                pass

    async def _end(self, held: _Held) -> None:
        """End a session; its persona is asleep when this returns, unless that takes too long."""
        self._held.pop(held.id, None)
        await held.transport.terminate()
        with anyio.move_on_after(_PATIENCE):
            await held.over.wait()


def _full() -> Told:
    return Told(429, "too many sessions are open; end some with DELETE", headers=AGAIN)


def _ending() -> Told:
    return Told(503, "this server is ending, or has not begun; try again", headers=AGAIN)


async def _one_of_few(held: _Held, message: JSONRPCRequest, scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request on, if the session bears it. The library would answer two with one id in the stream of one."""
    id = str(message.id)  # noqa: A001
    if id in held.open:
        raise Told(400, "a request with this id has no answer yet; number requests differently", id=message.id)
    if len(held.open) >= MOST_OPEN:
        raise Told(429, "too many requests of this session have no answer yet; wait for some", id=message.id)
    held.open.add(id)
    try:
        await held.transport.handle_request(scope, receive, send)
    finally:
        held.open.discard(id)


def _hashed(bearer: str) -> bytes:
    return hashlib.sha256(bearer.encode()).digest()


def _headers(scope: Scope) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]


def _only(headers: Iterable[tuple[str, str]], wanted: str) -> str | None:
    found = [value for name, value in headers if name == wanted]
    if len(found) > 1:
        raise Told(400, f"there is more than one header {wanted}; send one")
    return found[0] if found else None


def _bearer(headers: Iterable[tuple[str, str]]) -> str:
    scheme, _, text = (_only(headers, "authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip() or len(text) > MOST_BEARER:
        raise unknown()
    return text.strip()


def _check_version(headers: Iterable[tuple[str, str]], message: JSONRPCMessage | None) -> None:
    version = _only(headers, MCP_PROTOCOL_VERSION_HEADER)
    if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
        raise Told(
            400,
            "over HTTP, only versions of the protocol that begin a session are spoken; begin with initialize",
            code=UNSUPPORTED_PROTOCOL_VERSION,
            data={"supported": [*HANDSHAKE_PROTOCOL_VERSIONS], "requested": version[:40]},
            id=_id(message),
        )


def _id(message: JSONRPCMessage | None) -> RequestId | None:
    return message.id if isinstance(message, JSONRPCRequest) else None
