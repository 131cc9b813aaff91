"""MCP as an edge of a trace: every call is a message to the server, and what is observed is its answer, every byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, cast
from urllib.parse import quote

from anyio import create_memory_object_stream
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCMessage, JSONRPCNotification, JSONRPCRequest

from severance.barrier.traces.edges import Edge, Heard, Loop, Reached, RefusedError
from severance.barrier.traces.people import Who
from severance.mcp.awake import Awake
from severance.mcp.serving import serving
from severance.mcp.wire import bytes_of
from severance.ports import Clock, Entropy
from severance.session import Session

_VERSION = "2025-11-25"
_ROOM = 256  # messages that may wait for somebody to read them


class OverMcp:
    """Sessions over MCP, each with a server of its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._loop = clock, Loop()
        self._running: list[asyncio.Task[None]] = []
        self._streams: list[Any] = []

    def over(self, session: Session, who: Who) -> Session:
        """As `Edge.over`."""
        line = self._loop.wait(self._begun(session))
        return cast(Session, OneOverMcp(session, lambda method, params: self._loop.wait(line.ask(method, params))))

    def close(self) -> None:
        """As `Edge.close`."""
        self._loop.wait(self._end())
        self._loop.close()

    async def _end(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for stream in self._streams:
            stream.close()

    async def _begun(self, session: Session) -> _Line:
        server = serving(Awake(session), self._clock)
        hear, heard = create_memory_object_stream[SessionMessage | Exception](_ROOM)
        say, said = create_memory_object_stream[SessionMessage](_ROOM)
        self._streams += (hear, heard, say, said)
        options = server.create_initialization_options()
        self._running.append(asyncio.create_task(server.run(heard, say, options)))
        return _Line(hear, said)


class _Line:
    """A client's end of a line to a server."""

    def __init__(self, hear: Any, said: Any) -> None:
        self._hear, self._said, self._ids = hear, said, count(1)

    async def ask(self, method: str, params: Mapping[str, Any]) -> tuple[bytes, ...]:
        """What the server says until it has answered, the answer last; nothing where nothing is asked."""
        if method.startswith("notifications/"):
            await self._send(JSONRPCNotification(jsonrpc="2.0", method=method, params=dict(params)))
            return ()
        id = next(self._ids)  # noqa: A001 - the protocol's word
        await self._send(JSONRPCRequest(jsonrpc="2.0", id=id, method=method, params=dict(params)))
        told: list[bytes] = []
        while True:
            message = (await self._said.receive()).message
            told.append(bytes_of(message))
            if getattr(message, "id", None) == id:
                return tuple(told)

    async def _send(self, message: JSONRPCMessage) -> None:
        await self._hear.send(SessionMessage(message))


class OneOverMcp(Reached):
    """One session over MCP: what its tools and resources give. All raise RefusedError; what no tool has is as it is."""

    def __init__(self, true: Session, ask: Callable[[str, Mapping[str, Any]], tuple[bytes, ...]]) -> None:
        """Begins the protocol's session."""
        client = {"name": "barrier", "version": "1"}
        begun = ask("initialize", {"protocolVersion": _VERSION, "capabilities": {}, "clientInfo": client})
        ask("notifications/initialized", {})
        listed = [ask(f"{what}/list", {}) for what in ("tools", "resources", "resources/templates", "prompts")]
        super().__init__(true, (begun, *listed))
        self._ask = ask

    def remember(self, text: str, **fields: Any) -> Heard:
        """As `Session.remember`, of what the tool takes."""
        return self.remember_many([{"text": text, **fields}])[0]

    def remember_many(self, items: Iterable[Mapping[str, Any]]) -> list[Heard]:
        """As `Session.remember_many`."""
        first, *more = [dict(item) for item in items] or [{}]
        said = {**_taken(first), **({"more": [each["text"] for each in more]} if more else {})}
        told, found = self._tool("remember", {**said, "text": first.get("text", "")})
        return [Heard(each["id"], told if number == 0 else None) for number, each in enumerate(found["kept"])]

    def recall(self, query: str, **asked: Any) -> Heard:
        """As `Session.recall`."""
        return Heard("", self._tool("recall", {"query": query, **_taken(asked)})[0])

    def context(self, query: str, **asked: Any) -> Heard:
        """As `Session.context`."""
        return self._read(f"context/{quote(query, safe='')}")

    def memories(self, **filters: Any) -> list[Heard]:
        """As `Session.memories`, of the newest."""
        return [self._read("recent"), self._read("context")]

    def get(self, id: str) -> Heard:  # noqa: A002 - the word that callers know
        """As `Session.get`."""
        return self._read(f"memory/{quote(id, safe='')}")

    def amend(self, id: str, text: str | None, **fields: Any) -> Heard:  # noqa: A002
        """As `Session.amend`."""
        said = {"id": id, **({} if text is None else {"text": text}), **_taken(fields)}
        told, found = self._tool("amend", said)
        return Heard(found["id"], told)

    def forget(self, id: str) -> Heard:  # noqa: A002
        """As `Session.forget`."""
        return Heard("", self._tool("forget", {"id": id})[0])

    def stats(self) -> dict[str, Any]:
        """As `Session.stats`, with what else the tool tells."""
        told, found = self._tool("status", {})
        return {"records": found, "told": told}

    def _tool(self, name: str, given: Mapping[str, Any]) -> tuple[Any, Any]:
        told = self._ask("tools/call", {"name": name, "arguments": _plain(given), "_meta": {"progressToken": 1}})
        result = json.loads(told[-1]).get("result", {"isError": True})
        if result.get("isError"):
            raise RefusedError(told)
        return told, result["structuredContent"]

    def _read(self, what: str) -> Heard:
        told = self._ask("resources/read", {"uri": f"severance://{what}"})
        if "error" in json.loads(told[-1]):
            raise RefusedError(told)
        return Heard("", told)


def edge(clock: Clock, entropy: Entropy) -> Edge:
    """MCP; it draws nothing."""
    return OverMcp(clock)


def _taken(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Of some fields or filters those that the tools know."""
    known = ("at", "thread", "pinned", "limit", "since", "until")
    return {name: fields[name] for name in known if fields.get(name) is not None}


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has it; what it can't have, as text."""
    return cast(dict[str, Any], json.loads(json.dumps(given, default=str)))
