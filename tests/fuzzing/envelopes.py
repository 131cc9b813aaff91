"""Frames: what was not sealed never opens, and what was sealed opens to exactly that or not at all."""

from __future__ import annotations

import struct

from fuzzing.target import Choices, Target
from severance.barrier.traces.ports import ScopedEntropy
from severance.crypto import envelope
from severance.crypto.envelope import Kind, Opener, Sealer, SpaceKey, Where
from severance.errors import DamagedError, NewerVersionError
from severance.model import Plain

KEY = SpaceKey(bytes(range(16)), 1, bytes(range(32)))
PLACES = tuple(Where(kind, seq, bytes([seq]) * 32) for kind in Kind for seq in (1, 2))
_PLAINS = tuple(Plain(bytes([65 + size % 26]) * size) for size in (0, 1, 100, 252, 253, 400))
_SALT, _NONCE = bytes(range(32, 64)), bytes(12)
_AEAD, _COMMITMENT = envelope._segment(KEY, _SALT)
_OPENER = Opener(KEY)
_BUCKETS = {size for power in range(8, 17) for size in (1 << power, (1 << power) // 2 * 3) if size <= 65_536}


def _sealed() -> list[tuple[Where, Plain, bytes]]:
    sealer = Sealer(KEY, ScopedEntropy(b"fuzz"))
    return [(where, plain, bytes(sealer.seal(where, plain))) for where in PLACES for plain in _PLAINS]


TRUE = _sealed()
_COMMITTED = {frame[8:72] for _, _, frame in TRUE} | {_SALT + _COMMITMENT}
_OPENS = {(where, frame): plain for where, plain, frame in TRUE}


def opened(where: Where, frame: bytes) -> bytes | None:
    """What is in a frame, or None where it was refused as it should be."""
    try:
        return _OPENER.open(where, frame)
    except (DamagedError, NewerVersionError):
        return None


def run_arbitrary(data: bytes) -> None:
    """Bytes that nobody sealed do not open; those that were sealed open to what was sealed."""
    for where in (PLACES[0], PLACES[3]):
        assert opened(where, data) == _OPENS.get((where, data)), "a frame opened that was not sealed for this place"
    assert _OPENER.commits(data) is (len(data) >= 84 and data[8:72] in _COMMITTED), "a commitment was misjudged"


def run_altered(data: bytes) -> None:
    """A sealed frame that was altered, or moved to another place, does not open."""
    choices = Choices(data)
    _, _, frame = choices.pick(TRUE)
    where = choices.pick(PLACES)
    altered = bytearray(frame)
    while choices:
        edit, at = choices.below(5), choices.below(max(len(altered), 1))
        if edit == 0:
            altered[at : at + 1] = bytes([choices.byte()])
        elif edit == 1:
            del altered[at : at + choices.byte()]
        elif edit == 2:
            altered[at:at] = choices.take(choices.below(20))
        elif edit == 3:
            other = choices.pick(TRUE)[2]
            altered[at:] = other[at:]
        else:
            other = choices.pick(TRUE)[2]
            altered[at : at + 12] = other[at : at + 12]
    found = bytes(altered)
    assert opened(where, found) == _OPENS.get((where, found)), "an altered frame opened"


def run_forged(data: bytes) -> None:
    """Behind the seal: a padding that the format does not name is refused, and every other is read as it is written."""
    choices = Choices(data)
    size = choices.pick((256, 384, 512, 255, 257, 768, 320, 1024, 65_536, 4, 0, 300))
    said = choices.below(65_536) if choices.byte() % 2 else choices.below(400)
    content = choices.rest()
    padded = (struct.pack(">I", said) + content)[:size].ljust(size, b"\0")
    where = PLACES[0]
    aad = envelope._associated(where, KEY, _SALT)
    header = envelope._HEADER.pack(1, 1, where.kind, 0, KEY.epoch, _SALT, _COMMITMENT, _NONCE)
    found = opened(where, header + _AEAD.encrypt(_NONCE, padded, aad))
    assert found == canonical(padded), "a padding was read differently from what the format says"


def canonical(padded: bytes) -> bytes | None:
    """The content of a padded plaintext, from docs/design/format.md alone; None when it is not canonical."""
    if len(padded) < 256:
        return None
    length = int.from_bytes(padded[:4], "big")
    least = min((size for size in _BUCKETS if size >= length + 4), default=-(-(length + 4) // 65_536) * 65_536)
    if length + 4 > len(padded) or least != len(padded) or any(padded[4 + length :]):
        return None
    return padded[4 : 4 + length]


def _forgeries() -> list[bytes]:
    return [bytes([0, 0, 5]) + b"hello", bytes([1, 0, 200]) + b"x" * 200, bytes([6, 1, 1, 0]) + b"y" * 256, b""]


TARGETS = (
    Target(
        name="frame",
        decoder="envelope",
        run=run_arbitrary,
        seeds=lambda: [frame for _, _, frame in TRUE[:6]],
        longest=800,
        tokens=(bytes([1, 1, 1, 0]), bytes([1, 1, 2, 0, 0, 0, 0, 1]), _SALT),
        weight=14,
        short=4_000,
    ),
    Target(
        name="frame-altered",
        decoder="envelope",
        run=run_altered,
        seeds=lambda: [bytes([number, number // 6]) for number in range(36)] + [b"\0\0\0\x50\x01", b"\0\0\x03\x20\x07"],
        longest=64,
        weight=14,
        short=4_000,
    ),
    Target(
        name="frame-forged",
        decoder="envelope",
        run=run_forged,
        seeds=_forgeries,
        longest=1_100,
        weight=14,
        short=2_000,
    ),
)
