"""Override keys: of whoever may ask for an override or approve one. The private half is in a file, made offline."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from severance.crypto.primitives import agreed, agreement_key, public_key, sha256, sign, verifies
from severance.crypto.rootkey.keyfile import private_content
from severance.disk.newfile import new_file
from severance.errors import InputError
from severance.ports import Entropy

ID_BYTES = 16

_PUBLIC, _PRIVATE = "sevk1", "sevs1"
_HALF = 32
_ANY = b"\1" * _HALF
"""A secret that is none, to try a public key with: some of them agree with everybody on nothing."""

_SCOPE = b"override key"
_ABOVE = "# A private override key of Severance. Whoever has it can ask and approve in its owner's name.\n"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of an override key: an Ed25519 key that verifies, and an X25519 key that boxes are made for."""

    raw: bytes

    @property
    def id(self) -> bytes:
        """16 bytes that stand for the key."""
        return sha256(b"severance/override/key/v1" + self.raw)[:ID_BYTES]

    @property
    def for_boxes(self) -> bytes:
        """The X25519 key, 32 bytes."""
        return self.raw[_HALF:]

    def shares_a_half(self, other: bytes) -> bool:
        """Whether one of the two keys in it is in this other public half: then it is no other person's."""
        return self.raw[:_HALF] == other[:_HALF] or self.raw[_HALF:] == other[_HALF:]

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the private half signed this message so."""
        return verifies(self.raw[:_HALF], message, signature)

    def text(self) -> str:
        """As it is handed to whoever registers it."""
        return written(_PUBLIC, self.raw)


@dataclass(frozen=True)
class PrivateKey:
    """An override key. Its repr shows nothing."""

    _seed: bytes
    opens: bytes

    def __repr__(self) -> str:
        return "PrivateKey()"

    @cached_property
    def public(self) -> PublicKey:
        """What may be known of it."""
        return PublicKey(public_key(self._seed) + agreement_key(self.opens))

    def sign(self, message: bytes) -> bytes:
        """The signature of a message: 64 bytes."""
        return sign(self._seed, message)

    @classmethod
    def make(cls, path: Path, entropy: Entropy) -> PrivateKey:
        """A new key, in a new file that its owner alone can read.

        Raises:
            StoreError: the file is there already, or cannot be made.
        """
        raw = entropy.draw(2 * _HALF, _SCOPE)
        with new_file(path.expanduser().absolute()) as part:
            part.write_text(f"{_ABOVE}{written(_PRIVATE, raw)}\n", encoding="ascii")
        return cls(raw[:_HALF], raw[_HALF:])

    @classmethod
    def load(cls, path: Path) -> PrivateKey:
        """The key in a file.

        Raises:
            KeyMissingError: it cannot be read, or others than its owner can reach it.
            InputError: it holds none.
        """
        content = private_content(path.expanduser(), "the override key", "name the file with --as")
        lines = [line for line in content.decode("ascii", "replace").splitlines() if line and not line.startswith("#")]
        raw = read(_PRIVATE, lines[0], 2 * _HALF) if len(lines) == 1 else None
        if raw is None:
            raise InputError("that file holds no private override key; `severance override keygen FILE` makes one")
        return cls(raw[:_HALF], raw[_HALF:])


def public_of(text: str) -> PublicKey:
    """The public key that a text is.

    Raises:
        InputError: it is none.
    """
    raw = read(_PUBLIC, text.strip(), 2 * _HALF)
    if raw is None or agreed(_ANY, raw[_HALF:]) is None:
        raise InputError("that is no public override key; `severance override keygen FILE` prints one")
    return PublicKey(raw)


def written(prefix: str, raw: bytes) -> str:
    """Bytes as a text of this kind."""
    return f"{prefix}.{base64.urlsafe_b64encode(raw).decode('ascii').rstrip('=')}"


def read(prefix: str, text: str, size: int | None = None) -> bytes | None:
    """The bytes behind a text of this kind, of this size; None where it is none."""
    kind, _, encoded = text.partition(".")
    try:
        raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (ValueError, binascii.Error):
        return None
    if kind != prefix or size not in (None, len(raw)) or written(prefix, raw) != text:
        return None
    return raw
