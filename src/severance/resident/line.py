"""A connection of messages with an end to every wait: who is slow at the other end holds nobody up."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from severance.worker.messages import MOST
from severance.worker.pipes import LENGTH, PIECE, framed, size_in

BEGUN = 30.0
"""Seconds in which a message that has begun is whole, or one that is sent is taken."""


class Line:
    """One end of a connected socket. One thread sends and receives; any may shut it."""

    def __init__(self, connection: socket.socket) -> None:
        """It is the line's from now on."""
        self._socket = connection

    def send(self, raw: bytes, within: float = BEGUN) -> None:
        """Send one message.

        Raises:
            OSError: nobody is at the other end, or who is there did not take it within so many seconds.
        """
        end = time.monotonic() + within
        left = memoryview(framed(raw))
        while left:
            self._wait_until(end)
            left = left[self._socket.send(left[:PIECE]) :]

    def receive(self, wait: float | None, *, within: float = BEGUN, most: int = MOST) -> bytes | None:
        """Receive one message; None when the other end was closed, in the middle of one too.

        Args:
            wait: seconds until it begins, or None for as long as it takes.
            within: seconds from then on until it is whole.
            most: bytes that it may have.

        Raises:
            GarbledError: it says that it is larger.
            OSError: the connection failed, or it took longer (`TimeoutError`).
        """
        self._socket.settimeout(wait)
        first = self._socket.recv(1)
        end = time.monotonic() + within
        header = self._exactly(LENGTH, first, end) if first else None
        return None if header is None else self._exactly(size_in(header, most), b"", end)

    def is_quiet(self, seconds: float) -> bool:
        """Whether the other end neither says something nor goes within so many seconds. What it says is lost.

        Raises:
            OSError: the connection failed.
        """
        self._socket.settimeout(max(seconds, 0.001))
        try:
            self._socket.recv(1)
        except TimeoutError:
            return True
        return False

    def shut(self) -> None:
        """Let whoever waits at either end wait no longer. From any thread."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of it. Doing it again does nothing."""
        self._socket.close()

    def _exactly(self, size: int, begun: bytes, end: float) -> bytes | None:
        whole = bytearray(begun)
        while len(whole) < size:
            self._wait_until(end)
            piece = self._socket.recv(min(size - len(whole), PIECE))
            if not piece:
                return None
            whole += piece
        return bytes(whole)

    def _wait_until(self, end: float) -> None:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
