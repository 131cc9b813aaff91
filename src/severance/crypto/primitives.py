"""The cryptographic primitives, and the only module that imports `cryptography`.

Nothing here decides anything: which key, which nonce and which associated data is said by `crypto.envelope`.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

__all__ = [
    "AESGCM",
    "InvalidTag",
    "agreed",
    "agreement_key",
    "argon2id",
    "equal",
    "hkdf_expand_sha512",
    "hkdf_extract_sha512",
    "hkdf_sha512",
    "hmac_sha256",
    "public_key",
    "sha256",
    "sign",
    "verifies",
]


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4): 32 bytes."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104): 32 bytes."""
    return hmac.digest(key, data, "sha256")


def hkdf_sha512(key: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-512 (RFC 5869): `length` bytes."""
    return HKDF(algorithm=SHA512(), length=length, salt=salt, info=info).derive(key)


def hkdf_extract_sha512(key: bytes, *, salt: bytes) -> bytes:
    """The first half of HKDF with SHA-512 (RFC 5869, section 2.2): 64 bytes, which do not lead back to the key."""
    return hmac.digest(salt, key, "sha512")


def hkdf_expand_sha512(extracted: bytes, *, info: bytes, length: int) -> bytes:
    """The second half of HKDF with SHA-512 (RFC 5869, section 2.3): `length` bytes."""
    return HKDFExpand(algorithm=SHA512(), length=length, info=info).derive(extracted)


def argon2id(secret: bytes, salt: bytes, *, memory_kib: int, iterations: int, lanes: int) -> bytes:
    """Argon2id (RFC 9106): 32 bytes from a secret that a person can remember."""
    kdf = Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory_kib)
    return kdf.derive(secret)


def equal(left: bytes, right: bytes) -> bool:
    """Whether two byte strings are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(left, right)


def public_key(seed: bytes) -> bytes:
    """The public key, 32 bytes, of the Ed25519 key (RFC 8032) with this 32-byte seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, message: bytes) -> bytes:
    """The Ed25519 signature of a message: 64 bytes, the same for the same message."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the key with this public key, 32 bytes, signed this message so."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def agreement_key(seed: bytes) -> bytes:
    """The public key, 32 bytes, of the X25519 key (RFC 7748) with these 32 secret bytes."""
    return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def agreed(seed: bytes, public: bytes) -> bytes | None:
    """What the holders of two X25519 keys both get: 32 bytes; None for a public key with which it is no secret."""
    try:
        return X25519PrivateKey.from_private_bytes(seed).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:  # of small order (RFC 7748, section 6.1), or no key at all
        return None
