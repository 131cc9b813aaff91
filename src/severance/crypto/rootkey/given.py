"""A key that the calling program holds itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, NoReturn

from severance.crypto.rootkey.source import KEY_BYTES, Record, Source, Where
from severance.errors import InputError, KeyMissingError

if TYPE_CHECKING:
    from severance.ports import Entropy


@dataclass(frozen=True, slots=True)
class Given(Source):
    """The 32 bytes themselves, from `key=` in code.

    Raises:
        InputError: they are not 32 bytes.
    """

    name: ClassVar[str] = "given"
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if type(self.key) is not bytes or len(self.key) != KEY_BYTES:
            raise InputError(f"a root key is {KEY_BYTES} bytes")

    def make(self, where: Where, entropy: Entropy) -> tuple[bytes, Record]:
        """The key as it was given."""
        return self.key, {"source": self.name}

    def fetch(self, where: Where) -> bytes:
        """The key as it was given."""
        return self.key

    @classmethod
    def fetch_recorded(cls, where: Where) -> NoReturn:
        """Nothing was kept that could lead to it."""
        raise KeyMissingError(
            "this store was made with a key given in code: give it again as key=, set SEVERANCE_KEY or pass --key"
        )
