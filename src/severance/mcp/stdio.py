"""The server over standard input and output, for a client that starts this program: one line is one message.

As the protocol has it (Model Context Protocol, Transports, stdio): nothing else is on standard output, and the end of
standard input is the end. The library's own transport is not used, since it waits for a line that may never come, has
no limit for one, and leaves a line that is no message without an answer.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from threading import Thread, current_thread, main_thread
from typing import Protocol

import anyio
from anyio import BrokenResourceError, ClosedResourceError, EndOfStream, Event, create_memory_object_stream
from anyio.abc import TaskGroup
from anyio.from_thread import BlockingPortal
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse, RequestId

from severance.mcp.awake import Awake
from severance.mcp.serving import quiet, serving
from severance.mcp.wire import MOST_BYTES, Refused, bytes_of, message_in, too_long
from severance.ports import Clock
from severance.session import Session
from severance.system import SystemClock

_CHUNK = 65_536
_ENDING = (signal.SIGINT, signal.SIGTERM)
_LAST_ANSWERS = 5.0
"""Seconds in which what was asked before the end of the input is still answered."""
MOST_OPEN = 256
"""Requests without an answer; of more, none is read until there are fewer."""
_OVER = (RuntimeError, CancelledError, BrokenResourceError, ClosedResourceError)
"""What a thread finds when the server is over."""


@contextmanager
def wires() -> Iterator[tuple[int, int]]:
    """Standard input and output for the server alone: what else reads finds the end, what else prints goes to standard
    error, and that holds for programs started meanwhile, too.
    """
    read, write = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        yield read, write
    finally:
        sys.stdout.flush()
        os.dup2(read, 0)
        os.dup2(write, 1)
        os.close(nothing)
        # `read` and `write` stay open: a thread may still wait at them, and their numbers must not mean something else.


def serve(session: Session, read: int, write: int, *, clock: Clock | None = None) -> None:
    """Serve one client with one session, until it is gone or the system asks this process to end.

    Args:
        session: whose persona is awake; it stays the caller's, who puts it to sleep.
        read, write: descriptors, as `wires` gives them.
        clock: by default the machine's.
    """
    quiet()
    with _handlers_kept():
        anyio.run(_serve, session, read, write, clock or SystemClock())


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Have signals do afterwards what they did before; an event loop that took them leaves the system's defaults."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    try:
        yield
    finally:
        if current_thread() is main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


async def _serve(session: Session, read: int, write: int, clock: Clock) -> None:
    server = serving(Awake(session), clock)
    line = _Line()
    async with BlockingPortal() as portal:
        try:
            async with anyio.create_task_group() as group:
                line.group = group
                # Daemons: at the end one of them may wait for a client that neither speaks nor listens.
                Thread(target=_read, args=(portal, read, line), daemon=True).start()
                Thread(target=_write, args=(portal, write, line), daemon=True).start()
                group.start_soon(_end_when_asked, group)
                group.start_soon(line.carry_in)
                group.start_soon(line.carry_out)
                await server.run(line.to_server, line.from_server, server.create_initialization_options())
                with anyio.move_on_after(_LAST_ANSWERS):
                    await line.written.wait()
                group.cancel_scope.cancel()
        finally:
            await portal.stop(cancel_remaining=True)
            line.close()


async def _end_when_asked(group: TaskGroup) -> None:
    """End when the system wants it; where signals cannot be had so, they end the process as they always do."""
    with (
        suppress(NotImplementedError, RuntimeError),
        anyio.open_signal_receiver(*_ENDING) as signals,
    ):
        async for _ in signals:
            group.cancel_scope.cancel()


class _End(Protocol):
    """An end of a stream."""

    def close(self) -> None:
        """Let go of it."""


class _Line:
    """What is between the descriptors and the server. It knows which requests are open.

    Attributes:
        group: ends when the client listens no longer.
        to_server, from_server: what the server reads and writes.
        written: whether everything that it said is with the system.
    """

    def __init__(self) -> None:
        self.group: TaskGroup | None = None
        self._heard, self._hear = create_memory_object_stream[JSONRPCMessage | Refused](0)
        self._into, self.to_server = create_memory_object_stream[SessionMessage | Exception](0)
        self.from_server, self._out = create_memory_object_stream[SessionMessage](0)
        self._errors = self.from_server.clone()
        self._said, self._say = create_memory_object_stream[bytes](0)
        self._open: set[str] = set()
        self._fewer = Event()
        self.written = Event()

    async def heard(self, message: JSONRPCMessage | Refused) -> None:
        """The client said this."""
        await self._heard.send(message)

    async def heard_all(self) -> None:
        """The client says nothing more."""
        self._heard.close()

    async def next_said(self) -> bytes:
        """What the client is to be told next."""
        return await self._say.receive()

    async def told_all(self) -> None:
        """The client was told everything."""
        self.written.set()

    async def hung_up(self) -> None:
        """The client listens no longer."""
        if self.group is not None:
            self.group.cancel_scope.cancel()

    def close(self) -> None:
        """Let go of all that is left."""
        ends: tuple[_End, ...] = (self._heard, self._hear, self._into, self.to_server, self.from_server)
        for end in (*ends, self._out, self._errors, self._said, self._say):
            end.close()

    async def carry_in(self) -> None:
        """Carry to the server what the client says, and its end when what it asked has been answered."""
        async with self._into, self._errors:
            async with self._hear:
                async for message in self._hear:
                    if isinstance(message, Refused):
                        await self._errors.send(SessionMessage(message.error))
                        continue
                    await self._fewer_than(MOST_OPEN)
                    self._note(message)
                    await self._into.send(SessionMessage(message))
            with anyio.move_on_after(_LAST_ANSWERS):
                await self._fewer_than(1)

    async def carry_out(self) -> None:
        """Carry to the client what the server says."""
        async with self._said, self._out:
            async for said in self._out:
                if isinstance(said.message, JSONRPCResponse | JSONRPCError):
                    self._close(said.message.id)
                await self._said.send(bytes_of(said.message) + b"\n")

    async def _fewer_than(self, most: int) -> None:
        while len(self._open) >= most:
            self._fewer = Event()
            await self._fewer.wait()

    def _note(self, message: JSONRPCMessage) -> None:
        if isinstance(message, JSONRPCRequest):
            self._open.add(str(message.id))
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self._close((message.params or {}).get("requestId"))  # it is not answered any more

    def _close(self, id: RequestId | None) -> None:  # noqa: A002
        self._open.discard(str(id))
        self._fewer.set()


def _read(portal: BlockingPortal, read: int, line: _Line) -> None:
    """Read what the client writes, in a thread of its own."""
    with suppress(*_OVER):
        for raw in _lines(read):
            portal.call(line.heard, too_long() if raw is None else message_in(raw))
        portal.call(line.heard_all)


def _write(portal: BlockingPortal, write: int, line: _Line) -> None:
    """Write what the client reads, in a thread of its own."""
    with suppress(*_OVER):
        try:
            while True:
                left = memoryview(portal.call(line.next_said))
                while left:
                    left = left[os.write(write, left) :]
        except EndOfStream:
            portal.call(line.told_all)
        except OSError:
            portal.call(line.hung_up)


def _lines(read: int) -> Iterator[bytes | None]:
    """The lines until the end, without those that are blank; None for each that is too long."""
    kept, skipping = bytearray(), False
    while chunk := _chunk(read):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            kept += end
            if skipping or len(kept) > MOST_BYTES:
                yield None
            elif kept.strip():
                yield bytes(kept)
            kept, skipping = bytearray(), False
        kept += rest
        if len(kept) > MOST_BYTES:
            kept, skipping = bytearray(), True
    if skipping:
        yield None
    elif kept.strip():
        yield bytes(kept)


def _chunk(read: int) -> bytes:
    try:
        return os.read(read, _CHUNK)
    except OSError:
        return b""
