"""One connection: HTTP/1.1 by uvicorn, with an end to every wait, and to their number."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.server import ServerState

from severance.server.limits import Limits
from severance.server.metrics import Meters
from severance.server.problems import BUSY, CLOSE, HEAD_TOO_LARGE, MALFORMED, TOO_SLOW, Kind, Problem

MOST_HEAD = 2**15
"""Bytes of a request's head."""
STRANGERS = 1
"""How many times as many connections as there may be are told to come again; others wait until there are fewer."""
_TAKEN = 2**16
"""Bytes of an answer that somebody slow takes in the time that there is for it, at least."""


class Connection(H11Protocol):
    """One of at most so many. Whoever comes beyond that is told to come again.

    Where there are as many as may be, the oldest that never sent a whole request is closed for a new one.

    A request's head has to be whole in time, from its first byte, and the first one from when the connection was made.
    (For bodies see `bodies`.) Who takes an answer too slowly is let go.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits,
        meters: Meters,
        silent: dict[Connection, None],
    ) -> None:
        """Args beside uvicorn's: the limits; the meters; all connections that sent no whole request, oldest first."""
        super().__init__(config, server_state, app_state, _loop)
        self._silent = silent
        self._served = self.app
        self.app = self._unless_ambiguous
        self._limits = limits
        self._meters = meters
        self._until_head: asyncio.TimerHandle | None = None
        self._until_taken: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it, and begin to wait for a request."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=1)  # so that whatever is not taken at once is noticed
        self._meters.connections.set(len(self.connections))
        if len(self.connections) <= self._limits.connections:
            self._silent[self] = None
        elif self._silent:
            oldest = next(iter(self._silent))
            del self._silent[oldest]
            oldest.transport.abort()
            self._silent[self] = None
        else:
            self._served = _turned_away
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._silent.pop(self, None)
        self._stop(head=True, taken=True)
        super().connection_lost(exc)
        self._meters.connections.set(len(self.connections))

    def data_received(self, data: bytes) -> None:
        """Take what came. A head that has begun has to end."""
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._silent.pop(self, None)
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._stop(head=True)
        elif self._until_head is None and self.conn.trailing_data[0]:
            self._await_head()

    def pause_writing(self) -> None:
        """Some of an answer is not taken yet."""
        super().pause_writing()
        self._await_taken()

    def resume_writing(self) -> None:
        """All of it is."""
        self._stop(taken=True)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or has too large a head."""
        self._refuse(HEAD_TOO_LARGE if len(self.conn.trailing_data[0]) > MOST_HEAD else MALFORMED)

    async def _unless_ambiguous(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a body with two lengths: whatever is in front may have read another one (RFC 9112, 6.3)."""
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
            self._meters.problem(MALFORMED.name)
            await Problem(MALFORMED, headers=CLOSE).response()(scope, receive, send)
        else:
            await self._served(scope, receive, send)

    def _await_head(self) -> None:
        self._until_head = self.loop.call_later(self._limits.head_within, self._too_slow)

    def _too_slow(self) -> None:
        self._until_head = None
        if not self.transport.is_closing():
            if self.conn.trailing_data[0]:
                self._refuse(TOO_SLOW)
            else:
                self.transport.abort()

    def _refuse(self, kind: Kind) -> None:
        self._meters.problem(kind.name)
        body = Problem(kind).content
        headers = [("content-type", "application/problem+json"), ("content-length", str(len(body)))]
        response = h11.Response(
            status_code=kind.status, headers=[*headers, ("connection", "close")], reason=STATUS_PHRASES[kind.status]
        )
        try:
            said = [self.conn.send(response), self.conn.send(h11.Data(data=body)), self.conn.send(h11.EndOfMessage())]
        except h11.LocalProtocolError:  # an answer is on its way already
            self.transport.abort()
            return
        self.transport.write(b"".join(piece for piece in said if piece))
        self.transport.close()

    def _await_taken(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._until_taken = self.loop.call_later(self._limits.taken_within, self._look_whether_taken, left)

    def _look_whether_taken(self, left: int) -> None:
        if self.transport.get_write_buffer_size() > left - _TAKEN:
            self.transport.abort()
        else:
            self._await_taken()

    def _stop(self, *, head: bool = False, taken: bool = False) -> None:
        if head and self._until_head is not None:
            self._until_head.cancel()
            self._until_head = None
        if taken and self._until_taken is not None:
            self._until_taken.cancel()
            self._until_taken = None


async def _turned_away(scope: Scope, receive: Receive, send: Send) -> None:
    await Problem(BUSY, headers=CLOSE).response()(scope, receive, send)
