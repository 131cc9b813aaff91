"""Frozen vectors of logs: records, snapshots, and what events add up to."""

from __future__ import annotations

from typing import Any

import msgspec

from format import hand
from format.given import KEY, SPACE, Counter, Vector, fixed, marked, pack, plain
from kit import flipped, record
from severance.crypto.envelope import Sealer, SpaceKey, after, chunk_place, genesis, record_place
from severance.model import Head, Plain
from severance.records import EmbedderChosen, Event, Forgotten, Remembered, Repeated, Revectored, encode

A, B, C = (fixed(f"memory {name}", 15) for name in "abc")
ONE, TWO = "test-4/1", "test-2/1"


def remembered(memory: bytes, text: str, **changes: Any) -> Remembered:
    times = {"at": 1_700_000_000_000_000, "recorded": 1_700_000_000_000_001}
    vector = {"vector": b"\x7f\x80\x00\x01", "scale": 0.0078125}
    return record(**{**times, **vector, "id": memory, "text": text, **changes})


class Log:
    """A log in the making: events, or bytes to be sealed as if they were some."""

    def __init__(self, *contents: Event | bytes, space: bytes = SPACE, epoch: int = 1) -> None:
        self.space, self.epoch = space, epoch
        self.sealer = Sealer(SpaceKey(space, epoch, KEY), Counter())
        self.head = genesis(space, epoch)
        self.heads = [self.head]
        self.records: list[tuple[int, bytes | None, bytes, bytes]] = []
        for content in contents:
            self.append(content)

    def append(self, content: Event | bytes) -> None:
        frame = self.sealer.seal(record_place(self.head), content if isinstance(content, bytes) else encode(content))
        self.head = after(self.head, frame)
        self.heads.append(self.head)
        self.records.append((self.head.seq, frame, self.head.digest, hand.sha256(frame)))

    def erase(self, *seqs: int) -> Log:
        for seq in seqs:
            self.records[seq - 1] = (seq, None, *self.records[seq - 1][2:])
        return self

    def put(self, seq: int, frame: bytes | None, digest: bytes, hashed: bytes) -> Log:
        self.records[seq - 1] = (seq, frame, digest, hashed)
        return self

    def chained(self) -> Log:
        """With digests, and a head, that follow from the hashes that are there."""
        self.head = self.heads[0]
        for seq, frame, _, hashed in list(self.records):
            self.head = self.head.then(hashed)
            self.put(seq, frame, self.head.digest, hashed)
        return self

    def layer(self, first: int, end: Head | int, *contents: bytes) -> Vector:
        """The layer of the records from `first` up to `end`."""
        begin, end = self.heads[first - 1], self.heads[end] if isinstance(end, int) else end
        chunks, before = list[bytes](), b""
        for n, content in enumerate(contents, 1):
            place = chunk_place(begin, end, n - 1, before, last=n == len(contents))
            before = self.sealer.seal(place, Plain(content))
            chunks.append(before)
        return {"first": first, "last": end.seq, "before": begin.digest, "digest": end.digest, "chunks": chunks}

    def vector(self, name: str, what: str, **more: Any) -> Vector:
        head = more.pop("head", None) or self.head
        place = {"key": KEY, "space": self.space, "epoch": self.epoch, "head": (head.seq, head.digest)}
        given = {"anchor": None, "layers": [], "records": self.records, **more}
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
    return marked("logs", [*good_logs(), *bad_chains(), *bad_records(), *bad_stories(), *layers()])


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
    (_, second, d2, h2), (_, third, d3, h3) = swapped.records[1:]
    swapped.put(2, third, d3, h3).put(3, second, d2, h2)
    inside = three()
    inside.put(2, third, d2, h2).put(3, second, d3, h3)
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
        swapped.bad("swapped", "records 2 and 3, with their digests", "digest", head=Head(3, d2)),
        swapped.chained().bad("swapped and chained", "records 2 and 3, and digests that follow", "tag"),
        inside.bad("swapped frames", "records 2 and 3, without their digests", "hash"),
        elsewhere.bad("moved", "record 2 of another space", "digest"),
        elsewhere.chained().bad("moved and chained", "record 2 of another space", "commitment", "CommitmentError"),
        gap.bad("gap", "record 2 is missing", "gap"),
        first.bad("no beginning", "record 1 is missing", "gap"),
        cut.bad("cut off", "record 3 is missing, and the head names it", "head"),
        cut.bad(
            "rolled back", "cut off at record 2, before the anchor", "anchor", gone, head=cut.heads[2], anchor=cut.head
        ),
        three().erase(3).bad("erased", "record 3, and no Forgotten names it", "erased"),
        short_log(Forgotten([A], [2], 1)).erase(2, 3).bad("erased Forgotten", "with what it names", "erased"),
        three().put(2, second, digest, h2).bad("altered digest", "of record 2", "digest"),
        three().put(3, third, digest, h3).bad("altered last digest", "of record 3", "digest", head=Head(3, digest)),
        three().put(2, second, d2[:31], h2).bad("short digest", "of record 2", "digest"),
        three().put(2, second, d2, h2[:31]).bad("short hash", "of record 2", "digest"),
        three().put(2, second, d2, digest).bad("altered hash", "of record 2", "hash"),
        three().put(2, second, d2, digest).chained().bad("altered hash, chained", "of record 2", "hash"),
        three().put(2, flipped(second, 100), d2, h2).bad("altered frame", "record 2", "hash"),
        log.bad("altered head", "its digest is another", "head", gone, head=Head(3, digest)),
        log.bad("anchor ahead", "the log does not reach it", "anchor", gone, anchor=Head(4, digest)),
        log.bad("anchor differs", "another record was there", "anchor", gone, anchor=Head(2, digest)),
        log.bad("anchor forked", "another log's record 3", "anchor", gone, anchor=forked.head),
        three().put(2, b"", d2, hand.sha256(b"")).chained().bad("empty frame", "record 2", "short"),
        *spliced(),
    ]


def spliced() -> list[Vector]:
    """Record 3 of a history that was given up, before record 4 of the present one, which was erased."""

    def present() -> Log:
        return short_log(remembered(B, "two"), remembered(C, "three"), Forgotten([C], [4], 1)).erase(4)

    given_up = short_log(Repeated(A, 1, 2)).records[2][1:]
    digest = fixed("another", 32)
    erased = present().records[3]
    what = "record 3 of another history before record 4, which was erased"
    return [
        present().put(3, *given_up).bad("fork before an erased record", what, "digest"),
        present().put(3, *given_up).chained().bad("fork before an erased record, chained", what, "tag"),
        present().put(4, None, erased[2], digest).bad("altered hash of an erased record", "of record 4", "digest"),
        present().put(4, None, digest, erased[3]).bad("altered digest of an erased record", "of record 4", "digest"),
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


def pictured(*pictures: tuple[int, int, bytes]) -> list[Vector]:
    """What is expected of layers: their ranges, and what they hold."""
    return [{"first": first, "last": last, "content": content} for first, last, content in pictures]


def layers() -> list[Vector]:
    log = short_log(remembered(B, "two"))
    events = [EmbedderChosen(ONE, 4), remembered(A, "one"), remembered(B, "two")]
    whole = {"events": told(*enumerate(events, 1)), "histories": [[version(A, "one")], [version(B, "two")]]}
    parts = [b"the mind's own encoding, ", b"of any length, ", b"in three chunks"]
    good, upper, single = log.layer(1, 2, *parts), log.layer(3, 3, b"upper"), log.layer(1, 3, b"")
    chunks = good["chunks"]
    other = short_log(space=fixed("another space", 16)).layer(1, 2, *parts)
    mixed = log.layer(1, 2, b"what another mind, ", b"awake at once, ", b"has written")["chunks"]
    digest, spliced = fixed("another", 32), "two layers of one range, by one writer"

    def altered(name: str, what: str, reason: str, error: str = "DamagedError", **changes: Any) -> Vector:
        return log.bad(name, what, reason, error, layers=[{**good, **changes}])

    return [
        log.vector("one layer", "three chunks", layers=[good], **whole, pictures=pictured((1, 2, b"".join(parts)))),
        log.vector("empty layer", "one chunk, of everything", layers=[single], **whole, pictures=pictured((1, 3, b""))),
        log.vector(
            "two layers",
            "side by side",
            layers=[good, upper],
            **whole,
            pictures=pictured((1, 2, b"".join(parts)), (3, 3, b"upper")),
        ),
        log.vector("upper layer", "below it nothing", layers=[upper], **whole, pictures=pictured((3, 3, b"upper"))),
        altered("chunks swapped", "1 and 2", "tag", chunks=[chunks[1], chunks[0], chunks[2]]),
        altered("last chunk missing", "of three", "tag", chunks=chunks[:2]),
        altered("first chunk missing", "of three", "tag", chunks=chunks[1:]),
        altered("chunk altered", "one bit", "tag", chunks=[flipped(chunks[0], 90), *chunks[1:]]),
        altered("chunk of another space", "moved", "commitment", "CommitmentError", chunks=other["chunks"]),
        altered("chunks of another layer", "of the same space", "tag", chunks=upper["chunks"]),
        altered("spliced after the first", spliced, "tag", chunks=[chunks[0], *mixed[1:]]),
        altered("spliced before the last", spliced, "tag", chunks=[*chunks[:2], mixed[2]]),
        altered("spliced in the middle", spliced, "tag", chunks=[chunks[0], mixed[1], chunks[2]]),
        altered("no chunks", "a layer of none", "chunks", chunks=[]),
        altered("layer moved on", "said to end at record 3", "layer", "SeveranceError", last=3),
        altered("layer moved in full", "to end at record 3", "tag", last=3, digest=log.head.digest),
        altered("layer shortened", "said to begin at record 2", "layer", "SeveranceError", first=2),
        altered("layer shortened in full", "to begin at record 2", "tag", first=2, before=log.heads[1].digest),
        altered("layer of nothing", "it begins after its end", "layer", first=3),
        log.bad("layers overlap", "both have record 2", "layer", layers=[good, log.layer(2, 3, b"x")]),
        log.bad(
            "log behind its layer",
            "the layer ends at record 4",
            "layer",
            "RolledBackError",
            layers=[short_log(remembered(B, "two"), Repeated(B, 1, 2)).layer(1, Head(4, digest), b"x")],
        ),
        *layers_and_anchors(log, whole, good, single),
        *erased_anchors(),
    ]


def layers_and_anchors(log: Log, whole: Vector, good: Vector, single: Vector) -> list[Vector]:
    below, at_it, gone = "an anchor below where the layer ends", "an anchor where the layer ends", "RolledBackError"
    anchor, other = log.heads[2], Head(2, fixed("another", 32))
    content = b"the mind's own encoding, of any length, in three chunks"
    return [
        log.vector("anchor below", below, layers=[single], **whole, pictures=pictured((1, 3, b"")), anchor=anchor),
        log.vector("anchor at it", at_it, layers=[good], **whole, pictures=pictured((1, 2, content)), anchor=anchor),
        log.bad("anchor below differs", below, "anchor", gone, layers=[single], anchor=other),
        log.bad("anchor at it differs", at_it, "anchor", gone, layers=[good], anchor=other),
    ]


def erased_anchors() -> list[Vector]:
    """The record at the anchor was erased: its digest is left, and is what counts."""
    events = every_event()
    log = Log(*events).erase(4, 5, 8)
    left = told(*((seq, event) for seq, event in enumerate(events, 1) if seq not in (4, 5, 8)))
    histories = [[version(A, "one", 2), version(C, "one, amended")]]
    what = "an anchor below where the layer ends, at a record that was erased"
    layer = log.layer(1, log.head, b"x")
    return [
        log.vector(
            "anchor erased",
            what,
            layers=[layer],
            anchor=log.heads[8],
            events=left,
            histories=histories,
            pictures=pictured((1, log.head.seq, b"x")),
        ),
        log.bad(
            "anchor erased differs",
            what,
            "anchor",
            "RolledBackError",
            layers=[layer],
            anchor=Head(8, fixed("another", 32)),
        ),
    ]
