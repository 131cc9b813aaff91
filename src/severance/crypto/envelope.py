"""The bytes of everything sealed: frames, segments, buckets and the chain. No input or output happens here.

docs/design/format.md sections 2 and 3 say the same in words; change neither without the other.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum

from severance.crypto.primitives import (
    AESGCM,
    InvalidTag,
    equal,
    hkdf_expand_sha512,
    hkdf_extract_sha512,
    hkdf_sha512,
    sha256,
)
from severance.errors import DamagedError, InputError, NewerVersionError
from severance.model import Head, Plain, Sealed
from severance.ports import Entropy

VERSION = 1
SUITE = 1
KEY_BYTES = 32
SPACE_BYTES = 16
NO_OWNER = bytes(16)
SALT_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
FRAMES_PER_SEGMENT = 2**20
MAX_PADDED = 8 * 2**20

_HEADER = struct.Struct(">BBBBI32s32s12s")
_AAD = struct.Struct(">4sBBBB16sI32sQ32s")
_LENGTH = struct.Struct(">I")
_SMALLEST_BUCKET = 256
_COARSE_BUCKET = 65_536
_SEGMENTS_REMEMBERED = 64


class Kind(IntEnum):
    """What a frame is; a frame of one kind never opens as another."""

    RECORD = 1
    CHUNK = 2
    ROW = 3
    EVENT = 4
    ALARM = 5


class CommitmentError(DamagedError):
    """The key is not the one that sealed this frame, or the frame's header was altered."""


@dataclass(frozen=True, slots=True)
class SpaceKey:
    """The key of one space (or of the chip) with what its segments derive from. Its repr does not show the key."""

    space: bytes
    epoch: int
    secret: bytes

    def __repr__(self) -> str:
        return f"SpaceKey({self.space.hex()}, epoch={self.epoch})"


@dataclass(frozen=True, slots=True)
class Where:
    """Where a frame stands, which its associated data binds: its number and 32 bytes that depend on its kind."""

    kind: Kind
    seq: int
    bind: bytes


def bucket(length: int) -> int:
    """The padded size in bytes for `length` bytes of content: the 4 bytes of length included, the tag not.

    Two buckets in each octave up to 64 KiB, then multiples of 64 KiB: at most a third of a record is padding.
    """
    need = length + _LENGTH.size
    if need > _COARSE_BUCKET:
        return -(-need // _COARSE_BUCKET) * _COARSE_BUCKET
    power = max(_SMALLEST_BUCKET, 1 << (need - 1).bit_length())
    between = power // 4 * 3
    return between if between >= max(need, _SMALLEST_BUCKET) else power


def filled(length: int) -> int:
    """The most bytes of content, at most `length` (252 or more), that fill a bucket without any padding."""
    room = length + _LENGTH.size
    if room >= _COARSE_BUCKET:
        return room // _COARSE_BUCKET * _COARSE_BUCKET - _LENGTH.size
    power = 1 << (room.bit_length() - 1)
    between = power // 2 * 3
    return (between if between <= room else power) - _LENGTH.size


def genesis(space: bytes, epoch: int) -> Head:
    """The head of an empty log."""
    return Head(0, sha256(b"severance/log/v1" + space + _LENGTH.pack(epoch)))


def after(head: Head, frame: bytes) -> Head:
    """The head after one more record."""
    return head.then(sha256(frame))


def chunk_place(begin: Head, end: Head, index: int, before: bytes, *, last: bool) -> Where:
    """Where chunk `index` of the layer of the records after `begin` up to `end` stands.

    `before` is the frame of the chunk before it, empty for the first. Chained, so that chunks of two layers of one
    range, which two minds may write differently, cannot be mixed.
    """
    previous = sha256(before) if before else bytes(32)
    range_ = struct.pack(">Q", begin.seq) + begin.digest + end.digest
    bind = sha256(b"severance/chunk/v1" + range_ + previous + struct.pack(">IB", index, last))
    return Where(Kind.CHUNK, end.seq, bind)


def row_place(row: bytes, owner: bytes | None) -> Where:
    """Where the chip's row with this id and this owner stands."""
    return Where(Kind.ROW, 0, sha256(b"severance/row/v1" + row + (owner or NO_OWNER)))


def record_place(before: Head) -> Where:
    """Where the record after `before` stands."""
    return Where(Kind.RECORD, before.seq + 1, before.digest)


class Sealer:
    """Seals frames for one space in one writer's session.

    Each sealer draws a salt of its own, so that two processes, or two copies of a restored disk, never share a segment
    key; after 2^20 frames it draws another, which keeps the risk of two equal random nonces under one key below 2^-57.
    """

    def __init__(self, key: SpaceKey, entropy: Entropy) -> None:
        self._key = key
        self._entropy = entropy
        self._left = 0
        self._salt = self._commitment = b""
        self._aead: AESGCM

    def seal(self, where: Where, content: Plain) -> Sealed:
        """One frame that opens at `where` only.

        Raises:
            InputError: the content is larger than a frame may be (8 MiB).
        """
        size = bucket(len(content))
        if size > MAX_PADDED:
            raise InputError("that is too large to be sealed in one piece")
        if self._left == 0:
            self._new_segment()
        self._left -= 1
        key = self._key
        nonce = self._entropy.draw(NONCE_BYTES, key.space)
        padded = (_LENGTH.pack(len(content)) + content).ljust(size, b"\0")
        aad = _associated(where, key, self._salt)
        header = _HEADER.pack(VERSION, SUITE, where.kind, 0, key.epoch, self._salt, self._commitment, nonce)
        return Sealed(header + self._aead.encrypt(nonce, padded, aad))

    def _new_segment(self) -> None:
        self._salt = self._entropy.draw(SALT_BYTES, self._key.space)
        self._aead, self._commitment = _segment(self._key, self._salt)
        self._left = FRAMES_PER_SEGMENT


class Opener:
    """Opens the frames of one space. Keeps the keys of the segments it met last, since records come in runs."""

    def __init__(self, key: SpaceKey) -> None:
        self._key = key
        self._segments: OrderedDict[bytes, tuple[AESGCM, bytes]] = OrderedDict()

    def open(self, where: Where, frame: bytes) -> Plain:
        """The content of the frame that stands at `where`.

        Raises:
            NewerVersionError: a later version or suite.
            CommitmentError: another key, or an altered header.
            DamagedError: anything else that is not exactly what was sealed at this place.
        """
        salt, commitment, nonce = self._header(where, frame)
        aead, expected = self._segment(salt)
        if not equal(commitment, expected):
            raise _damaged("was not sealed with this key", self._key, where, CommitmentError)
        try:
            padded = aead.decrypt(nonce, memoryview(frame)[_HEADER.size :], _associated(where, self._key, salt))
        except InvalidTag:
            raise _damaged("is not what was written there", self._key, where) from None
        return _unpad(padded, self._key, where)

    def commits(self, frame: bytes) -> bool:
        """Whether a frame was sealed with this key, wherever it stands and whatever became of its content."""
        if len(frame) < _HEADER.size:
            return False
        salt, commitment = _HEADER.unpack_from(frame)[5:7]
        return equal(commitment, _segment(self._key, salt)[1])

    def _header(self, where: Where, frame: bytes) -> tuple[bytes, bytes, bytes]:
        if len(frame) < _HEADER.size + _SMALLEST_BUCKET + TAG_BYTES:
            raise _damaged("is cut short", self._key, where)
        if len(frame) > _HEADER.size + MAX_PADDED + TAG_BYTES:
            raise _damaged("is larger than a frame can be", self._key, where)
        version, suite, kind, zero, epoch, salt, commitment, nonce = _HEADER.unpack_from(frame)
        if version != VERSION or suite != SUITE:
            raise NewerVersionError(
                f"{_name(self._key, where)} is in format {version}, suite {suite}, which this version cannot read; "
                "use the Severance that wrote it, or check for damage"
            )
        if kind != where.kind or zero != 0 or epoch != self._key.epoch:
            raise _damaged("does not belong there", self._key, where)
        return salt, commitment, nonce

    def _segment(self, salt: bytes) -> tuple[AESGCM, bytes]:
        found = self._segments.get(salt)
        if found is None:
            found = self._segments[salt] = _segment(self._key, salt)
            if len(self._segments) > _SEGMENTS_REMEMBERED:
                self._segments.popitem(last=False)
        return found


def disclosed(key: SpaceKey, frame: bytes) -> bytes:
    """What opens the frames under this frame's salt, 64 bytes, and leads to no other and not to the key."""
    return hkdf_extract_sha512(key.secret, salt=_HEADER.unpack_from(frame)[5])


def opened_with(disclosure: bytes, space: bytes, epoch: int, where: Where, frame: bytes) -> Plain:
    """The content of a frame for whoever has no key, but what was `disclosed` of it.

    Raises:
        NewerVersionError, CommitmentError, DamagedError: as `Opener.open`; the second if this is not of it.
    """
    key = SpaceKey(space, epoch, b"")
    opener = Opener(key)
    if len(frame) >= _HEADER.size:
        okm = hkdf_expand_sha512(disclosure, info=_info(key), length=64)
        opener._segments[_HEADER.unpack_from(frame)[5]] = AESGCM(okm[:32]), okm[32:]
    return opener.open(where, frame)


def _segment(key: SpaceKey, salt: bytes) -> tuple[AESGCM, bytes]:
    okm = hkdf_sha512(key.secret, salt=salt, info=_info(key), length=64)
    return AESGCM(okm[:32]), okm[32:]


def _info(key: SpaceKey) -> bytes:
    return b"severance/segment/v1" + bytes([SUITE]) + key.space + _LENGTH.pack(key.epoch)


def _associated(where: Where, key: SpaceKey, salt: bytes) -> bytes:
    return _AAD.pack(b"SVRN", VERSION, SUITE, where.kind, 0, key.space, key.epoch, salt, where.seq, where.bind)


def _unpad(padded: bytes, key: SpaceKey, where: Where) -> Plain:
    (length,) = _LENGTH.unpack_from(padded)
    end = _LENGTH.size + length
    if end > len(padded) or bucket(length) != len(padded) or padded.count(0, end) != len(padded) - end:
        raise _damaged("is not padded as the format says", key, where)
    return Plain(padded[_LENGTH.size : end])


def _name(key: SpaceKey, where: Where) -> str:
    if where.kind is Kind.ROW:
        return "a row of the chip"
    if where.kind is Kind.EVENT:
        return f"entry {where.seq} of the audit log"
    if where.kind is Kind.ALARM:
        return "the queue of alarms"
    noun = "record" if where.kind is Kind.RECORD else "the layer up to record"
    return f"{noun} {where.seq} of space {key.space.hex()}"


def _damaged(problem: str, key: SpaceKey, where: Where, error: type[DamagedError] = DamagedError) -> DamagedError:
    message = (
        f"{_name(key, where)} {problem}; run `severance check`, and `severance check --salvage FILE` to save the rest"
    )
    in_space = where.kind in (Kind.RECORD, Kind.CHUNK)
    return error(message, space=key.space.hex() if in_space else None, record=where.seq if in_space else None)
