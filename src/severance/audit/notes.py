"""Checkpoints: how long a log is and what its root is, at some time, signed.

A checkpoint is text that a person can read and any witness of transparency logs can keep: the formats are C2SP's
`tlog-checkpoint` and `signed-note` (https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note), with the time in
an extension line.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from severance.audit.proofs import HASH_BYTES
from severance.crypto.primitives import public_key, sha256, sign, verifies
from severance.errors import DamagedError, InputError

MOST_NOTE = 4_096
"""Bytes of a signed checkpoint at most: some ten signatures."""

_ED25519 = b"\x01"
_HINT_BYTES = 4
_SIGNATURE_BYTES = 64
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_TIME = re.compile(r"time (0|[1-9][0-9]{0,18})")
_SIGNATURE = re.compile(r"\u2014 (\S+) (\S+)")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a log went.

    Attributes:
        origin: which log it is.
        size: how many entries it had.
        root: the root of the tree over them, 32 bytes.
        at: when that was, in microseconds since 1970.
    """

    origin: str
    size: int
    root: bytes
    at: int

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\ntime {self.at}\n"


def origin_of(store: bytes) -> str:
    """The name of the log of the store with this id."""
    return f"severance/{store.hex()}"


def verifier_of(origin: str, seed: bytes) -> str:
    """The verifier key of a log, in one word that may be published: name, hint and public key."""
    public = public_key(seed)
    return f"{origin}+{_hint(origin, public).hex()}+{_base64(_ED25519 + public)}"


def signed(checkpoint: Checkpoint, seed: bytes) -> str:
    """The checkpoint with its signature, by the key with this 32-byte seed."""
    text, public = checkpoint.text(), public_key(seed)
    signature = _hint(checkpoint.origin, public) + sign(seed, text.encode())
    return f"{text}\n\u2014 {checkpoint.origin} {_base64(signature)}\n"


def read(note: str, verifier: str) -> Checkpoint:
    """The checkpoint in a signed note, when it is one of this log and its key has signed it.

    Signatures of others, such as witnesses, are passed over.

    Args:
        note: what `signed` made, or a witness kept.
        verifier: what `verifier_of` made.

    Raises:
        InputError: the verifier key is none.
        DamagedError: the note is none, is another log's, or was not signed by this key.
    """
    origin, public = _public(verifier)
    if len(note) > MOST_NOTE:
        raise DamagedError("a checkpoint is longer than any can be; ask the witness for the right one")
    text, _, signatures = note.rpartition("\n\n")
    checkpoint = _parsed(f"{text}\n")
    if checkpoint.origin != origin:
        raise DamagedError("the checkpoint is that of another log; ask for the one of this store")
    *lines, rest = signatures.split("\n")
    if rest or not any(_signs(line, checkpoint, public) for line in lines):
        raise DamagedError("the checkpoint was not signed by this log's key; somebody else wrote it, or altered it")
    return checkpoint


def _signs(line: str, checkpoint: Checkpoint, public: bytes) -> bool:
    found = _SIGNATURE.fullmatch(line)
    if found is None or found[1] != checkpoint.origin:
        return False
    raw = _bytes(found[2])
    hint, signature = raw[:_HINT_BYTES], raw[_HINT_BYTES:]
    known = hint == _hint(checkpoint.origin, public) and len(signature) == _SIGNATURE_BYTES
    return known and verifies(public, checkpoint.text().encode(), signature)


def _parsed(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) == 5 and lines[4] == "" and lines[0] and _NUMBER.fullmatch(lines[1]):
        time, root = _TIME.fullmatch(lines[3]), _bytes(lines[2])
        if time is not None and len(root) == HASH_BYTES and _base64(root) == lines[2]:
            return Checkpoint(lines[0], int(lines[1]), root, int(time[1]))
    raise DamagedError("this is no checkpoint of an audit log; ask the witness for the right one")


def _public(verifier: str) -> tuple[str, bytes]:
    parts = verifier.split("+", 2)
    if len(parts) == 3:
        raw = _bytes(parts[2])
        if raw[:1] == _ED25519 and len(raw) == 33 and _hint(parts[0], raw[1:]).hex() == parts[1]:
            return parts[0], raw[1:]
    raise InputError("a verifier key is one word such as severance/...+0123abcd+...; `severance audit verify` shows it")


def _hint(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public)[:_HINT_BYTES]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
