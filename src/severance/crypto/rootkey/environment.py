"""A key in an environment variable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from severance.crypto.rootkey.source import Record, Source, Where, decode_key
from severance.errors import DamagedError, InputError, KeyMissingError

if TYPE_CHECKING:
    from severance.ports import Entropy

KEY_VARIABLE = "SEVERANCE_KEY"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True, slots=True)
class Environment(Source):
    """32 bytes as base64 in `variable`. One that is set and unusable is an error, and never passed over.

    Raises:
        InputError: `variable` is not the name of one.
    """

    name: ClassVar[str] = "environment"
    variable: str = KEY_VARIABLE

    def __post_init__(self) -> None:
        if _VARIABLE.fullmatch(self.variable) is None:
            raise InputError("env: takes the name of a variable: letters, digits and underscores, at most 100")

    def make(self, where: Where, entropy: Entropy) -> tuple[bytes, Record]:
        """The key that is set; nothing is made."""
        named: Record = {} if self.variable == KEY_VARIABLE else {"variable": self.variable}
        return self.fetch(where), {"source": self.name, **named}

    def fetch(self, where: Where) -> bytes:
        """The key that is set."""
        if self.variable not in where.environ:
            raise KeyMissingError(f"{self.variable} is not set; it has to hold the root key, 32 bytes as base64")
        key = decode_key(where.environ[self.variable])
        if key is None:
            raise KeyMissingError(
                f"{self.variable} is set, but not to 32 bytes as base64; correct or unset it"
                " (a new key can be made with: openssl rand -base64 32)"
            )
        return key

    @classmethod
    def fetch_recorded(cls, where: Where) -> bytes:
        """The key, if the variable that was used when the store was made is set."""
        variable = where.recorded.get("variable", KEY_VARIABLE)
        if not isinstance(variable, str) or _VARIABLE.fullmatch(variable) is None:
            raise DamagedError("the chip's record of the root key names a variable that cannot be one")
        source = cls(variable)
        if source.variable not in where.environ:
            raise KeyMissingError(f"this store was made with a key from {source.variable}: set it or pass --key")
        return source.fetch(where)
