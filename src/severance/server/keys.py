"""Idempotency keys: what came of a request that may be sent again, for as long as it may be asked for."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from severance.server.problems import INVALID, KEY_USED, Problem
from severance.session import Session

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


class KeysOfOwners(Generic[T]):
    """Keys of many owners, who know nothing of each other; who kept none for the longest goes where there are too many.

    For one thread at a time.
    """

    def __init__(self, owners: int, most: int) -> None:
        """At most so many owners, and keys of each."""
        self._owners = owners
        self._most = most
        self._kept: OrderedDict[bytes, Keys[T]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def found(self, owner: bytes, key: str) -> T | None:
        """What came of the request with this key, or None where there was none."""
        keys = self._kept.get(owner)
        return None if keys is None else keys.found(key, b"")

    def keep(self, owner: bytes, key: str, what: T) -> None:
        """Keep this."""
        self._kept.setdefault(owner, Keys(self._most)).keep(key, b"", what)
        self._kept.move_to_end(owner)
        if len(self._kept) > self._owners:
            self._kept.popitem(last=False)

    def drop(self, owner: bytes, key: str) -> None:
        """Keep it no longer."""
        keys = self._kept.get(owner)
        if keys is not None:
            keys.drop(key)
            if not keys:
                del self._kept[owner]


def once(
    keys: Keys[bytes],
    key: str | None,
    fingerprint: bytes,
    do: Callable[[Session], T],
    kept: Callable[[T], bytes],
    again: Callable[[Session, bytes], T],
) -> Callable[[Session], T]:
    """Work for `Rooms.call` that is done once for each key; asked again, it has the answer that there was.

    Args:
        keys: those of the session, which are looked at in its turn.
        key: of the request; without one it is done in any case.
        fingerprint: of the request.
        do: does it.
        kept: what to keep of what came of it, which should be no content.
        again: the answer from what was kept.
    """
    if key is None:
        return do

    def work(session: Session) -> T:
        known = keys.found(key, fingerprint)
        if known is not None:
            return again(session, known)
        done = do(session)
        small = kept(done)
        keys.keep(key, fingerprint, small, len(small))
        return done

    return work
