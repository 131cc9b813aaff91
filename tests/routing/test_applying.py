"""Doing what a plan says: each item to its persona and nowhere else, once, however often it is begun."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import make_house, texts
from severance import House, InputError, NotFoundError, StoreFullError
from severance.model import Memory
from severance.routing import Carried, Plan, Remembered, applying, carry_out
from severance.routing.sources import Files
from severance.session import Session
from severance.transfer.ingest import BATCH


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with make_house(tmp_path) as made:
        yield made


def source(tmp_path: Path, *entries: object) -> Path:
    path = tmp_path / "memories.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def planned(path: Path, *personas: str | None) -> Plan:
    """A plan that gives each item of a file to these, in order."""
    names = [piece.name for piece in Files([(path, "jsonl")]).pieces()]
    return Plan("mark", ((str(path), "jsonl"),), {}, None, dict(zip(names, personas, strict=True)))


def moving(house: House, place: str, chosen: dict[str, str | None]) -> Plan:
    """A plan for what is remembered at a place: text to persona."""
    with house.cross("mark", place) as session:
        pieces = list(Remembered(session).pieces())
    return Plan("mark", (), {}, place, {p.name: chosen.get(p.item.draft.text) for p in pieces})


def done(house: House, plan: Plan) -> Carried:
    carried = Carried()
    for _ in carry_out(house, plan, carried):
        pass
    return carried


def remembered(house: House, place: str) -> list[Memory]:
    with house.cross("mark", place) as session:
        return list(session.memories())


def test_each_item_goes_where_the_plan_has_it(house: House, tmp_path: Path) -> None:
    path = source(tmp_path, "one", "two", "three", {"no": "text"})
    carried = done(house, planned(path, "innie", None, "outie"))
    assert (texts(remembered(house, "floor")), texts(remembered(house, "home"))) == (["one"], ["three"])
    assert (carried.moved, carried.there) == ({"innie": 1, "outie": 1}, {"innie": 0, "outie": 0})
    assert (carried.unsure, carried.missing, carried.unplanned, carried.skipped) == (1, 0, 0, 1)
    assert carried.finished


def test_a_second_time_adds_nothing(house: House, tmp_path: Path) -> None:
    plan = planned(source(tmp_path, "one", "two"), "innie", "outie")
    done(house, plan)
    again = done(house, plan)
    assert (again.moved, again.there) == ({"innie": 0, "outie": 0}, {"innie": 1, "outie": 1})
    assert len(remembered(house, "floor")) == len(remembered(house, "home")) == 1


def test_what_an_import_of_the_same_file_brought_does_not_come_again(house: House, tmp_path: Path) -> None:
    path = source(tmp_path, {"text": "one", "at": "2024-05-31", "thread": "t", "source": "s"})
    done(house, planned(path, "innie"))
    kept = remembered(house, "floor")[0]
    assert (kept.at.date().isoformat(), kept.thread, kept.source) == ("2024-05-31", "t", "s")
    assert str(kept.metadata["origin"]).startswith("jsonl:")


def test_a_source_that_has_changed_since_is_counted_and_not_guessed(house: House, tmp_path: Path) -> None:
    plan = planned(source(tmp_path, "one", "two"), "innie", "innie")
    source(tmp_path, "one", "new")
    carried = done(house, plan)
    assert texts(remembered(house, "floor")) == ["one"]
    assert (carried.missing, carried.unplanned) == (1, 1)


def test_a_persona_without_a_place_stops_everything_in_one_sentence(house: House, tmp_path: Path) -> None:
    house.sever("mark", ["third"])
    plan = planned(source(tmp_path, "one", "two"), "innie", "third")
    with pytest.raises(InputError, match="third wakes at no place"):
        done(house, plan)
    assert remembered(house, "floor") == []


def test_a_source_that_cannot_be_read_stops_everything(house: House, tmp_path: Path) -> None:
    path = source(tmp_path, "one")
    plan = planned(path, "innie")
    path.unlink()
    with pytest.raises(InputError, match="nothing at"):
        done(house, plan)
    with pytest.raises(NotFoundError, match="no subject"):
        done(house, Plan("nobody", (), {}, "floor"))


def test_a_place_where_another_wakes_is_not_taken(house: House, tmp_path: Path) -> None:
    house.sever("mark", ["third"])
    house.apply_thresholds(
        """
        rule = [
          {subject = "mark", place = "attic", persona = "third", host = "no-such-host"},
          {subject = "mark", place = "attic", persona = "outie"},
          {subject = "mark", place = "floor", persona = "innie"},
          {subject = "mark", place = "home", persona = "outie"},
        ]
        """
    )
    with pytest.raises(NotFoundError, match="third does not wake at any of its places now"):
        done(house, planned(source(tmp_path, "one"), "third"))
    assert remembered(house, "home") == []


def test_from_a_persona_each_goes_to_the_other_and_is_forgotten_by_the_first(house: House) -> None:
    with house.cross("mark", "home") as outie:
        fields = {"at": "2024-05-31", "thread": "t", "source": "s", "metadata": {"desk": 3}}
        first = outie.remember("the file", **fields)  # type: ignore[arg-type]
        outie.remember("the file", **fields)  # type: ignore[arg-type]
        outie.amend(first.id, "the file is done")
        outie.remember("dinner", pinned=True)
    carried = done(house, moving(house, "home", {"the file is done": "innie", "dinner": None}))
    (moved,) = remembered(house, "floor")
    assert (moved.text, moved.thread, moved.source, moved.metadata["desk"]) == ("the file is done", "t", "s", 3)
    assert moved.at.date().isoformat() == "2024-05-31"
    assert texts(remembered(house, "home")) == ["dinner"]
    assert (carried.moved, carried.forgotten, carried.unsure) == ({"innie": 1}, 1, 1)
    with house.cross("mark", "home") as outie, pytest.raises(NotFoundError):
        outie.history(first.id)


def test_what_is_given_to_the_persona_that_has_it_stays(house: House) -> None:
    with house.cross("mark", "home") as outie:
        kept = outie.remember("dinner")
    carried = done(house, moving(house, "home", {"dinner": "outie"}))
    assert [memory.id for memory in remembered(house, "home")] == [kept.id]
    assert carried.forgotten == 0


def test_memories_that_say_they_are_one_are_both_moved(house: House) -> None:
    """An origin is a word that anybody may write; forgetting by it would lose one of these."""
    with house.cross("mark", "home") as outie:
        for text in ("one", "two"):
            outie.remember(text, metadata={"origin": "mbox:same"})
            outie.remember(f"{text} more", metadata={"origin": "a word of mine"})
    everything = ["one", "one more", "two", "two more"]
    done(house, moving(house, "home", dict.fromkeys(everything, "innie")))
    assert sorted(texts(remembered(house, "floor"))) == everything
    assert remembered(house, "home") == []


def test_the_other_has_it_before_the_first_forgets(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with house.cross("mark", "home") as outie:
        outie.remember_many(["one", "two"])
    plan = moving(house, "home", {"one": "innie", "two": "innie"})

    def full(self: Session, items: object) -> None:
        raise StoreFullError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Session, "remember_many", full)
        with pytest.raises(StoreFullError):
            done(house, plan)
    assert sorted(texts(remembered(house, "home"))) == ["one", "two"]
    with monkeypatch.context() as patch:
        patch.setattr(Session, "forget", lambda self, id: (_ for _ in ()).throw(StoreFullError("full")))  # noqa: A006
        with pytest.raises(StoreFullError):
            done(house, plan)
    assert sorted(texts(remembered(house, "home"))) == sorted(texts(remembered(house, "floor"))) == ["one", "two"]
    again = done(house, plan)
    assert (again.moved, again.there, again.forgotten) == ({"innie": 0}, {"innie": 2}, 2)
    assert (len(remembered(house, "home")), len(remembered(house, "floor"))) == (0, 2)


def test_a_caller_that_stops_keeps_what_was_taken_in(house: House, tmp_path: Path) -> None:
    entries = [f"memory {number}" for number in range(3 * BATCH)]
    plan = planned(source(tmp_path, *entries), *["innie"] * len(entries))
    carried = Carried()
    steps = carry_out(house, plan, carried)
    while not (kept := len(remembered(house, "floor"))):
        next(steps)
    steps.close()
    assert not carried.finished
    assert kept <= carried.moved["innie"] < len(entries)
    rest = done(house, plan)
    assert rest.moved["innie"] + rest.there["innie"] == len(entries) == len(remembered(house, "floor"))


def test_the_log_tells_of_both_ends_of_a_move(house: House) -> None:
    with house.cross("mark", "home") as outie:
        outie.remember("one")
    done(house, moving(house, "home", {"one": "innie"}))
    told = [(event.what, event.persona) for event in house.events()]
    assert [each for each in told if each[0] in ("exported", "imported")] == [
        ("exported", "outie"),
        ("imported", "innie"),
    ]


def test_places_at_which_a_persona_always_wakes_come_first(house: House) -> None:
    house.apply_thresholds(
        """
        rule = [
          {subject = "mark", place = "attic", persona = "innie", host = "*"},
          {subject = "mark", place = "floor", persona = "innie"},
        ]
        """
    )
    assert applying.places(house, "mark") == {"innie": ("floor", "attic"), "outie": ()}
