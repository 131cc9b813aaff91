"""The tools that a model is given: what they keep and find, and that they keep to what a session may."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

import severance
from kit import texts
from severance import NotFoundError, PermitError
from severance.integrations.tools import Tools

if TYPE_CHECKING:
    from severance import House, Session

RIGHTS = ["recall", "remember", "amend"]


def test_what_is_remembered_is_recalled_and_amended(innie: Session) -> None:
    tools = Tools(innie)
    kept = tools.remember("Lunch is at noon.")
    (found,) = tools.recall("when is lunch?")
    assert (found["id"], found["text"], set(found)) == (kept["id"], "Lunch is at noon.", {"id", "at", "text"})
    tools.amend(kept["id"], "Lunch is at one.")
    assert [(each.text, each.source, each.thread) for each in innie.memories()] == [("Lunch is at one.", "agent", None)]


def test_a_permit_for_one_thread_has_tools_in_that_thread(house: House, innie: Session) -> None:
    other = innie.remember("Lunch of another thread is at two.", thread="tuesday")
    permit = severance.weaken(house.permit("mark", "floor", rights=RIGHTS, until="2100-01-01"), threads=["monday"])
    with house.admit(permit) as less:
        with pytest.raises(PermitError):
            Tools(less).recall("lunch")
        with pytest.raises(PermitError):
            Tools(less).remember("Lunch is at noon.")
        tools = Tools(less, thread="monday")
        kept = tools.remember("Lunch is at noon.")
        assert [hit["text"] for hit in tools.recall("lunch")] == ["Lunch is at noon."]
        assert tools.amend(kept["id"], "Lunch is at one.")
        with pytest.raises(NotFoundError):
            tools.amend(other.id, "mine now")
    assert texts(innie.memories(thread="monday")) == ["Lunch is at one."]
    assert texts(innie.memories(thread="tuesday")) == ["Lunch of another thread is at two."]


def test_the_thread_is_no_argument_that_a_model_can_write(innie: Session) -> None:
    tools = Tools(innie, thread="monday")
    arguments = {
        name: list(inspect.signature(getattr(tools, name)).parameters) for name in vars(Tools) if name[0] != "_"
    }
    assert arguments == {"remember": ["text"], "recall": ["query"], "amend": ["id", "text"]}
