"""Messages over descriptors: a length of four bytes, big-endian, then so many bytes."""

from __future__ import annotations

import os

from severance.worker.messages import MOST, GarbledError

LENGTH = 4
"""Bytes of the length before a message."""
PIECE = 2**16
"""Bytes that are read in one go, at most."""


def framed(raw: bytes) -> bytes:
    """A message with its length before it."""
    return len(raw).to_bytes(LENGTH, "big") + raw


def size_in(header: bytes, most: int = MOST) -> int:
    """How long the message is that comes.

    Raises:
        GarbledError: longer than any may be. So much is never allocated.
    """
    size = int.from_bytes(header, "big")
    if size > most:
        raise GarbledError(f"a message of {size:,} bytes")
    return size


class Pipe:
    """Two descriptors, one to read from and one to write to; they may be the same. One thread at a time."""

    def __init__(self, reading: int, writing: int) -> None:
        """They are the pipe's from now on: it closes them."""
        self.reading = reading
        self.writing = writing

    def send(self, raw: bytes) -> None:
        """Write one message.

        Raises:
            OSError: nobody is at the other end.
        """
        left = memoryview(framed(raw))
        while left:
            left = left[os.write(self.writing, left) :]

    def receive(self) -> bytes | None:
        """Read one message; None when the other end was closed, in the middle of one too.

        Raises:
            GarbledError: it says that it is larger than any message. So much is never allocated.
            OSError: the pipe cannot be read.
        """
        header = self._read(LENGTH)
        return None if header is None else self._read(size_in(header))

    def _read(self, size: int) -> bytes | None:
        first = os.read(self.reading, min(size, PIECE)) if size else b""
        if len(first) == size:
            return first
        whole = bytearray(first)
        while len(whole) < size:
            piece = os.read(self.reading, min(size - len(whole), PIECE))
            if not piece:
                return None
            whole += piece
        return bytes(whole)

    def close(self) -> None:
        """Close both ends. Doing it again does nothing."""
        for number in {self.reading, self.writing} - {-1}:
            os.close(number)
        self.reading = self.writing = -1
