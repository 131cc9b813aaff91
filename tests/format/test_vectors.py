"""Every frozen vector holds in the library and in the second decoder."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from format import decoder, given, hand, make_vectors
from severance.chip.chip import Chip
from severance.chip.register import (
    AlarmsRow,
    ApproversRow,
    AwakeRow,
    CanaryRow,
    ClockRow,
    CredentialRow,
    EscrowRow,
    HeadRow,
    Keys,
    LimitsRow,
    NoticesRow,
    OverrideRow,
    PermitRow,
    TokenRow,
    TurnRow,
    WakeRow,
)
from severance.crypto.envelope import Kind, Opener, SpaceKey, Where
from severance.errors import SeveranceError
from severance.mind import Mind
from severance.model import Head
from severance.records import EmbedderChosen, Forgotten, Remembered, Repeated, Revectored
from severance.space import Space
from severance.store import open_store
from severance.system import SystemEntropy
from severance.vault.sqlite import SqliteVault
from severance.waking import apply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Vector = dict[str, Any]

VECTORS = json.loads(make_vectors.FILE.read_text("utf-8"))
POOL = [bytes.fromhex(frame) for frame in VECTORS["pool"]]
VAULT, CHIP = "vault.db", "chip.db"
PARTS = ("personas", "wakes", "permits", "credentials", "tokens", "clock", "head", "limits", "turns", "awake")
PARTS += ("approvers", "escrows", "overrides", "notices", "alarms", "canaries")
NONE: tuple[Any, ...] = (b"", b"", "", "", "", (), 0, 0)
STORE = bytes(16)


def of(group: str) -> Any:
    """The vectors of a group as parameters."""
    return pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"].replace(" ", "-")) for v in VECTORS[group]])


def unhex(vector: Vector, *names: str) -> Any:
    return (bytes.fromhex(vector[name]) for name in names)


def refused_by_decoder(vector: Vector, read: Callable[[], Any]) -> bool:
    """Whether it must be refused, and is."""
    if "refused" in vector:
        with pytest.raises(decoder.Refused) as caught:
            read()
        assert caught.value.reason == vector["refused"]
    return "refused" in vector


def refused_by_library(vector: Vector, read: Callable[[], Any]) -> bool:
    """Whether it may be refused. If it must, it is; if it is, then with the error of the vector and no other."""
    if "refused" not in vector:
        return False
    try:
        read()
    except SeveranceError as error:
        raised = type(error).__name__
    else:
        # Only a holder of the key could have written one that is optional, and whoever has the key can bring about any
        # answer: format.md (end of section 8) leaves it to the reader whether to check. All others must be refused.
        assert "optional" in vector
        return True
    assert vector["error"] in (raised, "SeveranceError")
    return True


def test_names_are_unique() -> None:
    for group in ("frames", "logs", "chips", "overrides"):
        names = [vector["name"] for vector in VECTORS[group]]
        assert len(names) == len(set(names))


def test_what_is_optional_must_be_refused_by_the_decoder() -> None:
    optional = {(group, v["name"]) for group in ("frames", "logs", "chips") for v in VECTORS[group] if "optional" in v}
    assert optional == {(group, name) for group, names in given.OPTIONAL.items() for name in names}
    assert all(
        "refused" in v and "error" in v for group in ("logs", "chips") for v in VECTORS[group] if "optional" in v
    )


def test_they_are_still_made_the_same() -> None:
    assert make_vectors.vectors() == make_vectors.FILE.read_text("utf-8")


# --- Frames -----------------------------------------------------------------------------------------------------------


def frame_of(vector: Vector) -> bytes:
    if "frame" in vector:
        return bytes.fromhex(vector["frame"])
    parts = vector["seal"]
    fill, salt, nonce = unhex(parts, "fill", "salt", "nonce")
    key, space, bind = unhex(vector, "key", "space", "bind")
    plain = hand.padded(fill * parts["length"], parts["size"])
    frame = hand.seal(key, space, vector["epoch"], vector["kind"], vector["seq"], bind, salt, nonce, plain)
    assert hand.sha256(frame).hex() == parts["frame_sha256"]
    return frame


def is_content(vector: Vector, content: bytes) -> bool:
    if "content" in vector:
        return content.hex() == vector["content"]
    return hand.sha256(content).hex() == vector["content_sha256"]


@of("frames")
def test_frame_in_the_decoder(vector: Vector) -> None:
    key, space, bind = unhex(vector, "key", "space", "bind")
    frame, place = frame_of(vector), {name: vector[name] for name in ("kind", "epoch", "seq")}

    def read() -> bytes:
        return decoder.open_frame(key, frame, space=space, bind=bind, **place)

    assert refused_by_decoder(vector, read) or is_content(vector, read())


@of("frames")
def test_frame_in_the_library(vector: Vector) -> None:
    key, space, bind = unhex(vector, "key", "space", "bind")
    frame, where = frame_of(vector), Where(Kind(vector["kind"]), vector["seq"], bind)

    def read() -> bytes:
        return Opener(SpaceKey(space, vector["epoch"], key)).open(where, frame)

    assert refused_by_library(vector, read) or is_content(vector, read())


# --- Logs -------------------------------------------------------------------------------------------------------------


def write_vault(path: Path, vector: Vector) -> None:
    (space,) = unhex(vector, "space")
    seq, digest = vector["head"]
    tables: dict[str, list[tuple[object, ...]]] = {
        "meta": [("store", STORE)],
        "spaces": [(space, seq, bytes.fromhex(digest), 0)],
        "records": [
            (space, seq, None if frame is None else POOL[frame], bytes.fromhex(digest), bytes.fromhex(hashed))
            for seq, frame, digest, hashed in vector["records"]
        ],
    }
    for layer in vector["layers"]:
        before, digest = unhex(layer, "before", "digest")
        chunks = [(space, layer["last"], n, POOL[chunk]) for n, chunk in enumerate(layer["chunks"])]
        tables.setdefault("layers", []).append((space, layer["last"], layer["first"], before, digest, len(chunks)))
        tables.setdefault("chunks", []).extend(chunks)
    hand.write_file(path, hand.VAULT, tables)


def log_read(vector: Vector, events: Any, histories: Any, pictures: Any) -> bool:
    assert given.plain(events) == vector["events"]
    assert sorted(given.plain(histories), key=str) == sorted(vector["histories"], key=str)
    assert given.plain(pictures) == vector.get("pictures", [])
    return True


@of("logs")
def test_log_in_the_decoder(vector: Vector, tmp_path: Path) -> None:
    key, space = unhex(vector, "key", "space")
    write_vault(tmp_path / VAULT, vector)
    anchor = vector["anchor"]
    if anchor is not None:
        anchor = {"epoch": vector["epoch"], "seq": anchor[0], "digest": bytes.fromhex(anchor[1])}

    def read() -> tuple[Any, Any, Any]:
        with decoder.open_vault(tmp_path / VAULT) as vault:
            events = decoder.read_log(vault, space, key, vector["epoch"], anchor)
            return events, decoder.histories(events), decoder.read_layers(vault, space, key, vector["epoch"])

    if not refused_by_decoder(vector, read):
        events, histories, pictures = read()
        left = [event for event in events if event["event"] != "erased"]
        versions = [[(m["id"], m["text"], m["repeats"] + 1) for m in history] for history in histories]
        names = ("id", "text", "repeats")
        log_read(vector, left, [[dict(zip(names, v, strict=True)) for v in history] for history in versions], pictures)


NAMES = {
    Remembered: "remembered",
    Repeated: "repeated",
    Forgotten: "forgotten",
    EmbedderChosen: "embedder",
    Revectored: "revectored",
}


@of("logs")
def test_log_in_the_library(vector: Vector, tmp_path: Path) -> None:
    key, space_id = unhex(vector, "key", "space")
    write_vault(tmp_path / VAULT, vector)
    anchor = None if vector["anchor"] is None else Head(vector["anchor"][0], bytes.fromhex(vector["anchor"][1]))

    def read() -> tuple[Any, Any, Any]:
        with SqliteVault.open(tmp_path / VAULT) as vault:
            space = Space(vault, SpaceKey(space_id, vector["epoch"], key), SystemEntropy())
            held = space.read_layers()
            pictures = [{"first": p.begin.seq + 1, "last": p.end.seq, "content": bytes(p.content)} for p in held]
            space = space.again()
            news = space.read_on(anchor)
            mind = Mind()
            apply(mind, news)
            space.confirm()
            return news, [mind.history(memory.id) for memory in mind.memories()], pictures

    if not refused_by_library(vector, read):
        news, histories, pictures = read()
        events = [{"seq": n, "event": NAMES[type(e)], **msgspec.structs.asdict(e)} for n, e in news]
        versions = [[{"id": m.id, "text": m.text, "repeats": m.repeats} for m in history] for history in histories]
        log_read(vector, events, versions, pictures)


@pytest.mark.parametrize("name", [v["name"] for v in VECTORS["logs"] if v["anchor"] and v["layers"]])
def test_log_from_its_layers_on_in_the_library(name: str, tmp_path: Path) -> None:
    """Without what the layers stand for, and held against the anchor all the same."""
    (vector,) = (vector for vector in VECTORS["logs"] if vector["name"] == name)
    key, space_id = unhex(vector, "key", "space")
    write_vault(tmp_path / VAULT, vector)
    seq, digest = vector["anchor"]

    def read() -> list[int]:
        with SqliteVault.open(tmp_path / VAULT) as vault:
            space = Space(vault, SpaceKey(space_id, vector["epoch"], key), SystemEntropy())
            space.head = space.read_layers()[-1].end
            return [n for n, _ in space.read_on(Head(seq, bytes.fromhex(digest)))]

    if not refused_by_library(vector, read):
        assert read() == [event["seq"] for event in vector["events"] if event["seq"] > vector["layers"][-1]["last"]]


# --- Chips ------------------------------------------------------------------------------------------------------------


def write_chip(path: Path, vector: Vector) -> None:
    store, source = unhex(vector, "store", "source")
    rows = [
        (bytes.fromhex(row), None if owner is None else bytes.fromhex(owner), POOL[frame])
        for row, owner, frame in vector["rows"]
    ]
    hand.write_chip(path, store, source, rows)


@of("chips")
def test_chip_in_the_decoder(vector: Vector, tmp_path: Path) -> None:
    (root_key,) = unhex(vector, "root_key")
    write_chip(tmp_path / CHIP, vector)

    def read() -> dict[str, Any]:
        return decoder.read_chip(tmp_path / CHIP, root_key)

    if not refused_by_decoder(vector, read):
        found = given.plain(read())
        for persona in found["personas"]:
            del persona["anchor"]["space"]
        assert found["store"] == vector["store"]
        for name in PARTS:
            assert sorted(found[name], key=str) == sorted(vector[name], key=str)


def test_keys_and_the_proof_of_a_secret() -> None:
    (vector,) = (vector for vector in VECTORS["chips"] if vector["name"] == "every type")
    root, store = unhex(vector, "root_key", "store")
    chip, keys = decoder.Chip(store, root), Keys.derive(root, store)
    assert (chip.key, chip.name_key) == (keys.seal, keys.name)
    seeds = {"permit": chip.permit_seed, "event": chip.event_key, "checkpoint": chip.checkpoint_seed}
    assert given.plain(seeds) == vector["keys"] == {name: getattr(keys, name).hex() for name in seeds}
    opened = next(each for each in vector["credentials"] if each["revoked"] is None)
    assert chip.proof("secret", bytes.fromhex(opened["id"]), given.fixed("secret", 32)).hex() == opened["proof"]
    token = next(each for each in vector["tokens"] if each["ended"] is None)
    assert chip.proof("owner secret", bytes.fromhex(token["id"]), given.fixed("secret", 32)).hex() == token["proof"]


@of("chips")
def test_chip_in_the_library(vector: Vector, tmp_path: Path) -> None:
    (root_key,) = unhex(vector, "root_key")
    hand_store = bytes.fromhex(vector["store"])
    write_chip(tmp_path / CHIP, vector)
    SqliteVault.new(tmp_path / VAULT, hand_store).close()

    def read() -> tuple[Any, ...]:
        vault, chip = open_store(tmp_path, key=root_key, create=False, entropy=SystemEntropy())
        with vault, closing(chip):
            chip.verify()
            personas = []
            for persona in (persona for subject in chip.subjects() for persona in chip.personas(subject.name)):
                key = chip.key(persona)
                head = chip.anchor(key)
                anchor = {"epoch": key.epoch, "seq": head.seq, "digest": head.digest}
                told = {"subject": persona.subject, "name": persona.name, "space": key.space, "epoch": key.epoch}
                personas.append({**told, "key": key.secret, "anchor": anchor})
            rows = chip.verify()
            wakes = [
                {
                    "place": row.place,
                    "subject": row.subject,
                    "rules": [[rule.persona, rule.conditions] for rule in row.rules],
                }
                for place in chip.places()
                for row in chip.of_kind(WakeRow(place.name, "", ()), rows)
            ]
            likes = PermitRow(*NONE[:8]), CredentialRow(*NONE), TokenRow(b"", b"", "", 0, 0)
            door = [chip.of_kind(like, rows) for like in likes]
            clock = chip.find(ClockRow(0), rows)
            audit = chip.find(HeadRow(0, b""), rows)
            door += [[] if clock is None else [clock], [] if audit is None else [audit]]
            names = [subject.name for subject in chip.subjects()]
            limits = [chip.find(LimitsRow(name, False, "", {}), rows) for name in names]
            turns = [chip.find(TurnRow(name, 0), rows) for name in names]
            door += [[row for row in found if row is not None] for found in (limits, turns)]
            awake = [
                {"space": each["space"], "days": row.days}
                for each in personas
                if (row := chip.find(AwakeRow(()), rows, each["space"])) is not None
            ]
            plain = ([msgspec.structs.asdict(row) for row in rows] for rows in door)
            rest = *override_rows(chip, rows, personas), *alarm_rows(chip, rows, personas)
            return personas, wakes, *plain, awake, *rest

    if not refused_by_library(vector, read):
        for found, name in zip(read(), PARTS, strict=True):
            assert sorted(given.plain(found), key=str) == sorted(vector[name], key=str)


def alarm_rows(chip: Chip, rows: Any, personas: list[Vector]) -> Iterator[list[Vector]]:
    """What the library finds about alarms."""
    alarms = chip.find(AlarmsRow((), ()), rows)
    yield [] if alarms is None else [msgspec.to_builtins(msgspec.structs.asdict(alarms))]
    found = {each["space"]: chip.find(CanaryRow(()), rows, each["space"]) for each in personas}
    yield [{"space": space, "ids": list(row.ids)} for space, row in found.items() if row is not None]


def override_rows(chip: Chip, rows: Any, personas: list[Vector]) -> Iterator[list[Vector]]:
    """What the library finds about overrides."""

    def listed(forms: Any) -> list[Any]:
        return [list(msgspec.structs.astuple(form)) for form in forms]

    approvers = chip.find(ApproversRow(()), rows)
    yield [] if approvers is None else [{"keys": listed(approvers.keys)}]
    spaces = [each["space"] for each in personas]
    found = {space: chip.find(EscrowRow(()), rows, space) for space in spaces}
    yield [{"space": space, "pairs": listed(row.pairs)} for space, row in found.items() if row is not None]
    overrides = []
    for row in chip.of_kind(OverrideRow(b"", b""), rows):
        fields = msgspec.structs.asdict(row)
        overrides.append({**fields, "request": fields["raw"], "answers": listed(row.answers)})
        del overrides[-1]["raw"]
    yield overrides
    told = {space: chip.find(NoticesRow(()), rows, space) for space in spaces}
    yield [{"space": space, "notices": listed(row.notices)} for space, row in told.items() if row is not None]


WITHOUT_KEY = [vector for vector in VECTORS["chips"] if "without_key" in vector]


@pytest.mark.parametrize("vector", WITHOUT_KEY, ids=[vector["name"] for vector in WITHOUT_KEY])
def test_key_source_that_cannot_be_read(vector: Vector, tmp_path: Path) -> None:
    """Who has the root key does not need it (above); who does not is told that it is damaged."""
    write_chip(tmp_path / CHIP, vector)
    SqliteVault.new(tmp_path / VAULT, bytes.fromhex(vector["store"])).close()
    assert refused_by_decoder(vector["without_key"], lambda: decoder.read_key_source(tmp_path / CHIP))
    assert refused_by_library(
        vector["without_key"], lambda: open_store(tmp_path, key=None, create=False, entropy=SystemEntropy())
    )


def test_key_source(tmp_path: Path) -> None:
    (vector,) = (vector for vector in VECTORS["chips"] if vector["name"] == "every type")
    write_chip(tmp_path / CHIP, vector)
    assert decoder.read_key_source(tmp_path / CHIP) == {"source": "given"}
