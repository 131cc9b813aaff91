"""Pydantic AI: its own agents, with the function model that it ships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import severance
from kit import recalled
from kit.frameworks import framework, in_workers
from severance import AsleepError, PermitError

with framework("pydantic_ai"):
    from pydantic import BaseModel
    from pydantic_ai import Agent, BinaryContent, UnexpectedModelBehavior
    from pydantic_ai.messages import (
        ModelMessage,
        ModelResponse,
        TextPart,
        ToolCallPart,
        ToolReturnPart,
        UserPromptPart,
    )
    from pydantic_ai.models.function import AgentInfo, FunctionModel

    from severance.integrations.pydantic_ai import MemoryToolset, Remembering

if TYPE_CHECKING:
    from severance import House, Session


class Actor:
    """Says what is next in its part, and notes what it was asked and which tools it had."""

    def __init__(self, *part: Any) -> None:
        self.part = list(part)
        self.heard: list[list[ModelMessage]] = []
        self.tools: dict[str, Any] = {}

    def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.heard.append(messages)
        self.tools = {tool.name: tool for tool in info.function_tools}
        said = self.part.pop(0)
        return ModelResponse([TextPart(said) if isinstance(said, str) else said])

    def last(self, turn: int, kind: type) -> list[Any]:
        return [part for part in self.heard[turn][-1].parts if isinstance(part, kind)]


def calls(name: str, **arguments: Any) -> ToolCallPart:
    return ToolCallPart(name, arguments)


def with_tools(actor: Actor, session: Session) -> Agent[None, str]:
    return Agent(FunctionModel(actor), toolsets=[MemoryToolset(session)])


@in_workers
def test_an_agent_remembers_recalls_and_amends_with_the_tools(innie: Session) -> None:
    actor = Actor(calls("remember", text="Lunch is at noon."), calls("recall", query="when is lunch?"), "At noon.")
    assert with_tools(actor, innie).run_sync("When is lunch?").output == "At noon."
    (returned,) = actor.last(2, ToolReturnPart)
    assert returned.content[0]["text"] == "Lunch is at noon."
    actor = Actor(calls("amend", id=returned.content[0]["id"], text="Lunch is at one."), "Done.")
    with_tools(actor, innie).run_sync("Correct it.")
    assert recalled(innie, "lunch") == ["Lunch is at one."]


def test_no_tool_has_an_argument_for_a_persona_or_a_place(innie: Session) -> None:
    actor = Actor("Nothing.")
    with_tools(actor, innie).run_sync("What have you?")
    schemas = {name: tool.parameters_json_schema for name, tool in actor.tools.items()}
    assert {name: set(schema["properties"]) for name, schema in schemas.items()} == {
        "remember": {"text"},
        "recall": {"query"},
        "amend": {"id", "text"},
    }
    assert all(schema["additionalProperties"] is False for schema in schemas.values())
    assert all(tool.description for tool in actor.tools.values())
    assert all(each["description"] for schema in schemas.values() for each in schema["properties"].values())


@pytest.mark.parametrize(
    ("call", "told"),
    [("amend", "no memory"), ("remember", "the text is empty"), ("recall", "the query is empty")],
)
@in_workers
def test_what_the_model_can_mend_it_is_told_and_may_try_again(innie: Session, call: str, told: str) -> None:
    given = {"amend": {"id": "0" * 30, "text": "x"}, "remember": {"text": " "}, "recall": {"query": ""}}[call]
    actor = Actor(calls(call, **given), "I see.")
    assert with_tools(actor, innie).run_sync("Do it.").output == "I see."
    (retry,) = actor.last(1, ToolReturnPart)
    assert retry.outcome == "retried"
    assert told in retry.content


def test_a_model_that_does_not_mend_it_comes_to_an_end(innie: Session) -> None:
    actor = Actor(*[calls("remember", text=" ")] * 9)
    with pytest.raises(UnexpectedModelBehavior):
        with_tools(actor, innie).run_sync("Do it.")
    assert len(actor.heard) == 4


@in_workers
def test_a_session_that_sleeps_ends_the_run(innie: Session) -> None:
    innie.sleep()
    with pytest.raises(AsleepError, match="cross again"):
        with_tools(Actor(calls("recall", query="lunch"), "never"), innie).run_sync("Do it.")
    with pytest.raises(AsleepError, match="cross again"):
        Agent(FunctionModel(Actor("never")), capabilities=[Remembering(innie)]).run_sync("Do it.")


def remembering(actor: Actor, session: Session, **how: Any) -> Agent[None, Any]:
    return Agent(FunctionModel(actor), capabilities=[Remembering(session, **how)])


def test_what_is_remembered_goes_before_the_prompt_and_not_into_the_messages(innie: Session) -> None:
    nobody = Actor("I don't know.")
    remembering(nobody, innie, capture=False).run_sync("When is lunch?")
    assert [part.content for part in nobody.last(0, UserPromptPart)] == ["When is lunch?"]
    innie.remember("Lunch is at noon.")
    actor = Actor("At noon.", "As I said.")
    agent = remembering(actor, innie)
    first = agent.run_sync("When is lunch?")
    notes, prompt = actor.last(0, UserPromptPart)
    assert "no orders" in notes.content
    assert "Lunch is at noon." in notes.content
    assert prompt.content == "When is lunch?"
    assert "no orders" not in str(first.all_messages())
    agent.run_sync("Is lunch at noon?", message_history=first.all_messages())
    assert str(actor.heard[1]).count("no orders") == 1


def test_prompts_and_answers_are_remembered(innie: Session) -> None:
    class Menu(BaseModel):
        dish: str
        price: int

    agent = remembering(Actor("Waffles, as always.", "A picture."), innie, thread="day")
    agent.run_sync("What is for lunch?")
    agent.run_sync(["What is", BinaryContent(b"\0", media_type="image/png"), "this?"])
    menu = Actor(calls("final_result", dish="pancakes", price=5))
    remembering(menu, innie, thread="day").run_sync("And for dinner?", output_type=Menu)
    assert [(memory.source, memory.text) for memory in innie.memories(thread="day")] == [
        ("user", "What is for lunch?"),
        ("assistant", "Waffles, as always."),
        ("user", "What is\nthis?"),
        ("assistant", "A picture."),
        ("user", "And for dinner?"),
        ("assistant", "pancakes\n5"),
    ]


def test_it_recalls_and_captures_only_as_far_as_it_is_told_to(innie: Session) -> None:
    innie.remember("Lunch is at noon.")
    actor = Actor("At noon.")
    remembering(actor, innie, tokens=0, capture=False, tools=False).run_sync("When is lunch?")
    assert [part.content for part in actor.last(0, UserPromptPart)] == ["When is lunch?"]
    assert (actor.tools, innie.stats()["memories"]) == ({}, 1)


def test_a_permit_for_one_thread_has_an_agent_that_keeps_to_it(house: House, innie: Session) -> None:
    innie.remember("The goats are in the corridor.", thread="tuesday")
    permit = house.permit("mark", "floor", rights=["recall", "remember"], until="2100-01-01")
    with house.admit(severance.weaken(permit, threads=["monday"])) as less:
        with pytest.raises(PermitError):
            remembering(Actor("Noted."), less, thread="monday").run_sync("Where are the goats?")
        first = Actor(calls("remember", text="The goats are fed at noon."), "Noted.")
        remembering(first, less, thread="monday", whole=False).run_sync("They are fed at noon.")
        second = Actor(calls("recall", query="goats"), "At noon.")
        remembering(second, less, thread="monday", whole=False).run_sync("When are the goats fed?")
        assert "fed at noon" in str(second.heard)
        assert "corridor" not in str(second.heard)
    assert {memory.thread for memory in innie.memories()} == {"monday", "tuesday"}


@in_workers
def test_an_agent_of_another_persona_is_told_nothing(innie: Session, outie: Session) -> None:
    remembering(Actor("Noted."), innie).run_sync("The goats are in the corridor.")
    actor = Actor(calls("recall", query="goats"), "I know of none.")
    remembering(actor, outie).run_sync("Where are the goats?")
    assert "corridor" not in str(actor.heard)
