"""The OpenAI Agents SDK: its own `Runner`, agents and tools, with a model that plays a part."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

import severance
from kit import recalled
from kit.frameworks import framework, in_workers
from severance import AsleepError, InputError

with framework("openai_agents"):
    from agents import Agent, Model, ModelResponse, RunConfig, Runner, SessionSettings, Usage, UserError
    from agents import Session as Conversation
    from agents.memory import SQLiteSession
    from openai.types.responses import (
        ResponseFunctionToolCall,
        ResponseOutputMessage,
        ResponseOutputText,
    )
    from pydantic import BaseModel

    from severance.integrations.openai_agents import Capturing, SeveranceSession, tools

if TYPE_CHECKING:
    from severance import House, Session
    from severance.barrier.traces.ports import StillClock

ITEMS: list[Any] = [
    {"role": "user", "content": "What is for lunch?"},
    {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "é \0 \ud800 \u2028"},
            {"type": "input_image", "image_url": "data:x"},
        ],
    },
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
    {"type": "function_call", "call_id": "c1", "name": "menu", "arguments": '{"day": "friday"}', "id": "fc_1"},
    {"type": "function_call_output", "call_id": "c1", "output": "waffles\n" * 10_000},
    {"type": "function_call_output", "call_id": "c2", "output": " " * 40_000},
    {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Waffles.", "annotations": []}],
    },
    {"role": "user", "content": "hi"},
    {"role": "user", "content": "hi"},
    {"z": 1, "a": {"nested": [1.5, -0.0, 1e300, True, None, 2**70]}, "": {}},
    {},
]


def run(awaitable: Any) -> Any:
    return asyncio.run(awaitable)


@pytest.fixture
def conversation(innie: Session) -> SeveranceSession:
    return SeveranceSession("lunch", innie)


def test_it_is_a_session_as_the_sdk_has_it(conversation: SeveranceSession) -> None:
    assert isinstance(conversation, Conversation)


@in_workers
def test_items_come_back_byte_for_byte_in_their_order(conversation: SeveranceSession, innie: Session) -> None:
    run(conversation.add_items(ITEMS[:4]))
    run(conversation.add_items(ITEMS[4:]))
    assert [json.dumps(item) for item in run(conversation.get_items())] == [json.dumps(item) for item in ITEMS]
    other = SeveranceSession("lunch", innie)
    assert run(other.get_items()) == ITEMS


@pytest.mark.parametrize("limit", [0, 1, 3, 11, 99, -1, None])
def test_a_limit_leaves_the_last_as_the_sdks_own_session_does(
    conversation: SeveranceSession, limit: int | None
) -> None:
    own = SQLiteSession("lunch")
    for each in (conversation, own):
        run(each.add_items([{"role": "user", "content": str(number)} for number in range(11)]))
    assert run(conversation.get_items(limit)) == run(own.get_items(limit))
    assert run(conversation.get_items(limit=limit)) == run(own.get_items(limit=limit))


def test_the_limit_of_the_settings_counts_where_none_is_given(innie: Session) -> None:
    conversation = SeveranceSession("lunch", innie, session_settings=SessionSettings(limit=2))
    run(conversation.add_items(ITEMS))
    assert run(conversation.get_items()) == ITEMS[-2:]
    assert run(conversation.get_items(3)) == ITEMS[-3:]


@in_workers
def test_popping_takes_items_from_the_end_one_by_one(conversation: SeveranceSession, innie: Session) -> None:
    run(conversation.add_items(ITEMS))
    for item in reversed(ITEMS):
        assert run(conversation.pop_item()) == item
    assert run(conversation.pop_item()) is None
    assert innie.stats()["versions"] == 0
    run(conversation.add_items([{"n": 1}]))
    assert run(conversation.get_items()) == [{"n": 1}]


def test_clearing_takes_out_this_conversation_and_no_other(conversation: SeveranceSession, innie: Session) -> None:
    other = SeveranceSession("dinner", innie)
    innie.remember("a note on the thread", thread="lunch")
    run(conversation.add_items(ITEMS))
    run(other.add_items([{"n": 1}]))
    run(conversation.clear_session())
    assert run(conversation.get_items()) == []
    assert run(other.get_items()) == [{"n": 1}]
    assert [memory.text for memory in innie.memories(thread="lunch")] == ["a note on the thread"]


def test_the_order_holds_when_the_clock_goes_back(conversation: SeveranceSession, clock: StillClock) -> None:
    for number in range(5):
        run(conversation.add_items([{"n": number}, {"n": number}]))
        clock.tick(-60)
    assert [item["n"] for item in run(conversation.get_items())] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_what_two_writers_add_at_once_is_all_there_and_each_call_together(
    house: House, innie: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = SeveranceSession("lunch", innie), SeveranceSession("lunch", house.cross("mark", "floor"))
    run(first.add_items([{"n": 0}]))
    with monkeypatch.context() as patched:  # the second looks before the first has added
        seen = second._memories()
        patched.setattr(second, "_memories", lambda: seen)
        run(first.add_items([{"role": "user", "content": "hi"}, {"n": "x" * 40_000}]))
        run(second.add_items([{"role": "user", "content": "hi"}, {"n": "y" * 40_000}]))
    got = run(first.get_items())
    assert got == run(second.get_items())
    assert [item if len(str(item)) < 99 else item["n"][0] for item in got] == [
        {"n": 0},
        {"role": "user", "content": "hi"},
        "x",
        {"role": "user", "content": "hi"},
        "y",
    ]


def test_a_long_item_half_taken_out_is_gone(conversation: SeveranceSession, innie: Session) -> None:
    run(conversation.add_items([{"n": 1}, {"n": "x" * 40_000}, {"n": 2}]))
    begun = next(memory for memory in innie.memories(thread="lunch") if memory.text.startswith("0 "))
    innie.forget(begun.id)
    assert run(conversation.get_items()) == [{"n": 1}, {"n": 2}]
    run(conversation.clear_session())
    assert innie.stats()["memories"] == 0


def test_what_is_left_of_a_long_item_is_never_taken_for_the_end_of_another(
    conversation: SeveranceSession, innie: Session
) -> None:
    run(conversation.add_items([{"n": "x" * 20_000}, {"n": "y" * 50_000}]))
    for memory in list(innie.memories(thread="lunch")):
        if "y" in memory.text and memory.text[0] in "01":
            innie.forget(memory.id)
    assert run(conversation.get_items()) == [{"n": "x" * 20_000}]


@pytest.mark.parametrize("item", [{"n": float("nan")}, {"n": object()}])
def test_an_item_that_is_not_json_is_refused_and_none_is_kept(conversation: SeveranceSession, item: Any) -> None:
    with pytest.raises(InputError, match="not JSON"):
        run(conversation.add_items([{"n": 1}, item]))
    assert run(conversation.get_items()) == []


@pytest.mark.parametrize("name", ["", "x" * 600, "a\0", 3, None])
def test_an_id_that_is_no_thread_is_refused(innie: Session, name: Any) -> None:
    with pytest.raises(InputError):
        SeveranceSession(name, innie)


@in_workers
def test_conversations_are_told_apart_by_the_persona(innie: Session, outie: Session) -> None:
    run(SeveranceSession("lunch", innie).add_items(ITEMS))
    assert run(SeveranceSession("lunch", outie).get_items()) == []


def test_what_was_said_is_recalled_and_what_nobody_reads_is_not(conversation: SeveranceSession, innie: Session) -> None:
    run(conversation.add_items(ITEMS))
    assert "What is for lunch?" in recalled(innie, "lunch")
    found = innie.recall("lunch", thread="lunch")[0].memory
    assert (found.source, found.kind) == ("user", "message")
    assert not any("data:x" in text for text in recalled(innie, "data"))


class Actor(Model):
    """A model that says what is next in its part, and notes what it was asked."""

    def __init__(self, *part: Any) -> None:
        self.part = list(part)
        self.heard: list[Any] = []

    async def get_response(self, system_instructions: Any, input: Any, *given: Any, **named: Any) -> ModelResponse:  # noqa: A002
        self.heard.append(input)
        said = self.part.pop(0)
        return ModelResponse(output=[said], usage=Usage(), response_id=None)

    def stream_response(self, *given: Any, **named: Any) -> Any:
        raise NotImplementedError


def says(text: str) -> ResponseOutputMessage:
    part = ResponseOutputText(text=text, type="output_text", annotations=[])
    return ResponseOutputMessage(id="m", content=[part], role="assistant", status="completed", type="message")


def calls(name: str, number: int = 1, **arguments: Any) -> ResponseFunctionToolCall:
    return ResponseFunctionToolCall(
        id=f"f{number}", call_id=f"c{number}", type="function_call", name=name, arguments=json.dumps(arguments)
    )


QUIET = RunConfig(tracing_disabled=True)


def agent(model: Actor, session: Session | None = None, **more: Any) -> Agent[Any]:
    return Agent(name="lunch", model=model, tools=tools(session) if session is not None else [], **more)


@in_workers
def test_an_agent_goes_on_where_its_conversation_was(innie: Session) -> None:
    first = Actor(says("Waffles, as always."))
    run(Runner.run(agent(first), "What is for lunch?", session=SeveranceSession("day", innie), run_config=QUIET))
    later = Actor(says("You asked about lunch."))
    done = run(Runner.run(agent(later), "What did I ask?", session=SeveranceSession("day", innie), run_config=QUIET))
    assert done.final_output == "You asked about lunch."
    assert "What is for lunch?" in json.dumps(later.heard)
    assert "Waffles, as always." in json.dumps(later.heard)
    assert len(run(SeveranceSession("day", innie).get_items())) == 4


def test_a_run_keeps_the_same_items_as_with_the_sdks_own_session(innie: Session) -> None:
    kept = []
    for conversation in (SeveranceSession("day", innie), SQLiteSession("day")):
        model = Actor(calls("remember", text="Lunch is at noon."), says("Noted."), says("Again."))
        for text in ("Note it.", "Again?"):
            run(Runner.run(agent(model, innie), text, session=conversation, run_config=QUIET))
        kept.append([without_ids(item) for item in run(conversation.get_items())])
    assert kept[0] == kept[1]
    assert len(kept[0]) == 6


def without_ids(item: dict[str, Any]) -> dict[str, Any]:
    return {name: "{}" if name == "output" else value for name, value in item.items()}


def test_an_agent_remembers_recalls_and_amends_with_the_tools(innie: Session) -> None:
    model = Actor(
        calls("remember", text="Lunch is at noon."),
        calls("recall", 2, query="when is lunch?"),
        says("At noon."),
    )
    run(Runner.run(agent(model, innie), "Note it.", run_config=QUIET))
    assert recalled(innie, "lunch") == ["Lunch is at noon."]
    assert "Lunch is at noon." in model.heard[2][-1]["output"]
    kept = next(innie.memories()).id
    model = Actor(calls("amend", id=kept, text="Lunch is at one."), says("Done."))
    run(Runner.run(agent(model, innie), "Correct it.", run_config=QUIET))
    assert recalled(innie, "lunch") == ["Lunch is at one."]


def test_no_tool_has_an_argument_for_a_persona_or_a_place(innie: Session) -> None:
    names = {name for tool in tools(innie) for name in tool.params_json_schema["properties"]}
    assert names == {"text", "query", "id"}
    assert all(tool.params_json_schema["additionalProperties"] is False for tool in tools(innie))
    assert all(tool.description for tool in tools(innie))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (calls("amend", id="0" * 30, text="x"), "no memory"),
        (calls("remember", text=" "), "the text is empty"),
        (calls("recall"), "error"),
    ],
)
@in_workers
def test_what_the_model_can_mend_it_is_told(innie: Session, call: ResponseFunctionToolCall, told: str) -> None:
    model = Actor(call, says("I see."))
    done = run(Runner.run(agent(model, innie), "Do it.", run_config=QUIET))
    assert done.final_output == "I see."
    assert told in model.heard[1][-1]["output"]


@in_workers
def test_a_session_that_sleeps_ends_the_run(innie: Session) -> None:
    model = Actor(calls("recall", query="lunch"), says("never"))
    innie.sleep()
    with pytest.raises(UserError, match="recall: this session has ended; cross again") as ended:
        run(Runner.run(agent(model, innie), "Do it.", run_config=QUIET))
    assert isinstance(ended.value.__cause__, AsleepError)
    with pytest.raises(AsleepError, match="cross again"):
        run(Runner.run(agent(Actor()), "Do it.", session=SeveranceSession("day", innie), run_config=QUIET))


def test_a_permit_for_one_thread_has_tools_that_keep_to_it(house: House, innie: Session) -> None:
    permit = house.permit("mark", "floor", rights=["recall", "remember"], until="2100-01-01")
    with house.admit(severance.weaken(permit, threads=["monday"])) as less:
        model = Actor(calls("remember", text="Lunch is at noon."), calls("recall", 2, query="lunch"), says("At noon."))
        clerk = Agent(name="clerk", model=model, tools=list(tools(less, thread="monday")))
        assert run(Runner.run(clerk, "When is lunch?", run_config=QUIET)).final_output == "At noon."
    assert [(memory.text, memory.thread) for memory in innie.memories()] == [("Lunch is at noon.", "monday")]


class Menu(BaseModel):
    dish: str
    price: int


def test_hooks_remember_what_was_asked_and_answered(innie: Session) -> None:
    hooks = Capturing(innie, thread="day")
    model = Actor(says("Waffles, as always."), says('{"dish": "pancakes", "price": 5}'))
    before: list[Any] = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello."}]
    asked = [*before, {"role": "user", "content": "What is for lunch?"}]
    run(Runner.run(agent(model), asked, hooks=hooks, run_config=QUIET))
    run(Runner.run(agent(model, output_type=Menu), "And for dinner?", hooks=hooks, run_config=QUIET))
    said = [(memory.source, memory.text) for memory in innie.memories(thread="day")]
    assert said == [
        ("user", "What is for lunch?"),
        ("assistant", "Waffles, as always."),
        ("user", "And for dinner?"),
        ("assistant", "pancakes\n5"),
    ]


def test_what_was_amended_into_no_item_is_passed_over(conversation: SeveranceSession, innie: Session) -> None:
    first, long, last = ({"role": "user", "content": text} for text in ("hello", "zebra " * 4_000, "bye"))
    run(conversation.add_items([first, long, last]))
    for memory in innie.memories():
        if "zebra" in memory.text:
            innie.amend(memory.id, "Zebras.")
    innie.remember("a note", thread=conversation.session_id, metadata={"openai-agents": True, "turn": "x"})
    assert run(conversation.get_items()) == [first, last]
    assert [run(conversation.pop_item()) for _ in range(3)] == [last, first, None]
    assert list(innie.memories(thread=conversation.session_id)) == []
