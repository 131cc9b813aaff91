"""Texts that open something for whoever has them: a word, an id and a secret, of which the chip keeps a proof alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
from contextlib import suppress

from severance.chip.blocks import blocks
from severance.chip.permits import ID_BYTES, MOST_TEXT, PREFIX

SECRET_BYTES = 32


def written(word: str, name: bytes, secret: bytes) -> str:
    """An id of 16 bytes and a secret of 32 as a text that begins with this word."""
    return ".".join((word, name.hex(), base64.urlsafe_b64encode(secret).decode("ascii").rstrip("=")))


def parts_of(text: str) -> tuple[bytes, bytes]:
    """Id and secret of such a text, whatever its word; what none has where it is no such text."""
    parts = text.split(".", 3)
    with suppress(ValueError, binascii.Error):
        _, name, secret = parts
        raw = base64.urlsafe_b64decode(f"{secret}=")
        if base64.urlsafe_b64encode(raw).decode("ascii") == f"{secret}=" and len(raw) == SECRET_BYTES:
            return id_of(name), raw
    return bytes(ID_BYTES), bytes(SECRET_BYTES)


def root_of(text: str) -> bytes:
    """32 bytes that a text has in common with all that weakening makes of it, and with nothing else.

    It is of what the chip signed for a permit, of the id where there is one, and of any other text as a whole. Nothing
    is checked: it tells something only of a text that a house has let in.
    """
    found = text.encode()
    with suppress(ValueError, IndexError, binascii.Error):
        word, name, rest = text.split(".")
        if word != PREFIX:
            found = word.encode() + (id_of(name) if any(id_of(name)) else found)
        elif len(text) <= MOST_TEXT:
            found = blocks(base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4)))[0]
    return hashlib.sha256(found).digest()


def id_of(text: str) -> bytes:
    """The 16 bytes that an id is the hex of; the id of nothing where it is none."""
    with suppress(ValueError, TypeError):
        raw = bytes.fromhex(text)
        if len(raw) == ID_BYTES and raw.hex() == text:
            return raw
    return bytes(ID_BYTES)
