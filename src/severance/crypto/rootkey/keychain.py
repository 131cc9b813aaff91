"""A key in the operating system's keychain."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from severance.crypto.rootkey.source import (
    KEY_BYTES,
    OTHER_SOURCES,
    SCOPE,
    Record,
    Source,
    Where,
    decode_key,
    encode_key,
)
from severance.errors import KeyMissingError

if TYPE_CHECKING:
    from severance.ports import Entropy


class _Ring(Protocol):
    """The module `ring`."""

    def read(self, account: str) -> str | None: ...

    def write(self, account: str, secret: str) -> None: ...


def _ring() -> _Ring:
    return cast("_Ring", importlib.import_module("severance.crypto.rootkey.ring"))


@dataclass(frozen=True, slots=True)
class Keychain(Source):
    """An entry in the keychain: service "severance", account the store's id in hex. It falls back to nothing."""

    name: ClassVar[str] = "keychain"

    def make(self, where: Where, entropy: Entropy) -> tuple[bytes, Record]:
        """A new key that the keychain keeps; the one it has already for this store, if it has."""
        account = where.store.hex()
        if _ring().read(account) is None:
            _ring().write(account, encode_key(entropy.draw(KEY_BYTES, SCOPE)))
        # Read back, so that a keychain that keeps nothing is found out before anything is sealed.
        return self.fetch(where), {"source": self.name}

    def fetch(self, where: Where) -> bytes:
        """The key that the keychain keeps for this store."""
        account = where.store.hex()
        key = decode_key(_ring().read(account) or "")
        if key is None:
            raise KeyMissingError(
                f"the keychain has no key for this store (service severance, account {account});"
                f" open it as the user who made it, or {OTHER_SOURCES}"
            )
        return key

    @classmethod
    def fetch_recorded(cls, where: Where) -> bytes:
        """The key that the keychain keeps for this store."""
        return cls().fetch(where)
