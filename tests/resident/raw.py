"""A connection to a house, for who does not speak as programs do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from severance.resident.address import connected
from severance.worker.messages import Message, encode
from severance.worker.pipes import framed

SECONDS = 60.0


@contextmanager
def calling(store: Path) -> Iterator[socket.socket]:
    """A connection."""
    found = connected(store)
    assert found is not None
    with found:
        found.settimeout(SECONDS)
        yield found


def say(to: socket.socket, *messages: Message) -> None:
    """Send these."""
    to.sendall(b"".join(framed(encode(message)) for message in messages))


def rest(of: socket.socket) -> bytes:
    """All that comes until the other end has had enough."""
    found = bytearray()
    try:
        while piece := of.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return bytes(found)
