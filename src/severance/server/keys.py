"""Idempotency keys: what came of a request that may be sent again, for as long as it may be asked for."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Generic, TypeVar

from severance.server.problems import INVALID, KEY_USED, Problem

MOST_KEY = 255

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

    def __init__(self, most: int) -> None:
        """At most so many."""
        self._most = most
        self._kept: OrderedDict[str, tuple[bytes, T]] = OrderedDict()

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

    def keep(self, key: str, fingerprint: bytes, what: T) -> None:
        """Keep this."""
        self._kept[key] = fingerprint, what
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop(self, key: str) -> None:
        """Keep it no longer."""
        self._kept.pop(key, None)
