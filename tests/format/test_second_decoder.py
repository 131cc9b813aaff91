"""The library and the second decoder read the same stores alike, and refuse the same ones."""

from __future__ import annotations

import ast
import random
import shutil
import sqlite3
from collections import Counter as Tally
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import severance
from format import decoder, hand
from format.make_vectors import Counter
from severance.chip import chip as chip_module
from severance.embed.hashing import Hashing
from severance.embed.quantize import quantize
from severance.errors import RolledBackError, SeveranceError
from severance.mind import Mind
from severance.model import Memory, id_text, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from severance import House
    from severance.ports import Entropy

ROOT = bytes(range(32))
VAULT, CHIP = "vault.db", "chip.db"
FIRST, SECOND = Hashing(16), Hashing(24)
DOORS = {
    ("mark", "innie"): "severed floor",
    ("mark", "outie"): "home",
    ("helly", "helena"): "home",
    ("helly", "héllÿ r."): "severed floor",
}
FLIPS = 120  # in each file


class Ticking:
    """A clock that goes on by a second with each look."""

    def __init__(self, start: int = 1_700_000_000_000_000) -> None:
        self._now = start

    def now(self) -> int:
        self._now += 1_000_000
        return self._now


def open_house(directory: Path, embedder: Hashing = SECOND, *, entropy: Entropy | None = None) -> House:
    """Random bytes are the system's, unless the store's bytes are to be the same in each run."""
    return severance.open(directory, key=ROOT, embedder=embedder, clock=Ticking(), entropy=entropy)


def sever(house: House) -> None:
    for subject in ("mark", "helly"):
        house.sever(subject, [name for who, name in DOORS if who == subject])
    for place in dict.fromkeys(DOORS.values()):
        house.place(place, wakes={who: name for (who, name), where in DOORS.items() if where == place})
    house.sever("irving", ["nobody yet"])
    house.place("nowhere", wakes={})


def live(house: House, much: int) -> None:
    """Some of everything in three personas, and `much` in one of them."""
    with house.cross("mark", "severed floor") as innie:
        innie.remember_many([f"File {n} is at {n * 7 % 100} percent." for n in range(much)])
        innie.remember("File 3 is at 21 percent.")
        innie.remember("Lunch was melon.", thread="monday", source="irving", kind="fact", pinned=True)
        first = innie.remember("The file is due.", at="2024-05-31", metadata={"n": 1, "f": 0.5, "b": True, "x": None})
        second = innie.amend(first.id, "The file is due soon.")
        innie.amend(second.id, "The file is overdue.")
        innie.remember("The file is overdue.", metadata={"n": 1, "f": 0.5, "b": True, "x": None})
        innie.recall("lunch melon")
        innie.remember("Lunch was melon, melon!")
    with house.cross("mark", "home") as outie:
        gone = outie.remember("The basement is a secret.")
        outie.remember("The basement is a secret.")
        outie.amend(gone.id, "The basement is a darker secret.")
        outie.recall("the basement")
        outie.remember("The basement is a darker secret!")
        outie.remember("Ricken reads tonight. 🌒")
        outie.forget(gone.id)
    with house.cross("helly", "severed floor") as helly:
        helly.remember_many(["I quit.", "I quit.", "Nobody leaves the floor."])


def settle(house: House) -> None:
    """Embed anew, forget what was embedded twice, and let everybody sleep with a snapshot."""
    house.reembed()
    with house.cross("mark", "severed floor") as innie:
        innie.forget(next(innie.memories()).id)
        innie.forget(innie.recall("lunch melon")[0].memory.id)
        innie.remember("Something after all of that.")
        innie.remember("Something after all of that.")
    for (subject, _), place in DOORS.items():
        house.cross(subject, place).sleep()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("large") / "store"
    with open_house(directory, FIRST) as house:
        sever(house)
        live(house, 2_100)
    with open_house(directory, SECOND) as house:
        settle(house)
    return directory


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("small") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("severance.session._SNAPSHOT_AFTER", 2)
        entropy = Counter()
        with open_house(directory, FIRST, entropy=entropy) as house:
            sever(house)
            live(house, 20)
        with open_house(directory, SECOND, entropy=entropy) as house:
            settle(house)
    return directory


def test_the_stores_have_it_all(large: Path, small: Path) -> None:
    for directory, much in ((large, 4_200), (small, 40)):
        found = decoder.open_store(directory, ROOT)
        kinds = {event["event"] for persona in found.values() for event in persona["events"]}
        assert kinds == {"remembered", "repeated", "forgotten", "embedder", "revectored", "erased"}
        assert len(found["mark", "innie"]["events"]) > much
        assert found["mark", "innie"]["snapshot"] is not None
        everything = [memory for persona in found.values() for memory in persona["memories"]]
        assert any(memory["echo_of"] for memory in everything)
        assert any(memory["repeats"] for memory in everything)


# --- The same answers -------------------------------------------------------------------------------------------------


def as_memories(histories: list[list[dict[str, Any]]]) -> dict[str, list[Memory]]:
    """What the decoder found, as the library's nouns, by the id of the current version."""
    known = {version["id"] for history in histories for version in history}
    found = {}
    for history in histories:
        ids = [id_text(version["id"]) for version in history]
        names = ("text", "thread", "source", "kind", "metadata", "pinned")
        found[ids[-1]] = [
            Memory(
                **{name: version[name] for name in names},
                id=decoder.id_text(version["id"]),
                at=moment(version["at"]),
                recorded=moment(version["recorded"]),
                repeats=version["repeats"] + 1,
                echo_of=decoder.id_text(version["echo_of"]) if version["echo_of"] in known else None,
                supersedes=decoder.id_text(version["supersedes"]) if version["supersedes"] else None,
                superseded_by=ids[n + 1] if n + 1 < len(ids) else None,
            )
            for n, version in enumerate(history)
        ]
    return found


def histories_of(who: Any) -> dict[str, list[Memory]]:
    """All versions of all memories of a session or a mind."""
    return {memory.id: who.history(memory.id) for memory in who.memories()}


def test_memories_and_histories(large: Path) -> None:
    found = decoder.open_store(large, ROOT)
    assert set(found) == {*DOORS, ("irving", "nobody yet")}
    with open_house(large) as house:
        for (subject, persona), place in DOORS.items():
            with house.cross(subject, place) as session:
                assert session.persona == persona
                assert histories_of(session) == as_memories(found[subject, persona]["histories"])
                assert session.stats()["records"] == len(found[subject, persona]["events"])
                current = [decoder.id_text(memory["id"]) for memory in found[subject, persona]["memories"]]
                assert sorted(current) == sorted(memory.id for memory in session.memories())


def test_keys_anchors_and_wakes(large: Path) -> None:
    chip = decoder.read_chip(large / CHIP, ROOT)
    with open_house(large) as house:
        assert chip["store"] == house._vault.store == house._chip.store
        for persona in chip["personas"]:
            key = house._chip.key(severance.Persona(persona["subject"], persona["name"]))
            assert (key.space, key.secret, key.epoch) == (persona["space"], persona["key"], persona["epoch"])
            head, anchor = house._chip.anchor(key), persona["anchor"]
            assert (head.seq, head.digest, key.epoch) == (anchor["seq"], anchor["digest"], anchor["epoch"])
        wakes = {(wake["place"], wake["subject"]): wake["persona"] for wake in chip["wakes"]}
        told = {(place.name, who): name for place in house.status().places for who, name in place.wakes.items()}
        assert wakes == told


def test_anchor_from_the_beginning(large: Path) -> None:
    """Of who was never awake, too: right after the first record."""
    assert decoder.open_store(large, ROOT)["irving", "nobody yet"]["anchor"]["seq"] == 1


def test_vectors_in_force(large: Path) -> None:
    for persona in decoder.open_store(large, ROOT).values():
        versions = [version for history in persona["histories"] for version in history]
        if versions:
            rows, scales = quantize(SECOND.embed([version["text"] for version in versions]))
            found = np.array([version["vector"] for version in versions])
            assert np.array_equal(found, rows * scales.astype(np.float64)[:, None])


def test_snapshots(large: Path) -> None:
    found = decoder.open_store(large, ROOT)
    pictured = [persona for persona in found.values() if persona["snapshot"] is not None]
    assert len(pictured) == 1
    for persona in pictured:
        assert histories_of(Mind.restore(persona["snapshot"])) == as_memories(persona["histories"])


def test_a_store_in_use(small: Path, tmp_path: Path) -> None:
    directory = copied(small, tmp_path)
    with open_house(directory) as house, house.cross("helly", "home") as helena:
        memory = helena.remember("Written just now.")
        assert (directory / f"{VAULT}-wal").stat().st_size > 0
        found = decoder.open_store(directory, ROOT)["helly", "helena"]
        assert [decoder.id_text(m["id"]) for m in found["memories"]] == [memory.id]
        assert found["anchor"]["seq"] == len(found["events"]) - 1


# --- What both refuse -------------------------------------------------------------------------------------------------


def copied(directory: Path, to: Path) -> Path:
    """A copy of a store that is not open."""
    to.mkdir(exist_ok=True)
    for name in (VAULT, CHIP):
        assert not (directory / f"{name}-wal").exists()
        shutil.copyfile(directory / name, to / name)
    return to


def answers(house: House) -> dict[Any, Any]:
    """What somebody would see of a store."""
    status = house.status()
    seen: dict[Any, Any] = {"status": (status.personas, status.places)}
    for (subject, persona), place in DOORS.items():
        with house.cross(subject, place) as session:
            hits = [
                [(hit.memory, hit.score, hit.reasons) for hit in session.recall(query)]
                for query in ("file 7", "the basement", "who quit?")
            ]
            seen[subject, persona] = (session.persona, histories_of(session), session.stats(), hits)
    return seen


def in_the_decoder(directory: Path) -> str:
    """Why it refuses the store; empty when it does not."""
    try:
        decoder.open_store(directory, ROOT)
    except decoder.Refused as refused:
        return refused.reason
    return ""


def in_the_library(directory: Path, expected: dict[Any, Any]) -> tuple[str, str]:
    """What `check` says (`findings`, `nothing`, or the error it raises), and what is answered: `same`, `other`, or the
    error. Where the store does not open, `closed` and the error.
    """
    try:
        house = open_house(directory)
    except SeveranceError as error:
        return "closed", type(error).__name__
    with house:
        try:
            checked = "findings" if house.check() else "nothing"
        except SeveranceError as error:
            checked = type(error).__name__
        try:
            return checked, "same" if answers(house) == expected else "other"
        except SeveranceError as error:
            return checked, type(error).__name__


@pytest.fixture(scope="module")
def expected(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    with open_house(copied(small, tmp_path_factory.mktemp("expected"))) as house:
        assert house.check() == []
        return answers(house)


def offsets(data: bytes, dice: random.Random) -> Iterator[int]:
    """Half of them anywhere, half where there is something."""
    used = [offset for offset, byte in enumerate(data) if byte]
    for n in range(FLIPS):
        yield dice.randrange(len(data)) if n % 2 else dice.choice(used)


def with_bit_flipped(directory: Path, name: str, data: bytes, offset: int, bit: int) -> None:
    (directory / name).write_bytes(data[:offset] + bytes([data[offset] ^ bit]) + data[offset + 1 :])


def owner_index(chip: Path) -> range:
    """Where the index of the chip's owners is in the file."""
    with closing(sqlite3.connect(chip)) as db:
        ((root,),) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'rows_owner'").fetchall()
        ((size,),) = db.execute("PRAGMA page_size").fetchall()
    return range((root - 1) * size, root * size)


@pytest.mark.parametrize("name", [VAULT, CHIP])
def test_one_bit_flipped(name: str, small: Path, expected: dict[Any, Any], tmp_path: Path) -> None:
    """What the decoder refuses, the library notices, or it answers as before; where `check` says nothing, all answers
    are as before. Run with `-rP` to see what was refused by whom.
    """
    data = (small / name).read_bytes()
    tally: Tally[tuple[str, str, str]] = Tally()
    wrong = []
    for n, offset in enumerate(offsets(data, random.Random(name))):
        directory = copied(small, tmp_path / str(n))
        with_bit_flipped(directory, name, data, offset, 1 << n % 8)
        refused, checked, answered = in_the_decoder(directory), *in_the_library(directory, expected)
        tally[refused, checked, answered] += 1
        if checked == "nothing" and answered != "same":
            wrong.append((offset, 1 << n % 8, refused, checked, answered))
        shutil.rmtree(directory)
    print(*(f"{count:4} {outcome}" for outcome, count in sorted(tally.items())), sep="\n")
    assert wrong == []
    assert any(refused for refused, _, _ in tally)


@pytest.mark.parametrize("kind", ["subject", "place", "wake"])
def test_index_of_owners_altered(kind: str, small: Path, expected: dict[Any, Any], tmp_path: Path) -> None:
    """One bit, and a subject, a place, or who wakes there is no longer listed."""
    directory = copied(small, tmp_path / "copy")
    keys = decoder.Chip(decoder.read_chip(directory / CHIP, ROOT)["store"], ROOT)
    owner, row = {
        "subject": (keys.row_id("subjects"), keys.row_id("subject", "irving")),
        "place": (keys.row_id("places"), keys.row_id("place", "nowhere")),
        "wake": (keys.row_id("place", "home"), keys.row_id("wake", "home", "mark")),
    }[kind]
    data = (directory / CHIP).read_bytes()
    with_bit_flipped(directory, CHIP, data, data.index(owner + row, owner_index(directory / CHIP).start), 1)
    checked, answered = in_the_library(directory, expected)
    assert answered != "other"
    assert checked == "findings"


def edit(directory: Path, name: str, *statements: str, **values: object) -> None:
    with closing(sqlite3.connect(directory / name, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement, values)


def space_of(directory: Path, *persona: str) -> dict[str, Any]:
    (found,) = (
        p for p in decoder.read_chip(directory / CHIP, ROOT)["personas"] if (p["subject"], p["name"]) == persona
    )
    return found


INNIE = ("mark", "innie")
EDITS: dict[str, tuple[str, str, list[str]]] = {
    "record removed": ("gap", VAULT, ["DELETE FROM records WHERE space = :space AND seq = 9"]),
    "last record removed": ("head", VAULT, ["DELETE FROM records WHERE space = :space AND seq = :seq"]),
    "log removed": ("head", VAULT, ["DELETE FROM records WHERE space = :space"]),
    "space removed": ("head", VAULT, ["DELETE FROM spaces WHERE id = :space"]),
    "record erased": ("erased", VAULT, ["UPDATE records SET frame = NULL WHERE space = :space AND seq = :seq"]),
    "frames swapped": (
        "digest",
        VAULT,
        [
            "UPDATE records SET frame = (SELECT r.frame FROM records r WHERE r.space = :space AND r.seq = 19 - "
            "records.seq) WHERE space = :space AND seq IN (9, 10)"
        ],
    ),
    "records swapped": (
        "tag",
        VAULT,
        [
            "UPDATE records SET seq = -seq WHERE space = :space AND seq IN (9, 10)",
            "UPDATE records SET seq = 19 + seq WHERE space = :space AND seq < 0",
        ],
    ),
    "records of another space": (
        "anchor",
        VAULT,
        [
            "UPDATE records SET space = x'00' WHERE space = :space AND seq > 3",
            "DELETE FROM records WHERE space = :space",
            "INSERT INTO records SELECT :space, seq, frame, digest FROM records WHERE space = :other",
            "UPDATE spaces SET (seq, digest) = (SELECT seq, digest FROM spaces WHERE id = :other) WHERE id = :space",
            "DELETE FROM snapshots",
            "DELETE FROM chunks",
        ],
    ),
    "frame as text": ("sqlite", VAULT, ["UPDATE records SET frame = CAST(frame AS TEXT) WHERE seq = 1"]),
    "snapshot without chunks": ("chunks", VAULT, ["DELETE FROM chunks"]),
    "snapshot of nothing": ("chunks", VAULT, ["DELETE FROM chunks", "UPDATE snapshots SET chunks = 0"]),
    "snapshot moved back": ("snapshot", VAULT, ["UPDATE snapshots SET seq = seq - 1"]),
    "snapshot ahead": ("snapshot", VAULT, ["UPDATE snapshots SET seq = seq + 100"]),
    "no snapshot": ("", VAULT, ["DELETE FROM chunks", "DELETE FROM snapshots"]),
    "another table": ("tables", VAULT, ["CREATE TABLE more (x)"]),
    "another index": ("tables", VAULT, ["CREATE INDEX more ON records (digest)"]),
    "another view": ("tables", VAULT, ["CREATE VIEW more AS SELECT * FROM records"]),
    "a trigger": (
        "tables",
        VAULT,
        ["CREATE TRIGGER more BEFORE UPDATE ON records BEGIN SELECT RAISE(IGNORE); END"],
    ),
    "another column": ("tables", VAULT, ["ALTER TABLE spaces ADD COLUMN more"]),
    "another name in meta": ("", VAULT, ["INSERT INTO meta VALUES ('more', x'00')"]),
    "erased is another": ("", VAULT, ["UPDATE spaces SET erased = 0"]),
    "no such table": ("tables", VAULT, ["DROP TABLE chunks"]),
    "no store id": ("meta", VAULT, ["DELETE FROM meta"]),
    "another store id": ("store", VAULT, ["UPDATE meta SET value = randomblob(16) WHERE name = 'store'"]),
    "later vault": ("later version", VAULT, ["PRAGMA user_version = 2"]),
    "another application": ("application", VAULT, ["PRAGMA application_id = 1"]),
    "another table in the chip": ("tables", CHIP, ["CREATE TABLE more (x)"]),
    "another name in the chip's meta": ("", CHIP, ["INSERT INTO meta VALUES ('more', x'00')"]),
    "later chip": ("later version", CHIP, ["PRAGMA user_version = 2"]),
    "another chip's store id": ("wrong key", CHIP, ["UPDATE meta SET value = randomblob(16) WHERE name = 'store'"]),
    "no key source": ("meta", CHIP, ["DELETE FROM meta WHERE name = 'key'"]),
    "key source is no blob": ("meta", CHIP, ["UPDATE meta SET value = '{}' WHERE name = 'key'"]),
    "key source altered": ("", CHIP, ["UPDATE meta SET value = x'7b' WHERE name = 'key'"]),
    "key source not UTF-8": ("", CHIP, ["UPDATE meta SET value = x'7b2261223a22ff227d' WHERE name = 'key'"]),
    "anchor removed": ("count", CHIP, ["DELETE FROM rows WHERE id = :anchor"]),
    "owner removed": ("sum", CHIP, ["UPDATE rows SET owner = NULL WHERE owner = :subjects"]),
    "state removed": ("state", CHIP, ["DELETE FROM rows WHERE id = zeroblob(16)"]),
    "row added": ("count", CHIP, ["INSERT INTO rows SELECT randomblob(16), NULL, frame FROM rows WHERE id = :anchor"]),
    "later row": (
        "sum",
        CHIP,
        ["UPDATE rows SET frame = CAST(x'02' || substr(frame, 2) AS BLOB) WHERE owner = :subjects"],
    ),
}


@pytest.mark.parametrize("edited", EDITS)
def test_edited(edited: str, small: Path, expected: dict[Any, Any], tmp_path: Path) -> None:
    """What the decoder refuses, `check` or opening tells; what it does not refuse is answered as before."""
    directory = copied(small, tmp_path / "copy")
    reason, name, statements = EDITS[edited]
    innie, outie = space_of(directory, *INNIE), space_of(directory, "mark", "outie")
    keys = decoder.Chip(decoder.read_chip(directory / CHIP, ROOT)["store"], ROOT)
    edit(
        directory,
        name,
        *statements,
        space=innie["space"],
        seq=innie["anchor"]["seq"],
        other=outie["space"],
        anchor=keys.row_id("anchor", innie["space"]),
        subjects=keys.row_id("subjects"),
    )
    assert in_the_decoder(directory) == reason
    checked, answered = in_the_library(directory, expected)
    if not reason:
        assert (checked, answered) == ("nothing", "same")
    else:
        assert answered != "other"
        assert checked in ("findings", "closed")


# --- An older state put back ------------------------------------------------------------------------------------------

SINCE = "What was said since."


def put_back_vault(before: Path, after: Path) -> None:
    shutil.copyfile(before / VAULT, after / VAULT)


def put_back_vault_without_anchor(before: Path, after: Path) -> None:
    put_back_vault(before, after)
    store = decoder.read_chip(after / CHIP, ROOT)["store"]
    anchor = decoder.Chip(store, ROOT).row_id("anchor", space_of(after, *INNIE)["space"])
    edit(after, CHIP, "DELETE FROM rows WHERE id = :anchor", anchor=anchor)


def put_back_vault_and_anchor(before: Path, after: Path) -> None:
    put_back_vault(before, after)
    store = decoder.read_chip(after / CHIP, ROOT)["store"]
    anchor = decoder.Chip(store, ROOT).row_id("anchor", space_of(after, *INNIE)["space"])
    with closing(sqlite3.connect(before / CHIP)) as db:
        ((frame,),) = db.execute("SELECT frame FROM rows WHERE id = ?", (anchor,)).fetchall()
    edit(after, CHIP, "UPDATE rows SET frame = :frame WHERE id = :anchor", frame=frame, anchor=anchor)


def put_forked_vault(before: Path, after: Path) -> None:
    """The vault of another copy of the store, which went on by itself and has a snapshot since."""
    with open_house(before) as house, house.cross("mark", "severed floor") as innie:
        innie.remember_many([f"Said in the other copy, {n}." for n in range(400)])
    put_back_vault(before, after)


OLDER = [(put_back_vault, "anchor"), (put_back_vault_without_anchor, "count"), (put_forked_vault, "anchor")]


@pytest.fixture
def before_and_after(small: Path, tmp_path: Path) -> tuple[Path, Path]:
    before, after = copied(small, tmp_path / "before"), copied(small, tmp_path / "after")
    with open_house(after) as house, house.cross("mark", "severed floor") as innie:
        innie.remember(SINCE)
    return before, after


@pytest.mark.parametrize(("put_back", "reason"), OLDER)
def test_crossing_into_an_older_state(
    put_back: Callable[[Path, Path], None], reason: str, before_and_after: tuple[Path, Path]
) -> None:
    before, after = before_and_after
    put_back(before, after)
    assert in_the_decoder(after) == reason
    with open_house(after) as house, pytest.raises((RolledBackError, severance.DamagedError)):
        house.cross("mark", "severed floor")


@pytest.mark.parametrize(("put_back", "reason"), [*OLDER, (put_back_vault_and_anchor, "sum")])
def test_checking_an_older_state(
    put_back: Callable[[Path, Path], None], reason: str, before_and_after: tuple[Path, Path]
) -> None:
    before, after = before_and_after
    put_back(before, after)
    assert in_the_decoder(after) == reason
    with open_house(after) as house:
        assert house.check()


def test_one_old_anchor_put_back_alone(before_and_after: tuple[Path, Path]) -> None:
    """With the vault, which then fits: noticed at every crossing too, for whoever crosses (section 8)."""
    before, after = before_and_after
    put_back_vault_and_anchor(before, after)
    with open_house(after) as house:
        for subject, place in (("mark", "severed floor"), ("mark", "home"), ("nobody", "severed floor")):
            with pytest.raises(severance.DamagedError):
                house.cross(subject, place)
        assert house.check()
        with pytest.raises(severance.DamagedError):
            house.status()
    assert in_the_decoder(after) == "sum"


def test_one_old_anchor_put_back_alone_in_a_large_chip(
    before_and_after: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of more than 1,024 rows: noticed where the set of rows is verified, and not at a crossing (section 8)."""
    assert chip_module._VERIFIED_AT_CROSSING == 1_024
    monkeypatch.setattr(chip_module, "_VERIFIED_AT_CROSSING", -1)
    before, after = before_and_after
    put_back_vault_and_anchor(before, after)
    with open_house(after) as house:
        for _ in range(2):  # to have been awake, and to have moved the anchor on, mends nothing
            with house.cross("mark", "severed floor") as innie:
                assert SINCE not in [memory.text for memory in innie.memories()]
                innie.remember("What was said instead.")
            assert house.check()
            with pytest.raises(severance.DamagedError):
                house.status()
            with pytest.raises(severance.DamagedError):
                house.cross("nobody", "severed floor")
    assert in_the_decoder(after) == "sum"


# --- The page, the decoder and the files ------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [decoder, hand])
def test_nothing_is_taken_from_the_library(module: Any) -> None:
    nodes = list(ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))))
    imported = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    imported += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    assert imported
    assert not any(name.split(".")[0] == "severance" for name in imported)


@pytest.mark.parametrize(("name", "heading"), [(VAULT, hand.VAULT), (CHIP, hand.CHIP)])
def test_schema(name: str, heading: str, small: Path) -> None:
    with closing(sqlite3.connect((small / name).as_uri() + "?mode=ro&immutable=1", uri=True)) as db:
        found = [" ".join(sql.split()) for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
        numbers = [db.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("application_id", "user_version")]
    assert sorted(found) == sorted(hand.schema(heading))
    assert set(found) == {VAULT: decoder.VAULT_SCHEMA, CHIP: decoder.CHIP_SCHEMA}[name]
    assert tuple(numbers) == hand.numbers(heading)
