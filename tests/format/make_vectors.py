"""Makes vectors.json. Run `PYTHONPATH=tests python -m format.make_vectors` when the format gets a new version, never to
make a test pass.

What is valid is sealed by `severance`; what no library would write is sealed by `hand`. `vectors()` gives the same each
time: keys are fixed, and random bytes come from a counter.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from format import hand
from severance.chip.register import (
    ENCODER,
    STATE_ID,
    AnchorRow,
    KeyRow,
    Keys,
    PersonaRow,
    PlaceRow,
    StateRow,
    SubjectRow,
    WakeRow,
    summed,
)
from severance.crypto.envelope import (
    Kind,
    Sealer,
    SpaceKey,
    Where,
    after,
    chunk_place,
    genesis,
    record_place,
    row_place,
)
from severance.model import Head, Plain
from severance.records import EmbedderChosen, Event, Forgotten, Remembered, Repeated, Revectored, encode

FILE = Path(__file__).with_name("vectors.json")

Vector = dict[str, Any]
pack = msgspec.msgpack.encode


def fixed(name: str, size: int) -> bytes:
    """Bytes that follow from a name."""
    return hashlib.shake_256(b"severance vectors " + name.encode()).digest(size)


class Counter:
    """Entropy from a counter, one stream for each scope."""

    def __init__(self) -> None:
        self._drawn: dict[bytes, int] = {}

    def draw(self, size: int, scope: bytes) -> bytes:
        self._drawn[scope] = count = self._drawn.get(scope, 0) + 1
        return fixed(f"draw {scope.hex()} {count}", size)


SPACE, KEY, BIND = fixed("space", 16), fixed("key", 32), fixed("bind", 32)
SALT, NONCE = fixed("salt", 32), fixed("nonce", 12)
BEFORE = fixed("frame before", 356)


OPTIONAL = {
    "logs": {
        "time beyond 64 bits",
        "metadata name twice",
        "metadata not finite",
        "scale not finite",
        "scale negative",
        "itself forgotten",
        "repeat of nothing",
        "vector of nothing",
        "supersedes nothing",
        "supersedes itself",
        "echo of nothing",
        "vector empty",
        "embedder without vectors",
        "same embedder with short vectors",
        "vectors discarded",
        "id of a forgotten one again",
        "version left",
        "forgets another's record",
        "forgotten but not named",
    },
    "chips": {
        "sealed without owner",
        "sealed under another owner",
        "short key",
        "short digest",
        "negative number",
        "empty name",
        "decomposed name",
        "short space id",
        "no subject",
        "shared space",
        "key of no persona",
        "anchor of no persona",
        "wakes nobody",
        "wakes nowhere",
    },
}
"""What only a holder of the key could have written wrongly, and a reader may leave unchecked (the end of section 8)."""


def marked(group: str, vectors: list[Vector]) -> list[Vector]:
    """With those that a reader may leave unchecked said to be optional."""
    assert OPTIONAL[group] <= {vector["name"] for vector in vectors if "refused" in vector}
    return [vector | ({"optional": True} if vector["name"] in OPTIONAL[group] else {}) for vector in vectors]


def plain(value: Any) -> Any:
    """With bytes in hex, as JSON needs them."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


# --- Frames -----------------------------------------------------------------------------------------------------------


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


def flipped(frame: bytes, offset: int) -> bytes:
    return frame[:offset] + bytes([frame[offset] ^ 1]) + frame[offset + 1 :]


def frames() -> list[Vector]:
    out = Frames()
    content = b"what a record says"
    frame = out.good("record", "a frame of kind 1", content)
    head = Head(7, BIND)
    first = chunk_place(head, 0, b"", last=False)
    out.good("first chunk", "a frame of kind 2: chunk 0, not the last", content, kind=2, bind=first.bind)
    only = chunk_place(head, 0, b"", last=True)
    out.good("only chunk", "a frame of kind 2: chunk 0, the last", content, kind=2, bind=only.bind)
    chunk = chunk_place(head, 2, BEFORE, last=False)
    out.good("chunk", "a frame of kind 2: chunk 2, not the last", content, kind=2, bind=chunk.bind)
    last = chunk_place(head, 3, BEFORE, last=True)
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
    bind = chunk_place(Head(7, BIND), 2, BEFORE, last=False).bind
    chunk = sealed(hand.padded(b"a chunk", 256), kind=2, bind=bind)
    for name, index, before, last, seq in (
        ("another index", 1, BEFORE, False, 7),
        ("last", 2, BEFORE, True, 7),
        ("later", 2, BEFORE, False, 8),
        ("after another", 2, fixed("another", 356), False, 7),
        ("after none", 2, b"", False, 7),
    ):
        place = chunk_place(Head(seq, BIND), index, before, last=last)
        out.bad(f"chunk read as {name}", "chunk 2, not the last", chunk, "tag", kind=2, seq=seq, bind=place.bind)
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


# --- Logs -------------------------------------------------------------------------------------------------------------

A, B, C = (fixed(f"memory {name}", 15) for name in "abc")
ONE, TWO = "test-4/1", "test-2/1"


def remembered(memory: bytes, text: str, **changes: Any) -> Remembered:
    given = {"at": 1_700_000_000_000_000, "recorded": 1_700_000_000_000_001, "thread": None, "source": None}
    given |= {"kind": "note", "metadata": {}, "pinned": False, "echo_of": None, "supersedes": None}
    given |= {"vector": b"\x7f\x80\x00\x01", "scale": 0.0078125}
    return Remembered(**{**given, "id": memory, "text": text, **changes})


class Log:
    """A log in the making: events, or bytes to be sealed as if they were some."""

    def __init__(self, *contents: Event | bytes, space: bytes = SPACE, epoch: int = 1) -> None:
        self.space, self.epoch = space, epoch
        self.sealer = Sealer(SpaceKey(space, epoch, KEY), Counter())
        self.head = genesis(space, epoch)
        self.heads = [self.head]
        self.records: list[tuple[int, bytes | None, bytes]] = []
        for content in contents:
            self.append(content)

    def append(self, content: Event | bytes) -> None:
        frame = self.sealer.seal(record_place(self.head), content if isinstance(content, bytes) else encode(content))
        self.head = after(self.head, frame)
        self.heads.append(self.head)
        self.records.append((self.head.seq, frame, self.head.digest))

    def erase(self, *seqs: int) -> Log:
        for seq in seqs:
            self.records[seq - 1] = (seq, None, self.records[seq - 1][2])
        return self

    def put(self, seq: int, frame: bytes | None, digest: bytes) -> Log:
        self.records[seq - 1] = (seq, frame, digest)
        return self

    def snapshot(self, at: Head, *contents: bytes) -> Vector:
        chunks, before = list[bytes](), b""
        for n, content in enumerate(contents, 1):
            place = chunk_place(at, n - 1, before, last=n == len(contents))
            before = self.sealer.seal(place, Plain(content))
            chunks.append(before)
        return {"seq": at.seq, "digest": at.digest, "chunks": chunks}

    def vector(self, name: str, what: str, **more: Any) -> Vector:
        head = more.pop("head", None) or self.head
        place = {"key": KEY, "space": self.space, "epoch": self.epoch, "head": (head.seq, head.digest)}
        given = {"anchor": None, "snapshot": None, "records": self.records, **more}
        if isinstance(given["anchor"], Head):
            given["anchor"] = (given["anchor"].seq, given["anchor"].digest)
        return plain({"name": name, "what": what, **place, **given})

    def bad(self, name: str, what: str, reason: str, error: str = "DamagedError", **more: Any) -> Vector:
        return self.vector(name, what, **more, refused=reason, error=error)


def told(*events: tuple[int, Event]) -> list[Vector]:
    """The events as a decoder gives them."""
    names = {
        Remembered: "remembered",
        Repeated: "repeated",
        Forgotten: "forgotten",
        EmbedderChosen: "embedder",
        Revectored: "revectored",
    }
    return [{"seq": seq, "event": names[type(event)], **msgspec.structs.asdict(event)} for seq, event in events]


def version(memory: bytes, text: str, repeats: int = 1) -> Vector:
    """What is expected of one version of a memory; `repeats` counts the first time too."""
    return {"id": memory, "text": text, "repeats": repeats}


def logs() -> list[Vector]:
    return marked("logs", [*good_logs(), *bad_chains(), *bad_records(), *bad_stories(), *snapshots()])


def every_event() -> list[Event]:
    first = remembered(A, "one", thread="t", source="s", metadata={"n": None, "b": True, "i": -7, "f": 0.5, "s": "é"})
    return [
        EmbedderChosen(ONE, 4),
        first,
        Repeated(A, -1, 1_700_000_000_000_002),
        remembered(B, "to be forgotten"),
        Repeated(B, 1, 2),
        remembered(C, "one, amended", supersedes=A, echo_of=B, pinned=True),
        Revectored(TWO, A, b"\x01\x02", 0.5),
        Revectored(TWO, B, b"\x03\x04", 0.0),
        Revectored(TWO, C, b"\x05\x06", 0.25),
        EmbedderChosen(TWO, 2),
        Forgotten([B], [4, 5, 8], 1_700_000_000_000_003),
    ]


def good_logs() -> list[Vector]:
    events = every_event()
    versions = [[version(A, "one", 2), version(C, "one, amended")]]
    left = told(*((seq, event) for seq, event in enumerate(events, 1) if seq not in (4, 5, 8)))
    every = Log(*events).erase(4, 5, 8)
    back = Log(*events).erase(4, 8)
    small = [EmbedderChosen(ONE, 4), remembered(A, "one")]
    later = Log(*small, epoch=2)
    events_of = {"events": told(*enumerate(small, 1)), "histories": [[version(A, "one")]]}
    stale = [EmbedderChosen(ONE, 4), remembered(A, "one"), Forgotten([A], [2], 1)]
    return [
        Log().vector("empty", "no records", events=[], histories=[]),
        every.vector("every event", "with erased records", events=left, histories=versions, anchor=every.heads[9]),
        back.vector(
            "put back in part",
            "record 5 is named by a Forgotten, and still there",
            events=told(*((seq, event) for seq, event in enumerate(events, 1) if seq not in (4, 8))),
            histories=versions,
        ),
        later.vector("epoch 2", "a log of another epoch", **events_of, anchor=later.heads[2]),
        Log(*small).vector("anchor at the beginning", "of an empty log", **events_of, anchor=genesis(SPACE, 1)),
        Log(*stale)
        .erase(2)
        .vector("all forgotten", "nothing is left", events=told((1, stale[0]), (3, stale[2])), histories=[]),
        Log(*small, remembered(B, "two")).vector(
            "cut off cleanly",
            "there was a record 4 after the anchor, which is gone with the head: not noticed",
            events=told(*enumerate([*small, remembered(B, "two")], 1)),
            histories=[[version(A, "one")], [version(B, "two")]],
        ),
    ]


def short_log(*more: Event | bytes, **given: Any) -> Log:
    return Log(EmbedderChosen(ONE, 4), remembered(A, "one"), *more, **given)


def bad_chains() -> list[Vector]:
    def three() -> Log:
        return short_log(remembered(B, "two"))

    swapped = three()
    (_, second, d2), (_, third, d3) = swapped.records[1:]
    swapped.put(2, third, d3).put(3, second, d2)
    inside = three()
    inside.put(2, third, d2).put(3, second, d3)
    elsewhere = three()
    other = short_log(space=fixed("another space", 16))
    elsewhere.put(2, *other.records[1][1:])
    gap = three()
    del gap.records[1]
    first = three()
    del first.records[0]
    cut = three()
    del cut.records[2]
    digest = fixed("another", 32)
    log = three()
    gone = "RolledBackError"
    forked = short_log(remembered(C, "three"))
    return [
        swapped.bad("swapped", "records 2 and 3, with their digests", "tag", head=Head(3, d2)),
        inside.bad("swapped frames", "records 2 and 3, without their digests", "digest"),
        elsewhere.bad("moved", "record 2 of another space", "commitment", "CommitmentError"),
        gap.bad("gap", "record 2 is missing", "gap"),
        first.bad("no beginning", "record 1 is missing", "gap"),
        cut.bad("cut off", "record 3 is missing, and the head names it", "head"),
        cut.bad(
            "rolled back", "cut off at record 2, before the anchor", "anchor", gone, head=cut.heads[2], anchor=cut.head
        ),
        three().erase(3).bad("erased", "record 3, and no Forgotten names it", "erased"),
        short_log(Forgotten([A], [2], 1)).erase(2, 3).bad("erased Forgotten", "with what it names", "erased"),
        three().put(2, second, digest).bad("altered digest", "of record 2", "digest"),
        three().put(3, third, digest).bad("altered last digest", "of record 3", "digest", head=Head(3, digest)),
        three().put(2, second, d2[:31]).bad("short digest", "of record 2", "digest"),
        three().put(2, flipped(second, 100), d2).bad("altered frame", "record 2", "digest"),
        log.bad("altered head", "its digest is another", "head", gone, head=Head(3, digest)),
        log.bad("anchor ahead", "the log does not reach it", "anchor", gone, anchor=Head(4, digest)),
        log.bad("anchor differs", "another record was there", "anchor", gone, anchor=Head(2, digest)),
        log.bad("anchor forked", "another log's record 3", "anchor", gone, anchor=forked.head),
        three().put(2, b"", hand.sha256(b"")).bad("empty frame", "record 2", "short"),
    ]


def bad_records() -> list[Vector]:
    newer, anything = "NewerVersionError", "SeveranceError"
    long = 2**63
    fields = list(msgspec.structs.asdict(remembered(B, "two")).values())
    twice = pack(["m", *fields]).replace(b"\x80", b"\x82\xa1a\x01\xa1a\x02", 1)
    assert msgspec.msgpack.decode(twice)[8] == {"a": 2}
    last = {
        "unknown tag": ("a later event", pack(["x", B]), "later version", newer),
        "extra field": ("one more than this version knows", pack(["r", A, 1, 2, 3]), "later version", newer),
        "extra field of m": ("one more than this version knows", pack(["m", *fields, 1]), "later version", newer),
        "field missing": ("one less", pack(["r", A, 1]), "later version", newer),
        "no array": ("a map", pack({"r": 1}), "record", anything),
        "empty array": ("nothing in it", pack([]), "record", anything),
        "no msgpack": ("nothing at all", b"", "record", anything),
        "byte after the array": ("one more", pack(["r", A, 1, 2]) + b"\0", "record", anything),
        "text not UTF-8": ("in a text", pack(["e", "abc", 4]).replace(b"abc", b"a\xff\xfe"), "record", anything),
        "time as text": ("of a field", pack(["r", A, "1", 2]), "record", anything),
        "time beyond 64 bits": ("at = 2^63", pack(["r", A, long, 2]), "record", anything),
        "time of a memory beyond 64 bits": (
            "at = 2^63",
            encode(remembered(B, "two", at=long)),
            "record",
            anything,
        ),
        "metadata name twice": ("in a map", twice, "record", anything),
        "metadata not finite": (
            "a NaN",
            encode(remembered(B, "", metadata={"x": float("nan")})),
            "record",
            anything,
        ),
        "scale not finite": ("a NaN", encode(remembered(B, "two", scale=float("nan"))), "record", anything),
        "scale negative": ("-1.0", encode(remembered(B, "two", scale=-1.0)), "record", anything),
        "short id": ("14 bytes", encode(remembered(B[:14], "two")), "record", anything),
        "no dimensions": ("0 of them", encode(EmbedderChosen(ONE, 0)), "record", anything),
        "negative dimensions": ("-1 of them", encode(EmbedderChosen(ONE, -1)), "record", anything),
        "too many dimensions": ("2^62 of them", encode(EmbedderChosen(ONE, 2**62)), "vector", anything),
        "itself forgotten": ("names its own number", encode(Forgotten([], [3], 1)), "record", anything),
    }
    return [
        short_log(content).bad(name, f"record 3: {what}", reason, error)
        for name, (what, content, reason, error) in last.items()
    ]


def bad_stories() -> list[Vector]:
    told_of = {
        "repeat of nothing": ("unknown memory", [Repeated(B, 1, 2)]),
        "vector of nothing": ("unknown memory", [Revectored(TWO, B, b"\x01\x02", 0.5)]),
        "supersedes nothing": ("unknown memory", [remembered(B, "two", supersedes=C)]),
        "supersedes itself": ("unknown memory", [remembered(B, "two", supersedes=B)]),
        "superseded twice": ("superseded", [remembered(B, "two", supersedes=A), remembered(C, "", supersedes=A)]),
        "echo of nothing": ("unknown memory", [remembered(B, "two", echo_of=C)]),
        "id again": ("duplicate", [remembered(A, "two")]),
        "vector too short": ("vector", [remembered(B, "two", vector=b"\x01\x02\x03")]),
        "vector empty": ("vector", [remembered(B, "two", vector=b"")]),
        "embedder without vectors": ("vector", [EmbedderChosen(TWO, 2)]),
        "embedder with short vectors": ("vector", [Revectored(TWO, A, b"\x01", 0.5), EmbedderChosen(TWO, 2)]),
        "same embedder with short vectors": ("vector", [Revectored(ONE, A, b"\x01", 0.5), EmbedderChosen(ONE, 4)]),
        "vectors discarded": (
            "vector",
            [
                Revectored(TWO, A, b"\x01\x02", 0.5),
                Revectored("test-1/1", A, b"\x01", 0.5),
                EmbedderChosen("test-1/1", 1),
                EmbedderChosen(TWO, 2),
            ],
        ),
        "id of a forgotten one again": ("forgotten", [Forgotten([A], [2], 1), remembered(A, "two")]),
        "forgets another's record": ("forgotten", [Forgotten([A], [1, 2], 1)]),
        "forgotten but not named": ("forgotten", [Forgotten([A], [], 1)]),
    }
    made = [
        short_log(*events).bad(name, "records that do not fit together", reason)
        for name, (reason, events) in told_of.items()
    ]
    start = Log(remembered(A, "one"), EmbedderChosen(ONE, 4))
    made.append(start.bad("no embedder first", "the first record is another", "embedder"))
    part = short_log(remembered(B, "two", supersedes=A), Forgotten([A], [2], 1)).erase(2)
    made.append(part.bad("version left", "its older version was forgotten, and it was not", "unknown memory"))
    return made


def snapshots() -> list[Vector]:
    log = short_log(remembered(B, "two"))
    events = [EmbedderChosen(ONE, 4), remembered(A, "one"), remembered(B, "two")]
    whole = {"events": told(*enumerate(events, 1)), "histories": [[version(A, "one")], [version(B, "two")]]}
    parts = [b"the mind's own encoding, ", b"of any length, ", b"in three chunks"]
    good = log.snapshot(log.heads[2], *parts)
    single = log.snapshot(log.head, b"")
    chunks = good["chunks"]
    other = short_log(space=fixed("another space", 16))
    mixed = log.snapshot(log.heads[2], b"what another mind, ", b"awake at once, ", b"has written")["chunks"]
    spliced = "two snapshots of one head, by one writer"
    below, gone = "an anchor below the snapshot", "RolledBackError"
    digest = fixed("another", 32)
    return [
        log.vector("snapshot", "three chunks, at record 2", snapshot=good, **whole, picture=b"".join(parts)),
        log.vector("empty snapshot", "one chunk, at the head", snapshot=single, **whole, picture=b""),
        log.bad("chunks swapped", "1 and 2", "tag", snapshot={**good, "chunks": [chunks[1], chunks[0], chunks[2]]}),
        log.bad("last chunk missing", "of three", "tag", snapshot={**good, "chunks": chunks[:2]}),
        log.bad("first chunk missing", "of three", "tag", snapshot={**good, "chunks": chunks[1:]}),
        log.bad("chunk altered", "one bit", "tag", snapshot={**good, "chunks": [flipped(chunks[0], 90), *chunks[1:]]}),
        log.bad(
            "chunk of another space",
            "moved",
            "commitment",
            "CommitmentError",
            snapshot={**good, "chunks": other.snapshot(log.heads[2], *parts)["chunks"]},
        ),
        log.bad("spliced after the first", spliced, "tag", snapshot={**good, "chunks": [chunks[0], *mixed[1:]]}),
        log.bad("spliced before the last", spliced, "tag", snapshot={**good, "chunks": [*chunks[:2], mixed[2]]}),
        log.bad("spliced in the middle", spliced, "tag", snapshot={**good, "chunks": [chunks[0], mixed[1], chunks[2]]}),
        log.bad("no chunks", "a snapshot of none", "chunks", snapshot={**good, "chunks": []}),
        log.bad(
            "snapshot moved on",
            "said to be at record 3",
            "snapshot",
            snapshot={**good, "seq": 3},
            error="RolledBackError",
        ),
        log.bad("snapshot moved in full", "to record 3", "tag", snapshot={**good, "seq": 3, "digest": log.head.digest}),
        log.bad(
            "log behind its snapshot",
            "the snapshot is at record 4",
            "snapshot",
            "RolledBackError",
            snapshot=short_log(remembered(B, "two"), Repeated(B, 1, 2)).snapshot(Head(4, fixed("another", 32)), b"x"),
        ),
        log.vector("anchor below", below, snapshot=single, **whole, picture=b"", anchor=log.heads[2]),
        log.vector(
            "anchor at it",
            "an anchor at the snapshot",
            snapshot=good,
            **whole,
            picture=b"".join(parts),
            anchor=log.heads[2],
        ),
        log.bad("anchor below differs", below, "anchor", gone, snapshot=single, anchor=Head(2, digest)),
        log.bad("anchor at it differs", "at the snapshot", "anchor", gone, snapshot=good, anchor=Head(2, digest)),
        *erased_anchors(),
    ]


def erased_anchors() -> list[Vector]:
    """The record at the anchor was erased: its digest is left, and is what counts."""
    events = every_event()
    log = Log(*events).erase(4, 5, 8)
    left = told(*((seq, event) for seq, event in enumerate(events, 1) if seq not in (4, 5, 8)))
    histories = [[version(A, "one", 2), version(C, "one, amended")]]
    what = "an anchor below the snapshot, at a record that was erased"
    snapshot = log.snapshot(log.head, b"x")
    return [
        log.vector(
            "anchor erased",
            what,
            snapshot=snapshot,
            anchor=log.heads[8],
            events=left,
            histories=histories,
            picture=b"x",
        ),
        log.bad(
            "anchor erased differs",
            what,
            "anchor",
            "RolledBackError",
            snapshot=snapshot,
            anchor=Head(8, fixed("another", 32)),
        ),
    ]


# --- Chips ------------------------------------------------------------------------------------------------------------

STORE, ROOT = fixed("store", 16), fixed("root key", 32)
INNIE, OUTIE = fixed("innie", 16), fixed("outie", 16)
INNIE_KEY, OUTIE_KEY = fixed("innie key", 32), fixed("outie key", 32)
SOURCE = b'{"source": "given"}'
DIGEST = fixed("digest", 32)

Stored = tuple[bytes, bytes | None, bytes]


class Rows:
    """A chip in the making."""

    def __init__(self) -> None:
        self.keys = Keys.derive(ROOT, STORE)
        self.entropy = Counter()
        self.rows: dict[bytes, Stored] = {}
        self.state: Stored | None = None

    def put(self, row: Any, space: bytes = b"") -> Rows:
        return self.put_raw(*self.keys.identify(row, space), ENCODER.encode(row))

    def put_raw(self, row: bytes, owner: bytes | None, content: bytes) -> Rows:
        """Anything, anywhere."""
        self.rows[row] = (row, owner, self.frame(row, owner, content))
        return self

    def frame(self, row: bytes, owner: bytes | None, content: bytes) -> bytes:
        """Under a salt of its own."""
        sealer = Sealer(SpaceKey(STORE, 0, self.keys.seal), self.entropy)
        return sealer.seal(row_place(row, owner), Plain(content))

    def seal(self, count: int | None = None, total: bytes | None = None) -> Rows:
        """Write `state`."""
        fits = summed(self.keys.share(*row) for row in self.rows.values())
        row = StateRow(len(self.rows) if count is None else count, fits if total is None else total)
        self.state = (STATE_ID, None, self.frame(STATE_ID, None, ENCODER.encode(row)))
        return self

    def vector(self, name: str, what: str, *, root: bytes = ROOT, source: bytes = SOURCE, **more: Any) -> Vector:
        rows = sorted([*self.rows.values(), *([self.state] if self.state else [])])
        given = {"root_key": root, "store": STORE, "source": source, "rows": rows}
        return plain({"name": name, "what": what, **given, **more})

    def bad(self, name: str, what: str, reason: str, error: str = "DamagedError", **more: Any) -> Vector:
        return self.vector(name, what, **more, refused=reason, error=error)


def small_chip(space: bytes = INNIE, **without: bool) -> Rows:
    chip = Rows()
    for name, row, of in (
        ("subject", SubjectRow("mark"), b""),
        ("persona", PersonaRow("mark", "innie", space, 1), b""),
        ("key", KeyRow(INNIE_KEY), space),
        ("anchor", AnchorRow(1, 5, DIGEST), space),
    ):
        if without.get(name, True):
            chip.put(row, of)
    return chip


def chips() -> list[Vector]:
    empty = {"personas": [], "wakes": []}
    innie: Vector = {"subject": "mark", "name": "innie", "space": INNIE, "epoch": 1, "key": INNIE_KEY}
    innie["anchor"] = {"epoch": 1, "seq": 5, "digest": DIGEST}
    outie: Vector = {"subject": "mark", "name": "outié", "space": OUTIE, "epoch": 2, "key": OUTIE_KEY}
    outie["anchor"] = {"epoch": 2, "seq": 0, "digest": genesis(OUTIE, 2).digest}
    full = small_chip()
    full.put(PersonaRow("mark", "outié", OUTIE, 2)).put(KeyRow(OUTIE_KEY), OUTIE)
    full.put(AnchorRow(2, 0, genesis(OUTIE, 2).digest), OUTIE)
    full.put(PlaceRow("floor")).put(PlaceRow("home")).put(WakeRow("floor", "mark", "innie"))
    wakes = [{"place": "floor", "subject": "mark", "persona": "innie"}]
    made = [
        Rows().seal().vector("empty", "a new chip", **empty),
        full.seal().vector(
            "every type", "a row of each, one place where nobody wakes", personas=[innie, outie], wakes=wakes
        ),
        *(
            # Where the root key comes from is asked by those alone who do not have it.
            small_chip().seal().vector(name, what, source=source, personas=[innie], wakes=[])
            | {"without_key": {"refused": "meta", "error": "DamagedError"}}
            for name, what, source in (
                ("key source is no JSON", "in the clear", b"{"),
                ("key source is no object", "in the clear", b"[]"),
                ("key source is not UTF-8", "in the clear", b'{"a": "\xff"}'),
            )
        ),
        *bad_sets(),
        *bad_rows(),
        *bad_names(),
    ]
    return marked("chips", made)


def bad_sets() -> list[Vector]:
    chip = small_chip().seal()
    ids = {name: chip.keys.row_id(name, *parts) for name, *parts in (("subject", "mark"), ("anchor", INNIE))}

    def altered(change: Any) -> Rows:
        copy = small_chip().seal()
        change(copy.rows)
        return copy

    def replaced(rows: dict[bytes, Stored], row: bytes, **new: Any) -> None:
        old = rows.pop(row)
        changed = (new.get("id", old[0]), new.get("owner", old[1]), new.get("frame", old[2]))
        rows[changed[0]] = changed

    older = small_chip(anchor=False).put(AnchorRow(1, 4, fixed("older", 32)), INNIE).rows[ids["anchor"]]
    added = Rows().put(SubjectRow("helly")).rows
    replayed = small_chip()
    replayed.state = small_chip(anchor=False).seal().state
    flipped_state = small_chip().seal()
    flipped_state.state = (STATE_ID, None, flipped(flipped_state.state[2], 50))
    torn_state = small_chip().seal()
    torn_state.state = (STATE_ID, None, flipped(torn_state.state[2], 90))
    anchor, subject, somebody = ids["anchor"], ids["subject"], fixed("somebody", 16)
    return [
        chip.bad("another root key", "the chip's key is another", "wrong key", "WrongKeyError", root=fixed("no", 32)),
        small_chip().bad("no state", "the row is missing", "state"),
        flipped_state.bad("state commits to another key", "and the other rows do not", "commitment", "CommitmentError"),
        torn_state.bad("state altered", "one bit of its ciphertext", "tag"),
        replayed.bad("state replayed", "of an earlier set of rows", "count"),
        small_chip().seal(count=5).bad("count", "one too many", "count"),
        small_chip().seal(total=fixed("sum", 32)).bad("sum", "another", "sum"),
        altered(lambda rows: rows.pop(anchor)).bad("row removed", "the anchor", "count"),
        altered(lambda rows: rows.update(added)).bad("row added", "a subject", "count"),
        altered(lambda rows: rows.update({anchor: older})).bad("row replayed", "an earlier anchor", "sum"),
        altered(lambda rows: replaced(rows, subject, id=somebody)).bad("row under another id", "the subject", "sum"),
        altered(lambda rows: replaced(rows, subject, owner=somebody)).bad(
            "row under another owner", "the subject", "sum"
        ),
        altered(lambda rows: replaced(rows, anchor, owner=somebody)).bad("row given an owner", "the anchor", "sum"),
        altered(lambda rows: replaced(rows, subject, frame=rows[anchor][2])).bad("frame of another row", "", "sum"),
        altered(lambda rows: replaced(rows, anchor, frame=flipped(rows[anchor][2], 90))).bad(
            "row altered", "one bit", "sum"
        ),
        *bad_keys(),
    ]


def bad_keys() -> list[Vector]:
    """Frames altered so that `state` commits to another key, and more."""

    def altered(others: int) -> Rows:
        """One bit of the commitment of `state`, and one at `others` of every other frame."""
        chip = small_chip().seal()
        assert chip.state is not None
        chip.state = (STATE_ID, None, flipped(chip.state[2], 50))
        chip.rows = {row: (row, owner, flipped(frame, others)) for row, owner, frame in chip.rows.values()}
        return chip

    cut = altered(90)
    cut.rows = {row: (row, owner, frame[:84]) for row, owner, frame in cut.rows.values()}
    one = altered(50)
    one.rows |= dict([next(iter(small_chip().rows.items()))])
    error = "CommitmentError"
    return [
        altered(90).bad("ciphertexts altered too", "the other rows still commit to the key", "commitment", error),
        altered(2).bad("kinds altered too", "the other rows still commit to the key", "commitment", error),
        cut.bad("ciphertexts cut off too", "the other rows still commit to the key", "commitment", error),
        one.bad("one commitment left", "of all rows", "commitment", error),
        altered(50).bad("all commitments altered", "a wrong key, as far as can be told", "wrong key", "WrongKeyError"),
        altered(8).bad("all salts altered", "a wrong key, as far as can be told", "wrong key", "WrongKeyError"),
    ]


def bad_rows() -> list[Vector]:
    """Rows that whoever knows the root key could write, with a state that fits."""
    newer = "NewerVersionError"
    owner = Rows().keys.row_id("subjects")
    helly = Rows().keys.row_id("subject", "helly")

    def with_row(row: bytes, owner: bytes | None, *content: Any) -> Rows:
        return small_chip().put_raw(row, owner, pack(list(content))).seal()

    anchor = Rows().keys.row_id("anchor", INNIE)
    key = Rows().keys.row_id("key", INNIE)
    moved = small_chip().seal()
    moved.rows[helly] = (helly, owner, moved.rows[moved.keys.row_id("subject", "mark")][2])
    moved.seal()
    return [
        with_row(helly, owner, "subject", "irving").bad("sealed under another id", "a subject", "row id"),
        with_row(helly, None, "subject", "helly").bad("sealed without owner", "a subject", "owner"),
        with_row(helly, helly, "subject", "helly").bad("sealed under another owner", "a subject", "owner"),
        moved.bad("row moved, state fitted", "a subject", "tag"),
        with_row(helly, owner, "visitor", "helly").bad("unknown type", "a later one", "later version", newer),
        with_row(helly, owner, "subject", "helly", 1).bad("extra field", "of a subject", "later version", newer),
        with_row(helly, owner, "subject").bad("field missing", "of a subject", "later version", newer),
        with_row(helly, owner, "subject", 7).bad("name is a number", "of a subject", "row", "SeveranceError"),
        with_row(anchor, None, "key", INNIE_KEY).bad("key in the anchor's place", "another type", "row id"),
        with_row(key, None, "key", INNIE_KEY[:31]).bad("short key", "31 bytes", "row"),
        with_row(anchor, None, "anchor", 1, 5, DIGEST[:31]).bad("short digest", "31 bytes", "row"),
        with_row(anchor, None, "anchor", 1, -1, DIGEST).bad("negative number", "in the anchor", "row"),
    ]


def bad_names() -> list[Vector]:
    """Rows that do not belong together, with a state that fits."""
    shared = small_chip().put(PersonaRow("mark", "outie", INNIE, 1)).seal()
    orphan = small_chip().put(KeyRow(OUTIE_KEY), OUTIE).seal()
    keyless = small_chip(key=False).seal()
    stray = small_chip().put(PlaceRow("floor")).put(WakeRow("floor", "mark", "outie")).seal()
    nowhere = small_chip().put(WakeRow("floor", "mark", "innie")).seal()
    decomposed = small_chip().put(SubjectRow("he\u0301lly")).seal()
    epoch = small_chip(persona=False).put(PersonaRow("mark", "innie", INNIE, 2**32)).seal()
    stranger = small_chip().put(AnchorRow(1, 5, DIGEST), OUTIE).seal()
    another = small_chip(anchor=False).put(AnchorRow(2, 5, DIGEST), INNIE).seal()
    return [
        small_chip(subject=False).seal().bad("no subject", "of a persona", "subject"),
        keyless.bad("no key", "of a persona", "key", "SeveranceError"),
        shared.bad("shared space", "two personas with one space", "space"),
        small_chip(anchor=False).seal().bad("no anchor", "of a persona", "anchor"),
        another.bad("anchor of another epoch", "than its persona", "anchor"),
        orphan.bad("key of no persona", "an orphan", "row id"),
        stranger.bad("anchor of no persona", "an orphan", "row id"),
        stray.bad("wakes nobody", "the persona does not exist", "persona"),
        nowhere.bad("wakes nowhere", "the place does not exist", "place"),
        small_chip().put(SubjectRow("")).seal().bad("empty name", "of a subject", "row"),
        decomposed.bad("decomposed name", "of a subject: not in NFC", "row"),
        epoch.bad("epoch beyond 32 bits", "of a persona", "row"),
        small_chip(INNIE[:15]).seal().bad("short space id", "15 bytes", "row"),
    ]


class Pool:
    """Frames that several vectors share are listed once, and named by their number in the list."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, frame: str | None) -> int | None:
        return None if frame is None else self.numbers.setdefault(frame, len(self.numbers))

    def log(self, vector: Vector) -> Vector:
        records = [[seq, self.number(frame), digest] for seq, frame, digest in vector["records"]]
        snapshot = vector["snapshot"]
        if snapshot is not None:
            snapshot = {**snapshot, "chunks": [self.number(chunk) for chunk in snapshot["chunks"]]}
        return {**vector, "records": records, "snapshot": snapshot}

    def chip(self, vector: Vector) -> Vector:
        return {**vector, "rows": [[row, owner, self.number(frame)] for row, owner, frame in vector["rows"]]}


def vectors() -> str:
    """The text of vectors.json: one vector in each line."""
    pool = Pool()
    groups: dict[str, list[Any]] = {
        "frames": frames(),
        "logs": [pool.log(vector) for vector in logs()],
        "chips": [pool.chip(vector) for vector in chips()],
    }
    groups["pool"] = list(pool.numbers)
    parts = []
    for name, group in groups.items():
        lines = ",\n".join(json.dumps(vector, ensure_ascii=False, separators=(",", ":")) for vector in group)
        parts.append(f'"{name}": [\n{lines}\n]')
    return '{\n"format": 1,\n' + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(vectors(), "utf-8")
