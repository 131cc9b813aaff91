"""The cryptographic primitives, and the only module that imports `cryptography`.

Nothing here decides anything: which key, which nonce and which associated data is said by `crypto.envelope`.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["AESGCM", "InvalidTag", "argon2id", "equal", "hkdf_sha512", "hmac_sha256", "sha256"]


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4): 32 bytes."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104): 32 bytes."""
    return hmac.digest(key, data, "sha256")


def hkdf_sha512(key: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-512 (RFC 5869): `length` bytes."""
    return HKDF(algorithm=SHA512(), length=length, salt=salt, info=info).derive(key)


def argon2id(secret: bytes, salt: bytes, *, memory_kib: int, iterations: int, lanes: int) -> bytes:
    """Argon2id (RFC 9106): 32 bytes from a secret that a person can remember."""
    kdf = Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory_kib)
    return kdf.derive(secret)


def equal(left: bytes, right: bytes) -> bool:
    """Whether two byte strings are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(left, right)
