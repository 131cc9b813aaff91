"""What every source of the root key has in common, and the written form of a key.

Secrets and tracebacks: a frame that raises must not hold a secret in a local variable, nor may the exception keep one
in its context, since both are printed by tools that show locals. So text that holds a key goes straight from the
function that read it into `decode_key`, and the caller raises.
"""

from __future__ import annotations

import base64
import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from severance.ports import Entropy

KEY_BYTES = 32
SCOPE = b"root"
OTHER_SOURCES = "pass --key file:PATH, --key passphrase, --key env or --key command:..."
MAX_SHOWN = 200

Record = dict[str, object]
"""What the chip keeps about a source, in the clear and as JSON: where the key is, never what it is."""

# 32 bytes are 43 characters and one of padding; a key written in a mix of both alphabets was written by nobody.
_WRITTEN = re.compile(rb"(?:[A-Za-z0-9+/]{43}|[A-Za-z0-9_-]{43})=?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The store that a key is wanted for.

    Attributes:
        store: its id, 16 bytes.
        directory: where its files are.
        environ: the environment variables (they may hold the key, so they are not in the repr).
        recorded: what its chip keeps about the source; empty while the store is being made. It is read before
            anything can be verified, from a file that others may have altered: nothing in it is to be trusted.
    """

    store: bytes
    directory: Path
    environ: Mapping[str, str] = field(repr=False)
    recorded: Mapping[str, object] = field(default_factory=dict)


class Source(ABC):
    """A place that root keys come from. A source that holds a secret keeps it out of its repr."""

    __slots__ = ()

    name: ClassVar[str]
    """What the record calls it."""

    @abstractmethod
    def make(self, where: Where, entropy: Entropy) -> tuple[bytes, Record]:
        """The root key (32 bytes) for a store that is being made, and what its chip is to record.

        Where the source can keep keys it makes a new one, durable before this returns, and uses one that is there
        already. What it made is left behind if the store then cannot be made: it harms nobody, and no code that
        removes keys can remove the wrong one.

        Raises:
            KeyMissingError: it could not be had or kept.
            InputError: what the caller gave cannot be meant.
        """

    @abstractmethod
    def fetch(self, where: Where) -> bytes:
        """The root key (32 bytes) for a store that exists, from this source because the user named it now.

        Raises:
            KeyMissingError: it could not be had; the message says what to do.
            InputError: what the caller gave cannot be meant.
            DamagedError: what the chip recorded was altered.
        """

    @classmethod
    @abstractmethod
    def fetch_recorded(cls, where: Where) -> bytes:
        """The same from `where.recorded` alone, which names this source although the user did not.

        Raises:
            KeyMissingError: it could not be had; the message says what to do.
            DamagedError: what the chip recorded was altered.
        """


def decode_key(text: str | bytes) -> bytes | None:
    """The 32 bytes behind a written key, or None when it is not one.

    Written is base64 (RFC 4648, standard or URL-safe alphabet, padding optional), with white space around it ignored.
    """
    stripped = text.strip()
    raw = stripped.encode("ascii", "replace") if isinstance(stripped, str) else stripped
    if _WRITTEN.fullmatch(raw) is None:
        return None
    body = raw[:43].replace(b"-", b"+").replace(b"_", b"/")
    key = base64.b64decode(body + b"=")
    # The last character has two spare bits; a key with them set is a key mistyped.
    return key if base64.b64encode(key)[:43] == body else None


def encode_key(key: bytes) -> str:
    """The written form of a key: 44 characters of standard base64."""
    return base64.b64encode(key).decode("ascii")


def storable(text: str) -> bool:
    """Whether `text` can be handed to the system and kept as JSON: some characters, UTF-8, no NUL."""
    # "replace" rather than an exception, and surrogates are the only thing it would replace.
    return bool(text) and "\0" not in text and text.encode("utf-8", "replace").decode("utf-8") == text


def shown(text: str) -> str:
    """`text` fit for a message: what does not print is escaped, and what is long is cut (and said to be)."""
    cut = text[:MAX_SHOWN]
    safe = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in cut)
    return safe if len(text) <= MAX_SHOWN else f"{safe}... (and {len(text) - MAX_SHOWN} more characters)"


def home(environ: Mapping[str, str]) -> Path | None:
    """The user's home directory, or None where there is none to speak of (unknown, relative, or the root itself)."""
    named = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    try:
        found = Path(os.path.normpath(named)) if named else Path.home()
    except RuntimeError:
        return None
    return found if found.is_absolute() and found != found.parent else None
