"""The library and the second decoder, written from the page alone, read the same stores alike."""

from __future__ import annotations

import ast
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import severance
from format import decoder, hand
from format.stores import CHIP, DOORS, ROOT, SECOND, VAULT, copied, histories_of, open_house
from severance.embed.quantize import quantize
from severance.mind.layer import decode
from severance.model import Memory, id_text, moment


def test_the_stores_have_it_all(large: Path, small: Path) -> None:
    for directory, much in ((large, 4_200), (small, 40)):
        found = decoder.open_store(directory, ROOT)
        kinds = {event["event"] for persona in found.values() for event in persona["events"]}
        assert kinds == {"remembered", "repeated", "forgotten", "embedder", "revectored", "erased"}
        assert len(found["mark", "innie"]["events"]) > much
        assert found["mark", "innie"]["layers"]
        everything = [memory for persona in found.values() for memory in persona["memories"]]
        assert any(memory["echo_of"] for memory in everything)
        assert any(memory["repeats"] for memory in everything)


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
        wakes = {(wake["place"], wake["subject"]): wake["rules"][0][0] for wake in chip["wakes"]}
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


def test_layers(large: Path) -> None:
    """What they hold and what the log says after them is what the records say."""
    found = decoder.open_store(large, ROOT)
    pictured = {who: persona for who, persona in found.items() if persona["layers"]}
    assert len(pictured) == 1
    with open_house(large, SECOND) as house:
        for who, persona in pictured.items():
            layers = persona["layers"]
            assert sum(layer["last"] - layer["first"] + 1 for layer in layers) > 0.9 * len(persona["events"])
            chosen = [event["seq"] for event in persona["events"] if event["event"] == "embedder"]
            assert {decode(layer["content"]).chosen for layer in layers} == {chosen[-1]}
            with house.cross(who[0], DOORS[who]) as session:
                assert histories_of(session) == as_memories(persona["histories"])


def test_a_store_in_use(small: Path, tmp_path: Path) -> None:
    directory = copied(small, tmp_path)
    with open_house(directory) as house, house.cross("helly", "home") as helena:
        memory = helena.remember("Written just now.")
        assert (directory / f"{VAULT}-wal").stat().st_size > 0
        found = decoder.open_store(directory, ROOT)["helly", "helena"]
        assert [decoder.id_text(m["id"]) for m in found["memories"]] == [memory.id]
        assert found["anchor"]["seq"] == len(found["events"]) - 1


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
