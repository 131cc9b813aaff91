"""P2: no call on a session takes the name or the id of another persona's memory as a source."""

from __future__ import annotations

import inspect
import typing

import pytest

from kit import UNKNOWN_ID, recalled, texts
from severance import House, NotFoundError, Session
from severance.model import Persona, Place, Subject

DOORS = ("persona", "subject", "place", "space", "owner", "scope", "session", "house", "user", "who", "self_of", "key")
METHODS = [name for name, member in inspect.getmembers(Session, inspect.isfunction) if not name.startswith("_")]
BY_ID = ("get", "history", "amend", "forget")
MALFORMED = [
    "",
    "a",
    "A" * 30,
    "a" * 29,
    "a" * 31,
    "a a" * 10,
    "ä" * 30,
    "a" * 30 + "\n",
    "0x" + "a" * 28,
    "\0" * 30,
    "%",
    "*",
]


def refusal(session: Session, method: str, memory: str) -> tuple[object, ...]:
    """Everything that can be seen of the error."""
    with pytest.raises(NotFoundError) as caught:
        getattr(session, method)(memory, *(["other"] if method == "amend" else []))
    error = caught.value
    return type(error), error.args, vars(error), str(error), error.__cause__, getattr(error, "__notes__", None)


@pytest.mark.parametrize("method", METHODS)
def test_no_parameter_of_a_session_s_method_names_a_persona_or_a_place(method: str) -> None:
    function = getattr(Session, method)
    parameters = inspect.signature(function).parameters
    assert not {name for name in parameters for door in DOORS if door in name and name != "self"}
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values()), "no argument passes without a name of its own"


@pytest.mark.parametrize("method", METHODS)
def test_no_parameter_of_a_session_s_method_is_of_a_type_that_names_one(method: str) -> None:
    hints = {name: hint for name, hint in inspect.get_annotations(getattr(Session, method)).items() if name != "return"}
    kinds = (Persona, Place, Subject, Session, House)
    assert not [name for name, hint in hints.items() for kind in kinds if kind.__name__ in str(hint)]


def test_a_draft_has_no_field_that_names_one() -> None:
    fields = typing.get_type_hints(__import__("severance").Draft)
    assert not {name for name in fields for door in DOORS if door in name}


@pytest.mark.parametrize("method", BY_ID)
def test_an_id_of_another_persona_is_refused_like_any_id_that_was_never_given(
    innie: Session, outie: Session, method: str
) -> None:
    theirs = outie.remember("the funeral is on Tuesday").id
    innie.remember("the file is at 96 percent")
    never = refusal(innie, method, UNKNOWN_ID)
    assert refusal(innie, method, theirs) == never
    assert refusal(innie, method, theirs.upper()) == never
    assert texts(outie.history(theirs)) == ["the funeral is on Tuesday"]


@pytest.mark.parametrize("method", BY_ID)
@pytest.mark.parametrize("malformed", MALFORMED)
def test_a_malformed_id_is_refused_in_the_same_words(innie: Session, method: str, malformed: str) -> None:
    innie.remember("the file is at 96 percent")
    assert refusal(innie, method, malformed) == refusal(innie, method, UNKNOWN_ID)


@pytest.mark.parametrize("method", BY_ID)
def test_a_forgotten_id_is_refused_in_the_same_words(innie: Session, method: str) -> None:
    gone = innie.remember("the file is at 96 percent").id
    innie.forget(gone)
    assert refusal(innie, method, gone) == refusal(innie, method, UNKNOWN_ID)


@pytest.mark.parametrize("method", BY_ID)
def test_an_id_of_another_subject_at_the_same_place_is_refused(house: House, innie: Session, method: str) -> None:
    with house.cross("helly", "floor") as helly:
        theirs = helly.remember("the file is scary").id
    assert refusal(innie, method, theirs) == refusal(innie, method, UNKNOWN_ID)


def test_filters_for_what_another_persona_has_find_nothing(innie: Session, outie: Session) -> None:
    outie.remember("the funeral", thread="family", source="Ricken", kind="grief", metadata={"case": "gemma"})
    assert recalled(innie, "funeral Ricken family grief gemma") == []
    for filters in ({"thread": "family"}, {"where": {"case": "gemma"}}, {"since": "1970-01-01"}, {}):
        assert recalled(innie, "funeral", **filters) == []
        assert list(innie.memories(**filters)) == []
    assert innie.context("funeral") == ""


@pytest.mark.parametrize(
    "word", ["*", "%", "_", ".*", "mark/outie", "outie", "home", "OR 1=1", "../outie", "\u202eeituo"]
)
def test_no_word_in_a_query_or_filter_reaches_another_persona(innie: Session, outie: Session, word: str) -> None:
    outie.remember("the funeral", thread="family", metadata={"case": "gemma"})
    assert recalled(innie, word) == recalled(innie, "funeral", thread=word) == []
    assert list(innie.memories(where={word: word})) == list(innie.memories(where={"persona": word})) == []


def test_the_same_text_in_two_personas_is_two_memories_that_know_nothing_of_each_other(
    innie: Session, outie: Session
) -> None:
    mine, theirs = innie.remember("we met"), outie.remember("we met")
    assert mine.id != theirs.id
    assert (mine.repeats, theirs.repeats, theirs.echo_of) == (1, 1, None)


def test_crossing_to_where_nobody_wakes_is_one_error_for_whatever_reason(house: House) -> None:
    house.place("home", {"mark": None})
    for subject, place in (("mark", "home"), ("mark", "nowhere"), ("nobody", "floor"), ("helly", "home")):
        with pytest.raises(NotFoundError) as caught:
            house.cross(subject, place)
        assert caught.value.args == ("nobody of that name wakes at a place of that name here",)


def test_a_session_that_has_ended_holds_no_key_and_no_mind(innie: Session) -> None:
    innie.remember("the file is at 96 percent")
    innie.sleep()
    held = [getattr(innie, name) for name in vars(innie)]
    assert innie._space is None
    assert not any("96 percent" in repr(vars(thing)) for thing in held if hasattr(thing, "__dict__"))
    assert len(innie._mind) == 0
