"""Idempotency keys: what came of a request that may be sent again, for as long as it may be asked for."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Generic, TypeVar

from severance.server.problems import INVALID, KEY_USED, Problem

MOST_KEY = 255
_EACH = 200
"""Bytes that a key needs beside its characters and what is kept of its request, about."""

T = TypeVar("T")


def checked_key(given: str | None) -> str | None:
    """The key of a request, if it has one.

    Raises:
        Problem: it is empty, or too long.
    """
    if given is not None and not 1 <= len(given) <= MOST_KEY:
        raise Problem(INVALID, f"an Idempotency-Key has 1 to {MOST_KEY} characters")
    return given


def print_of(*parts: bytes) -> bytes:
    """What tells two requests with the same key apart: 32 bytes."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.digest()


class Keys(Generic[T]):
    """Keys, and what came of each; the oldest is dropped where there are too many. For one thread at a time."""

    def __init__(self, most: int, most_bytes: int = 2**20) -> None:
        """At most so many, and so many bytes; the newest is kept however large it is."""
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, tuple[bytes, T, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def found(self, key: str, fingerprint: bytes) -> T | None:
        """What came of the request with this key, or None where there was none.

        Raises:
            Problem: there was another request with this key.
        """
        known = self._kept.get(key)
        if known is None:
            return None
        if known[0] != fingerprint:
            raise Problem(KEY_USED)
        return known[1]

    def keep(self, key: str, fingerprint: bytes, what: T, size: int = 0) -> None:
        """Keep this, which has so many bytes."""
        self.drop(key)
        size += _EACH + len(key)
        self._kept[key] = fingerprint, what, size
        self._bytes += size
        while len(self._kept) > self._most or (self._bytes > self._most_bytes and len(self._kept) > 1):
            self.drop(next(iter(self._kept)))

    def drop(self, key: str) -> None:
        """Keep it no longer."""
        known = self._kept.pop(key, None)
        if known is not None:
            self._bytes -= known[2]
