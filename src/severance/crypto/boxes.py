"""Boxes: a few bytes sealed for whoever has one X25519 key. And one secret in two shares. No input or output here.

docs/design/format.md, section 11, says the same in words; change neither without the other.
"""

from __future__ import annotations

from severance.crypto.primitives import AESGCM, InvalidTag, agreed, agreement_key, hkdf_sha512
from severance.ports import Entropy

SEED_BYTES = 32
PUBLIC_BYTES = 32
TAG_BYTES = 16
BOX_BYTES = PUBLIC_BYTES + TAG_BYTES
"""What a box is longer than its content."""

_NONCE = bytes(12)
"""Each key here seals one text and no other: it is drawn, or agreed with a key that is drawn, for that text."""


def boxed(content: bytes, public: bytes, context: bytes, entropy: Entropy, scope: bytes) -> bytes:
    """The content for the holder of `public` (32 bytes), who must know the context too.

    X25519 with a key that is drawn for this box, HKDF-SHA-512, AES-256-GCM.

    Raises:
        ValueError: `public` is no key for which something could be sealed.
    """
    seed = entropy.draw(SEED_BYTES, scope)
    sender, secret = agreement_key(seed), agreed(seed, public)
    if secret is None:
        raise ValueError
    return sender + AESGCM(_key(secret, sender, public)).encrypt(_NONCE, content, context)


def unboxed(box: bytes, seed: bytes, context: bytes) -> bytes | None:
    """What is in a box for the key with this seed; None where it is for another, of another context, or altered."""
    sender, sealed = box[:PUBLIC_BYTES], box[PUBLIC_BYTES:]
    secret = agreed(seed, sender)
    if secret is None or len(sealed) < TAG_BYTES:
        return None
    try:
        return AESGCM(_key(secret, sender, agreement_key(seed))).decrypt(_NONCE, sealed, context)
    except InvalidTag:
        return None


def split(secret: bytes, context: bytes, entropy: Entropy, scope: bytes) -> tuple[bytes, bytes, bytes]:
    """The secret wrapped so that it opens with two shares, and those: (wrapped, share, share), each share 32 bytes.

    One share tells nothing: the key of the wrap is both of them, one upon the other (XOR).
    """
    first, second = (entropy.draw(SEED_BYTES, scope) for _ in range(2))
    return AESGCM(_upon(first, second)).encrypt(_NONCE, secret, context), first, second


def joined(wrapped: bytes, first: bytes, second: bytes, context: bytes) -> bytes | None:
    """The secret that was wrapped; None where these are not its shares, or it was altered."""
    try:
        return AESGCM(_upon(first, second)).decrypt(_NONCE, wrapped, context)
    except (InvalidTag, ValueError):  # the second for shares that are not 32 bytes
        return None


def _key(secret: bytes, sender: bytes, recipient: bytes) -> bytes:
    return hkdf_sha512(secret, salt=sender + recipient, info=b"severance/box/v1", length=32)


def _upon(first: bytes, second: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(first, second, strict=True))
