"""What the process says to others than itself: frameworks have telemetry, and a test is to notice it."""

from __future__ import annotations

import ipaddress
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASKS = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}


class OutwardError(OSError):
    """Something was about to go out."""


@contextmanager
def secluded() -> Iterator[list[str]]:
    """Around a test: where the process wants to go meanwhile, beside itself. None of it goes out.

    By Python's audit events (PEP 578), so sockets of a native library are not seen.
    """
    _listen()
    wanted: list[str] = []
    _listening.append(wanted)
    try:
        yield wanted
    finally:
        _listening.remove(wanted)


_listening: list[list[str]] = []


@cache
def _listen() -> None:
    """Once for all: a hook is never taken away."""
    sys.addaudithook(_heard)


def _heard(event: str, given: tuple[Any, ...]) -> None:
    if _listening and event in _ASKS and (host := _host(event, given)) is not None and not _here(host):
        _listening[-1].append(f"{event} {host}")
        raise OutwardError(f"a test is not to reach {host}")


def _host(event: str, given: tuple[Any, ...]) -> Any:
    """The host that is meant, or None where it is no host: a socket of the file system."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        return given[0]
    address = given[1]
    return address[0] if isinstance(address, tuple) else None


def _here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False
