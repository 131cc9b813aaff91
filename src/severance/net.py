"""One HTTP request on a connection of its own, bounded in time and in bytes. No redirect is followed, no proxy is used.

Nothing that was sent or answered is kept after it, and no error repeats any of it.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from severance.errors import InputError

T = TypeVar("T")

_PIECE = 2**16
_STRANGE = re.compile(r"[\s\x00-\x1f\x7f]")


class Unanswered(Exception):  # noqa: N818 - it becomes the caller's kind of error
    """What went wrong, as half a sentence; `again` says whether another try could help, `after` how many seconds on."""

    def __init__(self, what: str, *, again: bool = False, after: float | None = None) -> None:
        super().__init__(what)
        self.again = again
        self.after = after


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        method, target: such as "POST" and the path with what follows it.
        body, headers: what is sent.
    """

    method: str
    target: str
    body: bytes | None
    headers: Mapping[str, str]


def checked_url(url: str, what: str, example: str, *, query: bool = False) -> SplitResult:
    """The parts of an address that requests can go to: http or https, without a name, a password or a fragment.

    Args:
        url: the address.
        what, example: for errors: what has this address, and what one looks like.
        query: whether there may be one.

    Raises:
        InputError: it is none.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")  # as the search for its address will; a name with an empty part has no such form
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not url.isascii() or _STRANGE.search(url):
        raise InputError(f"{what} is a URL such as {example}")
    if "@" in parts.netloc or parts.fragment or (parts.query and not query):
        words = "name, password or fragment" if query else "name, password, query or fragment"
        raise InputError(f"{what}'s URL has no {words}; keys come from the environment")
    return parts


def target_of(parts: SplitResult) -> str:
    """What is asked for there: the path with the query."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def is_private(parts: SplitResult) -> bool:
    """Whether what goes there is encrypted, or does not leave this machine."""
    if parts.scheme == "https":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def exchange(
    parts: SplitResult,
    asked: Asked,
    read: Callable[[http.client.HTTPResponse], T],
    *,
    deadline: float,
    ticks: Callable[[], float],
    most: int,
) -> T:
    """Send one request, and return what `read` makes of the answer; `whole` reads its body.

    Args:
        deadline: when it has to be over, by `ticks`, in seconds.
        most: bytes of the answer that are read at most, with its headers and whatever frames it.

    Raises:
        TimeoutError: it was not over by then.
        Unanswered: anything else that went wrong, and what `read` raises.
    """
    try:
        connection = _connection(parts, max(deadline - ticks(), 0.001))
        connection.connect()
        with closing(connection.sock) as sock:
            connection.sock = _Bounded(sock, deadline, ticks, most)
            connection.request(asked.method, asked.target, asked.body, dict(asked.headers))
            with connection.getresponse() as response:
                return read(response)
    except (Unanswered, TimeoutError):
        raise
    except ssl.SSLCertVerificationError:
        raise Unanswered("has a certificate that this machine does not trust") from None
    except ConnectionRefusedError:
        raise Unanswered("cannot be reached: nothing listens there", again=True) from None
    except socket.gaierror:
        raise Unanswered("cannot be reached: no machine of that name is known", again=True) from None
    except (OSError, http.client.HTTPException):
        raise Unanswered("broke the connection off, or cannot be reached", again=True) from None
    except Exception:  # noqa: BLE001 - the standard library reads what a server sent, and raises what it likes
        raise Unanswered("answered with something that is not HTTP", again=True) from None


def whole(response: http.client.HTTPResponse) -> bytes:
    """The body of an answer; what `exchange` bounds ends it."""
    found = bytearray()
    while piece := response.read(_PIECE):  # by pieces: room for as much as a header promises would be made at once
        found += piece
    if response.length:
        raise http.client.IncompleteRead(b"")
    return bytes(found)


def _connection(parts: SplitResult, seconds: float) -> http.client.HTTPConnection:
    # The port is always given: `http.client` would look for it behind the last colon of an IPv6 address.
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        usual, context = http.client.HTTPS_PORT, ssl.create_default_context()
        return http.client.HTTPSConnection(host, usual if port is None else port, timeout=seconds, context=context)
    return http.client.HTTPConnection(host, http.client.HTTP_PORT if port is None else port, timeout=seconds)


class _Bounded:
    """A socket whose every wait ends at one deadline, however slowly bytes drip in between, and that reads so much."""

    def __init__(self, sock: socket.socket, deadline: float, ticks: Callable[[], float], most: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._ticks = ticks
        self._most = most

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # piece by piece: over TLS, each piece that `sendall` sends would have all the time anew
            self._sock.settimeout(self._left())
            rest = rest[self._sock.send(rest) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, self._left, self._most))

    def close(self) -> None:
        """Nothing: `http.client` lets go of the socket while the answer is still to be read."""

    def _left(self) -> float:
        left = self._deadline - self._ticks()
        if left <= 0:
            raise TimeoutError
        return left


class _Reader(io.RawIOBase):
    """Counts here, below `http.client`: one read of that may go on to the end, as after a chunk of size -1."""

    def __init__(self, sock: socket.socket, left: Callable[[], float], most: int) -> None:
        self._sock = sock
        self._left = left
        self._most = self._rest = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._left())
        count = self._sock.recv_into(buffer)
        self._rest -= count
        if self._rest < 0:
            raise Unanswered(f"answered with more than {self._most:,} bytes")
        return count
