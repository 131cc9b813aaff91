"""Frozen vectors of single frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from format import hand
from format.given import BIND, KEY, NONCE, SALT, SPACE, Counter, Vector, fixed, plain
from kit import flipped
from severance.crypto.envelope import Kind, Sealer, SpaceKey, Where, chunk_place, row_place
from severance.model import Head, Plain

BEFORE = fixed("frame before", 356)


@dataclass
class Frames:
    """Vectors of single frames. A place is (key, space, epoch, kind, seq, bind)."""

    made: list[Vector] = field(default_factory=list)

    def add(self, name: str, what: str, place: Vector, frame: Vector, expected: Vector) -> None:
        self.made.append(plain({"name": name, "what": what, **place, **frame, **expected}))

    def good(self, name: str, what: str, content: bytes, **changes: Any) -> bytes:
        place = at(**changes)
        frame = Sealer(SpaceKey(place["space"], place["epoch"], place["key"]), Counter()).seal(
            Where(Kind(place["kind"]), place["seq"], place["bind"]), Plain(content)
        )
        self.add(name, what, place, {"frame": frame}, {"content": content})
        return frame

    def bad(self, name: str, what: str, frame: bytes, reason: str, error: str = "DamagedError", **changes: Any) -> None:
        self.add(name, what, at(**changes), {"frame": frame}, {"refused": reason, "error": error})

    def large(self, name: str, what: str, length: int, size: int, reason: str = "") -> None:
        """A frame that is too large to be listed: it is said how to seal it, and what its SHA-256 must be."""
        content = b"\x2a" * length
        frame = sealed(hand.padded(content, size))
        parts = {"salt": SALT, "nonce": NONCE, "fill": b"\x2a", "length": length, "size": size}
        expected = {"refused": reason, "error": "DamagedError"} if reason else {"content_sha256": hand.sha256(content)}
        self.add(name, what, at(), {"seal": {**parts, "frame_sha256": hand.sha256(frame)}}, expected)


def at(**changes: Any) -> Vector:
    return {"key": KEY, "space": SPACE, "epoch": 1, "kind": 1, "seq": 7, "bind": BIND, **changes}


def sealed(padded: bytes, **changes: Any) -> bytes:
    parts = {**at(), "salt": SALT, "nonce": NONCE, "plain": padded, **changes}
    return hand.seal(**parts)


def frames() -> list[Vector]:
    out = Frames()
    content = b"what a record says"
    frame = out.good("record", "a frame of kind 1", content)
    begin, head = Head(3, fixed("begin", 32)), Head(7, BIND)
    first = chunk_place(begin, head, 0, b"", last=False)
    out.good("first chunk", "a frame of kind 2: chunk 0, not the last", content, kind=2, bind=first.bind)
    only = chunk_place(begin, head, 0, b"", last=True)
    out.good("only chunk", "a frame of kind 2: chunk 0, the last", content, kind=2, bind=only.bind)
    chunk = chunk_place(begin, head, 2, BEFORE, last=False)
    out.good("chunk", "a frame of kind 2: chunk 2, not the last", content, kind=2, bind=chunk.bind)
    last = chunk_place(begin, head, 3, BEFORE, last=True)
    out.good("last chunk", "a frame of kind 2: chunk 3, the last", content, kind=2, bind=last.bind)
    row = row_place(fixed("row", 16), fixed("owner", 16)).bind
    out.good("row", "a frame of kind 3 with an owner", content, kind=3, epoch=0, seq=0, bind=row)
    row = row_place(fixed("row", 16), None).bind
    out.good("row without owner", "a frame of kind 3 whose owner is NULL", content, kind=3, epoch=0, seq=0, bind=row)
    out.good("epoch 2", "a key of a later epoch", content, epoch=2)
    out.good("largest epoch", "an epoch of 32 bits", content, epoch=2**32 - 1)
    out.good("largest number", "a sequence number of 64 bits", content, seq=2**64 - 1)
    out.good("empty", "no content at all", b"")
    for size, longer in ((256, 384), (384, 512), (512, 768), (768, 1024)):
        out.good(f"full {size}", f"fills a bucket of {size} bytes", fixed("content", size - 4))
        out.good(f"least {longer}", f"one byte too long for {size} bytes", fixed("content", size - 3))
    large_frames(out)
    bad_headers(out, frame, content)
    bad_places(out, frame)
    bad_padding(out, content)
    return out.made


def large_frames(out: Frames) -> None:
    sizes = [1024, *(size for n in range(10, 16) for size in (2**n // 2 * 3, 2**n * 2))]
    sizes += [2 * 65_536, 3 * 65_536]
    for smaller, size in [*pairwise(sizes), (8 * 2**20 - 65_536, 8 * 2**20)]:
        out.large(f"least {size}", f"one byte too long for {smaller} bytes", smaller - 3, size)
        out.large(f"full {size}", f"fills a bucket of {size} bytes", size - 4, size)
    out.large("beyond the largest", "a frame larger than 8 MiB", 8 * 2**20 - 3, 8 * 2**20 + 65_536, "size")
    out.large("between multiples", "above 64 KiB, and no multiple of it", 98_000, 98_304, "size")


def bad_headers(out: Frames, frame: bytes, content: bytes) -> None:
    newer = "NewerVersionError"
    for name, offset, value, reason, error in (
        ("version 0", 0, 0, "version", newer),
        ("version 2", 0, 2, "version", newer),
        ("suite 2", 1, 2, "suite", newer),
        ("kind 2", 2, 2, "kind", "DamagedError"),
        ("kind 4", 2, 4, "kind", "DamagedError"),
        ("byte 3", 3, 1, "reserved", "DamagedError"),
        ("epoch", 7, 2, "epoch", "DamagedError"),
    ):
        out.bad(f"altered {name}", "the header", frame[:offset] + bytes([value]) + frame[offset + 1 :], reason, error)
    for name, offset, reason, error in (
        ("salt", 8, "commitment", "CommitmentError"),
        ("end of the salt", 39, "commitment", "CommitmentError"),
        ("commitment", 40, "commitment", "CommitmentError"),
        ("end of the commitment", 71, "commitment", "CommitmentError"),
        ("nonce", 72, "tag", "DamagedError"),
        ("ciphertext", 84, "tag", "DamagedError"),
        ("end of the ciphertext", -17, "tag", "DamagedError"),
        ("tag", -16, "tag", "DamagedError"),
        ("end of the tag", -1, "tag", "DamagedError"),
    ):
        offset %= len(frame)
        out.bad(f"altered {name}", "one bit", flipped(frame, offset), reason, error)
    for length in (0, 1, 83, 84, 100, 340, len(frame) - 1):
        out.bad(f"cut to {length}", "a frame cut short", frame[:length], "short")
    longer = sealed(hand.padded(fixed("content", 300), 384))
    out.bad("cut by 1", "a larger frame without its last byte", longer[:-1], "tag")
    out.bad("longer by 1", "a frame with one byte more", frame + b"\0", "tag")
    short = hand.padded(content, 240)
    out.bad("below the least size", "sealed with 240 bytes of plaintext", sealed(short), "short")
    body = hand.padded(content, 256)
    out.bad("sealed as version 2", "a later version, sealed so", sealed(body, version=2), "version", newer)
    out.bad("sealed as suite 2", "a later suite, sealed so", sealed(body, suite=2), "suite", newer)
    out.bad("sealed with byte 3", "byte 3 not zero, sealed so", sealed(body, zero=1), "reserved")
    other = sealed(body, key=fixed("another key", 32))
    out.bad("sealed under another key", "commits to another key", other, "commitment", "CommitmentError")
    lying = other[:40] + sealed(body)[40:72] + other[72:]
    out.bad("committed to another key", "this key's commitment, another key's ciphertext", lying, "tag")


def bad_places(out: Frames, frame: bytes) -> None:
    out.bad("one number on", "read as the record after", frame, "tag", seq=8)
    out.bad("one number back", "read as the record before", frame, "tag", seq=6)
    out.bad("another bind", "read after another record", frame, "tag", bind=fixed("another", 32))
    moved = fixed("another space", 16)
    out.bad("another space", "read as another space's", frame, "commitment", "CommitmentError", space=moved)
    out.bad("another key", "read with another key", frame, "commitment", "CommitmentError", key=fixed("another", 32))
    out.bad("another epoch", "read as of another epoch", frame, "epoch", epoch=2)
    out.bad("record as chunk", "read as another kind", frame, "kind", kind=2)
    begin = Head(3, fixed("begin", 32))
    bind = chunk_place(begin, Head(7, BIND), 2, BEFORE, last=False).bind
    chunk = sealed(hand.padded(b"a chunk", 256), kind=2, bind=bind)
    for name, index, before, last, seq in (
        ("another index", 1, BEFORE, False, 7),
        ("last", 2, BEFORE, True, 7),
        ("later", 2, BEFORE, False, 8),
        ("after another", 2, fixed("another", 356), False, 7),
        ("after none", 2, b"", False, 7),
    ):
        place = chunk_place(begin, Head(seq, BIND), index, before, last=last)
        out.bad(f"chunk read as {name}", "chunk 2, not the last", chunk, "tag", kind=2, seq=seq, bind=place.bind)
    for name, first in (("longer", Head(2, begin.digest)), ("of another history", Head(3, fixed("another", 32)))):
        place = chunk_place(first, Head(7, BIND), 2, BEFORE, last=False)
        out.bad(f"chunk read as of a layer {name}", "chunk 2, not the last", chunk, "tag", kind=2, bind=place.bind)
    row = sealed(hand.padded(b"a row", 256), kind=3, epoch=0, seq=0, bind=row_place(fixed("row", 16), None).bind)
    other = row_place(fixed("row", 16), fixed("owner", 16)).bind
    out.bad("row with an owner", "sealed with none", row, "tag", kind=3, epoch=0, seq=0, bind=other)


def bad_padding(out: Frames, content: bytes) -> None:
    end = 4 + len(content)
    body = hand.padded(content, 256)
    out.bad("bucket too large", "384 bytes where 256 would do", sealed(hand.padded(content, 384)), "size")
    out.bad("no bucket", "300 bytes of plaintext", sealed(hand.padded(fixed("content", 290), 300)), "size")
    out.bad("padding at its start", "not zero after the content", sealed(flipped(body, end)), "padding")
    out.bad("padding at its end", "not zero at the end", sealed(flipped(body, 255)), "padding")
    out.bad("length 253", "one more than there is room for", sealed((253).to_bytes(4) + bytes(252)), "length")
    out.bad("length 2^32 - 1", "the largest length", sealed(b"\xff" * 4 + bytes(252)), "length")
