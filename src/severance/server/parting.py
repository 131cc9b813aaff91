"""The end of a connection: in a way that the last answer arrives, and which one ends where there are too many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

TAKEN_WITHIN = 5.0
MOST_TAKEN = 2**26
"""Bytes that are taken of what is refused: as much as all bodies together may have."""


class Parting:
    """A transport that is closed once the other end has sent all that it still sends, within bounds.

    Where a socket is closed on what nobody has read, the system resets the connection, and an answer that is on its way
    is lost (RFC 9112, 9.6). So what is to be sent is sent to its end first, and what comes is taken and dropped.
    """

    def __init__(self, transport: asyncio.Transport, sends: Callable[[], bool], begun: Callable[[], None]) -> None:
        """Args: the transport; whether the other end may still be sending; called when the waiting begins."""
        self._transport = transport
        self._sends = sends
        self._begun = begun
        self._end: asyncio.TimerHandle | None = None
        self._left = MOST_TAKEN

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    @property
    def is_parting(self) -> bool:
        """Whether what comes is for `drop`."""
        return self._end is not None

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self.is_parting or self._transport.is_closing()

    def close(self) -> None:
        """Close it, now or soon."""
        if self.is_closing():
            return
        if not self._sends():
            self._transport.close()
            return
        self._end = asyncio.get_running_loop().call_later(TAKEN_WITHIN, self._transport.close)
        if self._transport.can_write_eof():  # not with TLS
            self._transport.write_eof()
        self._begun()
        self._transport.resume_reading()

    def abort(self) -> None:
        """Close it at once."""
        self.lost()
        self._transport.abort()

    def drop(self, data: bytes) -> None:
        """Take what came and is for nobody."""
        self._left -= len(data)
        if self._left < 0:
            self.abort()

    def lost(self) -> None:
        """Wait no longer: the connection is gone."""
        if self._end is not None:
            self._end.cancel()


class Quiet:
    """Connections on which nothing is asked, those first that are closed first where there are too many."""

    def __init__(self) -> None:
        self._silent = dict[Any, None]()
        self._idle = dict[Any, None]()
        self._sending = dict[Any, None]()

    def came(self, connection: Any) -> None:
        """It is new: until it has sent a whole request it comes before all that ever did."""
        self._silent[connection] = None

    def rests(self, connection: Any) -> None:
        """It has its answer."""
        self.asks(connection)
        self._idle[connection] = None

    def sends(self, connection: Any) -> None:
        """It is sending a body, after it had an answer before."""
        if connection in self._idle:
            self.asks(connection)
            self._sending[connection] = None

    def asks(self, connection: Any) -> None:
        """It has sent a whole request, or is gone."""
        for line in (self._silent, self._idle, self._sending):
            line.pop(connection, None)

    def make_room(self) -> bool:
        """Close the first of those that never asked anything, or else who has rested, or been sending, for the longest.

        Returns whether there was any.
        """
        for line in (self._silent, self._idle, self._sending):
            for connection in line:
                if not connection.transport.get_write_buffer_size():  # it has all of its answer
                    del line[connection]
                    connection.give_way()
                    return True
        return False
