"""One connection: HTTP/1.1 by uvicorn, with an end to every wait, and to their number."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import h11
from starlette.types import Message, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.server import ServerState

from severance.server.limits import Limits
from severance.server.metrics import Meters
from severance.server.parting import Parting, Quiet
from severance.server.problems import BUSY, CLOSE, HEAD_TOO_LARGE, MALFORMED, MEDIA_TYPE, TOO_SLOW, Kind, Problem

MOST_HEAD = 2**15
"""Bytes of a request's head."""
STRANGERS = 1
"""How many times as many connections as there may be are told to come again; others wait until there are fewer."""
MOST_UNKNOWN = 16
"""Answers on one connection to whoever shows nothing that was let in before; with the last of them it is closed."""
_TAKEN = 2**16
"""Bytes of an answer that somebody slow takes in the time that there is for it, at least."""


class Connection(H11Protocol):
    """One of at most so many. Whoever comes beyond that is told to come again.

    Where there are as many as may be, one on which nothing is asked is closed for a new one: the oldest that never sent
    a whole request, or else the one that has asked nothing for the longest.

    A request's head has to be whole in time, from its first byte, and the first one from when the connection was made.
    (For bodies see `bodies`.) Who takes an answer too slowly is let go, and has no other one before it has all of that.
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
        quiet: Quiet,
    ) -> None:
        """Args beside uvicorn's: the limits; the meters; all connections on which nothing is asked."""
        super().__init__(config, server_state, app_state, _loop)
        self._quiet = quiet
        self._served = self.app
        self.app = self._unless_refused
        self._limits = limits
        self._meters = meters
        self._is_unread = False
        self._unknown = 0
        self._until_head: asyncio.TimerHandle | None = None
        self._until_taken: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it, and begin to wait for a request."""
        self._parting = Parting(transport, self._is_sent_more, lambda: self._quiet.rests(self))
        super().connection_made(cast("asyncio.Transport", self._parting))
        transport.set_write_buffer_limits(high=1)  # so that whatever is not taken at once is noticed
        self._meters.connections.set(len(self.connections))
        if len(self.connections) <= self._limits.connections or self._quiet.make_room():
            self._quiet.came(self)
        else:
            self._served = _turned_away
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._parting.lost()
        self._quiet.asks(self)
        self._stop(head=True, taken=True)
        super().connection_lost(exc)
        self._meters.connections.set(len(self.connections))

    def data_received(self, data: bytes) -> None:
        """Take what came. A head that has begun has to end."""
        if self._parting.is_parting:
            self._parting.drop(data)
            return
        super().data_received(data)
        self._note_what_came()

    def handle_events(self) -> None:
        """Take on what came; a request that was sent ahead waits until the answer before it has been taken."""
        ahead = self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]
        self._is_unread = bool(ahead) and self.transport.get_write_buffer_size() > 0
        if self._is_unread:
            self._unset_keepalive_if_required()
            self.flow.pause_reading()
        else:
            super().handle_events()

    def _note_what_came(self) -> None:
        if self.conn.their_state is h11.SEND_BODY:
            self._quiet.sends(self)
        elif self.conn.their_state is not h11.IDLE:
            self._quiet.asks(self)
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._stop(head=True)
        elif self._until_head is None and self.conn.trailing_data[0] and not self._is_unread:
            self._await_head()

    def on_response_complete(self) -> None:
        """Whoever has an answer, and asks nothing more yet, may be closed for another."""
        super().on_response_complete()
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing():
            self._quiet.rests(self)

    def pause_writing(self) -> None:
        """Some of an answer is not taken yet."""
        super().pause_writing()
        self._await_taken()

    def resume_writing(self) -> None:
        """All of it is."""
        self._stop(taken=True)
        super().resume_writing()
        if self._is_unread and not self.transport.is_closing():
            self.flow.resume_reading()
            self.handle_events()
            self._note_what_came()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or has too large a head."""
        self._refuse(HEAD_TOO_LARGE if len(self.conn.trailing_data[0]) > MOST_HEAD else MALFORMED)

    def give_way(self) -> None:
        """End for a new one. Whoever is about to send a request finds why, and that it was not carried out."""
        self._refuse(BUSY)

    async def _unless_refused(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a head that came in one piece, before it could be found to be too large; and a body with two lengths:
        whatever is in front may have read another one (RFC 9112, 6.3).
        """
        refused = None
        if _size_of_head(scope) > MOST_HEAD:
            refused = HEAD_TOO_LARGE
        elif {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
            refused = MALFORMED
        if refused is not None:
            self._meters.problem(refused.name)
            await Problem(refused, headers=CLOSE).response()(scope, receive, send)
        else:
            await self._served(scope, receive, self._counting(scope, send))

    def _counting(self, scope: Scope, send: Send) -> Send:
        """What sends, and closes the connection with the last answer that somebody unknown has on it."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start" and not scope["state"].get("is_known"):
                self._unknown += 1
                if self._unknown == MOST_UNKNOWN:
                    message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        return counted

    def _is_sent_more(self) -> bool:
        """Whether there may be something that was sent and not read."""
        return self.conn.their_state in (h11.SEND_BODY, h11.ERROR) or bool(self.conn.trailing_data[0])

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
        headers = [("content-type", MEDIA_TYPE), ("content-length", str(len(body)))]
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


def _size_of_head(scope: Scope) -> int:
    """Bytes of a head: of the request line, and of its headers without the blanks around their values."""
    query = len(scope["query_string"]) + 1 if scope["query_string"] else 0
    line = len(scope["method"]) + len(scope["raw_path"]) + query + len("  HTTP/1.1\r\n")
    return line + sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"]) + len("\r\n")


async def _turned_away(scope: Scope, receive: Receive, send: Send) -> None:
    await Problem(BUSY, headers=CLOSE).response()(scope, receive, send)
