"""Keys and frames: one key for each persona, one salt and nonce for each frame, and one place in which it opens."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import severance
from kit import WORLD, dump, flipped, make_house, open_house
from kit.checks.base import filled, refuses
from severance import DamagedError
from severance.barrier.traces.ports import ScopedEntropy, small_snapshots
from severance.crypto import envelope
from severance.crypto.envelope import Kind, Opener, Sealer, SpaceKey, Where, chunk_place, genesis, record_place
from severance.crypto.primitives import hkdf_sha512
from severance.model import Head, Plain


def every_persona_has_its_own_key(folder: Path) -> None:
    """Space ids and keys are all different, and one key does not open what another sealed."""
    with make_house(folder) as house:
        chip: Any = house._chip
        keys = [
            chip.key(severance.Persona(*who)) for who in [(s, name) for s, names in WORLD.items() for name in names]
        ]
        assert len({key.space for key in keys}) == len({key.secret for key in keys}) == len(keys)
        for one in keys:
            for other in keys:
                if one is not other:
                    entry = house._vault.read(one.space, 0, 1)[0]
                    stolen = dataclasses.replace(other, space=one.space)
                    place = record_place(genesis(one.space, 1))
                    refuses(DamagedError, lambda s=stolen, p=place, e=entry: Opener(s).open(p, e.frame))


def no_nonce_twice(folder: Path) -> None:
    """No two frames of a store share a segment and a nonce, and no two sessions a segment."""
    with small_snapshots():
        filled(folder)
        with (
            open_house(folder / "store", entropy=ScopedEntropy(b"later")) as house,
            house.cross("mark", "floor") as innie,
        ):
            innie.remember("later")
    tables = dump(folder / "store" / "vault.db")
    frames = [row[2] for row in tables["records"]] + [row[3] for row in tables["chunks"]]
    frames += [row[2] for row in dump(folder / "store" / "chip.db")["rows"]]
    assert len({(frame[8:40], frame[72:84]) for frame in frames}) == len(frames)
    assert len({frame[8:40] for frame in frames}) > 4


def every_row_has_its_own_salt(folder: Path) -> None:
    """Equal salts would tell which rows of the chip were written together."""
    filled(folder)
    salts = [row[2][8:40] for row in dump(folder / "store" / "chip.db")["rows"]]
    assert len(set(salts)) == len(salts) > 10


class Counting:
    """Entropy that counts."""

    def __init__(self) -> None:
        self.drawn = 0

    def draw(self, size: int, scope: bytes) -> bytes:
        """Different bytes each time."""
        self.drawn += 1
        return self.drawn.to_bytes(size, "big")


SECRET = SpaceKey(bytes(range(16)), 1, bytes(range(32)))
HERE = Where(Kind.RECORD, 5, bytes(range(100, 132)))


def a_frame_opens_in_its_place_only(folder: Path) -> None:
    """Another number, history, kind, space, epoch or key, and a flip of any byte of the header, are refused."""
    frame = Sealer(SECRET, Counting()).seal(HERE, Plain(b"the file"))
    assert Opener(SECRET).open(HERE, frame) == b"the file"
    for where in (
        dataclasses.replace(HERE, seq=6),
        dataclasses.replace(HERE, bind=bytes(32)),
        dataclasses.replace(HERE, kind=Kind.CHUNK),
    ):
        refuses(DamagedError, lambda w=where: Opener(SECRET).open(w, frame))
    as_chunk = frame[:2] + bytes([Kind.CHUNK]) + frame[3:]
    refuses(DamagedError, lambda: Opener(SECRET).open(dataclasses.replace(HERE, kind=Kind.CHUNK), as_chunk))
    as_later = frame[:4] + struct.pack(">I", 2) + frame[8:]
    for key, raw in (
        (dataclasses.replace(SECRET, space=bytes(16)), frame),
        (dataclasses.replace(SECRET, secret=bytes(32)), frame),
        (dataclasses.replace(SECRET, epoch=2), frame),
        (dataclasses.replace(SECRET, epoch=2), as_later),
    ):
        refuses(DamagedError, lambda k=key, r=raw: Opener(k).open(HERE, r))
    for at in (2, 3, 7, 8, 39, 40, 71, 72, 83, 84, len(frame) - 1):
        refuses(DamagedError, lambda a=at: Opener(SECRET).open(HERE, flipped(frame, a)))
    refuses(DamagedError, lambda: Opener(SECRET).open(HERE, frame[:-256]))


def a_frame_is_as_the_format_says(folder: Path) -> None:
    """Opened by hand, as docs/design/format.md section 2 describes it; sealed by hand with faults, it is refused."""
    frame = Sealer(SECRET, Counting()).seal(HERE, Plain(b"the file"))
    salt, commitment, nonce = frame[8:40], frame[40:72], frame[72:84]
    info = b"severance/segment/v1\x01" + SECRET.space + struct.pack(">I", 1)
    okm = hkdf_sha512(SECRET.secret, salt=salt, info=info, length=64)
    aad = b"SVRN\x01\x01\x01\x00" + SECRET.space + struct.pack(">I", 1) + salt + struct.pack(">Q", 5) + HERE.bind
    assert commitment == okm[32:]
    try:
        plain = AESGCM(okm[:32]).decrypt(nonce, frame[84:], aad)
    except Exception as error:
        raise AssertionError("the associated data is not what the format says") from error
    assert plain == (struct.pack(">I", 8) + b"the file").ljust(256, b"\0")
    for what, wrong in (
        ("padding", plain[:-1] + b"\1"),
        ("a length", struct.pack(">I", 253) + plain[4:]),
        ("a larger bucket", plain.ljust(384, b"\0")),
    ):
        forged = frame[:84] + AESGCM(okm[:32]).encrypt(nonce, wrong, aad)
        assert refuses(DamagedError, lambda f=forged: Opener(SECRET).open(HERE, f)), what


def a_chunk_opens_at_its_index_only(folder: Path) -> None:
    """Chunks bind their index, whether they are the last, the chunk before, and the heads they stand between."""
    begin, end = Head(4, bytes(range(32, 64))), Head(9, bytes(range(32)))
    frame = Sealer(SECRET, Counting()).seal(chunk_place(begin, end, 1, b"frame", last=False), Plain(b"part"))
    for where in (
        chunk_place(begin, end, 0, b"frame", last=False),
        chunk_place(begin, end, 1, b"frame", last=True),
        chunk_place(begin, end, 1, b"another", last=False),
        chunk_place(begin, end, 1, b"", last=False),
        chunk_place(begin, Head(9, bytes(32)), 1, b"frame", last=False),
        chunk_place(begin, Head(8, end.digest), 1, b"frame", last=False),
        chunk_place(Head(4, bytes(32)), end, 1, b"frame", last=False),
        chunk_place(Head(5, begin.digest), end, 1, b"frame", last=False),
    ):
        refuses(DamagedError, lambda w=where: Opener(SECRET).open(w, frame))


def a_segment_ends(folder: Path) -> None:
    """After so many frames another salt is drawn."""
    with mock.patch.object(envelope, "FRAMES_PER_SEGMENT", 3):
        sealer = Sealer(SECRET, Counting())
        salts = [sealer.seal(HERE, Plain(b""))[8:40] for _ in range(7)]
    assert [salts.index(salt) for salt in salts] == [0, 0, 0, 3, 3, 3, 6]
