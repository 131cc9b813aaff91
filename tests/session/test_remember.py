"""Remembering: what is kept, what counts as the same again, and what is refused."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit import events_of, recalled, texts
from severance import Draft, EmbedderError, House, InputError, Session
from severance.barrier.traces.ports import NOON, StillClock
from severance.drafts import is_blank
from severance.model import moment
from severance.records import Remembered, Repeated
from severance.session import _BATCH


def test_what_is_remembered_comes_back_with_every_field(innie: Session) -> None:
    memory = innie.remember(
        "the file is at 96 percent",
        at="2024-05-31T18:00+02:00",
        thread="monday",
        source="Irving",
        kind="fact",
        metadata={"n": 1, "x": 1.5, "yes": True, "none": None, "word": "Ω"},
        pinned=True,
    )
    assert innie.get(memory.id) == memory
    assert memory.at == datetime(2024, 5, 31, 16, tzinfo=UTC)
    assert memory.recorded == moment(NOON)
    assert (memory.thread, memory.source, memory.kind, memory.pinned) == ("monday", "Irving", "fact", True)
    assert memory.metadata == {"n": 1, "x": 1.5, "yes": True, "none": None, "word": "Ω"}
    assert (memory.repeats, memory.echo_of, memory.supersedes, memory.superseded_by) == (1, None, None, None)


def test_what_is_not_said_has_its_usual_value(innie: Session) -> None:
    memory = innie.remember("the file")
    assert (memory.at, memory.kind, memory.pinned) == (moment(NOON), "note", False)
    assert (memory.thread, memory.source, dict(memory.metadata)) == (None, None, {})


text = (
    st.text(min_size=1, max_size=40)
    .filter(lambda t: "\0" not in t and not is_blank(t))
    .filter(lambda t: not any("\ud800" <= c <= "\udfff" for c in t))
)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=text, thread=st.none() | text, metadata=st.dictionaries(text, st.none() | st.booleans() | text, max_size=3))
def test_any_text_comes_back_to_the_letter(
    house: House, text: str, thread: str | None, metadata: dict[str, Any]
) -> None:
    with house.cross("mark", "floor") as first:
        kept = first.remember(text, thread=thread, metadata=metadata)
    with house.cross("mark", "floor") as again:
        assert again.get(kept.id) == kept
    assert (kept.text, kept.thread, kept.metadata) == (text, thread, metadata)


def test_exactly_the_same_again_is_counted_and_not_kept_twice(innie: Session, clock: StillClock) -> None:
    said = {"thread": "monday", "source": "Irving", "metadata": {"a": 1, "b": 2}}
    first = innie.remember("waffles", **said)
    clock.tick()
    again = innie.remember("waffles", **{**said, "metadata": {"b": 2, "a": 1}})
    assert (again.id, again.repeats, again.recorded) == (first.id, 2, first.recorded)
    assert innie.stats()["memories"] == 1
    assert innie.stats()["repeats"] == 1


@pytest.mark.parametrize(
    "other",
    [
        {"thread": "tuesday"},
        {"thread": None},
        {"source": "Dylan"},
        {"kind": "fact"},
        {"metadata": {"a": True}},
        {"metadata": {"a": 1.0}},
        {"metadata": {}},
    ],
)
def test_what_differs_in_any_field_is_another_memory(innie: Session, other: dict[str, Any]) -> None:
    said: dict[str, Any] = {"thread": "monday", "source": "Irving", "metadata": {"a": 1}}
    first, second = innie.remember("waffles", **said), innie.remember("waffles", **{**said, **other})
    assert first.id != second.id
    assert first.repeats == second.repeats == 1
    together = innie.remember_many([{"text": "eggs", **said}, {"text": "eggs", **said, **other}])
    assert together[0].id != together[1].id


def test_repeats_are_counted_within_one_batch(house: House, innie: Session) -> None:
    kept = innie.remember_many(["waffles", "eggs", "waffles", "waffles"])
    assert [memory.id for memory in kept] == [kept[0].id, kept[1].id, kept[0].id, kept[0].id]
    assert [memory.repeats for memory in kept] == [3, 1, 3, 3]
    assert [type(event) for event in events_of(house)[1:]] == [Remembered, Remembered, Repeated, Repeated]


def test_many_are_kept_in_order_from_texts_mappings_and_drafts(innie: Session) -> None:
    kept = innie.remember_many(iter(["one", {"text": "two", "pinned": True}, Draft(text="three", thread="t")]))
    assert texts(kept) == ["one", "two", "three"]
    assert (kept[1].pinned, kept[2].thread) == (True, "t")
    assert innie.remember_many([]) == []


def test_more_than_a_batch_is_kept_in_several_appends(house: House, innie: Session) -> None:
    kept = innie.remember_many(f"memory {n}" for n in range(_BATCH + 3))
    assert len({memory.id for memory in kept}) == _BATCH + 3
    assert innie.stats()["records"] == 1 + _BATCH + 3
    assert house.check() == []


def test_one_bad_item_and_nothing_is_kept(innie: Session) -> None:
    with pytest.raises(InputError, match=r"item 2: the text is empty"):
        innie.remember_many(["one", "two", " ", "four"])
    assert innie.stats()["records"] == 1


@pytest.mark.parametrize("items", ["waffles", {"text": "waffles"}])
def test_one_text_is_not_taken_for_many(innie: Session, items: Any) -> None:
    with pytest.raises(InputError):
        innie.remember_many(items)
    assert innie.stats()["records"] == 1


UNSEEN = [
    *("\u3164", "\u115f", "\u1160", "\uffa0", "\u2800", "\u200b", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u17b4"),
    *("\ufe0f", "\u180e", "\U000e0100", "\U000e0041", "\x1b", "\x85", " \u3164\u2800\n\u200d\u3000"),
]


@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
def test_what_cannot_be_seen_is_refused_like_nothing(house: House, innie: Session, unseen: str) -> None:
    with pytest.raises(InputError, match="the text is empty; there is nothing to remember"):
        innie.remember(unseen)
    with pytest.raises(InputError, match="the query is empty; say what to look for"):
        innie.recall(unseen)
    with pytest.raises(InputError, match="the kind is empty"):
        innie.remember("waffles", kind=unseen)
    for label in ("thread", "source"):
        with pytest.raises(InputError, match=f"the {label} has nothing that can be seen"):
            innie.remember("waffles", **{label: unseen})
    kept = innie.remember("waffles")
    with pytest.raises(InputError, match="the text is empty"):
        innie.amend(kept.id, unseen)
    with pytest.raises(InputError, match="needs a name"):
        house.sever(unseen, ["innie"])
    assert innie.stats()["records"] == 2


@pytest.mark.parametrize("unseen", [unseen for unseen in UNSEEN if unseen.isprintable() or unseen > "~"], ids=ascii)
def test_a_text_that_merely_has_it_stays_as_it_is(innie: Session, unseen: str) -> None:
    said = f"{unseen}waffles{unseen}"
    kept = innie.remember(said, thread=said, source=said, kind=said)
    assert (kept.text, kept.thread, kept.source, kept.kind) == (said,) * 4
    assert innie.recall(said)[0].memory == kept


@pytest.mark.parametrize("seen", ["?", "🙂", "ㅤ가", "́", "⠁", "\ue000", "☐", "一", "་"])
def test_a_mark_that_can_be_seen_is_a_text(innie: Session, seen: str) -> None:
    assert innie.remember(seen).text == seen
    innie.recall(seen)


def test_what_an_earlier_version_kept_unseen_can_be_amended(innie: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("severance.drafts.is_blank", lambda text: not text.strip())
        kept = innie.remember("\u3164")
    assert innie.amend(kept.id, "waffles").text == "waffles"


class Kind(StrEnum):
    FACT = "fact"


class Words(str):
    __slots__ = ()


def test_what_is_a_kind_of_text_or_number_is_kept_as_one(innie: Session) -> None:
    metadata = {Words("w"): Words("x"), "n": np.float64(0.5), "k": Kind.FACT}
    memory = innie.remember(Words("waffles"), kind=Kind.FACT, thread=Words("t"), metadata=metadata)
    assert innie.get(memory.id) == memory
    assert dict(memory.metadata) == {"w": "x", "n": 0.5, "k": "fact"}
    assert (memory.text, memory.kind, memory.thread) == ("waffles", "fact", "t")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"text": ""}, "the text is empty"),
        ({"text": " \n\t"}, "the text is empty"),
        ({"text": "a\0b"}, "NUL"),
        ({"text": "\ud800"}, "surrogate"),
        ({"text": "a" * 65_537}, "65,537 bytes"),
        ({"text": "ä" * 32_769}, "65,538 bytes"),
        ({"text": 5}, "the text must be text"),
        ({"text": b"bytes"}, "the text must be text"),
        ({"text": None}, "the text must be text"),
        ({"thread": "t" * 513}, "the thread has 513 bytes"),
        ({"thread": 5}, "the thread must be text"),
        ({"source": "a\0"}, "the source contains a NUL"),
        ({"kind": ""}, "the kind is empty"),
        ({"kind": "  "}, "the kind is empty"),
        ({"thread": " "}, "the thread has nothing that can be seen; leave it out, or name it"),
        ({"thread": "t" * 513}, "at most 512 are kept, so shorten it"),
        ({"text": "a" * 65_537}, "at most 65,536 are kept, so split it"),
        ({"at": "soon"}, "not a date or time"),
        ({"at": 1717243200}, "at must be a date or time"),
        ({"at": "9999-12-31T23:00-05:00"}, "not a date or time"),
        ({"at": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))}, "after the year 9999"),
        ({"at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))}, "before the year 1"),
        ({"metadata": "a=1"}, "metadata must be a mapping"),
        ({"metadata": {"a": [1]}}, "a metadata value must be text"),
        ({"metadata": {"a": {}}}, "a metadata value must be text"),
        ({"metadata": {"a": float("nan")}}, "not a finite number"),
        ({"metadata": {"a": float("inf")}}, "not a finite number"),
        ({"metadata": {"a": 2**63}}, "beyond 64 bits"),
        ({"metadata": {5: "a"}}, "a metadata name must be text"),
        ({"metadata": {"a": "\0"}}, "a metadata value contains a NUL"),
        ({"metadata": {str(n): "x" * 100 for n in range(200)}}, "larger than 16,384 bytes"),
        ({"pinned": 1}, "pinned is either true or false"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(
    innie: Session, fields: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        innie.remember(**{"text": "waffles", **fields})
    with pytest.raises(InputError, match=problem):
        innie.remember_many([{"text": "waffles", **fields}])
    assert innie.stats()["records"] == 1
    assert list(innie.memories()) == []


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (5, "a memory is a text"),
        ({}, "needs a text"),
        ({"text": "a", "id": "b"}, "no field of that name"),
        (None, "a memory is a text"),
        (["a"], "a memory is a text"),
    ],
)
def test_what_is_no_memory_at_all_is_refused(innie: Session, item: Any, problem: str) -> None:
    with pytest.raises(InputError, match=f"item 0: .*{problem}"):
        innie.remember_many([item])


@pytest.mark.parametrize(
    ("at", "meant"),
    [
        ("2024-05-31", datetime(2024, 5, 31, tzinfo=UTC)),
        (date(2024, 5, 31), datetime(2024, 5, 31, tzinfo=UTC)),
        (datetime(2024, 5, 31, 18), datetime(2024, 5, 31, 18, tzinfo=UTC)),
        ("2024-05-31T18:00:00.123456Z", datetime(2024, 5, 31, 18, 0, 0, 123456, tzinfo=UTC)),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_times_are_read_and_kept_in_utc(innie: Session, at: Any, meant: datetime) -> None:
    kept = innie.remember("waffles", at=at)
    assert kept.at == meant
    assert kept.at.utcoffset() == timedelta(0)
    assert innie.get(kept.id) == kept


def test_what_recall_has_just_returned_is_marked_as_an_echo_and_does_not_take_its_place(innie: Session) -> None:
    first = innie.remember("Irving dreams of black paint in the hallway")
    assert recalled(innie, "what does Irving dream of") == [first.text]
    echo = innie.remember("As I said, Irving dreams of black paint in the hallway.")
    assert echo.echo_of == first.id
    assert innie.stats()["echoes"] == 1
    assert recalled(innie, "Irving dreams of black paint") == [first.text]
    assert innie.forget(first.id) == 1
    assert innie.get(echo.id).echo_of is None


def test_what_was_not_recalled_before_is_no_echo(house: House, innie: Session) -> None:
    innie.remember("Irving dreams of black paint in the hallway")
    assert innie.remember("Irving dreams of black paint in the hallway.").echo_of is None
    recalled(innie, "Irving dreams")
    with house.cross("mark", "floor") as other:
        assert other.remember("Irving dreams of black paint in the hallway!").echo_of is None


@pytest.mark.parametrize("shape", [(0, 40), (2, 40), (1, 39), (40,)])
def test_an_embedder_that_returns_something_else_keeps_nothing(
    innie: Session, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    monkeypatch.setattr(innie._embedder, "embed", lambda texts: np.zeros(shape, np.float32), raising=False)
    with pytest.raises(EmbedderError):
        innie.remember("waffles")
    monkeypatch.undo()
    assert innie.stats()["records"] == 1


def test_a_memory_cannot_be_changed_in_hand(innie: Session) -> None:
    memory = innie.remember("waffles", metadata={"a": 1})
    with pytest.raises(dataclasses.FrozenInstanceError):
        memory.text = "eggs"  # type: ignore[misc]
    given: dict[str, Any] = {"a": 1}
    kept = innie.remember("eggs", metadata=given)
    given["a"] = 2
    assert innie.get(kept.id).metadata == {"a": 1}


def test_what_remember_returns_is_what_get_returns(innie: Session) -> None:
    innie.recall("the file")
    items = ["a", {"text": "b", "metadata": {"x": 1, "y": None}, "pinned": True}, {"text": "c", "thread": "t"}, "a"]
    kept = [*innie.remember_many(items), innie.remember("d", source="Helly", at="2024-02-29", kind="fact")]
    assert kept == [innie.get(memory.id) for memory in kept]
