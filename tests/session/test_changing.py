"""Amending keeps what was known then; forgetting keeps nothing."""

from __future__ import annotations

from typing import Any

import pytest

from kit import dump, events_of, recalled, texts
from severance import House, InputError, NotFoundError, Session
from severance.barrier.traces.ports import NOON, StillClock, small_snapshots
from severance.model import moment
from severance.records import Forgotten


def test_an_amended_memory_has_the_new_text_and_the_old_rest(innie: Session, clock: StillClock) -> None:
    said: dict[str, Any] = {"thread": "t", "source": "s", "kind": "k", "metadata": {"a": 1}, "pinned": True}
    first = innie.remember("96 percent", at="2024-05-01", **said)
    clock.tick()
    second = innie.amend(first.id, "97 percent")
    assert (second.text, second.supersedes, second.recorded) == ("97 percent", first.id, moment(clock.at))
    assert {name: getattr(second, name) for name in said} == said
    assert (second.at, second.repeats) == (first.at, 1)
    assert innie.get(first.id).superseded_by == second.id


@pytest.mark.parametrize(
    "change",
    [
        {"text": "b"},
        {"at": "2024-05-02"},
        {"thread": "u"},
        {"source": "v"},
        {"kind": "w"},
        {"pinned": True},
        {"metadata": {}},
        {"metadata": {"a": True}},
        {"metadata": {"a": 1.0}},
        {"metadata": {"a": 1, "b": 2}},
    ],
)
def test_each_field_can_be_amended(innie: Session, change: dict[str, Any]) -> None:
    first = innie.remember("a", at="2024-05-01", metadata={"a": 1})
    second = innie.amend(first.id, **change)
    assert second.id != first.id
    for name, value in change.items():
        found = getattr(second, name)
        found = dict(found) if name == "metadata" else f"{found:%Y-%m-%d}" if name == "at" else found
        assert repr(found) == repr(value), "true is not 1, and 1 is not 1.0"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"text": "a"},
        {"at": "2024-05-01"},
        {"at": "2024-05-01T02:00+02:00"},
        {"metadata": {"b": 2, "a": 1}},
        {"pinned": False},
        {"kind": "note"},
    ],
)
def test_a_change_that_changes_nothing_writes_nothing(innie: Session, change: dict[str, Any]) -> None:
    first = innie.remember("a", at="2024-05-01", metadata={"a": 1, "b": 2})
    assert innie.amend(first.id, **change) == first
    assert innie.stats()["records"] == 2


def test_amending_any_version_amends_the_current_one(innie: Session) -> None:
    first = innie.remember("one")
    second = innie.amend(first.id, "two")
    third = innie.amend(first.id, "three")
    assert third.supersedes == second.id
    for version in (first, second, third):
        assert texts(innie.history(version.id)) == ["one", "two", "three"]
    assert texts(innie.memories()) == ["three"]


def test_recall_finds_the_version_of_then(innie: Session, clock: StillClock) -> None:
    first = innie.remember("the file is at 1 percent")
    for percent in (2, 3):
        clock.tick(60)
        innie.amend(first.id, f"the file is at {percent} percent")
    for minute, percent in ((0, 1), (1, 2), (1.5, 2), (2, 3), (99, 3)):
        then = moment(NOON + int(minute * 60_000_000))
        assert recalled(innie, "file percent", as_of=then) == [f"the file is at {percent} percent"]
    assert recalled(innie, "file percent") == ["the file is at 3 percent"]
    assert recalled(innie, "file percent", as_of=moment(NOON - 1)) == []


def test_what_was_superseded_can_be_remembered_anew(innie: Session) -> None:
    first = innie.remember("waffles")
    innie.amend(first.id, "eggs")
    anew = innie.remember("waffles")
    assert anew.id != first.id
    assert sorted(texts(innie.memories())) == ["eggs", "waffles"]


@pytest.mark.parametrize(
    "change", [{"text": ""}, {"text": "a\0"}, {"kind": " "}, {"at": "soon"}, {"metadata": {"a": []}}, {"pinned": 1}]
)
def test_an_amendment_that_cannot_be_kept_changes_nothing(innie: Session, change: dict[str, Any]) -> None:
    first = innie.remember("a")
    with pytest.raises(InputError):
        innie.amend(first.id, **change)
    assert innie.history(first.id) == [first]


def test_forgetting_forgets_every_version_and_says_how_many(innie: Session) -> None:
    first = innie.remember("one")
    second = innie.amend(first.id, "two")
    kept = innie.remember("three")
    assert innie.forget(first.id) == 2
    for gone in (first.id, second.id):
        for method in (innie.get, innie.history, innie.forget, innie.amend):
            with pytest.raises(NotFoundError):
                method(gone)
    assert list(innie.memories()) == [kept]
    assert innie.stats()["versions"] == 1


def test_every_record_of_a_forgotten_memory_is_erased_from_the_vault(house: House, innie: Session, folder: Any) -> None:
    first = innie.remember("one")
    innie.remember("one")
    innie.remember("between")
    innie.amend(first.id, "two")
    innie.remember("two")
    innie.forget(first.id)
    (said,) = (event for event in events_of(house) if isinstance(event, Forgotten))
    assert said.seqs == [2, 3, 5, 6]
    rows = [row for row in dump(folder / "store" / "vault.db")["records"] if row[0] == innie._space.key.space]  # type: ignore[union-attr]
    assert [row[1] for row in rows if row[2] is None] == [2, 3, 5, 6]
    assert house.check() == []


def test_what_was_forgotten_stays_forgotten_after_sleep_with_or_without_a_snapshot(house: House) -> None:
    with small_snapshots():
        with house.cross("mark", "floor") as innie:
            kept = innie.remember_many(["one", "two", "three", "four", "five"])
        with house.cross("mark", "floor") as innie:
            innie.forget(kept[2].id)
            assert texts(innie.memories()) == ["one", "two", "four", "five"]
        for _ in range(2):
            with house.cross("mark", "floor") as innie:
                assert texts(innie.memories()) == ["one", "two", "four", "five"]
                innie.remember_many(["six", "seven", "eight", "nine"])
                innie.forget(innie.remember("six").id)
                for memory in list(innie.memories()):
                    if memory.text in ("seven", "eight", "nine"):
                        innie.forget(memory.id)
    assert house.check() == []


def test_what_was_forgotten_can_be_remembered_anew(innie: Session) -> None:
    first = innie.remember("waffles")
    innie.remember("waffles")
    innie.forget(first.id)
    anew = innie.remember("waffles")
    assert anew.id != first.id
    assert anew.repeats == 1


def test_the_middle_of_a_history_goes_with_the_rest(innie: Session) -> None:
    first = innie.remember("one")
    second = innie.amend(first.id, "two")
    innie.amend(first.id, "three")
    assert innie.forget(second.id) == 3
    assert list(innie.memories()) == []
