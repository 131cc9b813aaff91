"""A session over HTTP says what a session says: the same nouns, the same errors."""

from __future__ import annotations

import pickle
import sys
from datetime import UTC, date, datetime
from typing import Any

import pytest

import severance
from remote.conftest import Dial
from server.conftest import Shared
from severance import AsleepError, InputError, Memory, NotFoundError, PermitError, Recollection

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a house that is up is POSIX's")


def test_what_is_remembered_is_recalled_in_the_words_of_the_library(inside: Any) -> None:
    at = datetime(2024, 5, 31, 18, tzinfo=UTC)
    kept = inside.remember(
        "The list is in the blue folder.", at=at, thread="monday", source="Helly", metadata={"desk": 3}, pinned=True
    )
    assert type(kept) is Memory
    assert (kept.at, kept.thread, kept.source, dict(kept.metadata), kept.pinned) == (
        at,
        "monday",
        "Helly",
        {"desk": 3},
        True,
    )
    (hit,) = inside.recall("where is the list?", limit=1, where={"desk": 3}, since=date(2024, 5, 31), thread="monday")
    assert type(hit) is Recollection
    assert hit.memory == inside.get(kept.id) == kept
    assert hit.reasons
    assert "blue folder" in inside.context("the list", tokens=100)
    assert inside.recall("the list", until="2024-05-30") == []
    inside.forget(kept.id)


def test_a_memory_is_amended_and_has_a_history_and_is_forgotten(inside: Any) -> None:
    kept = inside.remember("first", thread="a", source="b")
    changed = inside.amend(kept.id, "second", thread="", metadata={"x": None}, at="2024-05-31")
    assert (changed.text, changed.thread, changed.source, changed.supersedes) == ("second", None, "b", kept.id)
    assert [each.text for each in inside.history(changed.id)] == ["first", "second"]
    assert inside.forget(changed.id) == 2
    for call in (inside.get, inside.history, inside.forget, lambda gone: inside.amend(gone, "third")):
        with pytest.raises(NotFoundError):
            call(changed.id)


def test_one_memory_that_cannot_be_is_refused_as_a_session_in_this_process_does(inside: Any) -> None:
    for text in ("", "x" * 70_000):
        with pytest.raises(InputError) as raised:
            inside.remember(text)
        assert not str(raised.value).startswith("item")
    with pytest.raises(InputError, match=r"^item 1: "):
        inside.remember_many(["fine", ""])


def test_many_are_kept_in_their_order_and_given_page_by_page(inside: Any) -> None:
    kept = inside.remember_many(
        {"text": f"note {number}", "at": f"2020-01-01T00:00:{number % 60:02}", "thread": "many"}
        for number in range(130)
    )
    assert [memory.text for memory in kept] == [f"note {number}" for number in range(130)]
    found = [memory.id for memory in inside.memories(thread="many")]
    assert len(found) == 130
    assert {*found} == {memory.id for memory in kept}
    assert next(iter(inside.memories(thread="many"))).id == found[0]
    assert list(inside.memories(thread="nowhere", where={"a": "ü?&="}, since="2020-01-01", as_of="2030-01-01")) == []
    assert inside.stats()["memories"] >= 130
    for memory in kept:
        inside.forget(memory.id)


def test_more_than_a_request_holds_goes_in_several(inside: Any) -> None:
    texts = [f"{number} " + "x" * 60_000 for number in range(60)]
    kept = inside.remember_many(texts)
    assert [memory.text for memory in kept] == texts
    for memory in kept:
        inside.forget(memory.id)


def test_what_cannot_be_meant_is_refused_before_anything_is_sent(inside: Any) -> None:
    before = inside.stats()
    for call in (
        lambda: inside.remember(" "),
        lambda: inside.remember("x", at="yesterday-ish"),
        lambda: inside.remember_many(["good", ""]),
        lambda: inside.remember_many("one text"),
        lambda: inside.recall(""),
        lambda: inside.recall("x", limit=0),
        lambda: inside.events(limit=0),
        lambda: inside.context("x", tokens=1),
    ):
        with pytest.raises(InputError):
            call()
    assert inside.stats() == before


@pytest.mark.parametrize(
    "filters", [{"thread": 5}, {"since": 5}, {"where": 5}, {"where": {"a": object()}}, {"since": "2", "until": "1"}]
)
def test_a_filter_that_cannot_be_meant_is_refused_as_a_session_in_this_process_does(
    inside: Any, filters: dict[str, Any]
) -> None:
    for ask in (lambda: list(inside.memories(**filters)), lambda: inside.recall("x", **filters)):
        with pytest.raises(InputError):
            ask()


@pytest.mark.parametrize("id", ["", ".", "..", "../..", "0" * 30, "a/b", "?x=1", "#", "ü", 7, None, "x" * 5_000])
def test_no_id_leads_out_of_the_session(inside: Any, id: Any) -> None:  # noqa: A002
    for call in (inside.get, inside.history, inside.forget):
        with pytest.raises((NotFoundError, InputError)):
            call(id)


def test_the_persona_is_told_what_was_done_with_its_doors(inside: Any) -> None:
    assert inside.notices() == ()
    events = inside.events(limit=5)
    assert events
    assert {type(each) for each in events} == {severance.PersonaEvent}
    assert (inside.subject, inside.persona, inside.place) == ("mark", "innie", "floor")
    assert "new model context" in inside.new_context


def test_personas_are_apart(shared: Shared, dial: Dial) -> None:
    with dial(shared.server.url, shared.permit()).cross() as innie:
        kept = innie.remember("of the innie alone")
        with dial(shared.server.url, shared.permit(place="home")).cross() as outie:
            assert outie.persona != innie.persona
            assert kept.id not in {memory.id for memory in outie.memories()}
            with pytest.raises(NotFoundError):
                outie.get(kept.id)
        innie.forget(kept.id)


def test_a_right_that_is_missing_is_an_error_of_its_own(shared: Shared, dial: Dial) -> None:
    with dial(shared.server.url, shared.permit("recall")).cross() as session, pytest.raises(PermitError):
        session.remember("nothing")


def test_what_opens_nothing_opens_nothing(shared: Shared, dial: Dial) -> None:
    with pytest.raises(NotFoundError):
        dial(shared.server.url, "sev1.nothing.nothing").cross()


def test_asleep_is_asleep(shared: Shared, dial: Dial) -> None:
    session = dial(shared.server.url, shared.permit()).cross()
    session.sleep()
    session.sleep()
    with pytest.raises(AsleepError):
        session.recall("anything")
    with pytest.raises(AsleepError):
        list(session.memories())
    assert "asleep" in repr(session)


def test_a_session_that_the_server_ended_is_asleep(shared: Shared, dial: Dial) -> None:
    permit = shared.permit()
    session = dial(shared.server.url, permit).cross()
    held = getattr(session, "held", session)
    shared.server.client(permit).delete(f"/v1/sessions/{held._id}")
    with pytest.raises((AsleepError, NotFoundError)):
        session.recall("anything")
    session.sleep()


def test_nothing_of_it_can_be_copied(shared: Shared, dial: Dial, inside: Any) -> None:
    client = dial(shared.server.url, shared.permit())
    for each in (client, inside):
        with pytest.raises(TypeError, match="cannot be copied"):
            pickle.dumps(getattr(each, "held", each))


def test_whether_somebody_could_be_let_in(shared: Shared, dial: Dial) -> None:
    assert dial(shared.server.url, "x").ready()
    assert not dial("http://127.0.0.1:9", "x", patience=0).ready()
