"""The house: severing, places, crossing, and what the owner sees."""

from __future__ import annotations

import gc
import unicodedata
from pathlib import Path
from typing import Any

import pytest

import severance
from kit import PLACES, WORLD, events_of, make_house, open_house, recalled, texts
from severance import (
    AsleepError,
    DamagedError,
    EmbedderError,
    House,
    InputError,
    NotFoundError,
    Persona,
    Place,
    Session,
    StoreError,
)
from severance.barrier.traces.ports import FEW, StillClock, small_snapshots
from severance.embed import Hashing
from severance.errors import StoreReadOnlyError
from severance.model import PersonaStatus
from severance.records import EmbedderChosen
from severance.vault.sqlite import SqliteVault

BAD_NAMES = ["", " a", "a ", "a\nb", "a\0", "a/b", "a=b", "-a", "x" * 101, "\u202ea", "\u200b", 5, None, b"a"]


# Severing


def test_severing_gives_each_persona_a_space_that_begins_with_its_embedder(house: House) -> None:
    assert house.sever("gemma", ["casey", "gemma"]) == [Persona("gemma", "casey"), Persona("gemma", "gemma")]
    house.place("wellness", {"gemma": "casey"})
    assert events_of(house, "gemma", "wellness") == [EmbedderChosen(f"hashing-{FEW}/1", FEW)]


def test_severing_again_adds_what_is_new_and_keeps_what_is_there(house: House, innie: Session) -> None:
    innie.remember("the file")
    spaces = house._vault.spaces()
    assert house.sever("mark", WORLD["mark"]) == [Persona("mark", "innie"), Persona("mark", "outie")]
    assert house._vault.spaces() == spaces
    assert [p.name for p in house.sever("mark", ["scout", "innie", "scout"])] == ["innie", "outie", "scout"]
    assert len(house._vault.spaces()) == len(spaces) + 1
    assert texts(house.cross("mark", "floor").memories()) == ["the file"]
    assert house.check() == []


def test_two_subjects_may_name_a_persona_alike(house: House) -> None:
    with house.cross("mark", "floor") as mark, house.cross("helly", "floor") as helly:
        mark.remember("the file")
        assert list(helly.memories()) == []


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_names_cannot_have_are_refused_everywhere(house: House, name: Any) -> None:
    before = house.status()
    for call in (
        lambda: house.sever(name, ["innie"]),
        lambda: house.sever("mark", ["innie", name]),
        lambda: house.place(name, {}),
        lambda: house.place("floor", {name: "innie"}),
        lambda: house.cross(name, "floor"),
        lambda: house.cross("mark", name),
    ):
        with pytest.raises(InputError):
            call()
    if name is not None:
        with pytest.raises(InputError):
            house.place("floor", {"mark": name})
    assert house.status() == before


def test_personas_are_named_one_by_one(house: House) -> None:
    with pytest.raises(InputError, match="a list of names, not one text"):
        house.sever("mark", "innie")
    with pytest.raises(InputError, match="at least one persona"):
        house.sever("mark", [])


def test_one_name_written_in_two_ways_is_one_name(house: House) -> None:
    house.sever("Ren\u00e9", ["caf\u00e9"])
    assert house.sever("Rene\u0301", ["cafe\u0301"]) == [Persona("Ren\u00e9", "caf\u00e9")]
    house.place("caf\u00e9", {"Ren\u00e9": "caf\u00e9"})
    assert house.cross("Rene\u0301", "cafe\u0301").place == "caf\u00e9"


def test_names_may_be_of_any_script_and_of_a_hundred_characters(house: House) -> None:
    for name in ("馬克", "Ω", "mark s.", "a:b", "🌊", "x" * 100, "..", "%s", "mark'; --"):
        assert house.sever(name, [name]) == [Persona(name, name)]
        house.place(name, {name: name})
        assert house.cross(name, name).persona == name


# Places


def test_a_place_keeps_those_who_are_not_mentioned(house: House) -> None:
    assert house.place("floor", {"mark": "outie"}) == Place("floor", {"helly": "innie", "mark": "outie"})
    assert house.place("floor", {"mark": None}) == Place("floor", {"helly": "innie"})
    assert house.place("lobby", {}) == Place("lobby", {})


def test_an_unknown_persona_changes_no_place(house: House) -> None:
    before = house.status()
    for wakes in ({"mark": "innie", "helly": "outie"}, {"nobody": "innie"}):
        with pytest.raises(NotFoundError):
            house.place("lobby", wakes)
    assert house.status() == before


def test_moving_a_threshold_ends_the_session_that_it_no_longer_wakes_and_never_moves_it(
    house: House, innie: Session
) -> None:
    house.place("floor", {"mark": "innie", "helly": None})
    innie.remember("still here")
    house.place("floor", {"mark": "outie"})
    with pytest.raises(AsleepError, match="cross again"):
        innie.remember("not any more")
    with house.cross("mark", "floor") as outie:
        assert outie.persona == "outie"
        assert list(outie.memories()) == []


# Crossing


def test_who_wakes_is_decided_by_where(house: House) -> None:
    for place, wakes in PLACES.items():
        for subject, persona in wakes.items():
            with house.cross(subject, place) as session:
                assert (session.subject, session.persona, session.place) == (subject, persona, place)


@pytest.mark.parametrize(
    ("subject", "place"),
    [
        ("mark", "nowhere"),
        ("nobody", "floor"),
        ("helly", "home"),
        ("Mark", "floor"),
        ("mark", "Floor"),
        ("mark", "flo"),
    ],
)
def test_where_nobody_wakes_is_one_error_with_nothing_in_it(house: House, subject: str, place: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        house.cross(subject, place)
    assert caught.value.args == ("nobody of that name wakes at a place of that name here",)
    assert vars(caught.value) == {}


def test_another_embedder_wakes_nobody(house: House, folder: Path) -> None:
    with open_house(folder / "store", embedder=Hashing(FEW + 1)) as other:
        with pytest.raises(EmbedderError, match="severance reembed"):
            other.cross("mark", "floor")
        assert other.check() == []
        assert len(other.status().personas) == 3


def test_the_bundled_embedder_is_loaded_only_when_it_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_house(folder).close()
    loaded: list[int] = []

    def bundled() -> Hashing:
        loaded.append(1)
        return Hashing(FEW)

    monkeypatch.setattr("severance.house.bundled", bundled)
    with severance.open(folder / "store", key=bytes(range(32))) as house:
        house.status()
        house.check()
        assert loaded == []
        house.cross("mark", "floor")
        house.cross("mark", "home")
    assert loaded == [1]


# What the owner sees


def test_status_tells_who_wakes_where_and_how_many_records_there_are(house: House, innie: Session) -> None:
    innie.remember_many(["one", "two"])
    house.place("lobby", {"mark": "innie"})
    status = house.status()
    assert status.personas == (
        PersonaStatus("helly", "innie", ("floor",), 1),
        PersonaStatus("mark", "innie", ("floor", "lobby"), 3),
        PersonaStatus("mark", "outie", ("home",), 1),
    )
    assert [persona.writes for persona in status.personas] == [0, 2, 0], "the first record is nobody's"
    assert [place.name for place in status.places] == ["floor", "home", "lobby"]
    assert "store" in status.store


def test_a_house_shows_neither_names_nor_keys(house: House) -> None:
    shown = repr(house) + repr(house._chip) + repr(house._chip.key(Persona("mark", "innie")))
    assert "mark" not in shown
    assert house._chip.key(Persona("mark", "innie")).secret.hex() not in shown


# Closing


def test_closing_puts_everyone_to_sleep_and_serves_nothing_more(house: House, innie: Session, outie: Session) -> None:
    house.close()
    house.close()
    for session in (innie, outie):
        with pytest.raises(AsleepError):
            session.stats()
    for call in (house.status, lambda: house.cross("mark", "floor"), lambda: house.sever("a", ["b"]), house.check):
        with pytest.raises(StoreError, match="closed"):
            call()


def test_closing_goes_on_when_one_of_them_cannot_sleep(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (house.cross("mark", "floor") for _ in range(3))
    second.remember("news")

    def broken(head: object) -> None:
        raise StoreError("the disk fails")

    monkeypatch.setattr(second, "_keep_anchor", broken)
    with pytest.raises(StoreError, match="the disk fails"):
        house.close()
    for session in (first, second, third):
        with pytest.raises(AsleepError):
            session.stats()
    with pytest.raises(StoreError, match="closed"):
        house.status()


def test_a_session_that_was_dropped_is_not_held_by_the_house(house: House) -> None:
    session = house.cross("mark", "floor")
    assert len(house._sessions) == 1
    del session
    gc.collect()
    assert len(house._sessions) == 0


def test_what_was_remembered_is_there_when_the_house_is_opened_again(folder: Path, clock: StillClock) -> None:
    with small_snapshots():
        for number in range(4):
            with make_house(folder, clock=clock) as house, house.cross("mark", "floor") as innie:
                assert len(list(innie.memories())) == number * 3
                innie.remember_many(f"visit {number}: {n}" for n in range(3))
                assert recalled(innie, f"visit {number}")


# Read only


@pytest.fixture
def read_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with one memory, that can be opened for reading only."""
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        innie.remember("the file")
    true = SqliteVault.open.__func__  # type: ignore[attr-defined]

    def opened(cls: type[SqliteVault], path: Path, *, readonly: bool = False, busy: float = 10.0) -> SqliteVault:
        if not readonly:
            raise StoreReadOnlyError("it may not be written")
        found: SqliteVault = true(cls, path, readonly=True, busy=busy)
        return found

    monkeypatch.setattr(SqliteVault, "open", classmethod(opened))
    return folder / "store"


def test_a_store_that_may_not_be_written_can_still_be_recalled_from(read_only: Path) -> None:
    with open_house(read_only) as house, house.cross("mark", "floor") as innie:
        assert recalled(innie, "file") == ["the file"]
        assert len(house.status().personas) == 3
        for call in (
            lambda: innie.remember("more"),
            lambda: innie.forget(next(innie.memories()).id),
            lambda: house.sever("mark", ["scout"]),
            lambda: house.place("lobby", {}),
        ):
            with pytest.raises(StoreReadOnlyError):
                call()
        assert recalled(innie, "file") == ["the file"]


def test_a_store_that_may_not_be_written_wakes_also_where_the_chip_is_behind(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_house(folder) as house:
        innie = house.cross("mark", "floor")
        innie.remember("the file")
        with monkeypatch.context() as patch:
            patch.setattr(innie, "_keep_anchor", lambda head: None)
            innie.sleep()
        chip: Any = house._chip

        def read_only(*given: object, **how: object) -> None:
            raise StoreReadOnlyError("it may not be written")

        monkeypatch.setattr(chip, "set_anchor", read_only)
        with house.cross("mark", "floor") as again:
            assert texts(again.memories()) == ["the file"]


def test_damage_in_one_space_does_not_keep_the_others_from_waking(folder: Path) -> None:
    with make_house(folder) as house:
        with house.cross("mark", "home") as outie:
            outie.remember("dinner")
        space = house._chip.key(Persona("mark", "innie")).space
        house._vault.drop(space)
        with pytest.raises(DamagedError):
            house.cross("mark", "floor")
        assert texts(house.cross("mark", "home").memories()) == ["dinner"]
        assert house.check()


def test_a_name_of_a_million_marks_is_refused_at_once(house: House) -> None:
    """No bound in seconds: if it were normalised first, this test would not end."""
    with pytest.raises(InputError, match="more than 100 characters"):
        house.sever("a" + "\u0315\u0316" * 2_000_000, ["innie"])


def test_a_name_may_come_in_pieces_that_make_a_hundred_characters(house: House) -> None:
    name = "\u1f82" * 100
    assert house.sever(unicodedata.normalize("NFD", name), ["innie"])[0].subject == name
