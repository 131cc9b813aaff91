"""What is remembered: drafts, memories, recollections, and how far a space's log goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import NewType

Scalar = str | int | float | bool | None
Metadata = Mapping[str, Scalar]
Plain = NewType("Plain", bytes)
"""Bytes that may be read by anyone who holds them. Never handed to a vault."""
Sealed = NewType("Sealed", bytes)
"""Bytes that are ciphertext. The only kind a vault accepts; only `crypto.envelope` makes them."""
MAX_TEXT_BYTES = 65_536
MAX_METADATA_BYTES = 16_384
MAX_LABEL_BYTES = 512
ID_BYTES = 15
NO_METADATA: Metadata = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody asks to have remembered, before it has an id.

    Attributes:
        text: 1 to 65,536 bytes of UTF-8, without NUL; more than blanks, controls and characters that are not seen.
        at: when it happened; None means now. A time without a zone is taken as UTC.
        thread: the conversation it belongs to.
        source: who said it or where it was read.
        kind: what sort of memory it is, in the user's own words.
        metadata: names to scalars, at most 16,384 bytes as JSON.
        pinned: whether it should come before equals.
    """

    text: str
    at: datetime | None = None
    thread: str | None = None
    source: str | None = None
    kind: str = "note"
    metadata: Metadata = field(default_factory=lambda: NO_METADATA)
    pinned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One thing remembered.

    Attributes:
        id: 30 characters, random.
        text: what was remembered, to the letter.
        at: when it happened.
        recorded: when it was remembered.
        thread, source, kind, metadata, pinned: as in `Draft`.
        repeats: how often exactly this was remembered, the first time included.
        echo_of: the id of the memory that recall had just returned and that this text merely repeats, or None.
        supersedes: the id of the version before this one, or None.
        superseded_by: the id of the version after this one, or None.
    """

    id: str
    text: str
    at: datetime
    recorded: datetime
    thread: str | None = None
    source: str | None = None
    kind: str = "note"
    metadata: Metadata = field(default_factory=lambda: NO_METADATA)
    pinned: bool = False
    repeats: int = 1
    echo_of: str | None = None
    supersedes: str | None = None
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Recollection:
    """A memory found by recall: its score (higher is better, comparable within one recall only) and why it is here."""

    memory: Memory
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which memories are asked for. Every field that is set must hold; times are microseconds, ends are inclusive.

    Attributes:
        since, until: bounds on when it happened.
        as_of: only what had been recorded by then, each in the version that was current then.
        thread: only this conversation.
        where: metadata names to the value each must have.
    """

    since: int | None = None
    until: int | None = None
    as_of: int | None = None
    thread: str | None = None
    where: Metadata = field(default_factory=lambda: NO_METADATA)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a reading of memories has come to: when the last happened, in microseconds, and its raw id (15 bytes)."""

    at: int
    id: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """How far a space's log goes: its last sequence number (0 when empty) and the digest up to there (32 bytes)."""

    seq: int
    digest: bytes

    def then(self, hashed: bytes) -> Head:
        """The head after one more record, of whose frame this is the SHA-256 (32 bytes).

        No frame is needed, so whoever has no key follows the chain as well, over records that were erased, too.
        """
        return Head(self.seq + 1, sha256(b"severance/head/v1" + self.digest + hashed).digest())


def id_text(raw: bytes) -> str:
    """The written form of a memory's 15 random bytes."""
    return raw.hex()


def id_bytes(text: object) -> bytes | None:
    """The 15 bytes behind a written id, or None when it is not the written form of any id."""
    if not isinstance(text, str):
        return None  # a model may well send a number
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw if len(raw) == ID_BYTES and text == raw.hex() else None
