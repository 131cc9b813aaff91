"""A key derived from a passphrase."""

from __future__ import annotations

import getpass
import sys
import unicodedata
import warnings
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, ClassVar

from severance.crypto import primitives
from severance.crypto.rootkey.source import SCOPE, Record, Source, Where
from severance.errors import DamagedError, InputError, KeyMissingError

if TYPE_CHECKING:
    from severance.ports import Entropy

ALGORITHM = "argon2id"
SALT_BYTES = 16
MAX_MEMORY_KIB = 1 << 20
MAX_ITERATIONS = 64
MAX_WORK = 4 << 20
"""KiB times iterations: some twenty seconds of one processor."""
MAX_LANES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one derivation costs. The default is the second recommendation of RFC 9106, section 4: 64 MiB, 3 passes.

    The bounds keep an altered chip from making this machine spend all its memory or hours on a derivation. A *low*
    cost in an altered chip gains nothing: the key comes out wrong, and nothing is sealed under a wrong key.

    Raises:
        InputError: a number is out of bounds.
    """

    memory_kib: int = 65_536
    iterations: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        if any(type(number) is not int for number in (self.memory_kib, self.iterations, self.lanes)):
            raise InputError("the cost of a passphrase is given in whole numbers")
        lanes_fit = 1 <= self.lanes <= MAX_LANES
        memory_fits = 8 * self.lanes <= self.memory_kib <= MAX_MEMORY_KIB
        iterations_fit = 1 <= self.iterations <= min(MAX_ITERATIONS, MAX_WORK // max(self.memory_kib, 1))
        if not (lanes_fit and memory_fits and iterations_fit):
            raise InputError("the cost of a passphrase is out of bounds")


@dataclass(frozen=True, slots=True)
class Passphrase(Source):
    """A passphrase: `text`, or when that is None what the user types at the terminal (twice for a new store).

    It is normalised to NFC, so that the same letters typed on another system give the same key. `cost` is what a new
    store gets; one that exists has its own.

    Raises:
        InputError: `text` is empty or cannot be written as UTF-8.
    """

    name: ClassVar[str] = "passphrase"
    text: str | None = field(default=None, repr=False)
    cost: Cost = field(default_factory=Cost, kw_only=True)

    def __post_init__(self) -> None:
        if self.text is not None and not _bytes(self.text):
            raise InputError("a passphrase has at least one character, and can be written as UTF-8")

    def make(self, where: Where, entropy: Entropy) -> tuple[bytes, Record]:
        """A key from the passphrase and a new salt; what is recorded is the salt and the cost."""
        salt = entropy.draw(SALT_BYTES, SCOPE)
        key = _derive(self if self.text is not None else Passphrase(_ask_twice()), salt, self.cost)
        return key, {"source": self.name, "algorithm": ALGORITHM, "salt": salt.hex(), **asdict(self.cost)}

    def fetch(self, where: Where) -> bytes:
        """The key from the passphrase and what the chip recorded."""
        if where.recorded.get("source") != self.name:
            raise KeyMissingError("this store was not made with a passphrase; leave --key out, or name another source")
        # Before asking: a damaged record should not cost the user the typing.
        salt, cost = _read(where.recorded)
        return _derive(self if self.text is not None else Passphrase(_ask("Passphrase: ")), salt, cost)

    @classmethod
    def fetch_recorded(cls, where: Where) -> bytes:
        """The key from the passphrase that the user types."""
        return cls().fetch(where)


def _bytes(text: str) -> bytes:
    """NFC in UTF-8, or nothing where that cannot be (a lone surrogate, or nothing to begin with)."""
    normal = unicodedata.normalize("NFC", text)
    raw = normal.encode("utf-8", "replace")
    return raw if raw.decode("utf-8") == normal else b""


def _read(recorded: object) -> tuple[bytes, Cost]:
    match recorded:
        case {"algorithm": "argon2id", "salt": str(salt), "memory_kib": memory, "iterations": passes, "lanes": lanes}:
            try:
                raw = bytes.fromhex(salt)
                cost = Cost(memory_kib=memory, iterations=passes, lanes=lanes)
            except ValueError:  # an InputError is one, too
                raw = b""
            if 16 <= len(raw) <= 64:
                return raw, cost
    raise DamagedError("the chip's record of how the passphrase becomes a key was altered")


def _derive(passphrase: Passphrase, salt: bytes, cost: Cost) -> bytes:
    try:
        return primitives.argon2id(_bytes(passphrase.text or ""), salt, **asdict(cost))
    except MemoryError:
        size = cost.memory_kib // 1024
    raise KeyMissingError(f"there is not enough memory for the passphrase: making the key takes {size} MiB")


def _ask_twice() -> str:
    text = _agreed(_ask("New passphrase: "))
    if text is None:
        raise InputError("the two passphrases are not the same; nothing was made")
    return text


def _agreed(first: str) -> str | None:
    # Compared as they are used: the terminal may compose letters once and not the next time.
    return first if _bytes(_ask("The same again: ")) == _bytes(first) else None


def _ask(prompt: str) -> str:
    """What the user types, unseen."""
    text = _typed(prompt) if _at_terminal() else None
    if text is None:
        raise KeyMissingError(
            "there is no terminal to ask for the passphrase; pass --key file:PATH, --key env or --key command:..."
        )
    if not text:
        raise InputError("a passphrase has at least one character")
    return text


def _typed(prompt: str) -> str | None:
    with warnings.catch_warnings():
        # getpass would go on with the letters showing; that is no terminal to ask at.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt)
        except (EOFError, OSError, getpass.GetPassWarning):
            return None


def _at_terminal() -> bool:
    """Whether somebody is there to be asked.

    Not merely whether `/dev/tty` opens: a server that an agent started has its input and errors in pipes, and asking
    there would take the terminal from the agent's own screen and wait for ever. Windows reads from the console whatever
    standard input is, and would wait as well.
    """
    streams = (sys.stdin,) if sys.platform == "win32" else (sys.stdin, sys.stderr)
    # Either may be None (no console) or closed.
    return any(stream is not None and not stream.closed and stream.isatty() for stream in streams)
